/*
 * See fill.h. The amount S(L) given out at level L rises with L and is linear between breakpoints
 * f_i / w_i and u_i / w_i, so Newton's method lands on the root exactly as soon as it stands on the
 * right piece: the next step then returns the same level, bit by bit. S is neither convex nor
 * concave, so a bracket is kept; a step that leaves it, and every other step of a long search, goes
 * to a breakpoint inside the bracket instead. No step visits a piece twice, hence it ends.
 */
#include "policies/fill.h"

#include <math.h>
#include <stdbool.h>

#include "sim/core/lanes.h"

#define NEWTON_STEPS 12    /* plain ones, before breakpoints are tried in between */
#define ROUNDING     1e-15 /* relative: levels this near are the same */
#define EXCESS       1e-12 /* relative: a sum this much above capacity is trimmed */

/* What S(L) is made of. u_i = f_i wherever w_i = 0. */
struct curve {
	const double *u, *f, *w;
	size_t n;
};

/* S(L) = fixed + L * slope around L. */
struct piece {
	double fixed, slope;
};

static inline double least(double a, double b)
{
	return a < b ? a : b;
}

static inline double most(double a, double b)
{
	return a > b ? a : b;
}

/* Several VMs at a time and without branches: whether a VM is on its linear part is as good as
 * random.
 */
lanes_inline struct piece curve_at(const struct curve *c, double level, double *x)
{
	const lanes zero = {0};
	lanes fixed = zero, slope = zero;
	size_t i = 0;

	for (; i + LANES <= c->n; i += LANES) {
		lanes w = lanes_at(c->w + i), u = lanes_at(c->u + i), f = lanes_at(c->f + i);
		lanes t = w * level;
		lane_mask above = t > f, below = t < u, linear = above & below;
		lanes v = choose(below, choose(above, t, f), u);
		lanes_put(x + i, v);
		fixed += lanes_where(~linear, v);
		slope += lanes_where(linear, w);
	}
	struct piece p = {lanes_sum(fixed), lanes_sum(slope)};
	for (; i < c->n; i++) {
		double t = level * c->w[i];
		x[i] = least(most(t, c->f[i]), c->u[i]);
		bool linear = t > c->f[i] && t < c->u[i];
		p.fixed += linear ? 0.0 : x[i];
		p.slope += linear ? c->w[i] : 0.0;
	}
	return p;
}

/* The breakpoints of VM i inside the range: 0 to 2 of them. */
static inline unsigned breaks_of(const struct curve *c, size_t i, const double range[2],
				 double at[2])
{
	unsigned k = 0;

	if (c->w[i] <= 0.0)
		return 0;
	at[0] = c->f[i] / c->w[i];
	k += at[0] > range[0] && at[0] < range[1];
	at[k] = c->u[i] / c->w[i];
	k += at[k] > range[0] && at[k] < range[1];
	return k;
}

/* The middle one, by index, of the breakpoints inside the range; else the middle of the range. */
static double level_between(const struct curve *c, const double range[2])
{
	size_t count = 0, seen = 0;
	double at[2];

	for (size_t i = 0; i < c->n; i++)
		count += breaks_of(c, i, range, at);
	for (size_t i = 0; i < c->n && count > 0; i++) {
		unsigned k = breaks_of(c, i, range, at);
		if (seen + k > count / 2)
			return at[count / 2 - seen];
		seen += k;
	}
	return range[0] + (range[1] - range[0]) / 2;
}

/* Takes what a sum has too much from everybody in proportion to what is above the floor. */
static void trim(const double *f, size_t n, double capacity, double *x)
{
	double sum = 0.0, above = 0.0;

	for (size_t i = 0; i < n; i++) {
		sum += x[i];
		above += x[i] - f[i];
	}
	if (!(sum > capacity * (1.0 + EXCESS)) || !(above > 0.0))
		return;
	double keep = most(0.0, 1.0 - (sum - capacity) / above);
	for (size_t i = 0; i < n; i++)
		x[i] = f[i] + (x[i] - f[i]) * keep;
}

/* The level at which S = capacity, and the answers x there. sum f < capacity < sum u is required.
 */
lanes_wide static double solve(const struct curve *c, double capacity, double guess, double *x)
{
	double range[2] = {0.0, INFINITY}, level = guess;

	for (size_t step = 0; step < 4 * c->n + 64; step++) {
		struct piece p = curve_at(c, level, x);
		double next = (capacity - p.fixed) / p.slope;
		if (fabs(next - level) <= ROUNDING * level ||
		    (p.slope == 0.0 && p.fixed == capacity))
			return level;
		range[next < level] = level;
		bool inside = next > range[0] && next < range[1];
		if (!inside || (step > NEWTON_STEPS && step % 2 == 0))
			next = level_between(c, range);
		if (!(next > range[0] && next < range[1]))
			break;
		level = next;
	}
	trim(c->f, c->n, capacity, x);
	return level;
}

