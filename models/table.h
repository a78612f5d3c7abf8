/*
 * Reads small tables that go with a scenario (carbon.h, scenarios/outages.h): text with a header line and rows of
 * columns with commas between them; lines end with LF or CRLF, and empty ones are left out. All errors of a table
 * are told, each with its file, line and column.
 */
#ifndef COTENANT_MODELS_TABLE_H
#define COTENANT_MODELS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/err.h"

/* The line that is being read. */
struct table {
	const char *path, *line_start;
	uint32_t line; /* from 1 */
	size_t rows;   /* so far */
	struct err *err;
};

/* What becomes of a row, which has no line end: 0, or a negative errno with the error told. */
typedef int table_row(void *ctx, const struct table *table, const char *text, size_t len);

/* Calls @row for each, whether those before were right or not. @hash becomes one of the file's bytes. 0 or a
 * negative errno with @err set: also where there is not one row and @some are wanted. */
int table_read(const char *path, const char *header, bool some, table_row *row, void *ctx,
	       uint64_t *hash, struct err *err) must_check;

/* Tells what is wrong with a part of the line; returns the error's number. */
int table_wrong(const struct table *table, const char *text, size_t len, const char *what);

/* Seconds from 0 at @text, ended by @end. */
int table_time(const struct table *table, const char *text, const char *end,
	       int64_t *ns) must_check;

#endif
