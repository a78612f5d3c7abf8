/*
 * See cloudsim.h. The time line of one run: hosts and VMs are updated at fixed times and at the ends
 * of migrations; between two updates only energy is summed.
 *
 * A host's update depends on the time and on who is on it alone, and of several updates at one time
 * the last counts. So where CloudSim updates two hosts for each migration that starts or ends, they
 * are marked here and updated once; and empty hosts that stay so are not looked at.
 */
#include "models/cloudsim.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "models/cloudsim_parts.h"
#include "sim/core/lanes.h"

#define OUT     0.9 /* of its MIPS a VM gets while it migrates */
#define IN      0.1 /* of its MIPS it takes on its target */
#define TO_KWH  3600000
#define BITS_MB 16000 /* kbit/s per MB/s, of half the bandwidth */

int cs_room(struct cloudsim *cs, void *array, size_t *cap, size_t need, size_t size)
{
	void **old = array, *more;

	if (need <= *cap)
		return 0;
	size_t room = need > 2 * *cap ? need : 2 * *cap;
	more = arena_alloc(cs->arena, room, size);
	if (!more)
		return -ENOMEM;
	if (*cap > 0)
		memcpy(more, *old, *cap * size);
	*old = more;
	*cap = room;
	return 0;
}

double cs_utilization(const struct cs_host *host)
{
	double util = host->used / host->total;

	return util > 1 ? 1 : util;
}

int cs_guest_add(struct cloudsim *cs, uint32_t host, uint32_t vm, bool in)
{
	struct cs_host *h = &cs->host[host];
	size_t cap = h->cap;

	if (cs_room(cs, &h->guest, &cap, h->n + 1, sizeof(*h->guest)) < 0)
		return -ENOMEM;
	h->cap = (uint32_t)cap;
	h->guest[h->n++] = (struct cs_guest){.vm = vm, .in = in};
	h->ram -= cs->vm[vm].ram;
	h->bandwidth -= cs->vm[vm].bandwidth;
	return 0;
}

void cs_guest_remove(struct cloudsim *cs, uint32_t host, uint32_t vm, bool in)
{
	struct cs_host *h = &cs->host[host];

	for (uint32_t i = 0; i < h->n; i++) {
		if (h->guest[i].vm != vm || h->guest[i].in != in)
			continue;
		h->n--;
		memmove(h->guest + i, h->guest + i + 1, (h->n - i) * sizeof(*h->guest));
		h->ram += cs->vm[vm].ram;
		h->bandwidth += cs->vm[vm].bandwidth;
		return;
	}
}

/* What a guest asks of its host: one core at most, and little on a host that it is coming to. */
static double guest_need(const struct cloudsim *cs, const struct cs_host *host,
			 const struct cs_guest *guest)
{
	double capped = cs_min(cs->vm[guest->vm].request, host->type->pe_mips);

	if (!guest->in)
		return capped;
	return cs->set->quirks.overhead ? capped * IN : 0;
}

static bool guest_leaves(const struct cloudsim *cs, const struct cs_guest *guest)
{
	return cs->vm[guest->vm].migrating && !guest->in && cs->set->quirks.overhead;
}

/* Max-min: nobody gets more than this level, and those who need less get what they need. */
static double fair_level(const struct cloudsim *cs, const struct cs_host *host)
{
	for (double level = 0;;) {
		double left = host->total;
		uint32_t above = 0;
		for (uint32_t i = 0; i < host->n; i++) {
			double need = guest_need(cs, host, &host->guest[i]);
			left -= need <= level ? need : 0;
			above += need > level;
		}
		double next = above > 0 ? left / above : INFINITY;
		if (next <= level)
			return level;
		level = next;
	}
}

/* More is asked for than there is. */
static void share_out(struct cloudsim *cs, struct cs_host *host, double sum)
{
	const struct cloudsim_quirks *quirk = &cs->set->quirks;
	double scale = host->total / sum, level = quirk->scales ? 0 : fair_level(cs, host);

	for (uint32_t i = 0; i < host->n; i++) {
		struct cs_guest *guest = &host->guest[i];
		double mips = guest_need(cs, host, guest);
		mips = quirk->scales ? mips * scale : cs_min(mips, level);
		if (guest_leaves(cs, guest))
			mips *= OUT;
		guest->mips = quirk->floors ? floor(mips) : mips;
	}
	host->available = 0;
}

void cs_allocate(struct cloudsim *cs, struct cs_host *host)
{
	double sum = 0;
	bool fits = true;

	host->available = host->total;
	for (uint32_t i = 0; i < host->n; i++) {
		struct cs_guest *guest = &host->guest[i];
		double need = guest_need(cs, host, guest);
		fits &= host->available >= need;
		host->available -= need;
		sum += need;
		guest->mips = guest_leaves(cs, guest) ? need * OUT : need;
	}
	if (!fits)
		share_out(cs, host, sum);
}