struct totals {
	double u, f, w;
};

/* Fills u (twice) and f for M1 and sums. */
lanes_inline struct totals prepare(const struct share_col *col, size_t n, double *u, double *f,
				   double *grant)
{
	const lanes zero = {0};
	lanes su = zero, sf = zero, sw = zero;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		lanes want = lanes_at(col->want + i), cap = lanes_at(col->cap + i);
		lanes floor = lanes_at(col->floor + i), w = lanes_at(col->weight + i);
		lanes ui = choose(want < cap, want, cap);
		lanes fi = choose(floor < ui, floor, ui);
		ui = choose(w > zero, ui, fi);
		lanes_put(u + i, ui);
		lanes_put(f + i, fi);
		lanes_put(grant + i, ui);
		su += ui;
		sf += fi;
		sw += w;
	}
	struct totals sum = {lanes_sum(su), lanes_sum(sf), lanes_sum(sw)};
	for (; i < n; i++) {
		u[i] = least(col->want[i], col->cap[i]);
		f[i] = least(col->floor[i], u[i]);
		u[i] = col->weight[i] > 0.0 ? u[i] : f[i];
		grant[i] = u[i];
		sum.u += u[i];
		sum.f += f[i];
		sum.w += col->weight[i];
	}
	return sum;
}

static void scale_to(const double *f, size_t n, double sum, double capacity, double *x)
{
	double scale = sum > 0.0 ? capacity / sum : 0.0;

	for (size_t i = 0; i < n; i++)
		x[i] = f[i] * scale;
}

lanes_wide void fill_level(const struct share_col *col, size_t n, double *scratch, double *grant)
{
	double *f = scratch, *u = scratch + n;
	struct totals sum = prepare(col, n, u, f, grant);

	if (sum.u <= col->capacity)
		return;
	if (sum.f >= col->capacity) {
		scale_to(f, n, sum.f, col->capacity, grant);
		return;
	}
	struct curve c = {u, f, col->weight, n};
	solve(&c, col->capacity, col->capacity / sum.w, grant);
}

/* What is above the floors, filled without floors. */
void fill_above(const struct share_col *col, size_t n, double *scratch, double *grant)
{
	double *f = scratch, *u = scratch + n, *zero = scratch + 2 * n;
	struct totals sum = prepare(col, n, u, f, grant);

	if (sum.u <= col->capacity)
		return;
	if (sum.f >= col->capacity) {
		scale_to(f, n, sum.f, col->capacity, grant);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		u[i] = grant[i] - f[i];
		zero[i] = 0.0;
	}
	struct curve c = {u, zero, col->weight, n};
	double rest = col->capacity - sum.f;
	solve(&c, rest, rest / sum.w, scratch + 3 * n);
	for (size_t i = 0; i < n; i++)
		grant[i] = least(grant[i], f[i] + scratch[3 * n + i]);
}

void fill_slices(const struct share_col *col, const double *weight, size_t n, double *scratch,
		 double *slice)
{
	double *f = scratch, *u = scratch + n;
	double floors = 0.0, clipped = 0.0, weights = 0.0;

	for (size_t i = 0; i < n; i++) {
		u[i] = least(col->floor[i], least(col->want[i], col->cap[i]));
		clipped += u[i];
		floors += col->floor[i];
		weights += weight[i];
	}
	bool whole = floors <= col->capacity;
	double sum = whole ? floors : clipped;
	if (sum >= col->capacity && sum > 0.0) {
		scale_to(whole ? col->floor : u, n, sum, col->capacity, slice);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		f[i] = whole ? col->floor[i] : u[i];
		u[i] = weight[i] > 0.0 ? INFINITY : f[i];
		slice[i] = f[i];
	}
	if (!(weights > 0.0))
		return;
	struct curve c = {u, f, weight, n};
	solve(&c, col->capacity, col->capacity / weights, slice);
}

/* Joint filling. A VM's progress lies in [x_lo, x_hi]: a column that is full lowers x_hi of those
 * who want it; a priority that is done raises x_lo of its VMs to x_hi. */
struct joint {
	const struct share_view *view;
	enum fill_rule rule;
	double *x_lo, *x_hi, *dominant; /* dominant = INFINITY: stands still */
	double *u, *f, *w;              /* of the column at hand */
	double scale[SHARE_MAX_COLS];   /* of the floors */
	double room[SHARE_MAX_COLS];    /* M1: the capacity; M2: what the floors leave of it */
};

/* Demand, most and least of VM i in column k; what it gets before all, and its limit with that. */
struct item {
	double want, u, f, base, top;
};

