/*
 * Maximum shortfall: the VM that lacks most CPU leaves, for it gains most elsewhere; where nobody
 * lacks any, the one with the least memory. O(n).
 */
#include "policies/list.h"

static size_t shortfall_select(void *state, const struct selector_view *view)
{
	size_t best = 0;

	(void)state;
	for (size_t i = 1; i < view->n; i++)
		if (view->shortfall[i] > view->shortfall[best] ||
		    (view->shortfall[i] == view->shortfall[best] &&
		     view->memory[i] < view->memory[best]))
			best = i;
	return best;
}

const struct selector_ops selector_max_shortfall = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct selector_ops),
		   .name = "max-shortfall",
		   .summary = "the VM that lacks most CPU leaves",
		   .source = "own"},
	.select = shortfall_select,
};
