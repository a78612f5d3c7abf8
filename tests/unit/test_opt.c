#include "tests/test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "sim/core/dist.h"
#include "sim/core/opt.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *const overflow_names[] = {"drop", "backlog", NULL};

struct alpha_state {
	double weight;
	int64_t period_ns;
};

static const struct opt alpha_opts[] = {
	{.name = "weight",
	 .type = OPT_NUMBER,
	 .offset = offsetof(struct alpha_state, weight),
	 .def = "2.5",
	 .help = "w"},
	{.name = "period",
	 .type = OPT_TIME,
	 .offset = offsetof(struct alpha_state, period_ns),
	 .def = "10s",
	 .help = "p"},
	{0},
};

static const struct plugin alpha = {
	.abi = PLUGIN_ABI,
	.name = "alpha",
	.opts = alpha_opts,
	.state_size = sizeof(struct alpha_state),
};
static const struct plugin beta = {.abi = PLUGIN_ABI, .name = "beta"};

static const struct plugin *kind_at(size_t i)
{
	static const struct plugin *const list[] = {&alpha, &beta};

	return i < LEN(list) ? list[i] : NULL;
}

static const struct plugin_kind kind = {.what = "CPU policy", .at = kind_at};

struct inner {
	double ram;
};

struct outer {
	bool flag;
	int64_t count, time_ns, limit_ns;
	double ratio, absent, limit;
	struct cpu_amount cpu;
	int overflow;
	const char *label;
	struct dist size;
	struct opt_list sizes, names, maps, policies;
	struct inner inner;
	struct plugin_spec policy, other;
};

#define AT(member) .offset = offsetof(struct outer, member), .help = "x"

static const struct opt inner_opts[] = {
	{.name = "ram", .type = OPT_BYTES, .offset = 0, .def = "4GiB", .help = "x"},
	{0},
};
static const struct opt_table inner_table = {"inner", sizeof(struct inner), inner_opts};

static const struct opt opts[] = {
	{.name = "flag", .type = OPT_BOOL, .def = "true", AT(flag)},
	{.name = "count", .type = OPT_INT, .def = "5", .min = 1, .max = 10, AT(count)},
	{.name = "time", .type = OPT_TIME, .def = "1min", .min = 1e9, .max = 3600e9, AT(time_ns)},
	{.name = "limit-time", .type = OPT_TIME, .def = "none", .max = INFINITY, AT(limit_ns)},
	{.name = "ratio", .type = OPT_RATIO, .def = "80%", .max = 1, AT(ratio)},
	{.name = "absent", .type = OPT_POWER, .def = "", AT(absent)},
	{.name = "limit", .type = OPT_BYTES, .def = "none", .max = INFINITY, AT(limit)},
	{.name = "cpu", .type = OPT_CPU, .def = "1 core", AT(cpu)},
	{.name = "overflow",
	 .type = OPT_ENUM,
	 .def = "backlog",
	 .choices = overflow_names,
	 AT(overflow)},
	{.name = "label", .type = OPT_STRING, .required = true, AT(label)},
	{.name = "size", .type = OPT_DIST, .of = OPT_TIME, .def = "exp(10ms)", AT(size)},
	{.name = "sizes", .type = OPT_LIST, .of = OPT_BYTES, .def = "1kB, 2kB", AT(sizes)},
	{.name = "names", .type = OPT_LIST, .of = OPT_STRING, AT(names)},
	{.name = "inner", .type = OPT_MAP, .sub = &inner_table, AT(inner)},
	{.name = "maps", .type = OPT_MAPS, .sub = &inner_table, AT(maps)},
	{.name = "policy", .type = OPT_PLUGIN, .kind = &kind, .def = "alpha", AT(policy)},
	{.name = "other", .type = OPT_PLUGIN, .kind = &kind, AT(other)},
	{.name = "policies", .type = OPT_PLUGINS, .kind = &kind, .def = "alpha,beta", AT(policies)},
	{0},
};

