/*
 * See dist.h. Users give means and coefficients of variation; the textbook parameters are derived
 * at each sample, which costs less than the logarithm that follows. lognormal: s^2 = ln(1 + cv^2),
 * m = ln(mean) - s^2/2. gamma: shape 1/cv^2, scale mean cv^2. h2, balanced means: branch 1 with
 * p = (1 + sqrt((cv2 - 1) / (cv2 + 1))) / 2 and mean/(2p), branch 2 with mean/(2(1 - p)).
 */
#include "sim/core/dist.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_randist.h>

#include "sim/core/bug.h"

static const struct law {
	const char *name;
	unsigned arity;
	bool has_unit[2];
} laws[DIST_LAWS] = {
	[DIST_NONE] = {"none", 0, {false, false}},
	[DIST_CONSTANT] = {"constant", 1, {true, false}},
	[DIST_EXP] = {"exp", 1, {true, false}},
	[DIST_UNIFORM] = {"uniform", 2, {true, true}},
	[DIST_NORMAL] = {"normal", 2, {true, true}},
	[DIST_LOGNORMAL] = {"lognormal", 2, {true, false}},
	[DIST_GAMMA] = {"gamma", 2, {true, false}},
	[DIST_ERLANG] = {"erlang", 2, {false, true}},
	[DIST_WEIBULL] = {"weibull", 2, {false, true}},
	[DIST_PARETO] = {"pareto", 2, {false, true}},
	[DIST_H2] = {"h2", 2, {true, false}},
};

enum dist_law dist_find(const char *name)
{
	for (unsigned i = DIST_CONSTANT; i < DIST_LAWS; i++)
		if (!strcmp(laws[i].name, name))
			return (enum dist_law)i;
	return DIST_NONE;
}

const char *dist_name(enum dist_law law)
{
	return laws[law].name;
}

unsigned dist_arity(enum dist_law law)
{
	return laws[law].arity;
}

bool dist_arg_has_unit(enum dist_law law, unsigned arg)
{
	return arg < laws[law].arity && laws[law].has_unit[arg];
}

static const char *shape_scale_problem(double shape, double scale)
{
	if (!(shape > 0))
		return "shape must be above 0";
	return scale > 0 ? NULL : "scale must be above 0";
}

const char *dist_problem(const struct dist *dist)
{
	double a = dist->a, b = dist->b;

	if (isnan(a) || isnan(b))
		return "an argument is not a number";
	if (dist->law != DIST_CONSTANT && (isinf(a) || isinf(b)))
		return "an argument is infinite";
	switch (dist->law) {
	case DIST_EXP:
		return a > 0 ? NULL : "mean must be above 0";
	case DIST_UNIFORM:
		return a <= b ? NULL : "low is above high";
	case DIST_NORMAL:
		return b >= 0 ? NULL : "sd is below 0";
	case DIST_LOGNORMAL:
	case DIST_GAMMA:
		if (!(a > 0))
			return "mean must be above 0";
		return b >= 0 ? NULL : "cv is below 0";
	case DIST_ERLANG:
		if (!(a >= 1 && a <= 1e6 && a == floor(a)))
			return "k must be a whole number from 1 to 1000000";
		return b > 0 ? NULL : "mean must be above 0";
	case DIST_WEIBULL:
	case DIST_PARETO:
		return shape_scale_problem(a, b);
	case DIST_H2:
		if (!(a > 0))
			return "mean must be above 0";
		return b >= 1 ? NULL : "cv2 is below 1";
	default:
		return NULL;
	}
}

static double sample_lognormal(const gsl_rng *r, double mean, double cv)
{
	double s2 = log1p(cv * cv);

	return exp(log(mean) - s2 / 2 + gsl_ran_gaussian_ziggurat(r, sqrt(s2)));
}

static double sample_h2(const gsl_rng *r, double mean, double cv2)
{
	double p = (1 + sqrt((cv2 - 1) / (cv2 + 1))) / 2;
	double branch = gsl_rng_uniform(r) < p ? p : 1 - p;

	return gsl_ran_exponential(r, mean / (2 * branch));
}

double dist_sample(const struct dist *dist, struct rng *rng)
{
	const gsl_rng *r = (const gsl_rng *)(const void *)rng;
	double a = dist->a, b = dist->b;

	switch (dist->law) {
	case DIST_CONSTANT:
		return a;
	case DIST_EXP:
		return gsl_ran_exponential(r, a);
	case DIST_UNIFORM:
		return a + (b - a) * gsl_rng_uniform(r);
	case DIST_NORMAL:
		return a + gsl_ran_gaussian_ziggurat(r, b);
	case DIST_LOGNORMAL:
		return sample_lognormal(r, a, b);
	case DIST_GAMMA:
		/* Below this cv the law is a constant to double precision. */
		return b < 1e-8 ? a : gsl_ran_gamma(r, 1 / (b * b), a * b * b);
	case DIST_ERLANG:
		return gsl_ran_gamma(r, a, b / a);
	case DIST_WEIBULL:
		return gsl_ran_weibull(r, b, a);
	case DIST_PARETO:
		return gsl_ran_pareto(r, a, b);
	case DIST_H2:
		return sample_h2(r, a, b);
	default:
		BUG_ON(dist->law != DIST_NONE);
		return 0;
	}
}

double dist_mean(const struct dist *dist)
{
	double a = dist->a, b = dist->b;

	switch (dist->law) {
	case DIST_UNIFORM:
		return a + (b - a) / 2;
	case DIST_ERLANG:
		return b;
	case DIST_WEIBULL:
		return b * tgamma(1 + 1 / a);
	case DIST_PARETO:
		return a > 1 ? a * b / (a - 1) : INFINITY;
	case DIST_NONE:
		return 0;
	default:
		return a;
	}
}
