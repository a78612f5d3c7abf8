/*
 * The run loop (run.h). Time goes from event to event; at one moment all events are handled first,
 * in the queue's order, then every host that they touched is divided anew, in the order of host
 * ids. A host has at most one entry in the queue: the next moment at which its demand changes by
 * itself, and only if that is before the next tick.
 */
#include "sim/run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core/bug.h"
#include "sim/core/opt.h"
#include "sim/output.h"

/* What goes first at one moment: hosts fail, come on, and VMs leave before others come; demand is looked at
 * when all of that has happened; the end of the warm-up and of the run see everything before them.
 */
static const unsigned event_class[] = {
	[EVENT_REPAIR] = 0,  [EVENT_FAIL] = 1,      [EVENT_OUTAGE] = 1, [EVENT_SWITCH] = 2,
	[EVENT_DESTROY] = 3, [EVENT_MIGRATION] = 3, [EVENT_ACTION] = 4, [EVENT_GROUP] = 5,
	[EVENT_HOST] = 6,    [EVENT_TICK] = 7,      [EVENT_WARM] = 8,   [EVENT_END] = 9,
};

const char *run_vm_name(const struct run *run, uint32_t vm, char *buf, size_t n)
{
	const struct dc_vms *v = &run->plan.dc.vm;

	snprintf(buf, n, "%s-%u", run->plan.group[v->group[vm]].spec->name, v->index[vm]);
	return buf;
}

const char *run_host_name(const struct run *run, uint32_t host, char *buf, size_t n)
{
	const struct host_type *type = run->plan.dc.host.type[host];

	snprintf(buf, n, "%s-%u", type->group, run->plan.dc.host.index[host]);
	return buf;
}

const char *run_rack_name(const struct run *run, uint32_t rack, char *buf, size_t n)
{
	const struct dc *dc = &run->plan.dc;

	snprintf(buf, n, "%s-rack-%u", dc->type[dc->rack.type_id[rack]].group,
		 dc->rack.index[rack]);
	return buf;
}

int64_t run_after(const struct run *run, double seconds)
{
	double ns = seconds > 0 ? rint(seconds * 1e9) : 0;

	return ns < (double)(INT64_MAX / 2 - run->now_ns) ? run->now_ns + (int64_t)ns : INT64_MAX;
}

struct rng *run_stream(struct run *run, const char *name, const char *what)
{
	char *full = arena_printf(&run->arena, "%s/%s", name, what);

	return full ? rng_stream(&run->arena, run->seed, full) : NULL;
}

int run_schedule(struct run *run, enum run_event kind, uint32_t id, int64_t time_ns,
		 uint64_t *handle)
{
	struct evq_event event = {.time_ns = time_ns, .kind = kind, .id = id};
	uint64_t h = evq_push(run->queue, event, event_class[kind]);

	if (handle)
		*handle = h;
	return h == EVQ_NONE ? err_nomem(run->err) : 0;
}

int run_desk_init(struct run *run, struct run_desk *desk, struct err *err)
{
	*desk = (struct run_desk){.err = err, .sums = &run->metrics.now};
	desk->account = (struct metrics_desk){
		.metrics = &run->metrics, .dc = &run->plan.dc, .limits = &desk->limits};
	desk->divide = divide_new(&run->arena);
	return desk->divide ? 0 : -ENOMEM;
}

void run_desk_fini(struct run_desk *desk)
{
	if (desk->divide)
		divide_fini(desk->divide);
	limits_fini(&desk->limits);
	mem_free(desk->account.scratch);
}

void run_gather(const struct run *run, struct metrics_rates *sums,
		const struct metrics_rates *rates, int64_t from_ns)
{
	metrics_add(sums, rates, (double)(run->now_ns - from_ns) * 1e-9);
	if (run->carbon->n > 0)
		sums->of[M_CARBON] +=
			rates->of[M_ENERGY_J] * carbon_between(run->carbon, from_ns, run->now_ns);
}

