/*
 * What a migration costs: hosts with ten VMs each, of which one in ten moves, all at one moment. Prints
 * the processor time of such a run less that of the same one in which nobody moves, by the number of
 * migrations; the best of several runs each. Beginning and ending are to cost the same at every size,
 * but for logarithms and caches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scenarios/build.h"
#include "scenarios/scenario.h"
#include "sim/output.h"
#include "sim/run.h"

#define RUNS 3

static double clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct scenario *make_scenario(size_t hosts, bool moves)
{
	struct scenario *scenario = NULL;
	struct err err = {0};
	char text[2048];

	snprintf(text, sizeof(text),
		 "tick: 5min\nduration: 30min\noutput: {vm_timeline: 0}\n"
		 "hosts: {name: h, count: %zu, cores: 16, speed: 2GHz, memory: 64GiB}\n"
		 "vms:\n  - {name: s, count: %zu, vcpus: 2, memory: 1GiB, workload: constant}\n"
		 "  - {name: m, count: %zu, vcpus: 2, memory: 1GiB, workload: constant}\n"
		 "policies: {placer: worst-fit}\n"
		 "actions: {at: 7min, vm: m, do: %s}\n",
		 hosts, 9 * hosts, hosts, moves ? "migrate" : "resume");
	if (scenario_load_text(&scenario, "bench", text, strlen(text), NULL, 0, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return scenario;
}

/* Seconds of a run; how many migrations it had. */
static double one(const struct scenario *scenario, const char *dir, uint64_t *migrations)
{
	static struct run run;
	const struct trace_set traces = {0};
	struct err err = {0};
	struct policy_set policies;
	struct output_label label = {.run = 1, .policies = &policies};
	struct output *output = NULL;

	scenario_run(scenario, 0, &policies, &label.seed);
	int rc = output_open(&output, dir, NULL, scenario, &label, &err);
	if (rc == 0)
		rc = run_init(&run, scenario, &traces, &policies, label.seed, output, &err);
	double begin = clock_s();
	if (rc == 0)
		rc = run_go(&run);
	double end = clock_s();
	int closed = output_close(output, rc == 0, &err);
	if (rc < 0 || closed < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	*migrations = run.count.migrated;
	run_free(&run);
	return end - begin;
}

static void bench_size(size_t hosts, const char *dir)
{
	double best[2] = {1e9, 1e9};
	uint64_t n = 0;

	for (int moves = 0; moves < 2; moves++) {
		struct scenario *scenario = make_scenario(hosts, moves);
		for (int i = 0; i < RUNS; i++) {
			double s = one(scenario, dir, &n);
			best[moves] = s < best[moves] ? s : best[moves];
		}
		scenario_free(scenario);
	}
	printf("%8zu hosts  %8zu VMs  %7llu migrations  %6.2f us each\n", hosts, 10 * hosts,
	       (unsigned long long)n, (best[1] - best[0]) * 1e6 / (double)n);
	fflush(stdout);
}

int main(void)
{
	char dir[] = "/tmp/cotenant-bench-XXXXXX", command[64];

	if (!mkdtemp(dir))
		return 1;
	for (size_t hosts = 1000; hosts <= 100000; hosts *= 10)
		bench_size(hosts, dir);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}
