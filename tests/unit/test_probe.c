/*
 * What a machine lacks, told in words, by copies of its files; files that make no sense are told, or passed
 * over, and never believed.
 */
#include "tests/fake_tree.h"

#include <errno.h>
#include <math.h>

#include "replay/device.h"
#include "replay/probe.h"
#include "replay/procfs.h"
#include "replay/validity.h"

static const struct probe_item *look(const char *name)
{
	static struct probe probe;

	probe_machine(&probe, fake_root, fake_root);
	assert_true(probe.n + 1 < PROBE_ITEMS);
	for (size_t i = 0; i < probe.n; i++)
		if (strcmp(probe.item[i].name, name) == 0)
			return &probe.item[i];
	fail_msg("no item %s", name);
	return NULL;
}

static void is(const char *name, enum probe_state state, const char *text, const char *remedy)
{
	const struct probe_item *item = look(name);

	if (item->state != state || !strstr(item->text, text) || !strstr(item->remedy, remedy))
		fail_msg("%s: state %d, '%s', '%s'", name, item->state, item->text, item->remedy);
}

static void test_no_kvm(void **state)
{
	(void)state;
	is("kvm", PROBE_MISSING, "there is none; the processor shows no virtualization",
	   "firmware");
	fake_file("proc/cpuinfo", "flags : fpu svm sse\n");
	is("kvm", PROBE_MISSING, "no KVM module is loaded", "modprobe kvm_amd");
	fake_file("proc/cpuinfo", "flags : fpu vmx sse\n");
	is("kvm", PROBE_MISSING, "no KVM module is loaded", "modprobe kvm_intel");
	fake_file("sys/module/kvm/refcnt", "0\n");
	is("kvm", PROBE_MISSING, "the module kvm is loaded", "--device /dev/kvm");
	fake_file("dev/kvm", "");
	is("kvm", PROBE_OK, "/dev/kvm opens", "");
}

static void test_words_of_errors(void **state)
{
	static const struct {
		int code;
		const char *text, *remedy;
	} of[] = {{EACCES, "/dev/kvm: no permission to open it", "group kvm"},
		  {ENODEV, "/dev/kvm: it is there without its driver", "firmware"},
		  {EBUSY, "another hypervisor", "end it"},
		  {EIO, "Input/output error", ""}};

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct device_words words;
		device_words(fake_root, "/dev/kvm", of[i].code, &words);
		assert_non_null(strstr(words.text, of[i].text));
		assert_non_null(strstr(words.remedy, of[i].remedy));
	}
}

