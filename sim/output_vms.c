/*
 * See output_parts.h: vms.csv and vm_timeline.csv. A VM's row is written when its life ends (VMs
 * that outlive the run: at the end, in order of id), so nothing is kept of VMs that are gone. What a
 * VM gathered on a host that it left for another (failure, restart) waits in a table of its own
 * until then.
 */
#include "sim/output_parts.h"

#include <errno.h>
#include <string.h>

#include "sim/core/pool.h"

/* clang-format off */
#define VM_COLUMNS(X) \
	LABEL_COLUMNS(X) \
	X(text, "vm", run_vm_name(run, vm, name, sizeof(name))) \
	X(text, "group", run->plan.group[v->group[vm]].spec->name) \
	X(text, "state", vm_state_name[v->state[vm]]) \
	X(text, "host", \
	  sums->host == DC_NONE ? "" : run_host_name(run, sums->host, name, sizeof(name))) \
	X(moment, "created_s", v->created_ns[vm]) \
	X(moment, "started_s", v->started_ns[vm]) \
	X(moment, "ended_s", v->state[vm] >= VM_DONE ? run->now_ns : -1) \
	X(real, "running_s", sums->run) \
	X(real, "cpu_want_mhz", output_mean(sums->want[RES_CPU], sums->run)) \
	X(real, "cpu_grant_mhz", output_mean(sums->grant[RES_CPU], sums->run)) \
	X(real, "cpu_shortfall", shortfall(sums, RES_CPU)) \
	X(real, "cpu_entitled", output_mean(sums->grant[RES_CPU], sums->entitled)) \
	X(real, "steal_s", sums->steal) \
	X(real, "stall_s", sums->stall) \
	X(real, "mem_want_bytes", output_mean(sums->want[RES_MEM], sums->run)) \
	X(real, "mem_grant_bytes", output_mean(sums->grant[RES_MEM], sums->run)) \
	X(real, "mem_shortfall", shortfall(sums, RES_MEM)) \
	X(real, "disk_want_bytes_s", output_mean(sums->want[RES_DISK], sums->run)) \
	X(real, "disk_grant_bytes_s", output_mean(sums->grant[RES_DISK], sums->run)) \
	X(real, "disk_shortfall", shortfall(sums, RES_DISK)) \
	X(real, "iops_want", output_mean(sums->want[RES_IOPS], sums->run)) \
	X(real, "iops_grant", output_mean(sums->grant[RES_IOPS], sums->run)) \
	X(real, "starvation_s", sums->starve) \
	X(real, "backlog_mhz_s", sums->backlog) \
	X(real, "work_core_s", of_loads(sums, s->work_done)) \
	X(real, "arrived", of_loads(sums, (double)s->arrived)) \
	X(real, "completed", of_loads(sums, (double)s->completed)) \
	X(real, "waited", of_loads(sums, (double)s->waited)) \
	X(real, "refused", of_loads(sums, (double)s->rejected)) \
	X(real, "in_system_mean", in_system) \
	X(real, "in_system_var", s->in_system_sq_integral / sums->run - in_system * in_system) \
	X(real, "slowdown_mean", output_mean(s->slowdown_sum, completed)) \
	X(real, "response_mean_s", output_mean(s->response_sum, completed)) \
	X(real, "response_sd_s", output_sd(s)) \
	X(real, "response_p50_s", quantile(s->response, 0.5)) \
	X(real, "response_p95_s", quantile(s->response, 0.95)) \
	X(real, "response_p99_s", quantile(s->response, 0.99)) \
	X(real, "wait_mean_s", output_mean(s->wait_sum, completed)) \
	X(real, "wait_p95_s", quantile(s->wait, 0.95)) \
	X(real, "total_mean_s", output_mean(s->total_sum, (double)s->total_count)) \
	X(count, "migrations", sums->migrations) \
	X(real, "downtime_s", sums->down_s) \
	X(real, "pdm", metrics_share(sums->lost, sums->want[RES_CPU])) \
	X(real, "availability", output_mean(sums->run, lived_s(run, vm))) \
	X(real, "run_delay_s", real.run_delay_s) \
	X(real, "work_rate", real.work_rate) \
	X(real, "late_ms", real.late_ms)

