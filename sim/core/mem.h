/*
 * The only malloc of the program: an arena for what lives as long as a run, and growing arrays.
 *
 * Every function returns NULL or -ENOMEM when memory is out, which is an ordinary failure; nothing
 * aborts. Tests make the n-th allocation fail with mem_fail_at() and so walk every such path.
 */
#ifndef COTENANT_SIM_CORE_MEM_H
#define COTENANT_SIM_CORE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "sim/core/err.h"

/* Zeroed memory; NULL when out of memory or when count * size overflows. count * size == 0 gives a
 * valid pointer. Free with mem_free(). */
void *mem_alloc(size_t count, size_t size) must_check;
void mem_free(void *p);

/* Makes *array hold at least @need elements of @elem bytes, where *cap says how many it holds now:
 * grows by doubling, zeroes what is new. On -ENOMEM the array is as it was. *array may be NULL with
 * *cap 0. Free with mem_free(). */
int mem_grow(void *array, size_t *cap, size_t need, size_t elem) must_check;

/* Memory that is released all at once. A zeroed struct is an empty arena. */
struct arena {
	struct arena_block *blocks;
	size_t used; /* bytes handed out, for the accounting of memory per VM */
};

/* Zeroed memory aligned for any type (64 bytes when size >= 4096), or NULL. Lives until
 * arena_fini(). */
void *arena_alloc(struct arena *arena, size_t count, size_t size) must_check;
/* The same, but what is in it is undefined, and what is never used of a large piece costs nothing. */
void *arena_room(struct arena *arena, size_t count, size_t size) must_check;
char *arena_strdup(struct arena *arena, const char *text) must_check;
char *arena_printf(struct arena *arena, const char *fmt, ...) must_check
	__attribute__((format(printf, 2, 3)));
void arena_fini(struct arena *arena);

/* For tests: the @n-th allocation from now fails (1 = the next one), and each one after it too; 0
 * switches this off. mem_live() counts what was allocated and not freed. */
void mem_fail_at(uint64_t n);
size_t mem_live(void);

#endif
