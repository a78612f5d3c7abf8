/*
 * Who migrates where in the CloudSim model (PowerVmAllocationPolicyMigrationAbstract): VMs leave
 * overloaded hosts, then whole hosts are drained, the least used first; each VM goes to the host
 * whose estimated power grows least (PABFD: power-aware best fit decreasing).
 *
 * Everything is tried out on the real lists of guests, which are restored at the end. Idle hosts of
 * one type are as good as each other and the lowest id wins, so only one of each type is looked at;
 * whether a host would be overloaded is asked only where its power would grow least so far.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "models/cloudsim_parts.h"
#include "sim/core/lanes.h"

struct choice {
	uint32_t vm, host;
	double growth;
};

/* What stands in a host's guests, as the next placement sees it. */
static void look(struct cloudsim *cs, struct cs_host *host)
{
	host->estimate = host->requested = 0;
	host->has_history = false;
	for (uint32_t i = 0; i < host->n; i++) {
		const struct cs_guest *guest = &host->guest[i];
		if (guest->in)
			host->estimate += guest->mips * 0.9 / 0.1;
		host->estimate += guest->mips;
		host->requested += cs->vm[guest->vm].request;
	}
}

lanes_inline bool fits(const struct cloudsim *cs, const struct cs_host *host, uint32_t vm)
{
	const struct cs_vm *v = &cs->vm[vm];

	if (host->type->pe_mips < v->request || host->available < v->request)
		return false;
	if (!cs->initial && cs->set->quirks.forgets_memory)
		return true;
	return host->ram >= v->ram && host->bandwidth >= v->bandwidth;
}

/* The growth of the host's power. */
lanes_inline double growth(struct cloudsim *cs, const struct cs_host *host, uint32_t vm)
{
	const struct cloudsim_quirks *quirk = &cs->set->quirks;
	double util = (host->estimate + cs->vm[vm].request) / host->total;
	double base = host->watts;

	if (!quirk->stale_power)
		base = cs_watts(host->type, cs_min(host->estimate / host->total, 1));
	if (!quirk->off_is_idle && host->n == 0)
		base = 0;
	return cs_watts(host->type, cs_min(util, 1)) - base;
}

lanes_inline void consider(struct cloudsim *cs, uint32_t id, struct choice *best)
{
	struct cs_host *host = &cs->host[id];

	if (!fits(cs, host, best->vm))
		return;
	double more = growth(cs, host, best->vm);
	bool overfull = host->estimate + cs->vm[best->vm].request > host->total;
	bool better = more < best->growth || (more <= best->growth && id < best->host);
	if (!better && !overfull)
		return;
	if (host->estimate > 0 && cs_overloaded(cs, host, best->vm))
		return;
	cs->result->overfull += overfull;
	if (better) {
		best->host = id;
		best->growth = more;
	}
}

/* The first idle host of a type, or CS_NONE. */
static uint32_t first_idle(struct cloudsim *cs, uint32_t kind)
{
	uint32_t *h = &cs->idle_next[kind];

	while (*h < cs->nhosts && !(cs->host[*h].idle && cs->host[*h].kind == kind))
		++*h;
	return *h < cs->nhosts ? *h : CS_NONE;
}

/* The host whose power grows least, the lowest id of several; CS_NONE: nobody can take it. */
lanes_wide static uint32_t best_host(struct cloudsim *cs, uint32_t vm, bool idle_too)
{
	struct choice best = {.vm = vm, .host = CS_NONE, .growth = INFINITY};

	for (uint32_t i = 0; i < cs->nactive; i++)
		if (!cs->host[cs->active[i]].no_target)
			consider(cs, cs->active[i], &best);
	for (uint32_t t = 0; t < cs->set->ntypes && idle_too; t++) {
		uint32_t host = first_idle(cs, t);
		if (host != CS_NONE)
			consider(cs, host, &best);
	}
	return best.host;
}

static void wake(struct cloudsim *cs, uint32_t id)
{
	uint32_t at = cs->nactive++;

	cs->host[id].idle = false;
	for (; at > 0 && cs->active[at - 1] > id; at--)
		cs->active[at] = cs->active[at - 1];
	cs->active[at] = id;
}

void cs_place_begin(struct cloudsim *cs)
{
	cs->moves.n = cs->nsaved = cs->nsaved_guests = 0;
	cs->nactive = 0;
	memset(cs->idle_next, 0, cs->set->ntypes * sizeof(*cs->idle_next));
	for (uint32_t h = 0; h < cs->nhosts; h++) {
		struct cs_host *host = &cs->host[h];
		host->idle = host->n == 0 && host->used <= 0;
		host->saved = host->over = host->no_target = host->no_source = false;
		host->watts = cs_watts(host->type, cs_utilization(host));
		look(cs, host);
		if (!host->idle)
			cs->active[cs->nactive++] = h;
	}
}

