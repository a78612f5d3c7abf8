/*
 * The tables of a datacenter against a naive model: a list of VMs per host. Sizes are whole
 * numbers, so sums are exact and are compared exactly.
 */
#include "tests/test.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/dc.h"

#define TYPES   3
#define CLASSES 6
#define HOSTS   11
#define VMS     300

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

struct world {
	struct arena arena;
	struct dc dc;
	struct host_type type[TYPES];
	uint32_t host[VMS], class_id[VMS];
	uint32_t reserved[VMS]; /* host that keeps room for it, too */
	double mark[VMS];       /* what the test wrote into the VM's slot */
	uint32_t nvms;
};

static struct vm_class make_class(uint32_t k)
{
	struct vm_class class = {.vcpus = k + 1, .speed = 1000, .memory = 64};

	class.request[DC_DIM_CPU] = 1000 * (k + 1);
	class.request[DC_DIM_MEM] = 64 << (k % 3);
	class.request[DC_DIM_DISK] = k == 2 ? 0 : 7 * k;
	class.floor[RES_CPU] = 100 * k;
	class.floor[RES_MEM] = k % 2 ? 32 : 0;
	for (int r = 0; r < RES_COUNT; r++)
		class.cap[r] = (double)INFINITY;
	return class;
}

static void world_open(struct world *w, size_t expected)
{
	static const uint32_t count[TYPES] = {5, 1, 5};
	uint32_t id;

	memset(w, 0, sizeof(*w));
	for (uint32_t t = 0; t < TYPES; t++) {
		struct host_type *type = &w->type[t];
		*type = (struct host_type){.group = "h", .count = count[t], .ndisks = t};
		type->capacity[RES_CPU] = 8000;
		type->capacity[RES_MEM] = 4096;
		type->place[DC_DIM_CPU] = t == 2 ? (double)INFINITY : 64000;
		type->place[DC_DIM_MEM] = 4096;
		type->place[DC_DIM_DISK] = 1000;
		type->place[DC_DIM_NET] = 0;
	}
	w->dc.type = w->type;
	w->dc.ntypes = TYPES;
	assert_int_equal(dc_init(&w->dc, &w->arena, expected), 0);
	assert_int_equal(w->dc.host.n, HOSTS);
	for (uint32_t k = 0; k < CLASSES; k++) {
		struct vm_class class = make_class(k);
		assert_int_equal(dc_add_class(&w->dc, &class, &id), 0);
		assert_int_equal(id, k);
	}
}

static void world_close(struct world *w)
{
	dc_fini(&w->dc);
	arena_fini(&w->arena);
}

static uint32_t add_vm(struct world *w, uint32_t class_id)
{
	uint32_t vm;

	assert_int_equal(dc_add_vm(&w->dc, class_id, 1, w->nvms, &vm), 0);
	assert_int_equal(vm, w->nvms);
	assert_int_equal(w->dc.vm.host[vm], DC_NONE);
	assert_int_equal(w->dc.vm.state[vm], VM_PLANNED);
	w->host[vm] = w->reserved[vm] = DC_NONE;
	w->class_id[vm] = class_id;
	w->nvms++;
	return vm;
}

static void place(struct world *w, uint32_t vm, uint32_t host)
{
	struct dc *dc = &w->dc;

	assert_int_equal(dc_place(dc, vm, host), 0);
	w->host[vm] = host;
	uint32_t slot = dc->vm.slot[vm];
	/* The slot is new, whoever was there before; then every kind of column gets a mark. */
	assert_true(dc->slot.grant[RES_CPU][slot] == 0 && dc->slot.sum.run[slot] == 0);
	assert_true(dc->slot.stalled[slot] == 0 && dc->slot.sum.starve[slot] == 0);
	assert_null(dc->slot.load[slot]);
	w->mark[vm] = 1 + below(1000000);
	/* Memory was wanted once: what was gathered of it goes along all the same. */
	dc_wants(dc, RES_BIT(RES_CPU) | RES_BIT(RES_MEM) | RES_BIT(RES_IOPS), host);
	dc_wanted_set(dc, RES_BIT(RES_CPU) | RES_BIT(RES_IOPS), host);
	dc->slot.grant[RES_CPU][slot] = dc->slot.want[RES_IOPS][slot] = w->mark[vm];
	dc->slot.sum.run[slot] = dc->slot.sum.grant[RES_MEM][slot] = w->mark[vm];
	dc->slot.stalled[slot] = dc->slot.sum.starve[slot] = (float)w->mark[vm];
	dc->slot.load[slot] = &w->mark[vm];
}

