/*
 * What every detector, selector and balancer of the lists must do, by random views: a number for every
 * history, an index in range for every choice, the same answer twice; and worked examples of each. A
 * new one is tested by being in the list.
 */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/list.h"
#include "policies/registry.h"
#include "sim/core/opt.h"

#define MAX_N 40
#define VIEWS 300

static uint64_t seed = 20261125;

static double uniform(double max)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(seed >> 11) * 0x1p-53 * max;
}

static void about(double a, double b)
{
	if (fabs(a - b) > 1e-9 * fmax(1, fabs(b)))
		fail_msg("%.15g, expected %.15g", a, b);
}

/* The plug-in of the kind with its default options; free with arena_fini(). */
static const void *named(const struct plugin_kind *kind, const char *name, struct arena *arena,
			 void **state)
{
	const struct plugin *plugin = plugin_find(kind, name);

	assert_non_null(plugin);
	*state = plugin_state(plugin, arena);
	assert_non_null(*state);
	return plugin;
}

/* Sets an option, as a scenario would. */
static void set(const struct plugin *plugin, void *state, const char *option, const char *text)
{
	char why[200];
	struct arena arena = {0};
	const struct opt *opt = opt_find(plugin->opts, option);

	assert_non_null(opt);
	assert_null(opt_parse(opt, text, state, &arena, why, sizeof(why)));
	arena_fini(&arena);
}

static double limit(const char *detector, const double *history, size_t n, double horizon)
{
	struct arena arena = {0};
	void *state;
	const struct detector_ops *ops = named(&detector_kind, detector, &arena, &state);
	double *scratch = calloc(DETECTOR_SCRATCH * n + 1, sizeof(*scratch));
	struct detector_view view = {
		.load = n ? history[n - 1] : 0.5,
		.n = n,
		.history = history,
		.horizon = horizon,
		.scratch = scratch,
	};

	double x = ops->limit(state, &view);
	about(ops->limit(state, &view), x);
	free(scratch);
	arena_fini(&arena);
	return x;
}

static void all_are_usable(void **unused)
{
	const struct plugin_kind *kinds[] = {&detector_kind, &selector_kind, &balancer_kind};
	char why[256];

	(void)unused;
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; kinds[k]->at(i); i++)
			assert_null(registry_problem(kinds[k], kinds[k]->at(i), why, sizeof(why)));
	struct detector_ops bad = detector_thr;
	bad.limit = NULL;
	assert_non_null(registry_problem(&detector_kind, &bad.plugin, why, sizeof(why)));
}

static void detectors_answer_with_a_number(void **unused)
{
	(void)unused;
	for (size_t d = 0; detector_kind.at(d); d++) {
		const struct detector_ops *ops = (const void *)detector_kind.at(d);
		struct arena arena = {0};
		void *state = plugin_state(&ops->plugin, &arena);
		size_t most = ops->samples ? ops->samples(state) : 0;
		double history[MAX_N] = {0}, scratch[DETECTOR_SCRATCH * MAX_N];
		assert_true(most <= MAX_N && most <= MIGRATOR_SAMPLES_MAX);
		for (unsigned k = 0; k < VIEWS; k++) {
			size_t n = (size_t)uniform((double)most + 1);
			for (size_t i = 0; i < n; i++)
				history[i] = k % 3 == 0 ? 0 : k % 3 == 1 ? uniform(2) : 0.75;
			struct detector_view view = {.load = n ? history[n - 1] : uniform(1),
						     .n = n,
						     .history = history,
						     .horizon = 1 + uniform(3),
						     .scratch = scratch};
			double a = ops->limit(state, &view), b = ops->limit(state, &view);
			assert_true(a == b); /* no NaN */
		}
		arena_fini(&arena);
	}
}

/* Level histories: no spread, no slope. */
static void level(void **unused)
{
	double half[30];

	(void)unused;
	for (int i = 0; i < 30; i++)
		half[i] = 0.5;
	about(limit("thr", half, 0, 1), 0.8);
	about(limit("iqr", half, 30, 1), 1);
	about(limit("mad", half, 30, 1), 1);
	about(limit("iqr", half, 11, 1), 0.7);
	about(limit("mad", half, 11, 1), 0.7);
	about(limit("lr", half, 10, 1), 1 / 1.2);
	about(limit("lrr", half, 10, 1), 1 / 1.2);
	about(limit("lr", half, 9, 1), 0.7);
	about(limit("lrr", half, 9, 1), 0.7);
	assert_true(isinf(limit("none", half, 0, 1)));
}

