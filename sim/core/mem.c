/*
 * See mem.h. Arena blocks double in size from ARENA_BLOCK; a request larger than the next block
 * gets a block of its own. Test builds set ARENA_BLOCK small so that growth is exercised.
 */
#include "sim/core/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ARENA_BLOCK
#define ARENA_BLOCK 4096
#endif
#define ARENA_BLOCK_MAX ((size_t)64 << 20)

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(64) unsigned char data[];
};

/* Test hooks: the two file-scope variables of the program's core, touched by tests only. */
static uint64_t fail_at;
static size_t live;

static int fails_now(void)
{
	uint64_t n = __atomic_load_n(&fail_at, __ATOMIC_RELAXED);

	if (n > 1)
		__atomic_fetch_sub(&fail_at, 1, __ATOMIC_RELAXED);
	return n == 1;
}

void mem_fail_at(uint64_t n)
{
	fail_at = n;
}

size_t mem_live(void)
{
	return live;
}

void *mem_alloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || fails_now())
		return NULL;
	void *p = calloc(1, bytes > 0 ? bytes : 1);
	if (p)
		__atomic_fetch_add(&live, 1, __ATOMIC_RELAXED);
	return p;
}

void mem_free(void *p)
{
	if (p)
		__atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
	free(p);
}

int mem_grow(void *array, size_t *cap, size_t need, size_t elem)
{
	if (need <= *cap)
		return 0;
	size_t want = *cap < 4 ? 4 : *cap;
	while (want < need) {
		if (want > SIZE_MAX / 2)
			return -ENOMEM;
		want *= 2;
	}
	void *old;
	memcpy(&old, array, sizeof(old));
	void *grown = mem_alloc(want, elem);
	if (!grown)
		return -ENOMEM;
	if (old)
		memcpy(grown, old, *cap * elem);
	mem_free(old);
	memcpy(array, &grown, sizeof(grown));
	*cap = want;
	return 0;
}

static struct arena_block *arena_block_new(struct arena *arena, size_t need)
{
	size_t size = ARENA_BLOCK;

	if (arena->blocks && arena->blocks->size < ARENA_BLOCK_MAX)
		size = arena->blocks->size * 2;
	if (size < need)
		size = need;
	size_t bytes = (sizeof(struct arena_block) + size + 63) & ~(size_t)63;
	if (bytes < size || fails_now())
		return NULL;
	/* Not zeroed here: large blocks are touched page by page, as they are handed out. */
	struct arena_block *block = aligned_alloc(64, bytes);
	if (!block)
		return NULL;
	live++;
	*block = (struct arena_block){.next = arena->blocks, .size = size};
	arena->blocks = block;
	return block;
}

void *arena_room(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	size_t align = bytes >= 4096 ? 64 : 16;
	struct arena_block *block = arena->blocks;
	size_t at = block ? (block->used + align - 1) & ~(align - 1) : 0;
	if (!block || at + bytes > block->size) {
		block = arena_block_new(arena, bytes);
		if (!block)
			return NULL;
		at = 0;
	}
	block->used = at + bytes;
	arena->used += bytes;
	return block->data + at;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	void *p = arena_room(arena, count, size);

	return p ? memset(p, 0, count * size) : NULL;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = arena_alloc(arena, n, 1);

	return copy ? memcpy(copy, text, n) : NULL;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *text = n < 0 ? NULL : arena_alloc(arena, (size_t)n + 1, 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}

void arena_fini(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;
		arena->blocks = block->next;
		free(block);
		__atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
	}
	arena->used = 0;
}
