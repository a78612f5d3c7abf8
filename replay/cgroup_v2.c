/*
 * Version 2: one tree. A group may have children with controllers only while no process is in it
 * (except the root of all groups), so where the controller process is alone in its group, as in a scope
 * of its own, it moves into a leaf of the run's folder and back at the end; where others are in that group
 * too, nothing is moved and the version is refused with the way out.
 */
#include "replay/cgroup_impl.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "replay/procfs.h"

enum file {
	WEIGHT,
	MAX,
	MEMORY_MAX,
	IO_MAX,
	IO_BFQ_WEIGHT,
	IO_WEIGHT,
	CPU_STAT,
	MEMORY_CURRENT,
	MEMORY_EVENTS,
	IO_STAT,
	FILES
};

/* cpu.stat is there without its controller. */
static const struct cg_file files[FILES] = {
	[WEIGHT] = {"cpu", "cpu.weight", CG_CPU_WEIGHT, true},
	[MAX] = {"cpu", "cpu.max", CG_CPU_CAP, true},
	[MEMORY_MAX] = {"memory", "memory.max", CG_MEMORY, true},
	[IO_MAX] = {"io", "io.max", CG_IO_CAP, false},
	[IO_BFQ_WEIGHT] = {"io", "io.bfq.weight", CG_IO_WEIGHT, false},
	[IO_WEIGHT] = {"io", "io.weight", CG_IO_WEIGHT, false},
	[CPU_STAT] = {"cpu", "cpu.stat", CG_CPU_USAGE, true},
	[MEMORY_CURRENT] = {"memory", "memory.current", 0, false},
	[MEMORY_EVENTS] = {"memory", "memory.events", 0, false},
	[IO_STAT] = {"io", "io.stat", 0, false},
};

static const struct {
	const char *name;
	unsigned can;
} controllers[] = {
	{"cpu", CG_CPU_WEIGHT | CG_CPU_CAP | CG_CPU_USAGE},
	{"memory", CG_MEMORY},
	{"io", CG_IO_CAP | CG_IO_WEIGHT},
};
#define CONTROLLERS (sizeof(controllers) / sizeof(controllers[0]))

static const char *const own_leaf = "controller";

/* ---- open ---- */

/* The way to a group of one's own. */
static const char *remedy(void)
{
	return geteuid() == 0 ? "start it as `systemd-run --scope -p Delegate=yes cotenant ...`"
			      : "start it as `systemd-run --user --scope -p Delegate=yes "
				"cotenant ...`";
}

/* Where the process that started us has moved into the leaf of its own run, runs are made beside that. */
static void leave_leaf(char *base)
{
	char *leaf = strrchr(base, '/');
	uint64_t pid, start;

	if (!leaf || strcmp(leaf + 1, own_leaf) != 0)
		return;
	char *run = memrchr(base, '/', (size_t)(leaf - base));
	if (run && cg_run_name(run + 1, (size_t)(leaf - run - 1), &pid, &start))
		*run = '\0';
}

static bool find_base(struct cg *cg, char base[PATH_MAX])
{
	struct procfs_mount mount;
	char group[PATH_MAX];
	bool found = false, mounted = false;

	char *mounts = procfs_text(cg->root, "/proc/self/mountinfo");
	char *groups = procfs_text(cg->root, "/proc/self/cgroup");
	const char *p = mounts;
	while (p && groups && !found && procfs_mount(&p, &mount)) {
		if (strcmp(mount.type, "cgroup2") != 0)
			continue;
		mounted = true;
		found = cg_own_group(groups, "", group, sizeof(group)) &&
			cg_base(cg->root, mount.root, mount.point, group, base, PATH_MAX);
	}
	if (found)
		leave_leaf(base);
	else
		snprintf(cg->why, sizeof(cg->why), "%s",
			 mounted ? "our own group is not below its mount point"
				 : "it is not mounted");
	mem_free(mounts);
	mem_free(groups);
	return found;
}

