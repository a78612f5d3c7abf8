/*
 * The sub-commands, one file each. argv[0] is the sub-command's name. Results go to stdout; 0, or a
 * negative errno with @err set.
 */
#ifndef COTENANT_SIM_CMD_H
#define COTENANT_SIM_CMD_H

#include "sim/core/err.h"

int cmd_run(int argc, char **argv, struct err *err);

#endif
