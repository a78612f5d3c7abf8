/*
 * The files of one run (design.md sections 5 and 6): rows go out as things happen, the summary at
 * the end. One table per file names the columns; `cotenant compare` and the plots find them by
 * name.
 */
#ifndef COTENANT_SIM_OUTPUT_H
#define COTENANT_SIM_OUTPUT_H

#include "plots/csv.h"
#include "sim/compat.h"
#include "sim/run.h"

enum output_file {
	OUTPUT_SUMMARY,
	OUTPUT_VMS,
	OUTPUT_HOSTS,
	OUTPUT_GROUPS,
	OUTPUT_TIMELINE,
	OUTPUT_VM_TIMELINE,
	OUTPUT_EVENTS,
	OUTPUT_DISTRIBUTIONS,
	OUTPUT_FILES
};
extern const char *const output_file_name[OUTPUT_FILES];      /* "summary.csv" ... */
extern const char *const *const output_columns[OUTPUT_FILES]; /* NULL at the end */
size_t output_ncolumns(enum output_file file);
/* Whether the scenario asks for the file. */
bool output_wants(const struct scenario *scenario, enum output_file file);

/* Who the rows are of. */
struct output_label {
	size_t run; /* from 1 */
	const struct policy_set *policies;
	uint64_t seed;
	const char *source; /* of the numbers; NULL = "sim" */
};

/* Opens the files in @dir (which exists). Free with output_close() in any case: it commits the
 * files if @commit, else removes them. */
int output_open(struct output **output, const char *dir, const char *comment,
		const struct scenario *scenario, const struct output_label *label,
		struct err *err) must_check;
int output_close(struct output *output, bool commit, struct err *err) must_check;

/* The summary of a run of `semantics: cloudsim-3.0.3`, which writes nothing else. */
void output_compat(struct output *o, const struct compat_result *result);

/* What a run reports; see run.c and lifecycle.c for when. */
int output_row(struct output *o, struct run *run) must_check;  /* a tick has ended */
int output_warm(struct output *o, struct run *run) must_check; /* the warm-up has ended */
int output_end(struct output *o, struct run *run) must_check;  /* the run has ended */
int output_vm_leaves(struct output *o, struct run *run, uint32_t vm) must_check; /* its slot goes */
int output_vm_stops(struct output *o, struct run *run, uint32_t vm) must_check;  /* its loads go */
int output_vm(struct output *o, struct run *run, uint32_t vm) must_check; /* its life is over */
/* A VM is about to move to a host of another speed; its migration is over. */
struct vm_moved {
	bool counts;         /* it began after the warm-up */
	double down_s, lost; /* seconds; CPU held back, MHz x s */
};
int output_vm_moves(struct output *o, struct run *run, uint32_t vm) must_check;
int output_vm_moved(struct output *o, struct run *run, uint32_t vm,
		    const struct vm_moved *moved) must_check;
/* The number of running VMs is about to change, or a time of interest has come. */
int output_population(struct output *o, const struct run *run) must_check;
void output_event(struct output *o, struct run *run, const char *what, uint32_t vm, uint32_t host);
void output_event_because(struct output *o, struct run *run, const char *what, uint32_t vm,
			  uint32_t host, const char *reason);
/* The VM finds no host: the event says why. */
void output_full(struct output *o, struct run *run, uint32_t vm);

#endif
