/*
 * Robust local regression: as lr, fitted again and again with bisquare weights, which take samples far
 * from the line out of account (Cleveland 1979): (1 - (e / 6m)^2)^2 of a residual e, where m is the median
 * absolute residual; 0 beyond 6m. Where half of the samples are on the line already (m is 0), it stays.
 * O(iterations x history^2) at worst, for medians.
 */
#include <math.h>

#include "policies/detect_past.h"
#include "policies/list.h"
#include "sim/core/stat.h"

struct lrr {
	struct detect_past past;
	int64_t iterations;
};

static const struct opt opts[] = {
	DETECT_PAST_OPTS(struct lrr, "1.2",
			 "a host is overloaded where the load ahead x this is over 1", "10", "10",
			 3),
	{.name = "iterations",
	 .type = OPT_INT,
	 .offset = offsetof(struct lrr, iterations),
	 .def = "3",
	 .max = 20,
	 .help = "how often weights are made of the residuals and the line is fitted again"},
	{.name = NULL},
};

/* Makes @weight of the residuals times the weights of distance; false: there is nothing to improve. */
static bool reweigh(const struct detector_view *view, struct detect_line line, double *weight,
		    double *residual)
{
	size_t n = view->n;

	for (size_t i = 0; i < n; i++)
		residual[i] = fabs(view->history[i] - (line.start + line.slope * (double)i));
	detect_past_sort(residual, n);
	double reach = 6 * stat_quantile(residual, n, 0.5);
	if (!(reach > 1e-12))
		return false;
	detect_past_tricube(weight, n);
	for (size_t i = 0; i < n; i++) {
		double e = (view->history[i] - (line.start + line.slope * (double)i)) / reach;
		double b = e * e < 1 ? 1 - e * e : 0;
		weight[i] *= b * b;
	}
	return true;
}

static double lrr_limit(const void *state, const struct detector_view *view)
{
	const struct lrr *s = state;
	double *weight = view->scratch, *residual = weight + view->n;

	if (!detect_past_enough(&s->past, view))
		return s->past.fallback;
	detect_past_tricube(weight, view->n);
	struct detect_line line = detect_past_line(view->history, weight, view->n);
	for (int64_t k = 0; k < s->iterations && reweigh(view, line, weight, residual); k++)
		line = detect_past_line(view->history, weight, view->n);
	double at = (double)(view->n - 1) + view->horizon;
	return detect_past_ahead(&s->past, view, line.start + line.slope * at);
}

const struct detector_ops detector_lrr = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct detector_ops),
		   .name = "lrr",
		   .summary = "as lr, with a line that single outliers do not move",
		   .source = "Beloglazov & Buyya, CCPE 24(13), 2012; Cleveland 1979",
		   .opts = opts,
		   .state_size = sizeof(struct lrr)},
	.limit = lrr_limit,
	.samples = detect_past_samples,
};
