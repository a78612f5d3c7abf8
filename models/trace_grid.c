/*
 * Puts samples with times of their own onto the regular grid; the rules stand in trace_list.h.
 * One pass finds the step, one gives every sample its step, one fills the columns, each in the
 * order in which the samples came, with the state of each VM aside: nothing is sorted, so rows of
 * different VMs may be mixed in any way and the result is the same.
 */
#include "models/trace_list.h"

#include <errno.h>
#include <math.h>

#define DEFAULT_STEP_NS ((int64_t)300 * 1000000000)

/* What the passes remember of a VM. */
struct track {
	int64_t time_ns; /* of the last sample */
	int64_t step;
	bool any;
	float v[TRACE_COLS];
};

struct repairs {
	uint64_t drift, gaps, held, equal, merged, off_grid, lone, partial;
};

int trace_grid_add(struct trace_grid *grid, const struct trace_sample *sample)
{
	if (mem_grow(&grid->sample, &grid->cap, grid->n + 1, sizeof(*grid->sample)) < 0)
		return -ENOMEM;
	grid->sample[grid->n++] = *sample;
	return 0;
}

void trace_grid_fini(struct trace_grid *grid)
{
	mem_free(grid->sample);
	mem_free(grid->vm);
	*grid = (struct trace_grid){0};
}

/* The k-th smallest (Hoare's selection); reorders @x. */
static int64_t select_kth(int64_t *x, size_t n, size_t k)
{
	size_t lo = 0, hi = n - 1;

	while (lo < hi) {
		int64_t pivot = x[lo + (hi - lo) / 2];
		size_t i = lo, j = hi;
		for (;;) {
			while (x[i] < pivot)
				i++;
			while (x[j] > pivot)
				j--;
			if (i >= j)
				break;
			int64_t t = x[i];
			x[i++] = x[j];
			x[j--] = t;
		}
		/* x[lo..j] <= pivot <= x[j+1..hi], and j < hi */
		if (k <= j)
			hi = j;
		else
			lo = j + 1;
	}
	return x[k];
}

static int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t t = a % b;
		a = b;
		b = t;
	}
	return a;
}

static int64_t first_time(const struct trace_grid *grid)
{
	int64_t first = grid->sample[0].time_ns;

	for (size_t i = 1; i < grid->n; i++)
		if (grid->sample[i].time_ns < first)
			first = grid->sample[i].time_ns;
	return first;
}

/* 0: no VM has two samples at different times. */
static int64_t find_step(const struct trace_grid *grid, struct track *track, int64_t *gap)
{
	int64_t first = first_time(grid), common = 0;
	size_t ngaps = 0;

	for (size_t i = 0; i < grid->n; i++) {
		const struct trace_sample *s = &grid->sample[i];
		struct track *tr = &track[s->vm];
		if (tr->any && s->time_ns > tr->time_ns)
			gap[ngaps++] = s->time_ns - tr->time_ns;
		tr->any = true;
		tr->time_ns = s->time_ns;
		if (grid->exact_step)
			common = gcd(s->time_ns - first, common);
	}
	for (size_t i = 0; i < grid->nvms; i++)
		track[i] = (struct track){0};
	if (ngaps == 0)
		return 0;
	int64_t median = select_kth(gap, ngaps, (ngaps - 1) / 2);
	return common > 0 && common >= median / 20 ? common : median;
}

/* The step of a sample @at after the start of the grid. */
static int64_t snap(struct track *tr, int64_t at, int64_t distance, int64_t step)
{
	int64_t k = at / step;

	if (!tr->any)
		return k;
	if (distance > step / 2 && distance - step < step / 2) {
		int64_t next = tr->step + 1;
		int64_t ahead = next - k;
		int64_t into = at - k * step;
		if ((ahead == 1 && into >= step / 2) || ahead == 0 ||
		    (ahead == -1 && into < step / 2))
			k = next;
	}
	return k < tr->step ? tr->step : k;
}

/* Replaces every sample's time by its step; returns the number of steps. */
static int64_t snap_all(struct trace_grid *grid, struct trace *trace, struct track *track,
			struct repairs *r)
{
	int64_t step = trace->step_ns, steps = 0;

