/*
 * The counters of one VM, and what happened between two readings of them (record.h tells the rules).
 */
#ifndef COTENANT_REPLAY_MEASURE_H
#define COTENANT_REPLAY_MEASURE_H

#include "replay/record.h"

struct measured_thread;

struct measured_io {
	uint64_t bytes, ops;
	bool known, blocks; /* blocks: operations of devices, not system calls */
};

struct measured_cpu {
	double demand, used, waited;
};

/* A VM as it was read last. */
struct measured {
	struct found_vm found;
	bool fresh;                      /* not read yet: there is nothing to compare with */
	bool unable_disk, unable_memory; /* these may not be read */
	struct measured_thread *thread, *before;
	size_t n, nbefore, cap, before_cap;
	int64_t at_ns;           /* of the threads */
	struct measured_cpu cpu; /* since the last row: cores x ns */
	double cpu_ns;
	int64_t row_ns;    /* of the last row, and of what follows */
	uint64_t whole_ns; /* CPU time of the whole VM */
	struct measured_io io;
};

/* Where and how it is read. */
struct measure_source {
	const struct record_params *params; /* root and now_ns set */
	struct record_stats *stats;         /* what was odd is counted here */
	const char *mount;                  /* of cgroup v2; "" = none */
	double tick_s;
};

enum measure_result {
	MEASURE_GONE,    /* the process has ended, or is another one */
	MEASURE_NOTHING, /* it is there, and none of its threads can be read */
	MEASURE_NOMEM,
	MEASURE_FIRST, /* the first reading */
	MEASURE_ROW,   /* *row is what happened since the reading before */
};

/* Another process. Nothing is read yet. */
void measure_begin(const struct measure_source *source, struct measured *vm,
		   const struct found_vm *found);
void measure_fini(struct measured *vm);

/* Reads the counters of the threads in between two rows. 0 or -ENOMEM. */
int measure_cpu(const struct measure_source *source, struct measured *vm) must_check;
/* Reads everything. */
enum measure_result measure_read(const struct measure_source *source, struct measured *vm,
				 struct record_row *row) must_check;

#endif
