/*
 * See record.h. Processes are looked at once each, and again at growing distances, since a program that
 * starts a VM is at first something else. Everything else is read anew at every sample: threads come and
 * go, pids are used again, files vanish between two reads.
 */
#include "replay/record.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "replay/libvirt.h"
#include "replay/procfs.h"
#include "sim/core/mem.h"

#define LOOK_SLOWEST 16u /* samples between two looks at a process that is no VM */
#define HOLD_LOOKS   8u  /* at a second guest of a name: the first may be moving to it */
#define COMM_LOOKS   3u  /* at a thread's name: threads are named after they start */
#define READ_TRIES   3   /* a reading that was itself interrupted is done again */
#define READ_NS      INT64_C(500000) /* longer than this, it was */
#define SLACK        1.05            /* counters move at the scheduler's ticks */
#define BLOCK        4096.0
#define UNKNOWN      UINT64_MAX

struct thread {
	pid_t tid;
	bool vcpu, was_read;
	bool ready; /* runs, or could */
	unsigned looks;
	uint64_t run_ns, wait_ns;
	uint64_t sleeps; /* times it gave its core away by itself; UNKNOWN */
	int64_t at_ns;
};

struct io {
	uint64_t bytes, ops;
	bool known, blocks; /* blocks: operations of devices, not system calls */
};

struct vm {
	struct found_vm found;
	bool known, present, returned, unable_disk, unable_memory;
	bool fresh; /* not read yet: there is nothing to compare with */
	struct thread *thread, *before;
	size_t n, nbefore, cap, before_cap;
	int64_t at_ns; /* of the last reading */
	uint64_t ticks;
	struct io io;
};

/* A process, ascending by pid. */
struct seen {
	pid_t pid;
	uint32_t vm; /* + 1 */
	uint32_t wait, gap, held;
	bool hidden;
};

struct record {
	struct record_params params;
	struct record_stats stats;
	struct vm *vm;
	size_t nvms, vm_cap;
	struct seen *seen, *before;
	size_t nseen, nbefore, seen_cap, before_cap;
	char mount[PATH_MAX]; /* of cgroup v2; "" = none */
	struct libvirt *libvirt;
	char libvirt_text[400];
	uint64_t samples;
	double tick_s;
};

static int64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- threads ---- */

/* "RUN WAITED SLICES"; false when it is gone or makes no sense. */
static bool read_schedstat(struct record *r, const struct vm *vm, struct thread *t)
{
	char text[128];

	for (int i = 0; i < READ_TRIES; i++) {
		int64_t before = r->params.now_ns();
		ssize_t n = procfs_read(r->params.root, text, sizeof(text),
					"/proc/%ld/task/%ld/schedstat", (long)vm->found.pid,
					(long)t->tid);
		t->at_ns = r->params.now_ns();
		if (n < 0)
			return false;
		if (t->at_ns - before < READ_NS)
			break;
	}
	const char *after = procfs_scan(text, &t->run_ns);
	bool good = after && *after == ' ' && procfs_scan(after + 1, &t->wait_ns);
	r->stats.malformed += !good;
	return good;
}

static void read_status(struct record *r, const struct vm *vm, struct thread *t)
{
	char text[8192];

	t->ready = false;
	t->sleeps = UNKNOWN;
	if (procfs_read(r->params.root, text, sizeof(text), "/proc/%ld/task/%ld/status",
			(long)vm->found.pid, (long)t->tid) <= 0)
		return;
	const char *state = strstr(text, "State:\t");
	t->ready = state && state[7] == 'R';
	if (!procfs_key(text, "voluntary_ctxt_switches:", &t->sleeps))
		t->sleeps = UNKNOWN;
}

struct listing {
	struct record *record;
	struct vm *vm;
	size_t old; /* next of vm->before */
	bool nomem;
};

