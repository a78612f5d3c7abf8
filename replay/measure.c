/*
 * See measure.h. Everything is read anew at every sample: threads come and go, pids are used again, files
 * vanish between two reads.
 */
#include "replay/measure.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/procfs.h"
#include "sim/core/mem.h"

#define COMM_LOOKS 3u              /* at a thread's name: threads are named after they start */
#define READ_TRIES 3               /* a reading that was itself interrupted is done again */
#define READ_NS    INT64_C(500000) /* longer than this, it was */
#define SLEPT      0.01            /* where sleeps are not counted: less is none */
#define SLACK      1.05            /* counters move at the scheduler's ticks */
#define BLOCK      4096.0
#define UNKNOWN    UINT64_MAX

struct measured_thread {
	pid_t tid;
	bool vcpu, was_read;
	bool ready; /* runs, or could */
	unsigned looks;
	uint64_t run_ns, wait_ns;
	uint64_t sleeps; /* times it gave its core away by itself; UNKNOWN */
	int64_t at_ns;
};

/* ---- threads ---- */

/* "RUN WAITED SLICES"; false when it is gone or makes no sense. */
static bool read_schedstat(const struct measure_source *r, const struct measured *vm,
			   struct measured_thread *t)
{
	char text[128];

	for (int i = 0; i < READ_TRIES; i++) {
		int64_t before = r->params->now_ns();
		ssize_t n = procfs_read(r->params->root, text, sizeof(text),
					"/proc/%ld/task/%ld/schedstat", (long)vm->found.pid,
					(long)t->tid);
		t->at_ns = r->params->now_ns();
		if (n < 0)
			return false;
		if (t->at_ns - before < READ_NS)
			break;
	}
	const char *after = procfs_scan(text, &t->run_ns);
	bool good = after && *after == ' ' && procfs_scan(after + 1, &t->wait_ns);
	r->stats->malformed += !good;
	return good;
}

static void read_status(const struct measure_source *r, const struct measured *vm,
			struct measured_thread *t)
{
	char text[8192];

	t->ready = false;
	t->sleeps = UNKNOWN;
	if (procfs_read(r->params->root, text, sizeof(text), "/proc/%ld/task/%ld/status",
			(long)vm->found.pid, (long)t->tid) <= 0)
		return;
	const char *state = strstr(text, "State:\t");
	t->ready = state && state[7] == 'R';
	if (!procfs_key(text, "voluntary_ctxt_switches:", &t->sleeps))
		t->sleeps = UNKNOWN;
}

struct listing {
	const struct measure_source *source;
	struct measured *vm;
	size_t old; /* next of vm->before */
	bool nomem;
};

static int list_thread(void *arg, uint64_t tid)
{
	struct listing *l = arg;
	struct measured *vm = l->vm;

	if (tid > INT32_MAX)
		return 0;
	if (mem_grow(&vm->thread, &vm->cap, vm->n + 1, sizeof(*vm->thread)) < 0) {
		l->nomem = true;
		return -ENOMEM;
	}
	struct measured_thread *t = &vm->thread[vm->n++];
	while (l->old < vm->nbefore && vm->before[l->old].tid < (pid_t)tid)
		l->old++;
	if (l->old < vm->nbefore && vm->before[l->old].tid == (pid_t)tid)
		*t = vm->before[l->old];
	else
		*t = (struct measured_thread){.tid = (pid_t)tid};
	if (!t->vcpu && t->looks < COMM_LOOKS) {
		char comm[64];
		t->looks++;
		t->vcpu = procfs_read(l->source->params->root, comm, sizeof(comm),
				      "/proc/%ld/task/%ld/comm", (long)vm->found.pid,
				      (long)t->tid) > 0 &&
			  find_is_vcpu(comm);
	}
	return 0;
}

