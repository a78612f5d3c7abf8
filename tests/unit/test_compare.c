/* The comparison table: marks, intervals, what is dropped, and its size whatever the input. */
#include "tests/temp_dir.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/csv.h"
#include "sim/cmd_compare.h"
#include "sim/compare_runs.h"
#include "sim/core/mem.h"

static char path[128];

static int make_path(void **state)
{
	int rc = make_dir(state);

	snprintf(path, sizeof(path), "%s/summary.csv", dir);
	return rc;
}

/* @policies of @seeds each; policy p's jain is 0.8 + p/100 + noise that all policies share. */
static void write_summary(int policies, int seeds)
{
	static const char *const names[] = {"policy",  "seed",     "cpu_util",   "cpu_shortfall",
					    "jain",    "worst",    "energy_kwh", "slowdown_mean",
					    "steal_s", "rejected", "completed",  "response_p95_s",
					    "gini",    "envy",     "oom_kills"};
	size_t n = sizeof(names) / sizeof(names[0]);
	struct csv *csv;

	assert_int_equal(csv_open(&csv, path, "cotenant test", names, n, &err), 0);
	for (int p = 0; p < policies; p++) {
		for (int s = 0; s < seeds; s++) {
			char name[64];
			double noise = s % 3 * 0.01 + p * s * 1e-5;
			snprintf(name, sizeof(name), "policy_%d", p);
			csv_text(csv, name);
			csv_int(csv, s + 1);
			csv_real(csv, 0.5);
			csv_real(csv, 0.123 - p * 0.001 + noise);
			csv_real(csv, 0.8 + p * 0.01 + noise);
			csv_real(csv, 0.5 + noise);
			csv_real(csv, 1234.5 + p + noise);
			csv_real(csv, 1.5 + noise);
			csv_real(csv, 98765.4 + p + noise);
			csv_int(csv, p == 1);
			csv_int(csv, 1000 + p);
			csv_real(csv, 12.5 + noise + p);
			csv_real(csv, 0.01 + noise);
			csv_real(csv, 3 + noise);
			csv_int(csv, 0);
			csv_end_row(csv);
		}
	}
	assert_int_equal(csv_close(csv, &err), 0);
}

static char *printed(const char *baseline, bool colour)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	int code = compare_print(dir, baseline, f, colour, &err);
	if (code < 0)
		fail_msg("%s", err.text);
	fclose(f);
	return text;
}

static void expect_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("lacks \"%s\":\n%s", part, text);
}

static void expect_size(const char *text)
{
	size_t lines = 0, width = 0;

	for (; *text; text++) {
		if (*text == '\n') {
			assert_true(width <= 100);
			lines++;
			width = 0;
		} else {
			width += ((unsigned char)*text & 0xc0) != 0x80;
		}
	}
	assert_true(lines <= 40);
}

static void test_one_seed(void **state)
{
	(void)state;
	write_summary(2, 1);
	char *text = printed(NULL, false);
	expect_has(text, "2 policies, 1 seed\n");
	expect_has(text, "0.810*"); /* jain, more is better */
	expect_has(text, "12.20*"); /* cpu shortfall in percent, less is better */
	expect_has(text, "50 ");    /* equal: no mark */
	assert_null(strstr(text, " 50*"));
	assert_null(strstr(text, "oom")); /* nothing but 0 */
	assert_null(strstr(text, "±"));
	expect_size(text);
	free(text);
	assert_int_equal(mem_live(), 0);
}

static void test_many(void **state)
{
	(void)state;
	for (int policies = 1; policies < 20; policies += 3) {
		write_summary(policies, 5);
		char *text = printed(NULL, false);
		expect_has(text, "±");
		expect_size(text);
		if (policies > 12)
			expect_has(text, "more policies");
		free(text);
		text = printed("policy_0", false);
		expect_size(text);
		free(text);
		if (policies > 12) {
			char last[16];
			snprintf(last, sizeof(last), "policy_%d", policies - 1);
			text = printed(last, false);
			expect_size(text);
			free(text);
		}
	}
}

