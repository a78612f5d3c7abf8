/*
 * Fluid schedules, exact: jobs with weights and caps share a capacity, each is a VM with a batch
 * job. The cases of tests/data/fluid_public.jsonl are rational solutions (fields: capacity C, which
 * `cores` cores have together; jobs: arrival, weight, size, cap; finish times); one unit of time
 * is 1000 s here and one of capacity is 1 GHz, so that the nanosecond of the clock is nothing.
 */
#include "tests/harness.h"

#define UNIT     1000.0 /* seconds */
#define MAX_JOBS 16
#define EXACT    1e-9

struct job {
	double arrival, weight, size, cap, finish; /* cap 0 = none */
};

struct fluid {
	double capacity;
	int cores;
	size_t n;
	struct job job[MAX_JOBS];
};

/* The text of a scenario; every moment at which it would be divided beside events is a tick. */
static char *fluid_yaml(const struct fluid *f, int ticks, const char *policy)
{
	char vms[8192] = "";
	size_t len = 0;
	double end = 0, speed = f->capacity / f->cores;

	for (size_t i = 0; i < f->n; i++) {
		const struct job *j = &f->job[i];
		char cap[64] = "none";
		if (j->cap > 0)
			snprintf(cap, sizeof(cap), "%.12gGHz", j->cap);
		end = fmax(end, j->finish);
		len += (size_t)snprintf(
			vms + len, sizeof(vms) - len,
			"  - {name: j%zu, memory: 1KiB, start: %.12gs, destroy_when_done: true,\n"
			"     vcpus: %d, cpu: {weight: %.12g, cap: %s},\n"
			"     workload: {kind: batch, work: %.12gs}}\n",
			i, j->arrival * UNIT, f->cores, j->weight, cap, j->size / speed * UNIT);
	}
	double duration = ceil(end * UNIT + 1);
	return text_of("tick: %.9fs\nduration: %.0fs\nhosts:\n"
		       "  - {name: h, cores: %d, speed: %.12gGHz, memory: 1GiB}\nvms:\n%s"
		       "policies: {cpu: %s}\noutput: {vm_timeline: 0}\n",
		       duration / ticks, duration, f->cores, speed, vms, policy);
}

static void fluid_check(const char *id, const struct fluid *f, int ticks, const char *policy)
{
	struct harness h;
	char *yaml = fluid_yaml(f, ticks, policy), name[32];
	double work = 0, given = 0;

	harness_open(&h, yaml);
	harness_run(&h, 0);
	for (size_t i = 0; i < f->n; i++) {
		snprintf(name, sizeof(name), "j%zu-0", i);
		double end = vm_cell(&h, name, "ended_s"), right = f->job[i].finish * UNIT;
		if (!(fabs(end - right) <= EXACT * right))
			fail_msg("%s: job %zu ends at %.15g, not %.15g", id, i, end, right);
		work += f->job[i].size;
		given += vm_cell(&h, name, "work_core_s") * f->capacity / f->cores / UNIT;
	}
	assert_near(given, work, 1e-8); /* 9 digits in the file */
	assert_true(summary(&h, "completed") == (double)f->n);
	harness_close(&h);
	free(yaml);
}

/* Reading the cases. */

/* Goes past @what; NULL if it is not there. */
static const char *past(const char *s, const char *what)
{
	s = s ? strstr(s, what) : NULL;
	return s ? s + strlen(what) : NULL;
}

/* "47/2", with its quotes, or null, which is 0. */
static const char *rational(const char *s, double *value)
{
	char *end;

	s += strspn(s, " ,[");
	*value = 0;
	if (strncmp(s, "null", 4) == 0)
		return s + 4;
	assert_true(*s == '"');
	*value = strtod(s + 1, &end);
	if (*end == '/')
		*value /= strtod(end + 1, &end);
	assert_true(*end == '"');
	return end + 1;
}

static void fluid_read(const char *line, struct fluid *f)
{
	const char *s = past(line, "\"C\": ");

	memset(f, 0, sizeof(*f));
	assert_non_null(s);
	rational(s, &f->capacity);
	f->cores = atoi(past(line, "\"cores\": "));
	s = past(line, "\"jobs\": [");
	while (*s != ']') {
		struct job *j = &f->job[f->n++];
		assert_true(f->n <= MAX_JOBS);
		s = rational(s, &j->arrival);
		s = rational(s, &j->weight);
		s = rational(s, &j->size);
		s = rational(s, &j->cap);
		assert_true(*s == ']');
		s += 1 + strspn(s + 1, ", ");
	}
	s = past(line, "\"finish\": [");
	for (size_t i = 0; i < f->n; i++)
		s = rational(s, &f->job[i].finish);
	assert_true(*s == ']');
}

