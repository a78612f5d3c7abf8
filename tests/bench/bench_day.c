/*
 * A day of a datacenter whose VMs are consolidated every 300 s by thr-mmt: ten VMs a host, of four sizes,
 * little used most of the time like those of PlanetLab (Park & Pai 2006; mean about 12 %, with spells of
 * much more). Two kinds of hosts, placed by power-aware best fit, off when empty. By the clock on the
 * wall, each size in a process of its own; memory is what comes on top of the trace. A number of VMs, a multiple of
 * 20, is taken instead of the sizes; a second number, 1 or 2, is that of threads, instead of both.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

/* A level of its own, which stays for some steps, and now and then a spell. */
static float *planetlab_like(size_t vms)
{
	float *cpu = malloc(vms * STEPS * sizeof(*cpu));
	uint64_t x = 88172645463325252u;

	for (size_t i = 0; cpu && i < vms * STEPS; i++) {
		uint64_t r = xorshift(&x);
		float base = i < vms ? (float)(r % 24) : cpu[i - vms];
		unsigned dice = (unsigned)(r >> 32) % 100;
		float to = dice < 2    ? (float)(40 + (r >> 40) % 60)
			   : dice < 12 ? (float)((r >> 40) % 20)
				       : base + (float)((r >> 40) % 5) - 2;
		cpu[i] = to < 0 ? 0 : to > 100 ? 100 : to;
	}
	return cpu;
}

static void scenario_text(char *buf, size_t n, size_t vms)
{
	static const char *const size[][3] = {{"large", "2500MHz", "870MB"},
					      {"medium", "2000MHz", "1740MB"},
					      {"small", "1000MHz", "1740MB"},
					      {"micro", "500MHz", "613MB"}};
	int at = snprintf(
		buf, n,
		"name: day\ntick: 5min\nduration: 24h\nhost_order: alternate\nhosts:\n"
		"  - {name: g4, count: %zu, cores: 8, speed: 2500MHz, memory: 24GiB, network: "
		"1Gbit/s,\n     when_empty: off, power: {kind: table, host: hp-ml110-g4}}\n"
		"  - {name: g5, count: %zu, cores: 8, speed: 2660MHz, memory: 32GiB, network: "
		"1Gbit/s,\n     when_empty: off, power: {kind: table, host: hp-ml110-g5}}\n"
		"vms:\n",
		vms / 20, vms / 20);
	for (size_t i = 0; i < 4; i++)
		at += snprintf(
			buf + at, n - (size_t)at,
			"  - {name: %s, count: %zu, speed: %s, memory: %s, trace_first: %zu, "
			"network: 10Mbit/s,\n     workload: {kind: trace, path: /}}\n",
			size[i][0], vms / 4, size[i][1], size[i][2], i * (vms / 4));
	snprintf(buf + at, n - (size_t)at,
		 "overcommit: {cpu: 1.5}\nconsolidation: {placer: pabfd}\n"
		 "policies: {detector: thr, selector: mmt, placer: pabfd}\noutput: {vm_timeline: "
		 "0}\n");
}

static void bench(size_t vms, unsigned threads, const char *dir)
{
	struct trace *trace = bench_trace(vms, planetlab_like(vms));
	char text[4096];

	scenario_text(text, sizeof(text), vms);
	struct scenario *scenario = bench_scenario(text);
	long before = peak_rss_bytes();
	struct bench_result r = bench_one(scenario, trace, threads, CLOCK_MONOTONIC, dir);
	printf("day  %8zu VMs on %6zu hosts, thr-mmt  %u thread%s  %7.2f s (%6.2f s CPU)  %6.2f M "
	       "VM-steps/s  "
	       "%8llu migrations  %5ld bytes a VM\n",
	       vms, vms / 20 * 2, threads, threads > 1 ? "s" : " ", r.whole_s, r.cpu_s,
	       (double)vms * STEPS / r.whole_s * 1e-6, (unsigned long long)r.migrations,
	       (peak_rss_bytes() - before) / (long)vms);
	fflush(stdout);
	scenario_free(scenario);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {10000, 100000, 1000000};
	size_t vms = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned only = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	char *dir = bench_folder();

	for (size_t i = 0; i < 2 * (vms > 0 ? 1 : sizeof(sizes) / sizeof(sizes[0])); i++) {
		size_t size = vms > 0 ? vms : sizes[i / 2];
		unsigned threads = 1 + i % 2;
		if (only > 0 && threads != only)
			continue;
		pid_t pid = fork();
		if (pid == 0) {
			bench(size, threads, dir);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return bench_folder_remove(dir);
}
