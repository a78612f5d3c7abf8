/* Frequency steps, through whole scenarios: what a step gives and costs, and which one is chosen. */
#include "tests/harness.h"

#include <errno.h>

static double joules(struct harness *h)
{
	return summary(h, "energy_kwh") * 3.6e6;
}

static double host_cell(struct harness *h, const char *host, const char *column)
{
	return cell(h, OUTPUT_HOSTS, "host", host, column);
}

/* F35: (40 + 10 f^3) W while 3.6e12 cycles are done; the best speed is the cube root of 2. */
static void test_f35_best_speed(void **unused)
{
	(void)unused;
	static const struct {
		const char *ghz;
		double kwh;
	} of[] = {{"1", .05},
		  {"1.5", .0491666667},
		  {"2", .06},
		  {"2.5", .0785},
		  {"3", .1033333333},
		  /* around the best one, by the formula */
		  {"1.25", 0},
		  {"1.2599210499", 0},
		  {"1.27", 0}};
	double kwh[COUNT(of)];

	for (size_t i = 0; i < COUNT(of); i++) {
		struct harness h;
		char *yaml = text_of(
			"tick: 100s\nduration: 2h\nhosts:\n"
			"  - name: h\n    cores: 1\n    speed: 3GHz\n    memory: 1GiB\n"
			"    power: {kind: linear, idle: 40W, max: 310W}\n    when_empty: off\n"
			"    dvfs:\n      governor: fixed\n      speed: %sGHz\n      steps:\n"
			"        - speed: 3GHz\n        - speed: 1GHz\n        - speed: 2GHz\n"
			"        - speed: 1.5GHz\n        - speed: 2.5GHz\n        - speed: "
			"1.25GHz\n"
			"        - speed: 1.2599210499GHz\n        - speed: 1.27GHz\n"
			"vms:\n  - {name: v, memory: 1MiB, destroy_when_done: true,\n"
			"     workload: {kind: batch, work: 1200s}}\n",
			of[i].ghz);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		double f = strtod(of[i].ghz, NULL);
		kwh[i] = summary(&h, "energy_kwh");
		assert_near(kwh[i], (40 + 10 * f * f * f) * (3600 / f) / 3.6e6, 1e-8);
		if (of[i].kwh > 0)
			assert_near(kwh[i], of[i].kwh, 1e-8);
		assert_near(host_cell(&h, "h-0", "on_s"), 3600 / f, 1e-8);
		assert_near(host_cell(&h, "h-0", "speed_mhz"), 1000 * f, 1e-8);
		assert_near(host_cell(&h, "h-0", "cpu_util"), 1, 1e-9);
		harness_close(&h);
		free(yaml);
	}
	assert_true(kwh[6] < kwh[5] && kwh[6] < kwh[7] && kwh[6] < kwh[1]);
}

/* F36 (SimGrid's energy-exec): 100, 50, 20 Mf/s on four cores; a job at the fastest step, one at the
 * slowest; another host is switched off at 20 s. */
