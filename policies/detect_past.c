/* See detect_past.h. */
#include "policies/detect_past.h"

#include <math.h>

size_t detect_past_samples(const void *state)
{
	return (size_t)((const struct detect_past *)state)->history;
}

bool detect_past_enough(const struct detect_past *past, const struct detector_view *view)
{
	int64_t need = past->minimum < past->history ? past->minimum : past->history;

	return view->n >= (size_t)need;
}

double detect_past_limit(const struct detect_past *past, double spread)
{
	double limit = 1 - past->safety * spread;

	return limit > 0 ? limit : 0;
}

void detect_past_sort(double *value, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double v = value[i];
		size_t k = i;
		for (; k > 0 && value[k - 1] > v; k--)
			value[k] = value[k - 1];
		value[k] = v;
	}
}

void detect_past_tricube(double *weight, size_t n)
{
	double reach = n > 1 ? (double)(n - 1) : 1;

	for (size_t i = 0; i < n; i++) {
		double d = (double)(n - 1 - i) / reach, w = 1 - d * d * d;
		weight[i] = w * w * w;
	}
}

struct detect_line detect_past_line(const double *y, const double *weight, size_t n)
{
	double sum = 0, mean_x = 0, mean_y = 0, xx = 0, xy = 0;

	for (size_t i = 0; i < n; i++) {
		sum += weight[i];
		mean_x += weight[i] * (double)i;
		mean_y += weight[i] * y[i];
	}
	if (!(sum > 0))
		return (struct detect_line){n > 0 ? y[n - 1] : 0, 0};
	mean_x /= sum;
	mean_y /= sum;
	for (size_t i = 0; i < n; i++) {
		double dx = (double)i - mean_x;
		xx += weight[i] * dx * dx;
		xy += weight[i] * dx * (y[i] - mean_y);
	}
	double slope = xx > 0 ? xy / xx : 0;
	return (struct detect_line){mean_y - slope * mean_x, slope};
}

double detect_past_ahead(const struct detect_past *past, const struct detector_view *view,
			 double ahead)
{
	double most = past->safety > 0 ? 1 / past->safety : (double)INFINITY;

	return view->load + (most - ahead);
}
