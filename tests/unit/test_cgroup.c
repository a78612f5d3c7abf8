/*
 * Groups: both versions against a tree of plain files, contents compared; folders of dead runs, and of
 * nobody else, are removed; and where this machine lets us, real groups with real processes.
 */
#include "tests/fake_tree.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#include "replay/cgroup.h"
#include "replay/procfs.h"
#include "sim/core/mem.h"

#define V1 "sys/fs/cgroup/"
#define V2 "sys/fs/cgroup/user.slice/run-1.scope/"

static struct err err;
static char run_name[64];

static void own_process(void)
{
	fake_stat((int)getpid(), "a ) b (c", 'R', 777);
	snprintf(run_name, sizeof(run_name), "cotenant-%d-777", (int)getpid());
	err_clear(&err);
}

static void v1_files(const char *controller, const char *group, const char *const *file)
{
	char path[256];

	for (; *file; file += 2) {
		snprintf(path, sizeof(path), V1 "%s%s/%s", controller, group, file[0]);
		fake_file(path, file[1]);
	}
	snprintf(path, sizeof(path), V1 "%s%s/cgroup.procs", controller, group);
	fake_file(path, "1\n");
}

static void v1_tree(void)
{
	own_process();
	fake_file("proc/self/mountinfo",
		  "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
		  "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
		  "nonsense\n"
		  "35 31 0:32 /box /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		  "38 31 0:35 / /sys/fs/cgroup/blkio rw shared:7 - cgroup cgroup rw,blkio\n");
	fake_file("proc/self/cgroup", "8:blkio:/\n4:memory:/box/inner\n2:cpu,cpuacct:/a b\n0::/\n");
	v1_files("cpu", "/a b",
		 (const char *[]){"cpu.shares", "1024", "cpu.cfs_quota_us", "-1",
				  "cpu.cfs_period_us", "100000", "cpuacct.usage", "5\n", "cpu.stat",
				  "nr_periods 1\nnr_throttled 2\nthrottled_time 3000\n", NULL});
	v1_files("memory", "/inner",
		 (const char *[]){"memory.limit_in_bytes", "-1", "memory.usage_in_bytes", "4096\n",
				  "memory.oom_control", "oom_kill_disable 0\noom_kill 2\n", NULL});
	v1_files("blkio", "",
		 (const char *[]){
			 "blkio.throttle.read_bps_device", "", "blkio.throttle.write_bps_device",
			 "", "blkio.throttle.read_iops_device", "",
			 "blkio.throttle.write_iops_device", "", "blkio.throttle.io_service_bytes",
			 "8:0 Read 100\n8:0 Write 20\n8:0 Total 120\n254:0 Read 3\nTotal 123\n",
			 "blkio.throttle.io_serviced", "8:0 Read 7\n8:0 Write 1\n", NULL});
}

static void v2_file(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), V2 "%s", file);
	fake_file(path, text);
}

static void v2_tree(const char *controllers)
{
	own_process();
	fake_file("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	fake_file("proc/self/cgroup", "0::/user.slice/run-1.scope\n");
	v2_file("cgroup.controllers", controllers);
	v2_file("cgroup.subtree_control", "");
	v2_file("cgroup.procs", "");
	v2_file("cpu.weight", "100\n");
	v2_file("cpu.max", "max 100000\n");
	v2_file("cpu.stat", "usage_usec 12\nuser_usec 1\nthrottled_usec 4\n");
	v2_file("memory.max", "max\n");
	v2_file("memory.current", "8192\n");
	v2_file("memory.events", "low 0\noom 1\noom_kill 3\n");
	v2_file("io.max", "");
	v2_file("io.stat", "254:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n"
			   "8:0 rbytes=5 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n");
}

static struct cg *open_as(enum cg_kind kind)
{
	struct cg *cg;

	if (cg_open(&cg, fake_root, kind, &err) < 0)
		fail_msg("%s", err.text);
	return cg;
}

/* The file @name of the leaf @leaf of the run, in the group @group. */
static void expect(const char *group, const char *leaf, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s%s%s/%s", group, run_name, leaf[0] ? "/" : "", leaf,
		 name);
	assert_string_equal(fake_text(path), text);
}

