/*
 * Migrations in whole scenarios: who is where when, what it costs, and what becomes of it when hosts fail
 * or VMs end meanwhile. Expected numbers are worked out by hand; a second of copying is 125 MB unless a
 * test says otherwise.
 */
#include "tests/harness.h"

#include <errno.h>

#define HEAD(DURATION) "tick: 1s\nduration: " DURATION "\noutput: {events: true}\n"
#define HOSTS          "hosts:\n  - {name: h, count: 3, cores: 2, speed: 1GHz, memory: 4GB}\n"
#define HALF           "workload: {kind: constant, cpu: 50%}"
#define FULL           "workload: {kind: constant, cpu: 100%}"
/* 1 GB takes 8 s, what is dirty then 1 s, and the rest an eighth of a second while the VM is down. */
#define PRE                                                                     \
	"migration:\n  method: {kind: pre-copy, threshold: 20MB, resume: 0s}\n" \
	"  dirty_rate: 15.625MB/s\n  slowdown: 0%\n  cores: 0\n"
/* Down for a second, then 8 s in which the memory follows. */
#define POST                                                                      \
	"migration:\n  method: {kind: post-copy, state: 62.5MB, resume: 500ms}\n" \
	"  slowdown: 0%\n  cores: 0\n"
#define VM "vms:\n  - {name: v, memory: 1GB, " HALF "}\n"

/* Events of migrations, failures, starts and ends, as "12 migrate v-0 h-1: why", one a line. */
static void events_of(struct harness *h, char *buf, size_t size)
{
	const struct csv_table *t = harness_table(h, OUTPUT_EVENTS);
	size_t at = 0, c_reason = column_of(t, "reason"), c_event = column_of(t, "event");

	buf[0] = '\0';
	for (size_t row = 0; row < t->nrows; row++) {
		const char **cell = t->cell + row * t->ncols;
		if (strcmp(cell[c_event], "create") == 0 ||
		    strcmp(cell[c_event], "migrate-round") == 0)
			continue;
		at += (size_t)snprintf(buf + at, size - at, "%s %s", cell[column_of(t, "time_s")],
				       cell[c_event]);
		for (int k = 0; k < 2; k++) {
			const char *name = cell[column_of(t, k ? "host" : "vm")];
			at += (size_t)snprintf(buf + at, size - at, *name ? " %s" : "%s", name);
		}
		const char *why = cell[c_reason];
		at += (size_t)snprintf(buf + at, size - at, *why ? ": %s\n" : "%s\n", why);
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
		fail_msg("events:\n%sexpected:\n%s\n%s", buf, events, yaml);
}

static void only_events(const char *yaml, const char *events)
{
	struct harness h;

	run_gives(&h, yaml, events);
	harness_close(&h);
}

#define TO_1 "actions: {at: 2s, vm: v-0, do: migrate, to: h-1}\n"

static void test_methods(void **unused)
{
	(void)unused;
	struct harness h;

	run_gives(&h, HEAD("20s") HOSTS VM PRE TO_1,
		  "0 start v-0 h-0\n2 migrate v-0 h-1\n11 migrate-down v-0 h-0\n"
		  "11.125 migrate-end v-0 h-1\n");
	assert_near(vm_cell(&h, "v-0", "downtime_s"), 0.125, 1e-8);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-0", "vms_mean"), 11.125 / 20, 1e-8);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-1", "vms_mean"), 8.875 / 20, 1e-8);
	harness_close(&h);
	run_gives(&h, HEAD("20s") HOSTS VM POST TO_1,
		  "0 start v-0 h-0\n2 migrate v-0 h-1\n2 migrate-down v-0 h-0\n"
		  "3 migrate-resume v-0 h-1\n11 migrate-end v-0 h-1\n");
	assert_near(vm_cell(&h, "v-0", "downtime_s"), 1, 1e-8);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-0", "vms_mean"), 3.0 / 20, 1e-8);
	harness_close(&h);
}

/* Actions on VMs that cannot move there say why; on those that do not run they are nothing. */
static void test_refusals(void **unused)
{
	(void)unused;
	only_events(HEAD("20s") "hosts:\n"
				"  - {name: h, count: 2, cores: 2, speed: 1GHz, memory: 4GB}\n"
				"  - {name: g, cores: 2, speed: 1GHz, memory: 4GB, labels: gpu}\n"
				"vms:\n  - {name: x, memory: 1GB, hosts: gpu, " HALF "}\n"
				"  - {name: v, memory: 1GB, " HALF "}\n"
				"  - {name: w, memory: 3.5GB, " HALF "}\n" PRE
				"actions:\n  - {at: 1s, vm: w, do: migrate}\n"
				"  - {at: 2s, vm: v, do: migrate, to: h-0}\n"
				"  - {at: 2s, vm: v, do: migrate, to: h-1}\n"
				"  - {at: 2s, vm: v, do: migrate, to: g-0}\n"
				"  - {at: 3s, vm: v, do: migrate, to: h-0}\n"
				"  - {at: 3s, vm: x, do: migrate, to: h-0}\n"
				"  - {at: 4s, vm: w, do: stop}\n"
				"  - {at: 5s, vm: w, do: migrate}\n",
		    "0 start x-0 g-0\n0 start v-0 h-0\n0 start w-0 h-1\n"
		    "1 migrate-refused w-0: room\n"
		    "2 migrate-refused v-0 h-0: there already\n"
		    "2 migrate-refused v-0 h-1: room\n"
		    "2 migrate v-0 g-0\n"
		    "3 migrate-refused v-0: moving already\n"
		    "3 migrate-refused x-0 h-0: labels\n"
		    "4 stop w-0 h-1\n"
		    "11 migrate-down v-0 h-0\n11.125 migrate-end v-0 g-0\n");
}

