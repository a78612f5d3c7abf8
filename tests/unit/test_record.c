/*
 * Measuring VMs, on folders of plain files that stand for /proc and /sys: what they are said to want, and everything
 * that can go wrong between two reads.
 */
#include "tests/unit/record_harness.h"

#include <errno.h>
#include <sys/wait.h>

#include "sim/core/mem.h"

static void test_rules_of_demand(void **state)
{
	(void)state;
	for (int i = RECORD_WANTED; i <= RECORD_MOST; i++) {
		enum record_demand rule = (enum record_demand)i;
		near(record_wanted(rule, 0.3, 0, true), 0.3);
		near(record_wanted(rule, 0, 0, true), 0);
		near(record_wanted(rule, 1, 0, false), 1);
		/* Always ready to run, but for the rule that says so. */
		near(record_wanted(rule, 0.4, 0.6, false), rule == RECORD_USED ? 0.4 : 1);
	}
	near(record_wanted(RECORD_USED, 0.3, 0.2, true), 0.3);
	near(record_wanted(RECORD_MOST, 0.3, 0.2, true), 0.5);
	near(record_wanted(RECORD_CLOSED, 0.3, 0.2, true), 0.375);
	near(record_wanted(RECORD_CLOSED, 0, 1, false), 1);
	near(record_wanted(RECORD_WANTED, 0.3, 0.69, true), 0.3);
}

static void test_qemu_is_measured(void **state)
{
	(void)state;
	qemu(500, "guest=web,debug-threads=on");
	fake_stat(1, "systemd", 'S', 1);
	thread_of(1, 1, "systemd\n", "5 5 5\n");
	struct record *record = open_with(params());
	assert_int_equal(sample(record), 0);
	thread_of(500, 501, "CPU 0/KVM\n", "1250000000 100000000 6\n");
	thread_of(500, 502, "CPU 1/KVM\n", "2500000000 500000000 6\n");
	io_of(500, 41960, 1000, 20, 500); /* 10 blocks: no more than 10 operations */
	assert_int_equal(sample(record), 1);
	const struct record_row *row = row_of("web");
	near(row->used, 0.75);
	near(row->waited, 0.6);
	near(row->demand, 0.25 + 1); /* the second never slept */
	near(row->memory, (1000 + 24 + 2048) * 1024.0);
	near(row->disk, 40960);
	near(row->iops, 10);
	assert_int_equal(row->found->vcpus, 2);
	assert_int_equal(row->found->kind, FOUND_QEMU);
	near(row->found->ram, 2147483648.0);
	assert_true(row->found->named);
	/* Twice as long: rates are per second. */
	clock_ns += SECOND;
	thread_of(500, 501, "CPU 0/KVM\n", "2250000000 100000000 6\n");
	assert_int_equal(sample(record), 1);
	near(row_of("web")->used, 0.5);
	assert_int_equal(record_stats(record)->clipped, 0);
	assert_int_equal(record_stats(record)->saturated, 1);
	/* The least that they wanted is what they had: 0.75 cores for 1 s, then 0.5 for 2 s. */
	near(record_stats(record)->demand_s - record_stats(record)->censored_s, 0.75 + 2 * 0.5);
	near(record_stats(record)->censored_s, 0.5);
	record_close(record);
}

/* A wait is told by the kernel when it is over: who has not slept in an interval waited for what is
 * missing of it. */
static void status_of(int pid, int tid, char thread_state, int sleeps)
{
	char name[64], text[160];

	snprintf(name, sizeof(name), "task/%d/status", tid);
	snprintf(text, sizeof(text),
		 "Name:\tx\nState:\t%c (x)\nnonvoluntary_ctxt_switches:\t9\n"
		 "voluntary_ctxt_switches:\t%d\n",
		 thread_state, sleeps);
	file_of(pid, name, text);
}

static void test_waits_that_are_not_over(void **state)
{
	(void)state;
	qemu(500, "guest=a");
	status_of(500, 501, 'R', 5);
	status_of(500, 502, 'R', 5);
	struct record *record = open_with(params());
	sample(record);
	thread_of(500, 501, "CPU 0/KVM\n", "1200000000 700000000 6\n");
	thread_of(500, 502, "CPU 1/KVM\n", "2200000000 700000000 6\n");
	status_of(500, 501, 'S', 6);
	status_of(500, 502, 'R', 5);
	assert_int_equal(sample(record), 1);
	near(row_of("a")->waited, 0.7 + 0.8);
	near(row_of("a")->demand, 0.2 + 1);
	/* Asleep at first: the same count of sleeps says nothing. */
	thread_of(500, 501, "CPU 0/KVM\n", "1700000000 700000000 7\n");
	thread_of(500, 502, "CPU 1/KVM\n", "3200000000 700000000 6\n");
	assert_int_equal(sample(record), 1);
	near(row_of("a")->waited, 0);
	near(row_of("a")->demand, 0.5 + 1);
	record_close(record);
}

