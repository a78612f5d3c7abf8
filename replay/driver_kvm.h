/*
 * The real machine room: VMs are KVM guests of this machine. Sibling of models/driver_sim.h.
 *
 * Demand comes from the same workloads as in the simulation: this driver holds a simulated one and asks
 * it. What policies grant is enforced on the guests, and what these really used is written over the grants
 * before they are accounted for. Simulated time passes a fixed factor faster than real time; rates are the
 * same in both, so a core is a core, and amounts are smaller by the factor.
 *
 * Nothing is waited for while time passes. Guests of VMs that are known beforehand are there before it
 * begins, and idle until their VMs start; others, and those of VMs that start again, are made when they
 * are wanted and join when they are ready, and one that cannot start ends the run. Guests that stop are
 * killed, and buried later. What a late start takes from its guest, up to a period of 100 ms, it makes up for.
 *
 * There is one host: a set of this machine's cores.
 */
#ifndef COTENANT_REPLAY_DRIVER_KVM_H
#define COTENANT_REPLAY_DRIVER_KVM_H

#include "models/driver.h"
#include "models/driver_sim.h"
#include "replay/cgroup.h"
#include "replay/guest.h"
#include "replay/validity.h"

/* How guests are made and told; tests give others. */
struct guest_ops {
	int (*begin)(struct guest **guest, const struct guest_spec *spec, struct err *err);
	int (*ready)(struct guest *guest, struct err *err);
	void (*order)(struct guest *guest, const struct guest_order *order);
	void (*read)(const struct guest *guest, struct guest_report *report);
	bool (*alive)(struct guest *guest, char *why, size_t n);
	int (*pause)(struct guest *guest);
	int (*resume)(struct guest *guest);
	void (*kill)(struct guest *guest);
	bool (*gone)(struct guest *guest);
	void (*stop)(struct guest *guest);
	int64_t (*now_ns)(void);
	void (*sleep_until)(int64_t at_ns);
};
extern const struct guest_ops guest_ops_real;

/* The largest that VMs of a group become; 0: as they begin. */
struct replay_size {
	uint32_t vcpus;
	double memory;
};

struct replay_params {
	const struct guest_ops *guests;
	const struct replay_size *largest; /* per group; NULL: nobody is resized */
	const char *root;                  /* of the cgroup tree, see cg_open() */
	enum cg_kind groups;
	int64_t tick_ns; /* simulated */
	int64_t step_ns; /* real time that a tick takes */
	int cores[64];   /* of this machine, one per core of the host */
	size_t ncores;
	double memory_scale; /* real bytes per byte of the scenario */
	double disk_bytes;   /* of the file of a guest that does I/O */
	int64_t reuse_ns;    /* in which a guest touches its working set once */
	const char *folder;  /* of disk files */
	bool kernel_decides; /* the CPU policy is `kernel`: weights and caps are set once */
};

/* One guest's counters over the run, in real time. */
struct kvm_guest {
	struct guest *guest;
	struct guest *leaving; /* killed, and not gone yet */
	struct cg_leaf *leaf;
	struct guest_report last;        /* of the guest, at the last update */
	struct guest_report total, tick; /* of the VM, whose guests come and go; at the last tick */
	int64_t sample_ns;               /* CPU time and work since the last sample of its speed */
	uint64_t sample_work;
	double want[RES_COUNT],
		measured[RES_COUNT]; /* in the scenario's units, since the last update */
	double got[RES_COUNT];       /* the same, over the last tick */
	bool starting, paused, has_disk;
	char why[160]; /* it ended by itself; empty: it did not */
};

struct driver_kvm {
	struct replay_params params;
	struct driver_sim *sim;
	struct dc *dc;
	struct arena *arena;
	struct cg *groups;
	dev_t disk; /* that holds the disk files; 0: its operations cannot be limited by groups */
	struct kvm_guest *vm; /* per VM */
	size_t vm_cap;
	int64_t start_ns; /* real moment of simulated 0; -1: not yet */
	struct validity validity;
};

extern const struct driver_ops driver_kvm_ops;

/* Opens the groups and looks at this machine; the arena's, sim's and dc's owner stays the caller. */
int driver_kvm_init(struct driver_kvm *kvm, const struct replay_params *params,
		    struct driver_sim *sim, struct arena *arena, struct err *err) must_check;
/* Ends every guest and removes the groups. */
void driver_kvm_fini(struct driver_kvm *kvm);

#endif
