/*
 * YAML text to a tree of nodes. The only file that knows libyaml.
 *
 * Aliases are expanded into copies, so that an override of one place leaves the others alone; the
 * number of nodes and the depth are bounded, and an alias to a node that contains it is an error.
 * Merge keys (<<) are resolved here too.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "scenarios/load.h"

#define MAX_NODES 300000
#define MAX_DEPTH 40
#define MAX_KEYS  1000

struct builder {
	struct loader *ld;
	const struct source *src;
	yaml_document_t *doc;
	bool *busy; /* nodes on the way from the root to here */
	unsigned depth;
};

void place_error(struct loader *ld, struct place at, const char *key, const char *fmt, ...)
{
	char why[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	char *text = arena_printf(&ld->arena, "%s: %s", key, why);
	if (!text ||
	    mem_grow(&ld->problem, &ld->problems_cap, ld->nproblems + 1, sizeof(*ld->problem))) {
		ld->no_memory = true;
		return;
	}
	ld->problem[ld->nproblems] = (struct problem){at, ld->nproblems, text};
	ld->nproblems++;
}

char *place_text(struct arena *arena, struct place at, const char *text)
{
	return at.src->is_set
		       ? arena_printf(arena, "%s: %s", at.src->name, text)
		       : arena_printf(arena, "%s:%zu:%zu: %s", at.src->name, at.line, at.col, text);
}

static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int problem_order(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;
	int order = compare_sizes(x->at.src->order, y->at.src->order);

	if (order == 0)
		order = compare_sizes(x->at.line, y->at.line);
	if (order == 0)
		order = compare_sizes(x->at.col, y->at.col);
	return order ? order : compare_sizes(x->serial, y->serial);
}

void place_errors_tell(struct loader *ld)
{
	const struct problem *problem = ld->problem;

	if (ld->nproblems > 1)
		qsort(ld->problem, ld->nproblems, sizeof(*problem), problem_order);
	for (size_t i = 0; i < ld->nproblems; i++, problem++) {
		const char *text = place_text(&ld->arena, problem->at, problem->text);
		if (text)
			err_input(ld->err, "%s", text);
		else
			ld->no_memory = true;
	}
}

struct node *node_new(struct loader *ld, enum node_kind kind, struct place at)
{
	struct node *node = arena_alloc(&ld->arena, 1, sizeof(*node));

	if (!node)
		return NULL;
	*node = (struct node){.kind = kind, .at = at, .text = ""};
	ld->nodes++;
	return node;
}

/* Room for one more element in an array of the loader's arena. */
static void *grown(struct loader *ld, void *old, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return old;
	size_t want = *cap ? *cap * 2 : 4;
	void *array = arena_alloc(&ld->arena, want, size);

	if (!array)
		return NULL;
	if (n > 0)
		memcpy(array, old, n * size);
	*cap = want;
	return array;
}

int node_append(struct loader *ld, struct node *list, struct node *item)
{
	struct node **items = grown(ld, list->item, list->n, &list->cap, sizeof(*items));

	if (!items)
		return err_nomem(ld->err);
	list->item = items;
	list->item[list->n++] = item;
	return 0;
}

int node_put(struct loader *ld, struct node *map, struct pair pair)
{
	struct pair *old = node_find(map, pair.key);

	if (old) {
		*old = pair;
		return 0;
	}
	struct pair *pairs = grown(ld, map->pair, map->n, &map->cap, sizeof(*pairs));

	if (!pairs)
		return err_nomem(ld->err);
	map->pair = pairs;
	map->pair[map->n++] = pair;
	return 0;
}

struct pair *node_find(const struct node *map, const char *key)
{
	for (size_t i = 0; map->kind == NODE_MAP && i < map->n; i++) {
		if (strcmp(map->pair[i].key, key) == 0)
			return &map->pair[i];
	}
	return NULL;
}

bool node_is_null(const struct node *node)
{
	return node->kind == NODE_SCALAR && node->plain &&
	       (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
		strcmp(node->text, "null") == 0);
}

const char *node_what(const struct node *node)
{
	static const char *const what[] = {"a single value", "a list", "a mapping"};

	return node_is_null(node) ? "empty" : what[node->kind];
}

static struct place place_of(const struct builder *b, const yaml_node_t *node)
{
	return (struct place){b->src, node->start_mark.line + 1, node->start_mark.column + 1};
}

static int build(struct builder *b, int index, struct node **out);

static int build_scalar(struct builder *b, const yaml_node_t *from, struct node *node)
{
	const char *text = (const char *)from->data.scalar.value;

	if (memchr(text, '\0', from->data.scalar.length)) {
		place_error(b->ld, node->at, "text", "contains a NUL character");
		return 0;
	}
	node->plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = arena_strdup(&b->ld->arena, text);
	return node->text ? 0 : err_nomem(b->ld->err);
}

static int build_list(struct builder *b, const yaml_node_t *from, struct node *node)
{
	const yaml_node_item_t *item = from->data.sequence.items.start;

	for (; item < from->data.sequence.items.top; item++) {
		struct node *child;
		int err = build(b, *item, &child);
		if (err == 0)
			err = node_append(b->ld, node, child);
		if (err)
			return err;
	}
	return 0;
}

/* What a merge key brings in does not replace what the mapping says itself. */
static int merge_in(struct builder *b, struct node *map, struct pair from)
{
	const struct node *value = from.value;

	if (value->kind == NODE_LIST) {
		for (size_t i = 0; i < value->n; i++) {
			int err = merge_in(b, map, (struct pair){"<<", from.at, value->item[i]});
			if (err)
				return err;
		}
		return 0;
	}
	if (value->kind != NODE_MAP) {
		place_error(b->ld, from.at, "<<", "is %s (an alias of a mapping)",
			    node_what(value));
		return 0;
	}
	for (size_t i = 0; i < value->n; i++) {
		int err = node_find(map, value->pair[i].key) ? 0
							     : node_put(b->ld, map, value->pair[i]);
		if (err)
			return err;
	}
	return 0;
}

/* The key of a pair; NULL after an error in it. */
static const char *build_key(struct builder *b, const yaml_node_t *from, const struct node *map)
{
	struct loader *ld = b->ld;
	struct place at = place_of(b, from);

	if (from->type != YAML_SCALAR_NODE) {
		place_error(ld, at, "key", "is not a name");
		return NULL;
	}
	const char *text = (const char *)from->data.scalar.value;
	if (memchr(text, '\0', from->data.scalar.length)) {
		place_error(ld, at, "key", "contains a NUL character");
		return NULL;
	}
	const struct pair *twin = node_find(map, text);
	if (twin && !b->src->is_set)
		place_error(ld, at, text, "is here twice (first in line %zu)", twin->at.line);
	else if (twin)
		place_error(ld, at, text, "is here twice");
	return twin ? NULL : text;
}

static int build_pair(struct builder *b, const yaml_node_pair_t *from, struct node *map,
		      struct node *merges)
{
	const yaml_node_t *key = yaml_document_get_node(b->doc, from->key);
	struct pair pair = {.at = place_of(b, key), .key = build_key(b, key, map)};
	int err = build(b, from->value, &pair.value);

	if (err || !pair.key)
		return err;
	if (strcmp(pair.key, "<<") == 0)
		return node_append(b->ld, merges, pair.value);
	pair.key = arena_strdup(&b->ld->arena, pair.key);
	return pair.key ? node_put(b->ld, map, pair) : err_nomem(b->ld->err);
}

static int build_map(struct builder *b, const yaml_node_t *from, struct node *map)
{
	const yaml_node_pair_t *pair = from->data.mapping.pairs.start;
	struct node *merges = node_new(b->ld, NODE_LIST, map->at);

	if (!merges)
		return err_nomem(b->ld->err);
	if (from->data.mapping.pairs.top - pair > MAX_KEYS) {
		place_error(b->ld, map->at, "mapping", "has more than %d keys", MAX_KEYS);
		return -EINVAL;
	}
	for (; pair < from->data.mapping.pairs.top; pair++) {
		int err = build_pair(b, pair, map, merges);
		if (err)
			return err;
	}
	return merge_in(b, map, (struct pair){"<<", map->at, merges});
}

static int build_node(struct builder *b, const yaml_node_t *from, struct node **out)
{
	static const enum node_kind kinds[] = {[YAML_SCALAR_NODE] = NODE_SCALAR,
					       [YAML_SEQUENCE_NODE] = NODE_LIST,
					       [YAML_MAPPING_NODE] = NODE_MAP};
	struct node *node = node_new(b->ld, kinds[from->type], place_of(b, from));

	*out = node;
	if (!node)
		return err_nomem(b->ld->err);
	if (from->type == YAML_SCALAR_NODE)
		return build_scalar(b, from, node);
	if (from->type == YAML_SEQUENCE_NODE)
		return build_list(b, from, node);
	return build_map(b, from, node);
}

static int build(struct builder *b, int index, struct node **out)
{
	const yaml_node_t *from = yaml_document_get_node(b->doc, index);
	const char *why = NULL;

	if (b->busy[index])
		why = "an alias stands inside of what it stands for";
	else if (b->depth >= MAX_DEPTH)
		why = "values are nested too deeply";
	else if (b->ld->nodes >= MAX_NODES)
		why = "too many values (aliases multiply what they stand for)";
	if (why) {
		place_error(b->ld, place_of(b, from), "syntax", "%s", why);
		return -EINVAL;
	}
	b->busy[index] = true;
	b->depth++;
	int err = build_node(b, from, out);
	b->depth--;
	b->busy[index] = false;
	return err;
}

/* libyaml tells the place of a wrong byte as an offset. */
static struct place place_at(const struct source *src, const char *text, size_t len, size_t offset)
{
	struct place at = {src, 1, 1};

	for (size_t i = 0; i < offset && i < len; i++) {
		at.col++;
		if (text[i] == '\n') {
			at.line++;
			at.col = 1;
		}
	}
	return at;
}

/* Whether the character at a place of the text is a tab. */
static bool is_tab(const char *text, size_t len, yaml_mark_t mark)
{
	return mark.index < len && text[mark.index] == '\t';
}

static int syntax_error(struct loader *ld, const struct source *src, const yaml_parser_t *parser,
			const char *text, size_t len)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";

	if (parser->error == YAML_MEMORY_ERROR)
		return err_nomem(ld->err);
	if (parser->error == YAML_READER_ERROR) {
		struct place at = place_at(src, text, len, parser->problem_offset);
		place_error(ld, at, "syntax", "%s (text in UTF-8)", problem);
		return -EINVAL;
	}
	struct place at = {src, parser->problem_mark.line + 1, parser->problem_mark.column + 1};
	if (is_tab(text, len, parser->problem_mark))
		place_error(ld, at, "syntax", "%s (indent with blanks, not tabs)", problem);
	else if (parser->context && !src->is_set && parser->context_mark.line + 1 != at.line)
		place_error(ld, at, "syntax", "%s (%s that begins in line %zu)", problem,
			    parser->context, parser->context_mark.line + 1);
	else if (parser->context)
		place_error(ld, at, "syntax", "%s (%s)", problem, parser->context);
	else
		place_error(ld, at, "syntax", "%s", problem);
	return -EINVAL;
}

