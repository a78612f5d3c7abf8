/*
 * A guest's process (agent.h): sets the guest up, gives its privileges away, then does the disk's work and
 * moves the balloon while a thread per vCPU keeps the guest running.
 */
#include "replay/agent.h"
#include "replay/find.h"
#include "replay/transfer.h"
#include "sim/core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 100000000 /* between two looks at what is resident: an order rings */
#define CHUNK   64u /* pages brought in at a time: neither the disk nor the CPU account waits long */

uint32_t agent_order(const struct agent_shared *shared, struct guest_order *order)
{
	for (;;) {
		uint32_t before = agent_get(&shared->sequence);
		memcpy(order, &shared->order, sizeof(*order));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (before % 2 == 0 &&
		    before == __atomic_load_n(&shared->sequence, __ATOMIC_RELAXED))
			return before;
	}
}

int agent_pin(const struct guest_spec *spec, bool vcpu)
{
	cpu_set_t measured, others;

	if (spec->ncores == 0)
		return 0;
	CPU_ZERO(&measured);
	if (sched_getaffinity(0, sizeof(others), &others) < 0)
		return -errno;
	for (size_t i = 0; i < spec->ncores; i++) {
		CPU_SET((size_t)spec->cores[i], &measured);
		CPU_CLR((size_t)spec->cores[i], &others);
	}
	if (!vcpu && CPU_COUNT(&others) > 0)
		measured = others;
	return sched_setaffinity(0, sizeof(measured), &measured) < 0 ? -errno : 0;
}

/* Nothing of the controller stays open but the socket; returns its new number. */
static int close_all(int socket)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	int mine = dup2(socket, 3);
	syscall(SYS_close_range, 4u, ~0u, 0);
	return mine;
}

static int threads_start(struct agent *agent, struct err *err)
{
	for (uint32_t k = 0; k < agent->spec->vcpus; k++) {
		agent->vcpu[k] = (struct agent_vcpu){.agent = agent, .id = k};
		int e = pthread_create(&agent->vcpu[k].thread, NULL, agent_vcpu_main,
				       &agent->vcpu[k]);
		if (e != 0)
			return err_run(err, -e, "guest %s: thread: %s", agent->spec->name,
				       strerror(e));
		while (agent_get(&agent->shared->vcpu[k].tid) == 0)
			sched_yield();
	}
	return 0;
}

static int set_up(struct agent *agent, int socket, struct err *err)
{
	int rc = agent->spec->leaf ? cg_join(agent->spec->leaf, getpid(), err) : 0;

	agent->socket = close_all(socket);
	/* Stays open; without it the guest has no name for others, which is no reason to fail. */
	(void)find_label(agent->spec->label ? agent->spec->label : agent->spec->name,
			 agent->spec->memory);
	int pinned = agent_pin(agent->spec, false);
	if (rc == 0 && pinned < 0)
		rc = err_run(err, pinned, "guest %s: cannot run on its cores: %s",
			     agent->spec->name, strerror(-pinned));
	if (rc == 0)
		rc = agent_disk_open(&agent->disk, agent->spec, err);
	if (rc == 0)
		rc = vmm_open(&agent->vmm, (size_t)agent->spec->memory, agent->spec->vcpus, err);
	if (rc < 0)
		return rc;
	agent->overhead = vmm_resident(agent->vmm);
	size_t bytes;
	(void)vmm_memory(agent->vmm, &bytes);
	agent->dirty_words = bytes / GUEST_PAGE / 64 + 1;
	agent->dirty = mem_alloc(agent->dirty_words, sizeof(uint64_t));
	if (!agent->dirty)
		return err_nomem(err);
	rc = sandbox_user(agent->spec->uid, err);
	if (rc == 0)
		rc = threads_start(agent, err);
	return rc < 0 ? rc : sandbox_syscalls(err);
}

/* Ends this guest alone; the controller reads why. */
static void die(struct agent_shared *shared, const char *why)
{
	snprintf(shared->why, sizeof(shared->why), "%.300s", why);
	agent_put(&shared->state, AGENT_DIED);
	_exit(1);
}

/* The working set and what may be resident of it. Pages beyond are missed by the guest first and given
 * back then; one that is touched in between comes back and is counted. */
