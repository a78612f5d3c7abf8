/*
 * VM-steps per second of whole runs: one VM, one tick, CPU, memory and disk divided, guarded and
 * accounted. A day of 300 s ticks, 8 VMs a host, CPU and disk contended, policy `weighted`, demand
 * from a trace made here. Prints the median of several runs per size, and the memory per VM beyond the
 * trace. One thread is measured by processor time, several by the clock on the wall. In quiet cases
 * demand changes every hour only. To choose a case, give its number of VMs.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenarios/build.h"
#include "scenarios/scenario.h"
#include "sim/output.h"
#include "sim/run.h"

#define STEPS 288
#define RUNS  5

struct bench {
	size_t vms;
	unsigned threads;
	size_t hold; /* ticks for which a level of the trace lasts */
};

static double clock_s(const struct bench *b)
{
	struct timespec t;

	clock_gettime(b->threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long peak_rss_bytes(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_maxrss * 1024;
}

static float *random_levels(size_t vms, size_t hold)
{
	float *cpu = malloc(vms * STEPS * sizeof(*cpu));
	uint64_t x = 88172645463325252u;

	for (size_t i = 0; cpu && i < vms * STEPS; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		cpu[i] = i / vms % hold ? cpu[i - vms] : (float)(20 + x % 81);
	}
	return cpu;
}

static struct trace *make_trace(size_t vms, size_t hold)
{
	struct trace *t = calloc(1, sizeof(*t));
	struct trace_vm *vm = calloc(vms, sizeof(*vm));
	float *cpu = random_levels(vms, hold);

	if (!t || !vm || !cpu)
		exit(1);
	for (size_t i = 0; i < vms; i++)
		vm[i] = (struct trace_vm){.name = "vm", .last = STEPS - 1};
	*t = (struct trace){.path = "bench",
			    .format = "bench",
			    .n = vms,
			    .steps = STEPS,
			    .step_ns = INT64_C(300) * 1000000000,
			    .cpu = cpu,
			    .vm = vm};
	return t;
}

static void scenario_text(char *buf, size_t n, size_t vms)
{
	snprintf(buf, n,
		 "name: bench\ntick: 300s\nduration: 24h\n"
		 "hosts:\n  - {name: host, count: %zu, cores: 4, speed: 2000 MHz, memory: 32GiB,\n"
		 "     disks: {bandwidth: 200MB/s, iops: 20000 IOPS, size: 10TB},\n"
		 "     power: {kind: table, host: hp-ml110-g5}}\n"
		 "vms:\n  - {name: vm, count: %zu, vcpus: 1, memory: 4GiB, cpu: {weight: 2},\n"
		 "     workload: {kind: trace, path: bench, memory: 2GiB, bandwidth: 60MB/s, iops: "
		 "1000/s}}\n"
		 "overcommit: {cpu: 2}\noutput: {vm_timeline: 0}\n",
		 (vms + 7) / 8, vms);
}

/* One run in this process; VM-steps per second of the loop, and of the whole with its output. */
static void one(const struct bench *b, const struct scenario *scenario,
		const struct trace_set *traces, const char *dir, double rate[2])
{
	static struct run run;
	struct err err = {0};
	struct policy_set policies;
	struct output_label label = {.run = 1, .policies = &policies};
	struct output *output = NULL;

	scenario_run(scenario, 0, &policies, &label.seed);
	double t0 = clock_s(b);
	int rc = output_open(&output, dir, NULL, scenario, &label, &err);
	if (rc == 0)
		rc = run_init(&run, scenario, traces, &policies, label.seed, output, &err);
	run.threads = b->threads;
	double t1 = clock_s(b);
	if (rc == 0)
		rc = run_go(&run);
	double t2 = clock_s(b);
	int closed = output_close(output, rc == 0, &err);
	double t3 = clock_s(b);
	if (rc < 0 || closed < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	rate[0] = (double)run.count.vm_steps / (t2 - t1);
	rate[1] = (double)run.count.vm_steps / (t3 - t0);
	run_free(&run);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A size in a process of its own, so that its peak memory is its own. */
static void bench_case(const struct bench *b, const char *dir)
{
	size_t vms = b->vms;
	struct scenario *scenario = NULL;
	struct err err = {0};
	char text[2048];
	double loop[RUNS], whole[RUNS];
	size_t runs = vms > 200000 ? 3 : RUNS;
	struct trace_use use = {.path = "bench", .format = "bench", .trace = make_trace(vms, b->hold)};
	struct trace_set traces = {.n = 1, .use = &use};

	/* As in a process of its own, each run's memory is new and goes back to the system. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	scenario_text(text, sizeof(text), vms);
	if (scenario_load_text(&scenario, "bench", text, strlen(text), NULL, 0, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	long before = peak_rss_bytes();
	for (size_t i = 0; i < runs; i++) {
		double rate[2];
		one(b, scenario, &traces, dir, rate);
		loop[i] = rate[0];
		whole[i] = rate[1];
	}
	long bytes = peak_rss_bytes() - before;
	qsort(loop, runs, sizeof(*loop), by_value);
	qsort(whole, runs, sizeof(*whole), by_value);
	printf("%9zu VMs  %u thread%s%s  %6.1f M VM-steps/s  (%5.1f with set-up and output)  %5.1f ns a step"
	       "  %4ld bytes a VM\n",
	       vms, b->threads, b->threads > 1 ? "s" : " ", b->hold > 1 ? "  quiet" : "", loop[runs / 2] * 1e-6, whole[runs / 2] * 1e-6, 1e9 / loop[runs / 2],
	       bytes / (long)vms);
	fflush(stdout);
	scenario_free(scenario);
}

int main(int argc, char **argv)
{
	static const struct bench cases[] = {{1000, 1, 1},   {100000, 1, 1},  {1000000, 1, 1},
					     {100000, 2, 1}, {1000000, 2, 1}, {100000, 1, 12}};
	char dir[] = "/tmp/cotenant-bench-XXXXXX", command[64];

	if (!mkdtemp(dir))
		return 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc > 1 && strtoul(argv[1], NULL, 10) != cases[i].vms)
			continue;
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			bench_case(&cases[i], dir);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}