/* 1 .. 20 in hundredths: quartiles 0.0575 and 0.1525; every second step of 0.05 about the median. */
static void spread(void **unused)
{
	double ramp[20];

	(void)unused;
	for (int i = 0; i < 20; i++)
		ramp[i] = (i * 7 % 20 + 1) / 100.0;
	about(limit("iqr", ramp, 20, 1), 1 - 1.5 * 0.095);
	about(limit("mad", ramp, 20, 1), 1 - 2.5 * 0.05);
}

/* A line is continued; with two samples ahead, further. 0.90 at the tenth, 0.95 and 1.00 after it. */
static void slope(void **unused)
{
	double ramp[10];

	(void)unused;
	for (int i = 0; i < 10; i++)
		ramp[i] = 0.45 + 0.05 * i;
	about(limit("lr", ramp, 10, 1), 0.9 + 1 / 1.2 - 0.95);
	about(limit("lr", ramp, 10, 2), 0.9 + 1 / 1.2 - 1.00);
	about(limit("lrr", ramp, 10, 1), 0.9 + 1 / 1.2 - 0.95);
}

/* One wild sample on a level line: it tilts lr's line and leaves lrr's where it was. */
static void outlier(void **unused)
{
	double level[10], tilted, robust;

	(void)unused;
	for (int i = 0; i < 10; i++)
		level[i] = 0.6 + 0.002 * (i % 3 - 1);
	level[7] = 1.0;
	tilted = limit("lr", level, 10, 1);
	robust = limit("lrr", level, 10, 1);
	assert_true(fabs(level[9] + 1 / 1.2 - robust - 0.6) < 0.005);
	assert_true(level[9] + 1 / 1.2 - tilted > 0.7);
	/* Without iterations there is nothing robust about it. */
	struct arena arena = {0};
	void *state;
	const struct detector_ops *lrr = named(&detector_kind, "lrr", &arena, &state);
	double scratch[DETECTOR_SCRATCH * 10];
	struct detector_view view = {
		.load = level[9], .n = 10, .history = level, .horizon = 1, .scratch = scratch};
	set(&lrr->plugin, state, "iterations", "0");
	about(lrr->limit(state, &view), tilted);
	arena_fini(&arena);
}

struct host {
	double demand[MAX_N], size[MAX_N], shortfall[MAX_N], memory[MAX_N];
	float past[MAX_N][30];
	const float *history[MAX_N];
	double scratch[SELECTOR_SCRATCH(MAX_N)];
	struct selector_view view;
};

static void host_fill(struct host *h, size_t n, unsigned k)
{
	for (size_t i = 0; i < n; i++) {
		h->size[i] = k % 4 == 0 ? 0 : 500 + uniform(2000);
		h->demand[i] = k % 3 == 0 ? 0 : uniform(h->size[i]);
		h->shortfall[i] = k % 2 ? uniform(h->demand[i]) : 0;
		h->memory[i] = 1e9 * (1 + (double)(size_t)uniform(4));
		for (int s = 0; s < 30; s++)
			h->past[i][s] = k % 3 == 0 ? 0 : k % 3 == 1 ? (float)s : (float)uniform(9);
		h->history[i] = h->past[i];
	}
	h->view = (struct selector_view){n,         h->demand,  h->size, h->shortfall,
					 h->memory, h->history, 30,      h->scratch};
}

static size_t chosen(const char *selector, const struct selector_view *view)
{
	struct arena arena = {0};
	void *state;
	const struct selector_ops *ops = named(&selector_kind, selector, &arena, &state);

	size_t i = ops->select(state, view);
	arena_fini(&arena);
	return i;
}

static void selectors_choose_somebody(void **unused)
{
	static struct host h;

	(void)unused;
	for (size_t d = 0; selector_kind.at(d); d++) {
		const struct selector_ops *ops = (const void *)selector_kind.at(d);
		for (unsigned k = 0; k < VIEWS; k++) {
			struct arena arena = {0};
			struct err err = {0};
			void *a = plugin_state(&ops->plugin, &arena);
			void *b = plugin_state(&ops->plugin, &arena);
			host_fill(&h, k < 3 ? 1 : 1 + (size_t)uniform(MAX_N - 1), k);
			assert_true(!ops->init || ops->init(a, k, &err) == 0);
			assert_true(!ops->init || ops->init(b, k, &err) == 0);
			size_t i = ops->select(a, &h.view);
			assert_true(i < h.view.n);
			assert_int_equal(ops->select(b, &h.view), i);
			arena_fini(&arena);
		}
	}
}