/* The first host with room; PABFD where VMs migrate. Requests of others count for nothing yet. */
uint32_t cs_place_first(struct cloudsim *cs, uint32_t vm)
{
	uint32_t h = CS_NONE;

	if (cs->set->detector > CLOUDSIM_FULL_POWER)
		h = best_host(cs, vm, true);
	else
		for (h = 0; h < cs->nhosts && !fits(cs, &cs->host[h], vm);)
			h++;
	if (h >= cs->nhosts)
		return CS_NONE;
	if (cs->host[h].idle)
		wake(cs, h);
	cs->host[h].available -= cs->vm[vm].request;
	cs->host[h].estimate += cs->vm[vm].request;
	return h;
}

/* Keeps the host's guests as they are, to be restored. */
static int save(struct cloudsim *cs, uint32_t id)
{
	struct cs_host *host = &cs->host[id];

	if (host->saved)
		return 0;
	if (cs_room(cs, &cs->saved_guest, &cs->saved_guest_cap, cs->nsaved_guests + host->n,
		    sizeof(*host->guest)) < 0)
		return -ENOMEM;
	host->saved = true;
	cs->saved[cs->nsaved++] = (struct cs_saved){.host = id,
						    .n = host->n,
						    .first = cs->nsaved_guests,
						    .ram = host->ram,
						    .bandwidth = host->bandwidth};
	if (host->n > 0)
		memcpy(cs->saved_guest + cs->nsaved_guests, host->guest,
		       host->n * sizeof(*host->guest));
	cs->nsaved_guests += host->n;
	return 0;
}

/* Those who were coming to the host stand first afterwards. */
static void coming_first(struct cs_host *host)
{
	uint32_t coming = 0;

	for (uint32_t i = 0; i < host->n; i++) {
		struct cs_guest guest = host->guest[i];
		if (!guest.in)
			continue;
		memmove(host->guest + coming + 1, host->guest + coming,
			(i - coming) * sizeof(guest));
		host->guest[coming++] = guest;
	}
}

static void restore(struct cloudsim *cs)
{
	for (size_t i = 0; i < cs->nsaved; i++) {
		const struct cs_saved *saved = &cs->saved[i];
		struct cs_host *host = &cs->host[saved->host];
		host->n = saved->n;
		host->ram = saved->ram;
		host->bandwidth = saved->bandwidth;
		if (host->n > 0)
			memcpy(host->guest, cs->saved_guest + saved->first,
			       host->n * sizeof(*host->guest));
	}
	for (uint32_t i = 0; i < cs->nactive && cs->pending.n > 0; i++)
		coming_first(&cs->host[cs->active[i]]);
}

static int take(struct cloudsim *cs, uint32_t id, uint32_t vm)
{
	struct cs_host *host = &cs->host[id];

	if (save(cs, id) < 0)
		return -ENOMEM;
	cs_guest_remove(cs, id, vm, false);
	cs_allocate(cs, host);
	look(cs, host);
	return 0;
}

/* Puts the VM there, in trial, and notes the move. As it stands last on the host, sums grow by it.
 */
static int put(struct cloudsim *cs, uint32_t id, uint32_t vm)
{
	struct cs_host *host = &cs->host[id];
	double mips = cs->vm[vm].request;

	if (save(cs, id) < 0 || cs_guest_add(cs, id, vm, false) < 0 ||
	    cs_room(cs, &cs->moves.move, &cs->moves.cap, cs->moves.n + 1, sizeof(*cs->moves.move)) <
		    0)
		return -ENOMEM;
	if (host->idle)
		wake(cs, id);
	host->guest[host->n - 1].mips = mips;
	host->available -= mips;
	host->estimate += mips;
	host->requested += mips;
	host->has_history = false;
	cs->moves.move[cs->moves.n++] = (struct cs_move){.vm = vm, .host = id};
	return 0;
}

