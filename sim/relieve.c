/*
 * VMs leave overloaded hosts (consolidate.h): the detector's limits, the selector's choice, and hosts for
 * those who leave. A host's past is the sum of that of its VMs and is kept up with the sketch: a host that
 * takes a VM takes its past as well, and what else it can take is asked again.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/consolidate.h"
#include "sim/core/bug.h"
#include "sim/core/pool.h"

/* Adds the VM's past to the host's, or takes it away. */
static void history_add(struct consolidation *c, uint32_t host, uint32_t vm, double sign)
{
	size_t n = c->past.samples;
	double *sum = c->history + host * n;
	const float *of = past_of(&c->past, vm);

	for (size_t i = 0; i < n; i++)
		sum[i] += sign * (double)of[i];
	if (sign > 0 && c->past.age[vm] > c->known[host])
		c->known[host] = c->past.age[vm];
}

/* A round at work: what threads that look at hosts see. */
struct round {
	const struct run *run;
	struct consolidation *c;
	double unused; /* the limit of hosts without VMs */
};

static int past_of_hosts(void *ctx, unsigned thread, size_t first, size_t end)
{
	const struct round *round = ctx;
	struct consolidation *c = round->c;
	const struct dc *dc = &round->run->plan.dc;
	size_t n = c->past.samples;

	(void)thread;
	memset(c->history + first * n, 0, (end - first) * n * sizeof(double));
	memset(c->known + first, 0, (end - first) * sizeof(*c->known));
	for (uint32_t h = (uint32_t)first; h < end; h++)
		for (uint32_t i = 0; i < dc->host.count[h]; i++) {
			uint32_t vm = dc->slot.vm[dc->host.first[h] + i];
			if (dc->vm.reserved[vm] == DC_NONE)
				history_add(c, h, vm, 1);
		}
	return 0;
}

/* VMs on their way are where they go to. */
static void relieve_begin(struct round *round)
{
	struct consolidation *c = round->c;
	const struct dc *dc = &round->run->plan.dc;

	if (c->samples == 0)
		return;
	pool_deal(round->run->pool, dc->host.n, POOL_LOOK_NS, past_of_hosts, round);
	for (uint32_t vm = 0, left = dc->vm.nreserved; left > 0; vm++, left--) {
		vm = dc_next_reserved(dc, vm);
		history_add(c, dc->vm.reserved[vm], vm, 1);
	}
}

/* How many intervals the longest migration from the host takes. */
static double horizon_of(const struct run *run, const struct consolidation *c, uint32_t host)
{
	const struct dc *dc = &run->plan.dc;
	uint32_t end = dc->host.first[host] + dc->host.count[host];
	double most = 0;

	for (uint32_t slot = dc->host.first[host]; slot < end; slot++)
		most = fmax(most, dc->class[dc->slot.class_id[slot]].memory);
	double longest = consolidate_transfer_s(run, host, most);
	return fmax(1, longest * 1e9 / (double)c->interval_ns);
}

/* A thread's working memory: the past in order, and the detector's; and a line of memory between threads. */
static size_t desk_size(const struct consolidation *c)
{
	return (1 + DETECTOR_SCRATCH) * c->samples + 8;
}

static int desks_make(struct run *run, struct consolidation *c)
{
	size_t n = pool_threads(run->pool) * desk_size(c);

	return mem_grow(&c->desks, &c->desks_cap, n, sizeof(*c->desks)) < 0 ? err_nomem(run->err)
									    : 0;
}

/* The load above which the host is overloaded; its load is @load. Without a past and a load all hosts are
 * alike. */
static double limit_of(const struct run *run, const struct consolidation *c, unsigned thread,
		       uint32_t host, double load)
{
	double *past = c->desks + thread * desk_size(c);
	struct detector_view view = {.load = load, .scratch = past + c->samples, .horizon = 1};

	if (c->samples > 0) {
		view.n = c->known[host] < c->samples ? c->known[host] : c->samples;
		view.history = past;
		view.horizon = horizon_of(run, c, host);
		past_in_order(&c->past, c->history + host * c->past.samples, view.n,
			      1 / capacity_of(c, host), past);
	}
	return c->detector->limit(c->detector_state, &view);
}

