/*
 * Live migration as events (run.h). The method (models/migration.h) says step by step what is sent and
 * where the VM runs meanwhile; here a step takes the time that its bytes take on links shared with other
 * migrations (flows.h). A host sends over one link and receives over another.
 *
 * From beginning to end the VM is committed on both hosts. It stands at the source until the method has
 * it run at the target, or all is over: then its slot moves with all that it has gathered. While memory
 * is copied a share of its CPU is held back, and all of it while it is down. What the VM writes and what
 * it wanted while it was held back are differences of its slot's integrals, so they are exact whatever
 * the host does meanwhile.
 *
 * Events come in whole nanoseconds. What that leaves of a step is carried into the next one, so rounds
 * do not gather rounding.
 *
 * Many steps are over at one moment where VMs of one size set out together. They are handled together: first
 * what follows each of them is found, then the hosts that this changes are brought to now, by all threads
 * (crew.c), then one after the other goes on.
 */
#include <math.h>
#include <stdio.h>

#include "sim/core/bug.h"
#include "sim/core/flows.h"
#include "sim/output.h"
#include "sim/run.h"

struct move {
	uint32_t vm, from, to;
	bool sends;  /* else it waits */
	bool warmed; /* it began before the end of the warm-up */
	bool over;   /* the step is: all is sent and it has waited */
	struct migration m;
	enum migration_where before; /* the step */
	struct migration_step step;
	double left, rate; /* bytes to be sent; of them per second, as of since_ns */
	int64_t since_ns;
	uint64_t event;
	double lag_s;       /* the step really began so much after its event */
	double sent_s;      /* time that it has been sending */
	double step_s;      /* time that the last step took */
	double away_s;      /* of the step, in which the VM was paused */
	int64_t pause_ns;   /* since when it is; -1: it is not */
	double written;     /* bytes in this step, where they come by CPU */
	double wanted, got; /* the slot's integrals of CPU when looked at last */
	double lost;        /* CPU held back, MHz x s */
	double down_s, total_s;
	double unseen_s; /* of the present downtime, before the end of the warm-up */
};

struct migrations {
	const struct migration_ops *ops;
	const void *state;
	bool ready;
	struct flows links; /* 2 x host: out; and 1: in. A flow is a move of the same number */
	double *capacity;
	struct move *move;
	size_t cap;
	uint32_t *of_vm; /* + 1 */
	size_t of_vm_cap;
	uint32_t *order; /* moves of a host */
	size_t order_cap;
	uint32_t *due; /* moves whose time has come at this moment */
	size_t ndue, due_cap;
	uint32_t *host; /* hosts to be brought to now */
	size_t nhosts, host_cap;
};

static uint32_t link_out(uint32_t host)
{
	return 2 * host;
}

static uint32_t link_in(uint32_t host)
{
	return 2 * host + 1;
}

static double seconds_since(const struct run *run, int64_t ns)
{
	return (double)(run->now_ns - ns) * 1e-9;
}

int migrate_init(struct run *run)
{
	const struct plugin_spec *method = &run->scenario->migration.method;
	struct migrations *m = arena_alloc(&run->arena, 1, sizeof(*m));

	run->migrations = m;
	if (!m)
		return err_nomem(run->err);
	m->ops = (const struct migration_ops *)(const void *)method->plugin;
	m->state = method->state;
	return 0;
}

void migrate_fini(struct run *run)
{
	struct migrations *m = run->migrations;

	if (!m)
		return;
	flows_fini(&m->links);
	mem_free(m->capacity);
	mem_free(m->move);
	mem_free(m->of_vm);
	mem_free(m->order);
	mem_free(m->due);
	mem_free(m->host);
}

double migrate_bandwidth(const struct run *run, uint32_t host)
{
	const struct host_spec *spec = run->scenario->hosts.items;
	const struct migration_spec *o = &run->scenario->migration;
	double network = spec[run->plan.dc.host.type_id[host]].network, bits = o->bandwidth;

	if (isinf(bits))
		bits = network > 0 && isfinite(network) ? network : MIGRATION_BANDWIDTH;
	return bits / 8 * o->share;
}

