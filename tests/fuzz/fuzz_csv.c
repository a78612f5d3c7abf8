/* Any bytes as a CSV file: read, and written back cell by cell, they give the same table. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plots/csv.h"
#include "sim/core/bug.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_back(const struct csv_table *t, const char *path)
{
	struct err err = {0};
	struct csv *csv;

	if (csv_open(&csv, path, NULL, t->name, t->ncols, &err) < 0)
		return;
	for (size_t i = 0; i < t->nrows * t->ncols; i++) {
		csv_text(csv, t->cell[i]);
		if (i % t->ncols == t->ncols - 1)
			csv_end_row(csv);
	}
	BUG_ON(csv_close(csv, &err) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct err err;
	struct csv_table t, again;
	char in[64], out[64];
	int fd = memfd_create("in", 0);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(in, sizeof(in), "/proc/self/fd/%d", fd);
	snprintf(out, sizeof(out), "/dev/shm/fuzz_csv-%ld", (long)getpid());
	err_clear(&err);
	int code = csv_read(&t, in, &err);
	close(fd);
	if (code < 0) {
		BUG_ON(err.count == 0);
		return 0;
	}
	write_back(&t, out);
	BUG_ON(csv_read(&again, out, &err) < 0);
	BUG_ON(again.ncols != t.ncols || again.nrows != t.nrows);
	for (size_t i = 0; i < t.nrows * t.ncols; i++)
		BUG_ON(strcmp(t.cell[i], again.cell[i]) != 0);
	unlink(out);
	csv_table_free(&again);
	csv_table_free(&t);
	return 0;
}
