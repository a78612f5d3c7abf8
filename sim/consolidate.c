/*
 * Who moves where (run.h, policies/migrator.h). In a round, VMs first leave hosts that the detector calls
 * overloaded, as the selector chooses, until it no longer does; those that want most CPU look for
 * another host first, among hosts that are on, then among those that are off. Who finds none stays. Then
 * hosts are drained, the one with the least load first, if all their VMs fit on hosts with more load
 * that are on: all of them or none. A host that takes VMs in a round is not drained in it. With a
 * balancer instead of a detector, balance.c moves VMs.
 *
 * All of this happens in a sketch of the hosts; what is decided then begins, move by move. A host's past
 * is the sum of that of its VMs and is kept up with the sketch: a host that takes a VM takes its past
 * as well, and what else it can take is asked again.
 */
#include "sim/consolidate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policies/list.h"
#include "sim/core/bug.h"
#include "sim/core/opt.h"
#include "sim/core/rng.h"

/* Beginning. */

/* The state of a plug-in as the scenario set it; with its defaults where it names none. */
static void *state_of(struct run *run, const struct plugin_spec *spec, const struct plugin *plugin)
{
	if (!spec->plugin)
		return plugin_state(plugin, &run->arena);
	void *state = arena_alloc(&run->arena, 1, plugin->state_size);
	if (state && plugin->state_size > 0)
		memcpy(state, spec->state, plugin->state_size);
	return state;
}

static const void *ops_of(const struct plugin_spec *spec, const struct plugin *otherwise)
{
	return spec->plugin ? spec->plugin : otherwise;
}

static int plugins_start(struct run *run, struct consolidation *c, const struct policy_set *set)
{
	const struct plugin_spec *placer = run->scenario->consolidation.placer.plugin
						   ? &run->scenario->consolidation.placer
						   : &set->placer;
	int rc = 0;

	c->detector = ops_of(&set->detector, &detector_none.plugin);
	c->selector = ops_of(&set->selector, &selector_mmt.plugin);
	c->balancer = ops_of(&set->balancer, &balancer_none.plugin);
	c->placer = ops_of(placer, NULL);
	c->detector_state = state_of(run, &set->detector, &c->detector->plugin);
	c->selector_state = state_of(run, &set->selector, &c->selector->plugin);
	c->balancer_state = state_of(run, &set->balancer, &c->balancer->plugin);
	c->placer_state = state_of(run, placer, &c->placer->plugin);
	if (!c->detector_state || !c->selector_state || !c->balancer_state || !c->placer_state)
		return err_nomem(run->err);
	if (c->selector->init)
		rc = c->selector->init(c->selector_state, rng_seed(run->seed, "selector"),
				       run->err);
	if (rc == 0 && c->placer->init)
		rc = c->placer->init(c->placer_state, rng_seed(run->seed, "migration placer"),
				     run->err);
	return rc;
}

static size_t samples_of(size_t (*samples)(const void *state), const void *state)
{
	size_t n = samples ? samples(state) : 0;

	return n < MIGRATOR_SAMPLES_MAX ? n : MIGRATOR_SAMPLES_MAX;
}

static int tables_start(struct run *run, struct consolidation *c)
{
	size_t n = run->plan.dc.host.n;

	c->samples = samples_of(c->detector->samples, c->detector_state);
	c->past.samples = samples_of(c->selector->samples, c->selector_state);
	if (c->past.samples < c->samples)
		c->past.samples = c->samples;
	if (c->samples > 0)
		c->history = arena_alloc(&run->arena, n * c->past.samples, sizeof(double));
	c->known = arena_alloc(&run->arena, n, sizeof(*c->known));
	c->takes = arena_alloc(&run->arena, n, sizeof(*c->takes));
	c->leaving = arena_alloc(&run->arena, n, sizeof(*c->leaving));
	c->moving = arena_alloc(&run->arena, n, sizeof(*c->moving));
	c->woken = arena_alloc(&run->arena, n, sizeof(*c->woken));
	c->order = arena_alloc(&run->arena, n, sizeof(*c->order));
	c->load = arena_alloc(&run->arena, n, sizeof(*c->load));
	c->in_order = arena_alloc(&run->arena, c->samples + 1, sizeof(double));
	c->scratch = arena_alloc(&run->arena, DETECTOR_SCRATCH * c->samples + 1, sizeof(double));
	return (!c->history && c->samples > 0) || !c->known || !c->takes || !c->leaving ||
			       !c->moving || !c->woken || !c->order || !c->load || !c->in_order ||
			       !c->scratch
		       ? err_nomem(run->err)
		       : 0;
}

/* No power management: hosts are on from the beginning to the end and always draw what they draw when
 * full. */
