/*
 * Groups of processes with shares and limits: Linux cgroups, version 1 or 2, behind one interface, or
 * none at all.
 *
 * Every run has a folder "cotenant-PID-STARTTIME" of its own below the group that it was started in (v1:
 * one per controller), and a leaf below it per guest. Only folders of that name are ever touched.
 * Setting a value that the kernel already has costs nothing; files are kept open.
 */
#ifndef COTENANT_REPLAY_CGROUP_H
#define COTENANT_REPLAY_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/core/err.h"

enum cg_kind { CG_NONE, CG_V1, CG_V2, CG_AUTO };

/* What a tree can do. */
enum cg_can {
	CG_CPU_WEIGHT = 1u << 0,
	CG_CPU_CAP = 1u << 1,
	CG_CPU_USAGE = 1u << 2,
	CG_MEMORY = 1u << 3,
	CG_IO_CAP = 1u << 4,
	CG_IO_WEIGHT = 1u << 5,
};

struct cg;
struct cg_leaf;

/* @root: "" for this machine, or a folder that holds a copy of proc/ and sys/fs/cgroup/ (tests).
 * CG_AUTO takes v2 where its controllers are there, else v1, else none. -errno with @err set if the kind
 * asked for is not to be had. Left-over folders of dead runs are removed first. */
int cg_open(struct cg **cg, const char *root, enum cg_kind kind, struct err *err) must_check;
enum cg_kind cg_kind(const struct cg *cg);
unsigned cg_can(const struct cg *cg);
/* Kills what still runs in the leaves and removes the folders. */
void cg_close(struct cg *cg);

/* A new leaf, or NULL with @err set. It lives as long as @cg. With CG_NONE it is one that can do nothing. */
struct cg_leaf *cg_leaf(struct cg *cg, const char *name, struct err *err);
/* By the process itself or for another one; before it is pinned, before it touches memory. */
int cg_join(struct cg_leaf *leaf, pid_t pid, struct err *err) must_check;
void cg_kill(struct cg_leaf *leaf);

/* Limits of a leaf; what the tree cannot do (cg_can) is left out. 0 or -errno of the kernel. */
int cg_set_cpu_weight(struct cg_leaf *leaf, double share) must_check; /* of the largest one: (0, 1] */
int cg_set_cpu_cap(struct cg_leaf *leaf, double cores) must_check;    /* INFINITY = none */
int cg_set_memory(struct cg_leaf *leaf, double bytes) must_check;
int cg_set_io(struct cg_leaf *leaf, dev_t disk, double bytes_per_s, double iops) must_check;

struct cg_usage {
	int64_t cpu_ns, throttled_ns; /* -1: not told */
	double memory;                /* bytes */
	uint64_t oom_kills, read_bytes, write_bytes, read_ops, write_ops;
};
void cg_read(struct cg_leaf *leaf, struct cg_usage *usage);

/* Removes the folders of dead runs; their number, or -errno with @err set. */
int cg_clean(const char *root, struct err *err) must_check;

#endif
