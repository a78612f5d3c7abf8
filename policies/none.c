/*
 * No sharing: every VM gets what it was guaranteed, as far as it wants it, and no more.
 *
 * This is also the file to copy for a policy of your own (README.md says what else to do). All that
 * a policy may know is in the view; all it may do is write grant[k][i] for each column k and VM i.
 * The guard (models/share.h) checks every answer. divide is O(columns * n).
 */
#include "policies/list.h"

static double guaranteed(const struct share_col *col, size_t i)
{
	double most = col->want[i] < col->cap[i] ? col->want[i] : col->cap[i];

	return col->floor[i] < most ? col->floor[i] : most;
}

static void none_divide(void *state, const struct share_view *view, double *const *grant)
{
	(void)state; /* of state_size bytes, with the options filled in; here there is none */
	for (size_t k = 0; k < view->ncols; k++) {
		const struct share_col *col = &view->col[k];
		double sum = 0.0;
		for (size_t i = 0; i < view->n; i++) {
			grant[k][i] = guaranteed(col, i);
			sum += grant[k][i];
		}
		if (sum <= col->capacity)
			continue;
		/* More was promised than there is: the same part of its guarantee for each. */
		for (size_t i = 0; i < view->n; i++)
			grant[k][i] *= col->capacity / sum;
	}
}

const struct policy_ops policy_none = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct policy_ops),
			.name = "none",
			.summary = "the guarantee (floor) and nothing more; a template to copy",
			.source = "own",
		},
	.resources = RES_ALL,
	.flags = POLICY_MEMORYLESS,
	.divide = none_divide,
};
