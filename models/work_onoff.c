/*
 * A workload that is fully on or off by turns, each turn's length drawn anew. Off it wants no CPU
 * and no disk but keeps its memory.
 *
 * With start: stationary it begins on with probability E[on] / (E[on] + E[off]); its first turn is
 * a whole one, which is the stationary process for exponential turns and close to it for others.
 */
#include <math.h>
#include <stdio.h>

#include "models/work_list.h"
#include "models/work_time.h"

enum { START_ON, START_OFF, START_STATIONARY };
static const char *const start_names[] = {"on", "off", "stationary", NULL};

struct onoff {
	struct workload_common common;
	struct rng *rng;
	int64_t next_ns;
	bool is_on;
	int start;
	struct dist on, off;
};

static const struct opt opts[] = {
	WORKLOAD_COMMON_OPTS(struct onoff, "100%"),
	{.name = "on_time",
	 .was = "on",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct onoff, on),
	 .required = true,
	 .help = "how long it stays on; negative draws count as 0"},
	{.name = "off_time",
	 .was = "off",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct onoff, off),
	 .required = true,
	 .help = "how long it stays off; negative draws count as 0"},
	{.name = "start",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct onoff, start),
	 .def = "stationary",
	 .choices = start_names,
	 .help = "first state; stationary: on as often as in the long run"},
	{.name = NULL}};

static bool starts_on(struct onoff *s, double on, double off)
{
	double u = rng_uniform(s->rng); /* drawn in any case: the turns do not depend on start: */
	if (s->start != START_STATIONARY)
		return s->start == START_ON;
	if (isinf(on) || isinf(off))
		return isinf(on) && (!isinf(off) || u < 0.5);
	return u < on / (on + off);
}

static void turn(struct onoff *s)
{
	double seconds = dist_sample(s->is_on ? &s->on : &s->off, s->rng);
	s->next_ns = work_after(s->next_ns, work_ns(seconds));
}

static const char *onoff_check(const void *state, char *why, size_t n)
{
	const struct onoff *s = state;
	double on = dist_mean(&s->on), off = dist_mean(&s->off);

	snprintf(why, n,
		 "and off_time have means of %g s and %g s (neither may be negative, nor both 0)",
		 on, off);
	return on < 0 || off < 0 || !(on + off > 0) ? "on_time" : NULL;
}

static int onoff_init(void *state, const struct workload_ctx *ctx, struct err *err)
{
	struct onoff *s = state;
	double on = dist_mean(&s->on), off = dist_mean(&s->off);
	const char *name = arena_printf(ctx->arena, "%s/onoff", ctx->name);
	s->rng = name ? rng_stream(ctx->arena, ctx->seed, name) : NULL;
	if (!s->rng)
		return err_nomem(err);
	workload_resolve(&s->common, ctx);
	s->next_ns = ctx->now_ns;
	s->is_on = starts_on(s, on, off);
	turn(s);
	return 0;
}

static void onoff_demand(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
			 struct demand *out)
{
	struct onoff *s = state;
	(void)dt_s;
	(void)cpu_mhz;
	while (now_ns >= s->next_ns && s->next_ns < INT64_MAX) {
		s->is_on = !s->is_on;
		turn(s);
	}
	*out = (struct demand){.want = {[RES_MEM] = s->common.memory}};
	if (s->is_on) {
		out->want[RES_CPU] = s->common.cpu.value;
		out->want[RES_DISK] = s->common.bandwidth;
		out->want[RES_IOPS] = s->common.iops;
	}
}

static int64_t onoff_next(const void *state, int64_t now_ns, double cpu_mhz)
{
	const struct onoff *s = state;
	(void)now_ns;
	(void)cpu_mhz;
	return s->next_ns;
}

const struct workload_ops workload_onoff = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct workload_ops),
			.name = "onoff",
			.summary = "full demand and none by turns of random length",
			.source = "alternating renewal process",
			.opts = opts,
			.state_size = sizeof(struct onoff),
			.check = onoff_check,
		},
	.demand = onoff_demand,
	.next = onoff_next,
	.init = onoff_init,
	.resized = workload_resized,
};
