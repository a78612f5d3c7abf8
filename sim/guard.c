/*
 * See guard.h. One pass per column without branches decides whether all is well; only where something
 * may be wrong is it found out what. Comparisons are written so that a NaN fails them.
 */
#include "sim/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "sim/core/lanes.h"

static const char *const column_name[RES_COUNT] = {
	[RES_CPU] = "cpu", [RES_MEM] = "memory", [RES_DISK] = "disk", [RES_IOPS] = "iops"};
static const char *const column_unit[RES_COUNT] = {
	[RES_CPU] = "MHz", [RES_MEM] = "bytes", [RES_DISK] = "bytes/s", [RES_IOPS] = "IOPS"};

static double min2(double a, double b)
{
	return a < b ? a : b;
}

/* Whether no rule is broken, and every floor is met, which not all rules ask for. */
lanes_inline bool column_is_well(const struct share_col *col, size_t n, const double *grant)
{
	const lanes over = lanes_of(1 + GUARD_EPSILON), under = lanes_of(1 - GUARD_EPSILON);
	lanes sum = {0};
	lane_mask good = ~(lane_mask){0};
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		lanes g = lanes_at(grant + i);
		lanes top = lanes_min(lanes_at(col->want + i), lanes_at(col->cap + i));
		lanes floor = lanes_min(lanes_at(col->floor + i), top);
		good &= (g >= 0) & (g <= top * over) & (g >= floor * under);
		sum += g;
	}
	double total = lanes_sum(sum);
	bool well = lanes_all(good);
	for (; i < n; i++) {
		double top = min2(col->want[i], col->cap[i]), floor = min2(col->floor[i], top);
		well &= grant[i] >= 0 && grant[i] <= top * (1 + GUARD_EPSILON) &&
			grant[i] >= floor * (1 - GUARD_EPSILON);
		total += grant[i];
	}
	return well && total <= col->capacity * (1 + GUARD_EPSILON);
}

static int breach(const struct share_view *view, const struct share_col *col, size_t i,
		  const struct guard_names *names, struct err *err, const char *what, double grant,
		  double limit)
{
	char vm[160] = "all VMs", host[160], disk[24] = "";

	if (i < view->n)
		names->vm(names->ctx, view->vm[i], vm, sizeof(vm));
	if (col->res >= RES_DISK)
		snprintf(disk, sizeof(disk), " of disk %u", col->disk);
	return err_run(err, -EPROTO,
		       "policy %s broke a rule on host %s at %" PRId64
		       " ns: %s: %s%s granted %.17g %s, but %s %.17g",
		       names->policy, names->host(names->ctx, view->host, host, sizeof(host)),
		       view->now_ns, vm, column_name[col->res], disk, grant, column_unit[col->res],
		       what, limit);
}

static __attribute__((cold)) int find_breach(const struct share_view *view,
					     const struct share_col *col, const double *grant,
					     const struct guard_names *names, struct err *err)
{
	double sum = 0, floors = 0;

	for (size_t i = 0; i < view->n; i++)
		floors += min2(min2(col->want[i], col->cap[i]), col->floor[i]);
	for (size_t i = 0; i < view->n; i++) {
		double most = min2(col->want[i], col->cap[i]), floor = min2(most, col->floor[i]);
		if (!(grant[i] >= 0))
			return breach(view, col, i, names, err, "the least is", grant[i], 0);
		if (!(grant[i] <= most + most * GUARD_EPSILON))
			return breach(view, col, i, names, err,
				      col->cap[i] < col->want[i] ? "its cap is" : "it wants only",
				      grant[i], most);
		sum += grant[i];
		if (!(grant[i] >= floor - floor * GUARD_EPSILON) && floors <= col->capacity)
			return breach(view, col, i, names, err, "its floor gives it", grant[i],
				      floor);
	}
	if (!(sum <= col->capacity * (1 + GUARD_EPSILON)))
		return breach(view, col, view->n, names, err, "the capacity is", sum,
			      col->capacity);
	return 0; /* floors that do not fit together are not met, and need not be */
}

lanes_wide int guard_check(const struct share_view *view, double *const *grant,
			   const struct guard_names *names, struct err *err)
{
	for (size_t k = 0; k < view->ncols; k++)
		if (__builtin_expect(!column_is_well(&view->col[k], view->n, grant[k]), 0)) {
			int rc = find_breach(view, &view->col[k], grant[k], names, err);
			if (rc < 0)
				return rc;
		}
	return 0;
}
