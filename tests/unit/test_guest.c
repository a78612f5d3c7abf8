/*
 * Real guests: they do as they are told, and end alone. Where there is no KVM every test is skipped, with
 * the reason. On a busy machine a guest gets less than it is told, and later: what it must do is waited for,
 * and only what would be too much fails at once. How exact guests are is for bench_guest.c to say.
 */
#include "tests/test.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "replay/guest.h"
#include "replay/vmm.h"

#define MS 1000000ll

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void sleep_until(int64_t at)
{
	struct timespec t = {.tv_sec = at / (1000 * MS), .tv_nsec = at % (1000 * MS)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		continue;
}

static void need_kvm(void)
{
	struct err err = {0};

	if (vmm_check("/dev/kvm", &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
}

static struct guest *start(uint32_t vcpus, double disk)
{
	struct err err = {0};
	struct guest_spec spec = {.name = "test",
				  .vcpus = vcpus,
				  .memory = 64 << 20,
				  .disk = disk,
				  .folder = "/var/tmp",
				  .period_ns = 100 * MS,
				  .uid = 65534,
				  .seed = 1};
	struct guest *guest;

	if (guest_start(&guest, &spec, &err) < 0)
		fail_msg("%s", err.text);
	return guest;
}

static struct guest_report since(struct guest *guest, const struct guest_report *a)
{
	struct guest_report b;

	guest_read(guest, &b);
	b.at_ns -= a->at_ns;
	b.cpu_ns -= a->cpu_ns;
	b.unmet_ns -= a->unmet_ns;
	b.work -= a->work;
	b.touches -= a->touches;
	b.missed -= a->missed;
	b.read_ops -= a->read_ops;
	b.write_bytes -= a->write_bytes;
	return b;
}

/* Gives the order for @ms and returns what was done since, in the time that passed. */
static struct guest_report during(struct guest *guest, struct guest_order order, int ms)
{
	struct guest_report a;

	order.start_ns = now_ns();
	order.end_ns = order.start_ns + ms * MS;
	guest_read(guest, &a);
	guest_order(guest, &order);
	sleep_until(order.end_ns);
	return since(guest, &a);
}

/* Waits until the guest has done so much of one thing since @a. */
#define wait_for(guest, a, condition)                      \
	do {                                               \
		int64_t until = now_ns() + 20000 * MS;     \
		struct guest_report r = since(guest, a);   \
		while (!(condition) && now_ns() < until) { \
			sleep_until(now_ns() + 10 * MS);   \
			r = since(guest, a);               \
		}                                          \
		assert_true(condition);                    \
	} while (0)

static double cores(const struct guest_report *r)
{
	return (double)r->cpu_ns / (double)r->at_ns;
}

static void test_cpu_is_commanded(void **state)
{
	(void)state;
	need_kvm();
	struct guest *guest = start(2, 0);
	const struct guest_report none = {0};
	struct guest_report b = during(guest, (struct guest_order){.cpu = 0.4, .cpu_most = 2}, 500);
	assert_true(cores(&b) < 0.5);
	wait_for(guest, &none, r.work > 0 && r.work % 1000 == 0 && r.cpu_ns > 10 * MS);
	during(guest, (struct guest_order){.cpu = 0.4, .cpu_most = 0.1}, 100);
	b = during(guest, (struct guest_order){.cpu = 0.4, .cpu_most = 0.1}, 500);
	assert_true(cores(&b) < 0.25);
	during(guest, (struct guest_order){.cpu_most = 2}, 100);
	b = during(guest, (struct guest_order){.cpu_most = 2}, 300);
	assert_true(cores(&b) < 0.2);
	guest_stop(guest);
}

/* What an order did not get is owed by the next, if it says so; else it is only counted. */
static void test_unmet_time_is_kept_or_dropped(void **state)
{
	(void)state;
	need_kvm();
	const struct guest_report none = {0};
	struct guest_order first = {.cpu = 0.6, .cpu_most = 0.2};

	for (int keep = 0; keep < 2; keep++) {
		struct guest *guest = start(1, 0);
		struct guest_order second = {.cpu_most = 1};
		struct guest_report a, b;
		first.keep = keep;
		first.start_ns = now_ns();
		second.start_ns = first.end_ns = first.start_ns + 500 * MS;
		second.end_ns = second.start_ns + 500 * MS;
		guest_order(guest, &first);
		sleep_until(first.end_ns);
		wait_for(guest, &none, r.unmet_ns > 130 * MS);
		guest_read(guest, &a);
		guest_order(guest, &second);
		if (keep)
			wait_for(guest, &a, r.cpu_ns > 40 * MS);
		sleep_until(second.end_ns);
		b = since(guest, &a);
		if (!keep)
			assert_true(b.cpu_ns < 40 * MS);
		guest_stop(guest);
	}
}

static void test_memory_is_kept_and_taken(void **state)
{
	(void)state;
	need_kvm();
	struct guest *guest = start(1, 0);
	const struct guest_report none = {0};
	struct guest_order order = {.cpu = 0.2,
				    .cpu_most = 1,
				    .memory = 16 << 20,
				    .memory_most = 16 << 20,
				    .touch_rate = 20000,
				    .write_share = 1};
	struct guest_report a;

	during(guest, order, 200);
	wait_for(guest, &none, (size_t)r.resident == 16 << 20);
	during(guest, order, 100);
	guest_read(guest, &a);
	wait_for(guest, &a, r.touches > 100);
	struct guest_report b = since(guest, &a);
	assert_int_equal(b.missed, 0);
	assert_true((double)b.touches < 20000 * ((double)b.at_ns * 1e-9 + 0.25));
	order.memory_most = 4 << 20;
	during(guest, order, 200);
	wait_for(guest, &none, r.resident >= 4 << 20 && r.resident <= (4 << 20) + 8192);
	during(guest, order, 100);
	guest_read(guest, &a);
	wait_for(guest, &a, r.touches > 2000);
	b = since(guest, &a);
	double share = (double)b.missed / (double)b.touches;
	assert_true(share > 0.65 && share < 0.85);
	guest_stop(guest);
}

static void test_disk_is_paced(void **state)
{
	(void)state;
	need_kvm();
	struct guest *guest = start(1, 4 << 20);
	const struct guest_report none = {0};
	struct guest_order order = {.cpu_most = 1,
				    .read_bytes = 200 * 4096,
				    .read_iops = 200,
				    .write_bytes = 50 * 8192,
				    .write_iops = 50,
				    .disk_share = 1};
	struct guest_report b = during(guest, order, 500);

	assert_true((double)b.read_ops <= 200 * (double)b.at_ns * 1e-9 + 2);
	assert_true((double)b.write_bytes <= (50 * (double)b.at_ns * 1e-9 + 2) * 8192);
	wait_for(guest, &none, r.read_ops > 50 && r.write_bytes > 10 * 8192);
	guest_read(guest, &b);
	assert_int_equal(b.write_bytes % 8192, 0);
	order.disk_share = 0.5;
	during(guest, order, 100);
	b = during(guest, order, 500);
	assert_true((double)b.read_ops <= 100 * (double)b.at_ns * 1e-9 + 2);
	guest_stop(guest);
}

static void test_pause_and_resume(void **state)
{
	(void)state;
	need_kvm();
	struct guest *guest = start(1, 0);
	struct guest_order order = {.cpu = 0.5, .cpu_most = 1};

	during(guest, order, 200);
	assert_int_equal(guest_pause(guest), 0);
	sleep_until(now_ns() + 20 * MS);
	struct guest_report r = during(guest, order, 300);
	assert_true(r.cpu_ns < 20 * MS);
	assert_int_equal(guest_resume(guest), 0);
	r = during(guest, order, 400);
	assert_true(r.cpu_ns > 10 * MS);
	guest_stop(guest);
}

static void test_a_crash_is_told(void **state)
{
	(void)state;
	need_kvm();
	struct guest *guest = start(1, 0), *other = start(1, 0);
	char why[160] = "";

	assert_true(guest_alive(guest, why, sizeof(why)));
	guest_misbehave(guest, GUEST_CRASH);
	during(guest, (struct guest_order){.cpu = 0.5, .cpu_most = 1}, 200);
	for (int i = 0; i < 1000 && guest_alive(guest, why, sizeof(why)); i++)
		sleep_until(now_ns() + 10 * MS);
	assert_non_null(strstr(why, "exception"));
	assert_true(strstr(why, "rip 0x10") || !strstr(why, "rip")); /* AMD's do not tell */
	assert_true(guest_alive(other, why, sizeof(why)));
	kill(guest_pid(other), SIGKILL);
	for (int i = 0; i < 1000 && guest_alive(other, why, sizeof(why)); i++)
		sleep_until(now_ns() + 10 * MS);
	assert_non_null(strstr(why, "signal 9"));
	guest_stop(guest);
	guest_stop(other);
}

static int status_of(pid_t pid, const char *key)
{
	char path[64], line[256];
	int value = -1;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			value = atoi(line + strlen(key));
	if (f)
		fclose(f);
	return value;
}

static void test_a_guest_has_given_everything_away(void **state)
{
	(void)state;
	need_kvm();
	struct guest *guest = start(1, 0);

	assert_int_equal(status_of(guest_pid(guest), "NoNewPrivs:"), 1);
	assert_int_equal(status_of(guest_pid(guest), "Seccomp:"), 2);
	if (getuid() == 0)
		assert_int_equal(status_of(guest_pid(guest), "Uid:"), 65534);
	guest_stop(guest);
}

/* One that broke out would end with the first thing that it tries, alone. */
static void test_nothing_is_left_to_reach(void **state)
{
	static const enum guest_mischief tries[] = {GUEST_OPEN, GUEST_SOCKET, GUEST_EXEC,
						    GUEST_PTRACE, GUEST_KILL};

	(void)state;
	need_kvm();
	struct guest *other = start(1, 0);
	char why[160] = "";
	for (size_t t = 0; t < sizeof(tries) / sizeof(tries[0]); t++) {
		struct guest *guest = start(1, 0);
		guest_misbehave(guest, tries[t]);
		for (int i = 0; i < 1000 && guest_alive(guest, why, sizeof(why)); i++)
			sleep_until(now_ns() + 10 * MS);
		assert_non_null(strstr(why, "signal 31"));
		guest_stop(guest);
	}
	assert_true(guest_alive(other, why, sizeof(why)));
	guest_stop(other);
}

/* A controller that is killed leaves no guest. */
static void test_no_guest_outlives_its_controller(void **state)
{
	(void)state;
	need_kvm();
	int pipes[2];
	pid_t pid = -1;

	assert_int_equal(pipe(pipes), 0);
	pid_t controller = fork();
	if (controller == 0) {
		struct guest *guest = start(1, 0);
		pid_t its = guest_pid(guest);
		ssize_t n = write(pipes[1], &its, sizeof(its));
		(void)n;
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(kill(pid, 0), 0);
	kill(controller, SIGKILL);
	waitpid(controller, NULL, 0);
	int64_t until = now_ns() + 3000 * MS;
	while (status_of(pid, "Pid:") == pid && now_ns() < until)
		sleep_until(now_ns() + 10 * MS);
	assert_true(status_of(pid, "Pid:") != pid);
	close(pipes[0]);
	close(pipes[1]);
}

/* The guest goes on in another process with every page as it was, and counts on from where it stood. */
static void test_a_guest_moves_while_it_runs(void **state)
{
	(void)state;
	need_kvm();
	struct err err = {0};
	struct guest *guest = start(2, 0);
	pid_t first = guest_pid(guest);
	struct guest_report before;
	struct guest_order order = {.cpu = 0.4,
				    .cpu_most = 2,
				    .memory = 16 << 20,
				    .memory_most = 16 << 20,
				    .touch_rate = 10000,
				    .write_share = 1};
	struct guest_migration m = {.bandwidth = 200e6, .threshold = 1 << 18, .max_rounds = 20};

	order.start_ns = now_ns();
	order.end_ns = order.start_ns + 60000 * MS;
	guest_order(guest, &order);
	wait_for(guest, &(struct guest_report){0}, r.work > 0 && (size_t)r.resident == 16 << 20);
	guest_read(guest, &before);
	if (guest_migrate(&guest, &m, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(guest_pid(guest) != first);
	assert_true(m.verified);
	assert_true(m.rounds >= 1 && m.rounds <= 20);
	assert_true(m.sent >= 16 << 20 && m.downtime_s > 0 && m.downtime_s < m.total_s);
	wait_for(guest, &(struct guest_report){0},
		 r.work > before.work && r.touches > before.touches &&
			 (size_t)r.resident == 16 << 20);
	guest_stop(guest);
}

static void test_bad_specs_are_refused(void **state)
{
	(void)state;
	struct err err = {0};
	struct guest_spec spec = {.name = "test",
				  .vcpus = 9,
				  .memory = 1 << 20,
				  .folder = "/var/tmp",
				  .period_ns = 100 * MS};
	struct guest *guest;

	assert_true(guest_start(&guest, &spec, &err) < 0);
	assert_int_equal(err.kind, ERR_INPUT);
	guest_stop(guest);
	need_kvm();
	err_clear(&err);
	spec.vcpus = 1;
	spec.disk = 1 << 20;
	spec.folder = "/nowhere";
	assert_true(guest_start(&guest, &spec, &err) < 0);
	assert_non_null(strstr(err.text, "/nowhere: a guest's disk"));
	guest_stop(guest);
}

static void test_a_missing_device_is_told_with_its_remedy(void **state)
{
	(void)state;
	struct err err = {0};

	assert_true(vmm_check("/nowhere/kvm", &err) < 0);
	assert_int_equal(err_exit_status(&err), 2);
	assert_non_null(strstr(err.text, "/nowhere/kvm: there is none; "));
	err_clear(&err);
	assert_true(vmm_check("/dev/null", &err) < 0);
	assert_int_equal(err_exit_status(&err), 2);
}

/* An order that is given before the guest is there is obeyed when it is; and one that is killed meanwhile, or
 * cannot be made, is gone. */
static void test_starts_meanwhile(void **state)
{
	struct guest_spec spec = {.name = "test",
				  .vcpus = 2,
				  .memory = 64 << 20,
				  .disk = 4 << 20,
				  .folder = "/var/tmp",
				  .period_ns = 100 * MS,
				  .uid = 65534,
				  .seed = 1};
	struct guest_order order = {.start_ns = now_ns(), .cpu = 1, .cpu_most = 1};
	struct guest_report none = {0};
	struct err err = {0};
	struct guest *guest;
	int rc;

	(void)state;
	need_kvm();
	order.end_ns = order.start_ns + 60000 * MS;
	assert_int_equal(guest_begin(&guest, &spec, &err), 0);
	guest_order(guest, &order);
	while ((rc = guest_ready(guest, &err)) == 0)
		sleep_until(now_ns() + MS);
	assert_int_equal(rc, 1);
	assert_int_equal(guest_ready(guest, &err), 1);
	wait_for(guest, &none, r.work > 1000000);
	guest_kill(guest);
	while (!guest_gone(guest))
		sleep_until(now_ns() + MS);
	guest_stop(guest);

	for (int ms = 0; ms < 12; ms += 2) { /* at several stages of its start */
		assert_int_equal(guest_begin(&guest, &spec, &err), 0);
		sleep_until(now_ns() + ms * MS);
		guest_kill(guest);
		while (!guest_gone(guest))
			sleep_until(now_ns() + MS);
		guest_stop(guest);
	}
	spec.folder = "/nowhere";
	assert_int_equal(guest_begin(&guest, &spec, &err), 0);
	while ((rc = guest_ready(guest, &err)) == 0)
		sleep_until(now_ns() + MS);
	assert_true(rc < 0 && strstr(err.text, "/nowhere"));
	guest_stop(guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_is_commanded),
		cmocka_unit_test(test_unmet_time_is_kept_or_dropped),
		cmocka_unit_test(test_memory_is_kept_and_taken),
		cmocka_unit_test(test_disk_is_paced),
		cmocka_unit_test(test_pause_and_resume),
		cmocka_unit_test(test_a_crash_is_told),
		cmocka_unit_test(test_a_guest_has_given_everything_away),
		cmocka_unit_test(test_nothing_is_left_to_reach),
		cmocka_unit_test(test_no_guest_outlives_its_controller),
		cmocka_unit_test(test_a_guest_moves_while_it_runs),
		cmocka_unit_test(test_starts_meanwhile),
		cmocka_unit_test(test_bad_specs_are_refused),
		cmocka_unit_test(test_a_missing_device_is_told_with_its_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