/* While it moves a VM is in both places for a rule. Where no host is named the placer looks for one. */
static void test_rules(void **unused)
{
	(void)unused;
	only_events(HEAD("20s") HOSTS "vms:\n  - {name: v, count: 2, memory: 1GB, " HALF "}\n" PRE
				      "rules: {name: far, vms: v, keep: apart}\n"
				      "actions:\n  - {at: 1s, vm: v-0, do: migrate, to: h-1}\n"
				      "  - {at: 2s, vm: v-0, do: migrate}\n"
				      "  - {at: 3s, vm: v-1, do: migrate}\n"
				      "  - {at: 12s, vm: v-1, do: migrate}\n",
		    "0 start v-0 h-0\n0 start v-1 h-1\n"
		    "1 migrate-refused v-0 h-1: far\n"
		    "2 migrate v-0 h-2\n"
		    "3 migrate-refused v-1: far\n"
		    "11 migrate-down v-0 h-0\n11.125 migrate-end v-0 h-2\n"
		    "12 migrate v-1 h-0\n");
	/* Of two that are to be together none can leave alone; one that is alone can. */
	only_events(HEAD("20s") HOSTS "vms:\n  - {name: v, count: 2, memory: 1GB, " HALF "}\n" PRE
				      "rules: {name: near, vms: v, keep: together}\n"
				      "actions:\n  - {at: 1s, vm: v-0, do: migrate}\n"
				      "  - {at: 2s, vm: v-0, do: destroy}\n"
				      "  - {at: 3s, vm: v-1, do: migrate}\n"
				      "  - {at: 5s, vm: v-1, do: stop}\n"
				      "  - {at: 6s, vm: v-1, do: start}\n"
				      "  - {at: 6s, vm: v-1, do: migrate}\n",
		    "0 start v-0 h-0\n0 start v-1 h-0\n"
		    "1 migrate-refused v-0: near\n2 destroy v-0 h-0\n"
		    "3 migrate v-1 h-1\n5 migrate-undone v-1 h-0: stopped\n5 stop v-1 h-0\n"
		    "6 start v-1 h-0\n6 migrate v-1 h-1\n"
		    "15 migrate-down v-1 h-0\n15.125 migrate-end v-1 h-1\n");
}

#define FAILING(A, B, C)                                                   \
	"hosts:\n  - {name: a, cores: 2, speed: 1GHz, memory: 4GB" A "}\n" \
	"  - {name: b, cores: 2, speed: 1GHz, memory: 4GB" B "}\n"         \
	"  - {name: c, cores: 2, speed: 1GHz, memory: 4GB" C "}\n"
#define AT_5   ", time_to_failure: 5s, time_to_repair: 100s"
#define AT_2_5 ", time_to_failure: 2.5s, time_to_repair: 100s"
#define TO_B   "actions: {at: 2s, vm: v-0, do: migrate, to: b-0}\n"

static void test_target_fails(void **unused)
{
	(void)unused;
	struct harness h;

	/* The VM goes on at the source, and gets all that it wants there. */
	run_gives(&h, HEAD("20s") FAILING("", AT_5, "") VM PRE TO_B,
		  "0 start v-0 a-0\n2 migrate v-0 b-0\n5 fail b-0\n"
		  "5 migrate-undone v-0 a-0: target failed\n");
	assert_true(summary(&h, "cpu_shortfall") == 0 && summary(&h, "downtime_s") == 0);
	assert_true(summary(&h, "migrations") == 1 && summary(&h, "migrations_undone") == 1);
	harness_close(&h);
	/* Also if it was down already: it was for half a second. */
	run_gives(&h, HEAD("20s") FAILING("", AT_2_5, "") VM POST TO_B,
		  "0 start v-0 a-0\n2 migrate v-0 b-0\n2 migrate-down v-0 a-0\n2.5 fail b-0\n"
		  "2.5 migrate-undone v-0 a-0: target failed\n");
	assert_near(vm_cell(&h, "v-0", "downtime_s"), 0.5, 1e-9);
	assert_near(summary(&h, "cpu_shortfall"), 0.5 / 20, 1e-8);
	harness_close(&h);
	/* After the switch it fails with the target. */
	only_events(HEAD("20s") FAILING("", AT_5, "") VM POST TO_B,
		    "0 start v-0 a-0\n2 migrate v-0 b-0\n2 migrate-down v-0 a-0\n"
		    "3 migrate-resume v-0 b-0\n5 fail b-0\n"
		    "5 migrate-undone v-0 b-0: target failed\n5 start v-0 a-0\n");
}

