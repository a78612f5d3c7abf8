/*
 * Live migration: what is copied when, and when the VM stands still.
 *
 * A method says, step by step, what comes next: bytes that go over the network, then a time to wait,
 * and where the VM runs meanwhile. It knows neither bandwidth nor clock: who drives it tells how many
 * bytes the VM has dirtied during the step that is over. So the same method serves a formula, where the
 * bandwidth is constant (migration_run()), and a run (sim/migrate.c), where migrations share links.
 *
 * Methods: pre-copy (Clark et al., NSDI 2005), post-copy (Hines & Gopalan, VEE 2009), stop-and-copy.
 */
#ifndef COTENANT_MODELS_MIGRATION_H
#define COTENANT_MODELS_MIGRATION_H

#include <stdbool.h>

#include "sim/core/plugin.h"

/* Where the VM runs during a step. OVER: there is no step, all is done. */
enum migration_where { MIGRATION_AT_SOURCE, MIGRATION_DOWN, MIGRATION_AT_TARGET, MIGRATION_OVER };

/* A step: first @bytes are sent, then @wait_s seconds pass. Either may be 0. */
struct migration_step {
	enum migration_where where;
	double bytes, wait_s;
};

/* A migration as its method sees it. The method counts steps, rounds and bytes sent. */
struct migration {
	double memory; /* bytes that have to get to the target */
	double dirty;  /* bytes written while the last step was sent, which must be sent again */
	double last;   /* bytes of the last step */
	double sent;   /* of all steps so far */
	unsigned steps, rounds; /* begun; those in which the VM runs at the source */
};

struct migration_ops {
	struct plugin plugin;
	/* Required. The step that follows; the first after a zeroed migration whose memory is set. */
	void (*next)(const void *state, const struct migration *m, struct migration_step *step);
};

extern const struct plugin_kind migration_kind;

/* Asks the method for the next step and counts it. */
void migration_next(const struct migration_ops *ops, const void *state, struct migration *m,
		    struct migration_step *step);

/* How bytes written become bytes dirty. */
enum migration_writes {
	WRITES_DISTINCT, /* every write dirties another byte */
	WRITES_RANDOM,   /* writes fall anywhere, also where it is dirty already:
			  * W (1 - exp(-written / W)) */
};

/* Of @written bytes, how many have to be sent again: at most the writable working set, which is @set or
 * the whole memory, whichever is less. */
double migration_dirtied(enum migration_writes writes, double set, double memory, double written);

/* A whole migration over a link of its own, of a VM that writes at a constant rate while it runs. */
struct migration_case {
	double memory;     /* bytes */
	double bandwidth;  /* bytes/s */
	double dirty_rate; /* bytes/s */
	double set;        /* writable working set, bytes; INFINITY: the memory */
	enum migration_writes writes;
};
struct migration_result {
	unsigned rounds;
	double total_s, downtime_s, sent; /* seconds, seconds, bytes */
};
void migration_run(const struct migration_ops *ops, const void *state,
		   const struct migration_case *c, struct migration_result *result);

#endif
