/*
 * What must stay the same, or change in a known way, when a scenario is changed: no expected
 * values, so these tests look at everything that a run writes. The world has every kind of
 * workload, limits, weights and contention.
 */
#include "tests/harness.h"

#include "sim/batch.h"

#define HOSTS                                                   \
	"  - {name: h, cores: 6, speed: 2GHz, memory: 16GiB,\n" \
	"     power: {kind: linear, idle: 100W, max: 220W},\n"  \
	"     disks: {bandwidth: 300MB/s, iops: 4000 IOPS}}\n"
#define UNUSED_HOST                                             \
	"  - {name: u, cores: 6, speed: 2GHz, memory: 16GiB,\n" \
	"     power: {kind: linear, idle: 80W, max: 90W}}\n"
#define HEAD                                                                                   \
	"tick: 1s\nduration: 200s\nseed: 5\noutput: {vm_timeline: 100, distributions: true,\n" \
	"  events: true}\nhosts:\n" HOSTS

#define WEB                                                                                        \
	"  - {name: web, count: 2, vcpus: 2, memory: 1GiB, cpu: {cap: 90%},\n"                     \
	"     workload: {kind: onoff, cpu: 100%, on_time: exp(7s), off_time: exp(5s), bandwidth: " \
	"90MB/s}}\n"
#define DB                                                                                        \
	"  - {name: db, vcpus: 4, memory: 4GiB, cpu: {weight: 3, floor: 20%}, io: {weight: 2},\n" \
	"     workload: {kind: sine, cpu: 90%, low: 10%, period: 40s, every: 2s,\n"               \
	"                bandwidth: 200MB/s, iops: 3000 IOPS}}\n"
#define QUEUE                                         \
	"  - {name: queue, vcpus: 2, memory: 1GiB,\n" \
	"     workload: {kind: requests, arrivals: exp(400ms), service: exp(500ms)}}\n"
#define LATE                                                                                     \
	"  - {name: late, vcpus: 2, memory: 1GiB, cpu: {weight: 0.5},\n"                         \
	"     workload: {kind: stochastic, cpu: 100%, level: \"uniform(0%, 50%)\", every: 3s,\n" \
	"                unmet: backlog}}\n"
#define JOB                                                                       \
	"  - {name: job, count: 9, vcpus: 2, memory: 1GiB, arrivals: exp(15s),\n" \
	"     destroy_when_done: true,\n"                                         \
	"     workload: {kind: batch, work: exp(9s), tasks: 3}}\n"
#define VMS WEB DB QUEUE LATE JOB

/* Compares files. */

static bool is_one_of(const char *name, const char *list)
{
	size_t n = strlen(name);

	for (const char *s = list; (s = strstr(s, name)) != NULL; s += n)
		if ((s == list || s[-1] == ' ') && (s[n] == ' ' || s[n] == '\0'))
			return true;
	return false;
}

static bool is_near(const char *a, const char *b, double relative)
{
	char *end_a, *end_b;
	double x = strtod(a, &end_a), y = strtod(b, &end_b);

	if (strcmp(a, b) == 0)
		return true;
	return end_a > a && end_b > b && *end_a == '\0' && *end_b == '\0' &&
	       fabs(x - y) <= relative * fmax(fabs(x), fabs(y)) + 1e-12;
}

static size_t row_with(const struct csv_table *t, size_t key, const char *value)
{
	for (size_t row = 0; row < t->nrows; row++)
		if (strcmp(t->cell[row * t->ncols + key], value) == 0)
			return row;
	fail_msg("no row %s", value);
	return 0;
}

/* Every VM of @a has in @b the same cells, but for the columns in @except. */
static void assert_same_vms(struct harness *a, struct harness *b, double relative,
			    const char *except)
{
	const struct csv_table *ta = harness_table(a, OUTPUT_VMS);
	const struct csv_table *tb = harness_table(b, OUTPUT_VMS);
	size_t key = column_of(ta, "vm");

	for (size_t row = 0; row < ta->nrows; row++) {
		const char **x = ta->cell + row * ta->ncols;
		const char **y = tb->cell + row_with(tb, key, x[key]) * tb->ncols;
		for (size_t col = 0; col < ta->ncols; col++)
			if (!is_one_of(ta->name[col], except) && !is_near(x[col], y[col], relative))
				fail_msg("%s: %s: %s, and %s", x[key], ta->name[col], x[col],
					 y[col]);
	}
}

