/*
 * Weighted dominant resource fairness over all columns of the view at once: max-min on each VM's
 * largest weighted share of any resource (Ghodsi et al., NSDI 2011), in its fluid form, with floors
 * and caps (fill.h). In one column it is weighted max-min.
 *
 * divide is O(columns * n) if everything fits, else O(columns^2 * n) Newton steps at worst.
 */
#include "policies/fill.h"
#include "policies/list.h"

static void drf_divide(void *state, const struct share_view *view, double *const *grant)
{
	(void)state;
	fill_joint(view, FILL_M1, NULL, grant);
}

const struct policy_ops policy_drf = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct policy_ops),
			.name = "drf",
			.summary =
				"dominant resource fairness, weighted, over all resources at once",
			.source = "Ghodsi et al., NSDI 2011",
		},
	.resources = RES_ALL,
	.flags = POLICY_MEMORYLESS | POLICY_WORK_CONSERVING | POLICY_JOINT,
	.divide = drf_divide,
};
