/*
 * See stat.h. Moments are updated in West's weighted form of Welford's recurrence (1979); plain
 * sums are Neumaier's. MSER-5 walks from the end of the batch means, so that every truncation point
 * costs one update. The histogram's cell is the exponent and the first seven bits of the fraction.
 */
#include "sim/core/stat.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>

#include "sim/core/bug.h"

#define HIST_EXP_MIN (-30)
#define HIST_OCTAVES (STAT_HIST_CELLS / STAT_HIST_SUB)

struct sum {
	double total, lost;
};

static void sum_add(struct sum *s, double x)
{
	double total = s->total + x;

	if (fabs(s->total) >= fabs(x))
		s->lost += (s->total - total) + x;
	else
		s->lost += (x - total) + s->total;
	s->total = total;
}

static double sum_value(const struct sum *s)
{
	return s->total + s->lost;
}

void stat_add(struct stat_moments *m, double value, double weight)
{
	BUG_ON(isnan(value) || !(weight >= 0));
	if (weight == 0)
		return;
	if (m->n == 0 || value < m->min)
		m->min = value;
	if (m->n == 0 || value > m->max)
		m->max = value;
	m->n++;
	m->weight += weight;
	double delta = value - m->mean;
	m->mean += delta * (weight / m->weight);
	m->m2 += weight * delta * (value - m->mean);
}

double stat_var(const struct stat_moments *m)
{
	return m->weight > 0 ? m->m2 / m->weight : 0;
}

double stat_var_sample(const struct stat_moments *m)
{
	return m->n < 2 ? 0 : m->m2 / (double)(m->n - 1);
}

void stat_sort(double *x, size_t n)
{
	gsl_sort(x, 1, n);
}

double stat_quantile(const double *sorted, size_t n, double p)
{
	if (n == 0)
		return NAN;
	double at = (double)(n - 1) * p;
	size_t i = at > 0 ? (size_t)at : 0;
	if (i + 1 >= n)
		return sorted[n - 1];
	double fraction = at > 0 ? at - (double)i : 0;
	return fraction > 0 ? sorted[i] + fraction * (sorted[i + 1] - sorted[i]) : sorted[i];
}

double stat_quantile_weighted(const double *sorted, const double *weight, size_t n, double p)
{
	struct sum total = {0, 0}, below = {0, 0};

	if (n == 0)
		return NAN;
	for (size_t i = 0; i < n; i++)
		sum_add(&total, weight[i]);
	double want = p * sum_value(&total);
	for (size_t i = 0; i < n; i++) {
		sum_add(&below, weight[i]);
		if (weight[i] > 0 && sum_value(&below) >= want)
			return sorted[i];
	}
	return sorted[n - 1];
}

double stat_jain(const double *x, size_t n)
{
	struct sum sum = {0, 0}, squares = {0, 0};

	for (size_t i = 0; i < n; i++) {
		sum_add(&sum, x[i]);
		sum_add(&squares, x[i] * x[i]);
	}
	double square = sum_value(&squares);
	return square > 0 ? sum_value(&sum) * sum_value(&sum) / ((double)n * square) : 1;
}

double stat_gini(const double *sorted, size_t n)
{
	struct sum sum = {0, 0}, ranked = {0, 0};

	for (size_t i = 0; i < n; i++) {
		sum_add(&sum, sorted[i]);
		sum_add(&ranked, (2 * (double)(i + 1) - (double)n - 1) * sorted[i]);
	}
	double total = sum_value(&sum);
	return total > 0 ? sum_value(&ranked) / ((double)n * total) : 0;
}

static size_t hist_cell(double value)
{
	int exponent;

	if (!(value > 0))
		return 0;
	double fraction = frexp(value, &exponent); /* [0.5, 1) */
	int octave = isinf(value) ? HIST_OCTAVES : exponent - 1 - HIST_EXP_MIN;
	if (octave < 0)
		return 0;
	if (octave >= HIST_OCTAVES)
		return STAT_HIST_CELLS - 1;
	return (size_t)octave * STAT_HIST_SUB + (size_t)((fraction * 2 - 1) * STAT_HIST_SUB);
}

double stat_hist_edge(size_t cell)
{
	double fraction = 1 + (double)(cell % STAT_HIST_SUB) / STAT_HIST_SUB;

	return ldexp(fraction, (int)(cell / STAT_HIST_SUB) + HIST_EXP_MIN);
}

static void hist_count(struct stat_hist *h, size_t cell, uint32_t count)
{
	BUG_ON(__builtin_add_overflow(h->cell[cell], count, &h->cell[cell]));
	h->n += count;
}

void stat_hist_add(struct stat_hist *h, double value)
{
	BUG_ON(isnan(value));
	if (h->n == 0 || value < h->min)
		h->min = value;
	if (h->n == 0 || value > h->max)
		h->max = value;
	hist_count(h, hist_cell(value), 1);
}

void stat_hist_merge(struct stat_hist *h, const struct stat_hist *other)
{
	if (other->n == 0)
		return;
	if (h->n == 0 || other->min < h->min)
		h->min = other->min;
	if (h->n == 0 || other->max > h->max)
		h->max = other->max;
	for (size_t i = 0; i < STAT_HIST_CELLS; i++)
		hist_count(h, i, other->cell[i]);
}

