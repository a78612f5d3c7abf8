/*
 * See driver_kvm.h. A step: the guests' counters are read and written over the grants, the simulated driver
 * asks the workloads, the policies decide, and each guest gets an order that begins where the last one
 * ended. The VMM keeps a guest to its grant exactly; the limits of its group stand above it, as a fence
 * that leaves room for the process's own work, and the group's weight follows the grant, so that under
 * contention the kernel decides as the policy did.
 *
 * Workloads that keep unmet work are told what their guest got; what is within the error of measurement
 * counts as what was granted, else noise would pile up as backlog.
 */
#include "replay/driver_kvm.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "models/workload.h"

#define MAX_GUESTS   64
#define FENCE        1.1     /* of a grant, for the caps of groups */
#define FENCE_MIN    0.05    /* cores above it, for the balloon, */
#define FENCE_OP_S   2e-4    /* and for every operation of its disk */
#define FENCE_OP     65536.0 /* bytes of one, where operations are not said */
#define FENCE_BYTES  4e6     /* bytes/s above a disk's grant, */
#define FENCE_OPS    200.0   /* and operations/s */
#define FILLS        1e6     /* bytes; no fence while more are brought in */
#define WEIGHT_MIN   0.1 /* a guest that is granted little has a disk and a balloon to serve, too */
#define MEMORY_SHARE 0.8 /* of what is available that guests may have in all */
#define OVERHEAD     (32.0 * 1048576) /* of a guest's process, beside its memory */
#define WITHIN       0.02             /* of the grant: the error of a measured share in one step */
#define SAMPLE_NS    50000000 /* less CPU time does not tell speed from the error of clocks */
#define PERIOD_NS    100000000
#define READY_NS     1000000  /* between two looks whether guests are ready */
#define BEFORE_NS    20000000 /* from then until time begins */
#define USER         65534    /* nobody */

static int64_t real_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void real_sleep(int64_t at_ns)
{
	struct timespec t = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		continue;
}

const struct guest_ops guest_ops_real = {
	.begin = guest_begin,
	.ready = guest_ready,
	.order = guest_order,
	.read = guest_read,
	.alive = guest_alive,
	.pause = guest_pause,
	.resume = guest_resume,
	.kill = guest_kill,
	.gone = guest_gone,
	.stop = guest_stop,
	.now_ns = real_now,
	.sleep_until = real_sleep,
};

static int64_t real_time(const struct driver_kvm *kvm, int64_t sim_ns)
{
	double factor = (double)kvm->params.step_ns / (double)kvm->params.tick_ns;

	return kvm->start_ns + (int64_t)((double)sim_ns * factor);
}