static void test_fluid_public(void **unused)
{
	(void)unused;
	FILE *file = fopen("tests/data/fluid_public.jsonl", "r");
	char line[8192], id[32];
	struct fluid f;
	int cases = 0;

	if (!file)
		fail_msg("tests/data/fluid_public.jsonl: run this from the top of the tree");
	while (fgets(line, sizeof(line), file)) {
		fluid_read(line, &f);
		snprintf(id, sizeof(id), "%.*s", (int)strcspn(line + 8, "\""), line + 8);
		fluid_check(id, &f, 1, "weighted");
		fluid_check(id, &f, 17, "weighted"); /* J4: more ticks change nothing */
		cases++;
	}
	fclose(file);
	assert_int_equal(cases, 60);
}

static void test_b31_b32_b33(void **unused)
{
	(void)unused;
	const struct fluid b31 = {
		1, 1, 4, {{0, 1, 1, 0, 4}, {0, 1, 2, 0, 7}, {0, 1, 3, 0, 9}, {0, 1, 4, 0, 10}}};
	const struct fluid b32 = {1, 1, 3, {{0, 1, 2, 0, 7}, {0, 1, 1, 0, 4}, {0, 2, 4, 0, 7}}};
	const struct fluid b33 = {
		1, 1, 3, {{0, 1, 3, 0, 6}, {1, 2, 2, 0, 14. / 3}, {2, 1, 1, 0, 16. / 3}}};

	fluid_check("B31", &b31, 1, "weighted");
	fluid_check("B31", &b31, 1, "equal");
	fluid_check("B32", &b32, 1, "weighted");
	fluid_check("B33", &b33, 1, "weighted");
	fluid_check("B33", &b33, 1000, "weighted");
}

/* SimGrid's capping example: a job that takes 10 s alone, with caps on one core and on two. */
static void test_b28_caps(void **unused)
{
	(void)unused;
	static const struct fluid of[] = {
		{1, 1, 2, {{0, 1, 10, 0, 20}, {0, 1, 10, 0, 20}}},
		{1, 1, 2, {{0, 1, 10, .75, 20}, {0, 1, 10, 1, 20}}},
		{1, 1, 2, {{0, 1, 10, 0, 40. / 3}, {0, 1, 10, .25, 40}}},
		{1, 1, 2, {{0, 1, 10, .75, 40. / 3}, {0, 1, 10, .25, 40}}},
		{1, 1, 1, {{0, 1, 10, .5, 20}}},
		{1, 1, 1, {{0, 1, 10, 0, 10}}},
		{1, 1, 1, {{0, 1, 10, 2, 10}}},
	};

	for (size_t i = 0; i < COUNT(of); i++)
		fluid_check("B28", &of[i], 1, "weighted");
}

static void expect_ends(const char *yaml, const double *ends, size_t n)
{
	struct harness h;
	char name[32];

	harness_open(&h, yaml);
	harness_run(&h, 0);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "v-%zu", i);
		assert_near(vm_cell(&h, name, "ended_s"), ends[i], EXACT);
	}
	harness_close(&h);
}

/* The CloudSim paper's figure, where tasks share the time of their VM: two VMs of two cores and
 * four tasks of 100 s each on a host of two cores, in line or sharing. */
static void test_b34_space_and_time(void **unused)
{
	(void)unused;
	static const char common[] =
		"tick: 1000s\nduration: 1000s\nwhen_full: queue\n"
		"hosts:\n  - {name: h, cores: 2, speed: 1GHz, memory: 1GiB}\nvms:\n"
		"  - {name: v, count: 2, vcpus: 2, memory: 1MiB, destroy_when_done: true,\n"
		"     workload: {kind: batch, work: 100s, tasks: 4}}\n";
	char *in_line = text_of("%sovercommit: {cpu: 1}\n", common);

	expect_ends(in_line, (double[]){200, 400}, 2);
	expect_ends(common, (double[]){400, 400}, 2);
	free(in_line);
}

/* The same with tasks that take turns at their VM's cores: VMs in line, tasks end at L, L, 2L, 2L and 3L,
 * 3L, 4L, 4L; VMs that share, each on half of what it wants, 2L, 2L, 4L, 4L both. */
