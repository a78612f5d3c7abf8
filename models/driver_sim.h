/*
 * The simulated machine room: VMs' demand comes from workloads, memory shortage from the model of
 * memory.h, and grants are obeyed exactly. Sibling of replay/driver_kvm.h.
 */
#ifndef COTENANT_MODELS_DRIVER_SIM_H
#define COTENANT_MODELS_DRIVER_SIM_H

#include "models/driver.h"
#include "models/memory.h"
#include "models/trace.h"

/* What the VMs of one group run. */
struct sim_group {
	const char *name;
	size_t nloads;
	const struct plugin_spec *load;   /* of kind workload */
	const struct trace *const *trace; /* per load; NULL where it replays none */
	const uint32_t *const *column;    /* per load: which VM of its trace comes where; NULL: as
					     they stand in the trace */
	uint32_t trace_first;             /* place in the trace of the group's VM 0 */
	bool trace_from_first; /* VMs are created at their first sample, not at the trace's start */
	uint32_t first_vm, vms; /* ids of the group known beforehand, for forwarding */
};

struct driver_sim {
	struct dc *dc;
	struct arena *arena;
	uint64_t seed;
	struct memory_params memory;
	size_t ngroups;
	const struct sim_group *group;
	/* Called when something happened to another host than the one being collected. */
	void (*touch)(void *ctx, uint32_t host);
	void *touch_ctx;

	/* Private. */
	struct sim_forward *forward;
	size_t nforwards, forward_cap;
	size_t nparts; /* loads ever started that share their VM or keep what they do not get */
	uint64_t forwards_lost; /* requests handed to a VM that was not running */
	bool out_of_memory;
};

/* The ops take a struct driver_sim whose public members are set. */
extern const struct driver_ops driver_sim_ops;

void driver_sim_fini(struct driver_sim *sim);

#endif