static void test_source_fails(void **unused)
{
	(void)unused;
	only_events(HEAD("20s") FAILING(AT_5, "", "") VM PRE TO_B,
		    "0 start v-0 a-0\n2 migrate v-0 b-0\n5 fail a-0\n"
		    "5 migrate-undone v-0 a-0: source failed\n5 start v-0 b-0\n");
	only_events(HEAD("20s") "on_failure: lose\n" FAILING(AT_5, "", "") VM PRE TO_B,
		    "0 start v-0 a-0\n2 migrate v-0 b-0\n5 fail a-0\n"
		    "5 migrate-undone v-0 a-0: source failed\n5 lost v-0 a-0\n");
	/* Its memory is still there, though it runs elsewhere. */
	only_events(HEAD("20s") "on_failure: lose\n" FAILING(AT_5, "", "") VM POST TO_B,
		    "0 start v-0 a-0\n2 migrate v-0 b-0\n2 migrate-down v-0 a-0\n"
		    "3 migrate-resume v-0 b-0\n5 fail a-0\n"
		    "5 migrate-undone v-0 b-0: source failed\n5 lost v-0 b-0\n");
	only_events(HEAD("20s") FAILING(AT_5, "", "") VM POST TO_B,
		    "0 start v-0 a-0\n2 migrate v-0 b-0\n2 migrate-down v-0 a-0\n"
		    "3 migrate-resume v-0 b-0\n5 fail a-0\n"
		    "5 migrate-undone v-0 b-0: source failed\n5 start v-0 b-0\n");
}

/* Several move from and to a host that fails; those that have nothing to do with it go on. */
static void test_host_fails_with_many(void **unused)
{
	(void)unused;
	only_events(HEAD("30s") FAILING("", AT_5,
					"") "vms:\n"
					    "  - {name: v, count: 3, memory: 1GB, " HALF "}\n"
					    "on_failure: lose\npolicies: {placer: worst-fit}\n"
					    "migration: {dirty_rate: 0MB/s, cores: 0}\n"
					    "actions:\n"
					    "  - {at: 1s, vm: v-0, do: migrate, to: b-0}\n"
					    "  - {at: 1s, vm: v-1, do: migrate, to: c-0}\n"
					    "  - {at: 1s, vm: v-2, do: migrate, to: a-0}\n",
		    "0 start v-0 a-0\n0 start v-1 b-0\n0 start v-2 c-0\n"
		    "1 migrate v-0 b-0\n1 migrate v-1 c-0\n1 migrate v-2 a-0\n"
		    "5 fail b-0\n5 migrate-undone v-1 b-0: source failed\n"
		    "5 migrate-undone v-0 a-0: target failed\n5 lost v-1 b-0\n"
		    "9 migrate-down v-2 c-0\n9.02 migrate-end v-2 a-0\n");
}

static void test_vm_ends(void **unused)
{
	(void)unused;
	only_events(HEAD("20s") HOSTS VM PRE "actions:\n  - {at: 2s, vm: v, do: migrate, to: h-1}\n"
					     "  - {at: 4s, vm: v, do: resize, memory: 2GB}\n"
					     "  - {at: 11.0625s, vm: v, do: destroy}\n",
		    "0 start v-0 h-0\n2 migrate v-0 h-1\n4 resize-refused v-0 h-0: moving\n"
		    "11 migrate-down v-0 h-0\n11.0625 migrate-undone v-0 h-0: ended\n"
		    "11.0625 destroy v-0 h-0\n");
}

/* A paused VM writes nothing: two seconds of eight, so rounds are 8 s, 0.75 s and 0.09375 s. */
static void test_pause(void **unused)
{
	(void)unused;
	only_events(HEAD("20s") HOSTS VM PRE "actions:\n  - {at: 2s, vm: v, do: migrate, to: h-1}\n"
					     "  - {at: 3s, vm: v, do: pause}\n"
					     "  - {at: 5s, vm: v, do: resume}\n",
		    "0 start v-0 h-0\n2 migrate v-0 h-1\n3 pause v-0 h-0\n5 resume v-0 h-0\n"
		    "10.75 migrate-down v-0 h-0\n10.84375 migrate-end v-0 h-1\n");
	/* It can move while it is paused, too. */
	only_events(HEAD("20s") HOSTS VM PRE "actions:\n  - {at: 1s, vm: v, do: pause}\n"
					     "  - {at: 2s, vm: v, do: migrate, to: h-1}\n"
					     "  - {at: 12s, vm: v, do: resume}\n",
		    "0 start v-0 h-0\n1 pause v-0 h-0\n2 migrate v-0 h-1\n10 migrate-down v-0 h-0\n"
		    "10 migrate-end v-0 h-1\n12 resume v-0 h-1\n");
}

/* Room at the target is taken from the beginning, that at the source is free at the end. */
static void test_room(void **unused)
{
	(void)unused;
#define TWO "hosts: {name: h, count: 2, cores: 4, speed: 1GHz, memory: 4GB}\n"
#define BIG "  - {name: big, memory: 3.5GB, start: 5s, " HALF "}\n"
	only_events(
		HEAD("20s") TWO "when_full: queue\n" VM BIG PRE TO_1,
		"0 start v-0 h-0\n2 migrate v-0 h-1\n5 full big-0: room\n"
		"11 migrate-down v-0 h-0\n11.125 migrate-end v-0 h-1\n11.125 start big-0 h-0\n");
	/* Guarantees count, too: both have a floor of three of four cores. */
	only_events(HEAD("20s") TWO
		    "when_full: queue\nvms:\n"
		    "  - {name: v, vcpus: 4, memory: 1GB, cpu: {floor: 3 cores}, " HALF "}\n"
		    "  - {name: w, vcpus: 4, memory: 1GB, cpu: {floor: 3 cores},\n"
		    "     start: 5s, " HALF "}\n" PRE TO_1,
		    "0 start v-0 h-0\n2 migrate v-0 h-1\n5 full w-0: room\n"
		    "11 migrate-down v-0 h-0\n11.125 migrate-end v-0 h-1\n11.125 start w-0 h-0\n");
}