static void check_marks(const struct world *w, uint32_t vm)
{
	const struct dc_slots *s = &w->dc.slot;
	uint32_t slot = w->dc.vm.slot[vm];
	double mark = w->mark[vm];

	assert_true(s->grant[RES_CPU][slot] == mark && s->want[RES_IOPS][slot] == mark);
	assert_true(s->sum.run[slot] == mark && s->sum.grant[RES_MEM][slot] == mark);
	assert_true(s->stalled[slot] == (float)mark && s->sum.starve[slot] == (float)mark);
	assert_ptr_equal(s->load[slot], &w->mark[vm]);
}

/* Everything that the tables say is what the model says. */
static void check_all(const struct world *w)
{
	const struct dc *dc = &w->dc;
	const char *broken = dc_check(dc);

	if (broken)
		fail_msg("%s", broken);
	for (uint32_t host = 0; host < HOSTS; host++) {
		double free[DC_DIMS], floors[RES_COUNT] = {0};
		uint32_t n = 0, reserved = 0, first = dc->host.first[host];
		for (int d = 0; d < DC_DIMS; d++)
			free[d] = dc->host.type[host]->place[d];
		for (uint32_t vm = 0; vm < w->nvms; vm++) {
			if (w->host[vm] != host && w->reserved[vm] != host)
				continue;
			const struct vm_class class = make_class(w->class_id[vm]);
			for (int d = 0; d < DC_DIMS; d++)
				free[d] -= class.request[d];
			for (int r = 0; r < RES_COUNT; r++)
				floors[r] += class.floor[r];
			assert_int_equal(dc->vm.reserved[vm], w->reserved[vm]);
			if (w->host[vm] != host) {
				reserved++;
				continue;
			}
			assert_true(n < dc->host.count[host]);
			assert_int_equal(dc->slot.vm[first + n], vm);
			assert_int_equal(dc->slot.class_id[first + n], w->class_id[vm]);
			check_marks(w, vm);
			n++;
		}
		assert_int_equal(dc->host.count[host], n);
		assert_int_equal(dc->host.reserved[host], reserved);
		assert_true(dc_in_use(dc, host) == (n + reserved > 0));
		for (int d = 0; d < DC_DIMS; d++)
			assert_true(dc->host.free[d][host] == free[d]);
		for (int r = 0; r < RES_COUNT; r++)
			assert_true(dc->host.floors[r][host] == floors[r]);
	}
	/* No two hosts share a slot. */
	for (uint32_t a = 0; a < HOSTS; a++)
		for (uint32_t b = 0; b < HOSTS; b++)
			if (a != b && dc->host.room[a] && dc->host.room[b] &&
			    dc->host.first[a] <= dc->host.first[b])
				assert_true(dc->host.first[a] + dc->host.room[a] <=
					    dc->host.first[b]);
}

static uint32_t next_fit(struct dc *dc, uint32_t from, const struct vm_class *class)
{
	double req[FIT_DIMS] = {0};
	struct fit_need need;

	memcpy(req, class->request, sizeof(class->request));
	fit_ask(dc_index(dc, false), &need, req, NULL, 0);
	return fit_next(dc_index(dc, false), from, &need);
}

/* The tree says the same as a look at every host. */
static void check_tree(struct world *w, uint32_t class_id)
{
	const struct vm_class class = make_class(class_id);
	uint32_t from = below(HOSTS + 1), host = from;

	for (; host < HOSTS; host++) {
		bool fits = true;
		for (int d = 0; d < DC_DIMS; d++)
			fits &= !(class.request[d] > 0) ||
				class.request[d] <= w->dc.host.free[d][host];
		if (fits)
			break;
	}
	assert_int_equal(next_fit(&w->dc, from, &class), host < HOSTS ? host : FIT_NOWHERE);
}

