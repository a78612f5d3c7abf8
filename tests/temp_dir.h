/* A folder and an empty error for each test: set-up and tear-down, and what is in the folder by name. */
#ifndef COTENANT_TESTS_TEMP_DIR_H
#define COTENANT_TESTS_TEMP_DIR_H

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core/err.h"

static char dir[64];
static struct err err;

static inline int make_dir(void **state)
{
	(void)state;
	err_clear(&err);
	strcpy(dir, "/tmp/cotenant-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* Good until the next call. */
static inline const char *in_dir(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

#endif
