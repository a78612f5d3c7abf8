/*
 * The index of hosts against a look at every host, on random rooms, keys and requests; and every
 * placer with an index against itself without one.
 */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "models/power.h"
#include "policies/list.h"
#include "sim/core/opt.h"
#include "sim/core/pool.h"

#define MOST  2000
#define TYPES 4

static uint64_t seed;
static struct pool *threads;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

struct world {
	struct arena arena;
	struct fit_index index;
	uint32_t n, type[MOST];
	double room[MOST][FIT_DIMS];
	int64_t key[MOST];
	struct request {
		double req[FIT_DIMS];
		bool types[TYPES];
	} request[4]; /* come again and again */
};

static bool is_odd(const void *ctx, uint32_t host)
{
	(void)ctx;
	return host % 2 == 1;
}

static void world_open(struct world *w, uint32_t n, unsigned limited)
{
	memset(w, 0, sizeof(*w));
	w->n = n;
	for (uint32_t h = 0; h < n; h++) {
		w->type[h] = below(TYPES);
		for (int d = 0; d < FIT_DIMS; d++)
			w->room[h][d] = -INFINITY;
	}
	struct fit_config config = {.n = n,
				    .ntypes = TYPES,
				    .type = w->type,
				    .limited = limited,
				    .scale = {7, 11},
				    .ordered = true,
				    .refilled = true};
	assert_int_equal(fit_init(&w->index, &w->arena, &config), 0);
}

static bool fits(const struct world *w, uint32_t h, const double *req, const bool *types, bool odd)
{
	bool fit = types[w->type[h]] && (!odd || h % 2 == 1) && w->room[h][0] > -(double)INFINITY;

	for (int d = 0; d < FIT_DIMS; d++)
		fit &= !(req[d] > 0) || req[d] <= w->room[h][d];
	return fit;
}

static const struct request *next_request(struct world *w, unsigned limited)
{
	struct request *r = &w->request[below(4)];

	if (below(6) > 0)
		return r;
	for (unsigned d = 0; d < FIT_DIMS; d++)
		r->req[d] = limited >> d & 1 && below(3) ? below(12) : 0;
	for (int i = 0; i < TYPES; i++)
		r->types[i] = below(4) > 0;
	return r;
}

static void check_world(struct world *w, unsigned limited)
{
	const struct request *request = next_request(w, limited);
	const double *req = request->req;
	bool types[TYPES], odd = below(4) == 0;
	uint32_t from = below(w->n + 2), t = below(TYPES), next = from;
	int64_t lo = (int64_t)below(10) - 1, hi = lo + below(10);
	uint32_t lowest = FIT_NOWHERE, highest = FIT_NOWHERE;
	struct fit_need need;

	memcpy(types, request->types, sizeof(types));
	types[t] = true; /* by key, who asks for a type has it */
	fit_ask(&w->index, &need, req, request->types, TYPES);
	need.admits = odd ? is_odd : NULL;
	while (next < w->n && !fits(w, next, req, request->types, odd))
		next++;
	for (uint32_t h = 0; h < w->n; h++) {
		if (w->type[h] != t || w->key[h] < lo || w->key[h] > hi ||
		    !fits(w, h, req, types, odd))
			continue;
		if (lowest == FIT_NOWHERE || w->key[h] < w->key[lowest])
			lowest = h;
		if (highest == FIT_NOWHERE || w->key[h] > w->key[highest])
			highest = h;
	}
	assert_int_equal(fit_next(&w->index, from, &need), next < w->n ? next : FIT_NOWHERE);
	assert_int_equal(fit_first(&w->index, t, lo, hi, &need), lowest);
	assert_int_equal(fit_last(&w->index, t, lo, hi, &need), highest);
}

static int64_t room_of(const void *ctx, uint32_t host, double room[FIT_DIMS])
{
	const struct world *w = ctx;

	memcpy(room, w->room[host], sizeof(w->room[host]));
	return w->key[host];
}

/* Everything anew, from what was set one by one. */
static void refill(struct world *w)
{
	uint8_t has[MOST];

	for (uint32_t h = 0; h < w->n; h++)
		has[h] = w->room[h][0] > -(double)INFINITY ? 6 : 1;
	struct fit_refill fill = {.has = has,
				  .mask = 4,
				  .room_of = room_of,
				  .ctx = w,
				  .pool = below(2) ? threads : NULL};
	fit_refill(&w->index, &fill);
}