int run_account(struct run *run, struct run_desk *desk, uint32_t host, struct metrics_rates *rates)
{
	int64_t *last_ns = &run->plan.dc.host.last_ns[host];
	int64_t from_ns = *last_ns > run->counted_ns ? *last_ns : run->counted_ns;
	double dt_s = (double)(run->now_ns - *last_ns) * 1e-9;

	if (dt_s > 0 && run->driver->observe) {
		int rc =
			run->driver->observe(run->driver_state, host, run->now_ns, dt_s, desk->err);
		if (rc < 0)
			return rc;
	}
	if (dt_s > 0) {
		if (metrics_account(&desk->account, host, dt_s, rates) < 0)
			return err_nomem(desk->err);
		run_gather(run, desk->sums, rates, from_ns);
	}
	*last_ns = run->now_ns;
	return 0;
}

int run_bring(struct run *run, struct run_desk *desk, uint32_t host)
{
	double dt_s = (double)(run->now_ns - run->plan.dc.host.last_ns[host]) * 1e-9;
	struct metrics_rates rates;
	int rc = run_account(run, desk, host, &rates);

	return rc < 0 ? rc
		      : run->driver->collect(run->driver_state, host, run->now_ns, dt_s, desk->err);
}

static void mark_dirty(struct run *run, uint32_t host)
{
	ticker_wake(run, host);
	if (!run->dirty[host]) {
		run->dirty[host] = true;
		run->dirty_list[run->ndirty++] = host;
	}
}

int run_touch(struct run *run, uint32_t host)
{
	mark_dirty(run, host);
	return run->plan.dc.host.last_ns[host] < run->now_ns ? run_bring(run, &run->desk, host) : 0;
}

/* Somebody's demand on another host changed while one was being collected. */
static void touched_by_driver(void *ctx, uint32_t host)
{
	mark_dirty(ctx, host);
}

static int host_schedule(struct run *run, uint32_t host, int64_t next_ns)
{
	uint64_t *handle = &run->host_event[host];
	bool wanted = next_ns < run->next_tick_ns && run->scenario->reallocate == REALLOCATE_EVENT;

	if (next_ns <= run->now_ns)
		next_ns = run->now_ns + 1;
	if (!wanted) {
		if (*handle != EVQ_NONE)
			evq_cancel(run->queue, *handle);
		*handle = EVQ_NONE;
		return 0;
	}
	if (*handle != EVQ_NONE && evq_reschedule(run->queue, *handle, next_ns))
		return 0;
	return run_schedule(run, EVENT_HOST, host, next_ns, handle);
}

/* VMs whose work is done leave, if the scenario says so. */
static int end_finished_vms(struct run *run, uint32_t host)
{
	struct dc *dc = &run->plan.dc;
	int rc = 0;

	for (uint32_t i = dc->host.count[host]; i-- > 0 && rc == 0;) {
		uint32_t vm = dc->slot.vm[dc->host.first[host] + i];
		if (run->plan.group[dc->vm.group[vm]].spec->destroy_when_done &&
		    run->driver->vm_done(run->driver_state, vm)) {
			rc = lifecycle_end_vm(run, vm, VM_DONE);
			run->finished = true;
		}
	}
	return rc;
}

/* Guests that ended by themselves. */
static int end_failed_vms(struct run *run, uint32_t host)
{
	struct dc *dc = &run->plan.dc;
	char why[160];
	int rc = 0;

	for (uint32_t i = dc->host.count[host]; i-- > 0 && rc == 0;) {
		uint32_t vm = dc->slot.vm[dc->host.first[host] + i];
		if (!run->driver->vm_failed(run->driver_state, vm, why, sizeof(why)))
			continue;
		if (run->room && run->room->failed)
			run->room->failed(run, vm, why);
		rc = lifecycle_end_vm(run, vm, VM_CRASHED);
	}
	return rc;
}

static int host_out_of_memory(struct run *run, uint32_t vm)
{
	run->metrics.host[run->plan.dc.vm.host[vm]].oom_kills++;
	run->count.oom_kills++;
	return lifecycle_end_vm(run, vm, VM_OOM);
}

