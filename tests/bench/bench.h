/*
 * Whole runs of generated scenarios inside a benchmark: a trace that stands in memory, one run that
 * writes its files, and what it took.
 */
#ifndef COTENANT_TESTS_BENCH_BENCH_H
#define COTENANT_TESTS_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "scenarios/build.h"
#include "scenarios/scenario.h"
#include "sim/output.h"
#include "sim/run.h"

#define STEPS 288 /* of 300 s: a day */

static inline double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline long peak_rss_bytes(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_maxrss * 1024;
}

static inline uint64_t xorshift(uint64_t *x)
{
	*x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
	return *x;
}

/* A folder for a run's files, in $TMPDIR; and away with it. */
static inline char *bench_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL;

	if (asprintf(&dir, "%s/cotenant-bench-XXXXXX", tmp ? tmp : P_tmpdir) < 0 || !mkdtemp(dir)) {
		perror("bench: a folder for files");
		exit(1);
	}
	return dir;
}

static inline int bench_folder_remove(char *dir)
{
	char *command = NULL;
	int rc = asprintf(&command, "rm -rf '%s'", dir) < 0 ? 1 : system(command);

	free(command);
	free(dir);
	return rc;
}

/* Takes the levels, percent, step by step. In scenarios its path is "/", which is there. */
static inline struct trace *bench_trace(size_t vms, const float *cpu)
{
	struct trace *t = calloc(1, sizeof(*t));
	struct trace_vm *vm = calloc(vms, sizeof(*vm));

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

static inline struct scenario *bench_scenario(const char *text)
{
	struct scenario *scenario = NULL;
	struct err err = {0};

	if (scenario_load_text(&scenario, "bench", text, strlen(text), NULL, 0, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return scenario;
}

struct bench_result {
	double loop_s, whole_s; /* the run, and with set-up and output */
	double cpu_s;           /* of all threads */
	uint64_t vm_steps, migrations;
};

/* The scenario's first run with that trace, if it has one, its files in @dir, by the clock. Ends the process where it
 * fails. */
static inline struct bench_result bench_one(const struct scenario *scenario, struct trace *trace,
					    unsigned threads, clockid_t clock, const char *dir)
{
	static struct run run;
	struct err err = {0};
	struct policy_set policies;
	struct trace_use use = {.path = "/", .format = "bench", .trace = trace};
	struct trace_set traces = {.n = trace != NULL, .use = &use};
	struct output_label label = {.run = 1, .policies = &policies};
	struct output *output = NULL;

	scenario_run(scenario, 0, &policies, &label.seed);
	double t0 = seconds(clock), cpu0 = seconds(CLOCK_PROCESS_CPUTIME_ID);
	int rc = output_open(&output, dir, NULL, scenario, &label, &err);
	if (rc == 0)
		rc = run_init(&run, scenario, &traces, &policies, label.seed, output, &err);
	run.threads = threads;
	double t1 = seconds(clock);
	if (rc == 0)
		rc = run_go(&run);
	double t2 = seconds(clock);
	int closed = output_close(output, rc == 0, &err);
	double t3 = seconds(clock);
	if (rc < 0 || closed < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	struct bench_result result = {.loop_s = t2 - t1,
				      .whole_s = t3 - t0,
				      .cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu0,
				      .vm_steps = run.count.vm_steps,
				      .migrations = run.count.migrations};
	run_free(&run);
	return result;
}

#endif