/* What is not limited is so on every host that is up. */
static void set_host(struct world *w, uint32_t h, unsigned which, bool down)
{
	for (int d = 0; d < FIT_DIMS; d++)
		w->room[h][d] = down             ? -INFINITY
				: which >> d & 1 ? (below(20)  ? below(12)
						    : below(2) ? INFINITY
							       : -1.)
						 : INFINITY;
	w->key[h] = (int64_t)below(10) - 1;
	fit_set(&w->index, h, w->room[h], w->key[h]);
}

static void test_index_is_a_look_at_every_host(void **unused)
{
	(void)unused;
	static struct world w;
	static const unsigned limited[] = {0xff, 0x3, 0x2, 0x1, 0x17, 0};

	seed = 6;
	for (uint32_t n = 1; n <= 90; n += n < 20 ? 1 : 7) {
		unsigned which = limited[n % 6];
		world_open(&w, n, which);
		for (int k = 0; k < 600; k++) {
			set_host(&w, below(n), which, below(12) == 0);
			if (below(12) == 0)
				refill(&w);
			if (which)
				check_world(&w, which);
		}
		arena_fini(&w.arena);
	}
}

/* So many that the order is several nodes high: it fills up and runs empty, by chance and from either end. */
static void test_order_grows_and_shrinks(void **unused)
{
	(void)unused;
	static struct world w;

	for (seed = 1; seed < 9000; seed += 1777) {
		uint64_t kept = seed;
		world_open(&w, MOST, 0x3);
		for (int wave = 0; wave < 8; wave++) {
			bool down = wave % 2 == 1;
			for (uint32_t k = 0; k < MOST; k++) {
				uint32_t h = wave / 2 == 0   ? k
					     : wave / 2 == 1 ? MOST - 1 - k
							     : below(MOST);
				set_host(&w, h, 0x3, down ? below(30) > 0 : below(30) == 0);
				if (k % 97 == 0)
					check_world(&w, 0x3);
			}
			if (wave == 5)
				refill(&w);
		}
		arena_fini(&w.arena);
		seed = kept;
	}
}

/* A datacenter of which every placer is asked twice, with the index and without. */

#define HOSTS   60
#define CLASSES 8
#define VMS     260

static double table_like(const void *state, double u)
{
	static const double point[] = {60, 100, 115, 117, 119, 150, 152, 170, 210, 215, 216};
	(void)state;
	double x = fmin(fmax(u, 0), 1) * 10;
	size_t i = x < 9 ? (size_t)x : 9;
	return point[i] + (point[i + 1] - point[i]) * (x - (double)i);
}

static double convex(const void *state, double u)
{
	(void)state;
	return 80 + 90 * u * u * u;
}

static double concave(const void *state, double u)
{
	(void)state;
	return 70 + 120 * sqrt(u);
}

static void types_init(struct host_type *type, uint32_t hosts)
{
	static double (*const watts[TYPES])(const void *, double) = {table_like, convex, table_like,
								     concave};
	/* The last are more than pabfd plans at a time. */
	static const unsigned pieces[TYPES] = {10, 1, 10, 50};

	for (uint32_t t = 0; t < TYPES; t++) {
		type[t] = (struct host_type){.group = "t",
					     .count = hosts / TYPES,
					     .cores = 10,
					     .speed = 1000,
					     .capacity = {1e4 * (1 + t), 64, 1e9, 1e9},
					     .has_power = true,
					     .watts = watts[t],
					     .power_pieces = pieces[t],
					     .off_when_empty = t != 1};
		type[t].place[DC_DIM_CPU] = type[t].capacity[RES_CPU] * 1.5;
		type[t].place[DC_DIM_MEM] = 64;
		type[t].place[DC_DIM_DISK] = type[t].place[DC_DIM_NET] = INFINITY;
	}
}

struct ctx {
	const struct dc *dc;
	const struct vm_class *class;
};

static bool admitted(const void *ctx, uint32_t host)
{
	const struct ctx *c = ctx;

	return dc_admits(c->dc, host, c->class);
}

/* The rise of power on the host, were it to take the VM; beyond all where it may not. */
static double rise_on(const struct dc *dc, uint32_t h, const struct vm_class *class)
{
	const struct host_type *type = dc->host.type[h];
	double load = dc->host.cpu[h] / type->load_full, more = class->request[0] / type->load_full;
	bool off = dc->host.count[h] == 0 && type->off_when_empty;

	if (load + more > 1 + 1e-11)
		return INFINITY;
	return type->watts(NULL, load + more) - (off ? 0 : type->watts(NULL, load));
}

static void check_least_rise(const struct place_view *view, const struct ctx *c, uint32_t chosen)
{
	double least = INFINITY;

	for (uint32_t h = 0; h < view->nhosts; h++)
		if (place_fits(view, h, c->class->request))
			least = fmin(least, rise_on(c->dc, h, c->class));
	if (isfinite(least))
		assert_true(rise_on(c->dc, chosen, c->class) <= least + 1e-6);
}

