/*
 * A folder of plain files that stands for a machine's proc and sys, for what takes a `root`. Made anew
 * for each test, removed with all that is in it.
 */
#ifndef COTENANT_TESTS_FAKE_TREE_H
#define COTENANT_TESTS_FAKE_TREE_H

#include "tests/test.h"

#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char fake_root[64];

static int fake_setup(void **state)
{
	(void)state;
	strcpy(fake_root, "/tmp/cotenant-fake-XXXXXX");
	return mkdtemp(fake_root) ? 0 : -1;
}

static int fake_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int fake_teardown(void **state)
{
	(void)state;
	return nftw(fake_root, fake_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static char *fake_path(const char *path, char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, "%s/%s", fake_root, path);
	return buf;
}

/* Writes a file and the folders that lead to it. */
__attribute__((unused)) static void fake_file(const char *path, const char *text)
{
	char full[PATH_MAX];

	fake_path(path, full);
	for (char *p = full + strlen(fake_root) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(full, 0755);
	}
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

__attribute__((unused)) static bool fake_exists(const char *path)
{
	char full[PATH_MAX];

	return access(fake_path(path, full), F_OK) == 0;
}

__attribute__((unused)) static const char *fake_text(const char *path)
{
	static char text[4096];
	char full[PATH_MAX];

	FILE *f = fopen(fake_path(path, full), "r");
	if (!f)
		fail_msg("%s is not there", path);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* The stat file of a process; the name may hold anything. */
__attribute__((unused)) static void fake_stat(int pid, const char *comm, char state, int start)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "proc/%d/stat", pid);
	snprintf(text, sizeof(text),
		 "%d (%s) %c 1 1 1 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 1 0 %d 1 1\n", pid, comm,
		 state, start);
	fake_file(path, text);
}

#endif
