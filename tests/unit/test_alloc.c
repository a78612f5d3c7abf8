/*
 * Running out of memory is an ordinary failure: the n-th allocation fails, and all after it, for
 * n = 1, 2, ... until nothing does; loading, building and running either succeed or say what is
 * wrong, and everything that was allocated is given back.
 */
#include "tests/test.h"

#include <errno.h>

#include "tests/harness.h"

#define HOSTS                                                                              \
	"tick: 1s\nduration: 30s\nwarmup: 5s\nseed: 3\nwhen_full: queue\noom: restart\n"   \
	"output: {events: true, distributions: true, vm_timeline: 100}\nhosts:\n"          \
	"  - {name: h, count: 2, cores: 2, speed: 1GHz, memory: 4GiB, swap: 1GiB,\n"       \
	"     power: {kind: linear, idle: 100W, max: 200W}, when_empty: off,\n"            \
	"     disks: [{bandwidth: 100MB/s, iops: 1000 IOPS}, {bandwidth: 50MB/s}],\n"      \
	"     time_to_failure: exp(10s), time_to_repair: exp(2s), rack: 2,\n"              \
	"     rack_time_to_failure: exp(20s), rack_time_to_repair: exp(1s)}\n"             \
	"  - {name: g, cores: 4, speed: 2GHz, memory: 8GiB, labels: [g, fast],\n"          \
	"     disks: {bandwidth: 200MB/s, iops: 4000 IOPS}}\n"                             \
	"overcommit: {memory: 2, cpu: 3}\nrepairers: 1\nhost_order: alternate\n"           \
	"rules: {name: r, vms: [db, queue], keep: apart}\n"                                \
	"actions:\n"                                                                       \
	"  - {at: 7s, vm: web, do: stop}\n  - {at: 9s, vm: web, do: start}\n"              \
	"  - {at: 8s, vm: db-0, do: pause}\n  - {at: 11s, vm: db-0, do: resume}\n"         \
	"  - {at: 10s, vm: web-1, do: resize, vcpus: 3, memory: 2GiB}\n"                   \
	"  - {at: 20s, vm: web-2, do: destroy}\n"                                          \
	"  - {at: 12s, vm: web, do: migrate}\n  - {at: 25s, vm: web, do: migrate}\n"       \
	"migration: {dirty_by: cpu, bandwidth: 2Gbit/s}\n"                                 \
	"vms:\n"                                                                           \
	"  - {name: web, count: 10, vcpus: 2, memory: 1GiB, cpu: {cap: 90%},\n"            \
	"     workload: {kind: onoff, cpu: 100%, on_time: exp(7s), off_time: exp(5s),\n"   \
	"                memory: 1GiB, bandwidth: 90MB/s}}\n"                              \
	"  - {name: db, vcpus: 4, memory: 3GiB, cpu: {weight: 3, floor: 20%},\n"           \
	"     workload: [{kind: sine, cpu: 90%, low: 10%, period: 40s, every: 2s},\n"      \
	"                {kind: requests, service: exp(9ms), discipline: fcfs}]}\n"        \
	"  - {name: queue, vcpus: 2, memory: 1GiB,\n"                                      \
	"     workload: {kind: requests, arrivals: exp(100ms), service: exp(50ms),\n"      \
	"                discipline: ps, next: db}}\n"                                     \
	"  - {name: late, vcpus: 2, memory: 1GiB, cpu: {weight: 0.5}, hosts: fast,\n"      \
	"     workload: {kind: stochastic, cpu: 100%, level: \"uniform(0%, 50%)\",\n"      \
	"                every: 3s, unmet: backlog}}\n"                                    \
	"  - {name: job, vcpus: 2, memory: 1GiB, arrivals: exp(1s), lifetime: exp(20s),\n" \
	"     destroy_when_done: true, workload: {kind: batch, work: exp(3s), tasks: 3}}\n"
#define TRACED                                                   \
	"  - {name: traced, count: 3, vcpus: 2, memory: 1GiB,\n" \
	"     workload: {kind: trace, path: scenarios/traces/demo.csv}}\n"
