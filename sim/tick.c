/*
 * All hosts at a tick (run.h).
 *
 * A host sleeps while nothing about it changes: it is not collected, divided and guarded again, and
 * what its VMs gather is summed up when it wakes. Meanwhile each tick adds its rates to the sums of
 * the timeline, and where a whole chunk of hosts sleeps, the sum of their rates.
 *
 * Chunks are of a fixed size. A tick first brings every host to now and divides it, each chunk
 * gathering sums and what is left to do; then, in the order of chunks and hosts, sums are added up
 * and the rest is done: VMs end for lack of memory, changes of demand before the next tick are
 * scheduled. The first part may be done by several threads, a chunk by one of them; its results do
 * not depend on which, so neither does anything else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core/pool.h"
#include "sim/run.h"

#define CHUNK RUN_CHUNK

struct chunk {
	struct metrics_rates now;   /* gathered in this tick */
	struct metrics_rates rates; /* of all its hosts, while they sleep */
	int64_t until_ns;           /* while asleep: the first change of demand */
	uint64_t vms;
	uint64_t todo; /* bit per host: something is left to do */
	bool asleep;
};

_Static_assert(CHUNK == 64, "a bit per host");

#define CHUNK_NS (CHUNK * RUN_HOST_NS)

struct ticker {
	struct chunk *chunk;
	size_t nchunks;
	struct metrics_rates *rates; /* per host: in force while it sleeps */
	bool *asleep;                /* per host */
};

int ticker_init(struct run *run)
{
	struct ticker *t = arena_alloc(&run->arena, 1, sizeof(*t));
	size_t n = run->plan.dc.host.n;

	run->ticker = t;
	if (!t)
		return -ENOMEM;
	t->nchunks = (n + CHUNK - 1) / CHUNK;
	t->asleep = arena_alloc(&run->arena, n, sizeof(*t->asleep));
	t->chunk = mem_alloc(t->nchunks, sizeof(*t->chunk));
	/* Pages that nobody writes cost nothing: hosts that never sleep. */
	t->rates = mem_alloc(n, sizeof(*t->rates));
	return t->asleep && t->chunk && t->rates ? 0 : -ENOMEM;
}

void ticker_free(struct run *run)
{
	struct ticker *t = run->ticker;

	if (!t)
		return;
	mem_free(t->chunk);
	mem_free(t->rates);
}

void ticker_wake(struct run *run, uint32_t host)
{
	run->ticker->chunk[host / CHUNK].asleep = false;
}

void ticker_updated(struct run *run, uint32_t host)
{
	run->ticker->asleep[host] = false;
}

/* Hosts ahead of the one at work whose slots, and whose VMs, are asked for. */
#define SLOTS_AHEAD 4
#define VMS_AHEAD   2

static bool sleeps(const struct run *run, uint32_t host)
{
	return run->steady[host] && run->change_ns[host] > run->now_ns;
}

/* Whether a host of another chunk sleeps is for another thread to see. */
static void prefetch(struct run *run, uint32_t host, uint32_t end)
{
	uint32_t slots = host + SLOTS_AHEAD, vms = host + VMS_AHEAD;

	if (slots >= end || !sleeps(run, slots))
		dc_prefetch(&run->plan.dc, slots);
	if (run->driver->prefetch && vms < run->plan.dc.host.n && (vms >= end || !sleeps(run, vms)))
		run->driver->prefetch(run->driver_state, vms);
}

/* Falling asleep, a host is accounted for once more, which gives its rates. */
static int sleep_on(struct run *run, struct run_desk *desk, uint32_t host)
{
	struct ticker *t = run->ticker;

	desk->vm_steps += run->plan.dc.host.count[host];
	if (t->asleep[host]) {
		run_gather(run, desk->sums, &t->rates[host], run->counted_ns);
		return 0;
	}
	t->asleep[host] = true;
	return run_account(run, desk, host, &t->rates[host]);
}

static void chunk_falls_asleep(struct run *run, struct chunk *c, uint32_t first, uint32_t end)
{
	c->asleep = true;
	c->rates = (struct metrics_rates){.worst = 1};
	c->vms = 0;
	for (uint32_t h = first; h < end; h++) {
		metrics_add(&c->rates, &run->ticker->rates[h], 1);
		c->vms += run->plan.dc.host.count[h];
	}
}

/* A host at the tick. Where it is marked, it is divided with the others that are. */
static int host_tick(struct run *run, struct run_desk *desk, uint32_t host)
{
	run->victim[host] = DC_NONE;
	if (run->dirty[host])
		return run_bring(run, desk, host);
	if (sleeps(run, host))
		return sleep_on(run, desk, host);
	return run_update_begin(run, desk, host);
}

static int chunk_tick(struct run *run, struct run_desk *desk, size_t k)
{
	struct chunk *c = &run->ticker->chunk[k];
	uint32_t first = (uint32_t)k * CHUNK, end = first + CHUNK, asleep = 0;

	c->now = (struct metrics_rates){.worst = 1};
	c->todo = 0;
	desk->sums = &c->now;
	if (c->asleep && c->until_ns >= run->next_tick_ns) {
		run_gather(run, &c->now, &c->rates, run->counted_ns);
		desk->vm_steps += c->vms;
		return 0;
	}
	c->asleep = false;
	c->until_ns = INT64_MAX;
	end = end < run->plan.dc.host.n ? end : (uint32_t)run->plan.dc.host.n;
	for (uint32_t h = first; h < end; h++) {
		prefetch(run, h, end);
		asleep += !run->dirty[h] && sleeps(run, h);
		int rc = host_tick(run, desk, h);
		if (rc < 0)
			return rc;
		if (run->victim[h] != DC_NONE || run->change_ns[h] < run->next_tick_ns)
			c->todo |= UINT64_C(1) << (h - first);
		if (run->change_ns[h] < c->until_ns)
			c->until_ns = run->change_ns[h];
	}
	if (asleep == end - first)
		chunk_falls_asleep(run, c, first, end);
	return 0;
}

static int tick_chunks(void *ctx, unsigned thread, size_t first, size_t end)
{
	struct run *run = ctx;
	struct run_desk *desk = crew_desk(run, thread);

	desk->rc = 0;
	for (size_t k = first; k < end && desk->rc == 0; k++)
		desk->rc = chunk_tick(run, desk, k);
	return desk->rc;
}

static int finish_chunk(struct run *run, size_t k)
{
	struct chunk *c = &run->ticker->chunk[k];
	int rc = 0;

	for (uint64_t left = c->todo; left && rc == 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		uint32_t h = (uint32_t)k * CHUNK + i;
		if (!run->dirty[h] || run->victim[h] != DC_NONE)
			rc = run_update_finish(run, h);
	}
	return rc;
}

int ticker_tick(struct run *run)
{
	struct ticker *t = run->ticker;
	int rc = crew_outcome(run, pool_deal(run->pool, t->nchunks, CHUNK_NS, tick_chunks, run));

	run->desk.sums = &run->metrics.now;
	run->counted_ns = run->now_ns;
	for (size_t k = 0; k < t->nchunks && rc == 0; k++)
		metrics_add(&run->metrics.now, &t->chunk[k].now, 1);
	for (size_t k = 0; k < t->nchunks && rc == 0; k++)
		rc = finish_chunk(run, k);
	return rc;
}

uint64_t ticker_vm_steps(struct run *run)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < crew_size(run); i++)
		sum += crew_desk(run, i)->vm_steps;
	return sum;
}
