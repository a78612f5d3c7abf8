/*
 * Ticks: hosts that sleep are accounted for as if they did not, and threads change nothing. A run is
 * compared with one whose hosts are all woken by a VM of a kind that keeps them awake, or with the
 * same one by other numbers of threads.
 */
#include "tests/harness.h"

#include <errno.h>

#include "policies/list.h"

#define HOSTS                                                                                  \
	"hosts:\n  - {name: h, count: 200, cores: 2, speed: 1GHz, memory: 4GiB,\n"             \
	"     disks: {bandwidth: 100MB/s, iops: 1000 IOPS}, power: {kind: linear, idle: 70W, " \
	"max: 200W}}\n"

static const char *const scenarios[] = {
	/* Hosts asleep for most of the time, and short of CPU and of disk. */
	"tick: 10s\nduration: 2h\nwarmup: 905s\noutput: {vm_timeline: 7}\n" HOSTS "vms:\n"
	"  - {name: c, count: 150, vcpus: 2, memory: 1GiB, cpu: {weight: 3},\n"
	"     workload: {kind: constant, cpu: 90%, bandwidth: 70MB/s, iops: 100/s}}\n"
	"  - {name: o, count: 200, vcpus: 2, memory: 1GiB,\n"
	"     workload: {kind: onoff, cpu: 100%, bandwidth: 60MB/s, on_time: exp(20min), off_time: "
	"exp(40min)}}\n"
	"actions:\n  - {at: 1000s, do: pause, vm: c}\n  - {at: 1234s, do: resume, vm: c}\n"
	"  - {at: 30min, do: resize, vm: o, cpu: {weight: 2}}\n"
	"overcommit: {cpu: 3}\n",
	/* The same, where policies are asked at ticks only. */
	"tick: 50s\nduration: 1h\nreallocate: tick\n" HOSTS "vms:\n"
	"  - {name: o, count: 500, vcpus: 2, memory: 1GiB,\n"
	"     workload: {kind: onoff, cpu: 100%, bandwidth: 60MB/s, on_time: exp(8min), off_time: "
	"exp(9min)}}\n"
	"overcommit: {cpu: 3}\n",
	/* Whole chunks fall asleep, and wake at a tick. */
	"tick: 1min\nduration: 1h\n" HOSTS "vms:\n"
	"  - {name: s, count: 300, vcpus: 2, memory: 1GiB,\n"
	"     workload: {kind: stochastic, cpu: 100%, level: \"uniform(0%, 100%)\", every: 7min}}\n"
	"overcommit: {cpu: 3}\n",
	/* VMs that come and go, hosts that fail, memory that is short. */
	"tick: 60s\nduration: 4h\n"
	"hosts:\n  - {name: h, count: 200, cores: 2, speed: 1GHz, memory: 4GiB, swap: 512MiB,\n"
	"     disks: {bandwidth: 100MB/s, iops: 1000 IOPS}, time_to_failure: exp(40h),\n"
	"     time_to_repair: exp(1h)}\n"
	"vms:\n"
	"  - {name: v, arrivals: exp(20s), lifetime: exp(1h), vcpus: 1, memory: 1GiB,\n"
	"     workload: {kind: stochastic, cpu: 100%, memory: 1.4GiB, level: \"uniform(0%, "
	"100%)\",\n"
	"                every: 7min}}\n"
	"  - {name: b, count: 50, vcpus: 1, memory: 1GiB,\n"
	"     workload: {kind: sine, cpu: 100%, unmet: backlog}}\n"
	"overcommit: {cpu: 3, memory: 140%}\n",
	/* VMs that move, many at once and some of them through a tick. */
	"tick: 10s\nduration: 20min\nwarmup: 125s\n" HOSTS "vms:\n"
	"  - {name: m, count: 300, vcpus: 2, memory: 1GiB,\n"
	"     workload: {kind: stochastic, cpu: 100%, level: \"uniform(0%, 100%)\", every: 7min}}\n"
	"  - {name: c, count: 150, vcpus: 2, memory: 1GiB, workload: {kind: constant, cpu: 70%}}\n"
	"migration: {dirty_by: cpu, dirty_share: 3%}\npolicies: {placer: worst-fit}\n"
	"actions:\n  - {at: 100s, do: migrate, vm: m}\n  - {at: 203s, do: migrate, vm: c}\n"
	"  - {at: 600s, do: migrate, vm: m-7, to: h-3}\n"
	"overcommit: {cpu: 3}\n",
};

/* VMs that are moved by policy: hosts are looked at by all threads there, too. */
#define CONSOLIDATED                                                                        \
	"tick: 1min\nduration: 2h\n"                                                        \
	"hosts:\n  - {name: h, count: 150, cores: 4, speed: 1GHz, memory: 16GiB,\n"         \
	"     when_empty: off, power: {kind: linear, idle: 70W, max: 200W}}\n"              \
	"  - {name: k, count: 50, cores: 8, speed: 1GHz, memory: 16GiB,\n"                  \
	"     when_empty: off, power: {kind: linear, idle: 100W, max: 300W}}\n"             \
	"vms:\n"                                                                            \
	"  - {name: s, count: 500, vcpus: 1, memory: 1GiB,\n"                               \
	"     workload: {kind: stochastic, cpu: 100%, level: \"uniform(0%, 60%)\", every: " \
	"7min}}\n"                                                                          \
	"  - {name: v, arrivals: exp(30s), lifetime: exp(1h), vcpus: 2, memory: 2GiB,\n"    \
	"     workload: {kind: sine, cpu: 90%}}\n"                                          \
	"migration: {share: 5%}\novercommit: {cpu: 2}\n"

