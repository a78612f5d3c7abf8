/* A workload whose demand never changes. */
#include <math.h>

#include "models/work_list.h"

struct constant {
	struct workload_common common;
};

static const struct opt opts[] = {WORKLOAD_COMMON_OPTS(struct constant, "100%"), {.name = NULL}};

static int constant_init(void *state, const struct workload_ctx *ctx, struct err *err)
{
	struct constant *s = state;
	(void)err;
	workload_resolve(&s->common, ctx);
	return 0;
}

static void constant_demand(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
			    struct demand *out)
{
	const struct constant *s = state;
	(void)now_ns;
	(void)dt_s;
	(void)cpu_mhz;
	*out = (struct demand){.want = {[RES_CPU] = s->common.cpu.value,
					[RES_MEM] = s->common.memory,
					[RES_DISK] = s->common.bandwidth,
					[RES_IOPS] = s->common.iops}};
}

static int64_t constant_next(const void *state, int64_t now_ns, double cpu_mhz)
{
	(void)state;
	(void)now_ns;
	(void)cpu_mhz;
	return INT64_MAX;
}

const struct workload_ops workload_constant = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct workload_ops),
		   .name = "constant",
		   .summary = "the same demand all the time",
		   .source = "own",
		   .opts = opts,
		   .state_size = sizeof(struct constant)},
	.demand = constant_demand,
	.next = constant_next,
	.init = constant_init,
	.resized = workload_resized,
};
