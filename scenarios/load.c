/*
 * From files and overrides to one tree: reads a scenario, the files it includes and the --set
 * options of the command line.
 *
 * Included settings are defaults: of the keys of the top level, lists of sections (hosts, vms,
 * actions, compare) are put one after the other, included ones first, and of all others the one of
 * the including file counts, whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scenarios/load.h"
#include "sim/core/opt.h"

#define MAX_FILE  ((size_t)16 << 20)
#define MAX_CHAIN 16

/* A file that is being read, and the one that includes it. */
struct chain {
	const struct chain *from;
	dev_t dev;
	ino_t ino;
	unsigned depth;
};

static void hash_add(struct scenario *scenario, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		scenario->hash = (scenario->hash ^ (unsigned char)text[i]) * 0x100000001b3u;
	scenario->hash = (scenario->hash ^ 0xffu) * 0x100000001b3u; /* the end of a text counts */
}

static struct source *source_new(struct loader *ld, const char *path)
{
	struct source *src = arena_alloc(&ld->arena, 1, sizeof(*src));
	const char *slash = strrchr(path, '/');

	if (!src)
		return NULL;
	src->order = ld->sources++;
	src->name = arena_strdup(&ld->arena, path);
	if (slash == path)
		src->dir = "/";
	else if (slash)
		src->dir = arena_printf(&ld->arena, "%.*s", (int)(slash - path), path);
	return src->name && (src->dir || !slash) ? src : NULL;
}

