/*
 * Minimum utilization: the VM that uses the smallest share of what it could (Beloglazov & Buyya,
 * CCGrid 2010, and CloudSim's `mu`). O(n).
 */
#include "policies/list.h"

static size_t mu_select(void *state, const struct selector_view *view)
{
	size_t best = 0;

	(void)state;
	for (size_t i = 1; i < view->n; i++)
		if (view->demand[i] * view->size[best] < view->demand[best] * view->size[i])
			best = i;
	return best;
}

const struct selector_ops selector_mu = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct selector_ops),
		   .name = "mu",
		   .summary = "the VM with the least utilization leaves",
		   .source = "Beloglazov & Buyya, CCGrid 2010"},
	.select = mu_select,
};