/* The links, when something moves for the first time. */
static int links_start(struct run *run)
{
	struct migrations *m = run->migrations;
	size_t n = run->plan.dc.host.n;

	if (m->ready)
		return 0;
	if (!m->capacity)
		m->capacity = mem_alloc(2 * n, sizeof(*m->capacity));
	m->links.nlinks = 2 * n;
	m->links.capacity = m->capacity;
	if (!m->capacity || flows_init(&m->links) < 0)
		return err_nomem(run->err);
	for (uint32_t h = 0; h < n; h++)
		m->capacity[link_out(h)] = m->capacity[link_in(h)] = migrate_bandwidth(run, h);
	m->ready = true;
	return 0;
}

bool migrate_moving(const struct run *run, uint32_t vm)
{
	return run->plan.dc.vm.reserved[vm] != DC_NONE;
}

static uint32_t number_of(const struct run *run, const struct move *mv)
{
	return (uint32_t)(mv - run->migrations->move);
}

static struct move *move_of(struct run *run, uint32_t vm)
{
	return &run->migrations->move[run->migrations->of_vm[vm] - 1];
}

/* What a host loses while anything moves from or to it. */
static void host_takes(struct run *run, uint32_t host, double bytes)
{
	const struct flows *links = &run->migrations->links;
	struct dc_hosts *h = &run->plan.dc.host;
	bool moving = flows_first(links, link_out(host)) != FLOW_NONE ||
		      flows_first(links, link_in(host)) != FLOW_NONE;
	double memory = h->taken_memory[host] + bytes;

	h->moving[host] = moving;
	h->taken_cpu[host] = moving ? run->scenario->migration.cores * h->type[host]->speed : 0;
	h->taken_memory[host] = moving && memory > 0 ? memory : 0;
}

/* Bytes that the VM writes in a second of full use of its vCPUs, or of time. */
static double write_rate(const struct run *run, const struct move *mv)
{
	const struct migration_spec *o = &run->scenario->migration;
	double own = run->plan.group[run->plan.dc.vm.group[mv->vm]].spec->dirty_rate;

	if (!isinf(own))
		return own;
	return isinf(o->dirty_rate) ? o->dirty_share * mv->m.memory : o->dirty_rate;
}

/* What happened to the VM since it was looked at last; its host has been brought to now. */
static void look(struct run *run, struct move *mv)
{
	const struct dc *dc = &run->plan.dc;
	uint32_t s = dc->vm.slot[mv->vm];
	double wanted = dc->slot.sum.want[RES_CPU][s], got = dc->slot.sum.grant[RES_CPU][s];
	double most =
		dc->class[dc->slot.class_id[s]].vcpus * dc->host.type[dc->vm.host[mv->vm]]->speed;

	mv->lost += dc->slot.held[s] * (wanted - mv->wanted);
	if (run->scenario->migration.dirty_by == DIRTY_BY_CPU)
		mv->written += write_rate(run, mv) * (got - mv->got) / most;
	mv->wanted = wanted;
	mv->got = got;
}

static int look_now(struct run *run, struct move *mv)
{
	int rc = run_touch(run, run->plan.dc.vm.host[mv->vm]);

	if (rc == 0)
		look(run, mv);
	return rc;
}

static int hold(struct run *run, struct move *mv, double share)
{
	double *held = &run->plan.dc.slot.held[run->plan.dc.vm.slot[mv->vm]];

	if (*held == share)
		return 0;
	int rc = look_now(run, mv);
	if (rc == 0)
		run->plan.dc.slot.held[run->plan.dc.vm.slot[mv->vm]] = share;
	return rc;
}

/* The VM runs at the target from now on. */
static int arrive(struct run *run, struct move *mv)
{
	struct dc *dc = &run->plan.dc;
	int rc = look_now(run, mv);

	if (rc == 0)
		rc = run_touch(run, mv->to);
	/* What it gathered is in units of its host's speed. */
	if (rc == 0 && dc->host.type[mv->from]->speed != dc->host.type[mv->to]->speed) {
		rc = output_vm_moves(run->output, run, mv->vm);
		mv->wanted = mv->got = 0;
	}
	if (rc < 0)
		return rc;
	policies_vm_left(run, mv->vm, mv->from);
	if (dc_move(dc, mv->vm) < 0)
		return err_nomem(run->err);
	policies_vm_arrived(run, mv->vm, mv->to);
	if (dc->host.type[mv->from]->speed != dc->host.type[mv->to]->speed && run->driver->vm_moved)
		run->driver->vm_moved(run->driver_state, mv->vm, run->now_ns);
	/* Nobody has divided the target with this VM on it yet. */
	for (int r = 0; r < RES_COUNT; r++)
		if (r != RES_MEM || run->scenario->reallocate == REALLOCATE_TICK)
			dc->slot.grant[r][dc->vm.slot[mv->vm]] = 0;
	host_takes(run, mv->from, mv->m.memory);
	host_takes(run, mv->to, -mv->m.memory);
	return 0;
}

