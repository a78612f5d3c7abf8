/* What a scenario with `semantics: cloudsim-3.0.3` may not have, because CloudSim's PlanetLab
 * experiment has nothing like it: an answer that leaves it out would be another answer. */
#include <math.h>
#include <string.h>

#include "models/power_list.h"
#include "models/work_list.h"
#include "models/workload.h"
#include "policies/list.h"
#include "scenarios/load.h"
#include "sim/core/opt.h"

#define IN_THIS_MODE " (semantics: cloudsim-3.0.3)"

/* At the setting, or where it was not written, at the entry that lacks it. */
static void refuse(struct loader *ld, const void *addr, const char *name, const void *owner,
		   const char *text)
{
	const struct mark *mark = mark_find(ld, addr, name);

	if (!mark && owner)
		mark = mark_find(ld, owner, "");
	if (!mark)
		mark = mark_find(ld, &ld->scenario->semantics, "semantics");
	if (mark)
		place_error(ld, mark->at, name, "%s" IN_THIS_MODE, text);
}

static void check_hosts(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct host_spec *host = s->hosts.items;

	for (size_t i = 0; i < s->hosts.n; i++, host++) {
		if (host->power.plugin != &power_table.plugin)
			refuse(ld, &host->power, "power", host, "has to be a table");
		if (isinf(host->network) || !(host->network > 0))
			refuse(ld, &host->network, "network", host,
			       "has to be given: VMs migrate at half of it");
		if (host->time_to_failure.law != DIST_NONE)
			refuse(ld, &host->time_to_failure, "time_to_failure", host,
			       "cannot be: hosts do not fail");
		if (host->boot.time.law != DIST_NONE)
			refuse(ld, &host->boot.time, "time", host,
			       "cannot be: hosts go on at once");
		if (host->shutdown.time.law != DIST_NONE)
			refuse(ld, &host->shutdown.time, "time", host,
			       "cannot be: hosts go off at once");
		if (host->off_power > 0)
			refuse(ld, &host->off_power, "off_power", host, "has to be 0");
		if (host->dvfs.steps.n > 0)
			refuse(ld, &host->dvfs, "dvfs", host, "cannot be: hosts have one speed");
	}
}

/* Whether the workload replays a trace as it is. */
static bool replays(const struct plugin_spec *load)
{
	const struct opt *opts = load->plugin->opts;
	const char *state = load->state;

	if (load->plugin != &workload_trace.plugin)
		return false;
	const struct cpu_amount *cpu = (const void *)(state + opt_find(opts, "cpu")->offset);
	const double *scale = (const void *)(state + opt_find(opts, "scale")->offset);
	const bool *repeat = (const void *)(state + opt_find(opts, "repeat")->offset);
	return *scale == 1 && !*repeat && cpu->unit == CPU_FRACTION && cpu->value == 1;
}

static void check_vms(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct vm_spec *vm = s->vms.items;

	for (size_t i = 0; i < s->vms.n; i++, vm++) {
		const struct plugin_spec *load = vm->workloads.items;
		if (vm->workloads.n != 1 || !replays(load))
			refuse(ld, &vm->workloads, "workload", vm,
			       "has to be one trace as it is (no cpu, scale or repeat)");
		if (vm->vcpus != 1)
			refuse(ld, &vm->vcpus, "vcpus", vm, "has to be 1");
		if (vm->cpu.floor.value > 0 || !isinf(vm->cpu.cap.value))
			refuse(ld, &vm->cpu, "cpu", vm, "cannot have floor or cap");
		if (!(vm->speed > 0))
			refuse(ld, &vm->speed, "speed", vm, "has to be given");
		if (vm->size_from_trace)
			refuse(ld, &vm->size_from_trace, "size_from_trace", vm, "cannot be true");
		if (vm->life_from_trace)
			refuse(ld, &vm->life_from_trace, "life_from_trace", vm, "cannot be true");
		if (!isinf(vm->dirty_rate))
			refuse(ld, &vm->dirty_rate, "dirty_rate", vm, "cannot be");
		if (vm->start_ns > 0)
			refuse(ld, &vm->start_ns, "start", vm, "has to be 0: all VMs are there");
		if (vm->arrivals.law != DIST_NONE)
			refuse(ld, &vm->arrivals, "arrivals", vm, "cannot be: all VMs are there");
		if (vm->lifetime.law != DIST_NONE)
			refuse(ld, &vm->lifetime, "lifetime", vm, "cannot be: VMs stay");
	}
}

