/* `cotenant compare`: the policies of a finished run side by side on a terminal. */
#ifndef COTENANT_SIM_CMD_COMPARE_H
#define COTENANT_SIM_CMD_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/core/err.h"

/* argv[0] is "compare". Prints to stdout, in colour if that is a terminal. */
int cmd_compare(int argc, char **argv, struct err *err) must_check;
extern const char cmd_compare_usage[];

/*
 * Prints @dir/summary.csv: one row per policy in the order of the file, means over seeds with the
 * half width of their 95 % interval from two seeds on, `*` at the best value of a column (several
 * if they print alike, none if all do). Columns without any value but 0 are left out. With
 * @baseline (NULL = none) the rows are differences from that policy, paired by seed, and `!` marks
 * those whose interval excludes 0; without one, but with several policies and seeds, both tables are
 * printed, the second with the first policy as baseline. At most 40 lines of 100 columns; what does
 * not fit is counted in the last lines.
 */
int compare_print(const char *dir, const char *baseline, FILE *out, bool colour,
		  struct err *err) must_check;

#endif