/* Reads all of an open file; free *text with mem_free(). */
static int read_all(int fd, char **text, size_t *len)
{
	size_t cap = 0;

	*text = NULL;
	*len = 0;
	for (;;) {
		if (mem_grow(text, &cap, *len + 4096, 1))
			return -ENOMEM;
		ssize_t got = read(fd, *text + *len, cap - *len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		*len += (size_t)got;
		if (*len > MAX_FILE)
			return -EFBIG;
	}
}

/* Opens and reads @path; @link gets its identity. An included file must be a regular one: reading a
 * terminal or a pipe would hang. */
static int read_file(const char *path, struct chain *link, char **text, size_t *len)
{
	struct stat st;
	int fd = open(path, link->from ? O_RDONLY | O_CLOEXEC | O_NONBLOCK : O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int err = fstat(fd, &st) ? -errno : 0;
	if (err == 0 && S_ISDIR(st.st_mode))
		err = -EISDIR;
	if (err == 0 && link->from && !S_ISREG(st.st_mode))
		err = -ENODEV;
	if (err == 0) {
		link->dev = st.st_dev;
		link->ino = st.st_ino;
		err = read_all(fd, text, len);
	}
	close(fd);
	return err;
}

static const char *file_problem(int err)
{
	return err == -EFBIG ? "is larger than 16 MiB" : strerror(-err);
}

/* A section that may be written as one mapping, as a list. */
static struct node *as_list(struct loader *ld, struct node *node)
{
	if (node->kind == NODE_LIST || node_is_null(node))
		return node;
	struct node *list = node_new(ld, NODE_LIST, node->at);

	return list && node_append(ld, list, node) == 0 ? list : NULL;
}

static int merge_pair(struct loader *ld, struct node *root, struct pair pair)
{
	const struct opt *opt = opt_find(scenario_table.opts, pair.key);
	struct pair *old = node_find(root, pair.key);

	if (!old || !opt || opt->type != OPT_MAPS)
		return node_put(ld, root, pair);
	struct node *first = as_list(ld, old->value), *then = as_list(ld, pair.value);
	if (!first || !then)
		return err_nomem(ld->err);
	if (first->kind != NODE_LIST)
		return node_put(ld, root, pair);
	if (then->kind != NODE_LIST)
		return 0;
	*old = (struct pair){pair.key, pair.at, first};
	for (size_t i = 0; i < then->n; i++) {
		int err = node_append(ld, first, then->item[i]);
		if (err)
			return err;
	}
	return 0;
}

static int load_source(struct loader *ld, const struct source *src, const char *text, size_t len,
		       const struct chain *chain, struct node **root);

static bool is_cycle(const struct chain *chain, const struct chain *link)
{
	for (; chain; chain = chain->from) {
		if (chain->ino == link->ino && chain->dev == link->dev && chain->ino != 0)
			return true;
	}
	return false;
}

/* Reads the file that @node names and merges it into @into. */
static int include_one(struct loader *ld, struct place at, const struct node *node,
		       const struct chain *chain, struct node *into)
{
	struct chain link = {.from = chain, .depth = chain->depth + 1};
	const char *dir = at.src->dir ? at.src->dir : ".";
	struct node *root = NULL;
	char *text = NULL;
	size_t len = 0;

	if (node->kind != NODE_SCALAR || node_is_null(node)) {
		place_error(ld, at, "include", "is %s (should be a file or a list of files)",
			    node_what(node));
		return 0;
	}
	const char *path = node->text;
	if (path[0] != '/' && strcmp(dir, ".") != 0)
		path = arena_printf(&ld->arena, "%s/%s", dir, path);
	struct source *src = path ? source_new(ld, path) : NULL;
	if (!src)
		return err_nomem(ld->err);
	int err = read_file(path, &link, &text, &len);
	if (err == -ENOMEM)
		err_nomem(ld->err);
	else if (err)
		place_error(ld, at, "include", "%s: %s", path, file_problem(err));
	else if (is_cycle(chain, &link) || link.depth > MAX_CHAIN)
		place_error(ld, at, "include", "%s includes itself", path);
	else
		err = load_source(ld, src, text, len, &link, &root);
	mem_free(text);
	for (size_t i = 0; err == 0 && root && i < root->n; i++)
		err = merge_pair(ld, into, root->pair[i]);
	return err == -ENOMEM ? err : 0;
}

static int include_all(struct loader *ld, const struct pair *pair, const struct chain *chain,
		       struct node *into)
{
	const struct node *value = pair->value;

	if (value->kind != NODE_LIST)
		return include_one(ld, pair->at, value, chain, into);
	for (size_t i = 0; i < value->n; i++) {
		int err = include_one(ld, value->item[i]->at, value->item[i], chain, into);
		if (err)
			return err;
	}
	return 0;
}

/* Parses one file and what it includes. *root is NULL after an error that leaves nothing of it. */
static int load_source(struct loader *ld, const struct source *src, const char *text, size_t len,
		       const struct chain *chain, struct node **root)
{
	struct place top = {src, 1, 1};
	struct node *own;

	*root = NULL;
	hash_add(ld->scenario, text, len);
	int err = yaml_read(ld, src, text, len, &own);
	if (err)
		return err == -ENOMEM ? err : 0;
	if (!own || node_is_null(own)) {
		place_error(ld, top, "scenario", "is empty (should be a mapping of settings)");
		return 0;
	}
	if (own->kind != NODE_MAP) {
		place_error(ld, own->at, "scenario", "is %s (should be a mapping of settings)",
			    node_what(own));
		return 0;
	}
	struct node *merged = node_new(ld, NODE_MAP, own->at);
	if (!merged)
		return err_nomem(ld->err);
	const struct pair *include = node_find(own, "include");
	if (include)
		err = include_all(ld, include, chain, merged);
	for (size_t i = 0; err == 0 && i < own->n; i++) {
		if (&own->pair[i] != include)
			err = merge_pair(ld, merged, own->pair[i]);
	}
	*root = merged;
	return err;
}

/* The text that an entry of a list is called by in a --set path. */
static const char *entry_name(const struct node *item)
{
	const struct pair *name = node_find(item, "name");

	if (!name)
		name = node_find(item, "kind");
	if (item->kind == NODE_SCALAR)
		return item->text;
	return name && name->value->kind == NODE_SCALAR ? name->value->text : NULL;
}

/* The entry of @list that the front of @path names, by the longest name (names may contain dots) or
 * by index; its index in *index. Returns what is left of the path, or NULL. */
static const char *find_entry(const struct node *list, const char *path, size_t *index)
{
	size_t best = 0;
	const char *rest = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const char *name = entry_name(list->item[i]);
		size_t len = name ? strlen(name) : 0;
		if (len > best && strncmp(path, name, len) == 0 &&
		    (path[len] == '.' || path[len] == '\0')) {
			best = len;
			*index = i;
			rest = path + len;
		}
	}
	size_t digits = strspn(path, "0123456789");
	if (rest || digits == 0 || digits > 6 || (path[digits] != '.' && path[digits] != '\0'))
		return rest;
	*index = 0;
	for (size_t i = 0; i < digits; i++)
		*index = *index * 10 + (size_t)(path[i] - '0');
	return *index < list->n ? path + digits : NULL;
}

/* A step of a --set path: where the value goes, and what the tables know of that place. */
struct step {
	struct node **slot;
	const struct opt *opt;  /* of the key that was last; NULL = not known */
	const struct opt *opts; /* keys of the mapping in *slot; NULL = not known */
	bool in_list;           /* *slot is an entry of opt's list */
};

/* Before a key is looked up in it: a shorthand becomes what it is short for. */
static int step_open(struct loader *ld, struct step *step, struct place at)
{
	struct node *node = *step->slot;
	bool lists = step->opt && step->opt->type == OPT_MAPS && !step->in_list;
	bool plugin =
		step->opt && (step->opt->type == OPT_PLUGIN || step->opt->type == OPT_PLUGINS);

	if (lists && node->kind == NODE_MAP) {
		*step->slot = as_list(ld, node);
		return *step->slot ? 0 : err_nomem(ld->err);
	}
	if (node->kind != NODE_SCALAR || (!plugin && !node_is_null(node)))
		return 0;
	*step->slot = node_new(ld, lists ? NODE_LIST : NODE_MAP, at);
	if (!*step->slot)
		return err_nomem(ld->err);
	if (!plugin || node_is_null(node))
		return 0;
	return node_put(ld, *step->slot, (struct pair){"kind", node->at, node});
}

static const char *step_entry(struct loader *ld, struct step *step, struct place at,
			      const char *path)
{
	char names[300] = "";
	size_t len = 0, index = 0;
	const struct node *list = *step->slot;
	const char *rest = find_entry(list, path, &index);

	if (rest) {
		step->slot = &(*step->slot)->item[index];
		step->in_list = true;
		if (step->opt && step->opt->type == OPT_MAPS)
			step->opts = step->opt->sub->opts;
		return rest;
	}
	for (size_t i = 0; i < list->n && len < sizeof(names); i++) {
		const char *name = entry_name(list->item[i]);
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					name ? name : "?");
	}
	place_error(ld, at, step->opt ? step->opt->name : "list", "has no entry \"%.*s\" (has %s)",
		    (int)strcspn(path, "."), path, list->n ? names : "none");
	return NULL;
}

