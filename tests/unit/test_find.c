/*
 * Who is a VM, of which kind and by what name, on folders of plain files that stand for /proc and /sys. One test finds
 * a real VM of another program, where there is KVM.
 */
#include "tests/unit/record_harness.h"

#include <signal.h>
#include <sys/wait.h>

#include "replay/libvirt.h"
#include "replay/vmm.h"

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
	const struct CMUnitTest tests[] = {
		IN_TREE(test_names),          IN_TREE(test_names_from_scopes),
		IN_TREE(test_own_guests),     IN_TREE(test_own_guests_move),
		IN_TREE(test_other_programs), IN_TREE(test_any_process_by_pid),
		IN_TREE(test_patterns),       IN_TREE(test_two_of_a_name),
		IN_TREE(test_libvirt),        cmocka_unit_test(test_a_real_foreign_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
