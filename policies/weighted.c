/*
 * Weighted max-min fairness with guarantees and limits: unused guarantee is lent, unused share goes
 * to the others by weight (Bertsekas & Gallager, Data Networks, 1987; with reservations and limits
 * as in mClock, Gulati, Merchant & Varman, OSDI 2010). The rules m1 and m2 and the joint filling of
 * a disk's bandwidth and operations are defined in fill.h.
 *
 * divide is O(n) if everything fits, else O(n) per Newton step of fill.h.
 */
#include "policies/fill.h"
#include "policies/list.h"

struct weighted {
	int rule; /* enum fill_rule */
};

static const char *const weighted_rules[] = {[FILL_M1] = "m1", [FILL_M2] = "m2", NULL};

static const struct opt weighted_opts[] = {
	{
		.name = "rule",
		.type = OPT_ENUM,
		.offset = offsetof(struct weighted, rule),
		.def = "m1",
		.choices = weighted_rules,
		.help = "m1: the guarantee is part of the share; m2: it comes before the share",
	},
	{.name = NULL},
};

static void weighted_divide(void *state, const struct share_view *view, double *const *grant)
{
	const struct weighted *p = state;

	if (view->ncols != 1)
		fill_joint(view, (enum fill_rule)p->rule, NULL, grant);
	else if (p->rule == FILL_M1)
		fill_level(view->col, view->n, view->scratch, grant[0]);
	else
		fill_above(view->col, view->n, view->scratch, grant[0]);
}

const struct policy_ops policy_weighted = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct policy_ops),
			.name = "weighted",
			.summary = "weighted max-min fair; unused guarantees are lent",
			.source = "Gulati, Merchant & Varman, mClock, OSDI 2010",
			.opts = weighted_opts,
			.state_size = sizeof(struct weighted),
		},
	.resources = RES_ALL,
	.flags = POLICY_MEMORYLESS | POLICY_WORK_CONSERVING | POLICY_ENTITLEMENT,
	.divide = weighted_divide,
};