/* What copying costs others for 9.125 s: a GB at the target, of which half is free there. */
static void test_memory_is_taken(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h,
		     HEAD("20s") "hosts:\n"
				 "  - {name: h, count: 3, cores: 2, speed: 1GHz, memory: 4GB,\n"
				 "     disks: {bandwidth: 100MB/s}}\n"
				 "overcommit: {memory: 150%}\npolicies: {placer: worst-fit}\n"
				 "vms:\n  - {name: v, memory: 1GB, workload: {kind: constant, cpu: "
				 "0%}}\n"
				 "  - {name: w, memory: 3.5GB,\n"
				 "     workload: {kind: constant, cpu: 100%, memory: 3.5GB}}\n" PRE
					 TO_1);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "w-0", "mem_shortfall"), 0.5 * 9.125 / (3.5 * 20), 1e-7);
	assert_true(summary(&h, "stall_s") > 0);
	harness_close(&h);
}

/* And 0.3 cores of 2 at either end, which draw power: 15 % of the 100 W above idle at the source. */
static void test_cores_are_taken(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h, HEAD("20s") "hosts:\n"
				     "  - {name: h, count: 3, cores: 2, speed: 1GHz, memory: 4GB,\n"
				     "     power: {kind: linear, idle: 100W, max: 200W}}\n"
				     "policies: {placer: worst-fit}\n"
				     "vms:\n  - {name: v, memory: 1GB, workload: {kind: constant, "
				     "cpu: 0%}}\n"
				     "  - {name: w, memory: 1GB, vcpus: 2, " FULL "}\n"
				     "migration:\n"
				     "  method: {kind: pre-copy, threshold: 20MB, resume: 0s}\n"
				     "  dirty_rate: 15.625MB/s\n" TO_1);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "w-0", "cpu_shortfall"), 0.3 * 9.125 / (2 * 20), 1e-8);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-1", "energy_kwh"), 200 * 20 / 3.6e6, 1e-8);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-0", "energy_kwh"),
		    (100 * 20 + 15 * 9.125) / 3.6e6, 1e-8);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-1", "overload"), 9.125 / 20, 1e-8);
	harness_close(&h);
}

#define CHECK_CPU(H, VM, LOST, TIME, WANT) \
	assert_near(vm_cell(H, VM, "cpu_shortfall"), (LOST) / ((TIME) * (WANT)), 1e-8)

/* What it costs the VM: a tenth of what it wants for 9 s, and all for an eighth of a second. */
static void test_vm_loses(void **unused)
{
	(void)unused;
	struct harness h;
#define SLOW                                                                    \
	"migration:\n  method: {kind: pre-copy, threshold: 20MB, resume: 0s}\n" \
	"  dirty_rate: 15.625MB/s\n  slowdown: 10%\n  cores: 0\n"

	run_gives(&h, HEAD("20s") HOSTS VM SLOW TO_1,
		  "0 start v-0 h-0\n2 migrate v-0 h-1\n11 migrate-down v-0 h-0\n"
		  "11.125 migrate-end v-0 h-1\n");
	double lost = 50 * 9 + 500 * .125;
	CHECK_CPU(&h, "v-0", lost, 20, 500);
	assert_near(vm_cell(&h, "v-0", "pdm"), lost / (20 * 500), 1e-8);
	assert_near(summary(&h, "pdm"), lost / (20 * 500), 1e-8);
	assert_near(vm_cell(&h, "v-0", "steal_s"), lost / 1000, 1e-8);
	assert_near(summary(&h, "steal_s"), lost / 1000, 1e-8);
	assert_true(vm_cell(&h, "v-0", "migrations") == 1);
	/* Nobody was unfair to it. */
	assert_near(vm_cell(&h, "v-0", "cpu_entitled"), 1, 1e-9);
	assert_near(summary(&h, "worst"), 1, 1e-9);
	harness_close(&h);
}

/* Steal is in units of each host's own speed: 1 GHz at first, then 2 GHz, where v gets a quarter. */
static void test_unlike_hosts(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h,
		     HEAD("20s") "hosts:\n  - {name: h, cores: 2, speed: 1GHz, memory: 4GB}\n"
				 "  - {name: g, cores: 1, speed: 2GHz, memory: 4GB, labels: g}\n"
				 "vms:\n  - {name: v, memory: 1GB, " FULL "}\n"
				 "  - {name: w, memory: 1GB, hosts: g, cpu: {weight: 3},\n"
				 "     workload: {kind: constant, cpu: 2000MHz}}\n" SLOW
				 "actions: {at: 2s, vm: v, do: migrate, to: g-0}\n");
	harness_run(&h, 0);
	double lost_there = 500 * 8.875;
	assert_near(vm_cell(&h, "v-0", "steal_s"), .9 + .125 + lost_there / 2000, 1e-8);
	CHECK_CPU(&h, "v-0", 900 + 125 + lost_there, 20, 1000);
	assert_near(vm_cell(&h, "v-0", "running_s"), 20, 1e-9);
	assert_near(vm_cell(&h, "v-0", "availability"), 1, 1e-9);
	assert_near(vm_cell(&h, "w-0", "steal_s"), lost_there / 2000, 1e-8);
	harness_close(&h);
}

