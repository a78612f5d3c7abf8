/*
 * See metrics.h. One pass per host and update; the fairness of pairs (envy) looks only at VMs that
 * do not get all they want, which is nobody on a host that is not contended.
 */
#include "sim/metrics.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "policies/fill.h"
#include "sim/core/lanes.h"

#define STARVED 0.01
#define FULL    (1 - 1e-9)
#define MORE    (1 + 1e-9)

/* The host at hand, as arrays. */
struct bundle {
	const struct dc *dc;
	const struct limits *limits;
	uint32_t host, first, n;
	double dt;
	double *rate;                                   /* what becomes of the sums, per second */
	lane_mask shorts;                               /* per resource: not all want is granted */
	const double *want[RES_COUNT];                  /* that can be met: less where VMs move */
	double *progress;                               /* how far each VM gets */
	double *per_weight[RES_COUNT], most[RES_COUNT]; /* grants per weight; the largest */
};

static double min2(double a, double b)
{
	return a < b ? a : b;
}

int metrics_init(struct metrics *m, const struct dc *dc, bool entitled_by_grant)
{
	memset(m, 0, sizeof(*m));
	m->entitled_by_grant = entitled_by_grant;
	m->worst = m->now.worst = 1;
	for (size_t t = 0; t < dc->ntypes; t++)
		m->has_energy |= dc->type[t].has_power;
	m->host = mem_alloc(dc->host.n, sizeof(*m->host));
	return m->host ? 0 : -ENOMEM;
}

void metrics_fini(struct metrics *m)
{
	mem_free(m->host);
}

void metrics_reset(struct metrics *m, struct dc *dc)
{
	m->now = (struct metrics_rates){.worst = 1};
	memset(m->total, 0, sizeof(m->total));
	memset(m->host, 0, dc->host.n * sizeof(*m->host));
	m->worst = 1;
	for (size_t h = 0; h < dc->host.n; h++) {
		size_t at = dc->host.first[h], n = dc->host.count[h];
		for (unsigned r = 0; r < RES_COUNT; r++) {
			if (!dc_used(dc, r, (uint32_t)h))
				continue;
			memset(dc->slot.sum.want[r] + at, 0, n * sizeof(double));
			memset(dc->slot.sum.grant[r] + at, 0, n * sizeof(double));
		}
		memset(dc->slot.sum.entitled + at, 0, n * sizeof(double));
		memset(dc->slot.sum.stall + at, 0, n * sizeof(double));
		memset(dc->slot.sum.run + at, 0, n * sizeof(double));
		memset(dc->slot.sum.starve + at, 0, n * sizeof(float));
		memset(dc->slot.sum.starve_max + at, 0, n * sizeof(float));
	}
}

/* By plain stores, of a zero that compilers do not know for one: else they use a string instruction, which
 * takes longer to start than all this. */
lanes_inline void rates_clear(struct metrics_rates *rates)
{
	lanes zero = {0};
	int i = 0;

	__asm__("" : "+m"(zero));
	for (; i + LANES <= M_SUMS; i += LANES)
		lanes_put(rates->of + i, zero);
	for (; i < M_SUMS; i++)
		rates->of[i] = 0;
	rates->worst = 1;
}

void metrics_row(struct metrics *m, double row[M_SUMS], double *worst)
{
	for (int i = 0; i < M_SUMS; i++) {
		row[i] = m->now.of[i];
		m->total[i] += m->now.of[i];
	}
	*worst = m->now.worst;
	m->worst = min2(m->worst, m->now.worst);
	m->now = (struct metrics_rates){.worst = 1};
}

lanes_wide void metrics_add(struct metrics_rates *sum, const struct metrics_rates *rates, double s)
{
	int i = 0;

	for (; i + LANES <= M_SUMS; i += LANES)
		lanes_put(sum->of + i, lanes_at(sum->of + i) + lanes_at(rates->of + i) * s);
	for (; i < M_SUMS; i++)
		sum->of[i] += rates->of[i] * s;
	sum->worst = min2(sum->worst, rates->worst);
}

double metrics_jain(double sum, double sum_sq, double time)
{
	return sum_sq > 0 ? sum * sum / (time * sum_sq) : 1;
}

