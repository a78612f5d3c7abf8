/*
 * See flows.h. Every link has a level, and a flow has the lower one of its two links. The level of a
 * link is found by filling it, where flows that their other link holds below it keep that one's level; a
 * link that is not filled up has no level (infinity). Levels that all agree with each other are the
 * max-min allocation: each flow then has a link that is full and where nobody is faster. Links are
 * looked at again when a neighbour's level has changed. This ends: the link that is scarcest per flow
 * gets its level for good when it is looked at, then the next scarcest, and so on (Charny, Clark & Jain
 * 1995); changes that are only rounding are not passed on.
 */
#include "sim/core/flows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core/bug.h"
#include "sim/core/mem.h"

#define ROUNDING 1e-12

int flows_init(struct flows *f)
{
	f->spare = FLOW_NONE;
	f->first = mem_alloc(f->nlinks, sizeof(*f->first));
	f->level = mem_alloc(f->nlinks, sizeof(*f->level));
	f->waits = mem_alloc(f->nlinks, sizeof(*f->waits));
	f->line = mem_alloc(f->nlinks, sizeof(*f->line));
	if (!f->first || !f->level || !f->waits || !f->line)
		return -ENOMEM;
	for (size_t l = 0; l < f->nlinks; l++) {
		f->first[l] = FLOW_NONE;
		f->level[l] = INFINITY;
	}
	return 0;
}

void flows_fini(struct flows *f)
{
	mem_free(f->first);
	mem_free(f->level);
	mem_free(f->waits);
	mem_free(f->line);
	mem_free(f->flow);
	mem_free(f->changed);
	mem_free(f->share);
}

static int side_of(const struct flow *flow, uint32_t link)
{
	return flow->link[0] == link ? 0 : 1;
}

uint32_t flows_first(const struct flows *f, uint32_t link)
{
	return f->first[link];
}

uint32_t flows_after(const struct flows *f, uint32_t link, uint32_t id)
{
	return f->flow[id].next[side_of(&f->flow[id], link)];
}

static void look_at(struct flows *f, uint32_t link)
{
	if (f->waits[link])
		return;
	f->waits[link] = true;
	f->line[(f->line_head + f->line_n++) % f->nlinks] = link;
}

static void look_at_both(struct flows *f, const struct flow *flow)
{
	look_at(f, flow->link[0]);
	look_at(f, flow->link[1]);
}

/* Its rate is worked out when levels are. */
static void ask_for(struct flows *f, uint32_t id)
{
	if (!f->flow[id].asked)
		f->changed[f->nasked++] = id;
	f->flow[id].asked = true;
}

static void hang_on(struct flows *f, uint32_t id, int side)
{
	struct flow *flow = &f->flow[id];
	uint32_t *first = &f->first[flow->link[side]];

	flow->prev[side] = FLOW_NONE;
	flow->next[side] = *first;
	if (*first != FLOW_NONE)
		f->flow[*first].prev[side_of(&f->flow[*first], flow->link[side])] = id;
	*first = id;
}

static void take_off(struct flows *f, uint32_t id, int side)
{
	const struct flow *flow = &f->flow[id];
	uint32_t link = flow->link[side], next = flow->next[side], prev = flow->prev[side];

	if (next != FLOW_NONE)
		f->flow[next].prev[side_of(&f->flow[next], link)] = prev;
	if (prev != FLOW_NONE)
		f->flow[prev].next[side_of(&f->flow[prev], link)] = next;
	else
		f->first[link] = next;
}

int flows_add(struct flows *f, uint32_t from, uint32_t to, uint32_t *id)
{
	BUG_ON(from == to);
	if (f->spare == FLOW_NONE) {
		size_t need = f->nflows + 1;
		if (mem_grow(&f->flow, &f->flow_cap, need, sizeof(*f->flow)) < 0 ||
		    mem_grow(&f->changed, &f->changed_cap, need, sizeof(*f->changed)) < 0 ||
		    mem_grow(&f->share, &f->share_cap, need, sizeof(*f->share)) < 0)
			return -ENOMEM;
		f->flow[f->nflows] = (struct flow){.next = {FLOW_NONE, FLOW_NONE}};
		f->spare = (uint32_t)f->nflows++;
	}
	*id = f->spare;
	struct flow *flow = &f->flow[*id];
	f->spare = flow->next[0];
	flow->link[0] = from;
	flow->link[1] = to;
	flow->rate = 0;
	flow->idle = false;
	hang_on(f, *id, 0);
	hang_on(f, *id, 1);
	look_at_both(f, flow);
	ask_for(f, *id);
	return 0;
}

void flows_remove(struct flows *f, uint32_t id)
{
	struct flow *flow = &f->flow[id];

	look_at_both(f, flow);
	take_off(f, id, 0);
	take_off(f, id, 1);
	flow->idle = true;
	flow->rate = 0;
	flow->next[0] = f->spare;
	f->spare = id;
}

void flows_set_idle(struct flows *f, uint32_t id, bool idle)
{
	struct flow *flow = &f->flow[id];

	if (flow->idle == idle)
		return;
	flow->idle = idle;
	look_at_both(f, flow);
	ask_for(f, id);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What the flows of a link can have of their other links, and how many there are. */
static size_t shares(struct flows *f, uint32_t link)
{
	size_t n = 0;

	for (uint32_t id = f->first[link]; id != FLOW_NONE; id = flows_after(f, link, id)) {
		const struct flow *flow = &f->flow[id];
		if (!flow->idle)
			f->share[n++] = f->level[flow->link[1 - side_of(flow, link)]];
	}
	if (n > 1)
		qsort(f->share, n, sizeof(*f->share), by_size);
	return n;
}

static double level_of(struct flows *f, uint32_t link)
{
	double left = f->capacity[link];
	size_t n = shares(f, link);

	for (size_t i = 0; i < n; i++) {
		double each = left / (double)(n - i);
		if (f->share[i] >= each)
			return each;
		left -= f->share[i];
	}
	return INFINITY;
}

static bool is_same(double a, double b)
{
	return a == b || (isfinite(b) && fabs(a - b) <= ROUNDING * b);
}

static void pass_on(struct flows *f, uint32_t link)
{
	for (uint32_t id = f->first[link]; id != FLOW_NONE; id = flows_after(f, link, id)) {
		const struct flow *flow = &f->flow[id];
		if (flow->idle)
			continue;
		ask_for(f, id);
		look_at(f, flow->link[1 - side_of(flow, link)]);
	}
}

static double rate_of(const struct flows *f, const struct flow *flow)
{
	double a = f->level[flow->link[0]], b = f->level[flow->link[1]];

	return flow->idle ? 0 : a < b ? a : b;
}

void flows_solve(struct flows *f)
{
	while (f->line_n > 0) {
		uint32_t link = f->line[f->line_head];
		f->line_head = (f->line_head + 1) % f->nlinks;
		f->line_n--;
		f->waits[link] = false;
		double level = level_of(f, link);
		if (is_same(level, f->level[link]))
			continue;
		f->level[link] = level;
		pass_on(f, link);
	}
	f->nchanged = 0;
	for (size_t i = 0; i < f->nasked; i++) {
		uint32_t id = f->changed[i];
		struct flow *flow = &f->flow[id];
		double rate = rate_of(f, flow);
		flow->asked = false;
		if (rate != flow->rate)
			f->changed[f->nchanged++] = id;
		flow->rate = rate;
	}
	f->nasked = 0;
}
