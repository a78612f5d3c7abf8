/* Every power model: X(name), where power_<name>.c or power_formula.c defines power_<name>. The
 * order is that of `cotenant policies`. */
#ifndef COTENANT_MODELS_POWER_LIST_H
#define COTENANT_MODELS_POWER_LIST_H

#include "models/power.h"

#define POWER_LIST(X) \
	X(table)      \
	X(linear)     \
	X(square)     \
	X(cubic)      \
	X(sqrt)       \
	X(fan)        \
	X(epsilon)    \
	X(constant)

#define POWER_DECLARE(name) extern const struct power_ops power_##name;
POWER_LIST(POWER_DECLARE)
#undef POWER_DECLARE

#endif
