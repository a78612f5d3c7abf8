/*
 * The event queue: a total order of what happens.
 *
 * Events are ordered by time, then priority class (lower first), then serial number (first scheduled,
 * first out): two events never compare equal, and no pointer or hash decides. Time is int64_t
 * nanoseconds and may not be negative. A handle names one scheduled event until it is popped or
 * cancelled; handles are never reused within a queue's first 2^31 events per slot, so a stale handle
 * is recognised. Rescheduling gives the event a new serial: it goes behind others of its new time.
 *
 * Cost: O(log4 n) each, amortised; nothing is allocated below the size given to evq_new() and growth
 * doubles, up to 2^28 - 1 pending events.
 */
#ifndef COTENANT_SIM_CORE_EVQ_H
#define COTENANT_SIM_CORE_EVQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/err.h"

#define EVQ_NONE    UINT64_C(0) /* never a handle */
#define EVQ_CLASSES 16u         /* priority classes 0..15 */

struct evq_event {
	int64_t time_ns;
	uint32_t kind; /* the caller's: what happens */
	uint32_t id;   /* the caller's: to whom */
};

struct evq; /* opaque; one per run */

struct evq *evq_new(size_t expected) must_check; /* NULL when out of memory */
void evq_free(struct evq *q);

/* Schedules and returns the handle, or EVQ_NONE when out of memory. */
uint64_t evq_push(struct evq *q, struct evq_event event, unsigned priority) must_check;

/* Takes the first event out; false when the queue is empty. */
bool evq_pop(struct evq *q, struct evq_event *event);

/* The first event, which stays; false when the queue is empty. Its time; INT64_MAX when it is. */
bool evq_peek(const struct evq *q, struct evq_event *event);
int64_t evq_next_time(const struct evq *q);

/* True if the handle named a pending event, which is now gone. */
bool evq_cancel(struct evq *q, uint64_t handle);

/* Moves a pending event to @time_ns, same priority class; false if the handle names none. */
bool evq_reschedule(struct evq *q, uint64_t handle, int64_t time_ns);

bool evq_is_pending(const struct evq *q, uint64_t handle);
size_t evq_size(const struct evq *q);

#endif
