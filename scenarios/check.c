/* What single settings cannot show: settings that contradict each other, names, references. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/workload.h"
#include "policies/list.h"
#include "scenarios/load.h"
#include "sim/core/dist.h"
#include "sim/core/units.h"

#define MAX_TICKS 1000000000
#define MAX_TOTAL 10000000

/* An error about a setting; where it was not written, at the entry @owner that lacks it. */
#define wrong(ld, addr, name, owner, ...) \
	place_error((ld), where(ld, addr, name, owner), name, __VA_ARGS__)

static struct place where(struct loader *ld, const void *addr, const char *name, const void *owner)
{
	const struct mark *mark = mark_find(ld, addr, name);

	if (!mark && owner)
		mark = mark_find(ld, owner, "");
	/* What is wrong was written somewhere: of two settings, at least one. */
	static const struct source nowhere = {.name = "scenario", .dir = NULL, .is_set = true};
	return mark ? mark->at : (struct place){&nowhere, 1, 1};
}

static bool name_is_good(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-");

	return len > 0 && name[len] == '\0' && len <= 100;
}

/* Names of the entries of a list: well formed and different. */
static void check_names(struct loader *ld, const struct opt_list *list, size_t size, size_t offset,
			bool derived)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *entry = (const char *)list->items + i * size;
		const char *const *name = (const char *const *)(entry + offset);
		bool written = mark_find(ld, name, "name") != NULL;
		if ((written || !derived) && !name_is_good(*name))
			wrong(ld, name, "name", entry,
			      "\"%s\" is not a name (letters, digits, _ . and -)", *name);
		for (size_t k = 0; k < i; k++) {
			const char *other = (const char *)list->items + k * size;
			const char *const *twin = (const char *const *)(other + offset);
			if (strcmp(*name, *twin) != 0)
				continue;
			wrong(ld, name, "name", entry,
			      "\"%s\" is also entry %zu (names must differ)", *name, k);
			break;
		}
	}
}

/* The number at the end of "group-NUMBER" if the front is @group; else -1. */
static int64_t member_index(const char *name, const char *group)
{
	size_t len = strlen(group);
	char *end;

	if (strncmp(name, group, len) != 0 || name[len] != '-')
		return -1;
	const char *digits = name + len + 1;
	if (digits[0] < '0' || digits[0] > '9' || (digits[0] == '0' && digits[1]) ||
	    strlen(digits) > 9)
		return -1;
	long index = strtol(digits, &end, 10);
	return *end == '\0' ? index : -1;
}

static bool vm_is_member(const struct vm_spec *vm, const char *name)
{
	int64_t index = member_index(name, vm->name);

	return index >= 0 && (vm->count < 0 || index < vm->count);
}

/* A group called "web-3" beside a group "web" with more than 3 VMs. */
static void check_members(struct loader *ld)
{
	const struct opt_list *vms = &ld->scenario->vms;
	const struct vm_spec *vm = vms->items;

	for (size_t i = 0; i < vms->n; i++) {
		for (size_t k = 0; k < vms->n; k++) {
			if (i != k && vm_is_member(&vm[k], vm[i].name))
				wrong(ld, &vm[i].name, "name", &vm[i],
				      "\"%s\" is also a VM of group %s", vm[i].name, vm[k].name);
		}
	}
}

static void check_times(struct loader *ld)
{
	const struct scenario *s = ld->scenario;

	if (s->tick_ns > s->duration_ns)
		wrong(ld, &s->tick_ns, "tick", NULL, "is longer than duration");
	else if (s->duration_ns / s->tick_ns > MAX_TICKS)
		wrong(ld, &s->tick_ns, "tick", NULL,
		      "makes more than %d ticks in duration (a longer tick)", MAX_TICKS);
	if (s->warmup_ns >= s->duration_ns)
		wrong(ld, &s->warmup_ns, "warmup", NULL, "is not shorter than duration");
	bool seeds = mark_find(ld, &s->seeds, "seeds") != NULL;
	if (seeds && mark_find(ld, &s->replications, "replications"))
		wrong(ld, &s->replications, "replications", NULL,
		      "cannot stand beside seeds (one of the two)");
	if (seeds && s->seeds.n == 0)
		wrong(ld, &s->seeds, "seeds", NULL, "is an empty list (at least one seed)");
	const int64_t *seed = s->seeds.items;
	for (size_t i = 1; i < s->seeds.n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (seed[i] != seed[k])
				continue;
			wrong(ld, &s->seeds, "seeds", NULL, "has %lld twice", (long long)seed[i]);
			return;
		}
	}
}

