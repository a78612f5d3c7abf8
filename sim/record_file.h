/*
 * The files of a recording: a trace in our own format (models/trace_csv.c) and, if wanted, a second file
 * with everything measured.
 *
 * A row stands for the interval that begins at its time. A VM that ended and came back has rows of zeros
 * for the time between; one that could not be read for a while has none, and readers of the trace hold
 * the value before. Number of cores and size of memory stand in a VM's first row, and where they change.
 */
#ifndef COTENANT_SIM_RECORD_FILE_H
#define COTENANT_SIM_RECORD_FILE_H

#include "replay/record.h"

struct record_file;

struct record_file_params {
	const char *path, *details; /* details NULL = no second file */
	const char *comment;        /* the first line of both */
	bool memory, disk;          /* columns of the trace */
	int64_t interval_ns;
};

/* Both files have other names until they are closed. */
int record_file_open(struct record_file **file, const struct record_file_params *params,
		     struct err *err) must_check;
/* When the first interval begins: Unix time. */
void record_file_start(struct record_file *file, int64_t wall_ns);
/* A row for the intervals @from to @to - 1, with the same values in each. 0 or -ENOMEM; errors of the
 * disk stick. */
int record_file_row(struct record_file *file, const struct record_row *row, int64_t from,
		    int64_t to) must_check;
/* Tells an error that stuck. */
int record_file_flush(struct record_file *file, struct err *err) must_check;
uint64_t record_file_rows(const struct record_file *file); /* of the trace */
/* Gives the files their names, and frees. A file that fails does not appear; the trace is closed first. */
int record_file_close(struct record_file *file, struct err *err) must_check;
/* Removes what was written, and frees. NULL is allowed. */
void record_file_abandon(struct record_file *file);

#endif
