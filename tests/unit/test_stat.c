#include "tests/test.h"

#include <math.h>
#include <stdlib.h>

#include "sim/core/rng.h"
#include "sim/core/stat.h"

#define LEN(a)          (sizeof(a) / sizeof((a)[0]))
#define near(a, b, eps) near_at(a, b, eps, __FILE__, __LINE__)

static void near_at(double is, double want, double eps, const char *file, int line)
{
	if (is == want || fabs(is - want) <= eps)
		return;
	print_error("%.17g is not %.17g\n", is, want);
	_fail(file, line);
}

static const double pair_a[] = {5.4, 16.6, .6, 1.4, .6, 7.3};
static const double pair_b[] = {19.1, 3.5, 3.4, 2.5, 3.6, 1.7};

static void H1_t_quantiles(void **state)
{
	static const double want[][2] = {
		{1, 12.706204736}, {2, 4.302652730},  {4, 2.776445105},        {9, 2.262157163},
		{19, 2.093024054}, {29, 2.045229642}, {INFINITY, 1.959963985},
	};

	(void)state;
	for (size_t i = 0; i < LEN(want); i++)
		near(stat_t_quantile(0.975, want[i][0]), want[i][1], 1e-8);
}

static void H2_paired(void **state)
{
	struct stat_ci ci = stat_ci_paired(pair_a, pair_b, 6, 0.90);

	(void)state;
	near(ci.mean, -.316666667, 1e-8);
	near(ci.sd, 9.034471023, 1e-8);
	near(ci.mean - ci.half, -7.748784391, 1e-8);
	near(ci.mean + ci.half, 7.115451058, 1e-8);
	ci = stat_ci_paired(pair_a, pair_b, 6, 0.95);
	near(ci.half, 9.481095883, 1e-8);
	assert_true(ci.p > 0.05);
}

static void H3_mean(void **state)
{
	static const double x[] = {1.20, 1.50, 1.68, 1.89, .95, 1.49, 1.58, 1.55, .50, 1.09};
	struct stat_ci ci = stat_ci_mean(x, LEN(x), 0.90);

	(void)state;
	near(ci.mean, 1.343, 1e-12);
	near(ci.sd * ci.sd, .167512222, 1e-8);
	near(ci.half, .237253414, 1e-8);
}

static void H4_welch(void **state)
{
	struct stat_ci ci = stat_ci_welch(pair_a, 6, pair_b, 6, 0.95);

	(void)state;
	near(ci.mean / ci.sd, -.085512569, 1e-8);
	near(ci.p, .933550155, 1e-8);
	near(ci.df, 9.949789926, 1e-8);
}

static double h5_value(size_t i)
{
	return (double)((7 * i * i + 3 * i) % 101) / 10;
}

static void H5_batch_means(void **state)
{
	double x[1000];

	(void)state;
	for (size_t i = 0; i < LEN(x); i++)
		x[i] = h5_value(i);
	struct stat_batches b = stat_batch_means(x, LEN(x), 20, 0.95);
	near(b.ci.mean, 4.7061, 1e-10);
	near(b.ci.sd, .324103606, 1e-8);
	near(b.ci.half, .151685157, 1e-8);
	near(b.lag1, -.937236323, 1e-8);
	near(stat_ci_mean(x, LEN(x), 0.95).half, .190323850, 1e-8);
}

static void H6_mser5(void **state)
{
	double x[1000];

	(void)state;
	for (size_t i = 0; i < 500; i++)
		x[i] = (double)(i < 100 ? i : 100) / 10 + ((double)(37 * i % 11) - 5) / 10;
	struct stat_mser m = stat_mser5(x, 500);
	assert_int_equal(m.cut, 100);
	near(m.statistic, 8.0871875e-5, 1e-12);
	near(m.mean, 9.9995, 1e-10);
	near(stat_ci_mean(x, 500, 0.95).mean, 8.9886, 1e-10);

	for (size_t i = 0; i < 600; i++)
		x[i] = 20 * exp(-(double)i / 30) + ((double)(37 * i % 11) - 5) / 10;
	m = stat_mser5(x, 600);
	assert_int_equal(m.cut, 185);
	near(m.mean, .00236151456179, 1e-12);
	near(stat_ci_mean(x, 600, 0.95).mean, 1.01625925545, 1e-10);

	for (size_t i = 0; i < 1000; i++)
		x[i] = h5_value(i);
	m = stat_mser5(x, 1000);
	assert_int_equal(m.cut, 10);
	near(m.mean, 4.70171717172, 1e-10);
}