static void v1_limits(void **state)
{
	(void)state;
	v1_tree();
	struct cg *cg = open_as(CG_AUTO);
	assert_int_equal(cg_kind(cg), CG_V1);
	assert_int_equal(cg_can(cg),
			 CG_CPU_WEIGHT | CG_CPU_CAP | CG_CPU_USAGE | CG_MEMORY | CG_IO_CAP);
	assert_non_null(strstr(cg_lack(cg, CG_IO_WEIGHT), "blkio.bfq.weight is not there"));
	assert_null(cg_lack(cg, CG_CPU_CAP));
	expect(V1 "cpu/a b/", "", "cpu.shares", "262144");

	struct cg_leaf *leaf = cg_leaf(cg, "web/1 ", &err);
	assert_non_null(leaf);
	assert_int_equal(cg_join(leaf, 4711, &err), 0);
	expect(V1 "cpu/a b/", "g0-web_1_", "cgroup.procs", "4711");
	expect(V1 "memory/inner/", "g0-web_1_", "cgroup.procs", "4711");
	expect(V1 "blkio/", "g0-web_1_", "cgroup.procs", "4711");
	assert_int_equal(cg_set_cpu_weight(leaf, 0.25), 0);
	expect(V1 "cpu/a b/", "g0-web_1_", "cpu.shares", "65536");
	assert_int_equal(cg_set_cpu_weight(leaf, 1e-9), 0);
	expect(V1 "cpu/a b/", "g0-web_1_", "cpu.shares", "2");
	assert_int_equal(cg_set_cpu_cap(leaf, 1.5), 0);
	expect(V1 "cpu/a b/", "g0-web_1_", "cpu.cfs_quota_us", "150000");
	assert_int_equal(cg_set_cpu_cap(leaf, INFINITY), 0);
	expect(V1 "cpu/a b/", "g0-web_1_", "cpu.cfs_quota_us", "-1");
	assert_int_equal(cg_set_memory(leaf, 1e8), 0);
	expect(V1 "memory/inner/", "g0-web_1_", "memory.limit_in_bytes", "100000000");
	assert_int_equal(cg_set_io(leaf, makedev(254, 0), 2e6, INFINITY), 0);
	expect(V1 "blkio/", "g0-web_1_", "blkio.throttle.write_bps_device", "254:0 2000000");
	expect(V1 "blkio/", "g0-web_1_", "blkio.throttle.read_iops_device", "254:0 0");
	assert_int_equal(cg_set_io_weight(leaf, 0.5), 0); /* cannot: left out */

	struct cg_usage u;
	cg_read(leaf, &u);
	assert_true(u.cpu_ns == 5 && u.throttled_ns == 3000 && u.memory == 4096);
	assert_true(u.oom_kills == 2 && u.read_bytes == 103 && u.write_bytes == 20);
	assert_true(u.read_ops == 7 && u.write_ops == 1);
	cg_close(cg);
	char path[256];
	snprintf(path, sizeof(path), V1 "blkio/%s", run_name);
	assert_false(fake_exists(path));
	assert_int_equal(cg_clean(fake_root, &err), 0);
	assert_int_equal(mem_live(), 0);
}