static double most_of(const struct consolidation *c, uint32_t host, double limit)
{
	return (limit < 1 ? limit : 1) * capacity_of(c, host);
}

static int leavable_room(struct leavable *l, size_t n)
{
	size_t cap = l->cap, columns = l->cap, rows = l->cap;

	if (mem_grow(&l->vm, &cap, n, sizeof(*l->vm)) < 0)
		return -ENOMEM;
	columns *= 4;
	if (mem_grow(&l->demand, &columns, 4 * n, sizeof(double)) < 0 ||
	    mem_grow(&l->history, &rows, n, sizeof(*l->history)) < 0 ||
	    mem_grow(&l->scratch, &l->scratch_cap, SELECTOR_SCRATCH(n), sizeof(double)) < 0)
		return -ENOMEM;
	l->cap = n > l->cap ? n : l->cap;
	l->size = l->demand + l->cap;
	l->shortfall = l->size + l->cap;
	l->memory = l->shortfall + l->cap;
	return 0;
}

int leavable_fill(struct run *run, struct consolidation *c, uint32_t host)
{
	const struct dc *dc = &run->plan.dc;
	struct leavable *l = &c->leavable;

	if (leavable_room(l, dc->host.count[host]) < 0)
		return err_nomem(run->err);
	l->n = 0;
	for (uint32_t i = 0; i < dc->host.count[host]; i++) {
		uint32_t slot = dc->host.first[host] + i, vm = dc->slot.vm[slot];
		const struct vm_class *class = dc_class_of(dc, vm);
		if (sketch_bound(&c->sketch, vm))
			continue;
		l->vm[l->n] = vm;
		l->demand[l->n] = dc->slot.want[RES_CPU][slot];
		l->size[l->n] = class->vcpus * class->speed;
		l->shortfall[l->n] = dc->slot.want[RES_CPU][slot] - dc->slot.grant[RES_CPU][slot];
		l->memory[l->n] = class->memory;
		l->history[l->n++] = c->past.samples > 0 ? past_of(&c->past, vm) : NULL;
	}
	return 0;
}

static void leavable_drop(struct leavable *l, size_t i)
{
	size_t left = --l->n - i;

	memmove(l->vm + i, l->vm + i + 1, left * sizeof(*l->vm));
	memmove(l->demand + i, l->demand + i + 1, left * sizeof(double));
	memmove(l->size + i, l->size + i + 1, left * sizeof(double));
	memmove(l->shortfall + i, l->shortfall + i + 1, left * sizeof(double));
	memmove(l->memory + i, l->memory + i + 1, left * sizeof(double));
	memmove(l->history + i, l->history + i + 1, left * sizeof(*l->history));
}

int leavers_add(struct run *run, struct consolidation *c, uint32_t vm, double demand)
{
	struct leavers *l = &c->leavers;

	if (mem_grow(&l->of, &l->cap, l->n + 1, sizeof(*l->of)) < 0)
		return err_nomem(run->err);
	l->of[l->n++] = (struct leaver){vm, demand};
	return 0;
}

/* VMs leave until the host is not overloaded, or nobody is left who can. */
static int relieve(struct run *run, struct consolidation *c, uint32_t host, double limit)
{
	struct leavable *l = &c->leavable;
	double wanted = c->sketch.demand[host] - c->leaving[host];
	int rc = leavable_fill(run, c, host);

	while (rc == 0 && l->n > 0 && wanted / capacity_of(c, host) > limit) {
		struct selector_view view = {.n = l->n,
					     .demand = l->demand,
					     .size = l->size,
					     .shortfall = l->shortfall,
					     .memory = l->memory,
					     .history = c->past.samples > 0 ? l->history : NULL,
					     .nhistory = c->past.known,
					     .scratch = l->scratch};
		size_t i = c->selector->select(c->selector_state, &view);
		BUG_ON(i >= l->n);
		wanted -= l->demand[i];
		if (c->samples > 0)
			history_add(c, host, l->vm[i], -1);
		rc = leavers_add(run, c, l->vm[i], l->demand[i]);
		leavable_drop(l, i);
		limit = limit_of(run, c, 0, host, wanted / capacity_of(c, host));
	}
	return rc;
}

