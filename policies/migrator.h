/*
 * Who moves: detectors say when a host is overloaded, selectors which VM leaves it, balancers which
 * move evens out the load of all hosts. Where the VM goes a placer says (placer.h); when all of them
 * are asked, and what happens then, is sim/consolidate.c.
 *
 * Load is the CPU that a host's VMs want at the moment, as a share of its capacity; more than 1 where
 * they want more than there is. The past of a host is that of the VMs that stand on it now, wherever
 * they were then. All hooks are pure functions of state and view: no clock, no I/O, no malloc(), no
 * random numbers but from a stream of the plug-in's own. To write one, copy detect_thr.c,
 * select_mmt.c or balance_drs.c, and add a line to list.h.
 */
#ifndef COTENANT_POLICIES_MIGRATOR_H
#define COTENANT_POLICIES_MIGRATOR_H

#include <stddef.h>
#include <stdint.h>

#include "sim/core/err.h"
#include "sim/core/plugin.h"

#define MIGRATOR_SAMPLES_MAX 1000

/* One host, as a detector sees it. */
struct detector_view {
	double load;           /* now */
	size_t n;              /* samples of the load; at most samples(), may be 0 */
	const double *history; /* one per interval, oldest first; the last one is now's */
	double horizon;        /* samples from now until its slowest VM could be gone; at least 1 */
	double *scratch;       /* working memory: DETECTOR_SCRATCH * n numbers */
};
#define DETECTOR_SCRATCH 3

enum detector_flags {
	DETECTOR_NEVER = 1, /* nothing ever moves: nobody is asked, and hosts are not drained */
	DETECTOR_FULL_POWER = 2, /* nor is power managed: all hosts stay on and draw full power */
};

struct detector_ops {
	struct plugin plugin;
	unsigned flags;

	/* Required. The load above which the host counts as overloaded; it can be above 1, or below
	 * 0, or infinite, but is a number. Hosts take VMs up to it, and never more than 1. */
	double (*limit)(const void *state, const struct detector_view *view);

	/* Not required: how many samples it looks at, at most MIGRATOR_SAMPLES_MAX; without this
	 * hook none are kept. */
	size_t (*samples)(const void *state);
};

/* The VMs of one overloaded host that could leave it, in ascending id: the only tie-break. */
struct selector_view {
	size_t n;                /* at least 1 */
	const double *demand;    /* CPU wanted now, MHz */
	const double *size;      /* CPU that the VM can use at most, MHz */
	const double *shortfall; /* CPU wanted and not granted, MHz */
	const double *memory;    /* what has to be moved, bytes */
	/* Demand in the past, MHz: history[i][k] are of the same moment for all i, in any order of k.
	 * NULL if samples() asks for none. */
	const float *const *history;
	size_t nhistory;
	double *scratch; /* SELECTOR_SCRATCH(n) numbers */
};
#define SELECTOR_SCRATCH(n) (((n) + 4) * (n))

struct selector_ops {
	struct plugin plugin;

	/* Required. Who leaves: an index below n. Asked again, without that VM, while the host would
	 * still be overloaded. */
	size_t (*select)(void *state, const struct selector_view *view);

	/* Not required. As a detector's. @seed: of the selector's own random stream. */
	size_t (*samples)(const void *state);
	int (*init)(void *state, uint64_t seed, struct err *err);
};

/* The moves that would take one VM each off the host with the highest load that has not been given up:
 * each to the host with the lowest load that takes it. */
struct balancer_view {
	size_t nhosts;     /* that are on */
	double mean, sd;   /* of their loads */
	double load;       /* of the host to be relieved */
	double interval_s; /* until the question comes again */
	size_t n;          /* candidates; at least 1 */
	const uint32_t *vm;
	const double *demand;    /* MHz */
	const double *migrate_s; /* how long the migration would take, at least */
	const double *load_to;   /* of the target, without the VM */
	const double *from, *to; /* what the VM's demand is to the host, and to the target: loads */
	unsigned moves;          /* decided in this round so far */
};

struct balancer_ops {
	struct plugin plugin;

	/* Required. The candidate to be moved, or n: none of them. After a move it is asked again; after
	 * none, about the host with the next lower load, until load is not above the mean. */
	size_t (*choose)(const void *state, const struct balancer_view *view);
};

#endif