static double downtime(const struct move *mv, double step_s)
{
	double s = mv->step.where == MIGRATION_DOWN ? step_s - mv->unseen_s : 0;

	return s > 0 ? s : 0;
}

/* Nothing moves any more: room at the other end is free again. */
static int end_move(struct run *run, struct move *mv)
{
	struct migrations *m = run->migrations;
	struct dc *dc = &run->plan.dc;
	uint32_t other = dc->vm.reserved[mv->vm];
	int rc = hold(run, mv, 0);

	if (rc == 0)
		rc = look_now(run, mv);
	if (rc == 0)
		rc = run_touch(run, other);
	if (rc == 0)
		rc = output_vm_moved(run->output, run, mv->vm,
				     &(struct vm_moved){!mv->warmed, mv->down_s, mv->lost});
	if (mv->event != EVQ_NONE)
		evq_cancel(run->queue, mv->event);
	flows_remove(&m->links, number_of(run, mv));
	m->of_vm[mv->vm] = 0;
	consolidate_moves(run, mv->from, mv->to, -1);
	dc_release(dc, mv->vm);
	host_takes(run, other, -mv->m.memory);
	host_takes(run, dc->vm.host[mv->vm], 0);
	if (!dc_in_use(dc, other))
		host_emptied(run, other);
	run->retry = true;
	return rc;
}

static int finish(struct run *run, struct move *mv)
{
	uint32_t vm = mv->vm, to = mv->to;
	double total_s = mv->total_s;
	int rc = end_move(run, mv);

	run->count.migrated++;
	run->count.migration_s += total_s;
	output_event(run->output, run, "migrate-end", vm, to);
	return rc;
}

/* Of the VM's CPU, while the step lasts. */
static double held_in_step(const struct run *run, const struct move *mv)
{
	return mv->step.where == MIGRATION_DOWN ? 1 : run->scenario->migration.slowdown;
}

/* Puts the VM where it is to run during the step, as far as it may. */
static int go_where(struct run *run, struct move *mv)
{
	const char *const event[] = {
		[MIGRATION_DOWN] = "migrate-down", [MIGRATION_AT_TARGET] = "migrate-resume"};
	enum migration_where now = mv->step.where;
	bool at_source = run->plan.dc.vm.host[mv->vm] == mv->from;
	int rc = 0;

	if (now >= MIGRATION_AT_TARGET && at_source)
		rc = arrive(run, mv);
	if (now == MIGRATION_OVER || rc < 0)
		return rc;
	if (now != mv->before && event[now])
		output_event(run->output, run, event[now], mv->vm, run->plan.dc.vm.host[mv->vm]);
	return hold(run, mv, held_in_step(run, mv));
}

static int schedule(struct run *run, struct move *mv, double after_s)
{
	int64_t at = run_after(run, after_s);

	if (mv->event != EVQ_NONE && evq_reschedule(run->queue, mv->event, at))
		return 0;
	return run_schedule(run, EVENT_MIGRATION, number_of(run, mv), at, &mv->event);
}

static int start_waiting(struct run *run, struct move *mv)
{
	mv->sends = false;
	mv->rate = 0;
	flows_set_idle(&run->migrations->links, number_of(run, mv), true);
	mv->since_ns = run->now_ns;
	return schedule(run, mv, mv->step.wait_s + mv->lag_s);
}

/* Where it had no rate until now, it gets one when links are shared anew. */
static int start_sending(struct run *run, struct move *mv)
{
	mv->sends = true;
	mv->left = mv->step.bytes + mv->lag_s * mv->rate;
	mv->since_ns = run->now_ns;
	if (mv->rate > 0) {
		mv->lag_s = 0;
		return schedule(run, mv, mv->left / mv->rate);
	}
	flows_set_idle(&run->migrations->links, number_of(run, mv), false);
	return 0;
}

