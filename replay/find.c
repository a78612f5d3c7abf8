/* See find.h. Everything read here was written by others: names are cut and cleaned, numbers checked. */
#include "replay/find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay/cgroup_impl.h"
#include "replay/procfs.h"
#include "sim/core/control.h"

#define OWN_COMMAND "cotenant-guest"
#define LABEL       "cotenant-guest:"
#define MOST_VCPUS  65536u

struct look {
	const char *root;
	pid_t pid;
	struct found_vm *vm;
	uint32_t vcpu_fds, vcpu_threads;
	bool labelled;
};

const char *find_kind_name(enum found_kind kind)
{
	static const char *const name[] = {[FOUND_OWN] = "own",
					   [FOUND_QEMU] = "qemu",
					   [FOUND_OTHER] = "kvm",
					   [FOUND_PROCESS] = "process"};

	return name[kind];
}

bool find_is_vcpu(const char *comm)
{
	uint64_t n;
	const char *after = strncmp(comm, "CPU ", 4) == 0 ? procfs_scan(comm + 4, &n) : NULL;

	return after && (strcmp(after, "/KVM") == 0 || strcmp(after, "/TCG") == 0);
}

int find_label(const char *name, double ram)
{
	char label[200];

	snprintf(label, sizeof(label), LABEL "%.0f:%.150s", ram, name);
	int fd = memfd_create(label, MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void find_set_name(struct found_vm *vm, const char *name, size_t len)
{
	size_t n = len < FOUND_NAME - 1 ? len : FOUND_NAME - 1;

	for (size_t i = 0; i < n; i++)
		vm->name[i] = control_is(name[i]) ? '?' : name[i];
	vm->name[n] = '\0';
}

/* -1 = none. */
static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* ---- descriptors and threads ---- */

/* "RAM:NAME (deleted)" */
static void read_label(struct look *look, char *text)
{
	static const char tail[] = " (deleted)";
	size_t len = strlen(text), n = sizeof(tail) - 1;
	uint64_t ram;
	const char *name = procfs_scan(text, &ram);

	if (!name || *name++ != ':')
		return;
	if (len > n && strcmp(text + len - n, tail) == 0)
		len -= n;
	if (text + len <= name)
		return;
	find_set_name(look->vm, name, (size_t)(text + len - name));
	look->vm->ram = (double)ram;
	look->labelled = true;
}

static int look_fd(void *arg, uint64_t fd)
{
	static const char label[] = "/memfd:" LABEL;
	struct look *look = arg;
	char path[PATH_MAX], link[512];

	snprintf(path, sizeof(path), "%s/proc/%ld/fd/%llu", look->root, (long)look->pid,
		 (unsigned long long)fd);
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return 0;
	link[n] = '\0';
	if (strncmp(link, "anon_inode:kvm-vcpu", 19) == 0)
		look->vcpu_fds++;
	else if (strncmp(link, label, sizeof(label) - 1) == 0)
		read_label(look, link + sizeof(label) - 1);
	return 0;
}

static int look_thread(void *arg, uint64_t tid)
{
	struct look *look = arg;
	char comm[64];

	if (procfs_read(look->root, comm, sizeof(comm), "/proc/%ld/task/%llu/comm", (long)look->pid,
			(unsigned long long)tid) > 0)
		look->vcpu_threads += find_is_vcpu(comm);
	return 0;
}

/* ---- the command line ---- */

/* QEMU's option text: "guest=NAME,debug-threads=on", "NAME", "size=4G,slots=2"; a comma that belongs to
 * a value is written twice. The value of @key, or of the first part when it has no key. False: none. */
static bool option_value(const char *text, const char *key, char *value, size_t n)
{
	size_t klen = strlen(key), at;

	for (const char *p = text; *p; p += *p == ',') {
		const char *start = p;
		bool mine = strncmp(p, key, klen) == 0 && p[klen] == '=';
		if (mine)
			p += klen + 1;
		for (at = 0; *p && (*p != ',' || p[1] == ','); p++) {
			p += *p == ',';
			if (at + 1 < n)
				value[at++] = *p;
		}
		value[at] = '\0';
		if (at > 0 && (mine || (start == text && !memchr(start, '=', (size_t)(p - start)))))
			return true;
	}
	return false;
}

/* "4096" (MiB), "4G", "2097152k". */
static double memory_size(const char *text)
{
	static const char unit[] = "bkmgt";
	uint64_t value;
	const char *after = procfs_scan(text, &value);

	if (!after)
		return 0;
	double bytes = (double)value;
	const char *u = *after ? strchr(unit, *after | 0x20) : unit + 2;
	for (; u && u > unit; u--)
		bytes *= 1024;
	return u ? bytes : 0;
}

static void read_argument(struct found_vm *vm, const char *flag, const char *value)
{
	char buf[FOUND_NAME] = "";
	bool whole = strcmp(flag, "--name") == 0 || strcmp(flag, "--id") == 0;

	if (!vm->name[0] && whole)
		find_set_name(vm, value, strlen(value));
	if (!vm->name[0] && strcmp(flag, "-name") == 0 &&
	    option_value(value, "guest", buf, sizeof(buf)))
		find_set_name(vm, buf, strlen(buf));
	if ((strcmp(flag, "-m") == 0 || strcmp(flag, "--mem") == 0 ||
	     strcmp(flag, "--memory") == 0) &&
	    option_value(value, "size", buf, sizeof(buf)))
		vm->ram = memory_size(buf);
}

/* Arguments end with a NUL each. */
static void read_command_line(const char *root, struct found_vm *vm)
{
	char buf[16384];
	ssize_t n = procfs_read(root, buf, sizeof(buf), "/proc/%ld/cmdline", (long)vm->pid);
	const char *flag = NULL;

	for (const char *p = buf; n > 0 && p < buf + n; p += strlen(p) + 1) {
		if (flag)
			read_argument(vm, flag, p);
		flag = p;
	}
}

/* ---- groups ---- */

/* "machine-qemu\x2d1\x2dweb.scope" -> web */
static void name_of_scope(struct found_vm *vm, const char *scope, size_t len)
{
	char text[FOUND_NAME] = "";
	size_t n = 0;

	if (len > 8 && strncmp(scope, "machine-", 8) == 0) {
		scope += 8;
		len -= 8;
	}
	for (size_t i = 0; i < len && n + 1 < sizeof(text); i++) {
		bool escaped = scope[i] == '\\' && i + 3 < len && scope[i + 1] == 'x';
		int high = escaped ? hex_digit(scope[i + 2]) : -1;
		int low = escaped ? hex_digit(scope[i + 3]) : -1;
		if (high >= 2 && low >= 0) { /* no control characters */
			text[n++] = (char)(high * 16 + low);
			i += 3;
		} else {
			text[n++] = scope[i];
		}
	}
	text[n] = '\0';
	uint64_t number;
	const char *name = text;
	const char *after = strncmp(text, "qemu-", 5) == 0 ? procfs_scan(text + 5, &number) : NULL;
	if (after && after[0] == '-' && after[1])
		name = after + 1;
	if (!vm->name[0])
		find_set_name(vm, name, strlen(name));
}

/* The group that holds the VM and nothing else: its scope below machine.slice or qemu.slice, or the
 * leaf of our own guest. */
static void read_group(const char *root, struct found_vm *vm)
{
	char *text = procfs_text(root, "/proc/%ld/cgroup", (long)vm->pid);
	char group[sizeof(vm->group)];

	if (text && cg_own_group(text, "", group, sizeof(group))) {
		bool slice = strncmp(group, "/machine.slice/", 15) == 0 ||
			     strncmp(group, "/qemu.slice/", 12) == 0;
		const char *end = slice ? strstr(group, ".scope") : NULL;
		const char *own = strstr(group, "/cotenant-");
		if (end && (end[6] == '/' || end[6] == '\0')) {
			size_t len = (size_t)(end - group) + 6;
			const char *last = memrchr(group, '/', len);
			memcpy(vm->group, group, len);
			vm->group[len] = '\0';
			name_of_scope(vm, last + 1, (size_t)(end - last) - 1);
		} else if (own && strstr(own + 1, "/g") && vm->kind == FOUND_OWN) {
			memcpy(vm->group, group, sizeof(group));
		}
	}
	mem_free(text);
}

/* ---- all of it ---- */

/* How many cores a process may use: bits of "Cpus_allowed:  00000000,0000000f". */
static uint32_t cores_allowed(const char *root, pid_t pid)
{
	char text[8192];
	uint32_t n = 0;

	if (procfs_read(root, text, sizeof(text), "/proc/%ld/status", (long)pid) <= 0)
		return 1;
	const char *p = strstr(text, "Cpus_allowed:");
	for (p = p ? p + 13 : ""; *p && *p != '\n'; p++) {
		int digit = hex_digit(*p);
		n += digit > 0 ? (uint32_t)__builtin_popcount((unsigned)digit) : 0;
	}
	return n > 0 ? n : 1;
}

static enum found_kind kind_of(const struct look *look)
{
	if (look->labelled || strcmp(look->vm->command, OWN_COMMAND) == 0)
		return FOUND_OWN;
	if (strncmp(look->vm->command, "qemu", 4) == 0 || strcmp(look->vm->command, "kvm") == 0 ||
	    (look->vcpu_threads > 0 && look->vcpu_fds == 0))
		return FOUND_QEMU;
	return look->vcpu_fds > 0 ? FOUND_OTHER : FOUND_PROCESS;
}

static void describe(struct look *look)
{
	struct found_vm *vm = look->vm;
	uint32_t vcpus = look->vcpu_threads > 0 ? look->vcpu_threads : look->vcpu_fds;

	vm->kind = kind_of(look);
	vm->named = look->vcpu_threads > 0;
	if (vm->kind == FOUND_PROCESS)
		vcpus = cores_allowed(look->root, look->pid);
	vm->vcpus = vcpus < 1 ? 1 : vcpus > MOST_VCPUS ? MOST_VCPUS : vcpus;
	/* The command line of our own guests is that of the program that started them. */
	if (vm->kind == FOUND_QEMU || vm->kind == FOUND_OTHER)
		read_command_line(look->root, vm);
	read_group(look->root, vm);
	if (!vm->name[0]) {
		char name[64];
		snprintf(name, sizeof(name), "%s-%ld", vm->command, (long)vm->pid);
		find_set_name(vm, name, strlen(name));
	}
}

enum find_result find_vm(const char *root, pid_t pid, bool any, struct found_vm *vm)
{
	struct look look = {.root = root, .pid = pid, .vm = vm};
	struct procfs_stat stat;
	char folder[64];

	*vm = (struct found_vm){.pid = pid};
	if (!procfs_stat(root, pid, &stat) || stat.state == 'Z' || stat.state == 'X')
		return FIND_NONE;
	vm->start = stat.start;
	snprintf(vm->command, sizeof(vm->command), "%.15s", stat.comm);
	snprintf(folder, sizeof(folder), "/proc/%ld/task", (long)pid);
	int rc = procfs_numbers(root, folder, look_thread, &look);
	if (rc == -ENOENT || rc == -ESRCH)
		return FIND_NONE; /* it has just ended */
	snprintf(folder, sizeof(folder), "/proc/%ld/fd", (long)pid);
	rc = procfs_numbers(root, folder, look_fd, &look);
	if (look.vcpu_threads == 0 && look.vcpu_fds == 0 && !any)
		return rc == -EACCES || rc == -EPERM ? FIND_HIDDEN : FIND_NONE;
	describe(&look);
	return FIND_VM;
}