static void assert_same_summary(struct harness *a, struct harness *b, double relative,
				const char *except)
{
	const struct csv_table *ta = harness_table(a, OUTPUT_SUMMARY);
	const struct csv_table *tb = harness_table(b, OUTPUT_SUMMARY);

	for (size_t col = 0; col < ta->ncols; col++)
		if (!is_one_of(ta->name[col], except) &&
		    !is_near(ta->cell[col], tb->cell[col], relative))
			fail_msg("%s: %s, and %s", ta->name[col], ta->cell[col], tb->cell[col]);
}

struct two {
	struct harness a, b;
};

static void two_open(struct two *two, const char *a, const char *b)
{
	harness_open(&two->a, a);
	harness_open(&two->b, b);
	harness_run(&two->a, 0);
	harness_run(&two->b, 0);
}

static void two_close(struct two *two)
{
	harness_close(&two->a);
	harness_close(&two->b);
}

/* The tests. */

static void test_j1_order_of_vms(void **unused)
{
	(void)unused;
	struct two two;

	two_open(&two, HEAD "vms:\n" VMS, HEAD "vms:\n" JOB LATE QUEUE DB WEB);
	assert_same_vms(&two.a, &two.b, 1e-7, "");
	assert_same_summary(&two.a, &two.b, 1e-7, "");
	two_close(&two);
}

/* On a full host of half the speed everything takes twice as long. */
static void test_j2_scale_of_time(void **unused)
{
	(void)unused;
	static const char text[] =
		"tick: 1h\nduration: 1h\nhosts:\n"
		"  - {name: h, cores: 2, speed: %s, memory: 16GiB}\nvms:\n"
		"  - {name: a, count: 5, speed: 1GHz, memory: 1MiB, cpu: {weight: 2},\n"
		"     destroy_when_done: true,\n"
		"     workload: {kind: batch, work: exp(70s)}}\n"
		"  - {name: b, count: 5, speed: 1GHz, memory: 1MiB,\n"
		"     destroy_when_done: true,\n"
		"     workload: {kind: batch, work: \"uniform(1s, 50s)\"}}\n";
	char *fast = text_of(text, "1GHz"), *slow = text_of(text, "500MHz");
	struct two two;

	two_open(&two, fast, slow);
	const struct csv_table *t = harness_table(&two.a, OUTPUT_VMS);
	for (size_t row = 0; row < t->nrows; row++) {
		const char *vm = t->cell[row * t->ncols + column_of(t, "vm")];
		assert_near(2 * vm_cell(&two.a, vm, "ended_s"), vm_cell(&two.b, vm, "ended_s"),
			    1e-9);
	}
	two_close(&two);
	free(fast);
	free(slow);
}

static void test_j3_scale_of_weights(void **unused)
{
	(void)unused;
	static const char text[] = HEAD
		"vms:\n"
		"  - {name: a, count: 3, vcpus: 2, memory: 1MiB, cpu: {weight: %g},\n"
		"     workload: {kind: onoff, cpu: 100%%, on_time: exp(7s), off_time: exp(3s)}}\n"
		"  - {name: b, count: 3, vcpus: 2, memory: 1MiB, cpu: {weight: %g, cap: 80%%},\n"
		"     workload: {kind: stochastic, cpu: 100%%, level: \"uniform(50%%, 100%%)\",\n"
		"                every: 2s, unmet: backlog}}\n";
	char *light = text_of(text, 1., 2.5), *heavy = text_of(text, 8., 20.);
	struct two two;

	two_open(&two, light, heavy);
	assert_same_vms(&two.a, &two.b, 1e-8, "");
	assert_same_summary(&two.a, &two.b, 1e-8, "jain_dominant");
	two_close(&two);
	free(light);
	free(heavy);
}

/* Decisions at events do not depend on ticks. */
static void test_j4_splitting_ticks(void **unused)
{
	(void)unused;
	struct two two;

	two_open(&two, HEAD "vms:\n" VMS,
		 "tick: 125ms\nduration: 200s\nseed: 5\noutput: {distributions: "
		 "true}\nhosts:\n" HOSTS "vms:\n" VMS);
	assert_same_vms(&two.a, &two.b, 1e-7, "");
	assert_same_summary(&two.a, &two.b, 1e-7, "");
	two_close(&two);
}