/* Type 7 as if a cell's values lay evenly in it; the outer cells end at the extremes. */
double stat_hist_quantile(const struct stat_hist *h, double p)
{
	if (h->n == 0)
		return NAN;
	double rank = p * (double)(h->n - 1);
	if (rank <= 0)
		return h->min;
	if (rank >= (double)(h->n - 1))
		return h->max;
	uint64_t below = 0;
	size_t i = 0;
	while (rank >= (double)(below + h->cell[i]))
		below += h->cell[i++];
	double low = i == 0 ? h->min : fmax(stat_hist_edge(i), h->min);
	double high = i == STAT_HIST_CELLS - 1 ? h->max : fmin(stat_hist_edge(i + 1), h->max);
	double at = (rank - (double)below + 0.5) / h->cell[i];
	return low + fmin(at, 1) * (high - low);
}

double stat_t_quantile(double p, double df)
{
	return isinf(df) ? gsl_cdf_ugaussian_Pinv(p) : gsl_cdf_tdist_Pinv(p, df);
}

static void ci_finish(struct stat_ci *ci, double error, double level)
{
	ci->half = stat_t_quantile(0.5 + level / 2, ci->df) * error;
	if (error > 0)
		ci->p = 2 * gsl_cdf_tdist_Q(fabs(ci->mean) / error, ci->df);
	else
		ci->p = ci->mean == 0 ? 1 : 0;
}

static struct stat_ci ci_of_moments(const struct stat_moments *m, double level)
{
	struct stat_ci ci = {.mean = m->n ? m->mean : NAN, .half = NAN, .p = NAN};

	if (m->n < 2)
		return ci;
	ci.sd = sqrt(stat_var_sample(m));
	ci.df = (double)(m->n - 1);
	ci_finish(&ci, ci.sd / sqrt((double)m->n), level);
	return ci;
}

static struct stat_moments moments_of(const double *x, size_t n)
{
	struct stat_moments m = {0};

	for (size_t i = 0; i < n; i++)
		stat_add(&m, x[i], 1);
	return m;
}

struct stat_ci stat_ci_mean(const double *x, size_t n, double level)
{
	struct stat_moments m = moments_of(x, n);

	return ci_of_moments(&m, level);
}

struct stat_ci stat_ci_paired(const double *a, const double *b, size_t n, double level)
{
	struct stat_moments m = {0};

	for (size_t i = 0; i < n; i++)
		stat_add(&m, a[i] - b[i], 1);
	return ci_of_moments(&m, level);
}

struct stat_ci stat_ci_welch(const double *a, size_t na, const double *b, size_t nb, double level)
{
	struct stat_moments ma = moments_of(a, na), mb = moments_of(b, nb);
	struct stat_ci ci = {.mean = NAN, .half = NAN, .p = NAN};

	if (na > 0 && nb > 0)
		ci.mean = ma.mean - mb.mean;
	if (na < 2 || nb < 2)
		return ci;
	double va = stat_var_sample(&ma) / (double)na, vb = stat_var_sample(&mb) / (double)nb;
	ci.sd = sqrt(va + vb);
	ci.df = (double)(na + nb - 2);
	if (va + vb > 0)
		ci.df = (va + vb) * (va + vb) /
			(va * va / (double)(na - 1) + vb * vb / (double)(nb - 1));
	ci_finish(&ci, ci.sd, level);
	return ci;
}

static int by_value(const void *a, const void *b)
{
	double x = **(const double *const *)a, y = **(const double *const *)b;

	return (x > y) - (x < y);
}

int stat_holm(double *p, size_t n)
{
	double **sorted = mem_alloc(n, sizeof(*sorted)), least = 0;
	size_t m = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!isnan(p[i]))
			sorted[m++] = &p[i];
	if (m > 1)
		qsort(sorted, m, sizeof(*sorted), by_value);
	for (size_t k = 0; k < m; k++) {
		least = fmax(least, fmin(1, *sorted[k] * (double)(m - k)));
		*sorted[k] = least;
	}
	mem_free(sorted);
	return 0;
}

static double mean_of(const double *x, size_t n)
{
	struct sum sum = {0, 0};

	for (size_t i = 0; i < n; i++)
		sum_add(&sum, x[i]);
	return sum_value(&sum) / (double)n;
}

struct stat_batches stat_batch_means(const double *x, size_t n, size_t batches, double level)
{
	struct stat_batches result = {.ci = {.mean = NAN, .half = NAN, .p = NAN}, .lag1 = NAN};
	struct stat_moments m = {0};
	size_t size = batches > 0 ? n / batches : 0;

	if (size == 0)
		return result;
	for (size_t i = 0; i < batches; i++)
		stat_add(&m, mean_of(x + i * size, size), 1);
	result.ci = ci_of_moments(&m, level);
	struct sum products = {0, 0};
	double last = mean_of(x, size) - m.mean;
	for (size_t i = 1; i < batches; i++) {
		double next = mean_of(x + i * size, size) - m.mean;
		sum_add(&products, last * next);
		last = next;
	}
	if (m.m2 > 0)
		result.lag1 = sum_value(&products) / m.m2;
	return result;
}

struct stat_mser stat_mser5(const double *x, size_t n)
{
	struct stat_mser best = {.statistic = NAN, .mean = NAN};
	struct stat_moments m = {0};
	size_t batches = n / 5;

	for (size_t d = batches; d-- > 0;) {
		stat_add(&m, mean_of(x + 5 * d, 5), 1);
		if (5 * d > n / 2)
			continue;
		double statistic = stat_var(&m) / (double)m.n;
		if (isnan(best.statistic) || statistic <= best.statistic)
			best = (struct stat_mser){5 * d, statistic, m.mean};
	}
	return best;
}
