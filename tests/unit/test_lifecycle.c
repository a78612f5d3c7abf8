/*
 * The life of VMs through whole scenarios, read from events.csv: who came when, onto which host,
 * and what became of it. Everything here is deterministic, so the expected lists are complete.
 */
#include "tests/harness.h"

#define HEAD(DURATION) "tick: 1s\nduration: " DURATION "\noutput: {events: true}\n"
#define HOST           "hosts:\n  - {name: h, cores: 2, speed: 1GHz, memory: 4GiB}\n"
#define BUSY           "workload: {kind: constant, cpu: 100%}"

/* Events as "12 start v-0 h-0", one a line. */
static void events_of(struct harness *h, char *buf, size_t size)
{
	const struct csv_table *t = harness_table(h, OUTPUT_EVENTS);
	static const char *const names[] = {"time_s", "event", "vm", "host"};
	size_t at = 0;

	buf[0] = '\0';
	for (size_t row = 0; row < t->nrows; row++)
		for (size_t k = 0; k < COUNT(names); k++) {
			const char *text = t->cell[row * t->ncols + column_of(t, names[k])];
			if (*text)
				at += (size_t)snprintf(buf + at, size - at, "%s%s", k ? " " : "",
						       text);
			if (k + 1 == COUNT(names))
				at += (size_t)snprintf(buf + at, size - at, "\n");
			assert_true(at < size);
		}
}

static void run_gives(struct harness *h, const char *yaml, const char *events)
{
	static char buf[1 << 16];

	harness_open(h, yaml);
	harness_run(h, 0);
	events_of(h, buf, sizeof(buf));
	if (strcmp(buf, events) != 0)
		fail_msg("events:\n%sexpected:\n%s", buf, events);
}

static size_t count_events(struct harness *h, const char *event, const char *vm)
{
	const struct csv_table *t = harness_table(h, OUTPUT_EVENTS);
	size_t c_event = column_of(t, "event"), c_vm = column_of(t, "vm"), n = 0;

	for (size_t row = 0; row < t->nrows; row++)
		n += strcmp(t->cell[row * t->ncols + c_event], event) == 0 &&
		     (!vm || strcmp(t->cell[row * t->ncols + c_vm], vm) == 0);
	return n;
}

static void assert_state(struct harness *h, const char *vm, const char *state)
{
	const struct csv_table *t = harness_table(h, OUTPUT_VMS);
	size_t c_vm = column_of(t, "vm"), c_state = column_of(t, "state");

	for (size_t row = 0; row < t->nrows; row++)
		if (strcmp(t->cell[row * t->ncols + c_vm], vm) == 0) {
			assert_string_equal(t->cell[row * t->ncols + c_state], state);
			return;
		}
	fail_msg("no VM %s", vm);
}

/* CPU that all VMs used, MHz seconds. */
static double cpu_used(struct harness *h, double capacity_mhz_s)
{
	return summary(h, "cpu_util") * capacity_mhz_s;
}

static void test_actions(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h,
		  HEAD("20s") HOST "vms:\n"
				   "  - {name: a, memory: 1GiB, " BUSY "}\n"
				   "actions:\n"
				   "  - {at: 2s, vm: a-0, do: pause}\n"
				   "  - {at: 3s, vm: a-0, do: pause}\n" /* is paused */
				   "  - {at: 3s, vm: a-0, do: start}\n" /* is not stopped */
				   "  - {at: 4s, vm: a-0, do: resume}\n"
				   "  - {at: 5s, vm: a-0, do: resume}\n" /* is running */
				   "  - {at: 6s, vm: a, do: stop}\n"
				   "  - {at: 7s, vm: a, do: resume}\n" /* is not paused */
				   "  - {at: 9s, vm: a, do: start}\n"
				   "  - {at: 12s, vm: a-0, do: pause}\n"
				   "  - {at: 13s, vm: a-0, do: stop}\n"
				   "  - {at: 14s, vm: a-0, do: start}\n"
				   "  - {at: 16500ms, vm: a-0, do: destroy}\n"
				   "  - {at: 17s, vm: a-0, do: start}\n" /* is gone */
				   "  - {at: 18s, vm: a-0, do: destroy}\n",
		  "0 create a-0\n0 start a-0 h-0\n"
		  "2 pause a-0 h-0\n4 resume a-0 h-0\n"
		  "6 stop a-0 h-0\n9 start a-0 h-0\n"
		  "12 pause a-0 h-0\n13 stop a-0 h-0\n14 start a-0 h-0\n"
		  "16.5 destroy a-0 h-0\n");
	assert_state(&h, "a-0", "done");
	/* It ran 0..2, 4..6, 9..12 and 14..16.5 s. */
	assert_near(cpu_used(&h, 2000 * 20), 1000 * 9.5, 1e-8);
	assert_near(vm_cell(&h, "a-0", "ended_s"), 16.5, 1e-9);
	harness_close(&h);
}

