/* Threads that share work out: of what is dealt everything is done once, and the lowest failure is told. */
#include "tests/test.h"

#include <sched.h>

#include "sim/core/pool.h"

#define MOST    1000
#define LONG_NS 1000000 /* worth a thread */

struct seen {
	unsigned char at[MOST]; /* how often it was dealt */
	bool fails[MOST];
	size_t failed[8]; /* where a thread failed, or SIZE_MAX */
	unsigned threads;
	bool wrong;
};

static int mark(void *ctx, unsigned thread, size_t first, size_t end)
{
	struct seen *seen = ctx;

	if (thread >= seen->threads || seen->failed[thread] < SIZE_MAX)
		seen->wrong = true; /* asserted by the caller: this may be another thread */
	for (size_t k = first; k < end; k++) {
		seen->at[k]++;
		if (!seen->fails[k])
			continue;
		seen->failed[thread] = k;
		return -1;
	}
	return 0;
}

static struct seen nothing_seen(const struct pool *pool)
{
	struct seen seen = {.threads = pool_threads(pool)};

	for (unsigned i = 0; i < 8; i++)
		seen.failed[i] = SIZE_MAX;
	return seen;
}

/* However few there are to deal; without a pool all by the caller. */
static void deal_is_right(struct pool *pool, size_t n, size_t each_ns)
{
	struct seen seen = nothing_seen(pool);

	assert_true(pool_deal(pool, n, each_ns, mark, &seen) == POOL_DONE);
	assert_false(seen.wrong);
	for (size_t k = 0; k < MOST; k++)
		assert_int_equal(seen.at[k], k < n);
}

/* What stands before the lowest that fails is done, whoever does it, and nothing is done twice. */
static void failure_is_right(struct pool *pool, size_t n, size_t each_ns, uint64_t *dice)
{
	struct seen seen = nothing_seen(pool);
	size_t lowest = SIZE_MAX;

	for (int i = 0; i < 3; i++) {
		*dice = *dice * 6364136223846793005u + 1442695040888963407u;
		size_t k = (size_t)(*dice >> 33) % n;
		seen.fails[k] = true;
		lowest = k < lowest ? k : lowest;
	}
	unsigned who = pool_deal(pool, n, each_ns, mark, &seen);
	assert_true(!seen.wrong && who < seen.threads);
	assert_int_equal(seen.failed[who], lowest);
	for (size_t k = 0; k < MOST; k++)
		assert_true(k <= lowest ? seen.at[k] == 1 : seen.at[k] <= (k < n));
}

static void test_deal(void **unused)
{
	struct err err = {0};
	uint64_t dice = 1;

	(void)unused;
	for (unsigned threads = 0; threads <= 5; threads++) {
		struct pool *pool = threads > 0 ? pool_new(threads, &err) : NULL;
		assert_int_equal(pool_threads(pool), threads > 0 ? threads : 1);
		for (size_t n = 0; n <= MOST; n = n < 12 ? n + 1 : n * 2 + 1) {
			deal_is_right(pool, n, POOL_LOOK_NS);
			deal_is_right(pool, n, LONG_NS);
			for (int i = 0; i < 20 && n > 0; i++)
				failure_is_right(pool, n, i % 2 ? LONG_NS : 1000, &dice);
		}
		pool_free(pool);
	}
}

/* One deal after the other, shorter than it takes to wake: who comes late to one may join the next. */
static void test_deals_in_a_row(void **unused)
{
	struct err err = {0};

	(void)unused;
	for (unsigned threads = 2; threads <= 5; threads++) {
		struct pool *pool = pool_new(threads, &err);
		assert_non_null(pool);
		for (size_t n = 2; n < MOST; n++)
			deal_is_right(pool, n, LONG_NS);
		pool_free(pool);
	}
}

static void test_cores(void **unused)
{
	cpu_set_t all, one;
	size_t cpu = 0;

	(void)unused;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(pool_cores(), CPU_COUNT(&all));
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(pool_cores(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deal),
		cmocka_unit_test(test_deals_in_a_row),
		cmocka_unit_test(test_cores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
