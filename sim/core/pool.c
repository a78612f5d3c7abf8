/*
 * See pool.h. A round has a number; helpers wait for the next one, the caller for the last helper. That takes some
 * 30 us: a thread that would have less than POOL_LEAST ns to do is not woken. Builds with sanitizers set it small.
 */
#include "sim/core/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "sim/core/mem.h"

#ifndef POOL_LEAST
#define POOL_LEAST 30000
#endif

struct helper {
	struct pool *pool;
	pthread_t thread;
	unsigned i;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t begin, end;
	unsigned long round; /* begun so far */
	unsigned busy;       /* helpers that have not finished it */
	bool over;
	void (*work)(void *ctx, unsigned i);
	void *ctx;
	unsigned n;
	struct helper helper[];
};

static void *helper_main(void *arg)
{
	struct helper *h = arg;
	struct pool *p = h->pool;

	pthread_mutex_lock(&p->lock);
	for (unsigned long seen = 0;; seen++) {
		while (p->round == seen && !p->over)
			pthread_cond_wait(&p->begin, &p->lock);
		if (p->over)
			break;
		pthread_mutex_unlock(&p->lock);
		p->work(p->ctx, h->i);
		pthread_mutex_lock(&p->lock);
		if (--p->busy == 0)
			pthread_cond_signal(&p->end);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_new(unsigned threads, struct err *err)
{
	struct pool *p = mem_alloc(1, sizeof(*p) + threads * sizeof(p->helper[0]));

	if (!p) {
		err_nomem(err);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->begin, NULL);
	pthread_cond_init(&p->end, NULL);
	for (unsigned i = 1; i < threads; i++) {
		struct helper *h = &p->helper[p->n];
		*h = (struct helper){.pool = p, .i = i};
		int e = pthread_create(&h->thread, NULL, helper_main, h);
		if (e) {
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
	pthread_mutex_lock(&p->lock);
	p->work = work;
	p->ctx = ctx;
	p->busy = p->n;
	p->round++;
	pthread_cond_broadcast(&p->begin);
	pthread_mutex_unlock(&p->lock);
	work(ctx, 0);
	pthread_mutex_lock(&p->lock);
	while (p->busy > 0)
		pthread_cond_wait(&p->end, &p->lock);
	pthread_mutex_unlock(&p->lock);
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
	pthread_mutex_lock(&p->lock);
	p->over = true;
	pthread_cond_broadcast(&p->begin);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n; i++)
		pthread_join(p->helper[i].thread, NULL);
	pthread_cond_destroy(&p->begin);
	pthread_cond_destroy(&p->end);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
}
