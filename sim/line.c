/*
 * The line of VMs that wait for a host (run.h): by priority, and first come, first served within
 * one. VMs that failures of hosts bring into it at one moment come by id, whichever host failed
 * first: they stand apart at the end until the moment is over, and are then merged.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/run.h"

static int32_t priority_of(const struct run *run, uint32_t vm)
{
	return dc_class_of(&run->plan.dc, vm)->priority;
}

size_t line_length(const struct run *run)
{
	return run->nwaiting - run->waiting_head;
}

static int push(struct run *run, uint32_t vm)
{
	if (mem_grow(&run->waiting, &run->waiting_cap, run->nwaiting + 1, sizeof(*run->waiting)) <
	    0)
		return err_nomem(run->err);
	run->waiting[run->nwaiting++] = vm;
	run->plan.dc.vm.state[vm] = VM_WAITING;
	return 0;
}

/* A new head, and whoever is placed in batches, is worth a try. */
static void look_again(struct run *run, uint32_t old_head)
{
	run->retry |= run->waiting[run->waiting_head] != old_head || placing_batches(run);
}

static uint32_t head_of(const struct run *run)
{
	return line_length(run) > 0 ? run->waiting[run->waiting_head] : DC_NONE;
}

int line_add(struct run *run, uint32_t vm)
{
	int rc = line_settle(run);
	uint32_t head = head_of(run);

	if (rc == 0)
		rc = push(run, vm);
	if (rc < 0)
		return rc;
	size_t at = run->nwaiting - 1;
	for (; at > run->waiting_head; at--) {
		if (priority_of(run, run->waiting[at - 1]) >= priority_of(run, vm))
			break;
		run->waiting[at] = run->waiting[at - 1];
	}
	run->waiting[at] = vm;
	look_again(run, head);
	return 0;
}

int line_add_restarted(struct run *run, uint32_t vm)
{
	if (run->restarted == 0)
		run->retry |= line_length(run) == 0;
	int rc = push(run, vm);

	run->restarted += rc == 0;
	return rc;
}

static int by_priority_then_id(const void *a, const void *b, void *ctx)
{
	const struct run *run = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int32_t px = priority_of(run, x), py = priority_of(run, y);

	if (px != py)
		return px > py ? -1 : 1;
	return (x > y) - (x < y);
}

int line_settle(struct run *run)
{
	size_t n = line_length(run), late = run->restarted, i = 0, k = n - late;

	if (late == 0)
		return 0;
	uint32_t *line = run->waiting + run->waiting_head;
	uint32_t *merged = mem_alloc(n, sizeof(*merged)), head = line[0];
	if (!merged)
		return err_nomem(run->err);
	qsort_r(line + k, late, sizeof(*line), by_priority_then_id, run);
	for (size_t at = 0; at < n; at++) {
		bool first = k == n || (i < n - late &&
					priority_of(run, line[i]) >= priority_of(run, line[k]));
		merged[at] = first ? line[i++] : line[k++];
	}
	memcpy(line, merged, n * sizeof(*line));
	mem_free(merged);
	run->restarted = 0;
	look_again(run, head);
	return 0;
}

int line_remove(struct run *run, uint32_t vm)
{
	int rc = line_settle(run);

	for (size_t i = run->waiting_head; rc == 0 && i < run->nwaiting; i++) {
		if (run->waiting[i] != vm)
			continue;
		run->nwaiting--;
		memmove(run->waiting + i, run->waiting + i + 1,
			(run->nwaiting - i) * sizeof(*run->waiting));
		run->retry = true;
		break;
	}
	return rc;
}
