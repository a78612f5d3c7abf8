/*
 * Which processes of this machine are virtual machines, and what they are called.
 *
 * A VM is a process with threads named "CPU n/KVM" (QEMU and our own guests; "CPU n/TCG" where QEMU
 * emulates) or with the descriptors of KVM vCPUs open, which only root and its own user can see. Its
 * name is, in this order: that of libvirt's domain (record.c asks), the label of our own guests, a name
 * on the command line (-name, --name, --id), the scope of its group, else COMMAND-PID.
 *
 * @root is "" for this machine, or a folder with a copy of proc/ and sys/ (tests).
 */
#ifndef COTENANT_REPLAY_FIND_H
#define COTENANT_REPLAY_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FOUND_NAME 256 /* with the NUL: what our trace format takes */

enum found_kind {
	FOUND_OWN, /* a guest of `cotenant replay` */
	FOUND_QEMU,
	FOUND_OTHER,   /* another program that uses KVM */
	FOUND_PROCESS, /* no VM at all, but the user wants it */
};

struct found_vm {
	pid_t pid;
	uint64_t start; /* clock ticks after the boot: with the pid a process for good */
	enum found_kind kind;
	char name[FOUND_NAME]; /* never empty, no control characters */
	char command[16];
	uint32_t vcpus;  /* at least 1 */
	double ram;      /* provisioned bytes; 0 = not known */
	bool named;      /* vCPU threads have names; if not, all threads count */
	char group[512]; /* cgroup v2 that is this VM's alone, from the mount on; "" = none */
};

enum find_result {
	FIND_NONE, /* no such process, or not a VM */
	FIND_VM,
	FIND_HIDDEN, /* its descriptors may not be read, and it has no threads of those names */
};

/* Looks at one process. @vm is filled for FIND_VM; with @any every process is one. */
enum find_result find_vm(const char *root, pid_t pid, bool any, struct found_vm *vm);

/* Cut to what a trace takes, without control characters. */
void find_set_name(struct found_vm *vm, const char *name, size_t len);

/* Whether a thread of that name runs a vCPU. */
bool find_is_vcpu(const char *comm);

const char *find_kind_name(enum found_kind kind); /* "own", "qemu", "kvm", "process" */

/* Our own guests tell who they are by a descriptor of that name, which `find` reads: an empty file in
 * memory. The descriptor, or -errno. */
int find_label(const char *name, double ram);

#endif
