/*
 * What the figures, in plot_*.c, share with plot.c, which has the table of them all.
 */
#ifndef COTENANT_PLOTS_PLOT_PARTS_H
#define COTENANT_PLOTS_PLOT_PARTS_H

#include <stdbool.h>
#include <stdio.h>

#include "plots/csv.h"
#include "sim/core/err.h"

#define MAX_POLICIES 40  /* line types of style.gp */
#define PLOT_POINTS  600 /* of a series: of more, means are shown */
#define PATH_LENGTH  4096

/* One figure being prepared: the table it comes from, its two text files, and what is in the table.
 */
struct plot {
	struct csv_table t;
	char dir[PATH_LENGTH]; /* DIR/plots */
	FILE *dat, *gp;
	size_t policy_col, seed_col;
	const char *policy[MAX_POLICIES];
	size_t npolicies, policies_left_out;
	size_t nseeds; /* up to MAX_SEEDS */
	size_t name_chars;
};

/* A metric of summary.csv that comparisons show. */
struct plot_panel {
	const char *column, *title;
	double scale;
};
#define PLOT_PANELS 13
extern const struct plot_panel plot_panels[PLOT_PANELS];

/* The cell; whether the row is of the policy, by number; and of the first seed, too, whose series are shown. The
 * number of a policy, SIZE_MAX of one that is left out. */
const char *plot_text(const struct plot *p, size_t row, size_t col);
bool plot_is_of(const struct plot *p, size_t row, size_t policy);
bool plot_in_series(const struct plot *p, size_t row, size_t policy);
size_t plot_policy_find(const struct plot *p, const char *name);

/* Numbers of the columns @names (NULL at the end) of the table, which was read from @csv. */
int plot_columns(const struct plot *p, const char *csv, const char *const *names, size_t *cols,
		 struct err *err) must_check;
void plot_number(FILE *f, double v);           /* after a blank; NaN where there is none */
void plot_name_put(FILE *f, const char *name); /* in double quotes */
void plot_short_put(FILE *f, const char *name,
		    size_t most); /* the same without, of about @most characters */
void plot_title(struct plot *p, const char *title, bool one_seed); /* and what all figures set */

/* Range, unit and steps of the time axis, for points that are means of @bin samples. */
void plot_time_axis(struct plot *p, size_t time_col, double bin);

/* The finite numbers of a column; INFINITY and -INFINITY where there are none. */
void plot_column_range(const struct plot *p, size_t col, double *lo, double *hi);

/* A step of 1, 2 or 5 times a power of ten that divides @span into at most @parts. */
double plot_nice_step(double span, double parts);

/* One function per figure: writes the numbers to p->dat, variables of the script to p->gp. */
int plot_prepare_compare(struct plot *p, struct err *err) must_check;
int plot_prepare_differences(struct plot *p, struct err *err) must_check;
int plot_prepare_utilization(struct plot *p, struct err *err) must_check;
int plot_prepare_fairness(struct plot *p, struct err *err) must_check;
int plot_prepare_shortfall(struct plot *p, struct err *err) must_check;
int plot_prepare_grants(struct plot *p, struct err *err) must_check;
int plot_prepare_validation(struct plot *p, struct err *err) must_check;

/* gnuplot.c: makes @name.@fmt of the script @name.gp in the folder; nothing of it stays on failure. */
int gnuplot_draw(const char *dir, const char *name, const char *fmt, struct err *err) must_check;

#endif
