/* See fit_order.h. */
#include "models/fit_order.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "sim/core/bug.h"
#include "sim/core/pool.h"
#include "sim/core/sort.h"

#define WIDTH  32          /* places in a node */
#define FILLED 24          /* of which are taken where all are filled at once */
#define JOINED (WIDTH / 2) /* neighbours with no more than that are joined */

/* In a leaf hosts, with their keys; above, children: nobody below one stands before the host beside it. */
struct fit_node {
	uint32_t n;
	uint32_t host[WIDTH], child[WIDTH];
	int64_t key[WIDTH];
};

/* Nodes of a kind. Rows: what is largest below each place; leaves have none, their hosts do. */
struct fit_pool {
	struct fit_node *node;
	double *row;
	uint32_t used, cap;
	uint32_t nfree, free; /* a list through child[0] */
};

struct fit_tree {
	uint32_t root, depth; /* of leaves below it: 0, the root is a leaf */
};

struct fit_order {
	struct fit_pool leaves, above;
	struct fit_tree *tree; /* by type */
	/* For refilling: two rows of n; where those of a type begin. */
	struct sort_item *sort;
	size_t *begin;
};

/* Nodes. Levels are counted from the leaves up, which are 0. */

static struct fit_pool *pool_at(const struct fit_index *x, uint32_t level)
{
	return level > 0 ? &x->order->above : &x->order->leaves;
}

static struct fit_node *node_at(const struct fit_index *x, uint32_t level, uint32_t id)
{
	return pool_at(x, level)->node + id;
}

static double *row_at(const struct fit_index *x, uint32_t id, size_t i)
{
	return x->order->above.row + (id * (size_t)WIDTH + i) * x->width;
}

static uint32_t node_new(const struct fit_index *x, uint32_t level)
{
	struct fit_pool *pool = pool_at(x, level);
	uint32_t id = pool->free;

	if (pool->nfree > 0) {
		pool->nfree--;
		pool->free = pool->node[id].child[0];
	} else {
		BUG_ON(pool->used == pool->cap);
		id = pool->used++;
	}
	pool->node[id].n = 0;
	return id;
}

static void node_drop(const struct fit_index *x, uint32_t level, uint32_t id)
{
	struct fit_pool *pool = pool_at(x, level);

	pool->node[id].child[0] = pool->free;
	pool->free = id;
	pool->nfree++;
}

/* In a node. */
struct place {
	uint32_t id;
	size_t i;
};

/* The @n places from @from on, to where @to begins, on the same level. Counts stay as they are. */
static void move_places(const struct fit_index *x, uint32_t level, struct place to,
			struct place from, size_t n)
{
	struct fit_node *a = node_at(x, level, to.id), *b = node_at(x, level, from.id);

	memmove(a->host + to.i, b->host + from.i, n * sizeof(*a->host));
	memmove(a->key + to.i, b->key + from.i, n * sizeof(*a->key));
	if (level == 0)
		return;
	memmove(a->child + to.i, b->child + from.i, n * sizeof(*a->child));
	memmove(row_at(x, to.id, to.i), row_at(x, from.id, from.i), n * x->width * sizeof(double));
}

static void open_place(const struct fit_index *x, uint32_t level, struct place at)
{
	struct fit_node *node = node_at(x, level, at.id);

	move_places(x, level, (struct place){at.id, at.i + 1}, at, node->n - at.i);
	node->n++;
}

static void close_place(const struct fit_index *x, uint32_t level, struct place at)
{
	struct fit_node *node = node_at(x, level, at.id);

	node->n--;
	move_places(x, level, at, (struct place){at.id, at.i + 1}, node->n - at.i);
}

/* The row of child @i of a node at @level from what is below. */
lanes_wide static void summarize(const struct fit_index *x, uint32_t level, uint32_t id, size_t i)
{
	uint32_t child = node_at(x, level, id)->child[i];
	const struct fit_node *of = node_at(x, level - 1, child);
	double *max = row_at(x, id, i);

	for (unsigned k = 0; k < x->width; k++)
		max[k] = -INFINITY;
	for (size_t j = 0; j < of->n; j++)
		fit_widen(max, level > 1 ? row_at(x, child, j) : fit_row(x, of->host[j]), x->width);
}

/* How many places of a node stand before the key and the host, or are theirs. */
static size_t rank_of(const struct fit_node *node, int64_t key, uint32_t host)
{
	size_t rank = 0;

	for (size_t n = node->n; n > 0;) {
		size_t half = (n + 1) / 2, i = rank + half - 1;
		bool before = node->key[i] < key || (node->key[i] == key && node->host[i] >= host);
		rank = before ? rank + half : rank;
		n = before ? n - half : half - 1;
	}
	return rank;
}