static double memory_available(const char *root)
{
	char line[128], path[300];
	double kib = -1;

	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	FILE *f = fopen(path, "re");
	while (f && kib < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %lf", &kib) != 1)
			kib = -1;
	if (f)
		fclose(f);
	return kib * 1024;
}

static int check_memory(const struct driver_kvm *kvm, struct err *err)
{
	double need = 0, have = memory_available(kvm->params.root);

	for (uint32_t vm = 0; vm < kvm->dc->vm.n; vm++)
		need += dc_class_of(kvm->dc, vm)->memory * kvm->params.memory_scale + OVERHEAD;
	if (have < 0 || need <= have * MEMORY_SHARE)
		return 0;
	return err_input(err,
			 "replay: the guests need %.0f MiB of memory, and %.0f MiB are available"
			 " (give --memory-scale %.3f or less)",
			 need / 1048576, have / 1048576,
			 kvm->params.memory_scale * have * MEMORY_SHARE / need);
}

int driver_kvm_init(struct driver_kvm *kvm, const struct replay_params *params,
		    struct driver_sim *sim, struct arena *arena, struct err *err)
{
	*kvm = (struct driver_kvm){
		.params = *params, .sim = sim, .dc = sim->dc, .arena = arena, .start_ns = -1};
	if (kvm->dc->host.n != 1)
		return err_input(err, "replay: %zu hosts (this machine is one host)",
				 kvm->dc->host.n);
	if (kvm->dc->type[0].cores != params->ncores)
		return err_input(err,
				 "replay: the host has %u cores in the scenario, and %zu of this"
				 " machine are given (--cores)",
				 kvm->dc->type[0].cores, params->ncores);
	if (kvm->dc->vm.n > MAX_GUESTS)
		return err_input(err, "replay: %zu VMs (at most %d guests)", kvm->dc->vm.n,
				 MAX_GUESTS);
	int rc = check_memory(kvm, err);
	if (rc == 0)
		rc = cg_open(&kvm->groups, params->root, params->groups, err);
	/* Guests that come later were not checked. */
	double have = memory_available(params->root);
	if (rc == 0 && have > 0 && cg_set_memory(cg_all(kvm->groups), have * MEMORY_SHARE) < 0)
		rc = err_run(err, -EIO, "replay: the memory of all guests cannot be limited");
	if (rc == 0 && params->kernel_decides && !(cg_can(kvm->groups) & CG_CPU_WEIGHT))
		rc = err_input(err, "replay: the policy `kernel` needs groups with weights"
				    " (cotenant replay probe says what is missing)");
	validity_begin(&kvm->validity, params->root, kvm->params.cores, params->ncores);
	/* A folder without a block device below it has no limits by groups; the VMM's pacing remains. */
	if (rc == 0 && cg_can(kvm->groups) & CG_IO_CAP &&
	    cg_disk(params->root, params->folder, &kvm->disk, &(struct err){0}) < 0)
		kvm->disk = 0;
	return rc;
}

static struct kvm_guest *guest_of(struct driver_kvm *kvm, uint32_t vm)
{
	return vm < kvm->vm_cap ? &kvm->vm[vm] : NULL;
}

/* Whether all VMs that are known fit into the host's memory, working sets and all. */
static bool memory_is_ample(const struct driver_kvm *kvm)
{
	const struct dc *dc = kvm->dc;
	double sum = 0;

	for (uint32_t vm = 0; vm < dc->vm.n; vm++)
		sum += dc_class_of(dc, vm)->memory;
	return sum <= dc->type[0].capacity[RES_MEM];
}

/* Whether the VM ever does I/O, or may have to swap: only then it has a disk. */
static bool has_disk(const struct driver_kvm *kvm, uint32_t vm)
{
	const struct sim_group *group = &kvm->sim->group[kvm->dc->vm.group[vm]];
	double memory = dc_class_of(kvm->dc, vm)->cap[RES_MEM];

	if (!memory_is_ample(kvm))
		return true;
	for (size_t k = 0; k < group->nloads; k++) {
		const struct workload_common *common = group->load[k].state;
		const struct trace *trace = group->trace[k];
		if (common->bandwidth > 0 || common->iops > 0 || common->memory > memory ||
		    (trace && (trace->disk || trace->iops || trace->mem)))
			return true;
	}
	return false;
}

/* The guest begins to start. */
static int launch(struct driver_kvm *kvm, uint32_t vm, struct err *err)
{
	const struct vm_class *class = dc_class_of(kvm->dc, vm);
	const struct replay_params *p = &kvm->params;
	struct replay_size most =
		p->largest ? p->largest[kvm->dc->vm.group[vm]] : (struct replay_size){0};
	char name[32], label[160];

	if (mem_grow(&kvm->vm, &kvm->vm_cap, vm + 1, sizeof(*kvm->vm)) < 0)
		return err_nomem(err);
	struct kvm_guest *g = &kvm->vm[vm];
	snprintf(name, sizeof(name), "g%u", vm);
	/* A predecessor that is not gone yet has its group, and its memory counts there. */
	if (!g->leaf || g->leaving)
		g->leaf = cg_leaf(kvm->groups, name, err);
	if (!g->leaf)
		return -EIO;
	double memory = fmax(class->memory, most.memory) * p->memory_scale;
	/* Others may be running: it is to be ready soon. Its first order sets its weight. */
	if (cg_set_cpu_weight(g->leaf, 1) < 0 ||
	    cg_set_memory(g->leaf, memory * FENCE + OVERHEAD) < 0)
		return err_run(err, -EIO, "replay: group %s: cannot set its limits", name);
	snprintf(label, sizeof(label), "%s-%u", kvm->sim->group[kvm->dc->vm.group[vm]].name,
		 kvm->dc->vm.index[vm]);
	g->has_disk = has_disk(kvm, vm);
	struct guest_spec spec = {.name = name,
				  .label = label,
				  .vcpus = class->vcpus > most.vcpus ? class->vcpus : most.vcpus,
				  .memory = memory,
				  .disk = g->has_disk ? p->disk_bytes : 0,
				  .folder = p->folder,
				  .period_ns = PERIOD_NS,
				  .cores = p->cores,
				  .ncores = p->ncores,
				  .leaf = g->leaf,
				  .uid = USER,
				  .seed = kvm->sim->seed + vm};
	g->starting = true;
	g->paused = false;
	return p->guests->begin(&g->guest, &spec, err);
}

/* Looks after guests that start, and those that leave; how many of the former there are, or -errno. */
static int look_after(struct driver_kvm *kvm, struct err *err)
{
	const struct guest_ops *guests = kvm->params.guests;
	int starting = 0;

	for (size_t vm = 0; vm < kvm->vm_cap; vm++) {
		struct kvm_guest *g = &kvm->vm[vm];
		if (g->starting) {
			int rc = guests->ready(g->guest, err);
			if (rc < 0)
				return rc;
			g->starting = rc == 0;
		}
		starting += g->starting;
		if (g->leaving && guests->gone(g->leaving)) {
			guests->stop(g->leaving);
			g->leaving = NULL;
		}
	}
	return starting;
}

/* Time begins when all guests that are known beforehand wait for orders. */
static int begin_time(struct driver_kvm *kvm, int64_t now_ns, struct err *err)
{
	const struct guest_ops *guests = kvm->params.guests;
	int rc = 0;

	for (uint32_t vm = 0; vm < kvm->dc->vm.n && rc == 0; vm++)
		rc = launch(kvm, vm, err);
	while (rc == 0 && (rc = look_after(kvm, err)) > 0) {
		guests->sleep_until(guests->now_ns() + READY_NS);
		rc = 0;
	}
	kvm->start_ns = guests->now_ns() + BEFORE_NS - now_ns;
	return rc;
}

static int kvm_until(void *driver, int64_t now_ns, struct err *err)
{
	struct driver_kvm *kvm = driver;
	int rc = kvm->start_ns < 0 ? begin_time(kvm, now_ns, err) : look_after(kvm, err);

	if (rc < 0)
		return rc;
	int64_t at = real_time(kvm, now_ns);
	kvm->params.guests->sleep_until(at);
	int64_t late = kvm->params.guests->now_ns() - at;
	if (late > kvm->validity.late_ns)
		kvm->validity.late_ns = late;
	return 0;
}

static double feedback(double granted, double measured, double speed)
{
	return fabs(measured - granted) <= WITHIN * granted + 0.005 * speed ? granted : measured;
}

/* What a guest got between two reports, in the scenario's units; of memory, what it has at the end. */
static void rates_between(const struct driver_kvm *kvm, const struct guest_report *was,
			  const struct guest_report *is, double rate[RES_COUNT])
{
	double dt = (double)(is->at_ns - was->at_ns) * 1e-9;

	if (dt <= 0)
		return;
	rate[RES_CPU] = (double)(is->cpu_ns - was->cpu_ns) * 1e-9 / dt * kvm->dc->type[0].speed;
	rate[RES_MEM] = is->resident / kvm->params.memory_scale;
	rate[RES_DISK] =
		(double)(is->read_bytes + is->write_bytes - was->read_bytes - was->write_bytes) /
		dt;
	rate[RES_IOPS] =
		(double)(is->read_ops + is->write_ops - was->read_ops - was->write_ops) / dt;
}

/* The VM's counters go on where those of one guest after the other begin at 0. */
static void count_on(struct guest_report *total, const struct guest_report *was,
		     const struct guest_report *is)
{
	total->cpu_ns += is->cpu_ns - was->cpu_ns;
	total->run_delay_ns += is->run_delay_ns - was->run_delay_ns;
	total->work += is->work - was->work;
	total->read_bytes += is->read_bytes - was->read_bytes;
	total->write_bytes += is->write_bytes - was->write_bytes;
	total->read_ops += is->read_ops - was->read_ops;
	total->write_ops += is->write_ops - was->write_ops;
	total->late_ns = is->late_ns > total->late_ns ? is->late_ns : total->late_ns;
}

static int observe_guest(struct driver_kvm *kvm, struct kvm_guest *g)
{
	struct guest_report r, was = g->last;

	kvm->params.guests->read(g->guest, &r);
	g->last = r;
	g->total.at_ns = r.at_ns;
	if (r.at_ns <= was.at_ns)
		return 0;
	rates_between(kvm, &was, &r, g->measured);
	count_on(&g->total, &was, &r);
	g->total.resident = r.resident;
	kvm->validity.guests_ns += r.cpu_ns - was.cpu_ns + r.main_ns - was.main_ns;
	g->sample_ns += r.cpu_ns - was.cpu_ns;
	g->sample_work += r.work - was.work;
	if (g->sample_ns < SAMPLE_NS)
		return 0;
	int rc = validity_sample(&kvm->validity, g->sample_work, g->sample_ns);
	g->sample_ns = 0;
	g->sample_work = 0;
	return rc;
}

/* At the end of a tick what the VM got in it, whether it has had a guest all the time or not. */
static int observe_vm(struct driver_kvm *kvm, struct kvm_guest *g, bool tick)
{
	int rc = 0;

	g->total.at_ns = kvm->params.guests->now_ns();
	if (g->guest && !g->why[0])
		rc = observe_guest(kvm, g);
	if (tick) {
		rates_between(kvm, &g->tick, &g->total, g->got);
		g->tick = g->total;
	}
	return rc;
}

static int kvm_observe(void *driver, uint32_t host, int64_t now_ns, double dt_s, struct err *err)
{
	struct driver_kvm *kvm = driver;
	struct dc *dc = kvm->dc;
	uint32_t first = dc->host.first[host], end = first + dc->host.count[host];
	double speed = dc->host.type[host]->speed;

	(void)dt_s;
	dc_wants(dc, RES_ALL, host); /* what was measured may be more than was wanted */
	for (uint32_t s = first; s < end; s++) {
		struct kvm_guest *g = guest_of(kvm, dc->slot.vm[s]);
		if (g && observe_vm(kvm, g, now_ns % kvm->params.tick_ns == 0) < 0)
			return err_nomem(err);
		double *grant = &dc->slot.grant[RES_CPU][s];
		*grant = g ? feedback(*grant, g->measured[RES_CPU], speed) : 0;
	}
	(void)driver_sim_ops.apply(kvm->sim, host, now_ns);
	for (uint32_t s = first; s < end; s++) {
		const struct kvm_guest *g = guest_of(kvm, dc->slot.vm[s]);
		for (int r = 0; r < RES_COUNT && g; r++) {
			dc->slot.grant[r][s] = g->measured[r];
			dc->slot.want[r][s] = g->want[r];
		}
	}
	return 0;
}

static int kvm_collect(void *driver, uint32_t host, int64_t now_ns, double dt_s, struct err *err)
{
	return driver_sim_ops.collect(((struct driver_kvm *)driver)->sim, host, now_ns, dt_s, err);
}

/* A guest short of memory misses pages. There is no swap to bring them from, so its process reads as much
 * as a swap would be read, and the guest is kept waiting for that, both as the model says. */
static uint32_t kvm_squeeze(void *driver, uint32_t host, const double *before, double tick_s)
{
	return driver_sim_ops.squeeze(((struct driver_kvm *)driver)->sim, host, before, tick_s);
}

static void kvm_stall(void *driver, uint32_t host)
{
	driver_sim_ops.stall(((struct driver_kvm *)driver)->sim, host);
}

static double at_most_one(double part, double whole)
{
	return whole > 0 && part < whole ? part / whole : 1;
}

/* What is to be resident of the guest's memory, real bytes. */
static double resident_goal(const struct driver_kvm *kvm, uint32_t slot)
{
	const struct dc *dc = kvm->dc;
	double most = fmin(dc->slot.want[RES_MEM][slot], dc->slot.grant[RES_MEM][slot]);

	return fmin(most, dc->class[dc->slot.class_id[slot]].memory) * kvm->params.memory_scale;
}

/* The CPU: weights and caps of groups; the largest weight of a guest is 1. The cap is a fence around what the vCPUs
 * are kept to anyway: there is none while the balloon brings memory in, which takes its thread a good part of a
 * core, in the same group. */
static int set_cpu(struct driver_kvm *kvm, struct kvm_guest *g, uint32_t slot, double largest)
{
	const struct dc *dc = kvm->dc;
	const struct vm_class *class = &dc->class[dc->slot.class_id[slot]];
	double speed = dc->host.type[0]->speed, grant = dc->slot.grant[RES_CPU][slot];
	double ops =
		fmax(dc->slot.grant[RES_IOPS][slot], dc->slot.grant[RES_DISK][slot] / FENCE_OP);
	double weight = grant, least = WEIGHT_MIN, cap = INFINITY;

	if (kvm->params.kernel_decides) {
		weight = class->weight[RES_CPU];
		least = 1e-4;
		cap = class->cap[RES_CPU] / speed;
	} else if (grant < dc->slot.want[RES_CPU][slot] &&
		   resident_goal(kvm, slot) < g->last.resident + FILLS) {
		cap = grant / speed * FENCE + FENCE_MIN + ops * FENCE_OP_S;
	}
	int rc = cg_set_cpu_weight(g->leaf,
				   largest > 0 ? fmin(fmax(weight / largest, least), 1) : 1);
	return rc | cg_set_cpu_cap(g->leaf, cap);
}

static double disk_fence(const struct dc *dc, uint32_t slot, enum resource r, double room)
{
	double grant = dc->slot.grant[r][slot];

	return grant < dc->slot.want[r][slot] ? grant * FENCE + room : INFINITY;
}

/* The disk: the VMM paces it, and the group's limits are a fence that is wide enough for a step in which
 * the kernel has let operations wait. Weights have effect with some schedulers only. */
static int set_disk(struct driver_kvm *kvm, struct kvm_guest *g, uint32_t slot)
{
	const struct dc *dc = kvm->dc;
	double largest = 0, weight = dc->class[dc->slot.class_id[slot]].weight[RES_DISK];

	if (!g->has_disk || kvm->disk == 0)
		return 0;
	for (uint32_t c = 0; c < dc->nclasses; c++)
		largest = fmax(largest, dc->class[c].weight[RES_DISK]);
	return cg_set_io(g->leaf, kvm->disk, disk_fence(dc, slot, RES_DISK, FENCE_BYTES),
			 disk_fence(dc, slot, RES_IOPS, FENCE_OPS)) |
	       cg_set_io_weight(g->leaf, weight > 0 ? weight / largest : 1);
}

/* What the kernel cannot do (cg_can) or refuses is done by the VMM alone. */
static void set_groups(struct driver_kvm *kvm, struct kvm_guest *g, uint32_t slot, double largest)
{
	int rc = set_cpu(kvm, g, slot, largest);

	rc |= set_disk(kvm, g, slot);
	kvm->validity.limited |= rc < 0;
}

static void give_order(struct driver_kvm *kvm, struct kvm_guest *g, uint32_t slot, int64_t now_ns)
{
	const struct dc *dc = kvm->dc;
	const struct replay_params *p = &kvm->params;
	double speed = dc->host.type[0]->speed, want[RES_COUNT], grant[RES_COUNT];

	for (int r = 0; r < RES_COUNT; r++) {
		want[r] = g->want[r] = dc->slot.want[r][slot];
		grant[r] = dc->slot.grant[r][slot];
	}
	double ram = dc->class[dc->slot.class_id[slot]].memory;
	double set = fmin(want[RES_MEM], ram) * p->memory_scale;
	double stalled = dc->host.pressed[0] ? (double)dc->slot.stalled[slot] : 0;
	struct guest_order order = {
		.start_ns = real_time(kvm, now_ns),
		.end_ns = real_time(kvm, (now_ns / p->tick_ns + 1) * p->tick_ns),
		.vcpus = dc->class[dc->slot.class_id[slot]].vcpus,
		.cpu = want[RES_CPU] / speed,
		.cpu_most = (p->kernel_decides ? want[RES_CPU] * (1 - stalled) : grant[RES_CPU]) /
			    speed,
		.memory = set,
		.memory_most = fmin(grant[RES_MEM], ram) * p->memory_scale,
		.touch_rate = fmin(set / 4096 / ((double)p->reuse_ns * 1e-9), 50000),
		.write_share = 0.5,
		.read_bytes = want[RES_DISK],
		.read_iops = want[RES_IOPS],
		.disk_share = fmin(at_most_one(grant[RES_DISK], want[RES_DISK]),
				   at_most_one(grant[RES_IOPS], want[RES_IOPS])),
	};
	p->guests->order(g->guest, &order);
}

static void follow_state(struct driver_kvm *kvm, struct kvm_guest *g, uint32_t vm)
{
	bool paused = kvm->dc->vm.state[vm] == VM_PAUSED;

	if (paused != g->paused && g->guest) {
		int rc = paused ? kvm->params.guests->pause(g->guest)
				: kvm->params.guests->resume(g->guest);
		g->paused = rc == 0 ? paused : g->paused;
	}
}

static int64_t kvm_apply(void *driver, uint32_t host, int64_t now_ns)
{
	struct driver_kvm *kvm = driver;
	struct dc *dc = kvm->dc;
	uint32_t first = dc->host.first[host], end = first + dc->host.count[host];
	double largest = 0;

	for (uint32_t s = first; s < end; s++)
		largest = fmax(largest, kvm->params.kernel_decides
						? dc->class[dc->slot.class_id[s]].weight[RES_CPU]
						: dc->slot.grant[RES_CPU][s]);
	int64_t next = driver_sim_ops.apply(kvm->sim, host, now_ns);
	for (uint32_t s = first; s < end; s++) {
		struct kvm_guest *g = guest_of(kvm, dc->slot.vm[s]);
		if (!g || !g->guest || g->why[0])
			continue;
		follow_state(kvm, g, dc->slot.vm[s]);
		set_groups(kvm, g, s, largest);
		give_order(kvm, g, s, now_ns);
	}
	return next;
}

static int kvm_vm_start(void *driver, uint32_t vm, int64_t now_ns, struct err *err)
{
	struct driver_kvm *kvm = driver;
	int rc = driver_sim_ops.vm_start(kvm->sim, vm, now_ns, err);
	struct kvm_guest *g = guest_of(kvm, vm);

	if (rc == 0 && !(g && g->guest)) {
		if (vm >= MAX_GUESTS)
			return err_run(err, -E2BIG, "replay: more than %d guests", MAX_GUESTS);
		rc = launch(kvm, vm, err);
	}
	if (rc < 0)
		return rc;
	/* It has had no order yet, so what it counts now it counted at that moment, too. */
	g = guest_of(kvm, vm);
	kvm->params.guests->read(g->guest, &g->last);
	g->last.at_ns = real_time(kvm, now_ns);
	if (g->tick.at_ns == 0)
		g->tick.at_ns = g->last.at_ns;
	return 0;
}

static void kvm_vm_stop(void *driver, uint32_t vm)
{
	struct driver_kvm *kvm = driver;
	struct kvm_guest *g = guest_of(kvm, vm);

	driver_sim_ops.vm_stop(kvm->sim, vm);
	if (!g || !g->guest)
		return;
	/* It has started and stopped again within the time that its predecessor takes to go: that long has
	 * passed already. */
	if (g->leaving)
		kvm->params.guests->stop(g->leaving);
	kvm->params.guests->kill(g->guest);
	g->leaving = g->guest;
	g->guest = NULL;
	g->starting = false;
}

/* Its threads and its memory are those of its largest size; orders say how much of them it uses. */
static int kvm_vm_resized(void *driver, uint32_t vm, uint32_t was, struct err *err)
{
	return driver_sim_ops.vm_resized(((struct driver_kvm *)driver)->sim, vm, was, err);
}

static bool kvm_vm_done(void *driver, uint32_t vm)
{
	return driver_sim_ops.vm_done(((struct driver_kvm *)driver)->sim, vm);
}

static bool kvm_vm_failed(void *driver, uint32_t vm, char *why, size_t n)
{
	struct driver_kvm *kvm = driver;
	struct kvm_guest *g = guest_of(kvm, vm);

	/* One that cannot start is not the VM's failure. */
	if (!g || !g->guest || g->starting)
		return false;
	if (!g->why[0] && !kvm->params.guests->alive(g->guest, g->why, sizeof(g->why)) &&
	    !g->why[0])
		snprintf(g->why, sizeof(g->why), "it ended");
	snprintf(why, n, "%s", g->why);
	return g->why[0] != 0;
}

static const struct workload_stats *kvm_vm_stats(void *driver, uint32_t vm, size_t i)
{
	return driver_sim_ops.vm_stats(((struct driver_kvm *)driver)->sim, vm, i);
}

static void kvm_reset_stats(void *driver, uint32_t vm, int64_t now_ns)
{
	driver_sim_ops.reset_stats(((struct driver_kvm *)driver)->sim, vm, now_ns);
}

static double kvm_vm_backlog(void *driver, uint32_t vm)
{
	return driver_sim_ops.vm_backlog(((struct driver_kvm *)driver)->sim, vm);
}

static bool kvm_vm_real(void *driver, uint32_t vm, struct vm_real *out)
{
	const struct kvm_guest *g = guest_of(driver, vm);

	if (!g)
		return false;
	const struct guest_report *all = &g->total;
	*out = (struct vm_real){
		.cpu_s = (double)all->cpu_ns * 1e-9,
		.run_delay_s = (double)all->run_delay_ns * 1e-9,
		.work_rate = all->cpu_ns > 0 ? (double)all->work / (double)all->cpu_ns * 1e9 : 0,
		.late_ms = (double)all->late_ns * 1e-6};
	memcpy(out->got, g->got, sizeof(out->got));
	return true;
}

void driver_kvm_fini(struct driver_kvm *kvm)
{
	const struct guest_ops *guests = kvm->params.guests;

	/* All of them are killed before the first is waited for. */
	for (size_t vm = 0; vm < kvm->vm_cap; vm++)
		if (kvm->vm[vm].guest)
			guests->kill(kvm->vm[vm].guest);
	for (size_t vm = 0; vm < kvm->vm_cap; vm++) {
		if (kvm->vm[vm].leaving)
			guests->stop(kvm->vm[vm].leaving);
		if (kvm->vm[vm].guest)
			guests->stop(kvm->vm[vm].guest);
	}
	if (kvm->groups)
		cg_close(kvm->groups);
	mem_free(kvm->vm);
	validity_fini(&kvm->validity);
	kvm->vm = NULL;
	kvm->vm_cap = 0;
	kvm->groups = NULL;
}

static void kvm_room_real(void *driver, struct room_real *out)
{
	struct driver_kvm *kvm = driver;
	int64_t passed = kvm->params.guests->now_ns() - kvm->start_ns;

	validity_tell(&kvm->validity, (double)passed * 1e-9, out);
}

const struct driver_ops driver_kvm_ops = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct driver_ops),
		   .name = "kvm",
		   .summary = "real KVM guests of this machine",
		   .source = "own"},
	.collect = kvm_collect,
	.squeeze = kvm_squeeze,
	.stall = kvm_stall,
	.apply = kvm_apply,
	.until = kvm_until,
	.observe = kvm_observe,
	.vm_start = kvm_vm_start,
	.vm_stop = kvm_vm_stop,
	.vm_resized = kvm_vm_resized,
	.vm_done = kvm_vm_done,
	.vm_failed = kvm_vm_failed,
	.vm_stats = kvm_vm_stats,
	.reset_stats = kvm_reset_stats,
	.vm_backlog = kvm_vm_backlog,
	.vm_real = kvm_vm_real,
	.room_real = kvm_room_real,
};
