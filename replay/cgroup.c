/*
 * See cgroup.h: what is the same in both versions. A version is a table of files and the way to the
 * places where its groups are made.
 */
#include "replay/cgroup_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "replay/procfs.h"
#include "sim/core/bug.h"

static const struct cg_ops cg_none = {.kind = CG_NONE};

static const char *const can_name[CG_CANS] = {"CPU weight",   "CPU cap", "CPU usage",
					      "memory limit", "I/O cap", "I/O weight"};

/* ---- places ---- */

bool cg_own_group(const char *text, const char *controller, char *group, size_t n)
{
	char list[256];

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		size_t number = strcspn(p, ":\n");
		if (p[number] != ':')
			continue;
		const char *names = p + number + 1;
		size_t len = strcspn(names, ":\n");
		if (names[len] != ':' || len >= sizeof(list))
			continue;
		memcpy(list, names, len);
		list[len] = '\0';
		if (controller[0] ? !procfs_has_word(list, controller, ',') : len > 0)
			continue;
		const char *path = names + len + 1;
		size_t size = strcspn(path, "\n");
		if (size >= n)
			return false;
		memcpy(group, path, size);
		group[size] = '\0';
		return true;
	}
	return false;
}

bool cg_base(const char *root, const char *mount_root, const char *mount_point, const char *group,
	     char *base, size_t n)
{
	size_t len = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);

	/* "/.." begins the path of a group that is outside of our namespace. */
	if (strncmp(group, mount_root, len) != 0 || (group[len] && group[len] != '/') ||
	    procfs_has_word(group, "..", '/'))
		return false;
	const char *rest = strcmp(group + len, "/") == 0 ? "" : group + len;
	return snprintf(base, n, "%s%s%s", root, mount_point, rest) < (int)n;
}

int cg_place_add(struct cg *cg, const char *base, const char *controllers)
{
	struct cg_place *place = &cg->place[cg->nplaces];

	place->base = arena_strdup(&cg->arena, base);
	place->run = arena_printf(&cg->arena, "%s/%s", base, cg->name);
	place->controllers = arena_strdup(&cg->arena, controllers);
	if (!place->base || !place->run || !place->controllers) {
		snprintf(cg->why, sizeof(cg->why), "out of memory");
		return -ENOMEM;
	}
	cg->nplaces++;
	return 0;
}

static void remove_places(struct cg *cg)
{
	for (size_t i = 0; i < cg->nplaces; i++)
		(void)!cg_group_remove(cg->root, cg->place[i].run);
	cg->nplaces = 0;
}

/* ---- open ---- */

/* Where each file is, and so what the tree can do. */
static void find_files(struct cg *cg)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < cg->ops->nfiles; i++) {
		const struct cg_file *file = &cg->ops->files[i];
		char *lack = file->can ? cg->lack[__builtin_ctz(file->can)] : NULL;
		cg->where[i] = -1;
		for (size_t p = 0; p < cg->nplaces && cg->where[i] < 0; p++)
			if (procfs_has_word(cg->place[p].controllers, file->controller, ','))
				cg->where[i] = (int)p;
		if (cg->where[i] < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", cg->place[cg->where[i]].run, file->name);
		if (access(path, F_OK) == 0)
			cg->can |= file->can;
		else
			cg->where[i] = -1;
		if (lack && !lack[0] && cg->where[i] < 0)
			snprintf(lack, CG_WHY,
				 "%.300s is not there: the kernel was built without it", path);
	}
	for (int i = 0; i < CG_CANS; i++)
		if (cg->can & 1u << i)
			cg->lack[i][0] = '\0';
}

static void init_leaf(struct cg_leaf *leaf, struct cg *cg, const char *name)
{
	*leaf = (struct cg_leaf){.cg = cg, .name = name};
	for (size_t i = 0; i < CG_FILES; i++)
		leaf->file[i].fd = -1;
}

