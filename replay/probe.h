/*
 * What this machine offers to guests and what it lacks: KVM, groups, cores, memory, disk, and how
 * quiet it is just now; for everything that lacks, why, and what to do about it.
 *
 * Nothing is changed for good: groups are made and removed again to see whether it is permitted.
 * @root is "" for this machine, or a folder with a copy of proc/, sys/ and dev/ (tests).
 */
#ifndef COTENANT_REPLAY_PROBE_H
#define COTENANT_REPLAY_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/core/err.h"

enum probe_state {
	PROBE_OK,      /* as it should be */
	PROBE_LESS,    /* guests run, something is less good or cannot be had */
	PROBE_MISSING, /* guests cannot run */
};

struct probe_item {
	const char *name; /* "kvm", "cpu weight" */
	enum probe_state state;
	char text[480];   /* what is there, or what lacks and why */
	char remedy[240]; /* "" = nothing to do */
};

#define PROBE_ITEMS 32
struct probe {
	struct probe_item item[PROBE_ITEMS];
	size_t n;
};

/* @folder: where the disk files of guests would be made. */
void probe_machine(struct probe *probe, const char *root, const char *folder);

/* Cores of a list such as "0-3,8", ascending; how many there are, which may be more than @max. */
size_t probe_cores(const char *list, int *core, size_t max);

#endif
