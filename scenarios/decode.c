/*
 * From the tree to structs: walks tree and option tables together, so that a new setting in a table
 * needs nothing here. Every setting that is stored leaves a mark for the checks that follow.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/load.h"
#include "sim/core/opt.h"

#define MAX_ENTRIES 10000

static const struct opt no_opts[] = {{.name = NULL}};

static int decode_map(struct loader *ld, const struct node *map, const struct opt *opts, void *base,
		      const char *skip);

static int mark_add(struct loader *ld, const void *addr, const char *name, struct place at,
		    const struct node *node)
{
	if (mem_grow(&ld->mark, &ld->marks_cap, ld->nmarks + 1, sizeof(*ld->mark)))
		return err_nomem(ld->err);
	ld->mark[ld->nmarks++] = (struct mark){addr, name, at, node};
	ld->marks_sorted = false;
	return 0;
}

static int mark_order(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->addr != y->addr)
		return (uintptr_t)x->addr < (uintptr_t)y->addr ? -1 : 1;
	return strcmp(x->name, y->name);
}

const struct mark *mark_find(struct loader *ld, const void *addr, const char *name)
{
	struct mark want = {.addr = addr, .name = name};

	if (ld->nmarks == 0)
		return NULL;
	if (!ld->marks_sorted)
		qsort(ld->mark, ld->nmarks, sizeof(*ld->mark), mark_order);
	ld->marks_sorted = true;
	return bsearch(&want, ld->mark, ld->nmarks, sizeof(*ld->mark), mark_order);
}

/* "a, b, c", cut where the buffer ends. */
static const char *key_list(const struct opt *opts, char *buf, size_t n)
{
	size_t len = 0;

	buf[0] = '\0';
	for (const struct opt *opt = opts; opt->name && len < n; opt++)
		len += (size_t)snprintf(buf + len, n - len, "%s%s", opt == opts ? "" : ", ",
					opt->name);
	return buf;
}

static const char *plugin_list(const struct plugin_kind *kind, char *buf, size_t n)
{
	const struct plugin *plugin;
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; (plugin = kind->at(i)) != NULL && len < n; i++)
		len += (size_t)snprintf(buf + len, n - len, "%s%s", i ? ", " : "", plugin->name);
	return buf;
}

static void unknown_key(struct loader *ld, const struct pair *pair, const struct opt *opts)
{
	const struct opt *renamed = opt_renamed(opts, pair->key);
	const char *near = opt_nearest(opts, pair->key);
	char known[300];

	if (strchr(pair->key, ')'))
		place_error(ld, pair->at, pair->key,
			    "unknown key (quote a value with a comma inside of { } or [ ])");
	else if (renamed)
		place_error(ld, pair->at, pair->key, "unknown key (it is called %s now)",
			    renamed->name);
	else if (near)
		place_error(ld, pair->at, pair->key, "unknown key (did you mean %s?)", near);
	else if (opts[0].name)
		place_error(ld, pair->at, pair->key, "unknown key (known are %s)",
			    key_list(opts, known, sizeof(known)));
	else
		place_error(ld, pair->at, pair->key, "unknown key (there are none here)");
}

static void wrong_kind(struct loader *ld, struct place at, const char *key, const struct node *node,
		       const char *right)
{
	place_error(ld, at, key, "is %s (should be %s)", node_what(node), right);
}

/* A scalar, into the setting at base + offset. For OPT_LIST one element of it. */
static int decode_scalar(struct loader *ld, const struct opt *opt, struct place at,
			 const struct node *node, void *base)
{
	char why[512];
	enum opt_type type = opt->type == OPT_LIST ? opt->of : opt->type;

	if (node->kind != NODE_SCALAR || node_is_null(node)) {
		wrong_kind(ld, at, opt->name, node, opt_type_help(type));
		return 0;
	}
	const char *text = node->text;
	if (type == OPT_PATH && text[0] != '/' && text[0] != '\0' && at.src->dir) {
		text = arena_printf(&ld->arena, "%s/%s", at.src->dir, text);
		if (!text)
			return err_nomem(ld->err);
	}
	const char *problem = opt_parse(opt, text, base, &ld->scenario->arena, why, sizeof(why));
	if (problem == opt_no_memory)
		return err_nomem(ld->err);
	if (problem)
		place_error(ld, at, opt->name, "%s", problem);
	else if (type == OPT_PATH && text[0] != '\0' && access(text, R_OK) < 0)
		place_error(ld, at, opt->name, "%s: %s", text, strerror(errno));
	return 0;
}