static inline struct item joint_item(const struct joint *j, size_t k, size_t i)
{
	const struct share_col *col = &j->view->col[k];
	double u = least(col->want[i], col->cap[i]);
	double f = least(col->floor[i], u) * j->scale[k];

	if (j->rule == FILL_M2)
		return (struct item){u - f, u - f, 0.0, f, u};
	return (struct item){col->want[i], u, f, 0.0, u};
}

static inline double item_at(const struct item *it, double x)
{
	return least(it->u, most(it->f, x * it->want));
}

static void joint_floors(struct joint *j)
{
	const struct share_view *v = j->view;

	for (size_t k = 0; k < v->ncols; k++) {
		const struct share_col *col = &v->col[k];
		double sum = 0.0;
		for (size_t i = 0; i < v->n; i++)
			sum += least(col->floor[i], least(col->want[i], col->cap[i]));
		bool fit = sum <= col->capacity;
		j->scale[k] = fit ? 1.0 : col->capacity / sum;
		j->room[k] = col->capacity;
		if (j->rule == FILL_M2)
			j->room[k] = fit ? col->capacity - sum : 0.0;
	}
}

static double joint_dominant(const struct joint *j, size_t i)
{
	double dominant = 0.0;

	for (size_t k = 0; k < j->view->ncols; k++) {
		struct item it = joint_item(j, k, i);
		if (it.want > 0.0)
			dominant = most(dominant, it.want / j->room[k] / j->view->col[k].weight[i]);
	}
	return dominant > 0.0 ? dominant : INFINITY;
}

static double joint_limit(const struct joint *j, size_t i)
{
	double x = 1.0;

	for (size_t k = 0; k < j->view->ncols; k++) {
		struct item it = joint_item(j, k, i);
		if (it.u < it.want)
			x = least(x, it.u / it.want);
	}
	return x;
}

/* Lets the VMs of one priority (or all) move; those of weight 0 stay where they are. */
static void joint_release(struct joint *j, const int32_t *priority, int64_t level)
{
	for (size_t i = 0; i < j->view->n; i++) {
		j->dominant[i] = INFINITY;
		if (priority && priority[i] != level)
			continue;
		j->dominant[i] = joint_dominant(j, i);
		j->x_hi[i] = isinf(j->dominant[i]) ? 0.0 : joint_limit(j, i);
	}
}

/* The level at which column k is full, or INFINITY if it never is. */
static double joint_level(struct joint *j, size_t k, double *x)
{
	struct totals sum = {0.0, 0.0, 0.0};
	size_t n = j->view->n;

	for (size_t i = 0; i < n; i++) {
		struct item it = joint_item(j, k, i);
		j->w[i] = it.want / j->dominant[i];
		j->f[i] = item_at(&it, j->x_lo[i]);
		j->u[i] = j->w[i] > 0.0 ? most(j->f[i], item_at(&it, j->x_hi[i])) : j->f[i];
		sum.u += j->u[i];
		sum.f += j->f[i];
		sum.w += j->w[i];
	}
	if (sum.u <= j->room[k])
		return INFINITY;
	if (sum.f >= j->room[k] || j->scale[k] < 1.0)
		return 0.0;
	struct curve c = {j->u, j->f, j->w, n};
	return solve(&c, j->room[k], j->room[k] / sum.w, x);
}

/* Column k is full at this level: who wants it has no more than its floor there to go on with. */
static void joint_freeze(struct joint *j, size_t k, double level)
{
	for (size_t i = 0; i < j->view->n; i++) {
		struct item it = joint_item(j, k, i);
		if (isinf(j->dominant[i]) || !(it.want > 0.0))
			continue;
		double x = most(level / j->dominant[i], it.f / it.want);
		j->x_hi[i] = least(j->x_hi[i], x);
	}
}

/* Moves all released VMs as far as they get; then they stand still. */
static void joint_advance(struct joint *j, double *const *grant)
{
	uint32_t open = (UINT32_C(1) << j->view->ncols) - 1;

	while (open) {
		double first = INFINITY;
		size_t full = 0;
		for (size_t k = 0; k < j->view->ncols; k++) {
			if (!(open >> k & 1))
				continue;
			double level = joint_level(j, k, grant[k]);
			if (isinf(level)) /* can only become emptier: x_hi falls */
				open &= ~(UINT32_C(1) << k);
			if (level < first) {
				first = level;
				full = k;
			}
		}
		if (isinf(first))
			break;
		joint_freeze(j, full, first);
		open &= ~(UINT32_C(1) << full);
	}
	for (size_t i = 0; i < j->view->n; i++) {
		if (!isinf(j->dominant[i]))
			j->x_lo[i] = j->x_hi[i];
	}
}

