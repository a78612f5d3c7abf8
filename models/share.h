/*
 * What a host policy sees and answers: one host, one moment, arrays of length n.
 *
 * A call divides one or more columns. CPU and memory come as one column; a disk as two (bandwidth and
 * IOPS, which one request uses at once); a joint policy gets all of them. In each column the rules of
 * the guard hold for the answer: 0 <= grant <= min(want, cap); the sum within capacity;
 * grant >= min(want, floor, cap) where these floors fit into the capacity together; nothing NaN.
 */
#ifndef COTENANT_MODELS_SHARE_H
#define COTENANT_MODELS_SHARE_H

#include <stddef.h>
#include <stdint.h>

/* Stored units: MHz; bytes; bytes per second; operations per second. */
enum resource { RES_CPU, RES_MEM, RES_DISK, RES_IOPS, RES_COUNT };

#define RES_BIT(r) (1u << (r))
#define RES_ALL    (RES_BIT(RES_COUNT) - 1u)

#define SHARE_MAX_DISKS 8
#define SHARE_MAX_COLS  (2 + 2 * SHARE_MAX_DISKS)

/* One thing to divide. Arrays are read-only and have share_view.n entries. */
struct share_col {
	enum resource res;
	unsigned disk;        /* which disk of the host, for RES_DISK and RES_IOPS */
	double capacity;      /* what may be granted in total; may be 0 */
	const double *want;   /* demand now, >= 0, finite */
	const double *floor;  /* guarantee (reservation), >= 0; unused guarantee is lent */
	const double *cap;    /* limit, >= 0, may be INFINITY */
	const double *weight; /* share, >= 0; 0 = nothing beyond the floor */
};

struct share_view {
	int64_t now_ns, tick_ns;
	uint32_t host;
	size_t n;                /* VMs, in ascending id: the only tie-break */
	const uint32_t *vm;      /* their ids */
	const int32_t *priority; /* higher is served first by policies that look at it */
	void *const *vm_state;   /* the policy's memory of each VM; NULL if it keeps none */
	size_t ncols;
	const struct share_col *col; /* in the order CPU, memory, disk 0, IOPS 0, disk 1, ... */
	double *scratch; /* SHARE_SCRATCH * n doubles for the policy's use, contents undefined */
};

#define SHARE_SCRATCH 8

#endif
