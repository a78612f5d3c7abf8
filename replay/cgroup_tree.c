/*
 * Folders of groups: made, emptied, removed; and the folders of dead runs found.
 *
 * A process stays in its group until it is reaped, so removal is tried again for a while.
 */
#include "replay/cgroup_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "replay/procfs.h"

enum { WAIT_MS = 2000, MAX_DEPTH = 32 };

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

int cg_write(const char *root, const char *folder, const char *file, const char *text)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int fd = open(path, O_WRONLY | O_CLOEXEC | (root[0] ? O_TRUNC : 0));
	if (fd < 0)
		return -errno;
	int ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* ---- walking ---- */

struct walk {
	const char *root;
	int depth;
	int (*f)(struct walk *walk, const char *path, const char *name, bool folder);
	void *arg;
};

/* Calls @f for what is in a folder, until it returns other than 0. */
static int walk_folder(struct walk *walk, const char *path)
{
	char child[PATH_MAX];
	const struct dirent *entry;
	int ret = 0;

	if (walk->depth >= MAX_DEPTH)
		return -ELOOP;
	DIR *dir = opendir(path);
	if (!dir)
		return -errno;
	walk->depth++;
	while (ret == 0 && (entry = readdir(dir))) {
		struct stat st;
		bool folder = entry->d_type == DT_DIR;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (entry->d_type == DT_UNKNOWN)
			folder =
				fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				S_ISDIR(st.st_mode);
		if (snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) <
		    (int)sizeof(child))
			ret = walk->f(walk, child, entry->d_name, folder);
	}
	walk->depth--;
	closedir(dir);
	return ret;
}

/* ---- one group ---- */