static void v2_limits(void **state)
{
	(void)state;
	v2_tree("cpuset cpu io memory pids");
	struct cg *cg = open_as(CG_AUTO);
	assert_int_equal(cg_kind(cg), CG_V2);
	assert_int_equal(cg_can(cg),
			 CG_CPU_WEIGHT | CG_CPU_CAP | CG_CPU_USAGE | CG_MEMORY | CG_IO_CAP);
	assert_string_equal(fake_text(V2 "cgroup.subtree_control"), "+cpu +memory +io");
	expect(V2, "", "cgroup.subtree_control", "+cpu +memory +io");
	expect(V2, "", "cpu.weight", "10000");

	struct cg_leaf *leaf = cg_leaf(cg, "db", &err);
	assert_int_equal(cg_set_cpu_weight(leaf, 0.25), 0);
	expect(V2, "g0-db", "cpu.weight", "2500");
	assert_int_equal(cg_set_cpu_weight(leaf, 1e-9), 0);
	expect(V2, "g0-db", "cpu.weight", "1");
	assert_int_equal(cg_set_cpu_cap(leaf, 0.25), 0);
	expect(V2, "g0-db", "cpu.max", "25000 100000");
	assert_int_equal(cg_set_cpu_cap(leaf, INFINITY), 0);
	expect(V2, "g0-db", "cpu.max", "max 100000");
	assert_int_equal(cg_set_memory(leaf, 4097.5), 0);
	expect(V2, "g0-db", "memory.max", "4098");
	assert_int_equal(cg_set_memory(leaf, INFINITY), 0);
	expect(V2, "g0-db", "memory.max", "max");
	assert_int_equal(cg_set_io(leaf, makedev(8, 16), INFINITY, 100), 0);
	expect(V2, "g0-db", "io.max", "8:16 rbps=max wbps=max riops=100 wiops=100");
	/* Over all guests. */
	assert_int_equal(cg_set_memory(cg_all(cg), 1 << 20), 0);
	expect(V2, "", "memory.max", "1048576");

	struct cg_usage u;
	cg_read(leaf, &u);
	assert_true(u.cpu_ns == 12000 && u.throttled_ns == 4000 && u.memory == 8192);
	assert_true(u.oom_kills == 3 && u.read_bytes == 15 && u.write_bytes == 20);
	assert_true(u.read_ops == 2 && u.write_ops == 2);
	cg_remove(leaf);
	assert_int_equal(cg_set_cpu_cap(leaf, 1), 0);
	assert_int_equal(cg_join(leaf, 1, &err), -ENOENT);
	cg_close(cg);
	assert_string_equal(fake_text(V2 "cgroup.subtree_control"), "-cpu -memory -io");
	assert_int_equal(mem_live(), 0);
}