static void ask_next(const struct run *run, struct move *mv)
{
	const struct migrations *m = run->migrations;

	mv->before = mv->step.where;
	migration_next(m->ops, m->state, &mv->m, &mv->step);
}

/* Goes on with the step, or the first after it that takes time. */
static int proceed(struct run *run, struct move *mv)
{
	for (;; ask_next(run, mv)) {
		int rc = go_where(run, mv);
		if (rc < 0)
			return rc;
		if (mv->step.where == MIGRATION_OVER)
			return finish(run, mv);
		mv->sent_s = -mv->lag_s;
		mv->away_s = mv->unseen_s = mv->written = 0;
		mv->pause_ns = mv->pause_ns < 0 ? -1 : run->now_ns;
		if (mv->step.bytes > 0)
			return start_sending(run, mv);
		if (mv->step.wait_s > 0)
			return start_waiting(run, mv);
	}
}

static void report_round(struct run *run, const struct move *mv)
{
	char what[120];

	if (!run->scenario->output.events)
		return;
	snprintf(what, sizeof(what), "%u: %.9g bytes in %.9g s; %.9g dirty", mv->m.rounds,
		 mv->step.bytes, mv->step_s, mv->m.dirty);
	output_event_because(run->output, run, "migrate-round", mv->vm, mv->from, what);
}

/* What the VM wrote while the step took so long. */
static int step_dirties(struct run *run, struct move *mv)
{
	const struct migration_spec *o = &run->scenario->migration;
	double written, paused = mv->away_s;
	int rc = 0;

	if (mv->pause_ns >= 0)
		paused += seconds_since(run, mv->pause_ns);
	if (o->dirty_by == DIRTY_BY_CPU) {
		rc = look_now(run, mv);
		written = mv->written;
	} else {
		written = write_rate(run, mv) * fmax(mv->step_s - paused, 0);
	}
	mv->m.dirty = migration_dirtied((enum migration_writes)o->writes, o->working_set,
					mv->m.memory, written);
	return rc;
}

/* Time has come: counts it. */
static void count_time(const struct run *run, struct move *mv)
{
	double dt_s = seconds_since(run, mv->since_ns);

	mv->event = EVQ_NONE;
	mv->over = !mv->sends || !(mv->step.wait_s > 0);
	if (mv->sends) {
		mv->left -= mv->rate * dt_s;
		mv->lag_s = mv->left / mv->rate;
		mv->sent_s += dt_s + mv->lag_s;
	} else {
		mv->lag_s += mv->step.wait_s - dt_s;
	}
	if (!mv->over)
		return;
	mv->step_s = mv->sent_s + mv->step.wait_s;
	mv->total_s += mv->step_s;
	mv->down_s += downtime(mv, mv->step_s);
	mv->m.dirty = 0;
}

static void bring_host(struct migrations *m, uint32_t host)
{
	m->host[m->nhosts++] = host;
}

static int bring_hosts(struct run *run)
{
	struct migrations *m = run->migrations;
	size_t n = m->nhosts;

	m->nhosts = 0;
	return run_touch_all(run, m->host, n);
}

/* Whose writes are told by the CPU they got. */
static void look_at_writers(struct run *run, const struct move *mv)
{
	bool by_cpu = run->scenario->migration.dirty_by == DIRTY_BY_CPU;

	if (by_cpu && mv->over && mv->step.where == MIGRATION_AT_SOURCE)
		bring_host(run->migrations, mv->from);
}

/* The step that follows, and which hosts it changes. */
static int find_next(struct run *run, struct move *mv)
{
	struct migrations *m = run->migrations;
	int rc = 0;

	if (!mv->over)
		return 0;
	if (mv->step.where == MIGRATION_AT_SOURCE) {
		rc = step_dirties(run, mv);
		report_round(run, mv);
	}
	ask_next(run, mv);
	const struct dc *dc = &run->plan.dc;
	bool arrives = mv->step.where >= MIGRATION_AT_TARGET;
	if (arrives || dc->slot.held[dc->vm.slot[mv->vm]] != held_in_step(run, mv))
		bring_host(m, dc->vm.host[mv->vm]);
	if (arrives)
		bring_host(m, dc->vm.reserved[mv->vm]);
	return rc;
}

#define MOVES_AHEAD 8

