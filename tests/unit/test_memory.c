#include "tests/test.h"

#include <math.h>

#include "models/memory.h"
#include "sim/core/opt.h"

static const struct memory_params params = {.reuse_ns = 4000000000, .dirty = 0.5, .page = 4096};

static void test_pressure(void **unused)
{
	(void)unused;
	struct memory_traffic t;
	memory_pressure(&params, 1024e6, 768e6, 768e6, 10, &t);
	assert_true(t.swap == 256e6);
	assert_true(t.deficit == 0.25);
	assert_true(t.in == 64e6); /* m ws / R */
	assert_true(t.out == 32e6);
	assert_true(t.bytes_s == 96e6);
	assert_true(t.ops_s == 96e6 / 4096);
	memory_pressure(&params, 1024e6, 0, 0, 10, &t);
	assert_true(t.deficit == 1);
	memory_pressure(&params, 1024e6, 1024e6, 1024e6, 10, &t);
	assert_true(t.swap == 0 && t.deficit == 0 && t.bytes_s == 0 && t.ops_s == 0);
	memory_pressure(&params, 0, 0, 0, 10, &t); /* nothing wanted is not 0 / 0 */
	assert_true(t.deficit == 0 && t.bytes_s == 0);
}

static void test_progress(void **unused)
{
	(void)unused;
	assert_true(memory_progress(100, 100, 8, 8) == 1);
	assert_true(memory_progress(100, 200, 8, 16) == 1);
	assert_true(memory_progress(100, 25, 8, 8) == 0.25);
	assert_true(memory_progress(100, 25, 8, 1) == 0.125);
	assert_true(memory_progress(100, 0, 8, 8) == 0);
	assert_true(memory_progress(100, 50, 0, 0) == 0.5);
	assert_true(memory_progress(0, 0, 0, 0) == 1);
}

static void test_reclaim(void **unused)
{
	(void)unused;
	assert_true(memory_reclaim(&params, 1000, 800, 600) == 100);
	assert_true(memory_reclaim(&params, 700, 800, 600) == 50); /* the rest was not in use */
	assert_true(memory_reclaim(&params, 500, 800, 600) == 0);
	assert_true(memory_reclaim(&params, 1000, 600, 800) == 0);
	struct memory_traffic t;
	memory_pressure(&params, 1000, 600, 800, 10, &t);
	assert_true(t.reclaim == 10 && t.in == 100 && t.out == 50 && t.bytes_s == 160);
}

static void test_victim(void **unused)
{
	(void)unused;
	const double ws[] = {10, 30, 30, 5}, grant[] = {5, 20, 20, 6};
	assert_true(memory_swap(ws, grant, 4) == 25);
	assert_int_equal(memory_victim(ws, grant, 4), 1); /* equals: the lower id */
	assert_int_equal(memory_victim(ws, ws, 4), 4);
	assert_int_equal(memory_victim(ws, grant, 0), 0);
	assert_true(memory_swap(ws, ws, 4) == 0);
}

static void test_defaults(void **unused)
{
	(void)unused;
	struct arena arena = {0};
	struct memory_params p = {0};
	assert_int_equal(opt_defaults(memory_opts.opts, &p, &arena), 0);
	assert_int_equal(p.reuse_ns, 60000000000);
	assert_true(p.page == 4096);
	assert_true(fabs(p.dirty - 0.3) < 1e-12);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pressure), cmocka_unit_test(test_progress),
		cmocka_unit_test(test_reclaim),  cmocka_unit_test(test_victim),
		cmocka_unit_test(test_defaults),
	};
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
