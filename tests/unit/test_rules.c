/*
 * Rules about where VMs stand, through whole scenarios: labels, together and apart on hosts and in
 * racks, overcommit by group of hosts; why a VM found no host; and contradictions.
 */
#include "tests/harness.h"

#include <errno.h>

#define HEAD "tick: 1s\nduration: 10s\noutput: {events: true}\n"
#define IDLE "workload: {kind: constant, cpu: 1 MHz}"
#define HOSTS                                                                             \
	"hosts:\n  - {name: a, count: 3, rack: 2, cores: 4, speed: 1GHz, memory: 4GiB,\n" \
	"     labels: [ssd], power: {kind: linear, idle: 50W, max: 90W}}\n"               \
	"  - {name: b, count: 2, rack: 1, cores: 4, speed: 1GHz, memory: 4GiB,\n"         \
	"     labels: [ssd, gpu], overcommit: {memory: 2},\n"                             \
	"     power: {kind: constant, watts: 90W}}\n"

static const char *text_cell(struct harness *h, enum output_file file, const char *key,
			     const char *value, const char *column)
{
	const struct csv_table *t = harness_table(h, file);
	size_t k = column_of(t, key), col = column_of(t, column);

	for (size_t row = 0; row < t->nrows; row++)
		if (strcmp(t->cell[row * t->ncols + k], value) == 0)
			return t->cell[row * t->ncols + col];
	fail_msg("no row %s", value);
	return NULL;
}

struct stands {
	const char *vm, *host;
};

static void run_stands(struct harness *h, const char *yaml, const struct stands *want, size_t n)
{
	harness_open(h, yaml);
	harness_run(h, 0);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(text_cell(h, OUTPUT_VMS, "vm", want[i].vm, "host"),
				    want[i].host);
}

static const char *why(struct harness *h)
{
	return text_cell(h, OUTPUT_EVENTS, "event", "full", "reason");
}

static void test_labels(void **unused)
{
	(void)unused;
	struct harness h;
	static const struct stands want[] = {
		{"g-0", "b-0"}, {"g-1", "b-0"}, {"g-2", "b-1"}, {"g-3", "b-1"}, {"v-0", "a-0"}};

	run_stands(&h,
		   HEAD HOSTS "vms:\n"
			      "  - {name: g, count: 4, memory: 4GiB, hosts: [gpu, ssd], " IDLE "}\n"
			      "  - {name: v, memory: 4GiB, hosts: ssd, " IDLE "}\n"
			      "  - {name: w, memory: 4GiB, start: 1s, " IDLE "}\n",
		   want, COUNT(want));
	harness_close(&h);
	run_stands(&h,
		   HEAD HOSTS "vms:\n"
			      "  - {name: g, count: 5, memory: 4GiB, hosts: gpu, " IDLE "}\n"
			      "  - {name: v, memory: 4GiB, " IDLE "}\n",
		   want, 2);
	assert_string_equal(why(&h), "labels");
	assert_string_equal(text_cell(&h, OUTPUT_VMS, "vm", "v-0", "host"), "a-0");
	harness_close(&h);
}

static void test_apart(void **unused)
{
	(void)unused;
	struct harness h;
	static const struct stands hosts[] = {
		{"v-0", "a-0"}, {"v-1", "a-1"}, {"w-0", "a-2"}, {"w-1", "b-0"}, {"x-0", "a-0"}};
	static const struct stands racks[] = {
		{"v-0", "a-0"}, {"v-1", "a-2"}, {"w-0", "b-0"}, {"w-1", "b-1"}};

	run_stands(&h,
		   HEAD HOSTS "vms:\n  - {name: v, count: 2, memory: 1GiB, " IDLE "}\n"
			      "  - {name: w, count: 2, memory: 1GiB, " IDLE "}\n"
			      "  - {name: x, memory: 1GiB, " IDLE "}\n"
			      "rules: {name: spread, vms: [v, w], keep: apart}\n",
		   hosts, COUNT(hosts));
	harness_close(&h);
	run_stands(&h,
		   HEAD HOSTS "vms:\n  - {name: v, count: 2, memory: 1GiB, " IDLE "}\n"
			      "  - {name: w, count: 2, memory: 1GiB, " IDLE "}\n"
			      "  - {name: late, start: 1s, lifetime: 5s, memory: 1GiB, " IDLE "}\n"
			      "rules: {name: spread, vms: [v, w], keep: apart, level: rack}\n",
		   racks, COUNT(racks));
	harness_close(&h);
	run_stands(&h,
		   HEAD HOSTS "vms:\n  - {name: v, count: 9, lifetime: 50s, memory: 1GiB, " IDLE
			      "}\nrules: {name: spread, vms: v, keep: apart, level: rack}\n",
		   racks, 2);
	assert_true(summary(&h, "placed") == 4);
	assert_string_equal(why(&h), "spread");
	harness_close(&h);
}

static void test_together(void **unused)
{
	(void)unused;
	struct harness h;
	static const struct stands host[] = {
		{"v-0", "a-0"}, {"w-0", "a-0"}, {"w-1", "a-0"}, {"w-2", ""}};
	static const struct stands rack[] = {
		{"v-0", "a-0"}, {"v-1", "a-1"}, {"v-2", ""}, {"w-0", "a-2"}};

	run_stands(&h,
		   HEAD HOSTS "vms:\n  - {name: v, memory: 2GiB, " IDLE "}\n"
			      "  - {name: w, count: 3, lifetime: 50s, memory: 1GiB, " IDLE "}\n"
			      "rules: {name: near, vms: [v, w], keep: together}\n",
		   host, COUNT(host));
	assert_string_equal(why(&h), "near");
	harness_close(&h);
	run_stands(&h,
		   HEAD HOSTS "vms:\n  - {name: v, count: 3, memory: 4GiB, " IDLE "}\n"
			      "  - {name: w, memory: 4GiB, " IDLE "}\n"
			      "rules: {name: near, vms: v, keep: together, level: rack}\n",
		   rack, COUNT(rack));
	assert_string_equal(why(&h), "near");
	harness_close(&h);
}

