/*
 * See output_parts.h: timeline.csv, hosts.csv, groups.csv, events.csv and distributions.csv.
 */
#include "sim/output_parts.h"

/* clang-format off */
#define TIMELINE_COLUMNS(X) \
	LABEL_COLUMNS(X) \
	X(time, "time_s", run->now_ns) \
	X(real, "vms_running", output_mean(sum[M_VM_TIME], dt)) \
	X(count, "vms_waiting", lifecycle_waiting(run)) \
	X(real, "active_hosts", output_mean(sum[M_ACTIVE], dt)) \
	X(real, "cpu_util", output_util(sum, RES_CPU)) \
	X(real, "mem_util", output_util(sum, RES_MEM)) \
	X(real, "disk_util", output_util(sum, RES_DISK)) \
	X(real, "iops_util", output_util(sum, RES_IOPS)) \
	X(real, "power_w", run->metrics.has_energy ? sum[M_ENERGY_J] / dt : (double)NAN) \
	X(real, "cpu_shortfall", output_shortfall(sum, RES_CPU)) \
	X(real, "mem_shortfall", output_shortfall(sum, RES_MEM)) \
	X(real, "disk_shortfall", output_shortfall(sum, RES_DISK)) \
	X(real, "jain", metrics_jain(sum[M_RATIO], sum[M_RATIO_SQ], sum[M_RATIO_TIME])) \
	X(real, "worst", worst) \
	X(real, "jain_dominant", \
	  metrics_jain(sum[M_DOMINANT], sum[M_DOMINANT_SQ], sum[M_DOMINANT_TIME])) \
	X(real, "envy", metrics_share(sum[M_ENVY], sum[M_PAIRS]))

#define HOST_COLUMNS(X) \
	LABEL_COLUMNS(X) \
	X(text, "host", run_host_name(run, h, name, sizeof(name))) \
	X(text, "group", type->group) \
	X(real, "cpu_util", host_util(type, s, RES_CPU)) \
	X(real, "mem_util", host_util(type, s, RES_MEM)) \
	X(real, "disk_util", host_util(type, s, RES_DISK)) \
	X(real, "iops_util", host_util(type, s, RES_IOPS)) \
	X(real, "vms_mean", output_mean(s->vms, time_s)) \
	X(real, "speed_mhz", output_mean(s->capacity, s->on * type->cores)) \
	X(real, "on_s", s->on) \
	X(real, "idle_s", s->on - s->busy) \
	X(real, "busy_s", s->busy) \
	X(real, "off_s", s->off) \
	X(real, "booting_s", s->booting) \
	X(real, "stopping_s", s->stopping) \
	X(real, "down_s", s->down) \
	X(real, "overload", metrics_share(s->overload, s->on)) \
	X(count, "failures", s->failures) \
	X(count, "boots", s->boots) \
	X(count, "shutdowns", s->shutdowns) \
	X(real, "availability", 1 - metrics_share(s->down, time_s)) \
	X(real, "energy_kwh", type->has_power ? output_kwh(s->joule) : (double)NAN) \
	X(count, "oom_kills", s->oom_kills)

#define GROUP_COLUMNS(X) \
	LABEL_COLUMNS(X) \
	X(text, "group", run->plan.group[g].spec->name) \
	X(count, "created", c->created) \
	X(count, "placed", c->placed) \
	X(count, "rejected", c->rejected) \
	X(count, "lost", c->lost) \
	X(count, "waiting", waiting[g]) \
	X(count, "waited", c->waited) \
	X(real, "wait_mean_s", output_mean(c->wait_s, (double)c->placed)) \
	X(real, "wait_max_s", c->wait_max_s) \
	X(real, "availability", output_mean(o->uptime[g].run, o->uptime[g].life))

#define EVENT_COLUMNS(X) \
	LABEL_COLUMNS(X) \
	X(time, "time_s", run->now_ns) \
	X(text, "event", what) \
	X(text, "vm", vm == DC_NONE ? "" : run_vm_name(run, vm, name, sizeof(name))) \
	X(text, "host", host == DC_NONE ? "" : run_host_name(run, host, name, sizeof(name))) \
	X(text, "reason", reason)

#define DISTRIBUTION_COLUMNS(X) \
	LABEL_COLUMNS(X) \
	X(text, "of", of) \
	X(text, "quantity", quantity) \
	X(real, "value", value) \
	X(real, "share", share)
