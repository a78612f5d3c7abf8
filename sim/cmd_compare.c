/*
 * See cmd_compare.h. summary.csv has one row per run; here runs become samples of a policy, and a
 * table of metrics says which way each is better and how it is shown. Means are of the runs that
 * have a value. Comparisons are paired by seed, because runs of one seed share their random numbers
 * (Jain 1991, 13.4).
 */
#include "sim/cmd_compare.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "plots/csv.h"
#include "sim/compare_runs.h"
#include "sim/core/mem.h"

#define MAX_LINES      40
#define MAX_WIDTH      100
#define MAX_ROWS       12
#define MAX_ROWS_ALONE 30 /* in a table that is the only block */
#define MAX_BLOCKS     2
#define NAME_WIDTH     22
#define GAP            2

struct metric {
	const char *column, *title, *unit;
	double scale;
	int better; /* +1 more is better, -1 less is */
};

/* In order of importance: the last ones give way when the terminal is too narrow. */
static const struct metric metrics[] = {
	{"cpu_util", "cpu util", "%", 100, 1},
	{"cpu_shortfall", "cpu short", "%", 100, -1},
	{"mem_shortfall", "mem short", "%", 100, -1},
	{"disk_shortfall", "disk short", "%", 100, -1},
	{"jain", "jain", "", 1, 1},
	{"worst", "worst", "", 1, 1},
	{"slowdown_mean", "slowdown", "", 1, -1},
	{"response_p95_s", "p95 resp", "s", 1, -1},
	{"energy_kwh", "energy", "kWh", 1, -1},
	{"carbon_g", "carbon", "kg", 1e-3, -1},
	{"migrations", "migrations", "", 1, -1},
	{"slav", "slav", "e-5", 1e5, -1},
	{"overall_slav", "overall", "%", 100, -1},
	{"shutdowns", "shutdowns", "", 1, -1},
	{"gini", "gini", "", 1, -1},
	{"envy", "envy", "", 1, -1},
	{"steal_s", "steal", "s", 1, -1},
	{"stall_s", "stall", "s", 1, -1},
	{"completed", "completed", "", 1, 1},
	{"rejected", "rejected", "", 1, -1},
	{"oom_kills", "oom kills", "", 1, -1},
};
#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

struct cell {
	struct stat_ci ci; /* scaled as it is shown */
	bool known, marked;
	char text[64];
};

struct comparison {
	struct compare_runs *runs;
	size_t base;        /* policy index, SIZE_MAX: none */
	struct cell *cells; /* npolicies * METRICS */
	size_t width[METRICS];
	bool shown[METRICS];
};

static struct cell *cell_at(const struct comparison *c, size_t p, size_t m)
{
	return &c->cells[p * METRICS + m];
}

static void summarize_cell(struct comparison *c, size_t p, size_t m)
{
	struct cell *cell = cell_at(c, p, m);
	bool paired = c->base != SIZE_MAX && p != c->base;
	size_t n, col = csv_column(&c->runs->table, metrics[m].column);

	cell->ci = paired ? compare_paired(c->runs, p, c->base, col, &n)
			  : compare_mean(c->runs, p, col, &n);
	cell->known = n > 0;
	cell->ci.mean *= metrics[m].scale;
	cell->ci.half *= metrics[m].scale;
}

/* Decimals such that the largest value of a column shows four digits. */
static int decimals_for(double largest)
{
	int d = 3;

	for (double limit = 10; largest >= limit && d > 0; limit *= 10)
		d--;
	for (double limit = 0.1; largest > 0 && largest < limit && d < 6; limit /= 10)
		d++;
	return d;
}

/* More of them, up to two, where the smallest interval would show as 0. */
static int decimals_for_half(const struct comparison *c, size_t m, int decimals)
{
	double least = INFINITY;
	int d = decimals;

	for (size_t p = 0; p < c->runs->npolicies; p++) {
		const struct cell *cell = cell_at(c, p, m);
		if (cell->known && cell->ci.half > 0)
			least = fmin(least, cell->ci.half);
	}
	while (d < decimals + 2 && d < 6 && least * pow(10, d) < 1)
		d++;
	return d;
}

static bool all_whole(const struct comparison *c, size_t m)
{
	for (size_t p = 0; p < c->runs->npolicies; p++) {
		const struct cell *cell = cell_at(c, p, m);
		if (cell->known && (cell->ci.mean != floor(cell->ci.mean) || cell->ci.half > 0))
			return false;
	}
	return true;
}