static void check_failures(struct loader *ld, const struct host_spec *host)
{
	const struct {
		const struct dist *failure, *repair;
		const char *failure_key, *repair_key;
	} of[] = {
		{&host->time_to_failure, &host->time_to_repair, "time_to_failure",
		 "time_to_repair"},
		{&host->rack_time_to_failure, &host->rack_time_to_repair, "rack_time_to_failure",
		 "rack_time_to_repair"},
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		bool fails = of[i].failure->law != DIST_NONE;
		bool repaired = of[i].repair->law != DIST_NONE;
		if (fails && !repaired)
			wrong(ld, of[i].failure, of[i].failure_key, host, "needs %s beside it",
			      of[i].repair_key);
		if (repaired && !fails)
			wrong(ld, of[i].repair, of[i].repair_key, host, "needs %s beside it",
			      of[i].failure_key);
	}
	if (host->rack_time_to_failure.law != DIST_NONE && host->rack == 0)
		wrong(ld, &host->rack_time_to_failure, "rack_time_to_failure", host,
		      "needs rack beside it");
}

static bool has_power(const struct host_spec *host)
{
	const struct dvfs_step_spec *step = host->dvfs.steps.items;

	return host->power.plugin || (host->dvfs.steps.n > 0 && step[0].power.plugin);
}

static void check_switches(struct loader *ld, const struct host_spec *host)
{
	const struct switch_spec *const of[] = {&host->boot, &host->shutdown};

	if (has_power(host))
		return;
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		if (!isinf(of[i]->power) && mark_find(ld, &of[i]->power, "power"))
			wrong(ld, &of[i]->power, "power", host, "needs power of hosts %s",
			      host->name);
	if (host->off_power > 0)
		wrong(ld, &host->off_power, "off_power", host, "needs power beside it");
}

static bool has_speed(const struct host_spec *host, double speed)
{
	const struct dvfs_step_spec *step = host->dvfs.steps.items;

	for (size_t i = 0; i < host->dvfs.steps.n; i++)
		if (step[i].speed == speed)
			return true;
	return false;
}

static void check_steps(struct loader *ld, const struct host_spec *host)
{
	const struct dvfs_step_spec *step = host->dvfs.steps.items;
	size_t n = host->dvfs.steps.n, powered = 0;
	double fastest = 0;

	for (size_t i = 0; i < n; i++) {
		fastest = fmax(fastest, step[i].speed);
		powered += step[i].power.plugin != NULL;
		for (size_t k = 0; k < i; k++)
			if (step[i].speed == step[k].speed)
				wrong(ld, &step[i].speed, "speed", &step[i],
				      "is also that of entry %zu", k);
	}
	if (n == 0 || n > DVFS_MAX_STEPS)
		wrong(ld, &host->dvfs.steps, "steps", host, "has %zu entries (1 to %d)", n,
		      DVFS_MAX_STEPS);
	else if (fastest != host->speed)
		wrong(ld, &host->dvfs.steps, "steps", host,
		      "the fastest, %g MHz, is not the speed of hosts %s, %g MHz", fastest,
		      host->name, host->speed);
	if (powered > 0 && powered < n && !host->power.plugin)
		wrong(ld, &host->dvfs.steps, "steps", host,
		      "%zu of %zu have power (all of them, or power of the hosts)", powered, n);
}

static void check_dvfs(struct loader *ld, const struct host_spec *host)
{
	const struct dvfs_spec *dvfs = &host->dvfs;

	if (!mark_find(ld, dvfs, "dvfs"))
		return;
	check_steps(ld, host);
	if (mark_find(ld, &dvfs->up, "up") && dvfs->governor != DVFS_ONDEMAND)
		wrong(ld, &dvfs->up, "up", host, "stands only beside governor: ondemand");
	if (dvfs->speed > 0 && dvfs->governor != DVFS_FIXED)
		wrong(ld, &dvfs->speed, "speed", host, "stands only beside governor: fixed");
	else if (dvfs->speed > 0 && !has_speed(host, dvfs->speed))
		wrong(ld, &dvfs->speed, "speed", host, "is the speed of none of the steps");
}

