/*
 * A workload with a rhythm: its level swings between `low` and 1,
 *	level(t) = low + (1 - low) (1 + sin(2 pi (t + phase) / period)) / 2,
 * on the clock of the simulation, so that all VMs of a datacenter share their day.
 *
 * Rates are constant between events, so the level is a step function on the multiples of `every`;
 *each step is the exact mean of the sine over it and the work of any whole number of steps is
 *exact.
 */
#include <math.h>

#include "models/work_list.h"

struct sine {
	struct workload_common common;
	double low, level;
	int64_t period_ns, phase_ns, every_ns;
	int64_t next_ns;
};

static const struct opt opts[] = {
	WORKLOAD_COMMON_OPTS(struct sine, "100%"),
	{.name = "low",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct sine, low),
	 .def = "0%",
	 .max = 1,
	 .help = "lowest level, as a share of the full one"},
	{.name = "period",
	 .type = OPT_TIME,
	 .offset = offsetof(struct sine, period_ns),
	 .def = "1d",
	 .min = 1e3,
	 .max = 4e18,
	 .help = "length of one swing"},
	{.name = "phase",
	 .type = OPT_TIME,
	 .offset = offsetof(struct sine, phase_ns),
	 .def = "0s",
	 .help = "how far the swing is advanced; at 0 it starts at the middle and rises"},
	{.name = "every",
	 .type = OPT_TIME,
	 .offset = offsetof(struct sine, every_ns),
	 .def = "5min",
	 .min = 1e3,
	 .max = 4e18,
	 .help = "length of the steps that the sine is cut into, from the clock's 0 on"},
	{.name = NULL}};

/* The mean of the level over [from, to]: the sine's integral by the product form, which does not
 * cancel on short steps. */
static double mean_level(const struct sine *s, int64_t from_ns, int64_t to_ns)
{
	const double w = 2 * M_PI / (double)s->period_ns;
	double half = w * (double)(to_ns - from_ns) / 2;
	int64_t in_period = (from_ns % s->period_ns + s->phase_ns % s->period_ns) % s->period_ns;
	double middle = w * (double)in_period + half;
	double mean = half > 0 ? sin(middle) * sin(half) / half : sin(middle);
	return s->low + (1 - s->low) * fmin(fmax((1 + mean) / 2, 0), 1);
}

static void step(struct sine *s, int64_t now_ns, bool is_first)
{
	int64_t from = now_ns - now_ns % s->every_ns;
	s->next_ns = s->every_ns > INT64_MAX - from ? INT64_MAX : from + s->every_ns;
	s->level = mean_level(s, is_first ? now_ns : from, s->next_ns);
}

static int sine_init(void *state, const struct workload_ctx *ctx, struct err *err)
{
	struct sine *s = state;
	(void)err;
	workload_resolve(&s->common, ctx);
	step(s, ctx->now_ns, true);
	return 0;
}

static void sine_demand(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
			struct demand *out)
{
	struct sine *s = state;
	(void)dt_s;
	(void)cpu_mhz;
	if (now_ns >= s->next_ns)
		step(s, now_ns, false);
	*out = (struct demand){.want = {[RES_CPU] = s->common.cpu.value * s->level,
					[RES_MEM] = s->common.memory,
					[RES_DISK] = s->common.bandwidth * s->level,
					[RES_IOPS] = s->common.iops * s->level}};
}

static int64_t sine_next(const void *state, int64_t now_ns, double cpu_mhz)
{
	const struct sine *s = state;
	(void)now_ns;
	(void)cpu_mhz;
	return s->next_ns;
}

const struct workload_ops workload_sine = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct workload_ops),
		   .name = "sine",
		   .summary = "demand that swings with the hour of the day",
		   .source = "own",
		   .opts = opts,
		   .state_size = sizeof(struct sine)},
	.demand = sine_demand,
	.next = sine_next,
	.init = sine_init,
	.resized = workload_resized,
};
