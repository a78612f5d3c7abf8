/*
 * The division of one host (run.h): each policy sees its columns, the guard sees each answer.
 *
 * Limits are the same for all VMs of a class, so the arrays of limits that policies read are
 * gathered from the classes only when they differ from those of the host before. A host with
 * several disks is divided disk by disk; a VM that lives on another disk shows demand 0 and weight
 * 0 there.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "sim/guard.h"
#include "sim/run.h"

struct divide {
	size_t cap;                          /* VMs that the arrays hold */
	double *want_cpu, *before;           /* CPU demand without stalls; memory until now */
	double *offered[RES_COUNT];          /* demand where VMs move */
	double *unwanted[RES_COUNT], *zeros; /* grants and demand of what nobody wants */
	double *masked_want[2 * SHARE_MAX_DISKS], *masked_weight[2 * SHARE_MAX_DISKS];
	double *masked_grant[2 * SHARE_MAX_DISKS];
	double *scratch;
	double *arrays; /* what all of the above point into */
	size_t arrays_cap;
};

#define ARRAYS_PER_VM (3 + 2 * RES_COUNT + 3 * 2 * SHARE_MAX_DISKS + SHARE_SCRATCH)

struct divide *divide_new(struct arena *arena)
{
	return arena_alloc(arena, 1, sizeof(struct divide));
}

void divide_fini(struct divide *divide)
{
	mem_free(divide->arrays);
}

static double *take(double **at, size_t n)
{
	double *p = *at;

	*at += n;
	return p;
}

static int divide_reserve(struct divide *d, size_t n)
{
	if (n <= d->cap)
		return 0;
	size_t cap = n * 2;
	if (mem_grow(&d->arrays, &d->arrays_cap, cap * ARRAYS_PER_VM, sizeof(double)) < 0)
		return -ENOMEM;
	double *at = d->arrays;
	d->want_cpu = take(&at, cap);
	d->before = take(&at, cap);
	d->zeros = take(&at, cap);
	memset(d->zeros, 0, cap * sizeof(*d->zeros));
	for (size_t r = 0; r < RES_COUNT; r++) {
		d->offered[r] = take(&at, cap);
		d->unwanted[r] = take(&at, cap);
	}
	for (size_t k = 0; k < 2 * SHARE_MAX_DISKS; k++) {
		d->masked_want[k] = take(&at, cap);
		d->masked_weight[k] = take(&at, cap);
		d->masked_grant[k] = take(&at, cap);
	}
	d->scratch = take(&at, cap * SHARE_SCRATCH);
	d->cap = cap;
	return 0;
}

/* The host being divided. */
struct host_now {
	struct run *run;
	struct err *err;
	struct divide *d;
	const struct limits *limits;
	struct dc *dc;
	const struct host_type *type;
	uint32_t host, first, n;
	struct share_view view;   /* but for the columns and what is the policy's */
	struct guard_names names; /* but for the policy's */
};

static const char *vm_name(const void *ctx, uint32_t vm, char *buf, size_t n)
{
	return run_vm_name(ctx, vm, buf, n);
}

static const char *host_name(const void *ctx, uint32_t host, char *buf, size_t n)
{
	return run_host_name(ctx, host, buf, n);
}

static int divide_columns(struct host_now *h, enum run_slot which, const struct share_col *col,
			  size_t ncols, double *const *grant)
{
	const struct run_policy *policy = &h->run->policy[which];

	h->view.vm_state =
		policy->ops->vm_state_size > 0 ? h->dc->slot.memory[which] + h->first : NULL;
	h->view.ncols = ncols;
	h->view.col = col;
	h->names.policy = policy->ops->plugin.name;
	policy->ops->divide(policy->state, &h->view, grant);
	return guard_check(&h->view, grant, &h->names, h->err);
}

/* Demand of the host's VMs, where none moves as it stands in the slots. */
static const double *offered(const struct host_now *h, enum resource r)
{
	double *out = h->d->offered[r];

	if (!dc_wanted(h->dc, r, h->host))
		return h->d->zeros;
	if (!h->dc->host.moving[h->host])
		return h->dc->slot.want[r] + h->first;
	for (uint32_t i = 0; i < h->n; i++)
		out[i] = dc_offered(h->dc, r, h->first + i);
	return out;
}

