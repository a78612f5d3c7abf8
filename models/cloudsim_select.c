/*
 * Which VM leaves an overloaded host in the CloudSim model: of those not migrating yet, in the order
 * in which they came, the first with the least memory, the least utilization, or the largest
 * coefficient of determination when its samples are regressed on those of the others.
 *
 * Close to degenerate cases (as many samples as VMs, constant samples) the last bits decide, so the
 * regression is the Householder QR of Commons Math operation by operation. But the regressions of a
 * host share columns: the one without VM i begins with the same reflections as that without i + 1.
 * So each starts from what the one before it left, and columns are reflected several at a time.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "models/cloudsim_parts.h"
#include "sim/core/lanes.h"

#define WINDOW (CS_HISTORY + CS_SLACK)

/* A matrix of @rows x @cols, rows @stride apart. */
struct matrix {
	double *at;
	size_t rows, cols, stride;
};

struct regression {
	struct matrix x;      /* a column of ones, then one per VM */
	struct matrix prefix; /* the same, with the columns so far reflected */
	struct matrix rest;   /* the columns after the VM that is left out, then that VM's */
	double *diagonal, *beta, *y;
};

/* Reflects column @minor to zeros below row @row, and the columns after it with it; returns what
 * stands on the diagonal. */
lanes_wide static double reflect(const struct matrix *m, size_t minor, size_t row)
{
	double v[CS_HISTORY] = {0}, norm = 0;

	for (size_t r = row; r < m->rows; r++) {
		v[r] = m->at[r * m->stride + minor];
		norm += v[r] * v[r];
	}
	double a = v[row] > 0 ? -sqrt(norm) : sqrt(norm);
	if (a == 0)
		return 0;
	v[row] -= a;
	m->at[row * m->stride + minor] = v[row];
	const lanes scale = lanes_of(a * v[row]);
	for (size_t c = minor + 1; c < m->cols; c += LANES) {
		lanes alpha = {0};
		for (size_t r = row; r < m->rows; r++)
			alpha -= lanes_at(m->at + r * m->stride + c) * lanes_of(v[r]);
		alpha /= scale;
		for (size_t r = row; r < m->rows; r++) {
			double *at = m->at + r * m->stride + c;
			lanes_put(at, lanes_at(at) - alpha * lanes_of(v[r]));
		}
	}
	return a;
}

/* Rows of a column that is on its way to the triangle, wherever the regression keeps it. */
static double triangle(const struct regression *reg, size_t row, size_t col, size_t left_out)
{
	if (col <= left_out)
		return reg->prefix.at[row * reg->prefix.stride + col];
	return reg->rest.at[row * reg->rest.stride + col - left_out - 1];
}

static void solve(const struct regression *reg, size_t left_out)
{
	size_t n = reg->x.cols - 1;
	double *y = reg->y;

	for (size_t r = 0; r < reg->x.rows; r++)
		y[r] = reg->rest.at[r * reg->rest.stride + reg->rest.cols - 1];
	for (size_t k = n; k-- > 0;) {
		y[k] /= reg->diagonal[k];
		reg->beta[k] = y[k];
		for (size_t i = 0; i < k; i++)
			y[i] -= y[k] * triangle(reg, i, k, left_out);
	}
}

/* 1 - residual / total sum of squares, VM @left_out (from 0) being explained by the others. */
static double determination(const struct regression *reg, size_t left_out)
{
	double residual = 0, mean = 0, total = 0;

	for (size_t r = 0; r < reg->x.rows; r++) {
		const double *row = reg->x.at + r * reg->x.stride;
		double y = row[left_out + 1], fitted = 0;
		for (size_t c = 0; c <= left_out; c++)
			fitted += row[c] * reg->beta[c];
		for (size_t c = left_out + 2; c < reg->x.cols; c++)
			fitted += row[c] * reg->beta[c - 1];
		residual += (y - fitted) * (y - fitted);
		double n = (double)(r + 1), dev = y - mean;
		mean += dev / n;
		total += (n - 1) * dev * (dev / n);
	}
	return 1 - residual / total;
}

/* The columns after VM @left_out as its predecessors left them, and its own at the end. */
static void begin_rest(struct regression *reg, size_t left_out)
{
	size_t n = reg->x.cols - left_out - 2, room = lanes_room(n + 1) + LANES;

	reg->rest.cols = n + 1;
	for (size_t r = 0; r < reg->x.rows; r++) {
		const double *from = reg->prefix.at + r * reg->prefix.stride + left_out + 1;
		double *to = reg->rest.at + r * reg->rest.stride;
		memcpy(to, from + 1, n * sizeof(*to));
		to[n] = from[0];
		memset(to + n + 1, 0, (room - n - 1) * sizeof(*to));
	}
}

