/*
 * One VM of this machine: a process of its own that runs a real KVM guest and does as it is told.
 *
 * The process has one thread per vCPU in KVM_RUN and a main thread that does the guest's disk I/O,
 * moves its balloon and listens for commands. The guest burns CPU, keeps and touches memory, and
 * counts what it did. Orders and reports pass through a page of shared memory: giving and reading
 * them costs no system call and waits for nobody.
 *
 * The process dies with its controller, has dropped every privilege before the guest's first
 * instruction, and can reach nothing but what it had opened by then.
 *
 * Times are CLOCK_MONOTONIC ns; CPU is in cores; memory in bytes; counters of a report only grow.
 */
#ifndef COTENANT_REPLAY_GUEST_H
#define COTENANT_REPLAY_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "replay/cgroup.h"
#include "sim/core/err.h"

struct guest;

#define GUEST_MAX_CORES 64u

struct guest_spec {
	const char *name;  /* of the process and its files, unique in the run */
	const char *label; /* what `cotenant record` calls the guest; NULL = name */
	uint32_t vcpus;
	double memory;      /* largest working set */
	double disk;        /* size of its disk file; 0 = no disk */
	const char *folder; /* where the disk file is made, written once and unlinked */
	int64_t period_ns;  /* of the control of CPU time; 100 ms */
	const int *cores;   /* pinned to these; ncores 0 = not pinned */
	size_t ncores;
	struct cg_leaf *leaf; /* joined before memory is touched; NULL = none */
	uid_t uid;            /* becomes this user where the controller is root */
	uint64_t seed;        /* of the order in which pages and blocks are touched */
};

/* What the guest is to do from @start_ns to @end_ns. It goes on after the end at the same rates until
 * the next order comes. */
struct guest_order {
	int64_t start_ns, end_ns;
	uint32_t vcpus;  /* the first so many share the CPU; 0 = all of them */
	double cpu;      /* cores wanted, over all vCPUs */
	double cpu_most; /* cores it may use: the VMM's own duty cycle; >= cpu where groups decide */
	bool keep;       /* CPU time not had in this order is wanted in the next one too */
	double memory;   /* working set: kept and touched */
	double memory_most;             /* resident at most: the balloon takes the rest */
	double touch_rate;              /* pages/s, uniformly over the working set */
	double write_share;             /* of the touches that are stores */
	double read_bytes, write_bytes; /* per second wanted */
	double read_iops, write_iops;   /* block size = bytes / operations, a multiple of 4 KiB */
	double disk_share;              /* 0..1: of the wanted rate that pacing lets through */
};

/* Counters since the start, at one moment. */
struct guest_report {
	int64_t at_ns;
	int64_t cpu_ns;           /* of the vCPU threads, by their CPU clocks */
	int64_t main_ns;          /* of the rest of the process: disk, balloon */
	int64_t run_delay_ns;     /* runnable and not running */
	int64_t unmet_ns;         /* CPU time ordered, over and not had */
	uint64_t work;            /* iterations done */
	uint64_t touches, missed; /* pages touched; touches that found the page in the balloon */
	uint64_t read_ops, write_ops, read_bytes, write_bytes;
	int64_t io_latency_ns, io_latency_max_ns; /* sum; largest */
	double resident;                          /* bytes of guest memory that are resident now */
	uint64_t exits;                           /* returns from KVM_RUN */
	int64_t late_ns; /* latest wake-up of a vCPU thread after its moment */
};

/* Begins to start the process and its guest, and waits for nothing: orders may be given at once, and are
 * obeyed once it is there. guest_ready(): 1 when it is, 0 until then. Both: -errno with @err set: what
 * /dev/kvm lacks and what to do. The guest is to be stopped in any case where *guest is not NULL. */
int guest_begin(struct guest **guest, const struct guest_spec *spec, struct err *err) must_check;
int guest_ready(struct guest *guest, struct err *err) must_check;
/* The same for who has time: returns when it waits for its first order. */
int guest_start(struct guest **guest, const struct guest_spec *spec, struct err *err) must_check;

void guest_order(struct guest *guest, const struct guest_order *order);
void guest_read(const struct guest *guest, struct guest_report *report);

/* Whether it still runs; if not, why not, in words. */
bool guest_alive(struct guest *guest, char *why, size_t n);

/* Its vCPUs stop at once and go on where they were. 0 or -errno. */
int guest_pause(struct guest *guest) must_check;
int guest_resume(struct guest *guest) must_check;

pid_t guest_pid(const struct guest *guest);

/* Ends the process, whatever it does, and waits for nothing; whether it is gone. Nothing else but guest_stop()
 * may follow. */
void guest_kill(struct guest *guest);
bool guest_gone(struct guest *guest) must_check;
/* Ends the process if that was not done, waits until it is gone, and frees. */
void guest_stop(struct guest *guest);

/* For tests of what follows: the guest program raises an exception, or its process, as if the guest had
 * broken out, does what it must not be able to do. */
enum guest_mischief {
	GUEST_CRASH = 1,
	GUEST_OPEN,
	GUEST_SOCKET,
	GUEST_EXEC,
	GUEST_PTRACE,
	GUEST_KILL
};
void guest_misbehave(struct guest *guest, enum guest_mischief mischief);

/* Live migration of a running guest into a second process on this machine, pre-copy over a socket. */
struct guest_migration {
	/* In. */
	double bandwidth;     /* bytes/s; INFINITY = not limited */
	double threshold;     /* bytes left at which the guest is stopped */
	unsigned max_rounds;  /* live rounds at most */
	struct cg_leaf *leaf; /* of the second process; NULL = none */
	/* Out. */
	unsigned rounds; /* live rounds; the last copy, with the guest stopped, is not one */
	double round_bytes[64], round_s[64];
	double sent; /* bytes */
	double total_s, downtime_s;
	bool verified; /* the guest's page counters are the same on both sides */
};
/* *guest is the second process afterwards; on failure it is the first, running on. */
int guest_migrate(struct guest **guest, struct guest_migration *migration,
		  struct err *err) must_check;

#endif
