/*
 * See registry.h. The plug-ins that were loaded at run time are the folder's one mutable global: a
 * struct plugin_kind is only a function. They are never unloaded.
 */
#include "policies/registry.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policies/list.h"
#include "sim/core/opt.h"

#define LOADED_MAX 32
#define STATE_MAX  ((size_t)1 << 30)

#define BUILTIN_POLICY(name) &policy_##name.plugin,
#define BUILTIN_PLACER(name) &placer_##name.plugin,

static const struct plugin *const policies[] = {POLICY_LIST(BUILTIN_POLICY)};
static const struct plugin *const placers[] = {PLACER_LIST(BUILTIN_PLACER)};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct loaded {
	const struct plugin *plugin[LOADED_MAX];
	size_t n;
};

static struct loaded loaded_policies, loaded_placers;

static const struct plugin *loaded_at(const struct loaded *loaded, size_t i)
{
	return i < loaded->n ? loaded->plugin[i] : NULL;
}

static const struct plugin *policy_at(size_t i)
{
	if (i < COUNT(policies))
		return policies[i];
	return loaded_at(&loaded_policies, i - COUNT(policies));
}

static const struct plugin *placer_at(size_t i)
{
	if (i < COUNT(placers))
		return placers[i];
	return loaded_at(&loaded_placers, i - COUNT(placers));
}

const struct plugin_kind policy_kind = {"host policy", sizeof(struct policy_ops), policy_at};
const struct plugin_kind placer_kind = {"placer", sizeof(struct placer_ops), placer_at};

static const char *policy_problem(const struct policy_ops *ops)
{
	const unsigned flags =
		POLICY_MEMORYLESS | POLICY_WORK_CONSERVING | POLICY_JOINT | POLICY_ENTITLEMENT;

	if (!ops->divide)
		return "divide() is missing";
	if (ops->resources == 0 || (ops->resources & ~RES_ALL))
		return "resources names none, or one that does not exist";
	if (ops->flags & ~flags)
		return "flags has a bit without a meaning";
	if (ops->vm_state_size > 0)
		return "vm_state_size is not 0: runs do not keep memory per VM yet";
	return NULL;
}

static const char *placer_problem(const struct placer_ops *ops)
{
	return ops->place ? NULL : "place() is missing";
}

static bool is_name(const char *name)
{
	return name && *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

const char *registry_problem(const struct plugin_kind *kind, const struct plugin *plugin, char *why,
			     size_t n)
{
	if (plugin->abi != PLUGIN_ABI) {
		snprintf(why, n, "it was built for ABI %u, this program has %u", plugin->abi,
			 PLUGIN_ABI);
		return why;
	}
	if (plugin->ops_size != kind->ops_size) {
		snprintf(why, n, "its ops struct has %u bytes, that of a %s has %zu",
			 plugin->ops_size, kind->what, kind->ops_size);
		return why;
	}
	if (!is_name(plugin->name))
		return "its name is not made of a-z, 0-9 and -";
	if (!plugin->summary || !*plugin->summary)
		return "its summary is missing";
	if (plugin->state_size > STATE_MAX)
		return "state_size is out of range";
	const char *problem = NULL;
	if (plugin->opts)
		problem = opt_table_problem(plugin->opts, plugin->state_size, why, n);
	if (!problem && kind == &policy_kind)
		problem = policy_problem((const struct policy_ops *)plugin);
	if (!problem && kind == &placer_kind)
		problem = placer_problem((const struct placer_ops *)plugin);
	return problem;
}

static bool name_taken(const struct plugin_kind *kind, const char *name)
{
	for (size_t i = 0; kind->at(i); i++) {
		if (strcmp(kind->at(i)->name, name) == 0)
			return true;
	}
	return false;
}

static int registry_add(const char *path, const struct plugin_kind *kind, struct loaded *loaded,
			const struct plugin *plugin, struct err *err)
{
	char why[256];
	const char *problem = registry_problem(kind, plugin, why, sizeof(why));

	if (problem)
		return err_input(err, "%s: unusable as a %s: %s", path, kind->what, problem);
	if (name_taken(kind, plugin->name))
		return err_input(err, "%s: there is a %s named %s already", path, kind->what,
				 plugin->name);
	if (loaded->n == LOADED_MAX)
		return err_input(err, "%s: more than %d plug-ins of one kind", path, LOADED_MAX);
	loaded->plugin[loaded->n++] = plugin;
	return 0;
}

int registry_load(const char *path, struct err *err)
{
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!so) {
		const char *why = dlerror();
		return err_input(err, "cannot load plug-in %s: %s", path, why ? why : "unknown");
	}
	const struct plugin *policy = dlsym(so, "cotenant_policy");
	const struct plugin *placer = dlsym(so, "cotenant_placer");
	int rc = 0;
	if (!policy && !placer)
		rc = err_input(err, "%s: exports neither cotenant_policy nor cotenant_placer",
			       path);
	if (policy)
		rc = registry_add(path, &policy_kind, &loaded_policies, policy, err);
	if (placer && rc == 0)
		rc = registry_add(path, &placer_kind, &loaded_placers, placer, err);
	/* A policy that was added keeps the object in use even if the placer beside it was refused.
	 */
	if (rc < 0 && (!policy || !placer))
		dlclose(so);
	return rc;
}
