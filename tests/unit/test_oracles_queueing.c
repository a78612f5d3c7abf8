/*
 * Queueing theory against whole scenarios. The numbers are exact (closed forms, or solved Markov
 * chains), so nothing here is compared with what the program said once. Each check is on the mean
 * of independent replications: at most 4 standard errors off, and a standard error of at most 1 %,
 * unless the test says which other bound it can afford.
 */
#include "tests/harness.h"

/* Stations in one VM. */

static char *station(const char *arrivals, const char *service, int cores, const char *discipline,
		     double duration, double warmup)
{
	return text_of("tick: %.0fs\nduration: %.0fs\nwarmup: %.0fs\nreplications: %d\n"
		       "hosts:\n  - {name: h, cores: %d, speed: 1GHz, memory: 1GiB}\n"
		       "vms:\n  - name: q\n    vcpus: %d\n    memory: 1MiB\n"
		       "    workload: {kind: requests, arrivals: %s, service: %s, discipline: %s}\n"
		       "output: {vm_timeline: 0, distributions: true}\n",
		       duration / LESS, duration / LESS, warmup / LESS, RUNS, cores, cores,
		       arrivals, service, discipline);
}

static void measure_mm1(struct harness *h, struct sample *sample)
{
	double mean_wait = vm_cell(h, "q-0", "wait_mean_s");

	TAKE(0, vm_cell(h, "q-0", "in_system_mean"));
	TAKE(1, vm_cell(h, "q-0", "response_mean_s"));
	TAKE(2, mean_wait);
	TAKE(3, mean_wait * 0.8); /* Little: Lq = lambda Wq */
	TAKE(4, vm_cell(h, "q-0", "response_p95_s"));
	TAKE(5, vm_cell(h, "q-0", "response_p99_s"));
	TAKE(6, vm_cell(h, "q-0", "wait_p95_s"));
	TAKE(7, vm_cell(h, "q-0", "in_system_var"));
	TAKE(8, share_between(h, "q-0", "in_system", 10, 1e9, NULL));
	TAKE(9, vm_cell(h, "q-0", "waited") / vm_cell(h, "q-0", "arrived"));
	TAKE(10, cell(h, OUTPUT_HOSTS, NULL, NULL, "cpu_util"));
	TAKE(11, vm_cell(h, "q-0", "response_sd_s"));
}

static void test_a01_mm1(void **unused)
{
	(void)unused;
	struct sample sample[] = {
		{.name = "A01 L", .exact = 4},
		{.name = "A01 W", .exact = 5},
		{.name = "A01 Wq", .exact = 4},
		{.name = "A01 Lq", .exact = 3.2},
		{.name = "A01 T95", .exact = 14.97866137},
		{.name = "A01 T99", .exact = 23.02585093, .most = .02},
		{.name = "A01 Wq95", .exact = 13.86294361},
		{.name = "A01 Var N", .exact = 20, .most = .04},
		{.name = "A01 P(N>=10)", .exact = .1073741824, .most = .04},
		{.name = "A01 P(wait)", .exact = .8},
		{.name = "A01 utilisation", .exact = .8},
		{.name = "A01 sd T", .exact = 5, .most = .02},
	};
	char *yaml = station("exp(1250ms)", "exp(1s)", 1, "fcfs", 100000, 1000);

	/* The tail and the variance, which hang on rare long queues, are noisier than the means. */
	oracle(yaml, measure_mm1, sample, COUNT(sample));
	free(yaml);
}

/* From empty: many stations, each on a host of its own, for one short time. */
static void measure_transient(struct harness *h, struct sample *sample)
{
	const struct csv_table *t = harness_table(h, OUTPUT_VM_TIMELINE);
	size_t want = column_of(t, "cpu_want_mhz");
	double empty = 0;

	TAKE(0, group_mean(h, "q", "in_system_mean"));
	for (size_t row = 0; row < t->nrows; row++)
		empty += csv_number(t, row, want) <= 0;
	TAKE(1, empty / (double)t->nrows);
}

