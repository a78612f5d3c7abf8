/*
 * Statistics: of weighted values, of histories, of samples; fairness indices; confidence intervals.
 * All sums are compensated or updated in Welford's way, so a million small values after a large one
 * count. Sources: Jain, Chiu & Hawe 1984 (fairness); Hyndman & Fan 1996, type 7 (quantiles); White
 * 1997 (MSER-5); Law & Kelton, batch means; Jain 1991 (paired comparison); Welch 1947; Holm 1979.
 */
#ifndef COTENANT_SIM_CORE_STAT_H
#define COTENANT_SIM_CORE_STAT_H

#include <stddef.h>
#include <stdint.h>

#include "sim/core/err.h"
#include "sim/core/mem.h"

/* Moments of weighted values (weight = seconds for a history that is constant in pieces, 1 for
 * samples). A zeroed struct is empty. */
struct stat_moments {
	uint64_t n;
	double weight, mean, m2;
	double min, max;
};

void stat_add(struct stat_moments *m, double value, double weight);
double stat_var(const struct stat_moments *m);        /* population: m2 / weight */
double stat_var_sample(const struct stat_moments *m); /* m2 / (n - 1), weights 1; 0 for n < 2 */

/* Sorts @x ascending. */
void stat_sort(double *x, size_t n);
/* Type-7 quantile of sorted values; NAN for n = 0. */
double stat_quantile(const double *sorted, size_t n, double p);
/* Smallest value v with weight of {<= v} at least p of the total; sorts neither array: pairs sorted by
 * value ascending are expected. */
double stat_quantile_weighted(const double *sorted, const double *weight, size_t n, double p);

/* Jain's index (sum x)^2 / (n sum x^2); 1 when n = 0 or all are 0. */
double stat_jain(const double *x, size_t n);
/* Gini coefficient of sorted non-negative values; 0 when n = 0 or all are 0. */
double stat_gini(const double *sorted, size_t n);

/* A histogram of positive values with a relative resolution of 1/128 over 2^-30 .. 2^34, interpolated
 * inside a cell; smaller values (0 too) share the first cell, larger ones the last; min and max are
 * exact. 32 KiB. Zeroed = empty. */
#define STAT_HIST_SUB   128
#define STAT_HIST_CELLS (64 * STAT_HIST_SUB)
struct stat_hist {
	uint64_t n;
	double min, max;
	uint32_t cell[STAT_HIST_CELLS];
};

void stat_hist_add(struct stat_hist *h, double value);
void stat_hist_merge(struct stat_hist *h, const struct stat_hist *other);
double stat_hist_quantile(const struct stat_hist *h, double p); /* NAN when empty */
/* A cell holds values from its lower edge up to, not including, that of the next. */
double stat_hist_edge(size_t cell);

/* Two-sided confidence interval: mean and half width at @level (0.95). half is NAN for n < 2. */
struct stat_ci {
	double mean, sd, half; /* Welch: sd is the standard error of the difference */
	double df;
	double p; /* of "the mean is 0", two-sided; for paired and Welch comparisons */
};

double stat_t_quantile(double p, double df);
struct stat_ci stat_ci_mean(const double *x, size_t n, double level);
struct stat_ci stat_ci_paired(const double *a, const double *b, size_t n, double level); /* a - b */
struct stat_ci stat_ci_welch(const double *a, size_t na, const double *b, size_t nb, double level);

/* Makes p-values of several tests at once what they are worth together: with those below a level taken
 * for significant, the chance of one wrong among them is at most that level. NAN is of no test. 0 or
 * -ENOMEM. */
int stat_holm(double *p, size_t n) must_check;

/* Batch means of one long history: the interval, and the lag-1 correlation of the batches, without
 * which the interval is not to be trusted. @batches divides n (the rest at the end is left out). */
struct stat_batches {
	struct stat_ci ci;
	double lag1;
};
struct stat_batches stat_batch_means(const double *x, size_t n, size_t batches, double level);

/* MSER-5: how many leading observations to delete (a multiple of 5, at most half of n). */
struct stat_mser {
	size_t cut;
	double statistic, mean;
};
struct stat_mser stat_mser5(const double *x, size_t n);

#endif
