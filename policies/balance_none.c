/* Nothing is moved for the sake of balance. O(1). */
#include "policies/list.h"

static size_t none_choose(const void *state, const struct balancer_view *view)
{
	(void)state;
	return view->n;
}

const struct balancer_ops balancer_none = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct balancer_ops),
		   .name = "none",
		   .summary = "load is not balanced",
		   .source = "own"},
	.choose = none_choose,
};