static const char *step_key(struct loader *ld, struct step *step, struct place at, const char *path)
{
	size_t len = strcspn(path, ".");
	const char *key = arena_printf(&ld->arena, "%.*s", (int)len, path);
	struct node *map = *step->slot;

	if (!key) {
		err_nomem(ld->err);
		return NULL;
	}
	struct pair *pair = node_find(map, key);
	if (!pair) {
		struct node *null = node_new(ld, NODE_SCALAR, at);
		if (!null) {
			err_nomem(ld->err);
			return NULL;
		}
		null->plain = true;
		if (node_put(ld, map, (struct pair){key, at, null}))
			return NULL;
		pair = node_find(map, key);
	}
	const struct opt *opt = step->opts ? opt_find(step->opts, key) : NULL;
	*step = (struct step){.slot = &pair->value, .opt = opt};
	if (opt && opt->type == OPT_MAP)
		step->opts = opt->sub->opts;
	if (path[len] == '\0')
		pair->at = at;
	return path + len;
}

static int set_from(struct loader *ld, struct step step, struct place at, const char *rest,
		    struct node *value);

/* The step "*": every entry of the list. */
static int set_each(struct loader *ld, const struct step *list, struct place at, const char *rest,
		    struct node *value)
{
	int err = 0;

	for (size_t i = 0; i < (*list->slot)->n && err == 0; i++) {
		struct step entry = *list;
		entry.slot = &(*list->slot)->item[i];
		entry.in_list = true;
		if (list->opt && list->opt->type == OPT_MAPS)
			entry.opts = list->opt->sub->opts;
		err = set_from(ld, entry, at, rest, value);
	}
	return err;
}

/* Puts @value where the rest of the path leads from @step, making mappings on the way. */
static int set_from(struct loader *ld, struct step step, struct place at, const char *rest,
		    struct node *value)
{
	unsigned before = ld->err->count;