static void test_baseline(void **state)
{
	(void)state;
	write_summary(3, 4);
	char *text = printed("policy_0", false);
	/* The shared noise cancels: a difference of 0.01 in jain is seen through noise of 0.01. */
	expect_has(text, "+0.0100");
	expect_has(text, "!");
	expect_has(text, "difference from it by seed");
	free(text);
	assert_int_equal(compare_print(dir, "nope", stdout, false, &err), -EINVAL);
	expect_has(err.text, "policy_0, policy_1, policy_2");
	text = printed(NULL, true);
	expect_has(text, "\033[1;32m");
	free(text);
}

static void write_h2(void)
{
	static const char *const names[] = {"policy", "seed", "energy_kwh"};
	static const double a[] = {5.4, 16.6, .6, 1.4, .6, 7.3},
			    b[] = {19.1, 3.5, 3.4, 2.5, 3.6, 1.7};
	struct csv *csv;

	assert_int_equal(csv_open(&csv, path, "cotenant test", names, 3, &err), 0);
	for (int i = 0; i < 12; i++) {
		/* Seeds of the two in different order: pairs are by seed. */
		int seed = i < 6 ? i : 11 - i;
		csv_text(csv, i < 6 ? "b" : "a");
		csv_int(csv, 10 + seed);
		csv_real(csv, i < 6 ? b[seed] : a[seed]);
		csv_end_row(csv);
	}
	assert_int_equal(csv_close(csv, &err), 0);
}

#define assert_is(A, B) assert_true(fabs((A) - (B)) <= 2e-9 * fabs((double)(B)))

/* H2 and H4 (Jain 1991): six pairs whose difference is not significant; and H1, by the half width of
 * each policy's mean. */
static void test_h2_h4_file(void **state)
{
	char *argv[] = {(char[]){"compare"}, dir, (char[]){"--csv"}, NULL};
	char file[160];
	struct csv_table t;

	(void)state;
	write_h2();
	assert_int_equal(cmd_compare(3, argv, &err), 0);
	snprintf(file, sizeof(file), "%s/comparison.csv", dir);
	assert_int_equal(csv_read(&t, file, &err), 0);
	assert_int_equal(t.nrows, 3);
	size_t row = 2;
	assert_string_equal(t.cell[row * t.ncols + csv_column(&t, "policy")], "a");
	assert_string_equal(t.cell[row * t.ncols + csv_column(&t, "baseline")], "b");
	assert_is(csv_number(&t, row, csv_column(&t, "n")), 6);
	assert_is(csv_number(&t, row, csv_column(&t, "difference")), -.316666667);
	assert_is(csv_number(&t, row, csv_column(&t, "difference_lo")), -.316666667 - 9.481095883);
	assert_is(csv_number(&t, row, csv_column(&t, "difference_hi")), -.316666667 + 9.481095883);
	assert_true(csv_number(&t, row, csv_column(&t, "significant")) == 0);
	assert_is(csv_number(&t, row, csv_column(&t, "unpaired_p")), .933550155);
	/* t.975 of 5 degrees of freedom, from tables: 2.570581836. */
	assert_is(csv_number(&t, row, csv_column(&t, "mean")), 31.9 / 6);
	double var = 0;
	for (int i = 0; i < 6; i++) {
		static const double a[] = {5.4, 16.6, .6, 1.4, .6, 7.3};
		var += (a[i] - 31.9 / 6) * (a[i] - 31.9 / 6) / 5;
	}
	assert_is(csv_number(&t, row, csv_column(&t, "half_width")), 2.570581836 * sqrt(var / 6));
	csv_table_free(&t);
	assert_int_equal(mem_live(), 0);
}

/* A shared noise ten times the difference: pairs show it, means do not; without a baseline the first
 * policy is it, below the means. */
