/*
 * Filling a struct from an option table (plugin.h): defaults, one value from text, range checks.
 * scenarios/yaml.c does the nesting; here is what a single setting needs.
 */
#ifndef COTENANT_SIM_CORE_OPT_H
#define COTENANT_SIM_CORE_OPT_H

#include "sim/core/mem.h"
#include "sim/core/plugin.h"

/* Sets every scalar, OPT_DIST and OPT_LIST setting of the table that has a default (OPT_MAP: its
 * inside too; OPT_PLUGIN: by default name, with the plug-in's own defaults). BUG_ON() a default that
 * does not parse: tables are ours (shared objects are checked by opt_table_problem() first).
 * 0 or -ENOMEM. */
int opt_defaults(const struct opt *opts, void *base, struct arena *arena) must_check;

/* Parses @text into the setting at base + opt->offset and checks its range. NULL if done, else what
 * is wrong and would be right: "0 is below the minimum 1". For OPT_LIST, appends one element. */
const char *opt_parse(const struct opt *opt, const char *text, void *base, struct arena *arena,
		      char *why, size_t n) must_check;

/* What opt_parse() returns, this very pointer, when the arena is out of memory. */
extern const char opt_no_memory[];

/* The entry of that name, or NULL; the entry that had that name once, or NULL; and the name nearest to @name in
 * edit distance, else the only one that begins with it (NULL if none may be what was meant). */
const struct opt *opt_find(const struct opt *opts, const char *name);
const struct opt *opt_renamed(const struct opt *opts, const char *name);
const char *opt_nearest(const struct opt *opts, const char *name);

/* The same for the plug-ins of a kind. */
const struct plugin *plugin_find(const struct plugin_kind *kind, const char *name);
const char *plugin_nearest(const struct plugin_kind *kind, const char *name);

/* State of the plug-in in the arena with its default options, or NULL when out of memory. */
void *plugin_state(const struct plugin *plugin, struct arena *arena) must_check;

/* The unit and form of a type in words ("time with unit, for example 5min"), for help and schema. */
const char *opt_type_help(enum opt_type type);

/* NULL, or why a table from outside must not be used (bad type, default that does not parse...). */
const char *opt_table_problem(const struct opt *opts, size_t state_size, char *why, size_t n);

#endif
