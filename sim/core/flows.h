/*
 * Flows over links: who gets which rate of what.
 *
 * Every flow crosses two links and is as fast as they let it be; the rates are max-min fair: no flow
 * can be faster without making one slower that is no faster than itself (Bertsekas & Gallager 1992,
 * section 6.5). They are found link by link from where something changed: a change goes no further than
 * rates do, and n flows on a link cost O(n log n). Rates are exact up to rounding and do not depend
 * on the order in which flows came.
 */
#ifndef COTENANT_SIM_CORE_FLOWS_H
#define COTENANT_SIM_CORE_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/err.h"

#define FLOW_NONE UINT32_MAX

struct flow {
	uint32_t link[2];
	double rate;
	/* Private. */
	uint32_t next[2], prev[2];
	bool idle, asked;
};

struct flows {
	/* The caller sets these before flows_init(): capacities are positive and stay. */
	size_t nlinks;
	const double *capacity;
	/* Whose rates flows_solve() has changed; until anything else is called. */
	size_t nchanged;
	uint32_t *changed;
	/* Private. */
	struct flow *flow;
	size_t nflows, flow_cap, nasked, changed_cap, share_cap;
	uint32_t spare;
	uint32_t *first; /* flow of each link; the rest hangs on it */
	double *level;   /* what a flow can have of each link at most */
	bool *waits;     /* link stands in the line of those to be looked at */
	uint32_t *line;
	size_t line_head, line_n;
	double *share;
};

/* -ENOMEM; flows_fini() in any case. */
int flows_init(struct flows *f) must_check;
void flows_fini(struct flows *f);

/* A flow over two links; its number in @id, the lowest ones are used again. It has rate 0 until
 * flows_solve(). -ENOMEM. */
int flows_add(struct flows *f, uint32_t from, uint32_t to, uint32_t *id) must_check;
void flows_remove(struct flows *f, uint32_t id);

/* An idle flow stays where it is and takes nothing. */
void flows_set_idle(struct flows *f, uint32_t id, bool idle);

/* Gives everybody the rate that is due. */
void flows_solve(struct flows *f);

static inline double flows_rate(const struct flows *f, uint32_t id)
{
	return f->flow[id].rate;
}

/* The flows of a link: the first, and the one after @id; FLOW_NONE at the end. */
uint32_t flows_first(const struct flows *f, uint32_t link);
uint32_t flows_after(const struct flows *f, uint32_t link, uint32_t id);

#endif
