/*
 * What every policy of the list must do, by random views: the guard's rules, determinism, what its
 * flags promise, and the metamorphic relations that hold for all of them. A new policy is tested by
 * being in the list. COTENANT_TEST_SEED repeats a failure.
 */
#include "tests/test.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/list.h"
#include "policies/registry.h"
#include "sim/core/opt.h"

#define MAX_N      12
#define MAX_COLS   4
#define VIEWS      250
#define MAX_MEMORY 64

static uint64_t seed = 20240611;

static double uniform(double max)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(seed >> 11) * 0x1p-53 * max;
}

static size_t below(size_t n)
{
	return (size_t)uniform((double)n);
}

struct world {
	struct share_view view;
	struct share_col col[MAX_COLS];
	double want[MAX_COLS][MAX_N], floor[MAX_COLS][MAX_N], cap[MAX_COLS][MAX_N];
	double weight[MAX_COLS][MAX_N], scratch[SHARE_SCRATCH * MAX_N];
	uint32_t vm[MAX_N];
	int32_t priority[MAX_N];
	_Alignas(16) unsigned char memory[MAX_N][MAX_MEMORY]; /* per VM */
	void *vm_state[MAX_N];
};

struct answer {
	double g[MAX_COLS][MAX_N];
};

/* Sets the pointers, also after a copy. */
static void world_wire(struct world *w)
{
	w->view.col = w->col;
	w->view.vm = w->vm;
	w->view.priority = w->priority;
	w->view.scratch = w->scratch;
	for (size_t i = 0; i < MAX_N; i++)
		w->vm_state[i] = w->memory[i];
	for (size_t k = 0; k < w->view.ncols; k++) {
		w->col[k].want = w->want[k];
		w->col[k].floor = w->floor[k];
		w->col[k].cap = w->cap[k];
		w->col[k].weight = w->weight[k];
	}
}

static void world_vm(struct world *w, size_t i, double size)
{
	double weight = below(8) == 0 ? 0.0 : (double)(1 + below(1000));

	w->vm[i] = (uint32_t)i;
	w->priority[i] = (int32_t)below(3) - 1;
	for (size_t k = 0; k < w->view.ncols; k++) {
		w->want[k][i] = below(6) == 0 ? 0.0 : uniform(size);
		w->floor[k][i] = below(2) == 0 ? 0.0 : uniform(size / 3);
		w->cap[k][i] = below(2) == 0 ? INFINITY : uniform(size);
		w->weight[k][i] = weight;
	}
}

static void world_draw(struct world *w, const enum resource *res, size_t ncols)
{
	static const double sizes[] = {1, 1000, 1e18, 1e-6};
	double size = sizes[below(4)];

	memset(w, 0, sizeof(*w));
	w->view.ncols = ncols;
	w->view.n = below(MAX_N); /* leaves room for one more */
	w->view.tick_ns = 1000000000;
	for (size_t i = 0; i < w->view.n; i++)
		world_vm(w, i, size);
	for (size_t k = 0; k < ncols; k++) {
		w->col[k].res = res[k];
		w->col[k].capacity = below(12) == 0 ? 0.0 : uniform(size * (double)w->view.n);
	}
	world_wire(w);
}

static void ask(const struct policy_ops *ops, void *state, struct world *w, struct answer *a)
{
	double *grant[MAX_COLS];

	assert_true(ops->vm_state_size <= MAX_MEMORY);
	w->view.vm_state = ops->vm_state_size > 0 ? w->vm_state : NULL;
	memset(w->memory, 0, sizeof(w->memory));
	memset(a, 0xff, sizeof(*a)); /* NaN: whatever is not written shows */
	for (size_t i = 0; i < SHARE_SCRATCH * MAX_N; i++)
		w->scratch[i] = NAN;
	for (size_t k = 0; k < MAX_COLS; k++)
		grant[k] = a->g[k];
	ops->divide(state, &w->view, grant);
}