static void joint_answer(struct joint *j, double *const *grant)
{
	const struct share_view *v = j->view;

	for (size_t k = 0; k < v->ncols; k++) {
		for (size_t i = 0; i < v->n; i++) {
			struct item it = joint_item(j, k, i);
			/* f + (u - f) may exceed u by rounding */
			grant[k][i] = least(it.top, it.base + item_at(&it, j->x_lo[i]));
			j->f[i] = it.base + it.f;
		}
		trim(j->f, v->n, v->col[k].capacity, grant[k]);
	}
}

/* The highest priority below @below, or below any if there is none. */
static int64_t next_priority(const int32_t *priority, size_t n, int64_t below)
{
	int64_t next = INT64_MIN;

	for (size_t i = 0; i < n; i++) {
		if (priority[i] < below && priority[i] > next)
			next = priority[i];
	}
	return next;
}

/* Whether VM i meets column @lead before @other whatever happens: the latter then follows. */
static inline bool follows(const struct share_col *lead, const struct share_col *other, size_t i)
{
	/* want_o / C_o / w_o <= want_k / C_k / w_k, without divisions */
	return lead->weight[i] > 0.0 && other->weight[i] > 0.0 && other->floor[i] <= 0.0 &&
	       other->cap[i] >= other->want[i] &&
	       (other->want[i] <= 0.0 ||
		(lead->want[i] > 0.0 &&
		 other->want[i] * lead->weight[i] * lead->capacity <=
			 lead->want[i] * other->weight[i] * other->capacity));
}

/* The same of several VMs at a time: all of them, but for the last few. */
lanes_inline bool all_follow(const struct share_col *lead, const struct share_col *other, size_t n)
{
	lane_mask good = ~(lane_mask){0};
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		lanes lead_want = lanes_at(lead->want + i),
		      lead_weight = lanes_at(lead->weight + i);
		lanes want = lanes_at(other->want + i), weight = lanes_at(other->weight + i);
		lane_mask less =
			want * lead_weight * lead->capacity <= lead_want * weight * other->capacity;
		good &= (lead_weight > 0.0) & (weight > 0.0) & (lanes_at(other->floor + i) <= 0.0) &
			(lanes_at(other->cap + i) >= want) &
			((want <= 0.0) | ((lead_want > 0.0) & less));
	}
	bool all = lanes_all(good);
	for (; i < n && all; i++)
		all = follows(lead, other, i);
	return all;
}

/* @other gets on as far as @lead does. Returns the sum. */
lanes_inline double follow(const struct share_col *lead, const struct share_col *other, size_t n,
			   const double *lead_grant, double *other_grant)
{
	lanes all = {0};
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		lanes want = lanes_at(lead->want + i);
		lanes x = lanes_at(lead_grant + i) / choose(want > 0.0, want, lanes_of(1.0));
		lanes grant = lanes_at(other->want + i) * lanes_where(want > 0.0, x);
		lanes_put(other_grant + i, grant);
		all += grant;
	}
	double sum = lanes_sum(all);
	for (; i < n; i++) {
		double x = lead->want[i] > 0.0 ? lead_grant[i] / lead->want[i] : 0.0;
		other_grant[i] = other->want[i] * x;
		sum += other_grant[i];
	}
	return sum;
}

/* Two columns of which one is every VM's scarcer one, as on a disk whose requests are all large or
 * all small: that one alone decides. False, and nothing done, where it is not so. */
lanes_wide static bool fill_leading(const struct share_view *view, const struct share_col *lead,
				    const struct share_col *other, double *lead_grant,
				    double *other_grant)
{
	size_t n = view->n;

	if (!all_follow(lead, other, n))
		return false;
	fill_level(lead, n, view->scratch, lead_grant);
	return follow(lead, other, n, lead_grant, other_grant) <= other->capacity;
}

void fill_joint(const struct share_view *view, enum fill_rule rule, const int32_t *priority,
		double *const *grant)
{
	if (view->ncols == 2 && rule == FILL_M1 && !priority &&
	    (fill_leading(view, &view->col[0], &view->col[1], grant[0], grant[1]) ||
	     fill_leading(view, &view->col[1], &view->col[0], grant[1], grant[0])))
		return;
	size_t n = view->n;
	double *s = view->scratch;
	struct joint j = {.view = view, .rule = rule};

	j.x_lo = s;
	j.x_hi = s + n;
	j.dominant = s + 2 * n;
	j.u = s + 3 * n;
	j.f = s + 4 * n;
	j.w = s + 5 * n;
	for (size_t i = 0; i < n; i++)
		j.x_lo[i] = 0.0;
	joint_floors(&j);
	int64_t level = priority ? next_priority(priority, n, INT64_MAX) : 0;
	while (level != INT64_MIN) {
		joint_release(&j, priority, level);
		joint_advance(&j, grant);
		level = priority ? next_priority(priority, n, level) : INT64_MIN;
	}
	joint_answer(&j, grant);
}
