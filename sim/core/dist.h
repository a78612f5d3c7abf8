/*
 * Probability distributions as users write them: exp(10s), uniform(1s, 5s), 10s.
 *
 * A bare value is the constant law. Arguments carry the unit of the option they stand in; samples and
 * moments are in its stored unit, but seconds (not nanoseconds) for times. Laws, with arguments:
 *   constant(x)  exp(mean)  uniform(low, high)  normal(mean, sd)  lognormal(mean, cv)  gamma(mean, cv)
 *   erlang(k, mean)  weibull(shape, scale)  pareto(shape, scale)  h2(mean, cv2)
 * where cv, cv2, k and shape are plain numbers, h2 is the two-phase hyperexponential with balanced
 * means, and pareto's smallest value is its scale. normal() is not truncated here: who needs
 * non-negative values says what it does with the others.
 */
#ifndef COTENANT_SIM_CORE_DIST_H
#define COTENANT_SIM_CORE_DIST_H

#include <stdbool.h>

#include "sim/core/plugin.h"
#include "sim/core/rng.h"

enum dist_law {
	DIST_NONE, /* absent: zeroed struct */
	DIST_CONSTANT,
	DIST_EXP,
	DIST_UNIFORM,
	DIST_NORMAL,
	DIST_LOGNORMAL,
	DIST_GAMMA,
	DIST_ERLANG,
	DIST_WEIBULL,
	DIST_PARETO,
	DIST_H2,
	DIST_LAWS
};

struct dist {
	enum dist_law law;
	enum cpu_unit unit; /* of OPT_CPU values: all arguments in one unit */
	double a, b;        /* arguments in the order written */
};

/* Law by name; DIST_NONE if unknown. n-th argument of a law: does it carry the option's unit? */
enum dist_law dist_find(const char *name);
const char *dist_name(enum dist_law law);
unsigned dist_arity(enum dist_law law);
bool dist_arg_has_unit(enum dist_law law, unsigned arg);

/* NULL if the arguments make a law, else what is wrong with them ("sd is below 0"). */
const char *dist_problem(const struct dist *dist);

double dist_sample(const struct dist *dist, struct rng *rng);
double dist_mean(const struct dist *dist); /* INFINITY where the law has none */

#endif