static double most_of(const struct world *w, size_t k, size_t i)
{
	return fmin(w->want[k][i], w->cap[k][i]);
}

static double floor_of(const struct world *w, size_t k, size_t i)
{
	return fmin(w->floor[k][i], most_of(w, k, i));
}

typedef void check_fn(const struct policy_ops *ops, void *state, struct world *w);

static void must(bool ok, const struct policy_ops *ops, const char *what, size_t k, size_t i)
{
	if (!ok)
		fail_msg("%s: %s (column %zu, VM %zu)", ops->plugin.name, what, k, i);
}

static void with_resources(const struct policy_ops *ops, void *state, check_fn *check)
{
	static const struct {
		size_t n;
		enum resource res[MAX_COLS];
	} sets[] = {
		{1, {RES_CPU}},
		{1, {RES_MEM}},
		{2, {RES_DISK, RES_IOPS}},
		{4, {RES_CPU, RES_MEM, RES_DISK, RES_IOPS}},
	};
	static struct world w;

	for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		unsigned bits = 0;
		for (size_t k = 0; k < sets[s].n; k++)
			bits |= RES_BIT(sets[s].res[k]);
		if ((ops->resources & bits) != bits)
			continue;
		if (sets[s].n == 4 && !(ops->flags & POLICY_JOINT))
			continue;
		for (unsigned v = 0; v < VIEWS; v++) {
			world_draw(&w, sets[s].res, sets[s].n);
			check(ops, state, &w);
		}
	}
}

/* With the default options, and for `weighted` with rule m2 too. */
static void for_all(check_fn *check)
{
	const struct plugin *plugin;

	for (size_t p = 0; (plugin = policy_kind.at(p)); p++) {
		const struct policy_ops *ops = (const struct policy_ops *)plugin;
		struct arena arena = {0};
		struct err err = {0};
		void *state = plugin_state(plugin, &arena);
		assert_non_null(state);
		assert_int_equal(ops->init ? ops->init(state, &err) : 0, 0);
		with_resources(ops, state, check);
		const struct opt *rule = plugin->opts ? opt_find(plugin->opts, "rule") : NULL;
		char why[256];
		if (rule) {
			assert_null(opt_parse(rule, "m2", state, &arena, why, sizeof(why)));
			with_resources(ops, state, check);
		}
		if (ops->fini)
			ops->fini(state);
		arena_fini(&arena);
	}
}

static void guard_and_determinism(const struct policy_ops *ops, void *state, struct world *w)
{
	struct answer a, b;

	ask(ops, state, w, &a);
	for (size_t k = 0; k < w->view.ncols; k++) {
		double sum = 0.0, floors = 0.0;
		for (size_t i = 0; i < w->view.n; i++) {
			sum += a.g[k][i];
			floors += floor_of(w, k, i);
			must(a.g[k][i] >= 0.0, ops, "grant is negative or NaN", k, i);
			must(a.g[k][i] <= most_of(w, k, i), ops, "grant > min(want, cap)", k, i);
		}
		must(sum <= w->col[k].capacity * (1 + 1e-10), ops, "sum > capacity", k, 0);
		for (size_t i = 0; i < w->view.n && floors <= w->col[k].capacity; i++)
			must(a.g[k][i] >= floor_of(w, k, i) * (1 - 1e-12), ops, "floor", k, i);
	}
	if (!(ops->flags & POLICY_MEMORYLESS))
		return;
	unsigned char before[256];
	assert_true(ops->plugin.state_size <= sizeof(before));
	memcpy(before, state, ops->plugin.state_size);
	w->view.now_ns += 12345;
	ask(ops, state, w, &b);
	must(memcmp(before, state, ops->plugin.state_size) == 0, ops, "its state changed", 0, 0);
	must(memcmp(&a, &b, sizeof(a)) == 0, ops, "same view, other grants", 0, 0);
}

