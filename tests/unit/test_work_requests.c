#include "tests/unit/work_harness.h"

static const struct workload_stats *stats(struct bench *b)
{
	return b->ops->stats(b->state);
}

/* D/D/1: a request each 10 s that needs 4 s: each takes 4 s. On a quarter of a core it takes 16 s
 * and the k-th waits 6 k s. */
static void test_dd1(void **unused)
{
	(void)unused;
	struct bench b = {.ctx.vcpus = 1};
	bench_init(&b, "requests", OPTIONS("arrivals", "10s", "service", "4s"));
	bench_run(&b, 105 * SEC);
	assert_int_equal(stats(&b)->arrived, 10);
	assert_int_equal(stats(&b)->completed, 10);
	assert_int_equal(stats(&b)->waited, 0);
	assert_close(stats(&b)->response_sum, 40, 1e-9);
	assert_close(stats(&b)->work_done, 40, 1e-9);
	assert_close(stats(&b)->slowdown_sum, 10, 1e-9);
	assert_close(stats(&b)->total_sum, 40, 1e-9);
	bench_fini(&b);
	b = (struct bench){.ctx.vcpus = 1, .host_mhz = 250};
	bench_init(&b, "requests", OPTIONS("arrivals", "10s", "service", "4s"));
	bench_run(&b, (10 + 16 * 5) * SEC);
	assert_int_equal(stats(&b)->completed, 5);
	assert_int_equal(stats(&b)->waited, 5); /* the sixth has just begun */
	assert_close(stats(&b)->response_sum, 16 + 22 + 28 + 34 + 40, 1e-9);
	assert_close(stats(&b)->wait_sum, 6 + 12 + 18 + 24 + 30, 1e-9);
	bench_fini(&b);
}

/* Three requests of 6 s at 1, 2, 3 s on one core shared by all: 1 alone for a second, two for one,
 * then three; attained 1.5, .5, 0 at t = 3, so they end at 16.5, 18.5 and 19. */
static void test_ps(void **unused)
{
	(void)unused;
	struct bench b = {.host_mhz = 1000};
	bench_init(&b, "requests", OPTIONS("service", "6s", "discipline", "ps"));
	for (int i = 1; i <= 3; i++) {
		bench_run(&b, i * SEC);
		assert_int_equal(b.ops->inject(b.state, b.now_ns, 0), 0);
		bench_ask(&b, 0);
	}
	bench_run(&b, 16 * SEC + SEC / 2);
	assert_int_equal(stats(&b)->completed, 1);
	bench_run(&b, 18 * SEC + SEC / 2);
	assert_int_equal(stats(&b)->completed, 2);
	bench_run(&b, 100 * SEC);
	assert_int_equal(stats(&b)->completed, 3);
	assert_close(stats(&b)->response_sum, 15.5 + 16.5 + 16, 1e-9);
	assert_close(stats(&b)->total_sum, 16.5 + 18.5 + 19, 1e-9);
	assert_close(stats(&b)->in_system_integral, stats(&b)->response_sum, 1e-9);
	bench_fini(&b);
}

/* Five at one moment, room for four, two at once, 3 s each: two end at 3, two at 6. */
static void test_capacity_and_ties(void **unused)
{
	(void)unused;
	struct bench b = {0};
	bench_init(&b, "requests", OPTIONS("service", "3s", "capacity", "4"));
	for (int i = 0; i < 5; i++)
		assert_int_equal(b.ops->inject(b.state, 0, 0), 0);
	bench_ask(&b, 0);
	assert_true(b.demand.want[RES_CPU] == 2000);
	bench_run(&b, 3 * SEC);
	assert_int_equal(stats(&b)->completed, 2);
	bench_run(&b, 6 * SEC);
	assert_int_equal(stats(&b)->completed, 4);
	assert_int_equal(stats(&b)->arrived, 5);
	assert_int_equal(stats(&b)->rejected, 1);
	assert_int_equal(b.events, 2);
	assert_close(stats(&b)->wait_sum, 6, 1e-9);
	assert_close(stats(&b)->in_system_time[4], 3, 1e-9);
	assert_close(stats(&b)->in_system_time[2], 3, 1e-9);
	assert_close(stats(&b)->in_system_sq_integral, 3 * 16 + 3 * 4, 1e-9);
	bench_fini(&b);
}

struct forwarded {
	int n;
	uint32_t index[8];
	int64_t birth_ns[8];
};