static void test_actions_on_a_group(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h,
		  HEAD("5s") HOST "vms:\n"
				  "  - {name: a, count: 2, memory: 1MiB, " BUSY "}\n"
				  "  - {name: a-1x, memory: 1MiB, " BUSY "}\n"
				  "actions:\n"
				  "  - {at: 1s, vm: a, do: pause}\n"
				  "  - {at: 2s, vm: a-1, do: destroy}\n",
		  "0 create a-0\n0 start a-0 h-0\n0 create a-1\n0 start a-1 h-0\n"
		  "0 create a-1x-0\n0 start a-1x-0 h-0\n"
		  "1 pause a-0 h-0\n1 pause a-1 h-0\n2 destroy a-1 h-0\n");
	assert_state(&h, "a-0", "paused");
	assert_state(&h, "a-1", "done");
	assert_state(&h, "a-1x-0", "running");
	harness_close(&h);
}

/* A resize that does not fit is refused; one that shrinks makes room for who waits. */
static void test_resize(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h,
		  HEAD("10s") HOST "when_full: queue\nvms:\n"
				   "  - {name: a, memory: 3GiB,\n"
				   "     workload: {kind: constant, cpu: 2 cores}}\n"
				   "  - {name: b, memory: 2GiB, " BUSY "}\n"
				   "actions:\n"
				   "  - {at: 2s, vm: a-0, do: resize, memory: 5GiB}\n"
				   "  - {at: 3s, vm: a-0, do: resize, vcpus: 2}\n"
				   "  - {at: 5s, vm: a-0, do: resize, memory: 2GiB, vcpus: 1}\n"
				   "  - {at: 6s, vm: a-0, do: resize, memory: 3GiB}\n"
				   "  - {at: 7s, vm: a-0, do: resize, cpu: {cap: 50%}}\n",
		  "0 create a-0\n0 start a-0 h-0\n0 create b-0\n0 full b-0\n"
		  "2 resize-refused a-0 h-0\n3 resize a-0 h-0\n5 resize a-0 h-0\n"
		  "5 start b-0 h-0\n6 resize-refused a-0 h-0\n7 resize a-0 h-0\n");
	/* a: one core for 3 s, two for 2 s, one for 2 s, half a core for 3 s; b: one for 5 s. */
	assert_near(cpu_used(&h, 2000 * 10), 1000 * (3 + 4 + 2 + 1.5 + 5), 1e-8);
	harness_close(&h);
}

/* Demand that is a share of the VM's vCPUs follows their number, that in cores does not. */
static void test_resize_of_demand(void **unused)
{
	(void)unused;
	static const struct {
		const char *workload;
		double used; /* core-seconds: on one vCPU for 4 s, then on two for 6 s */
	} cases[] = {
		{"kind: constant, cpu: 80%", 0.8 * 4 + 1.6 * 6},
		{"kind: constant, cpu: 0.8 cores", 0.8 * 10},
		{"kind: constant, cpu: 800 MHz, unmet: backlog", 0.8 * 10},
		{"kind: onoff, cpu: 80%, on_time: 2s, off_time: 2s, start: on", 0.8 * 2 + 1.6 * 4},
		{"kind: stochastic, cpu: 80%, level: 0.5, every: 3s", 0.4 * 4 + 0.8 * 6},
		{"kind: sine, cpu: 80%, period: 2s, every: 2s", 0.4 * 4 + 0.8 * 6},
		{"kind: trace, path: tests/data/traces/busy.csv, cpu: 80%", 0.4 * 4 + 0.8 * 6},
		{"kind: batch, work: 3s, tasks: 4", 12},
		{"kind: batch, work: 30s, tasks: 4, cpu: 50%", 0.5 * 4 + 1 * 6},
		{"kind: batch, work: 30s, tasks: 1", 10},
		{"kind: requests, arrivals: 1s, service: 30s", 3 + 2 * 6},
		{"kind: requests, arrivals: 1s, service: 30s, discipline: ps, cpu: 50%", 1.5 + 6},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct harness h;
		char *yaml = text_of("%svms:\n  - {name: a, memory: 1GiB, workload: {%s}}\n"
				     "actions:\n  - {at: 4s, vm: a, do: resize, vcpus: 2}\n",
				     HEAD("10s") HOST, cases[i].workload);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(cpu_used(&h, 2000 * 10) / 1000, cases[i].used, 1e-8);
		harness_close(&h);
		free(yaml);
	}
}

/* With fewer vCPUs, requests in service share them and no other begins; with more, those begin. */
static void test_resize_of_a_station(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h,
		  HEAD("20s") HOST
		  "vms:\n"
		  "  - {name: a, vcpus: 2, memory: 1GiB, workload: {kind: requests,\n"
		  "     arrivals: 1s, service: 4s, capacity: 4}}\n"
		  "actions:\n"
		  "  - {at: 3s, vm: a, do: resize, vcpus: 1}\n"
		  "  - {at: 12s, vm: a, do: resize, vcpus: 2}\n",
		  "0 create a-0\n0 start a-0 h-0\n3 resize a-0 h-0\n12 resize a-0 h-0\n");
	/* From 1 s and 2 s on, two; from 3 s half a core each: the first is done at 7, the second at
	 * 8, the third, alone, at 12, when two begin, which are done at 16 and so are others at 20. */
	assert_near(vm_cell(&h, "a-0", "completed"), 7, 1e-9);
	assert_near(vm_cell(&h, "a-0", "work_core_s"), 1 + 2 + 9 + 16, 1e-9);
	harness_close(&h);
}