static int list_thread(void *arg, uint64_t tid)
{
	struct listing *l = arg;
	struct vm *vm = l->vm;

	if (tid > INT32_MAX)
		return 0;
	if (mem_grow(&vm->thread, &vm->cap, vm->n + 1, sizeof(*vm->thread)) < 0) {
		l->nomem = true;
		return -ENOMEM;
	}
	struct thread *t = &vm->thread[vm->n++];
	while (l->old < vm->nbefore && vm->before[l->old].tid < (pid_t)tid)
		l->old++;
	if (l->old < vm->nbefore && vm->before[l->old].tid == (pid_t)tid)
		*t = vm->before[l->old];
	else
		*t = (struct thread){.tid = (pid_t)tid};
	if (!t->vcpu && t->looks < COMM_LOOKS) {
		char comm[64];
		t->looks++;
		t->vcpu = procfs_read(l->record->params.root, comm, sizeof(comm),
				      "/proc/%ld/task/%ld/comm", (long)vm->found.pid,
				      (long)t->tid) > 0 &&
			  find_is_vcpu(comm);
	}
	return 0;
}

/* The VM's threads now, in vm->thread; those of the last time are in vm->before. */
static int list_threads(struct record *r, struct vm *vm)
{
	struct listing l = {.record = r, .vm = vm};
	struct thread *t = vm->thread;
	size_t cap = vm->cap;
	char folder[64];

	vm->thread = vm->before;
	vm->cap = vm->before_cap;
	vm->before = t;
	vm->before_cap = cap;
	vm->nbefore = vm->n;
	vm->n = 0;
	snprintf(folder, sizeof(folder), "/proc/%ld/task", (long)vm->found.pid);
	int rc = procfs_numbers(r->params.root, folder, list_thread, &l);
	uint32_t vcpus = 0;
	for (size_t i = 0; rc == 0 && i < vm->n; i++)
		vcpus += vm->thread[i].vcpu;
	if (vcpus > 0) {
		vm->found.named = true;
		vm->found.vcpus = vcpus;
	}
	return l.nomem ? -ENOMEM : 0;
}

static uint64_t since(struct record *r, uint64_t now, uint64_t before)
{
	if (now >= before)
		return now - before;
	r->stats.backwards++;
	return now;
}

const char *const record_demand_name[] = {"wanted", "used", "closed", "most", NULL};

double record_wanted(enum record_demand rule, double run, double waited)
{
	double slept = fmax(0, 1 - run - waited);

	switch (rule) {
	case RECORD_USED:
		return run;
	case RECORD_WANTED:
		return run + waited * fmax(0, 1 - slept / RECORD_SLEPT);
	case RECORD_CLOSED:
		return run + slept > 1e-6 ? run / (run + slept) : run + waited;
	case RECORD_MOST:
		break;
	}
	return run + waited;
}

static void add_thread(struct record *r, struct vm *vm, const struct thread *was,
		       const struct thread *now, struct record_row *row)
{
	double dt = (double)(now->at_ns - (was->was_read ? was->at_ns : vm->at_ns));

	if (dt <= 0 || vm->fresh)
		return;
	double run = (double)since(r, now->run_ns, was->run_ns) / dt;
	double waited = (double)since(r, now->wait_ns, was->wait_ns) / dt;
	r->stats.clipped += run + waited > SLACK;
	run = fmin(run, 1);
	waited = fmin(waited, 1 - run);
	/* A wait is told when it is over. Who was ready to run and has not slept since waits, if it does
	 * not run. */
	if (was->was_read && was->ready && was->sleeps == now->sleeps && now->sleeps != UNKNOWN)
		waited = 1 - run;
	r->stats.saturated += waited > RECORD_SLEPT && 1 - run - waited < RECORD_SLEPT / 2;
	row->used += run;
	row->waited += waited;
	row->demand += record_wanted(r->params.demand, run, waited);
}

