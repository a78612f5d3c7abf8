/*
 * A few threads that share out what is to be done, again and again.
 */
#ifndef COTENANT_SIM_CORE_POOL_H
#define COTENANT_SIM_CORE_POOL_H

#include <limits.h>
#include <stddef.h>

#include "sim/core/err.h"

struct pool;

/* The cores that this process may use. */
unsigned pool_cores(void);

/* @threads in all, the caller among them (at least 1). NULL with @err set if they cannot be had. */
struct pool *pool_new(unsigned threads, struct err *err) must_check;

/* NULL: one, the caller. */
unsigned pool_threads(const struct pool *pool);

/* Does what is numbered @first to @end - 1, on thread number @thread. 0, or less: it failed. */
typedef int pool_work(void *ctx, unsigned thread, size_t first, size_t end);

#define POOL_DONE    UINT_MAX
#define POOL_LOOK_NS 30 /* to look at a host or VM that stands next to the one before */

/* Deals 0 to n - 1 out, each of which takes about @each_ns, and returns when all are done. Threads call @work for one
 * stretch after the other; nobody can say which does what, but that of the caller is 0. Where that is not worth
 * waking anybody for, and where the pool is NULL, the caller does all of it at once. What a thread wrote before is
 * seen by the others afterwards.
 *
 * A thread whose work fails does no more, and nothing begins that stands behind it. Returns the thread
 * that failed at the lowest number, or POOL_DONE. */
unsigned pool_deal(struct pool *pool, size_t n, size_t each_ns, pool_work *work, void *ctx);

/* Ends the threads; NULL is allowed. */
void pool_free(struct pool *pool);

#endif
