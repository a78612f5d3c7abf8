/*
 * From a scenario to the tables of a run: host types, classes, VMs, groups and their workloads.
 *
 * Files are loaded once for all runs of a batch (trace_set.h); tables are made anew by each run.
 */
#ifndef COTENANT_SCENARIOS_BUILD_H
#define COTENANT_SCENARIOS_BUILD_H

#include "models/dc.h"
#include "models/driver_sim.h"
#include "scenarios/scenario.h"
#include "scenarios/trace_set.h"

/* One group of VMs in a run. */
struct group {
	const struct vm_spec *spec;
	int64_t planned;           /* VMs known beforehand; -1: created without end by arrivals */
	uint32_t first_vm;         /* id of the first, where planned >= 0 */
	uint32_t class_id;         /* of VMs whose size the trace does not tell */
	const struct trace *trace; /* that sizes or lives are taken from; NULL if none */
	uint32_t trace_first;      /* where in it the group begins */
	const uint32_t *column;    /* which of its VMs comes where; NULL: as they stand in it */
};

/* Which VM of the trace is the group's VM @index; trace->n or more: none. */
size_t group_column(const struct group *group, size_t index);

struct plan {
	struct dc dc;
	uint64_t seed;
	size_t ngroups;
	struct group *group;
	struct sim_group *load;  /* per group */
	const uint32_t **column; /* by trace of the set, where traces are shuffled; else NULL */
};

/* Fills the plan, of which the caller has set dc.order and the run's seed, for shuffle_traces; memory in
 * @arena, but dc needs dc_fini() in any case. */
int build_plan(const struct scenario *scenario, const struct trace_set *traces, struct arena *arena,
	       struct plan *plan, struct err *err) must_check;

/* The class of a VM of the group, added if the trace gives it a size of its own. */
int build_class(const struct scenario *scenario, struct plan *plan, size_t group, uint32_t index,
		uint32_t *class_id) must_check;

/* The class that a resize makes of another one. */
struct vm_class build_resized(const struct vm_class *class, const struct action_spec *action);

#endif
