/* The figure of key metrics: a panel each, a bar for each policy, the mean over seeds and its interval. */
#include <math.h>
#include <string.h>

#include "plots/plot_parts.h"
#include "sim/core/mem.h"
#include "sim/core/stat.h"

const struct plot_panel plot_panels[PLOT_PANELS] = {
	{"cpu_util", "CPU utilization (%)", 100},
	{"cpu_shortfall", "CPU shortfall (%)", 100},
	{"jain", "Jain fairness index", 1},
	{"worst", "worst VM: grant / entitlement", 1},
	{"mem_shortfall", "memory shortfall (%)", 100},
	{"disk_shortfall", "disk shortfall (%)", 100},
	{"slowdown_mean", "mean slowdown", 1},
	{"response_p95_s", "95th percentile response (s)", 1},
	{"energy_kwh", "energy (kWh)", 1},
	{"carbon_g", "carbon dioxide (kg)", 1e-3},
	{"migrations", "migrations", 1},
	{"slav", "SLA violation, SLAV (1e-5)", 1e5},
	{"shutdowns", "shutdowns of hosts", 1},
};

/* Of each bar: name, mean, half width. Returns the right end of the axis; 0 = nothing to show. */
static double put_bars(struct plot *p, const struct plot_panel *panel, size_t col, double *x)
{
	double hi = 0;

	for (int dry = 1; dry >= 0; dry--) {
		for (size_t i = 0; i < p->npolicies; i++) {
			size_t n = 0;
			for (size_t r = 0; r < p->t.nrows; r++) {
				double v = csv_number(&p->t, r, col) * panel->scale;
				if (isfinite(v) && plot_is_of(p, r, i))
					x[n++] = v;
			}
			struct stat_ci ci = stat_ci_mean(x, n, 0.95);
			double half = n > 1 ? ci.half : 0;
			double mean = n > 0 ? ci.mean : NAN;
			if (dry) {
				hi = fmax(hi, mean + half);
				continue;
			}
			plot_name_put(p->dat, p->policy[i]);
			plot_number(p->dat, mean);
			plot_number(p->dat, half);
			putc('\n', p->dat);
		}
		if (!(hi > 0))
			return 0;
	}
	fputs("\n\n", p->dat);
	return 1.05 * hi;
}

int plot_prepare_compare(struct plot *p, struct err *err)
{
	double hi[PLOT_PANELS], *x = mem_alloc(p->t.nrows + 1, sizeof(*x));
	const char *titles[PLOT_PANELS];
	size_t n = 0;

	if (!x)
		return err_nomem(err);
	plot_title(p,
		   p->nseeds > 1 ? "Comparison of policies: mean and 95 % interval"
				 : "Comparison of policies",
		   false);
	for (size_t k = 0; k < PLOT_PANELS; k++) {
		size_t col = csv_column(&p->t, plot_panels[k].column);
		hi[n] = col == SIZE_MAX ? 0 : put_bars(p, &plot_panels[k], col, x);
		titles[n] = plot_panels[k].title;
		n += hi[n] > 0;
	}
	mem_free(x);
	if (n == 0)
		return 1;
	fprintf(p->gp, "panels = %zu\narray hi[%zu] = [", n, n);
	for (size_t k = 0; k < n; k++)
		fprintf(p->gp, "%.9g%s", hi[k], k + 1 < n ? ", " : "]\n");
	fprintf(p->gp, "array step[%zu] = [", n);
	for (size_t k = 0; k < n; k++)
		fprintf(p->gp, "%.9g%s", plot_nice_step(hi[k], 6), k + 1 < n ? ", " : "]\n");
	fprintf(p->gp, "array panel_titles[%zu] = [", n);
	for (size_t k = 0; k < n; k++)
		fprintf(p->gp, "\"%s\"%s", titles[k], k + 1 < n ? ", " : "]\n");
	size_t rows = (n + 2) / 3;
	size_t bar = p->npolicies > 20 ? 14 : 18;
	fprintf(p->gp, "height = %zu\nwidth = %d\n",
		45 + rows * (70 + bar * (p->npolicies > 3 ? p->npolicies : 3)), n < 3 ? 700 : 1000);
	return 0;
}
