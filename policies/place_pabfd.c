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
 * compared. O(pieces log hosts) for each type of hosts.
 */
#include "policies/list.h"

struct least {
	uint32_t host;
	double watts;
	int64_t key;
};

static double rise(const struct place_view *view, uint32_t h, double more)
{
	const struct host_type *type = &view->types[view->type[h]];
	bool off = view->key[h] == FIT_KEY_NONE;
	double load = off ? 0 : (double)view->key[h] / FIT_KEY_UNIT;

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
	double watts = rise(view, h, more);
	int64_t key = view->key[h];
	bool better = watts < least->watts - SAME_WATTS;
	bool same = !better && watts <= least->watts + SAME_WATTS;
	bool wins = key > least->key || (key == least->key && h < least->host);

	if (least->host == PLACE_NOWHERE || better || (same && wins))
		*least = (struct least){h, watts, key};
}

/* Both ends of the loads from @lo to @hi. */
static void consider_ends(const struct place_view *view, struct place_range in,
			  const double req[PLACE_DIMS], struct least *least)
{
	double more = view->load / view->types[in.type].load_full;

	if (in.lo > in.hi)
		return;
	uint32_t h = place_lowest(view, in, req);
	if (h == PLACE_NOWHERE)
		return;
	consider(view, h, more, least);
	consider(view, place_highest(view, in, req), more, least);
}

/* The pieces of the rise begin where the load before, or the load after, begins a piece. */
static void consider_type(const struct place_view *view, size_t t, const double req[PLACE_DIMS],
			  struct least *least)
{
	const struct host_type *type = &view->types[t];
	int64_t more = fit_key(view->load / type->load_full), most = fit_key(1) - more;
	int64_t pieces = type->power_pieces > 0 ? type->power_pieces : 1, lo = 0;
	int64_t before = 1, after = 1; /* the next ends of pieces */

	consider_ends(view, (struct place_range){t, FIT_KEY_NONE, FIT_KEY_NONE}, req, least);
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
		consider_ends(view, (struct place_range){t, lo, hi < most ? hi : most}, req, least);
		lo = hi + 1;
	}
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