/* A task and a request are one thread each: on a host whose cores are slower than the VM's nominal
 * speed they use one of them, however many vCPUs there are; on a faster one, the nominal speed. */
static void test_threads_on_other_cores(void **unused)
{
	(void)unused;
	static const struct {
		const char *speed;
		double used; /* MHz */
	} hosts[] = {{"500MHz", 500}, {"1GHz", 1000}, {"3GHz", 1000}};
	static const char *const loads[] = {
		"batch, work: 2h",
		"requests, arrivals: 1h, service: 2h",
		"requests, arrivals: 1h, service: 2h, discipline: ps",
	};

	for (size_t i = 0; i < COUNT(hosts) * COUNT(loads); i++) {
		struct harness h;
		double used = hosts[i % COUNT(hosts)].used;
		char *yaml = text_of("tick: 1min\nduration: 2h\nwarmup: 1h\n"
				     "hosts:\n  - {name: h, cores: 4, speed: %s, memory: 4GiB}\n"
				     "vms:\n  - {name: a, memory: 1GiB, vcpus: 4, speed: 1GHz,\n"
				     "     start: %s, workload: {kind: %s}}\n",
				     hosts[i % COUNT(hosts)].speed, i < COUNT(hosts) ? "1h" : "0s",
				     loads[i / COUNT(hosts)]);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(vm_cell(&h, "a-0", "cpu_want_mhz"), used, 1e-9);
		assert_near(vm_cell(&h, "a-0", "cpu_grant_mhz"), used, 1e-9);
		assert_near(vm_cell(&h, "a-0", "work_core_s"), used / 1000 * 3600, 1e-9);
		harness_close(&h);
		free(yaml);
	}
}

/* After a move its task uses a core of the other host. */
static void test_threads_that_move(void **unused)
{
	(void)unused;
	static const struct {
		int to;
		double ended;
	} cases[] = {{0, 100}, {1, 150}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct harness h;
		char *yaml = text_of(
			"tick: 1s\nduration: 200s\nhosts:\n"
			"  - {name: h, cores: 4, speed: %s, memory: 4GiB}\n"
			"  - {name: g, cores: 4, speed: %s, memory: 4GiB}\n"
			"vms:\n  - {name: a, memory: 1MB, vcpus: 4, speed: 1GHz,\n"
			"     destroy_when_done: true, workload: {kind: batch, work: 75s}}\n"
			"migration: {bandwidth: 1Gbit/s, slowdown: 0%%, dirty_rate: 0B/s}\n"
			"actions: {at: 50s, vm: a-0, do: migrate, to: g-0}\n",
			cases[i].to ? "500MHz" : "2GHz", "500MHz");
		harness_open(&h, yaml);
		harness_run(&h, 0);
		/* 50 s at full speed, then half: 100 s; at half all the time: 150 s. */
		assert_near(vm_cell(&h, "a-0", "ended_s"), cases[i].ended, 1e-3);
		harness_close(&h);
		free(yaml);
	}
}

/* Floors are promises: more than the host has is not promised by a resize either. */
static void test_resize_of_floors(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h,
		  HEAD("10s") HOST
		  "vms:\n"
		  "  - {name: a, vcpus: 2, memory: 1GiB, cpu: {floor: 50%}, " BUSY "}\n"
		  "  - {name: b, vcpus: 2, memory: 1GiB, cpu: {weight: 9}, " BUSY "}\n"
		  "actions:\n"
		  "  - {at: 2s, vm: b-0, do: resize, cpu: {floor: 60%}}\n"
		  "  - {at: 3s, vm: b-0, do: resize, cpu: {floor: 50%}}\n"
		  "  - {at: 4s, vm: a-0, do: resize, cpu: {floor: 40%}}\n"
		  "  - {at: 5s, vm: b-0, do: resize, cpu: {floor: 60%}}\n",
		  "0 create a-0\n0 start a-0 h-0\n0 create b-0\n0 start b-0 h-0\n"
		  "2 resize-refused b-0 h-0\n3 resize b-0 h-0\n4 resize a-0 h-0\n"
		  "5 resize b-0 h-0\n");
	harness_close(&h);
}

static const char full_vms[] = "vms:\n"
			       "  - {name: a, memory: 3GiB, lifetime: 5s, " BUSY "}\n"
			       "  - {name: big, memory: 2GiB, start: 1s, lifetime: 3s, " BUSY "}\n"
			       "  - {name: small, memory: 1GiB, start: 2s, " BUSY "}\n";

static void test_full_hosts_reject(void **unused)
{
	(void)unused;
	struct harness h;
	char *yaml = text_of("%s%s", HEAD("20s") HOST, full_vms);

	run_gives(&h, yaml,
		  "0 create a-0\n0 start a-0 h-0\n"
		  "1 create big-0\n1 full big-0\n1 reject big-0\n"
		  "2 create small-0\n2 start small-0 h-0\n5 destroy a-0 h-0\n");
	assert_state(&h, "big-0", "rejected");
	assert_true(summary(&h, "rejected") == 1 && summary(&h, "placed") == 2);
	harness_close(&h);
	free(yaml);
}

