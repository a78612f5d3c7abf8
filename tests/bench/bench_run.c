/*
 * VM-steps per second of whole runs: one VM, one tick, CPU, memory and disk divided, guarded and
 * accounted. A day of 300 s ticks, 8 VMs a host, CPU and disk contended, policy `weighted`, demand
 * from a trace made here. Prints the median of several runs per size, the memory per VM beyond the
 * trace, and how much more a step costs at the largest of the sizes than at the smallest. One thread
 * is measured by processor time, several by the clock on the wall. In quiet cases demand changes every
 * hour only. To choose a case, give its number of VMs.
 */
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define RUNS 5

struct bench {
	size_t vms;
	unsigned threads;
	size_t hold; /* ticks for which a level of the trace lasts */
};

static float *random_levels(size_t vms, size_t hold)
{
	float *cpu = malloc(vms * STEPS * sizeof(*cpu));
	uint64_t x = 88172645463325252u;

	for (size_t i = 0; cpu && i < vms * STEPS; i++) {
		uint64_t r = xorshift(&x);
		cpu[i] = i / vms % hold ? cpu[i - vms] : (float)(20 + r % 81);
	}
	return cpu;
}

static void scenario_text(char *buf, size_t n, size_t vms)
{
	snprintf(buf, n,
		 "name: bench\ntick: 300s\nduration: 24h\n"
		 "hosts:\n  - {name: host, count: %zu, cores: 4, speed: 2000 MHz, memory: 32GiB,\n"
		 "     disks: {bandwidth: 200MB/s, iops: 20000 IOPS, size: 10TB},\n"
		 "     power: {kind: table, host: hp-ml110-g5}}\n"
		 "vms:\n  - {name: vm, count: %zu, vcpus: 1, memory: 4GiB, cpu: {weight: 2},\n"
		 "     workload: {kind: trace, path: /, memory: 2GiB, bandwidth: 60MB/s, iops: "
		 "1000/s}}\n"
		 "overcommit: {cpu: 2}\noutput: {vm_timeline: 0}\n",
		 (vms + 7) / 8, vms);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A size in a process of its own, so that its peak memory is its own. Returns ns a step. */
static double bench_case(const struct bench *b, const char *dir)
{
	struct trace *trace = bench_trace(b->vms, random_levels(b->vms, b->hold));
	clockid_t clock = b->threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
	char text[2048];
	double loop[RUNS], whole[RUNS];
	size_t runs = b->vms > 200000 ? 3 : RUNS;

	/* As in a process of its own, each run's memory is new and goes back to the system. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	scenario_text(text, sizeof(text), b->vms);
	struct scenario *scenario = bench_scenario(text);
	long before = peak_rss_bytes();
	for (size_t i = 0; i < runs; i++) {
		struct bench_result r = bench_one(scenario, trace, b->threads, clock, dir);
		loop[i] = (double)r.vm_steps / r.loop_s;
		whole[i] = (double)r.vm_steps / r.whole_s;
	}
	long bytes = peak_rss_bytes() - before;
	qsort(loop, runs, sizeof(*loop), by_value);
	qsort(whole, runs, sizeof(*whole), by_value);
	printf("%9zu VMs  %u thread%s%s  %6.1f M VM-steps/s  (%5.1f with set-up and output)  %5.1f "
	       "ns a step"
	       "  %4ld bytes a VM\n",
	       b->vms, b->threads, b->threads > 1 ? "s" : " ", b->hold > 1 ? "  quiet" : "",
	       loop[runs / 2] * 1e-6, whole[runs / 2] * 1e-6, 1e9 / loop[runs / 2],
	       bytes / (long)b->vms);
	fflush(stdout);
	scenario_free(scenario);
	return 1e9 / loop[runs / 2];
}

static void print_flatness(const struct bench *cases, const double *ns, size_t n)
{
	double least = 0, most = 0;

	for (size_t i = 0; i < n; i++) {
		if (ns[i] <= 0 || cases[i].threads > 1 || cases[i].hold > 1)
			continue;
		least = least == 0 || ns[i] < least ? ns[i] : least;
		most = ns[i] > most ? ns[i] : most;
	}
	if (least > 0)
		printf("cost of a step on one thread over all sizes: within %.2fx\n", most / least);
}

int main(int argc, char **argv)
{
	static const struct bench cases[] = {{1000, 1, 1},   {100000, 1, 1},  {1000000, 1, 1},
					     {100000, 2, 1}, {1000000, 2, 1}, {100000, 1, 12}};
	enum { CASES = sizeof(cases) / sizeof(cases[0]) };
	char *dir = bench_folder();
	double *ns = mmap(NULL, CASES * sizeof(*ns), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (ns == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < CASES; i++) {
		if (argc > 1 && strtoul(argv[1], NULL, 10) != cases[i].vms)
			continue;
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			ns[i] = bench_case(&cases[i], dir);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	print_flatness(cases, ns, CASES);
	return bench_folder_remove(dir);
}
