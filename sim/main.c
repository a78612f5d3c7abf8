/* argv -> cmd_*(): the only file that prints an error and chooses the exit status. */
#include <errno.h>
#include <stdbool.h>
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
	const char *usage; /* NULL: it answers --help by itself */
	const char *args, *about;
} commands[] = {
	{"run", cmd_run, cmd_run_usage, "SCENARIO.yaml [-o DIR] [-j N] [--set path=value]",
	 "simulate and compare"},
	{"check", cmd_check, cmd_check_usage, "SCENARIO.yaml...",
	 "report every error of scenario files"},
	{"compare", cmd_compare, cmd_compare_usage, "DIR [--baseline P]",
	 "the policies of a run side by side"},
	{"plot", cmd_plot, cmd_plot_usage, "DIR [--format png|svg|both]",
	 "pictures of a run, in DIR/plots/"},
	{"report", cmd_report, cmd_report_usage, "DIR", "one HTML file with all of a run"},
	{"replay", cmd_replay, cmd_replay_usage, "SCENARIO.yaml | probe | clean",
	 "the same on real KVM guests"},
	{"validate", cmd_validate, cmd_replay_usage, "SCENARIO.yaml",
	 "simulated and real, and how far they are apart"},
	{"record", cmd_record, NULL, "[-o FILE.csv] [--list]", "what running VMs want, as a trace"},
	{"trace", cmd_trace, cmd_trace_usage, "info|convert FILE...", "what is in a trace of use"},
	{"policies", cmd_policies, cmd_policies_usage, "[NAME]", "what can be named in a scenario"},
	{"schema", cmd_schema, cmd_schema_usage, "", "the JSON Schema of scenarios, for editors"},
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static bool wants_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static void print_help(FILE *out)
{
	fputs("cotenant " COTENANT_VERSION
	      ": what virtual machines that share hosts get from each other\n\n",
	      out);
	for (const struct command *c = commands; c < commands + NCOMMANDS; c++)
		fprintf(out, "  cotenant %s%s%s: %s\n", c->name, *c->args ? " " : "", c->args,
			c->about);
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
	for (const struct command *c = commands; c < commands + NCOMMANDS; c++) {
		if (strcmp(argv[1], c->name) != 0)
			continue;
		if (!c->usage || argc < 3 || !wants_help(argv[2]))
			return c->run(argc - 1, argv + 1, err);
		printf("%s\n", c->usage);
		return 0;
	}
	return err_input(err, "cotenant: %s: no such command (cotenant --help lists them)",
			 argv[1]);
}

int main(int argc, char **argv)
{
	static struct err err;

	if (argc >= 2 && (wants_help(argv[1]) || strcmp(argv[1], "help") == 0)) {
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
