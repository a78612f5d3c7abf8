/*
 * Maximum correlation: the VM whose demand the others' explain best, for they would peak together. The
 * measure is the multiple correlation coefficient (Abdi 2007; Beloglazov & Buyya 2012, section 4.2.3):
 * R^2 of VM i regressed on all others is 1 - 1 / (C^-1)ii, where C is the matrix of correlations. VMs
 * that never vary correlate with nobody. A ridge keeps C invertible where VMs vary exactly alike. With
 * no more samples than VMs everybody is explained by the others: then the one with the least memory goes.
 * O(n^3 + n^2 samples).
 */
#include <math.h>

#include "policies/list.h"

#define RIDGE 1e-9

struct mc {
	int64_t history;
};

static const struct opt opts[] = {
	{.name = "history",
	 .type = OPT_INT,
	 .offset = offsetof(struct mc, history),
	 .def = "30",
	 .min = 3,
	 .max = MIGRATOR_SAMPLES_MAX,
	 .help = "so many of the last samples are looked at"},
	{.name = NULL},
};

static size_t mc_samples(const void *state)
{
	return (size_t)((const struct mc *)state)->history;
}

/* Which VMs vary, into @index, with their means; how many. */
static size_t varying(const struct selector_view *view, double *mean, double *index)
{
	size_t n = 0;

	for (size_t i = 0; i < view->n; i++) {
		const float *h = view->history[i];
		double sum = 0;
		bool varies = false;
		for (size_t k = 0; k < view->nhistory; k++) {
			sum += (double)h[k];
			varies |= h[k] != h[0];
		}
		if (!varies)
			continue;
		mean[n] = sum / (double)view->nhistory;
		index[n++] = (double)i;
	}
	return n;
}

/* The matrix of correlations of those VMs, its rows @n apart. */
static void correlate(const struct selector_view *view, const double *mean, const double *index,
		      size_t n, double *c)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			const float *a = view->history[(size_t)index[i]];
			const float *b = view->history[(size_t)index[j]];
			double sum = 0;
			for (size_t k = 0; k < view->nhistory; k++)
				sum += ((double)a[k] - mean[i]) * ((double)b[k] - mean[j]);
			c[i * n + j] = sum;
		}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			c[j * n + i] = c[i * n + j] /= sqrt(c[i * n + i]) * sqrt(c[j * n + j]);
	for (size_t i = 0; i < n; i++)
		c[i * n + i] = 1 + RIDGE;
}

/* In place, by Gauss-Jordan: with the ridge all pivots are positive. */
static void invert(double *c, size_t n)
{
	for (size_t p = 0; p < n; p++) {
		double pivot = 1 / fmax(c[p * n + p], RIDGE * RIDGE);
		c[p * n + p] = 1;
		for (size_t j = 0; j < n; j++)
			c[p * n + j] *= pivot;
		for (size_t i = 0; i < n; i++) {
			double f = c[i * n + p];
			if (i == p || f == 0)
				continue;
			c[i * n + p] = 0;
			for (size_t j = 0; j < n; j++)
				c[i * n + j] -= f * c[p * n + j];
		}
	}
}

static size_t mc_select(void *state, const struct selector_view *view)
{
	double *mean = view->scratch, *index = mean + view->n, *c = index + view->n;
	size_t n = view->nhistory > view->n ? varying(view, mean, index) : 0, best = 0;

	(void)state;
	if (n < 2)
		return selector_mmt.select(NULL, view);
	correlate(view, mean, index, n, c);
	invert(c, n);
	for (size_t i = 1; i < n; i++)
		if (c[i * n + i] > c[best * n + best] * (1 + RIDGE))
			best = i;
	return (size_t)index[best];
}

const struct selector_ops selector_mc = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct selector_ops),
		   .name = "mc",
		   .summary = "the VM whose load the others' explain best leaves",
		   .source = "Beloglazov & Buyya, CCPE 24(13), 2012; Abdi 2007",
		   .opts = opts,
		   .state_size = sizeof(struct mc)},
	.select = mc_select,
	.samples = mc_samples,
};
