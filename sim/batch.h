/*
 * A batch: every set of policies with every seed, in parallel processes, into one directory.
 *
 * Each run is a process of its own, so one that fails takes nobody with it, and writes to a folder
 * of its own below DIR/.parts, which gets its final name when the run is complete. When all are
 * there they are joined in the order of runs: output does not depend on the number of jobs, on
 * their order or on interruptions. Where there are more jobs than runs, a run gets several threads.
 * One batch at a time writes to a directory (flock); another one is refused.
 */
#ifndef COTENANT_SIM_BATCH_H
#define COTENANT_SIM_BATCH_H

#include "scenarios/build.h"
#include "scenarios/scenario.h"

struct run_room;

/* A shared object that was loaded, and the hash of its bytes. */
struct batch_plugin {
	const char *path;
	uint64_t hash;
};

struct batch {
	const struct scenario *scenario;
	const struct trace_set *traces;
	const char *dir;
	unsigned jobs;
	bool resume;                 /* keep what an earlier batch of the same scenario finished */
	bool show_progress;          /* a line on stderr */
	const struct run_room *room; /* NULL: simulated */
	/* What else the results depend on, for the manifest: overrides, which the scenario's hash holds. */
	const struct batch_plugin *plugin;
	size_t nplugins;
	const struct scenario_set *set;
	size_t nsets;
};

/* 0; -EINTR when a signal stopped it (finished runs stay for a resume); else a negative errno with
 * @err set. */
int batch_run(const struct batch *batch, struct err *err) must_check;

#endif
