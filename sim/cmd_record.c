/* See cmd_record.h. The options are a table like those of a scenario (opt.h), --help prints it. */
#include "sim/cmd_record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/core/opt.h"
#include "sim/core/units.h"
#include "sim/recording.h"

#define LEAST_NS 1e8 /* counters move at the scheduler's ticks, of up to 10 ms */
#define MOST_NS  8.64e13

struct request {
	const char *output, *details, *libvirt;
	int64_t interval_ns, duration_ns;
	struct opt_list pids, names; /* int64_t, const char * */
	int demand, memory;
	bool own, no_disk, list, quiet, help;
};

static const char *const memories[] = {"rss", "pss", "none", NULL};

#define AT(field) .offset = offsetof(struct request, field)

static const struct opt options[] = {
	{.name = "output",
	 .type = OPT_STRING,
	 AT(output),
	 .def = "recorded.csv",
	 .help = "file of the trace (-o)"},
	{.name = "interval",
	 .type = OPT_TIME,
	 AT(interval_ns),
	 .def = "1s",
	 .min = LEAST_NS,
	 .max = MOST_NS,
	 .help = "time between two samples; the step of the trace"},
	{.name = "duration",
	 .type = OPT_TIME,
	 AT(duration_ns),
	 .def = "60s",
	 .min = LEAST_NS,
	 .max = INFINITY,
	 .help = "how long; none = until SIGINT or SIGTERM"},
	{.name = "pid",
	 .type = OPT_LIST,
	 .of = OPT_INT,
	 AT(pids),
	 .min = 1,
	 .max = INT32_MAX,
	 .def = "",
	 .help = "only this process, be it a VM or not; may be repeated"},
	{.name = "name",
	 .type = OPT_LIST,
	 .of = OPT_STRING,
	 AT(names),
	 .def = "",
	 .help = "only VMs with a name like this pattern (web-*); may be repeated"},
	{.name = "own",
	 .type = OPT_BOOL,
	 AT(own),
	 .def = "false",
	 .help = "only guests of cotenant replay"},
	{.name = "demand",
	 .type = OPT_ENUM,
	 AT(demand),
	 .def = "wanted",

	 .choices = record_demand_name,
	 .help = "what vCPUs wanted: wanted, used, closed, most (rules: see the manual)"},
	{.name = "memory",
	 .type = OPT_ENUM,
	 AT(memory),
	 .def = "rss",
	 .choices = memories,
	 .help = "rss = resident; pss = proportional share, takes longer; none = no column"},
	{.name = "no-disk",
	 .type = OPT_BOOL,
	 AT(no_disk),
	 .def = "false",
	 .help = "no columns disk and iops"},
	{.name = "details",
	 .type = OPT_STRING,
	 AT(details),
	 .def = "",
	 .help = "second file: pids, time used and waited, use besides the vCPUs"},
	{.name = "libvirt",
	 .type = OPT_STRING,
	 AT(libvirt),
	 .def = "auto",
	 .help = "URI that is asked for names and sizes; auto = where its daemon runs; none"},
	{.name = "list",
	 .type = OPT_BOOL,
	 AT(list),
	 .def = "false",
	 .help = "say which VMs are there, and record nothing"},
	{.name = "quiet",
	 .type = OPT_BOOL,
	 AT(quiet),
	 .def = "false",
	 .help = "neither progress nor summary (-q)"},
	{.name = "help", .type = OPT_BOOL, AT(help), .def = "false", .help = "this text (-h)"},
	{.name = NULL}};

/* ---- command line ---- */

static const char *form(const struct opt *opt, char *buf, size_t n)
{
	const char *value = opt->type == OPT_TIME   ? " TIME"
			    : opt->type == OPT_ENUM ? " WORD"
			    : opt->of == OPT_INT    ? " N"
			    : opt->type == OPT_BOOL ? ""
						    : " TEXT";

	snprintf(buf, n, "--%s%s", opt->name, value);
	return buf;
}

static void print_help(void)
{
	char buf[64];

	puts("usage: cotenant record [-o FILE.csv] [OPTION]...\n");
	for (const struct opt *o = options; o->name; o++)
		printf("  %-17s %s%s%s%s\n", form(o, buf, sizeof(buf)), o->help,
		       o->type != OPT_BOOL && o->def[0] ? " [" : "",
		       o->type != OPT_BOOL ? o->def : "",
		       o->type != OPT_BOOL && o->def[0] ? "]" : "");
}

static const struct opt *find_option(const char *arg, struct err *err)
{
	static const char *const shorts[][2] = {{"-o", "output"}, {"-q", "quiet"}, {"-h", "help"}};

	for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++)
		if (strcmp(arg, shorts[i][0]) == 0)
			return opt_find(options, shorts[i][1]);
	const struct opt *opt = strncmp(arg, "--", 2) == 0 ? opt_find(options, arg + 2) : NULL;
	if (opt)
		return opt;
	const char *near = arg[0] == '-' ? opt_nearest(options, arg + strspn(arg, "-")) : NULL;
	if (near)
		err_input(err, "record: %s: no such option (did you mean --%s?)", arg, near);
	else
		err_input(err, "record: %s: no such option (cotenant record --help)", arg);
	return NULL;
}

