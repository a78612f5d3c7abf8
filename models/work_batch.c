/*
 * A batch job: a fixed amount of work per task, in core-time at the VM's nominal speed. Tasks run
 * in parallel, each on at most one core (of the host, where that is the slower one), and share what
 * the VM gets equally; the job is done with its last task.
 *
 * All unfinished tasks have received the same service V, so a task of work w ends when V = w: the
 * tasks are sorted once and V is all there is to advance. Completion times are exact to the
 * nanosecond.
 */
#include <math.h>
#include <stdio.h>

#include "models/work_list.h"
#include "models/work_time.h"
#include "sim/core/stat.h"

struct batch {
	struct workload_common common;
	struct dist work;
	int64_t tasks;
	double *size;              /* core-seconds of each task, ascending */
	size_t ntasks, done;       /* tasks in all, and finished ones */
	double speed, core, limit; /* MHz: nominal, a task at most, the whole job at most */
	double v;                  /* core-seconds every unfinished task has received */
	double ideal_s;            /* alone at full demand */
	int64_t start_ns;
	struct workload_stats stats;
};

static const struct opt opts[] = {
	WORKLOAD_COMMON_OPTS(struct batch, "100%"),
	{.name = "work",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct batch, work),
	 .required = true,
	 .help = "core-time of each task at the VM's nominal speed; negative draws count as 0"},
	{.name = "tasks",
	 .type = OPT_INT,
	 .offset = offsetof(struct batch, tasks),
	 .def = "1",
	 .min = 1,
	 .max = 1e6,
	 .help = "tasks that run in parallel, each on at most one core"},
	{.name = NULL}};

/* What the unfinished tasks want, MHz. */
static double batch_want(const struct batch *s)
{
	return fmin((double)(s->ntasks - s->done) * s->core, s->limit);
}

/* Nominal cores that each unfinished task gets from @cpu_mhz. */
static double batch_rate(const struct batch *s, double cpu_mhz)
{
	return fmin(s->core, cpu_mhz / (double)(s->ntasks - s->done)) / s->speed;
}

static double ideal(struct batch *s)
{
	double elapsed = 0, v = 0;
	for (s->done = 0; s->done < s->ntasks; s->done++) {
		double rate = batch_rate(s, batch_want(s));
		elapsed += (s->size[s->done] - v) / rate;
		v = s->size[s->done];
	}
	s->done = 0;
	return elapsed;
}

/* A task is one thread: a core of the host is the most it can use. */
static void batch_moved(void *state, double core)
{
	struct batch *s = state;
	s->core = fmin(s->speed, core);
}

static int batch_resized(void *state, uint32_t was, uint32_t is)
{
	struct batch *s = state;
	s->limit = workload_mhz_resized(s->limit, s->common.cpu.unit, was, is);
	return 0;
}

static const char *batch_check(const void *state, char *why, size_t n)
{
	const struct batch *s = state;

	snprintf(why, n, "is 0 (should be above 0: it would never end)");
	return s->common.cpu.value > 0 ? NULL : "cpu";
}

static int batch_init(void *state, const struct workload_ctx *ctx, struct err *err)
{
	struct batch *s = state;
	s->speed = s->core = ctx->speed;
	s->limit = workload_mhz(s->common.cpu, ctx->vcpus, ctx->speed);
	const char *name = arena_printf(ctx->arena, "%s/work", ctx->name);
	struct rng *rng = name ? rng_stream(ctx->arena, ctx->seed, name) : NULL;
	s->ntasks = (size_t)s->tasks;
	s->size = rng ? arena_alloc(ctx->arena, s->ntasks, sizeof *s->size) : NULL;
	if (!s->size)
		return err_nomem(err);
	for (size_t i = 0; i < s->ntasks; i++)
		s->size[i] = fmax(dist_sample(&s->work, rng), 0);
	stat_sort(s->size, s->ntasks);
	s->ideal_s = ideal(s);
	batch_moved(s, ctx->core);
	s->start_ns = ctx->now_ns;
	s->stats.arrived = 1;
	s->stats.started_s = (double)ctx->now_ns * 1e-9;
	s->stats.finished_s = -1;
	return 0;
}

static void finish(struct batch *s, int64_t now_ns)
{
	double elapsed = (double)(now_ns - s->start_ns) * 1e-9;
	workload_complete(&s->stats, elapsed);
	s->stats.finished_s = (double)now_ns * 1e-9;
	s->stats.slowdown_sum += s->ideal_s > 0 ? elapsed / s->ideal_s : 1;
}

/* Gives @dt_s seconds of @cpu_mhz, task end by task end. Returns seconds left when all are done. */
static double advance(struct batch *s, double dt_s, double cpu_mhz)
{
	while (s->done < s->ntasks) {
		double left = s->size[s->done] - s->v;
		if (left <= work_epsilon(s->v)) {
			s->done++;
			continue;
		}
		double rate = batch_rate(s, cpu_mhz), dt = dt_s;
		if (!(rate * dt > 0))
			return 0;
		if (left < rate * dt)
			dt = left / rate;
		s->v += rate * dt;
		s->stats.work_done += rate * dt * (double)(s->ntasks - s->done);
		dt_s -= dt;
	}
	return dt_s;
}

static void batch_demand(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
			 struct demand *out)
{
	struct batch *s = state;
	*out = (struct demand){.done = true};
	if (s->done < s->ntasks || (s->stats.finished_s < 0)) {
		double left_s = advance(s, dt_s, cpu_mhz);
		if (s->done == s->ntasks) /* at a late call, the moment when it really ended */
			finish(s, now_ns - (int64_t)floor(left_s * 1e9 + 1e-3));
	}
	if (s->done == s->ntasks)
		return;
	*out = (struct demand){.want = {[RES_CPU] = batch_want(s),
					[RES_MEM] = s->common.memory,
					[RES_DISK] = s->common.bandwidth,
					[RES_IOPS] = s->common.iops}};
}

static int64_t batch_next(const void *state, int64_t now_ns, double cpu_mhz)
{
	const struct batch *s = state;
	if (s->done == s->ntasks)
		return INT64_MAX;
	return work_eta(now_ns, s->size[s->done] - s->v, batch_rate(s, cpu_mhz));
}

static const struct workload_stats *batch_stats(const void *state)
{
	return &((const struct batch *)state)->stats;
}

static void batch_reset_stats(void *state, int64_t now_ns)
{
	struct batch *s = state;
	(void)now_ns;
	s->stats = (struct workload_stats){.started_s = s->stats.started_s,
					   .finished_s = s->stats.finished_s};
}

const struct workload_ops workload_batch = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct workload_ops),
			.name = "batch",
			.summary = "a job of fixed work that ends when the work is done",
			.source = "own",
			.opts = opts,
			.state_size = sizeof(struct batch),
			.check = batch_check,
		},
	.demand = batch_demand,
	.next = batch_next,
	.init = batch_init,
	.resized = batch_resized,
	.moved = batch_moved,
	.stats = batch_stats,
	.reset_stats = batch_reset_stats,
	.handles_unmet = true,
};
