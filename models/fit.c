/*
 * See fit.h; the order by key is in fit_order.c. The corners of requests and of hosts are computed by the same
 * operations, which are monotone in floating point, too: a host with room never loses by them.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "models/fit_order.h"
#include "sim/core/pool.h"

#define UNUSED 0xff
#define GROUP  8 /* hosts below a leaf of the tree: two lines of memory for each are enough then */

/* The last are the inverses of the first, and products with them are exact. */
static const double corner_ratio[FIT_CORNERS] = {0.25, 0.5, 1, 2, 4};

/* Fills up the last group of lanes. */
static void to_row(const struct fit_index *x, const double room[FIT_DIMS], double *row)
{
	for (size_t d = 0; d < FIT_DIMS; d++)
		if (x->row_of[d] != UNUSED)
			row[x->row_of[d]] = room[d];
	for (size_t k = x->used; k < x->width; k++)
		row[k] = -INFINITY;
	if (!x->corners)
		return;
	double cpu = room[0] / x->scale[0], memory = room[1] / x->scale[1];
	for (size_t k = 0; k < FIT_CORNERS; k++) {
		double c = cpu * corner_ratio[k], m = memory * corner_ratio[FIT_CORNERS - 1 - k];
		row[x->row_of[FIT_DIMS + k]] = c < m ? c : m;
	}
}

/* What is known of a request: who asks for the same again need not begin at the beginning. */
struct fit_past {
	double row[FIT_ROWS];
	uint64_t types;
	uint32_t from, to; /* no host from @from to before @to has room; from > to: unused */
};

#define PASTS 16 /* requests remembered: a power of two */

/* Who asks by key alone does not pay for the order by id: the tree is set when it is asked for. */
struct fit_stale {
	bool all;          /* the whole tree; or some leaves, and what is above them: */
	struct pool *pool; /* sets all of it */
	size_t n;
	uint32_t *leaf;
	bool *is; /* by leaf: it is among them */
};

static void forget(const struct fit_index *x)
{
	for (size_t k = 0; k < PASTS; k++)
		x->past[k] = (struct fit_past){.from = 1};
}

static uint64_t type_bit(const struct fit_index *x, size_t host)
{
	return UINT64_C(1) << x->type[host] % 64;
}

static void empty(double *row, size_t n)
{
	for (size_t k = 0; k < n; k++)
		row[k] = -INFINITY;
}

/* Which numbers make a row. */
static void rows_choose(struct fit_index *x, const struct fit_config *c)
{
	x->corners = (c->limited & 3) == 3 && c->scale[0] > 0 && c->scale[1] > 0;
	for (size_t r = 0; r < FIT_DIMS + FIT_CORNERS; r++) {
		bool used = r < FIT_DIMS ? c->limited >> r & 1 : x->corners;
		x->row_of[r] = used ? (uint8_t)x->used++ : UNUSED;
	}
	x->width = (unsigned)lanes_room(x->used);
}

static int tables_init(struct fit_index *x, struct arena *arena)
{
	x->past = arena_alloc(arena, PASTS, sizeof(*x->past));
	x->sets = arena_alloc(arena, x->ntypes, sizeof(*x->sets));
	x->stale = arena_alloc(arena, 1, sizeof(*x->stale));
	x->row = arena_alloc(arena, x->n * x->width, sizeof(double));
	x->max = arena_alloc(arena, 2 * x->leaves * x->width, sizeof(double));
	x->types = arena_alloc(arena, 2 * x->leaves, sizeof(*x->types));
	if (!x->past || !x->sets || !x->stale || !x->row || !x->max || !x->types)
		return -ENOMEM;
	x->stale->leaf = arena_room(arena, x->leaves, sizeof(*x->stale->leaf));
	x->stale->is = arena_alloc(arena, x->leaves, sizeof(*x->stale->is));
	return x->stale->leaf && x->stale->is ? 0 : -ENOMEM;
}

int fit_init(struct fit_index *x, struct arena *arena, const struct fit_config *c)
{
	*x = (struct fit_index){.n = c->n, .leaves = 1, .type = c->type, .ntypes = c->ntypes};
	while (x->leaves * GROUP < c->n)
		x->leaves *= 2;
	memcpy(x->scale, c->scale, sizeof(x->scale));
	rows_choose(x, c);
	if (tables_init(x, arena) < 0)
		return -ENOMEM;
	forget(x);
	empty(x->row, c->n * x->width);
	empty(x->max, 2 * x->leaves * x->width);
	for (size_t h = 0; h < c->n; h++)
		x->types[x->leaves + h / GROUP] |= type_bit(x, h);
	for (size_t i = x->leaves; i-- > 1;)
		x->types[i] = x->types[2 * i] | x->types[2 * i + 1];
	return c->ordered ? fit_order_init(x, arena, c) : 0;
}

