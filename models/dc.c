/* See dc.h; what stands in slots, and where, is dc_slots.c's. */
#include "models/dc.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "models/dc_slots.h"
#include "sim/core/bug.h"

const char *const vm_state_name[VM_STATES] = {
	[VM_PLANNED] = "planned",   [VM_WAITING] = "waiting", [VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",     [VM_STOPPED] = "stopped", [VM_DONE] = "done",
	[VM_REJECTED] = "rejected", [VM_OOM] = "oom",         [VM_LOST] = "lost",
	[VM_CRASHED] = "crashed",
};

/* Sums of sizes may be off by rounding: ten tenths of a host fill it. */
#define PLACE_SLACK 1e-9

#define FLOOR_SLACK 1e-12

static double room_with_slack(double free, double whole, double slack)
{
	return isfinite(whole) ? free + slack * whole : free;
}

static int64_t fullness_key(const struct dc *dc, uint32_t host)
{
	const struct host_type *type = dc->host.type[host];
	double full = 0;

	if (!dc_in_use(dc, host))
		return FIT_KEY_NONE;
	for (int d = 0; d < DC_DIMS; d++)
		if (isfinite(type->place[d]) && type->place[d] > 0)
			full += (type->place[d] - dc->host.free[d][host]) / type->place[d];
	return fit_key(full);
}

static int64_t load_key(const struct dc *dc, uint32_t host)
{
	const struct host_type *type = dc->host.type[host];

	if (!dc_in_use(dc, host))
		return type->off_when_empty || dc->host.state[host] != HOST_ON ? FIT_KEY_NONE : 0;
	return fit_key(dc->host.cpu[host] / type->load_full);
}

static const double no_room[FIT_DIMS] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY,
					 -INFINITY, -INFINITY, -INFINITY, -INFINITY};

static void index_set(struct dc *dc, uint32_t host)
{
	const struct host_type *type = dc->host.type[host];
	double room[FIT_DIMS];
	int64_t key = 0;

	_Static_assert((int)FIT_DIMS == (int)DC_DIMS + (int)RES_COUNT, "requests and floors");
	for (int d = 0; d < DC_DIMS; d++)
		room[d] = room_with_slack(dc->host.free[d][host], type->place[d], PLACE_SLACK);
	for (int r = 0; r < RES_COUNT; r++)
		room[DC_DIMS + r] = room_with_slack(type->capacity[r] - dc->host.floors[r][host],
						    type->capacity[r], FLOOR_SLACK);
	if (dc->order == DC_BY_FULLNESS)
		key = fullness_key(dc, host);
	if (dc->order == DC_BY_LOAD)
		key = load_key(dc, host);
	bool ready = dc_ready(dc, host), asleep = !ready && !dc->host.down[host];
	fit_set(&dc->host.fit, host, ready ? room : no_room, key);
	if (dc->host.sleeps)
		fit_set(&dc->host.asleep, host, asleep ? room : no_room, key);
}

static void note_change(struct dc *dc, uint32_t host)
{
	if (!dc->host.changed[host])
		dc->host.changes[dc->host.nchanges++] = host;
	dc->host.changed[host] = true;
}

const struct fit_index *dc_index(struct dc *dc, bool asleep)
{
	for (size_t i = 0; i < dc->host.nchanges; i++) {
		index_set(dc, dc->host.changes[i]);
		dc->host.changed[dc->host.changes[i]] = false;
	}
	dc->host.nchanges = 0;
	return asleep ? &dc->host.asleep : &dc->host.fit;
}

bool dc_ready(const struct dc *dc, uint32_t host)
{
	uint8_t state = dc->host.state[host];

	return !dc->host.down[host] &&
	       (state == HOST_ON || (state == HOST_OFF && !dc->host.type[host]->takes_time));
}

void dc_set_step(struct dc *dc, uint32_t host, unsigned step)
{
	const struct host_type *type = dc->host.type[host];

	dc->host.step[host] = (uint8_t)step;
	dc->host.capacity[host] = type->cores * type->dvfs.step[step].speed;
}

void dc_set_state(struct dc *dc, uint32_t host, enum host_state state)
{
	dc->host.state[host] = (uint8_t)state;
	note_change(dc, host);
}

