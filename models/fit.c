/*
 * See fit.h. The order of a treap is by key, and among equals from the highest id to the lowest:
 * the last one is the one wanted. The corners of requests and of hosts are computed by the same
 * operations, which are monotone in floating point, too: a host with room never loses by them.
 */
#include "models/fit.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "sim/core/lanes.h"

#define UNUSED 0xff

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
	uint32_t from, to; /* none of the hosts in between, @from included, has room; from > to: unused */
};

#define PASTS 16 /* requests remembered: a power of two */

static void forget(const struct fit_index *x)
{
	for (size_t k = 0; k < PASTS; k++)
		x->past[k] = (struct fit_past){.from = 1};
}

static int order_init(struct fit_index *x, struct arena *arena, const struct fit_config *c)
{
	x->type = c->type;
	x->key = arena_alloc(arena, c->n, sizeof(*x->key));
	x->node = arena_alloc(arena, c->n, sizeof(*x->node));
	x->below = arena_alloc(arena, c->n * x->width, sizeof(double));
	x->root = arena_alloc(arena, c->ntypes, sizeof(*x->root));
	x->in = arena_alloc(arena, c->n, sizeof(*x->in));
	x->ntypes = c->ntypes;
	if (c->refilled)
		x->sort = arena_alloc(arena, 2 * c->n, sizeof(*x->sort));
	return x->key && x->node && x->below && x->root && x->in && (x->sort || !c->refilled)
		       ? 0
		       : -ENOMEM;
}

int fit_init(struct fit_index *x, struct arena *arena, const struct fit_config *c)
{
	*x = (struct fit_index){.n = c->n, .leaves = 1};
	while (x->leaves < c->n)
		x->leaves *= 2;
	memcpy(x->scale, c->scale, sizeof(x->scale));
	x->corners = (c->limited & 3) == 3 && c->scale[0] > 0 && c->scale[1] > 0;
	for (size_t r = 0; r < FIT_DIMS + FIT_CORNERS; r++) {
		bool used = r < FIT_DIMS ? c->limited >> r & 1 : x->corners;
		x->row_of[r] = used ? (uint8_t)x->used++ : UNUSED;
	}
	x->width = (unsigned)lanes_room(x->used);
	x->past = arena_alloc(arena, PASTS, sizeof(*x->past));
	x->max = arena_alloc(arena, 2 * x->leaves * x->width, sizeof(double));
	x->types = arena_alloc(arena, 2 * x->leaves, sizeof(*x->types));
	if (!x->past || !x->max || !x->types || (c->ordered && order_init(x, arena, c) < 0))
		return -ENOMEM;
	forget(x);
	for (size_t i = 0; i < 2 * x->leaves * x->width; i++)
		x->max[i] = -INFINITY;
	for (size_t h = 0; h < c->n; h++)
		x->types[x->leaves + h] = UINT64_C(1) << c->type[h] % 64;
	for (size_t i = x->leaves; i-- > 1;)
		x->types[i] = x->types[2 * i] | x->types[2 * i + 1];
	return 0;
}

static const double *leaf(const struct fit_index *x, uint32_t host)
{
	return x->max + (x->leaves + host) * x->width;
}

static bool has_room(const double *row, const struct fit_need *need, unsigned width)
{
	lane_mask room = ~(lane_mask){0};

	for (unsigned k = 0; k < width; k += LANES)
		room &= lanes_at(need->row + k) <= lanes_at(row + k);
	return lanes_all(room);
}

static bool fits(const struct fit_index *x, uint32_t host, const struct fit_need *need)
{
	return has_room(leaf(x, host), need, x->width) &&
	       (!need->admits || need->admits(need->ctx, host));
}

