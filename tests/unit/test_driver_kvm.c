/*
 * The real machine room with guests that only count: what they are told, what the run makes of what they
 * tell, and what becomes of them when something goes wrong. Their clock passes when the driver sleeps.
 */
#include "tests/harness.h"

#include <errno.h>

#include "replay/driver_kvm.h"
#include "tests/fake_tree.h"

#define SECOND INT64_C(1000000000)

struct guest {
	struct guest_order order;
	struct guest_report report;
	char name[16];
	uint32_t vcpus;
	int64_t ready_ns;
	unsigned number;
	bool paused, killed;
};

/* Of all guests of a test. */
static struct {
	int64_t now_ns;
	unsigned started, killed, stopped, pauses, resumes, orders;
	int64_t setup_ns,
		lingers_ns;  /* what a start takes; and a death, from when it is known of */
	unsigned hopeless;   /* the n-th guest turns out not to be able to start; 0: none */
	unsigned waited_for; /* stops of guests that were not gone */
	double slow;         /* share of what a guest may use that it really gets */
	const char *crashes; /* name of a guest that is dead from @crash_ns on */
	int64_t crash_ns;
	unsigned refuse;                /* the n-th start fails; 0: none */
	double disk_share, memory_most; /* of the last order */
	double disk;                    /* of the last guest that was started */
	bool gap;                       /* an order did not begin where the last one ended */
	enum cg_kind groups;
	char cap[16][24]; /* cpu.max of the first guest's group, at each of its orders */
	unsigned caps;
} world;

#define GROUPS "sys/fs/cgroup/run.scope/"