/* @state: of the placer who looks at every host, and of the one who has the index. */
static uint32_t ask_twice(const struct placer_ops *ops, void *const state[2], struct dc *dc,
			  uint32_t vm)
{
	static double capacity[PLACE_DIMS][TYPES];
	struct ctx c = {dc, dc_class_of(dc, vm)};
	struct place_view view = {.nhosts = dc->host.n,
				  .ntypes = TYPES,
				  .types = dc->type,
				  .type = dc->host.type_id,
				  .key = dc->host.fit.key,
				  .load = c.class->request[0],
				  .floor = c.class->floor,
				  .admits = admitted,
				  .ctx = &c};

	for (int d = 0; d < PLACE_DIMS; d++) {
		for (uint32_t t = 0; t < TYPES; t++)
			capacity[d][t] = isfinite(dc->type[t].place[d]) ? dc->type[t].place[d] : 0;
		view.free[d] = dc->host.free[d];
		view.capacity[d] = capacity[d];
	}
	bool type_ok[TYPES] = {below(3) > 0, true, below(3) > 0, below(3) > 0};
	if (below(3) == 0)
		view.type_ok = type_ok;
	else
		view.alike = dc->vm.class_id[vm] + 1;
	const struct fit_index *index = dc_index(dc, false);
	uint32_t looked = ops->place(state[0], &view, c.class->request);
	view.index = index;
	uint32_t found = ops->place(state[1], &view, c.class->request);
	assert_int_equal(looked, found);
	if (ops == &placer_pabfd && found != PLACE_NOWHERE)
		check_least_rise(&view, &c, found);
	return found;
}

static void run_placer(const struct placer_ops *ops, uint32_t hosts)
{
	struct arena arena = {0};
	struct host_type type[TYPES];
	struct dc dc = {.ntypes = TYPES,
			.type = type,
			.order = ops->order,
			.alternate = true,
			.floors = RES_BIT(RES_CPU)};
	void *state[2];

	for (int i = 0; i < 2; i++)
		assert_non_null(state[i] = plugin_state(&ops->plugin, &arena));
	types_init(type, hosts);
	assert_int_equal(dc_init(&dc, &arena, VMS), 0);
	for (uint32_t k = 0; k < CLASSES; k++) {
		struct vm_class class = {.vcpus = 1};
		uint32_t id;
		class.request[DC_DIM_CPU] = 300 * (double)(1 + below(15)) + 0.1 * below(5);
		class.request[DC_DIM_MEM] = 1 + below(24);
		class.floor[RES_CPU] = k % 3 ? 0 : 0.7 * class.request[DC_DIM_CPU];
		assert_int_equal(dc_add_class(&dc, &class, &id), 0);
	}
	/* Neighbours are alike: what a placer remembers of one is asked again for the next. */
	for (uint32_t i = 0, vm; i < VMS; i++)
		assert_int_equal(dc_add_vm(&dc, i / 8 % CLASSES, 0, i, &vm), 0);
	for (uint32_t step = 0, vm = 0; step < 900; step++) {
		vm = below(4) ? (vm + 1) % VMS : below(VMS);
		if (below(40) == 0) {
			uint32_t h = below(hosts);
			dc_set_down(&dc, h, !dc.host.down[h]);
		}
		if (dc.vm.host[vm] != DC_NONE) {
			if (below(2))
				dc_unplace(&dc, vm);
			continue;
		}
		uint32_t host = ask_twice(ops, state, &dc, vm);
		if (host != PLACE_NOWHERE)
			assert_int_equal(dc_place(&dc, vm, host), 0);
	}
	assert_null(dc_check(&dc));
	dc_fini(&dc);
	arena_fini(&arena);
}

static void test_placers_with_and_without_index(void **unused)
{
	(void)unused;
#define RUN_PLACER(name) &placer_##name,
	static const struct placer_ops *const all[] = {PLACER_LIST(RUN_PLACER)};

	for (size_t p = 0; p < sizeof(all) / sizeof(*all); p++)
		for (seed = 1; seed < 4000; seed += 1777) {
			uint64_t kept = seed;
			run_placer(all[p], HOSTS);
			run_placer(all[p], TYPES);
			seed = kept;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index_is_a_look_at_every_host),
		cmocka_unit_test(test_order_grows_and_shrinks),
		cmocka_unit_test(test_placers_with_and_without_index),
	};

	struct err err = {0};
	threads = pool_new(3, &err);
	int failed = threads ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
	pool_free(threads);
	return failed;
}
