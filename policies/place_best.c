/*
 * Best-fit: of the hosts that fit, the one that is then fullest, place_fullness() (Johnson, Demers,
 * Ullman, Garey & Graham, SIAM J. Computing 3(4), 1974; several dimensions by their sum, as in
 * Panigrahy et al., 2011). O(hosts).
 */
#include "policies/list.h"

static uint32_t best_place(void *state, const struct place_view *view, const double req[PLACE_DIMS])
{
	uint32_t best = PLACE_NOWHERE;
	double best_full = 0.0;

	(void)state;
	for (uint32_t h = 0; h < view->nhosts; h++) {
		double full = place_fullness(view, h, req);
		if ((best != PLACE_NOWHERE && full <= best_full) || !place_fits(view, h, req))
			continue;
		best = h;
		best_full = full;
	}
	return best;
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
};