	for (;;) {
		int err = step_open(ld, &step, at);
		if (err)
			return err;
		if ((*step.slot)->kind == NODE_SCALAR) {
			place_error(ld, at, step.opt ? step.opt->name : "path",
				    "is a single value and has nothing inside");
			return 0;
		}
		if (*rest == '\0' || *rest == '.') {
			place_error(ld, at, "path",
				    "has an empty step (keys, and names or indexes "
				    "of entries, with dots between)");
			return 0;
		}
		if ((*step.slot)->kind == NODE_LIST && strncmp(rest, "*.", 2) == 0)
			return set_each(ld, &step, at, rest + 2, value);
		rest = (*step.slot)->kind == NODE_LIST ? step_entry(ld, &step, at, rest)
						       : step_key(ld, &step, at, rest);
		if (!rest)
			return ld->err->count > before && ld->err->code == -ENOMEM ? -ENOMEM : 0;
		if (*rest == '\0') {
			*step.slot = value;
			return 0;
		}
		rest++;
	}
}

static int apply_set(struct loader *ld, struct node *root, const struct scenario_set *set)
{
	struct source *src = arena_alloc(&ld->arena, 1, sizeof(*src));
	struct place at = {.src = src, .line = 1, .col = 1};
	struct node *value;

	if (!src)
		return err_nomem(ld->err);
	src->is_set = true;
	src->order = ld->sources++;
	src->name = arena_printf(&ld->arena, "--set %s", set->path);
	if (!src->name)
		return err_nomem(ld->err);
	hash_add(ld->scenario, set->path, strlen(set->path));
	hash_add(ld->scenario, set->value, strlen(set->value));
	int err = yaml_read(ld, src, set->value, strlen(set->value), &value);
	if (err)
		return err == -ENOMEM ? err : 0;
	if (!value) {
		value = node_new(ld, NODE_SCALAR, at);
		if (!value)
			return err_nomem(ld->err);
		value->plain = true;
	}
	struct step step = {.slot = &root, .opts = scenario_table.opts};
	return set_from(ld, step, at, set->path, value);
}

static int load_tree(struct loader *ld, const char *path, const char *text, size_t len,
		     const struct chain *chain, const struct scenario_set *sets, size_t nsets)
{
	struct source *src = source_new(ld, path);
	struct node *root;

	ld->scenario->path = arena_strdup(&ld->scenario->arena, path);
	if (!src || !ld->scenario->path)
		return err_nomem(ld->err);
	int err = load_source(ld, src, text, len, chain, &root);
	for (size_t i = 0; err == 0 && root && i < nsets; i++)
		err = apply_set(ld, root, &sets[i]);
	if (err || !root)
		return err;
	size_t before = ld->nproblems;
	err = decode_scenario(ld, root);
	if (err)
		return err;
	if (ld->nproblems == before)
		check_cloudsim(ld);
	check_scenario(ld);
	return 0;
}

static int load(struct scenario **scenario, const char *path, const char *text, size_t len,
		const struct chain *chain, const struct scenario_set *sets, size_t nsets,
		struct err *err)
{
	struct loader ld = {.err = err};
	unsigned before = err->count;

	*scenario = mem_alloc(1, sizeof(**scenario));
	if (!*scenario)
		return err_nomem(err);
	ld.scenario = *scenario;
	ld.scenario->hash = 0xcbf29ce484222325u;
	int code = load_tree(&ld, path, text, len, chain, sets, nsets);
	if (code != -ENOMEM && !ld.no_memory)
		place_errors_tell(&ld);
	if (code != -ENOMEM && ld.no_memory)
		code = err_nomem(err);
	arena_fini(&ld.arena);
	mem_free(ld.problem);
	mem_free(ld.mark);
	return code == 0 && err->count > before ? -EINVAL : code;
}

int scenario_load_text(struct scenario **scenario, const char *path, const char *text, size_t len,
		       const struct scenario_set *sets, size_t nsets, struct err *err)
{
	struct chain chain = {.depth = 0};

	return load(scenario, path, text, len, &chain, sets, nsets, err);
}

int scenario_load(struct scenario **scenario, const char *path, const struct scenario_set *sets,
		  size_t nsets, struct err *err)
{
	struct chain chain = {.depth = 0};
	char *text = NULL;
	size_t len = 0;

	*scenario = NULL;
	int code = read_file(path, &chain, &text, &len);
	if (code == -ENOMEM)
		err_nomem(err);
	else if (code)
		code = err_input(err, "%s: %s", path, file_problem(code));
	else
		code = load(scenario, path, text, len, &chain, sets, nsets, err);
	mem_free(text);
	return code;
}

void scenario_free(struct scenario *scenario)
{
	if (!scenario)
		return;
	arena_fini(&scenario->arena);
	mem_free(scenario);
}