/* In a long interval every vCPU sleeps at some time; looks in between tell when it starved. */
static void test_looks_in_between(void **state)
{
	(void)state;
	struct err err = {0};

	qemu(500, "guest=a");
	status_of(500, 501, 'R', 5);
	struct record *record = open_with(params());
	sample(record);
	thread_of(500, 501, "CPU 0/KVM\n", "1250000000 0 6\n");
	assert_int_equal(record_look(record, &err), 0);
	clock_ns += SECOND;
	status_of(500, 501, 'S', 6);
	thread_of(500, 501, "CPU 0/KVM\n", "1750000000 100000000 6\n");
	assert_int_equal(sample(record), 1);
	const struct record_row *row = row_of("a");
	near(row->used, 0.375);
	near(row->demand, (1 + 0.5) / 2);
	near(row->waited, (0.75 + 0.1) / 2);
	assert_int_equal(sample(record), 1);
	near(row_of("a")->demand, 0);
	record_close(record);
}

/* Of a group that is the VM's own its devices are read; what is stacked on others counts once. */
static void test_disk_of_a_group(void **state)
{
	static const char stat[] =
		"sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dw.scope/io.stat";

	(void)state;
	qemu(500, "guest=w");
	file_of(500, "cgroup", "0::/machine.slice/machine-qemu\\x2d1\\x2dw.scope\n");
	fake_file("sys/dev/block/253:0/dm/name", "lv\n");
	fake_file("sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dw.scope/cpu.stat",
		  "usage_usec 5000000\nuser_usec 1\n");
	fake_file(stat, "8:0 rbytes=0 wbytes=0 rios=0 wios=0 dbytes=0 dios=0\n");
	struct record *record = open_with(params());
	sample(record);
	fake_file(stat, "8:0 rbytes=1000 wbytes=500 rios=3 wios=2 dbytes=0 dios=0\n"
			"253:0 rbytes=1000 wbytes=500 rios=3 wios=2\n8:16 \n"
			"259:1 rbytes=100 wbytes=0 rios=1 wios=0\n");
	fake_file("sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dw.scope/cpu.stat",
		  "usage_usec 5500000\nuser_usec 1\n");
	sample(record);
	near(row_of("w")->disk, 1600);
	near(row_of("w")->rest, 0.5);
	near(row_of("w")->iops, 6);
	assert_int_equal(record_stats(record)->malformed, 1);
	record_close(record);
}

/* A VM that ends has no row any more; one of that name is the same VM, and says that it was away. */
static void test_vms_come_and_go(void **state)
{
	(void)state;
	qemu(500, "guest=a");
	qemu(510, "guest=b");
	struct record *record = open_with(params());
	sample(record);
	assert_int_equal(sample(record), 2);
	uint32_t a = row_of("a")->vm;
	remove_process(500);
	qemu(520, "guest=c");
	assert_int_equal(sample(record), 1);
	assert_int_equal(sample(record), 2);
	assert_false(row_of("c")->returned);
	qemu(530, "guest=a");
	assert_int_equal(sample(record), 2);
	assert_int_equal(sample(record), 3);
	const struct record_row *row = row_of("a");
	assert_true(row->returned);
	assert_int_equal(row->vm, a);
	assert_int_equal(row->found->pid, 530);
	near(row->used, 0);
	assert_int_equal(sample(record), 3);
	assert_false(row_of("a")->returned);
	/* A zombie is no VM. */
	fake_stat(510, "qemu-system-x86", 'Z', 610);
	assert_int_equal(sample(record), 2);
	const struct record_stats *stats = record_stats(record);
	assert_int_equal(stats->vms, 3);
	assert_int_equal(stats->came, 1);
	assert_int_equal(stats->went, 2);
	assert_int_equal(stats->returned, 1);
	record_close(record);
}