/* Work goes along: 12 s of it are done 0.9 s late for the copying and 0.125 s for the stop. */
static void test_work_goes_on(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h,
		     HEAD("20s") HOSTS "vms:\n  - {name: v, memory: 1GB, destroy_when_done: true,\n"
				       "     workload: {kind: batch, work: 12s}}\n" SLOW TO_1);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "v-0", "ended_s"), 12 + 0.9 + 0.125, 1e-9);
	assert_near(vm_cell(&h, "v-0", "work_core_s"), 12, 1e-8);
	harness_close(&h);
}

/* Disks are as fast as before where the VM runs, and not used while it is down. */
static void test_disk(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(
		&h,
		HEAD("20s") "hosts:\n  - {name: h, count: 2, cores: 2, speed: 1GHz, memory: 4GB,\n"
			    "     disks: {bandwidth: 100MB/s}}\n"
			    "vms:\n  - {name: v, memory: 1GB,\n"
			    "     workload: {kind: constant, cpu: 50%, bandwidth: 40MB/s}}\n" SLOW
				    TO_1);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "v-0", "disk_shortfall"), 0.125 / 20, 1e-8);
	harness_close(&h);
}

/* Writes in proportion to CPU: 31.25 MB/s at full use. From 6 s on v gets half of the half core. */
static void test_dirty_by_cpu(void **unused)
{
	(void)unused;
#define BY_CPU                                                                  \
	"migration:\n  method: {kind: pre-copy, threshold: 20MB, resume: 0s}\n" \
	"  dirty_rate: 31.25MB/s\n  dirty_by: cpu\n  slowdown: 0%\n  cores: 0\n"
	only_events(HEAD("20s") HOSTS VM BY_CPU TO_1,
		    "0 start v-0 h-0\n2 migrate v-0 h-1\n11 migrate-down v-0 h-0\n"
		    "11.125 migrate-end v-0 h-1\n");
	only_events(HEAD("20s") HOSTS VM "  - {name: w, vcpus: 2, memory: 1GB, start: 6s,\n"
					 "     cpu: {weight: 7}, " FULL "}\n" BY_CPU TO_1,
		    "0 start v-0 h-0\n2 migrate v-0 h-1\n6 start w-0 h-0\n"
		    "10.75 migrate-down v-0 h-0\n10.796875 migrate-end v-0 h-1\n");
	/* 3.125 % of a GB a second is the same. */
	only_events(HEAD("20s") HOSTS VM
		    "migration:\n  method: {kind: pre-copy, threshold: 20MB, resume: 0s}\n"
		    "  dirty_share: 3.125%\n  dirty_by: cpu\n  slowdown: 0%\n  cores: 0\n" TO_1,
		    "0 start v-0 h-0\n2 migrate v-0 h-1\n11 migrate-down v-0 h-0\n"
		    "11.125 migrate-end v-0 h-1\n");
}

/* One group writes at a rate of its own. */
static void test_dirty_by_group(void **unused)
{
	(void)unused;
	only_events(HEAD("30s") HOSTS "vms:\n  - {name: v, memory: 1GB, " HALF "}\n"
				      "  - {name: w, memory: 1GB, dirty_rate: 0MB/s, " HALF
				      "}\n" PRE
				      "actions:\n  - {at: 2s, vm: v, do: migrate, to: h-1}\n"
				      "  - {at: 12s, vm: w, do: migrate, to: h-1}\n",
		    "0 start v-0 h-0\n0 start w-0 h-0\n2 migrate v-0 h-1\n11 migrate-down v-0 h-0\n"
		    "11.125 migrate-end v-0 h-1\n12 migrate w-0 h-1\n20 migrate-down w-0 h-0\n"
		    "20 migrate-end w-0 h-1\n");
}

/* Only the half of the memory that is in use is copied. */
static void test_resident(void **unused)
{
	(void)unused;
	only_events(HEAD("20s") HOSTS
		    "vms:\n  - {name: v, memory: 1GB,\n"
		    "     workload: {kind: constant, cpu: 50%, memory: 500MB}}\n" PRE
		    "  copies: resident\n" TO_1,
		    "0 start v-0 h-0\n2 migrate v-0 h-1\n6.5 migrate-down v-0 h-0\n"
		    "6.5625 migrate-end v-0 h-1\n");
}

/* Random writes: of 1000 MB, 1000 (1 - exp(-t/10)) are dirty after t seconds of 100 MB/s. */
static void test_random_writes(void **unused)
{
	(void)unused;
	struct harness h;
	double dirty = 1000, end = 2;

	harness_open(&h, HEAD("200s") HOSTS VM "migration:\n  method: {kind: pre-copy, threshold: "
					       "300MB, max_sent: none, resume: 0s}\n"
					       "  dirty_rate: 100MB/s\n  writes: random\n" TO_1);
	harness_run(&h, 0);
	do {
		end += dirty / 125;
		dirty = 1000 * (1 - exp(-dirty / 125 / 10));
	} while (dirty > 300);
	assert_near(summary(&h, "migration_s"), end + dirty / 125 - 2, 1e-8);
	assert_near(summary(&h, "downtime_s"), dirty / 125, 1e-8);
	harness_close(&h);
}