static void prefetch(const struct migrations *m, size_t i)
{
	if (i + MOVES_AHEAD < m->ndue) {
		const char *next = (const char *)&m->move[m->due[i + MOVES_AHEAD]];
		for (size_t at = 0; at < sizeof(struct move); at += 64)
			__builtin_prefetch(next + at);
	}
}

static int handle_due(struct run *run)
{
	struct migrations *m = run->migrations;
	int rc = 0;

	if (mem_grow(&m->host, &m->host_cap, 2 * m->ndue, sizeof(*m->host)) < 0)
		return err_nomem(run->err);
	for (size_t i = 0; i < m->ndue; i++) {
		prefetch(m, i);
		count_time(run, &m->move[m->due[i]]);
		look_at_writers(run, &m->move[m->due[i]]);
	}
	rc = bring_hosts(run);
	for (size_t i = 0; i < m->ndue && rc == 0; i++)
		rc = find_next(run, &m->move[m->due[i]]);
	if (rc == 0)
		rc = bring_hosts(run);
	for (size_t i = 0; i < m->ndue && rc == 0; i++) {
		struct move *mv = &m->move[m->due[i]];
		rc = mv->over ? proceed(run, mv) : start_waiting(run, mv);
	}
	m->ndue = 0;
	return rc;
}

int migrate_event(struct run *run, const struct evq_event *event)
{
	struct migrations *m = run->migrations;
	struct evq_event next;

	if (mem_grow(&m->due, &m->due_cap, m->ndue + 1, sizeof(*m->due)) < 0)
		return err_nomem(run->err);
	m->due[m->ndue++] = event->id;
	if (evq_peek(run->queue, &next) && next.kind == EVENT_MIGRATION &&
	    next.time_ns == run->now_ns)
		return 0;
	return handle_due(run);
}

int migrate_settle(struct run *run)
{
	struct migrations *m = run->migrations;
	int rc = 0;

	if (!m->ready)
		return 0;
	flows_solve(&m->links);
	for (size_t i = 0; i < m->links.nchanged && rc == 0; i++) {
		struct move *mv = &m->move[m->links.changed[i]];
		if (!mv->sends)
			continue;
		double rate = flows_rate(&m->links, m->links.changed[i]);
		double dt_s = seconds_since(run, mv->since_ns);
		mv->left -= mv->rate * dt_s;
		mv->sent_s += dt_s;
		if (mv->rate <= 0) {
			mv->left += mv->lag_s * rate;
			mv->lag_s = 0;
		}
		mv->rate = rate;
		mv->since_ns = run->now_ns;
		rc = schedule(run, mv, mv->left / rate);
	}
	return rc;
}

static int tables_grow(struct run *run, uint32_t vm, size_t moves)
{
	struct migrations *m = run->migrations;

	if (mem_grow(&m->of_vm, &m->of_vm_cap, (size_t)vm + 1, sizeof(*m->of_vm)) < 0 ||
	    mem_grow(&m->move, &m->cap, moves, sizeof(*m->move)) < 0 ||
	    mem_grow(&m->order, &m->order_cap, moves, sizeof(*m->order)) < 0)
		return err_nomem(run->err);
	return 0;
}

static double bytes_to_copy(const struct run *run, uint32_t vm)
{
	const struct dc *dc = &run->plan.dc;

	return run->scenario->migration.copies == COPIES_RESIDENT
		       ? dc->slot.grant[RES_MEM][dc->vm.slot[vm]]
		       : dc_class_of(dc, vm)->memory;
}