/* A grant never exceeds what is wanted now, though it was decided for an earlier moment: with
 * `reallocate: tick` nobody decides again before the tick. */
static void keep_grants_within_wants(struct dc *dc, uint32_t host)
{
	uint32_t first = dc->host.first[host], end = first + dc->host.count[host];

	for (int r = 0; r < RES_COUNT; r++)
		for (uint32_t s = first; s < end; s++) {
			double most = dc_offered(dc, (enum resource)r, s);
			if (dc->slot.grant[r][s] > most)
				dc->slot.grant[r][s] = most;
		}
}

/* Grants are in force. Nothing about the host changes before change_ns if it is steady; where policies
 * were not asked, they have to be. */
static void host_apply(struct run *run, uint32_t host, bool divided)
{
	bool *steady = &run->plan.dc.host.steady[host];

	*steady = false;
	run->change_ns[host] = run->driver->apply(run->driver_state, host, run->now_ns);
	run->steady[host] = *steady && divided && run->memoryless && !run->driver->observe;
	ticker_updated(run, host);
}

int run_update_begin(struct run *run, struct run_desk *desk, uint32_t host)
{
	uint32_t *victim = &run->victim[host];
	int rc = run_bring(run, desk, host);

	if (rc == 0 && run->driver->vm_failed)
		rc = end_failed_vms(run, host);
	if (rc == 0 && run->watches_work)
		rc = end_finished_vms(run, host);
	if (rc == 0)
		rc = divide_host(run, desk, host, victim);
	if (rc == 0 && *victim == DC_NONE)
		host_apply(run, host, true);
	return rc;
}

int run_update_finish(struct run *run, uint32_t host)
{
	uint32_t *victim = &run->victim[host];
	bool ended = *victim != DC_NONE;

	while (*victim != DC_NONE) {
		int rc = host_out_of_memory(run, *victim);
		if (rc == 0)
			rc = divide_host(run, &run->desk, host, victim);
		if (rc < 0)
			return rc;
	}
	if (ended)
		host_apply(run, host, true);
	return host_schedule(run, host, run->change_ns[host]);
}

static int divided_begin(struct run *run, struct run_desk *desk, uint32_t host)
{
	run->dirty[host] = false;
	return run_update_begin(run, desk, host);
}

/* Between ticks, with `reallocate: tick`, policies are not asked. */
static int undivided_begin(struct run *run, struct run_desk *desk, uint32_t host)
{
	run->dirty[host] = false;
	run->victim[host] = DC_NONE;
	int rc = run_bring(run, desk, host);

	if (rc == 0 && run->watches_work)
		rc = end_finished_vms(run, host);
	if (rc < 0)
		return rc;
	keep_grants_within_wants(&run->plan.dc, host);
	host_apply(run, host, false);
	return 0;
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void in_order(uint32_t *host, size_t n)
{
	if (n > 1)
		qsort(host, n, sizeof(*host), by_id);
}

int run_touch_all(struct run *run, uint32_t *host, size_t n)
{
	size_t late = 0;

	in_order(host, n);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && host[i] == host[i - 1])
			continue;
		mark_dirty(run, host[i]);
		if (run->plan.dc.host.last_ns[host[i]] < run->now_ns)
			host[late++] = host[i];
	}
	return crew_do(run, run_bring, host, late);
}

/* Updates all marked hosts, in order of id; those that these mark, in a further round. */
static int update_dirty(struct run *run, bool divide)
{
	run_step *begin = divide ? divided_begin : undivided_begin;
	int rc = 0;

	while (run->ndirty > 0 && rc == 0) {
		size_t n = run->ndirty;
		in_order(run->dirty_list, n);
		rc = crew_do(run, begin, run->dirty_list, n);
		for (size_t i = 0; i < n && rc == 0; i++)
			rc = run_update_finish(run, run->dirty_list[i]);
		run->ndirty -= n;
		memmove(run->dirty_list, run->dirty_list + n,
			run->ndirty * sizeof(*run->dirty_list));
	}
	return rc;
}

