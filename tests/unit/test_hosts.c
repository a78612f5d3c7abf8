/*
 * Hosts that go on and off, through whole scenarios: what it costs, who waits for it, and that every
 * second and joule of a host is accounted for.
 */
#include "tests/harness.h"

static double host_cell(struct harness *h, const char *host, const char *column)
{
	return cell(h, OUTPUT_HOSTS, "host", host, column);
}

/* J7: states fill the horizon; energy is the sum of power times time in them. */
static void check_host(struct harness *h, const char *host, double horizon_s)
{
	double sum = host_cell(h, host, "busy_s") + host_cell(h, host, "idle_s") +
		     host_cell(h, host, "off_s") + host_cell(h, host, "booting_s") +
		     host_cell(h, host, "stopping_s") + host_cell(h, host, "down_s");

	assert_near(sum, horizon_s, 1e-8);
}

static void measure_setup(struct harness *h, struct sample *sample)
{
	double time = 25000. / LESS;

	check_host(h, "h-0", time);
	TAKE(0, summary(h, "response_mean_s"));
	TAKE(1, host_cell(h, "h-0", "busy_s") / time);
	TAKE(2, host_cell(h, "h-0", "booting_s") / time);
	TAKE(3, host_cell(h, "h-0", "off_s") / time);
	TAKE(4, summary(h, "energy_kwh") * 3.6e6 / time);
}

/* A host that is off while nobody wants it, and takes its time to come on: M/M/1 with setup. */
static void setup(const char *watts, const char *off, double power)
{
	struct sample sample[] = {
		{.name = "A18 T", .exact = 12, .most = .015},
		{.name = "A18 P(busy)", .exact = .5, .most = .015},
		{.name = "A18 P(setup)", .exact = .41666667, .most = .015},
		{.name = "A18 P(off)", .exact = .08333333, .most = .015},
		{.name = "A18 W", .exact = power, .most = .01},
	};
	char *yaml = text_of("tick: 25000s\nduration: %.0fs\nreplications: %d\nwhen_full: queue\n"
			     "hosts:\n  - name: h\n    cores: 1\n    speed: 1GHz\n"
			     "    memory: 1GiB\n    power: {kind: constant, watts: %s}\n"
			     "    when_empty: off\n    off_power: %s\n    boot: {time: exp(10s)}\n"
			     "vms:\n  - {name: v, memory: 1KiB, arrivals: exp(2s),\n"
			     "     destroy_when_done: true,\n"
			     "     workload: {kind: batch, work: exp(1s)}}\n"
			     "overcommit: {cpu: 1}\noutput: {vm_timeline: 0}\n",
			     25000. / LESS, LESS == 1 ? 40 : RUNS, watts, off);

	if (LESS > 1)
		memcpy(yaml, "tick: 01000s", 12);
	oracle(yaml, measure_setup, sample, COUNT(sample));
	free(yaml);
}

static void test_a18_setup(void **unused)
{
	(void)unused;
	setup("200W", "0W", 183.33333333);
	setup("135W", "10W", 124.58333333);
}

#define HOSTS(N)                                                                                   \
	"hosts:\n  - name: h\n    count: " N "\n    cores: 2\n    speed: 1GHz\n    memory: 8GiB\n" \
	"    power: {kind: linear, idle: 100W, max: 200W}\n    when_empty: off\n"                  \
	"    off_power: 5W\n"                                                                      \
	"    boot: {time: 60s, power: 150W}\n    shutdown: {time: 20s, power: 120W}\n"

#define VMS                                                                                       \
	"overcommit: {cpu: 1}\noutput: {events: true}\n"                                          \
	"vms:\n  - {name: a, memory: 1GiB, start: 100s, workload: {kind: constant, cpu: 100%}}\n" \
	"  - {name: b, memory: 1GiB, start: 110s, workload: {kind: constant, cpu: 100%}}\n"       \
	"  - {name: c, memory: 1GiB, start: 130s, workload: {kind: constant, cpu: 100%}}\n"

/* The first VM wakes a host, the second fills it while it comes on, the third wakes another one. */
static void test_woken_on_demand(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h, "tick: 10s\nduration: 1000s\n" HOSTS("3") VMS);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "a-0", "started_s"), 160, 1e-8);
	assert_near(vm_cell(&h, "b-0", "started_s"), 160, 1e-8);
	assert_near(vm_cell(&h, "c-0", "started_s"), 190, 1e-8);
	assert_near(vm_cell(&h, "b-0", "availability"), 840. / 890, 1e-8);
	assert_near(summary(&h, "boots"), 2, 0);
	assert_near(summary(&h, "shutdowns"), 0, 0);
	assert_near(cell(&h, OUTPUT_TIMELINE, "time_s", "150", "vms_waiting"), 3, 0);
	check_host(&h, "h-0", 1000);
	check_host(&h, "h-1", 1000);
	assert_near(host_cell(&h, "h-0", "booting_s"), 60, 1e-8);
	assert_near(host_cell(&h, "h-0", "energy_kwh") * 3.6e6, 100 * 5 + 60 * 150 + 840 * 200,
		    1e-8);
	assert_near(host_cell(&h, "h-1", "energy_kwh") * 3.6e6, 130 * 5 + 60 * 150 + 810 * 150,
		    1e-8);
	assert_near(host_cell(&h, "h-2", "energy_kwh") * 3.6e6, 5000, 1e-8);
	harness_close(&h);
}

/* A VM that needs the host on its way off waits for it to go off and come on again; nobody is
 * rejected for that. Whoever comes while the host only waits to go off finds it on. */
