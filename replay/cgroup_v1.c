/*
 * Version 1: a tree per controller or set of controllers, each with the group of the process in it.
 * What is mounted and may be written is used; the rest is told by cg_lack().
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
	SHARES,
	PERIOD,
	QUOTA,
	LIMIT,
	IO_READ_BPS,
	IO_WRITE_BPS,
	IO_READ_IOPS,
	IO_WRITE_IOPS,
	IO_WEIGHT,
	CPU_USAGE,
	CPU_STAT,
	MEMORY_USAGE,
	OOM_CONTROL,
	IO_BYTES,
	IO_OPS,
	FILES
};

static const struct cg_file files[FILES] = {
	[SHARES] = {"cpu", "cpu.shares", CG_CPU_WEIGHT, true},
	[PERIOD] = {"cpu", "cpu.cfs_period_us", 0, false},
	[QUOTA] = {"cpu", "cpu.cfs_quota_us", CG_CPU_CAP, true},
	[LIMIT] = {"memory", "memory.limit_in_bytes", CG_MEMORY, true},
	[IO_READ_BPS] = {"blkio", "blkio.throttle.read_bps_device", CG_IO_CAP, false},
	[IO_WRITE_BPS] = {"blkio", "blkio.throttle.write_bps_device", CG_IO_CAP, false},
	[IO_READ_IOPS] = {"blkio", "blkio.throttle.read_iops_device", CG_IO_CAP, false},
	[IO_WRITE_IOPS] = {"blkio", "blkio.throttle.write_iops_device", CG_IO_CAP, false},
	[IO_WEIGHT] = {"blkio", "blkio.bfq.weight", CG_IO_WEIGHT, false},
	[CPU_USAGE] = {"cpuacct", "cpuacct.usage", CG_CPU_USAGE, true},
	[CPU_STAT] = {"cpu", "cpu.stat", 0, false},
	[MEMORY_USAGE] = {"memory", "memory.usage_in_bytes", 0, false},
	[OOM_CONTROL] = {"memory", "memory.oom_control", 0, false},
	[IO_BYTES] = {"blkio", "blkio.throttle.io_service_bytes", 0, false},
	[IO_OPS] = {"blkio", "blkio.throttle.io_serviced", 0, false},
};

static const struct {
	const char *name;
	unsigned can;
} controllers[] = {
	{"cpu", CG_CPU_WEIGHT | CG_CPU_CAP},
	{"cpuacct", CG_CPU_USAGE},
	{"memory", CG_MEMORY},
	{"blkio", CG_IO_CAP | CG_IO_WEIGHT},
};
#define CONTROLLERS (sizeof(controllers) / sizeof(controllers[0]))

/* ---- open ---- */

static void say_lack(struct cg *cg, unsigned can)
{
	for (int i = 0; i < CG_CANS; i++)
		if (can & 1u << i)
			memcpy(cg->lack[i], cg->why, sizeof(cg->why));
}

/* The folder of our group where @controller is; false with cg->why set. */
static bool find_base(struct cg *cg, const char *controller, const char *mounts, const char *groups,
		      char base[PATH_MAX])
{
	struct procfs_mount mount;
	char group[PATH_MAX];

	while (procfs_mount(&mounts, &mount)) {
		if (strcmp(mount.type, "cgroup") != 0 ||
		    !procfs_has_word(mount.options, controller, ','))
			continue;
		if (cg_own_group(groups, controller, group, sizeof(group)) &&
		    cg_base(cg->root, mount.root, mount.point, group, base, PATH_MAX))
			return true;
		snprintf(cg->why, sizeof(cg->why),
			 "our group of the controller %s is not below %.200s", controller,
			 mount.point);
		return false;
	}
	snprintf(cg->why, sizeof(cg->why), "the controller %s is not mounted", controller);
	return false;
}

/* The run's folder in the tree of a controller, made unless it shares the tree of one before. */
static int add_controller(struct cg *cg, const char *controller, const char *base)
{
	for (size_t p = 0; p < cg->nplaces; p++) {
		struct cg_place *place = &cg->place[p];
		if (strcmp(place->base, base) != 0)
			continue;
		const char *list =
			arena_printf(&cg->arena, "%s,%s", place->controllers, controller);
		place->controllers = list ? list : place->controllers;
		return list ? 0 : -ENOMEM;
	}
	int ret = cg_place_add(cg, base, controller);
	if (ret < 0)
		return ret;
	ret = cg_group_make(cg->root, cg->place[cg->nplaces - 1].run);
	if (ret == 0)
		return 0;
	cg->nplaces--;
	snprintf(cg->why, sizeof(cg->why), "no group can be made in %.200s: %s%s", base,
		 strerror(-ret),
		 ret == -EACCES || ret == -EPERM || ret == -EROFS
			 ? " (run as root, on the machine itself or in a container that may)"
			 : "");
	return ret;
}

/* Kernels before 5.11 ask for it before a limit counts for the groups below. */
static void use_hierarchy(struct cg *cg)
{
	for (size_t i = 0; i < cg->nplaces; i++)
		if (procfs_has_word(cg->place[i].controllers, "memory", ','))
			(void)!cg_write(cg->root, cg->place[i].run, "memory.use_hierarchy", "1");
}