/* Links as fast as hosts' networks, and half of it. */
static void test_links(void **unused)
{
	(void)unused;
	only_events(
		HEAD("30s") "hosts:\n"
			    "  - {name: a, cores: 2, speed: 1GHz, memory: 4GB, network: "
			    "500Mbit/s}\n"
			    "  - {name: b, cores: 2, speed: 1GHz, memory: 4GB, network: "
			    "1500Mbit/s}\n"
			    "  - {name: c, cores: 2, speed: 1GHz, memory: 4GB, network: 10Gbit/s}\n"
			    "policies: {placer: worst-fit}\n"
			    "vms:\n  - {name: v, count: 3, memory: 1GB, " HALF "}\n"
			    "migration:\n  method: {kind: pre-copy, resume: 0s}\n"
			    "  dirty_rate: 0MB/s\n"
			    "actions:\n  - {at: 1s, vm: v-0, do: migrate, to: b-0}\n"
			    "  - {at: 1s, vm: v-2, do: migrate, to: b-0}\n",
		"0 start v-0 a-0\n0 start v-1 b-0\n0 start v-2 c-0\n"
		"1 migrate v-0 b-0\n1 migrate v-2 b-0\n"
		"9 migrate-down v-2 c-0\n9 migrate-end v-2 b-0\n"
		"17 migrate-down v-0 a-0\n17 migrate-end v-0 b-0\n");
	/* The second one comes when the first is half done: 4 s alone, 8 s together, 4 s alone. */
	only_events(HEAD("30s") HOSTS "vms:\n  - {name: v, count: 2, memory: 1GB, " HALF "}\n"
				      "migration:\n  method: {kind: stop-and-copy, resume: 0s}\n"
				      "actions:\n  - {at: 1s, vm: v-0, do: migrate, to: h-1}\n"
				      "  - {at: 5s, vm: v-1, do: migrate, to: h-2}\n",
		    "0 start v-0 h-0\n0 start v-1 h-0\n"
		    "1 migrate v-0 h-1\n1 migrate-down v-0 h-0\n"
		    "5 migrate v-1 h-2\n5 migrate-down v-1 h-0\n"
		    "13 migrate-end v-0 h-1\n17 migrate-end v-1 h-2\n");
	/* One sends and receives at the same time. */
	only_events(HEAD("30s") HOSTS "vms:\n  - {name: v, count: 2, memory: 1GB, " HALF "}\n"
				      "policies: {placer: worst-fit}\n"
				      "migration:\n  method: {kind: stop-and-copy, resume: 0s}\n"
				      "  share: 50%\n"
				      "actions:\n  - {at: 1s, vm: v-0, do: migrate, to: h-1}\n"
				      "  - {at: 1s, vm: v-1, do: migrate, to: h-0}\n",
		    "0 start v-0 h-0\n0 start v-1 h-1\n"
		    "1 migrate v-0 h-1\n1 migrate-down v-0 h-0\n"
		    "1 migrate v-1 h-0\n1 migrate-down v-1 h-1\n"
		    "17 migrate-end v-0 h-1\n17 migrate-end v-1 h-0\n");
}

/* G5: 100, 0, 50 and 0 MHz s lost of 20000, 10000, 25000 and 40000 are 0.00175. */
static void test_pdm(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h, HEAD("100s") HOSTS
		     "vms:\n"
		     "  - {name: a, memory: 62.5MB, workload: {kind: constant, cpu: 200MHz}}\n"
		     "  - {name: b, memory: 1MB, workload: {kind: constant, cpu: 100MHz}}\n"
		     "  - {name: c, memory: 25MB, workload: {kind: constant, cpu: 250MHz}}\n"
		     "  - {name: d, memory: 1MB, workload: {kind: constant, cpu: 400MHz}}\n"
		     "migration:\n  method: {kind: stop-and-copy, resume: 0s}\n  cores: 0\n"
		     "actions:\n  - {at: 10s, vm: a, do: migrate, to: h-1}\n"
		     "  - {at: 20s, vm: c, do: migrate, to: h-2}\n");
	harness_run(&h, 0);
	assert_near(summary(&h, "pdm"), .00175, 1e-9);
	assert_near(vm_cell(&h, "a-0", "pdm"), 100.0 / 20000, 1e-9);
	assert_near(vm_cell(&h, "c-0", "pdm"), 50.0 / 25000, 1e-9);
	assert_true(vm_cell(&h, "b-0", "pdm") == 0 && vm_cell(&h, "d-0", "pdm") == 0);
	assert_near(summary(&h, "downtime_s"), 0.7, 1e-9);
	assert_near(summary(&h, "migration_s"), 0.35, 1e-9);
	harness_close(&h);
}