static void test_j5_equals_and_doubles(void **unused)
{
	(void)unused;
	static const char text[] =
		"tick: 1s\nduration: 100s\nhosts:\n"
		"  - {name: h, cores: 4, speed: 1GHz, memory: 16GiB}\nvms:\n"
		"  - {name: other, vcpus: 4, memory: 1MiB,\n"
		"     workload: {kind: onoff, cpu: 100%%, on_time: 3s, off_time: 2s}}\n"
		"  - {name: x, count: %d, vcpus: 4, memory: 1MiB, cpu: {weight: %d},\n"
		"     workload: {kind: constant, cpu: 100%%}}\n";
	char *pair = text_of(text, 2, 3), *one = text_of(text, 1, 6);
	struct two two;

	two_open(&two, pair, one);
	double x = vm_cell(&two.a, "x-0", "cpu_grant_mhz");
	assert_true(x > 0);
	assert_near(vm_cell(&two.a, "x-1", "cpu_grant_mhz"), x, 1e-9);
	assert_near(vm_cell(&two.b, "x-0", "cpu_grant_mhz"), 2 * x, 1e-8);
	assert_near(vm_cell(&two.a, "other-0", "cpu_grant_mhz"),
		    vm_cell(&two.b, "other-0", "cpu_grant_mhz"), 1e-8);
	two_close(&two);
	free(pair);
	free(one);
}

/* Nothing is left over that somebody wants and may have. */
static void assert_work_is_conserved(struct harness *h)
{
	const struct csv_table *t = harness_table(h, OUTPUT_VM_TIMELINE);
	size_t c_time = column_of(t, "time_s"), c_vm = column_of(t, "vm");
	size_t c_want = column_of(t, "cpu_want_mhz"), c_grant = column_of(t, "cpu_grant_mhz");
	size_t full = 0, moments = 0;

	for (size_t row = 0; row < t->nrows;) {
		const char *time = t->cell[row * t->ncols + c_time];
		double most = 0, given = 0;
		for (; row < t->nrows && !strcmp(t->cell[row * t->ncols + c_time], time); row++) {
			bool web = strncmp(t->cell[row * t->ncols + c_vm], "web", 3) == 0;
			double want = csv_number(t, row, c_want);
			most += web ? fmin(want, 0.9 * 4000) : want;
			given += csv_number(t, row, c_grant);
		}
		moments++;
		full += most >= 12000;
		if (!(fabs(given - fmin(most, 12000)) <= 1e-4))
			fail_msg("at %s s: %.9g MHz given of %.9g", time, given, most);
	}
	assert_true(moments >= 199);
	if (full < 10 || full > moments - 10)
		fail_msg("full at %zu of %zu moments: no test of both cases", full, moments);
}

static void test_j6_work_is_conserved(void **unused)
{
	(void)unused;
	static const char *const policy[] = {"equal", "weighted", "priority"};

	for (size_t i = 0; i < COUNT(policy); i++) {
		struct harness h;
		char *yaml = text_of("%spolicies: {cpu: %s}\n", HEAD "vms:\n" VMS, policy[i]);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_work_is_conserved(&h);
		harness_close(&h);
		free(yaml);
	}
}

/* Time and energy of every host, some of which fail and some of which are off when empty. */
static void test_j7_time_and_energy(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(
		&h,
		"tick: 7s\nduration: 5000s\nwarmup: 333s\nhosts:\n"
		"  - {name: a, count: 2, cores: 4, speed: 2GHz, memory: 8GiB,\n"
		"     power: {kind: linear, idle: 100W, max: 220W},\n"
		"     time_to_failure: exp(500s), time_to_repair: exp(60s)}\n"
		"  - {name: b, count: 3, cores: 4, speed: 2GHz, memory: 8GiB,\n"
		"     power: {kind: linear, idle: 100W, max: 220W}, when_empty: off}\n"
		"vms:\n"
		"  - {name: v, memory: 2GiB, vcpus: 2, arrivals: exp(60s),\n"
		"     lifetime: exp(500s),\n"
		"     workload: {kind: onoff, cpu: 100%, on_time: exp(5s), off_time: exp(9s)}}\n"
		"output: {vm_timeline: 0}\nwhen_full: queue\n");
	harness_run(&h, 0);
	const struct csv_table *t = harness_table(&h, OUTPUT_HOSTS);
	double energy = 0, failures = 0, off = 0;
	for (size_t row = 0; row < t->nrows; row++) {
		double on_s = csv_number(t, row, column_of(t, "on_s"));
		double off_s = csv_number(t, row, column_of(t, "off_s"));
		double util = csv_number(t, row, column_of(t, "cpu_util"));
		double kwh = csv_number(t, row, column_of(t, "energy_kwh"));
		double down_s = csv_number(t, row, column_of(t, "down_s"));
		assert_near(on_s + off_s + down_s, 4667, 1e-8);
		assert_near(csv_number(t, row, column_of(t, "idle_s")) +
				    csv_number(t, row, column_of(t, "busy_s")),
			    on_s, 1e-8);
		assert_near(kwh, on_s * (100 + 120 * util) / 3.6e6, 1e-8);
		assert_near(csv_number(t, row, column_of(t, "availability")), 1 - down_s / 4667,
			    1e-8);
		energy += kwh;
		off += off_s;
		failures += csv_number(t, row, column_of(t, "failures"));
	}
	assert_near(summary(&h, "energy_kwh"), energy, 1e-8);
	assert_true(failures > 5 && off > 1000);
	harness_close(&h);
}

