/* See cmd_replay.h. */
#include "sim/cmd_replay.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plots/plot.h"
#include "replay/cgroup.h"
#include "replay/probe.h"
#include "replay/vmm.h"
#include "sim/batch.h"
#include "sim/cmd.h"
#include "sim/cmd_compare.h"
#include "sim/core/units.h"
#include "sim/replay.h"
#include "sim/replay_migrate.h"
#include "sim/validate.h"

static int probe(int argc, char **argv, struct err *err)
{
	static const char *const state[] = {"ok", "less", "missing"};
	static struct probe found;
	int result = 0;

	if (argc > 2)
		return err_input(err, "replay probe: takes one folder at most");
	probe_machine(&found, "", argc == 2 ? argv[1] : ".");
	for (size_t i = 0; i < found.n; i++) {
		const struct probe_item *item = &found.item[i];
		printf("%-12s  %-7s  %s\n", item->name, state[item->state], item->text);
		if (item->remedy[0])
			printf("%25s-> %s\n", "", item->remedy);
		if (item->state == PROBE_MISSING)
			result = err_input(err, "replay: guests cannot run here: %s: %s%s%s",
					   item->name, item->text, item->remedy[0] ? ": " : "",
					   item->remedy);
	}
	return result;
}

static int clean(int argc, char **argv, struct err *err)
{
	(void)argv;
	if (argc > 1)
		return err_input(err, "replay clean: takes no arguments");
	int n = cg_clean("", err);
	if (n < 0)
		return n;
	printf("%d %s of dead runs removed\n", n, n == 1 ? "group" : "groups");
	return 0;
}

const char cmd_replay_usage[] =
	"usage: cotenant replay SCENARIO.yaml [-o DIR] [--step 1s] [--cores 1,2] [--backend "
	"auto|v1|v2|none]\n"
	"                       [--memory-scale X] [--disk-folder DIR] [--set path=value]... "
	"[--seed S]\n"
	"                       [--force] [--resume] [--quiet]\n"
	"       cotenant validate SCENARIO.yaml [the same] [--tolerance cpu-rms=0.015]...\n"
	"       cotenant replay probe [FOLDER] | clean | migrate [--memory 64MiB] [--rate 10000] "
	"...";

struct command {
	struct replay_options replay;
	struct scenario_set_list sets;
	struct validate_tolerance tolerance;
};

static int set_cores(struct replay_options *o, const char *text, struct err *err)
{
	const char *at = text;

	for (o->ncores = 0; o->ncores < 64; at++) {
		char *end;
		long core = strtol(at, &end, 10);
		if (end == at || core < 0 || core >= 1024)
			break;
		o->cores[o->ncores++] = (int)core;
		at = end;
		if (*at == '\0')
			return 0;
		if (*at != ',')
			break;
	}
	return err_input(err, "--cores %s: not a list of cores (for example 1 or 2,3)", text);
}

static int set_backend(struct replay_options *o, const char *text, struct err *err)
{
	static const char *const names[] = {
		[CG_NONE] = "none", [CG_V1] = "v1", [CG_V2] = "v2", [CG_AUTO] = "auto"};

	for (int k = CG_NONE; k <= CG_AUTO; k++)
		if (strcmp(text, names[k]) == 0) {
			o->groups = (enum cg_kind)k;
			return 0;
		}
	return err_input(err, "--backend %s: not one of auto, v1, v2, none", text);
}

static int set_step(struct replay_options *o, const char *text, struct err *err)
{
	char buf[128];
	const char *why = units_parse(OPT_TIME, text, &o->step_ns, buf, sizeof(buf));

	if (why || o->step_ns <= 0)
		return err_input(err, "--step %s: %s (for example 1s)", text,
				 why ? why : "not a time above 0");
	return 0;
}

static int set_scale(struct replay_options *o, const char *text, struct err *err)
{
	char *end;

	o->memory_scale = strtod(text, &end);
	if (end == text || *end != '\0' || !isfinite(o->memory_scale) || o->memory_scale <= 0)
		return err_input(err, "--memory-scale %s: not a factor (for example 0.1)", text);
	return 0;
}

static int set_tolerance(struct validate_tolerance *t, const char *text, struct err *err)
{
	const struct {
		const char *name;
		double *value;
	} known[] = {{"cpu-rms=", &t->cpu_rms},
		     {"cpu-mean=", &t->cpu_mean},
		     {"memory=", &t->memory},
		     {"disk=", &t->disk}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i].name);
		char *end;
		if (strncmp(text, known[i].name, n) != 0)
			continue;
		*known[i].value = strtod(text + n, &end);
		if (end > text + n && *end == '\0' && *known[i].value >= 0)
			return 0;
	}
	return err_input(err,
			 "--tolerance %s: not one of cpu-rms=X, cpu-mean=X (cores), memory=X,"
			 " disk=X (shares)",
			 text);
}

static int one_option(struct command *c, int option, struct err *err)
{
	char seed[64];

	switch (option) {
	case 'o':
		c->replay.dir = optarg;
		return *optarg ? 0 : err_input(err, "-o: the directory's name is empty");
	case 't':
		return set_step(&c->replay, optarg, err);
	case 'c':
		return set_cores(&c->replay, optarg, err);
	case 'b':
		return set_backend(&c->replay, optarg, err);
	case 'm':
		return set_scale(&c->replay, optarg, err);
	case 'd':
		c->replay.folder = optarg;
		return 0;
	case 's':
		return cmd_add_set(&c->sets, optarg, err);
	case 'S':
		snprintf(seed, sizeof(seed), "seed=%s", optarg);
		return cmd_add_set(&c->sets, strdup(seed), err);
	case 'T':
		return set_tolerance(&c->tolerance, optarg, err);
	case 'f':
		c->replay.force = true;
		return 0;
	case 'r':
		c->replay.resume = true;
		return 0;
	case 'q':
		c->replay.quiet = true;
		return 0;
	default:
		return err_input(err, "%s", cmd_replay_usage);
	}
}

