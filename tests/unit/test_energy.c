/*
 * Energy of whole scenarios: the tables and formulas of test_power.c as hosts draw them, PUE and
 * carbon. All are exact integrals, wherever the moments fall at which something changes.
 */
#include "tests/harness.h"

#include <errno.h>

#include "models/carbon.h"

static double joules(struct harness *h)
{
	return summary(h, "energy_kwh") * 3.6e6;
}

static char *temp_file(const char *text)
{
	char *path = text_of("/tmp/cotenant-energy-XXXXXX.csv");
	int fd = mkstemps(path, 4);

	assert_true(fd >= 0);
	dprintf(fd, "%s", text);
	close(fd);
	return path;
}

/* F30: 400 G4 and 400 G5 for a day, all busy and all idle. */
static void test_f30_a_day(void **unused)
{
	(void)unused;
	static const struct {
		const char *cpu;
		double kwh;
	} of[] = {{"100%", 2419.2}, {"0%", 1725.12}};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct harness h;
		char *yaml =
			text_of("tick: 300s\nduration: 24h\nhosts:\n"
				"  - {name: a, count: 400, cores: 2, speed: 1860MHz, memory: 4GB,\n"
				"     power: {kind: table, host: hp-ml110-g4}}\n"
				"  - {name: b, count: 400, cores: 2, speed: 1860MHz, memory: 4GB,\n"
				"     power: {kind: table, host: hp-ml110-g5}}\n"
				"vms:\n  - {name: v, count: 800, vcpus: 2, memory: 1GB,\n"
				"     workload: {kind: constant, cpu: %s}}\n"
				"overcommit: {cpu: 1}\noutput: {vm_timeline: 0}\n",
				of[i].cpu);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(summary(&h, "energy_kwh"), of[i].kwh, 1e-8);
		assert_near(summary(&h, "facility_kwh"), of[i].kwh, 1e-8);
		assert_true(isnan(summary(&h, "carbon_g")));
		harness_close(&h);
		free(yaml);
	}
}

/* F31: 0 for an hour, .25 for an hour, .5 for 30 min, 1 for 15 min; with ticks that do not fit. */
static void test_f31_steps(void **unused)
{
	(void)unused;
	static const struct {
		const char *host;
		double kwh;
	} of[] = {{"hp-ml110-g4", .26055}, {"hp-ml110-g5", .28845}};
	static const int percent[] = {0, 0, 0, 0, 25, 25, 25, 25, 50, 50, 100};
	char rows[400] = "time,vm,cpu\n";

	for (size_t i = 0; i < COUNT(percent); i++)
		snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows), "%zu,v,%d\n", 900 * i,
			 percent[i]);
	char *path = temp_file(rows);
	for (size_t i = 0; i < COUNT(of); i++) {
		struct harness h;
		char *yaml = text_of("tick: 700s\nduration: 165min\nhosts:\n"
				     "  - {name: a, cores: 2, speed: 1860MHz, memory: 4GB,\n"
				     "     power: {kind: table, host: %s}}\n"
				     "vms:\n  - {name: v, vcpus: 2, memory: 1GB,\n"
				     "     workload: {kind: trace, path: %s}}\n",
				     of[i].host, path);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(summary(&h, "energy_kwh"), of[i].kwh, 1e-8);
		harness_close(&h);
		free(yaml);
	}
	unlink(path);
	free(path);
}

/* F32: from nothing to full in an hour. Demand is a step function here: steps of 1 s at the middle of the ramp's give
 * its energy exactly, as all kinks of the table fall between two of them. */
static void test_f32_ramp(void **unused)
{
	(void)unused;
	char *rows = malloc(3600 * 40 + 100), *end = rows + sprintf(rows, "time,vm,cpu\n");
	struct harness h;

	assert_non_null(rows);
	for (int i = 0; i < 3600; i++)
		end += sprintf(end, "%d,v,%.10f\n", i, (i + .5) / 36);
	char *path = temp_file(rows);
	char *yaml = text_of("tick: 97s\nduration: 1h\nhosts:\n"
			     "  - {name: a, cores: 2, speed: 2660MHz, memory: 4GB,\n"
			     "     power: {kind: table, host: hp-ml110-g5}}\n"
			     "vms:\n  - {name: v, vcpus: 2, memory: 1GB,\n"
			     "     workload: {kind: trace, path: %s}}\n",
			     path);

	harness_open(&h, yaml);
	harness_run(&h, 0);
	assert_near(summary(&h, "energy_kwh"), .115135, 1e-8);
	harness_close(&h);
	unlink(path);
	free(yaml);
	free(path);
	free(rows);
}

