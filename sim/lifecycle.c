/*
 * The life of VMs (run.h): created, placed or kept waiting or rejected, started, paused, resized,
 * stopped, destroyed; hosts fail and are repaired.
 *
 * The waiting line is strict: while its head fits nowhere, nobody behind it is placed, so a small
 * VM cannot starve a large one; but a placer of batches chooses among all who wait. A VM on a host
 * that fails loses its work and stands in line again, or is lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core/rng.h"
#include "sim/output.h"
#include "sim/run.h"

struct group_run {
	struct rng *arrivals, *lifetime;
	int64_t created;
	uint32_t
		*by_first; /* indices in order of first sample, where a trace says who comes when */
};

int lifecycle_init(struct run *run)
{
	const struct action_spec *action = run->scenario->actions.items;
	int rc = 0;

	run->group = arena_alloc(&run->arena, run->plan.ngroups, sizeof(*run->group));
	run->group_count = arena_alloc(&run->arena, run->plan.ngroups, sizeof(*run->group_count));
	if (!run->group || !run->group_count)
		return err_nomem(run->err);
	for (size_t g = 0; g < run->plan.ngroups && rc == 0; g++) {
		const struct vm_spec *spec = run->plan.group[g].spec;
		run->group[g].arrivals = run_stream(run, spec->name, "arrivals");
		run->group[g].lifetime = run_stream(run, spec->name, "lifetime");
		if (!run->group[g].arrivals || !run->group[g].lifetime)
			return err_nomem(run->err);
		run->watches_work |= spec->destroy_when_done;
		if (spec->start_ns < run->end_ns)
			rc = run_schedule(run, EVENT_GROUP, (uint32_t)g, spec->start_ns, NULL);
	}
	for (size_t i = 0; i < run->scenario->actions.n && rc == 0; i++)
		if (action[i].at_ns < run->end_ns)
			rc = run_schedule(run, EVENT_ACTION, (uint32_t)i, action[i].at_ns, NULL);
	return rc;
}

/* When the VM's life ends by itself: its own law, or the end of its trace. */
static int schedule_end(struct run *run, uint32_t vm)
{
	const struct dc_vms *v = &run->plan.dc.vm;
	const struct group *g = &run->plan.group[v->group[vm]];
	size_t column = group_column(g, v->index[vm]);
	int64_t end = INT64_MAX;

	if (g->spec->lifetime.law != DIST_NONE)
		end = run_after(run,
				dist_sample(&g->spec->lifetime, run->group[v->group[vm]].lifetime));
	if (g->spec->life_from_trace && g->trace && column < g->trace->n) {
		int64_t steps = (int64_t)g->trace->vm[column].last - g->trace->vm[column].first + 1;
		int64_t trace_end = run->now_ns + steps * g->trace->step_ns;
		end = trace_end < end ? trace_end : end;
	}
	return end < run->end_ns ? run_schedule(run, EVENT_DESTROY, vm, end, NULL) : 0;
}

static struct group_counts *counts_of(struct run *run, uint32_t vm)
{
	return &run->group_count[run->plan.dc.vm.group[vm]];
}

static void count_placed(struct run *run, uint32_t vm)
{
	struct group_counts *count = counts_of(run, vm);
	double wait_s = (double)(run->now_ns - run->plan.dc.vm.created_ns[vm]) * 1e-9;

	count->placed++;
	count->waited += wait_s > 0;
	count->wait_s += wait_s;
	count->wait_max_s = fmax(count->wait_max_s, wait_s);
}

/* The VM, which has its place on the host, begins to run. */
static int begin(struct run *run, uint32_t vm, uint32_t host)
{
	struct dc *dc = &run->plan.dc;
	bool first_start = dc->vm.started_ns[vm] < 0;

	dc->vm.state[vm] = VM_RUNNING;
	run->running++;
	run->count.placed += first_start;
	if (first_start)
		count_placed(run, vm);
	int rc = policies_vm_starts(run, vm);
	if (rc == 0)
		rc = run->driver->vm_start(run->driver_state, vm, run->now_ns, run->err);
	if (rc == 0 && first_start) {
		dc->vm.started_ns[vm] = run->now_ns;
		rc = schedule_end(run, vm);
	}
	output_event(run->output, run, "start", vm, host);
	return rc;
}

int lifecycle_start(struct run *run, uint32_t vm, uint32_t host)
{
	struct dc *dc = &run->plan.dc;
	int rc = run_touch(run, host);

	if (rc == 0)
		rc = output_population(run->output, run);
	if (rc == 0)
		rc = host_taken(run, host);
	if (rc < 0)
		return rc;
	if (dc_place(dc, vm, host) < 0)
		return err_nomem(run->err);
	if (dc->host.state[host] == HOST_ON)
		return begin(run, vm, host);
	dc->vm.state[vm] = VM_WAITING;
	run->boarding++;
	return 0;
}

