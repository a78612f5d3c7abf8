/*
 * The command that runs on real KVM guests.
 *
 * argv[0] is the name of the command. Results go to stdout. 0, or a negative errno with @err set.
 */
#ifndef COTENANT_SIM_CMD_REPLAY_H
#define COTENANT_SIM_CMD_REPLAY_H

#include "sim/core/err.h"

/* replay probe [FOLDER]: what this machine offers and lacks (replay/probe.h), where disk files would be made
 * in FOLDER; bad input (exit status 2) if guests cannot run here.
 * replay clean: removes the groups of runs that were killed. */
int cmd_replay(int argc, char **argv, struct err *err) must_check;

/* validate SCENARIO.yaml: in simulation and on real guests, into DIR/sim and DIR/real, and the distance
 * between both; a failed run (exit status 1) if it is beyond tolerance. */
int cmd_validate(int argc, char **argv, struct err *err) must_check;

extern const char cmd_replay_usage[]; /* of both */

#endif