#define VM_TIMELINE_COLUMNS(X) \
	LABEL_COLUMNS(X) \
	X(time, "time_s", run->now_ns) \
	X(text, "vm", run_vm_name(run, vm, name, sizeof(name))) \
	X(real, "cpu_want_mhz", slot->want[RES_CPU][s]) \
	X(real, "cpu_grant_mhz", slot->grant[RES_CPU][s]) \
	X(real, "mem_want_bytes", slot->want[RES_MEM][s]) \
	X(real, "mem_grant_bytes", slot->grant[RES_MEM][s]) \
	X(real, "disk_want_bytes_s", slot->want[RES_DISK][s]) \
	X(real, "disk_grant_bytes_s", slot->grant[RES_DISK][s]) \
	X(real, "iops_want", slot->want[RES_IOPS][s]) \
	X(real, "iops_grant", slot->grant[RES_IOPS][s]) \
	X(real, "cpu_got_mhz", real.got[RES_CPU]) \
	X(real, "mem_got_bytes", real.got[RES_MEM]) \
	X(real, "disk_got_bytes_s", real.got[RES_DISK]) \
	X(real, "iops_got", real.got[RES_IOPS]) \
	X(real, "run_delay_s", real.run_delay_s) \
	X(real, "work_rate", real.work_rate)
/* clang-format on */

const char *const output_names_vms[] = COLUMN_NAMES(VM_COLUMNS);
const char *const output_names_vm_timeline[] = COLUMN_NAMES(VM_TIMELINE_COLUMNS);

/* What only a real VM tells; NAN of a simulated one. */
static struct vm_real vm_real(const struct run *run, uint32_t vm)
{
	const double none = (double)NAN;
	struct vm_real real = {none, none, none, none, {none, none, none, none}};

	if (run->driver->vm_real)
		(void)run->driver->vm_real(run->driver_state, vm, &real);
	return real;
}

static struct vm_sums *saved_find(struct output *o, uint32_t vm)
{
	return vm < o->saved_of_cap && o->saved_of[vm] ? &o->saved[o->saved_of[vm] - 1] : NULL;
}

static struct vm_sums *saved_get(struct output *o, struct run *run, uint32_t vm)
{
	struct vm_sums *found = saved_find(o, vm);

	if (found)
		return found;
	if (mem_grow(&o->saved_of, &o->saved_of_cap, (size_t)vm + 1, sizeof(*o->saved_of)) < 0 ||
	    mem_grow(&o->saved, &o->saved_cap, o->nsaved + 1, sizeof(*o->saved)) < 0) {
		err_nomem(run->err);
		return NULL;
	}
	o->saved_of[vm] = (uint32_t)++o->nsaved;
	o->saved[o->nsaved - 1] = (struct vm_sums){.host = DC_NONE, .vm = vm};
	return &o->saved[o->nsaved - 1];
}

/* Frees the VM's entry; the last one of the table takes its place. */
static void saved_drop(struct output *o, uint32_t vm)
{
	struct vm_sums *found = saved_find(o, vm);

	if (!found)
		return;
	uint32_t at = o->saved_of[vm];
	o->saved_of[vm] = 0;
	const struct vm_sums *last = &o->saved[--o->nsaved];
	if (found == last)
		return;
	o->saved_of[last->vm] = at;
	*found = *last;
}

static void sums_add_slot(struct vm_sums *sums, const struct run *run, uint32_t vm)
{
	const struct dc *dc = &run->plan.dc;
	uint32_t s = dc->vm.slot[vm];

	for (int r = 0; r < RES_COUNT; r++) {
		sums->want[r] += dc->slot.sum.want[r][s];
		sums->grant[r] += dc->slot.sum.grant[r][s];
	}
	sums->entitled += run->metrics.entitled_by_grant ? dc->slot.sum.grant[RES_CPU][s]
							 : dc->slot.sum.entitled[s];
	sums->steal += (dc->slot.sum.want[RES_CPU][s] - dc->slot.sum.grant[RES_CPU][s]) /
		       dc->host.type[dc->vm.host[vm]]->speed;
	sums->stall += dc->slot.sum.stall[s];
	sums->run += dc->slot.sum.run[s];
	sums->starve = fmax(sums->starve, (double)dc->slot.sum.starve_max[s]);
	sums->host = dc->vm.host[vm];
}

