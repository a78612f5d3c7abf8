/* Policies that cannot do what they are named for, or do not go together. */
#include "policies/list.h"
#include "scenarios/check.h"

static void check_policy(struct loader *ld, const struct plugin_spec *spec, const char *key,
			 unsigned need)
{
	const struct policy_ops *ops = (const struct policy_ops *)spec->plugin;

	/* What was inherited or is a default was checked where it was written. */
	if (!ops || !mark_find(ld, spec, key))
		return;
	if (need == RES_ALL && !(ops->flags & POLICY_JOINT))
		wrong(ld, spec, key, NULL,
		      "%s does not divide all resources at once (use cpu, "
		      "memory and disk)",
		      ops->plugin.name);
	else if (need != RES_ALL && (ops->resources & need) != need)
		wrong(ld, spec, key, NULL, "%s does not divide %s", ops->plugin.name, key);
}

static void check_power(struct loader *ld, const struct plugin_spec *spec)
{
	const struct placer_ops *placer = (const struct placer_ops *)spec->plugin;
	const struct host_spec *host = ld->scenario->hosts.items;

	for (size_t t = 0; placer && placer->order == DC_BY_LOAD && t < ld->scenario->hosts.n; t++)
		if (!host[t].power.plugin && check_sound_entry(ld, &host[t]) &&
		    mark_find(ld, spec, "placer"))
			wrong(ld, spec, "placer", NULL, "%s needs power of hosts %s",
			      placer->plugin.name, host[t].name);
}

/* One packs VMs and the other spreads them. */
static void check_migration(struct loader *ld, const struct policy_set *set)
{
	const struct policy_set *base = &ld->scenario->policies;
	const struct plugin_spec *detector =
		set->detector.plugin ? &set->detector : &base->detector;
	const struct plugin_spec *balancer =
		set->balancer.plugin ? &set->balancer : &base->balancer;
	const struct detector_ops *ops = (const struct detector_ops *)detector->plugin;
	bool written = mark_find(ld, &set->balancer, "balancer") ||
		       mark_find(ld, &set->detector, "detector");

	if (ops && !(ops->flags & DETECTOR_NEVER) && balancer->plugin &&
	    balancer->plugin != &balancer_none.plugin && written)
		wrong(ld, &set->balancer, "balancer", &set->detector,
		      "%s cannot stand beside detector %s: one spreads load, the other packs it",
		      balancer->plugin->name, ops->plugin.name);
}

static bool some_entry_detects(const struct scenario *s)
{
	const struct policy_set *set = s->compare.items;

	for (size_t i = 0; i < s->compare.n; i++)
		if (set[i].detector.plugin)
			return true;
	return false;
}

/* Where it is never asked, whoever wrote it believes that VMs are moved. */
static void check_selector(struct loader *ld, const struct policy_set *set)
{
	const struct scenario *s = ld->scenario;
	bool detects = set->detector.plugin || s->policies.detector.plugin ||
		       (set == &s->policies && some_entry_detects(s));

	if (set->selector.plugin && !detects && mark_find(ld, &set->selector, "selector"))
		wrong(ld, &set->selector, "selector", NULL,
		      "%s is not asked without a detector, which says when VMs have to leave "
		      "(detector: thr, say, or none)",
		      set->selector.plugin->name);
}

static void check_consolidation(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct consolidation_spec *c = &s->consolidation;

	if (!check_sound(ld, &c->interval_ns))
		return;
	if (check_sound(ld, &s->tick_ns) && c->interval_ns % s->tick_ns != 0)
		wrong(ld, &c->interval_ns, "interval", NULL, "is not a multiple of tick");
	else if (check_sound(ld, &s->duration_ns) && c->interval_ns >= s->duration_ns)
		wrong(ld, &c->interval_ns, "interval", NULL, "is not shorter than duration");
}

static void check_set(struct loader *ld, const struct policy_set *set)
{
	const struct mark *all = mark_find(ld, &set->all, "all");

	check_policy(ld, &set->all, "all", RES_ALL);
	check_policy(ld, &set->cpu, "cpu", RES_BIT(RES_CPU));
	check_policy(ld, &set->memory, "memory", RES_BIT(RES_MEM));
	check_policy(ld, &set->disk, "disk", RES_BIT(RES_DISK) | RES_BIT(RES_IOPS));
	check_power(ld, &set->placer);
	check_migration(ld, set);
	check_selector(ld, set);
	if (all && (mark_find(ld, &set->cpu, "cpu") || mark_find(ld, &set->memory, "memory") ||
		    mark_find(ld, &set->disk, "disk")))
		place_error(ld, all->at, "all",
			    "cannot stand beside cpu, memory or disk (one side only)");
}

void check_policies(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct policy_set *set = s->compare.items;

	check_consolidation(ld);
	check_power(ld, &s->consolidation.placer);
	if (!check_sound(ld, &s->policies) || !check_sound(ld, &s->compare))
		return;
	check_set(ld, &s->policies);
	for (size_t i = 0; i < s->compare.n; i++)
		check_set(ld, &set[i]);
}