static void work_conservation(const struct policy_ops *ops, void *state, struct world *w)
{
	struct answer a;
	double sum = 0.0, most = 0.0;

	if (w->view.ncols != 1 || !(ops->flags & POLICY_WORK_CONSERVING))
		return;
	for (size_t i = 0; i < w->view.n; i++)
		w->weight[0][i] = fmax(w->weight[0][i], 1.0);
	ask(ops, state, w, &a);
	for (size_t i = 0; i < w->view.n; i++) {
		sum += a.g[0][i];
		most += most_of(w, 0, i);
	}
	most = fmin(most, w->col[0].capacity);
	must(fabs(sum - most) <= 1e-9 * most, ops, "not work-conserving", 0, 0);
}

static bool alike(double a, double b, double capacity)
{
	return fabs(a - b) <= 1e-9 * fmax(capacity, fmax(a, b));
}

static void same_answer(const struct policy_ops *ops, const struct world *w, const struct answer *a,
			const struct answer *b, const char *what)
{
	for (size_t k = 0; k < w->view.ncols; k++) {
		for (size_t i = 0; i < w->view.n; i++)
			must(alike(a->g[k][i], b->g[k][i], w->col[k].capacity), ops, what, k, i);
	}
}

static void J3_scale_of_weights(const struct policy_ops *ops, void *state, struct world *w)
{
	struct answer a, b;

	ask(ops, state, w, &a);
	for (size_t k = 0; k < w->view.ncols; k++) {
		for (size_t i = 0; i < w->view.n; i++)
			w->weight[k][i] *= 12.7;
	}
	ask(ops, state, w, &b);
	same_answer(ops, w, &a, &b, "J3: weights scaled");
}

/* A VM without demand and floor; for partitions, which count the VMs present, also without share.
 */
static void J15_idle_vm(const struct policy_ops *ops, void *state, struct world *w)
{
	struct answer a, b;
	size_t n = w->view.n;
	bool partition = ops == &policy_strict || ops == &policy_static;

	ask(ops, state, w, &a);
	w->vm[n] = (uint32_t)n;
	for (size_t k = 0; k < w->view.ncols; k++) {
		w->want[k][n] = w->floor[k][n] = 0.0;
		w->cap[k][n] = partition ? 0.0 : INFINITY;
		w->weight[k][n] = partition ? 0.0 : 100.0;
	}
	w->view.n++;
	ask(ops, state, w, &b);
	w->view.n--;
	same_answer(ops, w, &a, &b, "J15: idle VM added");
	for (size_t k = 0; k < w->view.ncols; k++)
		must(b.g[k][n] == 0.0, ops, "J15: the idle VM got something", k, n);
}

/* In one column; among several a cap stands for the whole demand. `static` shares by cap. */
static void J17_raised_cap(const struct policy_ops *ops, void *state, struct world *w)
{
	struct answer a, b;

	if (ops == &policy_static || w->view.ncols != 1)
		return;
	ask(ops, state, w, &a);
	for (size_t i = 0; i < w->view.n; i++) {
		if (a.g[0][i] < w->cap[0][i] * (1 - 1e-6) && w->floor[0][i] <= w->cap[0][i])
			w->cap[0][i] *= 1 + uniform(3);
	}
	ask(ops, state, w, &b);
	same_answer(ops, w, &a, &b, "J17: caps raised");
}

static void monotony_in_weight(const struct policy_ops *ops, void *state, struct world *w)
{
	struct answer a, b;

	if (w->view.n == 0 || w->view.ncols != 1)
		return;
	size_t i = below(w->view.n);
	ask(ops, state, w, &a);
	w->weight[0][i] = w->weight[0][i] * (1 + uniform(4)) + uniform(1);
	ask(ops, state, w, &b);
	must(b.g[0][i] >= a.g[0][i] - 1e-9 * w->col[0].capacity, ops, "more weight, less grant", 0,
	     i);
}