static void test_b34_tasks_in_line(void **unused)
{
	(void)unused;
	static const char common[] =
		"tick: 1000s\nduration: 1000s\nwhen_full: queue\n"
		"hosts:\n  - {name: h, cores: 2, speed: 1GHz, memory: 1GiB}\nvms:\n"
		"  - {name: v, count: 2, vcpus: 2, memory: 1MiB, destroy_when_done: true,\n"
		"     workload: {kind: requests, arrivals: 0s, count: 4, service: 100s}}\n";
	static const double of[2][2][3] = {{{200, 150, 200}, {400, 150, 200}},
					   {{400, 300, 400}, {400, 300, 400}}};
	char *in_line = text_of("%sovercommit: {cpu: 1}\n", common);

	for (int shared = 0; shared < 2; shared++) {
		struct harness h;
		harness_open(&h, shared ? common : in_line);
		harness_run(&h, 0);
		for (int i = 0; i < 2; i++) {
			const char *vm = i ? "v-1" : "v-0";
			assert_near(vm_cell(&h, vm, "ended_s"), of[shared][i][0], EXACT);
			assert_near(vm_cell(&h, vm, "completed"), 4, EXACT);
			assert_near(vm_cell(&h, vm, "response_mean_s"), of[shared][i][1], EXACT);
			assert_near(vm_cell(&h, vm, "response_p99_s"), of[shared][i][2], .01);
		}
		harness_close(&h);
	}
	free(in_line);
}

/* B29: SimGrid's writes of 4 MB each to a disk of 40 MB/s, with weights 1 and 2 from the beginning, or
 * alike for a tenth of a second. */
static void test_b29_writes(void **unused)
{
	(void)unused;
	static const char head[] = "tick: 1s\nduration: 2s\nhosts:\n"
				   "  - {name: h, cores: 2, speed: 1GHz, memory: 1GiB, disks: "
				   "{bandwidth: 40MB/s}}\nvms:\n";
	static const char load[] =
		"memory: 1MiB, destroy_when_done: true,\n"
		"     workload: {kind: transfer, amount: 4MB, bandwidth: 100MB/s}";
	static const struct {
		int weight;
		const char *more;
		double end[2];
	} of[] = {{2, "", {.2, .15}},
		  {1, "actions: {at: 100ms, vm: w, do: resize, io: {weight: 2}}\n", {.2, .175}}};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct harness h;
		char *yaml = text_of("%s  - {name: v, %s}\n  - {name: w, io: {weight: %d}, %s}\n%s",
				     head, load, of[i].weight, load, of[i].more);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(vm_cell(&h, "v-0", "ended_s"), of[i].end[0], EXACT);
		assert_near(vm_cell(&h, "w-0", "ended_s"), of[i].end[1], EXACT);
		assert_near(vm_cell(&h, "v-0", "slowdown_mean"), .2 / .04, EXACT);
		harness_close(&h);
		free(yaml);
	}
}

/* Beside other traffic of its VM it has its part; too few operations, or too little CPU, hold it up. */
static void test_transfers_held_up(void **unused)
{
	(void)unused;
	static const struct {
		const char *workload;
		double end;
	} of[] = {
		{"{kind: transfer, amount: 40MB, bandwidth: 10MB/s}", 4},
		{"[{kind: transfer, amount: 40MB, bandwidth: 40MB/s}, {kind: constant, cpu: 0%, "
		 "bandwidth: 40MB/s}]",
		 2},
		{"{kind: transfer, amount: 40MB, bandwidth: 40MB/s, iops: 400/s}", 4},
		{"{kind: transfer, amount: 40MB, bandwidth: 20MB/s, cpu: 100%}", 4},
		{"{kind: transfer, amount: 40MB, bandwidth: 40MB/s, cpu: 2 cores}", 2},
		{"{kind: transfer, amount: 0B, bandwidth: 40MB/s}", 0},
	};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct harness h;
		char *yaml = text_of(
			"tick: 1s\nduration: 20s\nhosts: {name: h, cores: 2, speed: 500MHz,\n"
			"  memory: 1GiB, disks: {bandwidth: 40MB/s, iops: 100/s}}\n"
			"vms: {name: v, vcpus: 2, speed: 1GHz, memory: 1MiB, workload: %s}\n"
			"actions:\n  - {at: 7s, vm: v, do: pause}\n",
			of[i].workload);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(vm_cell(&h, "v-0", "response_mean_s"), of[i].end, EXACT);
		harness_close(&h);
		free(yaml);
	}
}