/* The line is strict: the small one fits and waits all the same. */
static void test_full_hosts_queue(void **unused)
{
	(void)unused;
	struct harness h;
	char *yaml = text_of("%swhen_full: queue\n%s", HEAD("20s") HOST, full_vms);

	run_gives(&h, yaml,
		  "0 create a-0\n0 start a-0 h-0\n"
		  "1 create big-0\n1 full big-0\n2 create small-0\n"
		  "5 destroy a-0 h-0\n5 start big-0 h-0\n5 start small-0 h-0\n"
		  "8 destroy big-0 h-0\n");
	assert_true(summary(&h, "rejected") == 0 && summary(&h, "placed") == 3);
	assert_near(vm_cell(&h, "big-0", "started_s"), 5, 1e-9);
	harness_close(&h);
	free(yaml);
}

/* Who is destroyed while it waits lets the next one through. */
static void test_destroyed_in_line(void **unused)
{
	(void)unused;
	struct harness h;
	char *yaml = text_of("%swhen_full: queue\n%sactions: {at: 3s, vm: big, do: destroy}\n",
			     HEAD("20s") HOST, full_vms);

	run_gives(&h, yaml,
		  "0 create a-0\n0 start a-0 h-0\n"
		  "1 create big-0\n1 full big-0\n2 create small-0\n"
		  "3 destroy big-0\n3 start small-0 h-0\n5 destroy a-0 h-0\n");
	assert_state(&h, "big-0", "done");
	harness_close(&h);
	free(yaml);
}

/* Working sets of 5 GiB at 3 s on 4 GiB of memory and half a GiB of swap. */
#define MEMORY                                                                       \
	"hosts:\n  - {name: h, cores: 4, speed: 1GHz, memory: 4GiB, swap: 512MiB,\n" \
	"     disks: {bandwidth: 100MB/s}}\n"                                        \
	"overcommit: {memory: 2}\nvms:\n"                                            \
	"  - {name: a, memory: 2GiB, ram: {floor: 2GiB},\n"                          \
	"     workload: {kind: constant, cpu: 50%, memory: 2GiB}}\n"                 \
	"  - {name: b, memory: 3GiB, start: 3s,\n"                                   \
	"     workload: {kind: constant, cpu: 50%, memory: 3GiB}}\n"

static void test_out_of_memory_destroys(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h, HEAD("10s") MEMORY,
		  "0 create a-0\n0 start a-0 h-0\n3 create b-0\n3 start b-0 h-0\n"
		  "3 oom b-0 h-0\n");
	assert_state(&h, "a-0", "running");
	assert_state(&h, "b-0", "oom");
	assert_true(summary(&h, "oom_kills") == 1);
	harness_close(&h);
	/* With room in the swap nobody is. */
	run_gives(&h, HEAD("10s") MEMORY "actions: {at: 1s, vm: a-0, do: destroy}\n",
		  "0 create a-0\n0 start a-0 h-0\n1 destroy a-0 h-0\n"
		  "3 create b-0\n3 start b-0 h-0\n");
	harness_close(&h);
}

/* Nobody but the swap wants the disk, which has all that it takes, or half of it. */
static void test_swapping_gets_the_disk(void **unused)
{
	(void)unused;
	static const char text[] =
		HEAD("10s") "hosts:\n  - {name: h, cores: 4, speed: 1GHz, memory: "
			    "4GiB, swap: 4GiB, disks: {bandwidth: %.0fB/s}}\n"
			    "overcommit: {memory: 2}\nvms:\n"
			    "  - {name: a, memory: 5GiB, workload: {kind: "
			    "constant, cpu: 50%%, memory: 5GiB}}\n";
	double bandwidth = 1e12, stalls[2];
	char yaml[1000];

	for (int i = 0; i < 2; i++) {
		struct harness h;
		snprintf(yaml, sizeof(yaml), text, bandwidth);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		double want = cell(&h, OUTPUT_VMS, "vm", "a-0", "disk_want_bytes_s");
		double grant = cell(&h, OUTPUT_VMS, "vm", "a-0", "disk_grant_bytes_s");
		stalls[i] = cell(&h, OUTPUT_VMS, "vm", "a-0", "stall_s");
		assert_true(want > 1e6);
		assert_near(grant, i == 0 ? want : bandwidth, 1e-6);
		bandwidth = want / 2;
		harness_close(&h);
	}
	assert_near(stalls[0], 0, 1e-9);
	assert_near(stalls[1], 5, 1e-6);
}

