/* See build.h. Amounts that depend on a VM's size (80% of its vCPUs) become numbers here. */
#include "scenarios/build.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "models/power.h"

static const struct power_ops *power_ops_of(const struct plugin_spec *spec)
{
	return (const struct power_ops *)(const void *)spec->plugin;
}

/* The model's state, as its options left it, in *state. */
static int power_start(const struct plugin_spec *spec, struct arena *arena, const void **state,
		       struct err *err)
{
	const struct power_ops *ops = power_ops_of(spec);
	void *copy = arena_alloc(arena, 1, ops->plugin.state_size);

	if (!copy)
		return err_nomem(err);
	if (ops->plugin.state_size > 0)
		memcpy(copy, spec->state, ops->plugin.state_size);
	*state = copy;
	if (ops->init)
		ops->init(copy);
	return 0;
}

static int host_power(struct host_type *type, const struct plugin_spec *spec, struct arena *arena,
		      struct err *err)
{
	const struct power_ops *ops = power_ops_of(spec);

	if (!spec->plugin)
		return 0;
	type->has_power = true;
	type->watts = ops->watts;
	type->power_pieces = ops->pieces;
	return power_start(spec, arena, &type->power_state, err);
}

static const struct dvfs_step_spec *step_spec_at(const struct host_spec *spec, size_t i)
{
	return (const struct dvfs_step_spec *)spec->dvfs.steps.items + i;
}

/* How many steps are slower: where a step stands. */
static size_t step_rank(const struct host_spec *spec, double speed)
{
	size_t rank = 0;

	for (size_t i = 0; i < spec->dvfs.steps.n; i++)
		rank += step_spec_at(spec, i)->speed < speed;
	return rank;
}

static int host_dvfs(struct host_type *type, const struct host_spec *spec, struct arena *arena,
		     struct err *err)
{
	struct dvfs *dvfs = &type->dvfs;
	int rc = 0;

	dvfs->n = spec->dvfs.steps.n;
	dvfs->governor = (enum dvfs_governor)spec->dvfs.governor;
	dvfs->up = spec->dvfs.up;
	for (size_t i = 0; i < dvfs->n && rc == 0; i++) {
		const struct dvfs_step_spec *from = step_spec_at(spec, i);
		struct dvfs_step *step = &dvfs->step[step_rank(spec, from->speed)];
		double part = from->speed / spec->speed;
		*step = (struct dvfs_step){.speed = from->speed,
					   .dynamic = part * part * part,
					   .watts = type->watts,
					   .state = type->power_state};
		if (!from->power.plugin)
			continue;
		step->dynamic = 1;
		step->watts = power_ops_of(&from->power)->watts;
		rc = power_start(&from->power, arena, &step->state, err);
	}
	if (dvfs->n > 0)
		dvfs->fixed = (unsigned)(spec->dvfs.speed > 0 ? step_rank(spec, spec->dvfs.speed)
							      : dvfs->n - 1);
	return rc;
}

/* The host's own power model, else that of its fastest step. */
static const struct plugin_spec *power_of(const struct host_spec *spec)
{
	size_t fastest = 0;

	if (spec->power.plugin || spec->dvfs.steps.n == 0)
		return &spec->power;
	for (size_t i = 1; i < spec->dvfs.steps.n; i++)
		if (step_spec_at(spec, i)->speed > step_spec_at(spec, fastest)->speed)
			fastest = i;
	return &step_spec_at(spec, fastest)->power;
}

static double switch_watts(const struct host_type *type, const struct switch_spec *spec)
{
	return isinf(spec->power) ? type->watts(type->power_state, 0) : spec->power;
}

/* Going on or off, and being off. Of a host without a power model nothing is known. */
static void host_switches(struct host_type *type, const struct host_spec *spec)
{
	type->off_when_empty = spec->when_empty == EMPTY_OFF;
	type->takes_time = spec->boot.time.law != DIST_NONE || spec->shutdown.time.law != DIST_NONE;
	if (!type->has_power)
		return;
	type->state_watts[HOST_OFF] = spec->off_power;
	type->state_watts[HOST_BOOTING] = switch_watts(type, &spec->boot);
	type->state_watts[HOST_STOPPING] = switch_watts(type, &spec->shutdown);
}

