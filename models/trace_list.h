/*
 * For the readers of traces: their list, and what they share. A new reader is one file trace_X.c
 * that defines `const struct trace_ops trace_reader_X`, and one line in the list.
 */
#ifndef COTENANT_MODELS_TRACE_LIST_H
#define COTENANT_MODELS_TRACE_LIST_H

#include "models/trace.h"

#define TRACE_LIST(X) \
	X(planetlab)  \
	X(bitbrains)  \
	X(azure)      \
	X(csv)

#define TRACE_DECLARE(name) extern const struct trace_ops trace_reader_##name;
TRACE_LIST(TRACE_DECLARE)
#undef TRACE_DECLARE

#define TRACE_HEAD     4096 /* bytes of a file that sniff() is shown at most */
#define TRACE_NAME_MAX 255  /* bytes of the name of a VM that a file tells */

/* A whole file in memory, NUL after the end. Zeroed = empty; reading another reuses the memory. */
struct trace_file {
	const char *path; /* as given; it must outlive the struct */
	char *text;
	size_t len, cap;
};

/* 0 or a negative errno; only regular files (or links to one) are read. */
int trace_file_read(struct trace_file *file, const char *path, struct err *err) must_check;
void trace_file_fini(struct trace_file *file);

/* Adds a name and a file's contents to trace->hash, each closed by a zero byte. */
void trace_hash(struct trace *trace, const char *name, const struct trace_file *file);

/* The last component of a path, "/" at its end aside, in the arena; NULL when out of memory. */
char *trace_base_name(struct arena *arena, const char *path) must_check;

/* Entries of a directory that are not hidden, in bytewise order of their names. */
struct trace_dir {
	struct trace_entry {
		const char *name; /* in the arena given */
		bool is_dir;
	} * entry;
	size_t n, cap;
	size_t hidden, other; /* skipped: hidden, and neither file nor directory */
};

int trace_dir_read(struct trace_dir *dir, const char *path, struct arena *arena,
		   struct err *err) must_check;
void trace_dir_fini(struct trace_dir *dir);

/* For sniff(): the beginning of the bytewise first visible file of a directory, or of that of its
 * first sub-directory when it holds no file. Its name goes to @name (256 bytes). Returns how much
 * was read, or -1 when there is no such file. */
int64_t trace_first_head(const char *dir, char name[256], char head[TRACE_HEAD]);

/* Order in which runs of digits compare by value: 2.csv before 10.csv. Ties go to strcmp(). */
int trace_natural_order(const char *a, const char *b);

/* A decimal number as it was written: (-1)^neg * mant * 10^exp10. */
struct trace_num {
	uint64_t mant; /* the first 19 digits */
	int32_t exp10;
	bool neg, e_notation;
};

/* Scans [+-]digits[.digits][e[+-]digits] and returns what follows it, or NULL if there is no
 * number. Neither NaN nor infinity is one. */
const char *trace_num_scan(const char *p, struct trace_num *num);
/* As a double, right to its last digits and the same everywhere; +-infinity when too large. */
double trace_num_value(const struct trace_num *num);
/* num * unit_ns, cut to whole nanoseconds. False when it is negative or does not fit. unit_ns is 1
 * or a power of ten. */
bool trace_num_time(const struct trace_num *num, int64_t unit_ns, int64_t *ns);
/* As a demand: false when it is negative or 1e24 and more. */
bool trace_num_demand(const struct trace_num *num, double *value);

/* The beginning of input text for a message: unprintable bytes become '?'. Returns @buf. */
char *trace_show(const char *text, size_t len, char buf[48]);

/* Appends a line to the report unless @count is 0. @text must be static or in the trace's arena. */
int trace_note_add(struct trace *trace, uint64_t count, const char *text,
		   struct err *err) must_check;

/* -EINVAL with a message when a grid of that size cannot be meant: 2^31 cells, or far more than the
 * @rows that were read. */
int trace_check_size(const struct trace *trace, uint64_t steps, uint64_t n, uint64_t rows,
		     struct err *err) must_check;

enum trace_col { TRACE_CPU, TRACE_MEM, TRACE_DISK, TRACE_IOPS, TRACE_COLS };

/* A sample with its own time. NAN = not said here: the last value is held. */
struct trace_sample {
	int64_t time_ns; /* >= 0; trace_grid_finish() turns it into the step */
	uint32_t vm;
	float v[TRACE_COLS];
};

/* Samples of many VMs on their way to the grid. Zeroed = empty; each VM's samples are added in
 * nondecreasing time. */
struct trace_grid {
	struct trace_sample *sample;
	size_t n, cap;
	struct trace_vm *vm; /* the VMs in the order of their columns; names are not copied */
	size_t nvms, vm_cap;
	unsigned cols;    /* bits 1u << TRACE_*: the columns that exist */
	bool floor_start; /* the grid begins at a multiple of the step, not at the first sample */
	bool exact_step;  /* prefer the greatest common divisor of the times to the median distance
			   */
};

int trace_grid_add(struct trace_grid *grid, const struct trace_sample *sample) must_check;
/* Fills in everything of the trace that the samples decide, and the notes of what was repaired:
 *
 * The step is the median distance of successive samples of a VM; with exact_step the greatest
 * common divisor of all times, unless that is under a 20th of the median. A sample stands for the
 * step it falls into; one at a regular distance from the one before goes to the next step while it
 * is at most half a step out, so that a drifting clock neither drops nor doubles values. Of several
 * samples in a step the last wins. Steps without a sample between a VM's first and last hold the
 * value before. */
int trace_grid_finish(struct trace_grid *grid, struct trace *trace, struct err *err) must_check;
void trace_grid_fini(struct trace_grid *grid);

#endif
