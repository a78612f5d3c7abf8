/*
 * See output.h. A VM's row is written when its life ends (VMs that outlive the run: at the end, in
 * order of id), so nothing is kept of VMs that are gone. What a VM gathered on a host that it left
 * for another (failure, restart) waits in a table of its own until then.
 */
#include "sim/output.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const output_file_name[OUTPUT_FILES] = {
	[OUTPUT_SUMMARY] = "summary.csv",
	[OUTPUT_VMS] = "vms.csv",
	[OUTPUT_HOSTS] = "hosts.csv",
	[OUTPUT_GROUPS] = "groups.csv",
	[OUTPUT_TIMELINE] = "timeline.csv",
	[OUTPUT_VM_TIMELINE] = "vm_timeline.csv",
	[OUTPUT_EVENTS] = "events.csv",
	[OUTPUT_DISTRIBUTIONS] = "distributions.csv",
};

static const char *const summary_columns[] = {"run",
					      "policy",
					      "cpu",
					      "memory",
					      "disk",
					      "placer",
					      "seed",
					      "source",
					      "vms",
					      "placed",
					      "rejected",
					      "waiting",
					      "completed",
					      "oom_kills",
					      "cpu_util",
					      "mem_util",
					      "disk_util",
					      "iops_util",
					      "active_hosts",
					      "energy_kwh",
					      "cpu_shortfall",
					      "mem_shortfall",
					      "disk_shortfall",
					      "steal_s",
					      "stall_s",
					      "overload",
					      "jain",
					      "worst",
					      "gini",
					      "jain_dominant",
					      "envy",
					      "sharing_violations",
					      "starvation_s",
					      "slowdown_mean",
					      "response_mean_s",
					      "response_p50_s",
					      "response_p95_s",
					      "response_p99_s",
					      "wait_mean_s",
					      "wait_p95_s",
					      "slatah",
					      "pdm",
					      "slav",
					      "esv",
					      "migrations",
					      "downtime_s",
					      "availability",
					      "lost",
					      "vm_availability",
					      "overall_slav",
					      "average_slav",
					      "shutdowns",
					      "shutdown_mean_s",
					      "shutdown_sd_s",
					      "idle_destroyed",
					      "overfull",
					      "work_p10",
					      "work_p90",
					      "late_ms",
					      "steal_real",
					      "background",
					      "validity",
					      NULL};
static const char *const vm_columns[] = {"run",
					 "policy",
					 "seed",
					 "source",
					 "vm",
					 "group",
					 "state",
					 "host",
					 "created_s",
					 "started_s",
					 "ended_s",
					 "running_s",
					 "cpu_want_mhz",
					 "cpu_grant_mhz",
					 "cpu_shortfall",
					 "cpu_entitled",
					 "steal_s",
					 "stall_s",
					 "mem_want_bytes",
					 "mem_grant_bytes",
					 "mem_shortfall",
					 "disk_want_bytes_s",
					 "disk_grant_bytes_s",
					 "disk_shortfall",
					 "iops_want",
					 "iops_grant",
					 "starvation_s",
					 "backlog_mhz_s",
					 "work_core_s",
					 "arrived",
					 "completed",
					 "waited",
					 "in_system_mean",
					 "in_system_var",
					 "slowdown_mean",
					 "response_mean_s",
					 "response_p50_s",
					 "response_p95_s",
					 "response_p99_s",
					 "wait_mean_s",
					 "wait_p95_s",
					 "downtime_s",
					 "availability",
					 "run_delay_s",
					 "work_rate",
					 "late_ms",
					 NULL};
static const char *const host_columns[] = {
	"run",       "policy",    "seed",     "source", "host",         "group",      "cpu_util",  "mem_util",
	"disk_util", "iops_util", "vms_mean", "on_s",         "idle_s",     "busy_s",    "off_s",
	"down_s",    "overload",  "failures", "availability", "energy_kwh", "oom_kills", NULL};
static const char *const group_columns[] = {
	"run",  "policy",  "seed",   "source", "group",       "created",    "placed",       "rejected",
	"lost", "waiting", "waited", "wait_mean_s", "wait_max_s", "availability", NULL};
static const char *const timeline_columns[] = {
	"run",         "policy",       "seed",          "source", "time_s",        "vms_running",
	"vms_waiting", "active_hosts", "cpu_util",      "mem_util",      "disk_util",
	"iops_util",   "power_w",      "cpu_shortfall", "mem_shortfall", "disk_shortfall",
	"jain",        "worst",        "jain_dominant", "envy",          NULL};