double metrics_share(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

_Static_assert((int)RES_COUNT == (int)LANES, "a lane per resource");

/* What the VMs want of one resource, and get; added up over time. */
lanes_inline void account_column(struct dc *dc, const struct bundle *b, unsigned r, lanes *wanted,
				 lanes *use)
{
	const double *want = dc->slot.want[r] + b->first, *grant = dc->slot.grant[r] + b->first;
	double *sum_want = dc->slot.sum.want[r] + b->first;
	double *sum_grant = dc->slot.sum.grant[r] + b->first;
	const lanes dt = lanes_of(b->dt);
	lanes w = {0}, u = {0};

	for (uint32_t i = 0; i < b->n; i += LANES) {
		lanes wi = lanes_at(want + i), gi = lanes_at(grant + i);
		w += wi;
		u += gi;
		lanes_put(sum_want + i, lanes_at(sum_want + i) + wi * dt);
		lanes_put(sum_grant + i, lanes_at(sum_grant + i) + gi * dt);
	}
	*wanted = w;
	*use = u;
}

/* How far each VM gets; only where something is short. */
lanes_inline void account_progress(const struct dc *dc, const struct bundle *b)
{
	for (uint32_t i = 0; i < b->n; i += LANES) {
		lanes p = lanes_of(1);
		for (int r = 0; r < RES_COUNT; r++) {
			if (!b->shorts[r])
				continue;
			lanes want = lanes_at(b->want[r] + i);
			lanes x = lanes_at(dc->slot.grant[r] + b->first + i) /
				  choose(want > 0, want, lanes_of(1));
			p = choose((want > 0) & (x < p), x, p);
		}
		lanes_put(b->progress + i, p);
	}
}

/* @none: nobody wanted it, or had any. */
lanes_inline void forget_unwanted(struct dc *dc, uint32_t host, lane_mask none)
{
	unsigned was = dc->host.wanted[host], wanted = was;

	if (!lanes_any(none))
		return;
	for (unsigned r = 0; r < RES_COUNT; r++)
		wanted &= none[r] ? ~RES_BIT(r) : ~0u;
	if (wanted != was)
		dc_wanted_set(dc, wanted, host);
}

/* Sums of demand and grants. */
lanes_inline void account_amounts(struct dc *dc, struct bundle *b)
{
	lanes w[RES_COUNT], u[RES_COUNT];

	for (unsigned r = 0; r < RES_COUNT; r++) {
		w[r] = u[r] = lanes_of(0);
		if (dc_wanted(dc, r, b->host))
			account_column(dc, b, r, &w[r], &u[r]);
	}
	lanes wanted = lanes_sums(w[0], w[1], w[2], w[3]), use = lanes_sums(u[0], u[1], u[2], u[3]);
	b->shorts = use < wanted * FULL;
	if (b->n > 0)
		forget_unwanted(dc, b->host, (wanted <= 0) & (use <= 0));
	lanes_put(b->rate + M_WANT, wanted);
	lanes_put(b->rate + M_GRANT, use);
}

/* Spells of starvation; only where somebody starves, or did at the last update. */
lanes_inline void account_starving(struct metrics *m, struct dc *dc, const struct bundle *b,
				   const double *entitled)
{
	const double *grant = dc->slot.grant[RES_CPU] + b->first;
	lane_mask starve = {0};

	for (uint32_t i = 0; i < b->n; i += LANES)
		starve |= lanes_at(grant + i) < lanes_at(entitled + i) * STARVED;
	bool any = lanes_any(starve);
	for (uint32_t i = 0; i < b->n && (any || m->host[b->host].starving); i++) {
		uint32_t s = b->first + i;
		bool starves = grant[i] < STARVED * entitled[i];
		float spell = starves ? dc->slot.sum.starve[s] + (float)b->dt : 0;
		dc->slot.sum.starve[s] = spell;
		if (spell > dc->slot.sum.starve_max[s])
			dc->slot.sum.starve_max[s] = spell;
	}
	m->host[b->host].starving = any;
}

/* Time, and CPU that was wanted and not given. Returns for how many VMs there was CPU. */
lanes_inline double account_time(struct dc *dc, const struct bundle *b)
{
	const double *want = dc->slot.want[RES_CPU] + b->first;
	const double *grant = dc->slot.grant[RES_CPU] + b->first;
	double *run = dc->slot.sum.run + b->first;
	const lanes dt = lanes_of(b->dt), per_core = lanes_of(1 / dc->host.type[b->host]->speed);
	lanes steal = {0}, served = {0};

	for (uint32_t i = 0; i < b->n; i += LANES) {
		lanes g = lanes_at(grant + i);
		lanes_put(run + i, lanes_at(run + i) + dt);
		steal += (lanes_at(want + i) - g) * per_core;
		served += lanes_where(g > 0, lanes_of(1));
	}
	for (size_t i = b->n; i < lanes_room(b->n); i++)
		run[i] = 0;
	b->rate[M_STEAL] = lanes_sum(steal);
	return lanes_sum(served);
}

/* CPU entitlements and what hangs on them. */
lanes_inline void account_entitlement(struct metrics *m, struct dc *dc, const struct bundle *b,
				      const double *entitled, double *least)
{
	const double *grant = dc->slot.grant[RES_CPU] + b->first;
	double *sum = dc->slot.sum.entitled + b->first;
	const lanes dt = lanes_of(b->dt), one = lanes_of(1);
	lanes ratio = {0}, ratio_sq = {0}, time = {0}, worst = one;

	for (uint32_t i = 0; i < b->n; i += LANES) {
		lanes g = lanes_at(grant + i), e = lanes_at(entitled + i);
		lane_mask counts = e > 0;
		lanes r = choose(counts & (g != e), g / choose(counts, e, one), one);
		lanes_put(sum + i, lanes_at(sum + i) + e * dt);
		worst = choose(counts, lanes_min(worst, r), worst);
		ratio += lanes_where(counts, r);
		ratio_sq += lanes_where(counts, r * r);
		time += lanes_where(counts, one);
	}
	b->rate[M_RATIO] = lanes_sum(ratio);
	b->rate[M_RATIO_SQ] = lanes_sum(ratio_sq);
	b->rate[M_RATIO_TIME] = lanes_sum(time);
	*least = lanes_least(worst);
	account_starving(m, dc, b, entitled);
}

/* Each VM's dominant share per unit of weight; where a weight is 0 it counts as 0. If somebody may look
 * at pairs: grants per unit of weight, and the largest, of each resource that is wanted. */
lanes_inline void account_dominant(struct bundle *b, bool pairs)
{
	const struct dc *dc = b->dc;
	const struct host_type *type = dc->host.type[b->host];
	lanes most[RES_COUNT] = {{0}}, sum = {0}, sum_sq = {0}, time = {0};
	unsigned wanted[RES_COUNT], nwanted = 0;
	double per[RES_COUNT];

	for (unsigned r = 0; r < RES_COUNT; r++) {
		wanted[nwanted] = r;
		nwanted += dc_wanted(dc, r, b->host);
	}
	memcpy(per, type->per_capacity, sizeof(per));
	if (type->dvfs.n > 0)
		per[RES_CPU] = 1 / dc->host.capacity[b->host];
	for (uint32_t i = 0; i < b->n; i += LANES) {
		lanes dominant = {0}, want = {0};
		for (unsigned k = 0; k < nwanted; k++) {
			unsigned r = wanted[k];
			lanes each = lanes_at(dc->slot.grant[r] + b->first + i) *
				     lanes_at(b->limits->per_weight[r] + i);
			if (pairs) {
				lanes_put(b->per_weight[r] + i, each);
				most[r] = lanes_max(each, most[r]);
			}
			want += lanes_at(dc->slot.want[r] + b->first + i);
			dominant = lanes_max(each * per[r], dominant);
		}
		lanes counts = lanes_where(want > 0, lanes_of(1));
		sum += dominant * counts;
		sum_sq += dominant * dominant * counts;
		time += counts;
	}
	for (int r = 0; r < RES_COUNT && pairs; r++)
		b->most[r] = lanes_most(most[r]);
	b->rate[M_DOMINANT] = lanes_sum(sum);
	b->rate[M_DOMINANT_SQ] = lanes_sum(sum_sq);
	b->rate[M_DOMINANT_TIME] = lanes_sum(time);
}

/* How many others VM @i would get further with, given their grants scaled by weights: those that
 * have more than it uses of every resource that it wants. */
static uint32_t count_envied(const struct bundle *b, uint32_t i)
{
	double uses[RES_COUNT];
	unsigned wanted[RES_COUNT], nwanted = 0;
	uint32_t envied = 0;

	for (unsigned r = 0; r < RES_COUNT; r++) {
		double want = b->want[r][i];
		uses[nwanted] = want * b->progress[i] * MORE * b->limits->per_weight[r][i];
		wanted[nwanted] = r;
		nwanted += want > 0;
	}
	for (uint32_t j = 0; j < b->n; j++) {
		unsigned more = j != i;
		for (unsigned k = 0; k < nwanted; k++)
			more &= b->per_weight[wanted[k]][j] > uses[k];
		envied += more;
	}
	return envied;
}

/* Several VMs at a time: who gets less far than with a fixed slice of every resource by weight (it
 * would have more than it uses of each), and who may envy anybody: somebody has more per weight of
 * each resource that it wants, and no cap of its own is in the way. Mostly nobody has more of the
 * scarce one, and count_envied() need not look at pairs. */
lanes_inline void account_pairs(const struct bundle *b)
{
	const struct limits *l = b->limits;
	lanes below_sum = {0};
	uint32_t envious = 0;

	for (uint32_t i = 0; i < b->n; i += LANES) {
		lanes progress = lanes_at(b->progress + i) * MORE;
		lane_mask short_of = lanes_at(b->progress + i) < FULL, below = short_of,
			  envies = short_of;
		if (!lanes_any(short_of))
			continue;
		for (int r = 0; r < RES_COUNT; r++) {
			lanes want = lanes_at(b->want[r] + i);
			lanes uses = want * progress, cap = lanes_at(l->cap[r] + i);
			lanes slice = lanes_min(lanes_at(l->slice[r] + i), want);
			lane_mask idle = want <= 0;
			below &= idle | (slice > uses);
			envies &= idle | ((b->most[r] > uses * lanes_at(l->per_weight[r] + i)) &
					  (cap > uses));
		}
		below_sum += lanes_where(below, lanes_of(1));
		for (uint32_t k = 0; k < LANES && lanes_any(envies); k++)
			envious += envies[k] && i + k < b->n ? count_envied(b, i + k) : 0;
	}
	b->rate[M_ENVY] = envious;
	b->rate[M_VIOLATION] = lanes_sum(below_sum);
}

static void account_stalls(struct dc *dc, const struct bundle *b)
{
	for (uint32_t s = b->first; s < b->first + b->n; s++) {
		double stalled = dc->slot.want[RES_CPU][s] > 0 ? (double)dc->slot.stalled[s] : 0;
		dc->slot.sum.stall[s] += stalled * b->dt;
		b->rate[M_STALL] += stalled;
	}
}

static double watts(const struct dc *dc, uint32_t host, double util)
{
	const struct host_type *type = dc->host.type[host];

	return type->dvfs.n > 0 ? dvfs_watts(&type->dvfs.step[dc->host.step[host]], util)
				: type->watts(type->power_state, util);
}

static void account_host(struct metrics *m, const struct bundle *b)
{
	const double *use = b->rate + M_GRANT, *wanted = b->rate + M_WANT;
	const struct host_type *type = b->dc->host.type[b->host];
	struct host_sums *sum = &m->host[b->host];
	bool down = b->dc->host.down[b->host];
	enum host_state state = b->dc->host.state[b->host];
	bool on = !down && state == HOST_ON;
	double taken = dc_taken_cpu(b->dc, b->host), capacity = b->dc->host.capacity[b->host];
	double dt = b->dt, util = (use[RES_CPU] + taken) / capacity;

	bool over = on && wanted[RES_CPU] + taken > capacity * (1 + 1e-9);
	double watt = on && type->has_power ? watts(b->dc, b->host, min2(util, 1))
		      : down                ? 0
					    : type->state_watts[state];

	for (int r = 0; r < RES_COUNT; r++) {
		sum->grant[r] += use[r] * dt;
		if (on && isfinite(type->capacity[r]))
			b->rate[M_CAPACITY + r] = type->capacity[r];
	}
	if (on)
		b->rate[M_CAPACITY + RES_CPU] = capacity;
	sum->capacity += on ? capacity * dt : 0;
	sum->vms += b->n * dt;
	sum->on += on ? dt : 0;
	sum->off += !down && state == HOST_OFF ? dt : 0;
	sum->booting += !down && state == HOST_BOOTING ? dt : 0;
	sum->stopping += !down && state == HOST_STOPPING ? dt : 0;
	sum->down += down ? dt : 0;
	sum->active += b->n > 0 ? dt : 0;
	sum->busy += use[RES_CPU] > 0 ? dt : 0;
	sum->full += util >= FULL ? dt : 0;
	sum->overload += over ? dt : 0;
	sum->joule += watt * dt;
	b->rate[M_ON] = on;
	b->rate[M_DOWN] = down;
	b->rate[M_ACTIVE] = b->n > 0;
	b->rate[M_OVERLOAD] = over;
	b->rate[M_HOST_TIME] = 1;
	b->rate[M_VM_TIME] = b->n;
	b->rate[M_ENERGY_J] = watt;
}

static const double *entitlements(const struct bundle *b, double *scratch)
{
	const struct dc *dc = b->dc;
	size_t room = lanes_room(b->n);
	double *want = scratch, *entitled = want + room;

	for (uint32_t i = 0; i < b->n; i++)
		want[i] = dc_offered(dc, RES_CPU, b->first + i);
	for (uint32_t i = 0; i < b->n && dc->host.pressed[b->host]; i++)
		want[i] *= 1 - (double)dc->slot.stalled[b->first + i];
	struct share_col col = {.res = RES_CPU,
				.capacity = dc_capacity(dc, RES_CPU, b->host),
				.want = want,
				.floor = b->limits->floor[RES_CPU],
				.cap = b->limits->cap[RES_CPU],
				.weight = b->limits->weight[RES_CPU]};
	fill_level(&col, b->n, entitled + room, entitled);
	for (size_t i = b->n; i < room; i++)
		entitled[i] = 0;
	return entitled;
}

static void meetable_wants(struct bundle *b, double *scratch)
{
	size_t room = lanes_room(b->n);

	for (int r = 0; r < RES_COUNT; r++) {
		double *want = scratch + (size_t)r * room;
		b->want[r] = b->dc->slot.want[r] + b->first;
		if (!b->dc->host.moving[b->host])
			continue;
		for (uint32_t i = 0; i < b->n; i++)
			want[i] = dc_offered(b->dc, (enum resource)r, b->first + i);
		for (size_t i = b->n; i < room; i++)
			want[i] = 0;
		b->want[r] = want;
	}
}

/* progress, per_weight; want, entitled and what fill_level() needs; wants that can be met. */
#define SCRATCH_PER_VM (1 + RES_COUNT + 2 + FILL_SCRATCH + RES_COUNT)

lanes_wide int metrics_account(struct metrics_desk *d, uint32_t host, double dt_s,
			       struct metrics_rates *rates)
{
	struct metrics *m = d->metrics;
	struct dc *dc = d->dc;
	struct bundle b; /* the rest of it is filled in on the way */

	b.dc = dc;
	b.limits = d->limits;
	b.host = host;
	b.first = dc->host.first[host];
	/* VMs on a host that is about to come on do not run yet. */
	b.n = dc->host.state[host] == HOST_ON ? dc->host.count[host] : 0;
	b.dt = dt_s;
	b.rate = rates->of;
	size_t room = lanes_room(b.n);

	if (limits_gather(d->limits, dc, host) < 0 ||
	    mem_grow(&d->scratch, &d->scratch_n, room * SCRATCH_PER_VM, sizeof(double)) < 0)
		return -ENOMEM;
	rates_clear(rates);
	b.progress = d->scratch;
	for (unsigned r = 0; r < RES_COUNT; r++)
		b.per_weight[r] = b.progress + (r + 1) * room;
	double *rest = b.progress + (1 + RES_COUNT) * room;
	account_amounts(dc, &b);
	account_host(m, &b);
	if (b.n == 0)
		return 0;
	double served = account_time(dc, &b);
	if (m->entitled_by_grant) /* everybody has a ratio of 1 */
		b.rate[M_RATIO] = b.rate[M_RATIO_SQ] = b.rate[M_RATIO_TIME] = served;
	else
		account_entitlement(m, dc, &b, entitlements(&b, rest), &rates->worst);
	if (lanes_any(b.shorts)) {
		meetable_wants(&b, d->scratch + room * (SCRATCH_PER_VM - RES_COUNT));
		account_dominant(&b, true);
		account_progress(dc, &b);
		account_pairs(&b);
	} else {
		account_dominant(&b, false);
	}
	rates->of[M_PAIRS] = (double)b.n * (b.n - 1);
	rates->of[M_VIOLATION_TIME] = b.n;
	if (dc->host.pressed[host])
		account_stalls(dc, &b);
	return 0;
}
