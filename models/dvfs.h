/*
 * Dynamic voltage and frequency scaling: a host runs all its cores at one of a few speeds, which a
 * governor chooses whenever the host is divided.
 *
 * Capacity follows the speed: cores x speed. At a slower step no VM gets more than its vCPUs x that
 * speed. Power is that of the step's own model at the utilization of that capacity; where a step has
 * none, of the host's model with the part above idle power scaled by (speed / full speed)^3, because
 * dynamic power goes with the frequency and the square of a voltage that goes with it (Weiser et al.,
 * OSDI 1994).
 */
#ifndef COTENANT_MODELS_DVFS_H
#define COTENANT_MODELS_DVFS_H

#include <stddef.h>
#include <stdint.h>

#define DVFS_MAX_STEPS 64

/* One speed. Slower steps stand before faster ones. */
struct dvfs_step {
	double speed;                                    /* MHz of a core */
	double dynamic;                                  /* factor of the power above watts(0) */
	double (*watts)(const void *state, double util); /* NULL: no power model */
	const void *state;
};

/* The names stand in scenarios/schema_host.c. */
enum dvfs_governor {
	DVFS_PERFORMANCE, /* the fastest step */
	DVFS_POWERSAVE,   /* the slowest */
	DVFS_ONDEMAND,    /* the slowest at which no core is busier than `up`; else the fastest */
	DVFS_FIXED,       /* the one that was set */
	DVFS_GOVERNORS
};

struct dvfs {
	size_t n; /* 0: one speed only */
	struct dvfs_step step[DVFS_MAX_STEPS];
	enum dvfs_governor governor;
	double up;      /* share of a core */
	unsigned fixed; /* step in the beginning, of DVFS_FIXED */
};

/* What a governor looks at, in MHz of a core. */
struct dvfs_need {
	double busiest; /* demand of the busiest core if VMs' vCPUs and the host's cores share theirs */
	double guaranteed; /* what VMs want of their guarantees, over the cores: no step is slower */
	unsigned set;      /* the step that was set last */
};

unsigned dvfs_choose(const struct dvfs *dvfs, const struct dvfs_need *need);

double dvfs_watts(const struct dvfs_step *step, double util);

#endif
