/*
 * A fixed threshold: a host is overloaded where its load is above it (Beloglazov & Buyya 2012, section 4.1;
 * the template for detectors). O(1).
 */
#include "policies/list.h"

struct thr {
	double threshold;
};

static const struct opt opts[] = {
	{.name = "threshold",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct thr, threshold),
	 .def = "0.8",
	 .max = 1,
	 .help = "load above which a host is overloaded"},
	{.name = NULL},
};

static double thr_limit(const void *state, const struct detector_view *view)
{
	(void)view;
	return ((const struct thr *)state)->threshold;
}

const struct detector_ops detector_thr = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct detector_ops),
		   .name = "thr",
		   .summary = "load over a fixed threshold",
		   .source = "Beloglazov & Buyya, CCPE 24(13), 2012",
		   .opts = opts,
		   .state_size = sizeof(struct thr)},
	.limit = thr_limit,
};
