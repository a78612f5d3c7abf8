/*
 * A day like those of PlanetLab (1,052 VMs, a file each, 288 samples) on 800 hosts of two kinds, as a
 * whole process: folder read, run, files written. Once without migration, once with lr-mmt. Prints the
 * medians of time on the wall, processor time and peak memory. The program is $COTENANT.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define VMS  1052
#define RUNS 7

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

static struct usage run_once(const char *program, const char *scenario)
{
	struct rusage use;
	int status = 1;
	double start = seconds(CLOCK_MONOTONIC);
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execl(program, program, "run", scenario, "-o", "out", (char *)NULL);
		_exit(127);
	}
	must(wait4(pid, &status, 0, &use) == pid && status == 0, program);
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

static double median(double *of)
{
	qsort(of, RUNS, sizeof(*of), by_value);
	return of[RUNS / 2];
}

static void bench(const char *program, const char *name, const char *policies)
{
	double wall[RUNS], cpu[RUNS], bytes[RUNS];
	char scenario[64];

	snprintf(scenario, sizeof(scenario), "%s.yaml", name);
	write_scenario(scenario, policies);
	for (int i = 0; i < RUNS; i++) {
		struct usage u = run_once(program, scenario);
		wall[i] = u.wall_s;
		cpu[i] = u.cpu_s;
		bytes[i] = u.bytes;
	}
	printf("planetlab  %d VMs x %d  %-8s  whole process %.3f s (%.3f s CPU)  %.1f MB\n", VMS,
	       STEPS, name, median(wall), median(cpu), median(bytes) * 1e-6);
}

int main(void)
{
	const char *program = getenv("COTENANT");
	char *path, *dir;

	if (!program || !(path = realpath(program, NULL))) {
		printf("bench_planetlab: skipped: COTENANT is not the program\n");
		return 0;
	}
	dir = bench_folder();
	must(chdir(dir) == 0, dir);
	write_day();
	bench(path, "none", "{detector: none}");
	bench(path, "lr-mmt", "{detector: lr, selector: mmt}");
	free(path);
	return bench_folder_remove(dir);
}
