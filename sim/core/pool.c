/*
 * See pool.h. A helper sleeps until it is asked, and says when it has done. Asking it takes some 30 us: a thread that
 * would have less than POOL_LEAST ns to do is not woken. Builds with sanitizers set it small.
 */
#include "sim/core/pool.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>

#include "sim/core/mem.h"

#ifndef POOL_LEAST
#define POOL_LEAST 30000
#endif

struct helper {
	struct pool *pool;
	pthread_t thread;
	sem_t begin;
	unsigned i;
};

struct pool {
	sem_t end; /* a helper has done */
	bool over;
	void (*work)(void *ctx, unsigned i);
	void *ctx;
	unsigned n;
	struct helper helper[];
};

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem) < 0 && errno == EINTR) {
	}
}

static void *helper_main(void *arg)
{
	struct helper *h = arg;
	struct pool *p = h->pool;

	for (wait_for(&h->begin); !p->over; wait_for(&h->begin)) {
		p->work(p->ctx, h->i);
		sem_post(&p->end);
	}
	return NULL;
}

struct pool *pool_new(unsigned threads, struct err *err)
{
	struct pool *p = mem_alloc(1, sizeof(*p) + threads * sizeof(p->helper[0]));

	if (!p) {
		err_nomem(err);
		return NULL;
	}
	sem_init(&p->end, 0, 0);
	for (unsigned i = 1; i < threads; i++) {
		struct helper *h = &p->helper[p->n];
		*h = (struct helper){.pool = p, .i = i};
		sem_init(&h->begin, 0, 0);
		int e = pthread_create(&h->thread, NULL, helper_main, h);
		if (e) {
			sem_destroy(&h->begin);
			err_run(err, -e, "cannot start a thread: %s", strerror(e));
			pool_free(p);
			return NULL;
		}
		p->n++;
	}
	return p;
}

unsigned pool_threads(const struct pool *p)
{
	return p ? p->n + 1 : 1;
}

void pool_run(struct pool *p, void (*work)(void *ctx, unsigned i), void *ctx)
{
	p->work = work;
	p->ctx = ctx;
	for (unsigned i = 0; i < p->n; i++)
		sem_post(&p->helper[i].begin);
	work(ctx, 0);
	for (unsigned i = 0; i < p->n; i++)
		wait_for(&p->end);
}

struct deal {
	size_t n;
	unsigned threads;
	void (*work)(void *ctx, unsigned i, size_t first, size_t end);
	void *ctx;
};

static void take_stretch(void *ctx, unsigned i)
{
	const struct deal *d = ctx;

	d->work(d->ctx, i, d->n * i / d->threads, d->n * (i + 1) / d->threads);
}

void pool_deal(struct pool *p, size_t n, size_t each_ns,
	       void (*work)(void *ctx, unsigned i, size_t first, size_t end), void *ctx)
{
	struct deal deal = {n, pool_threads(p), work, ctx};

	if (deal.threads > 1 && n >= deal.threads &&
	    n * each_ns >= deal.threads * (size_t)POOL_LEAST)
		pool_run(p, take_stretch, &deal);
	else
		work(ctx, 0, 0, n);
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	p->over = true;
	for (unsigned i = 0; i < p->n; i++) {
		sem_post(&p->helper[i].begin);
		pthread_join(p->helper[i].thread, NULL);
		sem_destroy(&p->helper[i].begin);
	}
	sem_destroy(&p->end);
	mem_free(p);
}
