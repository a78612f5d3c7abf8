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
#include "sim/core/mem.h"
#include "sim/core/stat.h"

#define MAX_LINES  40
#define MAX_WIDTH  100
#define MAX_ROWS   12
#define MAX_BLOCKS 2
#define NAME_WIDTH 22
#define GAP        2
#define LEVEL      0.95

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
	{"migrations", "migrations", "", 1, -1},
	{"slav", "slav", "e-5", 1e5, -1},
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
	struct csv_table table;
	size_t policy_col, seed_col, col[METRICS];
	const char **policy;
	size_t npolicies, nseeds;
	size_t base;        /* policy index, SIZE_MAX without baseline */
	struct cell *cells; /* npolicies * METRICS */
	size_t width[METRICS];
	bool shown[METRICS];
	double *a, *b; /* one sample per row of the table, at most */
};

static const char *cell_text(const struct comparison *c, size_t row, size_t col)
{
	return c->table.cell[row * c->table.ncols + col];
}

static size_t policy_find(const struct comparison *c, const char *name)
{
	for (size_t p = 0; p < c->npolicies; p++) {
		if (strcmp(c->policy[p], name) == 0)
			return p;
	}
	return SIZE_MAX;
}

static struct cell *cell_at(const struct comparison *c, size_t p, size_t m)
{
	return &c->cells[p * METRICS + m];
}

static double value_at(const struct comparison *c, size_t row, size_t m)
{
	if (c->col[m] == SIZE_MAX)
		return NAN;
	return csv_number(&c->table, row, c->col[m]) * metrics[m].scale;
}

/* The value that @policy has for the seed of @row; NAN if it was not run. */
static double value_of_seed(const struct comparison *c, size_t policy, size_t row, size_t m)
{
	const char *seed = cell_text(c, row, c->seed_col);

	for (size_t r = 0; r < c->table.nrows; r++) {
		if (strcmp(cell_text(c, r, c->seed_col), seed) == 0 &&
		    strcmp(cell_text(c, r, c->policy_col), c->policy[policy]) == 0)
			return value_at(c, r, m);
	}
	return NAN;
}

