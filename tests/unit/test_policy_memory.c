/*
 * The memory that policies keep per VM, through whole runs: a policy that serves first who got least so
 * far (least attained service), and one that writes into the memory whose it is and checks at every
 * call that it is still so.
 */
#include "tests/harness.h"

#include "policies/list.h"
#include "policies/registry.h"

/* Least attained service: all the CPU that there is goes to who got least since they started. */

struct attained {
	double mhz_s, rate;
	int64_t since_ns;
};

static void las_divide(void *state, const struct share_view *view, double *const *grant)
{
	const struct share_col *col = &view->col[0];
	double left = col->capacity;

	(void)state;
	for (size_t i = 0; i < view->n; i++) {
		struct attained *a = view->vm_state[i];
		a->mhz_s += a->rate * (double)(view->now_ns - a->since_ns) * 1e-9;
		a->since_ns = view->now_ns;
		a->rate = grant[0][i] = 0;
	}
	for (size_t k = 0; k < view->n; k++) {
		struct attained *least = NULL;
		size_t who = 0;
		for (size_t i = 0; i < view->n; i++) {
			struct attained *a = view->vm_state[i];
			if (a->rate > 0 || !(col->want[i] > 0) ||
			    (least && least->mhz_s <= a->mhz_s))
				continue;
			least = a;
			who = i;
		}
		if (!least || !(left > 0))
			return;
		least->rate = grant[0][who] = fmin(fmin(col->want[who], col->cap[who]), left);
		left -= least->rate;
	}
}

static const struct policy_ops las = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct policy_ops),
		   .name = "least-attained",
		   .summary = "who got least so far first",
		   .source = "Nuyens & Wierman 2008"},
	.resources = RES_BIT(RES_CPU),
	.vm_state_size = sizeof(struct attained),
	.divide = las_divide,
};

/* One core. The second VM comes at 40 s and gets it alone until it has got as much as the first. From
 * then on the tick is the turn. */
static void test_least_attained(void **unused)
{
	(void)unused;
	struct policy_set policies;
	struct harness h;

	harness_open(&h, "tick: 1s\nduration: 100s\n"
			 "hosts: {name: h, cores: 1, speed: 1GHz, memory: 4GiB}\n"
			 "vms:\n  - {name: a, memory: 1GiB, workload: {kind: constant}}\n"
			 "  - {name: b, start: 40s, memory: 1GiB, workload: {kind: constant}}\n");
	scenario_run(h.scenario, 0, &policies, &(uint64_t){0});
	policies.cpu = (struct plugin_spec){&las.plugin, NULL};
	harness_run_with(&h, 0, &policies);
	assert_near(vm_cell(&h, "a-0", "cpu_grant_mhz") * 100, 50 * 1000, 1e-9);
	assert_near(vm_cell(&h, "b-0", "cpu_grant_mhz") * 60, 50 * 1000, 1e-9);
	harness_close(&h);
}

/* Whose memory it is. */

struct mark {
	uint32_t vm1; /* VM + 1 */
	uint32_t host;
	uint64_t asked;
	char more[40];
};

static uint64_t arrived, left, asked;

static void marks_arrived(void *state, uint32_t host, uint32_t vm, void *vm_state)
{
	static const struct mark clear;
	struct mark *mark = vm_state;

	(void)state;
	assert_memory_equal(mark, &clear, sizeof(*mark));
	mark->vm1 = vm + 1;
	mark->host = host;
	arrived++;
}

static void marks_left(void *state, uint32_t host, uint32_t vm, void *vm_state)
{
	struct mark *mark = vm_state;

	(void)state;
	assert_int_equal(mark->vm1, vm + 1);
	assert_int_equal(mark->host, host);
	asked += mark->asked;
	memset(mark, 0xa5, sizeof(*mark)); /* the next one finds it zeroed */
	left++;
}

static void marks_divide(void *state, const struct share_view *view, double *const *grant)
{
	(void)state;
	for (size_t i = 0; i < view->n; i++) {
		struct mark *mark = view->vm_state[i];
		assert_int_equal(mark->vm1, view->vm[i] + 1);
		assert_int_equal(mark->host, view->host);
		mark->asked++;
	}
	policy_equal.divide(NULL, view, grant);
}

static const struct policy_ops marks = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct policy_ops),
		   .name = "marks",
		   .summary = "equal, and checks its memory",
		   .source = "own"},
	.resources = RES_ALL,
	.flags = POLICY_JOINT,
	.vm_state_size = sizeof(struct mark),
	.divide = marks_divide,
	.vm_arrived = marks_arrived,
	.vm_left = marks_left,
};

/* VMs come and go, hosts fail, memory runs out. As the policy of two resources it has two memories. */
static void test_whose_it_is(void **unused)
{
	(void)unused;
	const struct plugin_spec spec = {&marks.plugin, NULL};
	char why[200];

	assert_null(registry_problem(&policy_kind, &marks.plugin, why, sizeof(why)));
	for (int joint = 0; joint < 2; joint++) {
		struct policy_set policies;
		struct harness h;
		char *yaml =
			text_of("tick: 10s\nduration: %s\nwhen_full: queue\noom: restart\n"
				"hosts: {name: h, count: 5, cores: 4, speed: 1GHz, memory: 8GiB, "
				"swap: 1GiB,\n"
				"  disks: {bandwidth: 100MB/s}, time_to_failure: exp(20min),\n"
				"  time_to_repair: exp(3min)}\n"
				"overcommit: {memory: 2}\n"
				"vms:\n  - {name: a, memory: 1GiB, arrivals: exp(4s), lifetime: "
				"exp(5min),\n"
				"     workload: {kind: onoff, memory: 1GiB, on_time: exp(30s),\n"
				"       off_time: exp(30s), bandwidth: 5MB/s}}\n",
				LESS == 1 ? "1h" : "20min");
		harness_open(&h, yaml);
		free(yaml);
		scenario_run(h.scenario, 0, &policies, &(uint64_t){0});
		if (joint)
			policies.all = spec;
		else
			policies.cpu = policies.memory = spec;
		arrived = left = asked = 0;
		harness_run_with(&h, 0, &policies);
		assert_true(summary(&h, "oom_kills") > 0 && arrived > 500 && asked > arrived);
		assert_true(left < arrived && arrived - left <= 200);
		harness_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least_attained),
		cmocka_unit_test(test_whose_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