static int build_document(struct loader *ld, const struct source *src, yaml_document_t *doc,
			  struct node **root)
{
	struct builder b = {.ld = ld, .src = src, .doc = doc};
	size_t n = (size_t)(doc->nodes.top - doc->nodes.start);

	if (n == 0)
		return 0;
	b.busy = mem_alloc(n + 1, sizeof(*b.busy));
	if (!b.busy)
		return err_nomem(ld->err);
	int err = build(&b, 1, root);
	mem_free(b.busy);
	if (err)
		*root = NULL;
	return err;
}

/* There must be nothing after the first document. */
static int read_end(struct loader *ld, const struct source *src, yaml_parser_t *parser,
		    const char *text, size_t len)
{
	yaml_document_t doc;

	if (!yaml_parser_load(parser, &doc))
		return syntax_error(ld, src, parser, text, len);
	const yaml_node_t *root = yaml_document_get_root_node(&doc);
	if (root) {
		struct place at = {src, root->start_mark.line + 1, root->start_mark.column + 1};
		place_error(ld, at, "syntax", "a second document begins (one is allowed)");
	}
	yaml_document_delete(&doc);
	return root ? -EINVAL : 0;
}

/* NULL, or why a document is not to be loaded, at its event *event. */
static const char *event_problem(const yaml_event_t *event, unsigned *depth, size_t *nodes)
{
	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		*nodes += 1;
		return ++*depth > MAX_DEPTH ? "values are nested too deeply" : NULL;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		*depth -= 1;
		return NULL;
	case YAML_SCALAR_EVENT:
		return ++*nodes > MAX_NODES ? "too many values" : NULL;
	default:
		return NULL;
	}
}

