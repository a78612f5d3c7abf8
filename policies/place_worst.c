/*
 * Worst-fit: of the hosts that fit, the one that is then emptiest, place_fullness(). By default all
 * hosts count, used or not, so this spreads. The worst-fit of the packing literature opens a new bin
 * only when no open one fits: `hosts: used`. O(log hosts) for each type of hosts.
 */
#include "policies/list.h"

static const char *const which_names[] = {"all", "used", NULL};

struct worst {
	int which;
};

static const struct opt worst_opts[] = {
	{.name = "hosts",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct worst, which),
	 .def = "all",
	 .choices = which_names,
	 .help = "spread over all hosts, or over those in use while one of these fits"},
	{.name = NULL},
};

static uint32_t worst_place(void *state, const struct place_view *view,
			    const double req[PLACE_DIMS])
{
	const struct worst *p = state;

	return place_emptiest(view, req, p->which == 1);
}

const struct placer_ops placer_worst = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct placer_ops),
			.name = "worst-fit",
			.summary = "the emptiest host that fits",
			.source = "Johnson, Near-optimal bin packing algorithms, 1973",
			.opts = worst_opts,
			.state_size = sizeof(struct worst),
		},
	.place = worst_place,
	.order = DC_BY_FULLNESS,
};