static size_t vms_with_rows(const struct output *o, const struct run *run)
{
	size_t most = (size_t)run->scenario->output.vm_timeline, n = run->plan.dc.vm.n;

	return !o->csv[OUTPUT_VM_TIMELINE] ? 0 : n < most ? n : most;
}

/* The VM has left its host: what it gets after this is counted from here. */
static int mark_row(struct output *o, struct run *run, uint32_t vm, const struct vm_sums *sums)
{
	if (vm >= vms_with_rows(o, run))
		return 0;
	if (mem_grow(&o->row, &o->row_cap, (size_t)vm + 1, sizeof(*o->row)) < 0)
		return err_nomem(run->err);
	memcpy(o->row[vm].grant, sums->grant, sizeof(sums->grant));
	o->row[vm].at_ns = run->now_ns;
	return 0;
}

/* Means since the last row, or since the VM started. A host that sleeps has not been accounted for up to now. */
static void got_since(struct output *o, const struct run *run, uint32_t vm, double got[RES_COUNT])
{
	const struct dc *dc = &run->plan.dc;
	const struct vm_sums *saved = saved_find(o, vm);
	struct vm_row *row = &o->row[vm];
	uint32_t s = dc->vm.slot[vm];
	int64_t started = dc->vm.started_ns[vm];
	double unseen = (double)(run->now_ns - dc->host.last_ns[dc->vm.host[vm]]) * 1e-9;
	double dt = (double)(run->now_ns - (row->at_ns > started ? row->at_ns : started)) * 1e-9;

	for (int r = 0; r < RES_COUNT; r++) {
		double sum = (saved ? saved->grant[r] : 0) + dc->slot.sum.grant[r][s] +
			     dc->slot.grant[r][s] * unseen;
		got[r] = dt > 0 ? (sum - row->grant[r]) / dt : (double)NAN;
		row->grant[r] = sum;
	}
	row->at_ns = run->now_ns;
}

int output_vm_timeline(struct output *o, struct run *run)
{
	struct csv *csv = o->csv[OUTPUT_VM_TIMELINE];
	const struct dc *dc = &run->plan.dc;
	const struct dc_slots *slot = &dc->slot;
	size_t n = vms_with_rows(o, run);
	char name[160];

	if (mem_grow(&o->row, &o->row_cap, n, sizeof(*o->row)) < 0)
		return err_nomem(run->err);
	for (uint32_t vm = 0; vm < n; vm++) {
		uint32_t s = dc->vm.slot[vm];
		if (s == DC_NONE)
			continue;
		struct vm_real real = vm_real(run, vm);
		if (!run->driver->vm_real)
			got_since(o, run, vm, real.got);
		COLUMNS_WRITE(VM_TIMELINE_COLUMNS);
	}
	return 0;
}

/* Requests in the system, response and waiting times, where the scenario wants distributions. */
static void write_distributions(struct output *o, const struct run *run, uint32_t vm,
				const struct workload_stats *stats)
{
	char name[160];
	double time = 0;

	if (!o->csv[OUTPUT_DISTRIBUTIONS] || o->quiet)
		return;
	run_vm_name(run, vm, name, sizeof(name));
	if (stats->response)
		output_histogram(o, name, "response_s", stats->response);
	if (stats->wait)
		output_histogram(o, name, "wait_s", stats->wait);
	if (!stats->in_system_time)
		return;
	for (int k = 0; k < WORKLOAD_MAX_K; k++)
		time += stats->in_system_time[k];
	for (int k = 0; k < WORKLOAD_MAX_K && time > 0; k++)
		if (stats->in_system_time[k] > 0)
			output_distribution(o, name, "in_system", k,
					    stats->in_system_time[k] / time);
}

/* A job's response time begins when its VM is created: standing in line for a host is part of it. */
static struct workload_stats job_stats(struct output *o, const struct run *run, uint32_t vm,
				       const struct workload_stats *stats)
{
	const struct dc_vms *v = &run->plan.dc.vm;
	double wait = (double)(v->started_ns[vm] - v->created_ns[vm]) * 1e-9;
	struct workload_stats job = *stats;

	stat_hist_add(o->response, stats->response_sum / (double)stats->completed + wait);
	stat_hist_add(o->wait, wait);
	job.response_sum += wait * (double)stats->completed;
	job.wait_sum += wait * (double)stats->completed;
	return job;
}