/* Room is kept for a placed VM elsewhere; it moves there, and back; the room is given up. */
static void move(struct world *w, uint32_t vm)
{
	uint32_t to = below(HOSTS), host = w->host[vm];

	if (w->reserved[vm] == DC_NONE && to != host) {
		dc_reserve(&w->dc, vm, to);
		w->reserved[vm] = to;
	} else if (w->reserved[vm] != DC_NONE && below(2)) {
		assert_int_equal(dc_move(&w->dc, vm), 0);
		w->host[vm] = w->reserved[vm];
		w->reserved[vm] = host;
	} else if (w->reserved[vm] != DC_NONE) {
		dc_release(&w->dc, vm);
		w->reserved[vm] = DC_NONE;
	}
}

static void step(struct world *w, uint32_t busy)
{
	uint32_t what = below(10);
	bool creates = w->nvms == 0 || (w->nvms < VMS && below(5) == 0);
	uint32_t vm = creates ? add_vm(w, below(CLASSES)) : below(w->nvms);

	if (w->host[vm] != DC_NONE && (w->reserved[vm] != DC_NONE || below(4) == 0)) {
		move(w, vm);
	} else if (what == 0) {
		uint32_t class_id = below(CLASSES);
		dc_set_class(&w->dc, vm, class_id);
		w->class_id[vm] = class_id;
		assert_int_equal(w->dc.vm.class_id[vm], class_id);
	} else if (w->host[vm] == DC_NONE && what < busy) {
		place(w, vm, below(3) ? below(HOSTS) : 3);
	} else if (w->host[vm] != DC_NONE && what >= busy) {
		dc_unplace(&w->dc, vm);
		w->host[vm] = DC_NONE;
		assert_int_equal(w->dc.vm.host[vm], DC_NONE);
		assert_int_equal(w->dc.vm.slot[vm], DC_NONE);
	}
}

static void test_random_sequences(void **unused)
{
	(void)unused;
	static struct world w;

	for (uint64_t i = 1; i <= 6; i++) {
		seed = i;
		world_open(&w, i % 2 ? 0 : VMS);
		for (int k = 0; k < 3000; k++) {
			step(&w, k / 500 % 2 ? 2 : 9);
			check_all(&w);
			check_tree(&w, below(CLASSES));
		}
		assert_int_equal(w.nvms, VMS);
		world_close(&w);
	}
}

/* Segments double, and those that were left are taken again. */
static void test_segments_grow(void **unused)
{
	(void)unused;
	static struct world w;

	seed = 1;
	world_open(&w, 0);
	for (uint32_t vm = 0; vm < 100; vm++) {
		add_vm(&w, 0);
		place(&w, vm, 3);
		assert_true(w.dc.host.room[3] >= vm + 1 && w.dc.host.room[3] <= 2 * (vm + 8));
		check_all(&w);
	}
	assert_int_equal(w.dc.host.room[3], 128);
	size_t used = w.dc.slot.used;
	for (uint32_t vm = 100; vm < 108; vm++) {
		add_vm(&w, 1);
		place(&w, vm, 4);
	}
	check_all(&w);
	assert_int_equal(w.dc.slot.used, used);
	/* In any order of ids. */
	for (uint32_t vm = 0; vm < 100; vm += 2) {
		dc_unplace(&w.dc, vm);
		w.host[vm] = DC_NONE;
	}
	for (uint32_t vm = 98; vm < 100; vm -= 2) {
		place(&w, vm, below(2) ? 3 : 4);
		check_all(&w);
	}
	world_close(&w);
}

/* Sizes that are not exact in binary: what a host that was emptied has free is all of it. */
static void test_an_empty_host_is_empty(void **unused)
{
	(void)unused;
	static struct world w;
	struct vm_class class = {.vcpus = 1};
	uint32_t id, vm[10];

	seed = 2;
	world_open(&w, 16);
	for (int d = 0; d < DC_DIMS; d++)
		class.request[d] = d == DC_DIM_NET ? 0 : w.type[0].place[d] / 10;
	class.floor[RES_CPU] = 0.1;
	assert_int_equal(dc_add_class(&w.dc, &class, &id), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(dc_add_vm(&w.dc, id, 0, 0, &vm[i]), 0);
		/* Ten tenths fit. */
		assert_int_equal(next_fit(&w.dc, 0, &class), 0);
		assert_int_equal(dc_place(&w.dc, vm[i], 0), 0);
	}
	assert_int_equal(next_fit(&w.dc, 0, &class), 1);
	for (int i = 0; i < 10; i++)
		dc_unplace(&w.dc, vm[(i * 7) % 10]);
	for (int d = 0; d < DC_DIMS; d++)
		assert_true(w.dc.host.free[d][0] == w.type[0].place[d]);
	assert_true(w.dc.host.floors[RES_CPU][0] == 0);
	assert_null(dc_check(&w.dc));
	world_close(&w);
}

