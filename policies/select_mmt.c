/*
 * Minimum migration time: the VM with the least memory to move, as all share one link (Beloglazov &
 * Buyya 2012, section 4.2.1; the template for selectors). O(n).
 */
#include "policies/list.h"

static size_t mmt_select(void *state, const struct selector_view *view)
{
	size_t best = 0;

	(void)state;
	for (size_t i = 1; i < view->n; i++)
		if (view->memory[i] < view->memory[best])
			best = i;
	return best;
}

const struct selector_ops selector_mmt = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct selector_ops),
		   .name = "mmt",
		   .summary = "the VM with the least memory leaves: the shortest migration",
		   .source = "Beloglazov & Buyya, CCPE 24(13), 2012"},
	.select = mmt_select,
};
