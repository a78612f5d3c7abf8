/*
 * The guard: no policy hands out what is not there. Checks every answer of every policy, in every
 * build. The rules are those of models/share.h, with a relative tolerance of GUARD_EPSILON for
 * rounding.
 */
#ifndef COTENANT_SIM_GUARD_H
#define COTENANT_SIM_GUARD_H

#include "models/share.h"
#include "sim/core/err.h"

#define GUARD_EPSILON 1e-9

/* Names for a message: a policy's, and a host's and a VM's written into @buf when it is needed. */
struct guard_names {
	const char *policy;
	const char *(*host)(const void *ctx, uint32_t host, char *buf, size_t n);
	const char *(*vm)(const void *ctx, uint32_t vm, char *buf, size_t n);
	const void *ctx;
};

/* 0, or -EPROTO with @err naming policy, host, VM, time and numbers of the first breach. */
int guard_check(const struct share_view *view, double *const *grant,
		const struct guard_names *names, struct err *err) must_check;

#endif