static bool is_said(const char *path)
{
	return path && *path;
}

static void check_facility(struct loader *ld)
{
	const struct facility_spec *f = &ld->scenario->facility;

	if (f->carbon_intensity >= 0 && is_said(f->carbon_trace))
		wrong(ld, &f->carbon_trace, "carbon_trace", NULL,
		      "cannot stand beside carbon_intensity (one of the two)");
}

static void check_queue(struct loader *ld)
{
	const struct scenario *s = ld->scenario;

	if (s->queue_limit > 0 && s->when_full != FULL_QUEUE)
		wrong(ld, &s->queue_limit, "queue_limit", NULL, "needs when_full: queue beside it");
}

static void check_hosts(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct host_spec *host = s->hosts.items;
	int64_t total = 0;

	if (s->hosts.n == 0)
		wrong(ld, &s->hosts, "hosts", NULL, "is an empty list (at least one group)");
	for (size_t i = 0; i < s->hosts.n; i++, host++) {
		total += host->count;
		if (host->disks.n > SHARE_MAX_DISKS)
			wrong(ld, &host->disks, "disks", host, "has %zu entries (at most %d)",
			      host->disks.n, SHARE_MAX_DISKS);
		check_failures(ld, host);
		check_dvfs(ld, host);
		check_switches(ld, host);
	}
	if (total > MAX_TOTAL)
		wrong(ld, &s->hosts, "hosts", NULL, "are more than %d in all", MAX_TOTAL);
}

/* The largest host of the scenario, resource by resource. */
struct largest {
	double mhz, memory, bandwidth, iops;
};