void dc_set_down(struct dc *dc, uint32_t host, bool down)
{
	dc->host.down[host] = down;
	note_change(dc, host);
}

static void type_invert_capacity(struct host_type *type)
{
	for (int r = 0; r < RES_COUNT; r++) {
		double c = type->capacity[r];
		type->per_capacity[r] = c > 0 && isfinite(c) ? 1 / c : 0;
	}
}

/* Which host is of which type: a round of the types takes a block of each, all its hosts or one. */
static void hosts_order(struct dc *dc)
{
	struct dc_hosts *h = &dc->host;

	for (uint32_t i = 0, taken = 0; i < h->n;) {
		uint32_t block = dc->alternate ? 1 : UINT32_MAX;
		for (size_t t = 0; t < dc->ntypes; t++)
			for (uint32_t k = taken; k < dc->type[t].count && k - taken < block; k++) {
				h->index[i] = k;
				h->type_id[i] = (uint32_t)t;
				h->type[i++] = &dc->type[t];
			}
		taken += block;
	}
}

static uint32_t racks_of(const struct host_type *type)
{
	return type->rack > 0 ? (type->count - 1) / type->rack + 1 : 0;
}

/* Racks are numbered type by type, whatever the order of hosts. */
static int racks_init(struct dc *dc)
{
	struct dc_racks *k = &dc->rack;
	uint32_t *base = arena_alloc(dc->arena, dc->ntypes, sizeof(*base)), racks = 0;

	for (size_t t = 0; base && t < dc->ntypes; t++) {
		base[t] = racks;
		racks += racks_of(&dc->type[t]);
	}
	k->n = racks;
	k->type_id = arena_alloc(dc->arena, k->n, sizeof(*k->type_id));
	k->index = arena_alloc(dc->arena, k->n, sizeof(*k->index));
	k->first = arena_alloc(dc->arena, k->n + 2, sizeof(*k->first));
	k->host = arena_alloc(dc->arena, dc->host.n, sizeof(*k->host));
	dc->host.rack = arena_alloc(dc->arena, dc->host.n, sizeof(*dc->host.rack));
	if (!base || !k->type_id || !k->index || !k->first || !k->host || !dc->host.rack)
		return -ENOMEM;
	for (uint32_t h = 0; h < dc->host.n; h++) {
		const struct host_type *type = dc->host.type[h];
		uint32_t t = dc->host.type_id[h], r = DC_NONE;
		if (type->rack > 0) {
			uint32_t index = dc->host.index[h] / type->rack;
			r = base[t] + index;
			k->type_id[r] = t;
			k->index[r] = index;
			k->first[r + 2]++;
		}
		dc->host.rack[h] = r;
	}
	for (size_t r = 0; r < k->n; r++)
		k->first[r + 2] += k->first[r + 1];
	for (uint32_t h = 0; h < dc->host.n; h++)
		if (dc->host.rack[h] != DC_NONE)
			k->host[k->first[dc->host.rack[h] + 1]++] = h;
	return 0;
}

static int index_init(struct dc *dc)
{
	struct fit_config config = {.n = dc->host.n,
				    .ntypes = dc->ntypes,
				    .type = dc->host.type_id,
				    .limited = dc->floors << DC_DIMS,
				    .ordered = dc->order != DC_UNORDERED};

	for (size_t t = 0; t < dc->ntypes; t++)
		for (unsigned d = 0; d < DC_DIMS; d++) {
			double place = dc->type[t].place[d];
			config.limited |= isfinite(place) ? 1u << d : 0;
			if (d < 2 && isfinite(place) && place > config.scale[d])
				config.scale[d] = place;
		}
	if (fit_init(&dc->host.fit, dc->arena, &config) < 0 ||
	    (dc->host.sleeps && fit_init(&dc->host.asleep, dc->arena, &config) < 0))
		return -ENOMEM;
	for (uint32_t i = 0; i < dc->host.n; i++)
		note_change(dc, i);
	return 0;
}

