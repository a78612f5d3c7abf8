/* The comparison table: marks, intervals, what is dropped, and its size whatever the input. */
#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/csv.h"
#include "sim/cmd_compare.h"
#include "sim/core/mem.h"

static char dir[64], path[128];
static struct err err;

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/cotenant-compare-XXXXXX");
	err_clear(&err);
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/summary.csv", dir);
	return 0;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
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
	expect_has(text, "+0.010±");
	expect_has(text, "!");
	expect_has(text, "difference from it by seed");
	free(text);
	assert_int_equal(compare_print(dir, "nope", stdout, false, &err), -EINVAL);
	expect_has(err.text, "policy_0, policy_1, policy_2");
	text = printed(NULL, true);
	expect_has(text, "\033[1;32m");
	free(text);
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
		cmocka_unit_test_setup_teardown(test_one_seed, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_many, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_baseline, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_bad_input, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_no_memory, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
