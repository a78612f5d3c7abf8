/* cotenant run: all policies with all seeds of a scenario, then the comparison. */
#include "sim/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/trace_list.h"
#include "policies/registry.h"
#include "sim/batch.h"
#include "sim/cmd_compare.h"
#include "sim/core/pool.h"

struct run_options {
	const char *scenario, *dir;
	unsigned jobs;
	bool resume, quiet;
	struct scenario_set_list sets;
	struct batch_plugin *plugin;
	size_t nplugins, plugins_cap;
};

const char cmd_run_usage[] =
	"usage: cotenant run SCENARIO.yaml [-o DIR] [-j N] [--seed S] [--set path=value]...\n"
	"                    [--plugin X.so]... [--resume] [--quiet]";

int cmd_add_set(struct scenario_set_list *sets, char *text, struct err *err)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return err_input(err, "--set %s: no value (path=value, for example tick=1s)", text);
	if (mem_grow(&sets->set, &sets->cap, sets->n + 1, sizeof(*sets->set)) < 0)
		return err_nomem(err);
	*equals = '\0';
	sets->set[sets->n++] = (struct scenario_set){.path = text, .value = equals + 1};
	return 0;
}

static int set_jobs(struct run_options *o, const char *text, struct err *err)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 1 || n > 256)
		return err_input(err, "-j %s: not a number of jobs (1 to 256)", text);
	o->jobs = (unsigned)n;
	return 0;
}

/* Loads a shared object, and keeps what its bytes were. */
static int add_plugin(struct run_options *o, const char *path, struct err *err)
{
	struct trace_file file = {0};
	int rc = *path ? registry_load(path, err)
		       : err_input(err, "--plugin: the file's name is empty");

	if (rc == 0)
		rc = trace_file_read(&file, path, err);
	if (rc == 0 &&
	    mem_grow(&o->plugin, &o->plugins_cap, o->nplugins + 1, sizeof(*o->plugin)) < 0)
		rc = err_nomem(err);
	if (rc == 0) {
		struct batch_plugin *plugin = &o->plugin[o->nplugins++];
		*plugin = (struct batch_plugin){path, UINT64_C(14695981039346656037)};
		for (size_t i = 0; i < file.len; i++)
			plugin->hash = (plugin->hash ^ (unsigned char)file.text[i]) *
				       UINT64_C(1099511628211);
	}
	trace_file_fini(&file);
	return rc;
}

static int one_option(struct run_options *o, int c, struct err *err)
{
	switch (c) {
	case 'o':
		o->dir = optarg;
		return *optarg ? 0 : err_input(err, "-o: the directory's name is empty");
	case 'j':
		return set_jobs(o, optarg, err);
	case 's':
		return cmd_add_set(&o->sets, optarg, err);
	case 'p':
		return add_plugin(o, optarg, err);
	case 'r':
		o->resume = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'S':
		if (mem_grow(&o->sets.set, &o->sets.cap, o->sets.n + 1, sizeof(*o->sets.set)) < 0)
			return err_nomem(err);
		o->sets.set[o->sets.n++] = (struct scenario_set){.path = "seed", .value = optarg};
		return 0;
	default:
		return err_input(err, "%s", cmd_run_usage);
	}
}

static int parse(struct run_options *o, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'}, {"jobs", required_argument, NULL, 'j'},
		{"seed", required_argument, NULL, 'S'},   {"set", required_argument, NULL, 's'},
		{"plugin", required_argument, NULL, 'p'}, {"resume", no_argument, NULL, 'r'},
		{"quiet", no_argument, NULL, 'q'},        {NULL, 0, NULL, 0}};
	unsigned cores = pool_cores();
	int c, rc = 0;

	o->jobs = cores > 256 ? 256 : cores;
	o->dir = "out";
	optind = 1;
	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":o:j:q", options, NULL)) != -1) {
		if (c == '?' || c == ':')
			return err_input(err, "run: %s: %s\n%s", argv[optind - 1],
					 c == ':' ? "needs a value" : "no such option",
					 cmd_run_usage);
		rc = one_option(o, c, err);
	}
	if (rc == 0 && optind != argc - 1)
		return err_input(err, "run: %s\n%s",
				 optind == argc ? "a scenario is missing"
						: "one scenario at a time",
				 cmd_run_usage);
	o->scenario = rc == 0 ? argv[optind] : NULL;
	return rc;
}

static void say_notes(const struct trace_set *traces)
{
	for (size_t i = 0; i < traces->n; i++) {
		const struct trace *t = traces->use[i].trace;
		for (size_t k = 0; k < t->nnotes; k++)
			fprintf(stderr, "%s: %" PRIu64 " x %s\n", t->path, t->note[k].count,
				t->note[k].text);
	}
}

static void say_speeds(const struct scenario *s)
{
	const struct host_spec *host = s->hosts.items;
	bool assumed = false, differ = false;

	for (size_t i = 1; i < s->hosts.n; i++)
		differ |= host[i].speed != host[0].speed;
	for (size_t i = 0; i < s->vms.n; i++)
		assumed |= !(scenario_group(s, i)->speed > 0);
	if (assumed && differ)
		fprintf(stderr,
			"%s: VMs without `speed` are taken to have the core speed of the first"
			" hosts, %g MHz\n",
			s->path, host[0].speed);
}

static int load_and_run(const struct run_options *o, struct scenario **scenario,
			struct trace_set *traces, struct err *err)
{
	int rc = scenario_load(scenario, o->scenario, o->sets.set, o->sets.n, err);

	if (rc == 0)
		rc = trace_set_load(*scenario, traces, err);
	if (rc < 0)
		return rc;
	if (!o->quiet) {
		say_notes(traces);
		say_speeds(*scenario);
	}
	struct batch batch = {.scenario = *scenario,
			      .traces = traces,
			      .dir = o->dir,
			      .jobs = o->jobs,
			      .resume = o->resume,
			      .show_progress = !o->quiet && isatty(2),
			      .plugin = o->plugin,
			      .nplugins = o->nplugins,
			      .set = o->sets.set,
			      .nsets = o->sets.n};
	rc = batch_run(&batch, err);
	if (rc < 0 || o->quiet)
		return rc;
	return compare_print(o->dir, NULL, stdout, isatty(1), err);
}

int cmd_run(int argc, char **argv, struct err *err)
{
	struct run_options o = {0};
	struct scenario *scenario = NULL;
	struct trace_set traces = {0};
	int rc = parse(&o, argc, argv, err);

	if (rc == 0)
		rc = load_and_run(&o, &scenario, &traces, err);
	trace_set_free(&traces);
	scenario_free(scenario);
	mem_free(o.sets.set);
	mem_free(o.plugin);
	return rc;
}