static int decode_list(struct loader *ld, const struct opt *opt, struct place at,
		       const struct node *node, void *base)
{
	memset((char *)base + opt->offset, 0, sizeof(struct opt_list));
	if (node->kind != NODE_LIST)
		return decode_scalar(ld, opt, at, node, base);
	if (node->n > MAX_ENTRIES) {
		place_error(ld, at, opt->name, "has more than %d entries", MAX_ENTRIES);
		return 0;
	}
	for (size_t i = 0; i < node->n; i++) {
		int err = decode_scalar(ld, opt, node->item[i]->at, node->item[i], base);
		if (err)
			return err;
	}
	return 0;
}

static int decode_entry(struct loader *ld, const struct opt *opt, struct place at,
			const struct node *node, void *elem)
{
	if (mark_add(ld, elem, "", at, node))
		return -ENOMEM;
	if (opt_defaults(opt->sub->opts, elem, &ld->scenario->arena))
		return err_nomem(ld->err);
	if (node->kind == NODE_MAP)
		return decode_map(ld, node, opt->sub->opts, elem, NULL);
	wrong_kind(ld, at, opt->name, node, "a mapping");
	return 0;
}

static int decode_maps(struct loader *ld, const struct opt *opt, struct place at,
		       const struct node *node, struct opt_list *list)
{
	struct node *const one = (struct node *)node;
	struct node *const *items = node->kind == NODE_LIST ? node->item : &one;
	size_t n = node->kind == NODE_LIST ? node->n : 1;

	if (node->kind == NODE_SCALAR) {
		wrong_kind(ld, at, opt->name, node, "a list of mappings");
		return 0;
	}
	if (n > MAX_ENTRIES) {
		place_error(ld, at, opt->name, "has more than %d entries", MAX_ENTRIES);
		return 0;
	}
	char *elems = arena_alloc(&ld->scenario->arena, n, opt->sub->size);
	if (!elems)
		return err_nomem(ld->err);
	*list = (struct opt_list){.n = n, .items = elems};
	for (size_t i = 0; i < n; i++, elems += opt->sub->size) {
		struct place from = node->kind == NODE_LIST ? items[i]->at : at;
		size_t problems = ld->nproblems;
		int err = decode_entry(ld, opt, from, items[i], elems);
		if (err == 0 && ld->nproblems > problems)
			err = mark_add(ld, elems, MARK_WRONG_ENTRY, from, items[i]);
		if (err)
			return err;
	}
	return 0;
}

/* The scalar that names the plug-in: the node itself, or its `kind`. NULL after an error. */
static const char *plugin_name(struct loader *ld, const struct opt *opt, struct place *at,
			       const struct node *node)
{
	char known[400];

	if (node->kind == NODE_SCALAR && !node_is_null(node))
		return node->text;
	const struct pair *kind = node_find(node, "kind");
	if (kind && kind->value->kind == NODE_SCALAR && !node_is_null(kind->value)) {
		*at = kind->at;
		return kind->value->text;
	}
	if (node->kind == NODE_MAP && !kind && opt->def && opt->def[0])
		return opt->def;
	plugin_list(opt->kind, known, sizeof(known));
	if (node->kind == NODE_MAP && !kind)
		place_error(ld, *at, opt->name, "kind is missing (one of %s)", known);
	else if (node->kind == NODE_MAP)
		place_error(ld, kind->at, "kind", "is %s (should be one of %s)",
			    node_what(kind->value), known);
	else
		place_error(ld, *at, opt->name, "is %s (should be one of %s)", node_what(node),
			    known);
	return NULL;
}

static void unknown_plugin(struct loader *ld, const struct opt *opt, struct place at,
			   const char *name)
{
	const char *near = plugin_nearest(opt->kind, name);
	char known[400];

	if (near)
		place_error(ld, at, opt->name, "\"%s\" is not a known %s (did you mean %s?)", name,
			    opt->kind->what, near);
	else
		place_error(ld, at, opt->name, "\"%s\" is not a known %s (known are %s)", name,
			    opt->kind->what, plugin_list(opt->kind, known, sizeof(known)));
}

/* Options that are right one by one. What is wrong with one that was not written is told where the plug-in is
 * named. */
static void check_plugin(struct loader *ld, const struct plugin_spec *spec, struct place named,
			 const struct node *map)
{
	char why[900];
	const char *key =
		spec->plugin->check ? spec->plugin->check(spec->state, why, sizeof(why)) : NULL;
	const struct pair *pair = key ? node_find(map, key) : NULL;

	if (key)
		place_error(ld, pair ? pair->at : named, key, "%s", why);
}

