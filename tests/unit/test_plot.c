/* Figures and reports from plausible result files: for few and many policies, seconds and days. */
#include "tests/temp_dir.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plots/csv.h"
#include "plots/plot.h"
#include "sim/cmd_plot.h"
#include "sim/cmd_report.h"
#include "sim/core/mem.h"

struct shape {
	int policies, seeds, vms;
	double span_s, step_s;
};

static struct csv *table(const char *name, const char *const *names, size_t n)
{
	struct csv *csv;

	assert_int_equal(csv_open(&csv, in_dir(name), "cotenant test", names, n, &err), 0);
	return csv;
}

/* Names that a template could trip over: quotes, underscores, spaces, and a long one. */
static void start_row(struct csv *csv, int policy, int seed)
{
	static const char *const names[] = {"equal", "max_min_x", "it's \"odd\" \\n {a}^b", "drf",
					    "a_name_that_is_longer_than_any_legend"};
	char name[64];

	snprintf(name, sizeof(name), "%s%.0d", names[policy % 5], policy / 5);
	csv_text(csv, name);
	csv_int(csv, seed + 1);
}

static void write_summary(const struct shape *s)
{
	static const char *const names[] = {"policy",        "seed",          "cpu_util",
					    "cpu_shortfall", "jain",          "energy_kwh",
					    "slowdown_mean", "disk_shortfall"};
	struct csv *csv = table("summary.csv", names, 8);

	for (int i = 0; i < s->policies * s->seeds; i++) {
		int p = i / s->seeds, seed = i % s->seeds;
		start_row(csv, p, seed);
		csv_real(csv, 0.5 + 0.01 * seed - 0.01 * p);
		csv_real(csv, 0.02 * p + 0.003 * seed);
		csv_real(csv, 1 - 0.03 * p);
		csv_real(csv, 100 + p);
		csv_real(csv, p ? 1.5 : NAN);
		csv_real(csv, 0);
		csv_end_row(csv);
	}
	assert_int_equal(csv_close(csv, &err), 0);
}

static void write_timeline(const struct shape *s)
{
	static const char *const names[] = {"policy",   "seed",      "time_s", "cpu_util",
					    "mem_util", "disk_util", "jain",   "worst"};
	struct csv *csv = table("timeline.csv", names, 8);

	for (int i = 0; i < s->policies * s->seeds; i++) {
		for (double t = s->step_s; t <= s->span_s; t += s->step_s) {
			double wave = 0.5 + 0.4 * sin(6.28 * t / s->span_s);
			start_row(csv, i / s->seeds, i % s->seeds);
			csv_real(csv, t);
			csv_real(csv, wave);
			csv_real(csv, 0.6);
			csv_real(csv, 0);
			csv_real(csv, 1 - 0.01 * i * wave);
			csv_real(csv, t > s->span_s / 2 ? NAN : 1 - 0.03 * i * wave);
			csv_end_row(csv);
		}
	}
	assert_int_equal(csv_close(csv, &err), 0);
}

static void write_vm_timeline(const struct shape *s)
{
	static const char *const names[] = {"policy", "seed",         "time_s",
					    "vm",     "cpu_want_mhz", "cpu_grant_mhz"};
	struct csv *csv = table("vm_timeline.csv", names, 6);

	for (int i = 0; i < s->policies * s->seeds; i++) {
		for (double t = s->step_s; t <= s->span_s; t += s->step_s) {
			for (int vm = 0; vm < s->vms; vm++) {
				double want = 1200 + 1200 * sin(6.28 * t / s->span_s + vm);
				start_row(csv, i / s->seeds, i % s->seeds);
				csv_real(csv, t);
				csv_int(csv, vm);
				csv_real(csv, want);
				csv_real(csv, fmin(want, 1900 - 100 * i));
				csv_end_row(csv);
			}
		}
	}
	assert_int_equal(csv_close(csv, &err), 0);
}

