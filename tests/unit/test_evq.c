/*
 * The queue is compiled in here with few serial numbers, so that renumbering happens often; all
 * that is asked of it holds with and without.
 */
#include "tests/test.h"

#include <stdlib.h>

#define EVQ_SERIALS UINT64_C(5000)
#include "sim/core/evq.c"

#include "sim/core/rng.h"

static uint64_t push(struct evq *q, int64_t time_ns, uint32_t id, unsigned priority)
{
	uint64_t handle = evq_push(q, (struct evq_event){time_ns, id ^ 0x5a5a, id}, priority);

	assert_true(handle != EVQ_NONE);
	return handle;
}

static void empty(void **state)
{
	struct evq *q = evq_new(0);
	struct evq_event event;

	(void)state;
	assert_non_null(q);
	assert_false(evq_pop(q, &event));
	assert_true(evq_next_time(q) == INT64_MAX);
	assert_false(evq_peek(q, &event));
	assert_int_equal(evq_size(q), 0);
	assert_false(evq_cancel(q, EVQ_NONE));
	assert_false(evq_is_pending(q, EVQ_NONE));
	assert_false(evq_reschedule(q, EVQ_NONE, 5));
	assert_false(evq_is_pending(q, 1));
	assert_false(evq_is_pending(q, UINT64_MAX));
	evq_free(q);
	evq_free(NULL);
}

static void ties(void **state)
{
	struct evq *q = evq_new(4);
	struct evq_event event;

	(void)state;
	assert_non_null(q);
	for (uint32_t i = 0; i < 1600; i++)
		push(q, 7, i, 15 - i % 16);
	for (uint32_t i = 0; i < 1600; i++) {
		assert_true(evq_pop(q, &event));
		assert_int_equal(event.id, 15 - i / 100 + i % 100 * 16);
		assert_int_equal(event.kind, event.id ^ 0x5a5a);
	}
	evq_free(q);
}

static void rescheduled_goes_behind(void **state)
{
	struct evq *q = evq_new(4);
	struct evq_event event;

	(void)state;
	assert_non_null(q);
	uint64_t first = push(q, 10, 1, 2);
	uint64_t third = push(q, 90, 3, 2);
	push(q, 10, 2, 2);
	push(q, 10, 4, 3);
	assert_true(evq_reschedule(q, first, 10));
	assert_true(evq_reschedule(q, third, 10));
	static const uint32_t want[] = {2, 1, 3, 4};
	for (int i = 0; i < 4; i++) {
		assert_true(evq_pop(q, &event));
		assert_int_equal(event.id, want[i]);
		assert_true(event.time_ns == 10);
	}
	evq_free(q);
}

static void stale_handles(void **state)
{
	struct evq *q = evq_new(1);
	struct evq_event event;

	(void)state;
	assert_non_null(q);
	uint64_t a = push(q, 5, 1, 0);
	assert_true(evq_is_pending(q, a));
	assert_true(evq_cancel(q, a));
	assert_false(evq_is_pending(q, a));
	assert_false(evq_cancel(q, a));
	assert_false(evq_reschedule(q, a, 6));
	uint64_t b = push(q, 5, 2, 0);
	assert_true(b != a);
	assert_false(evq_cancel(q, a));
	assert_true(evq_reschedule(q, b, 3));
	assert_true(evq_next_time(q) == 3);
	assert_true(evq_pop(q, &event));
	assert_int_equal(event.id, 2);
	assert_false(evq_is_pending(q, b));
	assert_false(evq_pop(q, &event));
	evq_free(q);
}

/* One event moved for ever must not fill memory, nor be delivered twice. */
static void moved_often(void **state)
{
	struct evq *q = evq_new(2);
	struct evq_event event;

	(void)state;
	assert_non_null(q);
	push(q, 1, 7, 0);
	uint64_t late = push(q, 1000000, 8, 0);
	for (int64_t i = 0; i < 100000; i++)
		assert_true(evq_reschedule(q, late, 1000000 + i * 7 % 1000));
	assert_true(q->end < 1000);
	assert_int_equal(q->cap, 2);
	assert_int_equal(evq_size(q), 2);
	assert_true(evq_pop(q, &event));
	assert_int_equal(event.id, 7);
	assert_true(evq_pop(q, &event));
	assert_int_equal(event.id, 8);
	assert_true(event.time_ns == 1000000 + 99999 * 7 % 1000);
	assert_false(evq_pop(q, &event));
	evq_free(q);
}

#define NAIVE_MAX 700

struct naive {
	struct {
		int64_t time;
		unsigned priority;
		uint64_t serial, handle;
		uint32_t id;
	} item[NAIVE_MAX];
	size_t n;
	uint64_t serial;
};

