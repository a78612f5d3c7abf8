/*
 * For tests of what looks at processes (replay/find.h, replay/record.h): makers of folders and files that stand for
 * those of processes in /proc, a clock that passes as the test says, and the rows of one look.
 */
#ifndef COTENANT_TESTS_UNIT_RECORD_HARNESS_H
#define COTENANT_TESTS_UNIT_RECORD_HARNESS_H

#include "tests/fake_tree.h"

#include <fcntl.h>
#include <math.h>

#include "replay/record.h"

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, setup, fake_teardown)

#define SECOND INT64_C(1000000000)

static int64_t clock_ns;

static inline int64_t fake_clock(void)
{
	return clock_ns;
}

static inline int setup(void **state)
{
	if (fake_setup(state) < 0)
		return -1;
	clock_ns = 5 * SECOND;
	fake_file("proc/self/schedstat", "1 2 3\n");
	fake_file("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	return 0;
}

static inline void file_of(int pid, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "proc/%d/%s", pid, name);
	fake_file(path, text);
}

static inline void thread_of(int pid, int tid, const char *comm, const char *schedstat)
{
	char name[64];

	snprintf(name, sizeof(name), "task/%d/comm", tid);
	file_of(pid, name, comm);
	snprintf(name, sizeof(name), "task/%d/schedstat", tid);
	file_of(pid, name, schedstat);
}

static inline void fd_of(int pid, int fd, const char *target)
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
static inline void arguments_of(int pid, const char *text)
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

static inline void remove_process(int pid)
{
	char path[PATH_MAX], name[64];

	snprintf(name, sizeof(name), "proc/%d", pid);
	assert_int_equal(nftw(fake_path(name, path), fake_unlink, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void io_of(int pid, uint64_t read_bytes, uint64_t write_bytes, unsigned reads,
			 unsigned writes)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "rchar: 1\nwchar: 2\nsyscr: %u\nsyscw: %u\nread_bytes: %llu\nwrite_bytes: %llu\n"
		 "cancelled_write_bytes: 77\n",
		 reads, writes, (unsigned long long)read_bytes, (unsigned long long)write_bytes);
	file_of(pid, "io", text);
}

static inline void qemu(int pid, const char *name)
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

static struct record_row rows[400];
static struct found_vm vms[400];
static size_t nrows;

static inline void keep(void *arg, const struct record_row *row)
{
	(void)arg;
	assert_true(nrows < 400);
	vms[nrows] = *row->found;
	rows[nrows] = *row;
	rows[nrows].found = &vms[nrows];
	nrows++;
}

static inline struct record_params params(void)
{
	return (struct record_params){
		.root = fake_root, .disk = true, .libvirt = "", .now_ns = fake_clock};
}

static inline struct record *open_with(struct record_params p)
{
	struct err err = {0};
	struct record *record;

	if (record_open(&record, &p, &err) < 0)
		fail_msg("%s", err.text);
	return record;
}

static inline size_t sample(struct record *record)
{
	struct err err = {0};

	nrows = 0;
	assert_int_equal(record_sample(record, keep, NULL, &err), 0);
	clock_ns += SECOND;
	return nrows;
}

static inline const struct record_row *row_of(const char *name)
{
	for (size_t i = 0; i < nrows; i++)
		if (strcmp(vms[i].name, name) == 0)
			return &rows[i];
	fail_msg("no row of %s", name);
	return NULL;
}

static inline void near(double a, double b)
{
	if (!(fabs(a - b) <= 1e-9 * (1 + fabs(b))))
		fail_msg("%.12g is not %.12g", a, b);
}

#endif