static int tick(struct run *run)
{
	run->last_tick_ns = run->now_ns;
	if (run->progress)
		*run->progress = (double)run->now_ns / (double)run->end_ns;
	run->next_tick_ns = run->now_ns + run->scenario->tick_ns;
	int rc = ticker_tick(run);
	/* The rows show wants and grants of one moment: those marked are divided now, too. */
	if (rc == 0)
		rc = lifecycle_retry_waiting(run);
	if (rc == 0)
		rc = update_dirty(run, true);
	if (rc < 0)
		return rc;
	if (run->now_ns > 0)
		rc = output_row(run->output, run);
	if (rc == 0)
		rc = consolidate(run);
	if (rc == 0 && run->next_tick_ns < run->end_ns)
		rc = run_schedule(run, EVENT_TICK, 0, run->next_tick_ns, NULL);
	return rc;
}

static int bring_all(struct run *run)
{
	int rc = 0;

	for (uint32_t h = 0; h < run->plan.dc.host.n && rc == 0; h++)
		rc = run_touch(run, h);
	return rc;
}

static int warm(struct run *run)
{
	int rc = bring_all(run);

	if (rc < 0)
		return rc;
	migrate_warm(run);
	consolidate_warm(run);
	metrics_reset(&run->metrics, &run->plan.dc);
	run->count = (struct run_counts){.events = run->count.events};
	memset(run->group_count, 0, run->plan.ngroups * sizeof(*run->group_count));
	for (uint32_t vm = 0; vm < run->plan.dc.vm.n; vm++)
		if (run->plan.dc.vm.slot[vm] != DC_NONE)
			run->driver->reset_stats(run->driver_state, vm, run->now_ns);
	run->warm_ns = run->now_ns;
	return output_warm(run->output, run);
}

/* The last row, too, shows wants and grants of one moment. */
static int end(struct run *run)
{
	bool divide =
		run->scenario->reallocate == REALLOCATE_EVENT || run->now_ns == run->next_tick_ns;
	int rc = bring_all(run);

	if (rc == 0)
		rc = migrate_end(run);
	return rc < 0 ? rc : update_dirty(run, divide);
}

static int handle(struct run *run, const struct evq_event *event)
{
	switch ((enum run_event)event->kind) {
	case EVENT_HOST:
		run->host_event[event->id] = EVQ_NONE;
		mark_dirty(run, event->id);
		return 0;
	case EVENT_TICK:
		return tick(run);
	case EVENT_WARM:
		return warm(run);
	case EVENT_END:
		return end(run);
	case EVENT_FAIL:
	case EVENT_REPAIR:
	case EVENT_OUTAGE:
		return failures_event(run, event);
	case EVENT_SWITCH:
		return hosts_event(run, event->id);
	case EVENT_MIGRATION:
		return migrate_event(run, event);
	default:
		return lifecycle_event(run, event);
	}
}

/* All events of a moment are handled. A VM that turns out to be done makes room for those in line
 * at this moment, not at the next event; one that ran out of memory does not, or it would come back
 * again and again while time stands still. */
static int settle(struct run *run, bool divide)
{
	int rc;

	do {
		run->finished = false;
		rc = lifecycle_retry_waiting(run);
		if (rc == 0)
			rc = consolidate_settle(run);
		if (rc == 0)
			rc = migrate_settle(run);
		if (rc < 0 || evq_next_time(run->queue) <= run->now_ns)
			return rc; /* who was started brought events of this moment */
		rc = hosts_settle(run);
		if (rc == 0)
			rc = update_dirty(run, divide);
	} while (rc == 0 && run->finished);
	/* Hosts may have lost their last VM just now, and others ended that moved. */
	if (rc == 0)
		rc = hosts_settle(run);
	if (rc == 0)
		rc = migrate_settle(run);
	return rc < 0 ? rc : update_dirty(run, divide);
}

