/* See err.h. Text that does not fit is cut at the end of a line that did fit, never in the middle.
 */
#include "sim/core/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/core/control.h"

void err_clear(struct err *err)
{
	err->kind = ERR_NONE;
	err->code = 0;
	err->count = 0;
	err->len = 0;
	err->text[0] = '\0';
}

/* Names of files and the like may hold anything, and terminals obey control characters. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (control_is(*text) && *text != '\n' && *text != '\t')
			*text = '?';
}

static void err_append(struct err *err, enum err_kind kind, int code, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static void err_append(struct err *err, enum err_kind kind, int code, const char *fmt, va_list ap)
{
	if (err->count++ == 0) {
		err->kind = kind;
		err->code = code;
		err->len = 0;
	}
	if (err->count > ERR_MAX_LINES)
		return;
	size_t at = err->len;
	if (at > 0 && at + 1 < sizeof(err->text))
		err->text[at++] = '\n';
	int n = vsnprintf(err->text + at, sizeof(err->text) - at, fmt, ap);
	make_printable(err->text + at);
	if (n < 0 || (size_t)n >= sizeof(err->text) - at) {
		if (err->len > 0)
			err->text[err->len] = '\0';
		else
			err->len = strlen(err->text);
		return;
	}
	err->len = at + (size_t)n;
}

int err_input(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_append(err, ERR_INPUT, -EINVAL, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int err_run(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_append(err, ERR_RUN, code, fmt, ap);
	va_end(ap);
	return code;
}

int err_nomem(struct err *err)
{
	return err_run(err, -ENOMEM, "out of memory");
}

int err_exit_status(const struct err *err)
{
	static const int status[] = {[ERR_NONE] = 0, [ERR_INPUT] = 2, [ERR_RUN] = 1};

	return status[err->kind];
}
