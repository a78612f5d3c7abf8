/*
 * See metrics.h. One pass per host and update; the fairness of pairs (envy) looks only at VMs that
 * do not get all they want, which is nobody on a host that is not contended.
 */
#include "sim/metrics.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "policies/fill.h"

#define STARVED 0.01
#define FULL    (1 - 1e-9)

/* The host at hand, as arrays. */
struct bundle {
	const struct dc *dc;
	uint32_t host, first, n;
	double dt;
	double *progress, *slice; /* how far each VM gets; how far it would in its static slice */
	double *weight_sum;
};

static double min2(double a, double b)
{
	return a < b ? a : b;
}

int metrics_init(struct metrics *m, const struct dc *dc, bool entitled_by_grant)
{
	memset(m, 0, sizeof(*m));
	m->entitled_by_grant = entitled_by_grant;
	m->worst = m->worst_now = 1;
	for (size_t t = 0; t < dc->ntypes; t++)
		m->has_energy |= dc->type[t].has_power;
	m->host = mem_alloc(dc->host.n, sizeof(*m->host));
	return m->host ? 0 : -ENOMEM;
}

void metrics_fini(struct metrics *m)
{
	mem_free(m->host);
	mem_free(m->scratch);
}

void metrics_reset(struct metrics *m, struct dc *dc)
{
	memset(m->now, 0, sizeof(m->now));
	memset(m->total, 0, sizeof(m->total));
	memset(m->host, 0, dc->host.n * sizeof(*m->host));
	m->worst = m->worst_now = 1;
	for (size_t h = 0; h < dc->host.n; h++) {
		size_t at = dc->host.first[h], n = dc->host.count[h];
		for (int r = 0; r < RES_COUNT; r++) {
			memset(dc->slot.sum.want[r] + at, 0, n * sizeof(double));
			memset(dc->slot.sum.grant[r] + at, 0, n * sizeof(double));
		}
		memset(dc->slot.sum.entitled + at, 0, n * sizeof(double));
		memset(dc->slot.sum.steal + at, 0, n * sizeof(double));
		memset(dc->slot.sum.stall + at, 0, n * sizeof(double));
		memset(dc->slot.sum.run + at, 0, n * sizeof(double));
		memset(dc->slot.sum.starve + at, 0, n * sizeof(float));
		memset(dc->slot.sum.starve_max + at, 0, n * sizeof(float));
	}
}

void metrics_row(struct metrics *m, double row[M_SUMS], double *worst)
{
	for (int i = 0; i < M_SUMS; i++) {
		row[i] = m->now[i];
		m->total[i] += m->now[i];
		m->now[i] = 0;
	}
	*worst = m->worst_now;
	m->worst = min2(m->worst, m->worst_now);
	m->worst_now = 1;
}

double metrics_jain(double sum, double sum_sq, double time)
{
	return sum_sq > 0 ? sum * sum / (time * sum_sq) : 1;
}

double metrics_share(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

/* Sums of demand and grants; how far each VM gets. Returns the host's use of each resource. */
static void account_amounts(struct metrics *m, struct dc *dc, const struct bundle *b,
			    double use[RES_COUNT], double wanted[RES_COUNT])
{
	for (uint32_t i = 0; i < b->n; i++)
		b->progress[i] = 1;
	for (int r = 0; r < RES_COUNT; r++) {
		const double *want = dc->slot.want[r] + b->first,
			     *grant = dc->slot.grant[r] + b->first;
		double *sum_want = dc->slot.sum.want[r] + b->first;
		double *sum_grant = dc->slot.sum.grant[r] + b->first;
		double u = 0, w = 0;
		for (uint32_t i = 0; i < b->n; i++) {
			u += grant[i];
			w += want[i];
			sum_want[i] += want[i] * b->dt;
			sum_grant[i] += grant[i] * b->dt;
		}
		if (u < w * FULL)
			for (uint32_t i = 0; i < b->n; i++)
				if (grant[i] < want[i] * b->progress[i])
					b->progress[i] = grant[i] / want[i];
		use[r] = u;
		wanted[r] = w;
		m->now[M_WANT + r] += w * b->dt;
		m->now[M_GRANT + r] += u * b->dt;
	}
}

/* CPU entitlements and what hangs on them. */
static void account_entitlement(struct metrics *m, struct dc *dc, const struct bundle *b,
				const double *entitled)
{
	const double *want = dc->slot.want[RES_CPU] + b->first;
	const double *grant = dc->slot.grant[RES_CPU] + b->first;
	double ratio = 0, ratio_sq = 0, time = 0, steal = 0, worst = m->worst_now;
	double per_core = b->dt / dc->host.type[b->host]->speed;

	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t s = b->first + i;
		double e = entitled[i], lost = (want[i] - grant[i]) * per_core;
		dc->slot.sum.entitled[s] += e * b->dt;
		dc->slot.sum.steal[s] += lost;
		dc->slot.sum.run[s] += b->dt;
		steal += lost;
		bool starves = e > 0 && grant[i] < STARVED * e;
		float spell = starves ? dc->slot.sum.starve[s] + (float)b->dt : 0;
		dc->slot.sum.starve[s] = spell;
		if (spell > dc->slot.sum.starve_max[s])
			dc->slot.sum.starve_max[s] = spell;
		if (!(e > 0))
			continue;
		double r = grant[i] == e ? 1 : grant[i] / e;
		ratio += r;
		ratio_sq += r * r;
		time += 1;
		worst = min2(worst, r);
	}
	m->now[M_RATIO] += ratio * b->dt;
	m->now[M_RATIO_SQ] += ratio_sq * b->dt;
	m->now[M_RATIO_TIME] += time * b->dt;
	m->now[M_STEAL] += steal;
	m->worst_now = worst;
}

