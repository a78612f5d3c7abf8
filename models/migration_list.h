/* Every migration method: X(name), where migration.c defines migration_<name>. The order is that of
 * `cotenant policies`. */
#ifndef COTENANT_MODELS_MIGRATION_LIST_H
#define COTENANT_MODELS_MIGRATION_LIST_H

#include "models/migration.h"

#define MIGRATION_LIST(X) \
	X(pre_copy)       \
	X(post_copy)      \
	X(stop_and_copy)

#define MIGRATION_DECLARE(name) extern const struct migration_ops migration_##name;
MIGRATION_LIST(MIGRATION_DECLARE)
#undef MIGRATION_DECLARE

#endif
