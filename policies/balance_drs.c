/*
 * In the manner of VMware DRS (Gulati et al., VMware Technical Journal 1(1), 2012): while the standard
 * deviation of host load is above a target, the move that lowers it most is made, if it is worth its cost.
 * Moving load d from a host at a to one at b changes the sum of squares about the mean by
 * 2d(b - a) + d^2 + d'^2, where d' is the same demand to the target. What is gained is the fall
 * of the standard deviation over all hosts for the time that the new order is expected to last; what it
 * costs, the load that the migration itself puts on both ends while it takes. O(candidates).
 */
#include <math.h>

#include "policies/list.h"

struct drs {
	double target, benefit, overhead;
	int64_t lasts_ns, moves;
};

static const struct opt opts[] = {
	{.name = "target",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct drs, target),
	 .def = "0.1",
	 .max = 1,
	 .help = "standard deviation of host load that is good enough"},
	{.name = "benefit",
	 .type = OPT_NUMBER,
	 .offset = offsetof(struct drs, benefit),
	 .def = "1",
	 .max = 1e9,
	 .help = "a move has to gain at least this many times what it costs"},
	{.name = "overhead",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct drs, overhead),
	 .def = "0.1",
	 .max = 1,
	 .help = "share of the VM's CPU that a migration is taken to cost on either host"},
	{.name = "lasts",
	 .type = OPT_TIME,
	 .offset = offsetof(struct drs, lasts_ns),
	 .def = "5min",
	 .min = 1,
	 .max = 1e18,
	 .help = "for how long demand is expected to stay as it is"},
	{.name = "moves",
	 .type = OPT_INT,
	 .offset = offsetof(struct drs, moves),
	 .def = "100",
	 .min = 1,
	 .max = 1e6,
	 .help = "most moves in a round"},
	{.name = NULL},
};

/* What the move adds to the sum of squares of loads about the mean; hosts of other sizes change the mean
 * as well, which is left out. */
static double change(const struct balancer_view *v, size_t i)
{
	double from = v->load - v->mean, to = v->load_to[i] - v->mean;

	return v->from[i] * (v->from[i] - 2 * from) + v->to[i] * (v->to[i] + 2 * to);
}

static size_t drs_choose(const void *state, const struct balancer_view *v)
{
	const struct drs *s = state;
	double least = 0, n = (double)v->nhosts;
	size_t best = v->n;

	if (v->sd <= s->target || v->moves >= (uint64_t)s->moves)
		return v->n;
	for (size_t i = 0; i < v->n; i++) {
		double by = change(v, i), var = v->sd * v->sd + by / n;
		double gain = (v->sd - sqrt(var > 0 ? var : 0)) * n * (double)s->lasts_ns * 1e-9;
		double cost = s->overhead * (v->from[i] + v->to[i]) * v->migrate_s[i];
		if (by < least && gain > 0 && gain >= s->benefit * cost) {
			least = by;
			best = i;
		}
	}
	return best;
}

const struct balancer_ops balancer_drs = {
	.plugin =
		{.abi = PLUGIN_ABI,
		 .ops_size = sizeof(struct balancer_ops),
		 .name = "drs",
		 .summary =
			 "lowers the standard deviation of host load where that is worth the move",
		 .source = "Gulati et al., VMware Technical Journal 1(1), 2012",
		 .opts = opts,
		 .state_size = sizeof(struct drs)},
	.choose = drs_choose,
};
