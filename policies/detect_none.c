/* No host is ever overloaded: nothing moves. `npa` also manages no power: the upper end of what a
 * datacenter can draw (NPA in Beloglazov & Buyya 2012). O(1). */
#include <math.h>

#include "policies/list.h"

static double none_limit(const void *state, const struct detector_view *view)
{
	(void)state;
	(void)view;
	return (double)INFINITY;
}

const struct detector_ops detector_none = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct detector_ops),
		   .name = "none",
		   .summary = "nothing migrates",
		   .source = "own"},
	.flags = DETECTOR_NEVER,
	.limit = none_limit,
};

const struct detector_ops detector_npa = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct detector_ops),
		   .name = "npa",
		   .summary = "nothing migrates, and every host draws its full power always",
		   .source = "Beloglazov & Buyya, CCPE 24(13), 2012"},
	.flags = DETECTOR_NEVER | DETECTOR_FULL_POWER,
	.limit = none_limit,
};
