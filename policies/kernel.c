/*
 * The decision is left to the operating system: in a simulation, the fluid limit of Linux' fair scheduler
 * with weights and quotas (weighted max-min fairness with caps; Stoica & Abdel-Wahab, EEVDF, 1995, for the
 * scheduler); on real guests weights and caps are set once and nothing is decided after that. Guarantees
 * are not known to the kernel: a scenario that has any is told so by its results.
 *
 * divide is O(n) if everything fits, else O(n) per Newton step of fill.h.
 */
#include "policies/fill.h"
#include "policies/list.h"

static void kernel_divide(void *state, const struct share_view *view, double *const *grant)
{
	(void)state;
	fill_level(view->col, view->n, view->scratch, grant[0]);
}

const struct policy_ops policy_kernel = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct policy_ops),
			.name = "kernel",
			.summary = "the host's scheduler decides: weights and caps are set once",
			.source = "Stoica & Abdel-Wahab, EEVDF, 1995",
		},
	.resources = 1u << RES_CPU,
	.flags = POLICY_MEMORYLESS | POLICY_WORK_CONSERVING | POLICY_ENTITLEMENT,
	.divide = kernel_divide,
};
