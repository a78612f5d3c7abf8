/*
 * What makes a measurement on this machine believable, or not: whether work costs the same CPU time all
 * along, what the hypervisor below took, what others used. CPU time is exact, the work done in it is not:
 * on a shared core it varies by a factor of two.
 */
#ifndef COTENANT_REPLAY_VALIDITY_H
#define COTENANT_REPLAY_VALIDITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/driver.h"

/* CPU time since the boot in clock ticks, of one core or of all (-1). False if it cannot be read. @root: see
 * replay/procfs.h. */
struct cpu_ticks {
	uint64_t busy, steal, all;
};
bool cpu_ticks(const char *root, int core, struct cpu_ticks *ticks) must_check;

struct validity {
	const char *root;
	const int *cores;
	size_t ncores;
	struct cpu_ticks before; /* of these cores, at the beginning */
	float *rate;             /* work per CPU ns, of each sample */
	size_t n, cap;
	int64_t guests_ns; /* CPU time of the guests and their processes */
	int64_t late_ns;   /* latest update after its moment */
	bool limited;      /* something that should be enforced could not be */
};

/* @root and @cores stay the caller's. */
void validity_begin(struct validity *v, const char *root, const int *cores, size_t ncores);
/* A guest did that work in that time; 0 or -ENOMEM. */
int validity_sample(struct validity *v, uint64_t work, int64_t cpu_ns) must_check;
/* @real_s seconds after the beginning. */
void validity_tell(struct validity *v, double real_s, struct room_real *out);
void validity_fini(struct validity *v);

#endif
