/* See validate.h. Rows of both vm_timeline.csv are brought into one order, run, VM and time, and walked
 * side by side. Rates are means since the row before, in both; memory that was granted at one row is to be there at
 * the next. */
#include "sim/validate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/csv.h"
#include "sim/core/mem.h"

static const struct {
	const char *name, *want, *simulated, *got;
	bool relative, held; /* the simulated one holds from its row to the next */
} resources[VALIDATE_RESOURCES] = {
	[VALIDATE_CPU] = {"cpu", "cpu_want_mhz", "cpu_got_mhz", "cpu_got_mhz", false, false},
	[VALIDATE_MEMORY] = {"memory", "mem_want_bytes", "mem_grant_bytes", "mem_got_bytes", true,
			     true},
	[VALIDATE_DISK] = {"disk", "disk_want_bytes_s", "disk_got_bytes_s", "disk_got_bytes_s",
			   true, false},
};

struct row {
	double run, time, want[VALIDATE_RESOURCES], value[VALIDATE_RESOURCES];
	const char *vm, *policy, *seed;
};

struct rows {
	struct csv_table table;
	struct row *row;
	size_t n;
};

/* Of one VM of one run. */
struct errors {
	size_t n, within;
	double sum, sum_sq, worst, granted, wanted, stolen;
};

/* All VMs of a run at one time. */
struct moment {
	double run, time, granted; /* cores */
};

/* What the hypervisor below took from guests: lost[i] is the share of its grant that a VM is without in the
 * step that ends at moment[i]. */
struct steal {
	struct moment *moment;
	size_t n;
	double *lost;
};

static int by_place(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int vm = strcmp(x->vm, y->vm);

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	return vm != 0 ? vm : (x->time > y->time) - (x->time < y->time);
}

/* Beside the resources: a disk serves no more bytes than its operations carry. */
static const char *const iops_columns[] = {"iops_want", "iops_got"};
#define IOPS_AT (5 + 2 * VALIDATE_RESOURCES)
#define READ    (IOPS_AT + 2)

static int find_columns(const struct csv_table *t, const char *path, bool real, size_t *col,
			struct err *err)
{
	const char *names[READ] = {"run", "time_s", "vm", "policy", "seed"};

	for (int r = 0; r < VALIDATE_RESOURCES; r++) {
		names[5 + 2 * r] = resources[r].want;
		names[6 + 2 * r] = real ? resources[r].got : resources[r].simulated;
	}
	names[IOPS_AT] = iops_columns[0];
	names[IOPS_AT + 1] = iops_columns[1];
	for (size_t i = 0; i < READ; i++) {
		col[i] = csv_column(t, names[i]);
		if (col[i] == SIZE_MAX)
			return err_input(err, "%s: no column %s", path, names[i]);
	}
	return 0;
}

static int rows_read(struct rows *rows, const char *dir, bool real, struct err *err)
{
	struct csv_table *t = &rows->table;
	size_t col[READ];
	char path[4096];

	snprintf(path, sizeof(path), "%s/vm_timeline.csv", dir);
	int rc = csv_read(t, path, err);
	if (rc == 0)
		rc = find_columns(t, path, real, col, err);
	if (rc < 0)
		return rc;
	rows->row = mem_alloc(t->nrows, sizeof(*rows->row));
	if (!rows->row)
		return err_nomem(err);
	rows->n = t->nrows;
	for (size_t i = 0; i < rows->n; i++) {
		struct row *r = &rows->row[i];
		r->run = csv_number(t, i, col[0]);
		r->time = csv_number(t, i, col[1]);
		r->vm = t->cell[i * t->ncols + col[2]];
		r->policy = t->cell[i * t->ncols + col[3]];
		r->seed = t->cell[i * t->ncols + col[4]];
		for (size_t k = 0; k < VALIDATE_RESOURCES; k++) {
			r->want[k] = csv_number(t, i, col[5 + 2 * k]);
			r->value[k] = csv_number(t, i, col[6 + 2 * k]);
		}
		double ops = csv_number(t, i, col[IOPS_AT]),
		       done = csv_number(t, i, col[IOPS_AT + 1]);
		if (!real && ops > 0)
			r->value[VALIDATE_DISK] =
				fmin(r->value[VALIDATE_DISK], r->want[VALIDATE_DISK] * done / ops);
	}
	qsort(rows->row, rows->n, sizeof(*rows->row), by_place);
	return 0;
}

static void rows_free(struct rows *rows)
{
	mem_free(rows->row);
	csv_table_free(&rows->table);
}

static bool same_vm(const struct row *a, const struct row *b)
{
	return a->run == b->run && strcmp(a->vm, b->vm) == 0;
}

static int by_moment(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	return (x->time > y->time) - (x->time < y->time);
}

/* Share of the cores' time that was stolen in that run; 0 where it is not known. */
static double stolen_share(const struct csv_table *summary, double run)
{
	size_t id = csv_column(summary, "run"), share = csv_column(summary, "steal_real");

	for (size_t i = 0; i < summary->nrows && id != SIZE_MAX && share != SIZE_MAX; i++)
		if (csv_number(summary, i, id) == run)
			return fmax(0, csv_number(summary, i, share));
	return 0;
}

