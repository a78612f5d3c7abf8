/*
 * As iqr, with the median absolute deviation, which a few extreme samples do not move (Beloglazov &
 * Buyya 2012, section 4.1.1). O(history^2) at worst.
 */
#include <math.h>
#include <string.h>

#include "policies/detect_past.h"
#include "policies/list.h"
#include "sim/core/stat.h"

struct mad {
	struct detect_past past;
};

static const struct opt opts[] = {
	DETECT_PAST_OPTS(struct mad, "2.5",
			 "the threshold is 1 - this x the median absolute deviation of the load",
			 "30", "12", 2),
	{.name = NULL},
};

static double mad_limit(const void *state, const struct detector_view *view)
{
	const struct mad *s = state;
	double *sorted = view->scratch;

	if (!detect_past_enough(&s->past, view))
		return s->past.fallback;
	memcpy(sorted, view->history, view->n * sizeof(*sorted));
	detect_past_sort(sorted, view->n);
	double median = stat_quantile(sorted, view->n, 0.5);
	for (size_t i = 0; i < view->n; i++)
		sorted[i] = fabs(sorted[i] - median);
	detect_past_sort(sorted, view->n);
	return detect_past_limit(&s->past, stat_quantile(sorted, view->n, 0.5));
}

const struct detector_ops detector_mad = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct detector_ops),
		   .name = "mad",
		   .summary = "load over a threshold that its median absolute deviation lowers",
		   .source = "Beloglazov & Buyya, CCPE 24(13), 2012",
		   .opts = opts,
		   .state_size = sizeof(struct mad)},
	.limit = mad_limit,
	.samples = detect_past_samples,
};
