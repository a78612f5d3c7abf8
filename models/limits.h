/*
 * The limits of a host's VMs as arrays, in the order of its slots.
 *
 * Limits are kept once per class; policies and metrics read arrays. What the first VMs have in common
 * with those gathered last stays as it is, so hosts that hold the same mix, or VMs of several sizes with
 * the same limits, cost little more than a comparison. Zeros fill the last group of lanes (lanes.h).
 */
#ifndef COTENANT_MODELS_LIMITS_H
#define COTENANT_MODELS_LIMITS_H

#include "models/dc.h"

struct limits {
	size_t n;                     /* VMs gathered */
	uint32_t *class_id;           /* for whom */
	const struct host_type *type; /* on what */
	double *floor[RES_COUNT], *cap[RES_COUNT], *weight[RES_COUNT];
	double *per_weight[RES_COUNT]; /* 1 / weight; 0 for weight 0 */
	double *slice
		[RES_COUNT]; /* of the host's capacity by weight, at most the cap; 0 where nobody
				     has a weight */
	int32_t *priority;
	double core; /* MHz: CPU caps are at most vCPUs times it; INFINITY where one core is as fast as
			another at all times */

	/* Private. */
	size_t room, array_cap;
	double *array;
};

/* Makes the arrays those of @host. A zeroed struct is empty. -ENOMEM. */
int limits_gather(struct limits *limits, const struct dc *dc, uint32_t host) must_check;

void limits_fini(struct limits *limits);

#endif
