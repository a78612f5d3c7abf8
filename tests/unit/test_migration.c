/*
 * Live migration against published and closed forms (oracles D, D2 to D7, J18), each both by formula
 * (migration_run()) and as a whole scenario with one action, in which rounds are events. Sizes are in MB =
 * 1e6 bytes, rates in MB/s.
 */
#include "tests/harness.h"

#include "models/migration.h"

#define MB    1e6
#define EXACT 1e-9

struct known {
	const char *id;
	double memory, bandwidth, dirty, set; /* set 0: all of the memory */
	const char *method;                   /* as in a scenario */
	unsigned rounds;
	double total_s, downtime_s, sent;
};

/* Oracle D: threshold MB, most rounds, resume. */
#define D(T, N, R) \
	"{kind: pre-copy, threshold: " T "MB, max_rounds: " N ", max_sent: none, resume: " R "}"
#define XEN "{kind: pre-copy, resume: 0s}" /* D2: what pre-copy does when nothing is said */

/* What the closed form says of memory M, bandwidth B, ratio l = D / B and n rounds. */
static double total_of(double m, double b, double l, int n)
{
	return m / b * (1 - pow(l, n + 1)) / (1 - l);
}

static const struct known known[] = {
	{"D row 1", 1024, 125, 12.5, 0, D("8", "30", "0s"), 3, 9.101312, .008192, 1137.664},
	{"D row 2", 1024, 125, 62.5, 0, D("8", "30", "20ms"), 7, 16.34, .084, 2040},
	{"D row 3", 2048, 125, 100, 0, D("16", "30", "20ms"), 22, 0, 0, 0},
	{"D row 4", 4096, 1250, 250, 0, D("64", "30", "0s"), 3, 4.0894464, .0262144, 5111.808},
	{"D row 5", 1024, 125, 112.5, 0, D("8", "30", "0s"), 30, 0, 0, 0},
	{"D row 6", 1024, 125, 150, 0, D("8", "30", "50ms"), 1, 16.434, 8.242, 2048},
	{"D row 7, J18", 512, 60, 0, 0, D("1", "30", "100ms"), 1, 8.2 + 1.3 / 3, .1, 512},
	{"D2, D 1", 1024, 125, 1, 0, XEN, 2, 8.258060288, .000524288, 0},
	{"D2, D 25", 1024, 125, 25, 0, XEN, 6, 10.239868928, .000524288, 0},
	{"D2, D 62.5", 1024, 125, 62.5, 0, XEN, 13, 16.383, .001, 0},
	{"D2, D 100", 1024, 125, 100, 0, XEN, 5, 30.22258176, 2.68435456, 0},
	{"D2, D 120", 1024, 125, 120, 0, XEN, 4, 0, 0, 0},
	{"D3", 1024, 125, 200, 100,
	 "{kind: pre-copy, threshold: 8MB, max_rounds: 30, max_sent: none, stop_when_stuck: false,"
	 " resume: 0s}",
	 30, 32.192, .8, 4024},
	{"D4", 1024, 125, 50, 0, "{kind: post-copy, state: 4MB, resume: 0s}", 0, 8.224, .032, 1028},
	{"D5", 800, 31.25, 50, 0, "{kind: stop-and-copy, resume: 0s}", 0, 25.6, 25.6, 800},
	{"D7, 613 MB", 613, 62.5, 0, 0, XEN, 1, 9.808, 0, 613},
	{"D7, 870 MB", 870, 62.5, 0, 0, XEN, 1, 13.92, 0, 870},
	{"D7, 1740 MB", 1740, 62.5, 0, 0, XEN, 1, 27.84, 0, 1740},
};

/* The numbers of a case; those that the table does not have, which it prints rounded, by the closed
 * form. */
static struct known expected(const struct known *k)
{
	struct known e = *k;
	double l = k->dirty / k->bandwidth, res = strstr(k->method, "20ms") ? .02 : 0;

	if (e.total_s <= 0) {
		e.total_s = total_of(k->memory, k->bandwidth, l, (int)k->rounds) + res;
		e.downtime_s = k->memory * pow(l, k->rounds) / k->bandwidth + res;
	}
	if (e.sent <= 0)
		e.sent = k->bandwidth * total_of(k->memory, k->bandwidth, l, (int)k->rounds);
	return e;
}

