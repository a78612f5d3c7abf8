/*
 * Power models: watts drawn by a host that is on, from its CPU utilization.
 * Kinds: table (11 points from idle to full load in tenths, linear in between; by `host:` one of the
 * shipped SPECpower tables or by `watts:` a list), linear, square, cubic, sqrt (idle and max), fan
 * (Fan, Weber & Barroso 2007: idle + (max - idle)(2u - u^1.4)), epsilon (SimGrid: idle, and from
 * epsilon to all cores while anything runs), constant.
 */
#ifndef COTENANT_MODELS_POWER_H
#define COTENANT_MODELS_POWER_H

#include "sim/core/err.h"
#include "sim/core/plugin.h"

struct power_ops {
	struct plugin plugin;
	/* Required. Watts at utilization @util in [0, 1]; watts(0) is the idle power. */
	double (*watts)(const void *state, double util);
	/* How many equal pieces of [0, 1] watts() consists of: over each it is linear, convex or
	 * concave where there is one, and linear where there are more. It may jump at 0. */
	unsigned pieces;
	/* Not required: what the state needs besides its options. */
	void (*init)(void *state);
};

extern const struct plugin_kind power_kind;

#define POWER_POINTS 11

/* A measured server, by name; the i-th, NULL past the end. */
struct power_table {
	const char *name;   /* "hp-ml110-g5" */
	const char *source; /* of the numbers */
	double watts[POWER_POINTS];
};
const struct power_table *power_table_at(size_t i);
const struct power_table *power_table_find(const char *name);

#endif