static void defaults(void **state)
{
	struct arena arena = {0};
	struct outer o = {0};

	(void)state;
	assert_int_equal(opt_defaults(opts, &o, &arena), 0);
	assert_true(o.flag && o.count == 5 && o.time_ns == 60000000000);
	assert_true(o.limit_ns == INT64_MAX && isinf(o.limit));
	assert_true(o.ratio == 0.8 && o.absent == 0 && !o.label);
	assert_true(o.cpu.value == 1 && o.cpu.unit == CPU_CORES && o.overflow == 1);
	assert_true(o.size.law == DIST_EXP && o.size.a == 0.01);
	assert_int_equal(o.sizes.n, 2);
	assert_true(((double *)o.sizes.items)[1] == 2000);
	assert_true(o.inner.ram == 4294967296.0);
	assert_ptr_equal(o.policy.plugin, &alpha);
	assert_true(((struct alpha_state *)o.policy.state)->weight == 2.5);
	assert_true(((struct alpha_state *)o.policy.state)->period_ns == 10000000000);
	assert_null(o.other.plugin);
	assert_int_equal(o.policies.n, 2);
	assert_ptr_equal(((struct plugin_spec *)o.policies.items)[1].plugin, &beta);
	arena_fini(&arena);
}

static void defaults_out_of_memory(void **state)
{
	uint64_t n = 0;
	int rc;

	(void)state;
	do {
		struct arena arena = {0};
		struct outer o = {0};
		size_t live = mem_live();
		mem_fail_at(++n);
		rc = opt_defaults(opts, &o, &arena);
		mem_fail_at(0);
		assert_true(rc == 0 || rc == -ENOMEM);
		arena_fini(&arena);
		assert_int_equal(mem_live(), live);
	} while (rc);
	assert_true(n > 1);
}

static void bad_values(void **state)
{
	static const struct {
		const char *name, *text, *says;
	} cases[] = {
		{"count", "0", "0 is below the minimum 1"},
		{"count", " 11 ", "11 is above the maximum 10"},
		{"count", "none", "none is not possible here, a limit is needed"},
		{"time", "5ms", "5ms is below the minimum 1s"},
		{"time", "2h", "2h is above the maximum 1h"},
		{"time", "none", "none is not possible here, a limit is needed"},
		{"ratio", "120%", "120% is above the maximum 1"},
		{"ratio", "-1", "-1 is below the minimum 0"},
		{"absent", "-5W", "-5W is below the minimum 0 W"},
		{"absent", "none", "none is not possible here, a limit is needed"},
		{"limit", "-1B", "-1B is below the minimum 0B"},
		{"cpu", "-1 core", "-1 core is below the minimum 0"},
		{"overflow", "dorp", "must be one of drop, backlog; did you mean drop?"},
		{"overflow", "wait", "must be one of drop, backlog"},
		{"overflow", "back", "must be one of drop, backlog; did you mean backlog?"},
		{"size", "exp(10)", "10 needs a unit (for example 10s)"},
		{"size", "ex(3s)", "\"ex\" is not a law; did you mean exp(mean)?"},
		{"size", "zipf(3s)",
		 "\"zipf\" is not a law; use constant, exp, uniform, normal, lognormal, gamma, "
		 "erlang, weibull, pareto or h2"},
		{"size", "exp(1s, 2s)", "must have the form exp(mean)"},
		{"size", "uniform(1s)", "must have the form uniform(low, high)"},
		{"size", "exp(1s", "must have the form exp(mean)"},
		{"size", "exp(1s) s", "must have the form exp(mean)"},
		{"size", "exp()", "is empty, must be a time, for example 150ms or 5min"},
		{"size", "uniform(5s, 1s)", "low is above high"},
		{"size", "h2(5s, 1s)", "\"s\" after a number that has no unit; write 1.5"},
		{"size", "-1s", "-1s is below the minimum 0s"},
		{"size", "none", "none is not possible here, a limit is needed"},
		{"policy", "alhpa", "there is no CPU policy \"alhpa\"; did you mean alpha?"},
		{"policy", "gamma", "there is no CPU policy \"gamma\""},
		{"inner", "4", "must be a mapping (key: value)"},
		{"sizes", "4", "4 needs a unit (for example 4GiB)"},
	};
	struct arena arena = {0};
	struct outer o, before;
	char why[256];

	(void)state;
	memset(&o, 0, sizeof(o));
	before = o;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct opt *opt = opt_find(opts, cases[i].name);
		assert_non_null(opt);
		const char *bad = opt_parse(opt, cases[i].text, &o, &arena, why, sizeof(why));
		assert_non_null(bad);
		assert_string_equal(bad, cases[i].says);
	}
	o.sizes.items = NULL; /* room may have been made for the element that was refused */
	assert_memory_equal(&o, &before, sizeof(o));
	arena_fini(&arena);
}