static void assert_exact(const char *id, const char *what, double is, double should)
{
	if (!(fabs(is - should) <= EXACT * should + 1e-12))
		fail_msg("%s: %s is %.15g, not %.15g", id, what, is, should);
}

/* The printed numbers, where they were rounded to print. */
static void test_printed(void **unused)
{
	(void)unused;
	struct known three = expected(&known[2]), five = expected(&known[4]);
	struct known xen = expected(&known[11]);

	assert_near(three.total_s, 81.456429672, 1e-11);
	assert_near(three.downtime_s, .140892582, 1e-8);
	assert_near(three.sent, 10179.553709, 1e-10);
	assert_near(five.total_s, 78.794584683, 1e-11);
	assert_near(five.downtime_s, .347268369, 1e-8);
	assert_near(five.sent, 9849.323085, 1e-10);
	assert_near(xen.total_s, 37.811671532, 1e-10);
	assert_near(xen.downtime_s, 6.95784702, 1e-8);
}

static char *yaml_of(const struct known *k, const char *more)
{
	char set[64] = "";

	if (k->set > 0)
		snprintf(set, sizeof(set), "  working_set: %.9gMB\n", k->set);
	return text_of("tick: 1s\nduration: 200s\noutput: {events: true}\n"
		       "hosts:\n  - {name: h, count: 3, cores: 2, speed: 1GHz, memory: 8GB}\n"
		       "vms:\n  - {name: v, count: 2, memory: %.9gMB,\n"
		       "     workload: {kind: constant, cpu: 50%%}}\n"
		       "migration:\n  method: %s\n  bandwidth: %.9gMbit/s\n"
		       "  dirty_rate: %.9gMB/s\n%s"
		       "policies: {placer: worst-fit}\nactions:\n%s",
		       k->memory, k->method, k->bandwidth * 8, k->dirty, set, more);
}

#define ONE "  - {at: 10s, vm: v-0, do: migrate, to: h-2}\n"

static void test_formula(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(known); i++) {
		struct known e = expected(&known[i]);
		char *yaml = yaml_of(&e, ONE);
		struct harness h;
		struct migration_result r;
		harness_open(&h, yaml);
		const struct plugin_spec *method = &h.scenario->migration.method;
		struct migration_case c = {.memory = e.memory * MB,
					   .bandwidth = e.bandwidth * MB,
					   .dirty_rate = e.dirty * MB,
					   .set = e.set > 0 ? e.set * MB : INFINITY};
		migration_run((const struct migration_ops *)(const void *)method->plugin,
			      method->state, &c, &r);
		assert_int_equal(r.rounds, e.rounds);
		assert_exact(e.id, "total", r.total_s, e.total_s);
		assert_exact(e.id, "downtime", r.downtime_s, e.downtime_s);
		assert_exact(e.id, "sent", r.sent, e.sent * MB);
		harness_close(&h);
		free(yaml);
	}
}

/* Moment of the @nth event of a kind of the VM, or of its last one for SIZE_MAX; and how many there are. */
static double event_at(struct harness *h, const char *event, const char *vm, size_t *n)
{
	const struct csv_table *t = harness_table(h, OUTPUT_EVENTS);
	size_t c_event = column_of(t, "event"), c_vm = column_of(t, "vm");
	double at = (double)NAN;

	*n = 0;
	for (size_t row = 0; row < t->nrows; row++) {
		const char **cells = t->cell + row * t->ncols;
		if (strcmp(cells[c_event], event) != 0 || strcmp(cells[c_vm], vm) != 0)
			continue;
		++*n;
		at = csv_number(t, row, column_of(t, "time_s"));
	}
	return at;
}

/* As far as whole nanoseconds go, and the nine digits of the summary. */
static void assert_in_run(struct harness *h, const struct known *e, const char *vm)
{
	size_t n;
	double end = event_at(h, "migrate-end", vm, &n), down = event_at(h, "migrate-down", vm, &n);
	double up = strstr(e->method, "post-copy") ? event_at(h, "migrate-resume", vm, &n) : end;

	if (!(fabs(end - 10 - e->total_s) <= 1e-9 * e->total_s + 0.6e-9))
		fail_msg("%s: ends at %.12g, not %.12g", e->id, end, 10 + e->total_s);
	if (!(fabs(up - down - e->downtime_s) <= 1e-9 * e->downtime_s + 1.1e-9))
		fail_msg("%s: is down for %.12g, not %.12g", e->id, up - down, e->downtime_s);
	assert_near(vm_cell(h, vm, "downtime_s"), e->downtime_s, 5e-9);
	event_at(h, "migrate-round", vm, &n);
	assert_int_equal(n, e->rounds);
}

