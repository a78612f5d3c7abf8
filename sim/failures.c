/*
 * Hosts and racks fail and are repaired (run.h): by distributions, one stream of random numbers
 * for each host and each rack, or as a file of outages tells. A host is down while itself or its
 * rack is, for whatever reason; reasons are counted.
 *
 * With a number of repairers, who fails waits for one in order of failure (ties: as the events
 * come, by id); the time to repair begins when the repair does. What the file tells needs none.
 */
#include "sim/core/rng.h"
#include "sim/output.h"
#include "sim/run.h"

/* A unit is a host, by id, or after all hosts a rack. */
struct failures {
	struct rng **rng;  /* by unit; NULL: never fails by itself */
	uint32_t *reasons; /* by host */
	uint32_t *line;    /* units that wait for a repairer */
	size_t head, n, cap;
	int64_t busy;                  /* repairers */
	uint32_t **host_of, **rack_of; /* by group and index, for the file */
};

static const struct host_spec *spec_of(const struct run *run, uint32_t unit)
{
	const struct dc *dc = &run->plan.dc;
	const struct host_spec *spec = run->scenario->hosts.items;

	return unit < dc->host.n ? &spec[dc->host.type_id[unit]]
				 : &spec[dc->rack.type_id[unit - dc->host.n]];
}

static const struct dist *law_of(const struct run *run, uint32_t unit, bool repair)
{
	const struct host_spec *spec = spec_of(run, unit);

	if (unit < run->plan.dc.host.n)
		return repair ? &spec->time_to_repair : &spec->time_to_failure;
	return repair ? &spec->rack_time_to_repair : &spec->rack_time_to_failure;
}

static int schedule(struct run *run, uint32_t unit, bool repair)
{
	int64_t at =
		run_after(run, dist_sample(law_of(run, unit, repair), run->failures->rng[unit]));

	if (at >= run->end_ns)
		return 0;
	return run_schedule(run, repair ? EVENT_REPAIR : EVENT_FAIL, unit, at, NULL);
}

static int units_init(struct run *run)
{
	size_t units = run->plan.dc.host.n + run->plan.dc.rack.n;
	struct failures *f = run->failures;
	char name[160];

	for (uint32_t u = 0; u < units; u++) {
		if (law_of(run, u, false)->law == DIST_NONE)
			continue;
		if (u < run->plan.dc.host.n)
			run_host_name(run, u, name, sizeof(name));
		else
			run_rack_name(run, u - (uint32_t)run->plan.dc.host.n, name, sizeof(name));
		f->rng[u] = run_stream(run, name, "failures");
		if (!f->rng[u])
			return err_nomem(run->err);
		int rc = schedule(run, u, false);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int outages_init(struct run *run)
{
	struct dc *dc = &run->plan.dc;
	struct failures *f = run->failures;
	int rc = 0;

	f->host_of = arena_alloc(&run->arena, dc->ntypes, sizeof(*f->host_of));
	f->rack_of = arena_alloc(&run->arena, dc->ntypes, sizeof(*f->rack_of));
	if (!f->host_of || !f->rack_of)
		return err_nomem(run->err);
	for (size_t t = 0; t < dc->ntypes; t++) {
		f->host_of[t] = arena_alloc(&run->arena, dc->type[t].count, sizeof(uint32_t));
		f->rack_of[t] = arena_alloc(&run->arena, dc->type[t].count, sizeof(uint32_t));
		if (!f->host_of[t] || !f->rack_of[t])
			return err_nomem(run->err);
	}
	for (uint32_t h = 0; h < dc->host.n; h++)
		f->host_of[dc->host.type_id[h]][dc->host.index[h]] = h;
	for (uint32_t r = 0; r < dc->rack.n; r++)
		f->rack_of[dc->rack.type_id[r]][dc->rack.index[r]] = r;
	for (size_t i = 0; i < run->outages->n && rc == 0; i++)
		if (run->outages->item[i].time_ns < run->end_ns)
			rc = run_schedule(run, EVENT_OUTAGE, (uint32_t)i,
					  run->outages->item[i].time_ns, NULL);
	return rc;
}

int failures_init(struct run *run)
{
	size_t hosts = run->plan.dc.host.n, units = hosts + run->plan.dc.rack.n;

	run->failures = arena_alloc(&run->arena, 1, sizeof(*run->failures));
	if (!run->failures)
		return err_nomem(run->err);
	run->failures->rng = arena_alloc(&run->arena, units, sizeof(struct rng *));
	run->failures->reasons = arena_alloc(&run->arena, hosts, sizeof(uint32_t));
	if (!run->failures->rng || !run->failures->reasons)
		return err_nomem(run->err);
	int rc = units_init(run);
	return rc == 0 && run->outages->n > 0 ? outages_init(run) : rc;
}

void failures_fini(struct run *run)
{
	if (run->failures)
		mem_free(run->failures->line);
}

/* One reason more or less for which a host is down. */
static int change_host(struct run *run, uint32_t host, bool down)
{
	uint32_t *reasons = &run->failures->reasons[host];

	if (down)
		return (*reasons)++ == 0 ? lifecycle_host_fails(run, host) : 0;
	return --(*reasons) == 0 ? lifecycle_host_returns(run, host) : 0;
}

static int change(struct run *run, uint32_t unit, bool down)
{
	const struct dc *dc = &run->plan.dc;
	int rc = 0;

	if (unit < dc->host.n)
		return change_host(run, unit, down);
	uint32_t rack = unit - (uint32_t)dc->host.n;
	for (uint32_t i = dc->rack.first[rack]; i < dc->rack.first[rack + 1] && rc == 0; i++)
		rc = change_host(run, dc->rack.host[i], down);
	return rc;
}

static int begin_repair(struct run *run, uint32_t unit)
{
	struct failures *f = run->failures;

	if (run->scenario->repairers == 0 || f->busy < run->scenario->repairers) {
		f->busy++;
		return schedule(run, unit, true);
	}
	if (mem_grow(&f->line, &f->cap, f->n + 1, sizeof(*f->line)) < 0)
		return err_nomem(run->err);
	f->line[f->n++] = unit;
	return 0;
}

static int repaired(struct run *run, uint32_t unit)
{
	struct failures *f = run->failures;
	int rc = change(run, unit, false);

	f->busy--;
	if (rc == 0 && f->head < f->n)
		rc = begin_repair(run, f->line[f->head++]);
	return rc < 0 ? rc : schedule(run, unit, false);
}

static int outage(struct run *run, const struct outage *o)
{
	const struct failures *f = run->failures;
	uint32_t unit = o->rack ? (uint32_t)run->plan.dc.host.n + f->rack_of[o->group][o->index]
				: f->host_of[o->group][o->index];

	return change(run, unit, o->down);
}

int failures_event(struct run *run, const struct evq_event *event)
{
	int rc;

	switch ((enum run_event)event->kind) {
	case EVENT_FAIL:
		rc = change(run, event->id, true);
		return rc < 0 ? rc : begin_repair(run, event->id);
	case EVENT_REPAIR:
		return repaired(run, event->id);
	case EVENT_OUTAGE:
		return outage(run, &run->outages->item[event->id]);
	default:
		return 0;
	}
}