static const char *const vm_timeline_columns[] = {"run",
						  "policy",
						  "seed",
						  "source",
						  "time_s",
						  "vm",
						  "cpu_want_mhz",
						  "cpu_grant_mhz",
						  "mem_want_bytes",
						  "mem_grant_bytes",
						  "disk_want_bytes_s",
						  "disk_grant_bytes_s",
						  "iops_want",
						  "iops_grant",
						  "cpu_got_mhz",
						  "mem_got_bytes",
						  "disk_got_bytes_s",
						  "iops_got",
						  "run_delay_s",
						  "work_rate",
						  NULL};
static const char *const event_columns[] = {"run",   "policy", "seed", "source", "time_s",
					    "event", "vm",     "host", "reason",
					    NULL};
static const char *const distribution_columns[] = {"run",      "policy", "seed",  "source", "of",
						   "quantity", "value",  "share", NULL};

const char *const *const output_columns[OUTPUT_FILES] = {
	[OUTPUT_SUMMARY] = summary_columns,
	[OUTPUT_VMS] = vm_columns,
	[OUTPUT_HOSTS] = host_columns,
	[OUTPUT_GROUPS] = group_columns,
	[OUTPUT_TIMELINE] = timeline_columns,
	[OUTPUT_VM_TIMELINE] = vm_timeline_columns,
	[OUTPUT_EVENTS] = event_columns,
	[OUTPUT_DISTRIBUTIONS] = distribution_columns,
};

/* The last columns of the summary, which honest runs leave empty. */
#define COMPAT_ONLY 7

/* What one VM has gathered. */
struct vm_sums {
	double want[RES_COUNT], grant[RES_COUNT];
	double entitled, steal, stall, run, starve, backlog;
	uint32_t host;               /* the last */
	struct workload_stats stats; /* of all its workloads and lives */
	bool has_stats;
};

struct output {
	struct csv *csv[OUTPUT_FILES];
	struct output_label label;
	double row_s; /* simulated time of the last row */
	bool quiet;   /* before the end of the warm-up VMs get no rows */
	/* Sums of VMs that are between two hosts, by VM id + 1; 0 = none. */
	uint32_t *saved_of;
	size_t saved_of_cap;
	struct vm_sums *saved;
	size_t nsaved, saved_cap;
	/* Over all VMs. */
	struct workload_stats stats;
	struct stat_hist *response, *wait;
	uint64_t slowdowns;
	double *ratio; /* G/E of each VM that wanted CPU */
	size_t nratio, ratio_cap;
	double starve_max;
	/* Time that the VMs of a group ran, and that they could have. */
	struct output_uptime {
		double run, life;
	} * uptime;
	/* Seconds with k running VMs, and with k hosts down. */
	struct population {
		double *seconds;
		size_t cap;
	} running, down;
	int64_t population_ns; /* counted up to here */
	size_t ngroups;
};

size_t output_ncolumns(enum output_file file)
{
	size_t n = 0;

	while (output_columns[file][n])
		n++;
	return n;
}

bool output_wants(const struct scenario *scenario, enum output_file file)
{
	if (scenario->semantics == SEMANTICS_CLOUDSIM)
		return file == OUTPUT_SUMMARY;
	if (file == OUTPUT_EVENTS)
		return scenario->output.events;
	if (file == OUTPUT_DISTRIBUTIONS)
		return scenario->output.distributions;
	if (file == OUTPUT_VM_TIMELINE)
		return scenario->output.vm_timeline > 0;
	return true;
}

