/*
 * Strict isolation: a hard partition. A VM's slice is its weight's share of the capacity among all
 * VMs present, whether they want anything or not, and at least its floor; what it does not use is
 * lent to nobody. So a VM's service does not depend on what its neighbours do, only on who they
 * are: the "performance isolation" end of Verghese, Gupta & Rosenblum (ASPLOS 1998, fixed quotas).
 *
 * Only where more was guaranteed than there is do slices look at demand (fill_slices()). divide is
 * O(n) per column and Newton step of fill.h.
 */
#include "policies/fill.h"
#include "policies/list.h"

static void strict_divide(void *state, const struct share_view *view, double *const *grant)
{
	(void)state;
	for (size_t k = 0; k < view->ncols; k++) {
		const struct share_col *col = &view->col[k];
		fill_slices(col, col->weight, view->n, view->scratch, grant[k]);
		for (size_t i = 0; i < view->n; i++) {
			double most = col->want[i] < col->cap[i] ? col->want[i] : col->cap[i];
			grant[k][i] = grant[k][i] < most ? grant[k][i] : most;
		}
	}
}

const struct policy_ops policy_strict = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct policy_ops),
			.name = "strict",
			.summary = "hard partition by weight; nothing is lent",
			.source = "Verghese, Gupta & Rosenblum, ASPLOS 1998 (fixed quotas)",
		},
	.resources = RES_ALL,
	.flags = POLICY_MEMORYLESS,
	.divide = strict_divide,
};
