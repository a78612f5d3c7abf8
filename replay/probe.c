/* See probe.h: a table of looks at the machine, each of which adds an item or more. */
#include "replay/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "replay/cgroup.h"
#include "replay/device.h"
#include "replay/procfs.h"
#include "replay/validity.h"

enum { MAX_CORES = 1024, SAMPLE_MS = 250 };

struct look {
	struct probe *probe;
	const char *root, *folder;
};

static struct probe_item *add(struct probe *probe, const char *name, enum probe_state state,
			      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static struct probe_item *add(struct probe *probe, const char *name, enum probe_state state,
			      const char *fmt, ...)
{
	/* The last place is written again when there are too many, which the tests would see. */
	struct probe_item *item = &probe->item[probe->n];
	va_list ap;

	if (probe->n + 1 < PROBE_ITEMS)
		probe->n++;
	*item = (struct probe_item){.name = name, .state = state};
	va_start(ap, fmt);
	vsnprintf(item->text, sizeof(item->text), fmt, ap);
	va_end(ap);
	return item;
}

static void remedy(struct probe_item *item, const char *text)
{
	snprintf(item->remedy, sizeof(item->remedy), "%s", text);
}

static bool exists(const char *root, const char *path)
{
	char full[PATH_MAX];

	return snprintf(full, sizeof(full), "%s%s", root, path) < (int)sizeof(full) &&
	       access(full, F_OK) == 0;
}

/* ---- KVM ---- */

static void look_kvm(struct look *look)
{
	char path[PATH_MAX], modules[128] = "";
	static const char *const module[] = {"kvm_intel", "kvm_amd", "kvm_pvm"};

	snprintf(path, sizeof(path), "%s/dev/kvm", look->root);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		struct device_words words;
		device_words(look->root, "/dev/kvm", errno, &words);
		remedy(add(look->probe, "kvm", PROBE_MISSING, "%s", words.text), words.remedy);
		return;
	}
	close(fd);
	for (size_t i = 0; i < sizeof(module) / sizeof(module[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", module[i]);
		size_t len = strlen(modules);
		if (exists(look->root, path))
			snprintf(modules + len, sizeof(modules) - len, "%s %s", len ? "," : "",
				 module[i]);
	}
	add(look->probe, "kvm", PROBE_OK, "/dev/kvm opens%s%s", modules[0] ? ", module" : "",
	    modules);
}

/* ---- groups ---- */

static void look_groups(struct look *look)
{
	struct err err;
	struct cg *cg;

	err_clear(&err);
	if (cg_open(&cg, look->root, CG_AUTO, &err) < 0) {
		add(look->probe, "cgroup", PROBE_LESS, "%.*s", (int)err.len, err.text);
		return;
	}
	const char *path = cg_path(cg, "cpu");
	if (cg_kind(cg) == CG_NONE) {
		remedy(add(look->probe, "cgroup", PROBE_LESS, "none can be used: %.440s",
			   cg_lack(cg, CG_CPU_WEIGHT)),
		       "not needed, but without groups guests compete with everything else, and "
		       "the "
		       "policy `kernel` cannot be had");
		cg_close(cg);
		return;
	}
	add(look->probe, "cgroup", PROBE_OK, "version %s; groups of a run go to %.*s",
	    cg_kind_name(cg_kind(cg)) + 1, path[0] ? (int)(strrchr(path, '/') - path) : 0, path);
	for (int i = 0; i < CG_CANS; i++) {
		enum cg_can what = (enum cg_can)(1u << i);
		const char *lack = cg_lack(cg, what);
		add(look->probe, cg_can_name(what), lack ? PROBE_LESS : PROBE_OK, "%s",
		    lack ? lack : "yes");
	}
	cg_close(cg);
}

/* ---- cores ---- */

size_t probe_cores(const char *list, int *core, size_t max)
{
	uint64_t from, to;
	size_t n = 0;

	for (const char *p = list; (p = procfs_scan(p, &from)); p++) {
		to = from;
		if (*p == '-') {
			p = procfs_scan(p + 1, &to);
			if (!p || to > from + 65536)
				return n;
		}
		for (uint64_t i = from; i <= to; i++, n++)
			if (n < max)
				core[n] = (int)i;
		if (*p != ',')
			break;
	}
	return n < SIZE_MAX ? n : 0;
}

/* The first of a core's hardware threads: the one to pin to when no two are to share a core. */
static bool is_first_sibling(const char *root, int core)
{
	int first;
	char list[256];

	if (procfs_read(root, list, sizeof(list),
			"/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", core) <= 0)
		return true;
	return probe_cores(list, &first, 1) == 0 || first == core;
}

static void look_cores(struct look *look)
{
	static int core[MAX_CORES];
	char online[512], isolated[512], list[480];
	size_t len = 0, whole = 0;

	if (procfs_read(look->root, online, sizeof(online), "/sys/devices/system/cpu/online") <=
	    0) {
		add(look->probe, "cores", PROBE_LESS,
		    "/sys/devices/system/cpu/online cannot be read");
		return;
	}
	if (procfs_read(look->root, isolated, sizeof(isolated),
			"/sys/devices/system/cpu/isolated") < 0)
		isolated[0] = '\0';
	size_t n = probe_cores(online, core, MAX_CORES);
	list[0] = '\0';
	for (size_t i = 0; i < n && i < MAX_CORES; i++) {
		if (!is_first_sibling(look->root, core[i]))
			continue;
		whole++;
		if (whole > 1 && len < 200)
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%d",
						len ? "," : "", core[i]);
	}
	add(look->probe, "cores", PROBE_OK, "%.100s online, %zu without shared hardware threads",
	    online, whole);
	struct probe_item *item = add(look->probe, "pin to",
				      isolated[0] || whole > 1 ? PROBE_OK : PROBE_LESS, "%s%.200s",
				      isolated[0] ? "the isolated cores "
				      : whole > 1 ? "core "
						  : "",
				      isolated[0] ? isolated : list);
	if (!isolated[0] && whole > 1)
		remedy(item, "for less noise: boot with isolcpus= and pin guests to those cores");
	if (whole > 1 || isolated[0])
		return;
	snprintf(item->text, sizeof(item->text),
		 "one core only: guests share it with the controller and everything else");
}

static void look_quiet(struct look *look)
{
	struct cpu_ticks a, b;
	char load[64];

	if (!cpu_ticks(look->root, -1, &a)) {
		add(look->probe, "quiet", PROBE_LESS, "/proc/stat cannot be read");
		return;
	}
	if (!look->root[0])
		nanosleep(&(struct timespec){.tv_nsec = SAMPLE_MS * 1000000L}, NULL);
	if (!cpu_ticks(look->root, -1, &b))
		b = a;
	if (procfs_read(look->root, load, sizeof(load), "/proc/loadavg") <= 0)
		load[0] = '\0';
	double all = b.all > a.all ? (double)(b.all - a.all) : 1;
	double busy = 100 * (double)(b.busy - a.busy) / all;
	double steal = 100 * (double)(b.steal - a.steal) / all;
	double ever = b.all > 0 ? 100 * (double)b.steal / (double)b.all : 0;
	struct probe_item *item =
		add(look->probe, "quiet", busy > 10 || steal > 1 ? PROBE_LESS : PROBE_OK,
		    "cores busy %.0f %% now, stolen %.1f %% now, %.2f %% since the boot; load %.*s",
		    busy, steal, ever, (int)strcspn(load, " "), load);
	if (steal > 1)
		remedy(item, "the host under this VM is loaded: measure at another time");
	else if (busy > 10)
		remedy(item, "other programs run: stop them, or pin guests to cores that they do "
			     "not use");
}

/* ---- memory ---- */

static double kib(const char *text, const char *key)
{
	uint64_t value;

	return procfs_key(text, key, &value) ? (double)value / 1048576 : 0;
}

static void look_memory(struct look *look)
{
	char text[4096], thp[128] = "";

	if (procfs_read(look->root, text, sizeof(text), "/proc/meminfo") <= 0) {
		add(look->probe, "memory", PROBE_LESS, "/proc/meminfo cannot be read");
		return;
	}
	add(look->probe, "memory", PROBE_OK, "%.1f GiB, %.1f GiB available", kib(text, "MemTotal:"),
	    kib(text, "MemAvailable:"));
	double swap = kib(text, "SwapTotal:");
	if (swap > 0)
		add(look->probe, "swap", PROBE_OK, "%.1f GiB, %.1f GiB free", swap,
		    kib(text, "SwapFree:"));
	else
		remedy(add(look->probe, "swap", PROBE_LESS,
			   "none: memory is taken from guests by the balloon, never by swapping"),
		       "none is needed; it is never switched on by cotenant");
	(void)!procfs_read(look->root, thp, sizeof(thp),
			   "/sys/kernel/mm/transparent_hugepage/enabled");
	bool always = strstr(thp, "[always]") != NULL;
	struct probe_item *item = add(look->probe, "huge pages", always ? PROBE_LESS : PROBE_OK,
				      "transparent: %s", thp[0] ? thp : "not in this kernel");
	if (always)
		remedy(item, "nothing needs doing: guests ask for small pages");
	uint64_t ksm;
	if (procfs_number(look->root, &ksm, "/sys/kernel/mm/ksm/run") && ksm == 1)
		remedy(add(look->probe, "same pages", PROBE_LESS,
			   "KSM merges equal pages of virtual machines"),
		       "as root: echo 0 > /sys/kernel/mm/ksm/run, for what is resident to be "
		       "exact");
}

/* ---- disk ---- */

/* Whether files of the folder can be read past the page cache. */
static int try_direct(const char *folder)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/cotenant-probe-XXXXXX", folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int fd = mkostemp(path, O_DIRECT | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;
	if (fd >= 0) {
		close(fd);
	}
	/* Some file systems refuse after they have made the file. */
	unlink(path);
	return ret;
}