/* The warm-up, and the run, end in the middle of the downtime from 11 s to 11.125 s. */
static void test_in_part(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h, HEAD("20s") "warmup: 11.0625s\n" HOSTS VM SLOW TO_1);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "v-0", "downtime_s"), 0.0625, 1e-8);
	assert_near(vm_cell(&h, "v-0", "pdm"), 0.0625 / 8.9375, 1e-8);
	assert_true(summary(&h, "migrations") == 0);
	harness_close(&h);
	harness_open(&h, HEAD("11.0625s") HOSTS VM SLOW TO_1);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "v-0", "downtime_s"), 0.0625, 1e-8);
	assert_near(vm_cell(&h, "v-0", "pdm"), (0.9 + 0.0625) / 11.0625, 1e-8);
	assert_true(summary(&h, "migrations") == 1);
	assert_true(isnan(summary(&h, "migration_s")));
	harness_close(&h);
}

/* A host goes off when its last VM has left it, and not before; one that is off comes on for a VM. */
static void test_power(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(
		&h,
		HEAD("20s") "hosts:\n  - {name: h, count: 2, cores: 2, speed: 1GHz, memory: 4GB,\n"
			    "     when_empty: off, power: {kind: constant, watts: 100W}}\n" VM PRE
				    TO_1);
	harness_run(&h, 0);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-0", "on_s"), 11.125, 1e-9);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-1", "on_s"), 18, 1e-9);
	harness_close(&h);
}

static void test_mistakes(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{"actions:\n  - {at: 1s, vm: v-0, do: migrate, to: h-3}\n"
		 "  - {at: 1s, vm: v-0, do: migrate, to: h}\n"
		 "  - {at: 1s, vm: v-0, do: stop, to: h-1}\n",
		 "test.yaml:9:36: to: there is no host \"h-3\" (group-INDEX from 0)\n"
		 "test.yaml:10:36: to: there is no host \"h\" (group-INDEX from 0)\n"
		 "test.yaml:11:33: to: stands only beside do: migrate"},
		{"migration:\n  dirty_rate: 5MB/s\n  dirty_share: 2%\n",
		 "test.yaml:9:3: dirty_rate: cannot stand beside dirty_share"},
		{"migration:\n  method: {kind: post-copy, threshold: 1MB}\n  bandwith: 1Gbit/s\n",
		 "test.yaml:9:29: threshold: unknown key (known are state, resume)\n"
		 "test.yaml:10:3: bandwith: unknown key (did you mean bandwidth?)"},
		{"migration: {method: teleport, slowdown: 120%, bandwidth: 5}\n",
		 "test.yaml:8:13: method: \"teleport\" is not a known migration method (known are "
		 "pre-copy, post-copy, stop-and-copy)\n"
		 "test.yaml:8:31: slowdown: 120% is above the maximum 1\n"
		 "test.yaml:8:47: bandwidth: 5 needs a unit (for example 5Gbit/s)"},
	};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct scenario *scenario = NULL;
		struct err err = {0};
		char *yaml = text_of("%s%s%s%s", HEAD("20s"), HOSTS, VM, wrong[i].text);
		int rc = scenario_load_text(&scenario, "test.yaml", yaml, strlen(yaml), NULL, 0,
					    &err);
		assert_int_equal(rc, -EINVAL);
		assert_string_equal(err.text, wrong[i].says);
		scenario_free(scenario);
		free(yaml);
	}
}

/* Anything at any time: after every event the tables hold together. */

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static char *random_yaml(size_t *len)
{
	static const char *const method[] = {
		"{kind: pre-copy, max_rounds: 5, stop_when_stuck: false}",
		"{kind: post-copy, resume: 1s}", "{kind: stop-and-copy}"};
	static const char *const what[] = {"migrate",
					   "migrate",
					   "migrate",
					   "migrate, to: a-%u",
					   "migrate, to: b-%u",
					   "pause",
					   "resume",
					   "stop",
					   "start",
					   "resize, vcpus: 2",
					   "resize, memory: 1.%uGB",
					   "destroy"};
	char *buf = NULL;
	FILE *f = open_memstream(&buf, len);

	fprintf(f,
		"seed: %u\ntick: %us\nduration: 300s\nwarmup: %us\nwhen_full: queue\noutput: "
		"{events: true}\n"
		"on_failure: %s\nreallocate: %s\noom: restart\nhosts:\n"
		"  - {name: a, count: 5, rack: 2, cores: 4, speed: 1GHz, memory: 8GB,\n"
		"     disks: {bandwidth: 200MB/s}, time_to_failure: exp(200s), time_to_repair: "
		"exp(20s),\n"
		"     rack_time_to_failure: exp(600s), rack_time_to_repair: 30s, when_empty: "
		"off%s}\n"
		"  - {name: b, count: 4, rack: 2, cores: 2, speed: 3GHz, memory: 8GB, network: "
		"2Gbit/s,\n"
		"     disks: {bandwidth: 200MB/s}, time_to_failure: exp(200s), time_to_repair: "
		"exp(20s),\n"
		"     labels: big}\n",
		below(1000), 1 + below(20), below(2) * 100, below(2) ? "restart" : "lose",
		below(3) ? "event" : "tick", below(2) ? ", boot: {time: 5s}" : "");
	fprintf(f,
		"overcommit: {memory: 1.3}\nrules:\n  - {name: r, vms: v, keep: apart}\n"
		"  - {name: t, vms: t, keep: together, level: rack}\n"
		"migration:\n  method: %s\n  copies: %s\n  dirty_by: %s\n  dirty_share: 5%%\n"
		"policies: {cpu: %s, memory: weighted, disk: equal, placer: %s}\nvms:\n"
		"  - {name: v, count: 4, memory: 2GB, cpu: {floor: 20%%},\n"
		"     workload: {kind: sine, cpu: 90%%, memory: 1.9GB, period: 40s, every: 3s}}\n"
		"  - {name: t, count: 2, memory: 1GB, hosts: big,\n"
		"     workload: {kind: requests, arrivals: exp(200ms), service: exp(50ms)}}\n"
		"  - {name: j, arrivals: exp(7s), lifetime: exp(60s), memory: 1.5GB, vcpus: 2,\n"
		"     destroy_when_done: true, workload: {kind: batch, work: exp(30s), memory: "
		"1.4GB}}\n"
		"actions:\n",
		method[below(3)], below(2) ? "memory" : "resident", below(2) ? "cpu" : "time",
		below(2) ? "weighted" : "strict", below(2) ? "worst-fit" : "bfd");
	for (int i = 0; i < 600; i++) {
		static const char *const vm[] = {"v", "t", "j", "j", "j", "j", "v"};
		fprintf(f, "  - {at: %u.%us, vm: ", below(299), 1 + below(9));
		uint32_t k = below(COUNT(vm));
		fprintf(f, "%s", vm[k]);
		if (k < 6)
			fprintf(f, "-%u", below(k < 2 ? 2 : 45));
		fprintf(f, ", do: ");
		fprintf(f, what[below(COUNT(what))], below(4));
		fprintf(f, "}\n");
	}
	fclose(f);
	return buf;
}