struct full_power {
	double (*watts)(const void *state, double util);
	const void *state;
};

static double full_watts(const void *state, double util)
{
	const struct full_power *of = state;

	(void)util;
	return of->watts(of->state, 1);
}

static int power_up(struct run *run)
{
	struct dc *dc = &run->plan.dc;

	for (size_t t = 0; t < dc->ntypes; t++) {
		struct host_type *type = &dc->type[t];
		struct full_power *full = arena_alloc(&run->arena, 1, sizeof(*full));
		if (!full)
			return err_nomem(run->err);
		type->off_when_empty = false;
		if (!type->has_power)
			continue;
		*full = (struct full_power){type->watts, type->power_state};
		type->watts = full_watts;
		type->power_state = full;
	}
	for (uint32_t h = 0; h < dc->host.n; h++)
		dc_set_state(dc, h, HOST_ON);
	return 0;
}

int consolidate_init(struct run *run, const struct policy_set *set)
{
	struct consolidation *c = arena_alloc(&run->arena, 1, sizeof(*c));
	const struct consolidation_spec *spec = &run->scenario->consolidation;
	int rc;

	run->consolidation = c;
	if (!c)
		return err_nomem(run->err);
	c->interval_ns = spec->interval_ns > 0 ? spec->interval_ns : run->scenario->tick_ns;
	rc = plugins_start(run, c, set);
	if (rc < 0)
		return rc;
	if (c->detector->flags & DETECTOR_FULL_POWER)
		rc = power_up(run);
	if (rc < 0)
		return rc;
	c->packs = !(c->detector->flags & DETECTOR_NEVER);
	c->balances = !c->packs && c->balancer != &balancer_none;
	if (c->balances)
		rc = balance_init(run, c);
	else if (c->packs && sketch_init(&c->sketch, run, c->placer, c->placer_state) < 0)
		rc = err_nomem(run->err);
	if (rc == 0 && (c->packs || c->balances))
		rc = turns_init(run, &c->turns);
	return rc == 0 && (c->packs || c->balances) ? tables_start(run, c) : rc;
}

void consolidate_fini(struct run *run)
{
	struct consolidation *c = run->consolidation;

	if (!c)
		return;
	if (c->placer && c->placer->fini && c->placer_state)
		c->placer->fini(c->placer_state);
	sketch_fini(&c->sketch);
	turns_fini(&c->turns);
	past_fini(&c->past);
	mem_free(c->failed);
	mem_free(c->balance_to);
	mem_free(c->since_ns);
	mem_free(c->leavers.of);
	mem_free(c->leavable.vm);
	mem_free(c->leavable.demand);
	mem_free(c->leavable.history);
	mem_free(c->leavable.scratch);
}

void consolidate_warm(struct run *run)
{
	run->consolidation->stay = (struct stat_moments){0};
}

double consolidate_stay_s(const struct run *run)
{
	const struct stat_moments *stay = &run->consolidation->stay;

	return stay->n > 0 ? stay->mean : (double)NAN;
}

double consolidate_transfer_s(const struct run *run, uint32_t vm)
{
	const struct dc *dc = &run->plan.dc;

	return dc_class_of(dc, vm)->memory / migrate_bandwidth(run, dc->vm.host[vm]);
}

/* Overload. */

static double capacity_of(const struct consolidation *c, uint32_t host)
{
	return c->sketch.capacity[PLACE_CPU][host];
}

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

static void histories_begin(struct run *run, struct consolidation *c)
{
	const struct dc *dc = &run->plan.dc;

	if (c->samples == 0)
		return;
	memset(c->history, 0, dc->host.n * c->past.samples * sizeof(double));
	memset(c->known, 0, dc->host.n * sizeof(*c->known));
	for (uint32_t h = 0; h < dc->host.n; h++)
		for (uint32_t i = 0; i < dc->host.count[h]; i++) {
			uint32_t vm = dc->slot.vm[dc->host.first[h] + i];
			if (dc->vm.reserved[vm] == DC_NONE)
				history_add(c, h, vm, 1);
			else
				history_add(c, dc->vm.reserved[vm], vm, 1);
		}
}

/* How many intervals the longest migration from the host takes. */
static double horizon_of(const struct run *run, const struct consolidation *c, uint32_t host)
{
	const struct dc *dc = &run->plan.dc;
	double longest = 0;

	for (uint32_t i = 0; i < dc->host.count[host]; i++)
		longest = fmax(longest,
			       consolidate_transfer_s(run, dc->slot.vm[dc->host.first[host] + i]));
	return fmax(1, longest * 1e9 / (double)c->interval_ns);
}

/* The load above which the host is overloaded; its load is @load. Without a past and a load all hosts are
 * alike. */