static int steal_open(struct steal *steal, const struct validate_params *params,
		      const struct rows *sim, struct err *err)
{
	struct csv_table summary = {0};
	char path[4096];
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/summary.csv", params->real_dir);
	int rc = csv_read(&summary, path, err);
	if (rc < 0)
		return rc;
	steal->moment = mem_alloc(sim->n, sizeof(*steal->moment));
	steal->lost = mem_alloc(sim->n, sizeof(*steal->lost));
	for (size_t i = 0; i < sim->n && steal->moment; i++) {
		const struct row *row = &sim->row[i];
		double cpu = row->value[VALIDATE_CPU] / params->speed;
		/* A VM's first row tells of the part of a tick that it was there, which is no mean over it. */
		bool whole = i > 0 && same_vm(row - 1, row) && isfinite(cpu);
		steal->moment[i] = (struct moment){row->run, row->time, whole ? cpu : 0};
	}
	if (steal->moment)
		qsort(steal->moment, sim->n, sizeof(*steal->moment), by_moment);
	for (size_t i = 0; i < sim->n && steal->moment && steal->lost; i++) {
		if (n > 0 && by_moment(&steal->moment[n - 1], &steal->moment[i]) == 0)
			steal->moment[n - 1].granted += steal->moment[i].granted;
		else
			steal->moment[n++] = steal->moment[i];
	}
	steal->n = n;
	for (size_t i = 0; i < n; i++) {
		const struct moment *m = &steal->moment[i];
		double left = params->cores * (1 - stolen_share(&summary, m->run));
		steal->lost[i] = m->granted > left ? 1 - left / m->granted : 0;
	}
	csv_table_free(&summary);
	return steal->moment && steal->lost ? 0 : err_nomem(err);
}

static double steal_lost(const struct steal *steal, const struct row *row)
{
	const struct moment key = {.run = row->run, .time = row->time};
	const struct moment *m = bsearch(&key, steal->moment, steal->n, sizeof(key), by_moment);

	return m ? steal->lost[m - steal->moment] : 0;
}

static void steal_free(const struct steal *steal)
{
	mem_free(steal->moment);
	mem_free(steal->lost);
}

static double tolerance_of(const struct validate_tolerance *t, int resource)
{
	return resource == VALIDATE_CPU      ? t->cpu_rms
	       : resource == VALIDATE_MEMORY ? t->memory
					     : t->disk;
}

static void count(struct errors *e, double want, double sim, double real, double tolerance)
{
	double error = real - sim;

	e->n++;
	e->sum += error;
	e->sum_sq += error * error;
	e->worst = fmax(e->worst, fabs(error));
	e->within += fabs(error) <= tolerance;
	e->granted += sim;
	e->wanted += want;
}

/* Errors of memory and disk are shares of what was granted in the mean: a disk serves whole blocks, which
 * says nothing of a step in which less than one was granted. */
static void make_relative(struct errors *e)
{
	double unit = (double)e->n / e->granted;

	e->sum *= unit;
	e->sum_sq *= unit * unit;
	e->worst *= unit;
}

/* The CPU as a whole must fit; of memory and disk what counts is the mean over the steps. */
static bool is_good(const struct validate_tolerance *t, int resource, const struct errors *e)
{
	double n = (double)e->n, mean = fabs(e->sum / n);

	if (resource != VALIDATE_CPU)
		return mean <= tolerance_of(t, resource);
	return sqrt(e->sum_sq / n) <= t->cpu_rms && mean <= t->cpu_mean;
}

static const char *const step_columns[] = {"run",      "policy", "seed", "time_s", "vm",
					   "resource", "want",   "sim",  "real"};
static const char *const vm_columns[] = {"run",    "policy",     "seed",  "vm",  "resource",
					 "steps",  "mean",       "steal", "rms", "worst",
					 "within", "saturation", "good"};
#define COLUMNS(names) (sizeof(names) / sizeof(names[0]))

struct compare {
	const struct validate_params *params;
	struct steal steal;
	struct csv *steps, *vms;
	FILE *out;
	size_t printed, bad;
};

#define PRINTED_MOST 36

/* Steal is an explanation, not an excuse: who is beyond tolerance is, with the reason beside it. */
static void print_vm(struct compare *c, const struct row *r, int resource, const struct errors *e,
		     bool good)
{
	double n = (double)e->n, mean = e->sum / n;
	char stolen[32] = "";

	if (resource == VALIDATE_CPU)
		snprintf(stolen, sizeof(stolen), "%.4f", rint(-e->stolen / n * 1e4) / 1e4 + 0.0);
	fprintf(c->out, "%-12.12s %-12.12s %-7s %9.4f %9s %9.4f %9.4f %7.0f%% %8.1f%%  %s\n",
		r->policy, r->vm, resources[resource].name, mean, stolen, sqrt(e->sum_sq / n),
		e->worst, (double)e->within / n * 100, (1 - e->granted / e->wanted) * 100,
		good ? "" : "beyond tolerance");
}

