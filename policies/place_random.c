/*
 * Random: each host that fits with the same probability, from a stream of the placer's own
 * (SplitMix64: Steele, Lea & Flood, OOPSLA 2014). One draw per placement, whatever fits. O(hosts).
 */
#include "policies/list.h"

struct random_state {
	uint64_t x;
};

static uint64_t draw(struct random_state *p)
{
	uint64_t z = p->x += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int random_init(void *state, uint64_t seed, struct err *err)
{
	struct random_state *p = state;

	(void)err;
	p->x = seed;
	return 0;
}

static uint32_t random_place(void *state, const struct place_view *view,
			     const double req[PLACE_DIMS])
{
	uint64_t fitting = 0, z = draw(state) >> 32;

	uint32_t h = place_next(view, 0, req);
	for (; h != PLACE_NOWHERE; h = place_next(view, h + 1, req))
		fitting++;
	/* 32 bits of z spread over the candidates: uneven by less than fitting / 2^32 */
	uint64_t pick = z * fitting >> 32;
	for (h = place_next(view, 0, req); h != PLACE_NOWHERE && pick-- > 0;)
		h = place_next(view, h + 1, req);
	return h;
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
