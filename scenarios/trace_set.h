/*
 * The files that a scenario names, besides itself: traces that VMs replay, recorded outages, and the carbon intensity
 * of electricity. Loaded once for all runs of a batch.
 */
#ifndef COTENANT_SCENARIOS_TRACE_SET_H
#define COTENANT_SCENARIOS_TRACE_SET_H

#include "models/carbon.h"
#include "models/trace.h"
#include "scenarios/outages.h"
#include "scenarios/scenario.h"

struct trace_use {
	const char *path, *format;
	struct trace *trace;
};

struct trace_set {
	size_t n, cap;
	struct trace_use *use;
	struct outages outages;
	struct carbon carbon;
};

/* Loads every file, each once. An error as well where a group asks more VMs of a trace than it has. Free in any
 * case. */
int trace_set_load(const struct scenario *scenario, struct trace_set *set,
		   struct err *err) must_check;
void trace_set_free(struct trace_set *set);

/* Where in the set the trace of the group's workload @k is; set->n: it replays none. */
size_t trace_set_use(const struct trace_set *set, const struct vm_spec *vm, size_t k);

/* The VMs that a group has, and from which on it takes those of its trace. */
struct trace_part {
	int64_t first, vms; /* vms -1: created without end by arrivals */
};
struct trace_part trace_set_part(const struct scenario *scenario, const struct trace_set *set,
				 size_t group);

#endif