static void test_pairs_see_more(void **state)
{
	static const char *const names[] = {"policy", "seed", "energy_kwh"};
	struct csv_table t;
	struct csv *csv;
	char file[160];

	(void)state;
	assert_int_equal(csv_open(&csv, path, "cotenant test", names, 3, &err), 0);
	for (int i = 0; i < 10; i++) {
		csv_text(csv, i < 5 ? "thr" : "iqr");
		csv_int(csv, i % 5);
		csv_real(csv, 200 + i * 7 % 5 * 4.5 + (i < 5 ? 2.8 : 0.1 * (i % 2)));
		csv_end_row(csv);
	}
	assert_int_equal(csv_close(csv, &err), 0);
	char *text = printed(NULL, false);
	expect_has(text, "* best; ±");
	expect_has(text, "difference from it by seed, n = 5");
	expect_has(text, "-2.74±0.07!");
	expect_has(text, "!");
	expect_size(text);
	free(text);
	struct compare_runs runs;
	assert_int_equal(compare_runs_read(&runs, dir, &err), 0);
	assert_int_equal(compare_write(&runs, dir, &err), 0);
	compare_runs_free(&runs);
	snprintf(file, sizeof(file), "%s/comparison.csv", dir);
	assert_int_equal(csv_read(&t, file, &err), 0);
	assert_true(csv_number(&t, 2, csv_column(&t, "significant")) == 1);
	assert_true(csv_number(&t, 2, csv_column(&t, "p")) < .001);
	assert_true(csv_number(&t, 2, csv_column(&t, "unpaired_p")) > .3);
	csv_table_free(&t);
}

static void test_bad_input(void **state)
{
	FILE *f;
	char *argv[] = {(char[]){"compare"}, (char[]){"--nope"}, NULL};

	(void)state;
	assert_int_equal(compare_print(dir, NULL, stdout, false, &err), -EINVAL);
	expect_has(err.text, "summary.csv: cannot read");
	err_clear(&err);
	f = fopen(path, "w");
	fputs("policy,jain\na,1\n", f);
	fclose(f);
	assert_int_equal(compare_print(dir, NULL, stdout, false, &err), -EINVAL);
	expect_has(err.text, "no column \"seed\"");
	err_clear(&err);
	f = fopen(path, "w");
	fputs("policy,seed,jain\n", f);
	fclose(f);
	assert_int_equal(compare_print(dir, NULL, stdout, false, &err), -EINVAL);
	expect_has(err.text, "no runs");
	err_clear(&err);
	assert_int_equal(cmd_compare(2, argv, &err), -EINVAL);
	assert_int_equal(cmd_compare(1, argv, &err), -EINVAL);
	expect_has(err.text, "usage:");
	assert_int_equal(mem_live(), 0);
}

static void test_no_memory(void **state)
{
	(void)state;
	write_summary(3, 2);
	FILE *null = fopen("/dev/null", "w");
	for (uint64_t n = 1;; n++) {
		err_clear(&err);
		mem_fail_at(n);
		int code = compare_print(dir, NULL, null, false, &err);
		mem_fail_at(0);
		assert_int_equal(mem_live(), 0);
		if (code == 0)
			break;
		assert_int_equal(code, -ENOMEM);
		assert_true(n < 100);
	}
	fclose(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_seed, make_path, remove_dir),
		cmocka_unit_test_setup_teardown(test_many, make_path, remove_dir),
		cmocka_unit_test_setup_teardown(test_baseline, make_path, remove_dir),
		cmocka_unit_test_setup_teardown(test_h2_h4_file, make_path, remove_dir),
		cmocka_unit_test_setup_teardown(test_pairs_see_more, make_path, remove_dir),
		cmocka_unit_test_setup_teardown(test_bad_input, make_path, remove_dir),
		cmocka_unit_test_setup_teardown(test_no_memory, make_path, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
