/*
 * See plot.h. A figure is a template and a function that writes its numbers as gnuplot blocks
 * ("index"), one per policy, VM or metric, the name in the first line. Everything that depends on
 * the data (range and unit of the time axis, scale of an index) is computed here and handed to the
 * template as variables, so that templates hold only looks. The templates are part of the binary:
 * make plots/plot.o depend on plots/?*.gp.
 */
#include "plots/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plots/plot_parts.h"
#include "sim/core/mem.h"
#include "sim/core/stat.h"

#define EMBED(name)                                                             \
	__asm__(".pushsection .rodata\n"                                        \
		".globl plot_" #name "_gp\n.hidden plot_" #name "_gp\n"         \
		"plot_" #name "_gp:\n.incbin \"plots/" #name ".gp\"\n.byte 0\n" \
		".popsection\n");                                               \
	extern const char plot_##name##_gp[] __attribute__((visibility("hidden")))

EMBED(style);
EMBED(utilization);
EMBED(grants);
EMBED(fairness);
EMBED(shortfall_cdf);
EMBED(compare);
EMBED(differences);
EMBED(validation);

#define MAX_POINTS    600
#define MAX_VMS       8
#define MAX_GRANTS    4
#define LEGEND_CHARS  22
#define TITLE_CHARS   36
#define GNUPLOT_WORDS 2000
#define MAX_COLUMNS   8
#define MAX_SEEDS     1000

struct figure {
	const char *name, *csv, *template, *caption;
	/* Writes plot->dat and the variables of the template to plot->gp. 0, 1 = nothing to draw,
	 * or a negative errno with @err set. */
	int (*prepare)(struct plot *plot, struct err *err);
};

static const char *text_at(const struct plot *p, size_t row, size_t col)
{
	return p->t.cell[row * p->t.ncols + col];
}

static int column(const struct plot *p, const char *csv, const char *name, size_t *col,
		  struct err *err)
{
	*col = csv_column(&p->t, name);
	if (*col == SIZE_MAX)
		return err_input(err, "%s: no column \"%s\"", csv, name);
	return 0;
}

int plot_columns(const struct plot *p, const char *csv, const char *const *names, size_t *cols,
		 struct err *err)
{
	int code = 0;

	for (size_t i = 0; names[i] && code == 0; i++)
		code = column(p, csv, names[i], &cols[i], err);
	return code;
}

void plot_number(FILE *f, double v)
{
	char text[33];
	size_t n = csv_format(v, text);

	text[n] = '\0';
	fprintf(f, " %s", n > 0 ? text : "NaN");
}

static bool starts_char(char c)
{
	return (c & 0xc0) != 0x80;
}

/* A name for gnuplot; what would end or change it is replaced. Of one with more than @most characters (and
 * one) the beginning and the end are left: names that begin alike often end differently. */
static void put_short(FILE *f, const char *name, size_t most)
{
	size_t chars = 0, n = 0;

	for (const char *c = name; *c; c++)
		chars += starts_char(*c);
	bool cut = chars > most + 1;
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;
		n += starts_char(*name);
		if (cut && n > most / 2 && n + most - most / 2 <= chars) {
			if (n == most / 2 + 1 && starts_char(*name))
				putc('~', f);
			continue;
		}
		putc(c == '"' || c == '\\' || c == '\'' ? '_' : c < ' ' ? ' ' : c, f);
	}
}

void plot_name_put(FILE *f, const char *name)
{
	putc('"', f);
	put_short(f, name, LEGEND_CHARS);
	putc('"', f);
}

static size_t policy_find(const struct plot *p, const char *name)
{
	for (size_t i = 0; i < p->npolicies; i++) {
		if (strcmp(p->policy[i], name) == 0)
			return i;
	}
	return SIZE_MAX;
}

static void survey(struct plot *p)
{
	const char *seeds[MAX_SEEDS] = {NULL};
	const char *last_policy = "", *last_seed = "";

	for (size_t r = 0; r < p->t.nrows; r++) {
		const char *name = text_at(p, r, p->policy_col);
		const char *seed = text_at(p, r, p->seed_col);
		if (strcmp(name, last_policy) != 0 && policy_find(p, name) == SIZE_MAX) {
			if (p->npolicies < MAX_POLICIES)
				p->policy[p->npolicies++] = name;
			else
				p->policies_left_out++;
			size_t n = strlen(name);
			n = n > LEGEND_CHARS ? LEGEND_CHARS : n;
			p->name_chars = n > p->name_chars ? n : p->name_chars;
		}
		last_policy = name;
		if (strcmp(seed, last_seed) == 0)
			continue;
		last_seed = seed;
		size_t s = 0;
		while (s < p->nseeds && strcmp(seeds[s], seed) != 0)
			s++;
		if (s == p->nseeds && s < sizeof(seeds) / sizeof(seeds[0]))
			seeds[p->nseeds++] = seed;
	}
}