/* 0, or -errno with cg->why saying what the version lacks. */
static int try_version(struct cg *cg, const struct cg_ops *ops)
{
	cg->ops = ops;
	cg->can = 0;
	memset(cg->lack, 0, sizeof(cg->lack));
	cg->why[0] = '\0';
	init_leaf(&cg->all, cg, "");
	int ret = ops->open(cg);
	if (ret == 0) {
		find_files(cg);
		if (cg_set_cpu_weight(&cg->all, 1) == 0)
			return 0;
		ret = -EINVAL;
		snprintf(cg->why, sizeof(cg->why), "%s: the weight of a group cannot be set",
			 cg->place[0].run);
	}
	if (ops->close)
		ops->close(cg);
	remove_places(cg);
	cg->ops = &cg_none;
	return ret;
}

/* v2, else v1, else none with the reasons of both. */
static int try_all(struct cg *cg)
{
	char why[CG_WHY];

	if (try_version(cg, &cg_v2) == 0)
		return 0;
	memcpy(why, cg->why, sizeof(why));
	if (try_version(cg, &cg_v1) == 0)
		return 0;
	cg->can = 0;
	for (int i = 0; i < CG_CANS; i++)
		snprintf(cg->lack[i], CG_WHY, "cgroup v2: %.190s; v1: %.190s", why, cg->why);
	return 0;
}

int cg_open(struct cg **out, const char *root, enum cg_kind kind, struct err *err)
{
	struct procfs_stat self;
	struct err ignored;
	int ret = 0;

	*out = NULL;
	struct cg *cg = mem_alloc(1, sizeof(*cg));
	if (!cg)
		return err_nomem(err);
	cg->ops = &cg_none;
	cg->pid = getpid();
	cg->root = arena_strdup(&cg->arena, root);
	init_leaf(&cg->all, cg, "");
	if (!cg->root) {
		ret = err_nomem(err);
	} else if (kind == CG_NONE) {
		for (int i = 0; i < CG_CANS; i++)
			snprintf(cg->lack[i], CG_WHY, "groups are not used");
	} else if (!procfs_stat(root, cg->pid, &self)) {
		ret = err_run(err, -ENOENT, "%s/proc/%d/stat cannot be read: is proc mounted?",
			      root, (int)cg->pid);
	} else {
		snprintf(cg->name, sizeof(cg->name), "cotenant-%d-%llu", (int)cg->pid,
			 (unsigned long long)self.start);
		/* What cannot be removed here is told by `cotenant replay clean`. */
		err_clear(&ignored);
		(void)!cg_clean(root, &ignored);
		ret = kind == CG_AUTO ? try_all(cg)
				      : try_version(cg, kind == CG_V2 ? &cg_v2 : &cg_v1);
		if (ret < 0)
			err_run(err, ret, "cgroup %s cannot be used: %s", cg_kind_name(kind),
				cg->why);
	}
	if (ret < 0) {
		arena_fini(&cg->arena);
		mem_free(cg);
		return ret;
	}
	*out = cg;
	return 0;
}

static void close_files(struct cg_leaf *leaf)
{
	for (size_t i = 0; i < CG_FILES; i++) {
		if (leaf->file[i].fd >= 0)
			close(leaf->file[i].fd);
		leaf->file[i].fd = -1;
	}
}

void cg_close(struct cg *cg)
{
	if (!cg)
		return;
	/* A forked child must not end the run of its parent. */
	bool mine = cg->pid == getpid();
	for (struct cg_leaf *leaf = cg->leaves; leaf; leaf = leaf->next) {
		if (mine)
			cg_remove(leaf);
		close_files(leaf);
	}
	close_files(&cg->all);
	if (mine && cg->ops->close)
		cg->ops->close(cg);
	if (mine)
		remove_places(cg);
	arena_fini(&cg->arena);
	mem_free(cg);
}

/* ---- what it is ---- */

enum cg_kind cg_kind(const struct cg *cg)
{
	return cg->ops->kind;
}

const char *cg_kind_name(enum cg_kind kind)
{
	static const char *const name[] = {"none", "v1", "v2", "auto"};

	return name[kind];
}

unsigned cg_can(const struct cg *cg)
{
	return cg->can;
}

const char *cg_lack(const struct cg *cg, enum cg_can what)
{
	const char *lack = cg->lack[__builtin_ctz(what)];

	if (cg->can & what)
		return NULL;
	return lack[0] ? lack : "the controller cannot be used";
}

const char *cg_can_name(enum cg_can what)
{
	return can_name[__builtin_ctz(what)];
}

