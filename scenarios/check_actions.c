/* Actions: whom they are done to, and when. */
#include <string.h>

#include "models/dvfs.h"
#include "scenarios/check.h"
#include "sim/core/units.h"

/* The group that an action is done to, whole or one VM of it; NULL: there is none. */
static const struct vm_spec *action_target(const struct scenario *s, const char *name)
{
	const struct vm_spec *vm = s->vms.items;

	for (size_t i = 0; i < s->vms.n; i++) {
		if (strcmp(vm[i].name, name) == 0 || check_is_member(&vm[i], name))
			return &vm[i];
	}
	return NULL;
}

static bool host_named(const struct scenario *s, const char *name)
{
	const struct host_spec *host = s->hosts.items;

	for (size_t i = 0; i < s->hosts.n; i++) {
		int64_t index = check_member_index(name, host[i].name);
		if (index >= 0 && index < host[i].count)
			return true;
	}
	return false;
}

static void check_migrate(struct loader *ld, const struct action_spec *action)
{
	if (action->to && action->action != ACTION_MIGRATE)
		wrong(ld, &action->to, "to", action, "stands only beside do: migrate");
	else if (action->to && !host_named(ld->scenario, action->to))
		wrong(ld, &action->to, "to", action, "there is no host \"%s\" (group-INDEX from 0)",
		      action->to);
}

static void check_vm_action(struct loader *ld, const struct action_spec *action)
{
	const struct vm_spec *target = action->vm ? action_target(ld->scenario, action->vm) : NULL;
	char start[32];

	if (!action->vm)
		wrong(ld, &action->vm, "vm", action, "is missing: whom is it done to");
	else if (!target)
		wrong(ld, &action->vm, "vm", action,
		      "there is no group or VM \"%s\" (group, or group-INDEX from 0)", action->vm);
	/* At one moment actions, which may make room, come before VMs are created. */
	else if (action->at_ns <= target->start_ns)
		wrong(ld, &action->at_ns, "at", action,
		      "nothing is there to act on before %s are created, at %s (a later time)",
		      target->name, units_print_time(target->start_ns, start, sizeof(start)));
	if (action->host)
		wrong(ld, &action->host, "host", action,
		      "stands only beside do: switch-on, switch-off or set-speed");
	if (action->speed > 0)
		wrong(ld, &action->speed, "speed", action, "stands only beside do: set-speed");
}

static void check_host_action(struct loader *ld, const struct action_spec *action)
{
	const struct scenario *s = ld->scenario;
	const struct host_spec *host = s->hosts.items;
	bool sets = action->action == ACTION_SET_SPEED, any = false;

	if (action->vm)
		wrong(ld, &action->vm, "vm", action, "cannot stand here (host instead)");
	if (sets != (action->speed > 0))
		wrong(ld, &action->speed, "speed", action,
		      sets ? "is missing: the speed of a step"
			   : "stands only beside do: set-speed");
	if (!action->host) {
		wrong(ld, &action->host, "host", action, "is missing: whom is it done to");
		return;
	}
	for (size_t i = 0; i < s->hosts.n; i++) {
		int64_t index = check_member_index(action->host, host[i].name);
		if (strcmp(action->host, host[i].name) != 0 &&
		    (index < 0 || index >= host[i].count))
			continue;
		any = true;
		if (sets && action->speed > 0 &&
		    (host[i].dvfs.governor != DVFS_FIXED ||
		     !check_has_speed(&host[i], action->speed)))
			wrong(ld, &action->speed, "speed", action,
			      "hosts %s have no such step, or not governor: fixed", host[i].name);
	}
	if (!any)
		wrong(ld, &action->host, "host", action,
		      "there is no group of hosts or host \"%s\" (group, or group-INDEX from 0)",
		      action->host);
}

void check_actions(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct action_spec *action = s->actions.items;
	static const char *const changes[] = {"vcpus", "memory", "cpu", "ram", "io"};

	if (!check_sound(ld, &s->hosts) || !check_sound(ld, &s->vms))
		return;
	for (size_t i = 0; i < s->actions.n; i++, action++) {
		const void *const fields[] = {&action->vcpus, &action->memory, &action->cpu,
					      &action->ram, &action->io};
		bool any = false;
		if (!check_sound_entry(ld, action))
			continue;
		if (action->at_ns >= s->duration_ns && check_sound(ld, &s->duration_ns))
			wrong(ld, &action->at_ns, "at", action, "is not before the end of the run");
		if (action->action >= ACTION_SWITCH_ON)
			check_host_action(ld, action);
		else
			check_vm_action(ld, action);
		check_migrate(ld, action);
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
			const struct mark *mark = mark_find(ld, fields[k], changes[k]);
			if (!mark)
				continue;
			any = true;
			if (action->action != ACTION_RESIZE)
				place_error(ld, mark->at, changes[k],
					    "stands only beside do: resize");
		}
		if (action->action == ACTION_RESIZE && !any)
			wrong(ld, &action->action, "do", action,
			      "resize needs one of vcpus, memory, cpu, ram, io");
	}
}
