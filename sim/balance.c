/*
 * Load evened out (consolidate.h). In a round, the host with the highest load is relieved of one VM after
 * another, as the balancer chooses, each going to the host with the lowest load that takes it; when the
 * balancer wants none of them it is given up for this round, and the next one is looked at, until load is
 * not above the mean. Both ends are found by the index: a move takes O(VMs of a host x log hosts).
 */
#include <errno.h>
#include <math.h>

#include "sim/consolidate.h"
#include "sim/core/bug.h"

/* The host with the lowest load, among equals the one with the lowest id. */
static uint32_t lowest(void *state, const struct place_view *view, const double req[PLACE_DIMS])
{
	struct place_ask ask;

	(void)state;
	place_ask(&ask, view, req);
	return place_least(&ask, 0);
}

static const struct placer_ops least_loaded = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct placer_ops),
		   .name = "least-loaded",
		   .summary = "the host with the least load",
		   .source = "own"},
	.place = lowest,
	.order = DC_BY_LOAD,
};

struct balancing {
	struct run *run;
	struct consolidation *c;
	double n, sum, sum_sq; /* hosts; of their loads */
};

int balance_init(struct run *run, struct consolidation *c)
{
	return sketch_init(&c->sketch, run, &least_loaded, NULL) < 0 ? err_nomem(run->err) : 0;
}

static double load_of(const struct consolidation *c, uint32_t host)
{
	return c->sketch.demand[host] / capacity_of(c, host);
}

static void count(struct balancing *b, uint32_t host, double sign)
{
	double load = load_of(b->c, host);

	b->n += sign;
	b->sum += sign * load;
	b->sum_sq += sign * load * load;
}

static void open_hosts(struct balancing *b)
{
	const struct dc *dc = &b->run->plan.dc;
	struct sketch *s = &b->c->sketch;

	for (uint32_t h = 0; h < dc->host.n; h++) {
		s->demand[h] -= b->c->leaving[h];
		if (dc->host.down[h] || dc->host.state[h] != HOST_ON) {
			sketch_shut(s, h);
			continue;
		}
		sketch_open(s, h, SKETCH_ON, capacity_of(b->c, h));
		count(b, h, 1);
	}
}

/* The host with the highest load that is open. */
static uint32_t highest(const struct balancing *b)
{
	const struct fit_index *index = sketch_index(&b->c->sketch, SKETCH_ON);
	const double nothing[FIT_DIMS] = {0};
	uint32_t best = PLACE_NOWHERE;
	struct fit_need need;

	fit_ask(index, &need, nothing, NULL, b->run->plan.dc.ntypes);
	for (size_t t = 0; t < b->run->plan.dc.ntypes; t++) {
		uint32_t h = fit_last(index, t, 0, INT64_MAX, &need);
		if (h == FIT_NOWHERE)
			continue;
		if (best == PLACE_NOWHERE || index->key[h] > index->key[best] ||
		    (index->key[h] == index->key[best] && h < best))
			best = h;
	}
	return best;
}

/* Whether the VM moves already, by this round. */
static bool moved(const struct sketch *s, uint32_t vm)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->move[i].vm == vm)
			return true;
	return false;
}

/* The columns of a balancer's view, in the scratch of struct leavable. */
struct candidates {
	size_t n;
	uint32_t *vm, *to; /* vm and demand in the columns of struct leavable, closed up */
	double *demand, *migrate_s, *load_to, *from_load, *to_load;
};

static int candidates_find(struct balancing *b, uint32_t host, struct candidates *k)
{
	struct consolidation *c = b->c;
	struct leavable *l = &c->leavable;
	int rc = leavable_fill(b->run, c, host);

	if (rc < 0)
		return rc;
	if (mem_grow(&c->balance_to, &c->balance_cap, l->n, sizeof(*c->balance_to)) < 0)
		return err_nomem(b->run->err);
	*k = (struct candidates){.vm = l->vm,
				 .to = c->balance_to,
				 .demand = l->demand,
				 .migrate_s = l->scratch,
				 .load_to = l->scratch + l->n,
				 .from_load = l->scratch + 2 * l->n,
				 .to_load = l->scratch + 3 * l->n};
	for (size_t i = 0; i < l->n; i++) {
		double demand = l->demand[i];
		uint32_t to = moved(&c->sketch, l->vm[i])
				      ? PLACE_NOWHERE
				      : sketch_find(&c->sketch, l->vm[i], demand, SKETCH_ON);
		if (to == PLACE_NOWHERE || to == host)
			continue;
		k->vm[k->n] = l->vm[i];
		k->to[k->n] = to;
		k->demand[k->n] = demand;
		k->migrate_s[k->n] = consolidate_transfer_s(b->run, host, l->memory[i]);
		k->load_to[k->n] = load_of(c, to);
		k->from_load[k->n] = demand / capacity_of(c, host);
		k->to_load[k->n++] = demand / capacity_of(c, to);
	}
	return 0;
}

static size_t choose(const struct balancing *b, uint32_t host, const struct candidates *k)
{
	double mean = b->sum / b->n, var = b->sum_sq / b->n - mean * mean;
	struct balancer_view view = {.nhosts = (size_t)b->n,
				     .mean = mean,
				     .sd = sqrt(var > 0 ? var : 0),
				     .load = load_of(b->c, host),
				     .interval_s = (double)b->c->interval_ns * 1e-9,
				     .n = k->n,
				     .vm = k->vm,
				     .demand = k->demand,
				     .migrate_s = k->migrate_s,
				     .load_to = k->load_to,
				     .from = k->from_load,
				     .to = k->to_load,
				     .moves = (unsigned)b->c->sketch.n};
	size_t i = k->n > 0 ? b->c->balancer->choose(b->c->balancer_state, &view) : 0;

	BUG_ON(i > k->n);
	return i;
}

/* Moves one VM off the host; false in *more: the balancer wants none. */
static int relieve(struct balancing *b, uint32_t host, bool *more)
{
	struct sketch *s = &b->c->sketch;
	struct candidates k = {0};
	int rc = candidates_find(b, host, &k);

	if (rc < 0)
		return rc;
	size_t i = choose(b, host, &k);
	*more = i < k.n;
	if (!*more)
		return 0;
	count(b, host, -1);
	count(b, k.to[i], -1);
	if (sketch_add(s, k.vm[i], k.demand[i], k.to[i]) < 0)
		return err_nomem(b->run->err);
	s->demand[host] -= k.demand[i];
	sketch_open(s, host, SKETCH_ON, s->most[host]);
	sketch_open(s, k.to[i], SKETCH_ON, s->most[k.to[i]]);
	count(b, host, 1);
	count(b, k.to[i], 1);
	return 0;
}

int balance(struct run *run, struct consolidation *c)
{
	struct balancing b = {.run = run, .c = c};
	int rc = 0;

	open_hosts(&b);
	for (uint32_t h = highest(&b); rc == 0 && h != PLACE_NOWHERE; h = highest(&b)) {
		bool more;
		if (load_of(c, h) <= b.sum / b.n)
			break;
		rc = relieve(&b, h, &more);
		if (rc == 0 && !more)
			sketch_shut(&c->sketch, h);
	}
	return rc;
}
