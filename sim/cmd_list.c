/* See cmd_list.h. `check` reads traces and other files too, for they may be wrong as well. */
#include "sim/cmd_list.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/migration.h"
#include "models/power.h"
#include "models/trace.h"
#include "models/workload.h"
#include "policies/registry.h"
#include "scenarios/build.h"
#include "scenarios/scenario.h"
#include "sim/core/mem.h"
#include "sim/core/opt.h"
#include "sim/core/units.h"

static const struct plugin_kind *const kinds[] = {&policy_kind,   &placer_kind,   &workload_kind,
						  &power_kind,    &trace_kind,    &migration_kind,
						  &detector_kind, &selector_kind, &balancer_kind};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char cmd_check_usage[] =
	"usage: cotenant check [--set path=value]... [--plugin X.so]... SCENARIO.yaml...";
const char cmd_policies_usage[] = "usage: cotenant policies [NAME]...";
const char cmd_schema_usage[] = "usage: cotenant schema";

/* How many VMs the scenario makes; *more is set where chance tells how many come. */
static int64_t count_vms(const struct scenario *s, const struct trace_set *traces, bool *more)
{
	int64_t count = 0;

	for (size_t i = 0; i < s->vms.n; i++) {
		int64_t vms = trace_set_part(s, traces, i).vms;
		count += vms > 0 ? vms : 0;
		*more |= vms < 0;
	}
	return count;
}

static int check_file(const char *path, const struct scenario_set *sets, size_t nsets,
		      struct err *err)
{
	struct scenario *s = NULL;
	struct trace_set set = {0};
	int64_t hosts = 0, vms = 0;
	bool more = false;

	int code = scenario_load(&s, path, sets, nsets, err);
	if (code == 0)
		code = trace_set_load(s, &set, err);
	if (code == 0) {
		vms = count_vms(s, &set, &more);
		const struct host_spec *host = s->hosts.items;
		size_t runs = scenario_runs(s);
		for (size_t i = 0; i < s->hosts.n; i++)
			hosts += host[i].count;
		printf("%s: ok (%" PRId64 " host%s, %" PRId64 "%s VM%s, %zu run%s)\n", path, hosts,
		       hosts == 1 ? "" : "s", vms, more ? "+" : "", vms == 1 && !more ? "" : "s",
		       runs, runs == 1 ? "" : "s");
	}
	trace_set_free(&set);
	scenario_free(s);
	return code;
}

/* "path=value" of --set, cut in two in place. */
static int parse_set(char *arg, struct scenario_set *set, struct err *err)
{
	char *equals = arg ? strchr(arg, '=') : NULL;

	if (!equals)
		return err_input(err, "--set: needs path=value, for example --set tick=1s");
	*equals = '\0';
	*set = (struct scenario_set){arg, equals + 1};
	return 0;
}

/* Options with their values out of the way, wherever they stand: fills @sets, loads plug-ins, and
 * moves the names of files to the front of argv. The number of files, or a negative errno. */
static int parse_check(int argc, char **argv, struct scenario_set *sets, size_t *nsets,
		       struct err *err)
{
	int files = 0, code = 0;

	for (int i = 1; i < argc && code == 0; i++) {
		char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--set") == 0) {
			code = parse_set(value, &sets[(*nsets)++], err);
			i++;
		} else if (strcmp(argv[i], "--plugin") == 0) {
			code = value ? registry_load(value, err)
				     : err_input(err, "--plugin: needs a shared object");
			i++;
		} else if (argv[i][0] == '-' && argv[i][1]) {
			code = err_input(err,
					 "check: %s: unknown option (known are --set path=value "
					 "and --plugin FILE.so)",
					 argv[i]);
		} else {
			argv[files++] = argv[i];
		}
	}
	if (code == 0 && files == 0)
		code = err_input(err, "check: no file named (cotenant check SCENARIO.yaml...)");
	return code ? code : files;
}

static int check_files(int argc, char **argv, struct scenario_set *sets, struct err *err)
{
	size_t nsets = 0;
	int result = 0, files = parse_check(argc, argv, sets, &nsets, err);

	for (int i = 0; i < files; i++) {
		int code = check_file(argv[i], sets, nsets, err);
		result = result ? result : code;
	}
	return files < 0 ? files : result;
}

int cmd_check(int argc, char **argv, struct err *err)
{
	struct scenario_set *sets = mem_alloc((size_t)argc, sizeof(*sets));

	if (!sets)
		return err_nomem(err);
	int code = check_files(argc, argv, sets, err);
	mem_free(sets);
	return code;
}

