/* What vm_timeline.csv tells of the time between two rows: means, whatever happened in between. */
#include "tests/harness.h"

/* The mean from the row before to the row at @time_s. */
static double got(struct harness *h, const char *vm, double time_s, const char *column)
{
	const struct csv_table *t = harness_table(h, OUTPUT_VM_TIMELINE);
	size_t name = column_of(t, "vm"), time = column_of(t, "time_s");

	for (size_t i = 0; i < t->nrows; i++)
		if (strcmp(t->cell[i * t->ncols + name], vm) == 0 &&
		    csv_number(t, i, time) == time_s)
			return csv_number(t, i, column_of(t, column));
	fail_msg("%s has no row at %g", vm, time_s);
	return 0;
}

/* Two share a core from 14 s to 27 s, with rows every 10 s; one of them comes and goes between rows, the other sleeps
 * on in the meantime. */
static void test_means_over_a_tick(void **unused)
{
	struct harness h;

	(void)unused;
	harness_open(
		&h,
		"tick: 10s\nduration: 60s\noutput: {vm_timeline: 2}\n"
		"hosts: [{name: h, cores: 1, speed: 1GHz, memory: 4GiB,\n"
		"         disks: {bandwidth: 10MB/s, iops: 100 IOPS}}]\n"
		"vms:\n  - {name: a, memory: 1GiB, workload: {kind: constant, cpu: 90%, memory: "
		"512MiB,\n"
		"     bandwidth: 8MB/s, iops: 80 IOPS}}\n"
		"  - {name: b, memory: 1GiB, start: 14s, lifetime: 13s,\n"
		"     workload: {kind: constant, cpu: 90%, bandwidth: 8MB/s, iops: 80 IOPS}}\n");
	harness_run(&h, 0);
	assert_near(got(&h, "a-0", 10, "cpu_got_mhz"), 900, 1e-9);
	assert_near(got(&h, "a-0", 20, "cpu_got_mhz"), .4 * 900 + .6 * 500, 1e-9);
	assert_near(got(&h, "b-0", 20, "cpu_got_mhz"), 500, 1e-9);
	assert_near(got(&h, "a-0", 30, "cpu_got_mhz"), .7 * 500 + .3 * 900, 1e-9);
	assert_near(got(&h, "a-0", 30, "disk_got_bytes_s"), .7 * 5e6 + .3 * 8e6, 1e-9);
	assert_near(got(&h, "a-0", 30, "iops_got"), .7 * 50 + .3 * 80, 1e-9);
	assert_near(got(&h, "a-0", 30, "mem_got_bytes"), 536870912, 1e-9);
	assert_near(got(&h, "a-0", 60, "cpu_got_mhz"), 900, 1e-9);
	harness_close(&h);
}

/* A VM that stops stays on its host, and in the rows; what it got before it came back is not counted twice. */
static void test_a_vm_that_comes_back(void **unused)
{
	struct harness h;

	(void)unused;
	harness_open(&h, "tick: 10s\nduration: 60s\noutput: {vm_timeline: 2}\n"
			 "hosts: [{name: h, cores: 1, speed: 1GHz, memory: 4GiB}]\n"
			 "vms: [{name: a, memory: 1GiB, workload: {kind: constant, cpu: 50%}}]\n"
			 "actions:\n  - {at: 3s, do: stop, vm: a}\n  - {at: 8s, do: start, vm: a}\n"
			 "  - {at: 15s, do: stop, vm: a}\n  - {at: 41s, do: start, vm: a}\n"
			 "  - {at: 52s, do: pause, vm: a}\n  - {at: 57s, do: resume, vm: a}\n");
	harness_run(&h, 0);
	assert_near(got(&h, "a-0", 10, "cpu_got_mhz"), .5 * 500, 1e-9);
	assert_near(got(&h, "a-0", 20, "cpu_got_mhz"), .5 * 500, 1e-9);
	assert_near(got(&h, "a-0", 30, "cpu_got_mhz"), 0, 0);
	assert_near(got(&h, "a-0", 50, "cpu_got_mhz"), .9 * 500, 1e-9);
	assert_near(got(&h, "a-0", 60, "cpu_got_mhz"), 250, 1e-9);
	harness_close(&h);
}

/* Rows of VMs that never end hold what vms.csv says of them, over a warm-up, migrations to faster hosts, hosts that
 * sleep and neighbours that come and go. */
static void test_rows_add_up(void **unused)
{
	struct harness h;

	(void)unused;
	harness_open(
		&h,
		"tick: 10s\nduration: 20min\nwarmup: 100s\noutput: {vm_timeline: 20}\n"
		"hosts:\n  - {name: h, count: 4, cores: 2, speed: 1GHz, memory: 8GiB}\n"
		"  - {name: k, count: 2, cores: 2, speed: 3GHz, memory: 8GiB}\n"
		"vms:\n  - {name: v, count: 12, vcpus: 1, memory: 1GiB,\n"
		"     workload: {kind: onoff, cpu: 1 GHz, on_time: exp(50s), off_time: exp(90s)}}\n"
		"  - {name: w, arrivals: exp(15s), lifetime: exp(60s), vcpus: 2, memory: 512MiB,\n"
		"     workload: {kind: constant, cpu: 70%}}\n"
		"actions:\n  - {at: 303s, do: migrate, vm: v}\n  - {at: 611s, do: migrate, vm: "
		"v-3, to: k-1}\n"
		"policies: {placer: random}\novercommit: {cpu: 6}\n");
	harness_run(&h, 0);
	const struct csv_table *t = harness_table(&h, OUTPUT_VM_TIMELINE);
	double sum = 0, total = 0;
	for (size_t i = 0; i < t->nrows; i++)
		if (t->cell[i * t->ncols + column_of(t, "vm")][0] == 'v' &&
		    csv_number(t, i, column_of(t, "time_s")) > 100)
			sum += csv_number(t, i, column_of(t, "cpu_got_mhz")) * 10;
	const struct csv_table *vms = harness_table(&h, OUTPUT_VMS);
	for (size_t i = 0; i < vms->nrows; i++)
		if (vms->cell[i * vms->ncols + column_of(vms, "vm")][0] == 'v')
			total += csv_number(vms, i, column_of(vms, "cpu_grant_mhz")) *
				 csv_number(vms, i, column_of(vms, "running_s"));
	assert_true(summary(&h, "migrations") >= 12);
	assert_near(sum, total, 1e-7);
	harness_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_means_over_a_tick),
		cmocka_unit_test(test_a_vm_that_comes_back),
		cmocka_unit_test(test_rows_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