static void laws(void **state)
{
	static const struct {
		const char *text;
		enum dist_law law;
		double a, b;
	} cases[] = {
		{"10s", DIST_CONSTANT, 10, 0},
		{"constant(1min)", DIST_CONSTANT, 60, 0},
		{" exp( 10ms ) ", DIST_EXP, 0.01, 0},
		{"uniform(1s,5s)", DIST_UNIFORM, 1, 5},
		{"normal(10s, 2s)", DIST_NORMAL, 10, 2},
		{"lognormal(10s, 0.5)", DIST_LOGNORMAL, 10, 0.5},
		{"gamma(10s, 2)", DIST_GAMMA, 10, 2},
		{"erlang(4, 1min)", DIST_ERLANG, 4, 60},
		{"weibull(0.5, 1s)", DIST_WEIBULL, 0.5, 1},
		{"pareto(0.9, 1s)", DIST_PARETO, 0.9, 1},
		{"h2(10s, 4)", DIST_H2, 10, 4},
	};
	const struct opt time = {.type = OPT_DIST, .of = OPT_TIME};
	const struct opt cpu = {.type = OPT_DIST, .of = OPT_CPU};
	const struct opt limited = {.type = OPT_DIST, .of = OPT_RATIO, .min = 0.1, .max = 1};
	char why[256];
	struct dist d;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_null(opt_parse(&time, cases[i].text, &d, NULL, why, sizeof(why)));
		assert_true(d.law == cases[i].law && d.a == cases[i].a && d.b == cases[i].b);
	}
	assert_null(opt_parse(&cpu, "uniform(10%, 90%)", &d, NULL, why, sizeof(why)));
	assert_true(d.unit == CPU_FRACTION && d.a == 0.1 && d.b == 0.9);
	assert_null(opt_parse(&cpu, "500 MHz", &d, NULL, why, sizeof(why)));
	assert_true(d.unit == CPU_MHZ && d.a == 500);
	assert_string_equal(opt_parse(&cpu, "uniform(10%, 2 cores)", &d, NULL, why, sizeof(why)),
			    "both arguments must have the same unit");
	assert_string_equal(opt_parse(&limited, "uniform(0.5, 2)", &d, NULL, why, sizeof(why)),
			    "uniform(0.5, 2) is above the maximum 1");
	assert_string_equal(opt_parse(&limited, "exp(5%)", &d, NULL, why, sizeof(why)),
			    "exp(5%) is below the minimum 0.1");
	assert_null(opt_parse(&limited, "uniform(20%, 1)", &d, NULL, why, sizeof(why)));
}

static void lists(void **state)
{
	const struct opt *opt = opt_find(opts, "names");
	struct arena arena = {0};
	struct outer o = {0};
	char why[64], text[2] = "a";

	(void)state;
	for (char c = 'a'; c <= 'z'; c++) {
		text[0] = c;
		assert_null(opt_parse(opt, text, &o, &arena, why, sizeof(why)));
	}
	assert_int_equal(o.names.n, 26);
	for (size_t i = 0; i < 26; i++)
		assert_int_equal(((const char **)o.names.items)[i][0], 'a' + (char)i);
	mem_fail_at(1);
	const char *bad = NULL;
	while (!bad)
		bad = opt_parse(opt, "a text of some length", &o, &arena, why, sizeof(why));
	mem_fail_at(0);
	assert_ptr_equal(bad, opt_no_memory);
	arena_fini(&arena);
}