/* Reads the threads that count; how many could be read. */
static size_t read_threads(struct record *r, struct vm *vm, struct record_row *row)
{
	size_t n = 0;

	for (size_t i = 0; i < vm->n; i++) {
		struct thread was = vm->thread[i], *t = &vm->thread[i];
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
		add_thread(r, vm, &was, t, row);
	}
	double most = vm->found.vcpus;
	row->demand = fmin(row->demand, most);
	row->used = fmin(row->used, most);
	row->waited = fmin(row->waited, most);
	return n;
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
static ssize_t read_private(struct record *r, const struct vm *vm, const char *file, char *text,
			    size_t n, bool *unable)
{
	ssize_t len =
		procfs_read(r->params.root, text, n, "/proc/%ld/%s", (long)vm->found.pid, file);

	if (len == -EACCES || len == -EPERM)
		*unable = true;
	return len;
}

static double read_memory(struct record *r, struct vm *vm)
{
	char text[8192];
	bool pss = r->params.memory == RECORD_PSS, own = vm->found.kind == FOUND_OWN;
	bool was_unable = vm->unable_memory;

	if (r->params.memory == RECORD_NO_MEMORY)
		return NAN;
	ssize_t n = read_private(r, vm, pss ? "smaps_rollup" : "status", text, sizeof(text),
				 &vm->unable_memory);
	r->stats.no_memory += vm->unable_memory && !was_unable;
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
	r->stats.malformed += isnan(whole) ? 1 : 0;
	return whole;
}

/* What is stacked on other devices (dm, md) is counted there. */
static bool is_stacked(const char *root, unsigned major, unsigned minor)
{
	static const char *const kind[] = {"dm", "md"};
	char path[PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/sys/dev/block/%u:%u/%s", root, major, minor,
			 kind[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* A line per device: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0". */
static bool read_group_io(struct record *r, const struct vm *vm, struct io *io)
{
	if (!vm->found.group[0] || !r->mount[0])
		return false;
	char *text = procfs_text(r->params.root, "%s%s/io.stat", r->mount, vm->found.group);
	if (!text)
		return false;
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t v[4] = {0};
		unsigned major, minor;
		if (sscanf(line, "%u:%u", &major, &minor) != 2 ||
		    is_stacked(r->params.root, major, minor))
			continue;
		bool any = procfs_key(line, "rbytes", &v[0]);
		any |= procfs_key(line, "wbytes", &v[1]);
		any |= procfs_key(line, "rios", &v[2]);
		any |= procfs_key(line, "wios", &v[3]);
		r->stats.malformed += !any;
		io->bytes += v[0] + v[1];
		io->ops += v[2] + v[3];
	}
	mem_free(text);
	io->known = io->blocks = true;
	return true;
}

static void read_io(struct record *r, struct vm *vm, struct io *io)
{
	char text[1024];
	uint64_t v[4];
	bool was_unable = vm->unable_disk;

	*io = (struct io){0};
	if (!r->params.disk || read_group_io(r, vm, io))
		return;
	ssize_t n = read_private(r, vm, "io", text, sizeof(text), &vm->unable_disk);
	r->stats.no_disk += vm->unable_disk && !was_unable;
	if (n <= 0)
		return;
	io->known = procfs_key(text, "read_bytes:", &v[0]) &&
		    procfs_key(text, "write_bytes:", &v[1]) && procfs_key(text, "syscr:", &v[2]) &&
		    procfs_key(text, "syscw:", &v[3]);
	r->stats.malformed += !io->known;
	if (io->known) {
		io->bytes = v[0] + v[1];
		io->ops = v[2] + v[3];
	}
}

static void io_rates(struct record *r, const struct io *was, const struct io *now, double dt_s,
		     struct record_row *row)
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

enum reading { READ_GONE, READ_NOTHING, READ_FIRST, READ_ROW };

/* Reads all counters; a row is what happened since the last reading. */
static enum reading read_vm(struct record *r, struct vm *vm, struct record_row *row)
{
	struct procfs_stat stat;
	struct io io;

	*row = (struct record_row){.found = &vm->found, .memory = NAN, .disk = NAN, .iops = NAN};
	if (!procfs_stat(r->params.root, vm->found.pid, &stat) || stat.state == 'Z' ||
	    stat.state == 'X')
		return READ_GONE;
	if (stat.start != vm->found.start) {
		r->stats.reused++;
		return READ_GONE;
	}
	int64_t now = r->params.now_ns();
	if (read_threads(r, vm, row) == 0)
		return READ_NOTHING;
	double dt = (double)(now - vm->at_ns) * 1e-9;
	if (dt > 0 && !vm->fresh)
		row->rest = (double)since(r, stat.ticks, vm->ticks) * r->tick_s / dt;
	row->rest = fmax(0, row->rest - row->used);
	row->memory = read_memory(r, vm);
	read_io(r, vm, &io);
	if (dt > 0 && !vm->fresh)
		io_rates(r, &vm->io, &io, dt, row);
	enum reading reading = vm->fresh ? READ_FIRST : READ_ROW;
	vm->fresh = false;
	vm->io = io;
	vm->ticks = stat.ticks;
	vm->at_ns = now;
	return reading;
}

static void vm_ends(struct record *r, struct vm *vm)
{
	vm->present = false;
	vm->returned = true;
	vm->n = vm->nbefore = 0;
	r->stats.went++;
}

/* ---- looking for VMs ---- */

static struct vm *vm_named(struct record *r, const char *name)
{
	for (size_t i = 0; i < r->nvms; i++)
		if (strcmp(r->vm[i].found.name, name) == 0)
			return &r->vm[i];
	return NULL;
}

static bool is_asked_for(const struct record *r, const struct found_vm *found)
{
	if (r->params.own && found->kind != FOUND_OWN)
		return false;
	for (size_t i = 0; i < r->params.nnames; i++)
		if (fnmatch(r->params.name[i], found->name, 0) == 0)
			return true;
	return r->params.nnames == 0;
}

static void ask_libvirt(struct record *r, struct found_vm *found)
{
	struct libvirt_domain domain;

	if (!r->libvirt || found->kind != FOUND_QEMU ||
	    !libvirt_find(r->libvirt, r->params.root, found->pid, &domain))
		return;
	find_set_name(found, domain.name, strlen(domain.name));
	found->ram = domain.balloon > 0 ? domain.balloon : found->ram;
}

/* Makes the name of a VM one that no other VM has now. */
static void add_pid(struct found_vm *found)
{
	char pid[24];
	size_t n = (size_t)snprintf(pid, sizeof(pid), ".%ld", (long)found->pid);
	size_t at = strlen(found->name);

	at = at + n < FOUND_NAME ? at : FOUND_NAME - 1 - n;
	memcpy(found->name + at, pid, n + 1);
}

/* The entry for a VM that was found: its own from before, or a new one. NULL: none for now (*nomem false)
 * or no memory. */
static struct vm *vm_entry(struct record *r, struct seen *seen, struct found_vm *found, bool *nomem)
{
	struct vm *vm = vm_named(r, found->name);

	*nomem = false;
	if (vm && vm->present) {
		/* A guest of ours moves to a process that is there before the first one ends. */
		if (found->kind == FOUND_OWN && vm->found.kind == FOUND_OWN && r->samples > 0 &&
		    seen->held++ < HOLD_LOOKS)
			return NULL;
		seen->held = 0;
		add_pid(found);
		vm = vm_named(r, found->name);
		if (vm && vm->present)
			return NULL;
		r->stats.renamed += !vm;
	}
	if (vm)
		return vm;
	if (mem_grow(&r->vm, &r->vm_cap, r->nvms + 1, sizeof(*r->vm)) < 0) {
		*nomem = true;
		return NULL;
	}
	return &r->vm[r->nvms++];
}

/* 0, -ENOMEM. */
static int vm_begins(struct record *r, struct seen *seen, struct found_vm *found)
{
	struct record_row row;
	bool nomem;
	struct vm *vm = vm_entry(r, seen, found, &nomem);

	if (!vm) {
		seen->gap = seen->wait = 0; /* again the next time */
		return nomem ? -ENOMEM : 0;
	}
	if (vm->returned && seen->held > 0) {
		vm->returned = false; /* it was never away */
		r->stats.went--;
		r->stats.moved++;
	}
	r->stats.vms += !vm->known;
	r->stats.came += r->samples > 0 && !vm->known;
	r->stats.returned += vm->returned;
	vm->found = *found;
	vm->present = vm->fresh = vm->known = true;
	seen->held = 0;
	vm->unable_disk = vm->unable_memory = false;
	vm->n = 0;
	vm->at_ns = r->params.now_ns();
	seen->vm = (uint32_t)(vm - r->vm) + 1;
	if (list_threads(r, vm) < 0)
		return -ENOMEM;
	(void)read_vm(r, vm, &row);
	return 0;
}

static int look_at(struct record *r, struct seen *seen)
{
	struct found_vm found;
	enum find_result result = find_vm(r->params.root, seen->pid, r->params.npids > 0, &found);

	seen->vm = 0;
	seen->gap = seen->gap == 0 ? 1 : seen->gap < LOOK_SLOWEST ? seen->gap * 2 : seen->gap;
	seen->wait = seen->gap;
	if (result == FIND_HIDDEN && !seen->hidden) {
		seen->hidden = true;
		r->stats.hidden++;
	}
	if (result != FIND_VM)
		return 0;
	ask_libvirt(r, &found);
	return is_asked_for(r, &found) ? vm_begins(r, seen, &found) : 0;
}

struct scan {
	struct record *record;
	size_t old;
	bool nomem;
};

static int see(void *arg, uint64_t pid)
{
	struct scan *s = arg;
	struct record *r = s->record;

	if (pid > INT32_MAX)
		return 0;
	if (mem_grow(&r->seen, &r->seen_cap, r->nseen + 1, sizeof(*r->seen)) < 0) {
		s->nomem = true;
		return -ENOMEM;
	}
	struct seen *seen = &r->seen[r->nseen++];
	while (s->old < r->nbefore && r->before[s->old].pid < (pid_t)pid)
		s->old++;
	*seen = (struct seen){.pid = (pid_t)pid};
	if (s->old < r->nbefore && r->before[s->old].pid == (pid_t)pid)
		*seen = r->before[s->old];
	if (seen->vm > 0) {
		const struct vm *vm = &r->vm[seen->vm - 1];
		if (vm->present && vm->found.pid == seen->pid)
			return 0;
		seen->wait = seen->gap = 0;
	}
	if (seen->wait > 0) {
		seen->wait--;
		return 0;
	}
	s->nomem = look_at(r, seen) < 0;
	return s->nomem ? -ENOMEM : 0;
}

static int scan(struct record *r)
{
	struct scan s = {.record = r};
	struct seen *seen = r->seen;
	size_t cap = r->seen_cap;

	r->seen = r->before;
	r->seen_cap = r->before_cap;
	r->before = seen;
	r->before_cap = cap;
	r->nbefore = r->nseen;
	r->nseen = 0;
	int rc = 0;
	for (size_t i = 0; i < r->params.npids && rc == 0; i++)
		rc = see(&s, (uint64_t)r->params.pid[i]);
	if (r->params.npids == 0)
		rc = procfs_numbers(r->params.root, "/proc", see, &s);
	return rc < 0 && s.nomem ? -ENOMEM : 0;
}

/* ---- the whole ---- */

static void find_mount(struct record *r)
{
	char *text = procfs_text(r->params.root, "/proc/self/mountinfo");
	struct procfs_mount mount;

	for (const char *at = text; at && procfs_mount(&at, &mount);)
		if (strcmp(mount.type, "cgroup2") == 0 && strcmp(mount.root, "/") == 0) {
			memcpy(r->mount, mount.point, sizeof(r->mount));
			break;
		}
	mem_free(text);
}

static void open_libvirt(struct record *r)
{
	static const char *const socket[] = {"/run/libvirt/libvirt-sock-ro",
					     "/run/libvirt/virtqemud-sock-ro"};
	char path[PATH_MAX];
	bool there = r->params.libvirt != NULL;

	for (size_t i = 0; i < 2 && !there; i++) {
		snprintf(path, sizeof(path), "%s%s", r->params.root, socket[i]);
		there = access(path, F_OK) == 0;
	}
	if (r->params.libvirt && !*r->params.libvirt)
		snprintf(r->libvirt_text, sizeof(r->libvirt_text), "not asked");
	else if (!there)
		snprintf(r->libvirt_text, sizeof(r->libvirt_text),
			 "not asked: its daemon does not run (no %s)", socket[0]);
	else
		r->libvirt = libvirt_open("libvirt.so.0", r->params.libvirt, r->libvirt_text,
					  sizeof(r->libvirt_text));
	if (r->libvirt)
		snprintf(r->libvirt_text, sizeof(r->libvirt_text), "asked for names and sizes");
}

static int check(struct record *r, struct err *err)
{
	char text[128];
	struct procfs_stat stat;

	for (size_t i = 0; i < r->params.npids; i++)
		if (!procfs_stat(r->params.root, r->params.pid[i], &stat))
			err_input(err, "--pid %ld: no such process", (long)r->params.pid[i]);
	if (err->kind != ERR_NONE)
		return -EINVAL;
	ssize_t n = procfs_read(r->params.root, text, sizeof(text), "/proc/self/schedstat");
	if (n <= 0)
		return err_run(err, n < 0 ? (int)n : -ENODATA,
			       "record: %s/proc/self/schedstat: %s (needs a kernel with"
			       " CONFIG_SCHED_INFO)",
			       r->params.root, n < 0 ? strerror((int)-n) : "empty");
	return 0;
}

int record_open(struct record **out, const struct record_params *params, struct err *err)
{
	struct record *r = mem_alloc(1, sizeof(*r));

	*out = NULL;
	if (!r)
		return err_nomem(err);
	r->params = *params;
	r->params.root = params->root ? params->root : "";
	r->params.now_ns = params->now_ns ? params->now_ns : monotonic_ns;
	r->tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
	int rc = check(r, err);
	if (rc == 0) {
		find_mount(r);
		open_libvirt(r);
		rc = scan(r) < 0 ? err_nomem(err) : 0;
	}
	if (rc < 0)
		record_close(r);
	else
		*out = r;
	return rc;
}

void record_close(struct record *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nvms; i++) {
		mem_free(r->vm[i].thread);
		mem_free(r->vm[i].before);
	}
	mem_free(r->vm);
	mem_free(r->seen);
	mem_free(r->before);
	libvirt_close(r->libvirt);
	mem_free(r);
}

/* -ENOMEM, or 0. */
static int sample_vm(struct record *r, struct vm *vm,
		     void (*give)(void *arg, const struct record_row *row), void *arg)
{
	struct record_row row;

	if (list_threads(r, vm) < 0)
		return -ENOMEM;
	enum reading reading = read_vm(r, vm, &row);
	if (reading == READ_GONE) {
		vm_ends(r, vm);
	} else if (r->samples > 0 && reading == READ_ROW) {
		row.vm = (uint32_t)(vm - r->vm);
		row.returned = vm->returned;
		vm->returned = false;
		r->stats.rows++;
		give(arg, &row);
	} else if (r->samples > 0 && reading == READ_NOTHING) {
		r->stats.unread++;
	}
	return 0;
}

int record_sample(struct record *r, void (*give)(void *arg, const struct record_row *row),
		  void *arg, struct err *err)
{
	int64_t start = r->params.now_ns();
	int rc = 0;

	for (size_t i = 0; i < r->nvms && rc == 0; i++)
		if (r->vm[i].present)
			rc = sample_vm(r, &r->vm[i], give, arg);
	r->samples++;
	if (rc == 0)
		rc = scan(r);
	int64_t cost = r->params.now_ns() - start;
	r->stats.cost_ns += cost;
	r->stats.cost_max_ns = cost > r->stats.cost_max_ns ? cost : r->stats.cost_max_ns;
	return rc < 0 ? err_nomem(err) : 0;
}

const struct found_vm *record_at(const struct record *r, size_t i, char *lack, size_t n)
{
	for (size_t k = 0; k < r->nvms; k++) {
		const struct vm *vm = &r->vm[k];
		if (!vm->present || i-- > 0)
			continue;
		snprintf(lack, n, "%s%s%s", vm->unable_memory ? "memory" : "",
			 vm->unable_memory && vm->unable_disk ? ", " : "",
			 vm->unable_disk ? "disk" : "");
		return &vm->found;
	}
	return NULL;
}

const struct record_stats *record_stats(const struct record *r)
{
	return &r->stats;
}

const char *record_libvirt(const struct record *r)
{
	return r->libvirt_text;
}
