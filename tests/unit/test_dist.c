#include "tests/test.h"

#include <math.h>

#include "sim/core/dist.h"
#include "sim/core/stat.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void names(void **state)
{
	(void)state;
	for (unsigned i = DIST_CONSTANT; i < DIST_LAWS; i++) {
		enum dist_law law = (enum dist_law)i;
		assert_int_equal(dist_find(dist_name(law)), law);
		assert_in_range(dist_arity(law), 1, 2);
		assert_false(dist_arg_has_unit(law, dist_arity(law)));
	}
	assert_int_equal(dist_find("none"), DIST_NONE);
	assert_int_equal(dist_find(""), DIST_NONE);
	assert_true(dist_arg_has_unit(DIST_ERLANG, 1));
	assert_false(dist_arg_has_unit(DIST_ERLANG, 0));
}

static void H15_published(void **state)
{
	static const double want[][3] = {
		{2.6537905454892807, 2.208682385635393, .38034657700473617},
		{1.9359650088789715, 1.9088172410115054, -.33596737368877672},
	};
	static const struct dist dist[] = {
		{.law = DIST_EXP, .a = 1},
		{.law = DIST_NORMAL, .a = 0, .b = 1},
	};
	struct arena arena = {0};

	(void)state;
	for (size_t d = 0; d < 2; d++) {
		struct rng *rng = rng_new_mt19937(&arena, 12345);
		assert_non_null(rng);
		for (int i = 0; i < 3; i++)
			assert_true(fabs(dist_sample(&dist[d], rng) - want[d][i]) < 1e-14);
	}
	arena_fini(&arena);
}

/* Mean and standard deviation of samples, each within five standard errors (estimated roughly). */
static void moments(void **state)
{
	static const struct {
		struct dist dist;
		double mean, sd;
	} cases[] = {
		{{DIST_CONSTANT, 0, 3, 0}, 3, 0},
		{{DIST_EXP, 0, 2, 0}, 2, 2},
		{{DIST_UNIFORM, 0, 1, 5}, 3, 1.154700538},
		{{DIST_NORMAL, 0, -1, 2}, -1, 2},
		{{DIST_LOGNORMAL, 0, 10, 0.5}, 10, 5},
		{{DIST_LOGNORMAL, 0, 10, 0}, 10, 0},
		{{DIST_GAMMA, 0, 10, 0.5}, 10, 5},
		{{DIST_GAMMA, 0, 10, 2}, 10, 20},
		{{DIST_GAMMA, 0, 10, 0}, 10, 0},
		{{DIST_ERLANG, 0, 4, 8}, 8, 4},
		{{DIST_WEIBULL, 0, 2, 3}, 2.658680776, 1.389754},
		{{DIST_PARETO, 0, 5, 4}, 5, 1.290994449},
		{{DIST_H2, 0, 10, 4}, 10, 20},
		{{DIST_H2, 0, 10, 1}, 10, 10},
	};
	struct arena arena = {0};
	const int n = 200000;

	(void)state;
	for (size_t c = 0; c < LEN(cases); c++) {
		struct rng *rng = rng_stream(&arena, c, "moments");
		struct stat_moments m = {0};
		assert_non_null(rng);
		assert_null(dist_problem(&cases[c].dist));
		for (int i = 0; i < n; i++)
			stat_add(&m, dist_sample(&cases[c].dist, rng), 1);
		double mean = cases[c].mean, sd = cases[c].sd;
		assert_true(fabs(dist_mean(&cases[c].dist) - mean) < 1e-8);
		assert_true(fabs(m.mean - mean) <= 5 * sd / sqrt(n) + 1e-9);
		assert_true(fabs(sqrt(stat_var(&m)) - sd) <= 0.03 * sd + 1e-6);
	}
	arena_fini(&arena);
}

static void limits(void **state)
{
	struct dist pareto = {.law = DIST_PARETO, .a = 1, .b = 2};
	struct dist none = {0};
	struct arena arena = {0};
	struct rng *rng = rng_stream(&arena, 1, "limits");

	(void)state;
	assert_non_null(rng);
	assert_true(isinf(dist_mean(&pareto)));
	for (int i = 0; i < 1000; i++)
		assert_true(dist_sample(&pareto, rng) >= 2);
	assert_true(dist_mean(&none) == 0 && dist_sample(&none, rng) == 0);
	arena_fini(&arena);
}

static void problems(void **state)
{
	static const struct {
		struct dist dist;
		const char *problem;
	} cases[] = {
		{{DIST_CONSTANT, 0, NAN, 0}, "an argument is not a number"},
		{{DIST_EXP, 0, INFINITY, 0}, "an argument is infinite"},
		{{DIST_EXP, 0, 0, 0}, "mean must be above 0"},
		{{DIST_UNIFORM, 0, 2, 1}, "low is above high"},
		{{DIST_NORMAL, 0, 2, -1}, "sd is below 0"},
		{{DIST_LOGNORMAL, 0, 0, 1}, "mean must be above 0"},
		{{DIST_GAMMA, 0, 1, -1}, "cv is below 0"},
		{{DIST_ERLANG, 0, 1.5, 1}, "k must be a whole number from 1 to 1000000"},
		{{DIST_ERLANG, 0, 2, 0}, "mean must be above 0"},
		{{DIST_WEIBULL, 0, 0, 1}, "shape must be above 0"},
		{{DIST_PARETO, 0, 1, 0}, "scale must be above 0"},
		{{DIST_H2, 0, 1, 0.9}, "cv2 is below 1"},
		{{DIST_H2, 0, 0, 2}, "mean must be above 0"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		assert_string_equal(dist_problem(&cases[i].dist), cases[i].problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),    cmocka_unit_test(H15_published),
		cmocka_unit_test(moments),  cmocka_unit_test(limits),
		cmocka_unit_test(problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
