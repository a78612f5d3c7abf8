/* `cotenant report`: one HTML file with all of a run, to be mailed or kept. */
#ifndef COTENANT_SIM_CMD_REPORT_H
#define COTENANT_SIM_CMD_REPORT_H

#include "sim/core/err.h"

/* argv[0] is "report". Prints the path of the file it wrote. */
int cmd_report(int argc, char **argv, struct err *err) must_check;
extern const char cmd_report_usage[];

/* Writes @dir/report.html: the comparison, the figures as SVG inside the file, and the manifest.
 * Draws the figures first. Needs nothing but the one file to be looked at; equal inputs give equal
 * bytes. */
int report_write(const char *dir, struct err *err) must_check;

#endif
