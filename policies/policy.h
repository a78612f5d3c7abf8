/*
 * Host policies: how one host's CPU, memory or disk is divided among its VMs.
 *
 * To write one, copy none.c, change it, and add one line to list.h (policies/README.md).
 */
#ifndef COTENANT_POLICIES_POLICY_H
#define COTENANT_POLICIES_POLICY_H

#include "models/share.h"
#include "sim/core/err.h"
#include "sim/core/plugin.h"

enum policy_flags {
	POLICY_MEMORYLESS =
		1, /* the answer depends on the view alone, not on time or history, and divide()
		    * leaves its state as it is: hosts where nothing changes are not asked about
		    * again, and several hosts may be divided at the same time */
	POLICY_WORK_CONSERVING = 2, /* in one column: sum of grants = min(capacity, sum of
				     * min(want, cap)), but for VMs of weight 0 */
	POLICY_JOINT = 4,           /* may be named for all resources at once */
	POLICY_ENTITLEMENT = 8, /* in one column its default answer is the entitlement of design.md
		    * section 5 (weighted max-min), so nobody need compute that again */
};

struct policy_ops {
	struct plugin plugin;
	unsigned resources; /* bits RES_BIT(r): what it can divide */
	unsigned flags;     /* promises that the tests check */
	size_t vm_state_size; /* bytes that the core keeps for each VM on a host, of one policy in one role
			       * (cpu, memory, disk, all): zeroed when the VM starts, taken along when it
			       * moves to another host. Not together with POLICY_MEMORYLESS */

	/* Required. Writes grant[k][i] for every column k and VM i. Same state and view, same
	 * grants. No clock, no I/O, no random numbers but from its own state, no malloc(). n may be
	 * 0. */
	void (*divide)(void *state, const struct share_view *view, double *const *grant);

	/* Not required. Called once per run, after the options were filled in: checks what single
	 * ranges cannot, prepares state. 0 or a negative errno with @err set. fini() is called even
	 * then. */
	int (*init)(void *state, struct err *err);
	void (*fini)(void *state);

	/* Not required. Once per VM and host, around all divide() calls that show the VM there; @vm_state
	 * is its memory, of vm_state_size bytes, or NULL. */
	void (*vm_arrived)(void *state, uint32_t host, uint32_t vm, void *vm_state);
	void (*vm_left)(void *state, uint32_t host, uint32_t vm, void *vm_state);
};

#endif
