/*
 * Placers: which host takes a VM.
 *
 * The core keeps, per host and dimension, what is still free under the overcommit ratios, and hides
 * hosts that cannot take the VM whatever the placer thinks: floors that would not fit, hosts that
 * are down. A placer never returns a host where the request does not fit (the core checks).
 */
#ifndef COTENANT_POLICIES_PLACER_H
#define COTENANT_POLICIES_PLACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/fit_tree.h"
#include "sim/core/err.h"
#include "sim/core/plugin.h"

/* Requested CPU (MHz), memory (bytes), disk space (bytes), network (bits/s). */
enum place_dim { PLACE_CPU, PLACE_MEM, PLACE_DISK, PLACE_NET, PLACE_DIMS };

#define PLACE_NOWHERE UINT32_MAX

/* A relative slack for sums of sizes, so that ten requests of a tenth fill a host. */
#define PLACE_EPSILON 1e-9

struct place_view {
	size_t nhosts;
	const double *free[PLACE_DIMS];     /* overcommit ratio x capacity - committed, per host */
	const double *capacity[PLACE_DIMS]; /* overcommit ratio x capacity; 0 = the host has none */
	const struct fit_tree *tree;        /* over free + slack; NULL = look at every host */
	bool (*admits)(const void *ctx, uint32_t host); /* the core's own conditions for this VM */
	const void *ctx;
};

struct placer_ops {
	struct plugin plugin;

	/* Required. The host for a VM that requests @req, or PLACE_NOWHERE. Ties go to the lower
	 * id. */
	uint32_t (*place)(void *state, const struct place_view *view, const double req[PLACE_DIMS]);

	/* Not required. @seed: of the placer's own random stream, for those that draw. */
	int (*init)(void *state, uint64_t seed, struct err *err);
	void (*fini)(void *state);
};

/* Whether @req fits host @h of the view: every dimension within PLACE_EPSILON, and admitted. */
bool place_fits(const struct place_view *view, uint32_t h, const double req[PLACE_DIMS]);

/* The first host from @from on that the request fits, or PLACE_NOWHERE: how placers go through
 * hosts. */
uint32_t place_next(const struct place_view *view, uint32_t from, const double req[PLACE_DIMS]);

/* How full the host would be after taking @req: the sum over dimensions with capacity of
 * (capacity - free + req) / capacity. Best fit maximises it, worst fit minimises it. */
double place_fullness(const struct place_view *view, uint32_t h, const double req[PLACE_DIMS]);

#endif
