/*
 * Max-min fairness without weights: nobody can get more without taking from one who has less
 * (progressive filling: Bertsekas & Gallager, Data Networks, 1987, section 6.5.2; floors as in M1,
 * fill.h). Weights are ignored, even 0. A disk's two columns are filled together.
 *
 * divide is O(n) if everything fits, else O(n) per Newton step of fill.h.
 */
#include "policies/fill.h"
#include "policies/list.h"

static void equal_divide(void *state, const struct share_view *view, double *const *grant)
{
	struct share_col col[SHARE_MAX_COLS];
	double *ones = view->scratch + FILL_SCRATCH * view->n;

	(void)state;
	for (size_t i = 0; i < view->n; i++)
		ones[i] = 1.0;
	for (size_t k = 0; k < view->ncols; k++) {
		col[k] = view->col[k];
		col[k].weight = ones;
	}
	if (view->ncols == 1) {
		fill_level(col, view->n, view->scratch, grant[0]);
		return;
	}
	struct share_view same = *view;
	same.col = col;
	fill_joint(&same, FILL_M1, NULL, grant);
}

const struct policy_ops policy_equal = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct policy_ops),
			.name = "equal",
			.summary = "max-min fair, weights ignored",
			.source = "Bertsekas & Gallager, Data Networks, 1987",
		},
	.resources = RES_ALL,
	.flags = POLICY_MEMORYLESS | POLICY_WORK_CONSERVING,
	.divide = equal_divide,
};
