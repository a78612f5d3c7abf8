/*
 * The sub-commands, one file each. argv[0] is the sub-command's name. Results go to stdout; 0, or a
 * negative errno with @err set. cmd_X_usage is what main.c says to --help, and a command to who calls
 * it wrongly.
 */
#ifndef COTENANT_SIM_CMD_H
#define COTENANT_SIM_CMD_H

#include "scenarios/scenario.h"
#include "sim/core/err.h"

struct scenario_set_list {
	struct scenario_set *set;
	size_t n, cap;
};

/* Reads "path=value" into a list of overrides; @text is cut in two. */
int cmd_add_set(struct scenario_set_list *sets, char *text, struct err *err) must_check;

int cmd_run(int argc, char **argv, struct err *err);
extern const char cmd_run_usage[];

#endif
