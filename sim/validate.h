/*
 * How far a simulated run and a real one of the same scenario are apart, from the files of both.
 *
 * Of each VM and resource, step by step: what the VM got in the simulation, and what the guest got
 * in it. The first step of the run, in which guests fill their memory, does not count, nor does a part of a step in which a
 * VM came or went: rows are of whole ticks.
 *
 * Beside the mean error of CPU stands what the machine's hypervisor alone explains of it (`steal`): in a step in which
 * grants and stolen time, at the run's mean rate, are more than there is, every guest loses in proportion to its
 * grant. Errors are what they are all the same: nothing is subtracted.
 */
#ifndef COTENANT_SIM_VALIDATE_H
#define COTENANT_SIM_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/core/err.h"

enum validate_resource { VALIDATE_CPU, VALIDATE_MEMORY, VALIDATE_DISK, VALIDATE_RESOURCES };

/* What is still good: CPU in cores; memory and disk relative to what was granted in the mean. */
struct validate_tolerance {
	double cpu_rms, cpu_mean, memory, disk;
};

struct validate_params {
	const char *sim_dir, *real_dir, *dir;
	double speed; /* MHz of a core */
	double cores; /* of the host */
	struct validate_tolerance tolerance;
};

/* Writes DIR/validation.csv (a row per step, VM and resource) and DIR/validation_summary.csv, prints a table
 * to @out. @good: whether everything is within tolerance. */
int validate_compare(const struct validate_params *params, FILE *out, bool *good,
		     struct err *err) must_check;

#endif
