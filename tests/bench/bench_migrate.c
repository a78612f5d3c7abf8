/*
 * What a migration costs: hosts with ten VMs each, of which one in ten moves, all at one moment. Prints
 * the processor time of such a run less that of the same one in which nobody moves, by the number of
 * migrations; the best of several runs each. Beginning and ending are to cost the same at every size,
 * but for logarithms and caches.
 */
#include "tests/bench/bench.h"

#define RUNS 3

static struct scenario *make_scenario(size_t hosts, bool moves)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "tick: 5min\nduration: 30min\noutput: {vm_timeline: 0}\n"
		 "hosts: {name: h, count: %zu, cores: 16, speed: 2GHz, memory: 64GiB}\n"
		 "vms:\n  - {name: s, count: %zu, vcpus: 2, memory: 1GiB, workload: constant}\n"
		 "  - {name: m, count: %zu, vcpus: 2, memory: 1GiB, workload: constant}\n"
		 "policies: {placer: worst-fit}\n"
		 "actions: {at: 7min, vm: m, do: %s}\n",
		 hosts, 9 * hosts, hosts, moves ? "migrate" : "resume");
	return bench_scenario(text);
}

static void bench_size(size_t hosts, const char *dir)
{
	double best[2] = {1e9, 1e9};
	uint64_t n = 0;

	for (int moves = 0; moves < 2; moves++) {
		struct scenario *scenario = make_scenario(hosts, moves);
		for (int i = 0; i < RUNS; i++) {
			struct bench_result r =
				bench_one(scenario, NULL, 1, CLOCK_PROCESS_CPUTIME_ID, dir);
			best[moves] = r.loop_s < best[moves] ? r.loop_s : best[moves];
			n = r.migrations;
		}
		scenario_free(scenario);
	}
	printf("%8zu hosts  %8zu VMs  %7llu migrations  %6.2f us each\n", hosts, 10 * hosts,
	       (unsigned long long)n, (best[1] - best[0]) * 1e6 / (double)n);
	fflush(stdout);
}

int main(void)
{
	char *dir = bench_folder();

	for (size_t hosts = 1000; hosts <= 100000; hosts *= 10)
		bench_size(hosts, dir);
	return bench_folder_remove(dir);
}