static void look_scheduler(struct look *look, dev_t disk)
{
	char text[256], link[PATH_MAX], path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/dev/block/%u:%u", look->root, major(disk),
		 minor(disk));
	ssize_t len = readlink(path, link, sizeof(link) - 1);
	link[len > 0 ? len : 0] = '\0';
	const char *name = strrchr(link, '/');
	if (procfs_read(look->root, text, sizeof(text), "/sys/dev/block/%u:%u/queue/scheduler",
			major(disk), minor(disk)) <= 0)
		snprintf(text, sizeof(text), "unknown");
	struct probe_item *item =
		add(look->probe, "disk", PROBE_OK, "%.200s is on %.60s (%u:%u), scheduler %s",
		    look->folder, name ? name + 1 : "a disk", major(disk), minor(disk), text);
	if (!strstr(text, "[bfq]"))
		remedy(item,
		       "weights of I/O need the scheduler bfq, which cotenant does not switch to; "
		       "caps work with any");
}

static void look_disk(struct look *look)
{
	struct err err;
	struct statvfs fs;
	dev_t disk;

	err_clear(&err);
	if (cg_disk(look->root, look->folder, &disk, &err) < 0)
		add(look->probe, "disk", PROBE_LESS, "%.*s", (int)err.len, err.text);
	else
		look_scheduler(look, disk);
	int ret = try_direct(look->folder);
	if (ret == 0)
		add(look->probe, "direct I/O", PROBE_OK,
		    "files are read and written past the cache");
	else
		remedy(add(look->probe, "direct I/O", PROBE_LESS,
			   "no file can be opened with O_DIRECT in %.200s: %s", look->folder,
			   strerror(-ret)),
		       ret == -EINVAL ? "use a folder on a disk (tmpfs has no direct I/O)"
				      : "use a folder that may be written");
	if (statvfs(look->folder, &fs) == 0)
		add(look->probe, "disk space", PROBE_OK, "%.1f GiB free for the files of guests",
		    (double)fs.f_bavail * (double)fs.f_frsize / 1073741824);
}