static int decode_plugin(struct loader *ld, const struct opt *opt, struct place at,
			 const struct node *node, struct plugin_spec *spec)
{
	struct place named = at;
	const char *name = plugin_name(ld, opt, &named, node);

	*spec = (struct plugin_spec){.plugin = NULL};
	if (!name)
		return 0;
	const struct plugin *plugin = plugin_find(opt->kind, name);
	if (!plugin) {
		unknown_plugin(ld, opt, named, name);
		return 0;
	}
	spec->plugin = plugin;
	spec->state = plugin_state(plugin, &ld->scenario->arena);
	if (!spec->state)
		return err_nomem(ld->err);
	struct node empty = {.kind = NODE_MAP, .at = at};
	const struct opt *opts = plugin->opts ? plugin->opts : no_opts;
	const struct node *map = node->kind == NODE_MAP ? node : &empty;
	size_t problems = ld->nproblems;
	int err = decode_map(ld, map, opts, spec->state, "kind");
	if (err == 0 && ld->nproblems == problems)
		check_plugin(ld, spec, named, map);
	return err;
}

static int decode_plugins(struct loader *ld, const struct opt *opt, struct place at,
			  const struct node *node, struct opt_list *list)
{
	size_t n = node->kind == NODE_LIST ? node->n : 1;
	struct plugin_spec *spec = arena_alloc(&ld->scenario->arena, n, sizeof(*spec));

	if (!spec)
		return err_nomem(ld->err);
	*list = (struct opt_list){.n = n, .items = spec};
	for (size_t i = 0; i < n; i++) {
		const struct node *item = node->kind == NODE_LIST ? node->item[i] : node;
		struct place from = node->kind == NODE_LIST ? item->at : at;
		if (mark_add(ld, &spec[i], "", from, item))
			return -ENOMEM;
		int err = decode_plugin(ld, opt, from, item, &spec[i]);
		if (err)
			return err;
	}
	return 0;
}

static int decode_type(struct loader *ld, const struct opt *opt, const struct pair *pair,
		       void *base)
{
	void *field = (char *)base + opt->offset;

	switch (opt->type) {
	case OPT_LIST:
		return decode_list(ld, opt, pair->at, pair->value, base);
	case OPT_MAP:
		if (pair->value->kind == NODE_MAP)
			return decode_map(ld, pair->value, opt->sub->opts, field, NULL);
		wrong_kind(ld, pair->at, opt->name, pair->value, "a mapping");
		return 0;
	case OPT_MAPS:
		return decode_maps(ld, opt, pair->at, pair->value, field);
	case OPT_PLUGIN:
		return decode_plugin(ld, opt, pair->at, pair->value, field);
	case OPT_PLUGINS:
		return decode_plugins(ld, opt, pair->at, pair->value, field);
	default:
		return decode_scalar(ld, opt, pair->at, pair->value, base);
	}
}

static int decode_value(struct loader *ld, const struct opt *opt, const struct pair *pair,
			void *base)
{
	void *field = (char *)base + opt->offset;
	size_t problems = ld->nproblems;
	int err = mark_add(ld, field, opt->name, pair->at, pair->value);

	if (err == 0)
		err = decode_type(ld, opt, pair, base);
	if (err == 0 && ld->nproblems > problems)
		err = mark_add(ld, field, MARK_WRONG, pair->at, pair->value);
	return err;
}

/* What stands for a type in "is missing (...)". */
static const char *right_form(const struct opt *opt)
{
	switch (opt->type) {
	case OPT_MAP:
		return "a mapping";
	case OPT_MAPS:
		return "a list of mappings";
	case OPT_PLUGIN:
	case OPT_PLUGINS:
		return opt->kind->what;
	default:
		return opt_type_help(opt->type);
	}
}

static int decode_missing(struct loader *ld, const struct node *map, const struct opt *opts,
			  const void *base)
{
	int err = 0;

	for (const struct opt *opt = opts; opt->name && err == 0; opt++) {
		if (!opt->required || node_find(map, opt->name) ||
		    (opt->was && node_find(map, opt->was)))
			continue;
		place_error(ld, map->at, opt->name, "is missing (%s: %s)", opt->help,
			    right_form(opt));
		err = mark_add(ld, (const char *)base + opt->offset, MARK_WRONG, map->at, map);
	}
	return err;
}

