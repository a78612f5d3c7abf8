/*
 * The figure of paired differences: each policy against the first one of the file, seed by seed (Jain
 * 1991, 13.4). Intervals of means overlap where every seed says the same; these do not.
 */
#include <math.h>
#include <string.h>

#include "plots/plot_parts.h"
#include "sim/core/mem.h"
#include "sim/core/stat.h"

/* What the runs of two policies have in common: values of one column by seed. */
struct pairs {
	double *a, *b;
	size_t n;
	size_t *base, nbase; /* rows of the first policy */
};

/* The row of the first policy with the same seed, or SIZE_MAX; most likely its @k-th. */
static size_t partner(const struct plot *p, const struct pairs *x, size_t row, size_t k)
{
	const char *seed = plot_text(p, row, p->seed_col);

	for (size_t i = 0; i < x->nbase; i++) {
		size_t at = x->base[(k + i) % x->nbase];
		if (strcmp(plot_text(p, at, p->seed_col), seed) == 0)
			return at;
	}
	return SIZE_MAX;
}

static struct stat_ci difference(const struct plot *p, size_t policy, size_t col, struct pairs *x)
{
	x->n = 0;
	for (size_t r = 0, k = 0; r < p->t.nrows; r++) {
		if (!plot_is_of(p, r, policy))
			continue;
		size_t base = partner(p, x, r, k++);
		if (base == SIZE_MAX)
			continue;
		x->a[x->n] = csv_number(&p->t, r, col);
		x->b[x->n] = csv_number(&p->t, base, col);
		x->n += isfinite(x->a[x->n]) && isfinite(x->b[x->n]);
	}
	return stat_ci_paired(x->a, x->b, x->n, 0.95);
}

static int pairs_init(struct pairs *x, const struct plot *p, struct err *err)
{
	size_t n = p->t.nrows + 1;

	*x = (struct pairs){.a = mem_alloc(n, sizeof(double)),
			    .b = mem_alloc(n, sizeof(double)),
			    .base = mem_alloc(n, sizeof(size_t))};
	if (!x->a || !x->b || !x->base)
		return err_nomem(err);
	for (size_t r = 0; r < p->t.nrows; r++)
		if (plot_is_of(p, r, 0))
			x->base[x->nbase++] = r;
	return 0;
}

static void pairs_fini(struct pairs *x)
{
	mem_free(x->a);
	mem_free(x->b);
	mem_free(x->base);
}

/* Name, mean, half width, and whether the interval excludes 0, of each policy but the first. False:
 * there is no difference to show. */
static bool put_panel(struct plot *p, const struct plot_panel *panel, struct pairs *x,
		      double ends[2])
{
	size_t col = csv_column(&p->t, panel->column);
	struct stat_ci ci[MAX_POLICIES];

	ends[0] = ends[1] = 0;
	for (size_t i = 1; i < p->npolicies && col != SIZE_MAX; i++) {
		ci[i] = difference(p, i, col, x);
		ci[i].mean *= panel->scale;
		ci[i].half *= panel->scale;
		if (isnan(ci[i].half))
			continue;
		ends[0] = fmin(ends[0], ci[i].mean - ci[i].half);
		ends[1] = fmax(ends[1], ci[i].mean + ci[i].half);
	}
	if (!(ends[1] - ends[0] > 0))
		return false;
	for (size_t i = 1; i < p->npolicies; i++) {
		plot_name_put(p->dat, p->policy[i]);
		plot_number(p->dat, ci[i].mean);
		plot_number(p->dat, ci[i].half);
		fprintf(p->dat, " %d\n", fabs(ci[i].mean) > ci[i].half);
	}
	fputs("\n\n", p->dat);
	double margin = 0.06 * (ends[1] - ends[0]);
	ends[0] -= margin;
	ends[1] += margin;
	return true;
}

static void put_array(FILE *f, const char *name, const double *x, size_t n)
{
	fprintf(f, "array %s[%zu] = [", name, n);
	for (size_t k = 0; k < n; k++)
		fprintf(f, "%.9g%s", x[k], k + 1 < n ? ", " : "]\n");
}

static void put_variables(struct plot *p, const double *lo, const double *hi,
			  const char *const *titles, size_t n)
{
	double step[PLOT_PANELS];
	size_t bars = p->npolicies - 1, rows = (n + 2) / 3;

	for (size_t k = 0; k < n; k++)
		step[k] = plot_nice_step(hi[k] - lo[k], 5);
	fprintf(p->gp, "panels = %zu\nbars = %zu\n", n, bars);
	put_array(p->gp, "lo", lo, n);
	put_array(p->gp, "hi", hi, n);
	put_array(p->gp, "step", step, n);
	fprintf(p->gp, "array panel_titles[%zu] = [", n);
	for (size_t k = 0; k < n; k++)
		fprintf(p->gp, "\"%s\"%s", titles[k], k + 1 < n ? ", " : "]\n");
	fprintf(p->gp, "height = %zu\nwidth = %d\n",
		45 + rows * (70 + (bars > 20 ? 14 : 18) * (bars > 3 ? bars : 3)),
		n < 3 ? 700 : 1000);
}

int plot_prepare_differences(struct plot *p, struct err *err)
{
	double ends[2], lo[PLOT_PANELS], hi[PLOT_PANELS];
	const char *titles[PLOT_PANELS];
	char title[160];
	struct pairs x;
	size_t n = 0;
	int code = pairs_init(&x, p, err);

	if (code == 0 && (p->nseeds < 2 || p->npolicies < 2))
		code = 1;
	if (code == 0) {
		snprintf(title, sizeof(title),
			 "Difference from %.60s within seeds: mean and 95 %% interval",
			 p->policy[0]);
		plot_title(p, title, false);
	}
	for (size_t k = 0; k < PLOT_PANELS && code == 0; k++) {
		if (!put_panel(p, &plot_panels[k], &x, ends))
			continue;
		lo[n] = ends[0];
		hi[n] = ends[1];
		titles[n++] = plot_panels[k].title;
	}
	if (code == 0 && n == 0)
		code = 1;
	if (code == 0)
		put_variables(p, lo, hi, titles, n);
	pairs_fini(&x);
	return code;
}