static void on_forward(void *ctx, const char *target, uint32_t index, int64_t birth_ns)
{
	struct forwarded *f = ctx;
	assert_string_equal(target, "db");
	f->index[f->n] = index;
	f->birth_ns[f->n++] = birth_ns;
}

static void test_forward(void **unused)
{
	(void)unused;
	struct forwarded f = {0};
	struct bench b = {.ctx = {.index = 3, .forward = on_forward, .forward_ctx = &f}};
	bench_init(&b, "requests", OPTIONS("arrivals", "1s", "service", "500ms", "next", "db"));
	bench_run(&b, 3 * SEC + SEC / 2);
	assert_int_equal(f.n, 3);
	assert_int_equal(f.index[2], 5);
	assert_int_equal(f.birth_ns[2], 3 * SEC);
	assert_int_equal(stats(&b)->total_count, 0);
	assert_close(stats(&b)->response_sum, 1.5, 1e-9);
	bench_fini(&b);
}

/* Oracle A01 at 40 batches of 25,000 requests, and Little's law as an identity over a window that
 * starts and ends empty. */
static void test_mm1(void **unused)
{
	(void)unused;
	struct bench b = {.ctx = {.vcpus = 1, .seed = 1}, .host_mhz = 1000};
	bench_init(&b, "requests", OPTIONS("arrivals", "exp(1.25s)", "service", "exp(1s)"));
	bench_run(&b, 20000 * SEC);
	b.ops->reset_stats(b.state, b.now_ns);
	double w[40], l[40], sum = 0, integral = 0;
	uint64_t n = 0;
	for (int i = 0; i < 40; i++) {
		bench_run(&b, (20000 + 31250 * (int64_t)(i + 1)) * SEC);
		w[i] = (stats(&b)->response_sum - sum) / (double)(stats(&b)->completed - n);
		l[i] = (stats(&b)->in_system_integral - integral) / 31250;
		sum = stats(&b)->response_sum;
		integral = stats(&b)->in_system_integral;
		n = stats(&b)->completed;
	}
	struct stat_ci cw = stat_ci_mean(w, 40, 0.95), cl = stat_ci_mean(l, 40, 0.95);
	double sew = cw.sd / sqrt(40), sel = cl.sd / sqrt(40);
	if (!(fabs(cw.mean - 5) <= 4 * sew && sew < 0.1 && fabs(cl.mean - 4) <= 4 * sel))
		fail_msg("W %g (se %g), L %g (se %g)", cw.mean, sew, cl.mean, sel);
	assert_true(fabs(stat_hist_quantile(stats(&b)->response, 0.95) - 14.98) < 0.75);
	bench_fini(&b);
}

/* A09, M/G/c-PS: 40 batches; the mean response does not depend on the law of the sizes. */
static void test_ps_insensitive(void **unused)
{
	(void)unused;
	static const char *const sizes[] = {"1s", "exp(1s)", "h2(1s, 4)"};
	for (int k = 0; k < 3; k++) {
		struct bench b = {.ctx = {.vcpus = 4, .seed = 11}, .host_mhz = 4000};
		bench_init(&b, "requests",
			   OPTIONS("arrivals", "exp(312.5ms)", "service", sizes[k], "discipline",
				   "ps", "histogram", "false"));
		bench_run(&b, 1000 * SEC);
		double mean[40];
		for (int i = 0; i < 40; i++) {
			b.ops->reset_stats(b.state, b.now_ns);
			bench_run(&b, (1000 + 10000 * (int64_t)(i + 1)) * SEC);
			mean[i] = stats(&b)->response_sum / (double)stats(&b)->completed;
		}
		struct stat_ci ci = stat_ci_mean(mean, 40, 0.95);
		double se = ci.sd / sqrt(40);
		if (!(fabs(ci.mean - 1.7455405897) <= 4 * se && se < 0.0175))
			fail_msg("%s: %g (se %g)", sizes[k], ci.mean, se);
		assert_null(stats(&b)->response);
		bench_fini(&b);
	}
}

