/*
 * Finding and measuring VMs, on folders of plain files that stand for /proc and /sys: VMs of all kinds,
 * and everything that can go wrong between two reads. The clock passes as the tests say. One test finds
 * a real VM of another program, where there is KVM.
 */
#include "tests/fake_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>

#include "models/trace.h"
#include "replay/libvirt.h"
#include "replay/record.h"
#include "replay/vmm.h"
#include "sim/record_file.h"
#include "sim/recording.h"

#define SECOND INT64_C(1000000000)

static int64_t clock_ns;

static int64_t fake_clock(void)
{
	return clock_ns;
}

/* ---- the tree ---- */

static int setup(void **state)
{
	if (fake_setup(state) < 0)
		return -1;
	clock_ns = 5 * SECOND;
	fake_file("proc/self/schedstat", "1 2 3\n");
	fake_file("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	return 0;
}

static void file_of(int pid, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "proc/%d/%s", pid, name);
	fake_file(path, text);
}

static void thread_of(int pid, int tid, const char *comm, const char *schedstat)
{
	char name[64];

	snprintf(name, sizeof(name), "task/%d/comm", tid);
	file_of(pid, name, comm);
	snprintf(name, sizeof(name), "task/%d/schedstat", tid);
	file_of(pid, name, schedstat);
}