/* Zeroed. */
static int host_columns_init(struct dc *dc)
{
	struct dc_hosts *h = &dc->host;
	const struct dc_column col[] = {
		{&h->type, sizeof(*h->type)},
		{&h->type_id, sizeof(*h->type_id)},
		{&h->index, sizeof(*h->index)},
		{&h->first, sizeof(*h->first)},
		{&h->count, sizeof(*h->count)},
		{&h->room, sizeof(*h->room)},
		{&h->reserved, sizeof(*h->reserved)},
		{&h->down, sizeof(*h->down)},
		{&h->step, sizeof(*h->step)},
		{&h->step_set, sizeof(*h->step_set)},
		{&h->capacity, sizeof(*h->capacity)},
		{&h->state, sizeof(*h->state)},
		{&h->wanted, sizeof(*h->wanted)},
		{&h->used, sizeof(*h->used)},
		{&h->pressed, sizeof(*h->pressed)},
		{&h->steady, sizeof(*h->steady)},
		{&h->demand_ns, sizeof(*h->demand_ns)},
		{&h->moving, sizeof(*h->moving)},
		{&h->last_ns, sizeof(*h->last_ns)},
		{&h->cpu, sizeof(*h->cpu)},
		{&h->taken_cpu, sizeof(*h->taken_cpu)},
		{&h->taken_memory, sizeof(*h->taken_memory)},
		{&h->changed, sizeof(*h->changed)},
		{&h->changes, sizeof(*h->changes)},
	};

	for (size_t c = 0; c < sizeof(col) / sizeof(col[0]); c++) {
		void *array = arena_alloc(dc->arena, h->n, col[c].elem);
		memcpy(col[c].base, &array, sizeof(array));
		if (!array)
			return -ENOMEM;
	}
	for (int d = 0; d < DC_DIMS; d++)
		if (!(h->free[d] = arena_alloc(dc->arena, h->n, sizeof(double))))
			return -ENOMEM;
	for (int r = 0; r < RES_COUNT; r++)
		if (!(h->floors[r] = arena_alloc(dc->arena, h->n, sizeof(double))))
			return -ENOMEM;
	return 0;
}

static int hosts_init(struct dc *dc)
{
	struct dc_hosts *h = &dc->host;

	h->n = 0;
	for (size_t t = 0; t < dc->ntypes; t++) {
		double place = dc->type[t].place[DC_DIM_CPU];
		type_invert_capacity(&dc->type[t]);
		dc->type[t].load_full = isfinite(place) ? place : dc->type[t].capacity[RES_CPU];
		h->n += dc->type[t].count;
		h->sleeps |= dc->type[t].takes_time;
	}
	if (host_columns_init(dc) < 0)
		return -ENOMEM;
	hosts_order(dc);
	for (size_t i = 0; i < h->n; i++)
		h->state[i] = h->type[i]->off_when_empty ? HOST_OFF : HOST_ON;
	for (uint32_t i = 0; i < h->n; i++) {
		h->step_set[i] = (uint8_t)h->type[i]->dvfs.fixed;
		h->capacity[i] = h->type[i]->capacity[RES_CPU];
		if (h->type[i]->dvfs.n > 0)
			dc_set_step(dc, i, (unsigned)h->type[i]->dvfs.n - 1);
	}
	for (int d = 0; d < DC_DIMS; d++)
		for (size_t i = 0; i < h->n; i++)
			h->free[d][i] = h->type[i]->place[d];
	return racks_init(dc) < 0 ? -ENOMEM : index_init(dc);
}

int dc_init(struct dc *dc, struct arena *arena, size_t vms)
{
	dc->arena = arena;
	return hosts_init(dc) < 0 ? -ENOMEM : slots_init(dc, vms);
}

void dc_fini(struct dc *dc)
{
	slots_fini(dc);
	mem_free(dc->class);
	mem_free(dc->vm.host);
	mem_free(dc->vm.slot);
	mem_free(dc->vm.reserved);
	mem_free(dc->vm.class_id);
	mem_free(dc->vm.group);
	mem_free(dc->vm.index);
	mem_free(dc->vm.state);
	mem_free(dc->vm.created_ns);
	mem_free(dc->vm.started_ns);
	memset(dc, 0, sizeof(*dc));
}