/* ---- the rest ---- */

static void look_clocks(struct look *look)
{
	char source[64], stat[128];

	if (procfs_read(look->root, source, sizeof(source),
			"/sys/devices/system/clocksource/clocksource0/current_clocksource") <= 0)
		snprintf(source, sizeof(source), "unknown");
	bool fast = strcmp(source, "tsc") == 0 || strcmp(source, "kvm-clock") == 0;
	struct probe_item *item =
		add(look->probe, "clock", fast ? PROBE_OK : PROBE_LESS, "%s", source);
	if (!fast)
		remedy(item,
		       "reading the time may cost a system call: boot with clocksource=tsc if the "
		       "processor's is stable");
	bool delay = procfs_read(look->root, stat, sizeof(stat), "/proc/self/schedstat") > 0;
	item = add(look->probe, "run delay", delay ? PROBE_OK : PROBE_LESS,
		   delay ? "the kernel tells how long threads wait for a core"
			 : "/proc/self/schedstat is not there: CPU demand cannot be told from CPU "
			   "use");
	if (!delay)
		remedy(item, "use a kernel with CONFIG_SCHED_INFO");
}

static void look_rights(struct look *look)
{
	struct rlimit files;

	if (geteuid() == 0)
		add(look->probe, "rights", PROBE_OK,
		    "root: guests become another user before they start");
	else
		add(look->probe, "rights", PROBE_OK,
		    "user %u: guests run as that user, without new privileges",
		    (unsigned)geteuid());
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 1024)
		remedy(add(look->probe, "open files", PROBE_LESS, "at most %llu",
			   (unsigned long long)files.rlim_cur),
		       "ulimit -n 4096, for many guests");
}

void probe_machine(struct probe *probe, const char *root, const char *folder)
{
	static void (*const looks[])(struct look *) = {look_kvm,    look_groups, look_cores,
						       look_quiet,  look_memory, look_disk,
						       look_clocks, look_rights};
	struct look look = {.probe = probe, .root = root, .folder = folder};

	probe->n = 0;
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		looks[i](&look);
}
