/*
 * Workloads: what runs inside a VM and what it asks for over time.
 *
 * A workload is asked for its demand, told what it got, and says when its demand will change by
 * itself. Between two moments rates are constant, so everything it does is exact. It holds its state
 * in core-owned memory; it draws only from its own streams.
 */
#ifndef COTENANT_MODELS_WORKLOAD_H
#define COTENANT_MODELS_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "models/share.h"
#include "sim/core/dist.h"
#include "sim/core/err.h"
#include "sim/core/mem.h"
#include "sim/core/plugin.h"
#include "sim/core/rng.h"
#include "sim/core/stat.h"

struct trace;

/* What the VM is, for a workload that starts on it. Valid for the call only, but for arena. */
struct workload_ctx {
	struct arena *arena; /* for memory that lives as long as the run */
	uint64_t seed;       /* of the run, for rng_stream() */
	const char *name; /* "web-3/0": VM and place in its list of workloads; prefix of streams */
	uint32_t vm;      /* dense id */
	uint32_t index;   /* of the VM in its group, from 0 */
	uint32_t vcpus;
	double speed;          /* nominal MHz of one vCPU */
	double core;           /* MHz of a core of the host: one thread gets no more */
	double memory;         /* bytes of RAM */
	int64_t now_ns;        /* when the VM starts */
	bool trace_from_first; /* the VM lives as its trace does: replay begins with its first sample */
	const struct trace *trace; /* what trace_path() named, loaded; NULL otherwise */
	/* Hands a finished request on to the VM group named @target (index modulo its size). */
	void (*forward)(void *host_ctx, const char *target, uint32_t index, int64_t birth_ns);
	void *forward_ctx;
};

/* Rates asked for from now on: MHz, bytes (working set), bytes/s, operations/s. */
struct demand {
	double want[RES_COUNT];
	bool done;  /* the workload has finished for good; its demand is 0 */
	bool nomem; /* memory ran out: the run has to end */
};

/* Counters of request streams and batch jobs, for the metrics; those that do not apply stay 0. */
struct workload_stats {
	uint64_t arrived, completed;
	uint64_t rejected;    /* arrived when the system was full; counted in arrived too */
	uint64_t total_count; /* requests that finished at their last station, */
	double total_sum;     /* and the seconds from their births until then */
	double work_done;     /* core-seconds at nominal speed */
	double response_sum, wait_sum, slowdown_sum; /* seconds; ratio */
	double response_m2; /* sum of the squared distances of response times from their mean */
	uint64_t waited;    /* requests that did not start at once */
	double in_system_integral,
		in_system_sq_integral;     /* requests x seconds, requests^2 x seconds */
	struct stat_hist *response, *wait; /* seconds, NULL if none */
	double *in_system_time; /* seconds spent with k requests, k < WORKLOAD_MAX_K; NULL if none */
	double started_s, finished_s; /* of a batch job; finished_s < 0: not yet */
};

/* Counts a completion @seconds after its arrival. Adds up counters; histograms of @from replace those
 * of @to. */
void workload_complete(struct workload_stats *stats, double seconds);
void workload_stats_add(struct workload_stats *to, const struct workload_stats *from);

#define WORKLOAD_MAX_K 512 /* the last entry holds all k >= WORKLOAD_MAX_K - 1 */

enum unmet { UNMET_DROP, UNMET_BACKLOG };

/* Several workloads of one kind at one moment: the state of the i-th stands @offset bytes behind at[i],
 * its demand belongs into want[r][i]. */
struct workload_many {
	int64_t now_ns;
	size_t n, offset;
	void *const *at;
	double *want[RES_COUNT];
};

struct workload_ops {
	struct plugin plugin;

	/* Required. Brings the workload to @now_ns after @dt_s seconds in which it got CPU at @cpu_mhz
	 * (0 at the first call; constant since the last one; already reduced by stalls), and writes
	 * all of *out: what it wants from now on. want[] may exceed the VM's vCPUs; the driver clips. */
	void (*demand)(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
		       struct demand *out);

	/* Required. The first moment after @now_ns at which the demand changes by itself if the CPU rate
	 * stays @cpu_mhz; INT64_MAX if it does not. Called after demand(). */
	int64_t (*next)(const void *state, int64_t now_ns, double cpu_mhz);