static void transient(double t, int stations, double mean, double empty)
{
	struct sample sample[] = {
		{.name = "A02 mean N over [0,t]", .exact = mean},
		{.name = "A02 P(empty at t)", .exact = empty, .most = .025},
	};
	char *yaml =
		text_of("tick: %.0fs\nduration: %.0fs\nreplications: %d\nhosts:\n"
			"  - {name: h, count: %d, cores: 1, speed: 1GHz, memory: 1GiB}\n"
			"vms:\n  - name: q\n    count: %d\n    memory: 1MiB\n"
			"    workload: {kind: requests, arrivals: exp(1250ms), service: exp(1s),\n"
			"               histogram: false}\n"
			"overcommit: {cpu: 1}\noutput: {vm_timeline: 100000}\n",
			t, t, RUNS, stations / LESS, stations / LESS);

	oracle(yaml, measure_transient, sample, empty > 0 ? 2 : 1);
	free(yaml);
}

static void test_a02_transient(void **unused)
{
	(void)unused;
	transient(10, 500, 1.35173116, .28642259);
	transient(50, 400, 2.60370787, 0);
	transient(100, 400, 3.12110999, .20397644);
}

static void measure_mmc(struct harness *h, struct sample *sample)
{
	TAKE(0, vm_cell(h, "q-0", "in_system_mean"));
	TAKE(1, vm_cell(h, "q-0", "waited") / vm_cell(h, "q-0", "arrived"));
	TAKE(2, vm_cell(h, "q-0", "wait_mean_s"));
	TAKE(3, share_between(h, "q-0", "wait_s", 1.001, INFINITY, NULL));
}

static void mmc(double lambda, int cores, double duration, const double exact[4],
		const double most[4])
{
	struct sample sample[] = {
		{.name = "A03 L", .exact = exact[0], .most = most[0]},
		{.name = "A03 P(wait)", .exact = exact[1], .most = most[1]},
		{.name = "A03 Wq", .exact = exact[2], .most = most[2]},
		{.name = "A03 P(Wq>1)", .exact = exact[3], .most = most[3]},
	};
	char arrivals[64];

	snprintf(arrivals, sizeof(arrivals), "exp(%.9fs)", 1 / lambda);
	char *yaml = station(arrivals, "exp(1s)", cores, "fcfs", duration, 200);
	/* Of 100 servers 1e-5 wait so long: too few to be counted here. */
	oracle(yaml, measure_mmc, sample, exact[3] > 0 ? COUNT(sample) : COUNT(sample) - 1);
	free(yaml);
}

static void test_a03_mmc(void **unused)
{
	(void)unused;
	/* The standard errors are what a few seconds per case buy: where 16 or 100 servers are 90 %
	 * busy, the queue is short, seldom and long-lived, so its mean is known to some percent. */
	mmc(1.6, 2, 30000, (double[]){4.4444444444, .7111111111, 1.7777777778, .4766720327},
	    (double[]){.01, .01, .02, .02});
	mmc(3.2, 4, 12000, (double[]){5.5857298871, .5964324718, .7455405897, .2679943847},
	    (double[]){.01, .01, .02, .02});
	mmc(14.4, 16, 4000, (double[]){19.7220905449, .5913433939, .3695896212, .1193901722},
	    (double[]){.01, .01, .03, .05});
	mmc(90, 100, 600, (double[]){91.9524643282, .2169404809, .0216940481, 0},
	    (double[]){.01, .05, .1, 1});
}

static void measure_loss(struct harness *h, struct sample *sample)
{
	double arrived = vm_cell(h, "q-0", "arrived");

	TAKE(0, 1 - vm_cell(h, "q-0", "completed") / arrived);
	TAKE(1, vm_cell(h, "q-0", "in_system_mean"));
	TAKE(2, vm_cell(h, "q-0", "response_mean_s"));
	TAKE(3, vm_cell(h, "q-0", "refused") / arrived);
}

