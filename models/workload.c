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

void workload_complete(struct workload_stats *stats, double seconds)
{
	double n = (double)stats->completed++;

	if (n > 0) {
		double off = seconds - stats->response_sum / n;
		stats->response_m2 += off * off * n / (n + 1);
	}
	stats->response_sum += seconds;
}

void workload_stats_add(struct workload_stats *to, const struct workload_stats *from)
{
	double n = (double)to->completed, m = (double)from->completed;

	to->response_m2 += from->response_m2;
	if (n > 0 && m > 0) { /* Chan, Golub & LeVeque 1983 */
		double apart = from->response_sum / m - to->response_sum / n;
		to->response_m2 += apart * apart * n * m / (n + m);
	}
	to->arrived += from->arrived;
	to->completed += from->completed;
	to->waited += from->waited;
	to->rejected += from->rejected;
	to->total_count += from->total_count;
	to->total_sum += from->total_sum;
	to->work_done += from->work_done;
	to->response_sum += from->response_sum;
	to->wait_sum += from->wait_sum;
	to->slowdown_sum += from->slowdown_sum;
	to->in_system_integral += from->in_system_integral;
	to->in_system_sq_integral += from->in_system_sq_integral;
	to->response = from->response ? from->response : to->response;
	to->wait = from->wait ? from->wait : to->wait;
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
