/*
 * Power-aware best fit: VMs created at one moment, and those that wait, in order of
 * decreasing CPU, each on the host whose power rises least (Beloglazov & Buyya, CCPE 24(13), 2012). Power is that of the host's
 * model at its load, the share of its CPU that VMs have requested, or what the caller calls load; a
 * host that is off without VMs draws nothing before and its idle power after. A VM may not bring the
 * load over the whole; only where every host would be, the one with the least load takes it. Ties go
 * to the host with more load, then to the lower id.
 *
 * Within a piece of a power model, where it is linear, convex or concave, the rise is a monotone
 * function of the load: only the hosts next to an end of a piece, before or after the rise, need be
 * compared, and no host does better than the better end. So one host is found first where that is
 * best, and what could not beat it is left out, as are loads that no host has. O(pieces log hosts) for
 * each type of hosts at worst; mostly a few times log hosts.
 */
#include <math.h>

#include "policies/list.h"

struct least {
	uint32_t host;
	double watts;
	int64_t key;
};

/* Of a host with that key. */
static double rise(const struct host_type *type, int64_t key, double more)
{
	bool off = key == FIT_KEY_NONE;
	double load = off ? 0 : (double)key / FIT_KEY_UNIT;

	if (!type->has_power)
		return 0;
	double before = off ? 0 : type->watts(type->power_state, load);
	return type->watts(type->power_state, load + more) - before;
}

/* Rises that differ by rounding alone are equal. */
#define SAME_WATTS 1e-9

static void consider(const struct place_view *view, uint32_t h, double more, struct least *least)
{
	if (h == PLACE_NOWHERE)
		return;
	int64_t key = view->key[h];
	double watts = rise(&view->types[view->type[h]], key, more);
	bool better = watts < least->watts - SAME_WATTS;
	bool same = !better && watts <= least->watts + SAME_WATTS;
	bool wins = key > least->key || (key == least->key && h < least->host);

	if (least->host == PLACE_NOWHERE || better || (same && wins))
		*least = (struct least){h, watts, key};
}

/* Loads of a type within which the rise is monotone, and the least that it can be there. */
struct stretch {
	int64_t lo, hi;
	double watts;
};

#define STRETCHES 32 /* at a time: more than twice the pieces of any model that we have */

/* A type of hosts, whose loads are walked through from the lowest up. */
struct walk {
	const struct place_view *view;
	const double *req;
	size_t type;
	double more;
	struct stretch of[STRETCHES];
	size_t n;
};

static void add(struct walk *w, int64_t lo, int64_t hi)
{
	const struct host_type *type = &w->view->types[w->type];
	double low = rise(type, lo, w->more), high = lo < hi ? rise(type, hi, w->more) : low;

	w->of[w->n++] = (struct stretch){lo, hi, low < high ? low : high};
}

/* The host with the least load of those from one stretch on to the end of another. */
static uint32_t lowest(const struct walk *w, size_t from, size_t to)
{
	return place_lowest(w->view, (struct place_range){w->type, w->of[from].lo, w->of[to].hi},
			    w->req);
}

/* Rises that differ by more than this are no equals, however many of them there are in between. */
#define WORSE 1e-6

/* Stretches tried for a rise that some host can offer, before all are walked through. */
#define TRIES 3

/* A rise that is possible, mostly the least: what is worse need not be looked at. */
static double some_rise(const struct walk *w, double known)
{
	bool tried[STRETCHES] = {false};

	for (int k = 0; k < TRIES; k++) {
		size_t best = w->n;
		for (size_t i = 0; i < w->n; i++)
			if (!tried[i] && (best == w->n || w->of[i].watts < w->of[best].watts))
				best = i;
		if (best == w->n || w->of[best].watts > known)
			break;
		tried[best] = true;
		uint32_t h = lowest(w, best, best);
		if (h == PLACE_NOWHERE)
			continue;
		double watts = rise(&w->view->types[w->type], w->view->key[h], w->more);
		return watts < known ? watts : known;
	}
	return known;
}

/* Both ends of every stretch where somebody is and could win. */
static void consider_stretches(const struct walk *w, struct least *least)
{
	double known = some_rise(w, least->host == PLACE_NOWHERE ? (double)INFINITY : least->watts);

	for (size_t i = 0; i < w->n; i++) {
		if (w->of[i].watts > known + WORSE)
			continue;
		uint32_t h = lowest(w, i, w->n - 1);
		if (h == PLACE_NOWHERE)
			return;
		while (w->view->key[h] > w->of[i].hi)
			i++;
		consider(w->view, h, w->more, least);
		struct place_range rest = {w->type, w->view->key[h], w->of[i].hi};
		if (rest.lo < rest.hi)
			consider(w->view, place_highest(w->view, rest, w->req), w->more, least);
		known = least->watts < known ? least->watts : known;
	}
}

/* The pieces of the rise begin where the load before, or the load after, begins a piece. */
static void consider_type(const struct place_view *view, size_t t, const double req[PLACE_DIMS],
			  struct least *least)
{
	const struct host_type *type = &view->types[t];
	struct walk w = {.view = view, .req = req, .type = t};
	int64_t more = fit_key(view->load / type->load_full), most = fit_key(1) - more;
	int64_t pieces = type->power_pieces > 0 ? type->power_pieces : 1, lo = 0;
	int64_t before = 1, after = 1; /* the next ends of pieces */

	w.more = view->load / type->load_full;
	add(&w, FIT_KEY_NONE, FIT_KEY_NONE);
	while (lo <= most) {
		int64_t end = fit_key((double)before / (double)pieces);
		int64_t shifted = fit_key((double)after / (double)pieces) - more;
		if (shifted < lo) {
			after++;
			continue;
		}
		int64_t hi = end < shifted ? end : shifted;
		before += hi == end;
		after += hi == shifted;
		if (w.n == STRETCHES) {
			consider_stretches(&w, least);
			w.n = 0;
		}
		add(&w, lo, hi < most ? hi : most);
		lo = hi + 1;
	}
	consider_stretches(&w, least);
}

static uint32_t least_loaded(const struct place_view *view, const double req[PLACE_DIMS])
{
	uint32_t best = PLACE_NOWHERE;

	for (size_t t = 0; t < view->ntypes; t++) {
		uint32_t h =
			place_lowest(view, (struct place_range){t, FIT_KEY_NONE, INT64_MAX}, req);
		if (h != PLACE_NOWHERE &&
		    (best == PLACE_NOWHERE || view->key[h] < view->key[best] ||
		     (view->key[h] == view->key[best] && h < best)))
			best = h;
	}
	return best;
}

static uint32_t pabfd_place(void *state, const struct place_view *view,
			    const double req[PLACE_DIMS])
{
	struct least least = {.host = PLACE_NOWHERE};

	(void)state;
	for (size_t t = 0; t < view->ntypes; t++)
		consider_type(view, t, req, &least);
	return least.host != PLACE_NOWHERE ? least.host : least_loaded(view, req);
}

static double pabfd_size(const void *state, const struct place_view *view,
			 const double req[PLACE_DIMS])
{
	(void)state;
	(void)view;
	return req[PLACE_CPU];
}

const struct placer_ops placer_pabfd = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct placer_ops),
			.name = "pabfd",
			.summary = "the host whose power rises least; the VM with most CPU first",
			.source = "Beloglazov & Buyya, CCPE 24(13), 2012",
		},
	.place = pabfd_place,
	.order = DC_BY_LOAD,
	.size = pabfd_size,
};
