/* See sketch.h. */
#include "sim/sketch.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "sim/core/bug.h"
#include "sim/core/pool.h"

#define FLOOR_SLACK 1e-12

static int columns_init(struct sketch *s, struct arena *arena)
{
	const struct dc *dc = &s->run->plan.dc;
	size_t n = dc->host.n;

	s->demand = arena_alloc(arena, n, sizeof(double));
	s->most = arena_alloc(arena, n, sizeof(double));
	s->vms = arena_alloc(arena, n, sizeof(*s->vms));
	s->state = arena_alloc(arena, n, sizeof(*s->state));
	s->stale = arena_alloc(arena, n, sizeof(*s->stale));
	s->type = arena_alloc(arena, dc->ntypes, sizeof(*s->type));
	if (!s->demand || !s->most || !s->vms || !s->state || !s->stale || !s->type)
		return -ENOMEM;
	for (int d = 0; d < PLACE_DIMS; d++) {
		s->free[d] = arena_alloc(arena, n, sizeof(double));
		s->capacity[d] = s->run->place_capacity[d];
		if (!s->free[d])
			return -ENOMEM;
	}
	s->capacity[PLACE_CPU] = arena_alloc(arena, dc->ntypes, sizeof(double));
	for (int r = 0; r < RES_COUNT; r++) {
		s->floors[r] = arena_alloc(arena, n, sizeof(double));
		if (!s->floors[r])
			return -ENOMEM;
	}
	if (!s->capacity[PLACE_CPU])
		return -ENOMEM;
	for (size_t t = 0; t < dc->ntypes; t++) {
		s->type[t] = dc->type[t];
		s->capacity[PLACE_CPU][t] = dc->type[t].capacity[RES_CPU];
		s->type[t].load_full = dc->type[t].capacity[RES_CPU];
		s->type[t].place[PLACE_CPU] = dc->type[t].capacity[RES_CPU];
	}
	return 0;
}

static int indexes_init(struct sketch *s, struct arena *arena)
{
	const struct dc *dc = &s->run->plan.dc;
	struct fit_config config = {.n = dc->host.n,
				    .ntypes = dc->ntypes,
				    .type = dc->host.type_id,
				    .limited = dc->floors << PLACE_DIMS | 1u << PLACE_CPU,
				    .ordered = s->order != DC_UNORDERED,
				    .refilled = true};

	for (size_t t = 0; t < dc->ntypes; t++)
		for (unsigned d = 0; d < PLACE_DIMS; d++) {
			double place = s->type[t].place[d];
			config.limited |= isfinite(place) ? 1u << d : 0;
			if (d < 2 && isfinite(place) && place > config.scale[d])
				config.scale[d] = place;
		}
	for (int i = 0; i < 2; i++)
		if (fit_init(&s->index[i], arena, &config) < 0)
			return -ENOMEM;
	return 0;
}

static void view_init(struct sketch *s)
{
	const struct dc *dc = &s->run->plan.dc;

	s->view = (struct place_view){.nhosts = dc->host.n,
				      .ntypes = dc->ntypes,
				      .types = s->type,
				      .type = dc->host.type_id};
	for (int d = 0; d < PLACE_DIMS; d++) {
		s->view.free[d] = s->free[d];
		s->view.capacity[d] = s->capacity[d];
	}
}

int sketch_init(struct sketch *s, struct run *run, const struct placer_ops *placer,
		void *placer_state)
{
	*s = (struct sketch){
		.run = run, .placer = placer, .placer_state = placer_state, .order = placer->order};
	if (columns_init(s, &run->arena) < 0 || indexes_init(s, &run->arena) < 0)
		return -ENOMEM;
	view_init(s);
	return 0;
}

void sketch_fini(struct sketch *s)
{
	mem_free(s->move);
}

static double fullness(const struct sketch *s, uint32_t host)
{
	double full = 0;

	for (int d = 0; d < PLACE_DIMS; d++) {
		double capacity = sketch_capacity(s, d, host);
		if (capacity > 0)
			full += (capacity - s->free[d][host]) / capacity;
	}
	return full;
}

static int64_t key_of(const struct sketch *s, uint32_t host)
{
	if (s->order == DC_UNORDERED)
		return 0;
	if (s->state[host] == SKETCH_OFF || (s->order == DC_BY_FULLNESS && s->vms[host] == 0))
		return FIT_KEY_NONE;
	return fit_key(s->order == DC_BY_LOAD
			       ? s->demand[host] / sketch_capacity(s, PLACE_CPU, host)
			       : fullness(s, host));
}

