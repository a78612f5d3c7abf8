/* See replay.h. */
#include "sim/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "plots/csv.h"
#include "replay/driver_kvm.h"
#include "replay/vmm.h"
#include "sim/batch.h"

#define STEP_MIN_NS INT64_C(500000000)
#define DISK_BYTES  (64.0 * 1048576)

/* The guests' cores are left to them, where this machine has others; and updates come in time. */
static void be_prompt(const struct replay_options *o)
{
	cpu_set_t all, mine;
	struct sched_param priority = {.sched_priority = 1};

	if (sched_getaffinity(0, sizeof(all), &all) == 0) {
		mine = all;
		for (size_t i = 0; i < o->ncores; i++)
			CPU_CLR((size_t)o->cores[i], &mine);
		if (CPU_COUNT(&mine) > 0)
			(void)sched_setaffinity(0, sizeof(mine), &mine);
	}
	/* Only root may; without it lateness shows in the output. */
	(void)sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority);
}

/* Guests are made as large as they will ever be. */
static struct replay_size *largest_sizes(struct run *run)
{
	const struct action_spec *action = run->scenario->actions.items;
	struct replay_size *size = arena_alloc(&run->arena, run->plan.ngroups, sizeof(*size));

	for (size_t g = 0; size && g < run->plan.ngroups; g++)
		for (size_t i = 0; i < run->scenario->actions.n; i++) {
			const char *name = run->plan.group[g].spec->name;
			size_t n = strlen(name);
			if (action[i].action != ACTION_RESIZE ||
			    strncmp(action[i].vm, name, n) != 0 ||
			    (action[i].vm[n] != '\0' && action[i].vm[n] != '-'))
				continue;
			size[g].memory = fmax(size[g].memory, action[i].memory);
			if (action[i].vcpus > size[g].vcpus)
				size[g].vcpus = (uint32_t)action[i].vcpus;
		}
	return size;
}

static int room_open(struct run *run, const void *options, struct err *err)
{
	const struct replay_options *o = options;
	const struct policy_ops *cpu = run->policy[RUN_CPU].ops;
	struct driver_kvm *kvm = arena_alloc(&run->arena, 1, sizeof(*kvm));

	struct replay_size *largest = largest_sizes(run);

	if (!kvm || !largest)
		return err_nomem(err);
	struct replay_params params = {
		.guests = &guest_ops_real,
		.largest = largest,
		.root = "",
		.groups = o->groups,
		.tick_ns = run->scenario->tick_ns,
		.step_ns = o->step_ns,
		.ncores = o->ncores,
		.memory_scale = o->memory_scale,
		.disk_bytes = DISK_BYTES,
		.reuse_ns = run->scenario->memory_model.reuse_ns,
		.folder = o->folder ? o->folder : o->dir,
		.kernel_decides = cpu && strcmp(cpu->plugin.name, "kernel") == 0,
	};
	memcpy(params.cores, o->cores, sizeof(params.cores));
	run->driver_state = kvm;
	int rc = driver_kvm_init(kvm, &params, &run->sim, &run->arena, err);
	if (rc < 0)
		return rc;
	run->driver = &driver_kvm_ops;
	run->metrics.entitled_by_grant = false; /* what VMs got is measured, not granted */
	be_prompt(o);
	return 0;
}

static void room_close(struct run *run)
{
	if (run->driver_state != &run->sim)
		driver_kvm_fini(run->driver_state);
}

static void room_failed(const struct run *run, uint32_t vm, const char *why)
{
	const struct dc *dc = &run->plan.dc;

	fprintf(stderr, "replay: VM %s-%u ended at %.6g s: %s\n",
		run->plan.group[dc->vm.group[vm]].spec->name, dc->vm.index[vm],
		(double)run->now_ns * 1e-9, why);
}

/* What decides on results beside the scenario. */
static void room_manifest(const void *options, FILE *f)
{
	const struct replay_options *o = options;
	struct utsname kernel = {0};

	(void)uname(&kernel);
	fprintf(f, "real: {step_s: %.9g, memory_scale: %g, groups: %s, kernel: \"%s\", cores: [",
		(double)o->step_ns * 1e-9, o->memory_scale, cg_kind_name(o->groups),
		kernel.release);
	for (size_t i = 0; i < o->ncores; i++)
		fprintf(f, "%s%d", i ? ", " : "", o->cores[i]);
	fputs("]}\n", f);
}

static int check_cores(const struct replay_options *o, const cpu_set_t *all, struct err *err)
{
	cpu_set_t seen;

	CPU_ZERO(&seen);
	for (size_t i = 0; i < o->ncores; i++) {
		size_t core = (size_t)o->cores[i];
		if (!CPU_ISSET(core, all))
			return err_input(
				err,
				"--cores: core %zu cannot be used here (`replay probe` says"
				" which can)",
				core);
		if (CPU_ISSET(core, &seen))
			return err_input(err, "--cores: core %zu is named twice", core);
		CPU_SET(core, &seen);
	}
	return 0;
}

