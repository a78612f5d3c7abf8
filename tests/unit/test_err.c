#include "tests/test.h"

#include <errno.h>
#include <string.h>

#include "sim/core/err.h"

static void kinds(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(err_exit_status(&err), 0);
	assert_int_equal(err_input(&err, "a.yaml:%d: bad", 3), -EINVAL);
	assert_int_equal(err_exit_status(&err), 2);
	assert_int_equal(err_run(&err, -EIO, "disk"), -EIO);
	assert_int_equal(err_exit_status(&err), 2);
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.text, "a.yaml:3: bad\ndisk");
	err_clear(&err);
	assert_int_equal(err_nomem(&err), -ENOMEM);
	assert_int_equal(err.code, -ENOMEM);
	assert_int_equal(err_exit_status(&err), 1);
	assert_string_equal(err.text, "out of memory");
}

static void control_characters(void **state)
{
	struct err err = {0};

	(void)state;
	err_input(&err, "%s: %s", "a\a\033[2Jb\x7f", "no\tsuch \xc3\xbc");
	assert_string_equal(err.text, "a??[2Jb?: no\tsuch \xc3\xbc");
	err_input(&err, "next");
	assert_string_equal(err.text, "a??[2Jb?: no\tsuch \xc3\xbc\nnext");
}

static void many_lines(void **state)
{
	struct err err = {0};
	size_t lines = 1;

	(void)state;
	for (int i = 0; i < 50; i++)
		err_input(&err, "line %d", i);
	for (const char *s = err.text; *s; s++)
		lines += *s == '\n';
	assert_int_equal(lines, ERR_MAX_LINES);
	assert_int_equal(err.count, 50);
	assert_int_equal(err.len, strlen(err.text));
}

/* A line that does not fit is left out whole; the first one is cut. */
static void long_lines(void **state)
{
	static char line[ERR_TEXT_SIZE + 100];
	struct err err = {0};

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	err_input(&err, "%s", line);
	assert_int_equal(err.len, ERR_TEXT_SIZE - 1);
	assert_int_equal(strlen(err.text), err.len);
	err_input(&err, "more");
	assert_int_equal(strlen(err.text), err.len);
	assert_int_equal(err.count, 2);

	err_clear(&err);
	err_input(&err, "first");
	err_input(&err, "%s", line);
	assert_string_equal(err.text, "first");
	err_input(&err, "third");
	assert_string_equal(err.text, "first\nthird");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(many_lines),
		cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