static void H7_quantiles(void **state)
{
	static const double want[][2] = {
		{.025, 1.225}, {.25, 3.25}, {.5, 5.5}, {.9, 9.1}, {.975, 9.775}, {0, 1}, {1, 10},
	};
	double x[10];

	(void)state;
	for (size_t i = 0; i < LEN(x); i++)
		x[i] = 10 - (double)i;
	stat_sort(x, LEN(x));
	for (size_t i = 0; i < LEN(want); i++)
		near(stat_quantile(x, LEN(x), want[i][0]), want[i][1], 1e-12);
	assert_true(isnan(stat_quantile(x, 0, 0.5)));
}

static void H9_time_weighted(void **state)
{
	static const double value[] = {1, 3, 5}, weight[] = {2, 7, 1};
	struct stat_moments m = {0};

	(void)state;
	stat_add(&m, 1, 2);
	stat_add(&m, 5, 1);
	stat_add(&m, 9, 0);
	stat_add(&m, 3, 7);
	near(m.mean, 2.8, 1e-14);
	near(stat_var(&m), 1.16, 1e-14);
	near(m.min, 1, 0);
	near(m.max, 5, 0);
	near(stat_quantile_weighted(value, weight, 3, 0.5), 3, 0);
	near(stat_quantile_weighted(value, weight, 3, 0.2), 1, 0);
	near(stat_quantile_weighted(value, weight, 3, 0.95), 5, 0);
	near(stat_quantile_weighted(value, weight, 3, 1), 5, 0);
}

static void H10_cancellation(void **state)
{
	static const double x[] = {4, 7, 13, 16};
	struct stat_moments m = {0};

	(void)state;
	for (size_t i = 0; i < LEN(x); i++)
		stat_add(&m, 1e9 + x[i], 1);
	near(m.mean, 1e9 + 10, 1e-6);
	near(stat_var_sample(&m), 30, 1e-9);

	struct stat_moments acc = {0};
	stat_add(&acc, 1000000.2, 1);
	for (int i = 0; i < 500; i++) {
		stat_add(&acc, 1000000.1, 1);
		stat_add(&acc, 1000000.3, 1);
	}
	near(sqrt(stat_var_sample(&acc)), 0.1, 1e-9);
}

/* Variance of the mean of correlated data, over replications. */
static void H11_autocorrelation(void **state)
{
	struct arena arena = {0};
	struct rng *rng = rng_stream(&arena, 1, "H11");
	struct stat_moments means = {0};
	double x = 0;

	(void)state;
	assert_non_null(rng);
	for (int run = 0; run < 2000; run++) {
		struct stat_moments m = {0};
		for (int i = 0; i < 1000; i++) {
			/* Uniform noise of variance 1 - phi^2: the process has variance 1. */
			x = 0.8 * x + (rng_uniform(rng) - 0.5) * sqrt(12 * 0.36);
			stat_add(&m, x, 1);
		}
		stat_add(&means, m.mean, 1);
	}
	near(stat_var_sample(&means), .00896, 4 * .00896 * sqrt(2.0 / 2000));
	arena_fini(&arena);
}

static void B_fairness(void **state)
{
	static const struct {
		size_t n;
		double x[4], jain, gini; /* gini < 0: no published value */
	} cases[] = {
		{4, {1, 1, 1, 1}, 1, 0},
		{4, {0, 0, 0, 1}, .25, .75},
		{3, {1, 3, 5}, 27.0 / 35, -1},
		{4, {10, 20, 30, 40}, 5.0 / 6, .25},
		{4, {2, 2.6, 2.7, 2.7}, 1250.0 / 1267, 11.0 / 200},
		{2, {1, 100}, 10201.0 / 20002, -1},
		{3, {0, 0, 0}, 1, 0},
		{0, {0}, 1, 0},
	};
	double x[100] = {0};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		near(stat_jain(cases[i].x, cases[i].n), cases[i].jain, 1e-14);
		if (cases[i].gini >= 0)
			near(stat_gini(cases[i].x, cases[i].n), cases[i].gini, 1e-14);
		struct stat_moments m = {0};
		for (size_t j = 0; j < cases[i].n; j++)
			stat_add(&m, cases[i].x[j], 1);
		if (m.mean > 0)
			near(1 / (1 + stat_var(&m) / (m.mean * m.mean)), cases[i].jain, 1e-14);
	}
	for (size_t i = 80; i < 100; i++)
		x[i] = 1;
	near(stat_jain(x, 100), .2, 1e-14);
	near(stat_gini(x, 100), .8, 1e-14);
}