static int check_tables(void *driver, int64_t now_ns, struct err *err)
{
	const struct dc *dc = ((struct driver_sim *)driver)->dc;
	const char *broken = dc_check(dc);
	bool *moves = calloc(dc->host.n, sizeof(*moves));

	(void)err;
	if (broken)
		fail_msg("%lld ns: %s", (long long)now_ns, broken);
	for (size_t vm = 0; vm < dc->vm.n; vm++) {
		if (dc->vm.reserved[vm] == DC_NONE)
			continue;
		moves[dc->vm.host[vm]] = moves[dc->vm.reserved[vm]] = true;
		assert_false(dc->host.down[dc->vm.host[vm]] || dc->host.down[dc->vm.reserved[vm]]);
	}
	for (size_t h = 0; h < dc->host.n; h++) {
		double sum[RES_COUNT] = {0};
		assert_int_equal(moves[h], dc->host.moving[h]);
		assert_true(moves[h] ? dc->host.taken_memory[h] >= 0
				     : dc->host.taken_memory[h] == 0 && dc->host.taken_cpu[h] == 0);
		for (uint32_t i = 0; i < dc->host.count[h]; i++) {
			uint32_t s = dc->host.first[h] + i;
			bool moving = dc->vm.reserved[dc->slot.vm[s]] != DC_NONE;
			assert_true(moving || dc->slot.held[s] == 0);
			for (int r = 0; r < RES_COUNT; r++)
				sum[r] += dc->slot.grant[r][s];
		}
		for (int r = 0; r < RES_COUNT; r++)
			assert_true(sum[r] <= dc->host.type[h]->capacity[r] * (1 + 1e-9));
	}
	free(moves);
	return 0;
}

/* As harness_run(), with a look at the tables before every event. */
static void run_checked(struct harness *h, uint64_t *migrations)
{
	struct policy_set policies;
	struct output_label label = {.run = 1, .policies = &policies};
	struct driver_ops ops = driver_sim_ops;
	struct output *output = NULL;
	static struct run run;

	memset(&run, 0, sizeof(run));
	ops.until = check_tables;
	scenario_run(h->scenario, 0, &policies, &label.seed);
	int rc = output_open(&output, h->dir, "# test", h->scenario, &label, &h->err);
	if (rc == 0)
		rc = run_init(&run, h->scenario, &h->traces, &policies, label.seed, output,
			      &h->err);
	run.driver = &ops;
	if (rc == 0)
		rc = run_go(&run);
	int closed = output_close(output, rc == 0, &h->err);
	*migrations += run.count.migrated + run.count.undone;
	run_free(&run);
	if (rc || closed)
		fail_msg("%s", h->err.text);
}

static void test_anything(void **unused)
{
	(void)unused;
	const uint64_t runs = 40 / LESS + 4;
	uint64_t migrations = 0;

	for (uint64_t i = 1; i <= runs; i++) {
		struct harness h;
		size_t len;
		seed = i;
		char *yaml = random_yaml(&len);
		harness_open(&h, yaml);
		run_checked(&h, &migrations);
		harness_close(&h);
		free(yaml);
	}
	assert_true(migrations >= 5 * runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_target_fails),
		cmocka_unit_test(test_source_fails),
		cmocka_unit_test(test_host_fails_with_many),
		cmocka_unit_test(test_vm_ends),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_memory_is_taken),
		cmocka_unit_test(test_cores_are_taken),
		cmocka_unit_test(test_vm_loses),
		cmocka_unit_test(test_unlike_hosts),
		cmocka_unit_test(test_work_goes_on),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_dirty_by_cpu),
		cmocka_unit_test(test_dirty_by_group),
		cmocka_unit_test(test_resident),
		cmocka_unit_test(test_random_writes),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_pdm),
		cmocka_unit_test(test_in_part),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