/* The controllers that we want and the group has, as "+cpu +memory"; what it has not goes to cg->lack. */
static int choose(struct cg *cg, const char *base, char names[CG_WHY])
{
	char has[512];
	size_t len = 0;

	ssize_t ret = procfs_read("", has, sizeof(has), "%s/cgroup.controllers", base);
	if (ret < 0) {
		snprintf(cg->why, sizeof(cg->why), "%.200s/cgroup.controllers: %s", base,
			 strerror((int)-ret));
		return (int)ret;
	}
	names[0] = '\0';
	for (size_t i = 0; i < CONTROLLERS; i++) {
		const char *name = controllers[i].name;
		if (procfs_has_word(has, name, ' ')) {
			len += (size_t)snprintf(names + len, CG_WHY - len, "%s+%s", len ? " " : "",
						name);
			continue;
		}
		for (int bit = 0; bit < CG_CANS; bit++)
			if (controllers[i].can & 1u << bit)
				snprintf(cg->lack[bit], CG_WHY,
					 "the controller %s is not given to %.160s: %s", name, base,
					 remedy());
	}
	if (len > 0)
		return 0;
	snprintf(cg->why, sizeof(cg->why),
		 "none of the controllers cpu, memory, io is given to %.120s (v1 has them, or %s)",
		 base, remedy());
	return -EOPNOTSUPP;
}

/* Switches the controllers of @names that are off on for the children of @folder; what was switched goes to
 * @done (as @names). */
static int enable(struct cg *cg, const char *folder, const char *names, char done[64])
{
	char on[512], want[64];
	size_t len = 0;

	ssize_t got = procfs_read("", on, sizeof(on), "%s/cgroup.subtree_control", folder);
	if (got < 0)
		return (int)got;
	for (size_t i = 0; i < CONTROLLERS; i++) {
		const char *name = controllers[i].name;
		char plus[16];
		snprintf(plus, sizeof(plus), "+%s", name);
		if (procfs_has_word(names, plus, ' ') && !procfs_has_word(on, name, ' '))
			len += (size_t)snprintf(want + len, sizeof(want) - len, "%s%s",
						len ? " " : "", plus);
	}
	done[0] = '\0';
	if (len == 0)
		return 0;
	int ret = cg_write(cg->root, folder, "cgroup.subtree_control", want);
	if (ret == 0)
		memcpy(done, want, len + 1);
	return ret;
}

/* Into the leaf of our own, or back. */
static int move_self(struct cg *cg, bool back)
{
	char folder[PATH_MAX], pid[16];
	const struct cg_place *place = &cg->place[0];

	snprintf(pid, sizeof(pid), "%d", (int)cg->pid);
	snprintf(folder, sizeof(folder), "%s/%s", place->run, own_leaf);
	if (back)
		return cg_write(cg->root, place->base, "cgroup.procs", pid);
	int ret = cg_group_make(cg->root, folder);
	return ret == 0 ? cg_write(cg->root, folder, "cgroup.procs", pid) : ret;
}

/* Our group's children get the controllers; if processes in it are in the way and we are the only one, we
 * move. */
static int enable_base(struct cg *cg, const char *names)
{
	const struct cg_place *place = &cg->place[0];

	int ret = enable(cg, place->base, names, cg->enabled[0]);
	if (ret == -EBUSY && move_self(cg, false) == 0) {
		cg->moved = true;
		ret = enable(cg, place->base, names, cg->enabled[0]);
	}
	if (ret == -EBUSY)
		snprintf(cg->why, sizeof(cg->why),
			 "other processes are in our group %.160s, so its children get no "
			 "controllers: %s",
			 place->base, remedy());
	else if (ret < 0)
		snprintf(cg->why, sizeof(cg->why), "%.200s/cgroup.subtree_control: %s: %s",
			 place->base, strerror(-ret), remedy());
	return ret;
}

static int v2_open(struct cg *cg)
{
	char base[PATH_MAX], names[CG_WHY];

	if (!find_base(cg, base))
		return -ENOENT;
	int ret = choose(cg, base, names);
	if (ret < 0)
		return ret;
	ret = cg_place_add(cg, base, "cpu,memory,io");
	if (ret < 0)
		return ret;
	ret = cg_group_make(cg->root, cg->place[0].run);
	if (ret < 0) {
		cg->nplaces = 0;
		snprintf(cg->why, sizeof(cg->why), "no group can be made in %.200s: %s: %s", base,
			 strerror(-ret), remedy());
		return ret;
	}
	ret = enable_base(cg, names);
	if (ret < 0)
		return ret;
	ret = enable(cg, cg->place[0].run, names, cg->enabled[1]);
	if (ret < 0)
		snprintf(cg->why, sizeof(cg->why), "%.200s/cgroup.subtree_control: %s",
			 cg->place[0].run, strerror(-ret));
	return ret;
}

static void disable(struct cg *cg, const char *folder, char names[64])
{
	for (char *p = names; *p; p++)
		if (*p == '+')
			*p = '-';
	if (names[0])
		(void)!cg_write(cg->root, folder, "cgroup.subtree_control", names);
	names[0] = '\0';
}