static void finish_vm(struct compare *c, const struct row *r, struct errors e[])
{
	for (int k = 0; k < VALIDATE_RESOURCES; k++) {
		double n = (double)e[k].n;
		if (e[k].n == 0 || e[k].wanted <= 0 || (resources[k].relative && e[k].granted <= 0))
			continue;
		if (resources[k].relative)
			make_relative(&e[k]);
		bool good = is_good(&c->params->tolerance, k, &e[k]);
		c->bad += !good;
		csv_real(c->vms, r->run);
		csv_text(c->vms, r->policy);
		csv_text(c->vms, r->seed);
		csv_text(c->vms, r->vm);
		csv_text(c->vms, resources[k].name);
		csv_int(c->vms, (int64_t)e[k].n);
		csv_real(c->vms, e[k].sum / n);
		csv_real(c->vms, k == VALIDATE_CPU ? -e[k].stolen / n : (double)NAN);
		csv_real(c->vms, sqrt(e[k].sum_sq / n));
		csv_real(c->vms, e[k].worst);
		csv_real(c->vms, (double)e[k].within / n);
		csv_real(c->vms, 1 - e[k].granted / e[k].wanted);
		csv_text(c->vms, good ? "yes" : "no");
		csv_end_row(c->vms);
		if (c->printed++ >= PRINTED_MOST)
			continue;
		print_vm(c, r, k, &e[k], good);
	}
}

/* From one row of the simulation to the next, which is where the real one stands. */
static void step(struct compare *c, const struct row *sim, const struct row *next,
		 const struct row *real, struct errors e[])
{
	for (int k = 0; k < VALIDATE_RESOURCES; k++) {
		double unit = k == VALIDATE_CPU ? 1 / c->params->speed : 1;
		double want = sim->want[k] * unit, got = real->value[k] * unit,
		       granted = (resources[k].held ? sim : next)->value[k] * unit;
		double tolerance = tolerance_of(&c->params->tolerance, k) *
				   (resources[k].relative ? granted : 1);
		if (!isfinite(got) || !isfinite(granted))
			continue;
		count(&e[k], want, granted, got, tolerance);
		e[k].stolen += granted * steal_lost(&c->steal, next);
		csv_real(c->steps, real->run);
		csv_text(c->steps, real->policy);
		csv_text(c->steps, real->seed);
		csv_real(c->steps, real->time);
		csv_text(c->steps, real->vm);
		csv_text(c->steps, resources[k].name);
		csv_real(c->steps, want);
		csv_real(c->steps, granted);
		csv_real(c->steps, got);
		csv_end_row(c->steps);
	}
}

static void walk(struct compare *c, const struct rows *sim, const struct rows *real)
{
	struct errors e[VALIDATE_RESOURCES] = {{0}};
	size_t at = 0;

	fprintf(c->out, "%-12s %-12s %-7s %9s %9s %9s %9s %8s %9s\n", "policy", "vm", "of", "mean",
		"by steal", "rms", "worst", "within", "short of");
	for (size_t i = 1; i < sim->n; i++) {
		const struct row *s = &sim->row[i - 1], *next = &sim->row[i];
		bool same = same_vm(s, next);
		while (at < real->n && by_place(&real->row[at], next) < 0)
			at++;
		if (same && at < real->n && by_place(&real->row[at], next) == 0)
			step(c, s, next, &real->row[at], e);
		if (!same || i + 1 == sim->n) {
			finish_vm(c, s, e);
			memset(e, 0, sizeof(e));
		}
	}
}

static int open_tables(struct compare *c, struct err *err)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/validation.csv", c->params->dir);
	int rc = csv_open(&c->steps, path, NULL, step_columns, COLUMNS(step_columns), err);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/validation_summary.csv", c->params->dir);
	return csv_open(&c->vms, path, NULL, vm_columns, COLUMNS(vm_columns), err);
}

int validate_compare(const struct validate_params *params, FILE *out, bool *good, struct err *err)
{
	struct compare c = {.params = params, .out = out};
	struct rows sim = {0}, real = {0};
	int rc = rows_read(&sim, params->sim_dir, false, err);

	if (rc == 0)
		rc = rows_read(&real, params->real_dir, true, err);
	if (rc == 0)
		rc = steal_open(&c.steal, params, &sim, err);
	if (rc == 0)
		rc = open_tables(&c, err);
	if (rc < 0) {
		csv_abandon(c.steps);
		csv_abandon(c.vms);
	} else {
		walk(&c, &sim, &real);
		if (c.printed > PRINTED_MOST)
			fprintf(out, "and %zu more in validation_summary.csv\n",
				c.printed - PRINTED_MOST);
		rc = csv_close(c.steps, err);
		int closed = csv_close(c.vms, err);
		rc = rc < 0 ? rc : closed;
		if (rc == 0 && c.printed == 0)
			rc = err_run(
				err, -ENODATA,
				"validate: no step of a VM is in both runs (see vms.csv in %s and"
				" %s)",
				params->sim_dir, params->real_dir);
	}
	*good = c.bad == 0 && c.printed > 0;
	steal_free(&c.steal);
	rows_free(&sim);
	rows_free(&real);
	return rc;
}