/* The threads that there are now, in vm->thread; those of the last time are in vm->before. */
static int list_threads(const struct measure_source *r, struct measured *vm)
{
	struct listing l = {.source = r, .vm = vm};
	struct measured_thread *t = vm->thread;
	size_t cap = vm->cap;
	char folder[64];

	vm->thread = vm->before;
	vm->cap = vm->before_cap;
	vm->before = t;
	vm->before_cap = cap;
	vm->nbefore = vm->n;
	vm->n = 0;
	snprintf(folder, sizeof(folder), "/proc/%ld/task", (long)vm->found.pid);
	int rc = procfs_numbers(r->params->root, folder, list_thread, &l);
	uint32_t vcpus = 0;
	for (size_t i = 0; rc == 0 && i < vm->n; i++)
		vcpus += vm->thread[i].vcpu;
	if (vcpus > 0) {
		vm->found.named = true;
		vm->found.vcpus = vcpus;
	}
	return l.nomem ? -ENOMEM : 0;
}

static uint64_t since(const struct measure_source *r, uint64_t now, uint64_t before)
{
	if (now >= before)
		return now - before;
	r->stats->backwards++;
	return now;
}

const char *const record_demand_name[] = {"wanted", "used", "closed", "most", NULL};

double record_wanted(enum record_demand rule, double run, double waited, bool slept)
{
	double rest = fmax(0, 1 - run - waited);

	switch (rule) {
	case RECORD_USED:
		return run;
	case RECORD_WANTED:
		return slept ? run : run + waited;
	case RECORD_CLOSED:
		return run + rest > 1e-6 ? run / (run + rest) : run + waited;
	case RECORD_MOST:
		break;
	}
	return run + waited;
}

/* Whether the thread gave its core away by itself, or had done so before. */
static bool has_slept(const struct measured_thread *was, const struct measured_thread *now,
		      double run, double waited)
{
	if (was->was_read && was->sleeps != UNKNOWN && now->sleeps != UNKNOWN)
		return !was->ready || was->sleeps != now->sleeps;
	return 1 - run - waited > SLEPT;
}

static void add_thread(const struct measure_source *r, const struct measured *vm,
		       const struct measured_thread *was, const struct measured_thread *now,
		       struct measured_cpu *cpu)
{
	double dt = (double)(now->at_ns - (was->was_read ? was->at_ns : vm->at_ns));

	if (dt <= 0 || vm->fresh)
		return;
	double run = (double)since(r, now->run_ns, was->run_ns) / dt;
	double waited = (double)since(r, now->wait_ns, was->wait_ns) / dt;
	r->stats->clipped += run + waited > SLACK;
	run = fmin(run, 1);
	waited = fmin(waited, 1 - run);
	bool slept = has_slept(was, now, run, waited);
	/* A wait is told when it is over: who has not slept waits, if it does not run. */
	waited = slept ? waited : 1 - run;
	double demand = record_wanted(r->params->demand, run, waited, slept);
	r->stats->demand_s += demand * dt * 1e-9;
	if (!slept && waited > SLEPT) {
		r->stats->saturated++;
		r->stats->censored_s += (demand - run) * dt * 1e-9;
	}
	cpu->used += run;
	cpu->waited += waited;
	cpu->demand += demand;
}

/* Reads the threads that count and adds what they did since the last time; false if none could be read. */
static bool read_threads(const struct measure_source *r, struct measured *vm)
{
	struct measured_cpu cpu = {0};
	int64_t now = r->params->now_ns();
	size_t n = 0;

	for (size_t i = 0; i < vm->n; i++) {
		struct measured_thread was = vm->thread[i], *t = &vm->thread[i];
		if (vm->found.named && !t->vcpu)
			continue;
		if (!read_schedstat(r, vm, t)) {
			*t = was;
			continue;
		}
		read_status(r, vm, t);
		t->was_read = true;
		n++;
		/* A thread that is new began at 0 since the last reading. */
		add_thread(r, vm, &was, t, &cpu);
	}
	if (n == 0)
		return false;
	double most = vm->found.vcpus, dt = vm->fresh ? 0 : (double)(now - vm->at_ns);
	vm->cpu.demand += fmin(cpu.demand, most) * dt;
	vm->cpu.used += fmin(cpu.used, most) * dt;
	vm->cpu.waited += fmin(cpu.waited, most) * dt;
	vm->cpu_ns += dt;
	vm->at_ns = now;
	return true;
}