/* A05, M/M/c/K: lost requests. */
static void test_loss(void **unused)
{
	(void)unused;
	static const struct {
		uint32_t c;
		const char *arrivals, *capacity;
		double loss;
	} cases[] = {{2, "exp(333.333333333ms)", "5", .3744221880},
		     {8, "exp(125ms)", "16", .0816658660}};
	for (int k = 0; k < 2; k++) {
		struct bench b = {.ctx = {.vcpus = cases[k].c, .seed = 4}, .host_mhz = 8000};
		bench_init(&b, "requests",
			   OPTIONS("arrivals", cases[k].arrivals, "service", "exp(1s)", "capacity",
				   cases[k].capacity));
		double loss[40];
		for (int i = 0; i < 40; i++) {
			b.ops->reset_stats(b.state, b.now_ns);
			bench_run(&b, 5000 * (int64_t)(i + 1) * SEC);
			loss[i] = (double)stats(&b)->rejected / (double)stats(&b)->arrived;
		}
		struct stat_ci ci = stat_ci_mean(loss, 40, 0.95);
		double se = ci.sd / sqrt(40);
		if (!(fabs(ci.mean - cases[k].loss) <= 4 * se && se < 0.01 * cases[k].loss))
			fail_msg("%d: %g (se %g)", k, ci.mean, se);
		bench_fini(&b);
	}
}

static void test_little(void **unused)
{
	(void)unused;
	for (int ps = 0; ps < 2; ps++) {
		struct bench b = {.ctx = {.seed = 3}, .host_mhz = 1300};
		bench_init(&b, "requests",
			   OPTIONS("arrivals", "h2(1s, 4)", "service", "lognormal(1s, 2)",
				   "discipline", ps ? "ps" : "fcfs"));
		int checked = 0;
		while (checked < 20) {
			bench_run(&b, b.now_ns + 500 * SEC);
			while (stats(&b)->completed < stats(&b)->arrived)
				bench_run(&b, b.ops->next(b.state, b.now_ns, b.rate));
			assert_close(stats(&b)->in_system_integral, stats(&b)->response_sum, 1e-9);
			assert_close(stats(&b)->work_done, b.work / 1000, 1e-9);
			checked++;
		}
		assert_true(stats(&b)->completed > 5000);
		bench_fini(&b);
	}
}

/* Ticks in between, and calls that come late, change nothing. */
static void test_ticks_do_not_matter(void **unused)
{
	(void)unused;
	double sum[2];
	for (int i = 0; i < 2; i++) {
		struct bench b = {.ctx = {.vcpus = 1, .seed = 9}};
		bench_init(&b, "requests", OPTIONS("arrivals", "exp(1s)", "service", "exp(700ms)"));
		for (int k = 1; k <= 3000; k++)
			if (i == 1 || k == 3000)
				bench_run(&b, k * SEC / 3);
		sum[i] = stats(&b)->response_sum;
		assert_true(stats(&b)->completed > 800);
		bench_fini(&b);
	}
	assert_close(sum[1], sum[0], 1e-9);
}

/* Same name and seed, same numbers; another seed or name, others. */
static void test_streams(void **unused)
{
	(void)unused;
	static const struct {
		const char *name;
		uint64_t seed;
		uint32_t index;
	} of[] = {{"a/0", 1, 0}, {"a/0", 1, 7}, {"b/0", 1, 0}, {"a/0", 2, 0}};
	int64_t first[4];
	for (int i = 0; i < 4; i++) {
		struct bench b = {
			.ctx = {.name = of[i].name, .seed = of[i].seed, .index = of[i].index}};
		bench_init(&b, "requests", OPTIONS("arrivals", "exp(1s)", "service", "exp(1s)"));
		first[i] = b.ops->next(b.state, 0, 0);
		bench_fini(&b);
	}
	assert_true(first[0] == first[1]);
	assert_true(first[0] != first[2] && first[0] != first[3]);
}

static void test_out_of_memory(void **unused)
{
	(void)unused;
	bool is_done = false;
	for (uint64_t n = 1; !is_done && n < 100; n++) {
		struct bench b = {.host_mhz = 1};
		mem_fail_at(n);
		int rc = bench_try(&b, "requests", OPTIONS("arrivals", "1s", "service", "5s"));
		if (rc == 0) {
			bench_ask(&b, 0);
			bench_run(&b, 100 * SEC);
			is_done = !b.demand.nomem;
		}
		mem_fail_at(0);
		assert_true(rc == 0 || rc == -ENOMEM);
		if (is_done)
			assert_int_equal(stats(&b)->arrived, 100);
		bench_fini(&b);
		assert_true(!is_done || n > 3);
	}
	assert_true(is_done);
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dd1),
		cmocka_unit_test(test_ps),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_capacity_and_ties),
		cmocka_unit_test(test_mm1),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_ps_insensitive),
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_ticks_do_not_matter),
		cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests_name("work_requests", tests, NULL, NULL);
}
