#include "tests/test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "models/power.h"
#include "sim/core/mem.h"
#include "sim/core/opt.h"

#define assert_near(a, b) assert_float_equal_(a, b, __LINE__)

static void assert_float_equal_(double a, double b, int line)
{
	if (!(fabs(a - b) <= 1e-9 * fmax(1, fabs(b))))
		fail_msg("line %d: %.15g, expected %.15g", line, a, b);
}

static const struct power_ops *find(const char *name)
{
	const struct plugin *p = plugin_find(&power_kind, name);
	assert_non_null(p);
	return (const struct power_ops *)(const void *)p;
}

static void set(const struct power_ops *ops, void *state, struct arena *arena, const char *key,
		const char *text)
{
	char why[200];
	const struct opt *opt = opt_find(ops->plugin.opts, key);
	assert_non_null(opt);
	assert_null(opt_parse(opt, text, state, arena, why, sizeof why));
}

static char why[1024];

static const char *wrong(const struct power_ops *ops, const void *state)
{
	return ops->plugin.check(state, why, sizeof(why));
}

static double table(const char *host, double util)
{
	struct arena arena = {0};
	const struct power_ops *ops = find("table");
	void *state = plugin_state(&ops->plugin, &arena);
	assert_non_null(state);
	set(ops, state, &arena, "host", host);
	assert_null(wrong(ops, state));
	ops->init(state);
	double watts = ops->watts(state, util);
	arena_fini(&arena);
	return watts;
}

static double formula(const char *name, double util)
{
	struct arena arena = {0};
	const struct power_ops *ops = find(name);
	void *state = plugin_state(&ops->plugin, &arena);
	assert_non_null(state);
	set(ops, state, &arena, "idle", "100W");
	set(ops, state, &arena, "max", "250W");
	assert_null(wrong(ops, state));
	double watts = ops->watts(state, util);
	arena_fini(&arena);
	return watts;
}

/* Oracles F: the check values of every table. */
static void test_tables(void **unused)
{
	(void)unused;
	static const struct {
		const char *host;
		double util, watts;
	} checks[] = {
		{"hp-ml110-g4", 0.05, 87.7},
		{"hp-ml110-g4", 0.25, 94.3},
		{"hp-ml110-g4", 0.333, 97.155},
		{"hp-ml110-g4", 0.87, 113.4},
		{"hp-ml110-g5", 0.05, 95.35},
		{"hp-ml110-g5", 0.25, 103},
		{"hp-ml110-g5", 0.333, 106.65},
		{"hp-ml110-g5", 0.87, 131.8},
		{"hp-ml110-g3", 0.25, 121.5},
		{"ibm-x3250-x3470", 0.25, 55.1},
		{"ibm-x3250-x3480", 0.25, 52.55},
		{"ibm-x3550m3-x5670", 0.25, 125.5},
		{"ibm-x3550m3-x5675", 0.25, 113.5},
		{"hp-dl380-g6", 0.25, 113.5},
		{"dell-r620", 0.25, 94},
		{"dell-r710", 0.25, 121},
		{"dell-r720", 0.25, 92.9},
		{"dell-r820", 0.25, 177.5},
		{"dell-r240", 0.25, 30.4},
		{"dell-r640", 0.25, 163.5},
		{"dell-r740-8280", 0.25, 148},
		{"dell-r6515-7702p", 0.25, 144.5},
		{"dell-r7515-7742", 0.25, 135.5},
		{"hpe-dl345-g10plus-7763", 0.25, 127},
		{"hpe-dl380-g10plus-8380", 0.25, 239.5},
		{"hpe-ml30-gen11", 0.25, 44},
		{"lenovo-sr850-v3", 0.25, 709.5},
		{"hp-ml110-g4", 0, 86},
		{"hp-ml110-g4", 1, 117},
		{"hp-ml110-g4", 1.5, 117},
		{"hp-ml110-g4", -1, 86},
	};
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		assert_near(table(checks[i].host, checks[i].util), checks[i].watts);
	size_t n = 0;
	for (; power_table_at(n); n++)
		for (size_t k = 1; k < POWER_POINTS; k++)
			assert_true(power_table_at(n)->watts[k] >= power_table_at(n)->watts[k - 1]);
	assert_int_equal(n, 21);
	assert_null(power_table_find("hp-ml110-g6"));
}