/* The child of a process that moved into its leaf makes its groups beside it, not below. */
static void v2_beside_the_parent(void **state)
{
	static const struct {
		const char *group;
		bool beside;
	} from[] = {{"cotenant-5-6/controller", true},
		    {"cotenant-5-6/other", false},
		    {"cotenant-5-x/controller", false},
		    {"cotenant-/controller", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		char line[128], path[160];
		v2_tree("cpu");
		fake_stat(5, "cotenant", 'S', 6);
		snprintf(line, sizeof(line), "0::/user.slice/run-1.scope/%s\n", from[i].group);
		fake_file("proc/self/cgroup", line);
		snprintf(path, sizeof(path), "%s/cgroup.controllers", from[i].group);
		v2_file(path, "cpu\n");
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", from[i].group);
		v2_file(path, "");
		snprintf(path, sizeof(path), "%s/cpu.weight", from[i].group);
		v2_file(path, "100\n");
		struct cg *cg = open_as(CG_V2);
		snprintf(path, sizeof(path), "/run-1.scope/%s/%s", from[i].group, run_name);
		assert_int_equal(strstr(cg_path(cg, "cpu"), path) == NULL, from[i].beside);
		cg_close(cg);
	}
}

/* Only those that are alive and have guests; not ours. */
static void other_runs(void **state)
{
	(void)state;
	v2_tree("cpu");
	fake_stat(5, "cotenant", 'S', 6);
	fake_stat(7, "cotenant", 'S', 8);
	v2_file("cotenant-5-6/g0-a/cgroup.procs", "");
	v2_file("cotenant-7-8/controller/cgroup.procs", "");
	v2_file("cotenant-mine/g0-a/cgroup.procs", "");
	struct cg *cg = open_as(CG_V2);
	assert_int_equal(cg_others(cg), 1);
	assert_non_null(cg_leaf(cg, "a", &err));
	assert_int_equal(cg_others(cg), 1);
	cg_close(cg);
}

/* A value that is there already is not written again: what somebody else wrote stays. */
static void same_value_costs_nothing(void **state)
{
	char path[256];

	(void)state;
	v2_tree("cpu");
	struct cg *cg = open_as(CG_V2);
	struct cg_leaf *leaf = cg_leaf(cg, "a", &err);
	assert_int_equal(cg_set_cpu_weight(leaf, 0.5), 0);
	snprintf(path, sizeof(path), V2 "%s/g0-a/cpu.weight", run_name);
	fake_file(path, "touched");
	assert_int_equal(cg_set_cpu_weight(leaf, 0.5), 0);
	assert_string_equal(fake_text(path), "touched");
	assert_int_equal(cg_set_cpu_weight(leaf, 0.6), 0);
	assert_string_equal(fake_text(path), "6000");
	cg_close(cg);
}

static void what_lacks(void **state)
{
	struct cg *cg;

	(void)state;
	v2_tree("memory pids");
	char path[PATH_MAX];
	unlink(fake_path(V2 "cpu.weight", path));
	unlink(fake_path(V2 "cpu.max", path));
	cg = open_as(CG_V2);
	assert_int_equal(cg_can(cg) & (CG_CPU_WEIGHT | CG_CPU_CAP | CG_MEMORY), CG_MEMORY);
	assert_non_null(strstr(cg_lack(cg, CG_CPU_CAP), "controller cpu is not given"));
	assert_non_null(strstr(cg_lack(cg, CG_CPU_CAP), "Delegate=yes"));
	assert_int_equal(cg_set_cpu_weight(cg_leaf(cg, "a", &err), 1), 0);
	cg_close(cg);

	/* No controller at all: refused, or none where we may choose. */
	v2_file("cgroup.controllers", "hugetlb");
	assert_int_equal(cg_open(&cg, fake_root, CG_V2, &err), -EOPNOTSUPP);
	assert_null(cg);
	assert_non_null(strstr(err.text, "cgroup v2 cannot be used: none of the controllers"));
	assert_int_equal(cg_open(&cg, fake_root, CG_V1, &err), -ENOENT);
	cg = open_as(CG_AUTO);
	assert_int_equal(cg_kind(cg), CG_NONE);
	assert_int_equal(cg_can(cg), 0);
	assert_non_null(strstr(cg_lack(cg, CG_MEMORY), "v1: it is not mounted"));
	cg_close(cg);
	assert_int_equal(mem_live(), 0);
}

static void none(void **state)
{
	struct cg_usage u;

	(void)state;
	own_process();
	struct cg *cg = open_as(CG_NONE);
	struct cg_leaf *leaf = cg_leaf(cg, "a", &err);
	assert_non_null(leaf);
	assert_int_equal(cg_join(leaf, 1, &err), 0);
	assert_int_equal(cg_set_cpu_weight(leaf, 1), 0);
	assert_int_equal(cg_set_io(leaf, 0, 1, 1), 0);
	cg_read(leaf, &u);
	assert_true(u.cpu_ns == -1 && u.throttled_ns == -1);
	cg_remove(leaf);
	cg_close(cg);
	cg_close(NULL);
	assert_int_equal(mem_live(), 0);
}

static void clean(void **state)
{
	static const char *const kept[] = {
		"cotenant-10-500/x",
		"cotenant-10-500x/x",
		"cotenant--1/x",
		"cotenant-/x",
		"mycotenant-11-5/x",
		"cotenant-0-5/x",
		"cotenant-99999999999-5/x",
		"cotenant-11-5-6/x",
		"other/x",
		"cotenant-77-1/g0-a/x",
	};
	static const char *const gone[] = {
		"cotenant-10-499/g0-a/x",
		"cotenant-11-5/g0-b/x",
		"deep/er/cotenant-11-5/x",
		"cotenant-12-8/x",
	};
	char path[256];

	(void)state;
	v2_tree("cpu");
	fake_stat(10, "alive", 'S', 500);
	fake_stat(12, "not reaped", 'Z', 8);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		snprintf(path, sizeof(path), V2 "%s", kept[i]);
		fake_file(path, "");
	}
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		snprintf(path, sizeof(path), V2 "%s", gone[i]);
		fake_file(path, "");
	}
	/* A run of another pid namespace: its members have no number here. */
	v2_file("cotenant-77-1/g0-a/cgroup.procs", "0\n");
	assert_int_equal(cg_clean(fake_root, &err), 4);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		snprintf(path, sizeof(path), V2 "%s", kept[i]);
		if (!fake_exists(path))
			fail_msg("%s was removed", kept[i]);
	}
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		snprintf(path, sizeof(path), V2 "%s", gone[i]);
		if (fake_exists(path))
			fail_msg("%s was left", gone[i]);
	}
	assert_int_equal(cg_clean(fake_root, &err), 0);
	/* Opening cleans too. */
	v2_file("cotenant-13-1/x", "");
	cg_close(open_as(CG_V2));
	assert_false(fake_exists(V2 "cotenant-13-1"));
	assert_int_equal(mem_live(), 0);
}

