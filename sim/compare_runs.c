/* See compare_runs.h. */
#include "sim/compare_runs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/core/mem.h"

static const char *cell(const struct compare_runs *r, size_t row, size_t col)
{
	return r->table.cell[row * r->table.ncols + col];
}

size_t compare_runs_policy(const struct compare_runs *r, const char *name)
{
	for (size_t p = 0; p < r->npolicies; p++)
		if (strcmp(r->policy[p], name) == 0)
			return p;
	return SIZE_MAX;
}

/* Policies and seeds in the order of the file; @seed has room for as many as there are rows. */
static void find_names(struct compare_runs *r, size_t policy_col, size_t seed_col,
		       const char **seed)
{
	for (size_t row = 0; row < r->table.nrows; row++) {
		size_t s = 0;
		if (compare_runs_policy(r, cell(r, row, policy_col)) == SIZE_MAX)
			r->policy[r->npolicies++] = cell(r, row, policy_col);
		while (s < r->nseeds && strcmp(seed[s], cell(r, row, seed_col)) != 0)
			s++;
		if (s == r->nseeds)
			seed[r->nseeds++] = cell(r, row, seed_col);
	}
}

static void fill_rows(struct compare_runs *r, size_t policy_col, size_t seed_col,
		      const char *const *seed)
{
	for (size_t i = 0; i < r->npolicies * r->nseeds; i++)
		r->row[i] = SIZE_MAX;
	for (size_t row = 0; row < r->table.nrows; row++) {
		size_t s = 0, p = compare_runs_policy(r, cell(r, row, policy_col));
		while (strcmp(seed[s], cell(r, row, seed_col)) != 0)
			s++;
		if (r->row[p * r->nseeds + s] == SIZE_MAX)
			r->row[p * r->nseeds + s] = row;
	}
}

static int index_rows(struct compare_runs *r, const char *path, struct err *err)
{
	size_t policy_col = csv_column(&r->table, "policy"), n = r->table.nrows;
	size_t seed_col = csv_column(&r->table, "seed");

	if (policy_col == SIZE_MAX || seed_col == SIZE_MAX)
		return err_input(err, "%s: no column \"%s\"", path,
				 policy_col == SIZE_MAX ? "policy" : "seed");
	if (n == 0)
		return err_input(err, "%s: no runs in it", path);
	const char **seed = mem_alloc(n, sizeof(*seed));
	r->policy = mem_alloc(n, sizeof(*r->policy));
	r->a = mem_alloc(n, sizeof(*r->a));
	r->b = mem_alloc(n, sizeof(*r->b));
	bool enough = seed && r->policy && r->a && r->b;
	if (enough) {
		find_names(r, policy_col, seed_col, seed);
		r->row = mem_alloc(r->npolicies * r->nseeds, sizeof(*r->row));
	}
	if (r->row)
		fill_rows(r, policy_col, seed_col, seed);
	mem_free(seed);
	return r->row ? 0 : err_nomem(err);
}

int compare_runs_read(struct compare_runs *r, const char *dir, struct err *err)
{
	char path[4096];

	memset(r, 0, sizeof(*r));
	if (snprintf(path, sizeof(path), "%s/summary.csv", dir) >= (int)sizeof(path))
		return err_input(err, "%s: the path is too long", dir);
	if (access(path, F_OK) < 0)
		return err_input(err,
				 "%s: cannot read: %s (the folder that `cotenant run -o` "
				 "wrote is wanted)",
				 path, strerror(errno));
	int rc = csv_read(&r->table, path, err);
	return rc < 0 ? rc : index_rows(r, path, err);
}

void compare_runs_free(struct compare_runs *r)
{
	mem_free(r->policy);
	mem_free(r->row);
	mem_free(r->a);
	mem_free(r->b);
	csv_table_free(&r->table);
	memset(r, 0, sizeof(*r));
}

static double value(const struct compare_runs *r, size_t policy, size_t seed, size_t col)
{
	size_t row = r->row[policy * r->nseeds + seed];

	return row == SIZE_MAX || col == SIZE_MAX ? (double)NAN : csv_number(&r->table, row, col);
}

static size_t sample(const struct compare_runs *r, size_t policy, size_t col, double *x)
{
	size_t n = 0;

	for (size_t s = 0; s < r->nseeds; s++) {
		x[n] = value(r, policy, s, col);
		n += isfinite(x[n]) ? 1 : 0;
	}
	return n;
}

struct stat_ci compare_mean(struct compare_runs *r, size_t policy, size_t col, size_t *n)
{
	*n = sample(r, policy, col, r->a);
	return stat_ci_mean(r->a, *n, COMPARE_LEVEL);
}

