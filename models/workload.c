/* The list of workloads, and what a scenario's CPU amounts mean on a VM. */
#include "models/workload.h"

#include "models/work_list.h"

const char *const workload_unmet_names[] = {"drop", "backlog", NULL};

double workload_mhz(struct cpu_amount amount, uint32_t vcpus, double speed)
{
	switch (amount.unit) {
	case CPU_FRACTION:
		return amount.value * vcpus * speed;
	case CPU_CORES:
		return amount.value * speed;
	case CPU_MHZ:
		break;
	}
	return amount.value;
}

static const struct workload_ops *const workloads[] = {
#define WORKLOAD_ENTRY(name) &workload_##name,
	WORKLOAD_LIST(WORKLOAD_ENTRY)
#undef WORKLOAD_ENTRY
};

static const struct plugin *workload_at(size_t i)
{
	return i < sizeof workloads / sizeof *workloads ? &workloads[i]->plugin : NULL;
}

const struct plugin_kind workload_kind = {
	.what = "workload",
	.ops_size = sizeof(struct workload_ops),
	.at = workload_at,
};