static void move_balloon(struct agent *agent, const struct guest_order *order)
{
	double most = order->memory < order->memory_most ? order->memory : order->memory_most;
	size_t pages = (size_t)(order->memory / GUEST_PAGE);
	size_t want = (size_t)(most / GUEST_PAGE);
	size_t now = agent->resident;

	if (want > now) {
		size_t to = want - now > CHUNK ? now + CHUNK : want;
		vmm_populate(agent->vmm, now, to);
		want = to;
	}
	for (uint32_t k = 0; k < agent->spec->vcpus; k++) {
		struct mailbox *box = vmm_mailbox(agent->vmm, k);
		box->resident = want;
		box->pages = pages;
	}
	if (want < now) {
		struct timespec settle = {.tv_nsec = 200000};
		nanosleep(&settle, NULL);
		if (vmm_discard(agent->vmm, want, now) < 0)
			die(agent->shared, "the balloon cannot give memory back");
	}
	agent->pages = pages;
	agent->resident = want;
}

static bool balloon_moves(const struct agent *agent, const struct guest_order *order)
{
	double most = order->memory < order->memory_most ? order->memory : order->memory_most;

	return (size_t)(most / GUEST_PAGE) != agent->resident ||
	       (size_t)(order->memory / GUEST_PAGE) != agent->pages;
}

/* A command or a new order has come, or the controller is gone. */
static void obey(struct agent *agent)
{
	struct transfer_command command;
	int fd, rc = transfer_command_receive(agent->socket, &command, &fd);

	if (rc <= 0)
		_exit(0);
	if (command.role == TRANSFER_NONE)
		return;
	rc = command.role == TRANSFER_SEND ? transfer_send(agent, &command, fd)
					   : transfer_receive(agent, fd);
	(void)rc; /* the shared page tells */
	close(fd);
}

/* Waits, but not past @at_ns; the end of the controller is the end of the guest. */
static void wait_until(struct agent *agent, int64_t at_ns)
{
	struct pollfd fd = {.fd = agent->socket, .events = POLLIN};
	int64_t left = at_ns - agent_now_ns();
	struct timespec t = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};

	if (left > 0 && ppoll(&fd, 1, &t, NULL) > 0)
		obey(agent);
}

/* For tests: none of these returns. */
static void misbehave(uint32_t mischief)
{
	char *const argv[] = {NULL};

	if (mischief == GUEST_OPEN)
		(void)!open("/etc/passwd", O_RDONLY);
	if (mischief == GUEST_SOCKET)
		(void)!socket(AF_INET, SOCK_STREAM, 0);
	if (mischief == GUEST_EXEC)
		(void)!execv("/bin/sh", argv);
	if (mischief == GUEST_PTRACE)
		(void)!ptrace(PTRACE_ATTACH, getpid(), NULL, NULL);
	if (mischief == GUEST_KILL)
		(void)!syscall(SYS_tgkill, 1, 1, SIGKILL);
}

static void tell_cpu(const struct agent *agent)
{
	struct timespec cpu;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	agent_put(&agent->shared->main_cpu_ns, cpu.tv_sec * 1000000000 + cpu.tv_nsec);
}

static void serve(struct agent *agent)
{
	struct guest_order order = {0};
	uint32_t sequence = 0;

	for (;;) {
		int64_t now = agent_now_ns(), due = INT64_MAX;
		if (agent_get(&agent->shared->sequence) != sequence) {
			sequence = agent_order(agent->shared, &order);
			agent_disk_order(&agent->disk, &order, now);
		}
		misbehave(agent_get(&agent->shared->mischief));
		bool moves = sequence != 0 && balloon_moves(agent, &order);
		if (moves)
			move_balloon(agent, &order);
		if (sequence != 0 && !agent_get(&agent->shared->paused))
			due = agent_disk_work(&agent->disk, agent->shared, now);
		agent_put(&agent->shared->resident, vmm_resident(agent->vmm) - agent->overhead);
		tell_cpu(agent);
		if (!moves)
			wait_until(agent, due < now + LOOK_NS ? due : now + LOOK_NS);
	}
}

void agent_main(struct agent_shared *shared, int socket, const struct guest_spec *spec,
		pid_t parent)
{
	static struct agent agent;
	static struct err err;

	prctl(PR_SET_NAME, "cotenant-guest");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	signal(SIGINT, SIG_IGN); /* the controller decides */
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1);
	agent.shared = shared;
	agent.spec = spec;
	if (set_up(&agent, socket, &err) < 0) {
		agent_put(&shared->code, err.code);
		agent_put(&shared->bad_input, err.kind == ERR_INPUT);
		die(shared, err.text);
	}
	tell_cpu(&agent);
	agent_put(&shared->state, AGENT_READY);
	agent_put(&agent.go, 1);
	serve(&agent);
	_exit(0);
}