static void test_a_pid_is_used_again(void **state)
{
	(void)state;
	qemu(500, "guest=a");
	struct record *record = open_with(params());
	sample(record);
	qemu(500, "guest=b");
	fake_stat(500, "qemu-system-x86", 'S', 12345);
	assert_int_equal(sample(record), 0);
	assert_int_equal(sample(record), 1);
	row_of("b");
	assert_int_equal(record_stats(record)->reused, 1);
	record_close(record);
}

static void test_a_program_becomes_a_vm(void **state)
{
	(void)state;
	fake_stat(500, "sh", 'S', 600);
	thread_of(500, 500, "sh\n", "1 1 1\n");
	struct record *record = open_with(params());
	for (int i = 0; i < 5; i++)
		assert_int_equal(sample(record), 0);
	qemu(500, "guest=late");
	size_t n = 0;
	for (int i = 0; i < 20; i++)
		n = sample(record);
	assert_int_equal(n, 1);
	record_close(record);
}

static void test_vcpus_are_plugged(void **state)
{
	(void)state;
	qemu(500, "guest=a");
	struct record *record = open_with(params());
	sample(record);
	thread_of(500, 504, "CPU 2/KVM\n", "300000000 0 1\n");
	assert_int_equal(sample(record), 1);
	assert_int_equal(row_of("a")->found->vcpus, 3);
	near(row_of("a")->used, 0.3); /* it began in this second */
	char path[PATH_MAX];
	assert_int_equal(
		nftw(fake_path("proc/500/task/504", path), fake_unlink, 16, FTW_DEPTH | FTW_PHYS),
		0);
	assert_int_equal(sample(record), 1);
	assert_int_equal(row_of("a")->found->vcpus, 2);
	record_close(record);
}

static void test_counters_that_go_back(void **state)
{
	(void)state;
	qemu(500, "guest=a");
	struct record *record = open_with(params());
	sample(record);
	thread_of(500, 501, "CPU 0/KVM\n", "100000000 0 1\n");
	io_of(500, 10, 10, 1, 1);
	assert_int_equal(sample(record), 1);
	near(row_of("a")->used, 0.1);
	near(row_of("a")->disk, 20);
	assert_int_equal(record_stats(record)->backwards, 3);
	/* A counter that jumps is cut at what is possible. */
	thread_of(500, 501, "CPU 0/KVM\n", "18446744073709551615 18446744073709551615 1\n");
	assert_int_equal(sample(record), 1);
	near(row_of("a")->used, 1);
	near(row_of("a")->demand, 1);
	assert_int_equal(record_stats(record)->clipped, 1);
	record_close(record);
}

/* No file is as it should be; nothing crashes, and what cannot be read has no row. */
static void test_malformed_files(void **state)
{
	static const char *const junk[] = {"",
					   "\n",
					   "-1 -1 -1",
					   "99999999999999999999999 1 1",
					   "abc",
					   "1",
					   "1 ",
					   "( ) (",
					   "500 (qemu-system-x86",
					   "500 (x) S 1 1 1",
					   "\xff\xfe\x01)",
					   "a\nb\nc: d\n=\n,,,\n",
					   "0::",
					   "0::/machine.slice/.scope",
					   "0::/machine.slice/machine-\\x2.scope",
					   "8:0 rbytes=x",
					   "::::",
					   "read_bytes: 1",
					   "|||",
					   "-name|-m|-m|g",
					   "-m|99999999999999999999t|-name|,,,=,guest=,"};
	static const char *const file[] = {"stat",
					   "status",
					   "io",
					   "cgroup",
					   "cmdline",
					   "task/501/schedstat",
					   "task/501/comm",
					   "task/502/schedstat"};

	(void)state;
	for (size_t f = 0; f < sizeof(file) / sizeof(file[0]); f++) {
		for (size_t j = 0; j < sizeof(junk) / sizeof(junk[0]); j++) {
			qemu(500, "guest=a");
			file_of(500, "cgroup", "0::/x\n");
			struct record *record = open_with(params());
			sample(record);
			file_of(500, file[f], junk[j]);
			sample(record);
			for (size_t i = 0; i < nrows; i++) {
				assert_true(rows[i].demand >= 0 && rows[i].demand <= 2);
				assert_true(vms[i].name[0] != '\0');
			}
			record_close(record);
			record = open_with(params());
			sample(record);
			sample(record);
			record_close(record);
		}
	}
	qemu(500, "guest=a");
	thread_of(500, 501, "CPU 0/KVM\n", "x");
	thread_of(500, 502, "CPU 1/KVM\n", "");
	struct record *record = open_with(params());
	sample(record);
	assert_int_equal(sample(record), 0);
	assert_int_equal(record_stats(record)->unread, 1);
	assert_true(record_stats(record)->malformed > 0);
	record_close(record);
}

