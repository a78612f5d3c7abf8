/*
 * What it costs a VM to hold less memory than its working set.
 *
 * The model is that of demand paging under uniform reference to the working set (Denning 1968, "The
 * working set model for program behavior"; the deficit's share of references faults): a VM at full
 * speed touches each byte of its working set once per reuse time R. With a grant g < ws the
 * fraction m = (ws - g) / ws of these touches faults, so bytes come in at m ws / R = (ws - g) / R
 * and, in steady state, one page leaves for each that comes; only dirty ones are written, d times
 * as many. The disk serves this in pages. A VM that gets less disk than that is slowed in
 * proportion, and so is its faulting: its CPU progress is granted / wanted traffic.
 *
 * Left out: locality inside the working set, read-ahead, and sharing of pages between VMs. All
 * functions are pure; sizes are bytes, finite and >= 0.
 */
#ifndef COTENANT_MODELS_MEMORY_H
#define COTENANT_MODELS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "sim/core/plugin.h"

struct memory_params {
	int64_t reuse_ns; /* R: how long a VM at full speed takes to touch all its working set; > 0
			   */
	double dirty;     /* d: share of its pages that must be written before they can go, 0..1 */
	double page;      /* bytes per disk operation; > 0 */
};

/* The settings above, with defaults, as a section of a scenario. */
extern const struct opt_table memory_opts;

/* What a VM's deficit asks of the disk, at full CPU speed. */
struct memory_traffic {
	double deficit; /* m, 0..1 */
	double swap;    /* bytes that are in swap: ws - grant, or 0 */
	double in, out; /* bytes/s of faults and of the dirty pages that make room for them */
	double reclaim; /* bytes/s written because the grant shrank */
	double bytes_s; /* in + out + reclaim */
	double ops_s;   /* bytes_s / page */
};

/* Fills all of *out. @before is the grant until now (the same as @grant if it does not change);
 * what its shrinking costs, memory_reclaim(), is spread over the tick of @tick_s > 0 seconds. */
void memory_pressure(const struct memory_params *params, double ws, double grant, double before,
		     double tick_s, struct memory_traffic *out);

/* Speed of the VM's CPU relative to full speed, 0..1, when of the disk that it wanted, swap traffic
 * and its own, this much was granted: the smaller of both ratios granted / wanted. A ratio with
 * nothing wanted counts as 1. */
double memory_progress(double want_bytes_s, double grant_bytes_s, double want_ops_s,
		       double grant_ops_s);

/* Bytes to write out before the grant can shrink from @old_grant to @new_grant, for a working set
 * of
 * @ws: the dirty share of what was in use beyond the new grant; 0 when it grows. To be charged to
 * the disk over the tick. */
double memory_reclaim(const struct memory_params *params, double ws, double old_grant,
		      double new_grant);

/* Swap that the n VMs of a host use together. More than the host has is an out-of-memory event. */
double memory_swap(const double *ws, const double *grant, size_t n);

/* Who is killed then: the one that uses the most swap, the first of equals. n if none uses any. */
size_t memory_victim(const double *ws, const double *grant, size_t n);

#endif
