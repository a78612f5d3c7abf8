/*
 * Who moves where (run.h, policies/migrator.h). In a round, VMs first leave hosts that the detector calls
 * overloaded (relieve.c), then hosts with little load are emptied (drain.c); with a balancer instead of a
 * detector, balance.c moves VMs. All of this happens in a sketch of the hosts (sketch.h); what is decided then
 * begins, move by move, when it is its turn (turns.c).
 */
#include "sim/consolidate.h"

#include <math.h>
#include <string.h>

#include "policies/list.h"
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
	c->stuck = arena_alloc(&run->arena, n, sizeof(*c->stuck));
	c->order = arena_room(&run->arena, 2 * n, sizeof(*c->order));
	c->limit = arena_alloc(&run->arena, n, sizeof(*c->limit));
	return (!c->history && c->samples > 0) || !c->known || !c->takes || !c->leaving ||
			       !c->moving || !c->woken || !c->stuck || !c->order || !c->limit
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
	mem_free(c->desks);
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

double consolidate_transfer_s(const struct run *run, uint32_t host, double memory)
{
	return memory / migrate_bandwidth(run, host);
}

/* A round. */

static void moving_begin(struct run *run, struct consolidation *c)
{
	const struct dc *dc = &run->plan.dc;

	memset(c->takes, 0, dc->host.n * sizeof(*c->takes));
	memset(c->leaving, 0, dc->host.n * sizeof(*c->leaving));
	memset(c->moving, 0, dc->host.n * sizeof(*c->moving));
	for (uint32_t vm = 0, left = dc->vm.nreserved; left > 0; vm++, left--) {
		vm = dc_next_reserved(dc, vm);
		uint32_t to = dc->vm.reserved[vm], from = dc->vm.host[vm];
		c->leaving[from] += dc->slot.want[RES_CPU][dc->vm.slot[vm]];
		c->moving[from] = c->moving[to] = true;
	}
}

static int pack(struct run *run, struct consolidation *c)
{
	int rc;

	c->leavers.n = 0;
	rc = relieve_hosts(run, c);
	if (rc == 0)
		rc = relieve_place(run, c);
	if (rc == 0 && run->scenario->consolidation.drain)
		rc = drain_hosts(run, c);
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

#define AHEAD 3 /* moves whose hosts are asked for */

static void prefetch(const struct run *run, const struct sketch_move *move)
{
	const struct dc *dc = &run->plan.dc;

	dc_prefetch(dc, dc->vm.host[move->vm]);
	dc_prefetch(dc, move->host);
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
	if (past_sample(&c->past, &run->plan.dc, run->pool) < 0)
		return err_nomem(run->err);
	turns_forget(&c->turns);
	sketch_begin(&c->sketch);
	moving_begin(run, c);
	rc = c->packs ? pack(run, c) : balance(run, c);
	for (size_t i = 0; i < c->sketch.n && rc == 0; i++) {
		if (i + AHEAD < c->sketch.n)
			prefetch(run, &c->sketch.move[i + AHEAD]);
		rc = begin(run, c, &c->sketch.move[i]);
	}
	return rc < 0 ? rc : send_off(run, c);
}
