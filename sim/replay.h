/*
 * A run on real guests: what `cotenant replay` and `cotenant validate` put in the place of the simulated
 * machine room.
 */
#ifndef COTENANT_SIM_REPLAY_H
#define COTENANT_SIM_REPLAY_H

#include "replay/cgroup.h"
#include "scenarios/build.h"
#include "sim/run.h"

struct replay_options {
	const char *scenario, *dir;
	int64_t step_ns; /* real time that a tick takes */
	int cores[64];
	size_t ncores; /* 0: the last ones of this machine */
	enum cg_kind groups;
	double memory_scale;
	const char *folder;             /* of disk files; NULL: dir */
	const struct scenario_set *set; /* of the command line, for the manifest */
	size_t nsets;
	bool resume; /* keep the finished runs of one that was stopped */
	bool force, quiet;
};

/* Loads nothing, starts nothing: whether the scenario can run on real guests at all, by its contents. */
int replay_check(const struct scenario *scenario, const struct replay_options *options,
		 struct err *err) must_check;

/* Runs every set of policies with every seed, one after the other. Groups of runs that were killed are
 * removed before and after. */
int replay_batch(const struct scenario *scenario, const struct trace_set *traces,
		 const struct replay_options *options, struct err *err) must_check;

/* Says on stderr what makes the runs of @dir believable. */
int replay_print_validity(const char *dir, struct err *err) must_check;

#endif