static void host_update(struct cloudsim *cs, struct cs_host *host)
{
	bool overhead = cs->set->quirks.overhead;
	double used = 0, requested = 0;

	host->dirty = false;
	if (host->n == 0 && host->used <= 0 && host->entry.exists && !host->entry.active)
		return;
	cs_allocate(cs, host);
	for (uint32_t i = 0; i < host->n; i++) {
		const struct cs_guest *guest = &host->guest[i];
		double mips = guest->mips;
		if (!guest->in) {
			cs_vm_state(cs, guest->vm, mips);
			if (guest_leaves(cs, guest))
				mips /= OUT;
		}
		used += mips;
		requested += guest->in && !overhead ? 0 : cs->vm[guest->vm].request;
	}
	host->used = used;
	cs_host_state(cs, host, requested);
}

static void mark(struct cloudsim *cs, uint32_t host)
{
	if (host != CS_NONE)
		cs->host[host].dirty = true;
}

static void update_marked(struct cloudsim *cs)
{
	for (uint32_t h = 0; h < cs->nhosts; h++)
		if (cs->host[h].dirty)
			host_update(cs, &cs->host[h]);
}

/* The host's mean power over an interval that began with utilization @before; @on: with VMs. */
static double interval_watts(const struct cloudsim *cs, const struct cs_host *host, double before,
			     bool on)
{
	const struct cloudsim_quirks *quirk = &cs->set->quirks;

	if (cs->set->detector == CLOUDSIM_FULL_POWER)
		return cs_watts(host->type, 1);
	if (quirk->late_start && cs->last_update <= 0)
		return 0;
	if (before <= 0 && (quirk->idle_is_off || !on))
		return 0;
	double watts = cs_watts(host->type, before);
	if (!quirk->trapezoid)
		return watts;
	return watts + (cs_watts(host->type, cs_utilization(host)) - watts) / 2;
}

/* Every VM's utilization at the sample before now, and its change until the next. */
static void read_row(struct cloudsim *cs, size_t row)
{
	const struct trace *trace = cs->set->trace;
	size_t last = trace->steps - 1;
	const float *at = trace->cpu + (row < last ? row : last) * trace->n;
	const float *next = trace->cpu + (row < last ? row + 1 : last) * trace->n;

	for (uint32_t v = 0; v < cs->nvms; v++) {
		uint32_t col = cs->set->column[v];
		double value = (double)at[col] / 100;
		cs->vm[v].at = value;
		cs->vm[v].rate = cs->set->quirks.interpolates
					 ? ((double)next[col] / 100 - value) / cs->step
					 : 0;
	}
	cs->row = row;
}

static void read_demand(struct cloudsim *cs)
{
	double row = floor(cs->now / cs->step);

	cs->since = cs->now - row * cs->step;
	if ((size_t)row != cs->row)
		read_row(cs, (size_t)row);
	for (uint32_t v = 0; v < cs->nvms; v++) {
		struct cs_vm *vm = &cs->vm[v];
		vm->request = (vm->at + vm->rate * cs->since) * vm->mips;
		cs->result->vm_steps += vm->host != CS_NONE;
	}
	cs_sample(cs);
}

static void destroy_idle(struct cloudsim *cs)
{
	for (uint32_t v = 0; v < cs->nvms; v++) {
		struct cs_vm *vm = &cs->vm[v];
		if (vm->host == CS_NONE || vm->migrating || vm->request > 0)
			continue;
		cs_guest_remove(cs, vm->host, v, false);
		vm->host = CS_NONE;
		cs->result->destroyed++;
	}
}

/* Brings everything to now. */
static void update_all(struct cloudsim *cs)
{
	double dt = cs->now - cs->last_update, joule = 0;

	read_demand(cs);
	for (uint32_t h = 0; h < cs->nhosts; h++) {
		struct cs_host *host = &cs->host[h];
		double before = cs_utilization(host);
		host_update(cs, host);
		if (dt > 0 &&
		    (host->n > 0 || before > 0 || cs->set->detector == CLOUDSIM_FULL_POWER))
			joule += interval_watts(cs, host, before, host->n > 0) * dt;
	}
	cs->joule += joule;
	cs->last_update = cs->now;
	if (cs->set->quirks.destroys_idle && cs->now > 0)
		destroy_idle(cs);
}

static int start_move(struct cloudsim *cs, struct cs_move move)
{
	struct cs_vm *vm = &cs->vm[move.vm];
	const struct cs_host *to = &cs->host[move.host];
	bool coming = false;

	if (cs_room(cs, &cs->pending.move, &cs->pending.cap, cs->pending.n + 1, sizeof(move)) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < to->n; i++)
		coming |= to->guest[i].vm == move.vm && to->guest[i].in;
	vm->migrating = true;
	if (!coming && cs_guest_add(cs, move.host, move.vm, true) < 0)
		return -ENOMEM;
	mark(cs, move.host);
	mark(cs, vm->host);
	move.time = cs->now + vm->ram / (to->type->bandwidth / BITS_MB);
	cs->pending.move[cs->pending.n++] = move;
	cs->result->migrations++;
	return 0;
}