/* Demand is done, kept or lost: in a VM of two cores with a cap of half of that, which is busy for
 * 10 s of every 25 s. */
static void test_j8_work_in_is_work_out(void **unused)
{
	(void)unused;
	static const char *const unmet[] = {"drop", "backlog"};
	double work_in = 8 * 10 * 2000 + 4 * 2000; /* 8 periods, and 4 s of the ninth */

	for (size_t i = 0; i < COUNT(unmet); i++) {
		struct harness h;
		char *yaml = text_of("tick: 1s\nduration: 204s\nhosts:\n"
				     "  - {name: h, cores: 2, speed: 1GHz, memory: 1GiB}\nvms:\n"
				     "  - {name: v, vcpus: 2, memory: 1MiB, cpu: {cap: 35%%},\n"
				     "     workload: {kind: onoff, cpu: 100%%, on_time: 10s, "
				     "off_time: 15s, start: on,\n"
				     "                unmet: %s}}\n"
				     "output: {vm_timeline: 0}\n",
				     unmet[i]);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		double done = vm_cell(&h, "v-0", "cpu_grant_mhz") * 204;
		double lost = vm_cell(&h, "v-0", "cpu_shortfall") *
			      vm_cell(&h, "v-0", "cpu_want_mhz") * 204;
		double kept = vm_cell(&h, "v-0", "backlog_mhz_s");
		if (i == 0)
			assert_near(done + lost, work_in, 1e-8);
		else
			assert_near(done + kept, work_in, 1e-8);
		assert_true(i == 0 ? lost > 0 && !(kept > 0) : kept > 0);
		harness_close(&h);
		free(yaml);
	}
}

#define HEAD_J14(DURATION)                                                                      \
	"tick: 1s\nduration: " DURATION "\nhosts: {name: h, count: 2, cores: 4, speed: 2GHz,\n" \
	"  memory: 8GiB, disks: {bandwidth: 100MB/s, iops: 1500 IOPS}}\n"                       \
	"overcommit: {memory: 2}\npolicies: {placer: worst-fit}\n"

static void read_bytes(const char *dir, const char *file, char **text, size_t *n)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	*text = malloc(1 << 24);
	assert_non_null(*text);
	*n = fread(*text, 1, 1 << 24, f);
	fclose(f);
}

static void batch_into(struct harness *h, char dir[128], unsigned jobs)
{
	struct batch batch = {
		.scenario = h->scenario, .traces = &h->traces, .dir = dir, .jobs = jobs};

	snprintf(dir, 128, "%s/j%u", h->dir, jobs);
	if (batch_run(&batch, &h->err))
		fail_msg("%s", h->err.text);
}