/* A tree of the second version, whose files keep what is written. */
static void fake_groups(void)
{
	fake_stat((int)getpid(), "test", 'R', 777);
	fake_file("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	fake_file("proc/self/cgroup", "0::/run.scope\n");
	fake_file(GROUPS "cgroup.controllers", "cpu memory\n");
	fake_file(GROUPS "cgroup.subtree_control", "");
	fake_file(GROUPS "cgroup.procs", "");
	fake_file(GROUPS "cpu.weight", "100\n");
	fake_file(GROUPS "cpu.max", "max 100000\n");
	fake_file(GROUPS "memory.max", "max\n");
}

static void note_cap(const struct guest *g)
{
	char path[160];

	if (world.groups == CG_NONE || strcmp(g->name, "g0") != 0)
		return;
	assert_true(world.caps < COUNT(world.cap));
	snprintf(path, sizeof(path), GROUPS "cotenant-%d-777/g0-g0/cpu.max", (int)getpid());
	snprintf(world.cap[world.caps++], sizeof(world.cap[0]), "%s", fake_text(path));
}

static void pass(struct guest *g, int64_t now_ns)
{
	int64_t from_ns = g->ready_ns > g->report.at_ns ? g->ready_ns : g->report.at_ns;
	double dt = now_ns > from_ns ? (double)(now_ns - from_ns) * 1e-9 : 0;
	double cpu = g->paused ? 0 : fmin(g->order.cpu, g->order.cpu_most) * world.slow;

	g->report.cpu_ns += (int64_t)(fmin(cpu, g->vcpus) * dt * 1e9);
	g->report.work = (uint64_t)g->report.cpu_ns * 3;
	if (!g->paused)
		g->report.read_bytes +=
			(uint64_t)(g->order.read_bytes * g->order.disk_share * dt + 0.5);
	g->report.resident = fmin(g->order.memory, g->order.memory_most);
	g->report.at_ns = now_ns;
}

static int fake_begin(struct guest **guest, const struct guest_spec *spec, struct err *err)
{
	if (++world.started == world.refuse) {
		world.started--;
		return err_run(err, -EIO, "no more guests");
	}
	*guest = calloc(1, sizeof(**guest));
	assert_non_null(*guest);
	world.disk = spec->disk;
	snprintf((*guest)->name, sizeof((*guest)->name), "%s", spec->name);
	(*guest)->vcpus = spec->vcpus;
	(*guest)->report.at_ns = world.now_ns;
	(*guest)->ready_ns = world.now_ns + world.setup_ns;
	(*guest)->number = world.started;
	return 0;
}

static int fake_ready(struct guest *g, struct err *err)
{
	if (world.now_ns < g->ready_ns)
		return 0;
	return g->number == world.hopeless ? err_run(err, -ENOSPC, "no room for its disk") : 1;
}

static void fake_order(struct guest *g, const struct guest_order *order)
{
	world.gap |= g->order.end_ns > 0 && order->start_ns > g->order.end_ns;
	assert_true(order->end_ns > order->start_ns);
	pass(g, world.now_ns);
	g->order = *order;
	note_cap(g);
	world.orders++;
	world.disk_share = order->disk_share;
	world.memory_most = order->memory_most;
}

static void fake_read(const struct guest *guest, struct guest_report *report)
{
	struct guest g = *guest;

	pass(&g, world.now_ns);
	*report = g.report;
}

static bool fake_alive(struct guest *g, char *why, size_t n)
{
	bool dead = world.crashes && strcmp(g->name, world.crashes) == 0 &&
		    world.now_ns >= world.crash_ns;

	if (dead)
		snprintf(why, n, "killed by signal 11");
	return !dead;
}

static int fake_pause(struct guest *g)
{
	pass(g, world.now_ns);
	g->paused = true;
	world.pauses++;
	return 0;
}

static int fake_resume(struct guest *g)
{
	pass(g, world.now_ns);
	g->paused = false;
	world.resumes++;
	return 0;
}

static void fake_kill(struct guest *g)
{
	assert_false(g->killed);
	g->killed = true;
	g->ready_ns = world.now_ns + world.lingers_ns; /* to be buried */
	world.killed++;
}

static bool fake_gone(struct guest *g)
{
	assert_true(g->killed);
	return world.now_ns >= g->ready_ns;
}

static void fake_stop(struct guest *g)
{
	world.waited_for += !g->killed || world.now_ns < g->ready_ns;
	world.stopped++;
	free(g);
}

static int64_t fake_now(void)
{
	return world.now_ns;
}

static void fake_sleep(int64_t at_ns)
{
	world.now_ns = at_ns > world.now_ns ? at_ns : world.now_ns;
}

static const struct guest_ops fakes = {fake_begin, fake_ready, fake_order,  fake_read,
				       fake_alive, fake_pause, fake_resume, fake_kill,
				       fake_gone,  fake_stop,  fake_now,    fake_sleep};

static void close_room(struct run *run)
{
	if (run->driver_state != &run->sim)
		driver_kvm_fini(run->driver_state);
}

static int open_room(struct run *run, const void *options, struct err *err)
{
	static struct driver_kvm kvm;
	struct replay_params params = {.guests = &fakes,
				       .root = fake_root,
				       .groups = world.groups,
				       .tick_ns = run->scenario->tick_ns,
				       .step_ns = SECOND,
				       .cores = {0, 1, 2, 3},
				       .ncores = *(const size_t *)options,
				       .memory_scale = 1,
				       .disk_bytes = 1048576,
				       .reuse_ns = SECOND,
				       .folder = fake_root};

	run->driver_state = &kvm;
	int rc = driver_kvm_init(&kvm, &params, &run->sim, &run->arena, err);
	run->driver = &driver_kvm_ops;
	run->metrics.entitled_by_grant = false;
	return rc;
}

/* Result of a run of the scenario's first set of policies on @cores cores. */
static int replay(struct harness *h, size_t cores)
{
	struct policy_set policies;
	struct run_room room = {
		.source = "real", .open = open_room, .close = close_room, .options = &cores};
	struct output_label label = {.run = 1, .policies = &policies, .source = "real"};
	struct output *output = NULL;
	static struct run run;

	fake_file("proc/stat", "cpu  0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0\n");
	scenario_run(h->scenario, 0, &policies, &label.seed);
	int rc = output_open(&output, h->dir, "# test", h->scenario, &label, &h->err);
	memset(&run, 0, sizeof(run));
	if (rc == 0)
		rc = run_init(&run, h->scenario, &h->traces, &policies, label.seed, output,
			      &h->err);
	if (rc == 0) {
		run.room = &room;
		rc = open_room(&run, &cores, &h->err);
	}
	if (rc == 0)
		rc = run_go(&run);
	int closed = output_close(output, rc == 0, &h->err);
	run_free(&run);
	assert_int_equal(world.started, world.stopped); /* whatever happened */
	return rc ? rc : closed;
}

static void begin(struct harness *h, const char *rest)
{
	char *yaml = text_of("name: t\nseed: 1\n%s", rest);

	memset(&world, 0, sizeof(world));
	world.now_ns = 7 * SECOND;
	world.slow = 1;
	fake_file("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable: 8000000 kB\n");
	harness_open(h, yaml);
	free(yaml);
}

#define HOST "hosts: [{name: h, cores: 1, speed: 1GHz, memory: 4GiB, disks: {bandwidth: 10MB/s}}]\n"
#define TWO                                                                                    \
	"tick: 1s\nduration: 10s\n" HOST "vms:\n"                                              \
	"  - {name: a, vcpus: 1, memory: 64MiB, workload: {kind: constant, cpu: 80%, memory: " \
	"16MiB}}\n"                                                                            \
	"  - {name: b, vcpus: 1, memory: 64MiB, cpu: {weight: 3}, workload: {kind: constant, " \
	"cpu: 80%, memory: 16MiB}}\n"

static void test_grants_reach_guests(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, TWO);
	assert_int_equal(replay(&h, 1), 0);
	assert_near(vm_cell(&h, "a-0", "cpu_grant_mhz"), 250, 0.001);
	assert_near(vm_cell(&h, "b-0", "cpu_grant_mhz"), 750, 0.001);
	assert_near(vm_cell(&h, "a-0", "cpu_want_mhz"), 800, 1e-9);
	assert_near(vm_cell(&h, "a-0", "work_rate"), 3e9, 1e-6);
	assert_false(world.gap);
	assert_int_equal(world.started, 2);
	harness_close(&h);
}

