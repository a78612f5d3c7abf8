/*
 * Whole scenarios for tests: YAML text in, the tables of the output files out.
 *
 * Every run goes the way of `cotenant run`, but in this process, and its files are read back with
 * the reader that users have. oracle() runs all seeds of a scenario, takes numbers from each and
 * compares their mean with what is exact, by the rule of tests of this
 * kind: 4 standard errors at most between them, and a standard error so small that noise cannot
 * pass for agreement.
 */
#ifndef COTENANT_TESTS_HARNESS_H
#define COTENANT_TESTS_HARNESS_H

#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plots/csv.h"
#include "sim/output.h"
#include "sim/run.h"

/* RUNS replications, if a test does not ask for more. Instrumented builds are many times slower: there
 * they are fewer and LESS times shorter, too short for the rule, and only a gross error (beyond LOOSE of
 * the exact value) fails. What they look for is of another kind. */
#ifdef __SANITIZE_ADDRESS__
#define RUNS  8
#define LESS  25
#define LOOSE 0.5
#else
#define RUNS  30
#define LESS  1
#define LOOSE 0.0
#endif

#define HARNESS_DIR 64

struct harness {
	struct scenario *scenario;
	struct trace_set traces;
	struct err err;
	char dir[HARNESS_DIR];
	struct csv_table table[OUTPUT_FILES]; /* of the last run; unread: name == NULL */
	uint64_t events, vm_steps;
	unsigned threads; /* of a run */
	bool awake;       /* no host sleeps, as if policies had a memory */
};

#define assert_near(A, B, RELATIVE) assert_near_(A, B, RELATIVE, __FILE__, __LINE__)
static inline void assert_near_(double a, double b, double relative, const char *file, int line)
{
	if (fabs(a - b) <= relative * fabs(b) || (isnan(a) && isnan(b)))
		return;
	print_error("%.15g, expected %.15g within %g of it\n", a, b, relative);
	_fail(file, line);
}

/* Text made like printf()'s; free() it. */
__attribute__((format(printf, 1, 2))) static inline char *text_of(const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	assert_true(n >= 0);
	return text;
}

static inline void harness_open(struct harness *h, const char *yaml)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	memset(h, 0, sizeof(*h));
	snprintf(h->dir, sizeof(h->dir), "%s/cotenant-XXXXXX", base);
	assert_non_null(mkdtemp(h->dir));
	if (scenario_load_text(&h->scenario, "test.yaml", yaml, strlen(yaml), NULL, 0, &h->err) ||
	    trace_set_load(h->scenario, &h->traces, &h->err))
		fail_msg("%s\n%s", h->err.text, yaml);
}

static inline void harness_forget(struct harness *h)
{
	for (int f = 0; f < OUTPUT_FILES; f++)
		csv_table_free(&h->table[f]);
	memset(h->table, 0, sizeof(h->table));
}

static inline void harness_close(struct harness *h)
{
	char path[256];

	harness_forget(h);
	for (int f = 0; f < OUTPUT_FILES; f++) {
		snprintf(path, sizeof(path), "%s/%s", h->dir, output_file_name[f]);
		unlink(path);
	}
	rmdir(h->dir);
	trace_set_free(&h->traces);
	scenario_free(h->scenario);
}

/* The i-th run of the scenario, under other policies: 0, or what it failed with, and why in h->err. */
static inline int harness_try(struct harness *h, size_t i, const struct policy_set *policies)
{
	struct output_label label = {.run = i + 1, .policies = policies};
	struct policy_set own;
	struct output *output = NULL;
	static struct run run;

	harness_forget(h);
	memset(&run, 0, sizeof(run));
	scenario_run(h->scenario, i, &own, &label.seed);
	int rc = output_open(&output, h->dir, "# test", h->scenario, &label, &h->err);
	if (rc == 0)
		rc = run_init(&run, h->scenario, &h->traces, policies, label.seed, output, &h->err);
	run.threads = h->threads;
	run.memoryless &= !h->awake;
	if (rc == 0)
		rc = run_go(&run);
	int closed = output_close(output, rc == 0, &h->err);
	h->events += run.count.events;
	h->vm_steps += run.count.vm_steps;
	run_free(&run);
	return rc ? rc : closed;
}

static inline void harness_run_with(struct harness *h, size_t i, const struct policy_set *policies)
{
	if (harness_try(h, i, policies))
		fail_msg("%s", h->err.text);
}

static inline void harness_run(struct harness *h, size_t i)
{
	struct policy_set policies;

	scenario_run(h->scenario, i, &policies, &(uint64_t){0});
	harness_run_with(h, i, &policies);
}

static inline const struct csv_table *harness_table(struct harness *h, enum output_file file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", h->dir, output_file_name[file]);
	if (!h->table[file].name && csv_read(&h->table[file], path, &h->err))
		fail_msg("%s", h->err.text);
	return &h->table[file];
}

static inline size_t column_of(const struct csv_table *t, const char *name)
{
	size_t col = csv_column(t, name);

	if (col == SIZE_MAX)
		fail_msg("no column %s", name);
	return col;
}

/* Cell @column of the first row whose cell @key is @value; of the first row if @key is NULL. */
static inline double cell(struct harness *h, enum output_file file, const char *key,
			  const char *value, const char *column)
{
	const struct csv_table *t = harness_table(h, file);
	size_t col = column_of(t, column), k = key ? column_of(t, key) : 0;

	for (size_t row = 0; row < t->nrows; row++)
		if (!key || strcmp(t->cell[row * t->ncols + k], value) == 0)
			return csv_number(t, row, col);
	fail_msg("%s: no row %s", output_file_name[file], key ? value : "at all");
	return 0;
}