static int end_move(struct cloudsim *cs, const struct cs_move *move)
{
	struct cs_vm *vm = &cs->vm[move->vm];

	mark(cs, vm->host);
	mark(cs, move->host);
	if (vm->host != CS_NONE)
		cs_guest_remove(cs, vm->host, move->vm, false);
	cs_guest_remove(cs, move->host, move->vm, true);
	vm->migrating = false;
	vm->host = move->host;
	return cs_guest_add(cs, move->host, move->vm, false);
}

/* The migrations that end by @until; those of one time together, in the order of their start. */
static int end_moves(struct cloudsim *cs, double until)
{
	struct cs_moves *p = &cs->pending;
	int rc = 0;

	while (p->n > 0 && rc == 0) {
		double first = INFINITY;
		size_t left = 0;
		for (size_t i = 0; i < p->n; i++)
			first = fmin(first, p->move[i].time);
		if (first > until)
			break;
		cs->now = first;
		update_all(cs);
		for (size_t i = 0; i < p->n && rc == 0; i++) {
			if (p->move[i].time > first)
				p->move[left++] = p->move[i];
			else
				rc = end_move(cs, &p->move[i]);
		}
		p->n = left;
		update_marked(cs);
	}
	return rc;
}

static int place_all(struct cloudsim *cs)
{
	int rc = 0;

	cs_place_begin(cs);
	for (uint32_t v = 0; v < cs->nvms && rc == 0; v++) {
		cs->vm[v].request = cs->vm[v].mips;
		uint32_t host = cs_place_first(cs, v);
		cs->vm[v].host = host;
		if (host == CS_NONE)
			cs->result->unplaced++;
		else
			rc = cs_guest_add(cs, host, v, false);
	}
	cs->initial = false;
	return rc;
}

static int migrate(struct cloudsim *cs)
{
	int rc = cs_decide(cs);

	for (size_t i = 0; i < cs->moves.n && rc == 0; i++)
		rc = start_move(cs, cs->moves.move[i]);
	update_marked(cs);
	return rc;
}

static int go(struct cloudsim *cs)
{
	const struct cloudsim_setup *set = cs->set;
	int rc = place_all(cs);

	if (rc == 0 && !set->quirks.late_start)
		update_all(cs);
	for (double t = (set->quirks.late_events ? CS_LATE : 0) + cs->step;
	     t < set->end_s && rc == 0; t += cs->step) {
		rc = end_moves(cs, t);
		cs->now = t;
		if (rc == 0)
			update_all(cs);
		if (rc == 0 && set->detector > CLOUDSIM_FULL_POWER)
			rc = migrate(cs);
	}
	if (rc == 0)
		rc = end_moves(cs, set->end_s);
	cs->now = set->end_s;
	if (rc == 0 && !set->quirks.early_end)
		update_all(cs);
	return rc;
}

static void make_tables(struct cloudsim *cs)
{
	const struct cloudsim_setup *set = cs->set;

	for (uint32_t h = 0; h < cs->nhosts; h++) {
		struct cs_host *host = &cs->host[h];
		host->type = &set->type[set->host_type[h]];
		host->total = host->available = host->type->pe_mips * host->type->pes;
		host->ram = host->type->ram;
		host->bandwidth = host->type->bandwidth;
		host->was_active = true;
		host->kind = set->host_type[h];
	}
	for (uint32_t v = 0; v < cs->nvms; v++)
		cs->vm[v] = (struct cs_vm){.mips = set->vm[v].mips,
					   .ram = set->vm[v].ram,
					   .bandwidth = set->vm[v].bandwidth,
					   .host = CS_NONE};
}

#define new_array(cs, field, n) \
	(((cs)->field = arena_alloc((cs)->arena, (n), sizeof(*(cs)->field))) != NULL)

int cloudsim_run(const struct cloudsim_setup *setup, struct arena *arena,
		 struct cloudsim_result *result)
{
	struct cloudsim *cs = arena_alloc(arena, 1, sizeof(*cs));
	size_t hosts = setup->nhosts, vms = setup->nvms;

	*result = (struct cloudsim_result){0};
	if (!cs)
		return -ENOMEM;
	*cs = (struct cloudsim){.set = setup,
				.arena = arena,
				.result = result,
				.nhosts = (uint32_t)hosts,
				.nvms = (uint32_t)vms,
				.step = (double)setup->trace->step_ns / 1e9,
				.row = SIZE_MAX,
				.newest = CS_SLACK,
				.initial = true};
	if (!new_array(cs, host, hosts) || !new_array(cs, vm, vms) ||
	    !new_array(cs, active, hosts) || !new_array(cs, idle_next, setup->ntypes) ||
	    !new_array(cs, leaving, vms) || !new_array(cs, leaving_tmp, vms) ||
	    !new_array(cs, saved, hosts) || !new_array(cs, sample, vms * (CS_HISTORY + CS_SLACK)) ||
	    !new_array(cs, scaled, vms * (CS_HISTORY + CS_SLACK) * setup->ntypes))
		return -ENOMEM;
	make_tables(cs);
	int rc = go(cs);
	cs_results(cs);
	result->energy_kwh = cs->joule / TO_KWH;
	return rc;
}
