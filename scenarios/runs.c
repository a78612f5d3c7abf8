/*
 * The runs of a scenario: sets of policies x seeds.
 *
 * An entry of `compare` inherits from `policies` what it does not name. `all` stands against cpu,
 * memory and disk: naming one side drops the other, and what then has no policy takes the default.
 */
#include <errno.h>
#include <string.h>

#include "policies/registry.h"
#include "scenarios/load.h"
#include "sim/core/opt.h"

bool policy_only_joint(const char *name)
{
	const struct plugin *plugin = plugin_find(&policy_kind, name);

	return plugin && (((const struct policy_ops *)plugin)->flags & POLICY_JOINT) != 0;
}

/* The policies of a set, in the order of their keys. */
#define SPECS   8
#define DIVIDES 4 /* so many of them divide resources */
static const char *const spec_keys[SPECS] = {"all",    "cpu",      "memory",   "disk",
					     "placer", "detector", "selector", "balancer"};

static struct plugin_spec *spec_at(struct policy_set *set, size_t i)
{
	struct plugin_spec *const specs[SPECS] = {&set->all,      &set->cpu,     &set->memory,
						  &set->disk,     &set->placer,  &set->detector,
						  &set->selector, &set->balancer};

	return specs[i];
}

/* Appends "weighted:rule=m2", the plug-in with the options that were written. */
static char *name_plugin(struct loader *ld, char *name, const struct plugin_spec *spec,
			 const char *prefix)
{
	struct arena *arena = &ld->scenario->arena;
	const struct opt *opt = spec->plugin->opts;
	char sep = ':';

	name = arena_printf(arena, "%s%s%s%s%s", name, name[0] ? "/" : "", prefix,
			    prefix[0] ? "=" : "", spec->plugin->name);
	for (; name && opt && opt->name; opt++) {
		const struct mark *mark =
			mark_find(ld, (const char *)spec->state + opt->offset, opt->name);
		if (!mark || mark->node->kind != NODE_SCALAR)
			continue;
		name = arena_printf(arena, "%s%c%s=%s", name, sep, opt->name, mark->node->text);
		sep = '+';
	}
	return name;
}

/* The names of the policies that the set itself names; with @keys as "cpu=equal". */
static char *derive_name(struct loader *ld, struct policy_set *set, bool keys)
{
	char *name = arena_strdup(&ld->scenario->arena, "");

	for (size_t i = 0; name && i < SPECS; i++) {
		const struct plugin_spec *spec = spec_at(set, i);
		if (spec->plugin && mark_find(ld, spec, spec_keys[i]))
			name = name_plugin(ld, name, spec, keys ? spec_keys[i] : "");
	}
	return name;
}

/* Every entry without a name gets one. Names that only the key would tell apart get the keys. */
static int name_entries(struct loader *ld, bool keys)
{
	struct scenario *s = ld->scenario;
	struct policy_set *set = s->compare.items;

	for (size_t i = 0; i < s->compare.n; i++) {
		if (mark_find(ld, &set[i].name, "name"))
			continue;
		set[i].name = derive_name(ld, &set[i], keys);
		if (set[i].name && !set[i].name[0])
			set[i].name = s->policies.name;
		if (!set[i].name)
			return err_nomem(ld->err);
	}
	return 0;
}

static bool names_differ(const struct scenario *s)
{
	const struct policy_set *set = s->compare.items;

	for (size_t i = 0; i < s->compare.n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(set[i].name, set[k].name) == 0)
				return false;
		}
	}
	return true;
}

static void inherit(struct policy_set *set, struct policy_set *base,
		    const struct policy_set *defaults)
{
	bool divides = set->cpu.plugin || set->memory.plugin || set->disk.plugin;

	for (size_t i = DIVIDES; i < SPECS; i++)
		if (!spec_at(set, i)->plugin)
			*spec_at(set, i) = *spec_at(base, i);
	if (!set->all.plugin && !divides)
		set->all = base->all;
	if (set->all.plugin)
		return;
	const struct policy_set *from = base->all.plugin ? defaults : base;
	if (!set->cpu.plugin)
		set->cpu = from->cpu;
	if (!set->memory.plugin)
		set->memory = from->memory;
	if (!set->disk.plugin)
		set->disk = from->disk;
}

int runs_resolve(struct loader *ld)
{
	struct scenario *s = ld->scenario;
	struct policy_set *set = s->compare.items, defaults = {.name = NULL};

	if (opt_defaults(opt_find(scenario_table.opts, "policies")->sub->opts, &defaults,
			 &s->arena))
		return err_nomem(ld->err);
	for (size_t i = 1; s->policies.all.plugin && i < DIVIDES; i++) {
		struct plugin_spec *spec = spec_at(&s->policies, i);
		if (!mark_find(ld, spec, spec_keys[i]))
			*spec = (struct plugin_spec){.plugin = NULL};
	}
	if (!s->policies.name) {
		s->policies.name = derive_name(ld, &s->policies, false);
		if (s->policies.name && !s->policies.name[0])
			s->policies.name = s->policies.cpu.plugin->name;
		if (!s->policies.name)
			return err_nomem(ld->err);
	}
	int err = name_entries(ld, false);
	if (err == 0 && !names_differ(s))
		err = name_entries(ld, true);
	for (size_t i = 0; i < s->compare.n; i++)
		inherit(&set[i], &s->policies, &defaults);
	return err;
}

static size_t seeds_count(const struct scenario *s)
{
	return s->seeds.n ? s->seeds.n : (size_t)s->replications;
}

size_t scenario_runs(const struct scenario *scenario)
{
	return (scenario->compare.n ? scenario->compare.n : 1) * seeds_count(scenario);
}

void scenario_run(const struct scenario *scenario, size_t i, struct policy_set *policies,
		  uint64_t *seed)
{
	const struct policy_set *sets = scenario->compare.items;
	size_t nseeds = seeds_count(scenario), k = i % nseeds;

	*policies = scenario->compare.n ? sets[i / nseeds] : scenario->policies;
	*seed = scenario->seeds.n ? (uint64_t)((const int64_t *)scenario->seeds.items)[k]
				  : (uint64_t)scenario->seed + k;
}