void fit_ask(const struct fit_index *x, struct fit_need *need, const double req[FIT_DIMS],
	     const bool *types, size_t ntypes)
{
	*need = (struct fit_need){.types = types ? 0 : UINT64_MAX};
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
static void note_growth(const struct fit_index *x, uint32_t host, const double *is)
{
	const double *was = leaf(x, host);
	lane_mask more = {0};

	for (unsigned k = 0; k < x->width; k += LANES)
		more |= lanes_at(is + k) > lanes_at(was + k);
	for (size_t k = 0; k < PASTS && lanes_any(more); k++)
		if (host >= x->past[k].from && host < x->past[k].to)
			x->past[k].to = host;
}

static void tree_set(struct fit_index *x, uint32_t host, const double *row)
{
	size_t w = x->width, i = x->leaves + host;

	note_growth(x, host, row);
	memcpy(x->max + i * w, row, w * sizeof(double));
	for (i /= 2; i > 0; i /= 2) {
		double *max = x->max + i * w;
		const double *left = x->max + 2 * i * w, *right = left + w;
		bool same = true;
		for (size_t k = 0; k < w; k++) {
			double now = left[k] > right[k] ? left[k] : right[k];
			same &= max[k] == now;
			max[k] = now;
		}
		if (same)
			return;
	}
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

/* From node @i on, the first host with room, walking the leaves from left to right and leaving out subtrees
 * without. */
static uint32_t walk(const struct fit_index *x, size_t i, const struct fit_need *need)
{
	for (;;) {
		if (need->types & x->types[i] && has_room(x->max + i * x->width, need, x->width)) {
			if (i >= x->leaves)
				return (uint32_t)(i - x->leaves);
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

uint32_t fit_next(const struct fit_index *x, uint32_t from, const struct fit_need *need)
{
	struct fit_past *past = past_of(x, need);
	bool covered = covers(past, from, need, x->width);
	uint32_t at = covered ? past->to : from;

	at = at < x->n ? walk(x, x->leaves + at, need) : FIT_NOWHERE;
	if (!covered) {
		memcpy(past->row, need->row, x->width * sizeof(double));
		past->types = need->types;
		past->from = from;
	}
	past->to = at;
	while (at < x->n && need->admits && !need->admits(need->ctx, at))
		at = at + 1 < x->n ? walk(x, x->leaves + at + 1, need) : FIT_NOWHERE;
	return at;
}

/* By key. */

static uint32_t priority(uint32_t host)
{
	uint64_t z = (host + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(z >> 32);
}

/* Whether host @a stands before host @b. */
static bool before(const struct fit_index *x, uint32_t a, uint32_t b)
{
	return x->key[a] != x->key[b] ? x->key[a] < x->key[b] : a > b;
}

/* The rows of a subtree from those of its root and of its children. */
static void pull(struct fit_index *x, uint32_t host)
{
	const struct fit_node *node = &x->node[host];
	size_t w = x->width;
	double *max = x->below + host * w;

	memcpy(max, leaf(x, host), w * sizeof(double));
	for (int side = 0; side < 2; side++) {
		uint32_t child = side ? node->right : node->left;
		if (!child)
			continue;
		const double *row = x->below + (child - 1) * w;
		for (size_t k = 0; k < w; k += LANES)
			lanes_put(max + k, lanes_max(lanes_at(row + k), lanes_at(max + k)));
	}
}

/* The subtree @at without and with what stands before @host. */
static void split(struct fit_index *x, uint32_t at, uint32_t host, uint32_t *left, uint32_t *right)
{
	if (!at) {
		*left = *right = 0;
		return;
	}
	struct fit_node *node = &x->node[at - 1];
	if (before(x, at - 1, host)) {
		split(x, node->right, host, &node->right, right);
		*left = at;
	} else {
		split(x, node->left, host, left, &node->left);
		*right = at;
	}
	pull(x, at - 1);
}

static uint32_t merge(struct fit_index *x, uint32_t left, uint32_t right)
{
	if (!left || !right)
		return left ? left : right;
	if (priority(left - 1) > priority(right - 1)) {
		x->node[left - 1].right = merge(x, x->node[left - 1].right, right);
		pull(x, left - 1);
		return left;
	}
	x->node[right - 1].left = merge(x, left, x->node[right - 1].left);
	pull(x, right - 1);
	return right;
}

static void insert(struct fit_index *x, uint32_t *at, uint32_t host)
{
	if (!*at || priority(host) > priority(*at - 1)) {
		struct fit_node *node = &x->node[host];
		uint32_t subtree = *at;
		split(x, subtree, host, &node->left, &node->right);
		*at = host + 1;
	} else {
		struct fit_node *node = &x->node[*at - 1];
		insert(x, before(x, host, *at - 1) ? &node->left : &node->right, host);
	}
	pull(x, *at - 1);
}

static void erase(struct fit_index *x, uint32_t *at, uint32_t host)
{
	struct fit_node *node = &x->node[*at - 1];

	if (*at == host + 1) {
		*at = merge(x, node->left, node->right);
		return;
	}
	erase(x, before(x, host, *at - 1) ? &node->left : &node->right, host);
	pull(x, *at - 1);
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
		erase(x, &x->root[x->type[host]], host);
	tree_set(x, host, row);
	if (x->key) {
		x->key[host] = key;
		x->in[host] = some_room(x, row);
		if (x->in[host])
			insert(x, &x->root[x->type[host]], host);
	}
}

/* All hosts at once. */

/* By key, and among equals from the highest id to the lowest: bytewise, from the last byte on, stable. */
static struct fit_sort *sort_hosts(struct fit_sort *from, struct fit_sort *to, size_t n)
{
	uint64_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= (uint64_t)(from[i].key - FIT_KEY_NONE) ^
		       (uint64_t)(from[0].key - FIT_KEY_NONE);
	for (unsigned shift = 0; shift < 64; shift += 8) {
		size_t count[257] = {0};
		if (!(any >> shift & 0xff))
			continue;
		for (size_t i = 0; i < n; i++)
			count[((uint64_t)(from[i].key - FIT_KEY_NONE) >> shift & 0xff) + 1]++;
		for (size_t k = 0; k < 256; k++)
			count[k + 1] += count[k];
		for (size_t i = 0; i < n; i++)
			to[count[(uint64_t)(from[i].key - FIT_KEY_NONE) >> shift & 0xff]++] =
				from[i];
		struct fit_sort *other = from;
		from = to;
		to = other;
	}
	return from;
}

/* Nodes come in order and are the last of their treap: those before with a lower priority end up on the
 * left, and nothing more comes below them. @last holds, by type, the right spine as a chain through
 * `right` turned upwards until a node is done. */
static void append(struct fit_index *x, uint32_t *last, uint32_t host)
{
	uint32_t done = 0, at = *last;

	while (at && priority(at - 1) < priority(host)) {
		uint32_t up = x->node[at - 1].right;
		x->node[at - 1].right = done;
		pull(x, at - 1);
		done = at;
		at = up;
	}
	x->node[host].left = done;
	x->node[host].right = at;
	*last = host + 1;
}

static void finish(struct fit_index *x, uint32_t *last)
{
	uint32_t done = 0;

	for (uint32_t at = *last; at;) {
		uint32_t up = x->node[at - 1].right;
		x->node[at - 1].right = done;
		pull(x, at - 1);
		done = at;
		at = up;
	}
	*last = done;
}

static void order_refill(struct fit_index *x)
{
	size_t n = 0;

	for (uint32_t h = (uint32_t)x->n; h-- > 0;)
		if (x->in[h])
			x->sort[n++] = (struct fit_sort){x->key[h], h, x->type[h]};
	const struct fit_sort *sorted = sort_hosts(x->sort, x->sort + x->n, n);
	memset(x->root, 0, x->ntypes * sizeof(*x->root));
	for (size_t i = 0; i < n; i++)
		append(x, &x->root[sorted[i].type], sorted[i].host);
	for (size_t t = 0; t < x->ntypes; t++)
		finish(x, &x->root[t]);
}

void fit_refill(struct fit_index *x, const struct fit_refill *fill)
{
	size_t w = x->width;
	double room[FIT_DIMS];

	forget(x);
	for (uint32_t h = 0; h < x->n; h++) {
		double *row = x->max + (x->leaves + h) * w;
		bool has = fill->has[h] & fill->mask;
		int64_t key = has ? fill->room_of(fill->ctx, h, room) : FIT_KEY_NONE;
		if (has)
			to_row(x, room, row);
		for (size_t k = 0; k < w && !has; k++)
			row[k] = -INFINITY;
		if (x->key) {
			x->key[h] = key;
			x->in[h] = has;
		}
	}
	for (size_t i = x->leaves; i-- > 1;) {
		const double *left = x->max + 2 * i * w, *right = left + w;
		for (size_t k = 0; k < w; k += LANES)
			lanes_put(x->max + i * w + k,
				  lanes_max(lanes_at(left + k), lanes_at(right + k)));
	}
	if (x->key)
		order_refill(x);
}

struct range {
	int64_t lo, hi;
};

static uint32_t find(const struct fit_index *x, uint32_t at, struct range in,
		     const struct fit_need *need, bool last)
{
	if (!at || !has_room(x->below + (at - 1) * x->width, need, x->width))
		return FIT_NOWHERE;
	const struct fit_node *node = &x->node[at - 1];
	int64_t key = x->key[at - 1];
	uint32_t found = FIT_NOWHERE;
	/* Equals stand on either side of a node. */
	bool left = key >= in.lo, right = key <= in.hi;

	if (last ? right : left)
		found = find(x, last ? node->right : node->left, in, need, last);
	if (found == FIT_NOWHERE && left && right && fits(x, at - 1, need))
		found = at - 1;
	if (found == FIT_NOWHERE && (last ? left : right))
		found = find(x, last ? node->left : node->right, in, need, last);
	return found;
}

uint32_t fit_last(const struct fit_index *x, size_t type, int64_t lo, int64_t hi,
		  const struct fit_need *need)
{
	return find(x, x->root[type], (struct range){lo, hi}, need, true);
}

/* Whether the host that comes next in the order has the same key. */
static bool equals_next(const struct fit_index *x, size_t type, uint32_t host)
{
	uint32_t next = 0;

	for (uint32_t at = x->root[type]; at;) {
		bool behind = before(x, host, at - 1);
		next = behind ? at : next;
		at = behind ? x->node[at - 1].left : x->node[at - 1].right;
	}
	return next && x->key[next - 1] == x->key[host];
}

uint32_t fit_first(const struct fit_index *x, size_t type, int64_t lo, int64_t hi,
		   const struct fit_need *need)
{
	uint32_t host = find(x, x->root[type], (struct range){lo, hi}, need, false);

	if (host == FIT_NOWHERE || !equals_next(x, type, host))
		return host;
	return fit_last(x, type, x->key[host], x->key[host], need);
}
