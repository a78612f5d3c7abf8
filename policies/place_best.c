/*
 * Best-fit: of the hosts that fit, the one that is then fullest, place_fullness() (Johnson, Demers,
 * Ullman, Garey & Graham, SIAM J. Computing 3(4), 1974; several dimensions by their sum, as in
 * Panigrahy et al., 2011). O(hosts that fit).
 */
#include "policies/list.h"

static uint32_t best_place(void *state, const struct place_view *view, const double req[PLACE_DIMS])
{
	uint32_t best = PLACE_NOWHERE;
	double best_full = 0.0;

	(void)state;
	for (uint32_t h = place_next(view, 0, req); h != PLACE_NOWHERE;
	     h = place_next(view, h + 1, req)) {
		double full = place_fullness(view, h, req);
		if (best != PLACE_NOWHERE && full <= best_full)
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
