/*
 * The controller's side of a guest (guest.h): starts its process, writes orders, reads counters, ends it.
 */
#include "replay/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "replay/transfer.h"
#include "sim/core/mem.h"

#define START_NS INT64_C(30000000000) /* disks are written once before the start */

struct guest {
	struct agent_shared *shared;
	pid_t pid; /* 0: reaped */
	int status, socket;
	uint32_t vcpus;
	int64_t begun_ns;
	bool started; /* guest_ready() has said so */
	int schedstat[GUEST_VCPUS];
	int64_t delay_ns; /* of the vCPUs, when it could last be read */
	char name[64], label[160], folder[256];
	int cores[GUEST_MAX_CORES];
	struct guest_spec spec; /* points into the above; what a second process is started from */
};

#define MIGRATE_MS 60000

static void pause_ms(long ms)
{
	struct timespec t = {.tv_nsec = ms * 1000000};

	nanosleep(&t, NULL);
}

static void *shared_map(void)
{
	void *p = mmap(NULL, sizeof(struct agent_shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool reaped(struct guest *guest)
{
	if (guest->pid > 0 && waitpid(guest->pid, &guest->status, WNOHANG) == guest->pid)
		guest->pid = 0;
	return guest->pid == 0;
}

static void open_schedstat(struct guest *guest)
{
	char path[96];

	for (uint32_t k = 0; k < guest->vcpus; k++) {
		snprintf(path, sizeof(path), "/proc/%ld/task/%d/schedstat", (long)guest->pid,
			 guest->shared->vcpu[k].tid);
		guest->schedstat[k] = open(path, O_RDONLY | O_CLOEXEC);
	}
}

int guest_ready(struct guest *guest, struct err *err)
{
	struct agent_shared *s = guest->shared;
	bool ended = reaped(guest);
	uint32_t state = agent_get(&s->state);

	if (guest->started)
		return 1;
	if (state == AGENT_DIED)
		return s->bad_input ? err_input(err, "%s", s->why)
				    : err_run(err, s->code, "%s", s->why);
	if (ended)
		return err_run(err, -ECHILD, "guest %s: ended while it started (status %d)",
			       guest->name, guest->status);
	if (state == AGENT_STARTING)
		return agent_now_ns() < guest->begun_ns + START_NS
			       ? 0
			       : err_run(err, -ETIMEDOUT, "guest %s: does not start", guest->name);
	open_schedstat(guest);
	guest->started = true;
	return 1;
}

/* What the guest is started from is its own from now on. */
static void keep_spec(struct guest *guest, const struct guest_spec *spec)
{
	guest->vcpus = spec->vcpus;
	guest->spec = *spec;
	snprintf(guest->name, sizeof(guest->name), "%s", spec->name);
	snprintf(guest->folder, sizeof(guest->folder), "%s", spec->folder ? spec->folder : "");
	snprintf(guest->label, sizeof(guest->label), "%s", spec->label ? spec->label : spec->name);
	guest->spec.name = guest->name;
	guest->spec.label = guest->label;
	guest->spec.folder = guest->folder;
	guest->spec.cores = guest->cores;
	for (size_t i = 0; i < spec->ncores && i < GUEST_MAX_CORES; i++)
		guest->cores[i] = spec->cores[i];
}

int guest_begin(struct guest **out, const struct guest_spec *spec, struct err *err)
{
	int pair[2];
	struct guest *guest = mem_alloc(1, sizeof(*guest));

	*out = guest;
	if (!guest)
		return err_nomem(err);
	guest->socket = -1;
	memset(guest->schedstat, -1, sizeof(guest->schedstat));
	keep_spec(guest, spec);
	guest->shared = shared_map();
	if (!guest->shared)
		return err_nomem(err);
	if (spec->vcpus < 1 || spec->vcpus > GUEST_VCPUS)
		return err_input(err, "guest %s: %u vCPUs (1 to %u)", spec->name, spec->vcpus,
				 GUEST_VCPUS);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_run(err, -errno, "guest %s: socket: %s", spec->name, strerror(errno));
	pid_t parent = getpid();
	guest->socket = pair[0];
	guest->begun_ns = agent_now_ns();
	guest->pid = fork();
	if (guest->pid == 0)
		agent_main(guest->shared, pair[1], spec, parent);
	int e = errno;
	close(pair[1]);
	if (guest->pid > 0)
		return 0;
	guest->pid = 0;
	return err_run(err, -e, "guest %s: process: %s", spec->name, strerror(e));
}

int guest_start(struct guest **out, const struct guest_spec *spec, struct err *err)
{
	int rc = guest_begin(out, spec, err);

	while (rc == 0 && (rc = guest_ready(*out, err)) == 0)
		pause_ms(1);
	return rc < 0 ? rc : 0;
}

/* Its threads look at once. */
static int wake(const struct guest *guest)
{
	for (uint32_t k = 0; k < guest->vcpus && guest->pid > 0; k++)
		if (syscall(SYS_tgkill, guest->pid, guest->shared->vcpu[k].tid, SIGUSR1) < 0)
			return -errno;
	return 0;
}

void guest_order(struct guest *guest, const struct guest_order *order)
{
	struct agent_shared *s = guest->shared;
	bool first = s->sequence == 0;

	__atomic_store_n(&s->sequence, s->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(&s->order, order, sizeof(*order));
	agent_put(&s->sequence, s->sequence + 1);
	/* Later its threads look by themselves, when an order ends. */
	if (first)
		(void)!wake(guest);
	/* A main thread that does not listen has enough to read. */
	(void)!transfer_command_send(guest->socket,
				     &(struct transfer_command){.role = TRANSFER_NONE}, -1);
}

/* CPU time of the vCPUs: what they say themselves is as old as their last exit, so the clock of the whole
 * process is read, less what its main thread says of itself. Where it cannot be read, theirs must do. */
static int64_t cpu_time(const struct guest *guest)
{
	const struct agent_shared *s = guest->shared;
	struct timespec t;
	clockid_t clock;
	int64_t sum = 0;

	if (agent_get(&s->state) == AGENT_STARTING)
		return 0;
	if (guest->pid > 0 && clock_getcpuclockid(guest->pid, &clock) == 0 &&
	    clock_gettime(clock, &t) == 0)
		return t.tv_sec * INT64_C(1000000000) + t.tv_nsec - agent_get(&s->main_cpu_ns);
	for (uint32_t k = 0; k < guest->vcpus; k++)
		sum += agent_get(&s->vcpu[k].cpu_ns);
	return sum;
}

/* Second number of the file: time in which the thread could run and did not. */
static int64_t run_delay(int fd)
{
	char text[96];
	ssize_t n = fd >= 0 ? pread(fd, text, sizeof(text) - 1, 0) : -1;
	long long ran, waited;

	if (n <= 0)
		return -1;
	text[n] = 0;
	return sscanf(text, "%lld %lld", &ran, &waited) == 2 ? waited : -1;
}

void guest_read(const struct guest *guest, struct guest_report *report)
{
	const struct agent_shared *s = guest->shared;

	*report = (struct guest_report){.at_ns = agent_now_ns(),
					.cpu_ns = cpu_time(guest),
					.main_ns = agent_get(&s->main_cpu_ns),
					.read_ops = agent_get(&s->read_ops),
					.write_ops = agent_get(&s->write_ops),
					.read_bytes = agent_get(&s->read_bytes),
					.write_bytes = agent_get(&s->write_bytes),
					.io_latency_ns = agent_get(&s->io_latency_ns),
					.io_latency_max_ns = agent_get(&s->io_latency_max_ns),
					.resident = (double)agent_get(&s->resident)};
	for (uint32_t k = 0; k < guest->vcpus; k++) {
		const struct agent_vcpu_report *r = &s->vcpu[k];
		int64_t late = agent_get(&r->late_ns), delay = run_delay(guest->schedstat[k]);
		report->unmet_ns += agent_get(&r->unmet_ns);
		report->work += agent_get(&r->work);
		report->touches += agent_get(&r->touches);
		report->missed += agent_get(&r->missed);
		report->exits += agent_get(&r->exits);
		report->late_ns = late > report->late_ns ? late : report->late_ns;
		report->run_delay_ns += delay > 0 ? delay : 0;
	}
}

bool guest_alive(struct guest *guest, char *why, size_t n)
{
	bool died = agent_get(&guest->shared->state) == AGENT_DIED;

	if (!reaped(guest) && !died)
		return true;
	if (died)
		snprintf(why, n, "%s", guest->shared->why);
	else if (WIFSIGNALED(guest->status))
		snprintf(why, n, "killed by signal %d (%s)", WTERMSIG(guest->status),
			 strsignal(WTERMSIG(guest->status)));
	else
		snprintf(why, n, "ended with status %d", WEXITSTATUS(guest->status));
	return false;
}

static int set_paused(struct guest *guest, bool paused)
{
	agent_put(&guest->shared->paused, paused);
	return wake(guest);
}

int guest_pause(struct guest *guest)
{
	return set_paused(guest, true);
}

int guest_resume(struct guest *guest)
{
	return set_paused(guest, false);
}

pid_t guest_pid(const struct guest *guest)
{
	return guest->pid;
}

/* What a process gives back takes a while, and is to be done where its controller runs, not on the cores of
 * guests that go on. */
void guest_kill(struct guest *guest)
{
	cpu_set_t mine;

	if (guest->pid <= 0)
		return;
	if (sched_getaffinity(0, sizeof(mine), &mine) == 0)
		for (uint32_t k = 0; k < guest->vcpus; k++) {
			int tid = agent_get(&guest->shared->vcpu[k].tid);
			if (tid > 0)
				(void)sched_setaffinity(tid, sizeof(mine), &mine);
		}
	kill(guest->pid, SIGKILL);
}

bool guest_gone(struct guest *guest)
{
	return reaped(guest);
}

void guest_stop(struct guest *guest)
{
	if (!guest)
		return;
	if (guest->pid > 0) {
		guest_kill(guest);
		while (waitpid(guest->pid, &guest->status, 0) < 0 && errno == EINTR)
			continue;
	}
	for (uint32_t k = 0; k < guest->vcpus && k < GUEST_VCPUS; k++)
		if (guest->schedstat[k] >= 0)
			close(guest->schedstat[k]);
	if (guest->socket >= 0)
		close(guest->socket);
	if (guest->shared)
		munmap(guest->shared, sizeof(*guest->shared));
	mem_free(guest);
}

/* Waits until the transfer is over on one side; its outcome. */
static int wait_for(struct guest *guest)
{
	for (int ms = 0; ms < MIGRATE_MS; ms++) {
		int32_t done = agent_get(&guest->shared->transfer);
		if (done != 0)
			return done < 0 ? done : 0;
		if (reaped(guest) || agent_get(&guest->shared->state) == AGENT_DIED)
			return -ECHILD;
		pause_ms(1);
	}
	return -ETIMEDOUT;
}

static void migration_result(const struct guest *from, const struct guest *to,
			     struct guest_migration *m)
{
	const struct agent_shared *s = from->shared;

	m->rounds = s->rounds;
	m->sent = (double)s->sent;
	for (unsigned i = 0; i < m->rounds && i < AGENT_ROUNDS; i++) {
		m->round_bytes[i] = s->round_bytes[i];
		m->round_s[i] = (double)s->round_ns[i] * 1e-9;
	}
	m->total_s = (double)(to->shared->stop_ns - s->start_ns) * 1e-9;
	m->downtime_s = (double)(to->shared->stop_ns - s->stop_ns) * 1e-9;
	m->verified = to->shared->verified;
}

static int transfer(struct guest *from, struct guest *to, const struct guest_migration *m)
{
	struct transfer_command command = {.role = TRANSFER_RECEIVE,
					   .max_rounds = m->max_rounds,
					   .bandwidth = m->bandwidth,
					   .threshold = m->threshold};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	agent_put(&to->shared->paused, 1);
	guest_order(to, &from->shared->order);
	from->shared->transfer = 0;
	int rc = transfer_command_send(to->socket, &command, pair[1]);
	command.role = TRANSFER_SEND;
	if (rc == 0)
		rc = transfer_command_send(from->socket, &command, pair[0]);
	close(pair[0]);
	close(pair[1]);
	if (rc == 0)
		rc = wait_for(from);
	return rc < 0 ? rc : wait_for(to);
}

int guest_migrate(struct guest **guest, struct guest_migration *m, struct err *err)
{
	struct guest *from = *guest, *to;
	struct guest_spec spec = from->spec;

	spec.leaf = m->leaf;
	int rc = guest_start(&to, &spec, err);
	if (rc == 0) {
		rc = transfer(from, to, m);
		if (rc < 0)
			err_run(err, rc, "guest %s: migration: %s", from->name, strerror(-rc));
	}
	if (rc < 0) {
		(void)!guest_resume(from);
		guest_stop(to);
		return rc;
	}
	migration_result(from, to, m);
	to->shared->transfer = 0;
	guest_stop(from);
	*guest = to;
	return 0;
}

void guest_misbehave(struct guest *guest, enum guest_mischief mischief)
{
	const struct guest_order same = guest->shared->order;

	agent_put(&guest->shared->mischief, mischief);
	guest_order(guest, &same);
}