#define SEPARATE "policies: {cpu: equal, memory: strict, disk: priority, placer: bfd}\n"
#define JOINT    "policies: {all: drf, placer: tetris}\n"
#define PACKED   "policies: {detector: iqr, selector: mc, placer: worst-fit}\n"
#define BALANCED "policies: {balancer: {kind: drs, target: 0%}}\nconsolidation: {at_once: 2}\n"
#define COMPARE  "compare: [equal, {cpu: none, placer: worst-fit}, drf]\n"

/* Loads and runs once, and gives everything back. */
static int whole(const char *yaml, const char *dir, struct err *err)
{
	struct scenario *scenario = NULL;
	struct trace_set traces = {0};
	struct policy_set policies;
	struct output_label label = {.run = 1, .policies = &policies};
	struct output *output = NULL;
	static struct run run;

	memset(&run, 0, sizeof(run));
	err_clear(err);
	int rc = scenario_load_text(&scenario, "test.yaml", yaml, strlen(yaml), NULL, 0, err);
	if (rc == 0)
		rc = trace_set_load(scenario, &traces, err);
	if (rc == 0) {
		scenario_run(scenario, 0, &policies, &label.seed);
		rc = output_open(&output, dir, "# test", scenario, &label, err);
		if (rc == 0)
			rc = run_init(&run, scenario, &traces, &policies, label.seed, output, err);
		if (rc == 0)
			rc = run_go(&run);
		int closed = output_close(output, rc == 0, err);
		run_free(&run);
		rc = rc ? rc : closed;
	}
	trace_set_free(&traces);
	scenario_free(scenario);
	return rc;
}

static void fail_everywhere(const char *yaml)
{
	struct harness h;
	struct err err;
	size_t live = mem_live();
	uint64_t n = 0, failed = 0;
	int rc;

	harness_open(
		&h,
		"tick: 1s\nduration: 1s\nhosts: {name: h, cores: 1, speed: 1GHz, memory: 1GiB}\n"
		"vms: {name: v, memory: 1MiB, workload: {kind: constant, cpu: 1%}}\n");
	live = mem_live();
	rc = whole(yaml, h.dir, &err);
	if (rc)
		fail_msg("without a failure: %s", err.text);
	assert_int_equal(mem_live(), live);
	do {
		mem_fail_at(++n);
		rc = whole(yaml, h.dir, &err);
		mem_fail_at(0);
		if (mem_live() != live)
			fail_msg("allocation %d fails: %zu leaked", (int)n, mem_live() - live);
		if (rc == 0 && (err.kind != ERR_NONE || err.len > 0))
			fail_msg("allocation %d fails: success, but: %s", (int)n, err.text);
		if (rc && (rc != -ENOMEM || err.kind != ERR_RUN || err.count != 1))
			fail_msg("allocation %d fails: error %d, %u lines: %s", (int)n, rc,
				 err.count, err.text);
		if (rc && (!strstr(err.text, "memory") || err_exit_status(&err) != 1))
			fail_msg("allocation %d fails: bad message: %s", (int)n, err.text);
		failed += rc != 0;
	} while (rc != 0);
	assert_int_equal(failed, n - 1);
	assert_true(n > 50); /* there was something to fail */
	if (getenv("ORACLE_VERBOSE"))
		print_message("-- %d allocations\n", (int)n - 1);
	harness_close(&h);
}

static void test_separate_policies(void **unused)
{
	(void)unused;
	fail_everywhere(HOSTS SEPARATE);
}

static void test_joint_policy(void **unused)
{
	(void)unused;
	fail_everywhere(HOSTS JOINT);
}

static void test_consolidation(void **unused)
{
	(void)unused;
	fail_everywhere(HOSTS PACKED);
	fail_everywhere(HOSTS BALANCED);
}

static void test_trace(void **unused)
{
	(void)unused;
	fail_everywhere(HOSTS TRACED);
}

static void test_compare(void **unused)
{
	(void)unused;
	fail_everywhere(HOSTS COMPARE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_separate_policies), cmocka_unit_test(test_joint_policy),
		cmocka_unit_test(test_consolidation),     cmocka_unit_test(test_trace),
		cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