static bool boards(const struct dc *dc, uint32_t vm)
{
	return dc->vm.host[vm] != DC_NONE && dc->vm.state[vm] == VM_WAITING;
}

int lifecycle_host_on(struct run *run, uint32_t host)
{
	const struct dc *dc = &run->plan.dc;
	int rc = output_population(run->output, run);

	for (uint32_t i = 0; i < dc->host.count[host] && rc == 0; i++) {
		uint32_t vm = dc->slot.vm[dc->host.first[host] + i];
		if (!boards(dc, vm))
			continue;
		run->boarding--;
		rc = begin(run, vm, host);
	}
	return rc;
}

size_t lifecycle_waiting(const struct run *run)
{
	return line_length(run) + run->boarding;
}

static int reject(struct run *run, uint32_t vm)
{
	run->plan.dc.vm.state[vm] = VM_REJECTED;
	run->count.rejected++;
	counts_of(run, vm)->rejected++;
	output_event(run->output, run, "reject", vm, DC_NONE);
	return output_vm(run->output, run, vm);
}

static bool line_has_room(const struct run *run, size_t length)
{
	int64_t limit = run->scenario->queue_limit;

	return limit == 0 || length < (size_t)limit;
}

/* A VM larger than every host is rejected at once: it would block the line for ever. Who is placed in
 * batches stands in line until the moment is over. */
static int admit(struct run *run, uint32_t vm)
{
	bool queues = run->scenario->when_full == FULL_QUEUE && placing_could_ever(run, vm);

	if (placing_batches(run))
		return line_add(run, vm);
	if (queues && line_length(run) > 0)
		return line_has_room(run, line_length(run)) ? line_add(run, vm) : reject(run, vm);
	uint32_t host = placing_choose(run, vm);
	if (host != PLACE_NOWHERE)
		return lifecycle_start(run, vm, host);
	output_full(run->output, run, vm);
	return queues && line_has_room(run, line_length(run)) ? line_add(run, vm) : reject(run, vm);
}

/* Those in line are placed together; who finds no room waits on, or is rejected where nobody waits. */
static int retry_batch(struct run *run)
{
	size_t kept = run->waiting_head, n = run->nwaiting;
	int rc = placing_batch(run, run->waiting + kept, n - kept);

	run->retry = false;
	for (size_t i = kept; i < n && rc == 0; i++) {
		uint32_t vm = run->waiting[i];
		if (run->plan.dc.vm.host[vm] != DC_NONE)
			continue;
		if (run->plan.dc.vm.created_ns[vm] == run->now_ns)
			output_full(run->output, run, vm);
		if (run->scenario->when_full == FULL_QUEUE && placing_could_ever(run, vm) &&
		    line_has_room(run, kept - run->waiting_head))
			run->waiting[kept++] = vm;
		else
			rc = reject(run, vm);
	}
	run->nwaiting = kept;
	return rc;
}

int lifecycle_retry_waiting(struct run *run)
{
	int settled = line_settle(run);

	if (settled < 0)
		return settled;
	if (run->retry && line_length(run) > 0 && placing_batches(run)) {
		int rc = retry_batch(run);
		if (rc < 0)
			return rc;
	}
	/* Only what was given back, or a new head, can change the answer. */
	while (run->retry && line_length(run) > 0) {
		uint32_t vm = run->waiting[run->waiting_head];
		uint32_t host = placing_choose(run, vm);
		if (host == PLACE_NOWHERE) {
			run->retry = false;
			return 0;
		}
		run->waiting_head++;
		int rc = lifecycle_start(run, vm, host);
		if (rc < 0)
			return rc;
	}
	if (line_length(run) == 0)
		run->nwaiting = run->waiting_head = 0;
	return 0;
}

/* Takes a VM off its host; its sums are kept by the output. */
static int take_off(struct run *run, uint32_t vm)
{
	struct dc *dc = &run->plan.dc;
	uint32_t host = dc->vm.host[vm];
	int rc = run_touch(run, host);

	if (rc == 0)
		rc = migrate_undo_vm(run, vm, "ended");
	if (rc < 0)
		return rc;
	rc = output_population(run->output, run);
	if (boards(dc, vm)) {
		run->boarding--;
	} else {
		if (rc == 0)
			rc = output_vm_leaves(run->output, run, vm);
		run->driver->vm_stop(run->driver_state, vm);
		policies_vm_ends(run, vm);
		run->running--;
	}
	dc_unplace(dc, vm);
	if (!dc_in_use(dc, host))
		host_emptied(run, host);
	run->retry = true;
	return rc;
}