/* The counters of a running VM's workloads join its own and those of the run. */
static void gather_stats(struct output *o, struct run *run, uint32_t vm, struct vm_sums *sums)
{
	const struct workload_stats *stats;

	for (size_t i = 0; (stats = run->driver->vm_stats(run->driver_state, vm, i)) != NULL; i++) {
		workload_stats_add(&sums->stats, stats);
		if (stats->response)
			stat_hist_merge(o->response, stats->response);
		struct workload_stats counted = stats->response || stats->completed == 0
							? *stats
							: job_stats(o, run, vm, stats);
		workload_stats_add(&o->stats, &counted);
		if (stats->wait)
			stat_hist_merge(o->wait, stats->wait);
		write_distributions(o, run, vm, stats);
		sums->has_stats = true;
	}
	sums->backlog += run->driver->vm_backlog(run->driver_state, vm);
}

int output_vm_stops(struct output *o, struct run *run, uint32_t vm)
{
	struct vm_sums *sums = saved_get(o, run, vm);

	if (!sums)
		return -ENOMEM;
	gather_stats(o, run, vm, sums);
	return 0;
}

int output_vm_leaves(struct output *o, struct run *run, uint32_t vm)
{
	int rc = output_vm_stops(o, run, vm);

	if (rc == 0) {
		sums_add_slot(saved_find(o, vm), run, vm);
		rc = mark_row(o, run, vm, saved_find(o, vm));
	}
	return rc;
}

int output_vm_moves(struct output *o, struct run *run, uint32_t vm)
{
	struct vm_sums *sums = saved_get(o, run, vm);
	struct slot_sums *slot = &run->plan.dc.slot.sum;
	uint32_t s = run->plan.dc.vm.slot[vm];

	if (!sums)
		return -ENOMEM;
	sums_add_slot(sums, run, vm);
	for (unsigned r = 0; r < RES_COUNT; r++)
		if (dc_used(&run->plan.dc, r, run->plan.dc.vm.host[vm]))
			slot->want[r][s] = slot->grant[r][s] = 0;
	slot->entitled[s] = slot->stall[s] = slot->run[s] = 0;
	return 0;
}

int output_vm_moved(struct output *o, struct run *run, uint32_t vm, const struct vm_moved *moved)
{
	struct vm_sums *sums = saved_get(o, run, vm);

	if (!sums)
		return -ENOMEM;
	sums->migrations += moved->counts;
	sums->down_s += moved->down_s;
	sums->lost += moved->lost;
	return 0;
}

/* Since the VM was created, or the warm-up ended; of one that was rejected, nothing. */
static double lived_s(const struct run *run, uint32_t vm)
{
	const struct dc_vms *v = &run->plan.dc.vm;
	int64_t from = v->created_ns[vm] > run->warm_ns ? v->created_ns[vm] : run->warm_ns;

	return v->created_ns[vm] < 0 || v->state[vm] == VM_REJECTED
		       ? 0
		       : (double)(run->now_ns - from) * 1e-9;
}

static double shortfall(const struct vm_sums *sums, int r)
{
	return metrics_share(sums->want[r] - sums->grant[r], sums->want[r]);
}

/* What is told only of VMs whose workloads count. */
static double of_loads(const struct vm_sums *sums, double value)
{
	return sums->has_stats ? value : (double)NAN;
}

static double quantile(const struct stat_hist *hist, double q)
{
	return hist ? stat_hist_quantile(hist, q) : (double)NAN;
}

static void write_vm(const struct output *o, const struct run *run, struct csv *csv, uint32_t vm,
		     const struct vm_sums *sums)
{
	const struct dc_vms *v = &run->plan.dc.vm;
	const struct workload_stats *s = &sums->stats;
	struct vm_real real = vm_real(run, vm);
	double completed = (double)s->completed;
	double in_system =
		s->in_system_integral > 0 ? s->in_system_integral / sums->run : (double)NAN;
	char name[160];

	COLUMNS_WRITE(VM_COLUMNS);
}