static void test_scenarios(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(known); i++) {
		struct known e = expected(&known[i]);
		char *yaml = yaml_of(&e, ONE);
		struct harness h;
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_in_run(&h, &e, "v-0");
		assert_near(summary(&h, "migration_s"), e.total_s, 5e-9);
		assert_near(summary(&h, "downtime_s"), e.downtime_s, 5e-9);
		assert_true(summary(&h, "migrations") == 1);
		harness_close(&h);
		free(yaml);
	}
}

/* D6: two at once over one link take twice as long each; here they leave one host, or come to one. */
static void test_shared_link(void **unused)
{
	(void)unused;
	const struct known e = {"D6", 1024,       125,      12.5, 0, known[0].method,
				4,    20.4734464, .0262144, 0};
	static const char *const pairs[] = {
		"  - {at: 1s, vm: v-1, do: migrate, to: h-0}\n" /* both on h-0 from then on */
		"  - {at: 10s, vm: v-0, do: migrate, to: h-1}\n"
		"  - {at: 10s, vm: v-1, do: migrate, to: h-2}\n",
		"  - {at: 10s, vm: v-0, do: migrate, to: h-2}\n"
		"  - {at: 10s, vm: v-1, do: migrate, to: h-2}\n",
	};

	for (size_t i = 0; i < COUNT(pairs); i++) {
		/* The first of the pairs must not be on its way any more. */
		char *yaml = yaml_of(&e, pairs[i]), *ten;
		while (i == 0 && (ten = strstr(yaml, "at: 10s")) != NULL)
			memcpy(ten, "at: 50s", 7);
		struct harness h;
		harness_open(&h, yaml);
		harness_run(&h, 0);
		for (int vm = 0; vm < 2; vm++) {
			char name[16];
			size_t n;
			snprintf(name, sizeof(name), "v-%d", vm);
			double end = event_at(&h, "migrate-end", name, &n);
			assert_near(end, (i == 0 ? 50 : 10) + e.total_s, 1e-10);
			if (i == 1)
				assert_in_run(&h, &e, name);
		}
		harness_close(&h);
		free(yaml);
	}
}

static uint64_t seed;

static double uniform(double lo, double hi)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return lo + (hi - lo) * (double)(seed >> 11) * 0x1p-53;
}

/* D for any numbers: dirty rate below the bandwidth, no limit but the threshold and the rounds. */
static void test_random_cases(void **unused)
{
	(void)unused;
	seed = 7;
	for (int i = 0; i < 60 / LESS + 10; i++) {
		char method[160];
		double m = floor(uniform(64, 4000)), b = floor(uniform(30, 1250));
		double d = floor(uniform(0.02, 0.98) * b) + 0.5, l = d / b;
		double threshold = floor(uniform(1, m / 3));
		int most = 1 + (int)uniform(0, 40), n = (int)ceil(log(threshold / m) / log(l));
		n = n < 1 ? 1 : n > most ? most : n;
		snprintf(method, sizeof(method),
			 "{kind: pre-copy, threshold: %.0fMB, max_rounds: %d, max_sent: none,"
			 " resume: 20ms}",
			 threshold, most);
		const struct known k = {.id = "D, random",
					.memory = m,
					.bandwidth = b,
					.dirty = d,
					.method = method,
					.rounds = (unsigned)n,
					.total_s = total_of(m, b, l, n) + 0.02,
					.downtime_s = m * pow(l, n) / b + 0.02};
		char *yaml = yaml_of(&k, ONE);
		struct harness h;
		harness_open(&h, yaml);
		h.scenario->duration_ns *= 100;
		harness_run(&h, 0);
		assert_in_run(&h, &k, "v-0");
		harness_close(&h);
		free(yaml);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printed),      cmocka_unit_test(test_formula),
		cmocka_unit_test(test_scenarios),    cmocka_unit_test(test_shared_link),
		cmocka_unit_test(test_random_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