/* The last ones of this machine, unless the user has named some. */
static int pick_cores(const struct scenario *scenario, struct replay_options *o, struct err *err)
{
	const struct host_spec *host = scenario->hosts.items;
	cpu_set_t all;
	size_t want = (size_t)host->cores;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return err_run(err, -errno, "replay: cores: %s", strerror(errno));
	if (o->ncores > 0)
		return check_cores(o, &all, err);
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && o->ncores < want && o->ncores < 64; cpu--)
		if (CPU_ISSET((size_t)cpu, &all))
			o->cores[o->ncores++] = cpu;
	if (o->ncores < want)
		return err_input(err,
				 "%s: hosts: %zu cores, and this machine has %zu (fewer cores, or"
				 " --set hosts.%s.cores=%zu)",
				 scenario->path, want, o->ncores, host->name, o->ncores);
	return 0;
}

int replay_check(const struct scenario *s, const struct replay_options *o, struct err *err)
{
	const struct host_spec *host = s->hosts.items;
	const struct action_spec *action = s->actions.items;

	for (size_t i = 0; i < s->actions.n; i++)
		if (action[i].host)
			err_input(err,
				  "%s: actions: host: %s: this machine is neither switched off nor"
				  " slowed down",
				  s->path, action[i].host);
		else if (action[i].action == ACTION_MIGRATE)
			err_input(err,
				  "%s: actions: do: migrate: %s cannot: real guests have no other "
				  "host"
				  " (cotenant replay migrate moves one between two processes)",
				  s->path, action[i].vm);
	if (s->hosts.n != 1 || host->count != 1)
		err_input(err, "%s: hosts: replay needs one host, which is this machine", s->path);
	if (host->boot.time.law != DIST_NONE || host->shutdown.time.law != DIST_NONE)
		err_input(err, "%s: boot, shutdown: this machine stays on", s->path);
	if (host->dvfs.steps.n > 0)
		err_input(err, "%s: dvfs: this machine's speed is its own affair", s->path);
	if (s->semantics != SEMANTICS_COTENANT)
		err_input(err, "%s: semantics: only cotenant's own run on real guests", s->path);
	if (s->warmup_ns % s->tick_ns != 0)
		err_input(err, "%s: warmup: not a whole number of ticks", s->path);
	if (o->step_ns < STEP_MIN_NS && !o->force)
		err_input(err,
			  "replay: --step %.3g s: shares of the CPU are not steady below 0.5 s"
			  " (--force runs it)",
			  (double)o->step_ns * 1e-9);
	return err->kind == ERR_NONE ? 0 : -EINVAL;
}

int replay_batch(const struct scenario *scenario, const struct trace_set *traces,
		 const struct replay_options *options, struct err *err)
{
	struct replay_options o = *options;
	struct run_room room = {.source = "real",
				.open = room_open,
				.close = room_close,
				.failed = room_failed,
				.manifest = room_manifest,
				.options = &o};
	struct batch batch = {.scenario = scenario,
			      .traces = traces,
			      .dir = o.dir,
			      .jobs = 1,
			      .resume = o.resume,
			      .set = o.set,
			      .nsets = o.nsets,
			      .show_progress = !o.quiet && isatty(2),
			      .room = &room};
	struct err clean = {0};
	struct cg *own = NULL;
	int rc = pick_cores(scenario, &o, err);

	if (rc == 0)
		rc = vmm_check("/dev/kvm", err);
	/* Every run is a process of its own with groups of its own; where version 2 wants their parent group
	 * empty, this process has to leave it, too. */
	if (rc == 0)
		rc = cg_open(&own, "", o.groups, err);
	if (rc < 0)
		return rc;
	bool chosen = o.groups == CG_AUTO;
	o.groups = cg_kind(own);
	if (o.groups == CG_NONE && chosen && !o.quiet)
		fprintf(stderr,
			"replay: guests compete with everything else here, there are no groups: "
			"%s\n",
			cg_lack(own, CG_CPU_WEIGHT));
	if (!o.quiet && o.ncores == (size_t)sysconf(_SC_NPROCESSORS_ONLN))
		fprintf(stderr, "replay: the guests have all cores of this machine: what serves "
				"them has none\n");
	if (cg_others(own) > 0)
		fprintf(stderr,
			"replay: another run has guests on this machine: both will be disturbed\n");
	rc = batch_run(&batch, err);
	cg_close(own);
	/* A run that was stopped could not remove its groups. */
	int cleaned = cg_clean("", &clean);
	return rc == 0 && cleaned < 0 ? err_run(err, cleaned, "%s", clean.text) : rc;
}

static const char *field(const struct csv_table *t, size_t row, const char *column)
{
	size_t c = csv_column(t, column);

	return c == SIZE_MAX ? "" : t->cell[row * t->ncols + c];
}

static double number(const struct csv_table *t, size_t row, const char *column)
{
	return strtod(field(t, row, column), NULL);
}

int replay_print_validity(const char *dir, struct err *err)
{
	struct csv_table t = {0};
	char path[4096];

	snprintf(path, sizeof(path), "%s/summary.csv", dir);
	int rc = csv_read(&t, path, err);
	for (size_t r = 0; rc == 0 && r < t.nrows; r++)
		fprintf(stderr,
			"%s, seed %s: validity %s; work per CPU second %.2f to %.2f of its median,"
			" updates at most %.1f ms late, steal %.1f %%, others %.1f %% of the "
			"cores\n",
			field(&t, r, "policy"), field(&t, r, "seed"), field(&t, r, "validity"),
			number(&t, r, "work_p10"), number(&t, r, "work_p90"),
			number(&t, r, "late_ms"), number(&t, r, "steal_real") * 100,
			number(&t, r, "background") * 100);
	csv_table_free(&t);
	return rc;
}
