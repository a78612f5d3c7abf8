#include "tests/test.h"

#include <errno.h>
#include <string.h>

#include "sim/core/mem.h"

static void alloc(void **state)
{
	size_t live = mem_live();
	unsigned char *p = mem_alloc(100, 3);

	(void)state;
	assert_non_null(p);
	for (int i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(mem_live(), live + 1);
	mem_free(p);
	void *none = mem_alloc(0, 8);
	assert_non_null(none);
	mem_free(none);
	mem_free(NULL);
	assert_null(mem_alloc(SIZE_MAX, 2));
	assert_int_equal(mem_live(), live);
}

static void grow(void **state)
{
	size_t cap = 0, live = mem_live();
	int *array = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(mem_grow(&array, &cap, (size_t)i + 1, sizeof(*array)), 0);
		assert_int_equal(array[cap - 1], 0);
		array[i] = i;
	}
	assert_int_equal(cap, 1024);
	mem_fail_at(1);
	assert_int_equal(mem_grow(&array, &cap, cap, sizeof(*array)), 0);
	assert_int_equal(mem_grow(&array, &cap, cap + 1, sizeof(*array)), -ENOMEM);
	mem_fail_at(0);
	assert_int_equal(mem_grow(&array, &cap, SIZE_MAX, sizeof(*array)), -ENOMEM);
	assert_int_equal(cap, 1024);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(array[i], i);
	mem_free(array);
	assert_int_equal(mem_live(), live);
}

static void arena_alignment(void **state)
{
	struct arena arena = {0};
	size_t live = mem_live();

	(void)state;
	for (size_t i = 0; i < 3000; i += 7) {
		unsigned char *small = arena_alloc(&arena, i, 1);
		assert_non_null(small);
		assert_int_equal((uintptr_t)small % 16, 0);
		for (size_t j = 0; j < i; j++)
			assert_int_equal(small[j], 0);
		memset(small, 0xff, i);
		unsigned char *large = arena_alloc(&arena, 4096 + i, 1);
		assert_non_null(large);
		assert_int_equal((uintptr_t)large % 64, 0);
	}
	assert_null(arena_alloc(&arena, SIZE_MAX, 2));
	assert_null(arena_alloc(&arena, SIZE_MAX, 1));
	arena_fini(&arena);
	assert_int_equal(mem_live(), live);
	assert_int_equal(arena.used, 0);
}

static void arena_text(void **state)
{
	struct arena arena = {0};

	(void)state;
	char *copy = arena_strdup(&arena, "text");
	char *made = arena_printf(&arena, "%s-%d", "vm", 12);
	assert_non_null(copy);
	assert_non_null(made);
	assert_string_equal(copy, "text");
	assert_string_equal(made, "vm-12");
	assert_int_equal(arena.used, 5 + 6);
	arena_fini(&arena);
}

static void failing(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		struct arena arena = {0};
		size_t live = mem_live();
		int done = 0;
		mem_fail_at(n);
		while (done < 200 && arena_alloc(&arena, 100, 1) && arena_strdup(&arena, "x") &&
		       arena_printf(&arena, "%d", done))
			done++;
		mem_fail_at(0);
		arena_fini(&arena);
		assert_int_equal(mem_live(), live);
		if (done == 200)
			break;
		assert_true(n < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alloc),           cmocka_unit_test(grow),
		cmocka_unit_test(arena_alignment), cmocka_unit_test(arena_text),
		cmocka_unit_test(failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