/* clang-format on */

const char *const output_names_timeline[] = COLUMN_NAMES(TIMELINE_COLUMNS);
const char *const output_names_hosts[] = COLUMN_NAMES(HOST_COLUMNS);
const char *const output_names_groups[] = COLUMN_NAMES(GROUP_COLUMNS);
const char *const output_names_events[] = COLUMN_NAMES(EVENT_COLUMNS);
const char *const output_names_distributions[] = COLUMN_NAMES(DISTRIBUTION_COLUMNS);

void output_timeline(struct output *o, const struct run *run, const double *sum, double worst)
{
	struct csv *csv = o->csv[OUTPUT_TIMELINE];
	double dt = (double)run->now_ns * 1e-9 - o->row_s;

	COLUMNS_WRITE(TIMELINE_COLUMNS);
}

static double host_util(const struct host_type *type, const struct host_sums *s, int r)
{
	if (r == RES_CPU && type->dvfs.n > 0)
		return metrics_share(s->grant[r], s->capacity);
	return isfinite(type->capacity[r]) ? metrics_share(s->grant[r], type->capacity[r] * s->on)
					   : 0;
}

void output_hosts(struct output *o, const struct run *run, double time_s)
{
	struct csv *csv = o->csv[OUTPUT_HOSTS];
	char name[160];

	for (uint32_t h = 0; h < run->plan.dc.host.n; h++) {
		const struct host_type *type = run->plan.dc.host.type[h];
		const struct host_sums *s = &run->metrics.host[h];

		COLUMNS_WRITE(HOST_COLUMNS);
	}
}

/* @waiting: how many of each group wait when the run ends. */
static void write_groups(struct output *o, const struct run *run, const uint32_t *waiting)
{
	struct csv *csv = o->csv[OUTPUT_GROUPS];

	for (size_t g = 0; g < run->plan.ngroups; g++) {
		const struct group_counts *c = &run->group_count[g];

		COLUMNS_WRITE(GROUP_COLUMNS);
	}
}

int output_groups(struct output *o, const struct run *run)
{
	uint32_t *waiting = mem_alloc(run->plan.ngroups, sizeof(*waiting));

	if (!waiting)
		return err_nomem(run->err);
	for (size_t i = run->waiting_head; i < run->nwaiting; i++)
		waiting[run->plan.dc.vm.group[run->waiting[i]]]++;
	const struct dc_vms *v = &run->plan.dc.vm;
	for (size_t vm = 0; vm < v->n && run->boarding > 0; vm++)
		if (v->state[vm] == VM_WAITING && v->host[vm] != DC_NONE)
			waiting[v->group[vm]]++;
	write_groups(o, run, waiting);
	mem_free(waiting);
	return 0;
}

static void write_event(struct output *o, struct run *run, const char *what, uint32_t vm,
			uint32_t host, const char *reason)
{
	struct csv *csv = o->csv[OUTPUT_EVENTS];
	char name[160];

	if (csv)
		COLUMNS_WRITE(EVENT_COLUMNS);
}

void output_event(struct output *o, struct run *run, const char *what, uint32_t vm, uint32_t host)
{
	write_event(o, run, what, vm, host, "");
}

void output_event_because(struct output *o, struct run *run, const char *what, uint32_t vm,
			  uint32_t host, const char *reason)
{
	write_event(o, run, what, vm, host, reason);
}

void output_full(struct output *o, struct run *run, uint32_t vm)
{
	if (o->csv[OUTPUT_EVENTS])
		write_event(o, run, "full", vm, DC_NONE, placing_why(run, vm));
}

void output_distribution(struct output *o, const char *of, const char *quantity, double value,
			 double share)
{
	struct csv *csv = o->csv[OUTPUT_DISTRIBUTIONS];

	if (csv)
		COLUMNS_WRITE(DISTRIBUTION_COLUMNS);
}

void output_histogram(struct output *o, const char *of, const char *quantity,
		      const struct stat_hist *hist)
{
	for (size_t i = 0; i < STAT_HIST_CELLS; i++)
		if (hist->cell[i] > 0)
			output_distribution(o, of, quantity,
					    i + 1 < STAT_HIST_CELLS ? stat_hist_edge(i + 1)
								    : hist->max,
					    hist->cell[i] / (double)hist->n);
}
