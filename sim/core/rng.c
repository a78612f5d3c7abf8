/*
 * See rng.h. The generator and its state are one block of the arena, laid out as gsl_rng_alloc()
 * would have done with two. Seeds: FNV-1a over the name, started from the run's seed, then the
 * finaliser of splitmix64 (Steele, Lea & Flood 2014), so that close names and close seeds give
 * unrelated streams.
 */
#include "sim/core/rng.h"

#include <gsl/gsl_rng.h>

#include "sim/core/bug.h"

struct rng {
	gsl_rng gsl; /* first: dist.c hands it to GSL */
	_Alignas(16) unsigned char state[];
};

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint32_t rng_seed(uint64_t run_seed, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ mix(run_seed);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	for (;;) {
		hash = mix(hash);
		uint32_t seed = (uint32_t)(hash ^ hash >> 32);
		if (seed != 0 && seed != 4357)
			return seed;
	}
}

static struct rng *rng_new(struct arena *arena, const gsl_rng_type *type, uint32_t seed)
{
	struct rng *rng = arena_alloc(arena, sizeof(*rng) + type->size, 1);

	if (!rng)
		return NULL;
	rng->gsl = (gsl_rng){.type = type, .state = rng->state};
	gsl_rng_set(&rng->gsl, seed);
	return rng;
}

struct rng *rng_stream(struct arena *arena, uint64_t run_seed, const char *name)
{
	return rng_new(arena, gsl_rng_taus2, rng_seed(run_seed, name));
}

struct rng *rng_new_mt19937(struct arena *arena, uint32_t seed)
{
	return rng_new(arena, gsl_rng_mt19937, seed);
}

double rng_uniform(struct rng *rng)
{
	return gsl_rng_uniform(&rng->gsl);
}

double rng_uniform_pos(struct rng *rng)
{
	return gsl_rng_uniform_pos(&rng->gsl);
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
	BUG_ON(n == 0);
	if (n <= UINT32_MAX)
		return gsl_rng_uniform_int(&rng->gsl, n);
	/* Both generators give 32 bits. The last, incomplete run of n is rejected. */
	uint64_t limit = UINT64_MAX - (UINT64_MAX % n + 1) % n;
	for (;;) {
		uint64_t high = gsl_rng_get(&rng->gsl);
		uint64_t x = high << 32 | gsl_rng_get(&rng->gsl);
		if (x <= limit)
			return x % n;
	}
}
