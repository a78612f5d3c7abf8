/*
 * Within the folder: what the files of output_*.c share.
 *
 * The columns of a CSV file are one table, X(type, name, value), a line each: the header row and the
 * code that writes a row both come from it, so a column is added with one line. The value is an
 * expression over what is at hand in the function that writes the row; the type is the end of the
 * name of a csv_ function: text, real (NAN: empty), int, time (ns), or of one below.
 */
#ifndef COTENANT_SIM_OUTPUT_PARTS_H
#define COTENANT_SIM_OUTPUT_PARTS_H

#include <math.h>

#include "sim/output.h"

/* clang-format off */
#define COLUMN_NAME(type, name, value) name,
#define COLUMN_WRITE(type, name, value) csv_##type(csv, value);
/* The table as the array of its names, NULL at the end, and as a row. */
#define COLUMN_NAMES(TABLE) {TABLE(COLUMN_NAME) NULL}
#define COLUMNS_WRITE(TABLE) do { TABLE(COLUMN_WRITE) csv_end_row(csv); } while (0)

/* The first columns of all files but the summary. */
#define LABEL_COLUMNS(X) \
	X(count, "run", o->label.run) \
	X(text, "policy", o->label.policies->name) \
	X(count, "seed", o->label.seed) \
	X(text, "source", o->label.source)
/* clang-format on */

/* NULL at the end; each beside the code that writes the rows. */
extern const char *const output_names_summary[],
	*const output_names_vms[],
		*const output_names_hosts[],
			*const output_names_groups[],
				*const output_names_timeline[],
					*const output_names_vm_timeline[],
						*const output_names_events[],
							*const output_names_distributions[];

/* What one VM has gathered. */
struct vm_sums {
	double want[RES_COUNT], grant[RES_COUNT];
	double entitled, steal, stall, run, starve, backlog;
	uint64_t migrations;
	double down_s, lost;         /* to migrations: seconds, CPU in MHz x s */
	uint32_t vm;                 /* whose they are */
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
	/* By VM id: what it had got at the last row of vm_timeline.csv, or when it left its host since. */
	struct vm_row {
		double grant[RES_COUNT];
		int64_t at_ns;
	} * row;
	size_t row_cap;
	/* Over all VMs. */
	struct workload_stats stats;
	struct stat_hist *response, *wait;
	double *ratio; /* G/E of each VM that wanted CPU */
	size_t nratio, ratio_cap;
	double starve_max;
	double down_s, pdm, nran; /* downtime; sum of pdm over VMs that ran, and how many did */
	/* Time that the VMs of a group ran, and that they could have. */
	struct output_uptime {
		double run, life;
	} * uptime;
	size_t ngroups;
	/* Seconds with k running VMs, and with k hosts down. */
	struct population {
		double *seconds;
		size_t cap;
	} running, down;
	int64_t population_ns; /* counted up to here */
};

static inline void csv_count(struct csv *csv, uint64_t n)
{
	csv_int(csv, (int64_t)n);
}

/* A moment that may not have come (negative): then an empty field. */
static inline void csv_moment(struct csv *csv, int64_t ns)
{
	if (ns < 0)
		csv_real(csv, (double)NAN);
	else
		csv_time(csv, ns);
}

/* Mean of a rate over @time; an empty field where there was none. */
static inline double output_mean(double sum, double time)
{
	return time > 0 ? sum / time : (double)NAN;
}

/* Standard deviation of response times; an empty field of fewer than two. */
static inline double output_sd(const struct workload_stats *stats)
{
	return stats->completed > 1 ? sqrt(stats->response_m2 / (double)(stats->completed - 1))
				    : (double)NAN;
}

/* Shortfall of a resource, and its utilization, in sums by enum metric_sum. */
static inline double output_shortfall(const double *sum, int r)
{
	return metrics_share(sum[M_WANT + r] - sum[M_GRANT + r], sum[M_WANT + r]);
}

static inline double output_util(const double *sum, int r)
{
	return metrics_share(sum[M_GRANT + r], sum[M_CAPACITY + r]);
}

static inline double output_kwh(double joule)
{
	return joule / 3.6e6;
}

/* output_summary.c: the row of summary.csv; @time_s: since the warm-up. */
void output_summary(struct output *o, struct run *run, double time_s);

/* output_vms.c: VMs that outlive the run; a row of vm_timeline.csv for each VM with a host. */
int output_living_vms(struct output *o, struct run *run) must_check;
int output_vm_timeline(struct output *o, struct run *run) must_check;

/* output_rows.c: the files that tell little of much. */
void output_timeline(struct output *o, const struct run *run, const double *sum, double worst);
void output_hosts(struct output *o, const struct run *run, double time_s);
int output_groups(struct output *o, const struct run *run) must_check;
/* @share of the time, or of what is counted, the @quantity of @of was @value. */
void output_distribution(struct output *o, const char *of, const char *quantity, double value,
			 double share);
/* A row for each cell that holds something: its share, and the value below which all of it is. */
void output_histogram(struct output *o, const char *of, const char *quantity,
		      const struct stat_hist *hist);

#endif