int measure_cpu(const struct measure_source *r, struct measured *vm)
{
	int rc = list_threads(r, vm);

	if (rc == 0 && !vm->fresh)
		(void)read_threads(r, vm);
	return rc;
}

/* ---- memory and disk ---- */

static double kib_of(const char *text, const char *key)
{
	uint64_t kib;

	return procfs_key(text, key, &kib) ? (double)kib * 1024 : (double)NAN;
}

static double or_zero(double value)
{
	return isnan(value) ? 0 : value;
}

/* A file of the process that only its owner may read. */
static ssize_t read_private(const struct measure_source *r, const struct measured *vm,
			    const char *file, char *text, size_t n, bool *unable)
{
	ssize_t len =
		procfs_read(r->params->root, text, n, "/proc/%ld/%s", (long)vm->found.pid, file);

	if (len == -EACCES || len == -EPERM)
		*unable = true;
	return len;
}

static double read_memory(const struct measure_source *r, struct measured *vm)
{
	char text[8192];
	bool pss = r->params->memory == RECORD_PSS, own = vm->found.kind == FOUND_OWN;
	bool was_unable = vm->unable_memory;

	if (r->params->memory == RECORD_NO_MEMORY)
		return NAN;
	ssize_t n = read_private(r, vm, pss ? "smaps_rollup" : "status", text, sizeof(text),
				 &vm->unable_memory);
	r->stats->no_memory += vm->unable_memory && !was_unable;
	if (n <= 0)
		return NAN;
	double shared = kib_of(text, pss ? "Pss_Shmem:" : "RssShmem:");
	double whole = kib_of(text, pss ? "Pss_Anon:" : "RssAnon:");
	if (own && !isnan(shared))
		return shared;
	if (isnan(whole)) /* an old kernel: with the files */
		whole = kib_of(text, pss ? "Pss:" : "VmRSS:");
	else
		whole += or_zero(shared) + or_zero(kib_of(text, "HugetlbPages:"));
	r->stats->malformed += isnan(whole) ? 1 : 0;
	return whole;
}