/* Ranges and names of the time axis: a unit that leaves two or three digits, a step that people
 * use. */
static void put_time_axis(struct plot *p, size_t time_col, double bin)
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

void plot_title(struct plot *p, const char *title, bool one_seed)
{
	fprintf(p->gp, "title = '%s", title);
	if (one_seed && p->nseeds > 1)
		fprintf(p->gp, ", first of %zu seeds", p->nseeds);
	if (!one_seed && p->nseeds > 1)
		fprintf(p->gp, ", %zu seeds", p->nseeds);
	if (p->policies_left_out > 0)
		fprintf(p->gp, ", first %zu policies", p->npolicies);
	fputs("'\n", p->gp);
	fprintf(p->gp, "policies = %zu\nname_chars = %zu\n", p->npolicies, p->name_chars);
	/* Room for a legend in one column. */
	if (p->npolicies > 20)
		fprintf(p->gp, "height = %zu\n", 90 + 25 * p->npolicies);
}

/* A block of means of @bin rows each: time, then @cols. Rows are taken if @match says so. */
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

static bool in_series(const struct plot *p, size_t row, size_t policy)
{
	return strcmp(text_at(p, row, p->seed_col), text_at(p, 0, p->seed_col)) == 0 &&
	       strcmp(text_at(p, row, p->policy_col), p->policy[policy]) == 0;
}

/* One block per policy; cols[0] is the time. */
static void put_series(struct plot *p, const size_t *cols, size_t ncols)
{
	size_t longest = 0;

	for (size_t i = 0; i < p->npolicies; i++) {
		size_t n = 0;
		for (size_t r = 0; r < p->t.nrows; r++)
			n += in_series(p, r, i);
		longest = n > longest ? n : longest;
	}
	struct bins b = {.size = 1 + (longest - 1) / MAX_POINTS};
	for (size_t i = 0; i < p->npolicies; i++) {
		plot_name_put(p->dat, p->policy[i]);
		putc('\n', p->dat);
		for (size_t r = 0; r < p->t.nrows; r++) {
			if (in_series(p, r, i))
				bins_add(p, &b, r, cols, ncols);
		}
		bins_put(p, &b, ncols);
		fputs("\n\n", p->dat);
	}
	put_time_axis(p, cols[0], (double)b.size);
	size_t points = (longest + b.size - 1) / b.size;
	fprintf(p->gp, "every = %zu\n", 1 + points / 7);
}

static void column_range(const struct plot *p, size_t col, double *lo, double *hi)
{
	*lo = INFINITY;
	*hi = -INFINITY;
	for (size_t r = 0; r < p->t.nrows; r++) {
		double v = csv_number(&p->t, r, col);
		if (isfinite(v)) {
			*lo = fmin(*lo, v);
			*hi = fmax(*hi, v);
		}
	}
}

double plot_nice_step(double span, double parts)
{
	double step = pow(10, floor(log10(span / parts)));

	if (step * parts >= span)
		return step;
	return step * 2 * parts >= span   ? step * 2
	       : step * 5 * parts >= span ? step * 5
					  : step * 10;
}

static int prepare_utilization(struct plot *p, struct err *err)
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
		column_range(p, cols[c + 1], &lo, &hi);
		/* Near the capacity the axis ends there; little use still fills its panel. */
		top[c] = hi > 0.5 ? fmax(104, 104 * hi) : hi > 0 ? 110 * hi : 1;
	}
	fprintf(p->gp, "array hi[3] = [%.9g, %.9g, %.9g]\n", top[0], top[1], top[2]);
	fprintf(p->gp, "array y_step[3] = [%.9g, %.9g, %.9g]\n", plot_nice_step(top[0], 5.2),
		plot_nice_step(top[1], 5.2), plot_nice_step(top[2], 5.2));
	return 0;
}

