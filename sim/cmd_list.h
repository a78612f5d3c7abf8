/*
 * The commands that look and do not run: check scenarios, list plug-ins, print the schema.
 *
 * argv[0] is the name of the command. Results go to stdout. 0, or a negative errno with @err set.
 */
#ifndef COTENANT_SIM_CMD_LIST_H
#define COTENANT_SIM_CMD_LIST_H

#include "sim/core/err.h"

/* check [--set path=value] [--plugin FILE.so] FILE...: one line for each file that is good; all
 * errors of the others.
 */
int cmd_check(int argc, char **argv, struct err *err) must_check;

/* policies [NAME]: every plug-in by kind, or all about those of that name. */
int cmd_policies(int argc, char **argv, struct err *err) must_check;

extern const char cmd_check_usage[], cmd_policies_usage[], cmd_schema_usage[];

/* schema: the JSON Schema of scenario files. */
int cmd_schema(int argc, char **argv, struct err *err) must_check;

#endif
