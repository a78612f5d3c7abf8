#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/core/rng.h"

#define STREAMS 64
#define DRAWS   100000

/* Both GSL generators divide 32 bits by 2^32, so the word comes back exactly. */
static uint32_t word(struct rng *rng)
{
	return (uint32_t)(rng_uniform(rng) * 4294967296.0);
}

static uint32_t word_number(uint32_t seed, int n)
{
	struct arena arena = {0};
	struct rng *rng = rng_new_mt19937(&arena, seed);
	uint32_t w = 0;

	assert_non_null(rng);
	while (n-- > 0)
		w = word(rng);
	arena_fini(&arena);
	return w;
}

static void H14_mt19937(void **state)
{
	static const uint32_t first_5489[] = {3499211612, 581869302, 3890346734, 3586334585,
					      545404204};
	static const uint32_t first_42[] = {1608637542, 3421126067, 4083286876};

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(word_number(5489, i + 1), first_5489[i]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(word_number(42, i + 1), first_42[i]);
	assert_true(word_number(5489, 10000) == 4123659995);
	assert_true(word_number(4357, 1000) == 1186927261);
	assert_true(word_number(0, 1) == 4293858116 && word_number(4357, 1) == 4293858116);
}

static void H15_uniform(void **state)
{
	static const double want[] = {.92961608665063977, .89015471306629479, .31637556036002934};
	static const uint64_t below_10[] = {9, 8, 3, 1, 1, 0, 2, 8, 5, 5};
	static const int shuffled[] = {3, 5, 7, 4, 6, 1, 0, 2, 8, 9};
	struct arena arena = {0};
	struct rng *rng = rng_new_mt19937(&arena, 12345);

	(void)state;
	assert_non_null(rng);
	for (int i = 0; i < 3; i++)
		assert_true(fabs(rng_uniform(rng) - want[i]) < 1e-16);
	rng = rng_new_mt19937(&arena, 12345);
	assert_non_null(rng);
	for (int i = 0; i < 10; i++)
		assert_int_equal(rng_below(rng, 10), below_10[i]);
	rng = rng_new_mt19937(&arena, 12345);
	assert_non_null(rng);
	int x[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	for (size_t i = 9; i > 0; i--) {
		size_t j = (size_t)rng_below(rng, i + 1);
		int swap = x[i];
		x[i] = x[j];
		x[j] = swap;
	}
	assert_memory_equal(x, shuffled, sizeof(x));
	arena_fini(&arena);
}

static void below_large(void **state)
{
	struct arena arena = {0};
	struct rng *rng = rng_stream(&arena, 3, "below");
	const uint64_t n = UINT64_C(3) << 62;
	unsigned third[3] = {0};

	(void)state;
	assert_non_null(rng);
	for (int i = 0; i < 30000; i++) {
		uint64_t x = rng_below(rng, n);
		assert_true(x < n);
		third[x >> 62]++;
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(third[i], 9600, 10400);
	assert_int_equal(rng_below(rng, 1), 0);
	arena_fini(&arena);
}

static void seeds(void **state)
{
	char name[32];

	(void)state;
	for (uint64_t run = 0; run < 200; run++)
		for (int vm = 0; vm < 200; vm++) {
			snprintf(name, sizeof(name), "vm%d", vm);
			uint32_t seed = rng_seed(run, name);
			assert_true(seed != 0 && seed != 4357);
		}
	assert_int_equal(rng_seed(1, "a"), rng_seed(1, "a"));
	assert_true(rng_seed(1, "a") != rng_seed(1, "b"));
	assert_true(rng_seed(1, "a") != rng_seed(2, "a"));
	assert_true(rng_seed(1, "ab") != rng_seed(1, "ba"));
}

static double chi2_100(const double *x)
{
	unsigned cell[100] = {0};
	double chi2 = 0;

	for (int i = 0; i < DRAWS; i++)
		cell[(int)(x[i] * 100)]++;
	for (int i = 0; i < 100; i++) {
		double d = cell[i] - DRAWS / 100.0;
		chi2 += d * d / (DRAWS / 100.0);
	}
	return chi2;
}

static double correlation(const double *a, const double *b)
{
	double sum = 0;

	for (int i = 0; i < DRAWS; i++)
		sum += (a[i] - 0.5) * (b[i] - 0.5);
	return sum * 12 / DRAWS;
}

static void H16_streams(void **state)
{
	double *x = calloc((size_t)STREAMS * DRAWS, sizeof(*x));
	struct arena arena = {0};
	char name[32];

	(void)state;
	assert_non_null(x);
	for (int s = 0; s < STREAMS; s++) {
		snprintf(name, sizeof(name), "vm%d", s);
		struct rng *rng = rng_stream(&arena, 1, name);
		assert_non_null(rng);
		for (int i = 0; i < DRAWS; i++)
			x[s * DRAWS + i] = rng_uniform(rng);
		/* 99 degrees of freedom: above 170 once in 1e5 tries. */
		assert_true(chi2_100(x + s * DRAWS) < 170);
	}
	for (int s = 0; s < STREAMS; s++)
		for (int t = 0; t < s; t++)
			assert_true(fabs(correlation(x + s * DRAWS, x + t * DRAWS)) <
				    5 / sqrt(DRAWS));
	free(x);
	arena_fini(&arena);
}

/* A stream's numbers depend on nobody else. */
static void H16_independence(void **state)
{
	struct arena arena = {0};
	struct rng *alone = rng_stream(&arena, 9, "vm1");
	struct rng *other = rng_stream(&arena, 9, "vm2");
	struct rng *again = rng_stream(&arena, 9, "vm1");

	(void)state;
	assert_non_null(alone);
	assert_non_null(other);
	assert_non_null(again);
	for (int i = 0; i < 1000; i++) {
		uint32_t want = word(alone);
		word(other);
		assert_int_equal(word(again), want);
		double u = rng_uniform_pos(other);
		assert_true(u > 0 && u < 1);
	}
	arena_fini(&arena);
}

static void out_of_memory(void **state)
{
	struct arena arena = {0};

	(void)state;
	mem_fail_at(1);
	assert_null(rng_stream(&arena, 1, "x"));
	assert_null(rng_new_mt19937(&arena, 1));
	mem_fail_at(0);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(H14_mt19937),   cmocka_unit_test(H15_uniform),
		cmocka_unit_test(below_large),   cmocka_unit_test(seeds),
		cmocka_unit_test(H16_streams),   cmocka_unit_test(H16_independence),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
