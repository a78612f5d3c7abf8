/*
 * Hosts with little load are emptied (consolidate.h): the one with the least load first, if all its VMs fit on
 * hosts with more load that are on: all of them or none. A host that takes VMs in a round is not drained
 * in it.
 *
 * Who found no host is not looked for again in the round, nor are others that are no easier to place. Mostly there
 * is no room for them, as hosts get fuller; sometimes it was taken by those whose host was given up then. To ask again
 * takes six times as long with 10,000 hosts, and changes energy by less than one percent.
 */
#include <math.h>
#include <string.h>

#include "sim/consolidate.h"
#include "sim/core/pool.h"

/* Somebody is known to fit nowhere, or cannot leave the host. A host's slots stand side by side and its VMs anywhere:
 * what is asked of these comes second. */
static bool is_stuck(const struct consolidation *c, const struct dc *dc, uint32_t host)
{
	uint32_t end = dc->host.first[host] + dc->host.count[host];

	for (uint32_t slot = dc->host.first[host]; slot < end; slot++)
		if (!(dc->slot.want[RES_CPU][slot] < c->failed[dc->slot.class_id[slot]]))
			return true;
	for (uint32_t slot = dc->host.first[host]; slot < end; slot++)
		if (sketch_bound(&c->sketch, dc->slot.vm[slot]))
			return true;
	return false;
}

/* All VMs of the host, as leavers. */
static int gather(struct run *run, struct consolidation *c, uint32_t host)
{
	const struct dc *dc = &run->plan.dc;
	uint32_t end = dc->host.first[host] + dc->host.count[host];
	int rc = 0;

	c->leavers.n = 0;
	for (uint32_t slot = dc->host.first[host]; slot < end && rc == 0; slot++)
		rc = leavers_add(run, c, dc->slot.vm[slot], dc->slot.want[RES_CPU][slot]);
	leavers_sort(&c->leavers);
	return rc;
}

/* Where a VM has found no host, no other of its class that wants as much is asked for; and none at all, if it is
 * not for CPU that there is no room. Where rules are in the way it is another matter. */
static void note_failure(const struct run *run, struct consolidation *c, struct leaver who)
{
	const struct dc *dc = &run->plan.dc;
	bool never;

	if (dc->rules && dc->rules[dc->vm.group[who.vm]].n > 0)
		return;
	never = sketch_find(&c->sketch, who.vm, 0, SKETCH_ON) == PLACE_NOWHERE;
	c->hopeless += never;
	c->failed[dc->vm.class_id[who.vm]] = never ? -1 : who.demand;
}

static int drain(struct run *run, struct consolidation *c, uint32_t host)
{
	struct leavers *l = &c->leavers;
	size_t before = c->sketch.n;
	int rc = gather(run, c, host);

	for (size_t i = 0; i < l->n && rc == 0; i++) {
		uint32_t to = sketch_find(&c->sketch, l->of[i].vm, l->of[i].demand, SKETCH_ON);
		if (to != PLACE_NOWHERE) {
			rc = relieve_take(run, c, l->of[i], to);
			continue;
		}
		while (c->sketch.n > before)
			relieve_undo(c);
		note_failure(run, c, l->of[i]);
		break;
	}
	return rc;
}

/* The hosts that could be drained: those with less load first, then those of lower id. */
static size_t drainable(const struct run *run, struct consolidation *c)
{
	const struct dc *dc = &run->plan.dc;
	size_t n = 0;

	for (uint32_t h = 0; h < dc->host.n; h++) {
		if (c->sketch.state[h] != SKETCH_ON)
			continue;
		if (c->sketch.vms[h] == 0)
			sketch_shut(&c->sketch, h); /* nobody has less load */
		if (dc->host.count[h] == 0 || c->moving[h])
			continue;
		c->order[n++] =
			(struct sort_item){sort_key(c->sketch.demand[h] / capacity_of(c, h)), h};
	}
	sort_by_key(c->order, c->order + dc->host.n, n);
	return n;
}

/* Which hosts are stuck by now, one after the other as they stand in memory. */
struct look {
	struct consolidation *c;
	const struct dc *dc;
};

static int look_ahead(void *ctx, unsigned thread, size_t first, size_t end)
{
	const struct look *l = ctx;

	(void)thread;
	for (size_t h = first; h < end; h++)
		if (!l->c->stuck[h])
			l->c->stuck[h] = is_stuck(l->c, l->dc, (uint32_t)h);
	return 0;
}

/* Those that nobody fits any more take no VMs either. */
static int drain_stretch(struct run *run, struct consolidation *c, size_t begin, size_t end)
{
	const struct dc *dc = &run->plan.dc;
	int rc = 0;

	for (size_t i = begin; i < end && c->hopeless < dc->nclasses && rc == 0; i++) {
		uint32_t host = c->order[i].id;
		if (c->takes[host] > 0)
			continue;
		sketch_shut(&c->sketch, host);
		if (!c->stuck[host] && !is_stuck(c, dc, host))
			rc = drain(run, c, host);
	}
	return rc;
}

/* Stretches between two looks at all hosts: the first, and how many times as far each of the others goes. */
#define FIRST_STRETCH 64
#define FARTHER       32

/* Who is stuck stays so: all hosts are looked at ahead, less and less often as less and less can change. */
int drain_hosts(struct run *run, struct consolidation *c)
{
	const struct dc *dc = &run->plan.dc;
	size_t n = drainable(run, c);
	int rc = 0;

	if (mem_grow(&c->failed, &c->failed_cap, dc->nclasses, sizeof(double)) < 0)
		return err_nomem(run->err);
	for (size_t i = 0; i < dc->nclasses; i++)
		c->failed[i] = (double)INFINITY;
	c->hopeless = 0;
	memset(c->stuck, 0, dc->host.n * sizeof(*c->stuck));
	for (size_t begin = 0, end = FIRST_STRETCH; rc == 0; begin = end, end *= FARTHER) {
		rc = drain_stretch(run, c, begin, end < n ? end : n);
		if (end >= n || c->hopeless == dc->nclasses)
			break;
		pool_deal(run->pool, dc->host.n, POOL_LOOK_NS, look_ahead, &(struct look){c, dc});
	}
	return rc;
}
