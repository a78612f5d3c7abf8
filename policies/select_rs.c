/*
 * Random selection: any of the VMs with the same probability (Beloglazov & Buyya 2012, section
 * 4.2.2), from a stream of the selector's own (SplitMix64: Steele, Lea & Flood, OOPSLA 2014). O(1).
 */
#include "policies/list.h"

struct rs {
	uint64_t x;
};

static int rs_init(void *state, uint64_t seed, struct err *err)
{
	(void)err;
	((struct rs *)state)->x = seed;
	return 0;
}

static size_t rs_select(void *state, const struct selector_view *view)
{
	struct rs *s = state;
	uint64_t z = s->x += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	/* 32 bits over n: uneven by less than n / 2^32 */
	return (size_t)((z >> 32) * view->n >> 32);
}

const struct selector_ops selector_rs = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct selector_ops),
		   .name = "rs",
		   .summary = "any VM leaves, by chance",
		   .source = "Beloglazov & Buyya, CCPE 24(13), 2012",
		   .state_size = sizeof(struct rs)},
	.select = rs_select,
	.init = rs_init,
};