void fit_ask(const struct fit_index *x, struct fit_need *need, const double req[FIT_DIMS],
	     const bool *types, size_t ntypes)
{
	need->types = types ? 0 : UINT64_MAX;
	need->admits = NULL;
	need->ctx = NULL;
	for (size_t t = 0; types && t < ntypes; t++)
		need->types |= types[t] ? UINT64_C(1) << t % 64 : 0;
	to_row(x, req, need->row);
	for (size_t d = 0; d < FIT_DIMS; d++)
		if (!(req[d] > 0) && x->row_of[d] != UNUSED)
			need->row[x->row_of[d]] = -DBL_MAX; /* more than who takes nobody has */
	for (size_t k = 0; k < FIT_CORNERS && x->corners; k++)
		if (!(req[0] > 0 && req[1] > 0))
			need->row[x->row_of[FIT_DIMS + k]] = -DBL_MAX;
}

/* By id. */

/* Where the host has more of something than before, searches stop there again. */
lanes_wide static void note_growth(const struct fit_index *x, uint32_t host, const double *is)
{
	const double *was = fit_row(x, host);
	lane_mask more = {0};

	for (unsigned k = 0; k < x->width; k += LANES)
		more |= lanes_at(is + k) > lanes_at(was + k);
	for (size_t k = 0; k < PASTS && lanes_any(more); k++)
		if (host >= x->past[k].from && host < x->past[k].to)
			x->past[k].to = host;
}

/* The largest room in each dimension of the hosts of a leaf. */
static void leaf_max(const struct fit_index *x, size_t leaf, double *max)
{
	size_t end = (leaf + 1) * GROUP < x->n ? (leaf + 1) * GROUP : x->n;

	empty(max, x->width);
	for (size_t h = leaf * GROUP; h < end; h++)
		fit_widen(max, fit_row(x, (uint32_t)h), x->width);
}

/* From the leaf up, as long as something changes. */
lanes_wide static void tree_set(const struct fit_index *x, size_t leaf)
{
	size_t w = x->width, bytes = w * sizeof(double);
	double now[FIT_ROWS];

	leaf_max(x, leaf, now);
	for (size_t i = x->leaves + leaf; i > 0 && memcmp(x->max + i * w, now, bytes) != 0;
	     i /= 2) {
		memcpy(x->max + i * w, now, bytes);
		fit_widen(now, x->max + (i ^ 1) * w, x->width);
	}
}

static void leaf_changed(const struct fit_index *x, size_t leaf)
{
	struct fit_stale *stale = x->stale;

	if (stale->all)
		return;
	if (!stale->is[leaf])
		stale->leaf[stale->n++] = (uint32_t)leaf;
	stale->is[leaf] = true;
}

/* The next leaf to be set, which is stale no more. False: there is none. */
static bool stale_take(struct fit_stale *stale, uint32_t *leaf)
{
	if (stale->n == 0)
		return false;
	*leaf = stale->leaf[--stale->n];
	stale->is[*leaf] = false;
	return true;
}

lanes_wide static int fill_leaves(void *ctx, unsigned thread, size_t first, size_t end)
{
	const struct fit_index *x = ctx;

	(void)thread;
	for (size_t leaf = first; leaf < end; leaf++)
		leaf_max(x, leaf, x->max + (x->leaves + leaf) * x->width);
	return 0;
}

lanes_wide static void tree_fill(const struct fit_index *x)
{
	size_t w = x->width;

	pool_deal(x->stale->pool, (x->n + GROUP - 1) / GROUP, GROUP * POOL_LOOK_NS, fill_leaves,
		  (void *)(uintptr_t)x);
	for (size_t i = x->leaves; i-- > 1;) {
		memcpy(x->max + i * w, x->max + 2 * i * w, w * sizeof(double));
		fit_widen(x->max + i * w, x->max + (2 * i + 1) * w, x->width);
	}
}

static void tree_bring(const struct fit_index *x)
{
	struct fit_stale *stale = x->stale;

	if (stale->all)
		tree_fill(x);
	stale->all = false;
	for (uint32_t leaf; stale_take(stale, &leaf);)
		tree_set(x, leaf);
}

/* Where the request is remembered, or will be. */
static struct fit_past *past_of(const struct fit_index *x, const struct fit_need *need)
{
	uint64_t hash = need->types;