static void host_disks(struct host_type *type, const struct host_spec *spec)
{
	const struct disk_spec *disk = spec->disks.items;

	type->ndisks = spec->disks.n;
	for (size_t d = 0; d < spec->disks.n; d++) {
		type->disk_bandwidth[d] = disk[d].bandwidth;
		type->disk_iops[d] = disk[d].iops;
		type->capacity[RES_DISK] += disk[d].bandwidth;
		type->capacity[RES_IOPS] += disk[d].iops;
		type->place[DC_DIM_DISK] += disk[d].size;
	}
}

/* Swap lies on a disk: a host without one has none. */
static double host_swap(const struct host_spec *spec)
{
	if (spec->disks.n == 0)
		return 0;
	return isinf(spec->swap) ? spec->memory : spec->swap;
}

static double ratio_of(double own, double all)
{
	return own > 0 ? own : all;
}

static int build_host(const struct scenario *s, const struct host_spec *spec, struct arena *arena,
		      struct host_type *type, struct err *err)
{
	*type = (struct host_type){
		.group = spec->name,
		.count = (uint32_t)spec->count,
		.rack = (uint32_t)spec->rack,
		.cores = (uint32_t)spec->cores,
		.speed = spec->speed,
		.swap = host_swap(spec),
	};
	type->capacity[RES_CPU] = (double)spec->cores * spec->speed;
	type->capacity[RES_MEM] = spec->memory;
	host_disks(type, spec);
	const struct overcommit_spec *own = &spec->overcommit, *all = &s->overcommit;
	type->place[DC_DIM_CPU] = type->capacity[RES_CPU] * ratio_of(own->cpu, all->cpu);
	type->place[DC_DIM_MEM] = spec->memory * ratio_of(own->memory, all->memory);
	type->place[DC_DIM_DISK] *= spec->disks.n > 0 ? ratio_of(own->disk, all->disk) : 1;
	type->place[DC_DIM_NET] = spec->network * ratio_of(own->network, all->network);
	int rc = host_power(type, power_of(spec), arena, err);
	if (rc == 0)
		rc = host_dvfs(type, spec, arena, err);
	if (rc == 0)
		host_switches(type, spec);
	return rc;
}

static double cpu_limit(struct cpu_amount amount, uint32_t vcpus, double speed)
{
	return isinf(amount.value) ? INFINITY : workload_mhz(amount, vcpus, speed);
}

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

static void class_limits(struct vm_class *class, const struct cpu_limits *cpu,
			 const struct mem_limits *ram, const struct io_limits *io)
{
	class->floor[RES_CPU] = cpu_limit(cpu->floor, class->vcpus, class->speed);
	class->cap[RES_CPU] = cpu_limit(cpu->cap, class->vcpus, class->speed);
	class->weight[RES_CPU] = cpu->weight;
	class->floor[RES_MEM] = ram->floor;
	class->cap[RES_MEM] = smaller(ram->cap, class->memory);
	class->weight[RES_MEM] = ram->weight;
	class->floor[RES_DISK] = io->floor;
	class->cap[RES_DISK] = io->cap;
	class->floor[RES_IOPS] = io->floor_iops;
	class->cap[RES_IOPS] = io->cap_iops;
	class->weight[RES_DISK] = class->weight[RES_IOPS] = io->weight;
}

static double default_speed(const struct scenario *s)
{
	return ((const struct host_spec *)s->hosts.items)->speed;
}