/* The child below which the key and the host are, or belong. */
static size_t child_of(const struct fit_node *node, int64_t key, uint32_t host)
{
	size_t rank = rank_of(node, key, host);

	return rank > 0 ? rank - 1 : 0;
}

static void add_child(const struct fit_index *x, uint32_t level, struct place at, uint32_t child)
{
	struct fit_node *node = node_at(x, level, at.id);
	const struct fit_node *of = node_at(x, level - 1, child);

	open_place(x, level, at);
	node->host[at.i] = of->host[0];
	node->key[at.i] = of->key[0];
	node->child[at.i] = child;
	summarize(x, level, at.id, at.i);
}

/* Putting in: nodes on the way down are split if they are full, so that there is room for one more. */

static void split_child(const struct fit_index *x, uint32_t level, uint32_t id, size_t i)
{
	uint32_t child = node_at(x, level, id)->child[i], next = node_new(x, level - 1);

	move_places(x, level - 1, (struct place){next, 0}, (struct place){child, WIDTH / 2},
		    WIDTH / 2);
	node_at(x, level - 1, child)->n = node_at(x, level - 1, next)->n = WIDTH / 2;
	summarize(x, level, id, i);
	add_child(x, level, (struct place){id, i + 1}, next);
}

static void grow(const struct fit_index *x, struct fit_tree *tree)
{
	uint32_t root = node_new(x, tree->depth + 1);

	add_child(x, tree->depth + 1, (struct place){root, 0}, tree->root);
	tree->root = root;
	tree->depth++;
}

lanes_wide void fit_order_insert(struct fit_index *x, uint32_t host)
{
	struct fit_tree *tree = &x->order->tree[x->type[host]];
	int64_t key = x->key[host];

	if (node_at(x, tree->depth, tree->root)->n == WIDTH)
		grow(x, tree);
	uint32_t id = tree->root;
	for (uint32_t level = tree->depth; level > 0; level--) {
		struct fit_node *node = node_at(x, level, id);
		size_t i = child_of(node, key, host);
		if (node_at(x, level - 1, node->child[i])->n == WIDTH) {
			split_child(x, level, id, i);
			i = child_of(node, key, host);
		}
		if (rank_of(node, key, host) == 0) {
			node->key[0] = key;
			node->host[0] = host;
		}
		fit_widen(row_at(x, id, i), fit_row(x, host), x->width);
		id = node->child[i];
	}
	struct fit_node *leaf = node_at(x, 0, id);
	struct place at = {id, rank_of(leaf, key, host)};
	open_place(x, 0, at);
	leaf->key[at.i] = key;
	leaf->host[at.i] = host;
}

/* Taking out: nodes that were left with little on the way up are joined with a neighbour. */

/* Children @i and @i + 1, if they are small; and so on where they meet. */
static bool join(const struct fit_index *x, uint32_t level, uint32_t id, size_t i)
{
	struct fit_node *node = node_at(x, level, id);

	if (i + 1 >= node->n)
		return false;
	uint32_t left = node->child[i], right = node->child[i + 1];
	struct fit_node *a = node_at(x, level - 1, left), *b = node_at(x, level - 1, right);
	size_t seam = a->n;
	if (a->n + b->n > JOINED && a->n > 0 && b->n > 0)
		return false;
	move_places(x, level - 1, (struct place){left, seam}, (struct place){right, 0}, b->n);
	a->n += b->n;
	node_drop(x, level - 1, right);
	close_place(x, level, (struct place){id, i + 1});
	if (level > 1 && seam > 0)
		join(x, level - 1, left, seam - 1);
	summarize(x, level, id, i);
	return true;
}

/* Whether the row is as large as the other in some dimension. */
lanes_wide static bool reaches(const double *row, const double *max, unsigned width)
{
	lane_mask some = {0};

	for (unsigned k = 0; k < width; k += LANES)
		some |= lanes_at(row + k) >= lanes_at(max + k);
	return lanes_any(some);
}

/* After @host was taken out below child @i. */
static void tidy(const struct fit_index *x, uint32_t level, struct place at, uint32_t host)
{
	struct fit_node *node = node_at(x, level, at.id);
	uint32_t child = node->child[at.i];

	if ((at.i > 0 && join(x, level, at.id, at.i - 1)) || join(x, level, at.id, at.i))
		return;
	if (node_at(x, level - 1, child)->n == 0) {
		node_drop(x, level - 1, child);
		node->n = 0;
	} else if (reaches(fit_row(x, host), row_at(x, at.id, at.i), x->width)) {
		summarize(x, level, at.id, at.i);
	}
}