static void histogram(void **state)
{
	struct stat_hist *h = calloc(2, sizeof(*h));
	struct arena arena = {0};
	struct rng *rng = rng_stream(&arena, 1, "histogram");
	static double x[20000];

	(void)state;
	assert_non_null(h);
	assert_non_null(rng);
	assert_true(isnan(stat_hist_quantile(h, 0.5)));
	for (size_t i = 0; i < LEN(x); i++) {
		x[i] = -0.01 * log(rng_uniform_pos(rng));
		stat_hist_add(&h[i % 2], x[i]);
	}
	stat_hist_merge(&h[0], &h[1]);
	stat_sort(x, LEN(x));
	assert_int_equal(h->n, LEN(x));
	near(stat_hist_quantile(h, 0), x[0], 0);
	near(stat_hist_quantile(h, 1), x[LEN(x) - 1], 0);
	for (double p = 0.01; p < 0.999; p += 0.0123) {
		double exact = stat_quantile(x, LEN(x), p);
		near(stat_hist_quantile(h, p), exact, exact / STAT_HIST_SUB);
	}
	free(h);
	arena_fini(&arena);
}

static void histogram_extremes(void **state)
{
	static const double x[] = {0, 1e-12, 1, 1e12, INFINITY};
	struct stat_hist *h = calloc(1, sizeof(*h));

	(void)state;
	assert_non_null(h);
	for (size_t i = 0; i < LEN(x); i++)
		stat_hist_add(h, x[i]);
	assert_int_equal(h->cell[0], 2);
	assert_int_equal(h->cell[STAT_HIST_CELLS - 1], 2);
	near(stat_hist_quantile(h, 0.5), 1, 1.0 / STAT_HIST_SUB);
	near(stat_hist_quantile(h, 0), 0, 0);
	assert_true(isinf(stat_hist_quantile(h, 1)));
	free(h);
	h = calloc(1, sizeof(*h));
	assert_non_null(h);
	for (int i = 0; i < 7; i++)
		stat_hist_add(h, 3.3);
	near(stat_hist_quantile(h, 0.3), 3.3, 0);
	free(h);
}

static void too_few(void **state)
{
	static const double x[] = {1, 1};

	(void)state;
	assert_true(isnan(stat_ci_mean(x, 1, 0.95).half));
	assert_true(isnan(stat_ci_mean(x, 0, 0.95).mean));
	assert_true(isnan(stat_ci_welch(x, 1, x, 2, 0.95).half));
	assert_true(isnan(stat_batch_means(x, 2, 3, 0.95).ci.half));
	assert_true(isnan(stat_batch_means(x, 2, 0, 0.95).lag1));
	assert_int_equal(stat_mser5(x, 2).cut, 0);
	assert_true(isnan(stat_mser5(x, 2).mean));
	struct stat_ci same = stat_ci_paired(x, x, 2, 0.95);
	near(same.half, 0, 0);
	near(same.p, 1, 0);
	near(stat_ci_welch(x, 2, x, 2, 0.95).p, 1, 0);
}

/* Of four tests the smallest counts four times, the next three times; never less than the one before. */
static void holm(void **state)
{
	double p[] = {.01, .04, NAN, .03, .005, .9}, one[] = {.2};

	(void)state;
	assert_int_equal(stat_holm(p, LEN(p)), 0);
	near(p[0], .04, 1e-12);
	near(p[1], .09, 1e-12);
	assert_true(isnan(p[2]));
	near(p[3], .09, 1e-12);
	near(p[4], .025, 1e-12);
	near(p[5], .9, 1e-12);
	assert_int_equal(stat_holm(one, 1), 0);
	near(one[0], .2, 1e-12);
	assert_int_equal(stat_holm(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(H1_t_quantiles),
		cmocka_unit_test(H2_paired),
		cmocka_unit_test(H3_mean),
		cmocka_unit_test(H4_welch),
		cmocka_unit_test(holm),
		cmocka_unit_test(H5_batch_means),
		cmocka_unit_test(H6_mser5),
		cmocka_unit_test(H7_quantiles),
		cmocka_unit_test(H9_time_weighted),
		cmocka_unit_test(H10_cancellation),
		cmocka_unit_test(H11_autocorrelation),
		cmocka_unit_test(B_fairness),
		cmocka_unit_test(histogram),
		cmocka_unit_test(histogram_extremes),
		cmocka_unit_test(too_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