/* The VM's life is over: what it adds to the sums of all. */
static int count_vm(struct output *o, struct run *run, uint32_t vm, const struct vm_sums *sums)
{
	if (sums->entitled > 0) {
		if (mem_grow(&o->ratio, &o->ratio_cap, o->nratio + 1, sizeof(double)) < 0)
			return err_nomem(run->err);
		o->ratio[o->nratio++] = sums->grant[RES_CPU] / sums->entitled;
	}
	o->starve_max = fmax(o->starve_max, sums->starve);
	o->down_s += sums->down_s;
	o->pdm += metrics_share(sums->lost, sums->want[RES_CPU]);
	o->nran += sums->run > 0;
	o->uptime[run->plan.dc.vm.group[vm]].run += sums->run;
	o->uptime[run->plan.dc.vm.group[vm]].life += lived_s(run, vm);
	return 0;
}

int output_vm(struct output *o, struct run *run, uint32_t vm)
{
	const struct vm_sums *saved = saved_find(o, vm);
	const struct vm_sums none = {.host = DC_NONE}, *sums = saved ? saved : &none;
	int rc = 0;

	if (!o->quiet) {
		rc = count_vm(o, run, vm, sums);
		if (rc == 0)
			write_vm(o, run, o->csv[OUTPUT_VMS], vm, sums);
	}
	saved_drop(o, vm);
	return rc;
}

/* VMs that outlive the run: some at a time, whose rows are made by all threads, in as many parts as there are threads.
 * The first part goes to the file at once, the others stand behind it. */

#define ROWS   2048 /* at a time */
#define ROW_NS 1000

struct living {
	const struct output *output;
	const struct run *run;
	struct csv **part;
	unsigned nparts;
	size_t n;
	uint32_t vm[ROWS];
	struct vm_sums sums[ROWS];
};

static int living_add(struct living *l, struct output *o, struct run *run, uint32_t vm)
{
	const struct vm_sums *saved = saved_find(o, vm);
	struct vm_sums *sums = &l->sums[l->n];

	*sums = saved ? *saved : (struct vm_sums){.host = DC_NONE};
	if (run->plan.dc.vm.slot[vm] != DC_NONE) {
		gather_stats(o, run, vm, sums);
		sums_add_slot(sums, run, vm);
	}
	l->vm[l->n++] = vm;
	return count_vm(o, run, vm, sums);
}

static int write_parts(void *ctx, unsigned thread, size_t first, size_t end)
{
	const struct living *l = ctx;

	(void)thread;
	for (size_t k = first; k < end; k++)
		for (size_t i = l->n * k / l->nparts; i < l->n * (k + 1) / l->nparts; i++)
			write_vm(l->output, l->run, l->part[k], l->vm[i], &l->sums[i]);
	return 0;
}

static void living_write(struct living *l)
{
	pool_deal(l->run->pool, l->nparts, l->n / l->nparts * ROW_NS, write_parts, l);
	for (unsigned i = 1; i < l->nparts; i++)
		csv_add_part(l->part[0], l->part[i]);
	l->n = 0;
}

static void living_free(struct living *l)
{
	if (!l)
		return;
	for (unsigned i = 1; l->part && i < l->nparts; i++)
		csv_abandon(l->part[i]);
	mem_free(l->part);
	mem_free(l);
}

static struct living *living_new(const struct output *o, const struct run *run)
{
	struct living *l = mem_alloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->output = o;
	l->run = run;
	l->nparts = pool_threads(run->pool);
	l->part = mem_alloc(l->nparts, sizeof(*l->part));
	bool ready = l->part != NULL;
	for (unsigned i = 0; ready && i < l->nparts; i++) {
		l->part[i] = i > 0 ? csv_part(output_ncolumns(OUTPUT_VMS)) : o->csv[OUTPUT_VMS];
		ready = l->part[i] != NULL;
	}
	if (ready)
		return l;
	living_free(l);
	return NULL;
}

int output_living_vms(struct output *o, struct run *run)
{
	const struct dc *dc = &run->plan.dc;
	struct living *l = living_new(o, run);
	int rc = l ? 0 : err_nomem(run->err);

	for (uint32_t vm = 0; vm < dc->vm.n && rc == 0; vm++) {
		if (dc->vm.state[vm] >= VM_DONE)
			continue;
		rc = living_add(l, o, run, vm);
		if (l->n == ROWS)
			living_write(l);
	}
	if (rc == 0)
		living_write(l);
	living_free(l);
	return rc;
}