/* @skip: a key that is not a setting and was looked at already, or NULL. */
static int decode_map(struct loader *ld, const struct node *map, const struct opt *opts, void *base,
		      const char *skip)
{
	if (decode_missing(ld, map, opts, base))
		return -ENOMEM;
	for (size_t i = 0; i < map->n; i++) {
		const struct pair *pair = &map->pair[i];
		const struct opt *opt = opt_find(opts, pair->key);
		if (skip && strcmp(pair->key, skip) == 0)
			continue;
		if (!opt) {
			unknown_key(ld, pair, opts);
			continue;
		}
		int err = decode_value(ld, opt, pair, base);
		if (err)
			return err;
	}
	return 0;
}

/* `compare: [equal, drf]` is short for a list of {cpu: equal} and {all: drf}. */
static int expand_set(struct loader *ld, struct node **entry)
{
	struct node *name = *entry;

	if (name->kind != NODE_SCALAR || node_is_null(name))
		return 0;
	*entry = node_new(ld, NODE_MAP, name->at);
	if (!*entry)
		return err_nomem(ld->err);
	const char *key = policy_only_joint(name->text) ? "all" : "cpu";
	return node_put(ld, *entry, (struct pair){key, name->at, name});
}

static int expand_compare(struct loader *ld, const struct node *root)
{
	struct pair *compare = node_find(root, "compare");

	if (!compare || compare->value->kind != NODE_LIST)
		return compare ? expand_set(ld, &compare->value) : 0;
	for (size_t i = 0; i < compare->value->n; i++) {
		int err = expand_set(ld, &compare->value->item[i]);
		if (err)
			return err;
	}
	return 0;
}

/* In a change, what is not written is NAN. */
static void mark_absent(struct loader *ld, const struct opt *opts, void *base)
{
	for (const struct opt *opt = opts; opt->name; opt++) {
		void *field = (char *)base + opt->offset;
		/* CPU amounts begin with their value. */
		if (!mark_find(ld, field, opt->name))
			*(double *)field = NAN;
	}
}

/* "web" for scenarios/web.yaml. */
static const char *file_stem(struct scenario *s)
{
	const char *slash = strrchr(s->path, '/'), *base = slash ? slash + 1 : s->path;
	const char *dot = strrchr(base, '.');
	int len = dot && dot > base ? (int)(dot - base) : (int)strlen(base);

	return arena_printf(&s->arena, "%.*s", len, base);
}

/* Defaults that depend on other settings, or that no text of a table can say. */
static int decode_absent(struct loader *ld)
{
	struct scenario *s = ld->scenario;
	struct host_spec *host = s->hosts.items;
	struct vm_spec *vm = s->vms.items;
	struct action_spec *action = s->actions.items;

	for (size_t i = 0; i < s->hosts.n; i++) {
		if (!mark_find(ld, &host[i].swap, "swap"))
			host[i].swap = INFINITY;
		if (!mark_find(ld, &host[i].boot.power, "power"))
			host[i].boot.power = INFINITY;
		if (!mark_find(ld, &host[i].shutdown.power, "power"))
			host[i].shutdown.power = INFINITY;
	}
	for (size_t i = 0; i < s->vms.n; i++) {
		if (vm[i].count == 0)
			vm[i].count = -1;
	}
	for (size_t i = 0; i < s->actions.n; i++) {
		mark_absent(ld, opt_find(scenario_action_table.opts, "cpu")->sub->opts,
			    &action[i].cpu);
		mark_absent(ld, opt_find(scenario_action_table.opts, "ram")->sub->opts,
			    &action[i].ram);
		mark_absent(ld, opt_find(scenario_action_table.opts, "io")->sub->opts,
			    &action[i].io);
	}
	if (!mark_find(ld, &s->facility.carbon_intensity, "carbon_intensity"))
		s->facility.carbon_intensity = -1;
	if (!s->name)
		s->name = file_stem(s);
	if (!s->name)
		return err_nomem(ld->err);
	bool wrong =
		mark_find(ld, &s->policies, MARK_WRONG) || mark_find(ld, &s->compare, MARK_WRONG);
	return wrong ? 0 : runs_resolve(ld);
}

int decode_scenario(struct loader *ld, struct node *root)
{
	int err = expand_compare(ld, root);

	if (err)
		return err;
	if (opt_defaults(scenario_table.opts, ld->scenario, &ld->scenario->arena))
		return err_nomem(ld->err);
	err = decode_map(ld, root, scenario_table.opts, ld->scenario, NULL);
	return err ? err : decode_absent(ld);
}