/* Descending by demand; those who stand first of equals stay first. */
static void sort_by_demand(struct cloudsim *cs, size_t n)
{
	uint32_t *from = cs->leaving, *to = cs->leaving_tmp;

	for (size_t run = 1; run < n; run *= 2) {
		for (size_t lo = 0; lo < n; lo += 2 * run) {
			size_t mid = lo + run < n ? lo + run : n;
			size_t end = lo + 2 * run < n ? lo + 2 * run : n;
			for (size_t a = lo, b = mid, k = lo; k < end; k++) {
				bool second = a == mid ||
					      (b < end &&
					       cs->vm[from[b]].request > cs->vm[from[a]].request);
				to[k] = from[second ? b++ : a++];
			}
		}
		uint32_t *swap = from;
		from = to;
		to = swap;
	}
	if (from != cs->leaving && n > 0)
		memcpy(cs->leaving, from, n * sizeof(*from));
}

/* VMs leave each overloaded host until it is not any more. */
static int relieve(struct cloudsim *cs, size_t *n)
{
	*n = 0;
	for (uint32_t i = 0; i < cs->nactive; i++) {
		struct cs_host *host = &cs->host[cs->active[i]];
		for (bool over = host->over; over; over = cs_overloaded(cs, host, CS_NONE)) {
			uint32_t vm;
			int rc = cs_select(cs, host, &vm);
			if (rc == 0 && vm != CS_NONE)
				rc = take(cs, cs->active[i], vm);
			if (rc < 0)
				return rc;
			if (vm == CS_NONE)
				break;
			cs->leaving[(*n)++] = vm;
		}
	}
	return 0;
}

static int place_leaving(struct cloudsim *cs, size_t n)
{
	int rc = 0;

	sort_by_demand(cs, n);
	for (size_t i = 0; i < n && rc == 0; i++) {
		uint32_t host = best_host(cs, cs->leaving[i], true);
		if (host == CS_NONE)
			continue;
		rc = put(cs, host, cs->leaving[i]);
		cs->host[host].no_source |= !cs->set->quirks.double_moves;
	}
	return rc;
}

/* A host can be drained unless all that it has is leaving, or somebody is coming. */
static bool can_drain(const struct cloudsim *cs, const struct cs_host *host)
{
	for (uint32_t i = 0; i < host->n; i++) {
		if (!cs->vm[host->guest[i].vm].migrating)
			return true;
		if (host->guest[i].in)
			return false;
	}
	return false;
}

static uint32_t least_used(const struct cloudsim *cs)
{
	uint32_t least = CS_NONE;
	double util = 1;

	for (uint32_t i = 0; i < cs->nactive; i++) {
		const struct cs_host *host = &cs->host[cs->active[i]];
		if (host->no_source || cs_utilization(host) >= util || !can_drain(cs, host))
			continue;
		least = cs->active[i];
		util = cs_utilization(host);
	}
	return least;
}

/* All the host's VMs find a place, or none moves. */
static int drain(struct cloudsim *cs, uint32_t id)
{
	const struct cs_host *host = &cs->host[id];
	size_t first = cs->moves.n, n = 0;

	for (uint32_t i = 0; i < host->n; i++)
		if (!cs->vm[host->guest[i].vm].migrating)
			cs->leaving[n++] = host->guest[i].vm;
	sort_by_demand(cs, n);
	for (size_t i = 0; i < n; i++) {
		uint32_t to = best_host(cs, cs->leaving[i], false);
		if (to != CS_NONE) {
			if (put(cs, to, cs->leaving[i]) < 0)
				return -ENOMEM;
			continue;
		}
		while (cs->moves.n > first) {
			const struct cs_move *move = &cs->moves.move[--cs->moves.n];
			if (take(cs, move->host, move->vm) < 0)
				return -ENOMEM;
		}
		return 0;
	}
	for (size_t i = first; i < cs->moves.n; i++)
		cs->host[cs->moves.move[i].host].no_source = true;
	return 0;
}

int cs_decide(struct cloudsim *cs)
{
	size_t n;
	int rc = 0;

	cs_place_begin(cs);
	for (uint32_t i = 0; i < cs->nactive && rc == 0; i++) {
		struct cs_host *host = &cs->host[cs->active[i]];
		host->over = host->no_target = host->no_source = cs_overloaded(cs, host, CS_NONE);
	}
	if (rc == 0)
		rc = relieve(cs, &n);
	if (rc == 0)
		rc = place_leaving(cs, n);
	for (uint32_t i = 0; i < cs->nactive && rc == 0; i++) {
		struct cs_host *host = &cs->host[cs->active[i]];
		host->no_target |= host->used <= 0;
		host->no_source |= host->used <= 0;
	}
	for (uint32_t id; rc == 0 && (id = least_used(cs)) != CS_NONE;) {
		cs->host[id].no_target = cs->host[id].no_source = true;
		rc = drain(cs, id);
	}
	restore(cs);
	return rc;
}
