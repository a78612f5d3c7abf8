/*
 * Power by formula: constant, and idle + (max - idle) f(u) with one f per model. Utilization
 * outside [0, 1] counts as the nearer end.
 *
 * The curve of Fan, Weber & Barroso ("Power provisioning for a warehouse-sized computer", 2007)
 * fitted their servers within 1 %; linear, square, cubic and sqrt are the ones of CloudSim.
 */
#include <math.h>
#include <stdio.h>

#include "models/power_list.h"

struct formula {
	double idle, max;
};

static const struct opt formula_opts[] = {{.name = "idle",
					   .type = OPT_POWER,
					   .offset = offsetof(struct formula, idle),
					   .required = true,
					   .help = "power of a host that is on and idle"},
					  {.name = "max",
					   .type = OPT_POWER,
					   .offset = offsetof(struct formula, max),
					   .required = true,
					   .help = "power at full load"},
					  {.name = NULL}};

static const char *formula_check(const void *state, char *why, size_t n)
{
	const struct formula *s = state;

	snprintf(why, n, "%gW is below idle, %gW", s->max, s->idle);
	return s->max < s->idle ? "max" : NULL;
}

static double formula(const struct formula *s, double f)
{
	return s->idle + (s->max - s->idle) * f;
}

static double clip(double util)
{
	return fmin(fmax(util, 0), 1);
}

static double linear_watts(const void *state, double util)
{
	return formula(state, clip(util));
}

static double square_watts(const void *state, double util)
{
	double u = clip(util);
	return formula(state, u * u);
}

static double cubic_watts(const void *state, double util)
{
	double u = clip(util);
	return formula(state, u * u * u);
}

static double sqrt_watts(const void *state, double util)
{
	return formula(state, sqrt(clip(util)));
}

static double fan_watts(const void *state, double util)
{
	double u = clip(util);
	return formula(state, 2 * u - pow(u, 1.4));
}

#define FORMULA(model, text, from)                               \
	const struct power_ops power_##model = {                 \
		.plugin = {.abi = PLUGIN_ABI,                    \
			   .ops_size = sizeof(struct power_ops), \
			   .name = #model,                       \
			   .summary = text,                      \
			   .source = from,                       \
			   .opts = formula_opts,                 \
			   .state_size = sizeof(struct formula), \
			   .check = formula_check},              \
		.watts = model##_watts,                          \
		.pieces = 1,                                     \
	}

FORMULA(linear, "from idle to max in proportion to utilization", "CloudSim");
FORMULA(square, "with the square of utilization", "CloudSim");
FORMULA(cubic, "with the cube of utilization", "CloudSim");
FORMULA(sqrt, "with the square root of utilization", "CloudSim");
FORMULA(fan, "idle + (max - idle)(2u - u^1.4)", "Fan, Weber & Barroso 2007");

/* SimGrid's wattage_per_state: power jumps as soon as anything runs. */
struct epsilon {
	double idle, epsilon, all;
};

static const struct opt epsilon_opts[] = {{.name = "idle",
					   .type = OPT_POWER,
					   .offset = offsetof(struct epsilon, idle),
					   .required = true,
					   .help = "power of a host that is on and idle"},
					  {.name = "epsilon",
					   .type = OPT_POWER,
					   .offset = offsetof(struct epsilon, epsilon),
					   .required = true,
					   .help = "power as soon as anything runs"},
					  {.name = "all",
					   .type = OPT_POWER,
					   .offset = offsetof(struct epsilon, all),
					   .required = true,
					   .help = "power at full load"},
					  {.name = NULL}};

static double epsilon_watts(const void *state, double util)
{
	const struct epsilon *s = state;

	return util > 0 ? s->epsilon + (s->all - s->epsilon) * clip(util) : s->idle;
}

const struct power_ops power_epsilon = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct power_ops),
		   .name = "epsilon",
		   .summary = "idle, or from epsilon to all in proportion to utilization",
		   .source = "SimGrid (idle:epsilon:all)",
		   .opts = epsilon_opts,
		   .state_size = sizeof(struct epsilon)},
	.watts = epsilon_watts,
	.pieces = 1,
};

struct constant {
	double watts;
};

static const struct opt constant_opts[] = {{.name = "watts",
					    .type = OPT_POWER,
					    .offset = offsetof(struct constant, watts),
					    .required = true,
					    .help = "power of a host that is on"},
					   {.name = NULL}};

static double constant_watts(const void *state, double util)
{
	(void)util;
	return ((const struct constant *)state)->watts;
}

const struct power_ops power_constant = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct power_ops),
		   .name = "constant",
		   .summary = "the same whatever the load",
		   .source = "own",
		   .opts = constant_opts,
		   .state_size = sizeof(struct constant)},
	.watts = constant_watts,
	.pieces = 1,
};
