/*
 * What the virtual machines of this machine want, sampled from outside: no agent in the guest, nothing
 * changed on the host, everything from files of /proc and /sys.
 *
 * CPU. The scheduler counts for each vCPU thread the time in which it ran and the time in which it could
 * have run but waited for a core (schedstat). Between two looks, a vCPU ran for a share r of the time,
 * waited for w and slept for the rest, s. What it wanted is not told by that alone; the rules:
 *	used    r: what it got
 *	wanted  r, if it slept at all: who sleeps has nothing left to do, so waiting only put work off;
 *	        r + w, which is all the time there was, if it never slept
 *	closed  r / (r + s): its use when nobody is in its way, if its sleeps are then as long as now, as
 *	        those of a batch job that waits for its disk (Gulati et al., VMware Distributed Resource
 *	        Management, 2012)
 *	most    r + w: all the time in which it would have run
 * A wait is counted by the kernel when it is over; a vCPU that was ready to run and has not given its
 * core away by itself since (voluntary context switches) did not sleep, and w is what is missing. All
 * rules are the same where nothing waits. They are summed over the vCPUs, so none is above their number.
 * The demand of a vCPU that waited and never slept is censored: it is at least r, and at most r + w, which is all
 * that a vCPU can use. Run delay does not tell where between: who wants 60 % and gets 50 % of a core is ready all
 * the time, as is who wants 100 %. `wanted` takes the upper bound, since demand that is not there shows in a
 * replay as a shortage that was real, while demand left out would make the shortage vanish; `used` is the lower
 * bound. How far apart the two are is counted (record_stats). The time in which the host polls for an
 * idle vCPU (halt polling) cannot be seen either: it counts as run.
 *
 * Memory is what is resident of the process without files mapped (anonymous, shared and huge pages), from
 * its status file, which costs next to nothing; or its proportional share of pages (PSS), for which the
 * kernel walks the page tables at every sample; of our own guests only the shared pages, which are the
 * guest's memory. Disk is what the process caused to be read and written
 * in storage, and its system calls that read or write, but no more operations than there were blocks of
 * 4 KiB; where the VM has a version 2 group of its own, what the group's devices did.
 *
 * How large a VM is, its command line tells, its label, or libvirt: as its balloon stood when the VM was
 * first seen.
 *
 * VMs come and go while this runs. A VM is known by its name: a process that takes the name of one that
 * ended goes on as the same VM.
 */
#ifndef COTENANT_REPLAY_RECORD_H
#define COTENANT_REPLAY_RECORD_H

#include "replay/find.h"
#include "sim/core/err.h"

enum record_demand { RECORD_WANTED, RECORD_USED, RECORD_CLOSED, RECORD_MOST };
extern const char *const record_demand_name[]; /* NULL at the end */
enum record_memory { RECORD_RSS, RECORD_PSS, RECORD_NO_MEMORY };

struct record_params {
	const char *root;
	const pid_t *pid; /* ascending, each once: only these, VMs or not; npids 0 = every VM */
	size_t npids;
	const char *const *name; /* only VMs whose name matches one of these patterns (fnmatch) */
	size_t nnames;
	bool own; /* only guests of cotenant */
	enum record_demand demand;
	enum record_memory memory;
	bool disk;
	const char *libvirt;     /* URI; NULL = where its daemon's socket is there; "" = not used */
	int64_t (*now_ns)(void); /* NULL = CLOCK_MONOTONIC */
};

/* One VM over one interval. Rates are over the real time between two readings. NAN: not known. */
struct record_row {
	uint32_t vm; /* number of the VM, from 0; stays the same */
	const struct found_vm *found;
	bool returned;               /* the VM had ended and is back since its row before */
	double demand, used, waited; /* cores */
	double rest;   /* cores used by the process besides its vCPUs: emulation, disk, network */
	double memory; /* bytes at the end of the interval */
	double disk, iops; /* bytes/s, operations/s */
};

/* What happened, for a report. */
struct record_stats {
	uint64_t rows;
	uint32_t vms, came, went, returned; /* came: after the first sample */
	uint32_t moved;                     /* own guests that went on in another process */
	uint64_t reused;                    /* pids that belong to another process now */
	uint64_t backwards;                 /* counters that went back: counted from 0 */
	uint64_t
		unread; /* intervals of a VM of which there is no row, since it could not be read */
	uint64_t malformed; /* files with other contents than expected */
	uint64_t saturated; /* times of vCPUs between looks: waited and never slept */
	double demand_s,
		censored_s; /* core-seconds of demand; how much of it is in these times, and above use */
	uint64_t clipped;            /* times above the interval: told late by the kernel, cut */
	uint32_t no_disk, no_memory; /* VMs of which these may not be read, ever */
	uint32_t hidden;  /* processes that may be VMs and whose descriptors may not be read */
	uint32_t renamed; /* VMs with the name of another one: NAME.PID */
	int64_t cost_ns, cost_max_ns; /* time that sampling took: sum, longest */
};

struct record;

/* Finds what is there now. -EINVAL with @err set: a pid that is not there; schedstat is not. */
int record_open(struct record **record, const struct record_params *params,
		struct err *err) must_check;
void record_close(struct record *record);

/* Looks at the CPU in the middle of an interval: an interval of a minute in which a vCPU starves has a
 * sleep in it almost always, a second has not. To be called every second. */
int record_look(struct record *record, struct err *err) must_check;
/* Reads all counters, calls @row for each VM that was also read the last time, then looks for new VMs.
 * The first call gives no rows. 0 or -ENOMEM with @err set. */
int record_sample(struct record *record, void (*row)(void *arg, const struct record_row *row),
		  void *arg, struct err *err) must_check;

/* The i-th VM that is there now; NULL past the end. @lack (n bytes): what may not be read of it. */
const struct found_vm *record_at(const struct record *record, size_t i, char *lack, size_t n);
const struct record_stats *record_stats(const struct record *record);
/* What a vCPU wanted that ran and waited for these shares of the time, and slept at some moment of it. */
double record_wanted(enum record_demand rule, double run, double waited, bool slept);
/* Whether libvirt is asked, or why not. */
const char *record_libvirt(const struct record *record);

#endif
