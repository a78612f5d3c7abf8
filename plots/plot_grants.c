/* The figure of single VMs: what each wanted, and what it was granted under each policy. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "plots/plot_parts.h"
#include "sim/core/mem.h"

#define MAX_VMS     8
#define MAX_GRANTS  4
#define TITLE_CHARS 36

/* The first VMs of the file, and the rows of each (policy, VM) by position: all series of one run
 * have the same times, so the k-th row of a VM is the same moment under each policy. */
struct grants {
	const char *vm[MAX_VMS];
	size_t nvms, npolicies;
	size_t *rows[MAX_VMS][MAX_GRANTS];
	size_t count[MAX_VMS][MAX_GRANTS];
};

static size_t grants_vm(struct grants *g, const char *name)
{
	for (size_t v = 0; v < g->nvms; v++) {
		if (strcmp(g->vm[v], name) == 0)
			return v;
	}
	if (g->nvms == MAX_VMS)
		return SIZE_MAX;
	g->vm[g->nvms] = name;
	return g->nvms++;
}

static int grants_collect(struct plot *p, struct grants *g, size_t vm_col)
{
	size_t cap[MAX_VMS][MAX_GRANTS] = {0};

	g->npolicies = p->npolicies < MAX_GRANTS ? p->npolicies : MAX_GRANTS;
	for (size_t r = 0; r < p->t.nrows; r++) {
		size_t i = plot_policy_find(p, plot_text(p, r, p->policy_col));
		if (i >= g->npolicies || !plot_in_series(p, r, i))
			continue;
		size_t v = grants_vm(g, plot_text(p, r, vm_col));
		if (v == SIZE_MAX)
			continue;
		size_t n = g->count[v][i];
		if (mem_grow(&g->rows[v][i], &cap[v][i], n + 1, sizeof(size_t)) < 0)
			return -ENOMEM;
		g->rows[v][i][n] = r;
		g->count[v][i] = n + 1;
	}
	return 0;
}

static double mean_of(const struct plot *p, const size_t *rows, size_t n, size_t col)
{
	double sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += csv_number(&p->t, rows[k], col);
	return n > 0 ? sum / (double)n : NAN;
}

/* time, the first policy's demand, every policy's grant. */
static void put_grants(struct plot *p, const struct grants *g, size_t v, const size_t *cols,
		       double div, size_t bin)
{
	size_t n = g->count[v][0];

	plot_name_put(p->dat, g->vm[v]);
	putc('\n', p->dat);
	for (size_t at = 0; at < n; at += bin) {
		size_t k = n - at < bin ? n - at : bin;
		plot_number(p->dat, mean_of(p, g->rows[v][0] + at, k, cols[0]));
		plot_number(p->dat, mean_of(p, g->rows[v][0] + at, k, cols[1]) / div);
		for (size_t i = 0; i < g->npolicies; i++) {
			size_t m = g->count[v][i] > at ? g->count[v][i] - at : 0;
			m = m < k ? m : k;
			plot_number(p->dat,
				    m ? mean_of(p, g->rows[v][i] + at, m, cols[2]) / div : NAN);
		}
		putc('\n', p->dat);
	}
	fputs("\n\n", p->dat);
}

static void put_grants_variables(struct plot *p, const struct grants *g, double div)
{
	fputs("vm_names = '", p->gp);
	for (size_t v = 0; v < g->nvms; v++) {
		fputs(" \"VM ", p->gp);
		plot_short_put(p->gp, g->vm[v], TITLE_CHARS);
		putc('"', p->gp);
	}
	fputs("'\npolicy_names = '", p->gp);
	for (size_t i = 0; i < g->npolicies; i++) {
		putc(' ', p->gp);
		plot_name_put(p->gp, p->policy[i]);
	}
	size_t rows = (g->nvms + 1) / 2;
	fprintf(p->gp, "'\nvms = %zu\npolicies = %zu\nunit = '%s'\nheight = %zu\n", g->nvms,
		g->npolicies, div > 1 ? "GHz" : "MHz", 160 + 130 * rows);
}

int plot_prepare_grants(struct plot *p, struct err *err)
{
	static const char *const names[] = {"time_s", "cpu_want_mhz", "cpu_grant_mhz", "vm", NULL};
	struct grants g = {0};
	size_t cols[4] = {0}, longest = 1;
	double lo, hi;
	int code = plot_columns(p, "vm_timeline.csv", names, cols, err);

	if (code < 0)
		return code;
	if (grants_collect(p, &g, cols[3]) < 0)
		code = err_nomem(err);
	plot_column_range(p, cols[1], &lo, &hi);
	double div = hi >= 1000 ? 1000 : 1;
	for (size_t v = 0; v < g.nvms; v++)
		longest = g.count[v][0] > longest ? g.count[v][0] : longest;
	size_t bin = 1 + (longest - 1) / PLOT_POINTS;
	if (code == 0) {
		char title[80];
		snprintf(title, sizeof(title), "CPU demand and grant of %s%zu VM%s",
			 g.nvms == MAX_VMS ? "the first " : "", g.nvms, g.nvms == 1 ? "" : "s");
		p->policies_left_out += p->npolicies - g.npolicies;
		p->npolicies = g.npolicies;
		plot_title(p, title, true);
		plot_time_axis(p, cols[0], (double)bin);
		put_grants_variables(p, &g, div);
		hi = hi > 0 ? 1.05 * hi / div : 1;
		fprintf(p->gp, "y_max = %.9g\ny_step = %.9g\n", hi, plot_nice_step(hi, 4));
		for (size_t v = 0; v < g.nvms; v++)
			put_grants(p, &g, v, cols, div, bin);
	}
	for (size_t v = 0; v < g.nvms; v++) {
		for (size_t i = 0; i < g.npolicies; i++)
			mem_free(g.rows[v][i]);
	}
	return code;
}