/* The display width of UTF-8 text. */
static size_t display_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void print_cell(const struct comparison *c, size_t p, size_t m, int decimals)
{
	struct cell *cell = cell_at(c, p, m);
	bool paired = c->base != SIZE_MAX && p != c->base;
	double largest = fabs(cell->ci.mean);
	char number[32];

	if (!cell->known) {
		strcpy(cell->text, "-");
		return;
	}
	if (largest >= 1e8) {
		snprintf(number, sizeof(number), paired ? "%+.3e" : "%.3e", cell->ci.mean);
		decimals = -1;
	} else {
		double unit = pow(10, -decimals);
		double v = largest < unit / 2 ? 0 : cell->ci.mean; /* never "-0.00" */
		snprintf(number, sizeof(number), paired ? "%+.*f" : "%.*f", decimals, v);
	}
	if (isnan(cell->ci.half))
		snprintf(cell->text, sizeof(cell->text), "%s", number);
	else if (decimals < 0)
		snprintf(cell->text, sizeof(cell->text), "%s±%.0e", number, cell->ci.half);
	else
		snprintf(cell->text, sizeof(cell->text), "%s±%.*f", number, decimals,
			 cell->ci.half);
}

/* The part of a cell's text that stands for its mean. */
static bool same_mean(const struct cell *a, const struct cell *b)
{
	size_t n = strcspn(a->text, "\xc2");

	return n == strcspn(b->text, "\xc2") && memcmp(a->text, b->text, n) == 0;
}

static void mark_best(struct comparison *c, size_t m)
{
	struct cell *best = NULL;
	bool differ = false;

	for (size_t p = 0; p < c->runs->npolicies; p++) {
		struct cell *cell = cell_at(c, p, m);
		if (!cell->known)
			continue;
		differ |= best && !same_mean(best, cell);
		if (!best || (cell->ci.mean - best->ci.mean) * metrics[m].better > 0)
			best = cell;
	}
	for (size_t p = 0; differ && p < c->runs->npolicies; p++) {
		struct cell *cell = cell_at(c, p, m);
		cell->marked = cell->known && same_mean(cell, best);
	}
}

static void mark_significant(struct comparison *c, size_t m)
{
	for (size_t p = 0; p < c->runs->npolicies; p++) {
		struct cell *cell = cell_at(c, p, m);
		if (p != c->base && cell->known)
			cell->marked = fabs(cell->ci.mean) > cell->ci.half;
	}
}

static void summarize_metric(struct comparison *c, size_t m)
{
	double largest = 0;
	size_t width = display_width(metrics[m].title) + 1;

	for (size_t p = 0; p < c->runs->npolicies; p++) {
		summarize_cell(c, p, m);
		if (cell_at(c, p, m)->known)
			largest = fmax(largest, fabs(cell_at(c, p, m)->ci.mean));
	}
	c->shown[m] = largest > 0;
	int decimals = all_whole(c, m) ? 0 : decimals_for_half(c, m, decimals_for(largest));
	for (size_t p = 0; p < c->runs->npolicies; p++) {
		print_cell(c, p, m, decimals);
		size_t w = display_width(cell_at(c, p, m)->text) + 1; /* the mark */
		width = w > width ? w : width;
	}
	c->width[m] = width + GAP;
	if (c->base == SIZE_MAX)
		mark_best(c, m);
	else
		mark_significant(c, m);
}

/* The baseline's index, or SIZE_MAX where there is none. */
static int find_baseline(const struct compare_runs *runs, const char *baseline, const char *dir,
			 size_t *base, struct err *err)
{
	char names[512] = "";
	size_t len = 0;

	*base = baseline ? compare_runs_policy(runs, baseline) : SIZE_MAX;
	if (!baseline || *base != SIZE_MAX)
		return 0;
	for (size_t p = 0; p < runs->npolicies && len < sizeof(names); p++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", p ? ", " : "",
					runs->policy[p]);
	return err_input(err, "--baseline %s: %s/summary.csv has no such policy (it has: %s)",
			 baseline, dir, names);
}

static int comparison_init(struct comparison *c, struct compare_runs *runs, size_t base,
			   struct err *err)
{
	*c = (struct comparison){.runs = runs, .base = base};
	c->cells = mem_alloc(runs->npolicies * METRICS, sizeof(*c->cells));
	if (!c->cells)
		return err_nomem(err);
	for (size_t m = 0; m < METRICS; m++)
		summarize_metric(c, m);
	return 0;
}

/* Right-aligned @text of display width @w; the mark takes the last column. */
static void put_right(FILE *out, const char *text, char mark, size_t width, const char *colour)
{
	size_t w = display_width(text) + 1;

	fprintf(out, "%*s%s%s%c%s", (int)(width > w ? width - w : 0), "", colour, text, mark,
		*colour ? "\033[0m" : "");
}