static void mmck(double lambda, int c, int k, double duration, const double exact[3])
{
	/* Those in the system at the end did not complete either: a few of tens of thousands. */
	struct sample sample[] = {
		{.name = "A05 loss", .exact = exact[0], .most = .02, .slack = 2e-3},
		{.name = "A05 L", .exact = exact[1]},
		{.name = "A05 W", .exact = exact[2]},
		{.name = "A05 refused", .exact = exact[0], .most = .02},
	};
	char *yaml =
		text_of("tick: %.0fs\nduration: %.0fs\nwarmup: %.0fs\nreplications: %d\n"
			"hosts:\n  - {name: h, cores: %d, speed: 1GHz, memory: 1GiB}\n"
			"vms:\n  - name: q\n    vcpus: %d\n    memory: 1MiB\n"
			"    workload: {kind: requests, arrivals: exp(%.9fs), service: exp(1s),\n"
			"               capacity: %d}\noutput: {vm_timeline: 0}\n",
			duration / LESS, duration / LESS, 200. / LESS, RUNS, c, c, 1 / lambda, k);

	oracle(yaml, measure_loss, sample, COUNT(sample));
	free(yaml);
}

static void test_a05_loss(void **unused)
{
	(void)unused;
	mmck(3, 2, 5, 3000, (double[]){.3744221880, 3.6656394453, 1.9532019704});
	mmck(.9, 1, 10, 15000, (double[]){.0508137313, 3.9694405986, 4.6466006721});
	mmck(8, 8, 16, 4000, (double[]){.0816658660, 10.2866442489, 1.4001772161});
}

static void measure_wait(struct harness *h, struct sample *sample)
{
	TAKE(0, vm_cell(h, "q-0", "wait_mean_s"));
}

static void test_a06_pollaczek_khinchine(void **unused)
{
	(void)unused;
	static const struct {
		const char *law;
		double wait, most;
	} of[] = {{"1s", 1.16666667, .01},
		  {"\"erlang(4, 1s)\"", 1.45833333, .01},
		  {"\"uniform(0s, 2s)\"", 1.55555556, .01},
		  {"exp(1s)", 2.33333333, .015},
		  {"\"h2(1s, 4)\"", 5.83333333, .03},
		  {"\"lognormal(1s, 1.41421356237)\"", 3.5, .03}};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct sample sample = {.name = of[i].law, .exact = of[i].wait, .most = of[i].most};
		char *yaml = station("exp(1428571429ns)", of[i].law, 1, "fcfs", 20000, 500);
		oracle(yaml, measure_wait, &sample, 1);
		free(yaml);
	}
}

/* Processor sharing: the mean response time of a request is its size / (1 - rho), whatever the law
 * of sizes (J9 too). */
static void measure_ps(struct harness *h, struct sample *sample)
{
	TAKE(0, vm_cell(h, "q-0", "response_mean_s"));
	TAKE(1, vm_cell(h, "q-0", "slowdown_mean"));
	TAKE(2, vm_cell(h, "q-0", "in_system_mean"));
}

static void measure_variance(struct harness *h, struct sample *sample)
{
	TAKE(0, pow(vm_cell(h, "q-0", "response_sd_s"), 2));
}

/* Of exponential sizes the variance of the response time is known, too. */
static void a08_variance(const char *arrivals, double exact, double most)
{
	struct sample sample = {.name = "A08 Var T", .exact = exact, .most = most};
	char *yaml = station(arrivals, "exp(1s)", 1, "ps", 60000, 1000);

	oracle(yaml, measure_variance, &sample, 1);
	free(yaml);
}