static double limit_of(const struct run *run, const struct consolidation *c, uint32_t host,
		       double load)
{
	struct detector_view view = {.load = load, .scratch = c->scratch, .horizon = 1};

	if (c->samples > 0) {
		view.n = c->known[host] < c->samples ? c->known[host] : c->samples;
		view.history = c->in_order;
		view.horizon = horizon_of(run, c, host);
		past_in_order(&c->past, c->history + host * c->past.samples, view.n,
			      1 / capacity_of(c, host), c->in_order);
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

static int leave(struct run *run, struct consolidation *c, uint32_t vm, double demand)
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
		rc = leave(run, c, l->vm[i], l->demand[i]);
		leavable_drop(l, i);
		limit = limit_of(run, c, host, wanted / capacity_of(c, host));
	}
	return rc;
}

/* Hosts that are on, or could be, take VMs up to their limits; those that are overloaded take none and are
 * relieved. */
static int detect(struct run *run, struct consolidation *c)
{
	const struct dc *dc = &run->plan.dc;
	const struct detector_view nothing = {.horizon = 1, .scratch = c->scratch};
	double unused = c->detector->limit(c->detector_state, &nothing);
	int rc = 0;

	for (uint32_t h = 0; h < dc->host.n && rc == 0; h++) {
		bool on = dc->host.state[h] == HOST_ON;
		if (dc->host.down[h] || dc->host.state[h] == HOST_STOPPING) {
			sketch_shut(&c->sketch, h);
			continue;
		}
		if (c->sketch.vms[h] == 0) {
			sketch_open(&c->sketch, h, on ? SKETCH_ON : SKETCH_OFF,
				    most_of(c, h, unused));
			continue;
		}
		double load = (c->sketch.demand[h] - c->leaving[h]) / capacity_of(c, h);
		double limit = limit_of(run, c, h, load);
		if (load > limit) {
			sketch_shut(&c->sketch, h);
			rc = relieve(run, c, h, limit);
		} else {
			sketch_open(&c->sketch, h, on ? SKETCH_ON : SKETCH_OFF,
				    most_of(c, h, limit));
		}
	}
	return rc;
}

/* Moves. */

static int take(struct run *run, struct consolidation *c, struct leaver who, uint32_t host)
{
	uint32_t known = c->known[host];

	if (sketch_add(&c->sketch, who.vm, who.demand, host) < 0)
		return err_nomem(run->err);
	c->sketch.move[c->sketch.n - 1].note = known;
	c->takes[host]++;
	if (c->samples > 0)
		history_add(c, host, who.vm, 1);
	double load = (c->sketch.demand[host] - c->leaving[host]) / capacity_of(c, host);
	sketch_open(&c->sketch, host, SKETCH_ON, most_of(c, host, limit_of(run, c, host, load)));
	return 0;
}

static void give_back(struct consolidation *c)
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

static void leavers_sort(struct leavers *l)
{
	if (l->n > 1)
		qsort(l->of, l->n, sizeof(*l->of), larger_first);
}

static int place_leavers(struct run *run, struct consolidation *c)
{
	struct leavers *l = &c->leavers;
	int rc = 0;

	leavers_sort(l);
	for (size_t i = 0; i < l->n && rc == 0; i++) {
		uint32_t to = sketch_find(&c->sketch, l->of[i].vm, l->of[i].demand, SKETCH_ON);
		if (to == PLACE_NOWHERE)
			to = sketch_find(&c->sketch, l->of[i].vm, l->of[i].demand, SKETCH_OFF);
		if (to != PLACE_NOWHERE)
			rc = take(run, c, l->of[i], to);
	}
	return rc;
}

/* Draining. */

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
		rc = leave(run, c, vm, demand);
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
			rc = take(run, c, l->of[i], to);
			continue;
		}
		while (c->sketch.n > before)
			give_back(c);
		note_failure(run, c, l->of[i]);
		break;
	}
	return rc;
}

/* Hosts with less load first, then those of lower id. */
static bool before(const double *load, uint32_t a, uint32_t b)
{
	return load[a] != load[b] ? load[a] < load[b] : a < b;
}

static void sift_down(const struct consolidation *c, size_t at, size_t n)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		child += child + 1 < n && before(c->load, c->order[child + 1], c->order[child]);
		if (before(c->load, c->order[at], c->order[child]))
			return;
		uint32_t host = c->order[at];
		c->order[at] = c->order[child];
		c->order[child] = host;
	}
}

/* The hosts that could be drained, as a heap: mostly few have to be looked at before nobody fits anywhere
 * any more. */
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
		c->load[h] = c->sketch.demand[h] / capacity_of(c, h);
		c->order[n++] = h;
	}
	for (size_t i = n / 2; i-- > 0;)
		sift_down(c, i, n);
	return n;
}

