/* The plug-ins of this folder that are compiled in, in the order of every listing. X(name) stands
 * for `const struct policy_ops policy_<name>` or `const struct placer_ops placer_<name>`. */
#ifndef COTENANT_POLICIES_LIST_H
#define COTENANT_POLICIES_LIST_H

#include "policies/placer.h"
#include "policies/policy.h"

/* clang-format off */
#define POLICY_LIST(X) \
	X(none)        \
	X(equal)       \
	X(weighted)    \
	X(strict)      \
	X(priority)    \
	X(static)      \
	X(drf)         \
	X(kernel)

#define PLACER_LIST(X) \
	X(first)       \
	X(best)        \
	X(worst)       \
	X(next)        \
	X(random)      \
	X(ffd)         \
	X(bfd)         \
	X(wfd)         \
	X(dot)         \
	X(norm)        \
	X(tetris)      \
	X(pabfd)
/* clang-format on */

#define LIST_POLICY(name) extern const struct policy_ops policy_##name;
#define LIST_PLACER(name) extern const struct placer_ops placer_##name;
POLICY_LIST(LIST_POLICY)
PLACER_LIST(LIST_PLACER)
#undef LIST_POLICY
#undef LIST_PLACER

#endif
