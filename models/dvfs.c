/* See dvfs.h. The governors are those of Linux' cpufreq, asked without delay: ondemand's step up to the
 * fastest speed and its steps down come to the same where demand is known. */
#include "models/dvfs.h"

/* Sums of demand may be off by rounding. */
#define SLACK (1 + 1e-12)

/* The slowest step that has @speed, or the fastest of all. */
static unsigned slowest_with(const struct dvfs *dvfs, double speed)
{
	unsigned i = 0;

	while (i + 1 < dvfs->n && dvfs->step[i].speed * SLACK < speed)
		i++;
	return i;
}

static unsigned performance(const struct dvfs *dvfs, const struct dvfs_need *need)
{
	(void)need;
	return (unsigned)dvfs->n - 1;
}

static unsigned powersave(const struct dvfs *dvfs, const struct dvfs_need *need)
{
	(void)dvfs;
	(void)need;
	return 0;
}

static unsigned ondemand(const struct dvfs *dvfs, const struct dvfs_need *need)
{
	return slowest_with(dvfs, need->busiest / dvfs->up);
}

static unsigned fixed(const struct dvfs *dvfs, const struct dvfs_need *need)
{
	(void)dvfs;
	return need->set;
}

static unsigned (*const governor[DVFS_GOVERNORS])(const struct dvfs *, const struct dvfs_need *) = {
	[DVFS_PERFORMANCE] = performance,
	[DVFS_POWERSAVE] = powersave,
	[DVFS_ONDEMAND] = ondemand,
	[DVFS_FIXED] = fixed,
};

unsigned dvfs_choose(const struct dvfs *dvfs, const struct dvfs_need *need)
{
	unsigned chosen = governor[dvfs->governor](dvfs, need);
	unsigned least = slowest_with(dvfs, need->guaranteed);

	return chosen > least ? chosen : least;
}

double dvfs_watts(const struct dvfs_step *step, double util)
{
	double idle = step->watts(step->state, 0);

	return step->dynamic == 1 ? step->watts(step->state, util)
				  : idle + (step->watts(step->state, util) - idle) * step->dynamic;
}
