/*
 * Groups of processes with shares and limits: Linux cgroups, version 1 or 2, behind one interface, or
 * none at all.
 *
 * Every run has a folder "cotenant-PID-STARTTIME" of its own below the group that it was started in (v1:
 * one per controller), and a leaf below it per guest. Only folders of that name are ever touched, with
 * one exception: where version 2 asks for it, controllers are switched on for the children of the group
 * that the run was started in, and off again at the end; for this the controller process moves into a
 * leaf of its own ("no internal processes") and back. A child that it forks may open groups of its own
 * meanwhile; they are made beside its parent's.
 * Setting a value that the kernel already has costs nothing; files written every step are kept open.
 *
 * Not for several threads. A forked child may use cg_join() and nothing else.
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
	CG_IO_WEIGHT =
		1u << 5, /* the file is there; it has effect with the scheduler bfq or iocost */
};
#define CG_CANS 6

struct cg;
struct cg_leaf;

/* @root: "" for this machine, or a folder that holds a copy of proc/ and sys/ (tests): there a new group
 * gets copies of its parent's files, as the kernel would make them, and no process is killed.
 * CG_AUTO takes v2 where at least one of its controllers cpu, memory, io can be had, else v1, else none.
 * -errno with @err set (what lacks, what to do) if the kind asked for is not to be had. Left-over folders
 * of dead runs are removed first. The run's folder has the largest weight among its siblings. */
int cg_open(struct cg **cg, const char *root, enum cg_kind kind, struct err *err) must_check;
enum cg_kind cg_kind(const struct cg *cg);
const char *cg_kind_name(enum cg_kind kind); /* "none", "v1", "v2", "auto" */
unsigned cg_can(const struct cg *cg);
/* Why the tree cannot do one of enum cg_can, and what to do; NULL if it can. */
const char *cg_lack(const struct cg *cg, enum cg_can what);
const char *cg_can_name(enum cg_can what); /* "CPU weight" */
/* The run's folder in the tree of that controller ("cpu"), for messages; "" if there is none. */
const char *cg_path(const struct cg *cg, const char *controller);
/* How many other runs have guests in groups beside this one's: they compete with ours for the same cores. */
unsigned cg_others(const struct cg *cg);
/* Kills what still runs in the leaves and removes the folders; waits up to 2 s for them to be empty, so
 * children are to be reaped before. NULL is allowed. */
void cg_close(struct cg *cg);

/* A new leaf, or NULL with @err set. The folder is named gN-NAME. It lives as long as @cg. With CG_NONE
 * it is one that can do nothing. */
struct cg_leaf *cg_leaf(struct cg *cg, const char *name, struct err *err);
/* The run's folder itself, for limits over all leaves; not to be joined. */
struct cg_leaf *cg_all(struct cg *cg);
/* By the process itself or for another one; before it is pinned, before it touches memory. */
int cg_join(struct cg_leaf *leaf, pid_t pid, struct err *err) must_check;
/* Kills what runs in the leaf and removes its folder before the end of the run, after 2 s at most; nothing
 * can be set in it any more. */
void cg_remove(struct cg_leaf *leaf);

/* Limits of a leaf; what the tree cannot do (cg_can) is left out. 0 or -errno of the kernel. What is below
 * the kernel's least value becomes that value: weights of 1/131072 (v1) or 1/10000 (v2), 0.01 cores,
 * a page of memory, one byte/s, one operation/s. */
int cg_set_cpu_weight(struct cg_leaf *leaf,
		      double share) must_check;                    /* of the largest one: (0, 1] */
int cg_set_cpu_cap(struct cg_leaf *leaf, double cores) must_check; /* INFINITY = none */
int cg_set_memory(struct cg_leaf *leaf, double bytes) must_check;  /* INFINITY = none */
/* Reads and writes may each have that much; INFINITY = none. @disk from cg_disk(). */
int cg_set_io(struct cg_leaf *leaf, dev_t disk, double bytes_per_s, double iops) must_check;
int cg_set_io_weight(struct cg_leaf *leaf,
		     double share) must_check; /* of the largest one: (0, 1] */

/* The whole disk under a file or folder, to which the kernel's limits apply. -ENODEV with @err set where
 * there is none: a file system without a block device. */
int cg_disk(const char *root, const char *path, dev_t *disk, struct err *err) must_check;

struct cg_usage {
	int64_t cpu_ns, throttled_ns; /* -1: not told */
	double memory;                /* bytes */
	uint64_t oom_kills, read_bytes, write_bytes, read_ops, write_ops;
};
void cg_read(struct cg_leaf *leaf, struct cg_usage *usage);

/* Removes the folders of dead runs in all of the machine's trees: those of the exact name whose process
 * (pid and start time) is gone; what runs in them is killed first. Their number, or -errno with @err set
 * when one could not be removed. */
int cg_clean(const char *root, struct err *err) must_check;

#endif