static struct vm_class class_of_spec(const struct scenario *s, const struct vm_spec *spec,
				     const struct trace_vm *sized)
{
	struct vm_class class = {
		.vcpus = (uint32_t)spec->vcpus,
		.priority = (int32_t)spec->priority,
		.speed = spec->speed > 0 ? spec->speed : default_speed(s),
		.memory = spec->memory,
	};
	if (sized && sized->cores > 0)
		class.vcpus = sized->cores;
	if (sized && sized->speed > 0)
		class.speed = sized->speed;
	if (sized && sized->memory > 0)
		class.memory = sized->memory;
	class_limits(&class, &spec->cpu, &spec->ram, &spec->io);
	class.request[DC_DIM_CPU] = class.vcpus * class.speed;
	class.request[DC_DIM_MEM] = class.memory;
	class.request[DC_DIM_DISK] = spec->disk;
	class.request[DC_DIM_NET] = spec->network;
	return class;
}

/* Sizes of a trace repeat. A group's classes stand one after the other; a few are looked at. */
static bool class_known(const struct plan *plan, const struct group *g,
			const struct vm_class *class, uint32_t *id)
{
	size_t end = (size_t)g->class_id + 64;

	for (size_t c = g->class_id; c < plan->dc.nclasses && c < end; c++) {
		const struct vm_class *known = &plan->dc.class[c];
		if (known->vcpus != class->vcpus || known->memory != class->memory ||
		    known->speed != class->speed)
			continue;
		*id = (uint32_t)c;
		return true;
	}
	return false;
}

int build_class(const struct scenario *scenario, struct plan *plan, size_t group, uint32_t index,
		uint32_t *class_id)
{
	const struct group *g = &plan->group[group];

	*class_id = g->class_id;
	size_t at = group_column(g, index);
	if (!g->spec->size_from_trace || !g->trace || at >= g->trace->n)
		return 0;
	struct vm_class class = class_of_spec(scenario, g->spec, &g->trace->vm[at]);
	if (class_known(plan, g, &class, class_id))
		return 0;
	return dc_add_class(&plan->dc, &class, class_id);
}

struct vm_class build_resized(const struct vm_class *class, const struct action_spec *action)
{
	struct vm_class to = *class;
	struct vm_class asked = {
		.vcpus = class->vcpus, .speed = class->speed, .memory = class->memory};

	if (action->vcpus > 0)
		to.vcpus = asked.vcpus = (uint32_t)action->vcpus;
	if (action->memory > 0)
		to.memory = asked.memory = action->memory;
	class_limits(&asked, &action->cpu, &action->ram, &action->io);
	for (int r = 0; r < RES_COUNT; r++) {
		to.floor[r] = isnan(asked.floor[r]) ? to.floor[r] : asked.floor[r];
		to.cap[r] = isnan(asked.cap[r]) ? to.cap[r] : asked.cap[r];
		to.weight[r] = isnan(asked.weight[r]) ? to.weight[r] : asked.weight[r];
	}
	to.cap[RES_MEM] =
		smaller(isnan(action->ram.cap) ? to.cap[RES_MEM] : action->ram.cap, to.memory);
	if (action->memory > 0 && isnan(action->ram.cap) && class->cap[RES_MEM] >= class->memory)
		to.cap[RES_MEM] = to.memory;
	to.request[DC_DIM_CPU] = to.vcpus * to.speed;
	to.request[DC_DIM_MEM] = to.memory;
	return to;
}

size_t group_column(const struct group *group, size_t index)
{
	size_t at = group->trace_first + index;

	return group->column && at < group->trace->n ? group->column[at] : at;
}

/* Traces with equally many VMs are shuffled alike, so that a VM that replays its CPU from one and its
 * disk from another replays one VM's. */
static const uint32_t *shuffled(const struct trace *trace, uint64_t seed, struct arena *arena)
{
	uint32_t *column = arena_alloc(arena, trace->n, sizeof(*column));
	struct rng *rng = rng_stream(arena, seed, "shuffle_traces");

	for (size_t i = 0; column && rng && i < trace->n; i++) {
		size_t k = rng_below(rng, i + 1);
		column[i] = column[k];
		column[k] = (uint32_t)i;
	}
	return rng ? column : NULL;
}