static int prepare_fairness(struct plot *p, struct err *err)
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
		column_range(p, cols[c], &lo, &hi);
		if (!(lo <= 1))
			lo = 0;
		/* The next tenth below what is seen, so that small differences stay visible. */
		fprintf(p->gp, "%.9g%s", lo > 0.9 ? floor(lo * 50 - 0.2) / 50 : floor(lo * 10) / 10,
			c < 2 ? ", " : "]\n");
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int prepare_shortfall(struct plot *p, struct err *err)
{
	size_t col;
	int code = column(p, "vms.csv", "cpu_shortfall", &col, err);
	double least, most;

	if (code < 0)
		return code;
	double *x = mem_alloc(p->t.nrows, sizeof(*x));
	if (!x)
		return err_nomem(err);
	column_range(p, col, &least, &most);
	most = most > 0 ? 103 * most : 1;
	plot_title(p, "CPU shortfall over VMs", false);
	for (size_t i = 0; i < p->npolicies; i++) {
		size_t n = 0;
		for (size_t r = 0; r < p->t.nrows; r++) {
			double v = csv_number(&p->t, r, col);
			if (isfinite(v) && strcmp(text_at(p, r, p->policy_col), p->policy[i]) == 0)
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
				if (isfinite(v) &&
				    strcmp(text_at(p, r, p->policy_col), p->policy[i]) == 0)
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

static int prepare_compare(struct plot *p, struct err *err)
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
		size_t i = policy_find(p, text_at(p, r, p->policy_col));
		if (i >= g->npolicies || !in_series(p, r, i))
			continue;
		size_t v = grants_vm(g, text_at(p, r, vm_col));
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
		put_short(p->gp, g->vm[v], TITLE_CHARS);
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

static int prepare_grants(struct plot *p, struct err *err)
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
	column_range(p, cols[1], &lo, &hi);
	double div = hi >= 1000 ? 1000 : 1;
	for (size_t v = 0; v < g.nvms; v++)
		longest = g.count[v][0] > longest ? g.count[v][0] : longest;
	size_t bin = 1 + (longest - 1) / MAX_POINTS;
	if (code == 0) {
		char title[80];
		snprintf(title, sizeof(title), "CPU demand and grant of %s%zu VM%s",
			 g.nvms == MAX_VMS ? "the first " : "", g.nvms, g.nvms == 1 ? "" : "s");
		p->policies_left_out += p->npolicies - g.npolicies;
		p->npolicies = g.npolicies;
		plot_title(p, title, true);
		put_time_axis(p, cols[0], (double)bin);
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

static const struct figure figures[] = {
	{"compare", "summary.csv", plot_compare_gp, "Key metrics by policy.", prepare_compare},
	{"differences", "summary.csv", plot_differences_gp,
	 "Differences from the first policy, seed by seed, with 95 % intervals.",
	 plot_prepare_differences},
	{"utilization", "timeline.csv", plot_utilization_gp,
	 "Share of the capacity in use over time, by policy.", prepare_utilization},
	{"fairness", "timeline.csv", plot_fairness_gp,
	 "How evenly VMs get what they are entitled to: Jain's index, and the VM that is worst "
	 "off.",
	 prepare_fairness},
	{"shortfall_cdf", "vms.csv", plot_shortfall_cdf_gp,
	 "How many VMs went without how much of the CPU time they wanted.", prepare_shortfall},
	{"grants", "vm_timeline.csv", plot_grants_gp,
	 "What single VMs wanted and were granted over time.", prepare_grants},
	{"validation", "validation.csv", plot_validation_gp,
	 "Real guests against the simulation, by resource: each step, and the first VMs over time.",
	 plot_prepare_validation},
};
#define FIGURES (sizeof(figures) / sizeof(figures[0]))

const char *plot_name(size_t i)
{
	return i < FIGURES ? figures[i].name : NULL;
}

const char *plot_caption(size_t i)
{
	return i < FIGURES ? figures[i].caption : NULL;
}

/* Reads what gnuplot says until it ends; returns its wait status, or a negative errno. */
static int gnuplot_finish(pid_t pid, int fd, char *words, size_t size)
{
	size_t n = 0;
	int status;
	char rest[256];

	for (;;) {
		bool full = n + 1 >= size;
		ssize_t got = read(fd, full ? rest : words + n, full ? sizeof(rest) : size - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += full ? 0 : (size_t)got;
	}
	while (n > 0 && (words[n - 1] == '\n' || words[n - 1] == ' '))
		n--;
	words[n] = '\0';
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return status;
}

static int gnuplot_spawn(const char *dir, char *const *argv, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	const char *path = getenv("PATH"), *home = getenv("HOME");
	char path_var[PATH_LENGTH], home_var[PATH_LENGTH], locale[] = "LC_ALL=C.UTF-8";
	char *env[] = {path_var, locale, home_var, NULL};

	snprintf(path_var, sizeof(path_var), "PATH=%s", path ? path : "/usr/bin:/bin");
	snprintf(home_var, sizeof(home_var), "HOME=%s", home ? home : "/");
	int code = posix_spawn_file_actions_init(&actions);
	if (code != 0)
		return -code;
	code = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(&actions, out, 2);
	if (code == 0)
		code = posix_spawn_file_actions_addchdir_np(&actions, dir);
	if (code == 0)
		code = posix_spawnp(pid, argv[0], &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	return -code;
}

static int gnuplot_run(const char *dir, const char *name, const char *fmt, struct err *err)
{
	char set[256], script[128], words[GNUPLOT_WORDS];
	char command[] = "gnuplot", no_defaults[] = "-d", execute[] = "-e";
	char *argv[] = {command, no_defaults, execute, set, script, NULL};
	int ends[2];
	pid_t pid = 0;

	snprintf(set, sizeof(set), "fmt='%s'; out='%s.%s.tmp'", fmt, name, fmt);
	snprintf(script, sizeof(script), "%s.gp", name);
	if (pipe2(ends, O_CLOEXEC) < 0) {
		int e = errno;
		return err_run(err, -e, "gnuplot: cannot make a pipe: %s", strerror(e));
	}
	int code = gnuplot_spawn(dir, argv, ends[1], &pid);
	close(ends[1]);
	if (code == 0)
		code = gnuplot_finish(pid, ends[0], words, sizeof(words));
	close(ends[0]);
	if (code == -ENOENT)
		return err_run(
			err, code,
			"gnuplot was not found; install it (Debian: apt install gnuplot-nox)");
	if (code < 0)
		return err_run(err, code, "gnuplot: cannot run it: %s", strerror(-code));
	/* gnuplot complains on its output and may still exit with 0. */
	if (code != 0)
		return err_run(err, -EIO, "gnuplot failed on %s/%s: %s", dir, script, words);
	return 0;
}

static int draw(const char *dir, const char *name, const char *fmt, struct err *err)
{
	char tmp[PATH_LENGTH], path[PATH_LENGTH];
	struct stat st;

	if (snprintf(tmp, sizeof(tmp), "%s/%s.%s.tmp", dir, name, fmt) >= (int)sizeof(tmp))
		return err_input(err, "%s: the path is too long", dir);
	memcpy(path, tmp, sizeof(path));
	path[strlen(path) - strlen(".tmp")] = '\0';
	int code = gnuplot_run(dir, name, fmt, err);
	if (code == 0 && (stat(tmp, &st) < 0 || st.st_size == 0))
		code = err_run(err, -EIO, "%s: gnuplot wrote nothing", path);
	if (code == 0 && rename(tmp, path) < 0) {
		int e = errno;
		code = err_run(err, -e, "%s: cannot write: %s", path, strerror(e));
	}
	if (code < 0)
		unlink(tmp);
	return code;
}

static FILE *open_tmp(struct plot *p, const char *name, const char *ending, struct err *err)
{
	char path[PATH_LENGTH + 64];

	snprintf(path, sizeof(path), "%s/%s.%s.tmp", p->dir, name, ending);
	FILE *f = fopen(path, "we");
	if (!f) {
		int e = errno;
		err_run(err, -e, "%s: cannot create: %s", path, strerror(e));
	}
	return f;
}

/* Closes and renames if @code is 0, removes otherwise; returns the first error. */
static int close_tmp(struct plot *p, FILE *f, const char *name, const char *ending, int code,
		     struct err *err)
{
	char tmp[PATH_LENGTH + 64], path[PATH_LENGTH + 64];

	if (!f)
		return code;
	snprintf(tmp, sizeof(tmp), "%s/%s.%s.tmp", p->dir, name, ending);
	snprintf(path, sizeof(path), "%s/%s.%s", p->dir, name, ending);
	bool bad = ferror(f) != 0;
	bad |= fclose(f) != 0;
	if (code == 0 && (bad || rename(tmp, path) < 0)) {
		int e = errno ? errno : EIO;
		code = err_run(err, -e, "%s: cannot write: %s", path, strerror(e));
	}
	if (code != 0)
		unlink(tmp);
	return code;
}

static int write_script(struct plot *p, const struct figure *f, struct err *err)
{
	fprintf(p->gp, "# cotenant %s: %s\nname = '%s'\ndata = '%s.dat'\n", COTENANT_VERSION,
		f->caption, f->name, f->name);
	fprintf(p->dat, "# cotenant %s: from %s\n", COTENANT_VERSION, f->csv);
	int code = f->prepare(p, err);
	if (code == 0)
		fprintf(p->gp, "\n%s\n%s", plot_style_gp, f->template);
	return code;
}

/* 0 = drawn, 1 = nothing to draw. */
static int make_figure(struct plot *p, const struct figure *f, const char *path, const char *format,
		       struct err *err)
{
	int code = csv_read(&p->t, path, err);

	if (code < 0)
		return code;
	code = column(p, path, "policy", &p->policy_col, err);
	if (code == 0)
		code = column(p, path, "seed", &p->seed_col, err);
	if (code == 0 && p->t.nrows == 0)
		code = 1;
	if (code == 0) {
		survey(p);
		p->dat = open_tmp(p, f->name, "dat", err);
		p->gp = p->dat ? open_tmp(p, f->name, "gp", err) : NULL;
		code = p->gp ? write_script(p, f, err) : err->code;
		code = close_tmp(p, p->dat, f->name, "dat", code, err);
		code = close_tmp(p, p->gp, f->name, "gp", code, err);
	}
	csv_table_free(&p->t);
	if (code == 0 && strcmp(format, "svg") != 0)
		code = draw(p->dir, f->name, "png", err);
	if (code == 0 && strcmp(format, "png") != 0)
		code = draw(p->dir, f->name, "svg", err);
	return code;
}

/* No picture of an earlier run stays beside those of this one. */
static void remove_old(const char *dir, const char *name)
{
	static const char *const endings[] = {"dat", "gp", "png", "svg"};
	char path[PATH_LENGTH + 64];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s.%s", dir, name, endings[i]);
		unlink(path);
	}
}

static int make_folder(const char *dir, char *plots, struct err *err)
{
	struct stat st;
	int e = stat(dir, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;

	if (e != 0)
		return err_input(err, "%s: %s (the folder that `cotenant run -o` wrote is wanted)",
				 dir, strerror(e));
	if (snprintf(plots, PATH_LENGTH - 64, "%s/plots", dir) >= PATH_LENGTH - 64)
		return err_input(err, "%s: the path is too long", dir);
	if (mkdir(plots, 0777) < 0 && errno != EEXIST) {
		e = errno;
		return err_run(err, -e, "%s: cannot create: %s", plots, strerror(e));
	}
	return 0;
}

int plot_dir(const char *dir, const char *format, struct err *err)
{
	char plots[PATH_LENGTH], path[PATH_LENGTH];
	size_t drawn = 0;

	if (strcmp(format, "png") != 0 && strcmp(format, "svg") != 0 && strcmp(format, "both") != 0)
		return err_input(err, "--format %s: not a format (png, svg or both)", format);
	int code = make_folder(dir, plots, err);
	if (code < 0)
		return code;
	struct plot *p = mem_alloc(1, sizeof(*p));
	if (!p)
		return err_nomem(err);
	for (size_t i = 0; i < FIGURES && code >= 0; i++) {
		remove_old(plots, figures[i].name);
		snprintf(path, sizeof(path), "%.*s/%s", PATH_LENGTH - 64, dir, figures[i].csv);
		if (access(path, F_OK) < 0)
			continue;
		memset(p, 0, sizeof(*p));
		memcpy(p->dir, plots, sizeof(plots));
		code = make_figure(p, &figures[i], path, format, err);
		drawn += code == 0;
	}
	mem_free(p);
	if (drawn == 0)
		(void)rmdir(plots); /* unless it holds something else */
	if (code >= 0 && drawn == 0)
		return err_input(err,
				 "%s: nothing to draw: no summary.csv, timeline.csv, vms.csv or "
				 "validation.csv "
				 "with rows in it",
				 dir);
	return code < 0 ? code : 0;
}
