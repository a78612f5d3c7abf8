/*
 * See pool.h. Each thread has a share of what is dealt, the same whenever as much is dealt: what it needs is in
 * its cache, and neighbours are its own, too. It takes its share in stretches; who is done takes what others have
 * not come to.
 *
 * A helper sleeps until it is asked. To wake may take it longer than all there is to do, where cores sleep as
 * well: so it joins a deal when it is awake, and nobody waits for those that have not joined. As one deal often
 * follows close on another, who waits looks for a while before it sleeps, if there is a core for each thread. Who
 * would have less than POOL_LEAST ns to do is not asked. Builds with sanitizers set it small.
 */
#include "sim/core/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "sim/core/mem.h"

#ifndef POOL_LEAST
#define POOL_LEAST 10000
#endif

/* What is taken at a time: long enough not to meet at the counters, short enough not to wait for. */
#define STRETCH_NS 10000

/* Before going to sleep: some 60 us. */
#define LOOKS 200

/* No more helpers may join; on top of the number of those that have. */
#define CLOSED (1u << 31)

/* A thread; the first is the caller. */
struct member {
	struct pool *pool;
	unsigned i;
	pthread_t thread;
	sem_t begin;
	size_t next, end; /* what is left of its share */
	size_t failed;    /* the stretch at which it did, or SIZE_MAX */
	char apart[64];   /* others write to theirs */
};

struct pool {
	sem_t end; /* a helper that had joined has done */
	unsigned looks;
	bool over;
	unsigned joined;
	size_t stretch, failed; /* the lowest that anybody failed at so far, or SIZE_MAX */
	pool_work *work;
	void *ctx;
	unsigned n;
	struct member member[];
};

unsigned pool_cores(void)
{
	cpu_set_t mine;

	if (sched_getaffinity(0, sizeof(mine), &mine) == 0)
		return (unsigned)CPU_COUNT(&mine);
	long all = sysconf(_SC_NPROCESSORS_ONLN);
	return all > 0 ? (unsigned)all : 1;
}

static void wait_for(sem_t *sem, unsigned looks)
{
	for (; looks > 0; looks--) {
		if (sem_trywait(sem) == 0)
			return;
		sched_yield();
	}
	while (sem_wait(sem) < 0 && errno == EINTR) {
	}
}

static void fails(struct member *m, size_t at)
{
	size_t *failed = &m->pool->failed, lowest = __atomic_load_n(failed, __ATOMIC_RELAXED);

	m->failed = at;
	while (at < lowest && !__atomic_compare_exchange_n(failed, &lowest, at, false,
							   __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* What is left of a share, from the lowest number up. False: a stretch failed. */
static bool take(struct member *m, struct member *of)
{
	struct pool *p = m->pool;
	size_t at;

	while ((at = __atomic_fetch_add(&of->next, p->stretch, __ATOMIC_RELAXED)) < of->end &&
	       at < __atomic_load_n(&p->failed, __ATOMIC_RELAXED)) {
		size_t left = of->end - at;
		size_t end = at + (left < p->stretch ? left : p->stretch);
		if (p->work(p->ctx, m->i, at, end) < 0) {
			fails(m, at);
			return false;
		}
	}
	return true;
}

/* Its own share, then those of others. Before a stretch is left out, one before it has failed, and who failed took
 * nothing since, even if it joins once more: so the lowest that fails is always found. */
static void take_all(struct member *m)
{
	struct pool *p = m->pool;
	bool well = m->failed == SIZE_MAX;

	for (unsigned k = 0; k < p->n && well; k++)
		well = take(m, &p->member[(m->i + k) % p->n]);
}

static void *helper_main(void *arg)
{
	struct member *m = arg;
	struct pool *p = m->pool;

	for (wait_for(&m->begin, p->looks); !__atomic_load_n(&p->over, __ATOMIC_RELAXED);
	     wait_for(&m->begin, p->looks)) {
		if (__atomic_fetch_add(&p->joined, 1, __ATOMIC_ACQUIRE) & CLOSED)
			continue;
		take_all(m);
		sem_post(&p->end);
	}
	return NULL;
}

static int helper_start(struct member *m)
{
	sem_init(&m->begin, 0, 0);
	int e = pthread_create(&m->thread, NULL, helper_main, m);
	if (e)
		sem_destroy(&m->begin);
	return e;
}

struct pool *pool_new(unsigned threads, struct err *err)
{
	struct pool *p = mem_alloc(1, sizeof(*p) + threads * sizeof(p->member[0]));

	if (!p) {
		err_nomem(err);
		return NULL;
	}
	sem_init(&p->end, 0, 0);
	p->joined = CLOSED;
	p->looks = threads <= pool_cores() ? LOOKS : 0;
	for (; p->n < threads; p->n++) {
		struct member *m = &p->member[p->n];
		*m = (struct member){.pool = p, .i = p->n};
		int e = p->n > 0 ? helper_start(m) : 0;
		if (e) {
			err_run(err, -e, "cannot start a thread: %s", strerror(e));
			pool_free(p);
			return NULL;
		}
	}
	return p;
}

unsigned pool_threads(const struct pool *p)
{
	return p ? p->n : 1;
}

static void share_out(struct pool *p, size_t n, size_t each_ns)
{
	p->stretch = each_ns < STRETCH_NS ? STRETCH_NS / each_ns : 1;
	p->failed = SIZE_MAX;
	for (unsigned i = 0; i < p->n; i++) {
		p->member[i].next = n * i / p->n;
		p->member[i].end = n * (i + 1) / p->n;
		p->member[i].failed = SIZE_MAX;
	}
}

static unsigned first_failed(const struct pool *p)
{
	unsigned i = 0;

	if (p->failed == SIZE_MAX)
		return POOL_DONE;
	while (p->member[i].failed != p->failed)
		i++;
	return i;
}

unsigned pool_deal(struct pool *p, size_t n, size_t each_ns, pool_work *work, void *ctx)
{
	unsigned threads = pool_threads(p);

	if (threads < 2 || n < 2 || n * each_ns < threads * (size_t)POOL_LEAST)
		return work(ctx, 0, 0, n) < 0 ? 0 : POOL_DONE;
	share_out(p, n, each_ns);
	p->work = work;
	p->ctx = ctx;
	__atomic_store_n(&p->joined, 0, __ATOMIC_RELEASE);
	for (unsigned i = 1; i < threads; i++)
		sem_post(&p->member[i].begin);
	take_all(&p->member[0]);
	unsigned joined = __atomic_fetch_or(&p->joined, CLOSED, __ATOMIC_ACQ_REL);
	for (unsigned i = 0; i < joined; i++)
		wait_for(&p->end, p->looks);
	return first_failed(p);
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	__atomic_store_n(&p->over, true, __ATOMIC_RELAXED);
	for (unsigned i = 1; i < p->n; i++) {
		sem_post(&p->member[i].begin);
		pthread_join(p->member[i].thread, NULL);
		sem_destroy(&p->member[i].begin);
	}
	sem_destroy(&p->end);
	mem_free(p);
}