static int64_t room_of(const void *ctx, uint32_t host, double room[FIT_DIMS])
{
	const struct sketch *s = ctx;
	const struct host_type *type = s->run->plan.dc.host.type[host];

	for (int d = 0; d < PLACE_DIMS; d++)
		room[d] = s->free[d][host] + PLACE_EPSILON * sketch_capacity(s, d, host);
	for (int r = 0; r < RES_COUNT; r++) {
		double whole = type->capacity[r];
		room[PLACE_DIMS + r] =
			isfinite(whole) ? whole * (1 + FLOOR_SLACK) - s->floors[r][host] : whole;
	}
	return key_of(s, host);
}

static size_t number_of(enum sketch_state state)
{
	return state == SKETCH_OFF;
}

/* If more than one of so many hosts are stale, it is shorter to fill the index anew. */
#define STALE_MANY 8

/* Hosts that were shut since the last question. Mostly nobody asks before the round is over. */
static void forget_stale(struct sketch *s)
{
	double none[FIT_DIMS];

	if (s->nstale > s->run->plan.dc.host.n / STALE_MANY) {
		s->ready[0] = s->ready[1] = false;
		s->nstale = 0;
	}
	for (int d = 0; d < FIT_DIMS; d++)
		none[d] = -INFINITY;
	for (size_t i = 0; i < s->nstale; i++) {
		enum sketch_state state = (enum sketch_state)s->state[s->stale[i]];
		for (size_t k = 0; k < 2; k++)
			if (s->ready[k] && (state == SKETCH_SHUT || number_of(state) != k))
				fit_set(&s->index[k], s->stale[i], none, FIT_KEY_NONE);
	}
	s->nstale = 0;
}

const struct fit_index *sketch_index(struct sketch *s, enum sketch_state state)
{
	size_t i = number_of(state);
	struct fit_refill fill = {.has = s->state,
				  .mask = (uint8_t)state,
				  .room_of = room_of,
				  .ctx = s,
				  .pool = s->run->pool};

	forget_stale(s);
	if (!s->ready[i])
		fit_refill(&s->index[i], &fill);
	s->ready[i] = true;
	return &s->index[i];
}

void sketch_shut(struct sketch *s, uint32_t host)
{
	enum sketch_state state = (enum sketch_state)s->state[host];

	s->state[host] = SKETCH_SHUT;
	if (state == SKETCH_SHUT || !s->ready[number_of(state)])
		return;
	if (s->nstale == s->run->plan.dc.host.n)
		forget_stale(s);
	s->stale[s->nstale++] = host;
}

void sketch_open(struct sketch *s, uint32_t host, enum sketch_state state, double most)
{
	double room[FIT_DIMS];

	if (s->state[host] != state)
		sketch_shut(s, host);
	s->state[host] = (uint8_t)state;
	s->most[host] = most;
	s->free[PLACE_CPU][host] = most - s->demand[host];
	if (state == SKETCH_SHUT || !s->ready[number_of(state)])
		return;
	int64_t key = room_of(s, host, room);
	fit_set(&s->index[number_of(state)], host, room, key);
}

/* What VMs want that stand on the host. */
static double wanted(const struct dc *dc, uint32_t host)
{
	const double *want = dc->slot.want[RES_CPU] + dc->host.first[host];
	double sum = 0;

	for (uint32_t i = 0; i < dc->host.count[host]; i++)
		sum += want[i];
	return sum;
}

/* VMs on their way count on both hosts. */
static void count_moving(struct sketch *s)
{
	const struct dc *dc = &s->run->plan.dc;

	for (uint32_t vm = 0, left = dc->vm.nreserved; left > 0; vm++, left--) {
		vm = dc_next_reserved(dc, vm);
		uint32_t to = dc->vm.reserved[vm];
		s->demand[to] += dc->slot.want[RES_CPU][dc->vm.slot[vm]];
		s->vms[to]++;
	}
}

static int hosts_as_they_are(void *ctx, unsigned thread, size_t first, size_t end)
{
	struct sketch *s = ctx;
	const struct dc *dc = &s->run->plan.dc;
	size_t n = end - first;

	(void)thread;
	for (int d = PLACE_CPU + 1; d < PLACE_DIMS; d++)
		memcpy(s->free[d] + first, dc->host.free[d] + first, n * sizeof(double));
	for (int r = 0; r < RES_COUNT; r++)
		memcpy(s->floors[r] + first, dc->host.floors[r] + first, n * sizeof(double));
	memcpy(s->vms + first, dc->host.count + first, n * sizeof(*s->vms));
	for (size_t h = first; h < end; h++)
		s->demand[h] = wanted(dc, (uint32_t)h);
	return 0;
}

void sketch_begin(struct sketch *s)
{
	s->n = 0;
	s->ready[0] = s->ready[1] = false;
	s->nstale = 0;
	pool_deal(s->run->pool, s->run->plan.dc.host.n, POOL_LOOK_NS, hosts_as_they_are, s);
	count_moving(s);
}

