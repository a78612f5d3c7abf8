/* The plug-ins of this folder that are compiled in, in the order of every listing. X(name) stands
 * for `const struct policy_ops policy_<name>`, `const struct placer_ops placer_<name>` and so on. */
#ifndef COTENANT_POLICIES_LIST_H
#define COTENANT_POLICIES_LIST_H

#include "policies/migrator.h"
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

#define DETECTOR_LIST(X) \
	X(none)        \
	X(npa)         \
	X(thr)         \
	X(iqr)         \
	X(mad)         \
	X(lr)          \
	X(lrr)

#define SELECTOR_LIST(X) \
	X(mmt)         \
	X(mc)          \
	X(mu)          \
	X(rs)          \
	X(max_shortfall)

#define BALANCER_LIST(X) \
	X(none)        \
	X(drs)
/* clang-format on */

#define LIST_POLICY(name)   extern const struct policy_ops policy_##name;
#define LIST_PLACER(name)   extern const struct placer_ops placer_##name;
#define LIST_DETECTOR(name) extern const struct detector_ops detector_##name;
#define LIST_SELECTOR(name) extern const struct selector_ops selector_##name;
#define LIST_BALANCER(name) extern const struct balancer_ops balancer_##name;
POLICY_LIST(LIST_POLICY)
PLACER_LIST(LIST_PLACER)
DETECTOR_LIST(LIST_DETECTOR)
SELECTOR_LIST(LIST_SELECTOR)
BALANCER_LIST(LIST_BALANCER)
#undef LIST_POLICY
#undef LIST_PLACER
#undef LIST_DETECTOR
#undef LIST_SELECTOR
#undef LIST_BALANCER

#endif
