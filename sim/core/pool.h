/*
 * A few threads that do the same thing at once, again and again.
 */
#ifndef COTENANT_SIM_CORE_POOL_H
#define COTENANT_SIM_CORE_POOL_H

#include <stddef.h>

#include "sim/core/err.h"

struct pool;

/* @threads in all, the caller among them (at least 1). NULL with @err set if they cannot be had. */
struct pool *pool_new(unsigned threads, struct err *err) must_check;

/* NULL: one, the caller. */
unsigned pool_threads(const struct pool *pool);

/* Calls work(ctx, i) on every thread, i = 0 being the caller, and returns when all have returned. What
 * a thread wrote before is seen by the others afterwards. */
void pool_run(struct pool *pool, void (*work)(void *ctx, unsigned i), void *ctx);

/* Deals 0 to n - 1 out, each of which takes about @each_ns: every thread calls work(ctx, i, first, end) for a
 * stretch of its own, those of higher threads behind. Where that is not worth waking anybody for, and where the
 * pool is NULL, the caller does all of it. */
#define POOL_LOOK_NS 30 /* to look at a host or VM that stands next to the one before */
void pool_deal(struct pool *pool, size_t n, size_t each_ns,
	       void (*work)(void *ctx, unsigned i, size_t first, size_t end), void *ctx);

/* Ends the threads; NULL is allowed. */
void pool_free(struct pool *pool);

#endif