static void test_cores(void **state)
{
	int core[4];

	(void)state;
	assert_int_equal(probe_cores("0-2,7", core, 4), 4);
	assert_true(core[2] == 2 && core[3] == 7);
	assert_int_equal(probe_cores("0-9", core, 4), 10);
	assert_int_equal(probe_cores("", core, 4), 0);
	assert_int_equal(probe_cores("x", core, 4), 0);
	assert_int_equal(probe_cores("3-1", core, 4), 0);
	assert_int_equal(probe_cores("5-", core, 4), 0);
	assert_int_equal(probe_cores("0-99999999999999999999", core, 4), 0);
	assert_int_equal(probe_cores("0-4294967295", core, 4), 0);
	is("cores", PROBE_LESS, "cannot be read", "");
	fake_file("sys/devices/system/cpu/online", "0\n");
	is("pin to", PROBE_LESS, "one core only", "");
	fake_file("sys/devices/system/cpu/online", "0-3\n");
	fake_file("sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "0-1\n");
	fake_file("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "2,3\n");
	is("pin to", PROBE_OK, "core 2", "isolcpus");
	fake_file("sys/devices/system/cpu/isolated", "2-3\n");
	is("pin to", PROBE_OK, "the isolated cores 2-3", "");
}

static void test_the_rest(void **state)
{
	(void)state;
	is("memory", PROBE_LESS, "/proc/meminfo cannot be read", "");
	fake_file("proc/meminfo",
		  "MemTotal: 2097152 kB\nMemAvailable: 1048576 kB\nSwapTotal: 0 kB\n");
	is("memory", PROBE_OK, "2.0 GiB, 1.0 GiB available", "");
	is("swap", PROBE_LESS, "none", "never switched on");
	fake_file("proc/meminfo", "MemTotal: 99999999999999999999999 kB\nSwapTotal: 4194304 kB\n");
	is("memory", PROBE_OK, "0.0 GiB", "");
	is("swap", PROBE_OK, "4.0 GiB", "");
	is("quiet", PROBE_LESS, "/proc/stat cannot be read", "");
	is("run delay", PROBE_LESS, "not there", "CONFIG_SCHED_INFO");
	fake_file("proc/self/schedstat", "1 2 3\n");
	is("run delay", PROBE_OK, "the kernel tells", "");
	is("clock", PROBE_LESS, "unknown", "clocksource=tsc");
	is("cgroup", PROBE_LESS, "", "");
}

static void test_ticks(void **state)
{
	struct cpu_ticks t;

	(void)state;
	assert_false(cpu_ticks(fake_root, -1, &t));
	static const char *const bad[] = {"",
					  "cpu",
					  "cpu \n",
					  "cpu 1 2 3\n",
					  "cpu0 1 2 3 4 5 6 7 8\n",
					  "cpu 1 2 3 4 5 6 7 -8\n",
					  "cpu 99999999999999999999 2 3 4 5 6 7 8\n"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_file("proc/stat", bad[i]);
		assert_false(cpu_ticks(fake_root, -1, &t));
	}
	fake_file("proc/stat", "cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 100 1 2 3 4 5 6 7 8 9\n");
	assert_true(cpu_ticks(fake_root, 1, &t));
	assert_true(t.busy == 114 && t.steal == 7 && t.all == 128);
	assert_false(cpu_ticks(fake_root, 0, &t));
}

/* Good only when all is good. */
static void test_validity(void **state)
{
	static const int core[] = {1};
	struct validity v;
	struct room_real real;

	(void)state;
	fake_file("proc/stat", "cpu1 100 0 0 0 0 0 0 0\n");
	validity_begin(&v, fake_root, core, 1);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(validity_sample(&v, 300000000 + i * 100000, 100000000), 0);
	long hz = sysconf(_SC_CLK_TCK);
	char text[96];
	snprintf(text, sizeof(text), "cpu1 %ld 0 0 0 0 0 0 %ld\n", 100 + 5 * hz, hz / 10);
	fake_file("proc/stat", text);
	v.guests_ns = 4900000000;
	validity_tell(&v, 10, &real);
	assert_true(fabs(real.steal - 0.01) < 1e-9 && fabs(real.background - 0.01) < 1e-9);
	assert_true(real.work_p10 < 1 && real.work_p10 > 0.98 && real.work_p90 > 1);
	assert_string_equal(real.validity, "good");
	v.late_ns = 21000000;
	validity_tell(&v, 10, &real);
	assert_string_equal(real.validity, "poor: updates came late");
	v.limited = true;
	validity_tell(&v, 10, &real);
	assert_string_equal(real.validity, "poor: the kernel refused limits of groups");
	v.late_ns = 0;
	v.limited = false;
	v.guests_ns = 4000000000;
	validity_tell(&v, 10, &real);
	assert_string_equal(real.validity, "poor: others used the cores");
	v.guests_ns = 4900000000;
	for (int i = 0; i < 20; i++)
		assert_int_equal(validity_sample(&v, 250000000, 100000000), 0);
	validity_tell(&v, 10, &real);
	assert_string_equal(real.validity, "poor: the cores' speed varies");
	snprintf(text, sizeof(text), "cpu1 %ld 0 0 0 0 0 0 %ld\n", 100 + 5 * hz, hz / 4);
	fake_file("proc/stat", text);
	validity_tell(&v, 10, &real);
	assert_string_equal(real.validity, "poor: a hypervisor took time");
	validity_fini(&v);
}

/* Lines of mountinfo and stat that are cut, doubled or full of blanks. */
static void test_nonsense_is_passed_over(void **state)
{
	static const char *const mounts[] = {"",
					     "\n\n",
					     "1",
					     "1 2 3:4",
					     "1 2 3 / /a rw - t s o",
					     "1 2 3:4 / /a rw",
					     "1 2 3:4 / /a rw -",
					     "1 2 3:4 / /a rw - t",
					     "1 2 3:4 / /a rw - t s",
					     "- - - - - -",
					     "1 2 x:y / /a rw - t s o"};
	static const char *const stats[] = {
		"",
		"1",
		"1 (",
		"1 )x( S",
		"1 (a) S",
		"1 (a)S 1 2 3",
		"1 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x"};
	struct procfs_mount m;
	struct procfs_stat s;

	(void)state;
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		const char *p = mounts[i];
		assert_false(procfs_mount(&p, &m));
		assert_int_equal(*p, 0);
	}
	const char *p = "junk\n1 2 3:4 /a\\040b /c\\ rw shared:1 - cgroup2 none rw,x\n";
	assert_true(procfs_mount(&p, &m));
	assert_string_equal(m.root, "/a b");
	assert_string_equal(m.point, "/c\\");
	assert_string_equal(m.type, "cgroup2");
	for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		fake_file("proc/7/stat", stats[i]);
		assert_false(procfs_stat(fake_root, 7, &s));
	}
}

int main(void)
{
#define TEST(F) cmocka_unit_test_setup_teardown(F, fake_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_no_kvm),
		TEST(test_words_of_errors),
		TEST(test_cores),
		TEST(test_the_rest),
		TEST(test_ticks),
		TEST(test_validity),
		TEST(test_nonsense_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
