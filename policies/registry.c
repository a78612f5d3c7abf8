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

struct loaded {
	const struct plugin *plugin[LOADED_MAX];
	size_t n;
};

static const struct plugin *at(const struct plugin *const *builtin, size_t n,
			       const struct loaded *loaded, size_t i)
{
	if (i < n)
		return builtin[i];
	return i - n < loaded->n ? loaded->plugin[i - n] : NULL;
}

/* A kind: its list, what was loaded, and the function that goes through both. */
#define KIND(kind, LIST, BUILTIN, what)                                                       \
	static const struct plugin *const kind##_builtin[] = {LIST(BUILTIN)};                 \
	static struct loaded kind##_loaded;                                                   \
	static const struct plugin *kind##_at(size_t i)                                       \
	{                                                                                     \
		return at(kind##_builtin, sizeof(kind##_builtin) / sizeof(kind##_builtin[0]), \
			  &kind##_loaded, i);                                                 \
	}                                                                                     \
	const struct plugin_kind kind##_kind = {what, sizeof(struct kind##_ops), kind##_at};

#define BUILTIN_POLICY(name)   &policy_##name.plugin,
#define BUILTIN_PLACER(name)   &placer_##name.plugin,
#define BUILTIN_DETECTOR(name) &detector_##name.plugin,
#define BUILTIN_SELECTOR(name) &selector_##name.plugin,
#define BUILTIN_BALANCER(name) &balancer_##name.plugin,

KIND(policy, POLICY_LIST, BUILTIN_POLICY, "host policy")
KIND(placer, PLACER_LIST, BUILTIN_PLACER, "placer")
KIND(detector, DETECTOR_LIST, BUILTIN_DETECTOR, "detector")
KIND(selector, SELECTOR_LIST, BUILTIN_SELECTOR, "selector")
KIND(balancer, BALANCER_LIST, BUILTIN_BALANCER, "balancer")

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
	if (ops->vm_state_size > STATE_MAX)
		return "vm_state_size is out of range";
	if (ops->vm_state_size > 0 && (ops->flags & POLICY_MEMORYLESS))
		return "it keeps memory per VM, and flags say that it has none";
	return NULL;
}

static const char *placer_problem(const struct placer_ops *ops)
{
	return ops->place ? NULL : "place() is missing";
}

static const char *detector_problem(const struct detector_ops *ops)
{
	if (ops->flags & ~(unsigned)(DETECTOR_NEVER | DETECTOR_FULL_POWER))
		return "flags has a bit without a meaning";
	return ops->limit ? NULL : "limit() is missing";
}

static const char *selector_problem(const struct selector_ops *ops)
{
	return ops->select ? NULL : "select() is missing";
}

static const char *balancer_problem(const struct balancer_ops *ops)
{
	return ops->choose ? NULL : "choose() is missing";
}

/* What the kind's own hooks lack. */
static const char *kind_problem(const struct plugin_kind *kind, const struct plugin *plugin)
{
	const void *ops = plugin;

	return kind == &policy_kind     ? policy_problem(ops)
	       : kind == &placer_kind   ? placer_problem(ops)
	       : kind == &detector_kind ? detector_problem(ops)
	       : kind == &selector_kind ? selector_problem(ops)
	       : kind == &balancer_kind ? balancer_problem(ops)
					: NULL;
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
	if (!problem)
		problem = kind_problem(kind, plugin);
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
	static const struct {
		const char *symbol;
		const struct plugin_kind *kind;
		struct loaded *loaded;
	} exports[] = {
		{"cotenant_policy", &policy_kind, &policy_loaded},
		{"cotenant_placer", &placer_kind, &placer_loaded},
		{"cotenant_detector", &detector_kind, &detector_loaded},
		{"cotenant_selector", &selector_kind, &selector_loaded},
		{"cotenant_balancer", &balancer_kind, &balancer_loaded},
	};
	char here[4096];
	bool bare = !strchr(path, '/'); /* which the loader would look for elsewhere */

	snprintf(here, sizeof(here), "./%s", path);
	void *so = dlopen(bare ? here : path, RTLD_NOW | RTLD_LOCAL);
	size_t found = 0, added = 0;
	int rc = 0;

	if (!so) {
		const char *why = dlerror();
		return err_input(err, "cannot load plug-in %s: %s", path, why ? why : "unknown");
	}
	for (size_t i = 0; i < sizeof(exports) / sizeof(exports[0]) && rc == 0; i++) {
		const struct plugin *plugin = dlsym(so, exports[i].symbol);
		if (!plugin)
			continue;
		found++;
		rc = registry_add(path, exports[i].kind, exports[i].loaded, plugin, err);
		added += rc == 0;
	}
	if (found == 0)
		rc = err_input(err,
			       "%s: exports neither cotenant_policy nor cotenant_placer, "
			       "cotenant_detector, cotenant_selector or cotenant_balancer",
			       path);
	/* What was added keeps the object in use even if its neighbour was refused. */
	if (added == 0)
		dlclose(so);
	return rc;
}