static void erase(const struct fit_index *x, uint32_t level, uint32_t id, uint32_t host)
{
	struct fit_node *node = node_at(x, level, id);
	size_t i = child_of(node, x->key[host], host);

	if (level == 0) {
		BUG_ON(node->n == 0 || node->host[i] != host);
		close_place(x, 0, (struct place){id, i});
		return;
	}
	erase(x, level - 1, node->child[i], host);
	tidy(x, level, (struct place){id, i}, host);
}

void fit_order_erase(struct fit_index *x, uint32_t host)
{
	struct fit_tree *tree = &x->order->tree[x->type[host]];

	erase(x, tree->depth, tree->root, host);
	while (tree->depth > 0 && node_at(x, tree->depth, tree->root)->n == 1) {
		uint32_t root = tree->root;
		tree->root = node_at(x, tree->depth, root)->child[0];
		node_drop(x, tree->depth--, root);
	}
}

/* All hosts at once: a level after the other, whose nodes are made by all threads. */

/* A level of a tree: its nodes have ids from @first on, those of the level below from @below on. */
struct level {
	const struct fit_index *index;
	const struct sort_item *host; /* in their order */
	uint32_t level, first, below;
	size_t nodes, places;
};

static size_t nodes_for(size_t places)
{
	return places <= WIDTH ? 1 : (places + FILLED - 1) / FILLED;
}

static struct level level_of(const struct fit_index *x, uint32_t level, size_t places)
{
	struct fit_pool *pool = pool_at(x, level);
	struct level l = {.index = x,
			  .level = level,
			  .first = pool->used,
			  .nodes = nodes_for(places),
			  .places = places};

	pool->used += (uint32_t)l.nodes;
	BUG_ON(pool->used > pool->cap);
	return l;
}

static void add_host(const struct fit_index *x, struct fit_node *leaf, uint32_t host)
{
	leaf->key[leaf->n] = x->key[host];
	leaf->host[leaf->n++] = host;
}

static int fill_nodes(void *ctx, unsigned thread, size_t first, size_t end)
{
	const struct level *l = ctx;
	const struct fit_index *x = l->index;

	(void)thread;
	for (size_t k = first; k < end; k++) {
		uint32_t id = l->first + (uint32_t)k;
		struct fit_node *node = node_at(x, l->level, id);
		node->n = 0;
		for (size_t j = l->places * k / l->nodes; j < l->places * (k + 1) / l->nodes; j++)
			if (l->level > 0)
				add_child(x, l->level, (struct place){id, node->n},
					  l->below + (uint32_t)j);
			else
				add_host(x, node, l->host[j].id);
	}
	return 0;
}

static void level_fill(struct level *l, struct pool *pool)
{
	unsigned rows = l->level > 0 ? FILLED : 1;

	pool_deal(pool, l->nodes, FILLED * rows * POOL_LOOK_NS, fill_nodes, l);
}

/* Of hosts in their order. */
static struct fit_tree tree_of(const struct fit_index *x, const struct sort_item *of, size_t n,
			       struct pool *pool)
{
	struct level l = level_of(x, 0, n);
	uint32_t depth = 0;

	l.host = of;
	level_fill(&l, pool);
	while (l.nodes > 1) {
		uint32_t below = l.first;
		l = level_of(x, ++depth, l.nodes);
		l.below = below;
		level_fill(&l, pool);
	}
	return (struct fit_tree){.root = l.first, .depth = depth};
}

/* Hosts one type after the other, and of each from the highest id to the lowest; and where types begin. */
static void gather(const struct fit_index *x, struct sort_item *hosts, size_t *begin)
{
	memset(begin, 0, (x->ntypes + 1) * sizeof(*begin));
	for (size_t h = 0; h < x->n; h++)
		begin[x->type[h]] += x->in[h];
	for (size_t t = 1; t <= x->ntypes; t++)
		begin[t] += begin[t - 1];
	for (size_t h = 0; h < x->n; h++)
		if (x->in[h])
			hosts[--begin[x->type[h]]] = (struct sort_item){
				(uint64_t)(x->key[h] - FIT_KEY_NONE), (uint32_t)h};
}

static int sort_types(void *ctx, unsigned thread, size_t first, size_t end)
{
	const struct fit_index *x = ctx;
	const size_t *begin = x->order->begin;

	(void)thread;
	for (size_t t = first; t < end; t++) {
		struct sort_item *hosts = x->order->sort + begin[t];
		sort_by_key(hosts, hosts + x->n, begin[t + 1] - begin[t]);
	}
	return 0;
}

