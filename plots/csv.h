/*
 * The only CSV writer, and a reader of what it wrote.
 *
 * Numbers are written by hand, without regard to the locale: whole ones below 1e15 in full, others
 * with up to 9 significant digits and no zeros at the end, so equal values give equal bytes
 * everywhere. Files appear whole or not at all: rows go to "<path>.tmp", which csv_close() renames.
 * Text with comma, quote or newline is quoted (RFC 4180).
 */
#ifndef COTENANT_PLOTS_CSV_H
#define COTENANT_PLOTS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/err.h"

struct csv;

/* Starts a file with @comment ("# ..." line, NULL = none) and the header row of @ncols @names. -EBUSY where
 * another process is writing the same file. */
int csv_open(struct csv **csv, const char *path, const char *comment, const char *const *names,
	     size_t ncols, struct err *err) must_check;

/* The next field of the row. Errors stick and are told by csv_close(). NAN is an empty field. */
void csv_text(struct csv *csv, const char *text);
void csv_real(struct csv *csv, double value);
void csv_int(struct csv *csv, int64_t value);
void csv_time(struct csv *csv, int64_t ns); /* as seconds, exact */
void csv_end_row(struct csv *csv);          /* BUG_ON() a row of the wrong length */

/* Rows of a file with @ncols columns, made apart by another thread: the same fields are added to it, then
 * csv_add_part() writes all of them behind those of the file, and the part is empty again. Freed with
 * csv_abandon(). NULL: no memory. */
struct csv *csv_part(size_t ncols) must_check;
void csv_add_part(struct csv *csv, struct csv *part);

/* Writes out the rows so far, to the temporary file; tells an error that stuck. For files that grow for
 * a long time. */
int csv_flush(struct csv *csv, struct err *err) must_check;

/* Appends the rows of another file written with the same header (comment and header are skipped).
 */
int csv_append_file(struct csv *csv, const char *path, struct err *err) must_check;

/* Flushes, syncs, renames and frees; on failure removes the temporary file. Frees in any case. */
int csv_close(struct csv *csv, struct err *err) must_check;
/* Removes the temporary file and frees. NULL is allowed. */
void csv_abandon(struct csv *csv);

/* The number as csv_real() writes it, without a final NUL; returns its length (at most 32). */
size_t csv_format(double value, char *buf);

/* A whole file in memory: header names and cells as text. Free with csv_table_free(). */
struct csv_table {
	size_t ncols, nrows;
	const char **name;
	const char **cell; /* nrows * ncols */
	char *text;
};
int csv_read(struct csv_table *table, const char *path, struct err *err) must_check;
void csv_table_free(struct csv_table *table);
size_t csv_column(const struct csv_table *table, const char *name); /* SIZE_MAX if there is none */
double csv_number(const struct csv_table *table, size_t row, size_t col); /* NAN if empty */

#endif