static void test_disks_are_filled_evenly(void **unused)
{
	(void)unused;
	static struct world w;

	seed = 3;
	world_open(&w, 16);
	for (uint32_t vm = 0; vm < 6; vm++) {
		add_vm(&w, 0);
		place(&w, vm, 8); /* two disks */
		assert_int_equal(w.dc.slot.disk[w.dc.vm.slot[vm]], vm % 2);
	}
	for (uint32_t vm = 1; vm < 6; vm += 2)
		dc_unplace(&w.dc, vm);
	for (uint32_t vm = 1; vm < 6; vm += 2) {
		place(&w, vm, 8);
		assert_int_equal(w.dc.slot.disk[w.dc.vm.slot[vm]], 1);
	}
	for (uint32_t vm = 0; vm < 6; vm++)
		assert_int_equal(w.dc.slot.disk[w.dc.vm.slot[vm]], vm % 2);
	world_close(&w);
}

/* 8000 MHz and 4096 bytes of floors fit on a host that is up, and not a bit more. */
static void test_floors_are_admitted(void **unused)
{
	(void)unused;
	static struct world w;
	struct vm_class class = make_class(0);
	uint32_t id;

	seed = 4;
	world_open(&w, 16);
	class.floor[RES_CPU] = 2000;
	class.floor[RES_MEM] = 1000;
	assert_int_equal(dc_add_class(&w.dc, &class, &id), 0);
	for (uint32_t vm = 0; vm < 4; vm++) {
		assert_true(dc_admits(&w.dc, 2, &class));
		add_vm(&w, id);
		place(&w, vm, 2);
	}
	struct vm_class cpu = make_class(0), mem = cpu, disk = cpu;
	cpu.floor[RES_CPU] = 0.001;
	mem.floor[RES_MEM] = 96;
	disk.floor[RES_DISK] = 1; /* there is no disk to guarantee */
	assert_false(dc_admits(&w.dc, 2, &class));
	assert_false(dc_admits(&w.dc, 2, &cpu));
	assert_true(dc_admits(&w.dc, 2, &mem));
	assert_false(dc_admits(&w.dc, 2, &disk));
	mem.floor[RES_MEM] = 97;
	assert_false(dc_admits(&w.dc, 2, &mem));
	struct vm_class none = make_class(0);
	assert_true(dc_admits(&w.dc, 2, &none));
	assert_true(dc_admits(&w.dc, 1, &class));
	w.dc.host.down[1] = true;
	assert_false(dc_admits(&w.dc, 1, &class));
	assert_false(dc_admits(&w.dc, 1, &none));
	dc_unplace(&w.dc, 0);
	assert_true(dc_admits(&w.dc, 2, &class));
	dc_set_class(&w.dc, 1, 0);
	class.floor[RES_CPU] = 4000;
	assert_true(dc_admits(&w.dc, 2, &class));
	world_close(&w);
}

/* A change that finds no memory changes nothing. */
static void test_out_of_memory(void **unused)
{
	(void)unused;
	static struct world w;
	size_t failures = 0;

	seed = 5;
	world_open(&w, 0);
	for (uint32_t vm = 0; vm < 200; vm++) {
		add_vm(&w, vm % CLASSES);
		mem_fail_at(1);
		int rc = dc_place(&w.dc, vm, vm % 3);
		mem_fail_at(0);
		if (rc == 0) {
			dc_unplace(&w.dc, vm);
		} else {
			assert_int_equal(rc, -ENOMEM);
			failures++;
		}
		check_all(&w);
		place(&w, vm, vm % 3);
		check_all(&w);
	}
	assert_true(failures > 3);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_sequences),
		cmocka_unit_test(test_segments_grow),
		cmocka_unit_test(test_an_empty_host_is_empty),
		cmocka_unit_test(test_disks_are_filled_evenly),
		cmocka_unit_test(test_floors_are_admitted),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
