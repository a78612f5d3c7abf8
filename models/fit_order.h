/*
 * The hosts of each type in the order of their keys, and among equals from the highest id to the lowest: for
 * fit.c, which has the contract, and for nobody else.
 *
 * A B+-tree for each type (Comer, ACM Computing Surveys 11(2), 1979): leaves hold hosts, nodes above hold, for each
 * child, the largest room below it. Places with the same answers do not depend on the shape. Neighbours that
 * would fit into half a node are joined, so that there are never more nodes than were set aside.
 */
#ifndef COTENANT_MODELS_FIT_ORDER_H
#define COTENANT_MODELS_FIT_ORDER_H

#include "models/fit.h"
#include "sim/core/lanes.h"

/* For all @config->n hosts, none of which is in it. -ENOMEM. */
int fit_order_init(struct fit_index *index, struct arena *arena,
		   const struct fit_config *config) must_check;

/* Puts the host in, with its row and its key as they are in the index; or takes it out, before they change. */
void fit_order_insert(struct fit_index *index, uint32_t host);
void fit_order_erase(struct fit_index *index, uint32_t host);

/* Anew, with those whose bit is set in index->in; on all threads of the pool. */
void fit_order_refill(struct fit_index *index, struct pool *pool);

lanes_inline const double *fit_row(const struct fit_index *x, uint32_t host)
{
	return x->row + host * x->width;
}

lanes_inline bool fit_has_room(const double *row, const struct fit_need *need, unsigned width)
{
	lane_mask room = ~(lane_mask){0};

	for (unsigned k = 0; k < width; k += LANES)
		room &= lanes_at(need->row + k) <= lanes_at(row + k);
	return lanes_all(room);
}

lanes_inline bool fit_fits(const struct fit_index *x, uint32_t host, const struct fit_need *need)
{
	return fit_has_room(fit_row(x, host), need, x->width) &&
	       (!need->admits || need->admits(need->ctx, host));
}

/* @max where it is larger. */
lanes_inline void fit_widen(double *row, const double *max, unsigned width)
{
	for (unsigned k = 0; k < width; k += LANES)
		lanes_put(row + k, lanes_max(lanes_at(max + k), lanes_at(row + k)));
}

#endif