/* F33 and F34: an hour at a share of the CPU. The oracle's 182.15837563 for sqrt at .3 is 100 + 150 sqrt(.3) but
 * for its last three digits. */
static void test_f33_f34_formulas(void **unused)
{
	(void)unused;
	static const struct {
		const char *model;
		int percent;
		double watts;
	} of[] = {
		{"linear", 30, 145},       {"square", 30, 113.5},      {"cubic", 30, 104.05},
		{"sqrt", 30, 182.158384},  {"linear", 70, 205},        {"square", 70, 173.5},
		{"cubic", 70, 151.45},     {"sqrt", 70, 225.49900398}, {"fan", 10, 124.02839244},
		{"fan", 30, 162.19896172}, {"fan", 50, 193.16062876},  {"fan", 70, 218.96078274},
		{"fan", 90, 240.57124541},
	};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct harness h;
		char *yaml = text_of("tick: 7min\nduration: 1h\nhosts:\n"
				     "  - {name: a, cores: 2, speed: 2GHz, memory: 4GB,\n"
				     "     power: {kind: %s, idle: 100W, max: 250W}}\n"
				     "vms:\n  - {name: v, vcpus: 2, memory: 1GB,\n"
				     "     workload: {kind: constant, cpu: %d%%}}\n",
				     of[i].model, of[i].percent);
		harness_open(&h, yaml);
		harness_run(&h, 0);
		assert_near(summary(&h, "energy_kwh"), of[i].watts / 1000, 5e-9);
		harness_close(&h);
		free(yaml);
	}
}

/* F37 (OpenDC): one core of 2000 MHz, linear from 100 to 200 W, half of it for 10 min. */
static void test_f37_opendc(void **unused)
{
	(void)unused;
	struct harness h;

	harness_open(
		&h,
		"tick: 60s\nduration: 10min\nhosts:\n"
		"  - {name: a, cores: 1, speed: 2000MHz, memory: 4GB,\n"
		"     power: {kind: linear, idle: 100W, max: 200W}}\n"
		"vms:\n  - {name: v, memory: 1GB, workload: {kind: constant, cpu: 1000 MHz}}\n");
	harness_run(&h, 0);
	assert_near(joules(&h), 90000, 1e-8);
	harness_close(&h);
}

/* Power changes every 600 s, the intensity at moments of its own, ticks are at others still. */
static void test_carbon_over_time(void **unused)
{
	(void)unused;
	char *load = temp_file("time,vm,cpu\n0,v,0\n600,v,50\n1200,v,100\n1800,v,20\n");
	char *grid = temp_file("time_s,gco2_per_kwh\n0,100\n1000,400\n1500.5,50\n1e6,7\n");
	char *yaml = text_of("tick: 350s\nduration: 2400s\nhosts:\n"
			     "  - {name: a, cores: 1, speed: 2000MHz, memory: 4GB,\n"
			     "     power: {kind: linear, idle: 100W, max: 200W}}\n"
			     "vms:\n  - {name: v, memory: 1GB, workload: {kind: trace, path: %s}}\n"
			     "facility: {pue: 1.25, carbon_trace: %s}\n",
			     load, grid);
	struct harness h;

	harness_open(&h, yaml);
	harness_run(&h, 0);
	double grams = 600 * 100 * 100. + 400 * 150 * 100. + 200 * 150 * 400. + 300.5 * 200 * 400. +
		       299.5 * 200 * 50. + 600 * 120 * 50.;
	assert_near(summary(&h, "carbon_g"), 1.25 * grams / 3.6e6, 1e-8);
	assert_near(summary(&h, "facility_kwh"), 1.25 * summary(&h, "energy_kwh"), 1e-8);
	harness_close(&h);
	free(yaml);
	unlink(grid);
	unlink(load);
	free(grid);
	free(load);
}

