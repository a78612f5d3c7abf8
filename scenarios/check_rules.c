/* Which hosts VMs may be on: labels, and rules. */
#include <math.h>
#include <string.h>

#include "scenarios/check.h"

bool scenario_host_has(const struct host_spec *host, const struct opt_list *labels)
{
	const char *const *want = labels->items, *const *have = host->labels.items;

	for (size_t i = 0; i < labels->n; i++) {
		size_t k = 0;
		while (k < host->labels.n && strcmp(have[k], want[i]) != 0)
			k++;
		if (k == host->labels.n)
			return false;
	}
	return true;
}

static void check_labels(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct host_spec *host = s->hosts.items;
	const struct vm_spec *vm = s->vms.items;

	for (size_t i = 0; i < s->vms.n; i++, vm++) {
		size_t t = 0;
		if (!check_sound(ld, &vm->hosts))
			continue;
		while (t < s->hosts.n && !scenario_host_has(&host[t], &vm->hosts))
			t++;
		if (vm->hosts.n > 0 && t == s->hosts.n)
			wrong(ld, &vm->hosts, "hosts", vm,
			      "no group of hosts has all of these labels");
	}
}

static const struct vm_spec *group_named(const struct scenario *s, const char *name)
{
	const struct vm_spec *vm = s->vms.items;

	for (size_t i = 0; i < s->vms.n; i++)
		if (strcmp(vm[i].name, name) == 0)
			return &vm[i];
	return NULL;
}

/* VMs of the group that are sure to exist at one time. */
static int64_t at_once(const struct vm_spec *vm)
{
	bool lasts = vm->arrivals.law == DIST_NONE && vm->lifetime.law == DIST_NONE &&
		     !vm->life_from_trace && !vm->destroy_when_done;

	return lasts && vm->count > 0 ? vm->count : 1;
}

/* Places that the VMs of a group can have: hosts or racks. */
static int64_t places_of(const struct scenario *s, const struct rule_spec *rule)
{
	const struct host_spec *host = s->hosts.items;
	int64_t n = 0;

	for (size_t t = 0; t < s->hosts.n; t++)
		n += rule->level == LEVEL_HOST ? host[t].count
		     : host[t].rack > 0        ? (host[t].count - 1) / host[t].rack + 1
					       : 0;
	return n;
}

/* Pairs of VMs that both rules are about, at least one. */
static bool share_a_pair(const struct scenario *s, const struct rule_spec *a,
			 const struct rule_spec *b)
{
	const char *const *x = a->vms.items, *const *y = b->vms.items;
	size_t groups = 0;

	for (size_t i = 0; i < a->vms.n; i++)
		for (size_t k = 0; k < b->vms.n; k++) {
			const struct vm_spec *vm = group_named(s, x[i]);
			if (strcmp(x[i], y[k]) != 0 || !vm)
				continue;
			groups += vm->count == 1 ? 1 : 2;
		}
	return groups > 1;
}

static void check_rule_vms(struct loader *ld, const struct rule_spec *rule)
{
	const struct scenario *s = ld->scenario;
	const char *const *name = rule->vms.items;
	int64_t n = 0, places = places_of(s, rule);
	double memory = 0;

	for (size_t i = 0; i < rule->vms.n; i++) {
		const struct vm_spec *vm = group_named(s, name[i]);
		if (!vm) {
			wrong(ld, &rule->vms, "vms", rule, "there is no group \"%s\"", name[i]);
			continue;
		}
		n += at_once(vm);
		memory += vm->size_from_trace ? 0 : vm->memory * (double)at_once(vm);
		for (size_t k = 0; k < i; k++)
			if (strcmp(name[i], name[k]) == 0)
				wrong(ld, &rule->vms, "vms", rule, "has \"%s\" twice", name[i]);
	}
	if (rule->keep == KEEP_APART && n > places)
		wrong(ld, &rule->vms, "vms", rule, "%lld VMs cannot be apart on %lld %ss",
		      (long long)n, (long long)places, rule->level == LEVEL_HOST ? "host" : "rack");
	double most = 0;
	for (size_t t = 0; t < s->hosts.n; t++) {
		const struct host_spec *host = (const struct host_spec *)s->hosts.items + t;
		double own = host->overcommit.memory, ratio = own > 0 ? own : s->overcommit.memory;
		most = fmax(most, host->memory * ratio);
	}
	if (rule->keep == KEEP_TOGETHER && rule->level == LEVEL_HOST && memory > most)
		wrong(ld, &rule->vms, "vms", rule,
		      "VMs of %g bytes in all cannot be together on a host (%g bytes at most)",
		      memory, most);
}

void check_rules(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct rule_spec *rule = s->rules.items;
	const struct host_spec *host = s->hosts.items;

	check_names(ld, &s->rules, sizeof(*rule), offsetof(struct rule_spec, name), false);
	if (!check_sound(ld, &s->hosts))
		return;
	check_labels(ld);
	if (!check_sound(ld, &s->vms) || !check_sound(ld, &s->rules) ||
	    !check_sound(ld, &s->overcommit))
		return;
	for (size_t i = 0; i < s->rules.n; i++) {
		for (size_t t = 0; t < s->hosts.n && rule[i].level == LEVEL_RACK; t++)
			if (host[t].rack == 0)
				wrong(ld, &rule[i].level, "level", &rule[i],
				      "hosts %s stand in no racks (rack: needs a number)",
				      host[t].name);
		check_rule_vms(ld, &rule[i]);
		for (size_t k = 0; k < s->rules.n; k++)
			if (rule[i].keep == KEEP_TOGETHER && rule[k].keep == KEEP_APART &&
			    rule[i].level <= rule[k].level && share_a_pair(s, &rule[i], &rule[k]))
				wrong(ld, &rule[i].vms, "vms", &rule[i],
				      "rule %s keeps some of these VMs apart", rule[k].name);
	}
}