int migrate_start(struct run *run, uint32_t vm, uint32_t to)
{
	struct migrations *m = run->migrations;
	struct dc *dc = &run->plan.dc;
	uint32_t from = dc->vm.host[vm], id;

	BUG_ON(dc->vm.state[vm] != VM_RUNNING && dc->vm.state[vm] != VM_PAUSED);
	BUG_ON(migrate_moving(run, vm) || !placing_holds(run, vm, to));
	int rc = links_start(run);
	if (rc == 0)
		rc = tables_grow(run, vm, m->links.nflows + 1);
	if (rc == 0)
		rc = run_touch(run, from);
	if (rc == 0)
		rc = run_touch(run, to);
	if (rc == 0)
		rc = host_taken(run, to);
	if (rc < 0)
		return rc;
	if (flows_add(&m->links, link_out(from), link_in(to), &id) < 0)
		return err_nomem(run->err);
	struct move *mv = &m->move[id];
	uint32_t slot = dc->vm.slot[vm];
	*mv = (struct move){.vm = vm,
			    .from = from,
			    .to = to,
			    .m = {.memory = bytes_to_copy(run, vm)},
			    .event = EVQ_NONE,
			    .pause_ns = dc->vm.state[vm] == VM_PAUSED ? run->now_ns : -1,
			    .wanted = dc->slot.sum.want[RES_CPU][slot],
			    .got = dc->slot.sum.grant[RES_CPU][slot]};
	m->of_vm[vm] = id + 1;
	dc_reserve(dc, vm, to);
	host_takes(run, from, 0);
	host_takes(run, to, mv->m.memory);
	run->count.migrations++;
	consolidate_moves(run, from, to, 1);
	output_event(run->output, run, "migrate", vm, to);
	ask_next(run, mv);
	return proceed(run, mv);
}

static int undo(struct run *run, struct move *mv, const char *why)
{
	uint32_t vm = mv->vm;

	mv->down_s += downtime(mv, mv->sent_s + seconds_since(run, mv->since_ns));
	int rc = end_move(run, mv);
	run->count.undone++;
	output_event_because(run->output, run, "migrate-undone", vm, run->plan.dc.vm.host[vm], why);
	return rc;
}

int migrate_undo_vm(struct run *run, uint32_t vm, const char *why)
{
	return migrate_moving(run, vm) ? undo(run, move_of(run, vm), why) : 0;
}

static size_t moves_of_link(const struct run *run, uint32_t link, uint32_t *vm, size_t n)
{
	const struct migrations *m = run->migrations;

	for (uint32_t id = flows_first(&m->links, link); id != FLOW_NONE;
	     id = flows_after(&m->links, link, id))
		vm[n++] = m->move[id].vm;
	return n;
}

int migrate_undo_host(struct run *run, uint32_t host)
{
	struct migrations *m = run->migrations;
	int rc = 0;

	if (!m->ready)
		return 0;
	size_t out = moves_of_link(run, link_out(host), m->order, 0);
	size_t n = moves_of_link(run, link_in(host), m->order, out);
	for (size_t i = 0; i < n && rc == 0; i++) {
		uint32_t vm = m->order[i];
		bool left_behind = i < out && run->plan.dc.vm.host[vm] != host;
		rc = migrate_undo_vm(run, vm, i < out ? "source failed" : "target failed");
		if (rc == 0 && left_behind)
			rc = lifecycle_vm_fails(run, vm);
	}
	return rc;
}

void migrate_pause(struct run *run, uint32_t vm, bool paused)
{
	if (!migrate_moving(run, vm))
		return;
	struct move *mv = move_of(run, vm);
	if (mv->pause_ns >= 0 && !paused)
		mv->away_s += seconds_since(run, mv->pause_ns);
	mv->pause_ns = paused ? run->now_ns : -1;
}

/* Every move, in the order of VMs. */
static struct move *next_move(struct run *run, uint32_t *vm)
{
	for (; *vm < run->migrations->of_vm_cap; ++*vm)
		if (run->migrations->of_vm[*vm] != 0)
			return move_of(run, (*vm)++);
	return NULL;
}

void migrate_warm(struct run *run)
{
	struct move *mv;

	for (uint32_t vm = 0; (mv = next_move(run, &vm)) != NULL;) {
		look(run, mv);
		mv->wanted = mv->got = mv->lost = mv->down_s = 0;
		mv->warmed = true;
		mv->unseen_s = mv->sent_s + seconds_since(run, mv->since_ns);
	}
}

int migrate_end(struct run *run)
{
	struct move *mv;
	int rc = 0;

	for (uint32_t vm = 0; rc == 0 && (mv = next_move(run, &vm)) != NULL;) {
		look(run, mv);
		double s = downtime(mv, mv->sent_s + seconds_since(run, mv->since_ns));
		rc = output_vm_moved(run->output, run, mv->vm,
				     &(struct vm_moved){!mv->warmed, mv->down_s + s, mv->lost});
		/* It may still end at this moment. */
		mv->lost = mv->down_s = 0;
		mv->unseen_s = mv->sent_s + seconds_since(run, mv->since_ns);
		mv->warmed = true;
	}
	return rc;
}
