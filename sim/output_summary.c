/*
 * See output_parts.h: summary.csv, a row per run.
 */
#include "sim/output_parts.h"

#include <string.h>

/* clang-format off */
#define SUMMARY_COLUMNS(X) \
	X(count, "run", o->label.run) \
	X(text, "policy", set->name) \
	X(text, "cpu", policy_name(set, &set->cpu)) \
	X(text, "memory", policy_name(set, &set->memory)) \
	X(text, "disk", policy_name(set, &set->disk)) \
	X(text, "placer", set->placer.plugin->name) \
	X(count, "seed", o->label.seed) \
	X(text, "source", o->label.source) \
	X(count, "vms", run->count.created) \
	X(count, "placed", run->count.placed) \
	X(count, "rejected", run->count.rejected) \
	X(count, "waiting", lifecycle_waiting(run)) \
	X(count, "completed", o->stats.completed) \
	X(count, "oom_kills", run->count.oom_kills) \
	X(real, "cpu_util", output_util(t, RES_CPU)) \
	X(real, "mem_util", output_util(t, RES_MEM)) \
	X(real, "disk_util", output_util(t, RES_DISK)) \
	X(real, "iops_util", output_util(t, RES_IOPS)) \
	X(real, "active_hosts", output_mean(t[M_ACTIVE], time_s)) \
	X(real, "energy_kwh", energy_kwh(run, t[M_ENERGY_J])) \
	X(real, "facility_kwh", energy_kwh(run, t[M_ENERGY_J]) * pue) \
	X(real, "carbon_g", run->carbon->n > 0 ? energy_kwh(run, t[M_CARBON]) * pue : none) \
	X(real, "cpu_shortfall", output_shortfall(t, RES_CPU)) \
	X(real, "mem_shortfall", output_shortfall(t, RES_MEM)) \
	X(real, "disk_shortfall", output_shortfall(t, RES_DISK)) \
	X(real, "steal_s", t[M_STEAL]) \
	X(real, "stall_s", t[M_STALL]) \
	X(real, "overload", metrics_share(t[M_OVERLOAD], t[M_ON])) \
	X(real, "jain", metrics_jain(t[M_RATIO], t[M_RATIO_SQ], t[M_RATIO_TIME])) \
	X(real, "worst", run->metrics.worst) \
	X(real, "gini", stat_gini(o->ratio, o->nratio)) \
	X(real, "jain_dominant", metrics_jain(t[M_DOMINANT], t[M_DOMINANT_SQ], t[M_DOMINANT_TIME])) \
	X(real, "envy", metrics_share(t[M_ENVY], t[M_PAIRS])) \
	X(real, "sharing_violations", metrics_share(t[M_VIOLATION], t[M_VIOLATION_TIME])) \
	X(real, "starvation_s", o->starve_max) \
	X(real, "slowdown_mean", output_mean(o->stats.slowdown_sum, completed)) \
	X(real, "response_mean_s", output_mean(o->stats.response_sum, completed)) \
	X(real, "response_sd_s", output_sd(&o->stats)) \
	X(real, "response_p50_s", quantile(o->response, 0.5)) \
	X(real, "response_p95_s", quantile(o->response, 0.95)) \
	X(real, "response_p99_s", quantile(o->response, 0.99)) \
	X(real, "wait_mean_s", output_mean(o->stats.wait_sum, completed)) \
	X(real, "wait_p95_s", quantile(o->wait, 0.95)) \
	X(count, "refused", o->stats.rejected) \
	X(real, "total_mean_s", output_mean(o->stats.total_sum, (double)o->stats.total_count)) \
	X(real, "slatah", slatah(run)) \
	X(real, "pdm", pdm) \
	X(real, "slav", slatah(run) * pdm) \
	X(real, "esv", energy_kwh(run, t[M_ENERGY_J]) * slatah(run) * pdm) \
	X(count, "migrations", run->count.migrations) \
	X(count, "migrations_undone", run->count.undone) \
	X(real, "migration_s", output_mean(run->count.migration_s, (double)run->count.migrated)) \
	X(real, "stay_s", consolidate_stay_s(run)) \
	X(real, "downtime_s", o->down_s) \
	X(real, "availability", 1 - metrics_share(t[M_DOWN], t[M_HOST_TIME])) \
	X(count, "lost", run->count.lost) \
	X(real, "vm_availability", vm_availability(o)) \
	X(count, "boots", boots(run)) \
	X(count, "shutdowns", run->count.shutdowns) \
	X(real, "shutdown_mean_s", run->count.shutdowns > 0 ? run->count.up_mean_s : none) \
	X(real, "shutdown_sd_s", shutdown_sd_s(run)) \
	/* of `semantics: cloudsim-3.0.3` alone */ \
	X(real, "overall_slav", none) \
	X(real, "average_slav", none) \
	X(real, "idle_destroyed", none) \
	X(real, "overfull", none) \
	/* of real guests alone */ \
	X(real, "work_p10", room.work_p10) \
	X(real, "work_p90", room.work_p90) \
	X(real, "late_ms", room.late_ms) \
	X(real, "steal_real", room.steal) \
	X(real, "background", room.background) \
	X(text, "validity", room.validity)
