/*
 * Random numbers: one independent stream per named component.
 *
 * A stream's seed is a hash of the run's seed and the stream's name, so adding a VM or changing a
 * policy shifts nobody else's numbers (common random numbers). The generator is GSL's mt19937 for the
 * oracles' sake (rng_new_mt19937) and gsl_rng_taus2 for streams, whose state is 24 bytes and not 5 KB:
 * a million VMs can each have one.
 */
#ifndef COTENANT_SIM_CORE_RNG_H
#define COTENANT_SIM_CORE_RNG_H

#include <stdint.h>

#include "sim/core/err.h"
#include "sim/core/mem.h"

struct rng; /* opaque */

/* The seed of a named stream: never 0 and never 4357 (one and the same stream in GSL's mt19937). */
uint32_t rng_seed(uint64_t run_seed, const char *name);

/* A stream in the arena, or NULL when out of memory. */
struct rng *rng_stream(struct arena *arena, uint64_t run_seed, const char *name) must_check;

/* The generator that published values exist for. A struct rng begins with its gsl_rng. */
struct rng *rng_new_mt19937(struct arena *arena, uint32_t seed) must_check;

double rng_uniform(struct rng *rng);             /* [0, 1) */
double rng_uniform_pos(struct rng *rng);         /* (0, 1) */
uint64_t rng_below(struct rng *rng, uint64_t n); /* 0..n-1, unbiased; n >= 1 */

#endif