static const char *const end_name[VM_STATES] = {
	[VM_DONE] = "destroy", [VM_OOM] = "oom", [VM_LOST] = "lost", [VM_CRASHED] = "crash"};

int lifecycle_end_vm(struct run *run, uint32_t vm, enum vm_state state)
{
	struct dc *dc = &run->plan.dc;
	uint32_t host = dc->vm.host[vm];
	int rc = 0;

	if (host != DC_NONE)
		rc = take_off(run, vm);
	else
		rc = line_remove(run, vm);
	output_event(run->output, run, end_name[state], vm, host);
	if (rc < 0)
		return rc;
	if (state == VM_OOM && run->scenario->oom == OOM_RESTART)
		return line_add(run, vm);
	dc->vm.state[vm] = (uint8_t)state;
	run->count.completed_vms += state == VM_DONE;
	run->count.lost += state == VM_LOST;
	counts_of(run, vm)->lost += state == VM_LOST;
	return output_vm(run->output, run, vm);
}

/* Creation. */

static int create(struct run *run, uint32_t vm)
{
	run->plan.dc.vm.created_ns[vm] = run->now_ns;
	run->count.created++;
	counts_of(run, vm)->created++;
	output_event(run->output, run, "create", vm, DC_NONE);
	return admit(run, vm);
}

static int create_next(struct run *run, uint32_t group)
{
	struct group *g = &run->plan.group[group];
	uint32_t index = (uint32_t)run->group[group].created++, vm = g->first_vm + index, class_id;

	if (g->planned < 0) {
		if (build_class(run->scenario, &run->plan, group, index, &class_id) < 0 ||
		    dc_add_vm(&run->plan.dc, class_id, group, index, &vm) < 0)
			return err_nomem(run->err);
	}
	return create(run, vm);
}

static uint32_t first_sample(const struct group *g, uint32_t index)
{
	return g->trace->vm[group_column(g, index)].first;
}

static int by_first_sample(const void *a, const void *b, void *ctx)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint32_t first_x = first_sample(ctx, x), first_y = first_sample(ctx, y);

	if (first_x != first_y)
		return first_x < first_y ? -1 : 1;
	return (x > y) - (x < y);
}

/* VMs of a trace that each begin with their first sample: one event per moment, not per VM. */
static int create_by_trace(struct run *run, uint32_t group)
{
	struct group *g = &run->plan.group[group];
	struct group_run *live = &run->group[group];
	int rc = 0;

	if (!live->by_first) {
		live->by_first = arena_alloc(&run->arena, (size_t)g->planned, sizeof(uint32_t));
		if (!live->by_first)
			return err_nomem(run->err);
		for (uint32_t k = 0; k < g->planned; k++)
			live->by_first[k] = k;
		qsort_r(live->by_first, (size_t)g->planned, sizeof(uint32_t), by_first_sample, g);
	}
	while (rc == 0 && live->created < g->planned) {
		uint32_t k = live->by_first[live->created];
		int64_t at = g->spec->start_ns + first_sample(g, k) * g->trace->step_ns;
		if (at > run->now_ns)
			return at < run->end_ns ? run_schedule(run, EVENT_GROUP, group, at, NULL)
						: 0;
		live->created++;
		rc = create(run, g->first_vm + k);
	}
	return rc;
}

static int group_event(struct run *run, uint32_t group)
{
	struct group *g = &run->plan.group[group];
	struct group_run *live = &run->group[group];
	int rc = 0;

	if (g->spec->life_from_trace && g->trace)
		return create_by_trace(run, group);
	if (g->spec->arrivals.law == DIST_NONE) {
		while (rc == 0 && live->created < g->planned)
			rc = create_next(run, group);
		return rc;
	}
	if (g->planned >= 0 && live->created >= g->planned)
		return 0;
	rc = create_next(run, group);
	int64_t at = run_after(run, dist_sample(&g->spec->arrivals, live->arrivals));
	if (rc == 0 && at < run->end_ns)
		rc = run_schedule(run, EVENT_GROUP, group, at, NULL);
	return rc;
}

/* Actions of the scenario. */