/* Our group as it was: what we switched on is off (unless another run still uses it), we are back. */
static void v2_close(struct cg *cg)
{
	if (cg->nplaces == 0)
		return;
	disable(cg, cg->place[0].run, cg->enabled[1]);
	disable(cg, cg->place[0].base, cg->enabled[0]);
	if (cg->moved)
		(void)!move_self(cg, true);
	cg->moved = false;
}

/* ---- limits ---- */

static int v2_cpu_weight(struct cg_leaf *leaf, double share)
{
	char text[32];
	double weight = round(share * 10000);

	snprintf(text, sizeof(text), "%.0f", weight < 1 ? 1 : weight);
	return cg_put(leaf, WEIGHT, text);
}

static int v2_cpu_cap(struct cg_leaf *leaf, double cores)
{
	char text[32] = "max 100000";
	double quota = round(cores * 100000);

	if (quota < 1e12)
		snprintf(text, sizeof(text), "%.0f 100000", quota < 1000 ? 1000 : quota);
	return cg_put(leaf, MAX, text);
}

static int v2_memory(struct cg_leaf *leaf, double bytes)
{
	char text[32] = "max";

	if (bytes < 0x1p62)
		snprintf(text, sizeof(text), "%.0f", bytes < 4096 ? 4096 : ceil(bytes));
	return cg_put(leaf, MEMORY_MAX, text);
}

static const char *io_limit(double value, double most, char text[24])
{
	double v = value < 1 ? 1 : floor(value);

	snprintf(text, 24, v < most ? "%.0f" : "max", v);
	return text;
}

static int v2_io(struct cg_leaf *leaf, dev_t disk, double bytes_per_s, double iops)
{
	char text[128], bps[24], ops[24];

	io_limit(bytes_per_s, 0x1p62, bps);
	io_limit(iops, 4294967295.0, ops);
	snprintf(text, sizeof(text), "%u:%u rbps=%s wbps=%s riops=%s wiops=%s", major(disk),
		 minor(disk), bps, bps, ops, ops);
	return cg_put(leaf, IO_MAX, text);
}

static int v2_io_weight(struct cg_leaf *leaf, double share)
{
	char text[32];
	double weight = round(share * 1000), iocost = round(share * 10000);

	snprintf(text, sizeof(text), "%.0f", weight < 1 ? 1 : weight);
	int ret = cg_put(leaf, IO_BFQ_WEIGHT, text);
	snprintf(text, sizeof(text), "%.0f", iocost < 1 ? 1 : iocost);
	int code = cg_put(leaf, IO_WEIGHT, text);
	return ret < 0 ? ret : code;
}

/* ---- usage ---- */

/* Lines "254:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." of all devices. */
static void sum_devices(struct cg_leaf *leaf, struct cg_usage *usage)
{
	const struct {
		const char *key;
		uint64_t *sum;
	} column[] = {
		{"rbytes", &usage->read_bytes},
		{"wbytes", &usage->write_bytes},
		{"rios", &usage->read_ops},
		{"wios", &usage->write_ops},
	};
	char buf[8192], *save = NULL;
	uint64_t value;

	if (!cg_get(leaf, IO_STAT, buf, sizeof(buf)))
		return;
	for (char *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; i < 4; i++)
			if (procfs_key(line, column[i].key, &value))
				*column[i].sum += value;
}

static void v2_read(struct cg_leaf *leaf, struct cg_usage *usage)
{
	char buf[2048];
	uint64_t value;

	if (cg_get(leaf, CPU_STAT, buf, sizeof(buf))) {
		if (procfs_key(buf, "usage_usec", &value) && value < INT64_MAX / 1000)
			usage->cpu_ns = (int64_t)value * 1000;
		if (procfs_key(buf, "throttled_usec", &value) && value < INT64_MAX / 1000)
			usage->throttled_ns = (int64_t)value * 1000;
	}
	if (cg_get(leaf, MEMORY_CURRENT, buf, sizeof(buf)) && procfs_scan(buf, &value))
		usage->memory = (double)value;
	if (cg_get(leaf, MEMORY_EVENTS, buf, sizeof(buf)) && procfs_key(buf, "oom_kill", &value))
		usage->oom_kills = value;
	sum_devices(leaf, usage);
}

const struct cg_ops cg_v2 = {
	.kind = CG_V2,
	.files = files,
	.nfiles = FILES,
	.open = v2_open,
	.close = v2_close,
	.cpu_weight = v2_cpu_weight,
	.cpu_cap = v2_cpu_cap,
	.memory = v2_memory,
	.io = v2_io,
	.io_weight = v2_io_weight,
	.read = v2_read,
};