static void write_vms(const struct shape *s)
{
	static const char *const names[] = {"policy", "seed", "vm", "cpu_shortfall"};
	struct csv *csv = table("vms.csv", names, 4);

	for (int i = 0; i < s->policies * s->seeds; i++) {
		for (int vm = 0; vm < s->vms; vm++) {
			start_row(csv, i / s->seeds, i % s->seeds);
			csv_int(csv, vm);
			csv_real(csv, vm % 3 == 0 ? 0 : vm * 0.01);
			csv_end_row(csv);
		}
	}
	assert_int_equal(csv_close(csv, &err), 0);
}

/* A real run beside a simulated one: a row per VM and time, those of one VM together. */
static void write_validation(const struct shape *s)
{
	static const char *const names[] = {"policy", "seed", "vm",  "resource",
					    "time_s", "want", "sim", "real"};
	struct csv *csv = table("validation.csv", names, 8);

	for (int i = 0; i < s->policies * s->seeds; i++) {
		for (int vm = 0; vm < s->vms; vm++) {
			for (double t = s->step_s; t <= s->span_s; t += s->step_s) {
				double sim = 0.5 + 0.4 * sin(6.28 * t / s->span_s + vm);
				start_row(csv, i / s->seeds, i % s->seeds);
				csv_int(csv, vm);
				csv_text(csv, "cpu");
				csv_real(csv, t);
				csv_real(csv, 1);
				csv_real(csv, sim);
				csv_real(csv, sim + 0.01 * i);
				csv_end_row(csv);
				start_row(csv, i / s->seeds, i % s->seeds);
				csv_int(csv, vm);
				csv_text(csv, "disk");
				csv_real(csv, t);
				csv_real(csv, vm % 2 == 0 ? 0 : 4e6);
				csv_real(csv, vm % 2 == 0 ? 0 : 2e6);
				csv_real(csv, vm % 2 == 0 ? 0 : 2e6 - 1000);
				csv_end_row(csv);
			}
		}
	}
	assert_int_equal(csv_close(csv, &err), 0);
}

static void write_run(const struct shape *s)
{
	write_summary(s);
	write_timeline(s);
	write_vm_timeline(s);
	write_vms(s);
	write_validation(s);
}

static char *read_whole(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("%s is missing", path);
	fseek(f, 0, SEEK_END);
	*n = (size_t)ftell(f);
	rewind(f);
	char *text = malloc(*n + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, *n, f), *n);
	text[*n] = '\0';
	fclose(f);
	return text;
}

static void need_gnuplot(void)
{
	if (system("gnuplot --version > /dev/null 2>&1") != 0) {
		print_message("gnuplot is not installed\n");
		skip();
	}
}

/* Differences need two policies and pairs of seeds. */
static bool has_picture(const struct shape *s, const char *figure)
{
	return strcmp(figure, "differences") != 0 || (s->policies > 1 && s->seeds > 1);
}

static void expect_pictures(const struct shape *s)
{
	for (size_t i = 0; plot_name(i); i++) {
		char name[64];
		size_t n;
		if (!has_picture(s, plot_name(i)))
			continue;
		snprintf(name, sizeof(name), "plots/%s.png", plot_name(i));
		char *text = read_whole(in_dir(name), &n);
		assert_true(n > 5000 && memcmp(text, "\x89PNG", 4) == 0);
		free(text);
		snprintf(name, sizeof(name), "plots/%s.svg", plot_name(i));
		text = read_whole(in_dir(name), &n);
		assert_non_null(strstr(text, "</svg>"));
		free(text);
		snprintf(name, sizeof(name), "plots/%s.png.tmp", plot_name(i));
		assert_int_not_equal(access(in_dir(name), F_OK), 0);
	}
}

static void test_shapes(void **state)
{
	static const struct shape shapes[] = {
		{1, 1, 1, 60, 1},
		{2, 2, 3, 60, 0.5},
		{12, 2, 9, 86400, 1800},
		{45, 1, 2, 3e6, 3e5},
	};

	(void)state;
	need_gnuplot();
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		write_run(&shapes[i]);
		if (plot_dir(dir, "both", &err) < 0)
			fail_msg("%s", err.text);
		expect_pictures(&shapes[i]);
	}
	assert_int_equal(mem_live(), 0);
}