static void nearest(void **state)
{
	(void)state;
	assert_ptr_equal(opt_find(opts, "ratio"), &opts[4]);
	assert_null(opt_find(opts, "Ratio"));
	assert_null(opt_find(NULL, "x"));
	assert_string_equal(opt_nearest(opts, "raito"), "ratio");
	assert_string_equal(opt_nearest(opts, "polices"), "policies");
	assert_string_equal(opt_nearest(opts, "limit_time"), "limit-time");
	assert_string_equal(opt_nearest(opts, "limt"), "limit");
	assert_string_equal(opt_nearest(opts, "over"), "overflow");
	assert_null(opt_nearest(opts, "ov"));   /* too short */
	assert_null(opt_nearest(opts, "poli")); /* one of two */
	assert_null(opt_nearest(opts, "qwerty"));
	assert_null(opt_nearest(opts, "x"));
	assert_null(opt_nearest(opts,
				"a name of more than sixty-three characters, which no setting "
				"has or will ever have"));
	assert_ptr_equal(plugin_find(&kind, "beta"), &beta);
	assert_null(plugin_find(&kind, ""));
	assert_string_equal(plugin_nearest(&kind, "bet"), "beta");
	assert_null(plugin_nearest(&kind, "delta-force"));
}

static void tables(void **state)
{
	static const struct {
		struct opt opt;
		const char *says;
	} cases[] = {
		{{.name = "", .help = "x"}, "name is empty or too long"},
		{{.name = "a", .type = (enum opt_type)99, .help = "x"}, "unknown type"},
		{{.name = "a", .type = OPT_INT}, "no help text"},
		{{.name = "a", .type = OPT_INT, .offset = 12, .help = "x"}, "outside the state"},
		{{.name = "a", .type = OPT_INT, .offset = SIZE_MAX, .help = "x"}, "outside"},
		{{.name = "a", .type = OPT_INT, .min = 1, .help = "x"}, "maximum is below minimum"},
		{{.name = "a", .type = OPT_INT, .def = "x", .help = "x"}, "is not a whole number"},
		{{.name = "a", .type = OPT_INT, .def = "-1", .help = "x"}, "below the minimum 0"},
		{{.name = "a", .type = OPT_ENUM, .help = "x"}, "no choices"},
		{{.name = "a", .type = OPT_MAP, .help = "x"}, "mapping without a table"},
		{{.name = "a", .type = OPT_PLUGIN, .help = "x"}, "plug-in without a kind"},
		{{.name = "a", .type = OPT_LIST, .of = OPT_DIST, .help = "x"}, "not a scalar"},
		{{.name = "a", .type = OPT_DIST, .of = OPT_STRING, .help = "x"}, "not a number"},
	};
	char why[256];

	(void)state;
	assert_null(opt_table_problem(opts, sizeof(struct outer), why, sizeof(why)));
	assert_null(opt_table_problem(NULL, 0, why, sizeof(why)));
	for (size_t i = 0; i < LEN(cases); i++) {
		struct opt table[2] = {cases[i].opt, {0}};
		const char *bad = opt_table_problem(table, 16, why, sizeof(why));
		assert_non_null(bad);
		assert_non_null(strstr(bad, cases[i].says));
	}
	struct opt twice[] = {opts[0], opts[0], {0}};
	assert_string_equal(opt_table_problem(twice, sizeof(struct outer), why, sizeof(why)),
			    "option flag: occurs twice");
	for (unsigned type = OPT_BOOL; type <= OPT_PLUGINS; type++)
		assert_non_null(opt_type_help((enum opt_type)type));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),   cmocka_unit_test(defaults_out_of_memory),
		cmocka_unit_test(bad_values), cmocka_unit_test(laws),
		cmocka_unit_test(lists),      cmocka_unit_test(nearest),
		cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
