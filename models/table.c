/* See table.h. */
#include "models/table.h"

#include <stdio.h>
#include <string.h>

#include "models/trace_list.h"

#define SECOND_NS 1000000000

int table_wrong(const struct table *t, const char *text, size_t len, const char *what)
{
	char shown[48];

	return err_input(t->err, "%s:%u:%zu: \"%s\" %s", t->path, t->line,
			 (size_t)(text - t->line_start) + 1, trace_show(text, len, shown), what);
}

int table_time(const struct table *t, const char *text, const char *end, int64_t *ns)
{
	struct trace_num num;

	if (trace_num_scan(text, &num) == end && trace_num_time(&num, SECOND_NS, ns))
		return 0;
	return table_wrong(t, text, (size_t)(end - text), "is not a time in seconds from 0");
}

static int check_header(const struct table *t, const char *header, const char *text, size_t len)
{
	char what[80];

	if (len == strlen(header) && memcmp(text, header, len) == 0)
		return 0;
	snprintf(what, sizeof(what), "is not the header %s", header);
	return table_wrong(t, text, len, what);
}

static int read_lines(struct table *t, const struct trace_file *file, const char *header,
		      table_row *row, void *ctx)
{
	const char *at = file->text, *end = file->text + file->len;
	int rc = 0;

	t->line = 1;
	t->line_start = at;
	if (at == end)
		return check_header(t, header, at, 0);
	for (; at < end; t->line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		size_t len = (size_t)(stop - at);
		if (len > 0 && at[len - 1] == '\r')
			len--;
		int one = 0;
		t->line_start = at;
		if (t->line == 1)
			one = check_header(t, header, at, len);
		else if (len > 0)
			one = row(ctx, t, at, len);
		t->rows += t->line > 1 && len > 0;
		rc = rc < 0 ? rc : one;
		at = stop + 1;
	}
	t->line_start = end;
	return rc;
}

int table_read(const char *path, const char *header, bool some, table_row *row, void *ctx,
	       uint64_t *hash, struct err *err)
{
	struct table table = {.path = path, .err = err};
	struct trace_file file = {0};
	int rc = trace_file_read(&file, path, err);

	for (size_t i = 0; rc == 0 && i < file.len; i++)
		*hash = (*hash ^ (unsigned char)file.text[i]) * UINT64_C(1099511628211) + 1;
	if (rc == 0)
		rc = read_lines(&table, &file, header, row, ctx);
	if (rc == 0 && some && table.rows == 0)
		rc = table_wrong(&table, table.line_start, 0, "is the end: there are no rows");
	trace_file_fini(&file);
	return rc;
}
