/* The figure of a validation (plot_parts.h): a block of points per policy, simulated against real, then a
 * block per VM of the first policy, over time. */
#include <string.h>

#include "plots/plot_parts.h"

#define MAX_SERIES 4

enum { TIME, SIM, REAL, VM, RESOURCE, COLUMNS };

static const char *text(const struct plot *p, size_t row, size_t col)
{
	return p->t.cell[row * p->t.ncols + col];
}

static bool is_cpu(const struct plot *p, size_t row, const size_t *cols, size_t policy)
{
	return strcmp(text(p, row, cols[RESOURCE]), "cpu") == 0 &&
	       strcmp(text(p, row, p->policy_col), p->policy[policy]) == 0;
}

static double put_points(struct plot *p, const size_t *cols)
{
	double most = 0.01;

	for (size_t i = 0; i < p->npolicies; i++) {
		plot_name_put(p->dat, p->policy[i]);
		putc('\n', p->dat);
		for (size_t r = 0; r < p->t.nrows; r++) {
			if (!is_cpu(p, r, cols, i))
				continue;
			double sim = csv_number(&p->t, r, cols[SIM]),
			       real = csv_number(&p->t, r, cols[REAL]);
			plot_number(p->dat, sim);
			plot_number(p->dat, real);
			putc('\n', p->dat);
			most = sim > most ? sim : most;
			most = real > most ? real : most;
		}
		fputs("\n\n", p->dat);
	}
	return most;
}

/* Rows of one VM stand together: validation.csv is in the order of runs, VMs and times. */
static size_t put_series(struct plot *p, const size_t *cols)
{
	const char *vm = NULL, *seed = NULL;
	size_t n = 0;

	for (size_t r = 0; r < p->t.nrows; r++) {
		if (!is_cpu(p, r, cols, 0))
			continue;
		seed = seed ? seed : text(p, r, p->seed_col);
		if (strcmp(seed, text(p, r, p->seed_col)) != 0)
			break;
		if (!vm || strcmp(vm, text(p, r, cols[VM])) != 0) {
			if (n == MAX_SERIES)
				break;
			vm = text(p, r, cols[VM]);
			fputs(n++ > 0 ? "\n\n" : "", p->dat);
			plot_name_put(p->dat, vm);
			putc('\n', p->dat);
		}
		plot_number(p->dat, csv_number(&p->t, r, cols[TIME]));
		plot_number(p->dat, csv_number(&p->t, r, cols[SIM]));
		plot_number(p->dat, csv_number(&p->t, r, cols[REAL]));
		putc('\n', p->dat);
	}
	return n;
}

int plot_prepare_validation(struct plot *p, struct err *err)
{
	static const char *const names[] = {"time_s", "sim", "real", "vm", "resource", NULL};
	size_t cols[COLUMNS];
	int code = plot_columns(p, "validation.csv", names, cols, err);

	if (code < 0)
		return code;
	plot_title(p, "CPU of real guests against the simulation", true);
	double most = put_points(p, cols);
	size_t series = put_series(p, cols);
	fprintf(p->gp, "most = %.9g\nseries = %zu\nfirst_policy = \"", 1.05 * most, series);
	for (const char *c = p->npolicies > 0 ? p->policy[0] : ""; *c; c++)
		putc(*c == '"' || *c == '\\' ? '_' : *c, p->gp);
	fputs("\"\n", p->gp);
	return 0;
}