/* The index of the VM that the others explain best; false where a regression is singular. */
static bool most_determined(struct regression *reg, size_t n, size_t *best)
{
	double most = DBL_TRUE_MIN;

	*best = 0;
	reg->diagonal[0] = reflect(&reg->prefix, 0, 0);
	for (size_t i = 0; i < n; i++) {
		begin_rest(reg, i);
		for (size_t k = i + 1; k < n; k++) {
			reg->diagonal[k] = reflect(&reg->rest, k - i - 1, k);
			if (reg->diagonal[k] == 0)
				return false;
		}
		solve(reg, i);
		double r2 = determination(reg, i);
		if (r2 > most) {
			most = r2;
			*best = i;
		}
		if (i + 1 == n)
			break;
		reg->diagonal[i + 1] = reflect(&reg->prefix, i + 1, i + 1);
		if (reg->diagonal[i + 1] == 0)
			return false;
	}
	return true;
}

static int begin_regression(struct cloudsim *cs, struct regression *reg, size_t n)
{
	size_t stride = lanes_room(n + 1) + LANES, size = CS_HISTORY * stride;

	if (cs_room(cs, &cs->matrix, &cs->matrix_cap, 3 * size + 3 * (stride + CS_HISTORY),
		    sizeof(*cs->matrix)) < 0)
		return -ENOMEM;
	reg->x = (struct matrix){cs->matrix, cs->nsamples, n + 1, stride};
	reg->prefix = (struct matrix){cs->matrix + size, cs->nsamples, n + 1, stride};
	reg->rest = (struct matrix){cs->matrix + 2 * size, cs->nsamples, 0, stride};
	reg->diagonal = cs->matrix + 3 * size;
	reg->beta = reg->diagonal + stride;
	reg->y = reg->beta + stride;
	return 0;
}

static int most_correlated(struct cloudsim *cs, const struct cs_host *host, size_t n, size_t *best)
{
	struct regression reg;
	size_t c = 1;

	if (begin_regression(cs, &reg, n) < 0)
		return -ENOMEM;
	memset(reg.x.at, 0, CS_HISTORY * reg.x.stride * sizeof(*reg.x.at));
	for (size_t r = 0; r < reg.x.rows; r++)
		reg.x.at[r * reg.x.stride] = 1;
	for (uint32_t i = 0; i < host->n; i++) {
		uint32_t vm = host->guest[i].vm;
		if (cs->vm[vm].migrating)
			continue;
		for (size_t r = 0; r < reg.x.rows; r++)
			reg.x.at[r * reg.x.stride + c] = cs->sample[vm * WINDOW + cs->newest + r];
		c++;
	}
	memcpy(reg.prefix.at, reg.x.at, CS_HISTORY * reg.x.stride * sizeof(*reg.x.at));
	return most_determined(&reg, n, best) ? 1 : 0;
}

/* What the VM is chosen by: the least goes. */
static double badness(const struct cloudsim *cs, const struct cs_vm *vm)
{
	return cs->set->selector == CLOUDSIM_MU ? vm->request / vm->mips : vm->ram;
}

int cs_select(struct cloudsim *cs, const struct cs_host *host, uint32_t *vm)
{
	size_t n = 0, chosen = SIZE_MAX;
	double least = INFINITY;
	int rc = 0;

	*vm = CS_NONE;
	for (uint32_t i = 0; i < host->n; i++)
		n += !cs->vm[host->guest[i].vm].migrating;
	if (n > 0 && cs->set->selector == CLOUDSIM_RS)
		chosen = rng_below(cs->set->rng, n);
	if (n > 1 && n <= cs->nsamples && cs->set->selector == CLOUDSIM_MC)
		rc = most_correlated(cs, host, n, &chosen);
	if (rc < 0)
		return rc;
	if (rc == 0 && cs->set->selector == CLOUDSIM_MC)
		chosen = SIZE_MAX; /* the least memory decides */
	for (uint32_t i = 0, k = 0; i < host->n; i++) {
		const struct cs_vm *v = &cs->vm[host->guest[i].vm];
		if (v->migrating)
			continue;
		bool goes = chosen == SIZE_MAX ? badness(cs, v) < least : k == chosen;
		if (goes)
			*vm = host->guest[i].vm;
		least = goes ? badness(cs, v) : least;
		k++;
	}
	return 0;
}