/* The same files give the same bytes, and a name keeps its underscores. */
static void test_same_bytes(void **state)
{
	static const struct shape shape = {2, 3, 3, 7200, 60};
	size_t n, m;

	(void)state;
	need_gnuplot();
	write_run(&shape);
	assert_int_equal(plot_dir(dir, "svg", &err), 0);
	char *first = read_whole(in_dir("plots/utilization.svg"), &n);
	assert_non_null(strstr(first, "max_min_x"));
	assert_non_null(strstr(first, "first of 3 seeds"));
	assert_non_null(strstr(first, "time (min)"));
	assert_int_equal(plot_dir(dir, "svg", &err), 0);
	char *second = read_whole(in_dir("plots/utilization.svg"), &m);
	assert_int_equal(n, m);
	assert_memory_equal(first, second, n);
	free(first);
	free(second);
}

static void test_report(void **state)
{
	static const struct shape shape = {3, 2, 3, 600, 10};
	size_t n;

	(void)state;
	need_gnuplot();
	write_run(&shape);
	FILE *f = fopen(in_dir("manifest.yaml"), "w");
	fputs("version: <1>\n", f);
	fclose(f);
	if (report_write(dir, &err) < 0)
		fail_msg("%s", err.text);
	char *text = read_whole(in_dir("report.html"), &n);
	assert_non_null(strstr(text, "3 policies, 2 seeds"));
	assert_non_null(strstr(text, "version: &lt;1&gt;"));
	assert_non_null(strstr(text, "data:image/svg+xml;base64,"));
	assert_non_null(strstr(text, "</html>"));
	free(text);
	assert_int_equal(mem_live(), 0);
}

static void test_bad_input(void **state)
{
	static const struct shape shape = {2, 1, 1, 60, 10};
	char *argv[] = {(char[]){"plot"}, dir, (char[]){"--format=gif"}, NULL};
	char *report[] = {(char[]){"report"}, NULL};

	(void)state;
	assert_int_equal(plot_dir(dir, "both", &err), -EINVAL);
	assert_non_null(strstr(err.text, "nothing to draw"));
	err_clear(&err);
	assert_int_equal(plot_dir(in_dir("none"), "both", &err), -EINVAL);
	assert_non_null(strstr(err.text, "No such file"));
	err_clear(&err);
	assert_int_equal(cmd_plot(3, argv, &err), -EINVAL);
	assert_non_null(strstr(err.text, "gif"));
	err_clear(&err);
	assert_int_equal(cmd_plot(1, argv, &err), -EINVAL);
	assert_int_equal(cmd_report(1, report, &err), -EINVAL);
	err_clear(&err);
	write_vms(&shape);
	rename(in_dir("vms.csv"), strcat(strcpy((char[80]){0}, dir), "/timeline.csv"));
	assert_int_equal(plot_dir(dir, "svg", &err), -EINVAL);
	assert_non_null(strstr(err.text, "timeline.csv: no column \"time_s\""));
	assert_int_not_equal(access(in_dir("plots/utilization.dat.tmp"), F_OK), 0);
	assert_int_equal(mem_live(), 0);
}

/* Without gnuplot the message says what to install. */
static void test_no_gnuplot(void **state)
{
	static const struct shape shape = {2, 1, 1, 60, 10};
	char *path = strdup(getenv("PATH"));

	(void)state;
	write_run(&shape);
	setenv("PATH", "/nonexistent", 1);
	int code = plot_dir(dir, "png", &err);
	setenv("PATH", path, 1);
	free(path);
	assert_int_equal(code, -ENOENT);
	assert_int_equal(err_exit_status(&err), 1);
	assert_non_null(strstr(err.text, "gnuplot-nox"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(test_shapes),    IN_DIR(test_same_bytes), IN_DIR(test_report),
		IN_DIR(test_bad_input), IN_DIR(test_no_gnuplot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