static void disk_of_partition(void **state)
{
	struct stat st;
	char path[PATH_MAX], text[64];
	dev_t disk;

	(void)state;
	own_process();
	assert_int_equal(stat(fake_root, &st), 0);
	if (major(st.st_dev) == 0) {
		fake_file("proc/self/mountinfo", "");
		assert_int_equal(cg_disk(fake_root, fake_root, &disk, &err), -ENODEV);
		print_message("part skipped: the temporary folder is on no block device\n");
		skip();
	}
	assert_int_equal(cg_disk(fake_root, fake_root, &disk, &err), 0);
	assert_true(disk == st.st_dev);
	fake_file("sys/block/d/dev", "7:99\n");
	fake_file("sys/block/d/d1/partition", "1\n");
	fake_file("sys/dev/block/x", "");
	snprintf(text, sizeof(text), "sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
	assert_int_equal(symlink("../../block/d/d1", fake_path(text, path)), 0);
	assert_int_equal(cg_disk(fake_root, fake_root, &disk, &err), 0);
	assert_true(disk == makedev(7, 99));
	assert_int_equal(cg_disk(fake_root, "/nonexistent", &disk, &err), -ENOENT);
}

static void allocation_fails(void **state)
{
	struct cg *cg;
	uint64_t n = 0;
	int ret;

	(void)state;
	v1_tree();
	do {
		err_clear(&err);
		mem_fail_at(++n);
		ret = cg_open(&cg, fake_root, CG_V1, &err);
		mem_fail_at(0);
		assert_true(ret == 0 || (err.count > 0 && !cg));
		cg_close(cg);
		assert_int_equal(mem_live(), 0);
	} while (ret < 0);
	assert_true(n > 3);
}

/* ---- this machine ---- */

static struct cg *open_real(void)
{
	struct cg *cg;

	err_clear(&err);
	if (cg_open(&cg, "", CG_AUTO, &err) < 0)
		fail_msg("%s", err.text);
	if (cg_can(cg) & CG_CPU_WEIGHT)
		return cg;
	print_message("skipped: %s\n", cg_lack(cg, CG_CPU_WEIGHT));
	cg_close(cg);
	skip();
	return NULL;
}

/* A busy process in the group, on one core. */
static pid_t spin(struct cg_leaf *leaf, size_t core)
{
	struct err failed = {0};
	cpu_set_t set;

	pid_t pid = fork();
	if (pid != 0)
		return pid;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (cg_join(leaf, getpid(), &failed) < 0 || sched_setaffinity(0, sizeof(set), &set) < 0)
		_exit(1);
	for (;;)
		__asm__ volatile("");
}

static void real_weights(void **state)
{
	static const double share[] = {0.25, 0.5, 1};
	struct cg_usage before[3], after[3];
	struct cg_leaf *leaf[3];
	pid_t pid[3];
	cpu_set_t set;
	size_t core = 0;

	(void)state;
	struct cg *cg = open_real();
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(core, &set))
		core++;
	for (int i = 0; i < 3; i++) {
		leaf[i] = cg_leaf(cg, "spin", &err);
		assert_non_null(leaf[i]);
		assert_int_equal(cg_set_cpu_weight(leaf[i], share[i]), 0);
		pid[i] = spin(leaf[i], core);
		assert_true(pid[i] > 0);
	}
	nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	for (int i = 0; i < 3; i++)
		cg_read(leaf[i], &before[i]);
	double got[3], all = 0;
	/* On a busy machine it takes long until they had enough for their shares to show. */
	for (int try = 0; try < 50 && all < 6e8; try++) {
		nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
		all = 0;
		for (int i = 0; i < 3; i++) {
			cg_read(leaf[i], &after[i]);
			got[i] = (double)(after[i].cpu_ns - before[i].cpu_ns);
			all += got[i];
		}
	}
	for (int i = 0; i < 3; i++)
		kill(pid[i], SIGKILL);
	for (int i = 0; i < 3; i++)
		waitpid(pid[i], NULL, 0);
	cg_close(cg);
	for (int i = 0; i < 3; i++)
		if (all <= 0 || fabs(got[i] / all - share[i] / 1.75) > 0.15)
			fail_msg("leaf %d got %g of the time", i, got[i] / all);
}

