/*
 * Hosts with little load are emptied (consolidate.h): the one with the least load first, if all its VMs fit on
 * hosts with more load that are on: all of them or none. A host that takes VMs in a round is not drained
 * in it. Hosts only get fuller meanwhile: who found no host is not looked for again.
 */
#include <math.h>

#include "sim/consolidate.h"

/* All VMs of the host, as leavers; false: somebody cannot leave, or is known to fit nowhere. */
static int gather(struct run *run, struct consolidation *c, uint32_t host, bool *all)
{
	const struct dc *dc = &run->plan.dc;
	int rc = 0;

	c->leavers.n = 0;
	*all = true;
	for (uint32_t i = 0; i < dc->host.count[host] && *all && rc == 0; i++) {
		uint32_t slot = dc->host.first[host] + i, vm = dc->slot.vm[slot];
		double demand = dc->slot.want[RES_CPU][slot];
		*all = demand < c->failed[dc->slot.class_id[slot]] && !sketch_bound(&c->sketch, vm);
		rc = leavers_add(run, c, vm, demand);
	}
	return rc;
}

/* Where a VM has found no host, no other of its class that wants as much will: hosts only get fuller. Nor
 * will any, if it is not for CPU that there is none. Where rules are in the way it is another matter. */
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
	bool all;
	int rc;

	sketch_shut(&c->sketch, host);
	rc = gather(run, c, host, &all);
	if (rc < 0 || !all)
		return rc;
	leavers_sort(l);
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
		c->order[n++] = (struct sort_item){
			sort_key(c->sketch.demand[h] / capacity_of(c, h)), h};
	}
	sort_by_key(c->order, c->order + dc->host.n, n);
	return n;
}

/* Hosts are met in an order that memory does not know of: what will be read of one that comes later. */
#define NEAR 6
#define FAR  14

static void prefetch(const struct dc *dc, const struct sort_item *order, size_t left)
{
	if (left > FAR) {
		__builtin_prefetch(dc->host.first + order[FAR].id);
		__builtin_prefetch(dc->host.count + order[FAR].id);
	}
	if (left > NEAR) {
		size_t at = dc->host.first[order[NEAR].id];
		__builtin_prefetch(dc->slot.vm + at);
		__builtin_prefetch(dc->slot.class_id + at);
		__builtin_prefetch(dc->slot.want[RES_CPU] + at);
	}
}

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
	for (size_t i = 0; i < n && c->hopeless < dc->nclasses && rc == 0; i++) {
		uint32_t host = c->order[i].id;
		prefetch(dc, c->order + i, n - i);
		if (c->takes[host] == 0)
			rc = drain(run, c, host);
	}
	return rc;
}