static int parse(struct request *req, int argc, char **argv, struct arena *arena, struct err *err)
{
	char why[256];

	if (opt_defaults(options, req, arena) < 0)
		return err_nomem(err);
	for (int i = 1; i < argc; i++) {
		const struct opt *opt = find_option(argv[i], err);
		if (!opt)
			return -EINVAL;
		const char *value = opt->type == OPT_BOOL ? "true" : argv[++i];
		if (!value)
			return err_input(err, "record: --%s: needs a value", opt->name);
		if (!*value)
			return err_input(err, "record: --%s: the value is empty", opt->name);
		const char *bad = opt_parse(opt, value, req, arena, why, sizeof(why));
		if (bad == opt_no_memory)
			return err_nomem(err);
		if (bad)
			err_input(err, "record: --%s: %s", opt->name, bad);
	}
	return err->kind == ERR_NONE ? 0 : -EINVAL;
}

/* ---- what is asked for ---- */

static int by_pid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static int set_params(const struct request *req, struct record_params *params, struct arena *arena,
		      struct err *err)
{
	const int64_t *given = req->pids.items;
	pid_t *pid = arena_alloc(arena, req->pids.n, sizeof(*pid));
	size_t n = 0;

	if (!pid)
		return err_nomem(err);
	for (size_t i = 0; i < req->pids.n; i++)
		pid[i] = (pid_t)given[i];
	if (req->pids.n > 0)
		qsort(pid, req->pids.n, sizeof(*pid), by_pid);
	for (size_t i = 0; i < req->pids.n; i++)
		if (n == 0 || pid[n - 1] != pid[i])
			pid[n++] = pid[i];
	*params = (struct record_params){.root = "",
					 .pid = pid,
					 .npids = n,
					 .name = req->names.items,
					 .nnames = req->names.n,
					 .own = req->own,
					 .demand = (enum record_demand)req->demand,
					 .memory = (enum record_memory)req->memory,
					 .disk = !req->no_disk,
					 .libvirt = strcmp(req->libvirt, "auto") == 0 ? NULL
						    : strcmp(req->libvirt, "none") == 0
							    ? ""
							    : req->libvirt};
	return 0;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int check(const struct request *req, struct err *err)
{
	const char *const path[] = {req->output, req->details};

	if (req->duration_ns < req->interval_ns)
		err_input(err, "record: --duration: shorter than one interval");
	for (size_t i = 0; i < 2; i++)
		if (is_folder(path[i]))
			err_input(err, "record: %s: is a folder (would be a file)", path[i]);
	if (req->details && *req->details && strcmp(req->details, req->output) == 0)
		err_input(err, "record: --details: the same file as --output");
	return err->kind == ERR_NONE ? 0 : -EINVAL;
}

/* ---- --list ---- */

static void print_vm(const struct found_vm *vm, const char *lack)
{
	char ram[64] = "?";

	if (vm->ram > 0)
		units_print_bytes(vm->ram, ram, sizeof(ram));
	printf("%-8s %8ld %5u %10s  %-24s %s%s%s%s\n", find_kind_name(vm->kind), (long)vm->pid,
	       vm->vcpus, ram, vm->name, vm->group[0] ? vm->group : "-",
	       vm->named || vm->kind == FOUND_PROCESS
		       ? ""
		       : "; vCPU threads have no names: all threads count",
	       lack[0] ? "; may not be read: " : "", lack);
}

static int print_list(const struct record_params *params, struct err *err)
{
	struct record *record;
	const struct found_vm *vm;
	char lack[64];

	int rc = record_open(&record, params, err);
	if (rc < 0)
		return rc;
	printf("%-8s %8s %5s %10s  %-24s %s\n", "kind", "pid", "vcpus", "memory", "name", "group");
	size_t n = 0;
	while ((vm = record_at(record, n, lack, sizeof(lack)))) {
		print_vm(vm, lack);
		n++;
	}
	printf("%zu %s; libvirt: %s\n", n, n == 1 ? "VM" : "VMs", record_libvirt(record));
	if (record_stats(record)->hidden > 0)
		printf("%u processes may not be looked into (be root): VMs among them are seen only"
		       " if their threads are called CPU n/KVM\n",
		       record_stats(record)->hidden);
	record_close(record);
	return 0;
}

static int obey(const struct request *req, struct arena *arena, struct err *err)
{
	struct recording recording = {.path = req->output,
				      .details =
					      req->details && *req->details ? req->details : NULL,
				      .interval_ns = req->interval_ns,
				      .duration_ns = req->duration_ns,
				      .quiet = req->quiet};
	int rc = set_params(req, &recording.params, arena, err);

	if (rc == 0 && req->list)
		return print_list(&recording.params, err);
	if (rc == 0)
		rc = check(req, err);
	return rc < 0 ? rc : recording_make(&recording, err);
}

int cmd_record(int argc, char **argv, struct err *err)
{
	struct request req = {0};
	struct arena arena = {0};
	int rc = parse(&req, argc, argv, &arena, err);

	if (rc == 0 && req.help)
		print_help();
	else if (rc == 0)
		rc = obey(&req, &arena, err);
	arena_fini(&arena);
	return rc;
}
