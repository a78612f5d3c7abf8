/*
 * A threshold that the interquartile range of the load's last samples lowers: the more a host's load
 * varies, the sooner it counts as overloaded (Beloglazov & Buyya 2012, section 4.1.2). Quartiles are of
 * type 7 (Hyndman & Fan 1996). O(history^2) at worst for sorting, linear where little changes order.
 */
#include <math.h>
#include <string.h>

#include "policies/detect_past.h"
#include "policies/list.h"
#include "sim/core/stat.h"

struct iqr {
	struct detect_past past;
};

static const struct opt opts[] = {
	DETECT_PAST_OPTS(struct iqr, "1.5",
			 "the threshold is 1 - this x the interquartile range of the load", "30",
			 "12", 2),
	{.name = NULL},
};

static double iqr_limit(const void *state, const struct detector_view *view)
{
	const struct iqr *s = state;
	double *sorted = view->scratch;

	if (!detect_past_enough(&s->past, view))
		return s->past.fallback;
	memcpy(sorted, view->history, view->n * sizeof(*sorted));
	detect_past_sort(sorted, view->n);
	return detect_past_limit(&s->past, stat_quantile(sorted, view->n, 0.75) -
						   stat_quantile(sorted, view->n, 0.25));
}

const struct detector_ops detector_iqr = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct detector_ops),
		   .name = "iqr",
		   .summary = "load over a threshold that its interquartile range lowers",
		   .source = "Beloglazov & Buyya, CCPE 24(13), 2012",
		   .opts = opts,
		   .state_size = sizeof(struct iqr)},
	.limit = iqr_limit,
	.samples = detect_past_samples,
};