int output_open(struct output **output, const char *dir, const char *comment,
		const struct scenario *scenario, const struct output_label *label, struct err *err)
{
	struct output *o = mem_alloc(1, sizeof(*o));
	char path[4096];

	*output = o;
	if (!o)
		return err_nomem(err);
	o->label = *label;
	o->quiet = scenario->warmup_ns > 0;
	o->response = mem_alloc(1, sizeof(*o->response));
	o->wait = mem_alloc(1, sizeof(*o->wait));
	o->uptime = mem_alloc(scenario->vms.n, sizeof(*o->uptime));
	o->ngroups = scenario->vms.n;
	if (!o->response || !o->wait || !o->uptime)
		return err_nomem(err);
	for (enum output_file f = 0; f < OUTPUT_FILES; f++) {
		if (!output_wants(scenario, f))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, output_file_name[f]) >=
		    (int)sizeof(path))
			return err_input(err, "%s: the path is too long", dir);
		int rc = csv_open(&o->csv[f], path, comment, output_columns[f], output_ncolumns(f),
				  err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int output_close(struct output *o, bool commit, struct err *err)
{
	int rc = 0;

	for (int f = 0; o && f < OUTPUT_FILES; f++) {
		if (commit && rc == 0 && o->csv[f])
			rc = csv_close(o->csv[f], err);
		else
			csv_abandon(o->csv[f]);
	}
	if (o) {
		mem_free(o->saved_of);
		mem_free(o->saved);
		mem_free(o->response);
		mem_free(o->wait);
		mem_free(o->ratio);
		mem_free(o->running.seconds);
		mem_free(o->down.seconds);
		mem_free(o->uptime);
	}
	mem_free(o);
	return rc;
}

static struct csv *begin(struct output *o, enum output_file file)
{
	struct csv *csv = o->csv[file];

	csv_int(csv, (int64_t)o->label.run);
	csv_text(csv, o->label.policies->name);
	csv_int(csv, (int64_t)o->label.seed);
	csv_text(csv, o->label.source ? o->label.source : "sim");
	return csv;
}

/* Mean of a rate over @time; an empty field where there was none. */
static double mean(double sum, double time)
{
	return time > 0 ? sum / time : (double)NAN;
}

static double shortfall(const double *sum, int r)
{
	return metrics_share(sum[M_WANT + r] - sum[M_GRANT + r], sum[M_WANT + r]);
}

static double util(const double *sum, int r)
{
	return metrics_share(sum[M_GRANT + r], sum[M_CAPACITY + r]);
}

static void write_timeline(struct output *o, const struct run *run, const double *sum, double worst,
			   double time_s, double dt)
{
	struct csv *csv = begin(o, OUTPUT_TIMELINE);

	csv_time(csv, run->now_ns);
	csv_real(csv, mean(sum[M_VM_TIME], dt));
	csv_int(csv, (int64_t)(run->nwaiting - run->waiting_head));
	csv_real(csv, mean(sum[M_ACTIVE], dt));
	for (int r = 0; r < RES_COUNT; r++)
		csv_real(csv, util(sum, r));
	csv_real(csv, run->metrics.has_energy ? sum[M_ENERGY_J] / dt : (double)NAN);
	for (int r = 0; r <= RES_DISK; r++)
		csv_real(csv, shortfall(sum, r));
	csv_real(csv, metrics_jain(sum[M_RATIO], sum[M_RATIO_SQ], sum[M_RATIO_TIME]));
	csv_real(csv, worst);
	csv_real(csv, metrics_jain(sum[M_DOMINANT], sum[M_DOMINANT_SQ], sum[M_DOMINANT_TIME]));
	csv_real(csv, metrics_share(sum[M_ENVY], sum[M_PAIRS]));
	csv_end_row(csv);
	o->row_s = time_s;
}

/* What only a real VM tells; NAN of a simulated one. */
static struct vm_real vm_real(const struct run *run, uint32_t vm)
{
	const double none = (double)NAN;
	struct vm_real real = {none, none, none, none, {none, none, none, none}};

	if (run->driver->vm_real)
		(void)run->driver->vm_real(run->driver_state, vm, &real);
	return real;
}

static void write_vm_timeline(struct output *o, const struct run *run)
{
	const struct dc *dc = &run->plan.dc;
	int64_t most = run->scenario->output.vm_timeline;
	char name[160];

	for (uint32_t vm = 0; vm < dc->vm.n && vm < most; vm++) {
		uint32_t s = dc->vm.slot[vm];
		if (s == DC_NONE)
			continue;
		struct csv *csv = begin(o, OUTPUT_VM_TIMELINE);
		csv_time(csv, run->now_ns);
		csv_text(csv, run_vm_name(run, vm, name, sizeof(name)));
		for (int r = 0; r < RES_COUNT; r++) {
			csv_real(csv, dc->slot.want[r][s]);
			csv_real(csv, dc->slot.grant[r][s]);
		}
		struct vm_real real = vm_real(run, vm);
		for (int r = 0; r < RES_COUNT; r++)
			csv_real(csv, real.got[r]);
		csv_real(csv, real.run_delay_s);
		csv_real(csv, real.work_rate);
		csv_end_row(csv);
	}
}

int output_row(struct output *o, struct run *run)
{
	double row[M_SUMS], worst, now_s = (double)run->now_ns * 1e-9;

	if (now_s <= o->row_s)
		return 0;
	metrics_row(&run->metrics, row, &worst);
	write_timeline(o, run, row, worst, now_s, now_s - o->row_s);
	if (o->csv[OUTPUT_VM_TIMELINE])
		write_vm_timeline(o, run);
	return 0;
}

static int population_add(struct population *p, uint32_t k, double seconds)
{
	if (mem_grow(&p->seconds, &p->cap, (size_t)k + 1, sizeof(double)) < 0)
		return -ENOMEM;
	p->seconds[k] += seconds;
	return 0;
}

int output_population(struct output *o, const struct run *run)
{
	double seconds = (double)(run->now_ns - o->population_ns) * 1e-9;

	if (!o->csv[OUTPUT_DISTRIBUTIONS])
		return 0;
	if (population_add(&o->running, run->running, seconds) < 0 ||
	    population_add(&o->down, run->hosts_down, seconds) < 0)
		return err_nomem(run->err);
	o->population_ns = run->now_ns;
	return 0;
}

static void population_forget(struct population *p)
{
	if (p->cap > 0)
		memset(p->seconds, 0, p->cap * sizeof(double));
}

int output_warm(struct output *o, struct run *run)
{
	population_forget(&o->running);
	population_forget(&o->down);
	memset(o->uptime, 0, o->ngroups * sizeof(*o->uptime));
	o->population_ns = run->now_ns;
	memset(o->response, 0, sizeof(*o->response));
	memset(o->wait, 0, sizeof(*o->wait));
	memset(&o->stats, 0, sizeof(o->stats));
	if (o->nsaved > 0)
		memset(o->saved, 0, o->nsaved * sizeof(*o->saved));
	o->slowdowns = 0;
	o->nratio = 0;
	o->starve_max = 0;
	o->quiet = false;
	o->row_s = (double)run->now_ns * 1e-9;
	return 0;
}

/* VMs' sums. */

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
	o->saved[o->nsaved - 1] = (struct vm_sums){.host = DC_NONE};
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
	for (size_t v = 0; v < o->saved_of_cap && at != o->nsaved; v++)
		if (o->saved_of[v] == o->nsaved) {
			o->saved_of[v] = at;
			o->saved[at - 1] = o->saved[o->nsaved - 1];
			break;
		}
	o->nsaved--;
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

static void stats_add(struct workload_stats *to, const struct workload_stats *from)
{
	to->arrived += from->arrived;
	to->completed += from->completed;
	to->waited += from->waited;
	to->work_done += from->work_done;
	to->response_sum += from->response_sum;
	to->wait_sum += from->wait_sum;
	to->slowdown_sum += from->slowdown_sum;
	to->in_system_integral += from->in_system_integral;
	to->in_system_sq_integral += from->in_system_sq_integral;
	if (from->response)
		to->response = from->response;
	if (from->wait)
		to->wait = from->wait;
}

/* Requests in the system, where the scenario wants distributions. */
static void write_in_system(struct output *o, const struct run *run, uint32_t vm,
			    const struct workload_stats *stats)
{
	char name[160];
	double time = 0;

	if (!o->csv[OUTPUT_DISTRIBUTIONS] || !stats->in_system_time || o->quiet)
		return;
	for (int k = 0; k < WORKLOAD_MAX_K; k++)
		time += stats->in_system_time[k];
	for (int k = 0; k < WORKLOAD_MAX_K && time > 0; k++) {
		if (!(stats->in_system_time[k] > 0))
			continue;
		struct csv *csv = begin(o, OUTPUT_DISTRIBUTIONS);
		csv_text(csv, run_vm_name(run, vm, name, sizeof(name)));
		csv_text(csv, "in_system");
		csv_int(csv, k);
		csv_real(csv, stats->in_system_time[k] / time);
		csv_end_row(csv);
	}
}

/* A job's response time begins when its VM is created: standing in line for a host is part of it.
 */
static void gather_job(struct output *o, const struct run *run, uint32_t vm,
		       const struct workload_stats *stats)
{
	const struct dc_vms *v = &run->plan.dc.vm;
	double wait = (double)(v->started_ns[vm] - v->created_ns[vm]) * 1e-9;

	stat_hist_add(o->response, stats->response_sum / (double)stats->completed + wait);
	stat_hist_add(o->wait, wait);
	o->stats.response_sum += wait * (double)stats->completed;
	o->stats.wait_sum += wait * (double)stats->completed;
}

/* The counters of a running VM's workloads join its own and those of the run. */
static void gather_stats(struct output *o, struct run *run, uint32_t vm, struct vm_sums *sums)
{
	const struct workload_stats *stats;

	for (size_t i = 0; (stats = run->driver->vm_stats(run->driver_state, vm, i)) != NULL; i++) {
		stats_add(&sums->stats, stats);
		stats_add(&o->stats, stats);
		if (stats->response)
			stat_hist_merge(o->response, stats->response);
		else if (stats->completed > 0)
			gather_job(o, run, vm, stats);
		if (stats->wait)
			stat_hist_merge(o->wait, stats->wait);
		write_in_system(o, run, vm, stats);
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

	if (rc == 0)
		sums_add_slot(saved_find(o, vm), run, vm);
	return rc;
}

static void csv_seconds(struct csv *csv, int64_t ns)
{
	if (ns < 0)
		csv_real(csv, (double)NAN);
	else
		csv_time(csv, ns);
}

static void write_vm_stats(struct csv *csv, const struct vm_sums *sums)
{
	const struct workload_stats *s = &sums->stats;
	double n = sums->has_stats && s->completed > 0 ? (double)s->completed : 0;
	double in_system =
		s->in_system_integral > 0 ? s->in_system_integral / sums->run : (double)NAN;

	csv_real(csv, sums->backlog);
	csv_real(csv, sums->has_stats ? s->work_done : (double)NAN);
	csv_real(csv, sums->has_stats ? (double)s->arrived : (double)NAN);
	csv_real(csv, sums->has_stats ? (double)s->completed : (double)NAN);
	csv_real(csv, sums->has_stats ? (double)s->waited : (double)NAN);
	csv_real(csv, in_system);
	csv_real(csv, s->in_system_sq_integral / sums->run - in_system * in_system);
	csv_real(csv, mean(s->slowdown_sum, n));
	csv_real(csv, mean(s->response_sum, n));
	csv_real(csv, s->response ? stat_hist_quantile(s->response, 0.5) : (double)NAN);
	csv_real(csv, s->response ? stat_hist_quantile(s->response, 0.95) : (double)NAN);
	csv_real(csv, s->response ? stat_hist_quantile(s->response, 0.99) : (double)NAN);
	csv_real(csv, mean(s->wait_sum, n));
	csv_real(csv, s->wait ? stat_hist_quantile(s->wait, 0.95) : (double)NAN);
	csv_int(csv, 0);
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

static void write_vm(struct output *o, const struct run *run, uint32_t vm,
		     const struct vm_sums *sums)
{
	const struct dc_vms *v = &run->plan.dc.vm;
	bool over = v->state[vm] >= VM_DONE;
	struct csv *csv = begin(o, OUTPUT_VMS);
	char name[160];

	csv_text(csv, run_vm_name(run, vm, name, sizeof(name)));
	csv_text(csv, run->plan.group[v->group[vm]].spec->name);
	csv_text(csv, vm_state_name[v->state[vm]]);
	csv_text(csv,
		 sums->host == DC_NONE ? "" : run_host_name(run, sums->host, name, sizeof(name)));
	csv_seconds(csv, v->created_ns[vm]);
	csv_seconds(csv, v->started_ns[vm]);
	csv_seconds(csv, over ? run->now_ns : -1);
	csv_real(csv, sums->run);
	csv_real(csv, mean(sums->want[RES_CPU], sums->run));
	csv_real(csv, mean(sums->grant[RES_CPU], sums->run));
	csv_real(csv,
		 metrics_share(sums->want[RES_CPU] - sums->grant[RES_CPU], sums->want[RES_CPU]));
	csv_real(csv, sums->entitled > 0 ? sums->grant[RES_CPU] / sums->entitled : (double)NAN);
	csv_real(csv, sums->steal);
	csv_real(csv, sums->stall);
	csv_real(csv, mean(sums->want[RES_MEM], sums->run));
	csv_real(csv, mean(sums->grant[RES_MEM], sums->run));
	csv_real(csv,
		 metrics_share(sums->want[RES_MEM] - sums->grant[RES_MEM], sums->want[RES_MEM]));
	csv_real(csv, mean(sums->want[RES_DISK], sums->run));
	csv_real(csv, mean(sums->grant[RES_DISK], sums->run));
	csv_real(csv,
		 metrics_share(sums->want[RES_DISK] - sums->grant[RES_DISK], sums->want[RES_DISK]));
	csv_real(csv, mean(sums->want[RES_IOPS], sums->run));
	csv_real(csv, mean(sums->grant[RES_IOPS], sums->run));
	csv_real(csv, sums->starve);
	write_vm_stats(csv, sums);
	csv_real(csv, lived_s(run, vm) > 0 ? sums->run / lived_s(run, vm) : (double)NAN);
	struct vm_real real = vm_real(run, vm);
	csv_real(csv, real.run_delay_s);
	csv_real(csv, real.work_rate);
	csv_real(csv, real.late_ms);
	csv_end_row(csv);
}

static int vm_over(struct output *o, struct run *run, uint32_t vm, const struct vm_sums *sums)
{
	if (o->quiet)
		return 0;
	if (sums->entitled > 0) {
		if (mem_grow(&o->ratio, &o->ratio_cap, o->nratio + 1, sizeof(double)) < 0)
			return err_nomem(run->err);
		o->ratio[o->nratio++] = sums->grant[RES_CPU] / sums->entitled;
	}
	o->starve_max = fmax(o->starve_max, sums->starve);
	o->uptime[run->plan.dc.vm.group[vm]].run += sums->run;
	o->uptime[run->plan.dc.vm.group[vm]].life += lived_s(run, vm);
	write_vm(o, run, vm, sums);
	return 0;
}

int output_vm(struct output *o, struct run *run, uint32_t vm)
{
	const struct vm_sums *saved = saved_find(o, vm);
	const struct vm_sums none = {.host = DC_NONE};
	int rc = vm_over(o, run, vm, saved ? saved : &none);

	saved_drop(o, vm);
	return rc;
}

static void write_event(struct output *o, struct run *run, const char *what, uint32_t unit[2],
			const char *reason)
{
	char name[160];
	struct csv *csv = begin(o, OUTPUT_EVENTS);

	csv_time(csv, run->now_ns);
	csv_text(csv, what);
	csv_text(csv, unit[0] == DC_NONE ? "" : run_vm_name(run, unit[0], name, sizeof(name)));
	csv_text(csv, unit[1] == DC_NONE ? "" : run_host_name(run, unit[1], name, sizeof(name)));
	csv_text(csv, reason);
	csv_end_row(csv);
}

void output_event(struct output *o, struct run *run, const char *what, uint32_t vm, uint32_t host)
{
	if (o->csv[OUTPUT_EVENTS])
		write_event(o, run, what, (uint32_t[2]){vm, host}, "");
}

void output_full(struct output *o, struct run *run, uint32_t vm)
{
	if (o->csv[OUTPUT_EVENTS])
		write_event(o, run, "full", (uint32_t[2]){vm, DC_NONE}, placing_why(run, vm));
}

/* VMs that outlive the run. */
static int write_living_vms(struct output *o, struct run *run)
{
	struct dc *dc = &run->plan.dc;
	int rc = 0;

	if (mem_grow(&o->ratio, &o->ratio_cap, o->nratio + run->running, sizeof(double)) < 0)
		return err_nomem(run->err);
	for (uint32_t vm = 0; vm < dc->vm.n && rc == 0; vm++) {
		if (dc->vm.state[vm] >= VM_DONE)
			continue;
		const struct vm_sums *saved = saved_find(o, vm);
		struct vm_sums sums = saved ? *saved : (struct vm_sums){.host = DC_NONE};
		if (dc->vm.slot[vm] != DC_NONE) {
			gather_stats(o, run, vm, &sums);
			sums_add_slot(&sums, run, vm);
		}
		rc = vm_over(o, run, vm, &sums);
	}
	return rc;
}

static double joules_to_kwh(double joule)
{
	return joule / 3.6e6;
}

static double energy_kwh(const struct run *run, double joule)
{
	return run->metrics.has_energy ? joules_to_kwh(joule) : (double)NAN;
}

static double host_util(const struct host_type *type, const struct host_sums *s, int r)
{
	return isfinite(type->capacity[r]) ? metrics_share(s->grant[r], type->capacity[r] * s->on)
					   : 0;
}

static void write_hosts(struct output *o, const struct run *run, double time_s)
{
	char name[160];

	for (uint32_t h = 0; h < run->plan.dc.host.n; h++) {
		const struct host_type *type = run->plan.dc.host.type[h];
		const struct host_sums *s = &run->metrics.host[h];
		struct csv *csv = begin(o, OUTPUT_HOSTS);
		csv_text(csv, run_host_name(run, h, name, sizeof(name)));
		csv_text(csv, type->group);
		for (int r = 0; r < RES_COUNT; r++)
			csv_real(csv, host_util(type, s, r));
		csv_real(csv, mean(s->vms, time_s));
		csv_real(csv, s->on);
		csv_real(csv, s->on - s->busy);
		csv_real(csv, s->busy);
		csv_real(csv, s->off);
		csv_real(csv, s->down);
		csv_real(csv, metrics_share(s->overload, s->on));
		csv_int(csv, s->failures);
		csv_real(csv, 1 - metrics_share(s->down, time_s));
		csv_real(csv, type->has_power ? joules_to_kwh(s->joule) : (double)NAN);
		csv_int(csv, s->oom_kills);
		csv_end_row(csv);
	}
}

/* Mean over hosts that were active of the share of active time at full utilization. */
static double slatah(const struct run *run)
{
	double sum = 0, n = 0;

	for (size_t h = 0; h < run->plan.dc.host.n; h++) {
		const struct host_sums *s = &run->metrics.host[h];
		if (s->active > 0) {
			sum += s->full / s->active;
			n += 1;
		}
	}
	return n > 0 ? sum / n : 0;
}

static const char *policy_name(const struct policy_set *set, const struct plugin_spec *spec)
{
	return set->all.plugin ? set->all.plugin->name : spec->plugin->name;
}

static void write_counts(struct csv *csv, const struct output *o, const struct run *run)
{
	csv_int(csv, (int64_t)run->count.created);
	csv_int(csv, (int64_t)run->count.placed);
	csv_int(csv, (int64_t)run->count.rejected);
	csv_int(csv, (int64_t)(run->nwaiting - run->waiting_head));
	csv_int(csv, (int64_t)o->stats.completed);
	csv_int(csv, (int64_t)run->count.oom_kills);
}

static void write_fairness(struct csv *csv, struct output *o, const struct run *run)
{
	const double *t = run->metrics.total;

	csv_real(csv, metrics_jain(t[M_RATIO], t[M_RATIO_SQ], t[M_RATIO_TIME]));
	csv_real(csv, run->metrics.worst);
	stat_sort(o->ratio, o->nratio);
	csv_real(csv, stat_gini(o->ratio, o->nratio));
	csv_real(csv, metrics_jain(t[M_DOMINANT], t[M_DOMINANT_SQ], t[M_DOMINANT_TIME]));
	csv_real(csv, metrics_share(t[M_ENVY], t[M_PAIRS]));
	csv_real(csv, metrics_share(t[M_VIOLATION], t[M_VIOLATION_TIME]));
	csv_real(csv, o->starve_max);
}

static void write_service(struct csv *csv, const struct output *o)
{
	double n = (double)o->stats.completed;

	csv_real(csv, mean(o->stats.slowdown_sum, n));
	csv_real(csv, mean(o->stats.response_sum, n));
	csv_real(csv, o->response->n ? stat_hist_quantile(o->response, 0.5) : (double)NAN);
	csv_real(csv, o->response->n ? stat_hist_quantile(o->response, 0.95) : (double)NAN);
	csv_real(csv, o->response->n ? stat_hist_quantile(o->response, 0.99) : (double)NAN);
	csv_real(csv, mean(o->stats.wait_sum, n));
	csv_real(csv, o->wait->n ? stat_hist_quantile(o->wait, 0.95) : (double)NAN);
}

static double vm_availability(const struct output *o)
{
	struct output_uptime sum = {0};

	for (size_t g = 0; g < o->ngroups; g++) {
		sum.run += o->uptime[g].run;
		sum.life += o->uptime[g].life;
	}
	return sum.life > 0 ? sum.run / sum.life : (double)NAN;
}

static void write_validity(struct csv *csv, const struct run *run)
{
	const double none = (double)NAN;
	struct room_real real = {none, none, none, none, none, false};
	bool known = run->driver->room_real != NULL;

	if (known)
		run->driver->room_real(run->driver_state, &real);
	csv_real(csv, real.work_p10);
	csv_real(csv, real.work_p90);
	csv_real(csv, real.late_ms);
	csv_real(csv, real.steal);
	csv_real(csv, real.background);
	csv_text(csv, !known ? "" : real.good ? "good" : "poor");
}

static void write_summary(struct output *o, struct run *run, double time_s)
{
	const double *t = run->metrics.total;
	const struct policy_set *set = o->label.policies;
	struct csv *csv = o->csv[OUTPUT_SUMMARY];

	csv_int(csv, (int64_t)o->label.run);
	csv_text(csv, set->name);
	csv_text(csv, policy_name(set, &set->cpu));
	csv_text(csv, policy_name(set, &set->memory));
	csv_text(csv, policy_name(set, &set->disk));
	csv_text(csv, set->placer.plugin->name);
	csv_int(csv, (int64_t)o->label.seed);
	csv_text(csv, o->label.source ? o->label.source : "sim");
	write_counts(csv, o, run);
	for (int r = 0; r < RES_COUNT; r++)
		csv_real(csv, util(t, r));
	csv_real(csv, mean(t[M_ACTIVE], time_s));
	csv_real(csv, energy_kwh(run, t[M_ENERGY_J]));
	for (int r = 0; r <= RES_DISK; r++)
		csv_real(csv, shortfall(t, r));
	csv_real(csv, t[M_STEAL]);
	csv_real(csv, t[M_STALL]);
	csv_real(csv, metrics_share(t[M_OVERLOAD], t[M_ON]));
	write_fairness(csv, o, run);
	write_service(csv, o);
	csv_real(csv, slatah(run));
	csv_int(csv, 0);                   /* pdm: nothing migrates */
	csv_int(csv, 0);                   /* slav = slatah x pdm */
	csv_real(csv, energy_kwh(run, 0)); /* esv = energy x slav */
	csv_int(csv, 0);
	csv_int(csv, 0);
	csv_real(csv, 1 - metrics_share(t[M_DOWN], t[M_HOST_TIME]));
	csv_int(csv, (int64_t)run->count.lost);
	csv_real(csv, vm_availability(o));
	for (size_t i = 0; i < COMPAT_ONLY; i++)
		csv_real(csv, (double)NAN);
	write_validity(csv, run);
	csv_end_row(csv);
}

void output_compat(struct output *o, const struct compat_result *result)
{
	const struct cloudsim_result *r = &result->cloudsim;
	double slav = r->slatah * r->pdm;
	bool off = r->shutdowns > 0;
	const struct {
		const char *column;
		double value;
	} known[] = {
		{"vms", (double)result->vms},
		{"placed", (double)(result->vms - r->unplaced)},
		{"rejected", (double)r->unplaced},
		{"energy_kwh", r->energy_kwh},
		{"slatah", r->slatah},
		{"pdm", r->pdm},
		{"slav", slav},
		{"esv", r->energy_kwh * slav},
		{"migrations", (double)r->migrations},
		{"overall_slav", r->overall_slav},
		{"average_slav", r->average_slav},
		{"shutdowns", (double)r->shutdowns},
		{"shutdown_mean_s", off ? r->shutdown_mean_s : (double)NAN},
		{"shutdown_sd_s", r->shutdowns > 1 ? r->shutdown_sd_s : (double)NAN},
		{"idle_destroyed", (double)r->destroyed},
		{"overfull", (double)r->overfull},
	};
	struct csv *csv = o->csv[OUTPUT_SUMMARY];

	csv_int(csv, (int64_t)o->label.run);
	csv_text(csv, o->label.policies->name);
	for (size_t c = 2; summary_columns[c]; c++) {
		if (strcmp(summary_columns[c], "source") == 0) {
			csv_text(csv, "cloudsim");
			continue;
		}
		double value = strcmp(summary_columns[c], "seed") == 0 ? (double)o->label.seed
								       : (double)NAN;
		for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
			if (strcmp(summary_columns[c], known[k].column) == 0)
				value = known[k].value;
		csv_real(csv, value);
	}
	csv_end_row(csv);
}

static void write_population(struct output *o, const struct population *p, const char *quantity)
{
	double time = 0;

	for (size_t k = 0; k < p->cap; k++)
		time += p->seconds[k];
	for (size_t k = 0; k < p->cap && time > 0; k++) {
		if (!(p->seconds[k] > 0))
			continue;
		struct csv *csv = begin(o, OUTPUT_DISTRIBUTIONS);
		csv_text(csv, "datacenter");
		csv_text(csv, quantity);
		csv_int(csv, (int64_t)k);
		csv_real(csv, p->seconds[k] / time);
		csv_end_row(csv);
	}
}

/* @waiting: how many of each group wait when the run ends. */
static void write_groups(struct output *o, const struct run *run, const uint32_t *waiting)
{
	for (size_t g = 0; g < run->plan.ngroups; g++) {
		const struct group_counts *c = &run->group_count[g];
		struct csv *csv = begin(o, OUTPUT_GROUPS);
		csv_text(csv, run->plan.group[g].spec->name);
		csv_int(csv, (int64_t)c->created);
		csv_int(csv, (int64_t)c->placed);
		csv_int(csv, (int64_t)c->rejected);
		csv_int(csv, (int64_t)c->lost);
		csv_int(csv, waiting[g]);
		csv_int(csv, (int64_t)c->waited);
		csv_real(csv, mean(c->wait_s, (double)c->placed));
		csv_real(csv, c->wait_max_s);
		csv_real(csv, o->uptime[g].life > 0 ? o->uptime[g].run / o->uptime[g].life
						    : (double)NAN);
		csv_end_row(csv);
	}
}

static void write_populations(struct output *o)
{
	write_population(o, &o->running, "vms_running");
	write_population(o, &o->down, "hosts_down");
}

static int output_groups(struct output *o, const struct run *run)
{
	uint32_t *waiting = mem_alloc(run->plan.ngroups, sizeof(*waiting));

	if (!waiting)
		return err_nomem(run->err);
	for (size_t i = run->waiting_head; i < run->nwaiting; i++)
		waiting[run->plan.dc.vm.group[run->waiting[i]]]++;
	write_groups(o, run, waiting);
	mem_free(waiting);
	return 0;
}

int output_end(struct output *o, struct run *run)
{
	double time_s = (double)(run->end_ns - run->warm_ns) * 1e-9;
	int rc = output_row(o, run);

	if (rc == 0)
		rc = output_population(o, run);
	if (rc == 0)
		rc = write_living_vms(o, run);
	if (rc < 0)
		return rc;
	write_hosts(o, run, time_s);
	write_summary(o, run, time_s);
	if (o->csv[OUTPUT_DISTRIBUTIONS])
		write_populations(o);
	return output_groups(o, run);
}
