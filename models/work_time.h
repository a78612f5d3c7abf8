/*
 * Seconds to nanoseconds, and when work will be done: what the workloads have in common.
 */
#ifndef COTENANT_MODELS_WORK_TIME_H
#define COTENANT_MODELS_WORK_TIME_H

#include <math.h>
#include <stdint.h>

/* A drawn duration: negative counts as 0, a positive one is at least 1 ns, and one beyond the clock
 * is as long as the clock has room for. */
static inline int64_t work_ns(double seconds)
{
	if (!(seconds > 0))
		return 0;
	if (seconds >= 4e9)
		return INT64_C(4000000000) * 1000000000;
	int64_t ns = llround(seconds * 1e9);
	return ns > 0 ? ns : 1;
}

/* @ns after @t, or INT64_MAX if the clock ends before. */
static inline int64_t work_after(int64_t t, int64_t ns)
{
	return ns > INT64_MAX - t ? INT64_MAX : t + ns;
}

/* When @work core-seconds are done at @rate cores from @now_ns on: later than now, rounded up to a
 * nanosecond (a thousandth of one over is rounding and does not count). */
static inline int64_t work_eta(int64_t now_ns, double work, double rate)
{
	if (!(rate > 0))
		return INT64_MAX;
	double ns = ceil(work / rate * 1e9 - 1e-3);
	if (ns >= (double)(INT64_MAX - now_ns))
		return INT64_MAX;
	return now_ns + (ns > 1 ? (int64_t)ns : 1);
}

/* Remaining core-seconds that count as none once @done of them have been given: one nanosecond's
 * worth, and what rounding of @done may leave. */
static inline double work_epsilon(double done)
{
	return 1e-9 + 1e-15 * done;
}

#endif
