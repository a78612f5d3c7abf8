/*
 * What is measured, and how it is defined. Names are the CSV columns (sim/output_*.c).
 *
 * Everything is an integral over time with rates that are constant between two updates of a host,
 * so sums are exact and do not depend on when rows are written. W = want, G = grant, E =
 * entitlement: the weighted max-min share (policies/fill.h) of the host's CPU given everybody's
 * real demand, floors and caps. All sums run over VMs on hosts and over the time since the warm-up.
 *
 *   cpu_util, mem_util, disk_util, iops_util
 *                integral of G / integral of capacity of hosts that are on; of CPU at the speed in
 *                force
 *   cpu_shortfall, mem_shortfall, disk_shortfall
 *                integral of (W - G) / integral of W; 0 if nothing was wanted
 *   steal_s      integral of (W - G) / core speed: vCPU-seconds that were runnable and did not run
 *   stall_s      seconds in which a VM's CPU demand waited for swapped memory
 *   overload     share of the hosts' on-time in which the CPU demand exceeded the capacity
 *   jain         Jain's index of r = G/E over VM-time with demand:
 *                (sum r dt)^2 / (sum dt sum r^2 dt)
 *   worst        the smallest r that any VM had at any time
 *   gini         Gini coefficient over VMs of (integral of G) / (integral of E)
 *   jain_dominant  Jain's index, over VM-time with demand, of the dominant share per weight: the
 *                largest over resources of G / capacity / weight (Ghodsi et al. 2011)
 *   envy         share of ordered pairs of VMs on a host (x time) in which the first would get
 *                further with the second's grants, scaled by weights, than with its own
 *   sharing_violations  share of VM-time in which a VM gets less far than in its static slice
 *   starvation_s longest time in which a VM wanted CPU and had under 1 % of its entitlement
 *   slatah, pdm, slav, esv  Beloglazov & Buyya 2012: mean over hosts of the share of active time at
 *                full CPU utilization, what moving takes included; mean over VMs that ran of
 *                (integral of W x share held back because the VM moves) / integral of W, of CPU;
 *                product; x energy_kwh
 *   migrations, migrations_undone, migration_s, downtime_s  begun since the warm-up; given up; mean
 *                time from beginning to end; time in which VMs that moved stood still, summed up
 *   facility_kwh, carbon_g  energy_kwh x PUE; the integral of that power x carbon intensity
 *   availability share of host-time in which hosts were not failed; of a VM or a group of VMs, and
 *                vm_availability of all: share of the time since VMs were created in which they ran
 * "How far" a VM gets is min over resources of G / W; of a VM that moves, of the W that can be met.
 */
#ifndef COTENANT_SIM_METRICS_H
#define COTENANT_SIM_METRICS_H

#include "models/dc.h"
#include "models/limits.h"
#include "sim/core/stat.h"

/* Sums that a row of timeline.csv and of summary.csv are made of. */
enum metric_sum {
	M_WANT, /* + resource */
	M_GRANT = M_WANT + RES_COUNT,
	M_CAPACITY = M_GRANT + RES_COUNT, /* of hosts that are on */
	M_STEAL = M_CAPACITY + RES_COUNT,
	M_STALL,
	M_ON,       /* host-seconds on */
	M_ACTIVE,   /* host-seconds with at least one VM */
	M_OVERLOAD, /* host-seconds */
	M_DOWN,
	M_HOST_TIME,
	M_VM_TIME,
	M_RATIO, /* r, r^2 and the time over which they are taken */
	M_RATIO_SQ,
	M_RATIO_TIME,
	M_DOMINANT,
	M_DOMINANT_SQ,
	M_DOMINANT_TIME,
	M_ENVY,
	M_PAIRS,
	M_VIOLATION,
	M_VIOLATION_TIME,
	M_ENERGY_J,
	M_CARBON, /* integral of power x carbon intensity (models/carbon.h); of rates, 0 */
	M_SUMS
};

struct host_sums {
	double grant[RES_COUNT];
	double capacity; /* of CPU x seconds on */
	double vms, on, off, booting, stopping, active, busy, overload, down, joule,
		full; /* seconds (vms: VM-seconds) */
	uint32_t failures, oom_kills, boots, shutdowns;
	bool starving; /* somebody did at the last update */
};

/* The sums' increase per second; or sums, of which `worst` is the smallest r so far. */
struct metrics_rates {
	double of[M_SUMS];
	double worst;
};

struct metrics {
	struct metrics_rates now; /* since the last row of the timeline */
	double total[M_SUMS];     /* since the warm-up */
	double worst;
	struct host_sums *host;
	bool entitled_by_grant; /* the CPU policy's grants are the entitlements */
	bool has_energy;
};

/* Where a thread accounts: all but scratch is the caller's, who frees scratch with mem_free(). */
struct metrics_desk {
	struct metrics *metrics;
	struct dc *dc;
	struct limits *limits; /* of the host last looked at */
	double *scratch;
	size_t scratch_n;
};

int metrics_init(struct metrics *m, const struct dc *dc, bool entitled_by_grant) must_check;
void metrics_fini(struct metrics *m);

/* Accounts for @dt_s seconds of the division now in force on a host, in the sums of the host and its
 * VMs; what one second of it adds to the sums of all is written to @rates and not added. -ENOMEM. */
int metrics_account(struct metrics_desk *desk, uint32_t host, double dt_s,
		    struct metrics_rates *rates) must_check;

/* Adds @s seconds at these rates. */
void metrics_add(struct metrics_rates *sum, const struct metrics_rates *rates, double s);

/* Moves what was summed since the last call into the total, leaving it in @row, and the smallest
 * r in @worst (1 if nobody wanted anything). */
void metrics_row(struct metrics *m, double row[M_SUMS], double *worst);

/* Forgets everything: the end of the warm-up. */
void metrics_reset(struct metrics *m, struct dc *dc);

/* Ratios of sums. */
double metrics_jain(double sum, double sum_sq, double time);
double metrics_share(double part, double whole); /* 0 where the whole is 0 */

#endif
