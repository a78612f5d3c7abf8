/*
 * One workload on a host of its own: sets options, starts it, and drives it event by event with up
 * to `host_mhz` of CPU, as a driver would.
 */
#ifndef COTENANT_TESTS_UNIT_WORK_HARNESS_H
#define COTENANT_TESTS_UNIT_WORK_HARNESS_H

#include "tests/test.h"

#include <errno.h>
#include <math.h>

#include "models/workload.h"
#include "sim/core/opt.h"

#define SEC  INT64_C(1000000000)
#define HOUR (3600 * SEC)

struct bench {
	struct arena arena;
	struct err err;
	struct workload_ctx ctx;
	const struct workload_ops *ops;
	void *state;
	struct demand demand;
	int64_t now_ns;
	double host_mhz, rate;
	double work; /* integral of what it was given, MHz s */
	int events;
};

static inline void bench_fini(struct bench *b)
{
	if (b->ops->fini && b->state)
		b->ops->fini(b->state);
	arena_fini(&b->arena);
}

/* @options: pairs of name and value, NULL at the end. The VM: 2 vCPUs of 1000 MHz. */
static inline int bench_try(struct bench *b, const char *kind, const char *const *options)
{
	char why[256];
	b->ops = (const struct workload_ops *)(const void *)plugin_find(&workload_kind, kind);
	assert_non_null(b->ops);
	b->state = plugin_state(&b->ops->plugin, &b->arena);
	if (!b->state)
		return -ENOMEM;
	for (; *options; options += 2) {
		const struct opt *opt = opt_find(b->ops->plugin.opts, options[0]);
		assert_non_null(opt);
		const char *problem =
			opt_parse(opt, options[1], b->state, &b->arena, why, sizeof why);
		if (problem && mem_live() == 0)
			fail_msg("%s: %s: %s", options[0], options[1], problem);
		if (problem)
			return -ENOMEM;
	}
	b->ctx.arena = &b->arena;
	b->ctx.vcpus = b->ctx.vcpus ? b->ctx.vcpus : 2;
	b->ctx.speed = 1000;
	b->ctx.core = b->ctx.core > 0 ? b->ctx.core : 1000;
	b->ctx.name = b->ctx.name ? b->ctx.name : "vm/0";
	b->now_ns = b->ctx.now_ns;
	const char *key =
		b->ops->plugin.check ? b->ops->plugin.check(b->state, why, sizeof why) : NULL;
	if (key)
		return err_input(&b->err, "%s: %s", key, why);
	return b->ops->init ? b->ops->init(b->state, &b->ctx, &b->err) : 0;
}

static inline void bench_ask(struct bench *b, double dt_s)
{
	b->ops->demand(b->state, b->now_ns, dt_s, b->rate, &b->demand);
	b->rate = fmin(b->demand.want[RES_CPU], b->host_mhz);
}

static inline void bench_init(struct bench *b, const char *kind, const char *const *options)
{
	int rc = bench_try(b, kind, options);
	if (rc)
		fail_msg("%s: %s", kind, b->err.text);
	b->host_mhz = b->host_mhz > 0 ? b->host_mhz : 2000;
	bench_ask(b, 0);
}

/* Event by event up to @end_ns. */
static inline void bench_run(struct bench *b, int64_t end_ns)
{
	while (b->now_ns < end_ns) {
		int64_t at = b->ops->next(b->state, b->now_ns, b->rate);
		assert_true(at > b->now_ns);
		at = at < end_ns ? at : end_ns;
		double dt = (double)(at - b->now_ns) * 1e-9;
		b->work += b->rate * dt;
		b->now_ns = at;
		b->events++;
		bench_ask(b, dt);
	}
}

static inline void assert_close(double a, double b, double relative)
{
	if (!(fabs(a - b) <= relative * fmax(fabs(b), 1e-300)))
		fail_msg("%.15g, expected %.15g", a, b);
}

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