static void test_three_hundred_vms(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		char name[32];
		snprintf(name, sizeof(name), "guest=vm-%03d", i);
		qemu(1000 + 10 * i, name);
	}
	struct record *record = open_with(params());
	sample(record);
	for (int i = 0; i < 300; i++) {
		char text[64];
		snprintf(text, sizeof(text), "%d 0 1\n", 1000000000 + i * 1000000);
		thread_of(1000 + 10 * i, 1001 + 10 * i, "CPU 0/KVM\n", text);
	}
	assert_int_equal(sample(record), 300);
	near(row_of("vm-123")->used, 0.123);
	near(row_of("vm-299")->used, 0.299);
	record_close(record);
}

/* Who is not root sees less, and is told. In a process of another user. */
static int as_nobody(void)
{
	struct err err = {0};
	struct record_params p = params();
	struct record *record;
	char lack[64];

	if (setuid(65534) < 0 || record_open(&record, &p, &err) < 0)
		return 1;
	nrows = 0;
	if (record_sample(record, keep, NULL, &err) < 0)
		return 2;
	clock_ns += SECOND;
	if (record_sample(record, keep, NULL, &err) < 0 || nrows != 1)
		return 3;
	if (!isnan(rows[0].disk) || isnan(rows[0].memory))
		return 4;
	if (record_stats(record)->no_disk != 1 || record_stats(record)->hidden != 1)
		return 5;
	if (!record_at(record, 0, lack, sizeof(lack)) || strcmp(lack, "disk") != 0)
		return 6;
	record_close(record);
	return 0;
}

static void test_no_permission(void **state)
{
	char path[PATH_MAX];
	int status;

	(void)state;
	if (getuid() != 0) {
		print_message("skipped: only root can become somebody else\n");
		skip();
	}
	qemu(500, "guest=a");
	fake_stat(800, "firecracker", 'S', 9);
	thread_of(800, 800, "firecracker\n", "1 0 1\n");
	fd_of(800, 4, "anon_inode:kvm-vcpu:0");
	chmod(fake_root, 0755);
	chmod(fake_path("proc/500/io", path), 0400);
	chmod(fake_path("proc/800/fd", path), 0500);
	pid_t pid = fork();
	if (pid == 0)
		_exit(as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_a_kernel_without_schedstat(void **state)
{
	char path[PATH_MAX];
	struct err err = {0};
	struct record_params p = params();
	struct record *record;

	(void)state;
	unlink(fake_path("proc/self/schedstat", path));
	assert_true(record_open(&record, &p, &err) < 0);
	assert_int_equal(err_exit_status(&err), 1);
	assert_non_null(strstr(err.text, "CONFIG_SCHED_INFO"));
}

static void test_memory_runs_out(void **state)
{
	(void)state;
	struct record_params p = params();

	qemu(500, "guest=a");
	qemu(510, "guest=b");
	for (uint64_t n = 1; n < 1000; n++) {
		struct err err = {0};
		struct record *record;
		mem_fail_at(n);
		int rc = record_open(&record, &p, &err);
		nrows = 0;
		if (rc == 0)
			rc = record_sample(record, keep, NULL, &err);
		if (rc == 0)
			rc = record_sample(record, keep, NULL, &err);
		mem_fail_at(0);
		bool whole = rc == 0 && nrows == 2;
		record_close(record);
		assert_true(rc == 0 || rc == -ENOMEM);
		if (whole)
			return;
	}
	fail_msg("never enough memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_of_demand),
		IN_TREE(test_qemu_is_measured),
		IN_TREE(test_waits_that_are_not_over),
		IN_TREE(test_looks_in_between),
		IN_TREE(test_disk_of_a_group),
		IN_TREE(test_vms_come_and_go),
		IN_TREE(test_a_pid_is_used_again),
		IN_TREE(test_a_program_becomes_a_vm),
		IN_TREE(test_vcpus_are_plugged),
		IN_TREE(test_counters_that_go_back),
		IN_TREE(test_malformed_files),
		IN_TREE(test_three_hundred_vms),
		IN_TREE(test_no_permission),
		IN_TREE(test_a_kernel_without_schedstat),
		IN_TREE(test_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