/* What is stacked on other devices (dm, md) is counted there. */
static bool is_stacked(const char *root, uint64_t major, uint64_t minor)
{
	static const char *const kind[] = {"dm", "md"};
	char path[PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/sys/dev/block/%llu:%llu/%s", root,
			 (unsigned long long)major, (unsigned long long)minor, kind[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* A line per device: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0". */
static bool read_group_io(const struct measure_source *r, const struct measured *vm,
			  struct measured_io *io)
{
	if (!vm->found.group[0] || !r->mount[0])
		return false;
	char *text = procfs_text(r->params->root, "%s%s/io.stat", r->mount, vm->found.group);
	if (!text)
		return false;
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t v[4] = {0};
		uint64_t major, minor;
		const char *colon = procfs_scan(line, &major);
		if (!colon || *colon != ':' || !procfs_scan(colon + 1, &minor) ||
		    is_stacked(r->params->root, major, minor))
			continue;
		bool any = procfs_key(line, "rbytes", &v[0]);
		any |= procfs_key(line, "wbytes", &v[1]);
		any |= procfs_key(line, "rios", &v[2]);
		any |= procfs_key(line, "wios", &v[3]);
		r->stats->malformed += !any;
		io->bytes += v[0] + v[1];
		io->ops += v[2] + v[3];
	}
	mem_free(text);
	io->known = io->blocks = true;
	return true;
}

static void read_io(const struct measure_source *r, struct measured *vm, struct measured_io *io)
{
	char text[1024];
	uint64_t v[4];
	bool was_unable = vm->unable_disk;

	*io = (struct measured_io){0};
	if (!r->params->disk || read_group_io(r, vm, io))
		return;
	ssize_t n = read_private(r, vm, "io", text, sizeof(text), &vm->unable_disk);
	r->stats->no_disk += vm->unable_disk && !was_unable;
	if (n <= 0)
		return;
	io->known = procfs_key(text, "read_bytes:", &v[0]) &&
		    procfs_key(text, "write_bytes:", &v[1]) && procfs_key(text, "syscr:", &v[2]) &&
		    procfs_key(text, "syscw:", &v[3]);
	r->stats->malformed += !io->known;
	if (io->known) {
		io->bytes = v[0] + v[1];
		io->ops = v[2] + v[3];
	}
}

static void io_rates(const struct measure_source *r, const struct measured_io *was,
		     const struct measured_io *now, double dt_s, struct record_row *row)
{
	row->disk = row->iops = NAN;
	if (!was->known || !now->known || was->blocks != now->blocks)
		return;
	double bytes = (double)since(r, now->bytes, was->bytes);
	double ops = (double)since(r, now->ops, was->ops);
	row->disk = bytes / dt_s;
	row->iops = (now->blocks ? ops : fmin(ops, ceil(bytes / BLOCK))) / dt_s;
}

/* ---- one VM ---- */

/* CPU time of all that belongs to the VM: its group where it has one of its own, which counts helpers of
 * the kernel as well, or its process. */
static uint64_t read_whole(const struct measure_source *r, const struct measured *vm,
			   uint64_t ticks)
{
	char text[1024];
	uint64_t us;

	if (vm->found.group[0] && r->mount[0] &&
	    procfs_read(r->params->root, text, sizeof(text), "%s%s/cpu.stat", r->mount,
			vm->found.group) > 0 &&
	    procfs_key(text, "usage_usec", &us))
		return us * 1000;
	return (uint64_t)((double)ticks * r->tick_s * 1e9);
}

enum measure_result measure_read(const struct measure_source *r, struct measured *vm,
				 struct record_row *row)
{
	struct procfs_stat stat;
	struct measured_io io;

	*row = (struct record_row){.found = &vm->found, .memory = NAN, .disk = NAN, .iops = NAN};
	if (!procfs_stat(r->params->root, vm->found.pid, &stat) || stat.state == 'Z' ||
	    stat.state == 'X')
		return MEASURE_GONE;
	if (stat.start != vm->found.start) {
		r->stats->reused++;
		return MEASURE_GONE;
	}
	if (list_threads(r, vm) < 0)
		return MEASURE_NOMEM;
	if (!read_threads(r, vm))
		return MEASURE_NOTHING;
	double dt = (double)(vm->at_ns - vm->row_ns) * 1e-9;
	uint64_t whole_ns = read_whole(r, vm, stat.ticks);
	read_io(r, vm, &io);
	row->memory = read_memory(r, vm);
	if (!vm->fresh && dt > 0 && vm->cpu_ns > 0) {
		row->demand = vm->cpu.demand / vm->cpu_ns;
		row->used = vm->cpu.used / vm->cpu_ns;
		row->waited = vm->cpu.waited / vm->cpu_ns;
		row->rest =
			fmax(0, (double)since(r, whole_ns, vm->whole_ns) * 1e-9 / dt - row->used);
		io_rates(r, &vm->io, &io, dt, row);
	}
	enum measure_result result = vm->fresh ? MEASURE_FIRST : MEASURE_ROW;
	vm->fresh = false;
	vm->cpu = (struct measured_cpu){0};
	vm->cpu_ns = 0;
	vm->io = io;
	vm->whole_ns = whole_ns;
	vm->row_ns = vm->at_ns;
	return result;
}

void measure_begin(const struct measure_source *r, struct measured *vm,
		   const struct found_vm *found)
{
	vm->found = *found;
	vm->fresh = true;
	vm->unable_disk = vm->unable_memory = false;
	vm->n = vm->nbefore = 0;
	vm->at_ns = vm->row_ns = r->params->now_ns();
	vm->cpu = (struct measured_cpu){0};
	vm->cpu_ns = 0;
}

void measure_fini(struct measured *vm)
{
	mem_free(vm->thread);
	mem_free(vm->before);
}
