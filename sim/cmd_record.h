/* record [-o FILE.csv] [options]: what running VMs want, as a trace; record --list: which VMs there are. */
#ifndef COTENANT_SIM_CMD_RECORD_H
#define COTENANT_SIM_CMD_RECORD_H

#include "sim/core/err.h"

/* argv[0] is the name of the command. Results go to stdout. 0, or a negative errno with @err set. */
int cmd_record(int argc, char **argv, struct err *err) must_check;

#endif
