/* See check.h. */
#include "scenarios/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TICKS 1000000000

struct place check_where(struct loader *ld, const void *addr, const char *name, const void *owner)
{
	const struct mark *mark = mark_find(ld, addr, name);

	if (!mark && owner)
		mark = mark_find(ld, owner, "");
	/* What is wrong was written somewhere: of two settings, at least one. */
	static const struct source nowhere = {.name = "scenario", .dir = NULL, .is_set = true};
	return mark ? mark->at : (struct place){&nowhere, 1, 1};
}

bool check_sound(struct loader *ld, const void *addr)
{
	return !mark_find(ld, addr, MARK_WRONG);
}

bool check_sound_entry(struct loader *ld, const void *entry)
{
	return !mark_find(ld, entry, MARK_WRONG_ENTRY);
}

static bool name_is_good(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-");

	return len > 0 && name[len] == '\0' && len <= 100;
}

void check_names(struct loader *ld, const struct opt_list *list, size_t size, size_t offset,
		 bool derived)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *entry = (const char *)list->items + i * size;
		const char *const *name = (const char *const *)(entry + offset);
		bool written = mark_find(ld, name, "name") != NULL;
		if (!*name || !check_sound(ld, name))
			continue;
		if ((written || !derived) && !name_is_good(*name))
			wrong(ld, name, "name", entry,
			      "\"%s\" is not a name (letters, digits, _ . and -)", *name);
		for (size_t k = 0; k < i; k++) {
			const char *other = (const char *)list->items + k * size;
			const char *const *twin = (const char *const *)(other + offset);
			if (!*twin || !check_sound(ld, twin) || strcmp(*name, *twin) != 0)
				continue;
			wrong(ld, name, "name", entry,
			      "\"%s\" is also entry %zu (names must differ)", *name, k);
			break;
		}
	}
}

int64_t check_member_index(const char *name, const char *group)
{
	size_t len = strlen(group);
	char *end;

	if (strncmp(name, group, len) != 0 || name[len] != '-')
		return -1;
	const char *digits = name + len + 1;
	if (digits[0] < '0' || digits[0] > '9' || (digits[0] == '0' && digits[1]) ||
	    strlen(digits) > 9)
		return -1;
	long index = strtol(digits, &end, 10);
	return *end == '\0' ? index : -1;
}

bool check_is_member(const struct vm_spec *vm, const char *name)
{
	int64_t index = check_member_index(name, vm->name);

	return index >= 0 && (vm->count < 0 || index < vm->count);
}

/* A group called "web-3" beside a group "web" with more than 3 VMs. */
static void check_members(struct loader *ld)
{
	const struct opt_list *vms = &ld->scenario->vms;
	const struct vm_spec *vm = vms->items;

	for (size_t i = 0; i < vms->n; i++) {
		for (size_t k = 0; k < vms->n && check_sound_entry(ld, &vm[i]); k++) {
			if (i != k && check_sound_entry(ld, &vm[k]) &&
			    check_is_member(&vm[k], vm[i].name))
				wrong(ld, &vm[i].name, "name", &vm[i],
				      "\"%s\" is also a VM of group %s", vm[i].name, vm[k].name);
		}
	}
}

static void check_times(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	bool tick = check_sound(ld, &s->tick_ns), warmup = check_sound(ld, &s->warmup_ns);

	if (!check_sound(ld, &s->duration_ns))
		return;
	if (tick && s->tick_ns > s->duration_ns)
		wrong(ld, &s->tick_ns, "tick", NULL, "is longer than duration");
	else if (tick && s->duration_ns / s->tick_ns > MAX_TICKS)
		wrong(ld, &s->tick_ns, "tick", NULL,
		      "makes more than %d ticks in duration (a longer tick)", MAX_TICKS);
	if (warmup && s->warmup_ns >= s->duration_ns)
		wrong(ld, &s->warmup_ns, "warmup", NULL, "is not shorter than duration");
}

static void check_seeds(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	bool seeds = mark_find(ld, &s->seeds, "seeds") != NULL;
	if (seeds && mark_find(ld, &s->replications, "replications"))
		wrong(ld, &s->replications, "replications", NULL,
		      "cannot stand beside seeds (one of the two)");
	if (!check_sound(ld, &s->seeds))
		return;
	if (seeds && s->seeds.n == 0)
		wrong(ld, &s->seeds, "seeds", NULL, "is an empty list (at least one seed)");
	const int64_t *seed = s->seeds.items;
	for (size_t i = 1; i < s->seeds.n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (seed[i] != seed[k])
				continue;
			wrong(ld, &s->seeds, "seeds", NULL, "has %lld twice", (long long)seed[i]);
			return;
		}
	}
}

static bool is_said(const char *path)
{
	return path && *path;
}

static void check_facility(struct loader *ld)
{
	const struct facility_spec *f = &ld->scenario->facility;

	if (f->carbon_intensity >= 0 && is_said(f->carbon_trace))
		wrong(ld, &f->carbon_trace, "carbon_trace", NULL,
		      "cannot stand beside carbon_intensity (one of the two)");
}

static void check_queue(struct loader *ld)
{
	const struct scenario *s = ld->scenario;

	if (s->queue_limit > 0 && check_sound(ld, &s->when_full) && s->when_full != FULL_QUEUE)
		wrong(ld, &s->queue_limit, "queue_limit", NULL, "needs when_full: queue beside it");
}

static void check_dirty_rate(struct loader *ld)
{
	const struct migration_spec *m = &ld->scenario->migration;
	const struct mark *rate = mark_find(ld, &m->dirty_rate, "dirty_rate");

	if (rate && !isinf(m->dirty_rate) && mark_find(ld, &m->dirty_share, "dirty_share"))
		place_error(ld, rate->at, "dirty_rate", "cannot stand beside dirty_share");
}

void check_scenario(struct loader *ld)
{
	const struct scenario *s = ld->scenario;

	check_times(ld);
	check_seeds(ld);
	check_queue(ld);
	check_facility(ld);
	check_names(ld, &s->hosts, sizeof(struct host_spec), offsetof(struct host_spec, name),
		    false);
	check_hosts(ld);
	check_names(ld, &s->vms, sizeof(struct vm_spec), offsetof(struct vm_spec, name), false);
	check_members(ld);
	check_vms(ld);
	check_rules(ld);
	check_actions(ld);
	check_dirty_rate(ld);
	check_policies(ld);
	check_names(ld, &s->compare, sizeof(struct policy_set), offsetof(struct policy_set, name),
		    true);
}
