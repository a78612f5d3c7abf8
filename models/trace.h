/*
 * Traces: recorded demand of many VMs, loaded whole onto one regular grid.
 *
 * The grid is time-major (row = one step, column = one VM): a tick reads one row. Whatever a reader
 * had to assume or repair is counted in the report, which `cotenant trace info` prints, and a run says
 * on stderr and in its manifest. A trace is immutable once loaded and may be shared by many runs.
 */
#ifndef COTENANT_MODELS_TRACE_H
#define COTENANT_MODELS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/err.h"
#include "sim/core/mem.h"
#include "sim/core/plugin.h"

enum trace_unit {
	TRACE_PERCENT, /* of the VM's own CPU */
	TRACE_MHZ,
};

/* One VM of a trace. */
struct trace_vm {
	const char *name;
	uint32_t first, last; /* first and last step with a sample */
	uint32_t cores;       /* provisioned, the largest seen; 0 = the trace does not say */
	double speed;         /* MHz of one core; 0 = not said */
	double memory;        /* provisioned bytes, the largest seen; 0 = not said */
};

/* A line of the report: so many of something, and the rule taken. */
struct trace_note {
	uint64_t count;
	const char *text; /* "gaps over 1.5 steps: the last value before the gap is held" */
};

struct trace {
	struct arena arena;
	const char *path, *format;
	uint64_t hash; /* of names and contents in the order read (FNV-1a), for the manifest */
	size_t n;      /* VMs */
	size_t steps;
	int64_t start_ns; /* the first step on the trace's own clock (Unix time or 0) */
	int64_t step_ns;
	enum trace_unit unit;
	bool flat; /* the grid has one row: VMs do the same from their first to their last step */
	const float *cpu;  /* steps * n values; 0 where a VM has no sample */
	const float *mem;  /* bytes in use; NULL = not in the trace */
	const float *disk; /* bytes/s; NULL = not in the trace */
	const float *iops; /* per second; NULL = not in the trace */
	const struct trace_vm *vm;
	uint64_t rows; /* samples read */
	size_t nnotes;
	const struct trace_note *note; /* only those with count > 0 */
};

/* The cell of a VM at a step at which it is there. */
static inline size_t trace_cell(const struct trace *trace, size_t step, size_t vm)
{
	return (trace->flat ? 0 : step) * trace->n + vm;
}

struct trace_ops {
	struct plugin plugin;
	/* Required. How sure (0..100) that @path (first bytes @head of a file, or NULL for a directory) is
	 * of this format. */
	int (*sniff)(const char *path, const char *head, size_t n);
	/* Required. Fills *trace (zeroed, path and format set). On failure the caller frees. */
	int (*load)(struct trace *trace, const char *path, struct err *err);
};

extern const struct plugin_kind trace_kind;

/* Loads a file or directory; @format NULL = the reader that is surest. 0 or a negative errno with
 * @err holding every error as "file:line:col: key: ...". Free with trace_free() in any case. */
int trace_load(struct trace **trace, const char *path, const char *format,
	       struct err *err) must_check;
void trace_free(struct trace *trace);

#endif