static void summarize_cell(struct comparison *c, size_t p, size_t m)
{
	struct cell *cell = cell_at(c, p, m);
	bool paired = c->base != SIZE_MAX && p != c->base;
	size_t n = 0;

	for (size_t r = 0; r < c->table.nrows; r++) {
		if (strcmp(cell_text(c, r, c->policy_col), c->policy[p]) != 0)
			continue;
		c->a[n] = value_at(c, r, m);
		c->b[n] = paired ? value_of_seed(c, c->base, r, m) : 0;
		n += isfinite(c->a[n]) && isfinite(c->b[n]);
	}
	if (n == 0)
		return;
	cell->known = true;
	cell->ci = paired ? stat_ci_paired(c->a, c->b, n, LEVEL) : stat_ci_mean(c->a, n, LEVEL);
	if (n < 2)
		cell->ci.half = NAN;
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

static bool all_whole(const struct comparison *c, size_t m)
{
	for (size_t p = 0; p < c->npolicies; p++) {
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

	for (size_t p = 0; p < c->npolicies; p++) {
		struct cell *cell = cell_at(c, p, m);
		if (!cell->known)
			continue;
		differ |= best && !same_mean(best, cell);
		if (!best || (cell->ci.mean - best->ci.mean) * metrics[m].better > 0)
			best = cell;
	}
	for (size_t p = 0; differ && p < c->npolicies; p++) {
		struct cell *cell = cell_at(c, p, m);
		cell->marked = cell->known && same_mean(cell, best);
	}
}

static void mark_significant(struct comparison *c, size_t m)
{
	for (size_t p = 0; p < c->npolicies; p++) {
		struct cell *cell = cell_at(c, p, m);
		if (p != c->base && cell->known)
			cell->marked = fabs(cell->ci.mean) > cell->ci.half;
	}
}

static void summarize_metric(struct comparison *c, size_t m)
{
	double largest = 0;
	size_t width = display_width(metrics[m].title) + 1;

	for (size_t p = 0; p < c->npolicies; p++) {
		summarize_cell(c, p, m);
		if (cell_at(c, p, m)->known)
			largest = fmax(largest, fabs(cell_at(c, p, m)->ci.mean));
	}
	c->shown[m] = largest > 0;
	int decimals = all_whole(c, m) ? 0 : decimals_for(largest);
	for (size_t p = 0; p < c->npolicies; p++) {
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

static int find_columns(struct comparison *c, const char *path, struct err *err)
{
	c->policy_col = csv_column(&c->table, "policy");
	c->seed_col = csv_column(&c->table, "seed");
	if (c->policy_col == SIZE_MAX || c->seed_col == SIZE_MAX)
		return err_input(err, "%s: no column \"%s\"", path,
				 c->policy_col == SIZE_MAX ? "policy" : "seed");
	for (size_t m = 0; m < METRICS; m++)
		c->col[m] = csv_column(&c->table, metrics[m].column);
	if (c->table.nrows == 0)
		return err_input(err, "%s: no runs in it", path);
	return 0;
}

/* Policies and the number of seeds, in the order of the file. */
static int find_policies(struct comparison *c, struct err *err)
{
	size_t n = c->table.nrows;

	c->policy = mem_alloc(n, sizeof(*c->policy));
	c->a = mem_alloc(n + 1, sizeof(*c->a));
	c->b = mem_alloc(n + 1, sizeof(*c->b));
	if (!c->policy || !c->a || !c->b)
		return err_nomem(err);
	for (size_t r = 0; r < n; r++) {
		const char *name = cell_text(c, r, c->policy_col);
		const char *seed = cell_text(c, r, c->seed_col);
		size_t earlier = 0;
		if (policy_find(c, name) == SIZE_MAX)
			c->policy[c->npolicies++] = name;
		while (strcmp(cell_text(c, earlier, c->seed_col), seed) != 0)
			earlier++;
		c->nseeds += earlier == r;
	}
	c->cells = mem_alloc(c->npolicies * METRICS, sizeof(*c->cells));
	return c->cells ? 0 : err_nomem(err);
}

static int find_baseline(struct comparison *c, const char *baseline, const char *path,
			 struct err *err)
{
	char names[512] = "";
	size_t len = 0;

	c->base = SIZE_MAX;
	if (!baseline)
		return 0;
	c->base = policy_find(c, baseline);
	if (c->base != SIZE_MAX)
		return 0;
	for (size_t p = 0; p < c->npolicies && len < sizeof(names); p++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", p ? ", " : "",
					c->policy[p]);
	return err_input(err, "--baseline %s: %s has no such policy (it has: %s)", baseline, path,
			 names);
}

static void comparison_fini(struct comparison *c)
{
	mem_free(c->cells);
	mem_free(c->b);
	mem_free(c->a);
	mem_free(c->policy);
	csv_table_free(&c->table);
}

static int comparison_init(struct comparison *c, const char *dir, const char *baseline,
			   struct err *err)
{
	char path[4096];

	memset(c, 0, sizeof(*c));
	if (snprintf(path, sizeof(path), "%s/summary.csv", dir) >= (int)sizeof(path))
		return err_input(err, "%s: the path is too long", dir);
	if (access(path, F_OK) < 0)
		return err_input(err,
				 "%s: cannot read: %s (the folder that `cotenant run -o` "
				 "wrote is wanted)",
				 path, strerror(errno));
	int code = csv_read(&c->table, path, err);
	if (code == 0)
		code = find_columns(c, path, err);
	if (code == 0)
		code = find_policies(c, err);
	if (code == 0)
		code = find_baseline(c, baseline, path, err);
	for (size_t m = 0; code == 0 && m < METRICS; m++)
		summarize_metric(c, m);
	if (code < 0)
		comparison_fini(c);
	return code;
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
	put_name(out, c->policy[p], name_width);
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

static void print_notes(const struct comparison *c, size_t rows, size_t hidden, FILE *out)
{
	if (c->base != SIZE_MAX)
		fprintf(out, "%.*s: means; others: difference from it by seed; %s\n", NAME_WIDTH,
			c->policy[c->base],
			c->nseeds > 1 ? "! = 95 % interval excludes 0" : "one seed, no interval");
	else
		fprintf(out, "* best%s\n",
			c->nseeds > 1 ? "; ± half width of the 95 % interval" : "");
	if (rows < c->npolicies)
		fprintf(out, "%zu more policies are in summary.csv.\n", c->npolicies - rows);
	if (hidden > 0)
		fprintf(out, "%zu more metrics are in summary.csv.\n", hidden);
}

static void print_comparison(const struct comparison *c, FILE *out, bool colour)
{
	size_t cols[MAX_BLOCKS][METRICS + 1];
	size_t name_width = strlen("policy"), blocks = 0, m = 0, hidden = 0;

	for (size_t p = 0; p < c->npolicies; p++) {
		size_t w = display_width(c->policy[p]);
		w = w > NAME_WIDTH ? NAME_WIDTH : w;
		name_width = w > name_width ? w : name_width;
	}
	while (blocks < MAX_BLOCKS && m < METRICS) {
		m = take_columns(c, m, name_width, cols[blocks]);
		blocks += cols[blocks][0] < METRICS;
	}
	for (; m < METRICS; m++)
		hidden += c->shown[m];
	size_t rows = c->npolicies < MAX_ROWS ? c->npolicies : MAX_ROWS;
	fprintf(out, "%zu %s, %zu seed%s\n", c->npolicies,
		c->npolicies == 1 ? "policy" : "policies", c->nseeds, c->nseeds == 1 ? "" : "s");
	for (size_t b = 0; b < blocks; b++) {
		putc('\n', out);
		print_block(c, cols[b], rows, name_width, out, colour);
	}
	print_notes(c, rows, hidden, out);
}
_Static_assert(1 + MAX_BLOCKS * (3 + MAX_ROWS + 1) + 3 <= MAX_LINES, "too many lines");

int compare_print(const char *dir, const char *baseline, FILE *out, bool colour, struct err *err)
{
	struct comparison c;
	int code = comparison_init(&c, dir, baseline, err);

	if (code < 0)
		return code;
	print_comparison(&c, out, colour);
	comparison_fini(&c);
	if (fflush(out) != 0 || ferror(out)) {
		int e = errno ? errno : EIO;
		return err_run(err, -e, "cannot write the comparison: %s", strerror(e));
	}
	return 0;
}

int cmd_compare(int argc, char **argv, struct err *err)
{
	static const char usage[] = "usage: cotenant compare DIR [--baseline POLICY]";
	const char *dir = NULL, *baseline = NULL;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--baseline=", 11) == 0)
			baseline = argv[i] + 11;
		else if (strcmp(argv[i], "--baseline") == 0 && i + 1 < argc)
			baseline = argv[++i];
		else if (argv[i][0] == '-' || dir)
			return err_input(err, "compare: unexpected argument %s (%s)", argv[i],
					 usage);
		else
			dir = argv[i];
	}
	if (!dir)
		return err_input(err, "compare: a folder is missing (%s)", usage);
	return compare_print(dir, baseline, stdout, isatty(STDOUT_FILENO), err);
}