static inline double summary(struct harness *h, const char *column)
{
	return cell(h, OUTPUT_SUMMARY, NULL, NULL, column);
}

/* Of the VM named @vm. */
static inline double vm_cell(struct harness *h, const char *vm, const char *column)
{
	return cell(h, OUTPUT_VMS, "vm", vm, column);
}

/* Share of time in which @quantity of @of was in lo..hi; its mean. */
static inline double share_between(struct harness *h, const char *of, const char *quantity,
				   double lo, double hi, double *mean)
{
	const struct csv_table *t = harness_table(h, OUTPUT_DISTRIBUTIONS);
	size_t c_of = column_of(t, "of"), c_quantity = column_of(t, "quantity");
	size_t c_value = column_of(t, "value"), c_share = column_of(t, "share");
	double sum = 0, moment = 0;

	for (size_t row = 0; row < t->nrows; row++) {
		const char **at = t->cell + row * t->ncols;
		double value = csv_number(t, row, c_value), share = csv_number(t, row, c_share);
		if (strcmp(at[c_of], of) != 0 || strcmp(at[c_quantity], quantity) != 0)
			continue;
		moment += value * share;
		if (value >= lo && value <= hi)
			sum += share;
	}
	if (mean)
		*mean = moment;
	return sum;
}

/* Replications. */

#define MAX_RUNS 256

struct sample {
	const char *name;
	double exact;
	double most;  /* largest allowed standard error / exact; 0 = the rule's 1 % */
	double slack; /* a known error of the measurement itself / exact: added to the 4 s.e. */
	size_t n;
	double x[MAX_RUNS];
};

typedef void (*measure_fn)(struct harness *h, struct sample *sample);

/* Whether the sample agrees; says so if not, or if asked to. */
static inline bool oracle_agrees(const struct sample *s)
{
	double mean = 0, var = 0, n = (double)s->n;
	double most = s->most > 0 ? s->most : 0.01;

	for (size_t i = 0; i < s->n; i++)
		mean += s->x[i] / n;
	for (size_t i = 0; i < s->n; i++)
		var += (s->x[i] - mean) * (s->x[i] - mean) / (n - 1);
	double se = sqrt(var / n), off = mean - s->exact;
	bool near = fabs(off) <= 4 * se + (s->slack + LOOSE) * s->exact;
	bool sharp = LESS > 1 || se <= most * s->exact;
	bool agrees = s->n >= RUNS && near && sharp;
	if (!agrees || getenv("ORACLE_VERBOSE"))
		print_message(
			"%-30s %12.7g exact %12.7g off %+6.2f s.e. s.e. %.3f %% of %.3f %%%s\n",
			s->name, mean, s->exact, off / se, 100 * se / s->exact, 100 * most,
			agrees ? ""
			: near ? " NOISY"
			       : " WRONG");
	return agrees;
}

/* Runs all seeds, gathers, checks all @k samples. */
static inline void oracle(const char *yaml, measure_fn measure, struct sample *sample, size_t k)
{
	struct harness h;
	clock_t start = clock();

	harness_open(&h, yaml);
	size_t runs = scenario_runs(h.scenario);
	assert_true(runs <= MAX_RUNS);
	for (size_t i = 0; i < runs; i++) {
		harness_run(&h, i);
		for (size_t s = 0; s < k; s++)
			sample[s].n = i + 1;
		measure(&h, sample);
	}
	if (getenv("ORACLE_VERBOSE")) {
		double s = (double)(clock() - start) / CLOCKS_PER_SEC;
		print_message("-- %zu runs, %.2f s, %.3g events, %.3g s each\n", runs, s,
			      (double)h.events, s / (double)h.events);
	}
	harness_close(&h);
	bool agrees = true;
	for (size_t s = 0; s < k; s++)
		agrees &= oracle_agrees(&sample[s]);
	assert_true(agrees);
}

/* Mean of @column over the rows of vms.csv of a group; NULL = of all. */
static inline double group_mean(struct harness *h, const char *group, const char *column)
{
	const struct csv_table *t = harness_table(h, OUTPUT_VMS);
	size_t c_group = column_of(t, "group"), col = column_of(t, column);
	double sum = 0, n = 0;

	for (size_t row = 0; row < t->nrows; row++) {
		double x = csv_number(t, row, col);
		if (isnan(x) || (group && strcmp(t->cell[row * t->ncols + c_group], group) != 0))
			continue;
		sum += x;
		n += 1;
	}
	return sum / n;
}

/* Share of VMs of the group that ended (or are) in @state. */
static inline double group_share(struct harness *h, const char *group, const char *state)
{
	const struct csv_table *t = harness_table(h, OUTPUT_VMS);
	size_t c_group = column_of(t, "group"), c_state = column_of(t, "state");
	double in_state = 0, n = 0;

	for (size_t row = 0; row < t->nrows; row++) {
		const char **at = t->cell + row * t->ncols;
		if (group && strcmp(at[c_group], group) != 0)
			continue;
		in_state += strcmp(at[c_state], state) == 0;
		n += 1;
	}
	return in_state / n;
}

/* In a measure_fn: the i-th sample's number of this run. Samples beyond those asked for have n 0.
 */
#define TAKE(I, VALUE)                                          \
	do {                                                    \
		if (sample[I].n > 0)                            \
			sample[I].x[sample[I].n - 1] = (VALUE); \
	} while (0)
#define COUNT(A) (sizeof(A) / sizeof((A)[0]))

#endif
