/*
 * A failure in words.
 *
 * A fallible function returns 0 or a negative errno and has then put a complete message, ready to
 * print, into the struct err it was given. Nothing below sim/main.c prints or exits. Two kinds are
 * told apart because they end the program differently: bad input (the user can mend the file or the
 * command; exit status 2) and a failed run (the machine, the disk, a policy; exit status 1).
 *
 * Readers of input report every error of a file, so a struct err holds a list of lines: the first
 * ERR_MAX_LINES are kept, the rest are counted. Control characters, which names of files may hold, become '?'.
 */
#ifndef COTENANT_SIM_CORE_ERR_H
#define COTENANT_SIM_CORE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#define ERR_MAX_LINES 20
#define ERR_TEXT_SIZE 8192

#define must_check __attribute__((warn_unused_result))

enum err_kind { ERR_NONE, ERR_INPUT, ERR_RUN };

struct err {
	enum err_kind kind; /* of the first message */
	int code;           /* negative errno of the first message */
	unsigned count;     /* messages added, kept or not */
	size_t len;
	char text[ERR_TEXT_SIZE]; /* lines without a final newline */
};

/* An empty err. A zeroed struct is as good. */
void err_clear(struct err *err);

/* Adds a line about bad input and returns -EINVAL. */
int err_input(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Adds a line about a failed run and returns @code, a negative errno. The text says all: what was
 * being done, to which file, and why it failed (write strerror() in where it helps). */
int err_run(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The line every failed allocation gets; returns -ENOMEM. */
int err_nomem(struct err *err);

/* The exit status that this err asks for: 0, 1 or 2. */
int err_exit_status(const struct err *err);

#endif
