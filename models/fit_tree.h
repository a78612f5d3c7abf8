/*
 * Finds the next host with room for a request without looking at every host.
 *
 * A complete binary tree per dimension over the hosts, whose nodes hold the largest room below
 * them. A host that is found has the room asked for in every dimension. Setting and finding are
 * O(log n) for requests that are not at odds between dimensions; a find visits at most all nodes.
 */
#ifndef COTENANT_MODELS_FIT_TREE_H
#define COTENANT_MODELS_FIT_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/core/mem.h"

#define FIT_DIMS    4
#define FIT_NOWHERE UINT32_MAX

struct fit_tree {
	size_t n, leaves; /* a power of two */
	double *max
		[FIT_DIMS]; /* 2 * leaves; node i has children 2i and 2i + 1; leaves last. NULL: no limit */
};

/* A tree over @n hosts without any room in the dimensions of which @limited has the bit; the others are
 * without limit on every host and cost nothing. -ENOMEM. Memory is the arena's. */
int fit_tree_init(struct fit_tree *tree, struct arena *arena, size_t n,
		  unsigned limited) must_check;
void fit_tree_set(struct fit_tree *tree, unsigned dim, uint32_t host, double room);

/* The first host from @from on with room for @req (dimensions that ask for nothing do not count).
 */
uint32_t fit_tree_next(const struct fit_tree *tree, uint32_t from, const double req[FIT_DIMS]);

#endif