int dc_add_vm(struct dc *dc, uint32_t class_id, uint32_t group, uint32_t index, uint32_t *vm)
{
	struct dc_vms *v = &dc->vm;

	if (v->n == v->cap) {
		size_t cap = v->cap, need = v->n + 1;
		const struct dc_column col[] = {
			{&v->host, 4},     {&v->slot, 4},       {&v->reserved, 4},
			{&v->class_id, 4}, {&v->group, 4},      {&v->index, 4},
			{&v->state, 1},    {&v->created_ns, 8}, {&v->started_ns, 8},
		};
		for (size_t c = 0; c < sizeof(col) / sizeof(col[0]); c++) {
			cap = v->cap;
			if (mem_grow(col[c].base, &cap, need, col[c].elem) < 0)
				return -ENOMEM;
		}
		v->cap = cap;
	}
	uint32_t id = (uint32_t)v->n++;
	v->host[id] = v->slot[id] = v->reserved[id] = DC_NONE;
	v->class_id[id] = class_id;
	v->group[id] = group;
	v->index[id] = index;
	v->state[id] = VM_PLANNED;
	v->created_ns[id] = v->started_ns[id] = -1;
	*vm = id;
	return 0;
}

/* Classes looked at for one that is alike: with very many, some that are alike go by their own. */
#define CLASSES_COMPARED 64

static uint32_t class_like(const struct dc *dc, const struct vm_class *class)
{
	size_t first = dc->nclasses > CLASSES_COMPARED ? dc->nclasses - CLASSES_COMPARED : 0;

	for (size_t i = first; i < dc->nclasses; i++) {
		const struct vm_class *other = &dc->class[i];
		bool alike = other->priority == class->priority && other->vcpus == class->vcpus;
		for (int r = 0; r < RES_COUNT; r++)
			alike &= other->floor[r] == class->floor[r] &&
				 other->cap[r] == class->cap[r] &&
				 other->weight[r] == class->weight[r];
		if (alike)
			return other->like;
	}
	return (uint32_t)dc->nclasses;
}

int dc_add_class(struct dc *dc, const struct vm_class *class, uint32_t *id)
{
	if (mem_grow(&dc->class, &dc->class_cap, dc->nclasses + 1, sizeof(*dc->class)) < 0)
		return -ENOMEM;
	struct vm_class *added = &dc->class[dc->nclasses];
	*added = *class;
	added->like = class_like(dc, class);
	for (int r = 0; r < RES_COUNT; r++)
		added->per_weight[r] = class->weight[r] > 0 ? 1 / class->weight[r] : 0;
	*id = (uint32_t)dc->nclasses++;
	return 0;
}

static void commit(struct dc *dc, uint32_t host, const struct vm_class *class, double sign)
{
	for (int d = 0; d < DC_DIMS; d++)
		if (class->request[d] > 0)
			dc->host.free[d][host] -= sign * class->request[d];
	for (int r = 0; r < RES_COUNT; r++)
		dc->host.floors[r][host] += sign * class->floor[r];
	dc->host.cpu[host] += sign * class->request[DC_DIM_CPU];
	note_change(dc, host);
}

static void count_rules(struct dc *dc, uint32_t vm, uint32_t host, int by)
{
	const uint32_t unit[2] = {host, dc->host.rack[host]};

	if (dc->rules)
		rules_count(&dc->rules[dc->vm.group[vm]], unit, by);
}

int dc_place(struct dc *dc, uint32_t vm, uint32_t host)
{
	if (slot_take(dc, vm, host) < 0)
		return -ENOMEM;
	count_rules(dc, vm, host, 1);
	commit(dc, host, dc_class_of(dc, vm), 1);
	return 0;
}

/* What the VM had committed on the host is free again. */
static void uncommit(struct dc *dc, uint32_t vm, uint32_t host)
{
	count_rules(dc, vm, host, -1);
	if (dc_in_use(dc, host)) {
		commit(dc, host, dc_class_of(dc, vm), -1);
		return;
	}
	/* An empty host is exactly empty: rounding of many commits does not stay behind. */
	for (int d = 0; d < DC_DIMS; d++)
		dc->host.free[d][host] = dc->host.type[host]->place[d];
	for (int r = 0; r < RES_COUNT; r++)
		dc->host.floors[r][host] = 0;
	dc->host.cpu[host] = 0;
	note_change(dc, host);
}

void dc_unplace(struct dc *dc, uint32_t vm)
{
	uint32_t host = dc->vm.host[vm];

	slot_give_back(dc, dc->vm.slot[vm], host);
	dc->vm.host[vm] = dc->vm.slot[vm] = DC_NONE;
	uncommit(dc, vm, host);
}