static int build_shuffles(const struct trace_set *traces, struct arena *arena, struct plan *plan)
{
	plan->column = arena_alloc(arena, traces->n, sizeof(*plan->column));
	for (size_t i = 0; plan->column && i < traces->n; i++) {
		plan->column[i] = shuffled(traces->use[i].trace, plan->seed, arena);
		if (!plan->column[i])
			return -ENOMEM;
	}
	return plan->column ? 0 : -ENOMEM;
}

static int build_group_loads(const struct vm_spec *spec, const struct trace_set *traces,
			     struct arena *arena, struct plan *plan, size_t i)
{
	struct group *g = &plan->group[i];
	struct sim_group *load = &plan->load[i];
	const struct trace **trace = arena_alloc(arena, spec->workloads.n, sizeof(*trace));
	const uint32_t **column = arena_alloc(arena, spec->workloads.n, sizeof(*column));

	if (!trace || !column)
		return -ENOMEM;
	*load = (struct sim_group){.name = spec->name,
				   .nloads = spec->workloads.n,
				   .load = spec->workloads.items,
				   .trace = trace,
				   .column = column,
				   .trace_from_first = spec->life_from_trace};
	for (size_t k = 0; k < spec->workloads.n; k++) {
		size_t use = trace_set_use(traces, spec, k);
		if (use == traces->n)
			continue;
		trace[k] = traces->use[use].trace;
		column[k] = plan->column ? plan->column[use] : NULL;
		if (g->trace)
			continue;
		g->trace = trace[k];
		g->column = column[k];
	}
	return 0;
}

static int build_group(const struct scenario *s, struct plan *plan, size_t i, struct err *err)
{
	struct group *g = &plan->group[i];
	struct vm_class class = class_of_spec(s, g->spec, NULL);

	if (dc_add_class(&plan->dc, &class, &g->class_id) < 0)
		return err_nomem(err);
	g->first_vm = (uint32_t)plan->dc.vm.n;
	for (int64_t k = 0; k < g->planned; k++) {
		uint32_t class_id, vm;
		if (build_class(s, plan, i, (uint32_t)k, &class_id) < 0 ||
		    dc_add_vm(&plan->dc, class_id, (uint32_t)i, (uint32_t)k, &vm) < 0)
			return err_nomem(err);
	}
	plan->load[i].first_vm = g->first_vm;
	plan->load[i].vms = g->planned > 0 ? (uint32_t)g->planned : 0;
	return 0;
}

static unsigned floors_in(const struct cpu_limits *cpu, const struct mem_limits *ram,
			  const struct io_limits *io)
{
	return (cpu->floor.value > 0 ? RES_BIT(RES_CPU) : 0) |
	       (ram->floor > 0 ? RES_BIT(RES_MEM) : 0) | (io->floor > 0 ? RES_BIT(RES_DISK) : 0) |
	       (io->floor_iops > 0 ? RES_BIT(RES_IOPS) : 0);
}

/* The resources of which some VM has a floor, or may be given one. */
static unsigned floors_of(const struct scenario *s)
{
	const struct action_spec *action = s->actions.items;
	unsigned floors = 0;

	for (size_t i = 0; i < s->vms.n; i++) {
		const struct vm_spec *vm = scenario_group(s, i);
		floors |= floors_in(&vm->cpu, &vm->ram, &vm->io);
	}
	for (size_t i = 0; i < s->actions.n; i++)
		floors |= floors_in(&action[i].cpu, &action[i].ram, &action[i].io);
	return floors;
}

static int build_type_ok(const struct scenario *s, const struct vm_spec *vm, struct arena *arena,
			 struct group_rules *rules)
{
	const struct host_spec *host = s->hosts.items;
	bool *ok = arena_alloc(arena, s->hosts.n, sizeof(*ok));

	for (size_t t = 0; ok && t < s->hosts.n; t++)
		ok[t] = scenario_host_has(&host[t], &vm->hosts);
	rules->type_ok = vm->hosts.n > 0 ? ok : NULL;
	return ok ? 0 : -ENOMEM;
}