static int parse(struct command *c, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
						{"step", required_argument, NULL, 't'},
						{"cores", required_argument, NULL, 'c'},
						{"backend", required_argument, NULL, 'b'},
						{"memory-scale", required_argument, NULL, 'm'},
						{"disk-folder", required_argument, NULL, 'd'},
						{"set", required_argument, NULL, 's'},
						{"seed", required_argument, NULL, 'S'},
						{"tolerance", required_argument, NULL, 'T'},
						{"force", no_argument, NULL, 'f'},
						{"resume", no_argument, NULL, 'r'},
						{"quiet", no_argument, NULL, 'q'},
						{NULL, 0, NULL, 0}};
	int option, rc = 0;

	c->replay = (struct replay_options){.dir = strcmp(argv[0], "validate") == 0 ? "validation"
										    : "out",
					    .step_ns = 1000000000,
					    .groups = CG_AUTO,
					    .memory_scale = 1};
	c->tolerance = (struct validate_tolerance){0.015, 0.01, 0.01, 0.03};
	optind = 1;
	opterr = 0;
	while (rc == 0 && (option = getopt_long(argc, argv, ":o:q", options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return err_input(err, "%s: %s: %s\n%s", argv[0], argv[optind - 1],
					 option == ':' ? "needs a value" : "no such option",
					 cmd_replay_usage);
		rc = one_option(c, option, err);
	}
	if (rc == 0 && optind != argc - 1)
		return err_input(err, "%s: %s\n%s", argv[0],
				 optind == argc ? "a scenario is missing"
						: "one scenario at a time",
				 cmd_replay_usage);
	c->replay.scenario = rc == 0 ? argv[optind] : NULL;
	return rc;
}

static int command_load(struct command *c, struct scenario **scenario, struct trace_set *traces,
			struct err *err)
{
	int rc = scenario_load(scenario, c->replay.scenario, c->sets.set, c->sets.n, err);

	c->replay.set = c->sets.set;
	c->replay.nsets = c->sets.n;
	if (rc == 0)
		rc = replay_check(*scenario, &c->replay, err);
	return rc < 0 ? rc : trace_set_load(*scenario, traces, err);
}

static int replay_scenario(int argc, char **argv, struct err *err)
{
	struct command c = {0};
	struct scenario *scenario = NULL;
	struct trace_set traces = {0};
	int rc = parse(&c, argc, argv, err);

	if (rc == 0)
		rc = command_load(&c, &scenario, &traces, err);
	if (rc == 0)
		rc = replay_batch(scenario, &traces, &c.replay, err);
	if (rc == 0 && !c.replay.quiet)
		rc = replay_print_validity(c.replay.dir, err);
	if (rc == 0 && !c.replay.quiet)
		rc = compare_print(c.replay.dir, NULL, stdout, isatty(1), err);
	trace_set_free(&traces);
	scenario_free(scenario);
	mem_free(c.sets.set);
	return rc;
}

/* Both ways, and how far they are apart. */
static int both_ways(const struct command *c, struct scenario *scenario, struct trace_set *traces,
		     struct err *err)
{
	char sim[4096], real[4096];
	const char *dir = c->replay.dir;
	bool good = false;

	snprintf(sim, sizeof(sim), "%s/sim", dir);
	snprintf(real, sizeof(real), "%s/real", dir);
	struct batch batch = {.scenario = scenario,
			      .traces = traces,
			      .dir = sim,
			      .jobs = 1,
			      .set = c->sets.set,
			      .nsets = c->sets.n};
	int rc = vmm_check("/dev/kvm", err);

	if (rc == 0)
		rc = batch_run(&batch, err);
	struct replay_options there = c->replay;
	there.dir = real;
	if (rc == 0)
		rc = replay_batch(scenario, traces, &there, err);
	if (rc == 0)
		rc = replay_print_validity(real, err);
	if (rc < 0)
		return rc;
	struct validate_params params = {
		.sim_dir = sim,
		.real_dir = real,
		.dir = dir,
		.speed = ((const struct host_spec *)scenario->hosts.items)->speed,
		.cores = (double)((const struct host_spec *)scenario->hosts.items)->cores,
		.tolerance = c->tolerance,
	};
	rc = validate_compare(&params, stdout, &good, err);
	if (rc == 0)
		rc = plot_dir(dir, "png", err);
	if (rc == 0 && !good)
		rc = err_run(err, -ERANGE, "validate: %s: not all within tolerance",
			     scenario->path);
	return rc;
}

int cmd_validate(int argc, char **argv, struct err *err)
{
	struct command c = {0};
	struct scenario *scenario = NULL;
	struct trace_set traces = {0};
	char all[] = "output.vm_timeline=1000000";
	int rc = parse(&c, argc, argv, err);

	if (rc == 0)
		rc = cmd_add_set(&c.sets, all, err);
	if (rc == 0)
		rc = command_load(&c, &scenario, &traces, err);
	if (rc == 0)
		rc = both_ways(&c, scenario, &traces, err);
	trace_set_free(&traces);
	scenario_free(scenario);
	mem_free(c.sets.set);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv, struct err *err);
} commands[] = {
	{"probe", probe},
	{"clean", clean},
	{"migrate", replay_migrate},
};

int cmd_replay(int argc, char **argv, struct err *err)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1, err);
	return replay_scenario(argc, argv, err);
}
