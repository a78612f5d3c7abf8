/*
 * shuffle_traces: which VM replays which VM of a trace is drawn by the seed alone, so that policies
 * are compared on the same pairing, and every VM of the trace is replayed once.
 */
#include "tests/harness.h"

#include <errno.h>

#define VMS 40

/* A trace whose k-th VM uses k percent, there from step k / late to the end. */
static void write_trace(char *path, int late)
{
	int fd = mkstemps(path, 4);

	assert_true(fd >= 0);
	dprintf(fd, "time,vm,cpu\n");
	for (int step = 0; step < 12; step++)
		for (int k = 0; k < VMS; k++)
			if (step >= k / late)
				dprintf(fd, "%d,vm-%02d,%d\n", step * 10, k, k);
	close(fd);
}

static char *scenario(const char *path, const char *more)
{
	return text_of("tick: 10s\nduration: 100s\nreplications: 6\n%s"
		       "hosts:\n  - {name: h, count: 4, cores: 16, speed: 1GHz, memory: 64GiB}\n"
		       "vms:\n  - {name: a, trace_share: 25%%, speed: 1GHz, memory: 1GiB,\n"
		       "     workload: &t {kind: trace, path: %s}}\n"
		       "  - {name: b, trace_share: 75%%, speed: 1GHz, memory: 1GiB, workload: *t}\n"
		       "compare:\n  - {cpu: weighted}\n  - {cpu: strict}\n",
		       more, path);
}

/* The percentage that each VM replays in a run. */
static void pairing(struct harness *h, size_t run, int of[VMS])
{
	harness_run(h, run);
	for (int v = 0; v < VMS; v++) {
		char name[16];
		snprintf(name, sizeof(name), v < VMS / 4 ? "a-%d" : "b-%d",
			 v < VMS / 4 ? v : v - VMS / 4);
		int column = (int)lround(vm_cell(h, name, "cpu_want_mhz") / 10);
		of[v] = column;
	}
}

static bool is_permutation(const int of[VMS])
{
	bool seen[VMS] = {false};

	for (int v = 0; v < VMS; v++) {
		if (of[v] < 0 || of[v] >= VMS || seen[of[v]])
			return false;
		seen[of[v]] = true;
	}
	return true;
}

static void test_pairing(void **unused)
{
	(void)unused;
	char path[] = "/tmp/cotenant-shuffle-XXXXXX.csv";
	int of[12][VMS], plain[VMS];
	struct harness h;

	write_trace(path, VMS);
	char *yaml = scenario(path, "shuffle_traces: true\n");
	harness_open(&h, yaml);
	for (size_t run = 0; run < 12; run++) {
		pairing(&h, run, of[run]);
		assert_true(is_permutation(of[run]));
	}
	for (size_t seed = 0; seed < 6; seed++) {
		assert_memory_equal(of[seed], of[6 + seed], sizeof(plain));
		for (size_t other = 0; other < seed; other++)
			assert_memory_not_equal(of[seed], of[other], sizeof(plain));
	}
	harness_close(&h);
	free(yaml);
	yaml = scenario(path, "");
	harness_open(&h, yaml);
	pairing(&h, 3, plain);
	for (int v = 0; v < VMS; v++)
		assert_int_equal(plain[v], v);
	harness_close(&h);
	free(yaml);
	unlink(path);
}

/* Lives go with the demand: a VM begins with the first sample of whom it replays. */
static void test_lives(void **unused)
{
	(void)unused;
	char path[] = "/tmp/cotenant-shuffle-XXXXXX.csv";
	struct harness h;

	write_trace(path, 10);
	char *yaml =
		text_of("tick: 10s\nduration: 100s\nshuffle_traces: true\n"
			"hosts:\n  - {name: h, cores: 64, speed: 1GHz, memory: 64GiB}\n"
			"vms:\n  - {name: a, life_from_trace: true, speed: 1GHz, memory: 1MiB,\n"
			"     workload: {kind: trace, path: %s}}\n",
			path);
	harness_open(&h, yaml);
	harness_run(&h, 0);
	int moved = 0;
	for (int v = 0; v < VMS; v++) {
		char name[16];
		snprintf(name, sizeof(name), "a-%d", v);
		int column = (int)lround(vm_cell(&h, name, "cpu_want_mhz") / 10);
		assert_near(vm_cell(&h, name, "created_s"), column / 10 * 10, 0);
		moved += column != v;
	}
	assert_true(moved > VMS / 2);
	harness_close(&h);
	free(yaml);
	unlink(path);
}

static void test_needs_a_trace(void **unused)
{
	(void)unused;
	const char *yaml =
		"tick: 1s\nduration: 1s\nshuffle_traces: true\n"
		"hosts:\n  - {name: h, cores: 1, speed: 1GHz, memory: 1GiB}\n"
		"vms:\n  - {name: v, memory: 1MiB, workload: {kind: constant, cpu: 1%}}\n";
	struct scenario *s;
	struct err err = {0};

	assert_int_equal(scenario_load_text(&s, "t.yaml", yaml, strlen(yaml), NULL, 0, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "t.yaml:3:1: shuffle_traces: needs a workload"));
	scenario_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairing),
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_needs_a_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