void dc_reserve(struct dc *dc, uint32_t vm, uint32_t host)
{
	dc->vm.reserved[vm] = host;
	dc->vm.nreserved++;
	dc->host.reserved[host]++;
	count_rules(dc, vm, host, 1);
	commit(dc, host, dc_class_of(dc, vm), 1);
}

int dc_move(struct dc *dc, uint32_t vm)
{
	uint32_t from = dc->vm.host[vm], to = dc->vm.reserved[vm];

	if (slot_move(dc, vm, to) < 0)
		return -ENOMEM;
	dc->vm.reserved[vm] = from;
	dc->host.reserved[to]--;
	dc->host.reserved[from]++;
	count_rules(dc, vm, to, 0);
	return 0; /* what is committed on either host is what it was, and so is the index */
}

void dc_release(struct dc *dc, uint32_t vm)
{
	uint32_t host = dc->vm.reserved[vm];

	dc->vm.reserved[vm] = DC_NONE;
	dc->vm.nreserved--;
	dc->host.reserved[host]--;
	uncommit(dc, vm, host);
	count_rules(dc, vm, dc->vm.host[vm], 0);
}

void dc_set_class(struct dc *dc, uint32_t vm, uint32_t class_id)
{
	uint32_t host = dc->vm.host[vm];

	if (host != DC_NONE) {
		commit(dc, host, dc_class_of(dc, vm), -1);
		commit(dc, host, &dc->class[class_id], 1);
		dc->slot.class_id[dc->vm.slot[vm]] = class_id;
	}
	dc->vm.class_id[vm] = class_id;
}

static bool floors_fit(const struct dc *dc, uint32_t host, const struct vm_class *class)
{
	const struct host_type *type = dc->host.type[host];

	for (int r = 0; r < RES_COUNT; r++)
		if (class->floor[r] > 0 &&
		    dc->host.floors[r][host] + class->floor[r] > type->capacity[r] * (1 + 1e-12))
			return false;
	return true;
}

bool dc_admits(const struct dc *dc, uint32_t host, const struct vm_class *class)
{
	return dc_ready(dc, host) && floors_fit(dc, host, class);
}

const struct rule *dc_forbidden_by(const struct dc *dc, uint32_t host, uint32_t vm)
{
	const uint32_t unit[2] = {host, dc->host.rack[host]}, at = dc->vm.host[vm];

	if (!dc->rules)
		return NULL;
	const uint32_t now[2] = {at, at == DC_NONE ? DC_NONE : dc->host.rack[at]};
	return rules_forbid(&dc->rules[dc->vm.group[vm]], unit, at == DC_NONE ? NULL : now);
}

bool dc_takes(const struct dc *dc, uint32_t host, uint32_t vm)
{
	return dc_admits(dc, host, dc_class_of(dc, vm)) && !dc_forbidden_by(dc, host, vm);
}

bool dc_would_take(const struct dc *dc, uint32_t host, uint32_t vm)
{
	return !dc->host.down[host] && !dc_ready(dc, host) &&
	       floors_fit(dc, host, dc_class_of(dc, vm)) && !dc_forbidden_by(dc, host, vm);
}

void dc_prefetch(const struct dc *dc, uint32_t host)
{
	const struct dc_slots *s = &dc->slot;

	if (host >= dc->host.n || dc->host.count[host] == 0)
		return;
	size_t at = dc->host.first[host];
	__builtin_prefetch(s->vm + at);
	__builtin_prefetch(s->class_id + at);
	__builtin_prefetch(s->load + at);
	__builtin_prefetch(s->sum.run + at, 1);
	unsigned wanted = __atomic_load_n(&dc->host.wanted[host], __ATOMIC_RELAXED);
	for (unsigned r = 0; r < RES_COUNT; r++) {
		if (!(wanted & RES_BIT(r)))
			continue;
		__builtin_prefetch(s->want[r] + at, 1);
		__builtin_prefetch(s->grant[r] + at, 1);
		__builtin_prefetch(s->sum.want[r] + at, 1);
		__builtin_prefetch(s->sum.grant[r] + at, 1);
	}
}

