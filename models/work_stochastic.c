/*
 * A workload whose level is drawn anew at regular moments, counted from the VM's start. A draw
 * below 0 counts as 0 and one above 1 as 1, so the mean of a law that reaches beyond [0, 1] is not
 * the mean level. A VM that was not asked for some steps draws for them all the same: the level is
 * a function of time alone.
 */
#include <math.h>

#include "models/work_list.h"
#include "models/work_time.h"

struct stochastic {
	struct workload_common common;
	struct rng *rng;
	double current;
	int64_t every_ns, next_ns;
	struct dist level;
};

static const struct opt opts[] = {
	WORKLOAD_COMMON_OPTS(struct stochastic, "100%"),
	{.name = "level",
	 .type = OPT_DIST,
	 .of = OPT_RATIO,
	 .offset = offsetof(struct stochastic, level),
	 .required = true,
	 .help = "share of the full demand; draws below 0 count as 0, above 1 as 1"},
	{.name = "every",
	 .type = OPT_TIME,
	 .offset = offsetof(struct stochastic, every_ns),
	 .def = "5min",
	 .min = 1e3,
	 .max = 4e18,
	 .help = "time between two draws"},
	{.name = NULL}};

static void draw(struct stochastic *s)
{
	s->current = fmin(fmax(dist_sample(&s->level, s->rng), 0), 1);
	s->next_ns = work_after(s->next_ns, s->every_ns);
}

static int stochastic_init(void *state, const struct workload_ctx *ctx, struct err *err)
{
	struct stochastic *s = state;
	const char *name = arena_printf(ctx->arena, "%s/level", ctx->name);
	s->rng = name ? rng_stream(ctx->arena, ctx->seed, name) : NULL;
	if (!s->rng)
		return err_nomem(err);
	workload_resolve(&s->common, ctx);
	s->next_ns = ctx->now_ns;
	draw(s);
	return 0;
}

static void stochastic_demand(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
			      struct demand *out)
{
	struct stochastic *s = state;
	(void)dt_s;
	(void)cpu_mhz;
	while (now_ns >= s->next_ns && s->next_ns < INT64_MAX)
		draw(s);
	*out = (struct demand){.want = {[RES_CPU] = s->common.cpu.value * s->current,
					[RES_MEM] = s->common.memory,
					[RES_DISK] = s->common.bandwidth * s->current,
					[RES_IOPS] = s->common.iops * s->current}};
}

static int64_t stochastic_next(const void *state, int64_t now_ns, double cpu_mhz)
{
	const struct stochastic *s = state;
	(void)now_ns;
	(void)cpu_mhz;
	return s->next_ns;
}

const struct workload_ops workload_stochastic = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct workload_ops),
		   .name = "stochastic",
		   .summary = "a level drawn anew at regular moments",
		   .source = "own",
		   .opts = opts,
		   .state_size = sizeof(struct stochastic)},
	.demand = stochastic_demand,
	.next = stochastic_next,
	.init = stochastic_init,
	.resized = workload_resized,
};
