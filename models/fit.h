/*
 * Finds hosts with room for a request without looking at every host.
 *
 * Two structures over the same hosts. By id: a complete binary tree over groups of hosts. By key within each type
 * of hosts: a B+-tree (fit_order.h). Every node holds the largest room below it, in each
 * dimension; and, because a subtree can have much of one dimension on one host and much of another
 * elsewhere, the largest "corners" of CPU and memory: min(cpu w, memory / w) for a few ratios w,
 * which no host without both can have. A host that is found has the room asked for in every
 * dimension.
 *
 * Setting is O(log n), and so is finding for requests that are not at odds in dimensions other than
 * CPU and memory; at worst a find visits all nodes.
 */
#ifndef COTENANT_MODELS_FIT_H
#define COTENANT_MODELS_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/mem.h"

#define FIT_DIMS    8 /* of which the first two are CPU and memory */
#define FIT_CORNERS 5
#define FIT_ROWS    (FIT_DIMS + FIT_CORNERS + 3) /* in whole groups of lanes */
#define FIT_NOWHERE UINT32_MAX

/* Keys are shares in units small enough to tell all hosts apart that differ by more than rounding:
 * hosts of one key are equals, and sums of keys have no rounding. */
#define FIT_KEY_UNIT 0x1p40
#define FIT_KEY_NONE INT64_C(-1) /* of a host that takes no part yet: before all others */
static inline int64_t fit_key(double share)
{
	return (int64_t)(share * FIT_KEY_UNIT + 0.5);
}

/* What is asked for; made by fit_ask(). */
struct fit_need {
	double row[FIT_ROWS];
	uint64_t types;
	bool (*admits)(const void *ctx, uint32_t host); /* NULL: whoever has room */
	const void *ctx;
};

struct fit_index {
	size_t n, leaves;     /* a power of two */
	unsigned used, width; /* rows in use; filled up to groups of lanes */
	uint8_t row_of[FIT_ROWS];
	bool corners;
	double scale[2];
	double *row;     /* by host: width numbers */
	double *max;     /* 2 * leaves nodes of as many; node i has children 2i and 2i + 1 */
	uint64_t *types; /* by node: bit t % 64 of the types of hosts below it */
	struct fit_stale *stale; /* leaves whose hosts were set since fit_next() was last asked */
	struct fit_past *past;   /* what fit_next() remembers */
	const uint32_t *type;
	size_t ntypes;
	/* By type: rises when a host of it is set; what was found before may not hold then. */
	uint64_t *sets;
	/* The order by key; NULL where none was asked for. */
	int64_t *key;
	bool *in; /* by host: it has room, or had when it was set, and so a place in the order */
	struct fit_order *order;
};

struct fit_config {
	size_t n, ntypes;
	const uint32_t *type; /* of every host; must outlive the index */
	unsigned limited; /* bits of dimensions; the others are without limit and cost nothing */
	double scale[2];  /* of CPU and memory, for corners: of the size of a host */
	bool ordered;     /* fit_first() and fit_last() will be asked */
	bool refilled;    /* fit_refill() will be called */
};

/* An index of hosts without any room. -ENOMEM. Memory is the arena's. */
int fit_init(struct fit_index *index, struct arena *arena,
	     const struct fit_config *config) must_check;

/* A host's room, and its key; -INFINITY in all dimensions where it takes nobody: then it is never found. */
void fit_set(struct fit_index *index, uint32_t host, const double room[FIT_DIMS], int64_t key);

struct pool;

/* Sets all hosts at once, in O(n): those whose bit in @has is set as room_of() says of each, the others
 * without room. */
struct fit_refill {
	const uint8_t *has; /* per host, with */
	uint8_t mask;       /* this bit */
	int64_t (*room_of)(const void *ctx, uint32_t host,
			   double room[FIT_DIMS]); /* returns the key */
	const void *ctx;
	/* room_of() is asked on all its threads at once; NULL: on the caller's. fit_next() uses it, too. */
	struct pool *pool;
};
void fit_refill(struct fit_index *index, const struct fit_refill *fill);

/* Makes @need of what is asked for (0: nothing of this dimension) and of the types that will do:
 * NULL for all, else one bool per type. */
void fit_ask(const struct fit_index *index, struct fit_need *need, const double req[FIT_DIMS],
	     const bool *types, size_t ntypes);

/* The host with the lowest id from @from on that fits, or FIT_NOWHERE. What it has found out about a few
 * requests is remembered: who asks for the like again pays for what has changed since. For one thread at a time. */
uint32_t fit_next(const struct fit_index *index, uint32_t from, const struct fit_need *need);

/* Of the hosts of the type that fit and whose key is from @lo to @hi: the one with the smallest,
 * the largest key; of equals the lowest id. FIT_NOWHERE if there is none. */
uint32_t fit_first(const struct fit_index *index, size_t type, int64_t lo, int64_t hi,
		   const struct fit_need *need);
uint32_t fit_last(const struct fit_index *index, size_t type, int64_t lo, int64_t hi,
		  const struct fit_need *need);

#endif
