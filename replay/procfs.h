/*
 * Reading what the kernel says in text: the small files of proc, sys and cgroup file systems.
 *
 * Paths are given with printf() formats; every function takes @root first, which is "" for this
 * machine or a folder with a copy of the files (tests). Nothing read is trusted: numbers are checked
 * for overflow, text is cut at the size of the buffer and always ends with a NUL.
 */
#ifndef COTENANT_REPLAY_PROCFS_H
#define COTENANT_REPLAY_PROCFS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/core/err.h"

/* The beginning of a file, without the newlines at its end. Its length, or -errno and an empty @buf. */
ssize_t procfs_read(const char *root, char *buf, size_t n, const char *fmt, ...) must_check
	__attribute__((format(printf, 4, 5)));
/* A file that holds one number. False when there is no such file or it is not a number. */
bool procfs_number(const char *root, uint64_t *value, const char *fmt, ...) must_check
	__attribute__((format(printf, 3, 4)));
/* A whole file however long it is; NULL with errno set when it cannot be read or memory is out. Free
 * with mem_free(). */
char *procfs_text(const char *root, const char *fmt, ...) must_check
	__attribute__((format(printf, 2, 3)));

/* The decimal number at @p; what follows it, or NULL when there is none or it needs over 64 bits. */
const char *procfs_scan(const char *p, uint64_t *value);
/* The number after @key and blanks (or after "key=") at the start of a line or word: "oom_kill 3",
 * "VmRSS:  12 kB", "rbytes=7". False when it is not there. */
bool procfs_key(const char *text, const char *key, uint64_t *value) must_check;

/* What /proc/PID/stat says. */
struct procfs_stat {
	char comm[64];
	char state; /* 'R', 'S', ... 'Z' */
	uint64_t
		start; /* in clock ticks after the boot; with the pid it names a process for good */
	uint64_t ticks; /* CPU time of all its threads, user and system, in clock ticks */
};
bool procfs_stat(const char *root, pid_t pid, struct procfs_stat *stat) must_check;

/* Calls @f for each name in a folder that is a number (processes, threads, descriptors), in
 * ascending order. 0, -errno of the folder, or what @f returned if that was not 0. */
int procfs_numbers(const char *root, const char *folder, int (*f)(void *arg, uint64_t number),
		   void *arg) must_check;

/* A line of /proc/self/mountinfo. */
struct procfs_mount {
	char root[PATH_MAX], point[PATH_MAX]; /* unescaped */
	const char *type, *source, *options;  /* of the file system */
	unsigned major, minor;
	char line[PATH_MAX * 3];
};
/* The next line of @text from *text on; false at the end. Lines that make no sense are passed over. */
bool procfs_mount(const char **text, struct procfs_mount *mount) must_check;
/* Whether @word stands in a list separated by @sep. */
bool procfs_has_word(const char *list, const char *word, char sep);

#endif
