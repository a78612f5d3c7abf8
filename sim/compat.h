/*
 * Runs with `semantics: cloudsim-3.0.3`: the scenario's hosts, VMs and trace as CloudSim's PlanetLab
 * experiment treats them (models/cloudsim.h). One row of summary.csv is all that comes out; columns
 * that CloudSim has no answer to are empty.
 */
#ifndef COTENANT_SIM_COMPAT_H
#define COTENANT_SIM_COMPAT_H

#include "models/cloudsim.h"
#include "scenarios/build.h"
#include "scenarios/scenario.h"

/* What compat_run() gives beyond CloudSim's results. */
struct compat_result {
	struct cloudsim_result cloudsim;
	size_t vms;
};

/* 0, or a negative errno with @err set: also for what the trace shows to be outside the experiment.
 * Memory is the arena's. */
int compat_run(const struct scenario *scenario, const struct trace_set *traces,
	       const struct policy_set *policies, uint64_t seed, struct arena *arena,
	       struct compat_result *result, struct err *err) must_check;

#endif
