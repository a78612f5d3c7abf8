/*
 * Local regression: a line through the last samples, the newer ones weighing more (tricube; Loess,
 * Cleveland 1979), leads to a load that, times safety, would be full before the host's slowest VM
 * could be gone (Beloglazov & Buyya 2012, section 4.1.3). O(history).
 */
#include "policies/detect_past.h"
#include "policies/list.h"

struct lr {
	struct detect_past past;
};

static const struct opt opts[] = {
	DETECT_PAST_OPTS(struct lr, "1.2",
			 "a host is overloaded where the load ahead x this is over 1", "10", "10",
			 3),
	{.name = NULL},
};

static double lr_limit(const void *state, const struct detector_view *view)
{
	const struct lr *s = state;

	if (!detect_past_enough(&s->past, view))
		return s->past.fallback;
	detect_past_tricube(view->scratch, view->n);
	struct detect_line line = detect_past_line(view->history, view->scratch, view->n);
	double at = (double)(view->n - 1) + view->horizon;
	return detect_past_ahead(&s->past, view, line.start + line.slope * at);
}

const struct detector_ops detector_lr = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct detector_ops),
		   .name = "lr",
		   .summary = "a line through the last samples leads to full load",
		   .source = "Beloglazov & Buyya, CCPE 24(13), 2012; Cleveland 1979",
		   .opts = opts,
		   .state_size = sizeof(struct lr)},
	.limit = lr_limit,
	.samples = detect_past_samples,
};