/* Filled in place: copies of a struct of this size are slow. */
static void column(const struct host_now *h, enum resource r, struct share_col *col)
{
	col->res = r;
	col->disk = 0;
	col->capacity = dc_capacity(h->dc, r, h->host);
	col->want = offered(h, r);
	col->floor = h->limits->floor[r];
	col->cap = h->limits->cap[r];
	col->weight = h->limits->weight[r];
}

/* Where grants are written. Of what nobody wants they are 0, which the slots say already. */
static double *grants(const struct host_now *h, enum resource r)
{
	return dc_wanted(h->dc, r, h->host) ? h->dc->slot.grant[r] + h->first : h->d->unwanted[r];
}

/* The two columns of one disk of several: VMs of other disks are masked. */
static void disk_columns(const struct host_now *h, unsigned disk, struct share_col col[2],
			 double *grant[2])
{
	for (unsigned k = 0; k < 2; k++) {
		enum resource r = k == 0 ? RES_DISK : RES_IOPS;
		double *want = h->d->masked_want[2 * disk + k];
		double *weight = h->d->masked_weight[2 * disk + k];
		const double *demand = offered(h, r);
		for (uint32_t i = 0; i < h->n; i++) {
			bool here = h->dc->slot.disk[h->first + i] == disk;
			want[i] = here ? demand[i] : 0;
			weight[i] = here ? h->limits->weight[r][i] : 0;
		}
		column(h, r, &col[k]);
		col[k].disk = disk;
		col[k].want = want;
		col[k].weight = weight;
		col[k].capacity = k == 0 ? h->type->disk_bandwidth[disk] : h->type->disk_iops[disk];
		grant[k] = h->d->masked_grant[2 * disk + k];
	}
}

static void unmask_grants(const struct host_now *h, unsigned disk, double *const grant[2])
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->dc->slot.disk[h->first + i] == disk) {
			grants(h, RES_DISK)[i] = grant[0][i];
			grants(h, RES_IOPS)[i] = grant[1][i];
		}
}

static int divide_disks(struct host_now *h)
{
	struct share_col col[2];
	double *grant[2];

	if (h->type->ndisks <= 1) {
		column(h, RES_DISK, &col[0]);
		column(h, RES_IOPS, &col[1]);
		grant[0] = grants(h, RES_DISK);
		grant[1] = grants(h, RES_IOPS);
		return divide_columns(h, RUN_DISK, col, 2, grant);
	}
	for (unsigned disk = 0; disk < h->type->ndisks; disk++) {
		disk_columns(h, disk, col, grant);
		int rc = divide_columns(h, RUN_DISK, col, 2, grant);
		if (rc < 0)
			return rc;
		unmask_grants(h, disk, grant);
	}
	return 0;
}

/* A joint policy sees every column at once. */
static int divide_jointly(struct host_now *h)
{
	struct share_col col[SHARE_MAX_COLS];
	double *grant[SHARE_MAX_COLS] = {grants(h, RES_CPU), grants(h, RES_MEM),
					 grants(h, RES_DISK), grants(h, RES_IOPS)};
	unsigned ndisks = (unsigned)h->type->ndisks;

	for (unsigned r = 0; r < RES_COUNT; r++)
		column(h, (enum resource)r, &col[r]);
	for (unsigned disk = 0; disk < ndisks && ndisks > 1; disk++)
		disk_columns(h, disk, &col[2 + 2 * disk], &grant[2 + 2 * disk]);
	int rc = divide_columns(h, RUN_JOINT, col, ndisks > 1 ? 2 + 2 * ndisks : 4, grant);
	for (unsigned disk = 0; disk < ndisks && ndisks > 1; disk++)
		unmask_grants(h, disk, &grant[2 + 2 * disk]);
	return rc;
}

static uint32_t squeeze(const struct host_now *h)
{
	double tick_s = (double)h->run->scenario->tick_ns * 1e-9;

	return h->run->driver->squeeze(h->run->driver_state, h->host, h->d->before, tick_s);
}

/* The CPU that VMs can use now: what they want, less what waits for swap. */
static const double *cpu_demand(const struct host_now *h)
{
	const double *want = offered(h, RES_CPU);

	if (!h->dc->host.pressed[h->host])
		return want;
	h->run->driver->stall(h->run->driver_state, h->host);
	for (uint32_t i = 0; i < h->n; i++)
		h->d->want_cpu[i] = want[i] * (1 - (double)h->dc->slot.stalled[h->first + i]);
	return h->d->want_cpu;
}