/* In a copy of a tree: what the kernel would put into a new folder. */
static int copy_file(struct walk *walk, const char *path, const char *name, bool folder)
{
	char buf[4096];

	if (folder || procfs_read("", buf, sizeof(buf), "%s", path) < 0)
		return 0;
	char to[PATH_MAX];
	snprintf(to, sizeof(to), "%s/%s", (const char *)walk->arg, name);
	int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	const char *text = strcmp(name, "cgroup.procs") == 0 ? "" : buf;
	int ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* v1: where the controller cpuset is in the same tree, a new group has no cores and takes nobody. */
static int inherit_cpuset(const char *root, const char *parent, const char *path)
{
	static const char *const file[] = {"cpuset.cpus", "cpuset.mems"};
	char buf[4096];
	int ret = 0;

	if (procfs_read("", buf, sizeof(buf), "%s/cpuset.cpu_exclusive", path) < 0)
		return 0;
	for (int i = 0; i < 2 && ret == 0; i++)
		if (procfs_read("", buf, sizeof(buf), "%s/%s", parent, file[i]) > 0)
			ret = cg_write(root, path, file[i], buf);
	return ret;
}

int cg_group_make(const char *root, const char *path)
{
	char parent[PATH_MAX];

	if (mkdir(path, 0755) < 0)
		return -errno;
	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (!root[0])
		return inherit_cpuset(root, parent, path);
	return walk_folder(&(struct walk){root, 0, copy_file, (void *)(uintptr_t)path}, parent);
}

/* The number of processes that are in the group, all of them sent a SIGKILL. */
static int kill_members(const char *root, const char *path)
{
	char *text = procfs_text("", "%s/cgroup.procs", path);
	int members = 0;
	uint64_t pid;

	for (const char *p = text; p && (p = procfs_scan(p, &pid)); p += *p == '\n') {
		members++;
		/* 0 is a process that lives outside of our pid namespace. */
		if (!root[0] && pid > 1 && pid != (uint64_t)getpid())
			kill((pid_t)pid, SIGKILL);
	}
	mem_free(text);
	return members;
}

int cg_group_kill(const char *root, const char *path)
{
	for (int waited = 0, pause = 1;; waited += pause, pause = pause < 16 ? pause * 2 : 16) {
		if (kill_members(root, path) == 0)
			return 0;
		if (root[0])
			return cg_write(root, path, "cgroup.procs", "");
		if (waited > WAIT_MS)
			return -EBUSY;
		sleep_ms(pause);
	}
}

static int remove_child(struct walk *walk, const char *path, const char *name, bool folder)
{
	(void)name;
	if (folder)
		return cg_group_remove(walk->root, path);
	if (walk->root[0] && unlink(path) < 0)
		return -errno;
	return 0;
}

int cg_group_remove(const char *root, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	int ret = cg_group_kill(root, path);
	int code = walk_folder(&(struct walk){root, 0, remove_child, NULL}, path);
	if (ret == 0)
		ret = code;
	for (int waited = 0; ret == 0 && rmdir(path) < 0; waited += 4) {
		if (errno == ENOENT)
			break;
		if (errno != EBUSY || waited > WAIT_MS)
			return -errno;
		sleep_ms(4);
	}
	return ret;
}

/* ---- dead runs ---- */

bool cg_run_name(const char *name, size_t n, uint64_t *pid, uint64_t *start)
{
	static const char prefix[] = "cotenant-";

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return false;
	const char *p = procfs_scan(name + sizeof(prefix) - 1, pid);
	if (!p || *p != '-' || *pid == 0 || *pid > INT_MAX)
		return false;
	p = procfs_scan(p + 1, start);
	return p && p == name + n;
}

/* Whether the name is one of ours and its process is gone. A process that may be there but cannot be
 * looked at (hidepid) counts as alive, one that is dead and not reaped yet does not. */
static bool is_dead_run(const char *root, const char *name)
{
	struct procfs_stat stat;
	uint64_t pid, start;

	if (!cg_run_name(name, strlen(name), &pid, &start))
		return false;
	if (procfs_stat(root, (pid_t)pid, &stat))
		return stat.start != start || stat.state == 'Z' || stat.state == 'X';
	return root[0] || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

static int find_guest(struct walk *walk, const char *path, const char *name, bool folder)
{
	(void)walk, (void)path;
	return folder && name[0] == 'g';
}

static int count_other(struct walk *walk, const char *path, const char *name, bool folder)
{
	unsigned *n = walk->arg;
	uint64_t pid, start;

	if (folder && cg_run_name(name, strlen(name), &pid, &start) &&
	    !is_dead_run(walk->root, name) &&
	    walk_folder(&(struct walk){walk->root, walk->depth, find_guest, NULL}, path) == 1)
		++*n;
	return 0;
}

unsigned cg_others(const struct cg *cg)
{
	unsigned n = 0;

	/* Ours has no guests yet, or they would not be others. */
	if (cg->nplaces > 0)
		walk_folder(&(struct walk){cg->root, 0, count_other, &n}, cg->place[0].base);
	return cg->nleaves > 0 && n > 0 ? n - 1 : n;
}

/* A run of another pid namespace looks dead from here; its members have no number for us. */
static bool has_strangers(const char *path)
{
	char *text = procfs_text("", "%s/cgroup.procs", path);
	bool found = text && (text[0] == '0' || strstr(text, "\n0"));

	mem_free(text);
	return found;
}

struct clean {
	struct err *err;
	int removed, code;
};

static int find_strangers(struct walk *walk, const char *path, const char *name, bool folder)
{
	(void)name;
	if (!folder)
		return 0;
	return has_strangers(path) ? 1 : walk_folder(walk, path);
}

static int clean_child(struct walk *walk, const char *path, const char *name, bool folder)
{
	struct clean *clean = walk->arg;

	if (!folder)
		return 0;
	if (!is_dead_run(walk->root, name)) {
		walk_folder(walk, path);
		return 0;
	}
	if (has_strangers(path) ||
	    walk_folder(&(struct walk){walk->root, walk->depth, find_strangers, NULL}, path) != 0)
		return 0;
	int ret = cg_group_remove(walk->root, path);
	if (ret == 0) {
		clean->removed++;
		return 0;
	}
	clean->code = err_run(
		clean->err, ret, "%s: cannot remove the group of a dead run: %s%s", path,
		strerror(-ret),
		ret == -EACCES || ret == -EPERM ? " (it is another user's: run as root)" : "");
	return 0;
}

int cg_clean(const char *root, struct err *err)
{
	struct clean clean = {.err = err};
	struct procfs_mount mount;
	char path[PATH_MAX];

	char *text = procfs_text(root, "/proc/self/mountinfo");
	if (!text)
		return err_run(err, -errno, "%s/proc/self/mountinfo: %s", root, strerror(errno));
	const char *p = text;
	while (procfs_mount(&p, &mount)) {
		if (strcmp(mount.type, "cgroup") != 0 && strcmp(mount.type, "cgroup2") != 0)
			continue;
		if (snprintf(path, sizeof(path), "%s%s", root, mount.point) < (int)sizeof(path))
			walk_folder(&(struct walk){root, 0, clean_child, &clean}, path);
	}
	mem_free(text);
	return clean.code ? clean.code : clean.removed;
}