static const struct vm_class *slot_class(const struct bundle *b, uint32_t i)
{
	return &b->dc->class[b->dc->slot.class_id[b->first + i]];
}

static void account_dominant(struct metrics *m, const struct bundle *b)
{
	const struct host_type *type = b->dc->host.type[b->host];
	double per[RES_COUNT], sum = 0, sum_sq = 0, time = 0;

	for (int r = 0; r < RES_COUNT; r++)
		per[r] = type->capacity[r] > 0 && isfinite(type->capacity[r])
				 ? 1 / type->capacity[r]
				 : 0;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct vm_class *class = slot_class(b, i);
		double dominant = 0, want = 0;
		for (int r = 0; r < RES_COUNT; r++) {
			double share = b->dc->slot.grant[r][b->first + i] * per[r];
			want += b->dc->slot.want[r][b->first + i];
			if (class->weight[r] > 0 && share > dominant * class->weight[r])
				dominant = share / class->weight[r];
		}
		if (!(want > 0))
			continue;
		sum += dominant;
		sum_sq += dominant * dominant;
		time += 1;
	}
	m->now[M_DOMINANT] += sum * b->dt;
	m->now[M_DOMINANT_SQ] += sum_sq * b->dt;
	m->now[M_DOMINANT_TIME] += time * b->dt;
}

/* Whether VM @i would get further with the grants of @j, scaled by weights. */
static bool envies(const struct bundle *b, uint32_t i, uint32_t j)
{
	const struct vm_class *ci = slot_class(b, i), *cj = slot_class(b, j);

	for (int r = 0; r < RES_COUNT; r++) {
		double want = b->dc->slot.want[r][b->first + i];
		double theirs = b->dc->slot.grant[r][b->first + j] * ci->weight[r];
		if (want > 0 && theirs <= want * b->progress[i] * cj->weight[r] * (1 + 1e-9))
			return false;
	}
	/* With a cap of its own below its progress in reach, more would not help it. */
	for (int r = 0; r < RES_COUNT; r++)
		if (ci->cap[r] <= b->dc->slot.want[r][b->first + i] * b->progress[i] * (1 + 1e-9))
			return false;
	return true;
}

/* Whether VM @i gets less far than with a fixed slice of every resource by weight. */
static bool below_slice(const struct bundle *b, uint32_t i)
{
	const struct vm_class *class = slot_class(b, i);
	const struct host_type *type = b->dc->host.type[b->host];
	double progress = 1;

	for (int r = 0; r < RES_COUNT; r++) {
		double want = b->dc->slot.want[r][b->first + i];
		double most = min2(class->cap[r], want);
		if (want > 0 && b->weight_sum[r] > 0 && isfinite(type->capacity[r]))
			most = min2(most, type->capacity[r] * class->weight[r] / b->weight_sum[r]);
		if (most < want * progress)
			progress = most / want;
	}
	return b->progress[i] < progress * (1 - 1e-9);
}

static void account_pairs(struct metrics *m, const struct bundle *b)
{
	double weight_sum[RES_COUNT] = {0};
	uint32_t envious = 0, below = 0;
	struct bundle with = *b;

	with.weight_sum = weight_sum;
	for (uint32_t i = 0; i < b->n; i++)
		for (int r = 0; r < RES_COUNT; r++)
			weight_sum[r] += slot_class(b, i)->weight[r];
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->progress[i] >= FULL)
			continue;
		below += below_slice(&with, i);
		for (uint32_t j = 0; j < b->n; j++)
			envious += j != i && envies(&with, i, j);
	}
	m->now[M_ENVY] += envious * b->dt;
	m->now[M_VIOLATION] += below * b->dt;
}