/* libyaml takes time with the square of the depth, so nothing deep or endless is given to it whole. What
 * is not YAML is left for the next pass to tell. */
static int check_bounds(struct loader *ld, const struct source *src, const char *text, size_t len)
{
	yaml_parser_t parser;
	const char *why = NULL;
	unsigned depth = 0;
	size_t nodes = 0;

	if (!yaml_parser_initialize(&parser))
		return err_nomem(ld->err);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	for (bool more = true; more && !why;) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parser, &event))
			break;
		why = event_problem(&event, &depth, &nodes);
		if (why)
			place_error(ld,
				    (struct place){src, event.start_mark.line + 1,
						   event.start_mark.column + 1},
				    "syntax", "%s", why);
		more = event.type != YAML_DOCUMENT_END_EVENT && event.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return why ? -EINVAL : 0;
}

int yaml_read(struct loader *ld, const struct source *src, const char *text, size_t len,
	      struct node **root)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	int err;

	*root = NULL;
	err = check_bounds(ld, src, text, len);
	if (err)
		return err;
	if (!yaml_parser_initialize(&parser))
		return err_nomem(ld->err);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &doc)) {
		err = syntax_error(ld, src, &parser, text, len);
	} else {
		err = build_document(ld, src, &doc, root);
		if (err == 0 && *root)
			err = read_end(ld, src, &parser, text, len);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	return err;
}
