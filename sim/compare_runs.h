/*
 * The runs of a finished batch by policy and seed, and what their pairs say: runs of one seed share
 * their random numbers, so policies are compared by the differences within seeds (Jain 1991, 13.4).
 */
#ifndef COTENANT_SIM_COMPARE_RUNS_H
#define COTENANT_SIM_COMPARE_RUNS_H

#include "plots/csv.h"
#include "sim/core/err.h"
#include "sim/core/stat.h"

#define COMPARE_LEVEL 0.95

struct compare_runs {
	struct csv_table table;
	size_t npolicies, nseeds;
	const char **policy; /* names, in the order of the file */
	size_t *row;         /* of the table, by policy * nseeds + seed; SIZE_MAX: no such run */
	double *a, *b;       /* room for a sample each: nseeds numbers */
};

/* Reads @dir/summary.csv. 0, or a negative errno with @err set. Free in any case. */
int compare_runs_read(struct compare_runs *runs, const char *dir, struct err *err) must_check;
void compare_runs_free(struct compare_runs *runs);

/* Index of the policy, or SIZE_MAX. */
size_t compare_runs_policy(const struct compare_runs *runs, const char *name);

/* The mean of a column over the policy's seeds, or of its difference from another policy over the
 * seeds that both have, with their 95 % interval; how many seeds count in *n. */
struct stat_ci compare_mean(struct compare_runs *runs, size_t policy, size_t col, size_t *n);
struct stat_ci compare_paired(struct compare_runs *runs, size_t policy, size_t base, size_t col,
			      size_t *n);
/* The difference of means as if the runs had nothing in common (Welch 1947). */
struct stat_ci compare_unpaired(struct compare_runs *runs, size_t policy, size_t base, size_t col);

/* Writes @dir/comparison.csv: for each column of numbers a row per policy (no baseline), and a row for
 * each policy and each one before it. */
int compare_write(struct compare_runs *runs, const char *dir, struct err *err) must_check;

#endif
