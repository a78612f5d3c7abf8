/*
 * The CPU that VMs wanted in the past: for each VM a ring of as many samples as somebody asks for. Where
 * nobody does, nothing is kept. Wherever a VM stood, its past stays its own.
 */
#ifndef COTENANT_SIM_PAST_H
#define COTENANT_SIM_PAST_H

#include "models/dc.h"
#include "sim/core/pool.h"

struct past {
	size_t samples; /* per VM; set before the first use; 0: none are kept */
	size_t known;   /* taken so far, at most `samples` */
	size_t newest;  /* where in each row the last one stands */
	float *row;     /* VMs x samples, MHz */
	uint32_t *age;  /* per VM: samples since it came, at most `samples`; 0: it stands nowhere */
	size_t vms, row_cap, age_cap;
};

/* Takes a sample of every VM, 0 where it stands nowhere, on all threads of the pool (NULL: the caller's).
 * -ENOMEM. */
int past_sample(struct past *past, const struct dc *dc, struct pool *pool) must_check;
void past_fini(struct past *past);

static inline const float *past_of(const struct past *past, uint32_t vm)
{
	return past->row + (size_t)vm * past->samples;
}

/* Writes the last @n values of a ring to @out, oldest first, times @scale. */
void past_in_order(const struct past *past, const double *ring, size_t n, double scale,
		   double *out);

#endif
