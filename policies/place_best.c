/*
 * Best-fit: of the hosts that fit, the one that is then fullest, place_fullness() (Johnson, Demers,
 * Ullman, Garey & Graham, SIAM J. Computing 3(4), 1974; several dimensions by their sum, as in
 * Panigrahy et al., 2011). O(log hosts) for each type of hosts.
 */
#include "policies/list.h"

static uint32_t best_place(void *state, const struct place_view *view, const double req[PLACE_DIMS])
{
	(void)state;
	return place_fullest(view, req);
}

const struct placer_ops placer_best = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct placer_ops),
			.name = "best-fit",
			.summary = "the fullest host that fits",
			.source = "Johnson et al., SIAM J. Computing 3(4), 1974",
		},
	.place = best_place,
	.order = DC_BY_FULLNESS,
};