/* Whether the VM's host has room for what the VM is to become, and can guarantee its floors. */
static bool resize_fits(const struct dc *dc, uint32_t vm, const struct vm_class *to)
{
	const struct vm_class *class = dc_class_of(dc, vm);
	uint32_t host = dc->vm.host[vm];

	for (int d = 0; d < DC_DIMS; d++)
		if (to->request[d] - class->request[d] >
		    dc->host.free[d][host] * (1 + PLACE_EPSILON))
			return false;
	for (int r = 0; r < RES_COUNT; r++) {
		double more = to->floor[r] - class->floor[r];
		if (more > 0 && dc->host.floors[r][host] + more >
					dc->host.type[host]->capacity[r] * (1 + PLACE_EPSILON))
			return false;
	}
	return true;
}

static int resize(struct run *run, uint32_t vm, const struct action_spec *action)
{
	struct dc *dc = &run->plan.dc;
	struct vm_class to = build_resized(dc_class_of(dc, vm), action);
	uint32_t id, host = dc->vm.host[vm];
	int rc = host != DC_NONE ? run_touch(run, host) : 0;

	if (rc < 0)
		return rc;
	bool moving = host != DC_NONE && migrate_moving(run, vm);
	if (moving || (host != DC_NONE && !resize_fits(dc, vm, &to))) {
		output_event_because(run->output, run, "resize-refused", vm, host,
				     moving ? "moving" : "");
		return 0;
	}
	if (dc_add_class(dc, &to, &id) < 0)
		return err_nomem(run->err);
	uint32_t was = dc_class_of(dc, vm)->vcpus;
	dc_set_class(dc, vm, id);
	run->retry = true;
	output_event(run->output, run, "resize", vm, host);
	if (host == DC_NONE || !run->driver->vm_resized)
		return 0;
	return run->driver->vm_resized(run->driver_state, vm, was, run->err);
}

/* The host that the action names, or that the placer chooses; why it cannot be, or NULL. */
static const char *migrate_where(struct run *run, uint32_t vm, const struct action_spec *action,
				 uint32_t *to)
{
	const struct dc *dc = &run->plan.dc;
	char name[160];

	if (migrate_moving(run, vm))
		return "moving already";
	if (!action->to) {
		*to = placing_choose_awake(run, vm);
		return *to == PLACE_NOWHERE ? placing_why(run, vm) : NULL;
	}
	*to = 0;
	while (*to < dc->host.n &&
	       strcmp(run_host_name(run, *to, name, sizeof(name)), action->to) != 0)
		++*to;
	if (*to == dc->vm.host[vm])
		return "there already";
	return placing_fits(run, vm, *to) ? NULL : placing_why_not(run, vm, *to);
}

static int migrate(struct run *run, uint32_t vm, const struct action_spec *action)
{
	enum vm_state state = run->plan.dc.vm.state[vm];
	uint32_t to = DC_NONE;

	if (state != VM_RUNNING && state != VM_PAUSED)
		return 0;
	const char *why = migrate_where(run, vm, action, &to);
	if (!why)
		return migrate_start(run, vm, to);
	output_event_because(run->output, run, "migrate-refused", vm, to, why);
	return 0;
}

/* Which states an action applies to, and the state that follows. */
static const struct {
	const char *name;
	unsigned from;
	enum vm_state to;
} action_rule[] = {
	[ACTION_START] = {"start", 1u << VM_STOPPED, VM_RUNNING},
	[ACTION_STOP] = {"stop", 1u << VM_RUNNING | 1u << VM_PAUSED, VM_STOPPED},
	[ACTION_PAUSE] = {"pause", 1u << VM_RUNNING, VM_PAUSED},
	[ACTION_RESUME] = {"resume", 1u << VM_PAUSED, VM_RUNNING},
};

static int act(struct run *run, uint32_t vm, const struct action_spec *action)
{
	struct dc *dc = &run->plan.dc;
	uint32_t host = dc->vm.host[vm];
	enum vm_state state = dc->vm.state[vm];
	bool alive = host != DC_NONE || state == VM_WAITING;

	if (action->action == ACTION_DESTROY)
		return alive ? lifecycle_end_vm(run, vm, VM_DONE) : 0;
	if (action->action == ACTION_RESIZE)
		return alive ? resize(run, vm, action) : 0;
	if (action->action == ACTION_MIGRATE)
		return migrate(run, vm, action);
	if (host == DC_NONE || !(action_rule[action->action].from & 1u << state))
		return 0;
	int rc = run_touch(run, host);
	if (rc == 0 && action->action == ACTION_STOP)
		rc = migrate_undo_vm(run, vm, "stopped");
	if (rc < 0)
		return rc;
	migrate_pause(run, vm, action->action == ACTION_PAUSE);
	dc->vm.state[vm] = (uint8_t)action_rule[action->action].to;
	output_event(run->output, run, action_rule[action->action].name, vm, host);
	if (action->action == ACTION_STOP) {
		rc = output_vm_stops(run->output, run, vm);
		run->driver->vm_stop(run->driver_state, vm);
	}
	if (action->action == ACTION_START)
		rc = run->driver->vm_start(run->driver_state, vm, run->now_ns, run->err);
	return rc;
}