/* An option that CloudSim's detectors do not have. */
static void check_options(struct loader *ld, const struct plugin_spec *spec, const char *parameter)
{
	const struct opt *opt = spec->plugin->opts;

	for (; opt && opt->name; opt++) {
		const void *at = (const char *)spec->state + opt->offset;
		if (mark_find(ld, at, opt->name) &&
		    (!parameter || strcmp(opt->name, parameter) != 0))
			refuse(ld, at, opt->name, NULL, "is not CloudSim's");
	}
}

static void check_named(struct loader *ld, const struct plugin_spec *spec, const char *key,
			const struct cloudsim_named *(*find)(const char *name))
{
	if (!spec->plugin || !mark_find(ld, spec, key))
		return;
	const struct cloudsim_named *named = find(spec->plugin->name);
	if (!named)
		refuse(ld, spec, key, NULL, "is none of CloudSim's");
	else
		check_options(ld, spec, named->parameter);
}

static void check_set(struct loader *ld, const struct policy_set *set)
{
	check_named(ld, &set->detector, "detector", cloudsim_detector_find);
	check_named(ld, &set->selector, "selector", cloudsim_selector_find);
	if (set->balancer.plugin && mark_find(ld, &set->balancer, "balancer"))
		refuse(ld, &set->balancer, "balancer", NULL, "cannot be: CloudSim has none");
}

static void check_consolidation(struct loader *ld)
{
	const struct consolidation_spec *c = &ld->scenario->consolidation;

	if (c->interval_ns > 0 && c->interval_ns != ld->scenario->tick_ns)
		refuse(ld, &c->interval_ns, "interval", NULL, "has to be the tick");
	if (mark_find(ld, &c->at_once, "at_once"))
		refuse(ld, &c->at_once, "at_once", NULL, "cannot be: all VMs move at once");
	if (!c->drain)
		refuse(ld, &c->drain, "drain", NULL, "has to be true");
	if (c->placer.plugin && c->placer.plugin != &placer_pabfd.plugin)
		refuse(ld, &c->placer, "placer", NULL, "has to be pabfd");
}

void check_cloudsim(struct loader *ld)
{
	const struct scenario *s = ld->scenario;

	if (s->semantics != SEMANTICS_CLOUDSIM) {
		const struct mark *quirks = mark_find(ld, &s->quirks, "quirks");
		if (quirks)
			place_error(ld, quirks->at, "quirks", "need semantics: cloudsim-3.0.3");
		return;
	}
	const struct policy_set *set = s->compare.items;
	check_hosts(ld);
	check_vms(ld);
	check_consolidation(ld);
	check_set(ld, &s->policies);
	for (size_t i = 0; i < s->compare.n; i++)
		check_set(ld, &set[i]);
	if (mark_find(ld, &s->facility, "facility"))
		refuse(ld, &s->facility, "facility", NULL, "cannot be: energy is of hosts alone");
	if (s->warmup_ns > 0)
		refuse(ld, &s->warmup_ns, "warmup", NULL, "cannot be");
	if (s->actions.n > 0)
		refuse(ld, &s->actions, "actions", NULL, "cannot be");
	if (mark_find(ld, &s->migration, "migration"))
		refuse(ld, &s->migration, "migration", NULL,
		       "cannot be: it takes memory / half of the network rate");
	if (s->rules.n > 0)
		refuse(ld, &s->rules, "rules", NULL, "cannot be");
}