static int drain_all(struct run *run, struct consolidation *c)
{
	const struct dc *dc = &run->plan.dc;
	size_t n = drainable(run, c);
	int rc = 0;

	if (mem_grow(&c->failed, &c->failed_cap, dc->nclasses, sizeof(double)) < 0)
		return err_nomem(run->err);
	for (size_t i = 0; i < dc->nclasses; i++)
		c->failed[i] = (double)INFINITY;
	c->hopeless = 0;
	while (n > 0 && c->hopeless < dc->nclasses && rc == 0) {
		uint32_t host = c->order[0];
		c->order[0] = c->order[--n];
		sift_down(c, 0, n);
		if (c->takes[host] == 0)
			rc = drain(run, c, host);
	}
	return rc;
}

/* A round. */

static void moving_begin(struct run *run, struct consolidation *c)
{
	const struct dc *dc = &run->plan.dc;

	memset(c->takes, 0, dc->host.n * sizeof(*c->takes));
	memset(c->leaving, 0, dc->host.n * sizeof(*c->leaving));
	memset(c->moving, 0, dc->host.n * sizeof(*c->moving));
	for (uint32_t vm = 0; vm < dc->vm.n; vm++) {
		uint32_t to = dc->vm.reserved[vm], from = dc->vm.host[vm];
		if (to == DC_NONE)
			continue;
		c->leaving[from] += dc->slot.want[RES_CPU][dc->vm.slot[vm]];
		c->moving[from] = c->moving[to] = true;
	}
}

static int pack(struct run *run, struct consolidation *c)
{
	int rc;

	histories_begin(run, c);
	c->leavers.n = 0;
	rc = detect(run, c);
	if (rc == 0)
		rc = place_leavers(run, c);
	if (rc == 0 && run->scenario->consolidation.drain)
		rc = drain_all(run, c);
	return rc;
}

static int count_stay(struct run *run, struct consolidation *c, uint32_t vm)
{
	const struct dc_vms *v = &run->plan.dc.vm;

	if (mem_grow(&c->since_ns, &c->since_cap, v->n, sizeof(*c->since_ns)) < 0)
		return err_nomem(run->err);
	int64_t since = c->since_ns[vm] > v->started_ns[vm] ? c->since_ns[vm] : v->started_ns[vm];
	stat_add(&c->stay, (double)(run->now_ns - since) * 1e-9, 1);
	c->since_ns[vm] = run->now_ns;
	return 0;
}

/* What can be may have changed by moves begun before, or by what happened since. */
int consolidate_begin(struct run *run, uint32_t vm, uint32_t to)
{
	struct consolidation *c = run->consolidation;
	int rc;

	if (run->plan.dc.vm.host[vm] == DC_NONE || sketch_bound(&c->sketch, vm) ||
	    run->plan.dc.vm.host[vm] == to || !placing_holds(run, vm, to))
		return 0;
	rc = count_stay(run, c, vm);
	return rc < 0 ? rc : migrate_start(run, vm, to);
}

/* A host that takes time to come on is asked to: whoever has to go there then will find it on in the
 * next round. */
static int begin(struct run *run, struct consolidation *c, const struct sketch_move *move)
{
	const struct dc *dc = &run->plan.dc;

	if (dc_ready(dc, move->host))
		return turns_add(run, &c->turns, move->vm, move->host);
	c->woken[move->host] = true;
	return dc->host.state[move->host] == HOST_OFF ? host_switch_on(run, move->host) : 0;
}

/* Hosts that were asked to come on, did, and are not needed after all. */
static int send_off(struct run *run, struct consolidation *c)
{
	const struct dc *dc = &run->plan.dc;
	int rc = 0;

	for (uint32_t h = 0; h < dc->host.n && rc == 0; h++) {
		if (!c->woken[h] || dc->host.state[h] != HOST_ON)
			continue;
		c->woken[h] = false;
		if (!dc_in_use(dc, h) && c->takes[h] == 0 && dc->host.type[h]->off_when_empty)
			rc = host_switch_off(run, h);
	}
	return rc;
}

int consolidate(struct run *run)
{
	struct consolidation *c = run->consolidation;
	int rc;

	if (!(c->packs || c->balances) || run->now_ns == 0 || run->now_ns % c->interval_ns != 0)
		return 0;
	if (past_sample(&c->past, &run->plan.dc) < 0)
		return err_nomem(run->err);
	turns_forget(&c->turns);
	sketch_begin(&c->sketch);
	moving_begin(run, c);
	rc = c->packs ? pack(run, c) : balance(run, c);
	for (size_t i = 0; i < c->sketch.n && rc == 0; i++)
		rc = begin(run, c, &c->sketch.move[i]);
	return rc < 0 ? rc : send_off(run, c);
}
