/*
 * The inside of a guest's process: what replay/guest.c forks. It obeys the orders in the shared page and
 * writes its counters there.
 */
#ifndef COTENANT_REPLAY_AGENT_H
#define COTENANT_REPLAY_AGENT_H

#include <pthread.h>

#include "replay/guest.h"
#include "replay/mailbox.h"
#include "replay/vmm.h"

#define AGENT_ROUNDS 64u

enum agent_state { AGENT_STARTING, AGENT_READY, AGENT_DIED };

/* Counters of one vCPU; written by its thread alone. */
struct agent_vcpu_report {
	int64_t cpu_ns, unmet_ns, late_ns;
	uint64_t work, touches, missed, exits;
	int tid;
	uint32_t parked; /* paused, and out of the guest */
};

/* Shared by the controller and one guest. Single values are read and written atomically; the order is
 * whole when @sequence is even and the same before and after it was read. */
struct agent_shared {
	uint32_t sequence;
	struct guest_order order;
	uint32_t paused, state;
	int32_t code; /* of the failure: negative errno */
	uint32_t bad_input;
	char why[320]; /* of the failure; written before @state */
	struct agent_vcpu_report vcpu[GUEST_VCPUS];
	uint64_t read_ops, write_ops, read_bytes, write_bytes;
	int64_t io_latency_ns, io_latency_max_ns;
	uint64_t resident;
	int64_t main_cpu_ns; /* CPU time of the process without its vCPUs */
	/* Of a live migration; of the source, but for verified and its own stop_ns: when it went on. */
	int64_t start_ns, stop_ns;
	uint64_t sent;
	uint32_t rounds, verified;
	int32_t transfer; /* 0: none or not over; 1: done; negative errno */
	double round_bytes[AGENT_ROUNDS];
	int64_t round_ns[AGENT_ROUNDS];
	uint32_t mischief; /* for tests: enum guest_mischief */
};

#define agent_get(p)    __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define agent_put(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

int64_t agent_now_ns(void);
/* Copies the order; its sequence number, 0 if there is none yet. */
uint32_t agent_order(const struct agent_shared *shared, struct guest_order *order);

/* A guest's disk: a file without a name, written once from end to end; I/O passes the page cache by. */
struct agent_disk {
	int fd;
	uint64_t blocks; /* of 4 KiB */
	unsigned char *buffer;
	uint64_t random;
	struct agent_pace {
		int64_t start_ns;
		double per_s; /* operations */
		double first; /* 0..1: intervals until the first one */
		uint64_t done;
		size_t block; /* bytes */
	} pace[2];            /* reads, writes */
};
int agent_disk_open(struct agent_disk *disk, const struct guest_spec *spec,
		    struct err *err) must_check;
void agent_disk_order(struct agent_disk *disk, const struct guest_order *order, int64_t now_ns);
/* Does what is due; the moment at which more will be. */
int64_t agent_disk_work(struct agent_disk *disk, struct agent_shared *shared, int64_t now_ns);

/* One vCPU and its thread. */
struct agent_vcpu {
	struct agent *agent;
	uint32_t id;
	pthread_t thread;
	struct guest_order order;
	uint32_t sequence;
	int64_t base_ns;             /* since when the order holds */
	int64_t start_cpu, goal_cpu; /* CPU clock then; then plus what is owed from before */
	int64_t end_cpu;             /* at the end of the order */
	bool ended;
	uint64_t touch_start;
};
struct agent {
	struct vmm *vmm;
	struct agent_shared *shared;
	const struct guest_spec *spec;
	int socket;
	uint32_t go; /* threads wait for it */
	struct agent_vcpu vcpu[GUEST_VCPUS];
	struct agent_disk disk;
	size_t pages, resident; /* of the working set now */
	uint64_t *dirty;        /* the log, a bit per page of guest memory */
	size_t dirty_words;
	size_t overhead; /* bytes resident that are not working set: tables, program */
};
void *agent_vcpu_main(void *vcpu);

/* vCPUs run on the guest's cores; the process's main thread on the others of this machine, if it has any.
 * For the calling thread; 0 or -errno. */
int agent_pin(const struct guest_spec *spec, bool vcpu) must_check;

/* Everything that is not needed any more is given away: user, privileges, system calls. All threads. */
int sandbox_user(uid_t uid, struct err *err) must_check;
int sandbox_syscalls(struct err *err) must_check;

/* Never returns. */
void agent_main(struct agent_shared *shared, int socket, const struct guest_spec *spec,
		pid_t parent) __attribute__((noreturn));

#endif