static const char *const moved_by_policy[] = {
	CONSOLIDATED "consolidation: {interval: 2min}\n"
		     "policies: {detector: thr, selector: mmt, placer: pabfd}\n",
	CONSOLIDATED "consolidation: {interval: 3min, at_once: 2}\n"
		     "policies: {detector: lr, selector: mc, placer: best-fit}\n",
	CONSOLIDATED "policies: {detector: mad, selector: rs, placer: first-fit}\n",
	CONSOLIDATED "policies: {balancer: drs, placer: worst-fit}\n",
};

/* Column by column, as far as the digits that files have; names by themselves. */
static void assert_alike(const struct csv_table *a, const struct csv_table *b)
{
	assert_int_equal(a->nrows, b->nrows);
	for (size_t i = 0; i < a->nrows * a->ncols; i++) {
		char *end;
		double x = strtod(a->cell[i], &end);
		if (end == a->cell[i] || *end)
			assert_string_equal(a->cell[i], b->cell[i]);
		else
			assert_near(x, strtod(b->cell[i], NULL), 3e-8);
	}
}

static void assert_same(const struct csv_table *a, const struct csv_table *b)
{
	assert_int_equal(a->nrows, b->nrows);
	for (size_t i = 0; i < a->nrows * a->ncols; i++)
		assert_string_equal(a->cell[i], b->cell[i]);
}

static void compare(const char *yaml, unsigned threads, bool awake,
		    void (*check)(const struct csv_table *, const struct csv_table *))
{
	static const enum output_file files[] = {OUTPUT_SUMMARY, OUTPUT_VMS, OUTPUT_HOSTS,
						 OUTPUT_TIMELINE};
	struct harness one, other;

	harness_open(&one, yaml);
	harness_open(&other, yaml);
	other.threads = threads;
	other.awake = awake;
	harness_run(&one, 0);
	harness_run(&other, 0);
	assert_int_equal(one.vm_steps > 0, 1);
	for (size_t f = 0; f < COUNT(files); f++)
		check(harness_table(&one, files[f]), harness_table(&other, files[f]));
	if (one.scenario->output.vm_timeline > 0)
		check(harness_table(&one, OUTPUT_VM_TIMELINE),
		      harness_table(&other, OUTPUT_VM_TIMELINE));
	harness_close(&one);
	harness_close(&other);
}

static void test_sleep(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(scenarios); i++)
		compare(scenarios[i], 1, true, assert_alike);
}

static void assert_moves(const char *yaml)
{
	struct harness h;

	harness_open(&h, yaml);
	harness_run(&h, 0);
	assert_true(summary(&h, "migrations") > 100);
	harness_close(&h);
}

static void test_threads(void **unused)
{
	(void)unused;
	for (unsigned threads = 2; threads <= 3; threads++) {
		for (size_t i = 0; i < COUNT(scenarios); i++)
			compare(scenarios[i], threads, false, assert_same);
		for (size_t i = 0; i < COUNT(moved_by_policy); i++)
			compare(moved_by_policy[i], threads, false, assert_same);
	}
	for (size_t i = 0; i < COUNT(moved_by_policy); i++)
		assert_moves(moved_by_policy[i]);
}

/* A policy that breaks a rule on many hosts, from some moment on. */

#define BROKEN_FROM_S 600

static void broken_divide(void *state, const struct share_view *view, double *const *grant)
{
	(void)state;
	policy_equal.divide(NULL, view, grant);
	if (view->n > 0 && view->host % 9 == 7 &&
	    view->now_ns >= BROKEN_FROM_S * INT64_C(1000000000))
		grant[0][0] = -1;
}

static const struct policy_ops broken = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct policy_ops),
		   .name = "broken",
		   .summary = "equal, but for some hosts",
		   .source = "own"},
	.resources = RES_BIT(RES_CPU),
	.flags = POLICY_MEMORYLESS,
	.divide = broken_divide,
};

static int run_broken(const char *yaml, unsigned threads, char *why, size_t n)
{
	struct policy_set policies;
	struct harness h;

	harness_open(&h, yaml);
	h.threads = threads;
	scenario_run(h.scenario, 0, &policies, &(uint64_t){0});
	policies.cpu = (struct plugin_spec){&broken.plugin, NULL};
	int rc = harness_try(&h, 0, &policies);
	assert_int_equal(h.err.count, 1);
	snprintf(why, n, "%s", h.err.text);
	harness_close(&h);
	return rc;
}

/* At a tick the first host that fails is named, as if hosts were met one after the other. */
static void test_the_first_failure(void **unused)
{
	static const char yaml[] =
		"tick: 1min\nduration: 1h\nhosts: {name: h, count: 2000, cores: 2, speed: 1GHz,\n"
		"  memory: 4GiB}\nvms: {name: v, count: 8000, memory: 1GiB,\n"
		"  workload: {kind: stochastic, cpu: 100%, level: \"uniform(0%, 100%)\", every: "
		"1min}}\n"
		"overcommit: {cpu: 8}\npolicies: {placer: first-fit}\n";
	char one[300], other[300];

	(void)unused;
	assert_int_equal(run_broken(yaml, 1, one, sizeof(one)), -EPROTO);
	assert_non_null(strstr(one, "broke a rule on host h-7 at 600000000000 ns"));
	for (unsigned threads = 2; threads <= 5; threads++) {
		assert_int_equal(run_broken(yaml, threads, other, sizeof(other)), -EPROTO);
		assert_string_equal(one, other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_the_first_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
