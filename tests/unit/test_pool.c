/* Threads that do the same at once: everyone once in every round, and of what is dealt everything once. */
#include "tests/test.h"

#include "sim/core/pool.h"

#define MOST    1000
#define LONG_NS 1000000 /* worth a thread */

struct seen {
	unsigned by[8];         /* rounds, per thread */
	unsigned char at[MOST]; /* how often it was dealt */
	unsigned owner[MOST];
};

static void count_round(void *ctx, unsigned i)
{
	struct seen *seen = ctx;

	seen->by[i]++;
}

static void mark(void *ctx, unsigned i, size_t first, size_t end)
{
	struct seen *seen = ctx;

	for (size_t k = first; k < end; k++) {
		seen->at[k]++;
		seen->owner[k] = i;
	}
}

static void test_rounds(void **unused)
{
	struct err err = {0};

	(void)unused;
	for (unsigned threads = 1; threads <= 5; threads++) {
		struct pool *pool = pool_new(threads, &err);
		struct seen seen = {0};
		assert_non_null(pool);
		assert_int_equal(pool_threads(pool), threads);
		for (int round = 0; round < 200; round++)
			pool_run(pool, count_round, &seen);
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(seen.by[i], i < threads ? 200 : 0);
		pool_free(pool);
	}
}

/* Stretches in order of threads, however few there are to deal; without a pool all to the caller. */
static void deal_is_right(struct pool *pool, size_t n, size_t each_ns)
{
	unsigned threads = pool_threads(pool);
	struct seen seen = {0};

	pool_deal(pool, n, each_ns, mark, &seen);
	for (size_t k = 0; k < MOST; k++)
		assert_int_equal(seen.at[k], k < n);
	for (size_t k = 1; k < n; k++)
		assert_true(seen.owner[k] >= seen.owner[k - 1]);
	assert_true(n == 0 || seen.owner[n - 1] < threads);
	if (n >= threads && each_ns == LONG_NS)
		assert_int_equal(seen.owner[n - 1], threads - 1);
}

static void test_deal(void **unused)
{
	struct err err = {0};

	(void)unused;
	for (unsigned threads = 0; threads <= 5; threads++) {
		struct pool *pool = threads > 0 ? pool_new(threads, &err) : NULL;
		assert_int_equal(pool_threads(pool), threads > 0 ? threads : 1);
		for (size_t n = 0; n <= MOST; n = n < 12 ? n + 1 : n * 2 + 1) {
			deal_is_right(pool, n, POOL_LOOK_NS);
			deal_is_right(pool, n, LONG_NS);
		}
		pool_free(pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_deal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
