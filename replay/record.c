/*
 * See record.h. Processes are looked at once each, and again at growing distances, since a program that
 * starts a VM is at first something else.
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
#include "replay/measure.h"
#include "replay/procfs.h"
#include "sim/core/mem.h"

#define LOOK_SLOWEST 16u /* samples between two looks at a process that is no VM */
#define HOLD_LOOKS   8u  /* at a second guest of a name: the first may be moving to it */

struct vm {
	struct measured measured;
	bool known, present;
	bool returned; /* it ended, and has had no row since */
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
	struct measure_source source;
	struct vm *vm;
	size_t nvms, vm_cap;
	struct seen *seen, *before;
	size_t nseen, nbefore, seen_cap, before_cap;
	char mount[PATH_MAX]; /* of cgroup v2; "" = none */
	struct libvirt *libvirt;
	char libvirt_text[400];
	uint64_t samples;
};

static int64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void vm_ends(struct record *r, struct vm *vm)
{
	vm->present = false;
	vm->returned = true;
	r->stats.went++;
}

/* ---- looking for VMs ---- */

static struct vm *vm_named(struct record *r, const char *name)
{
	for (size_t i = 0; i < r->nvms; i++)
		if (strcmp(r->vm[i].measured.found.name, name) == 0)
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
		if (found->kind == FOUND_OWN && vm->measured.found.kind == FOUND_OWN &&
		    r->samples > 0 && seen->held++ < HOLD_LOOKS)
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
	measure_begin(&r->source, &vm->measured, found);
	vm->present = vm->known = true;
	seen->held = 0;
	seen->vm = (uint32_t)(vm - r->vm) + 1;
	enum measure_result result = measure_read(&r->source, &vm->measured, &row);
	if (result == MEASURE_GONE)
		vm_ends(r, vm);
	return result == MEASURE_NOMEM ? -ENOMEM : 0;
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
		if (vm->present && vm->measured.found.pid == seen->pid)
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
	r->source = (struct measure_source){.params = &r->params,
					    .stats = &r->stats,
					    .mount = r->mount,
					    .tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK)};
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
	for (size_t i = 0; i < r->nvms; i++)
		measure_fini(&r->vm[i].measured);
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

	enum measure_result result = measure_read(&r->source, &vm->measured, &row);
	if (result == MEASURE_NOMEM)
		return -ENOMEM;
	if (result == MEASURE_GONE) {
		vm_ends(r, vm);
	} else if (r->samples > 0 && result == MEASURE_ROW) {
		row.vm = (uint32_t)(vm - r->vm);
		row.returned = vm->returned;
		vm->returned = false;
		r->stats.rows++;
		give(arg, &row);
	} else if (r->samples > 0 && result == MEASURE_NOTHING) {
		r->stats.unread++;
	}
	return 0;
}

int record_look(struct record *r, struct err *err)
{
	int64_t start = r->params.now_ns();
	int rc = 0;

	for (size_t i = 0; i < r->nvms && rc == 0; i++)
		if (r->vm[i].present)
			rc = measure_cpu(&r->source, &r->vm[i].measured);
	r->stats.cost_ns += r->params.now_ns() - start;
	return rc < 0 ? err_nomem(err) : 0;
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
		snprintf(lack, n, "%s%s%s", vm->measured.unable_memory ? "memory" : "",
			 vm->measured.unable_memory && vm->measured.unable_disk ? ", " : "",
			 vm->measured.unable_disk ? "disk" : "");
		return &vm->measured.found;
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