static void more_capacity_hurts_nobody(const struct policy_ops *ops, void *state, struct world *w)
{
	struct answer a, b;

	if (w->view.ncols != 1)
		return;
	double floors = 0.0;
	for (size_t i = 0; i < w->view.n; i++)
		floors += w->floor[0][i];
	if ((ops == &policy_strict || ops == &policy_static) && floors > w->col[0].capacity)
		return; /* more was promised than there is: their slices look at demand then */
	ask(ops, state, w, &a);
	w->col[0].capacity *= 1 + uniform(1);
	ask(ops, state, w, &b);
	for (size_t i = 0; i < w->view.n; i++)
		must(b.g[0][i] >= a.g[0][i] - 1e-9 * w->col[0].capacity, ops, "more capacity", 0,
		     i);
}

/* Swaps of two VMs' whole rows. */
static void J1_permutation(const struct policy_ops *ops, void *state, struct world *w)
{
	static struct world p;
	struct answer a, b, back;
	size_t n = w->view.n;

	p = *w;
	world_wire(&p);
	for (size_t i = 0; i < n; i++) {
		p.priority[i] = w->priority[n - 1 - i];
		for (size_t k = 0; k < w->view.ncols; k++) {
			p.want[k][i] = w->want[k][n - 1 - i];
			p.floor[k][i] = w->floor[k][n - 1 - i];
			p.cap[k][i] = w->cap[k][n - 1 - i];
			p.weight[k][i] = w->weight[k][n - 1 - i];
		}
	}
	ask(ops, state, w, &a);
	ask(ops, state, &p, &b);
	for (size_t k = 0; k < w->view.ncols; k++) {
		for (size_t i = 0; i < n; i++)
			back.g[k][i] = b.g[k][n - 1 - i];
	}
	same_answer(ops, w, &a, &back, "J1: VMs permuted");
}

static void guard_rules_hold(void **state)
{
	(void)state;
	for_all(guard_and_determinism);
}

static void J6_work_conservation(void **state)
{
	(void)state;
	for_all(work_conservation);
}

static void J1_J3_J15_J17_hold(void **state)
{
	(void)state;
	for_all(J1_permutation);
	for_all(J3_scale_of_weights);
	for_all(J15_idle_vm);
	for_all(J17_raised_cap);
}

static void monotony_holds(void **state)
{
	(void)state;
	for_all(monotony_in_weight);
	for_all(more_capacity_hurts_nobody);
}

/* DRF, users with tasks without end and equal weights: x tasks, c dominant share per task. */
static void drf_properties(void **state)
{
	static struct world w;
	static const enum resource res[] = {RES_CPU, RES_MEM, RES_DISK, RES_IOPS};
	struct answer a;
	int spare[2] = {1, 0}; /* the option `spare: keep`: the paper's rule */

	(void)state;
	for (unsigned v = 0; v < VIEWS; v++) {
		world_draw(&w, res, 1 + below(4));
		w.view.n = 1 + below(6);
		for (size_t k = 0; k < w.view.ncols; k++) {
			w.col[k].capacity = 1 + uniform(10);
			for (size_t i = 0; i < w.view.n; i++) {
				w.want[k][i] = k > 0 && below(3) == 0 ? 0 : 1000 + uniform(9000);
				w.floor[k][i] = 0;
				w.cap[k][i] = INFINITY;
				w.weight[k][i] = 3;
			}
		}
		ask(&policy_drf, spare, &w, &a);
		double n = (double)w.view.n;
		for (size_t i = 0; i < w.view.n; i++) {
			double share = 0.0;
			bool full = false;
			for (size_t k = 0; k < w.view.ncols; k++) {
				double sum = 0.0;
				for (size_t j = 0; j < w.view.n; j++)
					sum += a.g[k][j];
				share = fmax(share, a.g[k][i] / w.col[k].capacity);
				full |= w.want[k][i] > 0 && sum >= w.col[k].capacity * (1 - 1e-9);
			}
			must(share >= (1 - 1e-9) / n, &policy_drf, "sharing incentive", 0, i);
			must(full, &policy_drf, "Pareto: no column it wants is full", 0, i);
			for (size_t j = 0; j < w.view.n; j++) {
				double mine = INFINITY, theirs = INFINITY;
				for (size_t k = 0; k < w.view.ncols; k++) {
					if (w.want[k][i] <= 0)
						continue;
					mine = fmin(mine, a.g[k][i] / w.want[k][i]);
					theirs = fmin(theirs, a.g[k][j] / w.want[k][i]);
				}
				must(theirs <= mine * (1 + 1e-9), &policy_drf, "envy", j, i);
			}
		}
	}
}

