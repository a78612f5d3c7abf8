/*
 * A day like those of PlanetLab (1,052 VMs, a file each, 288 samples) on 800 hosts of two kinds, as a
 * whole process: folder read, run, files written. Once without migration, once with lr-mmt. Prints the
 * medians of time on the wall, processor time and peak memory. The program is $COTENANT. With a real day's folder
 * in $DAY it is that one. If there is a $PEER, a command of the shell that computes the day in $DAY with lr-mmt,
 * it is run in turn with it.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define VMS       1052
#define RUNS      7
#define PEER_RUNS 3

static const char text[] =
	"name: day\ntick: 5min\nduration: 24h\nhost_order: alternate\nhosts:\n"
	"  - {name: g4, count: 400, cores: 2, speed: 1860MHz, memory: 4096MB, network: 1Gbit/s,\n"
	"     when_empty: off, power: {kind: table, host: hp-ml110-g4}}\n"
	"  - {name: g5, count: 400, cores: 2, speed: 2660MHz, memory: 4096MB, network: 1Gbit/s,\n"
	"     when_empty: off, labels: [fast], power: {kind: table, host: hp-ml110-g5}}\n"
	"vms:\n"
	"  - {name: large, trace_share: 25%, speed: 2500MHz, memory: 870MB, hosts: [fast],\n"
	"     workload: &day {kind: trace, path: day}}\n"
	"  - {name: medium, trace_share: 25%, speed: 2000MHz, memory: 1740MB, hosts: [fast],\n"
	"     workload: *day}\n"
	"  - {name: small, trace_share: 25%, speed: 1000MHz, memory: 1740MB, workload: *day}\n"
	"  - {name: micro, trace_share: 25%, speed: 500MHz, memory: 613MB, workload: *day}\n"
	"overcommit: {cpu: 1}\nconsolidation: {placer: pabfd}\n";

static void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	exit(1);
}

/* Levels that wander, mostly low. */
static void write_day(void)
{
	uint64_t x = 88172645463325252u;
	char name[64];

	must(mkdir("day", 0777) == 0, "day");
	for (int vm = 0; vm < VMS; vm++) {
		snprintf(name, sizeof(name), "day/host_%04d", vm);
		FILE *f = fopen(name, "w");
		must(f != NULL, name);
		int level = (int)(xorshift(&x) % 24);
		for (int k = 0; k < STEPS; k++) {
			uint64_t r = xorshift(&x);
			unsigned dice = (unsigned)(r >> 32) % 100;
			level = dice < 2    ? (int)(40 + (r >> 40) % 60)
				: dice < 12 ? (int)((r >> 40) % 20)
					    : level + (int)((r >> 40) % 5) - 2;
			level = level < 0 ? 0 : level > 100 ? 100 : level;
			fprintf(f, "%d\n", level);
		}
		must(fclose(f) == 0, name);
	}
}

static void write_scenario(const char *name, const char *policies)
{
	FILE *f = fopen(name, "w");

	must(f != NULL, name);
	fprintf(f, "%spolicies: %s\n", text, policies);
	must(fclose(f) == 0, name);
}

struct usage {
	double wall_s, cpu_s, bytes;
};

static struct usage run_once(const char *command)
{
	struct rusage use;
	int status = 1;
	double start = seconds(CLOCK_MONOTONIC);
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	must(wait4(pid, &status, 0, &use) == pid && status == 0, command);
	return (struct usage){seconds(CLOCK_MONOTONIC) - start,
			      (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
				      1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec),
			      (double)use.ru_maxrss * 1024};
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *of, size_t n)
{
	qsort(of, n, sizeof(*of), by_value);
	return of[n / 2];
}

struct runs {
	double wall[RUNS], cpu[RUNS], bytes[RUNS];
	size_t n;
};

static void run_more(struct runs *runs, const char *command)
{
	struct usage u = run_once(command);

	runs->wall[runs->n] = u.wall_s;
	runs->cpu[runs->n] = u.cpu_s;
	runs->bytes[runs->n++] = u.bytes;
}

static struct usage medians(struct runs *runs)
{
	return (struct usage){median(runs->wall, runs->n), median(runs->cpu, runs->n),
			      median(runs->bytes, runs->n)};
}

static void print(const char *name, struct usage u)
{
	printf("planetlab  %-8s  whole process %.3f s (%.3f s CPU)  %.1f MB\n", name, u.wall_s,
	       u.cpu_s, u.bytes * 1e-6);
	fflush(stdout);
}

static void bench(const char *name, const char *policies, const char *peer)
{
	struct runs ours = {.n = 0}, theirs = {.n = 0};
	char scenario[64], command[128];

	snprintf(scenario, sizeof(scenario), "%s.yaml", name);
	snprintf(command, sizeof(command), "exec \"$COTENANT\" run %s -o out", scenario);
	write_scenario(scenario, policies);
	for (int i = 0; i < RUNS; i++) {
		run_more(&ours, command);
		if (peer && i < PEER_RUNS)
			run_more(&theirs, peer);
	}
	struct usage u = medians(&ours);
	print(name, u);
	if (!peer)
		return;
	struct usage v = medians(&theirs);
	print("the peer", v);
	printf("the peer takes %.0f times as long, and %.0f times the memory\n",
	       v.wall_s / u.wall_s, v.bytes / u.bytes);
}

int main(void)
{
	const char *program = getenv("COTENANT"), *real = getenv("DAY");
	char *path, *day = real ? realpath(real, NULL) : NULL, *dir;

	if (!program || !(path = realpath(program, NULL))) {
		printf("bench_planetlab: skipped: COTENANT is not the program\n");
		return 0;
	}
	dir = bench_folder();
	must(chdir(dir) == 0, dir);
	if (day) {
		must(symlink(day, "day") == 0, day);
	} else {
		write_day();
		day = realpath("day", NULL);
	}
	must(day && setenv("DAY", day, 1) == 0 && setenv("COTENANT", path, 1) == 0, "day");
	bench("none", "{detector: none}", NULL);
	bench("lr-mmt", "{detector: lr, selector: mmt}", getenv("PEER"));
	free(day);
	free(path);
	return bench_folder_remove(dir);
}
