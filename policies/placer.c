/* See placer.h. Without an index every question is answered by a look at every host, with the same
 * answers. */
#include "policies/placer.h"

#include <math.h>

_Static_assert((int)PLACE_DIMS == (int)DC_DIMS, "requests have the dimensions of hosts");

bool place_fits(const struct place_view *view, uint32_t h, const double req[PLACE_DIMS])
{
	size_t kind = place_kind(view, h);

	for (unsigned d = 0; d < PLACE_DIMS; d++) {
		double slack = PLACE_EPSILON * view->capacity[d][kind];
		if (req[d] > 0.0 && !(req[d] <= view->free[d][h] + slack))
			return false;
	}
	if (view->type_ok && !view->type_ok[kind])
		return false;
	return !view->admits || view->admits(view->ctx, h);
}

struct asked {
	const struct place_view *view;
	const double *req;
};

static bool asked_fits(const void *ctx, uint32_t h)
{
	const struct asked *asked = ctx;

	return place_fits(asked->view, h, asked->req);
}

static void ask(const struct asked *asked, struct fit_need *need)
{
	const struct place_view *view = asked->view;
	double want[FIT_DIMS] = {0};

	for (unsigned d = 0; d < PLACE_DIMS; d++)
		want[d] = asked->req[d];
	for (unsigned r = 0; view->floor && r < RES_COUNT; r++)
		want[PLACE_DIMS + r] = view->floor[r];
	fit_ask(view->index, need, want, view->type_ok, view->ntypes);
	need->admits = asked_fits;
	need->ctx = asked;
}

uint32_t place_next(const struct place_view *view, uint32_t from, const double req[PLACE_DIMS])
{
	uint32_t h = from;

	if (view->index) {
		struct asked asked = {view, req};
		struct fit_need need;
		ask(&asked, &need);
		h = fit_next(view->index, from, &need);
	} else {
		while (h < view->nhosts && !place_fits(view, h, req))
			h++;
	}
	return h < view->nhosts ? h : PLACE_NOWHERE;
}

static uint32_t look(const struct place_view *view, struct place_range in,
		     const double req[PLACE_DIMS], bool highest)
{
	uint32_t found = PLACE_NOWHERE;

	for (uint32_t h = 0; h < view->nhosts; h++) {
		int64_t key = view->key[h];
		if (place_kind(view, h) != in.type || key < in.lo || key > in.hi)
			continue;
		if (found != PLACE_NOWHERE &&
		    (highest ? key <= view->key[found] : key >= view->key[found]))
			continue;
		if (place_fits(view, h, req))
			found = h;
	}
	return found;
}

static uint32_t extreme(const struct place_view *view, struct place_range in,
			const double req[PLACE_DIMS], bool highest)
{
	struct asked asked = {view, req};
	struct fit_need need;

	if (view->type_ok && !view->type_ok[in.type])
		return PLACE_NOWHERE;
	if (!view->index)
		return look(view, in, req, highest);
	ask(&asked, &need);
	return highest ? fit_last(view->index, in.type, in.lo, in.hi, &need)
		       : fit_first(view->index, in.type, in.lo, in.hi, &need);
}

uint32_t place_lowest(const struct place_view *view, struct place_range in,
		      const double req[PLACE_DIMS])
{
	return extreme(view, in, req, false);
}

uint32_t place_highest(const struct place_view *view, struct place_range in,
		       const double req[PLACE_DIMS])
{
	return extreme(view, in, req, true);
}

int64_t place_fullness(const struct place_view *view, uint32_t h, const double req[PLACE_DIMS])
{
	size_t kind = place_kind(view, h);
	double more = 0.0;

	for (unsigned d = 0; d < PLACE_DIMS; d++)
		if (view->capacity[d][kind] > 0.0)
			more += req[d] / view->capacity[d][kind];
	return view->key[h] + fit_key(more);
}

static size_t ntypes(const struct place_view *view)
{
	return view->type ? view->ntypes : 1;
}

uint32_t place_fullest(const struct place_view *view, const double req[PLACE_DIMS])
{
	uint32_t best = PLACE_NOWHERE;
	int64_t best_full = 0;

	for (size_t t = 0; t < ntypes(view); t++) {
		struct place_range all = {t, INT64_MIN, INT64_MAX};
		uint32_t h = place_highest(view, all, req);
		if (h == PLACE_NOWHERE)
			continue;
		int64_t full = place_fullness(view, h, req);
		if (best == PLACE_NOWHERE || full > best_full || (full == best_full && h < best)) {
			best = h;
			best_full = full;
		}
	}
	return best;
}

static uint32_t emptiest_from(const struct place_view *view, const double req[PLACE_DIMS],
			      int64_t lo)
{
	uint32_t best = PLACE_NOWHERE;
	int64_t best_full = 0;

	for (size_t t = 0; t < ntypes(view); t++) {
		uint32_t h = place_lowest(view, (struct place_range){t, lo, INT64_MAX}, req);
		if (h == PLACE_NOWHERE)
			continue;
		int64_t full = place_fullness(view, h, req);
		if (best == PLACE_NOWHERE || full < best_full || (full == best_full && h < best)) {
			best = h;
			best_full = full;
		}
	}
	return best;
}

uint32_t place_emptiest(const struct place_view *view, const double req[PLACE_DIMS],
			bool used_first)
{
	uint32_t used = used_first ? emptiest_from(view, req, FIT_KEY_NONE + 1) : PLACE_NOWHERE;

	return used != PLACE_NOWHERE ? used : emptiest_from(view, req, FIT_KEY_NONE);
}

/* The average host in a dimension; 0 where one has no limit. */
static double average(const struct place_view *view, unsigned d)
{
	double sum = 0, n = 0;

	if (!view->types)
		return view->nhosts > 0 ? view->capacity[d][0] : 0;
	for (size_t t = 0; t < view->ntypes; t++) {
		double place = view->types[t].place[d], count = view->types[t].count;
		sum += place * count;
		n += count;
	}
	return sum < (double)INFINITY && n > 0 ? sum / n : 0;
}

void place_shares(const struct place_view *view, const double req[PLACE_DIMS],
		  double share[PLACE_DIMS])
{
	for (unsigned d = 0; d < PLACE_DIMS; d++) {
		double whole = average(view, d);
		share[d] = whole > 0 ? req[d] / whole : 0;
	}
}