static size_t naive_first(const struct naive *ref)
{
	size_t best = 0;

	for (size_t i = 1; i < ref->n; i++) {
		if (ref->item[i].time != ref->item[best].time) {
			if (ref->item[i].time < ref->item[best].time)
				best = i;
		} else if (ref->item[i].priority != ref->item[best].priority) {
			if (ref->item[i].priority < ref->item[best].priority)
				best = i;
		} else if (ref->item[i].serial < ref->item[best].serial) {
			best = i;
		}
	}
	return best;
}

static void naive_step(struct naive *ref, struct evq *q, struct rng *rng, unsigned push_weight)
{
	unsigned action = (unsigned)rng_below(rng, 10 + push_weight);
	size_t i = ref->n ? (size_t)rng_below(rng, ref->n) : 0;
	int64_t time = (int64_t)rng_below(rng, 300);
	struct evq_event event;

	if (action >= 10 && ref->n < NAIVE_MAX) {
		i = ref->n++;
		ref->item[i].time = time;
		ref->item[i].priority = (unsigned)rng_below(rng, 3) * 7;
		ref->item[i].serial = ref->serial++;
		ref->item[i].id = (uint32_t)ref->serial;
		ref->item[i].handle = push(q, time, ref->item[i].id, ref->item[i].priority);
	} else if (action < 4) {
		assert_true(evq_pop(q, &event) == (ref->n > 0));
		if (ref->n == 0)
			return;
		i = naive_first(ref);
		assert_true(event.time_ns == ref->item[i].time);
		assert_int_equal(event.id, ref->item[i].id);
		assert_int_equal(event.kind, event.id ^ 0x5a5a);
		assert_false(evq_is_pending(q, ref->item[i].handle));
		ref->item[i] = ref->item[--ref->n];
	} else if (action < 6 && ref->n > 0) {
		uint64_t handle = ref->item[i].handle;
		assert_true(evq_cancel(q, handle));
		assert_false(evq_reschedule(q, handle, 1));
		ref->item[i] = ref->item[--ref->n];
	} else if (ref->n > 0) {
		assert_true(evq_reschedule(q, ref->item[i].handle, time));
		ref->item[i].time = time;
		ref->item[i].serial = ref->serial++;
	}
}

static void random_operations(void **state)
{
	struct arena arena = {0};
	struct rng *rng = rng_stream(&arena, 1, "evq");
	struct naive *ref = calloc(1, sizeof(*ref));
	struct evq *q = evq_new(2);

	(void)state;
	assert_non_null(rng);
	assert_non_null(ref);
	assert_non_null(q);
	for (int i = 0; i < 60000; i++) {
		/* By turns growing to the limit and draining. */
		naive_step(ref, q, rng, i / 6000 % 2 ? 2 : 14);
		assert_int_equal(evq_size(q), ref->n);
		int64_t first = ref->n ? ref->item[naive_first(ref)].time : INT64_MAX;
		struct evq_event event;
		assert_true(evq_next_time(q) == first);
		assert_true(evq_peek(q, &event) == (ref->n > 0));
		if (ref->n > 0)
			assert_int_equal(event.id, ref->item[naive_first(ref)].id);
	}
	for (size_t i = 0; i < ref->n; i++)
		assert_true(evq_is_pending(q, ref->item[i].handle));
	evq_free(q);
	free(ref);
	arena_fini(&arena);
}

/* More than the small number of serials, and not in order. */
static void growth(void **state)
{
	struct evq *q = evq_new(2);
	struct evq_event event;
	const uint32_t n = 6007;

	(void)state;
	assert_non_null(q);
	for (uint32_t i = 0; i < n; i++)
		push(q, (int64_t)((uint64_t)i * 7919 % n), i, 3);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(evq_pop(q, &event));
		assert_true(event.time_ns == i);
		assert_true((uint64_t)event.id * 7919 % n == i);
	}
	evq_free(q);
}

static void out_of_memory(void **state)
{
	struct evq_event event;

	(void)state;
	for (uint64_t n = 1;; n++) {
		size_t live = mem_live();
		int64_t pushed = 0;
		mem_fail_at(n);
		struct evq *q = evq_new(2);
		while (q && pushed < 100 &&
		       evq_push(q, (struct evq_event){100 - pushed, 0, 0}, 0) != EVQ_NONE)
			pushed++;
		mem_fail_at(0);
		assert_true(!q || evq_size(q) == (size_t)pushed);
		for (int64_t i = 0; i < pushed; i++) {
			assert_true(evq_pop(q, &event));
			assert_true(event.time_ns == 100 - pushed + 1 + i);
		}
		evq_free(q);
		assert_int_equal(mem_live(), live);
		if (pushed == 100)
			break;
		assert_true(n < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(ties),
		cmocka_unit_test(rescheduled_goes_behind),
		cmocka_unit_test(stale_handles),
		cmocka_unit_test(moved_often),
		cmocka_unit_test(random_operations),
		cmocka_unit_test(growth),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