static bool rule_names(const struct rule_spec *rule, const char *group)
{
	const char *const *name = rule->vms.items;

	for (size_t i = 0; i < rule->vms.n; i++)
		if (strcmp(name[i], group) == 0)
			return true;
	return false;
}

static int build_rule(struct plan *plan, const struct rule_spec *spec, struct arena *arena,
		      struct rule *rule)
{
	struct dc *dc = &plan->dc;

	*rule = (struct rule){.name = spec->name,
			      .together = spec->keep == KEEP_TOGETHER,
			      .racks = spec->level == LEVEL_RACK};
	rule->count = arena_alloc(arena, rule->racks ? dc->rack.n : dc->host.n, sizeof(uint32_t));
	for (size_t g = 0; rule->count && g < plan->ngroups; g++)
		if (rule_names(spec, plan->group[g].spec->name))
			dc->rules[g].rule[dc->rules[g].n++] = rule;
	return rule->count ? 0 : -ENOMEM;
}

static int build_rules(const struct scenario *s, struct plan *plan, struct arena *arena)
{
	struct rule *rule = arena_alloc(arena, s->rules.n, sizeof(*rule));
	bool any = s->rules.n > 0;

	plan->dc.rules = NULL;
	for (size_t g = 0; g < plan->ngroups; g++)
		any |= plan->group[g].spec->hosts.n > 0;
	if (!any)
		return 0;
	plan->dc.rules = arena_alloc(arena, plan->ngroups, sizeof(*plan->dc.rules));
	if (!rule || !plan->dc.rules)
		return -ENOMEM;
	for (size_t g = 0; g < plan->ngroups; g++) {
		struct group_rules *of = &plan->dc.rules[g];
		of->rule = arena_alloc(arena, s->rules.n, sizeof(struct rule *));
		if (!of->rule || build_type_ok(s, plan->group[g].spec, arena, of) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < s->rules.n; i++)
		if (build_rule(plan, (const struct rule_spec *)s->rules.items + i, arena, &rule[i]))
			return -ENOMEM;
	return 0;
}

int build_plan(const struct scenario *scenario, const struct trace_set *traces, struct arena *arena,
	       struct plan *plan, struct err *err)
{
	const struct host_spec *host = scenario->hosts.items;
	size_t vms = 0;
	int rc = 0;

	plan->ngroups = scenario->vms.n;
	plan->group = arena_alloc(arena, plan->ngroups, sizeof(*plan->group));
	plan->load = arena_alloc(arena, plan->ngroups, sizeof(*plan->load));
	plan->dc.alternate = scenario->host_order == HOSTS_ALTERNATE;
	plan->dc.floors = floors_of(scenario);
	plan->dc.ntypes = scenario->hosts.n;
	plan->dc.type = arena_alloc(arena, plan->dc.ntypes, sizeof(*plan->dc.type));
	if (!plan->group || !plan->load || !plan->dc.type)
		return err_nomem(err);
	if (scenario->shuffle_traces && build_shuffles(traces, arena, plan) < 0)
		return err_nomem(err);
	for (size_t i = 0; i < scenario->hosts.n && rc == 0; i++)
		rc = build_host(scenario, &host[i], arena, &plan->dc.type[i], err);
	for (size_t i = 0; i < plan->ngroups && rc == 0; i++) {
		struct group *g = &plan->group[i];
		g->spec = scenario_group(scenario, i);
		if (build_group_loads(g->spec, traces, arena, plan, i) < 0)
			return err_nomem(err);
		struct trace_part part = trace_set_part(scenario, traces, i);
		g->planned = part.vms;
		plan->load[i].trace_first = g->trace_first = (uint32_t)part.first;
		vms += g->planned > 0 ? (size_t)g->planned : 0;
	}
	if (rc < 0)
		return rc;
	if (dc_init(&plan->dc, arena, vms) < 0 || build_rules(scenario, plan, arena) < 0)
		return err_nomem(err);
	for (size_t i = 0; i < plan->ngroups && rc == 0; i++)
		rc = build_group(scenario, plan, i, err);
	return rc;
}
