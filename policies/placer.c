/* See placer.h. */
#include "policies/placer.h"

bool place_fits(const struct place_view *view, uint32_t h, const double req[PLACE_DIMS])
{
	for (unsigned d = 0; d < PLACE_DIMS; d++) {
		double slack = PLACE_EPSILON * view->capacity[d][h];
		if (req[d] > 0.0 && !(req[d] <= view->free[d][h] + slack))
			return false;
	}
	return !view->admits || view->admits(view->ctx, h);
}

double place_fullness(const struct place_view *view, uint32_t h, const double req[PLACE_DIMS])
{
	double full = 0.0;

	for (unsigned d = 0; d < PLACE_DIMS; d++) {
		double capacity = view->capacity[d][h];
		if (capacity > 0.0)
			full += (capacity - view->free[d][h] + req[d]) / capacity;
	}
	return full;
}
