/*
 * Placers: which host takes a VM.
 *
 * The core keeps, per host and dimension, what is still free under the overcommit ratios, and hides
 * hosts that cannot take the VM whatever the placer thinks: floors that would not fit, hosts that
 * are down, rules of the scenario. A placer never returns a host where the request does not fit
 * (the core checks).
 *
 * Placers do not go through all hosts: they ask for the next one that fits in order of id, or, of a
 * type, for the one with the smallest or largest key that fits (models/fit.h). The order that a
 * placer names decides what the keys are. Who calls a placer for hosts of his own making (a
 * migration, a test) fills a view with columns and an index of his own.
 */
#ifndef COTENANT_POLICIES_PLACER_H
#define COTENANT_POLICIES_PLACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/dc.h"
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
	const double *capacity[PLACE_DIMS]; /* per kind: overcommit ratio x capacity; 0: none */
	/* Kinds of hosts, and each host's; NULL: all are of one kind without power. They stay what they are
	 * as long as the placer's state lives. */
	size_t ntypes;
	const struct host_type *types;
	const uint32_t *type;
	/* Each host's place in the order that the placer asked for (enum dc_order). FIT_KEY_NONE:
	 * without VMs, where the order says so. */
	const int64_t *key;
	double load; /* CPU that the VM adds to the load, MHz, for placers by load */
	/* Over free and floors with a slack, ordered if the placer asked for an order; NULL = look
	 * at every host. */
	const struct fit_index *index;
	const double *floor; /* what the VM is guaranteed, per resource; NULL = nothing */
	const bool *type_ok; /* which kinds will do; NULL = all */
	bool (*admits)(const void *ctx, uint32_t host); /* the core's own conditions for this VM */
	const void *ctx;
	/* VMs of the same number ask for the same and are admitted by the same hosts, as long as these are not set
	 * in the index; 0: nothing is known. For placers that remember what they found. */
	uint32_t alike;
};

static inline size_t place_kind(const struct place_view *view, uint32_t h)
{
	return view->type ? view->type[h] : 0;
}

/* Requests that are to be placed together; those of one class of VMs stand there once. */
struct place_batch {
	size_t n;
	/* Whether a VM of the i-th request fits the host. */
	bool (*fits)(const void *ctx, uint32_t host, size_t i);
	const void *ctx;
	const double (*req)[PLACE_DIMS];
	const uint32_t *count;   /* how many of each are left */
	double mean[PLACE_DIMS]; /* of all requests when the batch began, as place_shares() */
};

struct placer_ops {
	struct plugin plugin;

	/* Required. The host for a VM that requests @req, or PLACE_NOWHERE. Ties go to the lower
	 * id. */
	uint32_t (*place)(void *state, const struct place_view *view, const double req[PLACE_DIMS]);

	/* Not required. @seed: of the placer's own random stream, for those that draw. */
	int (*init)(void *state, uint64_t seed, struct err *err);
	void (*fini)(void *state);

	enum dc_order order; /* of view.key and the index */

	/* Not required: for placers that do best with many VMs at once. Those created at one moment
	 * and those that wait are then placed together, in one of two ways.
	 * size: one by one, by place(), the largest first; ties go to the lower VM id.
	 * pick: host by host in order of id. Which of the batch's requests, each of which has a
	 * count left and fits the host, goes there next, or n for none; asked until none is left. */
	double (*size)(const void *state, const struct place_view *view,
		       const double req[PLACE_DIMS]);
	size_t (*pick)(const void *state, const struct place_view *view, uint32_t host,
		       const struct place_batch *batch);
};

/* Whether @req fits host @h of the view: every dimension within PLACE_EPSILON, and admitted. */
bool place_fits(const struct place_view *view, uint32_t h, const double req[PLACE_DIMS]);

/* A request, prepared for questions about it; stays where it was made. */
struct place_ask {
	const struct place_view *view;
	const double *req;
	struct fit_need need; /* where the view has an index */
};
void place_ask(struct place_ask *ask, const struct place_view *view, const double req[PLACE_DIMS]);

/* The first host from @from on that the request fits, or PLACE_NOWHERE. */
uint32_t place_next(const struct place_ask *ask, uint32_t from);

/* Of the hosts of a type that the request fits and whose key is from @lo to @hi: the one with the
 * smallest, with the largest key; of equals the lowest id. PLACE_NOWHERE if there is none, or if the
 * type will not do. */
struct place_range {
	size_t type;
	int64_t lo, hi;
};
uint32_t place_lowest(const struct place_ask *ask, struct place_range in);
uint32_t place_highest(const struct place_ask *ask, struct place_range in);

/* place_lowest() of all types, from @lo on; of equals the lowest id. */
uint32_t place_least(const struct place_ask *ask, int64_t lo);

/* place_next() of all hosts, for who has no more to ask. */
uint32_t place_first(const struct place_view *view, const double req[PLACE_DIMS]);

/* How full the host would be after taking @req, in units of keys: the sum over dimensions with
 * capacity of (capacity - free + req) / capacity. For placers by fullness. */
int64_t place_fullness(const struct place_view *view, uint32_t h, const double req[PLACE_DIMS]);

/* The fullest and the emptiest host after taking @req: best-fit and worst-fit. The emptiest one is
 * looked for among hosts in use first if @used_first. */
uint32_t place_fullest(const struct place_view *view, const double req[PLACE_DIMS]);
uint32_t place_emptiest(const struct place_view *view, const double req[PLACE_DIMS],
			bool used_first);

/* A request as a share of the average host: where a batch's requests are measured alike whatever
 * host they will go to. 0 in dimensions that no host limits. */
void place_shares(const struct place_view *view, const double req[PLACE_DIMS],
		  double share[PLACE_DIMS]);

#endif