/* The cap of a guest's group is a fence around its grant, and away while its memory is brought in: the time
 * that this takes is not the guest's. */
static void test_no_fence_while_memory_comes(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, TWO);
	fake_groups();
	world.groups = CG_V2;
	assert_int_equal(replay(&h, 1), 0);
	assert_true(world.caps > 2);
	assert_string_equal(world.cap[0], "max 100000");
	for (unsigned i = 1; i < world.caps; i++)
		assert_string_equal(world.cap[i], "32500 100000");
	harness_close(&h);
}

/* A guest that gets less than it was granted is accounted for with what it got. */
static void test_measured_not_granted(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, TWO);
	world.slow = 0.8;
	assert_int_equal(replay(&h, 1), 0);
	assert_near(vm_cell(&h, "a-0", "cpu_grant_mhz"), 200, 0.001);
	assert_near(vm_cell(&h, "b-0", "cpu_grant_mhz"), 600, 0.001);
	harness_close(&h);
}

static void test_time_is_compressed(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, "tick: 5min\nduration: 1h\n" HOST
		  "vms: [{name: a, vcpus: 1, memory: 64MiB, workload: {kind: constant, cpu: "
		  "30%}}]\n");
	assert_int_equal(replay(&h, 1), 0);
	assert_int_equal((world.now_ns - 7 * SECOND) / SECOND, 12);
	assert_near(vm_cell(&h, "a-0", "cpu_grant_mhz"), 300, 0.001);
	harness_close(&h);
}

/* Work that was not done stays to be done: at half the speed it takes twice the time. */
static void test_backlog_is_of_measured_work(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, "tick: 1s\nduration: 10s\n" HOST
		  "vms: [{name: a, vcpus: 1, memory: 64MiB, workload: {kind: onoff, cpu: 60%, "
		  "unmet: backlog, on_time: 100s, off_time: 1s, start: on}}]\n");
	world.slow = 0.5;
	assert_int_equal(replay(&h, 1), 0);
	assert_true(vm_cell(&h, "a-0", "backlog_mhz_s") > 500);
	assert_true(vm_cell(&h, "a-0", "cpu_grant_mhz") <= 501);
	harness_close(&h);
}

static void test_crash_ends_one(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, TWO);
	world.crashes = "g0";
	world.crash_ns = 11 * SECOND;
	assert_int_equal(replay(&h, 1), 0);
	assert_near(group_share(&h, "a", "crashed"), 1, 0);
	assert_near(group_share(&h, "b", "running"), 1, 0);
	/* From then on it has the core, as far as it wants it. */
	assert_in_range((uintmax_t)vm_cell(&h, "b-0", "cpu_grant_mhz"), 770, 790);
	harness_close(&h);
}

