/*
 * Fixed partition of memory, as a hypervisor without ballooning does it: a VM's slice is its
 * configured memory (its cap); where the host is overcommitted, every slice shrinks by the same
 * factor to capacity * cap_i / sum cap, though not below the floor. A VM without a limit counts as
 * one configured with the whole host. Nothing is lent, and demand moves no slice.
 *
 * Own, after the min/max/shares discussion of Waldspurger (OSDI 2002). divide is O(n) per Newton
 * step of fill.h; one such step if no floor stands above its slice.
 */
#include <math.h>

#include "policies/fill.h"
#include "policies/list.h"

static void static_divide(void *state, const struct share_view *view, double *const *grant)
{
	double *size = view->scratch + FILL_SCRATCH * view->n;

	(void)state;
	for (size_t k = 0; k < view->ncols; k++) {
		const struct share_col *col = &view->col[k];
		double sum = 0.0;
		for (size_t i = 0; i < view->n; i++) {
			size[i] = isinf(col->cap[i]) ? col->capacity : col->cap[i];
			sum += size[i];
		}
		const double *slice = size;
		if (sum > col->capacity) {
			fill_slices(col, size, view->n, view->scratch, grant[k]);
			slice = grant[k];
		}
		for (size_t i = 0; i < view->n; i++) {
			double most = col->want[i] < col->cap[i] ? col->want[i] : col->cap[i];
			grant[k][i] = slice[i] < most ? slice[i] : most;
		}
	}
}

const struct policy_ops policy_static = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct policy_ops),
			.name = "static",
			.summary = "fixed partition by configured memory, shrunk alike when "
				   "overcommitted",
			.source = "own; cf. Waldspurger, OSDI 2002",
		},
	.resources = RES_BIT(RES_MEM),
	.flags = POLICY_MEMORYLESS,
	.divide = static_divide,
};
