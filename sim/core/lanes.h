/*
 * Four doubles at a time, for loops over the VMs of a host: compilers do not vectorize comparisons
 * and sums of doubles by themselves without giving up on exact results.
 *
 * Lane by lane this is the arithmetic of scalar code on any machine (GCC vector extensions;
 * machines with narrower registers take several instructions). Sums keep one partial sum per lane
 * and join them in a fixed order, so results are the same bits everywhere.
 */
#ifndef COTENANT_SIM_CORE_LANES_H
#define COTENANT_SIM_CORE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 4

typedef double lanes __attribute__((vector_size(32)));
typedef int64_t lane_mask __attribute__((vector_size(32)));

typedef double lanes_in_memory __attribute__((vector_size(32), aligned(8), may_alias));

/* Always inlined: passing wide vectors between functions would depend on the machine. */
#define lanes_inline static inline __attribute__((always_inline))

/* Compiles a function twice, the second time for machines with wide registers; the loader chooses.
 */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
	!defined(__clang__)
#define lanes_wide __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define lanes_wide
#endif

/* n rounded up to whole groups of lanes. */
lanes_inline size_t lanes_room(size_t n)
{
	return (n + LANES - 1) / LANES * LANES;
}

lanes_inline lanes lanes_at(const double *p)
{
	return *(const lanes_in_memory *)p;
}

lanes_inline void lanes_put(double *p, lanes v)
{
	*(lanes_in_memory *)p = v;
}

lanes_inline lanes lanes_of(double x)
{
	return (lanes){x, x, x, x};
}

lanes_inline lanes choose(lane_mask m, lanes yes, lanes no)
{
	return (lanes)((m & (lane_mask)yes) | (~m & (lane_mask)no));
}

/* @yes where the mask is set, else 0. */
lanes_inline lanes lanes_where(lane_mask m, lanes yes)
{
	return (lanes)(m & (lane_mask)yes);
}

lanes_inline lanes lanes_min(lanes a, lanes b)
{
	return choose(a < b, a, b);
}

lanes_inline lanes lanes_max(lanes a, lanes b)
{
	return choose(a > b, a, b);
}

/* (v[0] + v[1]) + (v[2] + v[3]) */
lanes_inline double lanes_sum(lanes v)
{
	lanes pairs = v + __builtin_shufflevector(v, v, 1, 0, 3, 2);

	return pairs[0] + pairs[2];
}

/* The sums of four at once. */
lanes_inline lanes lanes_sums(lanes a, lanes b, lanes c, lanes d)
{
	lanes ab = __builtin_shufflevector(a, b, 0, 4, 2, 6) +
		   __builtin_shufflevector(a, b, 1, 5, 3, 7);
	lanes cd = __builtin_shufflevector(c, d, 0, 4, 2, 6) +
		   __builtin_shufflevector(c, d, 1, 5, 3, 7);

	return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) +
	       __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/* Rows become columns. */
lanes_inline void lanes_turn(lanes v[LANES])
{
	lanes a = __builtin_shufflevector(v[0], v[1], 0, 4, 2, 6);
	lanes b = __builtin_shufflevector(v[0], v[1], 1, 5, 3, 7);
	lanes c = __builtin_shufflevector(v[2], v[3], 0, 4, 2, 6);
	lanes d = __builtin_shufflevector(v[2], v[3], 1, 5, 3, 7);

	v[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
	v[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
	v[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
	v[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

lanes_inline double lanes_most(lanes v)
{
	lanes pairs = lanes_max(v, __builtin_shufflevector(v, v, 1, 0, 3, 2));

	return pairs[0] > pairs[2] ? pairs[0] : pairs[2];
}

lanes_inline double lanes_least(lanes v)
{
	lanes pairs = lanes_min(v, __builtin_shufflevector(v, v, 1, 0, 3, 2));

	return pairs[0] < pairs[2] ? pairs[0] : pairs[2];
}

lanes_inline bool lanes_any(lane_mask m)
{
	lane_mask pairs = m | __builtin_shufflevector(m, m, 2, 3, 0, 1);

	return (pairs[0] | pairs[1]) != 0;
}

lanes_inline bool lanes_all(lane_mask m)
{
	lane_mask pairs = m & __builtin_shufflevector(m, m, 2, 3, 0, 1);

	return (pairs[0] & pairs[1]) != 0;
}

#endif