/* It comes back and is killed again as long as it does not fit. */
static void test_out_of_memory_restarts(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h, HEAD("10s") "oom: restart\n" MEMORY
				     "actions: {at: 6500ms, vm: a-0, do: destroy}\n");
	harness_run(&h, 0);
	size_t ooms = count_events(&h, "oom", "b-0");
	assert_true(ooms >= 1 && ooms <= 10);
	assert_true(summary(&h, "oom_kills") == (double)ooms);
	assert_int_equal(count_events(&h, "oom", NULL), ooms);
	assert_int_equal(count_events(&h, "start", "b-0"), ooms + 1);
	assert_int_equal(count_events(&h, "create", "b-0"), 1);
	assert_state(&h, "b-0", "running");
	assert_state(&h, "a-0", "done");
	harness_close(&h);
}

/* A host that fails at 4 s and is back at 6 s, again and again; its VM loses its work of 5 s. */
static void test_failure_waits_for_repair(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h,
		  HEAD("11s") "hosts:\n  - {name: h, cores: 1, speed: 1GHz, memory: 4GiB,\n"
			      "     time_to_failure: 4s, time_to_repair: 2s}\n"
			      "vms:\n  - {name: a, memory: 1GiB, " BUSY "}\n",
		  "0 create a-0\n0 start a-0 h-0\n4 fail h-0\n6 repair h-0\n6 start a-0 h-0\n"
		  "10 fail h-0\n");
	assert_near(summary(&h, "availability"), 8. / 11, 1e-8);
	assert_state(&h, "a-0", "waiting");
	assert_true(cell(&h, OUTPUT_HOSTS, "host", "h-0", "failures") == 2);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-0", "down_s"), 3, 1e-8);
	assert_true(summary(&h, "placed") == 1);
	harness_close(&h);
}

/* With another host to go to nobody waits, though who is new would be rejected. */
static void test_failure_moves_to_another(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(
		&h,
		HEAD("9s") "hosts:\n  - {name: h, cores: 2, speed: 1GHz, memory: 4GiB,\n"
			   "     time_to_failure: 4s, time_to_repair: 100s}\n"
			   "  - {name: g, cores: 2, speed: 1GHz, memory: 1GiB}\n"
			   "vms:\n  - {name: a, count: 2, memory: 1GiB, destroy_when_done: true,\n"
			   "     workload: {kind: batch, work: 4500ms}}\n",
		"0 create a-0\n0 start a-0 h-0\n0 create a-1\n0 start a-1 h-0\n"
		"4 fail h-0\n4 start a-0 g-0\n8.5 destroy a-0 g-0\n8.5 start a-1 g-0\n");
	assert_near(vm_cell(&h, "a-0", "ended_s"), 8.5, 1e-9);
	assert_state(&h, "a-1", "running");
	harness_close(&h);
}

static void test_done_and_destroyed(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h,
		  HEAD("10s") HOST
		  "when_full: queue\nvms:\n"
		  "  - {name: job, count: 3, memory: 2GiB, destroy_when_done: true,\n"
		  "     workload: {kind: batch, work: 2500ms}}\n"
		  "  - {name: stays, start: 5s, memory: 1GiB,\n"
		  "     workload: {kind: batch, work: 1s}}\n",
		  "0 create job-0\n0 start job-0 h-0\n0 create job-1\n0 start job-1 h-0\n"
		  "0 create job-2\n0 full job-2\n"
		  "2.5 destroy job-1 h-0\n2.5 destroy job-0 h-0\n2.5 start job-2 h-0\n"
		  "5 create stays-0\n5 start stays-0 h-0\n5 destroy job-2 h-0\n");
	assert_state(&h, "job-2", "done");
	assert_state(&h, "stays-0", "running");
	assert_near(cpu_used(&h, 2000 * 10), 1000 * 8.5, 1e-8);
	harness_close(&h);
}

static void test_arrivals(void **unused)
{
	(void)unused;
	struct harness h;

	/* At 1, 4, 7, ... 28 s; each for 4 s. */
	harness_open(&h, HEAD("30s") HOST "vms:\n"
					  "  - {name: a, start: 1s, memory: 1MiB, arrivals: 3s,\n"
					  "     lifetime: 4s, " BUSY "}\n"
					  "  - {name: b, count: 4, start: 2s, memory: 1MiB,\n"
					  "     arrivals: 5s, " BUSY "}\n"
					  "  - {name: never, start: 29999ms, memory: 1MiB, " BUSY
					  "}\n");
	harness_run(&h, 0);
	assert_int_equal(count_events(&h, "create", NULL), 15);
	assert_int_equal(count_events(&h, "start", NULL), 15);
	assert_int_equal(count_events(&h, "destroy", NULL), 9);
	assert_int_equal(count_events(&h, "create", "a-9"), 1);
	assert_int_equal(count_events(&h, "create", "b-3"), 1);
	assert_true(summary(&h, "vms") == 15);
	for (int i = 0; i < 9; i++) {
		char *name = text_of("a-%d", i);
		assert_near(vm_cell(&h, name, "created_s"), 1 + 3 * i, 1e-9);
		assert_near(vm_cell(&h, name, "ended_s"), 5 + 3 * i, 1e-9);
		free(name);
	}
	assert_state(&h, "a-8", "done");
	assert_state(&h, "a-9", "running");
	harness_close(&h);
}

