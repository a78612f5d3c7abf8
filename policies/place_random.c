/*
 * Random: each host that fits with the same probability, from a stream of the placer's own
 * (SplitMix64: Steele, Lea & Flood, OOPSLA 2014), which moves on by one number per placement,
 * whatever fits.
 *
 * Hosts are drawn until one fits, which takes few tries while there is room: O(tries). Where so many
 * do not fit that TRIES fail, those that fit are counted: O(hosts).
 */
#include "policies/list.h"

struct random_state {
	uint64_t x;
};

#define TRIES 64
#define STEP  UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* A number below n, uneven by less than n / 2^32. */
static uint32_t below(uint64_t random, uint64_t n)
{
	return (uint32_t)((random >> 32) * n >> 32);
}

static int random_init(void *state, uint64_t seed, struct err *err)
{
	struct random_state *p = state;

	(void)err;
	p->x = seed;
	return 0;
}

static uint32_t pick_among_fitting(uint64_t random, const struct place_view *view,
				   const double req[PLACE_DIMS])
{
	struct place_ask ask;
	uint64_t fitting = 0;

	place_ask(&ask, view, req);
	uint32_t h = place_next(&ask, 0);
	for (; h != PLACE_NOWHERE; h = place_next(&ask, h + 1))
		fitting++;
	uint32_t pick = below(random, fitting);
	for (h = place_next(&ask, 0); h != PLACE_NOWHERE && pick-- > 0;)
		h = place_next(&ask, h + 1);
	return h;
}

static uint32_t random_place(void *state, const struct place_view *view,
			     const double req[PLACE_DIMS])
{
	struct random_state *p = state;
	uint64_t own = mix(p->x += STEP); /* where this placement's numbers begin */

	for (uint64_t i = 0; i < TRIES && view->nhosts > 0; i++) {
		uint32_t h = below(mix(own + i * STEP), view->nhosts);
		if (place_fits(view, h, req))
			return h;
	}
	return pick_among_fitting(mix(own + TRIES * STEP), view, req);
}

const struct placer_ops placer_random = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct placer_ops),
			.name = "random",
			.summary = "any host that fits, each with the same probability",
			.source = "own",
			.state_size = sizeof(struct random_state),
		},
	.place = random_place,
	.init = random_init,
};