static int divide_separately(struct host_now *h, uint32_t *victim)
{
	struct share_col col;
	double *grant = grants(h, RES_MEM);

	column(h, RES_MEM, &col);
	int rc = divide_columns(h, RUN_MEMORY, &col, 1, &grant);

	if (rc == 0)
		*victim = squeeze(h);
	if (rc == 0 && *victim == DC_NONE)
		rc = divide_disks(h);
	if (rc < 0 || *victim != DC_NONE)
		return rc;
	column(h, RES_CPU, &col);
	col.want = cpu_demand(h);
	grant = grants(h, RES_CPU);
	return divide_columns(h, RUN_CPU, &col, 1, &grant);
}

/* Where memory turns out short, the policy is asked again with the swap traffic in the disk's
 * demand; a CPU grant that its VM cannot use for waiting is given back. */
static int divide_all(struct host_now *h, uint32_t *victim)
{
	int rc = divide_jointly(h);

	if (rc < 0)
		return rc;
	*victim = squeeze(h);
	if (*victim != DC_NONE || !h->dc->host.pressed[h->host])
		return 0;
	rc = divide_jointly(h);
	const double *most = rc == 0 ? cpu_demand(h) : NULL;
	for (uint32_t i = 0; i < h->n && most; i++)
		if (grants(h, RES_CPU)[i] > most[i])
			grants(h, RES_CPU)[i] = most[i];
	return rc;
}

/* Each VM's vCPUs share its demand, the host's cores that of all. */
static void choose_step(struct dc *dc, uint32_t host)
{
	const struct host_type *type = dc->host.type[host];
	struct dvfs_need need = {.set = dc->host.step_set[host]};
	uint32_t first = dc->host.first[host], end = first + dc->host.count[host];
	double sum = dc_taken_cpu(dc, host);

	for (uint32_t s = first; s < end; s++) {
		const struct vm_class *class = &dc->class[dc->slot.class_id[s]];
		double want = dc->slot.want[RES_CPU][s];
		sum += want;
		need.busiest = fmax(need.busiest, want / class->vcpus);
		need.guaranteed += fmin(want, class->floor[RES_CPU]) / type->cores;
	}
	need.busiest = fmax(need.busiest, sum / type->cores);
	dc_set_step(dc, host, dvfs_choose(&type->dvfs, &need));
}

/* What is the policy's is filled in when it is asked. Field by field: to make zeros of it all first costs as much as
 * a small host. */
static void look_at(struct host_now *h, struct run *run, struct run_desk *desk, uint32_t host)
{
	struct dc *dc = &run->plan.dc;

	h->run = run;
	h->err = desk->err;
	h->d = desk->divide;
	h->limits = &desk->limits;
	h->dc = dc;
	h->type = dc->host.type[host];
	h->host = h->view.host = host;
	h->first = dc->host.first[host];
	h->n = dc->host.count[host];
	h->view.n = h->n;
	h->view.now_ns = run->now_ns;
	h->view.tick_ns = run->scenario->tick_ns;
	h->view.vm = dc->slot.vm + h->first;
	h->view.priority = desk->limits.priority;
	h->view.scratch = desk->divide->scratch;
	h->names.host = host_name;
	h->names.vm = vm_name;
	h->names.ctx = run;
}

int divide_host(struct run *run, struct run_desk *desk, uint32_t host, uint32_t *oom_victim)
{
	struct dc *dc = &run->plan.dc;
	uint32_t n = dc->host.count[host];
	struct host_now h;

	*oom_victim = DC_NONE;
	dc->host.pressed[host] = false;
	if (dc->host.state[host] != HOST_ON)
		return 0; /* VMs on a host that is about to come on want nothing yet */
	if (dc->host.type[host]->dvfs.n > 0)
		choose_step(dc, host);
	if (n == 0)
		return 0;
	if (divide_reserve(desk->divide, n) < 0 || limits_gather(&desk->limits, dc, host) < 0)
		return err_nomem(desk->err);
	look_at(&h, run, desk, host);
	memcpy(h.d->before, dc->slot.grant[RES_MEM] + h.first, n * sizeof(double));
	desk->vm_steps += n;
	return run->policy[RUN_JOINT].ops ? divide_all(&h, oom_victim)
					  : divide_separately(&h, oom_victim);
}
