/* See placer.h. */
#include "policies/placer.h"

_Static_assert((int)PLACE_DIMS == FIT_DIMS, "a tree has the dimensions of a request");

bool place_fits(const struct place_view *view, uint32_t h, const double req[PLACE_DIMS])
{
	for (unsigned d = 0; d < PLACE_DIMS; d++) {
		double slack = PLACE_EPSILON * view->capacity[d][h];
		if (req[d] > 0.0 && !(req[d] <= view->free[d][h] + slack))
			return false;
	}
	return !view->admits || view->admits(view->ctx, h);
}

uint32_t place_next(const struct place_view *view, uint32_t from, const double req[PLACE_DIMS])
{
	uint32_t h = from;

	if (view->tree)
		while ((h = fit_tree_next(view->tree, h, req)) != FIT_NOWHERE &&
		       !place_fits(view, h, req))
			h++;
	else
		while (h < view->nhosts && !place_fits(view, h, req))
			h++;
	return h < view->nhosts ? h : PLACE_NOWHERE;
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