/* Hosts that sleep, alone and in whole chunks, some that come and go, after a warm-up, in threads: with
 * one intensity for all times, carbon is energy times it, by whatever way it was summed up. */
static void test_carbon_of_many(void **unused)
{
	(void)unused;
	char *grid = temp_file("time_s,gco2_per_kwh\n0,300\n123,300\n4567,300\n");
	char *yaml =
		text_of("tick: 100s\nduration: 10000s\nwarmup: 1234s\nhosts:\n"
			"  - {name: a, count: 300, cores: 4, speed: 1GHz, memory: 4GB,\n"
			"     when_empty: off, power: {kind: fan, idle: 100W, max: 200W}}\n"
			"vms:\n  - {name: v, count: 400, memory: 1MB,\n"
			"     workload: {kind: constant, cpu: 70%%}}\n"
			"  - {name: w, memory: 1MB, arrivals: exp(20s), lifetime: exp(2000s),\n"
			"     workload: {kind: sine, cpu: 50%%, low: 30%%, period: 1h}}\n"
			"overcommit: {cpu: 1}\nfacility: {carbon_trace: %s}\n",
			grid);
	struct harness h;

	harness_open(&h, yaml);
	for (unsigned threads = 1; threads <= 2; threads++) {
		h.threads = threads;
		harness_run(&h, 0);
		assert_near(summary(&h, "carbon_g"), 300 * summary(&h, "energy_kwh"), 3e-9);
	}
	harness_close(&h);
	free(yaml);
	unlink(grid);
	free(grid);
}

static void test_carbon_files(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", ":1:1: \"\" is not the header time_s,gco2_per_kwh"},
		{"time_s,gco2_per_kwh\n", ":2:1: \"\" is the end: there are no rows"},
		{"time,g\n0,1\n", ":1:1: \"time,g\" is not the header"},
		{"time_s,gco2_per_kwh\n1,1\n", ":2:1: \"1\" is not 0"},
		{"time_s,gco2_per_kwh\n0,1\n5,-2\n", ":3:3: \"-2\" is not an amount"},
		{"time_s,gco2_per_kwh\n0,1\n5,nan\n", ":3:3: \"nan\" is not an amount"},
		{"time_s,gco2_per_kwh\n0,1\n5,2\n5,3\n", ":4:1: \"5\" is not after"},
		{"time_s,gco2_per_kwh\n0,1\n5\n", ":3:1: \"5\" is not a row"},
		{"time_s,gco2_per_kwh\n0,1\n5,2,3\n", ":3:3: \"2,3\" is not an amount"},
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		char *path = temp_file(bad[i].text);
		struct carbon carbon = {0};
		struct err err = {0};
		assert_int_equal(carbon_load(&carbon, path, &err), -EINVAL);
		if (!strstr(err.text, bad[i].says))
			fail_msg("%s: lacks %s", err.text, bad[i].says);
		carbon_free(&carbon);
		unlink(path);
		free(path);
	}
	char *path = temp_file("time_s,gco2_per_kwh\r\n0,10\r\n\r\n7.5,1e2\r\n");
	struct carbon carbon = {0};
	struct err err = {0};
	assert_int_equal(carbon_load(&carbon, path, &err), 0);
	assert_near(carbon_between(&carbon, 5000000000, 10000000000), 25 + 250, 1e-15);
	assert_near(carbon_between(&carbon, 0, 0), 0, 0);
	carbon_free(&carbon);
	unlink(path);
	free(path);
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_f30_a_day),      cmocka_unit_test(test_f31_steps),
		cmocka_unit_test(test_f32_ramp),       cmocka_unit_test(test_f33_f34_formulas),
		cmocka_unit_test(test_f37_opendc),     cmocka_unit_test(test_carbon_over_time),
		cmocka_unit_test(test_carbon_of_many), cmocka_unit_test(test_carbon_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