static double load_of(const struct consolidation *c, uint32_t host)
{
	return (c->sketch.demand[host] - c->leaving[host]) / capacity_of(c, host);
}

static bool overloaded(const struct consolidation *c, uint32_t host)
{
	return c->sketch.vms[host] > 0 && load_of(c, host) > c->limit[host];
}

static bool takes_no_part(const struct dc *dc, uint32_t host)
{
	return dc->host.down[host] || dc->host.state[host] == HOST_STOPPING;
}

static int open_hosts(void *ctx, unsigned thread, size_t first, size_t end)
{
	const struct round *round = ctx;
	struct consolidation *c = round->c;
	const struct dc *dc = &round->run->plan.dc;

	for (uint32_t h = (uint32_t)first; h < end; h++) {
		enum sketch_state state = dc->host.state[h] == HOST_ON ? SKETCH_ON : SKETCH_OFF;
		c->limit[h] = c->sketch.vms[h] > 0
				      ? limit_of(round->run, c, thread, h, load_of(c, h))
				      : round->unused;
		if (takes_no_part(dc, h) || overloaded(c, h))
			sketch_shut(&c->sketch, h);
		else
			sketch_open(&c->sketch, h, state, most_of(c, h, c->limit[h]));
	}
	return 0;
}

/* Hosts that are on, or could be, take VMs up to their limits; those that are overloaded take none and are
 * relieved. Nobody has asked the sketch yet, so that threads may open its hosts. */
int relieve_hosts(struct run *run, struct consolidation *c)
{
	const struct dc *dc = &run->plan.dc;
	struct round round = {.run = run, .c = c};
	int rc = desks_make(run, c);

	if (rc < 0)
		return rc;
	round.unused = c->detector->limit(
		c->detector_state, &(struct detector_view){.horizon = 1, .scratch = c->desks});
	relieve_begin(&round);
	pool_deal(run->pool, dc->host.n, POOL_LOOK_NS, open_hosts, &round);
	for (uint32_t h = 0; h < dc->host.n && rc == 0; h++)
		if (c->sketch.state[h] == SKETCH_SHUT && !takes_no_part(dc, h))
			rc = relieve(run, c, h, c->limit[h]);
	return rc;
}

/* Moves in the sketch. */

int relieve_take(struct run *run, struct consolidation *c, struct leaver who, uint32_t host)
{
	uint32_t known = c->known[host];

	if (sketch_add(&c->sketch, who.vm, who.demand, host) < 0)
		return err_nomem(run->err);
	c->sketch.move[c->sketch.n - 1].note = known;
	c->takes[host]++;
	if (c->samples > 0)
		history_add(c, host, who.vm, 1);
	double limit = limit_of(run, c, 0, host, load_of(c, host));
	sketch_open(&c->sketch, host, SKETCH_ON, most_of(c, host, limit));
	return 0;
}

void relieve_undo(struct consolidation *c)
{
	const struct sketch_move *move = &c->sketch.move[c->sketch.n - 1];
	uint32_t host = move->host;

	c->takes[host]--;
	if (c->samples > 0)
		history_add(c, host, move->vm, -1);
	c->known[host] = move->note;
	sketch_undo(&c->sketch);
}

static int larger_first(const void *a, const void *b)
{
	const struct leaver *x = a, *y = b;

	if (x->demand != y->demand)
		return x->demand < y->demand ? 1 : -1;
	return (x->vm > y->vm) - (x->vm < y->vm);
}

void leavers_sort(struct leavers *l)
{
	if (l->n > 1)
		qsort(l->of, l->n, sizeof(*l->of), larger_first);
}

int relieve_place(struct run *run, struct consolidation *c)
{
	struct leavers *l = &c->leavers;
	int rc = 0;

	leavers_sort(l);
	for (size_t i = 0; i < l->n && rc == 0; i++) {
		uint32_t to = sketch_find(&c->sketch, l->of[i].vm, l->of[i].demand, SKETCH_ON);
		if (to == PLACE_NOWHERE)
			to = sketch_find(&c->sketch, l->of[i].vm, l->of[i].demand, SKETCH_OFF);
		if (to != PLACE_NOWHERE)
			rc = relieve_take(run, c, l->of[i], to);
	}
	return rc;
}
