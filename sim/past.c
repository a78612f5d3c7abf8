/* See past.h. All rings turn together, so that one index serves them all. */
#include "sim/past.h"

#include <errno.h>

struct sampling {
	struct past *past;
	const struct dc *dc;
};

static int sample_vms(void *ctx, unsigned thread, size_t first, size_t end)
{
	const struct sampling *sampling = ctx;
	struct past *past = sampling->past;
	const struct dc *dc = sampling->dc;
	size_t n = past->samples;

	(void)thread;
	for (size_t vm = first; vm < end; vm++) {
		uint32_t slot = dc->vm.slot[vm];
		bool here = slot != DC_NONE;
		past->row[vm * n + past->newest] = here ? (float)dc->slot.want[RES_CPU][slot] : 0;
		past->age[vm] = !here ? 0 : past->age[vm] + (past->age[vm] < n);
	}
	return 0;
}

int past_sample(struct past *past, const struct dc *dc, struct pool *pool)
{
	size_t n = past->samples;

	if (n == 0)
		return 0;
	if (mem_grow(&past->row, &past->row_cap, dc->vm.n * n, sizeof(*past->row)) < 0 ||
	    mem_grow(&past->age, &past->age_cap, dc->vm.n, sizeof(*past->age)) < 0)
		return -ENOMEM;
	past->newest = past->known == 0 ? 0 : (past->newest + 1) % n;
	past->known += past->known < n;
	past->vms = dc->vm.n;
	pool_deal(pool, dc->vm.n, POOL_LOOK_NS, sample_vms, &(struct sampling){past, dc});
	return 0;
}

void past_fini(struct past *past)
{
	mem_free(past->row);
	mem_free(past->age);
}

void past_in_order(const struct past *past, const double *ring, size_t n, double scale, double *out)
{
	size_t at = (past->newest + past->samples + 1 - n) % past->samples;

	for (size_t i = 0; i < n; i++) {
		out[i] = ring[at] * scale;
		at = at + 1 == past->samples ? 0 : at + 1;
	}
}