/* Left-aligned, cut to NAME_WIDTH. */
static void put_name(FILE *out, const char *name, size_t width)
{
	size_t w = display_width(name);

	if (w > NAME_WIDTH) {
		size_t n = 0, columns = 0;
		for (; columns < NAME_WIDTH - 1 || ((unsigned char)name[n] & 0xc0) == 0x80; n++)
			columns += ((unsigned char)name[n] & 0xc0) != 0x80;
		fprintf(out, "%.*s~", (int)n, name);
		w = NAME_WIDTH;
	} else {
		fputs(name, out);
	}
	fprintf(out, "%*s", (int)(width - w), "");
}

static const char *colour_of(const struct comparison *c, const struct cell *cell, size_t m)
{
	if (c->base == SIZE_MAX || cell->ci.mean * metrics[m].better > 0)
		return "\033[1;32m";
	return "\033[1;31m";
}

static void print_row(const struct comparison *c, size_t p, const size_t *cols, size_t name_width,
		      FILE *out, bool colour)
{
	put_name(out, c->runs->policy[p], name_width);
	for (; *cols < METRICS; cols++) {
		const struct cell *cell = cell_at(c, p, *cols);
		char mark = cell->marked ? c->base == SIZE_MAX ? '*' : '!' : ' ';
		put_right(out, cell->text, mark, c->width[*cols],
			  colour && cell->marked ? colour_of(c, cell, *cols) : "");
	}
	putc('\n', out);
}

static void print_block(const struct comparison *c, const size_t *cols, size_t rows,
			size_t name_width, FILE *out, bool colour)
{
	put_name(out, "policy", name_width);
	for (const size_t *m = cols; *m < METRICS; m++)
		put_right(out, metrics[*m].title, ' ', c->width[*m], "");
	putc('\n', out);
	put_name(out, "", name_width);
	for (const size_t *m = cols; *m < METRICS; m++)
		put_right(out, metrics[*m].unit, ' ', c->width[*m], "");
	putc('\n', out);
	for (size_t p = 0; p < rows; p++)
		print_row(c, p, cols, name_width, out, colour);
	/* The baseline is worth a line even if it comes late. */
	if (c->base != SIZE_MAX && c->base >= rows)
		print_row(c, c->base, cols, name_width, out, colour);
}

/* Takes metrics for one line of MAX_WIDTH, ending the list with METRICS; returns where to go on. */
static size_t take_columns(const struct comparison *c, size_t m, size_t name_width, size_t *cols)
{
	size_t used = name_width, n = 0;

	for (; m < METRICS; m++) {
		if (!c->shown[m])
			continue;
		if (n > 0 && used + c->width[m] > MAX_WIDTH)
			break;
		used += c->width[m];
		cols[n++] = m;
	}
	cols[n] = METRICS;
	return m;
}

/* How the columns fall into blocks. */
struct layout {
	size_t cols[MAX_BLOCKS][METRICS + 1];
	size_t blocks, hidden, name_width, rows;
};

static void lay_out(const struct comparison *c, size_t most_blocks, size_t most_rows,
		    struct layout *l)
{
	size_t m = 0;

	*l = (struct layout){.name_width = strlen("policy")};
	for (size_t p = 0; p < c->runs->npolicies; p++) {
		size_t w = display_width(c->runs->policy[p]);
		w = w > NAME_WIDTH ? NAME_WIDTH : w;
		l->name_width = w > l->name_width ? w : l->name_width;
	}
	while (l->blocks < most_blocks && m < METRICS) {
		m = take_columns(c, m, l->name_width, l->cols[l->blocks]);
		l->blocks += l->cols[l->blocks][0] < METRICS;
	}
	for (; m < METRICS; m++)
		l->hidden += c->shown[m];
	l->rows = c->runs->npolicies < most_rows ? c->runs->npolicies : most_rows;
}

static void print_blocks(const struct comparison *c, const struct layout *l, FILE *out, bool colour)
{
	for (size_t b = 0; b < l->blocks; b++) {
		putc('\n', out);
		print_block(c, l->cols[b], l->rows, l->name_width, out, colour);
	}
}

static void print_notes(const struct comparison *c, const struct layout *l, FILE *out)
{
	size_t n = c->runs->nseeds;

	if (c->base == SIZE_MAX)
		fprintf(out, "* best%s\n", n > 1 ? "; ± half width of the 95 % interval" : "");
	else if (n > 1)
		fprintf(out,
			"%.*s: means; others: difference from it by seed, n = %zu; ! = 95 %% "
			"interval excludes 0\n",
			NAME_WIDTH, c->runs->policy[c->base], n);
	else
		fprintf(out, "%.*s: means; others: difference from it; one seed, no interval\n",
			NAME_WIDTH, c->runs->policy[c->base]);
	if (l->rows < c->runs->npolicies)
		fprintf(out, "%zu more policies are in summary.csv.\n",
			c->runs->npolicies - l->rows);
	if (l->hidden > 0)
		fprintf(out, "%zu more metrics are in summary.csv.\n", l->hidden);
}

