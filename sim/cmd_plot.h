/* `cotenant plot`: figures of a finished run, in its folder plots/. */
#ifndef COTENANT_SIM_CMD_PLOT_H
#define COTENANT_SIM_CMD_PLOT_H

#include "sim/core/err.h"

/* argv[0] is "plot". Prints the paths of the pictures it drew. */
int cmd_plot(int argc, char **argv, struct err *err) must_check;
extern const char cmd_plot_usage[];

#endif