const char *cg_path(const struct cg *cg, const char *controller)
{
	for (size_t i = 0; i < cg->nplaces; i++)
		if (procfs_has_word(cg->place[i].controllers, controller, ','))
			return cg->place[i].run;
	return "";
}

/* ---- leaves ---- */

static bool leaf_path(const struct cg_leaf *leaf, size_t place, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s%s%s", leaf->cg->place[place].run,
			 leaf->name[0] ? "/" : "", leaf->name);

	return n < PATH_MAX;
}

/* The name with everything that may mean something to a file system or a shell as '_'. */
static const char *folder_name(struct cg *cg, const char *name)
{
	char *text = arena_printf(&cg->arena, "g%zu-%.40s", cg->nleaves, name);

	for (char *p = text; p && *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			    *p))
			*p = '_';
	return text;
}

struct cg_leaf *cg_leaf(struct cg *cg, const char *name, struct err *err)
{
	char path[PATH_MAX];
	struct cg_leaf *leaf = arena_alloc(&cg->arena, 1, sizeof(*leaf));
	const char *folder = folder_name(cg, name);

	if (!leaf || !folder) {
		err_nomem(err);
		return NULL;
	}
	init_leaf(leaf, cg, folder);
	for (size_t i = 0; i < cg->nplaces; i++) {
		int ret = leaf_path(leaf, i, path) ? cg_group_make(cg->root, path) : -ENAMETOOLONG;
		if (ret == 0)
			continue;
		err_run(err, ret, "%s: cannot make the group of a guest: %s", path, strerror(-ret));
		cg_remove(leaf);
		return NULL;
	}
	leaf->next = cg->leaves;
	cg->leaves = leaf;
	cg->nleaves++;
	return leaf;
}

struct cg_leaf *cg_all(struct cg *cg)
{
	return &cg->all;
}

int cg_join(struct cg_leaf *leaf, pid_t pid, struct err *err)
{
	char path[PATH_MAX], text[16];

	if (!leaf->name)
		return err_run(err, -ENOENT, "a group that was removed cannot be joined");
	BUG_ON(leaf == &leaf->cg->all);
	snprintf(text, sizeof(text), "%d", (int)pid);
	for (size_t i = 0; i < leaf->cg->nplaces; i++) {
		int ret = leaf_path(leaf, i, path)
				  ? cg_write(leaf->cg->root, path, "cgroup.procs", text)
				  : -ENAMETOOLONG;
		if (ret < 0)
			return err_run(err, ret, "process %d cannot join the group %s: %s",
				       (int)pid, path, strerror(-ret));
	}
	return 0;
}

void cg_remove(struct cg_leaf *leaf)
{
	char path[PATH_MAX];

	for (size_t i = 0; leaf->name && i < leaf->cg->nplaces; i++)
		if (leaf_path(leaf, i, path))
			(void)!cg_group_remove(leaf->cg->root, path);
	close_files(leaf);
	leaf->name = NULL;
}

/* ---- files ---- */

