/*
 * Placements per second: a datacenter of three kinds of hosts is filled with ten VMs a host, of 500
 * sizes in CPU and memory; then VMs at random leave and others come. One core, processor time,
 * tables and indexes kept up to date, nothing simulated in between.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "models/power.h"
#include "policies/list.h"
#include "sim/core/opt.h"

#define TYPES   3
#define CLASSES 500

static double clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

static double watts(const void *state, double util)
{
	const double *point = state;
	double u = fmin(fmax(util, 0), 1) * (POWER_POINTS - 1);
	size_t i = u < POWER_POINTS - 2 ? (size_t)u : POWER_POINTS - 2;

	return point[i] + (point[i + 1] - point[i]) * (u - (double)i);
}

static void types_init(struct host_type *type, size_t hosts)
{
	static const char *const model[TYPES] = {"hp-ml110-g5", "dell-r620", "dell-r640"};

	for (size_t t = 0; t < TYPES; t++) {
		type[t] = (struct host_type){.group = "t",
					     .count = (uint32_t)(hosts / TYPES + 1),
					     .cores = 32,
					     .speed = 2000,
					     .capacity = {64000, 128, 0, 0},
					     .has_power = true,
					     .watts = watts,
					     .power_state = power_table_find(model[t])->watts,
					     .power_pieces = POWER_POINTS - 1};
		type[t].place[DC_DIM_CPU] = type[t].capacity[RES_CPU];
		type[t].place[DC_DIM_MEM] = t == 1 ? 256 : 128;
		type[t].place[DC_DIM_DISK] = type[t].place[DC_DIM_NET] = INFINITY;
	}
}

struct world {
	struct dc dc;
	struct place_view view;
	double capacity[PLACE_DIMS][TYPES];
	void *state; /* of the placer */
};

static void must(bool done)
{
	if (!done)
		exit(1);
}

static void world_open(struct world *w, struct arena *arena, const struct placer_ops *ops,
		       size_t hosts)
{
	static struct host_type type[TYPES];
	uint32_t id;

	types_init(type, hosts);
	*w = (struct world){.dc = {.ntypes = TYPES, .type = type, .order = ops->order}};
	must(dc_init(&w->dc, arena, 10 * hosts) == 0);
	must((w->state = plugin_state(&ops->plugin, arena)) != NULL);
	for (uint32_t k = 0; k < CLASSES; k++) {
		struct vm_class class = {.vcpus = 1};
		double size = 1 + below(100), lean = 0.3 + 0.014 * below(100);
		class.request[DC_DIM_CPU] = 110 * size * lean;
		class.request[DC_DIM_MEM] = 0.22 * size / lean;
		must(dc_add_class(&w->dc, &class, &id) == 0);
	}
	w->view = (struct place_view){.nhosts = w->dc.host.n,
				      .ntypes = TYPES,
				      .types = type,
				      .type = w->dc.host.type_id,
				      .key = w->dc.host.fit.key};
	for (int d = 0; d < PLACE_DIMS; d++) {
		for (size_t t = 0; t < TYPES; t++)
			w->capacity[d][t] = isfinite(type[t].place[d]) ? type[t].place[d] : 0;
		w->view.capacity[d] = w->capacity[d];
		w->view.free[d] = w->dc.host.free[d];
	}
}

static bool place(struct world *w, const struct placer_ops *ops, uint32_t vm)
{
	const double *req = dc_class_of(&w->dc, vm)->request;

	w->view.load = req[DC_DIM_CPU];
	w->view.index = dc_index(&w->dc, false);
	uint32_t host = ops->place(w->state, &w->view, req);
	if (host != PLACE_NOWHERE)
		must(dc_place(&w->dc, vm, host) == 0);
	return host != PLACE_NOWHERE;
}

static void bench(const struct placer_ops *ops, size_t hosts)
{
	struct arena arena = {0};
	static struct world w;
	size_t vms = 10 * hosts, placed = 0, moves = vms / 2;

	seed = 5;
	world_open(&w, &arena, ops, hosts);
	for (uint32_t i = 0, vm; i < vms; i++)
		must(dc_add_vm(&w.dc, below(CLASSES), 0, i, &vm) == 0);
	double t0 = clock_s();
	for (uint32_t vm = 0; vm < vms; vm++)
		placed += place(&w, ops, vm);
	double t1 = clock_s();
	for (size_t i = 0; i < moves; i++) {
		uint32_t leaves = below((uint32_t)vms), comes = below((uint32_t)vms);
		if (w.dc.vm.host[leaves] != DC_NONE)
			dc_unplace(&w.dc, leaves);
		if (w.dc.vm.host[comes] == DC_NONE)
			place(&w, ops, comes);
	}
	double t2 = clock_s();
	printf("%-12s %7zu hosts  %8zu of %8zu VMs placed  %6.2f us a VM  %6.2f us a VM that "
	       "leaves and comes\n",
	       ops->plugin.name, hosts, placed, vms, 1e6 * (t1 - t0) / (double)vms,
	       1e6 * (t2 - t1) / (double)moves);
	fflush(stdout);
	dc_fini(&w.dc);
	arena_fini(&arena);
}

int main(void)
{
	static const struct placer_ops *const ops[] = {&placer_first, &placer_best, &placer_worst,
						       &placer_pabfd};

	for (size_t p = 0; p < sizeof(ops) / sizeof(*ops); p++)
		for (size_t hosts = 1000; hosts <= 100000; hosts *= 10)
			bench(ops[p], hosts);
	return 0;
}
