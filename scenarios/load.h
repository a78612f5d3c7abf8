/*
 * What the files of scenarios/ share while a scenario is being read: a tree of YAML values that
 * know where they stand, and the table that leads from a decoded setting back to its place.
 *
 * yaml.c makes trees, load.c merges files and overrides into one, decode.c fills structs from it by
 * the option tables, check.c looks at the whole. Wrong input is noted and reading goes on; at the
 * end it is told in the order of the files. The functions return non-zero only where they cannot go
 * on: -ENOMEM with ld->err set, or -EINVAL with a problem noted.
 */
#ifndef COTENANT_SCENARIOS_LOAD_H
#define COTENANT_SCENARIOS_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "scenarios/scenario.h"
#include "sim/core/err.h"
#include "sim/core/mem.h"
#include "sim/core/plugin.h"

/* A file, or one override of the command line (then lines are not told, and dir is NULL). */
struct source {
	const char *name; /* as messages show it */
	const char *dir;  /* relative paths in it start here; NULL = the working directory */
	bool is_set;
	size_t order; /* in which they were read */
};

struct place {
	const struct source *src;
	size_t line, col; /* from 1 */
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct pair {
	const char *key;
	struct place at; /* of the key */
	struct node *value;
};

struct node {
	enum node_kind kind;
	bool plain; /* a scalar without quotes */
	struct place at;
	const char *text; /* of a scalar */
	size_t n, cap;    /* of items or pairs */
	struct node **item;
	struct pair *pair;
};

/* Where the setting @name that was stored at @addr was written. Entries of lists are noted too,
 * with the name "". */
struct mark {
	const void *addr;
	const char *name;
	struct place at;
	const struct node *node;
};

/* Names of the mark that comes on top where something is wrong: with a setting or in it; in an entry of a list of
 * mappings. */
#define MARK_WRONG       "!"
#define MARK_WRONG_ENTRY "-!"

struct problem {
	struct place at;
	size_t serial;
	const char *text; /* "key: ..." */
};

struct loader {
	struct arena arena; /* of the tree */
	size_t sources;
	struct problem *problem;
	size_t nproblems, problems_cap;
	bool no_memory; /* a problem could not be noted */
	struct err *err;
	size_t nodes; /* made so far; bounded, as aliases may multiply */
	struct scenario *scenario;
	struct mark *mark;
	size_t nmarks, marks_cap;
	bool marks_sorted;
};

/* Notes "file:line:col: key: ..."; place_errors_tell() puts what was noted into ld->err, file by
 * file and from top to bottom. */
void place_error(struct loader *ld, struct place at, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void place_errors_tell(struct loader *ld);

/* "file:line:col: " and the text. NULL: no memory. */
char *place_text(struct arena *arena, struct place at, const char *text) must_check;

/* Parses one YAML document. *root is NULL if it is empty or after an error. */
int yaml_read(struct loader *ld, const struct source *src, const char *text, size_t len,
	      struct node **root) must_check;

struct node *node_new(struct loader *ld, enum node_kind kind, struct place at) must_check;
int node_append(struct loader *ld, struct node *list, struct node *item) must_check;
int node_put(struct loader *ld, struct node *map, struct pair pair) must_check;
struct pair *node_find(const struct node *map, const char *key);
bool node_is_null(const struct node *node);
const char *node_what(const struct node *node); /* "a list" */

/* Fills ld->scenario from the tree. */
int decode_scenario(struct loader *ld, struct node *root) must_check;

/* The mark of the setting @name stored at @addr, or NULL if it was not written. */
const struct mark *mark_find(struct loader *ld, const void *addr, const char *name);

/* Checks what single settings cannot show, of those that are not wrong in themselves. */
void check_scenario(struct loader *ld);

/* What may not be with `semantics: cloudsim-3.0.3` (check_cloudsim.c), of a scenario where no setting is wrong in
 * itself. */
void check_cloudsim(struct loader *ld);

/* Gives every set of policies what it inherits, and a name. */
int runs_resolve(struct loader *ld) must_check;

/* Whether a policy can only be named for all resources at once. */
bool policy_only_joint(const char *name);

extern const struct opt_table scenario_compare_table, scenario_action_table;
extern const struct opt_table scenario_host_table, scenario_overcommit_table;

/* Ranges that options share. */
#define CENTURY 3.1536e18 /* ns; keeps sums of times far from overflow */
#define MANY    1e7
#define LARGE   1e18

#endif