static int set_speed(struct run *run, uint32_t host, double speed)
{
	const struct dvfs *dvfs = &run->plan.dc.host.type[host]->dvfs;

	for (size_t i = 0; i < dvfs->n; i++)
		if (dvfs->step[i].speed == speed)
			run->plan.dc.host.step_set[host] = (uint8_t)i;
	output_event(run->output, run, "set-speed", DC_NONE, host);
	return run_touch(run, host);
}

static int act_on_host(struct run *run, uint32_t host, const struct action_spec *action)
{
	if (action->action == ACTION_SET_SPEED)
		return set_speed(run, host, action->speed);
	if (action->action == ACTION_SWITCH_ON)
		return host_switch_on(run, host);
	if (!dc_in_use(&run->plan.dc, host))
		return host_switch_off(run, host);
	output_event_because(run->output, run, "switch-off-refused", DC_NONE, host, "in use");
	return 0;
}

static int host_action_event(struct run *run, const struct action_spec *action)
{
	char name[160];
	int rc = 0;

	for (uint32_t h = 0; h < run->plan.dc.host.n && rc == 0; h++)
		if (strcmp(action->host, run->plan.dc.host.type[h]->group) == 0 ||
		    strcmp(action->host, run_host_name(run, h, name, sizeof(name))) == 0)
			rc = act_on_host(run, h, action);
	return rc;
}

static int action_event(struct run *run, const struct action_spec *action)
{
	char name[160];
	int rc = 0;

	if (action->host)
		return host_action_event(run, action);
	for (uint32_t vm = 0; vm < run->plan.dc.vm.n && rc == 0; vm++) {
		const char *group = run->plan.group[run->plan.dc.vm.group[vm]].spec->name;
		if (strcmp(action->vm, group) == 0 ||
		    strcmp(action->vm, run_vm_name(run, vm, name, sizeof(name))) == 0)
			rc = act(run, vm, action);
	}
	return rc;
}

/* Failures. */

int lifecycle_vm_fails(struct run *run, uint32_t vm)
{
	if (run->scenario->on_failure == FAILURE_LOSE && !boards(&run->plan.dc, vm))
		return lifecycle_end_vm(run, vm, VM_LOST);
	int rc = take_off(run, vm);
	return rc < 0 ? rc : line_add_restarted(run, vm);
}

/* The VMs of the host that failed. */
static int evacuate(struct run *run, uint32_t host)
{
	struct dc *dc = &run->plan.dc;
	int rc = 0;

	while (rc == 0 && dc->host.count[host] > 0)
		rc = lifecycle_vm_fails(run, dc->slot.vm[dc->host.first[host]]);
	return rc;
}

int lifecycle_host_fails(struct run *run, uint32_t host)
{
	int rc = run_touch(run, host);

	if (rc == 0)
		rc = output_population(run->output, run);
	output_event(run->output, run, "fail", DC_NONE, host);
	run->metrics.host[host].failures++;
	run->hosts_down++;
	if (rc == 0)
		rc = migrate_undo_host(run, host);
	if (rc == 0)
		rc = evacuate(run, host);
	host_failed(run, host);
	dc_set_down(&run->plan.dc, host, true);
	return rc;
}

int lifecycle_host_returns(struct run *run, uint32_t host)
{
	int rc = run_touch(run, host);

	if (rc == 0)
		rc = output_population(run->output, run);
	run->hosts_down--;
	dc_set_down(&run->plan.dc, host, false);
	host_returned(run, host);
	run->retry = true;
	output_event(run->output, run, "repair", DC_NONE, host);
	return rc;
}

int lifecycle_event(struct run *run, const struct evq_event *event)
{
	const struct action_spec *action = run->scenario->actions.items;
	enum vm_state state;

	switch ((enum run_event)event->kind) {
	case EVENT_GROUP:
		return group_event(run, event->id);
	case EVENT_DESTROY:
		state = run->plan.dc.vm.state[event->id];
		if (state >= VM_DONE)
			return 0;
		return lifecycle_end_vm(run, event->id, VM_DONE);
	case EVENT_ACTION:
		return action_event(run, &action[event->id]);
	default:
		return 0;
	}
}
