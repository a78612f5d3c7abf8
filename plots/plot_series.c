/*
 * The figures over time: series of timeline.csv, a block per policy, of which rows are averaged where there are
 * more than can be seen.
 */
#include <math.h>
#include <string.h>

#include "plots/plot_parts.h"

#define MAX_COLUMNS 8

/* Ranges and names of the time axis: a unit that leaves two or three digits, a step that people
 * use. */
void plot_time_axis(struct plot *p, size_t time_col, double bin)
{
	static const struct {
		double limit, div;
		const char *label;
	} units[] = {
		{180, 1, "s"}, {10800, 60, "min"}, {259200, 3600, "h"}, {INFINITY, 86400, "days"}};
	static const double steps[] = {1, 2, 5, 10, 15, 20, 30, 60};
	static const double hours[] = {1, 2, 3, 4, 6, 12, 24};
	double from = INFINITY, to = -INFINITY, step;
	size_t u = 0;

	for (size_t r = 0; r < p->t.nrows; r++) {
		double t = csv_number(&p->t, r, time_col);
		from = fmin(from, t);
		to = fmax(to, t);
	}
	if (!(to > from)) {
		from = 0;
		to = to > 0 ? to : 1;
	}
	/* Results stand at the end of their tick: the axis still begins with the run. */
	if (from < to / 20)
		from = 0;
	while (to - from > units[u].limit)
		u++;
	double span = (to - from) / units[u].div;
	step = pow(10, floor(log10(span / 6)));
	if (u == 2) {
		for (size_t i = 0; i < 7 && hours[i] * 8 < span * 1.0001; i++)
			step = hours[i + (i < 6)];
	} else if (span >= 6) {
		for (size_t i = 0; i < 8 && steps[i] * 8 < span * 1.0001; i++)
			step = steps[i + (i < 7)];
		while (step * 12 < span)
			step *= 2;
	}
	fprintf(p->gp, "t_div = %.9g\nt_min = %.9g\nt_max = %.9g\nt_step = %.9g\n", units[u].div,
		from / units[u].div, to / units[u].div, step);
	fprintf(p->gp, "t_label = 'time (%s)", units[u].label);
	if (bin > 1)
		fprintf(p->gp, "; a point is the mean of %.0f samples", bin);
	fputs("'\n", p->gp);
}

/* Rows that become one point: their means, of the time and of each column. */
struct bins {
	double sum[MAX_COLUMNS], count[MAX_COLUMNS], time;
	size_t n, size;
};

static void bins_put(struct plot *p, struct bins *b, size_t ncols)
{
	if (b->n == 0)
		return;
	plot_number(p->dat, b->time / (double)b->n);
	for (size_t c = 0; c < ncols; c++)
		plot_number(p->dat, b->count[c] > 0 ? b->sum[c] / b->count[c] : NAN);
	putc('\n', p->dat);
	memset(b, 0, offsetof(struct bins, size));
}

static void bins_add(struct plot *p, struct bins *b, size_t row, const size_t *cols, size_t ncols)
{
	b->time += csv_number(&p->t, row, cols[0]);
	for (size_t c = 0; c < ncols; c++) {
		double v = csv_number(&p->t, row, cols[c + 1]);
		if (isfinite(v)) {
			b->sum[c] += v;
			b->count[c]++;
		}
	}
	if (++b->n == b->size)
		bins_put(p, b, ncols);
}

/* One block per policy; cols[0] is the time. */
static void put_series(struct plot *p, const size_t *cols, size_t ncols)
{
	size_t longest = 0;

	for (size_t i = 0; i < p->npolicies; i++) {
		size_t n = 0;
		for (size_t r = 0; r < p->t.nrows; r++)
			n += plot_in_series(p, r, i);
		longest = n > longest ? n : longest;
	}
	struct bins b = {.size = 1 + (longest - 1) / PLOT_POINTS};
	for (size_t i = 0; i < p->npolicies; i++) {
		plot_name_put(p->dat, p->policy[i]);
		putc('\n', p->dat);
		for (size_t r = 0; r < p->t.nrows; r++) {
			if (plot_in_series(p, r, i))
				bins_add(p, &b, r, cols, ncols);
		}
		bins_put(p, &b, ncols);
		fputs("\n\n", p->dat);
	}
	plot_time_axis(p, cols[0], (double)b.size);
	size_t points = (longest + b.size - 1) / b.size;
	fprintf(p->gp, "every = %zu\n", 1 + points / 7);
}

int plot_prepare_utilization(struct plot *p, struct err *err)
{
	static const char *const names[] = {"time_s", "cpu_util", "mem_util", "disk_util", NULL};
	size_t cols[4];
	int code = plot_columns(p, "timeline.csv", names, cols, err);

	if (code < 0)
		return code;
	plot_title(p, "Utilization of the hosts", true);
	put_series(p, cols, 3);
	double top[3];
	for (size_t c = 0; c < 3; c++) {
		double lo, hi;
		plot_column_range(p, cols[c + 1], &lo, &hi);
		/* Near the capacity the axis ends there; little use still fills its panel. */
		top[c] = hi > 0.5 ? fmax(104, 104 * hi) : hi > 0 ? 110 * hi : 1;
	}
	fprintf(p->gp, "array hi[3] = [%.9g, %.9g, %.9g]\n", top[0], top[1], top[2]);
	fprintf(p->gp, "array y_step[3] = [%.9g, %.9g, %.9g]\n", plot_nice_step(top[0], 5.2),
		plot_nice_step(top[1], 5.2), plot_nice_step(top[2], 5.2));
	return 0;
}

int plot_prepare_fairness(struct plot *p, struct err *err)
{
	static const char *const names[] = {"time_s", "jain", "worst", NULL};
	size_t cols[3];
	int code = plot_columns(p, "timeline.csv", names, cols, err);

	if (code < 0)
		return code;
	plot_title(p, "Fairness of CPU: grant / entitlement", true);
	put_series(p, cols, 2);
	fputs("array lo[2] = [", p->gp);
	for (size_t c = 1; c <= 2; c++) {
		double lo, hi;
		plot_column_range(p, cols[c], &lo, &hi);
		if (!(lo <= 1))
			lo = 0;
		/* The next tenth below what is seen, so that small differences stay visible. */
		fprintf(p->gp, "%.9g%s", lo > 0.9 ? floor(lo * 50 - 0.2) / 50 : floor(lo * 10) / 10,
			c < 2 ? ", " : "]\n");
	}
	return 0;
}