static void print_title(const struct compare_runs *runs, FILE *out)
{
	fprintf(out, "%zu %s, %zu seed%s\n", runs->npolicies,
		runs->npolicies == 1 ? "policy" : "policies", runs->nseeds,
		runs->nseeds == 1 ? "" : "s");
}

/* Lines of two tables of @blocks blocks each, and all that stands around them. */
#define LINES(blocks, rows) (1 + 2 * (blocks) * (3 + (rows)) + 4)
_Static_assert(1 + MAX_BLOCKS * (3 + MAX_ROWS + 1) + 3 <= MAX_LINES, "too many lines");
_Static_assert(1 + 3 + MAX_ROWS_ALONE + 1 + 3 <= MAX_LINES, "too many lines");
_Static_assert(LINES(1, MAX_ROWS) <= MAX_LINES, "too many lines");

static int print_one(struct compare_runs *runs, size_t base, FILE *out, bool colour,
		     struct err *err)
{
	struct comparison c;
	struct layout layout;
	int rc = comparison_init(&c, runs, base, err);

	if (rc < 0)
		return rc;
	/* Many policies are worth more than the last metrics. */
	bool many = runs->npolicies > MAX_ROWS;
	lay_out(&c, many ? 1 : MAX_BLOCKS, many ? MAX_ROWS_ALONE : MAX_ROWS, &layout);
	print_title(runs, out);
	print_blocks(&c, &layout, out, colour);
	print_notes(&c, &layout, out);
	mem_free(c.cells);
	return 0;
}

/* Means, and below them the differences from the first policy: with several seeds means alone do not
 * show which policies differ. */
static int print_both(struct compare_runs *runs, FILE *out, bool colour, struct err *err)
{
	struct comparison means, pairs = {.cells = NULL};
	struct layout layout;
	int rc = comparison_init(&means, runs, SIZE_MAX, err);

	if (rc == 0)
		rc = comparison_init(&pairs, runs, 0, err);
	if (rc == 0) {
		size_t rows = runs->npolicies < MAX_ROWS ? runs->npolicies : MAX_ROWS;
		size_t blocks = LINES(MAX_BLOCKS, rows) <= MAX_LINES ? MAX_BLOCKS : 1;
		lay_out(&means, blocks, MAX_ROWS, &layout);
		print_title(runs, out);
		print_blocks(&means, &layout, out, colour);
		fputs("* best; ± half width of the 95 % interval\n", out);
		lay_out(&pairs, blocks, MAX_ROWS, &layout);
		print_blocks(&pairs, &layout, out, colour);
		print_notes(&pairs, &layout, out);
	}
	mem_free(means.cells);
	mem_free(pairs.cells);
	return rc;
}

static int print_runs(struct compare_runs *runs, const char *dir, const char *baseline, FILE *out,
		      bool colour, struct err *err)
{
	size_t base;
	int rc = find_baseline(runs, baseline, dir, &base, err);

	if (rc < 0)
		return rc;
	if (!baseline && runs->nseeds > 1 && runs->npolicies > 1)
		rc = print_both(runs, out, colour, err);
	else
		rc = print_one(runs, base, out, colour, err);
	if (rc == 0 && (fflush(out) != 0 || ferror(out))) {
		int e = errno ? errno : EIO;
		return err_run(err, -e, "cannot write the comparison: %s", strerror(e));
	}
	return rc;
}

int compare_print(const char *dir, const char *baseline, FILE *out, bool colour, struct err *err)
{
	struct compare_runs runs;
	int rc = compare_runs_read(&runs, dir, err);

	if (rc == 0)
		rc = print_runs(&runs, dir, baseline, out, colour, err);
	compare_runs_free(&runs);
	return rc;
}

const char cmd_compare_usage[] = "usage: cotenant compare DIR [--baseline POLICY] [--csv]";

int cmd_compare(int argc, char **argv, struct err *err)
{
	const char *dir = NULL, *baseline = NULL;
	struct compare_runs runs;
	bool csv = false;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--baseline=", 11) == 0)
			baseline = argv[i] + 11;
		else if (strcmp(argv[i], "--baseline") == 0 && i + 1 < argc)
			baseline = argv[++i];
		else if (strcmp(argv[i], "--csv") == 0)
			csv = true;
		else if (argv[i][0] == '-' || dir)
			return err_input(err, "compare: unexpected argument %s (%s)", argv[i],
					 cmd_compare_usage);
		else
			dir = argv[i];
	}
	if (!dir)
		return err_input(err, "compare: a folder is missing (%s)", cmd_compare_usage);
	int rc = compare_runs_read(&runs, dir, err);
	if (rc == 0)
		rc = print_runs(&runs, dir, baseline, stdout, isatty(STDOUT_FILENO), err);
	if (rc == 0 && csv)
		rc = compare_write(&runs, dir, err);
	compare_runs_free(&runs);
	return rc;
}