static void print_kind(const struct plugin_kind *kind)
{
	const struct plugin *plugin;

	printf("%s:\n", kind->what);
	for (size_t i = 0; (plugin = kind->at(i)) != NULL; i++)
		printf("  %-14s %s\n", plugin->name, plugin->summary);
}

static void print_amount(enum opt_type type, double value, char *buf, size_t n)
{
	static const char *const suffix[OPT_CPU + 1] = {
		[OPT_FREQ] = " MHz", [OPT_BYTERATE] = " B/s", [OPT_BITRATE] = " bit/s",
		[OPT_RATE] = "/s",   [OPT_POWER] = " W",
	};
	char number[64];

	if (isinf(value))
		snprintf(buf, n, "none");
	else if (type == OPT_TIME && fabs(value) < 9e18)
		units_print_time(llround(value), buf, n);
	else if (type == OPT_BYTES)
		units_print_bytes(value, buf, n);
	else
		snprintf(buf, n, "%s%s", units_print_number(value, number, sizeof(number)),
			 type <= OPT_CPU && suffix[type] ? suffix[type] : "");
}

/* "1 .. 10", "at least 1s", "m1, m2". */
static void print_range(const struct opt *opt, char *buf, size_t n)
{
	bool values = opt->type == OPT_LIST || opt->type == OPT_DIST;
	enum opt_type type = values ? opt->of : opt->type;
	char low[80], high[80];
	size_t len = 0;

	buf[0] = '\0';
	if (type == OPT_ENUM) {
		for (size_t i = 0; opt->choices[i] && len < n; i++)
			len += (size_t)snprintf(buf + len, n - len, "%s%s", i ? ", " : "",
						opt->choices[i]);
	}
	if (type == OPT_BOOL || type >= OPT_ENUM)
		return;
	/* The range of a time that is drawn is in seconds. */
	double scale = opt->type == OPT_DIST && type == OPT_TIME ? 1e9 : 1;
	print_amount(type, opt->min * scale, low, sizeof(low));
	print_amount(type, opt->max * scale, high, sizeof(high));
	if ((opt->min == 0 && opt->max == 0) || opt->max >= 1e18)
		snprintf(buf, n, "at least %s%s", low, isinf(opt->max) ? ", or none" : "");
	else
		snprintf(buf, n, "%s to %s", low, high);
}

static void print_option(const struct opt *opt)
{
	bool values = opt->type == OPT_LIST || opt->type == OPT_DIST;
	char range[300];

	printf("  %s: %s\n", opt->name, opt->help);
	printf("    %s%s%s\n", opt_type_help(opt->type), values ? "; values: " : "",
	       values ? opt_type_help(opt->of) : "");
	print_range(opt, range, sizeof(range));
	if (range[0])
		printf("    range: %s\n", range);
	if (opt->required)
		printf("    required\n");
	else if (opt->def && opt->def[0])
		printf("    default: %s\n", opt->def);
}

static void print_plugin(const struct plugin_kind *kind, const struct plugin *plugin)
{
	printf("%s (%s): %s\n", plugin->name, kind->what, plugin->summary);
	if (plugin->source)
		printf("source: %s\n", plugin->source);
	if (!plugin->opts || !plugin->opts->name)
		printf("options: none\n");
	else
		printf("options:\n");
	for (const struct opt *opt = plugin->opts; opt && opt->name; opt++)
		print_option(opt);
}

static int print_named(const char *name, struct err *err)
{
	const char *near = NULL;
	bool found = false;

	for (size_t i = 0; i < KINDS; i++) {
		const struct plugin *plugin = plugin_find(kinds[i], name);
		if (plugin)
			print_plugin(kinds[i], plugin);
		found = found || plugin;
		near = near ? near : plugin_nearest(kinds[i], name);
	}
	if (found)
		return 0;
	if (near)
		return err_input(err, "policies: nothing is called \"%s\" (did you mean %s?)", name,
				 near);
	return err_input(err, "policies: nothing is called \"%s\" (cotenant policies lists all)",
			 name);
}

int cmd_policies(int argc, char **argv, struct err *err)
{
	int code = 0;

	for (size_t i = 0; argc < 2 && i < KINDS; i++)
		print_kind(kinds[i]);
	for (int i = 1; i < argc && code == 0; i++)
		code = print_named(argv[i], err);
	return code;
}

int cmd_schema(int argc, char **argv, struct err *err)
{
	if (argc > 1)
		return err_input(err, "schema: %s: takes no arguments", argv[1]);
	scenario_schema_print(stdout);
	return 0;
}
