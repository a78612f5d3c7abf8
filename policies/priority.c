/*
 * Strict priority: everybody's floor first; then the VMs of the highest priority get all they want,
 * weighted max-min among themselves, then those of the next (the classic non-starving-by-floors
 * form of head-of-the-line service: Cobham, Operations Research 2(1), 1954). Lower ones may starve.
 *
 * divide is O(n) per distinct priority if everything fits, else per Newton step of fill.h as well.
 */
#include "policies/fill.h"
#include "policies/list.h"

static void priority_divide(void *state, const struct share_view *view, double *const *grant)
{
	(void)state;
	fill_joint(view, FILL_M1, view->priority, grant);
}

const struct policy_ops policy_priority = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct policy_ops),
			.name = "priority",
			.summary = "higher priority first, after everybody's floor; weighted "
				   "within one",
			.source = "Cobham, Operations Research 2(1), 1954",
		},
	.resources = RES_ALL,
	.flags = POLICY_MEMORYLESS | POLICY_WORK_CONSERVING,
	.divide = priority_divide,
};