static void test_pause_and_resume(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, TWO "actions:\n  - {at: 3s, vm: a-0, do: pause}\n"
		      "  - {at: 6s, vm: a-0, do: resume}\n");
	assert_int_equal(replay(&h, 1), 0);
	assert_int_equal(world.pauses, 1);
	assert_int_equal(world.resumes, 1);
	assert_near(vm_cell(&h, "b-0", "cpu_grant_mhz"), (7 * 750 + 3 * 800) / 10.0, 0.001);
	harness_close(&h);
}

static void test_churn_starts_and_stops(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, "tick: 1s\nduration: 12s\n" HOST
		  "vms: [{name: a, count: 3, vcpus: 1, memory: 64MiB, start: 2s, arrivals: 2s, "
		  "lifetime: 4s, workload: {kind: constant, cpu: 20%}}]\n");
	assert_int_equal(replay(&h, 1), 0);
	assert_int_equal(world.started, 3);
	assert_near(group_share(&h, "a", "destroyed") + group_share(&h, "a", "done"), 1, 0);
	assert_near(vm_cell(&h, "a-1", "cpu_grant_mhz"), 200, 0.001);
	harness_close(&h);
}

/* Guests that are known beforehand are waited for once, before time begins, and a guest that is killed
 * is not waited for until the run is over. */
static void test_nothing_waits(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, "tick: 1s\nduration: 12s\n" HOST
		  "vms: [{name: a, count: 3, vcpus: 1, memory: 64MiB, start: 2s, arrivals: 2s, "
		  "lifetime: 4s, workload: {kind: constant, cpu: 20%}}]\n");
	world.setup_ns = 3 * SECOND;
	world.lingers_ns = 2500 * SECOND / 1000;
	assert_int_equal(replay(&h, 1), 0);
	assert_int_equal(world.started, 3);
	assert_int_equal(world.killed, 3);
	/* The last one leaves 2 s before the end. */
	assert_int_equal(world.waited_for, 1);
	assert_int_equal((world.now_ns - 7 * SECOND) / SECOND, 3 + 12);
	assert_near(vm_cell(&h, "a-0", "cpu_grant_mhz"), 200, 0.001);
	harness_close(&h);
}

#define AGAIN                                             \
	TWO "actions:\n  - {at: 3s, vm: a-0, do: stop}\n" \
	    "  - {at: 4s, vm: a-0, do: start}\n"

/* A VM that starts again has a new guest, which joins when it is there: of 3 + 6 s it had 3 + 4.5. */
static void test_guest_joins_late(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, AGAIN);
	world.setup_ns = SECOND * 3 / 2;
	assert_int_equal(replay(&h, 1), 0);
	assert_int_equal(world.started, 3);
	assert_int_equal(world.killed, 3);
	assert_near(vm_cell(&h, "a-0", "cpu_grant_mhz") * 9, 250 * 7.5, 1);
	/* It has its share while nobody uses it. */
	assert_near(vm_cell(&h, "b-0", "cpu_grant_mhz") * 10, 750 * 9 + 800, 1);
	harness_close(&h);
}

static void test_late_start_fails(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, AGAIN);
	world.setup_ns = SECOND * 3 / 2;
	world.hopeless = 3;
	assert_true(replay(&h, 1) < 0);
	assert_non_null(strstr(h.err.text, "no room for its disk"));
	assert_int_equal((world.now_ns - 7 * SECOND) / SECOND, 1 + 6); /* it was not waited for */
	harness_close(&h);
}

/* Stopped and started three times, faster than guests come and go: whoever is left is ended. */
static void test_stop_while_starting(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, AGAIN "  - {at: 5s, vm: a-0, do: stop}\n  - {at: 6s, vm: a-0, do: start}\n"
			"  - {at: 7s, vm: a-0, do: stop}\n  - {at: 7s, vm: a-0, do: start}\n");
	world.setup_ns = SECOND * 3 / 2;
	world.lingers_ns = 20 * SECOND;
	assert_int_equal(replay(&h, 1), 0);
	assert_int_equal(world.started, 5);
	assert_int_equal(world.killed, 5);
	assert_near(group_share(&h, "a", "running"), 1, 0);
	harness_close(&h);
}