static void account_stalls(struct metrics *m, struct dc *dc, const struct bundle *b)
{
	for (uint32_t s = b->first; s < b->first + b->n; s++) {
		double stalled = dc->slot.want[RES_CPU][s] > 0 ? dc->slot.stalled[s] * b->dt : 0;
		dc->slot.sum.stall[s] += stalled;
		m->now[M_STALL] += stalled;
	}
}

static void account_host(struct metrics *m, const struct bundle *b, const double use[RES_COUNT],
			 const double wanted[RES_COUNT])
{
	const struct host_type *type = b->dc->host.type[b->host];
	struct host_sums *sum = &m->host[b->host];
	bool down = b->dc->host.down[b->host];
	bool on = !down && (b->n > 0 || !type->off_when_empty);
	double dt = b->dt, util = use[RES_CPU] / type->capacity[RES_CPU];

	for (int r = 0; r < RES_COUNT; r++) {
		sum->grant[r] += use[r] * dt;
		if (on && isfinite(type->capacity[r]))
			m->now[M_CAPACITY + r] += type->capacity[r] * dt;
	}
	double over = on && wanted[RES_CPU] > type->capacity[RES_CPU] * (1 + 1e-9) ? dt : 0;
	double joule =
		on && type->has_power ? type->watts(type->power_state, min2(util, 1)) * dt : 0;
	sum->vms += b->n * dt;
	sum->on += on ? dt : 0;
	sum->off += on || down ? 0 : dt;
	sum->down += down ? dt : 0;
	sum->active += b->n > 0 ? dt : 0;
	sum->busy += use[RES_CPU] > 0 ? dt : 0;
	sum->full += util >= FULL ? dt : 0;
	sum->overload += over;
	sum->joule += joule;
	m->now[M_ON] += on ? dt : 0;
	m->now[M_DOWN] += down ? dt : 0;
	m->now[M_ACTIVE] += b->n > 0 ? dt : 0;
	m->now[M_OVERLOAD] += over;
	m->now[M_HOST_TIME] += dt;
	m->now[M_VM_TIME] += b->n * dt;
	m->now[M_ENERGY_J] += joule;
}

/* Arrays of limits for fill_level(), which wants columns. */
static const double *entitlements(const struct metrics *m, const struct bundle *b, double *scratch)
{
	const struct dc *dc = b->dc;
	uint32_t n = b->n;
	double *floor = scratch, *cap = floor + n, *weight = cap + n, *want = weight + n;
	double *entitled = want + n, *work = entitled + n;

	if (m->entitled_by_grant)
		return dc->slot.grant[RES_CPU] + b->first;
	for (uint32_t i = 0; i < n; i++) {
		const struct vm_class *class = slot_class(b, i);
		floor[i] = class->floor[RES_CPU];
		cap[i] = class->cap[RES_CPU];
		weight[i] = class->weight[RES_CPU];
		want[i] =
			dc->slot.want[RES_CPU][b->first + i] * (1 - dc->slot.stalled[b->first + i]);
	}
	struct share_col col = {.res = RES_CPU,
				.capacity = dc->host.type[b->host]->capacity[RES_CPU],
				.want = want,
				.floor = floor,
				.cap = cap,
				.weight = weight};
	fill_level(&col, n, work, entitled);
	return entitled;
}

int metrics_account(struct metrics *m, struct dc *dc, uint32_t host, double dt_s)
{
	struct bundle b = {.dc = dc,
			   .host = host,
			   .first = dc->host.first[host],
			   .n = dc->host.count[host],
			   .dt = dt_s};
	double use[RES_COUNT], wanted[RES_COUNT];

	if (mem_grow(&m->scratch, &m->scratch_n, (size_t)b.n * 24, sizeof(double)) < 0)
		return -ENOMEM;
	b.progress = m->scratch;
	account_amounts(m, dc, &b, use, wanted);
	account_host(m, &b, use, wanted);
	if (b.n == 0)
		return 0;
	account_entitlement(m, dc, &b, entitlements(m, &b, m->scratch + b.n));
	account_dominant(m, &b);
	account_pairs(m, &b);
	m->now[M_PAIRS] += (double)b.n * (b.n - 1) * dt_s;
	m->now[M_VIOLATION_TIME] += b.n * dt_s;
	if (dc->host.pressed[host])
		account_stalls(m, dc, &b);
	return 0;
}
