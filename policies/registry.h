/* The plug-ins of this folder that are compiled in, by kind (plugin.h), and those loaded at run time. */
#ifndef COTENANT_POLICIES_REGISTRY_H
#define COTENANT_POLICIES_REGISTRY_H

#include "policies/migrator.h"
#include "policies/placer.h"
#include "policies/policy.h"

extern const struct plugin_kind policy_kind;
extern const struct plugin_kind placer_kind;
extern const struct plugin_kind detector_kind;
extern const struct plugin_kind selector_kind;
extern const struct plugin_kind balancer_kind;

/* Loads a shared object that exports `const struct policy_ops cotenant_policy` (or placer_ops
 * cotenant_placer, detector_ops cotenant_detector, selector_ops cotenant_selector, balancer_ops
 * cotenant_balancer; also several of them), checks ABI, struct size, name and option table, and adds
 * it to its kind. Call before any run. 0 or -EINVAL / -errno with @err set. */
int registry_load(const char *path, struct err *err) must_check;

/* NULL, or why these ops must not be used. Checked for built-ins (tests) and shared objects alike.
 */
const char *registry_problem(const struct plugin_kind *kind, const struct plugin *plugin, char *why,
			     size_t n);

#endif