int run_go(struct run *run)
{
	bool every_event = run->scenario->reallocate == REALLOCATE_EVENT;
	struct evq_event event;
	int rc = crew_start(run);

	while (rc == 0 && evq_pop(run->queue, &event)) {
		run->now_ns = event.time_ns;
		run->count.events++;
		if (run->driver->until)
			rc = run->driver->until(run->driver_state, run->now_ns, run->err);
		if (rc == 0)
			rc = handle(run, &event);
		if (event.kind == EVENT_END)
			break;
		if (rc == 0 && evq_next_time(run->queue) > run->now_ns)
			rc = settle(run, every_event || run->now_ns == run->last_tick_ns);
	}
	run->count.vm_steps = ticker_vm_steps(run);
	return rc < 0 ? rc : output_end(run->output, run);
}

static int policy_start(struct run *run, enum run_slot which, const struct plugin_spec *spec)
{
	struct run_policy *p = &run->policy[which];

	if (!spec->plugin)
		return 0;
	const struct policy_ops *ops = (const struct policy_ops *)(const void *)spec->plugin;
	p->state = arena_alloc(&run->arena, 1, ops->plugin.state_size);
	if (!p->state)
		return err_nomem(run->err);
	if (ops->plugin.state_size > 0)
		memcpy(p->state, spec->state, ops->plugin.state_size);
	p->ops = ops;
	return ops->init ? ops->init(p->state, run->err) : 0;
}

static int placer_start(struct run *run, const struct plugin_spec *spec)
{
	const struct placer_ops *ops = (const struct placer_ops *)(const void *)spec->plugin;

	run->placer_state = arena_alloc(&run->arena, 1, ops->plugin.state_size);
	if (!run->placer_state)
		return err_nomem(run->err);
	if (ops->plugin.state_size > 0)
		memcpy(run->placer_state, spec->state, ops->plugin.state_size);
	run->placer = ops;
	return ops->init ? ops->init(run->placer_state, rng_seed(run->seed, "placer"), run->err)
			 : 0;
}

static int policies_start(struct run *run, const struct policy_set *set)
{
	const struct plugin_spec none = {0};
	bool joint = set->all.plugin != NULL;
	int rc = policy_start(run, RUN_JOINT, &set->all);

	if (rc == 0)
		rc = policy_start(run, RUN_CPU, joint ? &none : &set->cpu);
	if (rc == 0)
		rc = policy_start(run, RUN_MEMORY, joint ? &none : &set->memory);
	if (rc == 0)
		rc = policy_start(run, RUN_DISK, joint ? &none : &set->disk);
	return rc < 0 ? rc : placer_start(run, &set->placer);
}

static void driver_start(struct run *run)
{
	run->sim = (struct driver_sim){
		.dc = &run->plan.dc,
		.arena = &run->arena,
		.seed = run->seed,
		.memory = run->scenario->memory_model,
		.ngroups = run->plan.ngroups,
		.group = run->plan.load,
		.touch = touched_by_driver,
		.touch_ctx = run,
	};
	run->driver = &driver_sim_ops;
	run->driver_state = &run->sim;
}

static int tables_start(struct run *run)
{
	size_t n = run->plan.dc.host.n;

	run->host_event = arena_alloc(&run->arena, n, sizeof(*run->host_event));
	run->dirty = arena_alloc(&run->arena, n, sizeof(*run->dirty));
	run->steady = arena_alloc(&run->arena, n, sizeof(*run->steady));
	run->change_ns = arena_alloc(&run->arena, n, sizeof(*run->change_ns));
	run->victim = arena_alloc(&run->arena, n, sizeof(*run->victim));
	/* A host marked again while a round goes on stands twice in the list for a moment. */
	run->dirty_list = arena_alloc(&run->arena, 2 * n, sizeof(*run->dirty_list));
	run->queue = evq_new(64);
	if (!run->host_event || !run->dirty || !run->steady || !run->change_ns || !run->victim ||
	    !run->dirty_list || !run->queue)
		return err_nomem(run->err);
	for (int d = 0; d < PLACE_DIMS; d++) {
		run->place_capacity[d] =
			arena_alloc(&run->arena, run->plan.dc.ntypes, sizeof(double));
		if (!run->place_capacity[d])
			return err_nomem(run->err);
		for (size_t t = 0; t < run->plan.dc.ntypes; t++) {
			double c = run->plan.dc.type[t].place[d];
			run->place_capacity[d][t] = isfinite(c) ? c : 0;
		}
	}
	return 0;
}

