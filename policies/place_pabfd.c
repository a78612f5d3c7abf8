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
 * each type of hosts at worst; mostly a few times log hosts; nothing where a VM before was alike and no host of the
 * type has changed since.
 */
#include <math.h>
#include <string.h>

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

static void take_better(struct least *least, const struct least *other)
{
	bool better = other->watts < least->watts - SAME_WATTS;
	bool same = !better && other->watts <= least->watts + SAME_WATTS;
	bool wins =
		other->key > least->key || (other->key == least->key && other->host < least->host);

	if (least->host == PLACE_NOWHERE || better || (same && wins))
		*least = *other;
}

static void consider(const struct place_view *view, uint32_t h, double more, struct least *least)
{
	if (h == PLACE_NOWHERE)
		return;
	struct least other = {.host = h, .key = view->key[h]};
	other.watts = rise(&view->types[view->type[h]], other.key, more);
	take_better(least, &other);
}

/* Loads of a type within which the rise is monotone, and the least that it can be there. */
struct stretch {
	int64_t lo, hi;
	double watts;
};

#define STRETCHES 32 /* at a time: more than twice the pieces of any model that we have */

/* Stretches tried for a rise that some host can offer, before all are walked through. */
#define TRIES 3

/* What a VM adds to the load of a type of hosts: the stretches, from the lowest load up, and which of them have
 * the least rises. Where there are more, they come in turn, from @lo on. */
struct plan {
	const struct host_type *type;
	double load; /* of the VM, MHz; NAN: the first stretches are gone */
	double more; /* the same as a share of a host's */
	size_t n;
	struct stretch of[STRETCHES];
	size_t ntries, try[TRIES];
	int64_t lo; /* where the next stretch begins */
	double end; /* the rise where the last one ends */
	double pieces;
	/* The piece at the load before, and at the load after: its number, and the load before where it ends. */
	int64_t before, after, before_end, after_end;
	struct answer {
		const struct fit_index *index; /* NULL: there is none */
		uint64_t sets;
		uint32_t alike;
		double bound; /* what is worse was left out */
		struct least found;
	} last; /* for the VM before that had this plan */
};

/* Plans are kept for VMs to come, of which many add as much. */
#define PLANS_LOG 8
#define PLANS     (1 << PLANS_LOG)

struct pabfd {
	struct plan plan[PLANS];
};

/* Pieces that are linear begin with what the one before ends with, except at 0 (models/power.h). */
static void add(struct plan *p, int64_t lo, int64_t hi)
{
	bool goes_on = lo > 1 && p->type->power_pieces > 1;
	double low = goes_on ? p->end : rise(p->type, lo, p->more);

	p->end = lo < hi ? rise(p->type, hi, p->more) : low;
	p->of[p->n++] = (struct stretch){lo, hi, low < p->end ? low : p->end};
}

/* Those with the least rises, the least first; among equals the one from the lowest load. */
static void plan_tries(struct plan *p)
{
	p->ntries = 0;
	for (size_t i = 0; i < p->n; i++) {
		size_t at = p->ntries < TRIES ? p->ntries++ : TRIES;
		for (; at > 0 && p->of[i].watts < p->of[p->try[at - 1]].watts; at--)
			if (at < TRIES)
				p->try[at] = p->try[at - 1];
		if (at < TRIES)
			p->try[at] = i;
	}
}

/* The highest load before at which the load after is not over the whole. */
static int64_t most(const struct plan *p)
{
	return fit_key(1) - fit_key(p->more);
}

static bool plan_goes_on(const struct plan *p)
{
	return p->lo <= most(p);
}

/* To the next piece, of those at the load before and of those at the load after. */
static void next_before(struct plan *p)
{
	p->before_end = fit_key((double)++p->before / p->pieces);
}

static void next_after(struct plan *p)
{
	p->after_end = fit_key((double)++p->after / p->pieces) - fit_key(p->more);
}

/* The next stretches: one begins where the load before, or the load after, begins a piece. */
static void plan_fill(struct plan *p)
{
	while (plan_goes_on(p) && p->n < STRETCHES) {
		int64_t hi = p->before_end < p->after_end ? p->before_end : p->after_end;
		if (hi >= p->lo) {
			add(p, p->lo, hi < most(p) ? hi : most(p));
			p->lo = hi + 1;
		}
		if (hi == p->before_end)
			next_before(p);
		if (hi == p->after_end)
			next_after(p);
	}
	plan_tries(p);
}