/* F30, F31, F32: energies as sums of watts times hours. */
static void test_energy(void **unused)
{
	(void)unused;
	const char *g4 = "hp-ml110-g4", *g5 = "hp-ml110-g5";
	assert_near((400 * table(g4, 1) + 400 * table(g5, 1)) * 24 / 1000, 2419.2);
	assert_near((400 * table(g4, 0) + 400 * table(g5, 0)) * 24 / 1000, 1725.12);
	assert_near((table(g4, 0) + table(g4, .25) + table(g4, .5) / 2 + table(g4, 1) / 4) / 1000,
		    .26055);
	assert_near((table(g5, 0) + table(g5, .25) + table(g5, .5) / 2 + table(g5, 1) / 4) / 1000,
		    .28845);
	double exact = 0, sampled = 0;
	for (int i = 0; i < 10; i++)
		exact += (table(g5, i / 10.) + table(g5, (i + 1) / 10.)) / 2 / 10;
	for (int i = 0; i < 12; i++)
		sampled += (table(g5, i / 12.) + table(g5, (i + 1) / 12.)) / 2 / 12;
	assert_near(exact / 1000, .115135);
	assert_true(fabs(sampled / 1000 - .1151361111) < 1e-10);
}

/* F33, F34; sqrt at .3 is 100 + 150 sqrt(.3). */
static void test_formulas(void **unused)
{
	(void)unused;
	static const struct {
		const char *name;
		double util, watts;
	} checks[] = {
		{"linear", .3, 145},
		{"linear", .7, 205},
		{"square", .3, 113.5},
		{"square", .7, 173.5},
		{"cubic", .3, 104.05},
		{"cubic", .7, 151.45},
		{"sqrt", .3, 182.158383626},
		{"sqrt", .7, 225.49900398},
		{"fan", .1, 124.02839244},
		{"fan", .3, 162.19896172},
		{"fan", .5, 193.16062876},
		{"fan", .7, 218.96078274},
		{"fan", .9, 240.57124541},
		{"fan", 0, 100},
		{"fan", 1, 250},
		{"sqrt", 2, 250},
	};
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		if (fabs(formula(checks[i].name, checks[i].util) - checks[i].watts) > 6e-9)
			fail_msg("%s(%g): %.12g", checks[i].name, checks[i].util,
				 formula(checks[i].name, checks[i].util));
}

static void test_list_and_mistakes(void **unused)
{
	(void)unused;
	struct arena arena = {0};
	const struct power_ops *ops = find("table");
	void *state = plugin_state(&ops->plugin, &arena);
	assert_string_equal(wrong(ops, state), "host"); /* neither host nor watts */
	for (int i = 0; i <= 10; i++)
		set(ops, state, &arena, "watts", i == 5 ? "100W" : "50W");
	assert_null(wrong(ops, state));
	ops->init(state);
	assert_near(ops->watts(state, .45), 75);
	assert_near(ops->watts(state, .55), 75);
	set(ops, state, &arena, "watts", "50W");
	assert_string_equal(wrong(ops, state), "watts"); /* twelve */
	set(ops, state, &arena, "host", "dell-r620");
	assert_string_equal(wrong(ops, state), "watts"); /* both */
	state = plugin_state(&ops->plugin, &arena);
	set(ops, state, &arena, "host", "dell-r621");
	assert_string_equal(wrong(ops, state), "host");
	assert_non_null(strstr(why, "dell-r620"));
	assert_non_null(strstr(why, "lenovo-sr850-v3)"));
	ops = find("linear");
	state = plugin_state(&ops->plugin, &arena);
	set(ops, state, &arena, "idle", "10W");
	set(ops, state, &arena, "max", "9W");
	assert_string_equal(wrong(ops, state), "max");
	ops = find("constant");
	state = plugin_state(&ops->plugin, &arena);
	set(ops, state, &arena, "watts", "42W");
	assert_near(ops->watts(state, .5), 42);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_energy),
		cmocka_unit_test(test_formulas),
		cmocka_unit_test(test_list_and_mistakes),
	};
	return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
