/* The CSV writer and reader: numbers as a property over many values, files whole or not at all. */
#include "tests/temp_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "plots/csv.h"
#include "sim/core/mem.h"

static void write_file(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

static char *read_file(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void expect_format(double value, const char *text)
{
	char buf[33];
	size_t n = csv_format(value, buf);

	assert_true(n <= 32);
	buf[n] = '\0';
	assert_string_equal(buf, text);
}

static void test_format_known(void **state)
{
	(void)state;
	expect_format(0, "0");
	expect_format(-0.0, "0");
	expect_format(1, "1");
	expect_format(-17, "-17");
	expect_format(0.5, "0.5");
	expect_format(0.1, "0.1");
	expect_format(1.0 / 3, "0.333333333");
	expect_format(2.0 / 3, "0.666666667");
	expect_format(100.25, "100.25");
	expect_format(0.99999999999, "1");
	expect_format(999999999.7, "1000000000");
	expect_format(99.99999999999, "100");
	expect_format(123456789.4, "123456789");
	expect_format(12345678901.6, "12345678902");
	expect_format(17179869184.0, "17179869184");
	expect_format(999999999999999.0, "999999999999999");
	expect_format(999999999999999.75, "1e15");
	expect_format(1e15, "1e15");
	expect_format(9.9999999999e-6, "0.00001");
	expect_format(-1.5e300, "-1.5e300");
	expect_format(1e-5, "0.00001");
	expect_format(1.25e-6, "1.25e-6");
	expect_format(5e-324, "4.94065646e-324");
	expect_format(1.7976931348623157e308, "1.79769313e308");
	expect_format(NAN, "");
	expect_format(INFINITY, "inf");
	expect_format(-INFINITY, "-inf");
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Right to 9 digits, and what is read back is written the same way. */
static void check_value(double value)
{
	char text[33], again[33];
	size_t n = csv_format(value, text);

	assert_true(n > 0 && n <= 32);
	text[n] = '\0';
	double back = strtod(text, NULL);
	if (fabs(value) > 1e-300 && fabs(back - value) > fabs(value) * 5.00001e-9)
		fail_msg("%.17g is written %s", value, text);
	size_t m = csv_format(back, again);
	again[m] = '\0';
	assert_string_equal(again, text);
}

static void test_format_property(void **state)
{
	uint64_t x = 0x9e3779b97f4a7c15u;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		uint64_t bits = next_random(&x);
		double any;
		memcpy(&any, &bits, sizeof(any));
		if (isfinite(any))
			check_value(any);
		double unit = (double)(next_random(&x) >> 11) * 0x1p-53;
		check_value(unit);
		check_value(unit * 1e4);
		check_value(-unit * 1e12);
		check_value(unit * 1e-6);
	}
	for (int e = -308; e <= 308; e++) {
		double p = pow(10, e);
		check_value(p);
		check_value(nextafter(p, 0));
		check_value(nextafter(p, INFINITY));
	}
}

static void test_write(void **state)
{
	static const char *const names[] = {"name", "x", "n", "t_s"};
	struct csv *csv;
	const char *path = in_dir("a.csv");

	(void)state;
	assert_int_equal(csv_open(&csv, path, "cotenant 1, seed 2", names, 4, &err), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	csv_text(csv, "plain");
	csv_real(csv, 0.25);
	csv_int(csv, INT64_MIN);
	csv_time(csv, 1500000000);
	csv_end_row(csv);
	csv_text(csv, "a,\"b\"\nc");
	csv_real(csv, NAN);
	csv_int(csv, INT64_MAX);
	csv_time(csv, -1000000001);
	csv_end_row(csv);
	assert_int_equal(csv_close(csv, &err), 0);
	assert_string_equal(read_file(path),
			    "# cotenant 1, seed 2\nname,x,n,t_s\n"
			    "plain,0.25,-9223372036854775808,1.5\n"
			    "\"a,\"\"b\"\"\nc\",,9223372036854775807,-1.000000001\n");

	struct csv_table t;
	assert_int_equal(csv_read(&t, path, &err), 0);
	assert_int_equal(t.ncols, 4);
	assert_int_equal(t.nrows, 2);
	assert_string_equal(t.cell[4], "a,\"b\"\nc");
	assert_int_equal(csv_column(&t, "t_s"), 3);
	assert_true(csv_column(&t, "none") == SIZE_MAX);
	assert_true(csv_number(&t, 0, 1) == 0.25);
	assert_true(isnan(csv_number(&t, 1, 1)));
	assert_true(isnan(csv_number(&t, 0, 0)));
	csv_table_free(&t);
	assert_int_equal(mem_live(), 0);
}

static void test_append(void **state)
{
	static const char *const names[] = {"a", "b"};
	struct csv *csv;
	char part[128];

	(void)state;
	strcpy(part, in_dir("part.csv"));
	write_file(part, "# c\na,b\n1,2\n3,4", 15);
	assert_int_equal(csv_open(&csv, in_dir("all.csv"), NULL, names, 2, &err), 0);
	assert_int_equal(csv_append_file(csv, part, &err), 0);
	assert_int_equal(csv_append_file(csv, part, &err), 0);
	write_file(part, "a,c\n1,2\n", 8);
	assert_int_equal(csv_append_file(csv, part, &err), -EINVAL);
	err_clear(&err);
	assert_int_equal(csv_append_file(csv, in_dir("missing"), &err), -EINVAL);
	assert_int_equal(csv_close(csv, &err), 0);
	assert_string_equal(read_file(in_dir("all.csv")), "a,b\n1,2\n3,4\n1,2\n3,4\n");
	assert_int_equal(mem_live(), 0);
}

static void test_abandon(void **state)
{
	static const char *const names[] = {"a"};
	struct csv *csv;

	(void)state;
	csv_abandon(NULL);
	assert_int_equal(csv_open(&csv, in_dir("b.csv"), NULL, names, 1, &err), 0);
	csv_abandon(csv);
	assert_int_not_equal(access(in_dir("b.csv"), F_OK), 0);
	assert_int_not_equal(access(in_dir("b.csv.tmp"), F_OK), 0);
	assert_int_equal(csv_open(&csv, in_dir("no/b.csv"), NULL, names, 1, &err), -ENOENT);
	assert_null(csv);
	assert_non_null(strstr(err.text, "no/b.csv"));
}

/* Two writers of one file: the second is refused, and the first one's rows are not touched. */
static void test_two_writers(void **state)
{
	static const char *const names[] = {"a"};
	const char *path = in_dir("two.csv");
	struct csv *first, *second;
	struct csv_table t = {0};

	(void)state;
	assert_int_equal(csv_open(&first, path, NULL, names, 1, &err), 0);
	csv_int(first, 1);
	csv_end_row(first);
	assert_int_equal(csv_flush(first, &err), 0);
	assert_int_equal(csv_open(&second, path, NULL, names, 1, &err), -EBUSY);
	assert_non_null(strstr(err.text, "another program"));
	err_clear(&err);
	assert_int_equal(csv_close(first, &err), 0);
	assert_int_equal(csv_read(&t, path, &err), 0);
	assert_int_equal(t.nrows, 1);
	csv_table_free(&t);
	/* The next one begins anew. */
	assert_int_equal(csv_open(&second, path, NULL, names, 1, &err), 0);
	csv_abandon(second);
}

/* A file system that is full: the error is told at the end, and the old file stays as it was. */
static void test_full(void **state)
{
	static const char *const names[] = {"a"};
	struct rlimit limit, small;
	struct csv *csv;
	const char *path = in_dir("full.csv");

	(void)state;
	write_file(path, "old", 3);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 100000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int code = csv_open(&csv, path, NULL, names, 1, &err);
	for (int i = 0; code == 0 && i < 100000; i++) {
		csv_int(csv, i);
		csv_end_row(csv);
	}
	if (code == 0)
		code = csv_close(csv, &err);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(code, -EFBIG);
	assert_int_equal(err_exit_status(&err), 1);
	assert_string_equal(read_file(path), "old");
	assert_int_not_equal(access(in_dir("full.csv.tmp"), F_OK), 0);
	assert_int_equal(mem_live(), 0);

	/* ENOSPC itself, from the device that is always full. */
	err_clear(&err);
	assert_int_equal(symlink("/dev/full", in_dir("dev.csv.tmp")), 0);
	assert_int_equal(csv_open(&csv, in_dir("dev.csv"), NULL, names, 1, &err), 0);
	assert_int_equal(csv_close(csv, &err), -ENOSPC);
	assert_int_not_equal(access(in_dir("dev.csv"), F_OK), 0);
}

static void expect_bad(const char *text, size_t n, const char *message)
{
	struct csv_table t;
	const char *path = in_dir("bad.csv");

	write_file(path, text, n);
	err_clear(&err);
	assert_int_equal(csv_read(&t, path, &err), -EINVAL);
	if (!strstr(err.text, message))
		fail_msg("\"%s\" lacks \"%s\"", err.text, message);
	assert_int_equal(mem_live(), 0);
}

static void test_read_bad(void **state)
{
	struct csv_table t;

	(void)state;
	expect_bad("", 0, "no header row");
	expect_bad("# only\n", 7, ":2: no header row");
	expect_bad("a,b\n1\n1,2,3\n", 12, ":2: 1 fields where the header has 2");
	expect_bad("a,b\n1\n1,2,3\n", 12, ":3: 3 fields");
	expect_bad("a,b\n\"1,2\n", 9, ":2: a quote");
	expect_bad("a\n\"1\"2\n", 7, ":2: a quote");
	expect_bad("a\n\0\n", 4, "NUL byte at offset 2");
	err_clear(&err);
	assert_int_equal(csv_read(&t, in_dir("missing"), &err), -EINVAL);
	assert_int_equal(csv_read(&t, dir, &err), -EINVAL);
}

static void test_read_forms(void **state)
{
	struct csv_table t;
	const char *path = in_dir("crlf.csv");

	(void)state;
	write_file(path, "a,b\r\n\"1\",2\r\n\n,\"\"\n5,6", 20);
	assert_int_equal(csv_read(&t, path, &err), 0);
	assert_int_equal(t.nrows, 3);
	assert_string_equal(t.name[1], "b");
	assert_string_equal(t.cell[0], "1");
	assert_string_equal(t.cell[1], "2");
	assert_string_equal(t.cell[2], "");
	assert_string_equal(t.cell[3], "");
	assert_string_equal(t.cell[5], "6");
	csv_table_free(&t);
}

#define PART_ROWS 20000 /* more than a buffer holds */

static void put_rows(struct csv *csv, int from, int end)
{
	for (int i = from; i < end; i++) {
		csv_text(csv, i % 7 ? "x" : "a, \"quoted\" one");
		csv_int(csv, i);
		csv_end_row(csv);
	}
}

/* Rows 0 to 10, those of a part, and the last 10. */
static int write_parts(const char *path, struct csv *part)
{
	static const char *const names[] = {"a", "b"};
	struct csv *csv;
	int code = csv_open(&csv, path, NULL, names, 2, &err);

	if (code < 0)
		return code;
	put_rows(csv, 0, 10);
	put_rows(part ? part : csv, 10, PART_ROWS - 10);
	if (part)
		csv_add_part(csv, part);
	put_rows(csv, PART_ROWS - 10, PART_ROWS);
	return csv_close(csv, &err);
}

/* A file is the same whether rows were made apart or not; the part is empty behind it, and can be used again. */
static void test_parts(void **state)
{
	struct csv *part = csv_part(2);
	struct csv_table whole, parts;

	(void)state;
	assert_non_null(part);
	assert_int_equal(write_parts(in_dir("whole.csv"), NULL), 0);
	assert_int_equal(csv_read(&whole, in_dir("whole.csv"), &err), 0);
	assert_int_equal(whole.nrows, PART_ROWS);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(write_parts(in_dir("parts.csv"), part), 0);
		assert_int_equal(csv_read(&parts, in_dir("parts.csv"), &err), 0);
		assert_int_equal(parts.nrows, PART_ROWS);
		for (size_t i = 0; i < 2 * PART_ROWS; i++)
			assert_string_equal(parts.cell[i], whole.cell[i]);
		csv_table_free(&parts);
	}
	csv_table_free(&whole);
	csv_abandon(part);
}

/* A part that could not grow makes no file without its rows. */
static void test_parts_no_memory(void **state)
{
	int code = -ENOMEM;

	(void)state;
	for (uint64_t n = 1; code < 0; n++) {
		err_clear(&err);
		mem_fail_at(n);
		struct csv *part = csv_part(2);
		code = part ? write_parts(in_dir("none.csv"), part) : -ENOMEM;
		mem_fail_at(0);
		csv_abandon(part);
		assert_int_equal(mem_live(), 0);
		assert_true(code == 0 || code == -ENOMEM);
		assert_int_equal(access(in_dir("none.csv"), F_OK) == 0, code == 0);
		assert_true(n < 50);
	}
	struct csv_table t;
	assert_int_equal(csv_read(&t, in_dir("none.csv"), &err), 0);
	assert_int_equal(t.nrows, PART_ROWS);
	csv_table_free(&t);
}

/* Every allocation fails once; nothing leaks and every failure is told. */
static void test_no_memory(void **state)
{
	static const char *const names[] = {"a", "b"};
	const char *path = in_dir("m.csv");

	(void)state;
	for (uint64_t n = 1;; n++) {
		struct csv *csv;
		struct csv_table t = {0};
		err_clear(&err);
		mem_fail_at(n);
		int code = csv_open(&csv, path, NULL, names, 2, &err);
		if (code == 0) {
			csv_text(csv, "x");
			csv_int(csv, 1);
			csv_end_row(csv);
			code = csv_close(csv, &err);
		}
		if (code == 0)
			code = csv_read(&t, path, &err);
		mem_fail_at(0);
		csv_table_free(&t);
		assert_int_equal(mem_live(), 0);
		if (code == 0)
			break;
		assert_int_equal(code, -ENOMEM);
		assert_true(n < 50);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_known),
		cmocka_unit_test(test_format_property),
		IN_DIR(test_write),
		IN_DIR(test_append),
		IN_DIR(test_abandon),
		IN_DIR(test_two_writers),
		IN_DIR(test_full),
		IN_DIR(test_read_bad),
		IN_DIR(test_read_forms),
		IN_DIR(test_parts),
		IN_DIR(test_parts_no_memory),
		IN_DIR(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