static void test_a08_processor_sharing(void **unused)
{
	(void)unused;
	static const char *const law[] = {"1s", "exp(1s)", "\"h2(1s, 4)\"", "\"uniform(0s, 2s)\"",
					  "\"erlang(4, 1s)\""};

	a08_variance("exp(2s)", 6.66666667, .03);
	a08_variance("exp(1250ms)", 58.33333333, .06);
	for (size_t i = 0; i < COUNT(law); i++) {
		/* Long-tailed sizes, and the busier system, are noisier. */
		struct sample half[] = {
			{.name = "A08 T, rho .5", .exact = 2, .most = .015},
			{.name = "A08 slowdown, rho .5", .exact = 2},
			{.name = "A08 N, rho .5", .exact = 1, .most = .015},
		};
		char *yaml = station("exp(2s)", law[i], 1, "ps", 15000, 200);
		oracle(yaml, measure_ps, half, COUNT(half));
		free(yaml);
		struct sample high[] = {
			{.name = "A08 T, rho .8", .exact = 5, .most = .025},
			{.name = "A08 slowdown, rho .8", .exact = 5, .most = .025},
			{.name = "A08 N, rho .8", .exact = 4, .most = .025},
		};
		yaml = station("exp(1250ms)", law[i], 1, "ps", 20000, 1000);
		oracle(yaml, measure_ps, high, COUNT(high));
		free(yaml);
	}
}

/* Stations that share a host: generalised processor sharing, and priorities. */

static void measure_pair(struct harness *h, struct sample *sample)
{
	TAKE(0, vm_cell(h, "a-0", "in_system_mean"));
	TAKE(1, vm_cell(h, "b-0", "in_system_mean"));
	TAKE(2, vm_cell(h, "a-0", "in_system_mean") + vm_cell(h, "b-0", "in_system_mean"));
}

static void pair(const char *policy, const char *more_a, const char *more_b,
		 const struct sample *of)
{
	struct sample sample[3] = {0};
	char *yaml = text_of(
		"tick: 400s\nduration: %ds\nwarmup: %ds\nreplications: %d\n"
		"hosts:\n  - {name: h, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
		"  - {name: a, memory: 1MiB, %s,\n"
		"     workload: {kind: requests, arrivals: exp(3333333333ns), service: exp(1s)}}\n"
		"  - {name: b, memory: 1MiB, %s,\n"
		"     workload: {kind: requests, arrivals: exp(2500ms), service: exp(1s)}}\n"
		"policies: {cpu: %s}\noutput: {vm_timeline: 0}\n",
		40000 / LESS, 500 / LESS, RUNS, more_a, more_b, policy);

	memcpy(sample, of, sizeof(sample));
	oracle(yaml, measure_pair, sample, COUNT(sample));
	free(yaml);
}

static void test_a12_gps(void **unused)
{
	(void)unused;
	pair("weighted", "cpu: {weight: 1}", "cpu: {weight: 1}",
	     (struct sample[]){{.name = "A12 N a, 1:1", .exact = .9185789},
			       {.name = "A12 N b, 1:1", .exact = 1.4147544},
			       {.name = "A12 N, 1:1", .exact = 7. / 3}});
	pair("weighted", "cpu: {weight: 3}", "cpu: {weight: 1}",
	     (struct sample[]){{.name = "A12 N a, 3:1", .exact = .5928145},
			       {.name = "A12 N b, 3:1", .exact = 1.7405189, .most = .015},
			       {.name = "A12 N, 3:1", .exact = 7. / 3}});
}

/* T 1.42857143 and 4.76190476, as numbers in the system by Little's law. */
static void test_a13_preemptive_priority(void **unused)
{
	(void)unused;
	pair("priority", "priority: 2", "priority: 1",
	     (struct sample[]){{.name = "A13 N high", .exact = .3 * 1.42857143},
			       {.name = "A13 N low", .exact = .4 * 4.76190476, .most = .015},
			       {.name = "A13 N", .exact = 7. / 3}});
}

/* J10: VMs in line for a host that takes one at a time, each with a second of work in the mean; nobody
 * who is on it is sent away. Whoever goes first, the sum of rho Wq is the same. */
static void measure_line(struct harness *h, struct sample *sample)
{
	double a = cell(h, OUTPUT_GROUPS, "group", "a", "wait_mean_s");
	double b = cell(h, OUTPUT_GROUPS, "group", "b", "wait_mean_s");

	TAKE(0, a);
	TAKE(1, b);
	TAKE(2, .3 * a + .4 * b);
}