/* clang-format on */

const char *const output_names_summary[] = COLUMN_NAMES(SUMMARY_COLUMNS);

static double energy_kwh(const struct run *run, double joule)
{
	return run->metrics.has_energy ? output_kwh(joule) : (double)NAN;
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

static uint64_t boots(const struct run *run)
{
	uint64_t sum = 0;

	for (size_t h = 0; h < run->plan.dc.host.n; h++)
		sum += run->metrics.host[h].boots;
	return sum;
}

static double shutdown_sd_s(const struct run *run)
{
	double n = (double)run->count.shutdowns;

	return n > 1 ? sqrt(run->count.up_dev_s / (n - 1)) : (double)NAN;
}

static const char *policy_name(const struct policy_set *set, const struct plugin_spec *spec)
{
	return set->all.plugin ? set->all.plugin->name : spec->plugin->name;
}

static double quantile(const struct stat_hist *hist, double q)
{
	return hist->n ? stat_hist_quantile(hist, q) : (double)NAN;
}

static double vm_availability(const struct output *o)
{
	struct output_uptime sum = {0};

	for (size_t g = 0; g < o->ngroups; g++) {
		sum.run += o->uptime[g].run;
		sum.life += o->uptime[g].life;
	}
	return output_mean(sum.run, sum.life);
}

static struct room_real room_real(const struct run *run)
{
	const double none = (double)NAN;
	struct room_real real = {none, none, none, none, none, ""};

	if (run->driver->room_real)
		run->driver->room_real(run->driver_state, &real);
	return real;
}

void output_summary(struct output *o, struct run *run, double time_s)
{
	const double *t = run->metrics.total, none = (double)NAN;
	const struct policy_set *set = o->label.policies;
	const struct room_real room = room_real(run);
	double pue = run->scenario->facility.pue;
	double completed = (double)o->stats.completed, pdm = metrics_share(o->pdm, o->nran);
	struct csv *csv = o->csv[OUTPUT_SUMMARY];

	stat_sort(o->ratio, o->nratio);
	COLUMNS_WRITE(SUMMARY_COLUMNS);
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
	for (size_t c = 2; output_names_summary[c]; c++) {
		if (strcmp(output_names_summary[c], "source") == 0) {
			csv_text(csv, "cloudsim");
			continue;
		}
		double value = strcmp(output_names_summary[c], "seed") == 0 ? (double)o->label.seed
									    : (double)NAN;
		for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
			if (strcmp(output_names_summary[c], known[k].column) == 0)
				value = known[k].value;
		csv_real(csv, value);
	}
	csv_end_row(csv);
}
