/*
 * See driver_sim.h. A VM's workloads hang on its slot as a chain of loads. A load is asked again
 * only when its demand is due to change, unless it keeps work of its own (jobs, requests): that one
 * must be told what it got. Unmet demand that is kept (`unmet: backlog`) is kept here, for every
 * kind of workload alike: while there is any, the VM wants all its vCPUs.
 *
 * Most VMs run one workload that drops what it does not get. Its demand is the VM's demand and its
 * share the VM's grant, so it needs no part of its own: it writes the slot's columns. Where neighbours
 * of a host are such workloads of one kind, they are asked together.
 */
#include "models/driver_sim.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/core/bug.h"
#include "sim/core/lanes.h"

struct load {
	const struct workload_ops *ops;
	struct load_part *part; /* NULL: alone on its VM, and drops what it does not get */
	_Alignas(16) unsigned char state[];
};

/* A load's part in its VM. */
struct load_part {
	struct load *next;
	int64_t next_ns; /* when its demand changes by itself, as it said last */
	bool keeps, started;
	double want[RES_COUNT];
	double rate;    /* CPU it gets, MHz */
	double backlog; /* MHz x s */
};

/* A request on its way to another VM. */
struct sim_forward {
	uint32_t vm;
	int64_t birth_ns;
};

/* Work that is smaller than this is rounding: MHz x s served at 1 MHz in a nanosecond. */
#define BACKLOG_EPSILON 1e-9

static struct load *next_load(const struct load *load)
{
	return load->part ? load->part->next : NULL;
}

static void forward(void *ctx, const char *target, uint32_t index, int64_t birth_ns)
{
	struct driver_sim *sim = ctx;

	for (size_t g = 0; g < sim->ngroups; g++) {
		const struct sim_group *group = &sim->group[g];
		if (strcmp(group->name, target) != 0 || group->vms == 0)
			continue;
		uint32_t vm = group->first_vm + index % group->vms, host = sim->dc->vm.host[vm];
		if (host == DC_NONE || sim->dc->vm.state[vm] == VM_STOPPED ||
		    sim->dc->vm.state[vm] == VM_WAITING)
			break;
		if (mem_grow(&sim->forward, &sim->forward_cap, sim->nforwards + 1,
			     sizeof(*sim->forward)) < 0) {
			sim->out_of_memory = true;
			return;
		}
		sim->forward[sim->nforwards++] = (struct sim_forward){vm, birth_ns};
		sim->touch(sim->touch_ctx, host);
		return;
	}
	sim->forwards_lost++;
}

/* The VM of the trace that the @k-th load replays; of a load that replays none, the VM's index. */
static uint32_t load_index(const struct sim_group *group, size_t k, uint32_t index)
{
	const struct trace *trace = group->trace[k];

	if (!trace)
		return index;
	index += group->trace_first;
	return group->column[k] && index < trace->n ? group->column[k][index] : index;
}

static int load_init(struct driver_sim *sim, struct load *load, uint32_t vm, size_t k,
		     int64_t now_ns, struct err *err)
{
	const struct sim_group *group = &sim->group[sim->dc->vm.group[vm]];
	const struct vm_class *class = dc_class_of(sim->dc, vm);
	char name[160];

	snprintf(name, sizeof(name), "%.120s-%u/%zu", group->name, sim->dc->vm.index[vm], k);
	struct workload_ctx ctx = {
		.arena = sim->arena,
		.seed = sim->seed,
		.name = name,
		.vm = vm,
		.index = load_index(group, k, sim->dc->vm.index[vm]),
		.vcpus = class->vcpus,
		.speed = class->speed,
		.core = sim->dc->host.type[sim->dc->vm.host[vm]]->speed,
		.memory = class->memory,
		.now_ns = now_ns,
		.trace_from_first = group->trace_from_first,
		.trace = group->trace[k],
		.forward = forward,
		.forward_ctx = sim,
	};
	if (load->part)
		load->part->next_ns = now_ns;
	return load->ops->init ? load->ops->init(load->state, &ctx, err) : 0;
}

static struct load *load_new(struct driver_sim *sim, const struct plugin_spec *spec, bool alone)
{
	struct load *load = arena_alloc(sim->arena, 1, sizeof(*load) + spec->plugin->state_size);