static bool policies_are_memoryless(const struct run *run)
{
	for (int i = 0; i < RUN_POLICIES; i++) {
		const struct policy_ops *ops = run->policy[i].ops;
		if (ops && !(ops->flags & POLICY_MEMORYLESS))
			return false;
	}
	return true;
}

/* Whether the CPU policy answers with everybody's entitlement: it says so of its default options, and
 * has these; and it is asked whenever demand changes. */
static bool grants_are_entitlements(struct run *run, const struct policy_set *set)
{
	const struct policy_ops *ops = run->policy[RUN_CPU].ops;

	if (!ops || !(ops->flags & POLICY_ENTITLEMENT) ||
	    run->scenario->reallocate != REALLOCATE_EVENT)
		return false;
	void *defaults = plugin_state(&ops->plugin, &run->arena);
	return defaults && memcmp(defaults, set->cpu.state, ops->plugin.state_size) == 0;
}

int run_init(struct run *run, const struct scenario *scenario, const struct trace_set *traces,
	     const struct policy_set *policies, uint64_t seed, struct output *output,
	     struct err *err)
{
	memset(run, 0, sizeof(*run));
	run->scenario = scenario;
	run->seed = seed;
	run->output = output;
	run->err = err;
	run->end_ns = scenario->duration_ns;
	run->outages = &traces->outages;
	run->carbon = &traces->carbon;
	run->plan.dc.memory = policies_memory(policies);
	run->plan.dc.order =
		((const struct placer_ops *)(const void *)policies->placer.plugin)->order;
	run->plan.seed = seed;
	int rc = build_plan(scenario, traces, &run->arena, &run->plan, err);
	if (rc == 0)
		rc = tables_start(run);
	if (rc == 0)
		rc = policies_start(run, policies);
	if (rc < 0)
		return rc;
	driver_start(run);
	run->memoryless = policies_are_memoryless(run);
	if (metrics_init(&run->metrics, &run->plan.dc, grants_are_entitlements(run, policies)) <
		    0 ||
	    run_desk_init(run, &run->desk, err) < 0 || crew_init(run) < 0 || ticker_init(run) < 0)
		return err_nomem(err);
	rc = lifecycle_init(run);
	if (rc == 0)
		rc = hosts_init(run);
	if (rc == 0)
		rc = failures_init(run);
	if (rc == 0)
		rc = migrate_init(run);
	if (rc == 0)
		rc = consolidate_init(run, policies);
	if (rc == 0)
		rc = run_schedule(run, EVENT_TICK, 0, 0, NULL);
	if (rc == 0 && scenario->warmup_ns > 0)
		rc = run_schedule(run, EVENT_WARM, 0, scenario->warmup_ns, NULL);
	return rc < 0 ? rc : run_schedule(run, EVENT_END, 0, run->end_ns, NULL);
}

void run_free(struct run *run)
{
	for (int i = 0; i < RUN_POLICIES; i++)
		if (run->policy[i].ops && run->policy[i].ops->fini)
			run->policy[i].ops->fini(run->policy[i].state);
	if (run->placer && run->placer->fini)
		run->placer->fini(run->placer_state);
	if (run->room)
		run->room->close(run);
	if (run->driver)
		driver_sim_fini(&run->sim);
	crew_free(run);
	ticker_free(run);
	run_desk_fini(&run->desk);
	failures_fini(run);
	migrate_fini(run);
	consolidate_fini(run);
	metrics_fini(&run->metrics);
	mem_free(run->waiting);
	evq_free(run->queue);
	dc_fini(&run->plan.dc);
	arena_fini(&run->arena);
}