static void test_f36_simgrid(void **unused)
{
	(void)unused;
	static const struct {
		int64_t until;
		double one, two;
	} of[] = {{10, 1000, 1000},
		  {11, 1120, 1100},
		  {16, 1645, 1600},
		  {20, 2005, 2000},
		  {30, 2905, 2100}};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct harness h;
		char *yaml = text_of(
			"tick: 3s\nduration: 30s\nhosts:\n"
			"  - &h\n    name: one\n    cores: 4\n    speed: 100MHz\n    memory: 1GiB\n"
			"    off_power: 10W\n    dvfs:\n      governor: fixed\n      steps:\n"
			"        - {speed: 100MHz,\n           power: {kind: epsilon, idle: 100W, "
			"epsilon: 93.3333333333W, all: 200W}}\n"
			"        - {speed: 50MHz,\n           power: {kind: epsilon, idle: 93W, "
			"epsilon: 90W, all: 170W}}\n"
			"        - {speed: 20MHz,\n           power: {kind: epsilon, idle: 90W, "
			"epsilon: 90W, all: 150W}}\n"
			"  - {<<: *h, name: two}\n"
			"vms:\n"
			"  - {name: a, memory: 1MiB, start: 10s, destroy_when_done: true,\n"
			"     workload: {kind: batch, work: 1s}}\n"
			"  - {name: b, memory: 1MiB, start: 11s, destroy_when_done: true,\n"
			"     workload: {kind: batch, work: 1s}}\n"
			"actions:\n"
			"  - {at: 11s, host: one-0, do: set-speed, speed: 20MHz}\n"
			"  - {at: 20s, host: two, do: switch-off}\n");
		harness_open(&h, yaml);
		h.scenario->duration_ns = of[i].until * INT64_C(1000000000);
		harness_run(&h, 0);
		assert_near(host_cell(&h, "one-0", "energy_kwh") * 3.6e6, of[i].one, 1e-8);
		assert_near(host_cell(&h, "two-0", "energy_kwh") * 3.6e6, of[i].two, 1e-8);
		harness_close(&h);
		free(yaml);
	}
}

#define STEPS                                                                              \
	"hosts:\n  - name: h\n    cores: 4\n    speed: 3GHz\n    memory: 8GiB\n"           \
	"    power: {kind: linear, idle: 60W, max: 200W}\n    dvfs:\n      governor: %s\n" \
	"      steps: [{speed: 1GHz}, {speed: 2GHz}, {speed: 3GHz}]\n"

/* Which speed, and what a VM gets of what it wants. */
static void test_governors(void **unused)
{
	(void)unused;
	static const struct {
		const char *governor, *vms;
		double speed, short_of;
	} of[] = {
		{"performance", "count: 1, vcpus: 1, workload: {kind: constant, cpu: 10%}", 3000,
		 0},
		{"powersave", "count: 1, vcpus: 1, workload: {kind: constant, cpu: 10%}", 1000, 0},
		{"powersave", "count: 1, vcpus: 2, workload: {kind: constant, cpu: 50%}", 1000,
		 1. / 3},
		/* 0.8 GHz of a core is just what may be at 1 GHz. */
		{"ondemand", "count: 1, vcpus: 1, workload: {kind: constant, cpu: 800 MHz}", 1000,
		 0},
		{"ondemand", "count: 1, vcpus: 1, workload: {kind: constant, cpu: 801 MHz}", 2000,
		 0},
		{"ondemand", "count: 1, vcpus: 4, workload: {kind: constant, cpu: 801 MHz}", 1000,
		 0},
		{"ondemand", "count: 1, vcpus: 1, workload: {kind: constant, cpu: 1.7GHz}", 3000,
		 0},
		/* No VM's vCPU is busy, but the host's cores are. */
		{"ondemand", "count: 16, vcpus: 1, workload: {kind: constant, cpu: 300 MHz}", 2000,
		 0},
		{"ondemand", "count: 20, vcpus: 1, workload: {kind: constant, cpu: 900 MHz}", 3000,
		 1. / 3},
		/* What is guaranteed is there whatever the governor says. */
		{"powersave",
		 "count: 4, vcpus: 1, cpu: {floor: 2.5GHz}, workload: {kind: constant, cpu: "
		 "2.4GHz}",
		 3000, 0},
	};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct harness h;
		char *yaml = text_of("tick: 10s\nduration: 100s\n" STEPS
				     "vms:\n  - {name: v, memory: 1MiB, %s}\n",
				     of[i].governor, of[i].vms);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(host_cell(&h, "h-0", "speed_mhz"), of[i].speed, 1e-9);
		assert_near(1 + summary(&h, "cpu_shortfall"), 1 + of[i].short_of, 1e-8);
		double util = host_cell(&h, "h-0", "cpu_util"), f = of[i].speed / 3000;
		assert_near(joules(&h), 100 * (60 + 140 * util * f * f * f), 1e-8);
		harness_close(&h);
		free(yaml);
	}
}