/* An empty file with a name of its own, for tests that run at the same time. */
static void new_file(char *path)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Samples every 2 s: x at 0..4 s, y at 4..6 s. Each lives to a step after its last one. */
static void test_life_from_trace(void **unused)
{
	(void)unused;
	struct harness h;
	char path[] = "/tmp/cotenant-trace-XXXXXX";

	new_file(path);
	write_file(path, "time[s],vm,cpu[%]\n0,x,50\n2,x,50\n4,x,50\n4,y,100\n6,y,100\n");
	char *yaml = text_of("%svms:\n  - {name: a, memory: 1GiB, life_from_trace: true,\n"
			     "     workload: {kind: trace, path: %s}}\n",
			     HEAD("20s") HOST, path);
	run_gives(&h, yaml,
		  "0 create a-0\n0 start a-0 h-0\n4 create a-1\n4 start a-1 h-0\n"
		  "6 destroy a-0 h-0\n8 destroy a-1 h-0\n");
	assert_near(cpu_used(&h, 2000 * 20), 500 * 6 + 1000 * 4, 1e-8);
	harness_close(&h);
	unlink(path);
	free(yaml);
}

/* Placers see one host of each group in turn until the groups run out. */
static void test_hosts_alternate(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h,
		  HEAD("1s") "host_order: alternate\nhosts:\n"
			     "  - {name: a, count: 1, cores: 1, speed: 1GHz, memory: 4GiB}\n"
			     "  - {name: b, count: 3, cores: 1, speed: 1GHz, memory: 4GiB}\n"
			     "  - {name: c, count: 2, cores: 1, speed: 1GHz, memory: 4GiB}\n"
			     "vms:\n  - {name: v, count: 6, memory: 4GiB, " BUSY "}\n",
		  "0 create v-0\n0 start v-0 a-0\n"
		  "0 create v-1\n0 start v-1 b-0\n"
		  "0 create v-2\n0 start v-2 c-0\n"
		  "0 create v-3\n0 start v-3 b-1\n"
		  "0 create v-4\n0 start v-4 c-1\n"
		  "0 create v-5\n0 start v-5 b-2\n");
	harness_close(&h);
}

#define RACKS                                                                             \
	"hosts:\n  - {name: h, count: 4, rack: 2, cores: 1, speed: 1GHz, memory: 1GiB}\n" \
	"vms:\n  - {name: a, count: 2, memory: 1GiB, " BUSY "}\n"                         \
	"  - {name: b, count: 2, memory: 1GiB, priority: 5, " BUSY "}\n"

/* Both hosts of rack 0 go down at once, while h-1 is down for another reason, too. Who has priority
 * is first where there is room again. */
static void test_outages_of_racks(void **unused)
{
	(void)unused;
	struct harness h;
	char path[] = "/tmp/cotenant-outages-XXXXXX";

	new_file(path);
	char *yaml = text_of("%soutages: %s\nwhen_full: queue\n%s", HEAD("9s"), path, RACKS);

	write_file(path, "time_s,name,event\n5,h-rack-1,up\n3,h-1,down\n2,h-rack-1,down\n"
			 "4,h-rack-0,down\n6,h-rack-0,up\n7.5,h-1,up\n");
	run_gives(&h, yaml,
		  "0 create a-0\n0 start a-0 h-0\n0 create a-1\n0 start a-1 h-1\n"
		  "0 create b-0\n0 start b-0 h-2\n0 create b-1\n0 start b-1 h-3\n"
		  "2 fail h-2\n2 fail h-3\n3 fail h-1\n4 fail h-0\n"
		  "5 repair h-2\n5 repair h-3\n5 start b-0 h-2\n5 start b-1 h-3\n"
		  "6 repair h-0\n6 start a-1 h-0\n7.5 repair h-1\n7.5 start a-0 h-1\n");
	assert_near(vm_cell(&h, "a-0", "availability"), 5.5 / 9, 1e-8);
	assert_near(vm_cell(&h, "b-1", "availability"), 6. / 9, 1e-8);
	assert_near(summary(&h, "vm_availability"), (5.5 + 6 + 6 + 6) / 36, 1e-8);
	assert_near(cell(&h, OUTPUT_GROUPS, "group", "b", "availability"), 6. / 9, 1e-8);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-1", "down_s"), 4.5, 1e-8);
	harness_close(&h);
	free(yaml);
	unlink(path);
}

