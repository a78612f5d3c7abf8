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

static bool ask_fits(const void *ctx, uint32_t h)
{
	const struct place_ask *ask = ctx;

	return place_fits(ask->view, h, ask->req);
}

void place_ask(struct place_ask *ask, const struct place_view *view, const double req[PLACE_DIMS])
{
	double want[FIT_DIMS] = {0};

	ask->view = view;
	ask->req = req;
	if (!view->index)
		return;
	for (unsigned d = 0; d < PLACE_DIMS; d++)
		want[d] = req[d];
	for (unsigned r = 0; view->floor && r < RES_COUNT; r++)
		want[PLACE_DIMS + r] = view->floor[r];
	fit_ask(view->index, &ask->need, want, view->type_ok, view->ntypes);
	ask->need.admits = ask_fits;
	ask->need.ctx = ask;
}

uint32_t place_next(const struct place_ask *ask, uint32_t from)
{
	const struct place_view *view = ask->view;
	uint32_t h = from;

	if (view->index)
		h = fit_next(view->index, from, &ask->need);
	else
		while (h < view->nhosts && !place_fits(view, h, ask->req))
			h++;
	return h < view->nhosts ? h : PLACE_NOWHERE;
}

uint32_t place_first(const struct place_view *view, const double req[PLACE_DIMS])
{
	struct place_ask ask;

	place_ask(&ask, view, req);
	return place_next(&ask, 0);
}

static uint32_t look(const struct place_ask *ask, struct place_range in, bool highest)
{
	const struct place_view *view = ask->view;
	uint32_t found = PLACE_NOWHERE;

	for (uint32_t h = 0; h < view->nhosts; h++) {
		int64_t key = view->key[h];
		if (place_kind(view, h) != in.type || key < in.lo || key > in.hi)
			continue;
		if (found != PLACE_NOWHERE &&
		    (highest ? key <= view->key[found] : key >= view->key[found]))
			continue;
		if (place_fits(view, h, ask->req))
			found = h;
	}
	return found;
}

static uint32_t extreme(const struct place_ask *ask, struct place_range in, bool highest)
{
	const struct place_view *view = ask->view;

	if (view->type_ok && !view->type_ok[in.type])
		return PLACE_NOWHERE;
	if (!view->index)
		return look(ask, in, highest);
	return highest ? fit_last(view->index, in.type, in.lo, in.hi, &ask->need)
		       : fit_first(view->index, in.type, in.lo, in.hi, &ask->need);
}

uint32_t place_lowest(const struct place_ask *ask, struct place_range in)
{
	return extreme(ask, in, false);
}

uint32_t place_highest(const struct place_ask *ask, struct place_range in)
{
	return extreme(ask, in, true);
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
	struct place_ask ask;

	place_ask(&ask, view, req);
	for (size_t t = 0; t < ntypes(view); t++) {
		struct place_range all = {t, INT64_MIN, INT64_MAX};
		uint32_t h = place_highest(&ask, all);
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

uint32_t place_least(const struct place_ask *ask, int64_t lo)
{
	const int64_t *key = ask->view->key;
	uint32_t best = PLACE_NOWHERE;

	for (size_t t = 0; t < ntypes(ask->view); t++) {
		uint32_t h = place_lowest(ask, (struct place_range){t, lo, INT64_MAX});
		if (h == PLACE_NOWHERE)
			continue;
		if (best == PLACE_NOWHERE || key[h] < key[best] ||
		    (key[h] == key[best] && h < best))
			best = h;
	}
	return best;
}

static uint32_t emptiest_from(const struct place_ask *ask, int64_t lo)
{
	const struct place_view *view = ask->view;
	uint32_t best = PLACE_NOWHERE;
	int64_t best_full = 0;

	for (size_t t = 0; t < ntypes(view); t++) {
		uint32_t h = place_lowest(ask, (struct place_range){t, lo, INT64_MAX});
		if (h == PLACE_NOWHERE)
			continue;
		int64_t full = place_fullness(view, h, ask->req);
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
	struct place_ask ask;

	place_ask(&ask, view, req);
	uint32_t used = used_first ? emptiest_from(&ask, FIT_KEY_NONE + 1) : PLACE_NOWHERE;
	return used != PLACE_NOWHERE ? used : emptiest_from(&ask, FIT_KEY_NONE);
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