struct stat_ci compare_paired(struct compare_runs *r, size_t policy, size_t base, size_t col,
			      size_t *n)
{
	*n = 0;
	for (size_t s = 0; s < r->nseeds; s++) {
		r->a[*n] = value(r, policy, s, col);
		r->b[*n] = value(r, base, s, col);
		*n += isfinite(r->a[*n]) && isfinite(r->b[*n]);
	}
	return stat_ci_paired(r->a, r->b, *n, COMPARE_LEVEL);
}

struct stat_ci compare_unpaired(struct compare_runs *r, size_t policy, size_t base, size_t col)
{
	size_t na = sample(r, policy, col, r->a), nb = sample(r, base, col, r->b);

	return stat_ci_welch(r->a, na, r->b, nb, COMPARE_LEVEL);
}

/* Columns that name a run, and so are no results. */
static bool is_label(const char *name)
{
	static const char *const labels[] = {"run",    "policy", "cpu",    "memory",  "disk",
					     "placer", "seed",   "source", "validity"};

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (strcmp(name, labels[i]) == 0)
			return true;
	return false;
}

static const char *const columns[] = {"metric",        "policy",      "baseline",   "n",
				      "mean",          "half_width",  "difference", "difference_lo",
				      "difference_hi", "p",           "p_holm",     "significant",
				      "unpaired_lo",   "unpaired_hi", "unpaired_p"};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A policy against one before it; or alone, base SIZE_MAX. */
struct pair {
	size_t policy, base, n;
	struct stat_ci mean, paired, unpaired;
};

static void write_pair(struct csv *csv, const struct compare_runs *r, size_t col,
		       const struct pair *x, double p_holm)
{
	const struct stat_ci *d = &x->paired, *u = &x->unpaired;

	csv_text(csv, r->table.name[col]);
	csv_text(csv, r->policy[x->policy]);
	csv_text(csv, x->base == SIZE_MAX ? "" : r->policy[x->base]);
	csv_int(csv, (int64_t)x->n);
	csv_real(csv, x->mean.mean);
	csv_real(csv, x->mean.half);
	csv_real(csv, d->mean);
	csv_real(csv, d->mean - d->half);
	csv_real(csv, d->mean + d->half);
	csv_real(csv, d->p);
	csv_real(csv, p_holm);
	csv_real(csv, isnan(d->half) ? (double)NAN : fabs(d->mean) > d->half);
	csv_real(csv, u->mean - u->half);
	csv_real(csv, u->mean + u->half);
	csv_real(csv, u->p);
	csv_end_row(csv);
}

/* All pairs of a metric; how many. */
static size_t find_pairs(struct compare_runs *r, size_t col, struct pair *pair, double *p)
{
	const struct stat_ci none = {.mean = NAN, .half = NAN, .p = NAN};
	size_t n = 0, samples;

	for (size_t policy = 0; policy < r->npolicies; policy++) {
		struct stat_ci mean = compare_mean(r, policy, col, &samples);
		if (samples == 0)
			continue;
		pair[n] = (struct pair){policy, SIZE_MAX, samples, mean, none, none};
		p[n++] = NAN;
		for (size_t base = 0; base < policy; base++) {
			struct pair *x = &pair[n];
			*x = (struct pair){policy, base, 0, mean, none, none};
			x->unpaired = compare_unpaired(r, policy, base, col);
			x->paired = compare_paired(r, policy, base, col, &x->n);
			p[n++] = x->paired.p;
		}
	}
	return n;
}

static int write_metrics(struct csv *csv, struct compare_runs *r, struct err *err)
{
	size_t most = r->npolicies * (r->npolicies + 1) / 2;
	struct pair *pair = mem_alloc(most, sizeof(*pair));
	double *p = mem_alloc(most, sizeof(*p));
	int rc = pair && p ? 0 : -ENOMEM;

	for (size_t col = 0; col < r->table.ncols && rc == 0; col++) {
		if (is_label(r->table.name[col]))
			continue;
		size_t n = find_pairs(r, col, pair, p);
		rc = stat_holm(p, n);
		for (size_t i = 0; i < n && rc == 0; i++)
			write_pair(csv, r, col, &pair[i], p[i]);
	}
	mem_free(pair);
	mem_free(p);
	return rc < 0 ? err_nomem(err) : 0;
}

int compare_write(struct compare_runs *r, const char *dir, struct err *err)
{
	char path[4096];
	struct csv *csv;

	if (snprintf(path, sizeof(path), "%s/comparison.csv", dir) >= (int)sizeof(path))
		return err_input(err, "%s: the path is too long", dir);
	int rc = csv_open(&csv, path,
			  "# cotenant " COTENANT_VERSION
			  ": differences by seed, 95 % intervals of Student's t",
			  columns, COLUMNS, err);
	if (rc == 0)
		rc = write_metrics(csv, r, err);
	if (rc == 0)
		return csv_close(csv, err);
	csv_abandon(csv);
	return rc;
}