static int v1_open(struct cg *cg)
{
	char base[PATH_MAX];
	int ret = -ENOENT;

	char *mounts = procfs_text(cg->root, "/proc/self/mountinfo");
	char *groups = procfs_text(cg->root, "/proc/self/cgroup");
	if (!mounts || !groups)
		snprintf(cg->why, sizeof(cg->why), "/proc/self/cgroup cannot be read: %s",
			 strerror(errno));
	for (size_t i = 0; i < CONTROLLERS && mounts && groups; i++) {
		int code = -ENOENT;
		if (find_base(cg, controllers[i].name, mounts, groups, base))
			code = add_controller(cg, controllers[i].name, base);
		if (code < 0)
			say_lack(cg, controllers[i].can);
		if (code < 0 && ret < 0)
			ret = code;
	}
	if (cg->nplaces == 0 && mounts && !strstr(mounts, " - cgroup "))
		snprintf(cg->why, sizeof(cg->why), "it is not mounted");
	mem_free(mounts);
	mem_free(groups);
	use_hierarchy(cg);
	return cg->nplaces > 0 ? 0 : ret;
}

/* ---- limits ---- */

static int v1_cpu_weight(struct cg_leaf *leaf, double share)
{
	char text[32];
	double shares = round(share * 262144);

	snprintf(text, sizeof(text), "%.0f", shares < 2 ? 2 : shares);
	return cg_put(leaf, SHARES, text);
}

static int v1_cpu_cap(struct cg_leaf *leaf, double cores)
{
	char text[32] = "-1";
	double quota = round(cores * 100000);

	int ret = cg_put(leaf, PERIOD, "100000");
	if (ret < 0)
		return ret;
	if (quota < 1e12)
		snprintf(text, sizeof(text), "%.0f", quota < 1000 ? 1000 : quota);
	return cg_put(leaf, QUOTA, text);
}

static int v1_memory(struct cg_leaf *leaf, double bytes)
{
	char text[32] = "-1";

	if (bytes < 0x1p62)
		snprintf(text, sizeof(text), "%.0f", bytes < 4096 ? 4096 : ceil(bytes));
	return cg_put(leaf, LIMIT, text);
}

static int v1_io(struct cg_leaf *leaf, dev_t disk, double bytes_per_s, double iops)
{
	const double value[] = {bytes_per_s, bytes_per_s, iops, iops};
	char text[64];
	int result = 0;

	for (size_t i = 0; i < 4; i++) {
		double most = i < 2 ? 0x1p62 : 4294967295.0;
		double v = value[i] < 1 ? 1 : floor(value[i]);
		/* 0 takes a limit away. */
		snprintf(text, sizeof(text), "%u:%u %.0f", major(disk), minor(disk),
			 v < most ? v : 0);
		int ret = cg_put(leaf, IO_READ_BPS + i, text);
		if (result == 0)
			result = ret;
	}
	return result;
}

static int v1_io_weight(struct cg_leaf *leaf, double share)
{
	char text[32];
	double weight = round(share * 1000);

	snprintf(text, sizeof(text), "%.0f", weight < 1 ? 1 : weight);
	return cg_put(leaf, IO_WEIGHT, text);
}

/* ---- usage ---- */

/* Lines "254:0 Read 4096" of all devices. */
static void sum_devices(struct cg_leaf *leaf, size_t file, uint64_t *reads, uint64_t *writes)
{
	char buf[8192], kind[16];
	unsigned ma, mi;
	uint64_t value;
	int at;

	if (!cg_get(leaf, file, buf, sizeof(buf)))
		return;
	for (const char *p = buf; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (sscanf(p, "%u:%u %15s %n", &ma, &mi, kind, &at) != 3 ||
		    !procfs_scan(p + at, &value))
			continue;
		if (strcmp(kind, "Read") == 0)
			*reads += value;
		else if (strcmp(kind, "Write") == 0)
			*writes += value;
	}
}

static void v1_read(struct cg_leaf *leaf, struct cg_usage *usage)
{
	char buf[1024];
	uint64_t value;

	if (cg_get(leaf, CPU_USAGE, buf, sizeof(buf)) && procfs_scan(buf, &value))
		usage->cpu_ns = (int64_t)(value & INT64_MAX);
	if (cg_get(leaf, CPU_STAT, buf, sizeof(buf)) && procfs_key(buf, "throttled_time", &value))
		usage->throttled_ns = (int64_t)(value & INT64_MAX);
	if (cg_get(leaf, MEMORY_USAGE, buf, sizeof(buf)) && procfs_scan(buf, &value))
		usage->memory = (double)value;
	if (cg_get(leaf, OOM_CONTROL, buf, sizeof(buf)) && procfs_key(buf, "oom_kill", &value))
		usage->oom_kills = value;
	sum_devices(leaf, IO_BYTES, &usage->read_bytes, &usage->write_bytes);
	sum_devices(leaf, IO_OPS, &usage->read_ops, &usage->write_ops);
}

const struct cg_ops cg_v1 = {
	.kind = CG_V1,
	.files = files,
	.nfiles = FILES,
	.open = v1_open,
	.cpu_weight = v1_cpu_weight,
	.cpu_cap = v1_cpu_cap,
	.memory = v1_memory,
	.io = v1_io,
	.io_weight = v1_io_weight,
	.read = v1_read,
};
