/* The figure of shortfall: how many VMs went without how much. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/plot_parts.h"
#include "sim/core/mem.h"

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int plot_prepare_shortfall(struct plot *p, struct err *err)
{
	static const char *const names[] = {"cpu_shortfall", NULL};
	size_t col;
	int code = plot_columns(p, "vms.csv", names, &col, err);
	double least, most;

	if (code < 0)
		return code;
	double *x = mem_alloc(p->t.nrows, sizeof(*x));
	if (!x)
		return err_nomem(err);
	plot_column_range(p, col, &least, &most);
	most = most > 0 ? 103 * most : 1;
	plot_title(p, "CPU shortfall over VMs", false);
	for (size_t i = 0; i < p->npolicies; i++) {
		size_t n = 0;
		for (size_t r = 0; r < p->t.nrows; r++) {
			double v = csv_number(&p->t, r, col);
			if (isfinite(v) && plot_is_of(p, r, i))
				x[n++] = v * 100;
		}
		qsort(x, n, sizeof(*x), by_value);
		plot_name_put(p->dat, p->policy[i]);
		fputs("\n-1 0\n", p->dat);
		for (size_t k = 0; k < n; k++) {
			if (k + 1 < n && x[k + 1] <= x[k])
				continue;
			plot_number(p->dat, x[k]);
			plot_number(p->dat, (double)(k + 1) / (double)n);
			putc('\n', p->dat);
		}
		if (n > 0)
			plot_number(p->dat, most);
		fputs(n > 0 ? " 1\n\n\n" : "\n\n", p->dat);
	}
	mem_free(x);
	fprintf(p->gp, "x_max = %.9g\n", most);
	return 0;
}
