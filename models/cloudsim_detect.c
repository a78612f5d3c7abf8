/*
 * When a host is overloaded in the CloudSim model: by a threshold on the sum of requests, fixed (THR)
 * or adapted to the spread of the host's last samples (IQR, MAD), or by where the line through the
 * last ten leads (LR). What a host used in the past is what its present VMs used; zeros at the old
 * end are cut off, and too short a history makes every detector a threshold of 70 %.
 *
 * LR is meant to weight the ten (Loess), and LRR to repeat that robustly; CloudSim applies weights
 * only where 40 % of them are not positive, which never is, so both are plain least squares.
 */
#include <math.h>
#include <string.h>

#include "models/cloudsim_parts.h"
#include "sim/core/lanes.h"

#define FALLBACK   0.7
#define SPREAD_MIN 12 /* samples for IQR and MAD */
#define LINE       10 /* samples for LR */
#define BITS_MB    16000

#define WINDOW (CS_HISTORY + CS_SLACK)

/* Room for another sample before the newest. */
static void make_room(struct cloudsim *cs, double *series)
{
	size_t kept = CS_HISTORY - 1;

	if (cs->newest == 0)
		memmove(series + WINDOW - kept, series, kept * sizeof(*series));
}

void cs_sample(struct cloudsim *cs)
{
	const struct cloudsim_setup *set = cs->set;
	double late = set->quirks.late_events ? CS_LATE : 0;

	if (cs->now <= cs->last_sample || fmod(cs->now - late, cs->step) != 0)
		return;
	cs->last_sample = cs->now;
	for (uint32_t v = 0; v < cs->nvms; v++)
		make_room(cs, cs->sample + v * WINDOW);
	for (size_t i = 0; i < cs->nvms * set->ntypes; i++)
		make_room(cs, cs->scaled + i * WINDOW);
	cs->newest = cs->newest == 0 ? WINDOW - CS_HISTORY : cs->newest - 1;
	cs->nsamples += cs->nsamples < CS_HISTORY;
	for (uint32_t v = 0; v < cs->nvms; v++) {
		const struct cs_vm *vm = &cs->vm[v];
		double util = vm->at + vm->rate * cs->since;
		cs->sample[v * WINDOW + cs->newest] = util;
		for (size_t t = 0; t < set->ntypes; t++)
			cs->scaled[(t * cs->nvms + v) * WINDOW + cs->newest] =
				util * vm->mips / (set->type[t].pe_mips * set->type[t].pes);
	}
}

lanes_inline void add_history(const struct cloudsim *cs, const struct cs_host *host, uint32_t vm,
			      double *to)
{
	const double *of = cs->scaled + ((size_t)host->kind * cs->nvms + vm) * WINDOW + cs->newest;

	for (size_t i = 0; i < CS_HISTORY; i++)
		to[i] += of[i];
}

/* What the host's VMs and one more used, newest first. Returns how many samples that are. */
lanes_inline size_t history(const struct cloudsim *cs, struct cs_host *host, uint32_t more,
			    double *samples)
{
	size_t n = cs->nsamples;

	if (!host->has_history) {
		memset(host->history, 0, sizeof(host->history));
		for (uint32_t i = 0; i < host->n; i++)
			add_history(cs, host, host->guest[i].vm, host->history);
		host->has_history = true;
	}
	memcpy(samples, host->history, sizeof(host->history));
	if (more != CS_NONE)
		add_history(cs, host, more, samples);
	while (n > 1 && samples[n - 1] == 0)
		n--;
	return n;
}

static void sort(double *value, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double v = value[i];
		size_t k = i;
		for (; k > 0 && value[k - 1] > v; k--)
			value[k] = value[k - 1];
		value[k] = v;
	}
}

static double median_sorted(const double *value, size_t n)
{
	double pos = 50 * ((double)n + 1) / 100, low = floor(pos);
	size_t i = (size_t)low;

	if (n == 1)
		return value[0];
	return value[i - 1] + (pos - low) * (value[i] - value[i - 1]);
}

/* Both reorder the samples. */
static double interquartile(double *value, size_t n)
{
	size_t q1 = (size_t)floor(0.25 * ((double)n + 1) + 0.5) - 1;
	size_t q3 = (size_t)floor(0.75 * ((double)n + 1) + 0.5) - 1;

	sort(value, n);
	return value[q3] - value[q1];
}

static double median_deviation(double *value, size_t n)
{
	sort(value, n);
	double median = median_sorted(value, n);
	for (size_t i = 0; i < n; i++)
		value[i] = fabs(median - value[i]);
	sort(value, n);
	return median_sorted(value, n);
}

/* Where the line through the newest samples is after the longest migration from the host. In the
 * updating form of least squares, for the last bits. */
lanes_inline double extrapolate(const struct cloudsim *cs, const struct cs_host *host,
				uint32_t more, const double *samples)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0, sum_x = 0, sum_y = 0;
	double ram = more == CS_NONE ? 0 : cs->vm[more].ram;

#pragma GCC unroll 10
	for (int n = 0; n < LINE; n++) {
		double x = n + 1, y = samples[LINE - 1 - n];
		if (n == 0) {
			mean_x = x;
			mean_y = y;
		} else {
			double fact1 = 1.0 + n, fact2 = n / fact1;
			double dx = x - mean_x, dy = y - mean_y;
			xx += dx * dx * fact2;
			xy += dx * dy * fact2;
			mean_x += dx / fact1;
			mean_y += dy / fact1;
		}
		sum_x += x;
		sum_y += y;
	}
	for (uint32_t i = 0; i < host->n; i++)
		ram = cs_max(ram, cs->vm[host->guest[i].vm].ram);
	double slope = xy / xx, start = (sum_y - slope * sum_x) / LINE;
	double ahead = ceil(ram / (host->type->bandwidth / BITS_MB) / cs->step);
	return start + slope * (LINE + ahead);
}

lanes_wide bool cs_overloaded(struct cloudsim *cs, struct cs_host *host, uint32_t more)
{
	double samples[CS_HISTORY], parameter = cs->set->parameter, threshold = FALLBACK;
	double request = more == CS_NONE ? 0 : cs->vm[more].request;
	double load = (host->requested + request) / host->total;
	enum cloudsim_detector detector = cs->set->detector;

	if (detector == CLOUDSIM_THR)
		return load > parameter;
	size_t n = history(cs, host, more, samples);
	if (detector == CLOUDSIM_LR && n >= LINE)
		return extrapolate(cs, host, more, samples) * parameter >= 1;
	if (detector == CLOUDSIM_IQR && n >= SPREAD_MIN)
		threshold = 1 - parameter * interquartile(samples, n);
	if (detector == CLOUDSIM_MAD && n >= SPREAD_MIN)
		threshold = 1 - parameter * median_deviation(samples, n);
	return load > threshold;
}