static void test_j10_orders_of_a_line(void **unused)
{
	(void)unused;
	static const struct {
		int a, b;
		double wait[2];
	} orders[] = {{1, 0, {1, 10. / 3}}, {0, 0, {7. / 3, 7. / 3}}, {0, 1, {35. / 9, 7. / 6}}};

	for (size_t i = 0; i < COUNT(orders); i++) {
		struct sample sample[] = {
			{.name = "J10, A13 Wq a", .exact = orders[i].wait[0], .most = .02},
			{.name = "J10, A13 Wq b", .exact = orders[i].wait[1], .most = .02},
			{.name = "J10, A13 sum of rho Wq", .exact = 1.63333333, .most = .02},
		};
		char *yaml = text_of(
			"tick: 500s\nduration: %ds\nwarmup: %ds\nreplications: %d\n"
			"when_full: queue\novercommit: {cpu: 1}\n"
			"hosts: {name: h, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
			"  - {name: a, memory: 1MiB, priority: %d, arrivals: exp(3333333333ns),\n"
			"     destroy_when_done: true, workload: {kind: batch, work: exp(1s)}}\n"
			"  - {name: b, memory: 1MiB, priority: %d, arrivals: exp(2500ms),\n"
			"     destroy_when_done: true, workload: {kind: batch, work: exp(1s)}}\n"
			"output: {vm_timeline: 0}\n",
			20000 / LESS, 500 / LESS, RUNS, orders[i].a, orders[i].b);
		oracle(yaml, measure_line, sample, COUNT(sample));
		free(yaml);
	}
}

static void measure_tandem(struct harness *h, struct sample *sample)
{
	const char *const vm[] = {"a-0", "b-0", "c-0"};
	double sum = 0;

	for (size_t i = 0; i < 3; i++) {
		TAKE(i, vm_cell(h, vm[i], "in_system_mean"));
		sum += vm_cell(h, vm[i], "response_mean_s");
	}
	TAKE(3, sum);
	TAKE(4, summary(h, "total_mean_s"));
}

static void test_a22_tandem(void **unused)
{
	(void)unused;
	struct sample sample[] = {
		{.name = "A22 L, mu 2", .exact = 1},          {.name = "A22 L, mu 3", .exact = .5},
		{.name = "A22 L, mu 1.5", .exact = 2},        {.name = "A22 T", .exact = 3.5},
		{.name = "A22 T, by requests", .exact = 3.5},
	};
	char *yaml = text_of(
		"tick: 400s\nduration: %ds\nwarmup: %ds\nreplications: %d\n"
		"hosts:\n  - {name: h, count: 3, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
		"  - {name: a, memory: 1MiB, workload: {kind: requests, arrivals: exp(1s),\n"
		"     service: exp(500ms), next: b}}\n"
		"  - {name: b, memory: 1MiB, workload: {kind: requests, service: "
		"exp(333333333ns),\n"
		"     next: c}}\n"
		"  - {name: c, memory: 1MiB, workload: {kind: requests,\n"
		"     service: exp(666666667ns)}}\n"
		"overcommit: {cpu: 1}\noutput: {vm_timeline: 0}\n",
		20000 / LESS, 200 / LESS, RUNS);

	oracle(yaml, measure_tandem, sample, COUNT(sample));
	free(yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a01_mm1),
		cmocka_unit_test(test_a02_transient),
		cmocka_unit_test(test_a03_mmc),
		cmocka_unit_test(test_a05_loss),
		cmocka_unit_test(test_a06_pollaczek_khinchine),
		cmocka_unit_test(test_a08_processor_sharing),
		cmocka_unit_test(test_a12_gps),
		cmocka_unit_test(test_a13_preemptive_priority),
		cmocka_unit_test(test_j10_orders_of_a_line),
		cmocka_unit_test(test_a22_tandem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