static void test_disk_is_paced(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, "tick: 1s\nduration: 5s\n" HOST
		  "vms: [{name: a, vcpus: 1, memory: 64MiB, io: {cap: 2MB/s}, workload: {kind: "
		  "constant, cpu: 10%, bandwidth: 8MB/s, iops: 125 IOPS}}]\n");
	assert_int_equal(replay(&h, 1), 0);
	assert_near(world.disk_share, 0.25, 1e-9);
	assert_near(vm_cell(&h, "a-0", "disk_grant_bytes_s"), 2e6, 1e-3);
	harness_close(&h);
}

/* Half the working set misses: what a swap would read is read, and only then has the guest a disk. */
static void test_swapping_is_done(void **state)
{
	struct harness h;

	(void)state;
	begin(&h, TWO);
	assert_int_equal(replay(&h, 1), 0);
	assert_near(world.disk, 0, 0);
	harness_close(&h);
	begin(&h, "tick: 1s\nduration: 5s\n"
		  "hosts: [{name: h, cores: 1, speed: 1GHz, memory: 96MiB, swap: 1GiB, disks: "
		  "{bandwidth: 100MB/s}}]\nvms: [{name: a, count: 2, vcpus: 1, memory: 96MiB, "
		  "workload: {kind: constant, cpu: 10%, memory: 96MiB}}]\n"
		  "overcommit: {memory: 2}\nmemory_model: {reuse: 48s, dirty: 0}\n");
	assert_int_equal(replay(&h, 1), 0);
	assert_true(world.disk > 0);
	assert_near(world.memory_most, 48 << 20, 1);
	assert_near(vm_cell(&h, "a-0", "disk_grant_bytes_s"), 1 << 20, 1);
	harness_close(&h);
}

static void refused(const char *yaml, size_t cores, unsigned refuse, const char *text)
{
	struct harness h;

	begin(&h, yaml);
	world.refuse = refuse;
	if (strstr(text, "memory-scale"))
		fake_file("proc/meminfo", "MemAvailable: 100000 kB\n");
	assert_true(replay(&h, cores) < 0);
	if (!strstr(h.err.text, text))
		fail_msg("%s: not in: %s", text, h.err.text);
	harness_close(&h);
}

/* All of them have begun to start when it turns out that one cannot. */
static void refused_late(const char *yaml, unsigned hopeless, const char *text)
{
	struct harness h;

	begin(&h, yaml);
	world.setup_ns = SECOND;
	world.hopeless = hopeless;
	assert_true(replay(&h, 1) < 0);
	assert_non_null(strstr(h.err.text, text));
	assert_int_equal(world.killed, 2);
	harness_close(&h);
}

static void test_refusals(void **state)
{
	(void)state;
	refused(TWO, 2, 0, "--cores");
	refused(TWO, 1, 0, "give --memory-scale 0.4");
	refused(TWO, 1, 1, "no more guests");
	refused(TWO, 1, 2, "no more guests"); /* and the first one is stopped */
	refused_late(TWO, 2, "no room for its disk");
	refused("tick: 1s\nduration: 2s\n" HOST "vms: [{name: a, count: 65, vcpus: 1, memory: "
		"16MiB, workload: {kind: constant, cpu: 1%}}]\n",
		1, 0, "at most 64 guests");
}

int main(void)
{
#define ON_TREE(F) cmocka_unit_test_setup_teardown(F, fake_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		ON_TREE(test_grants_reach_guests),
		ON_TREE(test_no_fence_while_memory_comes),
		ON_TREE(test_measured_not_granted),
		ON_TREE(test_time_is_compressed),
		ON_TREE(test_backlog_is_of_measured_work),
		ON_TREE(test_crash_ends_one),
		ON_TREE(test_pause_and_resume),
		ON_TREE(test_churn_starts_and_stops),
		ON_TREE(test_disk_is_paced),
		ON_TREE(test_swapping_is_done),
		ON_TREE(test_refusals),
		ON_TREE(test_nothing_waits),
		ON_TREE(test_guest_joins_late),
		ON_TREE(test_late_start_fails),
		ON_TREE(test_stop_while_starting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
