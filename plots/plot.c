/*
 * See plot.h. A figure is a template and a function that writes its numbers as gnuplot blocks
 * ("index"), one per policy, VM or metric, the name in the first line. Everything that depends on
 * the data (range and unit of the time axis, scale of an index) is computed here and handed to the
 * template as variables, so that templates hold only looks. The templates are part of the binary:
 * make plots/plot.o depend on plots/?*.gp.
 */
#include "plots/plot.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plots/plot_parts.h"
#include "sim/core/mem.h"

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

#define LEGEND_CHARS 22
#define MAX_SEEDS    1000

struct figure {
	const char *name, *csv, *template, *caption;
	/* Writes plot->dat and the variables of the template to plot->gp. 0, 1 = nothing to draw,
	 * or a negative errno with @err set. */
	int (*prepare)(struct plot *plot, struct err *err);
};

const char *plot_text(const struct plot *p, size_t row, size_t col)
{
	return p->t.cell[row * p->t.ncols + col];
}

bool plot_is_of(const struct plot *p, size_t row, size_t policy)
{
	return strcmp(plot_text(p, row, p->policy_col), p->policy[policy]) == 0;
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
void plot_short_put(FILE *f, const char *name, size_t most)
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
	plot_short_put(f, name, LEGEND_CHARS);
	putc('"', f);
}

size_t plot_policy_find(const struct plot *p, const char *name)
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
		const char *name = plot_text(p, r, p->policy_col);
		const char *seed = plot_text(p, r, p->seed_col);
		if (strcmp(name, last_policy) != 0 && plot_policy_find(p, name) == SIZE_MAX) {
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

bool plot_in_series(const struct plot *p, size_t row, size_t policy)
{
	return strcmp(plot_text(p, row, p->seed_col), plot_text(p, 0, p->seed_col)) == 0 &&
	       plot_is_of(p, row, policy);
}

void plot_column_range(const struct plot *p, size_t col, double *lo, double *hi)
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

static const struct figure figures[] = {
	{"compare", "summary.csv", plot_compare_gp, "Key metrics by policy.", plot_prepare_compare},
	{"differences", "summary.csv", plot_differences_gp,
	 "Differences from the first policy, seed by seed, with 95 % intervals.",
	 plot_prepare_differences},
	{"utilization", "timeline.csv", plot_utilization_gp,
	 "Share of the capacity in use over time, by policy.", plot_prepare_utilization},
	{"fairness", "timeline.csv", plot_fairness_gp,
	 "How evenly VMs get what they are entitled to: Jain's index, and the VM that is worst "
	 "off.",
	 plot_prepare_fairness},
	{"shortfall_cdf", "vms.csv", plot_shortfall_cdf_gp,
	 "How many VMs went without how much of the CPU time they wanted.", plot_prepare_shortfall},
	{"grants", "vm_timeline.csv", plot_grants_gp,
	 "What single VMs wanted and were granted over time.", plot_prepare_grants},
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
		code = gnuplot_draw(p->dir, f->name, "png", err);
	if (code == 0 && strcmp(format, "png") != 0)
		code = gnuplot_draw(p->dir, f->name, "svg", err);
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
