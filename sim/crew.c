/*
 * Several hosts at once (run.h): the run's threads, each at a desk of its own. What a host adds to the sums
 * of the timeline is kept apart and added up in the order in which hosts were given, so nothing depends
 * on who did what, or on how many there are.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/core/pool.h"
#include "sim/run.h"

/* Hosts whose sums are kept apart before they are added up. */
#define BLOCK 1024

/* Hosts ahead of the one at work whose slots, and whose VMs, are asked for. */
#define SLOTS_AHEAD 4
#define VMS_AHEAD   2

struct crew {
	struct run_desk *helper; /* desks of the other threads */
	unsigned nhelpers;
	struct metrics_rates *sums; /* of a block */
};

int crew_init(struct run *run)
{
	struct crew *crew = arena_alloc(&run->arena, 1, sizeof(*crew));

	run->crew = crew;
	if (!crew)
		return -ENOMEM;
	crew->sums = arena_room(&run->arena, BLOCK, sizeof(*crew->sums));
	return crew->sums ? 0 : -ENOMEM;
}

/* Whether hosts may be brought and divided by several threads. */
static bool may_share(const struct run *run)
{
	return run->memoryless && !run->watches_work && run->driver->independent &&
	       run->driver->independent(run->driver_state) && run->plan.dc.host.n > RUN_CHUNK;
}

int crew_start(struct run *run)
{
	struct crew *crew = run->crew;

	if (run->threads < 2 || !may_share(run))
		return 0;
	crew->helper = arena_alloc(&run->arena, run->threads - 1, sizeof(*crew->helper));
	if (!crew->helper)
		return err_nomem(run->err);
	for (; crew->nhelpers < run->threads - 1; crew->nhelpers++) {
		struct err *err = arena_alloc(&run->arena, 1, sizeof(*err));
		if (!err || run_desk_init(run, &crew->helper[crew->nhelpers], err) < 0)
			return err_nomem(run->err);
	}
	run->pool = pool_new(run->threads, run->err);
	return run->pool ? 0 : -EAGAIN;
}

void crew_free(struct run *run)
{
	pool_free(run->pool);
	for (unsigned i = 1; run->crew && i < crew_size(run); i++)
		run_desk_fini(crew_desk(run, i));
}

unsigned crew_size(const struct run *run)
{
	return 1 + run->crew->nhelpers;
}

struct run_desk *crew_desk(struct run *run, unsigned i)
{
	return i == 0 ? &run->desk : &run->crew->helper[i - 1];
}

int crew_outcome(struct run *run, unsigned failed)
{
	if (failed == POOL_DONE)
		return 0;
	const struct run_desk *desk = crew_desk(run, failed);
	if (desk->err != run->err)
		*run->err = *desk->err;
	return desk->rc;
}

struct job {
	struct run *run;
	run_step *step;
	const uint32_t *host;
	size_t n;
};

static void prefetch(const struct job *job, size_t i)
{
	struct run *run = job->run;

	if (i + SLOTS_AHEAD < job->n)
		dc_prefetch(&run->plan.dc, job->host[i + SLOTS_AHEAD]);
	if (i + VMS_AHEAD < job->n && run->driver->prefetch)
		run->driver->prefetch(run->driver_state, job->host[i + VMS_AHEAD]);
}

static int do_stretch(void *ctx, unsigned thread, size_t first, size_t end)
{
	const struct job *job = ctx;
	struct run_desk *desk = crew_desk(job->run, thread);

	desk->rc = 0;
	for (size_t i = first; i < end && desk->rc == 0; i++) {
		prefetch(job, i);
		desk->sums = &job->run->crew->sums[i];
		*desk->sums = (struct metrics_rates){.worst = 1};
		desk->rc = job->step(job->run, desk, job->host[i]);
	}
	return desk->rc;
}

static int do_block(struct run *run, run_step *step, const uint32_t *host, size_t n)
{
	struct job job = {run, step, host, n};
	int rc = crew_outcome(run, pool_deal(run->pool, n, RUN_HOST_NS, do_stretch, &job));

	run->desk.sums = &run->metrics.now;
	for (size_t i = 0; i < n && rc == 0; i++)
		metrics_add(&run->metrics.now, &run->crew->sums[i], 1);
	return rc;
}

int crew_do(struct run *run, run_step *step, const uint32_t *host, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += BLOCK)
		rc = do_block(run, step, host + i, n - i < BLOCK ? n - i : BLOCK);
	return rc;
}