/* All at one moment, on different hosts: the order of restarts is by priority, then by id. */
static void test_restarts_by_priority(void **unused)
{
	(void)unused;
	struct harness h;
	char path[] = "/tmp/cotenant-outages-XXXXXX";

	new_file(path);
	char *yaml = text_of("%soutages: %s\n%s", HEAD("9s"), path, RACKS);

	write_file(path, "time_s,name,event\n2,h-0,down\n2,h-3,down\n2,h-2,down\n2,h-1,down\n"
			 "3,h-3,up\n4,h-0,up\n5,h-1,up\n6,h-2,up\n");
	run_gives(&h, yaml,
		  "0 create a-0\n0 start a-0 h-0\n0 create a-1\n0 start a-1 h-1\n"
		  "0 create b-0\n0 start b-0 h-2\n0 create b-1\n0 start b-1 h-3\n"
		  "2 fail h-0\n2 fail h-3\n2 fail h-2\n2 fail h-1\n"
		  "3 repair h-3\n3 start b-0 h-3\n4 repair h-0\n4 start b-1 h-0\n"
		  "5 repair h-1\n5 start a-0 h-1\n6 repair h-2\n6 start a-1 h-2\n");
	harness_close(&h);
	free(yaml);
	yaml = text_of("%soutages: %s\non_failure: lose\n%s", HEAD("4s"), path, RACKS);
	write_file(path, "time_s,name,event\n2,h-2,down\n");
	run_gives(&h, yaml,
		  "0 create a-0\n0 start a-0 h-0\n0 create a-1\n0 start a-1 h-1\n"
		  "0 create b-0\n0 start b-0 h-2\n0 create b-1\n0 start b-1 h-3\n"
		  "2 fail h-2\n2 lost b-0 h-2\n");
	assert_state(&h, "b-0", "lost");
	assert_true(summary(&h, "lost") == 1);
	assert_true(cell(&h, OUTPUT_GROUPS, "group", "b", "lost") == 1);
	assert_true(cell(&h, OUTPUT_GROUPS, "group", "a", "lost") == 0);
	harness_close(&h);
	free(yaml);
	unlink(path);
}

/* Racks fail by themselves every 4 s for 2 s; one repairer is at rack 0 first. */
static void test_one_repairer(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h,
		  HEAD("10s") "repairers: 1\nhosts:\n"
			      "  - {name: h, count: 3, rack: 2, cores: 1, speed: 1GHz, memory: "
			      "1GiB,\n"
			      "     rack_time_to_failure: 4s, rack_time_to_repair: 2s}\n"
			      "vms:\n  - {name: a, memory: 2GiB, " BUSY "}\n",
		  "0 create a-0\n0 full a-0\n0 reject a-0\n4 fail h-0\n4 fail h-1\n4 fail h-2\n"
		  "6 repair h-0\n6 repair h-1\n8 repair h-2\n");
	harness_close(&h);
}

static void test_bad_outages(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *says;
	} of[] = {
		{"", ":1:1: \"\" is not the header time_s,name,event"},
		{"time,what\n", ":1:1: \"time,what\" is not the header time_s,name,event"},
		{"time_s,name,event\n1,h-0,down\n2,h-4,down\n",
		 ":3:3: \"h-4\" is no host or rack (group-INDEX or group-rack-INDEX from 0)"},
		{"time_s,name,event\n1,h-rack-2,down\n", ":2:3: \"h-rack-2\" is no host or rack"},
		{"time_s,name,event\n1s,h-0,down\n",
		 ":2:1: \"1s\" is not a time in seconds from 0"},
		{"time_s,name,event\n1,h-0\n", ":2:1: \"1,h-0\" is not a row"},
		{"time_s,name,event\n1,h-00,down\n", ":2:3: \"h-00\" is no host or rack"},
		{"time_s,name,event\n1,h-0,fail\n", ":2:7: \"fail\" is neither down nor up"},
		{"time_s,name,event\n1,h-0,up\n", ":2:1: h-0 is up already"},
		{"time_s,name,event\n5,h-rack-1,down\n1,h-rack-1,down\n",
		 ":2:1: h-rack-1 is down already"},
	};
	char path[] = "/tmp/cotenant-outages-XXXXXX";

	new_file(path);
	for (size_t i = 0; i < COUNT(of); i++) {
		struct scenario *s = NULL;
		struct trace_set traces = {0};
		struct err err = {0};
		char *yaml = text_of("%soutages: %s\n%s", HEAD("9s"), path, RACKS);
		write_file(path, of[i].text);
		assert_int_equal(scenario_load_text(&s, "t", yaml, strlen(yaml), NULL, 0, &err), 0);
		assert_true(trace_set_load(s, &traces, &err) < 0);
		if (!strstr(err.text, of[i].says))
			fail_msg("%s\nexpected %s", err.text, of[i].says);
		trace_set_free(&traces);
		scenario_free(s);
		free(yaml);
	}
	unlink(path);
}

/* A trace has eight VMs, of which a group takes half: what is asked for and is not there is told where it
 * was written. */
