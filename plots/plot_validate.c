/* The figure of a validation (plot_parts.h): for each resource that VMs want, a block of points per policy,
 * simulated against real, then a block per VM of the first policy, over time. */
#include <math.h>
#include <string.h>

#include "plots/plot_parts.h"

#define HEAD_PX 60.0 /* above the first resource */
#define GAP_PX  74.0 /* below each: its axis */
#define ROW_PX  94.0 /* of a VM */
#define LEAST   2    /* rows of a resource: points need as much */

#define VMS_MOST 4

enum { TIME, WANT, SIM, REAL, VM, RESOURCE, COLUMNS };

static const struct resource_plot {
	const char *name, *unit;
	double scale;
	size_t most; /* VMs that are shown */
} resources[] = {{"cpu", "CPU (cores)", 1, VMS_MOST},
		 {"memory", "memory (MiB)", 1 / 1048576.0, 2},
		 {"disk", "disk (MB/s)", 1e-6, 2}};
#define RESOURCES (sizeof(resources) / sizeof(resources[0]))

static bool is_of(const struct plot *p, size_t row, const size_t *cols,
		  const struct resource_plot *resource, size_t policy)
{
	return strcmp(plot_text(p, row, cols[RESOURCE]), resource->name) == 0 &&
	       plot_is_of(p, row, policy);
}

static bool is_wanted(const struct plot *p, const size_t *cols,
		      const struct resource_plot *resource)
{
	for (size_t r = 0; r < p->t.nrows; r++)
		if (strcmp(plot_text(p, r, cols[RESOURCE]), resource->name) == 0 &&
		    csv_number(&p->t, r, cols[WANT]) > 0)
			return true;
	return false;
}

/* Returns the largest number. */
static double put_points(struct plot *p, const size_t *cols, const struct resource_plot *resource)
{
	double most = 0.01;

	for (size_t i = 0; i < p->npolicies; i++) {
		plot_name_put(p->dat, p->policy[i]);
		putc('\n', p->dat);
		for (size_t r = 0; r < p->t.nrows; r++) {
			if (!is_of(p, r, cols, resource, i) ||
			    !(csv_number(&p->t, r, cols[WANT]) > 0))
				continue;
			double sim = csv_number(&p->t, r, cols[SIM]) * resource->scale,
			       real = csv_number(&p->t, r, cols[REAL]) * resource->scale;
			plot_number(p->dat, sim);
			plot_number(p->dat, real);
			putc('\n', p->dat);
			most = fmax(most, fmax(sim, real));
		}
		fputs("\n\n", p->dat);
	}
	return most;
}

/* Rows of one VM of one run stand together: validation.csv is in the order of runs, VMs and times. */
static bool same_vm(const struct plot *p, const size_t *cols, size_t a, size_t b)
{
	return b < p->t.nrows &&
	       strcmp(plot_text(p, a, cols[VM]), plot_text(p, b, cols[VM])) == 0 &&
	       strcmp(plot_text(p, a, p->policy_col), plot_text(p, b, p->policy_col)) == 0 &&
	       strcmp(plot_text(p, a, p->seed_col), plot_text(p, b, p->seed_col)) == 0;
}

/* The first VMs of the first run that want of the resource: each one's first row in which it does. */
static size_t find_vms(const struct plot *p, const size_t *cols,
		       const struct resource_plot *resource, size_t *first)
{
	size_t n = 0;

	for (size_t r = 0; r < p->t.nrows && n < resource->most; r++)
		if (is_of(p, r, cols, resource, 0) &&
		    strcmp(plot_text(p, r, p->seed_col), plot_text(p, 0, p->seed_col)) == 0 &&
		    csv_number(&p->t, r, cols[WANT]) > 0 &&
		    (n == 0 || !same_vm(p, cols, first[n - 1], r)))
			first[n++] = r;
	return n;
}

struct span {
	double from, to;
};

/* Returns its largest number. */
static double put_series(struct plot *p, const size_t *cols, const struct resource_plot *resource,
			 size_t row, struct span *span)
{
	size_t first = row;
	double most = 0;

	while (first > 0 && same_vm(p, cols, row, first - 1))
		first--;
	plot_name_put(p->dat, plot_text(p, row, cols[VM]));
	putc('\n', p->dat);
	for (size_t r = first; same_vm(p, cols, row, r); r++) {
		if (!is_of(p, r, cols, resource, 0))
			continue;
		double time = csv_number(&p->t, r, cols[TIME]);
		double sim = csv_number(&p->t, r, cols[SIM]) * resource->scale;
		double real = csv_number(&p->t, r, cols[REAL]) * resource->scale;
		plot_number(p->dat, time);
		plot_number(p->dat, sim);
		plot_number(p->dat, real);
		putc('\n', p->dat);
		most = fmax(most, fmax(sim, real));
		span->from = fmin(span->from, time);
		span->to = fmax(span->to, time);
	}
	fputs("\n\n", p->dat);
	return most > 0 ? most : 1;
}

/* Of one resource: its numbers, and what the script needs to know of them. Returns the height. */
static double put_resource(struct plot *p, const size_t *cols, const struct resource_plot *resource,
			   size_t block, struct span *span)
{
	size_t first[VMS_MOST];
	double most = put_points(p, cols, resource);
	size_t n = find_vms(p, cols, resource, first);
	size_t rows = n > LEAST ? n : LEAST;

	fprintf(p->gp, "high[%zu] = '", block);
	for (size_t i = 0; i < n; i++)
		fprintf(p->gp, " %.9g", put_series(p, cols, resource, first[i], span));
	fputs("'\n", p->gp);
	fprintf(p->gp, "unit[%zu] = '%s'\nmost[%zu] = %.9g\nseries[%zu] = %zu\nrows[%zu] = %zu\n",
		block, resource->unit, block, 1.05 * most, block, n, block, rows);
	return (double)rows * ROW_PX + GAP_PX;
}

int plot_prepare_validation(struct plot *p, struct err *err)
{
	static const char *const names[] = {"time_s", "want",     "sim", "real",
					    "vm",     "resource", NULL};
	struct span span = {INFINITY, -INFINITY};
	size_t cols[COLUMNS], n = 0;
	double height = HEAD_PX;
	int code = plot_columns(p, "validation.csv", names, cols, err);

	if (code < 0)
		return code;
	plot_title(p, "Real guests against the simulation", true);
	fprintf(p->gp,
		"array unit[%zu]\narray most[%zu]\narray series[%zu]\narray rows[%zu]\narray "
		"high[%zu]\n",
		RESOURCES, RESOURCES, RESOURCES, RESOURCES, RESOURCES);
	for (size_t k = 0; k < RESOURCES; k++)
		if (is_wanted(p, cols, &resources[k]))
			height += put_resource(p, cols, &resources[k], ++n, &span);
	fprintf(p->gp,
		"blocks = %zu\nhead_px = %.1f\ngap_px = %.1f\nrow_px = %.1f\nheight = %.1f\n"
		"t_min = %.9g\nt_max = %.9g\nfirst_policy = \"",
		n, HEAD_PX, GAP_PX, ROW_PX, height, span.from,
		span.to > span.from ? span.to : span.from + 1);
	for (const char *c = p->npolicies > 0 ? p->policy[0] : ""; *c; c++)
		putc(*c == '"' || *c == '\\' ? '_' : *c, p->gp);
	fputs("\"\n", p->gp);
	return 0;
}
