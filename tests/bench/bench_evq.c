/*
 * Speed of the event queue under the hold model (Jones 1986): take the first event, schedule a new
 * one an exponential time later. Prints holds per second of processor time, median of five runs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/core/evq.h"
#include "sim/core/rng.h"
#include "sim/core/stat.h"

#define RUNS  5
#define DRAWS ((size_t)1 << 16)
#define MEAN  1e9

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void push(struct evq *q, int64_t time_ns)
{
	if (evq_push(q, (struct evq_event){time_ns, 0, 0}, 1) == EVQ_NONE)
		exit(1);
}

/* The increments are drawn beforehand: only the queue is measured. */
static double hold_rate(size_t pending, const int64_t *draw)
{
	struct evq *q = evq_new(pending);
	struct evq_event event;
	size_t holds = 4 * pending > 5000000 ? 4 * pending : 5000000;

	if (!q)
		exit(1);
	for (size_t i = 0; i < pending; i++)
		push(q, draw[i % DRAWS] + (int64_t)i);
	double start = 0;
	for (size_t i = 0; i < 2 * holds; i++) {
		if (i == holds)
			start = now();
		if (!evq_pop(q, &event))
			exit(1);
		push(q, event.time_ns + draw[i % DRAWS]);
	}
	double rate = (double)holds / (now() - start);
	evq_free(q);
	return rate;
}

int main(void)
{
	static const size_t sizes[] = {100, 10000, 1000000};
	static int64_t draw[DRAWS];
	struct arena arena = {0};
	struct rng *rng = rng_stream(&arena, 1, "bench_evq");

	if (!rng)
		return 1;
	for (size_t i = 0; i < DRAWS; i++)
		draw[i] = (int64_t)(-MEAN * log(rng_uniform_pos(rng)));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		double rate[RUNS];
		for (int run = 0; run < RUNS; run++)
			rate[run] = hold_rate(sizes[i], draw);
		stat_sort(rate, RUNS);
		printf("evq %8zu pending  %8.2f M holds/s\n", sizes[i], rate[RUNS / 2] / 1e6);
	}
	arena_fini(&arena);
	return 0;
}
