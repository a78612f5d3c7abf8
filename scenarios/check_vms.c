/* Groups of VMs: limits, and what they take of traces. */
#include <math.h>

#include "models/workload.h"
#include "scenarios/check.h"
#include "sim/core/dist.h"

/* What hosts have: the largest, resource by resource, and how fast the first are, which VMs without a speed of
 * their own are measured by. Nothing is beyond hosts that are not known. */
struct offer {
	double mhz, memory, bandwidth, iops, speed;
};

static struct offer offer_of(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct host_spec *host = s->hosts.items;

	if (s->hosts.n == 0 || !check_sound(ld, &s->hosts))
		return (struct offer){INFINITY, INFINITY, INFINITY, INFINITY, NAN};
	struct offer max = {.speed = host->speed};
	for (size_t i = 0; i < s->hosts.n; i++, host++) {
		const struct disk_spec *disk = host->disks.items;
		max.mhz = fmax(max.mhz, (double)host->cores * host->speed);
		max.memory = fmax(max.memory, host->memory);
		for (size_t k = 0; k < host->disks.n; k++) {
			max.bandwidth = fmax(max.bandwidth, disk[k].bandwidth);
			max.iops = fmax(max.iops, disk[k].iops);
		}
	}
	return max;
}

/* CPU amounts compare only on a VM of known size. */
static double cpu_mhz(const struct offer *offer, const struct vm_spec *vm, struct cpu_amount amount)
{
	double speed = vm->speed > 0 ? vm->speed : offer->speed;
	double unit = amount.unit == CPU_MHZ     ? 1
		      : amount.unit == CPU_CORES ? speed
						 : speed * (double)vm->vcpus;

	return isinf(amount.value) ? INFINITY : amount.value * unit;
}

static void check_limits(struct loader *ld, const struct vm_spec *vm, const struct offer *max)
{
	bool sized = !vm->size_from_trace || vm->cpu.floor.unit == CPU_MHZ;
	double floor = cpu_mhz(max, vm, vm->cpu.floor), cap = cpu_mhz(max, vm, vm->cpu.cap);

	if (floor > cap)
		wrong(ld, &vm->cpu.floor, "floor", vm, "is above the cap");
	if (sized && floor > max->mhz)
		wrong(ld, &vm->cpu.floor, "floor", vm,
		      "is %g MHz, beyond the largest host (%g MHz)", floor, max->mhz);
	if (vm->ram.floor > vm->ram.cap)
		wrong(ld, &vm->ram.floor, "floor", vm, "is above the cap");
	if (vm->ram.floor > max->memory)
		wrong(ld, &vm->ram.floor, "floor", vm, "is beyond the memory of every host");
	if (vm->io.floor > vm->io.cap)
		wrong(ld, &vm->io.floor, "floor", vm, "is above the cap");
	if (vm->io.floor > max->bandwidth)
		wrong(ld, &vm->io.floor, "floor", vm, "is beyond the bandwidth of every disk");
	if (vm->io.floor_iops > vm->io.cap_iops)
		wrong(ld, &vm->io.floor_iops, "floor_iops", vm, "is above cap_iops");
	if (vm->io.floor_iops > max->iops)
		wrong(ld, &vm->io.floor_iops, "floor_iops", vm,
		      "is beyond the operations of every disk");
}

static bool has_trace(const struct vm_spec *vm)
{
	const struct plugin_spec *spec = vm->workloads.items;

	for (size_t i = 0; i < vm->workloads.n; i++) {
		if (workload_ops_of(&spec[i])->trace_path)
			return true;
	}
	return false;
}

/* Where the group says what it takes of its trace, for what only the trace can show. */
static void keep_place(struct loader *ld, struct vm_spec *vm)
{
	const struct {
		const void *addr;
		const char *key;
	} setting[] = {{&vm->trace_share, "trace_share"},
		       {&vm->count, "count"},
		       {&vm->trace_first, "trace_first"},
		       {&vm->workloads, "workload"}};
	size_t i = 0;

	while (i + 1 < sizeof(setting) / sizeof(setting[0]) &&
	       !mark_find(ld, setting[i].addr, setting[i].key))
		i++;
	vm->place =
		place_text(&ld->scenario->arena,
			   check_where(ld, setting[i].addr, setting[i].key, vm), setting[i].key);
	ld->no_memory |= !vm->place;
}

/* What only a trace can tell. */
static void check_untraced(struct loader *ld, const struct vm_spec *vm)
{
	const char *const needs = "needs a workload that replays a trace";

	if (vm->trace_share > 0)
		wrong(ld, &vm->trace_share, "trace_share", vm, "%s", needs);
	if (vm->size_from_trace)
		wrong(ld, &vm->size_from_trace, "size_from_trace", vm, "%s", needs);
	if (vm->life_from_trace)
		wrong(ld, &vm->life_from_trace, "life_from_trace", vm, "%s", needs);
	if (mark_find(ld, &vm->trace_first, "trace_first"))
		wrong(ld, &vm->trace_first, "trace_first", vm, "%s", needs);
}

static void check_times(struct loader *ld, const struct vm_spec *vm)
{
	const struct scenario *s = ld->scenario;

	if (vm->start_ns >= s->duration_ns && check_sound(ld, &s->duration_ns))
		wrong(ld, &vm->start_ns, "start", vm, "is not before the end of the run");
	if (vm->life_from_trace && vm->arrivals.law != DIST_NONE)
		wrong(ld, &vm->arrivals, "arrivals", vm, "cannot stand beside life_from_trace");
	if (vm->life_from_trace && vm->lifetime.law != DIST_NONE)
		wrong(ld, &vm->lifetime, "lifetime", vm, "cannot stand beside life_from_trace");
	/* Arrivals without a count go on to the end; they must not come all at once. */
	if (vm->arrivals.law != DIST_NONE && !(dist_mean(&vm->arrivals) > 0))
		wrong(ld, &vm->arrivals, "arrivals", vm, "is no time at all");
}

static void check_workloads(struct loader *ld, struct vm_spec *vm)
{
	if (vm->workloads.n == 0)
		wrong(ld, &vm->workloads, "workload", vm, "is an empty list");
	if (vm->trace_share > 0 &&
	    (vm->count >= 0 || mark_find(ld, &vm->trace_first, "trace_first")))
		wrong(ld, &vm->trace_share, "trace_share", vm,
		      "cannot stand beside count or trace_first");
	if (has_trace(vm))
		keep_place(ld, vm);
	else
		check_untraced(ld, vm);
}

void check_vms(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	struct vm_spec *vm = s->vms.items;
	const struct offer offer = offer_of(ld);
	bool any_trace = false, sound = check_sound(ld, &s->vms);
	int64_t total = 0;

	if (s->vms.n == 0 && sound)
		wrong(ld, &s->vms, "vms", NULL, "is an empty list (at least one group)");
	for (size_t i = 0; i < s->vms.n; i++, vm++) {
		if (!check_sound_entry(ld, vm))
			continue;
		total += vm->count > 0 ? vm->count : 0;
		any_trace |= has_trace(vm);
		check_workloads(ld, vm);
		check_times(ld, vm);
		check_limits(ld, vm, &offer);
	}
	if (s->shuffle_traces && !any_trace && sound)
		wrong(ld, &s->shuffle_traces, "shuffle_traces", NULL,
		      "needs a workload that replays a trace");
	if (total > CHECK_MAX_TOTAL)
		wrong(ld, &s->vms, "vms", NULL, "are more than %d in all", CHECK_MAX_TOTAL);
}
