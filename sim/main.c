/* argv -> cmd_*(): the only file that prints an error and chooses the exit status. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/cmd_compare.h"
#include "sim/cmd_list.h"
#include "sim/cmd_plot.h"
#include "sim/cmd_record.h"
#include "sim/cmd_replay.h"
#include "sim/cmd_report.h"
#include "sim/cmd_trace.h"
#include "sim/core/err.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv, struct err *err);
	const char *help;
} commands[] = {
	{"run", cmd_run,
	 "run SCENARIO.yaml [-o DIR] [-j N] [--set path=value]: simulate and compare"},
	{"check", cmd_check, "check SCENARIO.yaml...: report every error of scenario files"},
	{"compare", cmd_compare, "compare DIR [--baseline P]: the policies of a run side by side"},
	{"plot", cmd_plot, "plot DIR [--format png|svg|both]: pictures of a run, in DIR/plots/"},
	{"report", cmd_report, "report DIR: one HTML file with all of a run"},
	{"replay", cmd_replay, "replay SCENARIO.yaml | probe | clean: the same on real KVM guests"},
	{"validate", cmd_validate, "validate SCENARIO.yaml: simulated and real, and how far they are apart"},
	{"record", cmd_record, "record [-o FILE.csv] [--list]: what running VMs want, as a trace"},
	{"trace", cmd_trace, "trace info|convert FILE...: what is in a trace of use"},
	{"policies", cmd_policies, "policies [NAME]: what can be named in a scenario"},
	{"schema", cmd_schema, "schema: the JSON Schema of scenarios, for editors"},
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("cotenant " COTENANT_VERSION
	      ": what virtual machines that share hosts get from each other\n\n",
	      out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  cotenant %s\n", commands[i].help);
	fputs("\nThe manual is cotenant(1).\n", out);
}

/* What a message would say that has the program's name before every line. */
static void print_error(const struct err *err)
{
	fprintf(stderr, "%.*s\n", (int)err->len, err->text);
	if (err->count > ERR_MAX_LINES)
		fprintf(stderr, "and %u more errors\n", err->count - ERR_MAX_LINES);
}

static int dispatch(int argc, char **argv, struct err *err)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1, err);
	return err_input(err, "cotenant: %s: no such command (cotenant --help lists them)",
			 argv[1]);
}

int main(int argc, char **argv)
{
	static struct err err;

	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
			  strcmp(argv[1], "help") == 0)) {
		print_help(stdout);
	} else if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("cotenant " COTENANT_VERSION);
	} else if (argc < 2) {
		print_help(stderr);
		return 2;
	} else if (dispatch(argc, argv, &err) < 0 && err.kind == ERR_NONE) {
		err_run(&err, -EIO, "cotenant: %s failed without a message", argv[1]);
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		err_run(&err, -errno, "cotenant: cannot write to standard output: %s",
			strerror(errno));
	if (err.kind != ERR_NONE)
		print_error(&err);
	return err_exit_status(&err);
}