static struct largest find_largest(const struct scenario *s)
{
	const struct host_spec *host = s->hosts.items;
	struct largest max = {0};

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
static double cpu_mhz(const struct scenario *s, const struct vm_spec *vm, struct cpu_amount amount)
{
	const struct host_spec *host = s->hosts.items;
	double speed = vm->speed > 0 ? vm->speed : host->speed;
	double unit = amount.unit == CPU_MHZ     ? 1
		      : amount.unit == CPU_CORES ? speed
						 : speed * (double)vm->vcpus;

	return isinf(amount.value) ? INFINITY : amount.value * unit;
}

static void check_limits(struct loader *ld, const struct vm_spec *vm, const struct largest *max)
{
	const struct scenario *s = ld->scenario;
	bool sized = !vm->size_from_trace || vm->cpu.floor.unit == CPU_MHZ;
	double floor = cpu_mhz(s, vm, vm->cpu.floor), cap = cpu_mhz(s, vm, vm->cpu.cap);

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
		if (((const struct workload_ops *)spec[i].plugin)->trace_path)
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
	vm->place = place_text(&ld->scenario->arena, where(ld, setting[i].addr, setting[i].key, vm),
			       setting[i].key);
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

static void check_vms(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	struct vm_spec *vm = s->vms.items;
	const struct largest max = find_largest(s);
	bool any_trace = false;
	int64_t total = 0;

	if (s->vms.n == 0)
		wrong(ld, &s->vms, "vms", NULL, "is an empty list (at least one group)");
	for (size_t i = 0; i < s->vms.n; i++, vm++) {
		total += vm->count > 0 ? vm->count : 0;
		if (vm->workloads.n == 0)
			wrong(ld, &vm->workloads, "workload", vm, "is an empty list");
		if (vm->start_ns >= s->duration_ns)
			wrong(ld, &vm->start_ns, "start", vm, "is not before the end of the run");
		if (vm->trace_share > 0 &&
		    (vm->count >= 0 || mark_find(ld, &vm->trace_first, "trace_first")))
			wrong(ld, &vm->trace_share, "trace_share", vm,
			      "cannot stand beside count or trace_first");
		any_trace |= has_trace(vm);
		if (has_trace(vm))
			keep_place(ld, vm);
		else
			check_untraced(ld, vm);
		if (vm->life_from_trace && vm->arrivals.law != DIST_NONE)
			wrong(ld, &vm->arrivals, "arrivals", vm,
			      "cannot stand beside life_from_trace");
		if (vm->life_from_trace && vm->lifetime.law != DIST_NONE)
			wrong(ld, &vm->lifetime, "lifetime", vm,
			      "cannot stand beside life_from_trace");
		/* Arrivals without a count go on to the end; they must not come all at once. */
		if (vm->arrivals.law != DIST_NONE && !(dist_mean(&vm->arrivals) > 0))
			wrong(ld, &vm->arrivals, "arrivals", vm, "is no time at all");
		if (s->hosts.n > 0)
			check_limits(ld, vm, &max);
	}
	if (s->shuffle_traces && !any_trace)
		wrong(ld, &s->shuffle_traces, "shuffle_traces", NULL,
		      "needs a workload that replays a trace");
	if (total > MAX_TOTAL)
		wrong(ld, &s->vms, "vms", NULL, "are more than %d in all", MAX_TOTAL);
}

bool scenario_host_has(const struct host_spec *host, const struct opt_list *labels)
{
	const char *const *want = labels->items, *const *have = host->labels.items;

	for (size_t i = 0; i < labels->n; i++) {
		size_t k = 0;
		while (k < host->labels.n && strcmp(have[k], want[i]) != 0)
			k++;
		if (k == host->labels.n)
			return false;
	}
	return true;
}

static void check_labels(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct host_spec *host = s->hosts.items;
	const struct vm_spec *vm = s->vms.items;

	for (size_t i = 0; i < s->vms.n; i++, vm++) {
		size_t t = 0;
		while (t < s->hosts.n && !scenario_host_has(&host[t], &vm->hosts))
			t++;
		if (vm->hosts.n > 0 && t == s->hosts.n)
			wrong(ld, &vm->hosts, "hosts", vm,
			      "no group of hosts has all of these labels");
	}
}

static const struct vm_spec *group_named(const struct scenario *s, const char *name)
{
	const struct vm_spec *vm = s->vms.items;

	for (size_t i = 0; i < s->vms.n; i++)
		if (strcmp(vm[i].name, name) == 0)
			return &vm[i];
	return NULL;
}

/* VMs of the group that are sure to exist at one time. */
static int64_t at_once(const struct vm_spec *vm)
{
	bool lasts = vm->arrivals.law == DIST_NONE && vm->lifetime.law == DIST_NONE &&
		     !vm->life_from_trace && !vm->destroy_when_done;

	return lasts && vm->count > 0 ? vm->count : 1;
}

/* Places that the VMs of a group can have: hosts or racks. */
static int64_t places_of(const struct scenario *s, const struct rule_spec *rule)
{
	const struct host_spec *host = s->hosts.items;
	int64_t n = 0;

	for (size_t t = 0; t < s->hosts.n; t++)
		n += rule->level == LEVEL_HOST ? host[t].count
		     : host[t].rack > 0        ? (host[t].count - 1) / host[t].rack + 1
					       : 0;
	return n;
}

/* Pairs of VMs that both rules are about, at least one. */
static bool share_a_pair(const struct scenario *s, const struct rule_spec *a,
			 const struct rule_spec *b)
{
	const char *const *x = a->vms.items, *const *y = b->vms.items;
	size_t groups = 0;

	for (size_t i = 0; i < a->vms.n; i++)
		for (size_t k = 0; k < b->vms.n; k++) {
			const struct vm_spec *vm = group_named(s, x[i]);
			if (strcmp(x[i], y[k]) != 0 || !vm)
				continue;
			groups += vm->count == 1 ? 1 : 2;
		}
	return groups > 1;
}

static void check_rule_vms(struct loader *ld, const struct rule_spec *rule)
{
	const struct scenario *s = ld->scenario;
	const char *const *name = rule->vms.items;
	int64_t n = 0, places = places_of(s, rule);
	double memory = 0;

	for (size_t i = 0; i < rule->vms.n; i++) {
		const struct vm_spec *vm = group_named(s, name[i]);
		if (!vm) {
			wrong(ld, &rule->vms, "vms", rule, "there is no group \"%s\"", name[i]);
			continue;
		}
		n += at_once(vm);
		memory += vm->size_from_trace ? 0 : vm->memory * (double)at_once(vm);
		for (size_t k = 0; k < i; k++)
			if (strcmp(name[i], name[k]) == 0)
				wrong(ld, &rule->vms, "vms", rule, "has \"%s\" twice", name[i]);
	}
	if (rule->keep == KEEP_APART && n > places)
		wrong(ld, &rule->vms, "vms", rule, "%lld VMs cannot be apart on %lld %ss",
		      (long long)n, (long long)places, rule->level == LEVEL_HOST ? "host" : "rack");
	double most = 0;
	for (size_t t = 0; t < s->hosts.n; t++) {
		const struct host_spec *host = (const struct host_spec *)s->hosts.items + t;
		double own = host->overcommit.memory, ratio = own > 0 ? own : s->overcommit.memory;
		most = fmax(most, host->memory * ratio);
	}
	if (rule->keep == KEEP_TOGETHER && rule->level == LEVEL_HOST && memory > most)
		wrong(ld, &rule->vms, "vms", rule,
		      "VMs of %g bytes in all cannot be together on a host (%g bytes at most)",
		      memory, most);
}

static void check_rules(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct rule_spec *rule = s->rules.items;
	const struct host_spec *host = s->hosts.items;

	check_names(ld, &s->rules, sizeof(*rule), offsetof(struct rule_spec, name), false);
	for (size_t i = 0; i < s->rules.n; i++) {
		for (size_t t = 0; t < s->hosts.n && rule[i].level == LEVEL_RACK; t++)
			if (host[t].rack == 0)
				wrong(ld, &rule[i].level, "level", &rule[i],
				      "hosts %s stand in no racks (rack: needs a number)",
				      host[t].name);
		check_rule_vms(ld, &rule[i]);
		for (size_t k = 0; k < s->rules.n; k++)
			if (rule[i].keep == KEEP_TOGETHER && rule[k].keep == KEEP_APART &&
			    rule[i].level <= rule[k].level && share_a_pair(s, &rule[i], &rule[k]))
				wrong(ld, &rule[i].vms, "vms", &rule[i],
				      "rule %s keeps some of these VMs apart", rule[k].name);
	}
}

/* The group that an action is done to, whole or one VM of it; NULL: there is none. */
static const struct vm_spec *action_target(const struct scenario *s, const char *name)
{
	const struct vm_spec *vm = s->vms.items;

	for (size_t i = 0; i < s->vms.n; i++) {
		if (strcmp(vm[i].name, name) == 0 || vm_is_member(&vm[i], name))
			return &vm[i];
	}
	return NULL;
}

static bool host_named(const struct scenario *s, const char *name)
{
	const struct host_spec *host = s->hosts.items;

	for (size_t i = 0; i < s->hosts.n; i++) {
		int64_t index = member_index(name, host[i].name);
		if (index >= 0 && index < host[i].count)
			return true;
	}
	return false;
}

static void check_migrate(struct loader *ld, const struct action_spec *action)
{
	if (action->to && action->action != ACTION_MIGRATE)
		wrong(ld, &action->to, "to", action, "stands only beside do: migrate");
	else if (action->to && !host_named(ld->scenario, action->to))
		wrong(ld, &action->to, "to", action, "there is no host \"%s\" (group-INDEX from 0)",
		      action->to);
}

static void check_move(struct loader *ld)
{
	const struct migration_spec *m = &ld->scenario->migration;
	const struct mark *rate = mark_find(ld, &m->dirty_rate, "dirty_rate");

	if (rate && !isinf(m->dirty_rate) && mark_find(ld, &m->dirty_share, "dirty_share"))
		place_error(ld, rate->at, "dirty_rate", "cannot stand beside dirty_share");
}

static void check_vm_action(struct loader *ld, const struct action_spec *action)
{
	const struct vm_spec *target = action->vm ? action_target(ld->scenario, action->vm) : NULL;
	char start[32];

	if (!action->vm)
		wrong(ld, &action->vm, "vm", action, "is missing: whom is it done to");
	else if (!target)
		wrong(ld, &action->vm, "vm", action,
		      "there is no group or VM \"%s\" (group, or group-INDEX from 0)", action->vm);
	/* At one moment actions, which may make room, come before VMs are created. */
	else if (action->at_ns <= target->start_ns)
		wrong(ld, &action->at_ns, "at", action,
		      "nothing is there to act on before %s are created, at %s (a later time)",
		      target->name, units_print_time(target->start_ns, start, sizeof(start)));
	if (action->host)
		wrong(ld, &action->host, "host", action,
		      "stands only beside do: switch-on, switch-off or set-speed");
	if (action->speed > 0)
		wrong(ld, &action->speed, "speed", action, "stands only beside do: set-speed");
}

static void check_host_action(struct loader *ld, const struct action_spec *action)
{
	const struct scenario *s = ld->scenario;
	const struct host_spec *host = s->hosts.items;
	bool sets = action->action == ACTION_SET_SPEED, any = false;

	if (action->vm)
		wrong(ld, &action->vm, "vm", action, "cannot stand here (host instead)");
	if (sets != (action->speed > 0))
		wrong(ld, &action->speed, "speed", action,
		      sets ? "is missing: the speed of a step"
			   : "stands only beside do: set-speed");
	if (!action->host) {
		wrong(ld, &action->host, "host", action, "is missing: whom is it done to");
		return;
	}
	for (size_t i = 0; i < s->hosts.n; i++) {
		int64_t index = member_index(action->host, host[i].name);
		if (strcmp(action->host, host[i].name) != 0 &&
		    (index < 0 || index >= host[i].count))
			continue;
		any = true;
		if (sets && action->speed > 0 &&
		    (host[i].dvfs.governor != DVFS_FIXED || !has_speed(&host[i], action->speed)))
			wrong(ld, &action->speed, "speed", action,
			      "hosts %s have no such step, or not governor: fixed", host[i].name);
	}
	if (!any)
		wrong(ld, &action->host, "host", action,
		      "there is no group of hosts or host \"%s\" (group, or group-INDEX from 0)",
		      action->host);
}

static void check_actions(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct action_spec *action = s->actions.items;
	static const char *const changes[] = {"vcpus", "memory", "cpu", "ram", "io"};

	for (size_t i = 0; i < s->actions.n; i++, action++) {
		const void *const fields[] = {&action->vcpus, &action->memory, &action->cpu,
					      &action->ram, &action->io};
		bool any = false;
		if (action->at_ns >= s->duration_ns)
			wrong(ld, &action->at_ns, "at", action, "is not before the end of the run");
		if (action->action >= ACTION_SWITCH_ON)
			check_host_action(ld, action);
		else
			check_vm_action(ld, action);
		check_migrate(ld, action);
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
			const struct mark *mark = mark_find(ld, fields[k], changes[k]);
			if (!mark)
				continue;
			any = true;
			if (action->action != ACTION_RESIZE)
				place_error(ld, mark->at, changes[k],
					    "stands only beside do: resize");
		}
		if (action->action == ACTION_RESIZE && !any)
			wrong(ld, &action->action, "do", action,
			      "resize needs one of vcpus, memory, cpu, ram, io");
	}
}

static void check_policy(struct loader *ld, const struct plugin_spec *spec, const char *key,
			 unsigned need)
{
	const struct policy_ops *ops = (const struct policy_ops *)spec->plugin;

	/* What was inherited or is a default was checked where it was written. */
	if (!ops || !mark_find(ld, spec, key))
		return;
	if (need == RES_ALL && !(ops->flags & POLICY_JOINT))
		wrong(ld, spec, key, NULL,
		      "%s does not divide all resources at once (use cpu, "
		      "memory and disk)",
		      ops->plugin.name);
	else if (need != RES_ALL && (ops->resources & need) != need)
		wrong(ld, spec, key, NULL, "%s does not divide %s", ops->plugin.name, key);
}

static void check_power(struct loader *ld, const struct plugin_spec *spec)
{
	const struct placer_ops *placer = (const struct placer_ops *)spec->plugin;
	const struct host_spec *host = ld->scenario->hosts.items;

	for (size_t t = 0; placer && placer->order == DC_BY_LOAD && t < ld->scenario->hosts.n; t++)
		if (!host[t].power.plugin && mark_find(ld, spec, "placer"))
			wrong(ld, spec, "placer", NULL, "%s needs power of hosts %s",
			      placer->plugin.name, host[t].name);
}

/* One packs VMs and the other spreads them. */
static void check_migration(struct loader *ld, const struct policy_set *set)
{
	const struct policy_set *base = &ld->scenario->policies;
	const struct plugin_spec *detector =
		set->detector.plugin ? &set->detector : &base->detector;
	const struct plugin_spec *balancer =
		set->balancer.plugin ? &set->balancer : &base->balancer;
	const struct detector_ops *ops = (const struct detector_ops *)detector->plugin;
	bool written = mark_find(ld, &set->balancer, "balancer") ||
		       mark_find(ld, &set->detector, "detector");

	if (ops && !(ops->flags & DETECTOR_NEVER) && balancer->plugin &&
	    balancer->plugin != &balancer_none.plugin && written)
		wrong(ld, &set->balancer, "balancer", &set->detector,
		      "%s cannot stand beside detector %s: one spreads load, the other packs it",
		      balancer->plugin->name, ops->plugin.name);
}

static bool some_entry_detects(const struct scenario *s)
{
	const struct policy_set *set = s->compare.items;

	for (size_t i = 0; i < s->compare.n; i++)
		if (set[i].detector.plugin)
			return true;
	return false;
}

/* Where it is never asked, whoever wrote it believes that VMs are moved. */
static void check_selector(struct loader *ld, const struct policy_set *set)
{
	const struct scenario *s = ld->scenario;
	bool detects = set->detector.plugin || s->policies.detector.plugin ||
		       (set == &s->policies && some_entry_detects(s));

	if (set->selector.plugin && !detects && mark_find(ld, &set->selector, "selector"))
		wrong(ld, &set->selector, "selector", NULL,
		      "%s is not asked without a detector, which says when VMs have to leave "
		      "(detector: thr, say, or none)",
		      set->selector.plugin->name);
}

static void check_consolidation(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct consolidation_spec *c = &s->consolidation;

	if (c->interval_ns % s->tick_ns != 0)
		wrong(ld, &c->interval_ns, "interval", NULL, "is not a multiple of tick");
	else if (c->interval_ns >= s->duration_ns)
		wrong(ld, &c->interval_ns, "interval", NULL, "is not shorter than duration");
	check_power(ld, &c->placer);
}

static void check_policies(struct loader *ld, const struct policy_set *set)
{
	const struct mark *all = mark_find(ld, &set->all, "all");

	check_policy(ld, &set->all, "all", RES_ALL);
	check_policy(ld, &set->cpu, "cpu", RES_BIT(RES_CPU));
	check_policy(ld, &set->memory, "memory", RES_BIT(RES_MEM));
	check_policy(ld, &set->disk, "disk", RES_BIT(RES_DISK) | RES_BIT(RES_IOPS));
	check_power(ld, &set->placer);
	check_migration(ld, set);
	check_selector(ld, set);
	if (all && (mark_find(ld, &set->cpu, "cpu") || mark_find(ld, &set->memory, "memory") ||
		    mark_find(ld, &set->disk, "disk")))
		place_error(ld, all->at, "all",
			    "cannot stand beside cpu, memory or disk (one side only)");
}

void check_scenario(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct policy_set *set = s->compare.items;

	check_times(ld);
	check_queue(ld);
	check_facility(ld);
	check_names(ld, &s->hosts, sizeof(struct host_spec), offsetof(struct host_spec, name),
		    false);
	check_hosts(ld);
	check_names(ld, &s->vms, sizeof(struct vm_spec), offsetof(struct vm_spec, name), false);
	check_members(ld);
	check_vms(ld);
	check_labels(ld);
	check_rules(ld);
	check_actions(ld);
	check_consolidation(ld);
	check_move(ld);
	check_cloudsim(ld);
	check_policies(ld, &s->policies);
	for (size_t i = 0; i < s->compare.n; i++)
		check_policies(ld, &set[i]);
	check_names(ld, &s->compare, sizeof(struct policy_set), offsetof(struct policy_set, name),
		    true);
}