bool sketch_bound(const struct sketch *s, uint32_t vm)
{
	const struct dc *dc = &s->run->plan.dc;
	const struct group_rules *rules = dc->rules ? &dc->rules[dc->vm.group[vm]] : NULL;

	if (dc->vm.state[vm] != VM_RUNNING || dc->vm.reserved[vm] != DC_NONE)
		return true;
	for (size_t i = 0; rules && i < rules->n; i++)
		if (rules->rule[i]->together && rules->rule[i]->placed > 1)
			return true;
	return false;
}

/* Finding a host. */

struct admission {
	const struct sketch *sketch;
	const struct vm_class *class;
	enum sketch_state state;
	uint32_t vm;
};

static bool share_a_rule(const struct dc *dc, uint32_t a, uint32_t b)
{
	const struct group_rules *x = &dc->rules[dc->vm.group[a]], *y = &dc->rules[dc->vm.group[b]];

	for (size_t i = 0; i < x->n; i++)
		for (size_t k = 0; k < y->n; k++)
			if (x->rule[i] == y->rule[k])
				return true;
	return false;
}

/* What the rules will say of moves that have not begun they do not know yet: VMs that share a rule do not
 * move to one rack, or to one host without racks, at one moment. */
static bool rules_admit(const struct sketch *s, uint32_t host, uint32_t vm)
{
	const struct dc *dc = &s->run->plan.dc;

	if (!dc->rules || dc->rules[dc->vm.group[vm]].n == 0)
		return true;
	if (dc_forbidden_by(dc, host, vm))
		return false;
	for (size_t i = 0; i < s->n; i++) {
		uint32_t other = s->move[i].host, rack = dc->host.rack[host];
		bool near = other == host || (rack != DC_NONE && dc->host.rack[other] == rack);
		if (near && share_a_rule(dc, vm, s->move[i].vm))
			return false;
	}
	return true;
}

static bool admits(const void *ctx, uint32_t host)
{
	const struct admission *a = ctx;
	const struct dc *dc = &a->sketch->run->plan.dc;

	for (int r = 0; r < RES_COUNT; r++)
		if (a->class->floor[r] > 0 &&
		    a->sketch->floors[r][host] + a->class->floor[r] >
			    dc->host.type[host]->capacity[r] * (1 + FLOOR_SLACK))
			return false;
	return a->sketch->state[host] == a->state && rules_admit(a->sketch, host, a->vm);
}

static void request_of(const struct vm_class *class, double demand, double req[PLACE_DIMS])
{
	memcpy(req, class->request, PLACE_DIMS * sizeof(*req));
	req[PLACE_CPU] = demand;
}

uint32_t sketch_find(struct sketch *s, uint32_t vm, double demand, enum sketch_state state)
{
	const struct dc *dc = &s->run->plan.dc;
	const struct fit_index *index = sketch_index(s, state);
	struct admission ctx = {s, dc_class_of(dc, vm), state, vm};
	double req[PLACE_DIMS];

	s->view.key = index->key;
	s->view.load = demand;
	s->view.index = index;
	s->view.floor = ctx.class->floor;
	s->view.type_ok = dc->rules ? dc->rules[dc->vm.group[vm]].type_ok : NULL;
	s->view.admits = admits;
	s->view.ctx = &ctx;
	request_of(ctx.class, demand, req);
	uint32_t host = s->placer->place(s->placer_state, &s->view, req);
	BUG_ON(host != PLACE_NOWHERE && !place_fits(&s->view, host, req));
	s->view.ctx = NULL;
	return host;
}

int sketch_add(struct sketch *s, uint32_t vm, double demand, uint32_t host)
{
	const struct vm_class *class = dc_class_of(&s->run->plan.dc, vm);

	if (mem_grow(&s->move, &s->cap, s->n + 1, sizeof(*s->move)) < 0)
		return -ENOMEM;
	struct sketch_move *move = &s->move[s->n++];
	move->vm = vm;
	move->host = host;
	move->demand = demand;
	move->note = 0;
	move->before.state = (enum sketch_state)s->state[host];
	move->before.most = s->most[host];
	move->before.demand = s->demand[host];
	for (int d = 0; d < PLACE_DIMS; d++) {
		move->before.free[d] = s->free[d][host];
		s->free[d][host] -= d == PLACE_CPU ? demand : class->request[d];
	}
	for (int r = 0; r < RES_COUNT; r++) {
		move->before.floors[r] = s->floors[r][host];
		s->floors[r][host] += class->floor[r];
	}
	s->demand[host] += demand;
	s->vms[host]++;
	return 0;
}

void sketch_undo(struct sketch *s)
{
	const struct sketch_move *move = &s->move[--s->n];
	uint32_t host = move->host;

	for (int d = 0; d < PLACE_DIMS; d++)
		s->free[d][host] = move->before.free[d];
	for (int r = 0; r < RES_COUNT; r++)
		s->floors[r][host] = move->before.floors[r];
	s->demand[host] = move->before.demand;
	s->vms[host]--;
	sketch_open(s, host, move->before.state, move->before.most);
}
