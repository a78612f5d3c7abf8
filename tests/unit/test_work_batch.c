#include "tests/unit/work_harness.h"

#include <string.h>

static const struct workload_stats *stats(struct bench *b)
{
	return b->ops->stats(b->state);
}

static void test_alone(void **unused)
{
	(void)unused;
	struct bench b = {.ctx.now_ns = 7 * SEC};
	bench_init(&b, "batch", OPTIONS("work", "100s", "memory", "1GiB", "bandwidth", "1MB/s"));
	assert_true(b.demand.want[RES_CPU] == 1000); /* one task: one core of two */
	assert_true(b.demand.want[RES_MEM] == 1073741824.);
	assert_true(b.demand.want[RES_DISK] == 1e6);
	assert_int_equal(b.ops->next(b.state, b.now_ns, b.rate), 107 * SEC);
	/* one task cannot use the second core, even if it is given */
	assert_int_equal(b.ops->next(b.state, b.now_ns, 2000), 107 * SEC);
	bench_run(&b, 107 * SEC - 2);
	assert_false(b.demand.done);
	bench_run(&b, 107 * SEC);
	assert_true(b.demand.done);
	assert_true(b.demand.want[RES_CPU] == 0 && b.demand.want[RES_MEM] == 0);
	assert_int_equal(b.ops->next(b.state, b.now_ns, 0), INT64_MAX);
	assert_int_equal(stats(&b)->completed, 1);
	assert_true(stats(&b)->started_s == 7);
	assert_close(stats(&b)->finished_s, 107, 1e-10);
	assert_close(stats(&b)->work_done, 100, 1e-9);
	assert_close(stats(&b)->slowdown_sum, 1, 1e-9);
	bench_fini(&b);
}

/* Rates 500 MHz for 10 s, none for 5 s, 250 MHz then: 5 of 20 core-seconds, the rest takes 60 s. */
static void test_changing_rates(void **unused)
{
	(void)unused;
	struct bench b = {.host_mhz = 500};
	bench_init(&b, "batch", OPTIONS("work", "20s"));
	bench_run(&b, 10 * SEC);
	b.rate = 0;
	assert_int_equal(b.ops->next(b.state, b.now_ns, 0), INT64_MAX);
	b.host_mhz = 250;
	bench_run(&b, 15 * SEC);
	assert_int_equal(b.ops->next(b.state, b.now_ns, b.rate), 75 * SEC);
	bench_run(&b, 100 * SEC);
	assert_close(stats(&b)->finished_s, 75, 1e-10);
	assert_close(stats(&b)->slowdown_sum, 75. / 20, 1e-9);
	bench_fini(&b);
}

/* Three tasks of 10 s on two cores: 2/3 core each, done at 15 s; on one core of host at 30 s. With
 * a cap of half a core at 60 s. */
static void test_parallel(void **unused)
{
	(void)unused;
	static const struct {
		double host;
		const char *cpu;
		double end, slowdown;
	} cases[] = {{2000, "100%", 15, 1}, {1000, "100%", 30, 2}, {2000, "0.5 cores", 60, 1}};
	for (int i = 0; i < 3; i++) {
		struct bench b = {.host_mhz = cases[i].host};
		bench_init(&b, "batch", OPTIONS("work", "10s", "tasks", "3", "cpu", cases[i].cpu));
		bench_run(&b, 100 * SEC);
		assert_close(stats(&b)->finished_s, cases[i].end, 1e-9);
		assert_close(stats(&b)->slowdown_sum, cases[i].slowdown, 1e-9);
		assert_close(stats(&b)->work_done, 30, 1e-9);
		assert_close(b.work, 30000, 1e-9);
		bench_fini(&b);
	}
}

/* Tasks of different size on one core end where attained service says; asked only at the end it
 * comes to the same moment. */
static void test_random_tasks_and_late_call(void **unused)
{
	(void)unused;
	double end[2];
	for (int late = 0; late < 2; late++) {
		struct bench b = {.host_mhz = 1000, .ctx.seed = 5};
		bench_init(&b, "batch", OPTIONS("work", "exp(10s)", "tasks", "20"));
		if (late) {
			b.now_ns = HOUR;
			b.rate = 1000;
			bench_ask(&b, 3600);
		} else {
			bench_run(&b, HOUR);
			assert_true(b.events >= 20);
		}
		assert_true(b.demand.done);
		end[late] = stats(&b)->finished_s;
		bench_fini(&b);
	}
	assert_close(end[0], end[1], 1e-9);
	assert_true(end[0] > 60 && end[0] < 600);
}

static void test_reset_and_nothing_to_do(void **unused)
{
	(void)unused;
	struct bench b = {0};
	bench_init(&b, "batch", OPTIONS("work", "0s"));
	assert_true(b.demand.done);
	assert_int_equal(stats(&b)->completed, 1);
	assert_true(stats(&b)->finished_s == 0);
	bench_fini(&b);
	b = (struct bench){0};
	bench_init(&b, "batch", OPTIONS("work", "10s"));
	bench_run(&b, 4 * SEC);
	b.ops->reset_stats(b.state, b.now_ns);
	bench_run(&b, 20 * SEC);
	assert_close(stats(&b)->work_done, 6, 1e-9);
	assert_close(stats(&b)->response_sum, 10, 1e-9);
	bench_fini(&b);
	b = (struct bench){0};
	assert_int_equal(bench_try(&b, "batch", OPTIONS("work", "1s", "cpu", "0%")), -EINVAL);
	assert_non_null(strstr(b.err.text, "cpu: is 0"));
	bench_fini(&b);
}

static void test_out_of_memory(void **unused)
{
	(void)unused;
	int rc = -ENOMEM;
	for (uint64_t n = 1; rc; n++) {
		struct bench b = {0};
		mem_fail_at(n);
		rc = bench_try(&b, "batch", OPTIONS("work", "10s", "tasks", "9000"));
		mem_fail_at(0);
		assert_true(rc == 0 || rc == -ENOMEM);
		assert_true(rc == 0 || n < 50);
		bench_fini(&b);
		assert_true(rc != 0 || n > 2);
	}
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_changing_rates),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_random_tasks_and_late_call),
		cmocka_unit_test(test_reset_and_nothing_to_do),
		cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests_name("work_batch", tests, NULL, NULL);
}
