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

double workload_mhz_resized(double mhz, enum cpu_unit unit, uint32_t was, uint32_t is)
{
	return unit == CPU_FRACTION ? mhz / was * is : mhz;
}

void workload_resolve(struct workload_common *common, const struct workload_ctx *ctx)
{
	common->cpu.value = workload_mhz(common->cpu, ctx->vcpus, ctx->speed);
}

int workload_resized(void *state, uint32_t was, uint32_t is)
{
	struct cpu_amount *cpu = &((struct workload_common *)state)->cpu;

	cpu->value = workload_mhz_resized(cpu->value, cpu->unit, was, is);
	return 0;
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
