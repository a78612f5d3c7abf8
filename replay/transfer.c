/*
 * See transfer.h. The stream is a sequence of headers: a page, the end of the pages, the state of a vCPU.
 * Pages are those of the working set and the mailboxes.
 */
#include "replay/transfer.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LATE_NS 100000000 /* what was not sent in so much time is not made up for */

enum { STREAM_PAGE, STREAM_VCPU, STREAM_END };

struct header {
	uint32_t kind, index; /* page of guest memory, or vCPU */
};

int transfer_command_send(int socket, const struct transfer_command *command, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct transfer_command copy = *command;
	struct iovec part = {.iov_base = &copy, .iov_len = sizeof(copy)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n == sizeof(copy) ? 0 : n < 0 ? -errno : -EPROTO;
}

int transfer_command_receive(int socket, struct transfer_command *command, int *fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = {.iov_base = command, .iov_len = sizeof(*command)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

	if (n <= 0)
		return n == 0 ? 0 : -errno;
	*fd = -1;
	if (n == sizeof(*command) && command->role == TRANSFER_NONE)
		return 1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (n != sizeof(*command) || !c || c->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return 1;
}

static int put(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n > 0) {
		ssize_t done = write(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -EPIPE;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

static int get(int fd, void *data, size_t n)
{
	char *at = data;

	while (n > 0) {
		ssize_t done = read(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -EPIPE;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

struct sending {
	struct agent *agent;
	int fd;
	double per_ns; /* bytes */
	int64_t start_ns;
	uint64_t sent;
};

static int send_page(struct sending *s, uint32_t page)
{
	struct {
		struct header header;
		unsigned char bytes[GUEST_PAGE];
	} out = {.header = {STREAM_PAGE, page}};
	size_t all;

	memcpy(out.bytes, vmm_memory(s->agent->vmm, &all) + (size_t)page * GUEST_PAGE, GUEST_PAGE);
	s->sent += GUEST_PAGE;
	int rc = put(s->fd, &out, sizeof(out));
	int64_t due = s->start_ns + (int64_t)((double)s->sent / s->per_ns), now = agent_now_ns();
	/* A link that was idle because we were late does not carry more afterwards. */
	if (now - due > LATE_NS)
		s->start_ns += now - due;
	if (rc == 0 && isfinite(s->per_ns) && due - now > 200000) {
		struct timespec t = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
	return rc;
}

static bool is_moved(const struct agent *agent, uint32_t page)
{
	uint32_t set = GUEST_SET / GUEST_PAGE, box = GUEST_MAILBOX / GUEST_PAGE;

	return (page >= set && page < set + agent->resident) ||
	       (page >= box && page < box + agent->spec->vcpus);
}

static uint32_t pages_of(const struct agent *agent)
{
	size_t bytes;

	(void)vmm_memory(agent->vmm, &bytes);
	return (uint32_t)(bytes / GUEST_PAGE);
}

static bool is_set(const uint64_t *bits, uint32_t page)
{
	return bits[page / 64] >> page % 64 & 1;
}

static uint32_t count_dirty(const struct agent *agent)
{
	uint32_t n = 0;

	for (uint32_t p = 0; p < pages_of(agent); p++)
		n += is_set(agent->dirty, p) && is_moved(agent, p);
	return n;
}

/* Those that are marked dirty; their number is told as a round. */
static int send_round(struct sending *s, uint32_t *rounds)
{
	struct agent_shared *shared = s->agent->shared;
	int64_t begin = agent_now_ns();
	uint64_t before = s->sent;
	int rc = 0;

	for (uint32_t p = 0; p < pages_of(s->agent) && rc == 0; p++)
		if (is_set(s->agent->dirty, p) && is_moved(s->agent, p))
			rc = send_page(s, p);
	if (*rounds < AGENT_ROUNDS) {
		shared->round_bytes[*rounds] = (double)(s->sent - before);
		shared->round_ns[*rounds] = agent_now_ns() - begin;
	}
	++*rounds;
	return rc;
}

/* The guest's threads stand still when this returns. */
static void stand_still(struct agent *agent)
{
	struct timespec moment = {.tv_nsec = 50000};

	agent_put(&agent->shared->paused, 1);
	for (uint32_t k = 0; k < agent->spec->vcpus; k++) {
		pthread_kill(agent->vcpu[k].thread, SIGUSR1);
		while (!agent_get(&agent->shared->vcpu[k].parked))
			nanosleep(&moment, NULL);
	}
}

static void go_on(struct agent *agent)
{
	agent_put(&agent->shared->paused, 0);
	for (uint32_t k = 0; k < agent->spec->vcpus; k++)
		pthread_kill(agent->vcpu[k].thread, SIGUSR1);
}

static int send_last(struct sending *s)
{
	struct agent *agent = s->agent;
	unsigned char state[4096];
	int rc = vmm_dirty(agent->vmm, agent->dirty);
	uint32_t ignored = AGENT_ROUNDS;

	/* The mailboxes go whatever the log says: the controller's side of them is not in it. */
	for (uint32_t k = 0; k < agent->spec->vcpus; k++) {
		uint32_t page = GUEST_MAILBOX / GUEST_PAGE + k;
		agent->dirty[page / 64] |= 1ull << page % 64;
	}
	if (rc == 0)
		rc = send_round(s, &ignored);
	for (uint32_t k = 0; k < agent->spec->vcpus && rc == 0; k++) {
		struct header header = {STREAM_VCPU, k};
		rc = vmm_state_get(agent->vmm, k, state);
		if (rc == 0)
			rc = put(s->fd, &header, sizeof(header));
		if (rc == 0)
			rc = put(s->fd, state, vmm_state_size());
	}
	struct header end = {STREAM_END, 0};
	return rc < 0 ? rc : put(s->fd, &end, sizeof(end));
}

static int send_live(struct sending *s, const struct transfer_command *command)
{
	struct agent *agent = s->agent;
	uint32_t rounds = 0, left, before = UINT32_MAX;
	int rc = vmm_log(agent->vmm, true);

	memset(agent->dirty, 0xff, agent->dirty_words * sizeof(uint64_t));
	do {
		if (rc == 0)
			rc = send_round(s, &rounds);
		if (rc == 0)
			rc = vmm_dirty(agent->vmm, agent->dirty);
		left = count_dirty(agent);
		bool shrinks = left < before * TRANSFER_STUCK;
		before = left;
		if (!shrinks || left * (double)GUEST_PAGE <= command->threshold)
			break;
	} while (rc == 0 && rounds < command->max_rounds);
	if (rc < 0)
		return rc;
	/* What is marked now was cleared from the log: it goes first, then what came since. */
	agent->shared->rounds = rounds;
	stand_still(agent);
	agent_put(&agent->shared->stop_ns, agent_now_ns());
	uint32_t ignored = AGENT_ROUNDS;
	rc = send_round(s, &ignored);
	return rc < 0 ? rc : send_last(s);
}

int transfer_send(struct agent *agent, const struct transfer_command *command, int fd)
{
	struct sending s = {.agent = agent,
			    .fd = fd,
			    .per_ns = command->bandwidth * 1e-9,
			    .start_ns = agent_now_ns()};

	agent_put(&agent->shared->start_ns, s.start_ns);
	int rc = send_live(&s, command);
	agent->shared->sent = s.sent;
	if (vmm_log(agent->vmm, false) < 0 && rc == 0)
		rc = -EIO;
	if (rc < 0)
		go_on(agent);
	agent_put(&agent->shared->transfer, rc < 0 ? rc : 1);
	return rc;
}

/* Every store of the guest added one to the first word of its page, and then one to its count; a vCPU may
 * stand still between the two. Pages that the balloon took have taken their sums with them; a guest that
 * missed any cannot be verified like this. The guest must not run meanwhile. */
static bool adds_up(struct agent *agent)
{
	size_t bytes;
	const unsigned char *set = vmm_memory(agent->vmm, &bytes) + GUEST_SET;
	uint64_t pages = 0, stores = 0;

	/* Looking at a page that is not there would bring it in. */
	for (size_t page = 0; page < agent->resident; page++)
		pages += *(const uint64_t *)(const void *)(set + page * GUEST_PAGE);
	for (uint32_t k = 0; k < agent->spec->vcpus; k++)
		stores += vmm_mailbox(agent->vmm, k)->stores;
	return pages >= stores && pages - stores <= agent->spec->vcpus;
}

int transfer_receive(struct agent *agent, int fd)
{
	size_t bytes;
	unsigned char *memory = vmm_memory(agent->vmm, &bytes), state[4096];
	struct header header;
	int rc = 0;

	while (rc == 0 && (rc = get(fd, &header, sizeof(header))) == 0 &&
	       header.kind != STREAM_END) {
		if (header.kind == STREAM_PAGE && header.index < bytes / GUEST_PAGE)
			rc = get(fd, memory + (size_t)header.index * GUEST_PAGE, GUEST_PAGE);
		else if (header.kind == STREAM_VCPU && header.index < agent->spec->vcpus) {
			rc = get(fd, state, vmm_state_size());
			if (rc == 0)
				rc = vmm_state_set(agent->vmm, header.index, state);
		} else
			rc = -EPROTO;
	}
	if (rc == 0) {
		agent->resident = vmm_mailbox(agent->vmm, 0)->resident;
		agent->pages = vmm_mailbox(agent->vmm, 0)->pages;
		/* The moment at which it could go on: the look at its memory is not part of a migration. */
		agent_put(&agent->shared->stop_ns, agent_now_ns());
		agent->shared->verified = adds_up(agent);
		go_on(agent);
	}
	agent_put(&agent->shared->transfer, rc < 0 ? rc : 1);
	return rc;
}