/* Closed forms: A wants all, B half; priorities, partitions, nothing lent. */
static void known_answers(void **state)
{
	static struct world w;
	static const struct {
		const struct policy_ops *ops;
		double want[3];
	} cases[] = {
		{&policy_none, {10, 0, 0}},     {&policy_equal, {35, 30, 35}},
		{&policy_strict, {20, 20, 60}}, {&policy_priority, {10, 30, 60}},
		{&policy_static, {25, 25, 50}},
	};
	struct answer a;

	(void)state;
	w.view.n = 3;
	w.view.ncols = 1;
	w.col[0].capacity = 100;
	world_wire(&w);
	for (size_t i = 0; i < 3; i++) {
		w.want[0][i] = i == 1 ? 30 : 100;
		w.floor[0][i] = i == 0 ? 10 : 0;
		w.cap[0][i] = i == 2 ? 100 : 50;
		w.weight[0][i] = i == 2 ? 3 : 1;
		w.priority[i] = (int32_t)i;
	}
	w.priority[2] = 1;
	w.want[0][2] = 60;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		ask(cases[c].ops, NULL, &w, &a);
		for (size_t i = 0; i < 3; i++)
			must(fabs(a.g[0][i] - cases[c].want[i]) < 1e-9, cases[c].ops, "known", 0,
			     i);
	}
}

static void registry_checks(void **state)
{
	const struct plugin *plugin;
	struct policy_ops bad = policy_equal;
	struct err err = {0};
	char why[256];

	(void)state;
	for (size_t i = 0; (plugin = policy_kind.at(i)); i++)
		assert_null(registry_problem(&policy_kind, plugin, why, sizeof(why)));
	for (size_t i = 0; (plugin = placer_kind.at(i)); i++)
		assert_null(registry_problem(&placer_kind, plugin, why, sizeof(why)));
	bad.plugin.abi++;
	assert_non_null(registry_problem(&policy_kind, &bad.plugin, why, sizeof(why)));
	bad = policy_equal;
	bad.divide = NULL;
	assert_non_null(registry_problem(&policy_kind, &bad.plugin, why, sizeof(why)));
	bad = policy_equal;
	bad.plugin.name = "Equal";
	assert_non_null(registry_problem(&policy_kind, &bad.plugin, why, sizeof(why)));
	bad = policy_equal;
	bad.resources = 0;
	assert_non_null(registry_problem(&policy_kind, &bad.plugin, why, sizeof(why)));
	assert_non_null(registry_problem(&placer_kind, &policy_equal.plugin, why, sizeof(why)));
	assert_int_equal(registry_load("./no-such-plug-in.so", &err), -EINVAL);
	assert_non_null(strstr(err.text, "no-such-plug-in.so"));
}

int main(void)
{
	const char *text = getenv("COTENANT_TEST_SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guard_rules_hold),   cmocka_unit_test(J6_work_conservation),
		cmocka_unit_test(J1_J3_J15_J17_hold), cmocka_unit_test(monotony_holds),
		cmocka_unit_test(drf_properties),     cmocka_unit_test(known_answers),
		cmocka_unit_test(registry_checks),
	};

	if (text)
		seed = strtoull(text, NULL, 10);
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