	/* Not required, and not for kinds that handle unmet demand. demand(), with dt_s = cpu_mhz = 0, of
	 * several at once, which memory cannot run out of; returns the first of their next(). For kinds
	 * of which a run may hold a million. */
	int64_t (*demand_many)(const struct workload_many *many);

	/* Not required. Called when the VM starts; options stand in the state already. */
	int (*init)(void *state, const struct workload_ctx *ctx, struct err *err);
	void (*fini)(void *state);

	/* Not required: a request from elsewhere, born at @birth_ns, joins at @now_ns; demand() was called
	 * for this moment before and is called again after. 0 or -ENOMEM. */
	int (*inject)(void *state, int64_t now_ns, int64_t birth_ns);

	/* Not required: for who goes by what the disk gives. What it gets of its disk demand from now on;
	 * told before next(), whenever the VM's host was divided. */
	void (*disk)(void *state, double bytes_s);

	/* Not required. The VM has @is vCPUs from now on, had @was; it runs on a host whose cores have
	 * @core MHz. demand() was called for this moment before and is called again after. 0 or -ENOMEM. */
	int (*resized)(void *state, uint32_t was, uint32_t is);
	void (*moved)(void *state, double core);

	/* Not required: its counters, and forgetting them at the end of the warm-up. */
	const struct workload_stats *(*stats)(const void *state);
	void (*reset_stats)(void *state, int64_t now_ns);

	/* Not required: path and format of the trace it replays (a `trace` workload). */
	const char *(*trace_path)(const void *state, const char **format);

	bool handles_unmet; /* jobs and requests keep their own unfinished work: no `unmet:` setting,
			     * nothing of theirs is ever dropped */
};

/* The settings that every workload's state begins with. A workload that resolves cpu.value to MHz in
 * init() leaves the unit as it was: workload_resized() goes by it. */
struct workload_common {
	struct cpu_amount cpu;  /* demand at full level */
	double memory;          /* working set, bytes */
	double bandwidth, iops; /* disk demand at full level */
	int unmet;              /* enum unmet */
};

extern const char *const workload_unmet_names[];

/* First lines of a workload's option table; @S is its state, whose first member is `common`. */
#define WORKLOAD_COMMON_OPTS(S, cpu_default)                                                   \
	{.name = "cpu",                                                                        \
	 .type = OPT_CPU,                                                                      \
	 .offset = offsetof(S, common.cpu),                                                    \
	 .def = cpu_default,                                                                   \
	 .help = "CPU demand at full level: share of the VM's vCPUs, cores or MHz"},           \
		{.name = "memory",                                                             \
		 .type = OPT_BYTES,                                                            \
		 .offset = offsetof(S, common.memory),                                         \
		 .def = "0B",                                                                  \
		 .max = INFINITY,                                                              \
		 .help = "working set"},                                                       \
		{.name = "bandwidth",                                                          \
		 .type = OPT_BYTERATE,                                                         \
		 .offset = offsetof(S, common.bandwidth),                                      \
		 .def = "0B/s",                                                                \
		 .help = "disk throughput demanded at full level"},                            \
		{.name = "iops",                                                               \
		 .type = OPT_RATE,                                                             \
		 .offset = offsetof(S, common.iops),                                           \
		 .def = "0/s",                                                                 \
		 .help = "disk operations demanded at full level"},                            \
	{                                                                                      \
		.name = "unmet", .type = OPT_ENUM, .offset = offsetof(S, common.unmet),        \
		.def = "drop", .choices = workload_unmet_names,                                \
		.help = "what becomes of demand that is not met: lost, or kept and done later" \
	}

/* Resolves a CPU amount on a VM to MHz. */
double workload_mhz(struct cpu_amount amount, uint32_t vcpus, double speed);

/* The MHz that stood for an amount when the VM had @was vCPUs, now that it has @is. */
double workload_mhz_resized(double mhz, enum cpu_unit unit, uint32_t was, uint32_t is);

/* init() and resized() of workloads to which only common.cpu matters: resolved to MHz. */
void workload_resolve(struct workload_common *common, const struct workload_ctx *ctx);
int workload_resized(void *state, uint32_t was, uint32_t is);

extern const struct plugin_kind workload_kind;

/* What the spec of a workload names. */
static inline const struct workload_ops *workload_ops_of(const struct plugin_spec *spec)
{
	return (const struct workload_ops *)(const void *)spec->plugin;
}

#endif
