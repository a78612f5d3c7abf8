/*
 * Weighted dominant resource fairness over all columns of the view at once: max-min on each VM's
 * largest weighted share of any resource (Ghodsi et al., NSDI 2011), in its fluid form, with floors
 * and caps (fill.h). In one column it is weighted max-min.
 *
 * A VM that is stopped by a full column has no use for more of the others in the paper's world of
 * tasks, so they may stay partly unused. Memory is another matter: a VM whose CPU is short needs
 * its whole working set all the same. With `spare: lend`, the default, what is left of each column
 * goes to those who want more of it, by weight; `keep` is the paper's answer.
 *
 * divide is O(columns * n) if everything fits, else O(columns^2 * n) Newton steps at worst.
 */
#include "policies/fill.h"
#include "policies/list.h"

enum spare { SPARE_LEND, SPARE_KEEP };

struct drf {
	int spare; /* enum spare */
};

static const char *const spare_names[] = {[SPARE_LEND] = "lend", [SPARE_KEEP] = "keep", NULL};

static const struct opt drf_opts[] = {
	{
		.name = "spare",
		.type = OPT_ENUM,
		.offset = offsetof(struct drf, spare),
		.def = "lend",
		.choices = spare_names,
		.help = "what no VM can progress with: lent to those who want it, or kept",
	},
	{.name = NULL},
};

/* What a VM has is its floor now, and the rest of the column is filled in by weight. */
static void lend_rest(const struct share_view *view, size_t k, double *grant)
{
	struct share_col col = view->col[k];
	double *have = view->scratch + FILL_SCRATCH * view->n;

	for (size_t i = 0; i < view->n; i++)
		have[i] = grant[i];
	col.floor = have;
	fill_level(&col, view->n, view->scratch, grant);
}

static void drf_divide(void *state, const struct share_view *view, double *const *grant)
{
	const struct drf *p = state;

	fill_joint(view, FILL_M1, NULL, grant);
	for (size_t k = 0; k < view->ncols && view->ncols > 1 && p->spare == SPARE_LEND; k++)
		lend_rest(view, k, grant[k]);
}

const struct policy_ops policy_drf = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct policy_ops),
			.name = "drf",
			.summary =
				"dominant resource fairness, weighted, over all resources at once",
			.source = "Ghodsi et al., NSDI 2011",
			.opts = drf_opts,
			.state_size = sizeof(struct drf),
		},
	.resources = RES_ALL,
	.flags = POLICY_MEMORYLESS | POLICY_WORK_CONSERVING | POLICY_JOINT,
	.divide = drf_divide,
};
