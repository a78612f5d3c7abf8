/* Sorting by whole numbers against qsort(), few and many, with keys that differ in some digits only. */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>

#include "sim/core/sort.h"

#define MOST 5000

static uint64_t seed = 5;

static uint64_t draw(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed ^ seed >> 29;
}

/* Ids are places before: of equals the first stays first. */
static int by_key_then_id(const void *a, const void *b)
{
	const struct sort_item *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

static void test_order(void **unused)
{
	static struct sort_item item[MOST], expected[MOST], scratch[MOST];
	static const uint64_t mask[] = {UINT64_MAX, 0x7, UINT64_C(0xff) << 56, UINT64_C(3) << 10,
					0};

	(void)unused;
	for (size_t n = 0; n <= MOST; n = n < 60 ? n + 1 : n * 2 + 3)
		for (size_t m = 0; m < sizeof(mask) / sizeof(*mask); m++) {
			for (uint32_t i = 0; i < n; i++)
				item[i] = expected[i] = (struct sort_item){draw() & mask[m], i};
			qsort(expected, n, sizeof(*expected), by_key_then_id);
			sort_by_key(item, scratch, n);
			for (size_t i = 0; i < n; i++) {
				assert_int_equal(item[i].key, expected[i].key);
				assert_int_equal(item[i].id, expected[i].id);
			}
		}
}

static void test_keys_of_numbers(void **unused)
{
	static const double number[] = {0, 5e-324, 1e-300,  0.5, 0x1.fffffffffffffp-1,
					1, 1e300,  INFINITY};

	(void)unused;
	for (size_t i = 1; i < sizeof(number) / sizeof(*number); i++)
		assert_true(sort_key(number[i - 1]) < sort_key(number[i]));
	assert_int_equal(sort_key(-0.0), sort_key(0.0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_keys_of_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