static void remove_batch(const char *dir)
{
	char path[512];

	for (int f = 0; f < OUTPUT_FILES; f++) {
		snprintf(path, sizeof(path), "%s/%s", dir, output_file_name[f]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/manifest.yaml", dir);
	unlink(path);
	rmdir(dir);
}

static void test_j11_jobs_do_not_matter(void **unused)
{
	(void)unused;
	struct harness h;
	char one[128], four[128], *a, *b;
	size_t na, nb;

	harness_open(&h,
		     HEAD "vms:\n" VMS "replications: 5\ncompare: [equal, weighted, priority]\n");
	batch_into(&h, one, 1);
	batch_into(&h, four, 4);
	for (int f = 0; f < OUTPUT_FILES; f++) {
		read_bytes(one, output_file_name[f], &a, &na);
		read_bytes(four, output_file_name[f], &b, &nb);
		assert_true(na > 100 && na < 1 << 24);
		assert_int_equal(na, nb);
		assert_memory_equal(a, b, na);
		free(a);
		free(b);
	}
	remove_batch(one);
	remove_batch(four);
	harness_close(&h);
}

/* What VMs wanted at the end of each tick, replayed, is granted again: the row of t s there is that of
 * t - 1 s here, since a timeline does not tell of moment 0. Traces hold 24 bits of a number. */
static void assert_replays(const char *recorded)
{
	static const char *const columns[] = {
		"cpu_want_mhz",      "cpu_grant_mhz",      "mem_want_bytes", "mem_grant_bytes",
		"disk_want_bytes_s", "disk_grant_bytes_s", "iops_want",      "iops_grant"};
	char *yaml = text_of("%svms: {name: v, count: 6, vcpus: 2, memory: 2GiB,\n"
			     "  workload: {kind: trace, path: %s}}\noutput: {vm_timeline: 6}\n",
			     HEAD_J14("59s"), recorded);
	struct csv_table was;
	struct harness h;

	harness_open(&h, yaml);
	harness_run(&h, 0);
	assert_int_equal(csv_read(&was, recorded, &h.err), 0);
	const struct csv_table *is = harness_table(&h, OUTPUT_VM_TIMELINE);
	assert_int_equal(was.nrows, 2 * 60 * 6); /* of two runs */
	assert_int_equal(is->nrows, 59 * 6);
	for (size_t row = 0; row < is->nrows; row++)
		for (size_t k = 0; k < COUNT(columns); k++) {
			double a = csv_number(&was, row + 6, column_of(&was, columns[k]));
			double b = csv_number(is, row, column_of(is, columns[k]));
			assert_near(b, a, 3e-7);
		}
	csv_table_free(&was);
	harness_close(&h);
	free(yaml);
}

static void test_j14_replay_of_a_timeline(void **unused)
{
	(void)unused;
	struct harness h;
	char dir[128], *path;

	harness_open(&h,
		     HEAD_J14("60s") "vms: {name: v, count: 6, vcpus: 2, memory: 2GiB,\n"
				     "  workload: [{kind: stochastic, level: \"uniform(20%, "
				     "100%)\", every: 1s,\n"
				     "    memory: 1.9GiB, bandwidth: 60MB/s, iops: 900/s},\n"
				     "    {kind: onoff, cpu: 50%, on_time: 7s, off_time: 3s}]}\n"
				     "output: {vm_timeline: 6}\ncompare: [weighted, equal]\n");
	batch_into(&h, dir, 1);
	path = text_of("%s/vm_timeline.csv", dir);
	assert_replays(path);
	free(path);
	remove_batch(dir);
	harness_close(&h);
}

/* One VM per host: there is nothing to divide, and all policies do the same. */
static void test_j12_degenerate_policies(void **unused)
{
	(void)unused;
	static const char text[] =
		"tick: 1s\nduration: 300s\nhosts:\n"
		"  - {name: h, count: 6, cores: 2, speed: 1GHz, memory: 8GiB}\nvms:\n" QUEUE
		"  - {name: web, vcpus: 2, memory: 1GiB, cpu: {cap: 90%},\n"
		"     workload: {kind: onoff, cpu: 100%, on_time: exp(7s), off_time: exp(5s)}}\n"
		"  - {name: job, count: 2, vcpus: 2, memory: 1GiB, cpu: {weight: 4},\n"
		"     workload: {kind: batch, work: exp(60s), tasks: 3}}\n"
		"overcommit: {cpu: 1}\n";
	static const char *const other[] = {"cpu: weighted", "cpu: priority", "all: drf"};
	char *equal = text_of("%spolicies: {cpu: equal}\n", text);

	for (size_t i = 0; i < COUNT(other); i++) {
		struct two two;
		char *yaml = text_of("%spolicies: {%s}\n", text, other[i]);
		two_open(&two, equal, yaml);
		assert_same_vms(&two.a, &two.b, 1e-9, "policy");
		assert_same_summary(&two.a, &two.b, 1e-9, "policy cpu memory disk");
		two_close(&two);
		free(yaml);
	}
	free(equal);
}

static double mean_response(const char *reallocate, const char *tick)
{
	struct harness h;
	char *yaml = text_of("tick: %s\nduration: 9000s\nreallocate: %s\nhosts:\n"
			     "  - {name: h, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
			     "  - {name: v, count: %d, memory: 1KiB, arrivals: exp(4s),\n"
			     "     destroy_when_done: true,\n"
			     "     workload: {kind: batch, work: exp(1s)}}\n"
			     "output: {vm_timeline: 0}\n",
			     tick, reallocate, 2000);

	harness_open(&h, yaml);
	harness_run(&h, 0);
	assert_true(summary(&h, "completed") == 2000);
	double mean = summary(&h, "response_mean_s");
	harness_close(&h);
	free(yaml);
	return mean;
}

/* Deciding at ticks only costs a time in proportion to the tick. */
static void test_j13_tick_bias(void **unused)
{
	(void)unused;
	double exact = mean_response("event", "1h");
	double h = mean_response("tick", "200ms") - exact;
	double half = mean_response("tick", "100ms") - exact;
	double quarter = mean_response("tick", "50ms") - exact;
	double eighth = mean_response("tick", "25ms") - exact;

	if (getenv("ORACLE_VERBOSE"))
		print_message("J13: %.6f, errors %.6f %.6f %.6f %.6f\n", exact, h, half, quarter,
			      eighth);
	assert_true(h / half > 1.7 && h / half < 2.3);
	assert_true(half / quarter > 1.7 && half / quarter < 2.3);
	assert_true(quarter / eighth > 1.7 && quarter / eighth < 2.3);
	assert_near(exact + 2 * eighth - quarter, exact, 2e-3); /* Richardson */
}

static void test_j15_idle_vm(void **unused)
{
	(void)unused;
	struct two two;

	two_open(&two, HEAD "vms:\n" VMS,
		 HEAD "vms:\n"
		      "  - {name: idle, vcpus: 4, memory: 1MiB,\n"
		      "     workload: {kind: constant, cpu: 0%}}\n" VMS);
	assert_same_vms(&two.a, &two.b, 1e-9, "");
	assert_same_summary(&two.a, &two.b, 1e-9,
			    "vms placed gini jain jain_dominant envy sharing_violations");
	two_close(&two);
}

static void test_j16_unused_host(void **unused)
{
	(void)unused;
	struct two two;

	/* First fit never comes to the second host: memory is what it looks at here. */
	two_open(&two, HEAD "vms:\n" VMS, HEAD UNUSED_HOST "vms:\n" VMS);
	assert_same_vms(&two.a, &two.b, 1e-9, "");
	assert_same_summary(&two.a, &two.b, 1e-9,
			    "energy_kwh facility_kwh carbon_g esv "
			    "cpu_util mem_util disk_util iops_util overload");
	assert_near(summary(&two.b, "energy_kwh") - summary(&two.a, "energy_kwh"), 200 * 80 / 3.6e6,
		    1e-6);
	two_close(&two);
}

static void test_j17_cap_beyond_reach(void **unused)
{
	(void)unused;
	static const char head[] =
		HEAD "vms:\n" DB QUEUE JOB "  - {name: x, vcpus: 2, memory: 1GiB,\n";
	static const char tail[] =
		"     workload: {kind: onoff, cpu: 50%, on_time: exp(5s), off_time: exp(5s)}}\n";
	char *at = text_of("%s     cpu: {cap: 50%%},\n%s", head, tail);
	char *above = text_of("%s     cpu: {cap: 70%%},\n%s", head, tail);
	char *none = text_of("%s%s", head, tail);
	struct two two;

	two_open(&two, at, above);
	assert_same_vms(&two.a, &two.b, 1e-9, "");
	assert_same_summary(&two.a, &two.b, 1e-9, "envy");
	two_close(&two);
	two_open(&two, at, none);
	assert_same_vms(&two.a, &two.b, 1e-9, "");
	assert_same_summary(&two.a, &two.b, 1e-9, "envy");
	two_close(&two);
	free(at);
	free(above);
	free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_j1_order_of_vms),
		cmocka_unit_test(test_j2_scale_of_time),
		cmocka_unit_test(test_j3_scale_of_weights),
		cmocka_unit_test(test_j4_splitting_ticks),
		cmocka_unit_test(test_j5_equals_and_doubles),
		cmocka_unit_test(test_j6_work_is_conserved),
		cmocka_unit_test(test_j7_time_and_energy),
		cmocka_unit_test(test_j8_work_in_is_work_out),
		cmocka_unit_test(test_j11_jobs_do_not_matter),
		cmocka_unit_test(test_j12_degenerate_policies),
		cmocka_unit_test(test_j14_replay_of_a_timeline),
		cmocka_unit_test(test_j13_tick_bias),
		cmocka_unit_test(test_j15_idle_vm),
		cmocka_unit_test(test_j16_unused_host),
		cmocka_unit_test(test_j17_cap_beyond_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