static void fd_of(int pid, int fd, const char *target)
{
	char path[PATH_MAX], name[64];

	snprintf(name, sizeof(name), "fd/x");
	file_of(pid, name, "");
	snprintf(name, sizeof(name), "proc/%d/fd/%d", pid, fd);
	fake_path(name, path);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

/* Arguments separated by '|'. */
static void arguments_of(int pid, const char *text)
{
	char path[PATH_MAX], name[64];
	size_t n = strlen(text);

	file_of(pid, "cmdline", text);
	snprintf(name, sizeof(name), "proc/%d/cmdline", pid);
	FILE *f = fopen(fake_path(name, path), "w");
	assert_non_null(f);
	for (size_t i = 0; i <= n; i++)
		fputc(text[i] == '|' ? '\0' : text[i], f);
	fclose(f);
}

static void remove_process(int pid)
{
	char path[PATH_MAX], name[64];

	snprintf(name, sizeof(name), "proc/%d", pid);
	assert_int_equal(nftw(fake_path(name, path), fake_unlink, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void io_of(int pid, uint64_t read_bytes, uint64_t write_bytes, unsigned reads,
		  unsigned writes)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "rchar: 1\nwchar: 2\nsyscr: %u\nsyscw: %u\nread_bytes: %llu\nwrite_bytes: %llu\n"
		 "cancelled_write_bytes: 77\n",
		 reads, writes, (unsigned long long)read_bytes, (unsigned long long)write_bytes);
	file_of(pid, "io", text);
}

static void qemu(int pid, const char *name)
{
	char text[512];

	fake_stat(pid, "qemu-system-x86", 'S', 100 + pid);
	snprintf(text, sizeof(text), "qemu-system-x86_64|-name|%s|-m|size=2097152k|-smp|2", name);
	arguments_of(pid, text);
	thread_of(pid, pid, "qemu-system-x86\n", "9000000000 1 1\n");
	thread_of(pid, pid + 1, "CPU 0/KVM\n", "1000000000 0 5\n");
	thread_of(pid, pid + 2, "CPU 1/KVM\n", "2000000000 0 5\n");
	thread_of(pid, pid + 3, "kvm-nx-lpage-re\n", "7 7 7\n");
	file_of(pid, "status",
		"Name:\tq\nVmRSS:\t 1200 kB\nRssAnon:\t 1000 kB\nRssFile:\t 100 kB\n"
		"RssShmem:\t 24 kB\nHugetlbPages:\t 2048 kB\n");
	io_of(pid, 1000, 1000, 10, 10);
}

/* ---- rows ---- */

static struct record_row rows[400];
static struct found_vm vms[400];
static size_t nrows;

static void keep(void *arg, const struct record_row *row)
{
	(void)arg;
	assert_true(nrows < 400);
	vms[nrows] = *row->found;
	rows[nrows] = *row;
	rows[nrows].found = &vms[nrows];
	nrows++;
}

static struct record_params params(void)
{
	return (struct record_params){
		.root = fake_root, .disk = true, .libvirt = "", .now_ns = fake_clock};
}

static struct record *open_with(struct record_params p)
{
	struct err err = {0};
	struct record *record;

	if (record_open(&record, &p, &err) < 0)
		fail_msg("%s", err.text);
	return record;
}

static size_t sample(struct record *record)
{
	struct err err = {0};

	nrows = 0;
	assert_int_equal(record_sample(record, keep, NULL, &err), 0);
	clock_ns += SECOND;
	return nrows;
}

static const struct record_row *row_of(const char *name)
{
	for (size_t i = 0; i < nrows; i++)
		if (strcmp(vms[i].name, name) == 0)
			return &rows[i];
	fail_msg("no row of %s", name);
	return NULL;
}

static void near(double a, double b)
{
	if (!(fabs(a - b) <= 1e-9 * (1 + fabs(b))))
		fail_msg("%.12g is not %.12g", a, b);
}

/* ---- tests ---- */

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

static void test_names(void **state)
{
	static const struct {
		const char *argument, *name;
	} cases[] = {{"guest=a", "a"},
		     {"b,debug-threads=on", "b"},
		     {"debug-threads=on,guest=c", "c"},
		     {"guest=with,,comma,process=x", "with,comma"},
		     {"guest=quote\"s", "quote\"s"},
		     {"guest=new\nline\x01", "new?line?"},
		     {"guest=\xc3\xbcml", "\xc3\xbcml"},
		     {"debug-threads=on", "qemu-system-x86-500"},
		     {"guest=", "qemu-system-x86-500"}};
	struct found_vm vm;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		qemu(500, cases[i].argument);
		assert_int_equal(find_vm(fake_root, 500, false, &vm), FIND_VM);
		assert_string_equal(vm.name, cases[i].name);
	}
	char longest[400] = "guest=";
	memset(longest + 6, 'n', 300);
	qemu(500, longest);
	assert_int_equal(find_vm(fake_root, 500, false, &vm), FIND_VM);
	assert_int_equal(strlen(vm.name), 255);
	arguments_of(500, "qemu-system-x86_64|-m|512|-name|x");
	assert_int_equal(find_vm(fake_root, 500, false, &vm), FIND_VM);
	near(vm.ram, 512 * 1048576.0);
	arguments_of(500, "qemu-system-x86_64|-m|3G|-name");
	assert_int_equal(find_vm(fake_root, 500, false, &vm), FIND_VM);
	near(vm.ram, 3 * 1073741824.0);
}

static void test_names_from_scopes(void **state)
{
	struct found_vm vm;

	(void)state;
	qemu(500, "debug-threads=on");
	file_of(500, "cgroup",
		"0::/machine.slice/machine-qemu\\x2d7\\x2dweb\\x2dserver.scope/libvirt/emulator\n");
	assert_int_equal(find_vm(fake_root, 500, false, &vm), FIND_VM);
	assert_string_equal(vm.name, "web-server");
	assert_string_equal(vm.group, "/machine.slice/machine-qemu\\x2d7\\x2dweb\\x2dserver.scope");
	file_of(500, "cgroup", "0::/qemu.slice/101.scope\n");
	assert_int_equal(find_vm(fake_root, 500, false, &vm), FIND_VM);
	assert_string_equal(vm.name, "101");
	file_of(500, "cgroup", "0::/user.slice/session-3.scope\n");
	assert_int_equal(find_vm(fake_root, 500, false, &vm), FIND_VM);
	assert_string_equal(vm.name, "qemu-system-x86-500");
	assert_string_equal(vm.group, "");
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

static void own(int pid, const char *label)
{
	fake_stat(pid, "cotenant-guest", 'S', pid);
	thread_of(pid, pid, "cotenant-guest\n", "1 1 1\n");
	thread_of(pid, pid + 1, "CPU 0/KVM\n", "0 0 0\n");
	arguments_of(pid, "cotenant|replay|-name|x.yaml");
	fd_of(pid, 4, label);
	fd_of(pid, 5, "anon_inode:kvm-vm");
	fd_of(pid, 6, "anon_inode:kvm-vcpu:0");
	file_of(pid, "status", "RssAnon:\t 1000 kB\nRssShmem:\t 24 kB\n");
}

static void test_own_guests(void **state)
{
	(void)state;
	own(700, "/memfd:cotenant-guest:67108864:web,\"1\"-0 (deleted)");
	qemu(500, "guest=web");
	struct record_params p = params();
	p.own = true;
	struct record *record = open_with(p);
	sample(record);
	assert_int_equal(sample(record), 1);
	const struct record_row *row = row_of("web,\"1\"-0");
	assert_int_equal(row->found->kind, FOUND_OWN);
	near(row->found->ram, 67108864);
	near(row->memory, 24 * 1024); /* the guest's memory, not the program's */
	assert_true(isnan(row->disk));
	record_close(record);
}

/* A guest that moves to another process is one VM all the time; two runs of a scenario are two. */
static void test_own_guests_move(void **state)
{
	(void)state;
	own(700, "/memfd:cotenant-guest:1048576:a (deleted)");
	own(710, "/memfd:cotenant-guest:1048576:a (deleted)");
	struct record *record = open_with(params());
	sample(record);
	assert_int_equal(sample(record), 2);
	row_of("a.710");
	remove_process(710);
	own(720, "/memfd:cotenant-guest:1048576:a (deleted)");
	assert_int_equal(sample(record), 1);
	assert_int_equal(sample(record), 1);
	remove_process(700);
	assert_int_equal(sample(record), 0);
	assert_int_equal(sample(record), 1);
	assert_int_equal(row_of("a")->found->pid, 720);
	assert_false(row_of("a")->returned);
	assert_int_equal(record_stats(record)->moved, 1);
	own(730, "/memfd:cotenant-guest:1048576:a (deleted)");
	for (int i = 0; i < 12; i++)
		sample(record);
	assert_int_equal(nrows, 2);
	row_of("a.730");
	assert_int_equal(record_stats(record)->renamed, 2);
	record_close(record);
}

/* A program that does not name its threads is known by its descriptors; all its threads count. */
static void test_other_programs(void **state)
{
	(void)state;
	fake_stat(800, "firecracker", 'S', 9);
	thread_of(800, 800, "firecracker\n", "100000000 0 1\n");
	thread_of(800, 801, "fc_vcpu 0\n", "0 0 0\n");
	arguments_of(800, "firecracker|--id|micro-1,x|--api-sock|/run/s");
	fd_of(800, 3, "anon_inode:kvm-vm");
	fd_of(800, 4, "anon_inode:kvm-vcpu:0");
	fake_stat(801, "controller", 'S', 9); /* a VM without vCPUs is none */
	thread_of(801, 801, "controller\n", "1 1 1\n");
	fd_of(801, 3, "anon_inode:kvm-vm");
	struct record *record = open_with(params());
	sample(record);
	thread_of(800, 800, "firecracker\n", "200000000 0 1\n");
	thread_of(800, 801, "fc_vcpu 0\n", "500000000 0 1\n");
	assert_int_equal(sample(record), 1);
	const struct record_row *row = row_of("micro-1,x");
	near(row->used, 0.6);
	assert_false(row->found->named);
	assert_int_equal(row->found->kind, FOUND_OTHER);
	thread_of(800, 800, "firecracker\n", "1200000000 0 1\n");
	thread_of(800, 801, "fc_vcpu 0\n", "1500000000 0 1\n");
	sample(record);
	near(row_of("micro-1,x")->used, 1); /* it has one vCPU */
	record_close(record);
}

static void test_any_process_by_pid(void **state)
{
	(void)state;
	struct err err = {0};
	const pid_t pids[] = {1, 900};
	struct record_params p = params();
	struct record *record;

	qemu(500, "guest=w");
	fake_stat(1, "init", 'S', 1);
	thread_of(1, 1, "init\n", "5 5 5\n");
	file_of(1, "status", "Cpus_allowed:\t0000000f,00000001\nVmRSS:\t 8 kB\n");
	p.pid = pids;
	p.npids = 2;
	assert_true(record_open(&record, &p, &err) < 0);
	assert_int_equal(err_exit_status(&err), 2);
	assert_non_null(strstr(err.text, "--pid 900: no such process"));
	p.npids = 1;
	record = open_with(p);
	sample(record);
	assert_int_equal(sample(record), 1);
	const struct record_row *row = row_of("init-1");
	assert_int_equal(row->found->kind, FOUND_PROCESS);
	assert_int_equal(row->found->vcpus, 5);
	near(row->memory, 8192);
	record_close(record);
}

static void test_patterns(void **state)
{
	(void)state;
	const char *patterns[] = {"web-*", "db"};
	struct record_params p = params();

	qemu(500, "guest=web-1");
	qemu(510, "guest=web2");
	qemu(520, "guest=db");
	p.name = patterns;
	p.nnames = 2;
	struct record *record = open_with(p);
	sample(record);
	assert_int_equal(sample(record), 2);
	row_of("web-1");
	row_of("db");
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

static void test_two_of_a_name(void **state)
{
	(void)state;
	qemu(500, "guest=a");
	qemu(510, "guest=a");
	struct record *record = open_with(params());
	for (int i = 0; i < 4; i++)
		sample(record);
	assert_int_equal(nrows, 2);
	row_of("a");
	row_of("a.510");
	assert_int_equal(record_stats(record)->renamed, 1);
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

/* ---- to the file and back ---- */

static void test_what_is_written_is_read(void **state)
{
	static const char *const names[] = {"plain",     "com,,ma",  "quo\"te", "#hash",
					    " blanks  ", "\xc3\xbc", "a\nb"};
	static const char *const read[] = {" blanks  ", "#hash",   "a?b",     "com,ma",
					   "plain",     "quo\"te", "\xc3\xbc"};
	struct err err = {0};
	struct trace *trace;
	char path[PATH_MAX], details[PATH_MAX];

	(void)state;
	for (int i = 0; i < 7; i++) {
		char text[64];
		snprintf(text, sizeof(text), "guest=%s", names[i]);
		qemu(500 + 10 * i, text);
	}
	struct recording recording = {.path = fake_path("out.csv", path),
				      .details = fake_path("details.csv", details),
				      .interval_ns = SECOND / 10,
				      .duration_ns = SECOND / 5,
				      .quiet = true,
				      .params = params()};
	recording.params.now_ns = NULL;
	if (recording_make(&recording, &err) < 0)
		fail_msg("%s", err.text);
	if (trace_load(&trace, path, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(trace->format, "csv");
	assert_int_equal(trace->n, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_string_equal(trace->vm[i].name, read[i]);
		assert_int_equal(trace->vm[i].cores, 2);
		near(trace->vm[i].memory, 2147483648.0);
		near((double)trace->mem[i], 3072 * 1024.0);
	}
	assert_int_equal(trace->step_ns % (SECOND / 10), 0);
	assert_int_equal(trace->start_ns % (SECOND / 10), 0);
	trace_free(trace);
	assert_true(fake_exists("details.csv"));
	assert_false(fake_exists("out.csv.tmp"));
}

static double cell(const struct trace *t, const float *column, int vm, int step)
{
	return (double)column[trace_cell(t, (size_t)step, (size_t)vm)];
}

/* What a reader of the trace sees of VMs that were away, could not be read, and were resized. */
static void test_gaps_in_the_file(void **state)
{
	(void)state;
	struct err err = {0};
	struct record_file *file;
	struct trace *t;
	struct found_vm a = {.name = "a", .vcpus = 1, .ram = 1024}, b = {.name = "b", .vcpus = 2};
	struct record_row row = {.found = &a, .demand = 0.5, .memory = 100, .disk = 10, .iops = 1};
	char path[PATH_MAX];
	struct record_file_params p = {.path = fake_path("gaps.csv", path),
				       .comment = "# test",
				       .memory = true,
				       .disk = true,
				       .interval_ns = SECOND};

	assert_int_equal(record_file_open(&file, &p, &err), 0);
	record_file_start(file, 1000 * SECOND);
	assert_int_equal(record_file_row(file, &row, 0, 1), 0);
	row = (struct record_row){
		.vm = 1, .found = &b, .demand = 1.5, .memory = NAN, .disk = NAN, .iops = NAN};
	assert_int_equal(record_file_row(file, &row, 0, 2), 0); /* late: two intervals */
	row = (struct record_row){.found = &a, .returned = true, .demand = 0.25};
	a.vcpus = 4;
	assert_int_equal(record_file_row(file, &row, 3, 4), 0); /* off in 1 and 2 */
	row = (struct record_row){.vm = 1, .found = &b, .demand = 2, .memory = 7};
	assert_int_equal(record_file_row(file, &row, 4, 5), 0); /* not read in 2 and 3 */
	assert_int_equal(record_file_rows(file), 7);
	assert_false(fake_exists("gaps.csv"));
	assert_int_equal(record_file_close(file, &err), 0);
	if (trace_load(&t, path, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(t->start_ns, 1000 * SECOND);
	assert_int_equal(t->step_ns, SECOND);
	assert_int_equal(t->steps, 5);
	assert_int_equal(t->vm[0].cores, 4);
	near(t->vm[0].memory, 1024);
	const double cpu[2][5] = {{12.5, 0, 0, 6.25, 0}, {75, 75, 75, 75, 100}};
	const double memory[2][5] = {{100, 0, 0, 0, 0}, {0, 0, 0, 0, 7}};
	for (int vm = 0; vm < 2; vm++)
		for (int k = 0; k < 5; k++) {
			near(cell(t, t->cpu, vm, k), cpu[vm][k]);
			near(cell(t, t->mem, vm, k), memory[vm][k]);
		}
	trace_free(t);
}

static void test_nothing_to_record(void **state)
{
	(void)state;
	struct err err = {0};
	char path[PATH_MAX];
	struct recording recording = {.path = fake_path("out.csv", path),
				      .interval_ns = SECOND / 10,
				      .duration_ns = SECOND / 10,
				      .quiet = true,
				      .params = params()};

	recording.params.now_ns = NULL;
	assert_true(recording_make(&recording, &err) < 0);
	assert_int_equal(err_exit_status(&err), 1);
	assert_non_null(strstr(err.text, "no VM was there"));
	assert_false(fake_exists("out.csv"));
	assert_false(fake_exists("out.csv.tmp"));
}

/* ---- libvirt: its functions, as far as they are used ---- */

static struct fake_domain {
	const char *name;
	unsigned long kib;
	int freed;
} domain[2] = {{"web", 4194304, 0}, {"db", 1048576, 0}};
static int connections;

void *virConnectOpenReadOnly(const char *uri);
int virConnectClose(void *connection);
int virConnectListAllDomains(void *connection, void ***domains, unsigned flags);
const char *virDomainGetName(void *d);
int virDomainGetInfo(void *d, void *info);
int virDomainFree(void *d);
void virSetErrorFunc(void *data, void *f);

void *virConnectOpenReadOnly(const char *uri)
{
	if (uri && strcmp(uri, "nowhere:///") == 0)
		return NULL;
	connections++;
	return &connections;
}

int virConnectClose(void *connection)
{
	(void)connection;
	connections--;
	return 0;
}

int virConnectListAllDomains(void *connection, void ***domains, unsigned flags)
{
	(void)connection;
	assert_int_equal(flags, 1);
	*domains = calloc(2, sizeof(void *));
	(*domains)[0] = &domain[0];
	(*domains)[1] = &domain[1];
	return 2;
}

const char *virDomainGetName(void *d)
{
	return ((struct fake_domain *)d)->name;
}

int virDomainGetInfo(void *d, void *info)
{
	struct {
		unsigned char state;
		unsigned long max, now;
		unsigned short vcpus;
		unsigned long long cpu;
	} out = {1, ((struct fake_domain *)d)->kib, 1024, 4, 0};

	memcpy(info, &out, sizeof(out));
	return 0;
}

int virDomainFree(void *d)
{
	((struct fake_domain *)d)->freed++;
	return 0;
}

void virSetErrorFunc(void *data, void *f)
{
	(void)data;
	(void)f;
}

static void test_libvirt(void **state)
{
	struct libvirt_domain found;
	char why[200] = "";

	(void)state;
	fake_file("run/libvirt/qemu/web.pid", "500\n");
	fake_file("run/libvirt/qemu/db.pid", "510");
	assert_null(libvirt_open("libnosuch.so.7", NULL, why, sizeof(why)));
	assert_non_null(strstr(why, "not installed"));
	assert_null(libvirt_open(NULL, "nowhere:///", why, sizeof(why)));
	assert_non_null(strstr(why, "cannot connect to nowhere:///"));
	struct libvirt *libvirt = libvirt_open(NULL, NULL, why, sizeof(why));
	assert_non_null(libvirt);
	assert_true(libvirt_find(libvirt, fake_root, 510, &found));
	assert_string_equal(found.name, "db");
	near(found.ram, 1073741824.0);
	near(found.balloon, 1048576.0);
	assert_int_equal(found.vcpus, 4);
	assert_false(libvirt_find(libvirt, fake_root, 511, &found));
	assert_int_equal(domain[0].freed, 2);
	libvirt_close(libvirt);
	assert_int_equal(connections, 0);
}

/* ---- real ---- */

static void run_foreign_vmm(int ready)
{
	struct err err = {0};
	struct vmm *vmm;

	if (vmm_open(&vmm, 1 << 20, 1, &err) < 0 || write(ready, "x", 1) != 1)
		_exit(1);
	alarm(20);
	for (;;)
		if (vmm_run(vmm, 0) == VMM_DIED)
			_exit(1);
}

static void test_a_real_foreign_vm(void **state)
{
	struct err err = {0};
	struct found_vm vm;
	int ready[2];
	char x;

	(void)state;
	if (vmm_check("/dev/kvm", &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0)
		run_foreign_vmm(ready[1]);
	assert_int_equal(read(ready[0], &x, 1), 1);
	enum find_result found = find_vm("", pid, false, &vm);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(found, FIND_VM);
	assert_int_equal(vm.kind, FOUND_OTHER);
	assert_int_equal(vm.vcpus, 1);
	assert_false(vm.named);
	assert_int_equal(find_vm("", pid, false, &vm), FIND_NONE);
	assert_int_equal(find_vm("", getpid(), false, &vm), FIND_NONE);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_of_demand),
		IN_TREE(test_qemu_is_measured),
		IN_TREE(test_waits_that_are_not_over),
		IN_TREE(test_looks_in_between),
		IN_TREE(test_names),
		IN_TREE(test_names_from_scopes),
		IN_TREE(test_disk_of_a_group),
		IN_TREE(test_own_guests),
		IN_TREE(test_own_guests_move),
		IN_TREE(test_other_programs),
		IN_TREE(test_any_process_by_pid),
		IN_TREE(test_patterns),
		IN_TREE(test_vms_come_and_go),
		IN_TREE(test_a_pid_is_used_again),
		IN_TREE(test_a_program_becomes_a_vm),
		IN_TREE(test_vcpus_are_plugged),
		IN_TREE(test_counters_that_go_back),
		IN_TREE(test_two_of_a_name),
		IN_TREE(test_malformed_files),
		IN_TREE(test_three_hundred_vms),
		IN_TREE(test_no_permission),
		IN_TREE(test_a_kernel_without_schedstat),
		IN_TREE(test_memory_runs_out),
		IN_TREE(test_what_is_written_is_read),
		IN_TREE(test_gaps_in_the_file),
		IN_TREE(test_nothing_to_record),
		IN_TREE(test_libvirt),
		cmocka_unit_test(test_a_real_foreign_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