/* CloudSim 3.0.3's own examples 1, 2, 3, 6 and 7; a MIPS is a MHz here. */
static void test_b35_cloudsim_examples(void **unused)
{
	(void)unused;
	static const char head[] = "tick: 2000s\nduration: 2000s\nhosts:\n";
	static const char vm[] = "memory: 1MiB, destroy_when_done: true";
	char *ex1 = text_of("%s  - {name: h, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
			    "  - {name: v, %s, workload: {kind: batch, work: 400s}}\n",
			    head, vm);
	char *ex2 = text_of("%s  - {name: h, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
			    "  - {name: v, count: 2, speed: 250MHz, %s,\n"
			    "     workload: {kind: batch, work: 1000s}}\n",
			    head, vm);
	char *ex3 =
		text_of("%s  - {name: h, count: 2, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
			"  - {name: v, speed: 250MHz, %s, workload: {kind: batch, work: 160s}}\n"
			"  - {name: w, speed: 500MHz, %s, workload: {kind: batch, work: 80s}}\n",
			head, vm, vm);
	char *ex7 = text_of("%s  - {name: h, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
			    "  - {name: v, count: 2, speed: 250MHz, %s,\n"
			    "     workload: {kind: batch, work: 160s, tasks: 2}}\n",
			    head, vm);
	char *ex6 =
		text_of("%s  - {name: h, count: 3, cores: 4, speed: 1GHz, memory: 1GiB}\nvms:\n"
			"  - {name: v, count: 4, %s, workload: {kind: batch, work: 1s, tasks: 4}}\n"
			"  - {name: w, count: 8, %s, workload: {kind: batch, work: 1s, tasks: 3}}\n"
			"overcommit: {cpu: 1}\n",
			head, vm, vm);
	struct harness h;

	expect_ends(ex1, (double[]){400}, 1);
	expect_ends(ex2, (double[]){1000, 1000}, 2);
	expect_ends(ex3, (double[]){160}, 1);
	expect_ends(ex7, (double[]){320, 320}, 2);
	expect_ends(ex6, (double[]){4, 4, 4, 4}, 4);
	harness_open(&h, ex6);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "w-0", "ended_s"), 3, EXACT);
	assert_near(vm_cell(&h, "w-7", "ended_s"), 3, EXACT);
	assert_near(summary(&h, "slowdown_mean"), 1, EXACT);
	harness_close(&h);
	harness_open(&h, ex3);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "w-0", "ended_s"), 80, EXACT);
	harness_close(&h);
	free(ex1);
	free(ex2);
	free(ex3);
	free(ex6);
	free(ex7);
}

/* OpenDC's FlowDistributor: 4000 MHz for two demands. */
static void test_b30_two_demands(void **unused)
{
	(void)unused;
	static const double of[][4] = {{6000, 5000, 2000, 2000},
				       {3000, 1500, 2500, 1500},
				       {1500, 3000, 1500, 2500},
				       {2500, 3000, 2000, 2000},
				       {1000, 3000, 1000, 3000}};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct harness h;
		char *yaml = text_of("tick: 1s\nduration: 10s\nhosts:\n"
				     "  - {name: h, cores: 1, speed: 4000MHz, memory: 1GiB}\nvms:\n"
				     "  - {name: a, vcpus: 2, memory: 1MiB,\n"
				     "     workload: {kind: constant, cpu: %gMHz}}\n"
				     "  - {name: b, vcpus: 2, memory: 1MiB,\n"
				     "     workload: {kind: constant, cpu: %gMHz}}\n",
				     of[i][0], of[i][1]);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(vm_cell(&h, "a-0", "cpu_want_mhz"), of[i][0], EXACT);
		assert_near(vm_cell(&h, "b-0", "cpu_want_mhz"), of[i][1], EXACT);
		assert_near(vm_cell(&h, "a-0", "cpu_grant_mhz"), of[i][2], EXACT);
		assert_near(vm_cell(&h, "b-0", "cpu_grant_mhz"), of[i][3], EXACT);
		harness_close(&h);
		free(yaml);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fluid_public),
		cmocka_unit_test(test_b28_caps),
		cmocka_unit_test(test_b30_two_demands),
		cmocka_unit_test(test_b31_b32_b33),
		cmocka_unit_test(test_b34_space_and_time),
		cmocka_unit_test(test_b34_tasks_in_line),
		cmocka_unit_test(test_b29_writes),
		cmocka_unit_test(test_transfers_held_up),
		cmocka_unit_test(test_b35_cloudsim_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