	if (!load)
		return NULL;
	load->ops = workload_ops_of(spec);
	memcpy(load->state, spec->state, spec->plugin->state_size);
	bool keeps = load->ops->handles_unmet ||
		     ((const struct workload_common *)load->state)->unmet == UNMET_BACKLOG;
	if (alone && !keeps)
		return load;
	load->part = arena_alloc(sim->arena, 1, sizeof(*load->part));
	sim->nparts++;
	if (!load->part)
		return NULL;
	load->part->keeps = keeps;
	return load;
}

static int sim_vm_start(void *driver, uint32_t vm, int64_t now_ns, struct err *err)
{
	struct driver_sim *sim = driver;
	const struct sim_group *group = &sim->group[sim->dc->vm.group[vm]];
	struct load **at = (struct load **)&sim->dc->slot.load[sim->dc->vm.slot[vm]];

	for (size_t k = 0; k < group->nloads; k++) {
		struct load *load = load_new(sim, &group->load[k], group->nloads == 1);
		if (!load)
			return err_nomem(err);
		*at = load;
		at = load->part ? &load->part->next : NULL;
		int rc = load_init(sim, load, vm, k, now_ns, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static struct load *first_load(const struct driver_sim *sim, uint32_t vm)
{
	uint32_t slot = sim->dc->vm.slot[vm];

	return slot == DC_NONE ? NULL : sim->dc->slot.load[slot];
}

static void sim_vm_stop(void *driver, uint32_t vm)
{
	struct driver_sim *sim = driver;

	for (struct load *load = first_load(sim, vm); load; load = next_load(load))
		if (load->ops->fini)
			load->ops->fini(load->state);
	sim->dc->slot.load[sim->dc->vm.slot[vm]] = NULL;
}

static bool part_is_done(const struct load *load)
{
	const struct load_part *part = load->part;

	return part->next_ns == INT64_MAX && part->started && part->backlog <= BACKLOG_EPSILON &&
	       part->want[RES_CPU] <= 0 && part->want[RES_MEM] <= 0;
}

static bool alone_is_done(struct load *load, int64_t now_ns)
{
	struct demand out;

	load->ops->demand(load->state, now_ns, 0, 0, &out);
	return out.want[RES_CPU] <= 0 && out.want[RES_MEM] <= 0 &&
	       load->ops->next(load->state, now_ns, 0) == INT64_MAX;
}

static bool sim_vm_done(void *driver, uint32_t vm)
{
	const struct driver_sim *sim = driver;
	struct load *load = first_load(sim, vm);

	if (!load)
		return false;
	if (!load->part)
		return alone_is_done(load, sim->dc->host.last_ns[sim->dc->vm.host[vm]]);
	for (; load; load = next_load(load))
		if (!part_is_done(load))
			return false;
	return true;
}

static const struct workload_stats *sim_vm_stats(void *driver, uint32_t vm, size_t i)
{
	const struct load *load = first_load(driver, vm);

	while (load && (i > 0 || !load->ops->stats)) {
		i -= load->ops->stats && i > 0;
		load = next_load(load);
	}
	return load ? load->ops->stats(load->state) : NULL;
}

static void sim_reset_stats(void *driver, uint32_t vm, int64_t now_ns)
{
	for (struct load *load = first_load(driver, vm); load; load = next_load(load))
		if (load->ops->reset_stats)
			load->ops->reset_stats(load->state, now_ns);
}

static double sim_vm_backlog(void *driver, uint32_t vm)
{
	double sum = 0;

	for (const struct load *load = first_load(driver, vm); load; load = next_load(load))
		sum += load->part ? load->part->backlog : 0;
	return sum;
}

/* Asks a load for its demand; what it got since the last time is its rate. */
static void load_ask(struct driver_sim *sim, struct load *load, int64_t now_ns, double dt_s)
{
	struct demand out = {0};

	load->ops->demand(load->state, now_ns, dt_s, load->part->rate, &out);
	memcpy(load->part->want, out.want, sizeof(out.want));
	load->part->started = true;
	if (out.nomem)
		sim->out_of_memory = true;
	if (!load->ops->handles_unmet)
		load->part->next_ns = load->ops->next(load->state, now_ns, 0);
	else if (out.done)
		load->part->next_ns = INT64_MAX;
	else
		load->part->next_ns = now_ns; /* depends on the rate: apply() finds it */
}

/* A load alone is asked in any case when its host is updated. */
static int sim_vm_resized(void *driver, uint32_t vm, uint32_t was, struct err *err)
{
	struct driver_sim *sim = driver;
	uint32_t is = dc_class_of(sim->dc, vm)->vcpus;

	for (struct load *load = first_load(sim, vm); load && was != is; load = next_load(load)) {
		if (load->ops->resized && load->ops->resized(load->state, was, is) < 0)
			return err_nomem(err);
		if (load->part)
			load_ask(sim, load, sim->dc->host.last_ns[sim->dc->vm.host[vm]], 0);
	}
	return 0;
}

static void sim_vm_moved(void *driver, uint32_t vm, int64_t now_ns)
{
	struct driver_sim *sim = driver;
	double core = sim->dc->host.type[sim->dc->vm.host[vm]]->speed;

	for (struct load *load = first_load(sim, vm); load; load = next_load(load))
		if (load->ops->moved) {
			load->ops->moved(load->state, core);
			load_ask(sim, load, now_ns, 0);
		}
}

static void load_update(struct driver_sim *sim, struct load *load, int64_t now_ns, double dt_s)
{
	struct load_part *part = load->part;

	if (load->part->keeps && !load->ops->handles_unmet) {
		part->backlog += (part->want[RES_CPU] - part->rate) * dt_s;
		if (part->backlog < BACKLOG_EPSILON)
			part->backlog = 0;
	}
	if (load->ops->handles_unmet || now_ns >= load->part->next_ns)
		load_ask(sim, load, now_ns, dt_s);
}

/* Requests from elsewhere join once their VM has been brought to this moment. */
static int inject_forwards(struct driver_sim *sim, uint32_t host, int64_t now_ns, struct err *err)
{
	size_t left = 0;

	for (size_t i = 0; i < sim->nforwards; i++) {
		struct sim_forward f = sim->forward[i];
		if (sim->dc->vm.host[f.vm] != host) {
			sim->forward[left++] = f;
			continue;
		}
		struct load *load = first_load(sim, f.vm);
		while (load && !load->ops->inject)
			load = next_load(load);
		if (!load) {
			sim->forwards_lost++;
			continue;
		}
		if (load->ops->inject(load->state, now_ns, f.birth_ns) < 0)
			return err_nomem(err);
		load_ask(sim, load, now_ns, 0);
	}
	sim->nforwards = left;
	return 0;
}

/* What the VM wants. Columns of what nobody on the host wants stay untouched. */
static void slot_want(struct dc *dc, uint32_t host, uint32_t slot, const double want[RES_COUNT])
{
	for (unsigned r = 0; r < RES_COUNT; r++) {
		if (want[r] > 0)
			dc_wants(dc, RES_BIT(r), host);
		if (dc_wanted(dc, r, host))
			dc->slot.want[r][slot] = want[r];
	}
}

/* Of loads with parts, or of none. A backlog wants all that there is: slots_limit() knows how much. */
static void slot_sum_loads(struct dc *dc, uint32_t host, uint32_t slot)
{
	double want[RES_COUNT] = {0};

	for (const struct load *load = dc->slot.load[slot]; load; load = next_load(load)) {
		for (int r = 0; r < RES_COUNT; r++)
			want[r] += load->part->want[r];
		if (load->part->backlog > 0)
			want[RES_CPU] = INFINITY;
	}
	slot_want(dc, host, slot, want);
}

/* A load alone is asked every time: what stands in the columns may have been added to since. */
static int64_t slot_ask_alone(struct dc *dc, uint32_t host, uint32_t slot, int64_t now_ns)
{
	struct load *load = dc->slot.load[slot];
	struct demand out;

	load->ops->demand(load->state, now_ns, 0, 0, &out);
	slot_want(dc, host, slot, out.want);
	return load->ops->next(load->state, now_ns, 0);
}

static bool is_some(const double *want, size_t n)
{
	bool some = false;

	for (size_t i = 0; i < n; i++)
		some |= want[i] > 0;
	return some;
}

#define MANY 64 /* asked at once: what is written elsewhere stays near */

/* At most MANY. What nobody on the host wanted so far is written elsewhere first: mostly nobody does now. */
static int64_t slots_ask_some(struct dc *dc, uint32_t host, uint32_t first, uint32_t end,
			      int64_t now_ns)
{
	const struct load *load = dc->slot.load[first];
	double elsewhere[RES_COUNT][MANY];
	struct workload_many many = {.now_ns = now_ns,
				     .n = end - first,
				     .offset = offsetof(struct load, state),
				     .at = dc->slot.load + first};

	for (unsigned r = 0; r < RES_COUNT; r++)
		many.want[r] = dc_wanted(dc, r, host) ? dc->slot.want[r] + first : elsewhere[r];
	int64_t next_ns = load->ops->demand_many(&many);
	for (unsigned r = 0; r < RES_COUNT; r++) {
		if (dc_wanted(dc, r, host) || !is_some(elsewhere[r], many.n))
			continue;
		dc_wants(dc, RES_BIT(r), host);
		memcpy(dc->slot.want[r] + first, elsewhere[r], many.n * sizeof(double));
	}
	return next_ns;
}

static int64_t slots_ask_many(struct dc *dc, uint32_t host, uint32_t first, uint32_t end,
			      int64_t now_ns)
{
	int64_t next_ns = INT64_MAX;

	for (uint32_t to; first < end; first = to) {
		to = end - first > MANY ? first + MANY : end;
		int64_t at = slots_ask_some(dc, host, first, to, now_ns);
		next_ns = at < next_ns ? at : next_ns;
	}
	return next_ns;
}

/* The end of those from @first on whose load is alone and of the same kind. */
static uint32_t slots_alike(const struct dc *dc, uint32_t first, uint32_t end)
{
	const struct load *load = dc->slot.load[first];
	const struct workload_ops *ops = load->ops;

	do {
		load = ++first < end ? dc->slot.load[first] : NULL;
	} while (load && load->ops == ops && !load->part);
	return first;
}

/* All slots of a host; returns when the demand of those that are alone changes. */
static int64_t slots_ask(struct dc *dc, uint32_t host, int64_t now_ns)
{
	uint32_t first = dc->host.first[host], end = first + dc->host.count[host];
	int64_t next_ns = INT64_MAX, at;

	while (first < end) {
		struct load *load = dc->slot.load[first];
		uint32_t to = first + 1;
		if (!load || load->part) {
			slot_sum_loads(dc, host, first);
			at = INT64_MAX;
		} else if (load->ops->demand_many) {
			to = slots_alike(dc, first, end);
			at = slots_ask_many(dc, host, first, to, now_ns);
		} else {
			at = slot_ask_alone(dc, host, first, now_ns);
		}
		next_ns = at < next_ns ? at : next_ns;
		first = to;
	}
	return next_ns;
}

/* A VM has so many vCPUs of the host, and a paused one uses nothing but its memory. */
static void slots_limit(struct dc *dc, uint32_t first, uint32_t end, double speed)
{
	double *cpu = dc->slot.want[RES_CPU], most = 0;
	const uint32_t *class_id = dc->slot.class_id, *vm = dc->slot.vm;
	const uint8_t *state = dc->vm.state;

	for (uint32_t s = first; s < end; s++) {
		if (s == first || class_id[s] != class_id[s - 1])
			most = dc->class[class_id[s]].vcpus * speed;
		cpu[s] = cpu[s] < most ? cpu[s] : most;
		if (state[vm[s]] == VM_PAUSED)
			cpu[s] = dc->slot.want[RES_DISK][s] = dc->slot.want[RES_IOPS][s] = 0;
	}
}

static int sim_collect(void *driver, uint32_t host, int64_t now_ns, double dt_s, struct err *err)
{
	struct driver_sim *sim = driver;
	struct dc *dc = sim->dc;
	uint32_t first = dc->host.first[host], end = first + dc->host.count[host];

	for (uint32_t s = first; s < end && sim->nparts > 0; s++)
		for (struct load *load = dc->slot.load[s]; load && load->part;
		     load = next_load(load))
			load_update(sim, load, now_ns, dt_s);
	if (sim->nforwards > 0 && inject_forwards(sim, host, now_ns, err) < 0)
		return -ENOMEM;
	if (sim->out_of_memory)
		return err_nomem(err);
	dc->host.demand_ns[host] = slots_ask(dc, host, now_ns);
	slots_limit(dc, first, end, dc->host.type[host]->speed);
	return 0;
}

/* Less than this of it is rounding. */
#define DEFICIT_EPSILON 1e-12

lanes_wide static bool is_short(const double *want, const double *grant, uint32_t n)
{
	lane_mask lacks = {0};

	/* Behind a host's last slot there are zeros. */
	for (uint32_t i = 0; i < n; i += LANES) {
		lanes w = lanes_at(want + i);
		lacks |= w - lanes_at(grant + i) > w * DEFICIT_EPSILON;
	}
	return lanes_any(lacks);
}

static uint32_t sim_squeeze(void *driver, uint32_t host, const double *before, double tick_s)
{
	struct driver_sim *sim = driver;
	struct dc *dc = sim->dc;
	uint32_t first = dc->host.first[host], n = dc->host.count[host];
	double *want = dc->slot.want[RES_MEM] + first, *grant = dc->slot.grant[RES_MEM] + first;
	double swapped = 0;

	dc->host.pressed[host] = false;
	if (!is_short(want, grant, n))
		return DC_NONE;
	for (uint32_t i = 0; i < n; i++) {
		double deficit = want[i] - grant[i];
		if (deficit <= want[i] * DEFICIT_EPSILON)
			continue;
		struct memory_traffic t;
		memory_pressure(&sim->memory, want[i], grant[i], before[i], tick_s, &t);
		dc_wants(dc, RES_BIT(RES_DISK) | RES_BIT(RES_IOPS), host);
		dc->slot.want[RES_DISK][first + i] += t.bytes_s;
		dc->slot.want[RES_IOPS][first + i] += t.ops_s;
		dc->host.pressed[host] = true;
		swapped += deficit;
	}
	if (swapped <= dc->host.type[host]->swap)
		return DC_NONE;
	return dc->slot.vm[first + memory_victim(want, grant, n)];
}

static void sim_stall(void *driver, uint32_t host)
{
	struct dc *dc = ((struct driver_sim *)driver)->dc;
	uint32_t first = dc->host.first[host], end = first + dc->host.count[host];

	for (uint32_t s = first; s < end; s++) {
		double progress = 1;
		if (dc->slot.grant[RES_MEM][s] < dc->slot.want[RES_MEM][s] * (1 - 1e-12))
			progress = memory_progress(
				dc->slot.want[RES_DISK][s], dc->slot.grant[RES_DISK][s],
				dc->slot.want[RES_IOPS][s], dc->slot.grant[RES_IOPS][s]);
		dc->slot.stalled[s] = (float)(1 - progress);
	}
}

/* Splits a VM's CPU among its loads: each what it wants or the same share of it; who has a backlog
 * takes what is left. */
static void rates_set(struct load *load, double grant)
{
	double left = grant;
	struct load *behind = NULL;

	if (!load->part->next) {
		load->part->rate = grant;
		return;
	}
	double sum = 0;
	for (struct load *l = load; l; l = next_load(l))
		sum += l->part->want[RES_CPU];
	double share = sum > 0 ? grant / sum : 0;
	for (struct load *l = load; l; l = next_load(l)) {
		l->part->rate = share < 1 ? l->part->want[RES_CPU] * share : l->part->want[RES_CPU];
		left -= l->part->rate;
		if (l->part->backlog > 0 && !behind)
			behind = l;
	}
	if (behind && left > 0)
		behind->part->rate += left;
}

static int64_t load_next(const struct load *load, int64_t now_ns)
{
	int64_t next = load->part->next_ns;

	if (load->ops->handles_unmet)
		return next == INT64_MAX ? next
					 : load->ops->next(load->state, now_ns, load->part->rate);
	double drain = load->part->rate - load->part->want[RES_CPU];
	if (load->part->backlog > 0 && drain > 0) {
		double ns = ceil(load->part->backlog / drain * 1e9);
		if (ns < (double)(INT64_MAX / 2) && now_ns + (int64_t)ns < next)
			next = now_ns + (int64_t)ns;
	}
	return next;
}

/* Whether demand is being put off: there is a backlog as soon as time passes. */
static bool falls_behind(const struct load *load)
{
	for (; load; load = next_load(load))
		if (load->part->keeps && !load->ops->handles_unmet &&
		    load->part->rate < load->part->want[RES_CPU])
			return true;
	return false;
}

/* A disk's rate of a load that goes by it: its part of the VM's, which is as near to its demand as the
 * scarcer of bandwidth and operations lets it be. */
static void tell_disk(const struct dc *dc, uint32_t slot, struct load *load)
{
	double want = dc->slot.want[RES_DISK][slot], ops = dc->slot.want[RES_IOPS][slot];
	double part = want > 0 ? dc->slot.grant[RES_DISK][slot] / want : 0;

	if (ops > 0)
		part = fmin(part, dc->slot.grant[RES_IOPS][slot] / ops);
	load->ops->disk(load->state, load->part->want[RES_DISK] * part);
}

static int64_t sim_apply(void *driver, uint32_t host, int64_t now_ns)
{
	const struct driver_sim *sim = driver;
	struct dc *dc = sim->dc;
	uint32_t first = dc->host.first[host], end = first + dc->host.count[host];
	int64_t next = dc->host.demand_ns[host];
	bool keeps = false;

	for (uint32_t s = first; s < end && sim->nparts > 0; s++) {
		struct load *load = dc->slot.load[s];
		if (!load || !load->part)
			continue;
		rates_set(load, dc->slot.grant[RES_CPU][s]);
		if (dc->slot.want[RES_CPU][s] > 0 && falls_behind(load))
			dc->slot.want[RES_CPU][s] =
				dc->class[dc->slot.class_id[s]].vcpus * dc->host.type[host]->speed;
		for (; load; load = next_load(load)) {
			if (load->ops->disk)
				tell_disk(dc, s, load);
			int64_t at = load_next(load, now_ns);
			next = at < next ? at : next;
			keeps |= load->part->keeps;
		}
	}
	/* Work that is kept grows and shrinks all the time; swapping, too, depends on what was. */
	dc->host.steady[host] = !keeps && !dc->host.pressed[host];
	return next;
}

/* Requests go to other VMs, and jobs and requests take memory as they come. */
static bool sim_independent(const void *driver)
{
	const struct driver_sim *sim = driver;

	for (size_t g = 0; g < sim->ngroups; g++)
		for (size_t k = 0; k < sim->group[g].nloads; k++)
			if (workload_ops_of(&sim->group[g].load[k])->handles_unmet)
				return false;
	return true;
}

static void sim_prefetch(void *driver, uint32_t host)
{
	const struct dc *dc = ((struct driver_sim *)driver)->dc;
	uint32_t first = dc->host.first[host], end = first + dc->host.count[host];

	for (uint32_t s = first; s < end; s++) {
		const char *load = dc->slot.load[s];
		__builtin_prefetch(load);
		__builtin_prefetch(load + 64);
	}
}

void driver_sim_fini(struct driver_sim *sim)
{
	struct dc *dc = sim->dc;

	for (size_t vm = 0; dc && vm < dc->vm.n; vm++)
		if (dc->vm.slot[vm] != DC_NONE)
			sim_vm_stop(sim, (uint32_t)vm);
	mem_free(sim->forward);
	sim->forward = NULL;
}

const struct driver_ops driver_sim_ops = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct driver_ops),
		   .name = "sim",
		   .summary = "simulated hosts: grants are obeyed exactly",
		   .source = "own"},
	.collect = sim_collect,
	.squeeze = sim_squeeze,
	.stall = sim_stall,
	.apply = sim_apply,
	.independent = sim_independent,
	.prefetch = sim_prefetch,
	.vm_start = sim_vm_start,
	.vm_stop = sim_vm_stop,
	.vm_resized = sim_vm_resized,
	.vm_moved = sim_vm_moved,
	.vm_done = sim_vm_done,
	.vm_stats = sim_vm_stats,
	.reset_stats = sim_reset_stats,
	.vm_backlog = sim_vm_backlog,
};