static void test_traces_must_suffice(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *says; /* NULL: nothing */
		int64_t first, vms;
	} of[] = {
		{"count: 9,", "t:8:29: count: 9 VMs from number 0 on are asked of", 0, 0},
		{"count: 8, trace_first: 1,", "t:8:29: count: 8 VMs from number 1 on are asked of",
		 0, 0},
		{"trace_first: 8,", "t:8:29: trace_first: 1 VM from number 8 on is asked of", 0, 0},
		{"count: 8,", NULL, 0, 8},
		{"trace_first: 7,", NULL, 7, 1},
		{"trace_share: 1,", NULL, 4, 4},
		{"trace_share: 0.1,", NULL, 4, 1},
	};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct scenario *s = NULL;
		struct trace_set traces = {0};
		struct err err = {0};
		char *yaml = text_of("%svms:\n"
				     "  - {name: half, memory: 1GiB, trace_share: 0.5, workload: "
				     "&w {kind: trace, "
				     "path: scenarios/traces/morning.csv}}\n"
				     "  - {name: b, memory: 1GiB, %s workload: *w}\n",
				     HEAD("9s") HOST, of[i].text);
		if (scenario_load_text(&s, "t", yaml, strlen(yaml), NULL, 0, &err) < 0)
			fail_msg("%s", err.text);
		int rc = trace_set_load(s, &traces, &err);
		assert_int_equal(rc < 0, of[i].says != NULL);
		if (of[i].says && (!strstr(err.text, of[i].says) ||
				   !strstr(err.text, "morning.csv, which has 8")))
			fail_msg("%s\nexpected %s", err.text, of[i].says);
		if (!of[i].says) {
			struct trace_part part = trace_set_part(s, &traces, 1);
			assert_int_equal(part.first, of[i].first);
			assert_int_equal(part.vms, of[i].vms);
		}
		trace_set_free(&traces);
		scenario_free(s);
		free(yaml);
	}
}

/* What groups.csv counts: two of three fit at once, the third in 5 s, and the large one never. */
static void test_groups_are_counted(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h, HEAD("20s") HOST
		     "when_full: queue\nvms:\n"
		     "  - {name: a, count: 3, memory: 2GiB, lifetime: 5s, " BUSY "}\n"
		     "  - {name: big, memory: 8GiB, start: 1s, " BUSY "}\n"
		     "  - {name: w, count: 2, memory: 4GiB, start: 6s, " BUSY "}\n");
	harness_run(&h, 0);
	static const struct {
		const char *group, *column;
		double value;
	} want[] = {
		{"a", "created", 3},    {"a", "placed", 3},   {"a", "waited", 1},
		{"a", "wait_max_s", 5}, {"a", "waiting", 0},  {"a", "wait_mean_s", 5. / 3},
		{"big", "rejected", 1}, {"big", "placed", 0}, {"w", "placed", 1},
		{"w", "waited", 1},     {"w", "waiting", 1},  {"w", "wait_max_s", 4},
	};
	for (size_t i = 0; i < COUNT(want); i++)
		assert_near(cell(&h, OUTPUT_GROUPS, "group", want[i].group, want[i].column),
			    want[i].value, 1e-8);
	harness_close(&h);
}

/* Sizes, lives and average CPU from a table of VMs; the one of 64 GiB fits nowhere. */
static void test_lives_of_a_table(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(
		&h,
		"tick: 300s\nduration: 3000s\noutput: {events: true}\n"
		"hosts: {name: h, cores: 8, speed: 1GHz, memory: 16GiB}\n"
		"vms: {name: v, memory: 1GiB, size_from_trace: true, life_from_trace: true,\n"
		"  workload: {kind: trace, path: tests/data/traces/azure.csv}}\n"
		"overcommit: {cpu: 1}\n",
		"0 create v-0\n0 start v-0 h-0\n300 create v-1\n300 start v-1 h-0\n"
		"600 create v-2\n600 full v-2\n600 reject v-2\n"
		"600 create v-3\n600 start v-3 h-0\n900 destroy v-3 h-0\n"
		"900 create v-4\n900 start v-4 h-0\n1500 destroy v-1 h-0\n2100 destroy v-4 h-0\n");
	assert_near(vm_cell(&h, "v-0", "cpu_grant_mhz"), 35, 1e-6);
	assert_near(vm_cell(&h, "v-1", "cpu_grant_mhz"), 800, 1e-6);
	assert_near(vm_cell(&h, "v-4", "cpu_grant_mhz"), 2000, 1e-6);
	assert_near(vm_cell(&h, "v-4", "running_s"), 1200, 1e-9);
	assert_true(cell(&h, OUTPUT_GROUPS, "group", "v", "rejected") == 1);
	harness_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_actions_on_a_group),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_resize_of_demand),
		cmocka_unit_test(test_resize_of_a_station),
		cmocka_unit_test(test_threads_on_other_cores),
		cmocka_unit_test(test_threads_that_move),
		cmocka_unit_test(test_resize_of_floors),
		cmocka_unit_test(test_full_hosts_reject),
		cmocka_unit_test(test_full_hosts_queue),
		cmocka_unit_test(test_destroyed_in_line),
		cmocka_unit_test(test_out_of_memory_destroys),
		cmocka_unit_test(test_swapping_gets_the_disk),
		cmocka_unit_test(test_out_of_memory_restarts),
		cmocka_unit_test(test_failure_waits_for_repair),
		cmocka_unit_test(test_failure_moves_to_another),
		cmocka_unit_test(test_done_and_destroyed),
		cmocka_unit_test(test_arrivals),
		cmocka_unit_test(test_life_from_trace),
		cmocka_unit_test(test_hosts_alternate),
		cmocka_unit_test(test_outages_of_racks),
		cmocka_unit_test(test_restarts_by_priority),
		cmocka_unit_test(test_one_repairer),
		cmocka_unit_test(test_bad_outages),
		cmocka_unit_test(test_traces_must_suffice),
		cmocka_unit_test(test_groups_are_counted),
		cmocka_unit_test(test_lives_of_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