/* A run that was killed leaves its folders and its guest; the next one removes them. */
static void real_dead_run(void **state)
{
	int fd[2];
	pid_t stray;
	char path[PATH_MAX];

	(void)state;
	cg_close(open_real());
	assert_int_equal(pipe(fd), 0);
	pid_t run = fork();
	if (run == 0) {
		struct cg *cg;
		struct err failed = {0};
		if (cg_open(&cg, "", CG_AUTO, &failed) < 0)
			_exit(1);
		struct cg_leaf *leaf = cg_leaf(cg, "stray", &failed);
		stray = fork();
		if (stray == 0) {
			if (cg_join(leaf, getpid(), &failed) < 0)
				_exit(1);
			memset(path, 0, sizeof(path));
			strcpy(path, cg_path(cg, "cpu"));
			(void)!write(fd[1], path, sizeof(path));
			for (;;)
				pause();
		}
		for (;;)
			pause();
	}
	size_t len = 0;
	while (len < sizeof(path)) {
		ssize_t got = read(fd[0], path + len, sizeof(path) - len);
		assert_true(got > 0);
		len += (size_t)got;
	}
	assert_int_equal(access(path, F_OK), 0);
	kill(run, SIGKILL);
	waitpid(run, NULL, 0);
	/* Another run that starts just now may do it before us. */
	if (cg_clean("", &err) < 0 && access(path, F_OK) == 0)
		fail_msg("%s", err.text);
	assert_int_equal(access(path, F_OK), -1);
	close(fd[0]);
	close(fd[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(v1_limits),
		TEST(v2_limits),
		TEST(v2_beside_the_parent),
		TEST(other_runs),
		TEST(what_lacks),
		TEST(same_value_costs_nothing),
		TEST(none),
		TEST(clean),
		TEST(disk_of_partition),
		TEST(allocation_fails),
		TEST(real_weights),
		TEST(real_dead_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