static bool is_sum(double sum, double is, double whole)
{
	return fabs(sum - is) <= 1e-6 * (fabs(whole) + fabs(is));
}

static bool holds_unwanted(const struct dc *dc, uint32_t host, uint32_t slot)
{
	bool holds = false;

	for (unsigned r = 0; r < RES_COUNT; r++)
		holds |= !dc_wanted(dc, r, host) &&
			 (dc->slot.want[r][slot] != 0 || dc->slot.grant[r][slot] != 0);
	return holds;
}

/* What a host has committed to VMs that stand there, and no less; more only where room is kept. */
static const char *check_host(const struct dc *dc, uint32_t host)
{
	const struct host_type *type = dc->host.type[host];
	double used[DC_DIMS] = {0}, floors[RES_COUNT] = {0};
	bool all = dc->host.reserved[host] == 0, unwanted = false;

	for (uint32_t i = 0; i < dc->host.count[host]; i++) {
		uint32_t id = dc->slot.class_id[dc->host.first[host] + i];
		for (int d = 0; d < DC_DIMS; d++)
			used[d] += dc->class[id].request[d];
		for (int r = 0; r < RES_COUNT; r++)
			floors[r] += dc->class[id].floor[r];
		unwanted |= holds_unwanted(dc, host, dc->host.first[host] + i);
	}
	if (unwanted)
		return "a VM wants or has what nobody on its host is said to want";
	for (int d = 0; d < DC_DIMS; d++) {
		double taken = type->place[d] - dc->host.free[d][host];
		if (!isfinite(type->place[d]))
			continue;
		if (all ? !is_sum(used[d], taken, type->place[d])
			: taken < used[d] - 1e-6 * type->place[d])
			return "what is free on a host is not what its VMs leave";
	}
	for (int r = 0; r < RES_COUNT; r++)
		if (all && !is_sum(floors[r], dc->host.floors[r][host], fmax(type->capacity[r], 1)))
			return "the floors of a host are not those of its VMs";
	return NULL;
}

/* What all hosts have committed, and what VMs ask for where they stand and where room is kept. */
static const char *check_sums(const struct dc *dc)
{
	double asked = 0, committed = 0;
	size_t reserved = 0, moving = 0;

	for (size_t h = 0; h < dc->host.n; h++) {
		committed += dc->host.cpu[h];
		reserved += dc->host.reserved[h];
	}
	for (size_t v = 0; v < dc->vm.n; v++) {
		uint32_t at = dc->vm.host[v], other = dc->vm.reserved[v];
		if (other != DC_NONE && (at == DC_NONE || at == other))
			return "room is kept for a VM that stands nowhere else";
		moving += other != DC_NONE;
		asked += dc_class_of(dc, (uint32_t)v)->request[DC_DIM_CPU] *
			 ((at != DC_NONE) + (other != DC_NONE));
	}
	if (!is_sum(asked, committed, fmax(committed, 1)))
		return "what is committed is not what VMs ask for";
	return reserved == moving && moving == dc->vm.nreserved
		       ? NULL
		       : "hosts keep room for other VMs than those that move";
}

const char *dc_check(const struct dc *dc)
{
	size_t placed = 0;

	for (size_t h = 0; h < dc->host.n; h++) {
		uint32_t first = dc->host.first[h];
		if (dc->host.count[h] > dc->host.room[h])
			return "a host has more VMs than slots";
		for (uint32_t i = 0; i < dc->host.count[h]; i++, placed++) {
			uint32_t vm = dc->slot.vm[first + i];
			if (dc->vm.host[vm] != h || dc->vm.slot[vm] != first + i)
				return "a VM and its slot disagree";
			if (dc->slot.class_id[first + i] != dc->vm.class_id[vm])
				return "a slot has another class than its VM";
			if (i > 0 && dc->slot.vm[first + i - 1] >= vm)
				return "the slots of a host are not in ascending VM id";
		}
	}
	for (size_t v = 0; v < dc->vm.n; v++)
		placed -= dc->vm.host[v] != DC_NONE;
	if (placed != 0)
		return "a VM is placed but has no slot";
	const char *broken = check_sums(dc);
	for (uint32_t h = 0; h < dc->host.n && !broken; h++)
		broken = check_host(dc, h);
	return broken;
}
