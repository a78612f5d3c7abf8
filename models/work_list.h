/* Every workload: X(name), where work_<name>.c defines workload_<name>. The order is that of
 * `cotenant policies`. */
#ifndef COTENANT_MODELS_WORK_LIST_H
#define COTENANT_MODELS_WORK_LIST_H

#include "models/workload.h"

#define WORKLOAD_LIST(X) \
	X(constant)      \
	X(onoff)         \
	X(sine)          \
	X(stochastic)    \
	X(trace)         \
	X(batch)         \
	X(transfer)      \
	X(requests)

#define WORKLOAD_DECLARE(name) extern const struct workload_ops workload_##name;
WORKLOAD_LIST(WORKLOAD_DECLARE)
#undef WORKLOAD_DECLARE

#endif
