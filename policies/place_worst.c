/*
 * Worst-fit: of the hosts that fit, the one that is then emptiest, place_fullness(). All hosts of
 * the view count, used or not, so this spreads; the worst-fit of the packing literature, which
 * opens a new bin only when no open one fits, is this one shown the open hosts alone. O(hosts that
 * fit).
 */
#include "policies/list.h"

static uint32_t worst_place(void *state, const struct place_view *view,
			    const double req[PLACE_DIMS])
{
	uint32_t worst = PLACE_NOWHERE;
	double worst_full = 0.0;

	(void)state;
	for (uint32_t h = place_next(view, 0, req); h != PLACE_NOWHERE;
	     h = place_next(view, h + 1, req)) {
		double full = place_fullness(view, h, req);
		if (worst != PLACE_NOWHERE && full >= worst_full)
			continue;
		worst = h;
		worst_full = full;
	}
	return worst;
}

const struct placer_ops placer_worst = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct placer_ops),
			.name = "worst-fit",
			.summary = "the emptiest host that fits",
			.source = "Johnson, Near-optimal bin packing algorithms, 1973",
		},
	.place = worst_place,
};
