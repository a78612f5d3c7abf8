/*
 * Progressive filling: the arithmetic that most host policies share.
 *
 * One column. With u_i = min(want_i, cap_i) and f_i = min(floor_i, u_i), VM i gets
 *	M1: x_i = min(u_i, max(f_i, L * w_i))	the guarantee is part of the share
 *	M2: x_i = min(u_i, f_i + L * w_i)	the guarantee comes before the share
 * with the level L that makes sum x = min(capacity, sum u). A VM of weight 0 gets f_i. Where the
 * floors exceed the capacity, they are scaled so that their sum is the capacity.
 *
 * Several columns at once (one request uses bandwidth and an operation; a task uses CPU and
 *memory): VM i makes progress x_i in [0, 1] in proportion to its whole demand, grant_ki = min(u_ki,
 * max(f_ki, x_i * want_ki)), at the speed 1 / dominant_i, dominant_i = max over its wanted columns
 *of (want_ki / capacity_k) / weight_ki. It stops at x_i = 1, where it meets a cap, and where a
 *column that it wants is full and its floor there is used up. Without floors and caps that is
 *weighted DRF (Ghodsi et al., NSDI 2011); with one column it is M1. M2 fills the demand above the
 *floors alike. Weight 0 or capacity 0 in a wanted column: floors only.
 *
 * Nothing is allocated; @scratch has SHARE_SCRATCH * n doubles. Sums exceed a capacity by rounding
 * only (relative 1e-12).
 */
#ifndef COTENANT_POLICIES_FILL_H
#define COTENANT_POLICIES_FILL_H

#include "models/share.h"

enum fill_rule { FILL_M1, FILL_M2 };

/* The first FILL_SCRATCH * n doubles of scratch are overwritten, by each function below; what is
 * behind them is the caller's. */
#define FILL_SCRATCH 6

/* M1 in one column: @grant gets the n answers. O(n) if everything fits; else O(n) per Newton step,
 * of which there are a few. */
void fill_level(const struct share_col *col, size_t n, double *scratch, double *grant);

/* M2 in one column. */
void fill_above(const struct share_col *col, size_t n, double *scratch, double *grant);

/* A hard partition of the column that does not look at demand: slice_i = max(floor_i, L *
 * weight_i), sum = capacity. @weight stands in for the column's. If the floors exceed the capacity,
 * only the part of each that is wanted now counts; if even that exceeds it, all are scaled. */
void fill_slices(const struct share_col *col, const double *weight, size_t n, double *scratch,
		 double *slice);

/* All columns of the view together. With @priority, the VMs of the highest priority progress first,
 * then those of the next with what is left; everybody's floors come before all. NULL: all at once.
 * O(columns^2 * n) Newton steps per priority at worst, O(columns * n) if everything fits. */
void fill_joint(const struct share_view *view, enum fill_rule rule, const int32_t *priority,
		double *const *grant);

#endif