/* Fairness is measured by what the host can give at its speed: a slow host is not unfair. */
static void test_entitled_to_what_there_is(void **unused)
{
	(void)unused;
	struct harness h;
	char *yaml = text_of("tick: 10s\nduration: 100s\n" STEPS
			     "vms:\n  - {name: a, count: 3, vcpus: 2, memory: 1MiB,\n"
			     "     workload: {kind: constant, cpu: 100%%}}\n"
			     "policies: {cpu: equal}\n",
			     "powersave");

	harness_open(&h, yaml);
	harness_run(&h, 0);
	assert_near(summary(&h, "jain"), 1, 1e-9);
	assert_near(summary(&h, "worst"), 1, 1e-9);
	assert_near(vm_cell(&h, "a-0", "cpu_grant_mhz"), 4000. / 3, 1e-8);
	assert_near(summary(&h, "cpu_util"), 1, 1e-9);
	harness_close(&h);
	free(yaml);
}

static void test_mistakes(void **unused)
{
	(void)unused;
	static const struct {
		const char *host, *actions, *says;
	} bad[] = {
		{"dvfs: {}", "", "steps: is missing"},
		{"dvfs: {steps: [{speed: 1GHz}]}", "", "is not the speed of hosts h, 3000 MHz"},
		{"dvfs: {steps: [{speed: 3GHz}, {speed: 3000MHz}]}", "", "is also that of entry 0"},
		{"dvfs: {up: 50%, governor: fixed, steps: [{speed: 3GHz}]}", "",
		 "up: stands only beside governor: ondemand"},
		{"dvfs: {speed: 3GHz, steps: [{speed: 3GHz}]}", "",
		 "speed: stands only beside governor: fixed"},
		{"dvfs: {governor: fixed, speed: 2GHz, steps: [{speed: 3GHz}]}", "",
		 "speed: is the speed of none of the steps"},
		{"dvfs: {steps: [{speed: 3GHz, power: {kind: constant, watts: 1W}}, {speed: "
		 "1GHz}]}",
		 "", "1 of 2 have power"},
		{"dvfs: {steps: [{speed: 3GHz}]}",
		 "actions: [{at: 1s, host: h, do: set-speed, speed: 3GHz}]\n",
		 "speed: hosts h have no such step, or not governor: fixed"},
		{"labels: [x]", "actions: [{at: 1s, do: switch-off}]\n", "host: is missing"},
		{"labels: [x]", "actions: [{at: 1s, do: switch-off, host: h-1}]\n",
		 "there is no group of hosts or host \"h-1\""},
		{"labels: [x]", "actions: [{at: 1s, do: switch-off, host: h, vm: v}]\n",
		 "vm: cannot stand here"},
		{"labels: [x]", "actions: [{at: 1s, do: pause, host: h}]\n", "vm: is missing"},
		{"off_power: 5W", "", "off_power: needs power"},
		{"boot: {power: 5W}", "", "power: needs power of hosts h"},
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		char *yaml = text_of(
			"tick: 1s\nduration: 5s\n%shosts:\n  - name: h\n    cores: 1\n"
			"    speed: 3GHz\n    memory: 1GiB\n    %s\n"
			"vms:\n  - {name: v, memory: 1MiB, workload: {kind: constant, cpu: 1%%}}\n",
			bad[i].actions, bad[i].host);
		struct scenario *s;
		struct err err = {0};
		assert_int_equal(
			scenario_load_text(&s, "t.yaml", yaml, strlen(yaml), NULL, 0, &err),
			-EINVAL);
		if (!strstr(err.text, bad[i].says))
			fail_msg("lacks \"%s\":\n%s", bad[i].says, err.text);
		scenario_free(s);
		free(yaml);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_f35_best_speed),
		cmocka_unit_test(test_f36_simgrid),
		cmocka_unit_test(test_governors),
		cmocka_unit_test(test_entitled_to_what_there_is),
		cmocka_unit_test(test_mistakes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