/* Together on hosts, apart from the other pair in racks, with every placer. */
static void test_every_placer_obeys(void **unused)
{
	(void)unused;
	static const char *const placer[] = {"first-fit", "best-fit", "worst-fit",   "next-fit",
					     "random",    "ffd",      "bfd",         "wfd",
					     "tetris",    "pabfd",    "dot-product", "norm-greedy"};

	for (size_t p = 0; p < COUNT(placer); p++) {
		struct harness h;
		char *yaml =
			text_of(HEAD HOSTS "policies: {placer: %s}\nvms:\n"
					   "  - {name: v, count: 2, memory: 1GiB, " IDLE "}\n"
					   "  - {name: w, count: 2, memory: 2GiB, " IDLE "}\n"
					   "  - {name: x, count: 2, memory: 512MiB, " IDLE "}\n"
					   "rules:\n  - {name: r1, vms: v, keep: together}\n"
					   "  - {name: r2, vms: w, keep: apart, level: rack}\n"
					   "  - {name: r3, vms: [w, x], keep: apart}\n",
				placer[p]);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		char host[6][32];
		static const char *const vm[] = {"v-0", "v-1", "w-0", "w-1", "x-0", "x-1"};
		for (int i = 0; i < 6; i++) {
			snprintf(host[i], sizeof(host[i]), "%s",
				 text_cell(&h, OUTPUT_VMS, "vm", vm[i], "host"));
			/* next-fit passes hosts and does not come back. */
			assert_true(host[i][0] || strcmp(placer[p], "next-fit") == 0);
		}
		if (host[0][0] && host[1][0])
			assert_string_equal(host[0], host[1]);
		for (int i = 2; i < 6; i++)
			for (int k = 2; k < i; k++)
				assert_true(!host[i][0] || strcmp(host[i], host[k]) != 0);
		/* a-0 and a-1 share a rack. */
		assert_false(host[2][0] == 'a' && host[3][0] == 'a' && host[2][2] < '2' &&
			     host[3][2] < '2');
		harness_close(&h);
		free(yaml);
	}
}

/* VMs that a failure drives out of their host stay together; w and x do not come together for it. */
static void test_rules_after_a_failure(void **unused)
{
	(void)unused;
	struct harness h;
	static const struct stands want[] = {
		{"w-0", "b-0"}, {"x-0", "b-1"}, {"v-0", "b-1"}, {"v-1", "b-1"}};

	run_stands(&h,
		   HEAD "hosts:\n  - {name: a, cores: 4, speed: 1GHz, memory: 4GiB,\n"
			"     time_to_failure: 5s, time_to_repair: 100s}\n"
			"  - {name: b, count: 2, cores: 4, speed: 1GHz, memory: 5GiB}\n"
			"vms:\n  - {name: v, count: 2, memory: 2GiB, " IDLE "}\n"
			"  - {name: w, memory: 4GiB, start: 1s, " IDLE "}\n"
			"  - {name: x, memory: 1GiB, start: 2s, " IDLE "}\n"
			"rules:\n  - {name: near, vms: v, keep: together}\n"
			"  - {name: far, vms: [w, x], keep: apart}\n",
		   want, COUNT(want));
	harness_close(&h);
}

static void bad(const char *rest, const char *says)
{
	struct scenario *s = NULL;
	struct err err = {0};
	char *yaml = text_of(HEAD HOSTS "vms:\n  - {name: v, count: 2, memory: 3GiB, " IDLE
					"}\n  - {name: w, memory: 1GiB, " IDLE "}\n%s",
			     rest);

	assert_int_equal(scenario_load_text(&s, "t", yaml, strlen(yaml), NULL, 0, &err), -EINVAL);
	if (!strstr(err.text, says))
		fail_msg("%s\nexpected %s", err.text, says);
	scenario_free(s);
	free(yaml);
}

static void test_contradictions(void **unused)
{
	(void)unused;
	bad("  - {name: x, memory: 1GiB, hosts: [gpu, hdd], " IDLE "}\n",
	    "hosts: no group of hosts has all of these labels");
	bad("rules: {name: r, vms: [v, u], keep: apart}\n", "vms: there is no group \"u\"");
	bad("rules: {name: r, vms: [v, v], keep: apart}\n", "vms: has \"v\" twice");
	bad("  - {name: x, count: 6, memory: 1GiB, " IDLE "}\n"
	    "rules: {name: r, vms: x, keep: apart}\n",
	    "vms: 6 VMs cannot be apart on 5 hosts");
	bad("  - {name: x, count: 5, memory: 1GiB, " IDLE "}\n"
	    "rules: {name: r, vms: x, keep: apart, level: rack}\n",
	    "vms: 5 VMs cannot be apart on 4 racks");
	bad("  - {name: x, count: 9, memory: 1GiB, " IDLE "}\n"
	    "rules: {name: r, vms: x, keep: together}\n",
	    "cannot be together on a host");
	bad("rules:\n  - {name: r, vms: [v, w], keep: together}\n"
	    "  - {name: q, vms: [w, v], keep: apart}\n",
	    "vms: rule q keeps some of these VMs apart");
	bad("rules:\n  - {name: r, vms: v, keep: together}\n"
	    "  - {name: r, vms: w, keep: apart}\n",
	    "is also entry 0 (names must differ)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_every_placer_obeys),
		cmocka_unit_test(test_rules_after_a_failure),
		cmocka_unit_test(test_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
