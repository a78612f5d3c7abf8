/*
 * What the versions of cgroup share: a group is a folder in one or more trees ("places"), a limit is
 * a text in a file of it.
 */
#ifndef COTENANT_REPLAY_CGROUP_IMPL_H
#define COTENANT_REPLAY_CGROUP_IMPL_H

#include "replay/cgroup.h"
#include "sim/core/mem.h"

enum { CG_PLACES = 4, CG_FILES = 16, CG_WHY = 400 };

/* A file of a group. */
struct cg_file {
	const char *controller; /* the place where it is */
	const char *name;
	unsigned can; /* the bit that it stands for */
	bool keep;    /* used every step: stays open */
};

/* A tree of groups. */
struct cg_place {
	const char *controllers; /* "cpu,cpuacct" */
	const char *base;        /* folder of the group that the run was started in */
	const char *run;         /* of the run */
};

struct cg_leaf {
	struct cg *cg;
	struct cg_leaf *next;
	const char *name; /* "" = the run's folder; NULL = removed */
	struct {
		int fd; /* -1 = not open */
		char last[128];
	} file[CG_FILES];
};

struct cg_ops {
	enum cg_kind kind;
	const struct cg_file *files;
	size_t nfiles;
	/* Finds the places and makes the run's folders. 0, or -errno with cg->why set; the folders
	 * that it made are removed by the caller. May set cg->lack. */
	int (*open)(struct cg *cg);
	/* Before the run's folders are removed. Optional. */
	void (*close)(struct cg *cg);
	int (*cpu_weight)(struct cg_leaf *leaf, double share);
	int (*cpu_cap)(struct cg_leaf *leaf, double cores);
	int (*memory)(struct cg_leaf *leaf, double bytes);
	int (*io)(struct cg_leaf *leaf, dev_t disk, double bytes_per_s, double iops);
	int (*io_weight)(struct cg_leaf *leaf, double share);
	void (*read)(struct cg_leaf *leaf, struct cg_usage *usage);
};

struct cg {
	const struct cg_ops *ops;
	const char *root;
	char name[64]; /* of the run's folders */
	pid_t pid;     /* of the process that opened it */
	struct arena arena;
	struct cg_place place[CG_PLACES];
	size_t nplaces;
	int where[CG_FILES]; /* place of each file, -1 = none */
	unsigned can;
	char lack[CG_CANS][CG_WHY], why[CG_WHY];
	struct cg_leaf all, *leaves;
	size_t nleaves;
	/* v2: the controllers that we switched on for the children of our group, of the run's; and
	 * whether we are in a leaf of our own. */
	char enabled[2][64];
	bool moved;
};

extern const struct cg_ops cg_v1, cg_v2;

/* A tree in a place: @base is set if the process is in it. -ENOMEM with cg->why set. */
int cg_place_add(struct cg *cg, const char *base, const char *controllers);
/* The folder of our own group in a mounted tree: mount point and our path from /proc/self/cgroup put
 * together. False when our group is not under the mount. */
bool cg_base(const char *root, const char *mount_root, const char *mount_point, const char *group,
	     char *base, size_t n);
/* The text after "N:CONTROLLERS:" of the line of /proc/self/cgroup that names @controller ("" = v2). */
bool cg_own_group(const char *text, const char *controller, char *group, size_t n);

/* Writes a file of the group unless that text is there already; 0 if the tree has no such file. */
int cg_put(struct cg_leaf *leaf, size_t file, const char *text);
/* Reads one; false when it cannot be read. */
bool cg_get(struct cg_leaf *leaf, size_t file, char *buf, size_t n);
/* Writes @text to a file of a folder, at once. 0 or -errno. */
int cg_write(const char *root, const char *folder, const char *file, const char *text);

/* cgroup_tree.c: folders. */

/* Whether the name (@n bytes of it) is that of a run's folder, and which process's. */
bool cg_run_name(const char *name, size_t n, uint64_t *pid, uint64_t *start);
/* Each returns 0 or -errno. */
int cg_group_make(const char *root, const char *path);
int cg_group_kill(const char *root, const char *path);
/* With all that is below it, killing what runs there. */
int cg_group_remove(const char *root, const char *path);

#endif
