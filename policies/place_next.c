/*
 * Next-fit: the host of the last placement if it fits, else the next one in order that does
 * (Johnson, J. Computer and System Sciences 8(3), 1974). It never goes back, as in the classical
 * form: hosts that were passed stay closed even when their VMs leave, and at the end there is
 * nowhere left. O(1) amortized over a run.
 */
#include "policies/list.h"

struct next {
	uint32_t host; /* of the last placement */
};

static uint32_t next_place(void *state, const struct place_view *view, const double req[PLACE_DIMS])
{
	struct next *p = state;
	struct place_ask ask;

	place_ask(&ask, view, req);
	uint32_t h = place_next(&ask, p->host);

	if (h != PLACE_NOWHERE)
		p->host = h;
	return h;
}

const struct placer_ops placer_next = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct placer_ops),
			.name = "next-fit",
			.summary = "the last host used, else the next that fits; never goes back",
			.source = "Johnson, J. Computer and System Sciences 8(3), 1974",
			.state_size = sizeof(struct next),
		},
	.place = next_place,
};