static void test_on_its_way_off(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(
		&h,
		"tick: 10s\nduration: 1000s\nactions:\n"
		"  - {at: 200s, vm: a-0, do: destroy}\n"
		"  - {at: 200s, vm: b-0, do: destroy}\n" HOSTS(
			"1") "overcommit: {cpu: 1}\n"
			     "vms:\n  - {name: a, memory: 1GiB, workload: {kind: constant, cpu: "
			     "100%}}\n"
			     "  - {name: b, memory: 1GiB, workload: {kind: constant, cpu: 100%}}\n"
			     "  - {name: c, memory: 1GiB, start: 210s, "
			     "workload: {kind: constant, cpu: 100%}}\n");
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "c-0", "started_s"), 280, 1e-12);
	assert_near(summary(&h, "rejected"), 0, 0);
	assert_near(summary(&h, "boots"), 2, 0);
	assert_near(summary(&h, "shutdowns"), 1, 0);
	assert_near(summary(&h, "shutdown_mean_s"), 140, 1e-12);
	assert_near(host_cell(&h, "h-0", "stopping_s"), 20, 1e-12);
	check_host(&h, "h-0", 1000);
	harness_close(&h);

	harness_open(&h,
		     "tick: 10s\nduration: 1000s\nactions:\n"
		     "  - {at: 200s, vm: a-0, do: destroy}\n"
		     "  - {at: 400s, vm: c-0, do: destroy}\n"
		     "hosts:\n  - {name: h, cores: 2, speed: 1GHz, memory: 8GiB, "
		     "when_empty: off, boot: {time: 60s}, shutdown: {after: 30s}}\n"
		     "vms:\n  - {name: a, memory: 1GiB, workload: {kind: constant, cpu: 100%}}\n"
		     "  - {name: c, memory: 1GiB, start: 225s, "
		     "workload: {kind: constant, cpu: 100%}}\n");
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "c-0", "started_s"), 225, 1e-12);
	assert_near(host_cell(&h, "h-0", "on_s"), 430 - 60, 1e-12);
	assert_near(summary(&h, "shutdowns"), 1, 0);
	harness_close(&h);
}

/* A VM that waits for a host to come on is destroyed: the host comes on, and goes off again. Where
 * the host fails meanwhile, the VM waits for it to be repaired and to come on after that. */
static void test_waiting_ends(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(&h, "tick: 10s\nduration: 1000s\nactions:\n"
			 "  - {at: 120s, vm: a, do: destroy}\n" HOSTS(
				 "1") "vms:\n  - {name: a, memory: 1GiB, start: 100s, "
				      "workload: {kind: constant, cpu: 100%}}\n");
	harness_run(&h, 0);
	assert_near(summary(&h, "placed"), 0, 0);
	assert_near(host_cell(&h, "h-0", "on_s"), 0, 0);
	assert_near(host_cell(&h, "h-0", "booting_s"), 60, 1e-12);
	assert_near(host_cell(&h, "h-0", "stopping_s"), 20, 1e-12);
	assert_near(summary(&h, "shutdown_mean_s"), 0, 0);
	harness_close(&h);

	char path[] = "/tmp/cotenant-outages-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	dprintf(fd, "time_s,name,event\n130,h-0,down\n300,h-0,up\n");
	close(fd);
	char *yaml =
		text_of("tick: 10s\nduration: 1000s\non_failure: lose\nwhen_full: queue\n"
			"outages: %s\n" HOSTS("1") "vms:\n  - {name: a, memory: 1GiB, start: 100s, "
						   "workload: {kind: constant, cpu: 100%%}}\n",
			path);
	harness_open(&h, yaml);
	harness_run(&h, 0);
	assert_near(vm_cell(&h, "a-0", "started_s"), 360, 1e-12);
	assert_near(summary(&h, "lost"), 0, 0);
	assert_near(summary(&h, "boots"), 2, 0);
	assert_near(host_cell(&h, "h-0", "booting_s"), 90, 1e-12);
	assert_near(host_cell(&h, "h-0", "down_s"), 170, 1e-12);
	check_host(&h, "h-0", 1000);
	harness_close(&h);
	unlink(path);
	free(yaml);
}

/* Every placer finds hosts that sleep, VM by VM or in batches; the run is the same with threads. */
static void test_all_placers(void **unused)
{
	(void)unused;
	struct harness h;

	for (size_t i = 0; placer_kind.at(i); i++) {
		char *yaml = text_of("tick: 10s\nduration: 400s\nwhen_full: queue\n" HOSTS(
					     "40") "overcommit: {cpu: 1}\n"
						   "policies: {cpu: weighted, placer: %s}\n"
						   "vms:\n  - {name: a, count: 90, memory: 1GiB, "
						   "lifetime: \"uniform(80s, 300s)\", "
						   "workload: {kind: constant, cpu: 100%%}}\n",
				     placer_kind.at(i)->name);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(summary(&h, "rejected"), 0, 0);
		assert_near(vm_cell(&h, "a-0", "started_s"), 60, 1e-12);
		assert_true(summary(&h, "placed") >= 80);
		assert_true(summary(&h, "shutdowns") > 0);
		for (int k = 0; k < 40; k++) {
			char name[16];
			snprintf(name, sizeof(name), "h-%d", k);
			check_host(&h, name, 400);
		}
		harness_close(&h);
		free(yaml);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_woken_on_demand), cmocka_unit_test(test_on_its_way_off),
		cmocka_unit_test(test_waiting_ends),    cmocka_unit_test(test_all_placers),
		cmocka_unit_test(test_a18_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