static void selectors_by_hand(void **unused)
{
	static struct host h;

	(void)unused;
	host_fill(&h, 4, 1);
	memcpy(h.memory, (double[]){4, 2, 2, 3}, 4 * sizeof(double));
	memcpy(h.size, (double[]){1000, 2000, 500, 1000}, 4 * sizeof(double));
	memcpy(h.demand, (double[]){500, 400, 400, 200}, 4 * sizeof(double));
	memcpy(h.shortfall, (double[]){0, 50, 60, 60}, 4 * sizeof(double));
	assert_int_equal(chosen("mmt", &h.view), 1);
	assert_int_equal(chosen("mu", &h.view), 1);
	assert_int_equal(chosen("max-shortfall", &h.view), 2);
	memset(h.shortfall, 0, sizeof(h.shortfall));
	assert_int_equal(chosen("max-shortfall", &h.view), 1);
	/* VM 2 is VM 0 and VM 3 together, noise aside; VM 1 goes its own way. */
	for (int s = 0; s < 30; s++) {
		h.past[0][s] = (float)uniform(9);
		h.past[1][s] = (float)uniform(9);
		h.past[3][s] = (float)uniform(9);
		h.past[2][s] = h.past[0][s] + h.past[3][s] + (float)uniform(0.1);
	}
	assert_int_equal(chosen("mc", &h.view), 2);
	/* Too few samples to tell: as mmt. */
	h.view.nhistory = 4;
	assert_int_equal(chosen("mc", &h.view), 1);
}

/* Of 1000 draws each of 5 VMs has about 200; another seed draws others. */
static void random_selection(void **unused)
{
	struct arena arena = {0};
	struct err err = {0};
	void *a, *b;
	const struct selector_ops *rs = named(&selector_kind, "rs", &arena, &a);
	unsigned count[5] = {0}, differ = 0;
	struct selector_view view = {.n = 5};

	(void)unused;
	named(&selector_kind, "rs", &arena, &b);
	assert_int_equal(rs->init(a, 1, &err) | rs->init(b, 2, &err), 0);
	for (int i = 0; i < 1000; i++) {
		size_t x = rs->select(a, &view);
		count[x]++;
		differ += x != rs->select(b, &view);
	}
	for (int i = 0; i < 5; i++)
		assert_in_range(count[i], 150, 250);
	assert_in_range(differ, 700, 900);
	arena_fini(&arena);
}

/* Two hosts of 1000 MHz at 0.9 and 0.1: of VMs of 100, 400 and 800 MHz the second brings both to 0.5. */
static void balanced(void **unused)
{
	const uint32_t vm[] = {1, 2, 3};
	const double demand[] = {100, 400, 800}, at[] = {0.1, 0.4, 0.8}, to[] = {0.1, 0.1, 0.1};
	double seconds[] = {10, 10, 10};
	struct balancer_view view = {.nhosts = 2,
				     .mean = 0.5,
				     .sd = 0.4,
				     .load = 0.9,
				     .interval_s = 300,
				     .n = 3,
				     .vm = vm,
				     .demand = demand,
				     .migrate_s = seconds,
				     .load_to = to,
				     .from = at,
				     .to = at};
	struct arena arena = {0};
	void *state;
	const struct balancer_ops *drs = named(&balancer_kind, "drs", &arena, &state);

	(void)unused;
	assert_int_equal(drs->choose(state, &view), 1);
	/* It gains 0.4 x 2 hosts x 300 s = 240; it costs 0.1 x 0.8 x seconds. */
	seconds[1] = 3001;
	assert_int_equal(drs->choose(state, &view), 0);
	seconds[1] = 2999;
	assert_int_equal(drs->choose(state, &view), 1);
	view.moves = 100;
	assert_int_equal(drs->choose(state, &view), 3);
	view.moves = 0;
	view.sd = 0.1;
	assert_int_equal(drs->choose(state, &view), 3);
	assert_int_equal(balancer_none.choose(NULL, &view), 3);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_usable),
		cmocka_unit_test(detectors_answer_with_a_number),
		cmocka_unit_test(level),
		cmocka_unit_test(spread),
		cmocka_unit_test(slope),
		cmocka_unit_test(outlier),
		cmocka_unit_test(selectors_choose_somebody),
		cmocka_unit_test(selectors_by_hand),
		cmocka_unit_test(random_selection),
		cmocka_unit_test(balanced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