/* Hosts that are off stand before all loads. */
static void plan_begin(struct plan *p, const struct host_type *type, double load)
{
	p->type = type;
	p->load = load;
	p->more = load / type->load_full;
	p->pieces = type->power_pieces > 0 ? type->power_pieces : 1;
	p->n = 0;
	p->lo = p->before = p->after = 0;
	p->last.index = NULL;
	next_before(p);
	next_after(p);
	add(p, FIT_KEY_NONE, FIT_KEY_NONE);
	plan_fill(p);
}

/* Who is asked for, and among the loads of which type. */
struct walk {
	const struct place_ask *ask;
	size_t type;
	const struct plan *plan;
};

/* The host with the least load of those from one stretch on to the end of another. */
static uint32_t lowest(const struct walk *w, size_t from, size_t to)
{
	const struct stretch *of = w->plan->of;

	return place_lowest(w->ask, (struct place_range){w->type, of[from].lo, of[to].hi});
}

/* Rises that differ by more than this are no equals, however many of them there are in between. */
#define WORSE 1e-6

/* A rise that is possible, mostly the least: what is worse need not be looked at. */
static double some_rise(const struct walk *w, double known)
{
	const struct plan *p = w->plan;

	for (size_t k = 0; k < p->ntries && p->of[p->try[k]].watts <= known; k++) {
		uint32_t h = lowest(w, p->try[k], p->try[k]);
		if (h == PLACE_NOWHERE)
			continue;
		double watts = rise(p->type, w->ask->view->key[h], p->more);
		return watts < known ? watts : known;
	}
	return known;
}

/* Both ends of every stretch where somebody is and could do better than @bound. */
static void consider_stretches(const struct walk *w, double bound, struct least *least)
{
	const struct plan *p = w->plan;
	double known = some_rise(w, bound);

	for (size_t i = 0; i < p->n; i++) {
		if (p->of[i].watts > known + WORSE)
			continue;
		uint32_t h = lowest(w, i, p->n - 1);
		if (h == PLACE_NOWHERE)
			return;
		while (w->ask->view->key[h] > p->of[i].hi)
			i++;
		consider(w->ask->view, h, p->more, least);
		struct place_range rest = {w->type, w->ask->view->key[h], p->of[i].hi};
		if (rest.lo < rest.hi)
			consider(w->ask->view, place_highest(w->ask, rest), p->more, least);
		known = fmin(known, least->watts);
	}
}

/* Whether the same would be found again: what was left out is worse than what was found, or than what is known now. */
static bool remembers(const struct answer *m, const struct place_view *view, size_t t, double bound)
{
	return m->index && m->index == view->index && m->sets == view->index->sets[t] &&
	       view->alike != 0 && m->alike == view->alike &&
	       (m->found.watts <= m->bound || bound <= m->bound);
}

/* Where the plan for such a type and load is kept, if it is. */
static struct plan *plan_of(struct pabfd *state, size_t t, double load)
{
	uint64_t bits;

	memcpy(&bits, &load, sizeof(bits));
	return &state->plan[(bits + t) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - PLANS_LOG)];
}

/* The least rise that hosts of the type offer, if it may be less than @bound. */
static struct least least_of_type(struct pabfd *state, const struct place_ask *ask, size_t t,
				  double bound)
{
	const struct place_view *view = ask->view;
	struct plan *plan = plan_of(state, t, view->load);
	struct walk w = {.ask = ask, .type = t, .plan = plan};
	struct least found = {.host = PLACE_NOWHERE, .watts = (double)INFINITY};

	if (plan->type != &view->types[t] || plan->load != view->load)
		plan_begin(plan, &view->types[t], view->load);
	else if (remembers(&plan->last, view, t, bound))
		return plan->last.found;
	consider_stretches(&w, bound, &found);
	while (plan_goes_on(plan)) {
		plan->n = 0;
		plan_fill(plan);
		plan->load = (double)NAN;
		consider_stretches(&w, fmin(bound, found.watts), &found);
	}
	plan->last = (struct answer){.index = view->index,
				     .sets = view->index ? view->index->sets[t] : 0,
				     .alike = view->alike,
				     .bound = bound,
				     .found = found};
	return found;
}

static uint32_t pabfd_place(void *state, const struct place_view *view,
			    const double req[PLACE_DIMS])
{
	struct least least = {.host = PLACE_NOWHERE, .watts = (double)INFINITY};
	struct place_ask ask;

	place_ask(&ask, view, req);
	for (size_t t = 0; t < view->ntypes; t++) {
		struct least of = least_of_type(state, &ask, t, least.watts);
		take_better(&least, &of);
	}
	return least.host != PLACE_NOWHERE ? least.host : place_least(&ask, FIT_KEY_NONE);
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
			.state_size = sizeof(struct pabfd),
		},
	.place = pabfd_place,
	.order = DC_BY_LOAD,
	.size = pabfd_size,
};