	for (unsigned k = 0; k < x->used; k++) {
		uint64_t bits;
		memcpy(&bits, &need->row[k], sizeof(bits));
		hash = (hash ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return &x->past[hash >> 32 & (PASTS - 1)];
}

static bool covers(const struct fit_past *past, uint32_t from, const struct fit_need *need,
		   unsigned width)
{
	return from >= past->from && from <= past->to && need->types == past->types &&
	       memcmp(need->row, past->row, width * sizeof(double)) == 0;
}

static uint32_t walk_leaf(const struct fit_index *x, size_t leaf, uint32_t from,
			  const struct fit_need *need)
{
	size_t begin = leaf * GROUP > from ? leaf * GROUP : from;
	size_t end = (leaf + 1) * GROUP < x->n ? (leaf + 1) * GROUP : x->n;

	for (size_t h = begin; h < end; h++)
		if (need->types & type_bit(x, h) &&
		    fit_has_room(fit_row(x, (uint32_t)h), need, x->width))
			return (uint32_t)h;
	return FIT_NOWHERE;
}

/* The first host from @from on with room, walking the leaves from left to right and leaving out subtrees
 * without. */
lanes_wide static uint32_t walk(const struct fit_index *x, uint32_t from,
				const struct fit_need *need)
{
	size_t i = x->leaves + from / GROUP;

	if (from >= x->n)
		return FIT_NOWHERE;
	for (;;) {
		if (need->types & x->types[i] &&
		    fit_has_room(x->max + i * x->width, need, x->width)) {
			if (i < x->leaves) {
				i *= 2;
				continue;
			}
			uint32_t host = walk_leaf(x, i - x->leaves, from, need);
			if (host != FIT_NOWHERE)
				return host;
		}
		/* To the next subtree on the right; past the last one, i + 1 is a power of two. */
		while (i % 2 == 1)
			i /= 2;
		if (i == 0)
			return FIT_NOWHERE;
		i++;
	}
}

uint32_t fit_next(const struct fit_index *x, uint32_t from, const struct fit_need *need)
{
	struct fit_past *past = past_of(x, need);
	bool covered = covers(past, from, need, x->width);

	tree_bring(x);
	uint32_t at = walk(x, covered ? past->to : from, need);

	if (!covered) {
		memcpy(past->row, need->row, x->width * sizeof(double));
		past->types = need->types;
		past->from = from;
	}
	past->to = at;
	while (at != FIT_NOWHERE && need->admits && !need->admits(need->ctx, at))
		at = walk(x, at + 1, need);
	return at;
}

/* Where nothing is limited, everybody has. */
static bool some_room(const struct fit_index *x, const double *row)
{
	bool room = x->used == 0;

	for (size_t k = 0; k < x->used; k++)
		room |= row[k] > -INFINITY;
	return room;
}

void fit_set(struct fit_index *x, uint32_t host, const double room[FIT_DIMS], int64_t key)
{
	double row[FIT_ROWS];

	to_row(x, room, row);
	if (x->key && x->in[host])
		fit_order_erase(x, host);
	note_growth(x, host, row);
	memcpy(x->row + host * (size_t)x->width, row, x->width * sizeof(double));
	leaf_changed(x, host / GROUP);
	x->sets[x->type[host]]++;
	if (x->key) {
		x->key[host] = key;
		x->in[host] = some_room(x, row);
		if (x->in[host])
			fit_order_insert(x, host);
	}
}

/* All hosts at once. */

struct filling {
	struct fit_index *index;
	const struct fit_refill *as;
};

static void fill_host(const struct filling *fill, uint32_t h)
{
	struct fit_index *x = fill->index;
	bool has = fill->as->has[h] & fill->as->mask;
	double *row = x->row + h * (size_t)x->width, room[FIT_DIMS];
	int64_t key = has ? fill->as->room_of(fill->as->ctx, h, room) : FIT_KEY_NONE;

	if (has)
		to_row(x, room, row);
	else
		empty(row, x->width);
	if (x->key) {
		x->key[h] = key;
		x->in[h] = has;
	}
}

static int fill_hosts(void *ctx, unsigned thread, size_t first, size_t end)
{
	(void)thread;
	for (size_t h = first; h < end; h++)
		fill_host(ctx, (uint32_t)h);
	return 0;
}

void fit_refill(struct fit_index *x, const struct fit_refill *fill)
{
	forget(x);
	for (size_t t = 0; t < x->ntypes; t++)
		x->sets[t]++;
	for (uint32_t leaf; stale_take(x->stale, &leaf);) {
	}
	x->stale->all = true;
	x->stale->pool = fill->pool;
	pool_deal(fill->pool, x->n, POOL_LOOK_NS, fill_hosts, &(struct filling){x, fill});
	if (x->key)
		fit_order_refill(x, fill->pool);
}