	for (size_t i = 0; i < grid->n; i++) {
		struct trace_sample *s = &grid->sample[i];
		struct track *tr = &track[s->vm];
		int64_t at = s->time_ns - trace->start_ns, distance = s->time_ns - tr->time_ns;
		int64_t k = snap(tr, at, distance, step);
		r->off_grid += at % step != 0;
		if (tr->any && distance == 0) {
			r->equal++;
		} else if (tr->any) {
			int64_t rest = distance - step;
			r->merged += k == tr->step;
			r->gaps += rest > step / 2;
			r->drift += rest != 0 && rest <= step / 2 && -rest <= step / 2;
			r->held += (uint64_t)(k > tr->step ? k - tr->step - 1 : 0);
		}
		tr->any = true;
		tr->time_ns = s->time_ns;
		tr->step = s->time_ns = k;
		if (k >= steps)
			steps = k + 1;
	}
	for (size_t i = 0; i < grid->nvms; i++)
		track[i] = (struct track){0};
	return steps;
}

static void fill(const struct trace_grid *grid, struct track *track, float *const col[TRACE_COLS])
{
	for (size_t i = 0; i < grid->n; i++) {
		const struct trace_sample *s = &grid->sample[i];
		struct track *tr = &track[s->vm];
		struct trace_vm *vm = &grid->vm[s->vm];
		size_t k = (size_t)s->time_ns, from = tr->any ? (size_t)tr->step + 1 : k;
		for (int c = 0; c < TRACE_COLS; c++) {
			if (!col[c])
				continue;
			for (size_t j = from; j < k; j++)
				col[c][j * grid->nvms + s->vm] = tr->v[c];
			if (!isnan(s->v[c]))
				tr->v[c] = s->v[c];
			col[c][k * grid->nvms + s->vm] = tr->v[c];
		}
		if (!tr->any)
			vm->first = (uint32_t)k;
		vm->last = (uint32_t)k;
		tr->any = true;
		tr->step = (int64_t)k;
	}
}

static int add_notes(struct trace *trace, const struct repairs *r, struct err *err)
{
	const struct trace_note notes[] = {
		{r->lone, "no VM has samples at two times: a step of 300 s is assumed"},
		{r->off_grid, "samples between two steps: each stands for the step it falls into"},
		{r->drift, "distances of samples up to half a step off: taken as one step"},
		{r->equal, "samples at the time of the VM's sample before: the last one wins"},
		{r->merged, "samples in the step of the VM's sample before: the last one wins"},
		{r->gaps, "gaps over 1.5 steps: the last value before the gap is held"},
		{r->held, "steps without a sample between a VM's first and last: value held"},
		{r->partial, "VMs that come after the first step or go before the last: 0 outside"},
	};

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		if (trace_note_add(trace, notes[i].count, notes[i].text, err) < 0)
			return -ENOMEM;
	return 0;
}

static int fill_trace(struct trace_grid *grid, struct trace *trace, struct track *track,
		      struct err *err)
{
	float *col[TRACE_COLS] = {NULL};
	struct trace_vm *vm = arena_alloc(&trace->arena, grid->nvms, sizeof(*vm));

	if (!vm)
		return err_nomem(err);
	for (int c = 0; c < TRACE_COLS; c++) {
		if (!(grid->cols & 1u << c))
			continue;
		col[c] = arena_alloc(&trace->arena, trace->steps * trace->n, sizeof(float));
		if (!col[c])
			return err_nomem(err);
	}
	fill(grid, track, col);
	for (size_t i = 0; i < trace->n; i++)
		vm[i] = grid->vm[i];
	trace->vm = vm;
	trace->cpu = col[TRACE_CPU];
	trace->mem = col[TRACE_MEM];
	trace->disk = col[TRACE_DISK];
	trace->iops = col[TRACE_IOPS];
	return 0;
}

int trace_grid_finish(struct trace_grid *grid, struct trace *trace, struct err *err)
{
	struct repairs r = {0};
	struct track *track = mem_alloc(grid->nvms, sizeof(*track));
	int64_t *gap = mem_alloc(grid->n, sizeof(*gap));
	int ret = -ENOMEM;

	if (!track || !gap) {
		err_nomem(err);
		goto out;
	}
	trace->step_ns = find_step(grid, track, gap);
	r.lone = trace->step_ns == 0;
	if (r.lone)
		trace->step_ns = DEFAULT_STEP_NS;
	trace->start_ns = first_time(grid);
	if (grid->floor_start)
		trace->start_ns -= trace->start_ns % trace->step_ns;
	trace->rows = grid->n;
	trace->n = grid->nvms;
	trace->steps = (size_t)snap_all(grid, trace, track, &r);
	ret = trace_check_size(trace, trace->steps, trace->n, trace->rows, err);
	if (ret == 0)
		ret = fill_trace(grid, trace, track, err);
	if (ret < 0)
		goto out;
	for (size_t i = 0; i < trace->n; i++)
		r.partial += trace->vm[i].first > 0 || trace->vm[i].last + 1 < trace->steps;
	ret = add_notes(trace, &r, err);
out:
	mem_free(gap);
	mem_free(track);
	return ret;
}
