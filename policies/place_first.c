/*
 * First-fit: the host with the lowest id that fits (Johnson, Demers, Ullman, Garey & Graham, SIAM
 * J. Computing 3(4), 1974). O(log hosts).
 */
#include "policies/list.h"

static uint32_t first_place(void *state, const struct place_view *view,
			    const double req[PLACE_DIMS])
{
	(void)state;
	return place_first(view, req);
}

const struct placer_ops placer_first = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct placer_ops),
			.name = "first-fit",
			.summary = "the first host that fits",
			.source = "Johnson et al., SIAM J. Computing 3(4), 1974",
		},
	.place = first_place,
};