void fit_order_refill(struct fit_index *x, struct pool *pool)
{
	struct fit_order *order = x->order;
	const size_t *begin = order->begin;

	gather(x, order->sort, order->begin);
	order->leaves.used = order->leaves.nfree = 0;
	order->above.used = order->above.nfree = 0;
	pool_deal(pool, x->ntypes, begin[x->ntypes] / x->ntypes * POOL_LOOK_NS, sort_types, x);
	for (uint32_t t = 0; t < x->ntypes; t++)
		order->tree[t] = tree_of(x, order->sort + begin[t], begin[t + 1] - begin[t], pool);
}

/* The beginning. */

/* Two neighbours have more than JOINED together, so a parent of c children has more than (c - 1) / 2 times as much
 * below it. */
static void count_nodes(struct fit_order *order, size_t hosts)
{
	size_t leaves = hosts > WIDTH ? hosts / 7 + 3 : 1;

	order->leaves.cap += (uint32_t)leaves;
	order->above.cap += hosts > WIDTH ? (uint32_t)leaves / 6 + 4 : 0;
}

int fit_order_init(struct fit_index *x, struct arena *arena, const struct fit_config *c)
{
	struct fit_order *order = x->order = arena_alloc(arena, 1, sizeof(*order));
	size_t *hosts = arena_alloc(arena, c->ntypes, sizeof(*hosts));

	x->type = c->type;
	x->ntypes = c->ntypes;
	x->key = arena_alloc(arena, c->n, sizeof(*x->key));
	x->in = arena_alloc(arena, c->n, sizeof(*x->in));
	if (!order || !hosts || !x->key || !x->in)
		return -ENOMEM;
	for (size_t h = 0; h < c->n; h++)
		hosts[c->type[h]]++;
	for (size_t t = 0; t < c->ntypes; t++)
		count_nodes(order, hosts[t]);
	order->tree = arena_alloc(arena, c->ntypes, sizeof(*order->tree));
	order->leaves.node = arena_room(arena, order->leaves.cap, sizeof(struct fit_node));
	order->above.node = arena_room(arena, order->above.cap, sizeof(struct fit_node));
	order->above.row =
		arena_room(arena, order->above.cap * (size_t)WIDTH * x->width, sizeof(double));
	order->begin = arena_alloc(arena, c->ntypes + 1, sizeof(*order->begin));
	if (c->refilled)
		order->sort = arena_room(arena, 2 * c->n, sizeof(*order->sort));
	if (!order->tree || !order->begin || !order->leaves.node || !order->above.node ||
	    !order->above.row || (c->refilled && !order->sort))
		return -ENOMEM;
	for (size_t t = 0; t < c->ntypes; t++)
		order->tree[t].root = node_new(x, 0);
	return 0;
}

/* Finding. */

struct asked {
	const struct fit_need *need;
	int64_t lo, hi;
	bool last;
	bool more; /* others of the same key may stand behind the one that was found */
};

lanes_wide static uint32_t find(const struct fit_index *x, uint32_t level, uint32_t id,
				struct asked *q)
{
	const struct fit_node *node = node_at(x, level, id);
	size_t begin = rank_of(node, q->lo, UINT32_MAX), end = rank_of(node, q->hi, 0);

	/* Equals of the first key of a child stand before it, too. */
	begin -= level > 0 && begin > 0;
	for (size_t k = begin; k < end; k++) {
		size_t i = q->last ? begin + end - 1 - k : k;
		uint32_t found = FIT_NOWHERE;
		if (level == 0 && fit_fits(x, node->host[i], q->need)) {
			q->more = i + 1 == node->n || node->key[i + 1] == node->key[i];
			return node->host[i];
		}
		if (level > 0 && fit_has_room(row_at(x, id, i), q->need, x->width))
			found = find(x, level - 1, node->child[i], q);
		if (found != FIT_NOWHERE)
			return found;
	}
	return FIT_NOWHERE;
}

uint32_t fit_last(const struct fit_index *x, size_t type, int64_t lo, int64_t hi,
		  const struct fit_need *need)
{
	const struct fit_tree *tree = &x->order->tree[type];

	return find(x, tree->depth, tree->root, &(struct asked){need, lo, hi, .last = true});
}

uint32_t fit_first(const struct fit_index *x, size_t type, int64_t lo, int64_t hi,
		   const struct fit_need *need)
{
	const struct fit_tree *tree = &x->order->tree[type];
	struct asked q = {need, lo, hi, .last = false};
	uint32_t host = find(x, tree->depth, tree->root, &q);

	if (host == FIT_NOWHERE || !q.more)
		return host;
	return fit_last(x, type, x->key[host], x->key[host], need);
}
