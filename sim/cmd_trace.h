/*
 * The command that looks at traces and converts them.
 *
 * argv[0] is the name of the command. Results go to stdout. 0, or a negative errno with @err set.
 */
#ifndef COTENANT_SIM_CMD_TRACE_H
#define COTENANT_SIM_CMD_TRACE_H

#include "sim/core/err.h"

/* trace info PATH... [--format F]: what is in each trace, and what its reader assumed or repaired.
 * trace convert PATH -o OUT.csv [--format F]: the grid of the trace in our own format
 * (models/trace_csv.c), a row per step and VM from its first sample to its last. */
int cmd_trace(int argc, char **argv, struct err *err) must_check;

extern const char cmd_trace_usage[];

#endif
