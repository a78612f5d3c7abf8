/* See fit_tree.h. */
#include "models/fit_tree.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

int fit_tree_init(struct fit_tree *tree, struct arena *arena, size_t n, unsigned limited)
{
	tree->n = n;
	tree->leaves = 1;
	while (tree->leaves < n)
		tree->leaves *= 2;
	for (unsigned d = 0; d < FIT_DIMS; d++) {
		tree->max[d] = NULL;
		if (!(limited >> d & 1))
			continue;
		tree->max[d] = arena_alloc(arena, 2 * tree->leaves, sizeof(double));
		if (!tree->max[d])
			return -ENOMEM;
		for (size_t i = 0; i < 2 * tree->leaves; i++)
			tree->max[d][i] = -INFINITY;
	}
	return 0;
}

void fit_tree_set(struct fit_tree *tree, unsigned dim, uint32_t host, double room)
{
	double *max = tree->max[dim];
	size_t i = tree->leaves + host;

	if (!max)
		return;
	max[i] = room;
	for (i /= 2; i > 0; i /= 2) {
		double left = max[2 * i], right = max[2 * i + 1], now = left > right ? left : right;
		if (max[i] == now)
			return;
		max[i] = now;
	}
}

static bool node_has_room(const struct fit_tree *tree, size_t i, const double req[FIT_DIMS])
{
	for (unsigned d = 0; d < FIT_DIMS; d++)
		if (req[d] > 0 && tree->max[d] && !(req[d] <= tree->max[d][i]))
			return false;
	return true;
}

/* Walks the leaves from left to right, leaving out subtrees without room. */
uint32_t fit_tree_next(const struct fit_tree *tree, uint32_t from, const double req[FIT_DIMS])
{
	size_t i = tree->leaves + from;

	if (from >= tree->n)
		return FIT_NOWHERE;
	for (;;) {
		if (node_has_room(tree, i, req)) {
			if (i >= tree->leaves)
				return (uint32_t)(i - tree->leaves);
			i *= 2;
			continue;
		}
		/* To the next subtree on the right; past the last one, i + 1 is a power of two. */
		while (i % 2 == 1)
			i /= 2;
		if (i == 0)
			return FIT_NOWHERE;
		i++;
	}
}
