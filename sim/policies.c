/*
 * What policies know of VMs (run.h): that they come and go, and the memory that they keep of each. It
 * hangs on the slot of the VM, one column per policy that has any, so divide() sees that of a host's
 * VMs as an array. What a VM leaves behind the next one gets.
 */
#include <errno.h>
#include <string.h>

#include "sim/run.h"

_Static_assert((int)RUN_POLICIES == DC_POLICIES, "a column of memory each");

unsigned policies_memory(const struct policy_set *set)
{
	const struct plugin_spec *spec[RUN_POLICIES] = {[RUN_CPU] = &set->cpu,
							[RUN_MEMORY] = &set->memory,
							[RUN_DISK] = &set->disk,
							[RUN_JOINT] = &set->all};
	unsigned bits = 0;

	for (int i = 0; i < RUN_POLICIES; i++) {
		const struct policy_ops *ops = (const void *)spec[i]->plugin;
		if (ops && ops->vm_state_size > 0 && (i == RUN_JOINT || !set->all.plugin))
			bits |= 1u << i;
	}
	return bits;
}

static void **memory_of(struct run *run, uint32_t vm, int which)
{
	void **column = run->plan.dc.slot.memory[which];

	return column ? &column[run->plan.dc.vm.slot[vm]] : NULL;
}

static void *memory_new(struct run *run, struct run_policy *policy)
{
	size_t size = policy->ops->vm_state_size;
	void *memory = policy->unused;

	if (!memory)
		return arena_alloc(&run->arena, 1, size > sizeof(void *) ? size : sizeof(void *));
	memcpy(&policy->unused, memory, sizeof(void *));
	memset(memory, 0, size > sizeof(void *) ? size : sizeof(void *));
	return memory;
}

int policies_vm_starts(struct run *run, uint32_t vm)
{
	for (int i = 0; i < RUN_POLICIES; i++) {
		void **memory = memory_of(run, vm, i);
		if (memory && !(*memory = memory_new(run, &run->policy[i])))
			return err_nomem(run->err);
	}
	policies_vm_arrived(run, vm, run->plan.dc.vm.host[vm]);
	return 0;
}

void policies_vm_ends(struct run *run, uint32_t vm)
{
	policies_vm_left(run, vm, run->plan.dc.vm.host[vm]);
	for (int i = 0; i < RUN_POLICIES; i++) {
		void **memory = memory_of(run, vm, i);
		if (!memory || !*memory)
			continue;
		memcpy(*memory, &run->policy[i].unused, sizeof(void *));
		run->policy[i].unused = *memory;
		*memory = NULL;
	}
}

void policies_vm_left(struct run *run, uint32_t vm, uint32_t host)
{
	for (int i = 0; i < RUN_POLICIES; i++) {
		const struct policy_ops *ops = run->policy[i].ops;
		void **memory = memory_of(run, vm, i);
		if (ops && ops->vm_left)
			ops->vm_left(run->policy[i].state, host, vm, memory ? *memory : NULL);
	}
}

void policies_vm_arrived(struct run *run, uint32_t vm, uint32_t host)
{
	for (int i = 0; i < RUN_POLICIES; i++) {
		const struct policy_ops *ops = run->policy[i].ops;
		void **memory = memory_of(run, vm, i);
		if (ops && ops->vm_arrived)
			ops->vm_arrived(run->policy[i].state, host, vm, memory ? *memory : NULL);
	}
}