/* An open file of the group; -errno. The caller closes it unless it is kept. */
static int open_file(struct cg_leaf *leaf, size_t i, int flags)
{
	const struct cg_file *file = &leaf->cg->ops->files[i];
	char path[PATH_MAX], folder[PATH_MAX];

	if (leaf->file[i].fd >= 0)
		return leaf->file[i].fd;
	if (!leaf_path(leaf, (size_t)leaf->cg->where[i], folder) ||
	    snprintf(path, sizeof(path), "%s/%s", folder, file->name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (file->keep)
		leaf->file[i].fd = fd;
	return fd;
}

int cg_put(struct cg_leaf *leaf, size_t i, const char *text)
{
	size_t len = strlen(text);

	if (!leaf->name || leaf->cg->where[i] < 0 || strcmp(leaf->file[i].last, text) == 0)
		return 0;
	int fd = open_file(leaf, i, O_WRONLY);
	if (fd < 0)
		return fd;
	int ret = pwrite(fd, text, len, 0) < 0 ? -errno : 0;
	/* A plain file, unlike one of the kernel, keeps what was longer. */
	if (ret == 0 && leaf->cg->root[0] && ftruncate(fd, (off_t)len) < 0)
		ret = -errno;
	if (fd != leaf->file[i].fd)
		close(fd);
	BUG_ON(len >= sizeof(leaf->file[i].last));
	memcpy(leaf->file[i].last, ret == 0 ? text : "", ret == 0 ? len + 1 : 1);
	return ret;
}

bool cg_get(struct cg_leaf *leaf, size_t i, char *buf, size_t n)
{
	buf[0] = '\0';
	if (!leaf->name || leaf->cg->where[i] < 0)
		return false;
	int fd = open_file(leaf, i, O_RDONLY);
	if (fd < 0)
		return false;
	ssize_t len = pread(fd, buf, n - 1, 0);
	if (fd != leaf->file[i].fd)
		close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len > 0;
}

/* ---- limits ---- */

int cg_set_cpu_weight(struct cg_leaf *leaf, double share)
{
	BUG_ON(!(share > 0 && share <= 1));
	return leaf->cg->can & CG_CPU_WEIGHT ? leaf->cg->ops->cpu_weight(leaf, share) : 0;
}

int cg_set_cpu_cap(struct cg_leaf *leaf, double cores)
{
	BUG_ON(!(cores >= 0));
	return leaf->cg->can & CG_CPU_CAP ? leaf->cg->ops->cpu_cap(leaf, cores) : 0;
}

int cg_set_memory(struct cg_leaf *leaf, double bytes)
{
	BUG_ON(!(bytes >= 0));
	return leaf->cg->can & CG_MEMORY ? leaf->cg->ops->memory(leaf, bytes) : 0;
}

int cg_set_io(struct cg_leaf *leaf, dev_t disk, double bytes_per_s, double iops)
{
	BUG_ON(!(bytes_per_s >= 0 && iops >= 0));
	return leaf->cg->can & CG_IO_CAP ? leaf->cg->ops->io(leaf, disk, bytes_per_s, iops) : 0;
}

int cg_set_io_weight(struct cg_leaf *leaf, double share)
{
	BUG_ON(!(share > 0 && share <= 1));
	return leaf->cg->can & CG_IO_WEIGHT ? leaf->cg->ops->io_weight(leaf, share) : 0;
}

void cg_read(struct cg_leaf *leaf, struct cg_usage *usage)
{
	*usage = (struct cg_usage){.cpu_ns = -1, .throttled_ns = -1};
	if (leaf->cg->ops->read && leaf->name)
		leaf->cg->ops->read(leaf, usage);
}

/* ---- disks ---- */

/* The device that a mounted file system without one of its own number (btrfs, for example) is on. */
static bool device_of_mount(const char *root, dev_t dev, dev_t *disk)
{
	struct procfs_mount mount;
	struct stat st;
	bool found = false;

	char *text = procfs_text(root, "/proc/self/mountinfo");
	const char *p = text;
	while (p && !found && procfs_mount(&p, &mount))
		found = makedev(mount.major, mount.minor) == dev && mount.source[0] == '/' &&
			stat(mount.source, &st) == 0 && S_ISBLK(st.st_mode);
	mem_free(text);
	if (found)
		*disk = st.st_rdev;
	return found;
}

int cg_disk(const char *root, const char *path, dev_t *disk, struct err *err)
{
	unsigned ma, mi;
	char buf[32];
	struct stat st;

	if (stat(path, &st) < 0)
		return err_run(err, -errno, "%s: %s", path, strerror(errno));
	*disk = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	if (major(*disk) == 0 && !device_of_mount(root, *disk, disk))
		return err_run(
			err, -ENODEV,
			"%s: its file system is on no block device, so I/O limits of groups do "
			"not apply (use a folder on a local disk)",
			path);
	/* Limits are for whole disks; a partition's folder in sys is inside its disk's. */
	ma = major(*disk);
	mi = minor(*disk);
	if (procfs_read(root, buf, sizeof(buf), "/sys/dev/block/%u:%u/partition", ma, mi) > 0 &&
	    procfs_read(root, buf, sizeof(buf), "/sys/dev/block/%u:%u/../dev", ma, mi) > 0 &&
	    sscanf(buf, "%u:%u", &ma, &mi) == 2)
		*disk = makedev(ma, mi);
	return 0;
}
