/*
 * The guard catches every way of handing out what is not there, names who did it where, and lets
 * rounding pass: on views made by hand, and with a policy that breaks the rules in a whole run.
 */
#include "tests/test.h"

#include <errno.h>

#include "sim/guard.h"
#include "tests/harness.h"

#define MOST 16
#define NOW  1500000000

/* One column over n VMs; VM i has id 100 + i, wants 10 + i and may have it all. */
struct scene {
	size_t n;
	struct share_col col;
	double want[MOST], floor[MOST], cap[MOST], weight[MOST], grant[MOST];
	uint32_t vm[MOST];
	struct err err;
};

static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 13};

static void scene_init(struct scene *s, size_t n)
{
	memset(s, 0, sizeof(*s));
	s->n = n;
	s->col = (struct share_col){.res = RES_CPU,
				    .want = s->want,
				    .floor = s->floor,
				    .cap = s->cap,
				    .weight = s->weight};
	for (size_t i = 0; i < n; i++) {
		s->vm[i] = 100 + (uint32_t)i;
		s->grant[i] = s->want[i] = 10 + (double)i;
		s->cap[i] = (double)INFINITY;
		s->weight[i] = 1;
		s->col.capacity += s->want[i];
	}
}

static const char *host_name(const void *ctx, uint32_t host, char *buf, size_t n)
{
	snprintf(buf, n, "%s-h%u", (const char *)ctx, host);
	return buf;
}

static const char *vm_name(const void *ctx, uint32_t vm, char *buf, size_t n)
{
	snprintf(buf, n, "%s-v%u", (const char *)ctx, vm);
	return buf;
}

static const struct guard_names names = {"bad", host_name, vm_name, "x"};

static int check(struct scene *s)
{
	double *grant[1] = {s->grant};
	struct share_view view = {.now_ns = NOW,
				  .tick_ns = 1,
				  .host = 7,
				  .n = s->n,
				  .vm = s->vm,
				  .ncols = 1,
				  .col = &s->col};

	err_clear(&s->err);
	return guard_check(&view, grant, &names, &s->err);
}

static void assert_says(const struct err *err, const char *what)
{
	if (!strstr(err->text, what))
		fail_msg("\"%s\" is not in: %s", what, err->text);
}

static void assert_well(struct scene *s)
{
	if (check(s) != 0)
		fail_msg("%s", s->err.text);
	assert_int_equal(s->err.kind, ERR_NONE);
}

/* @i == n: of all VMs. The numbers are those of the message. */
static void assert_breach(struct scene *s, size_t i, double grant, const char *limit, double number)
{
	char text[128];

	assert_int_equal(check(s), -EPROTO);
	assert_int_equal(s->err.kind, ERR_RUN);
	assert_int_equal(s->err.count, 1);
	assert_says(&s->err, "policy bad");
	assert_says(&s->err, "host x-h7");
	assert_says(&s->err, "1500000000 ns");
	if (i < s->n)
		snprintf(text, sizeof(text), "x-v%zu", 100 + i);
	else
		snprintf(text, sizeof(text), "all VMs");
	assert_says(&s->err, text);
	snprintf(text, sizeof(text), "granted %.17g", grant);
	assert_says(&s->err, isnan(grant) ? "nan" : text);
	snprintf(text, sizeof(text), "%s %.17g", limit, number);
	assert_says(&s->err, text);
}

#define FOR_EACH_VM(S, I)                              \
	for (size_t k_ = 0; k_ < COUNT(sizes); k_++)   \
		for (size_t I = 0; I < sizes[k_]; I++) \
			if (scene_init(&(S), sizes[k_]), true)

static void test_nothing_wrong(void **unused)
{
	(void)unused;
	struct scene s;

	scene_init(&s, 0);
	assert_well(&s);
	FOR_EACH_VM(s, i)
	{
		assert_well(&s);
		s.grant[i] = 0;
		assert_well(&s);
		s.want[i] = 0;
		s.floor[i] = 5; /* a guarantee that is not wanted */
		assert_well(&s);
		s.want[i] = 7;
		s.grant[i] = s.cap[i] = 4; /* nor one beyond the cap */
		assert_well(&s);
		memset(s.grant, 0, sizeof(s.grant));
		memset(s.floor, 0, sizeof(s.floor));
		s.col.capacity = 0;
		assert_well(&s);
	}
}

static void test_negative(void **unused)
{
	(void)unused;
	static const double bad[] = {-1, -1e-300, -INFINITY};
	struct scene s;

	for (size_t k = 0; k < COUNT(bad); k++)
		FOR_EACH_VM(s, i)
		{
			s.grant[i] = bad[k];
			assert_breach(&s, i, bad[k], "the least is", 0);
		}
}

static void test_not_a_number(void **unused)
{
	(void)unused;
	struct scene s;

	FOR_EACH_VM(s, i)
	{
		s.grant[i] = (double)NAN;
		assert_breach(&s, i, (double)NAN, "the least is", 0);
	}
}

static void test_above_want(void **unused)
{
	(void)unused;
	static const double factor[] = {1 + 2e-9, 2, INFINITY};
	struct scene s;

	for (size_t k = 0; k < COUNT(factor); k++)
		FOR_EACH_VM(s, i)
		{
			double want = s.want[i];
			s.col.capacity = 1e6;
			s.grant[i] = want * factor[k];
			assert_breach(&s, i, want * factor[k], "it wants only", want);
		}
	FOR_EACH_VM(s, i)
	{
		s.want[i] = 0;
		s.grant[i] = 1e-12; /* of nothing there is no rounding */
		assert_breach(&s, i, 1e-12, "it wants only", 0);
	}
}

static void test_above_cap(void **unused)
{
	(void)unused;
	struct scene s;

	FOR_EACH_VM(s, i)
	{
		s.cap[i] = 8;
		s.grant[i] = 8 + 1e-6;
		assert_breach(&s, i, 8 + 1e-6, "its cap is", 8);
		s.cap[i] = 0;
		assert_breach(&s, i, 8 + 1e-6, "its cap is", 0);
	}
}

static void test_above_capacity(void **unused)
{
	(void)unused;
	struct scene s;

	for (size_t k = 0; k < COUNT(sizes); k++) {
		scene_init(&s, sizes[k]);
		double sum = s.col.capacity;
		s.col.capacity = sum / 2;
		assert_breach(&s, s.n, sum, "the capacity is", sum / 2);
		s.col.capacity = sum / (1 + 2e-9);
		assert_breach(&s, s.n, sum, "the capacity is", s.col.capacity);
		s.col.capacity = 0;
		assert_breach(&s, s.n, sum, "the capacity is", 0);
	}
}

static void test_below_floor(void **unused)
{
	(void)unused;
	struct scene s;

	FOR_EACH_VM(s, i)
	{
		s.floor[i] = 6;
		s.grant[i] = 6 - 1e-6;
		assert_breach(&s, i, 6 - 1e-6, "its floor gives it", 6);
		s.grant[i] = 6;
		assert_well(&s);
		/* What it does not want, or may not have, it need not get. */
		s.floor[i] = 50;
		s.grant[i] = s.want[i];
		assert_well(&s);
		s.grant[i] = s.want[i] - 1;
		assert_breach(&s, i, s.want[i] - 1, "its floor gives it", s.want[i]);
		s.cap[i] = s.want[i] - 1;
		assert_well(&s);
	}
}

/* Floors that do not fit together bind nobody; the other rules still hold, and are what is named.
 */
static void test_floors_that_do_not_fit(void **unused)
{
	(void)unused;
	struct scene s;

	FOR_EACH_VM(s, i)
	{
		double sum = 0;
		for (size_t j = 0; j < s.n; j++)
			s.floor[j] = s.want[j];
		s.col.capacity *= 0.9;
		for (size_t j = 0; j < s.n; j++)
			s.grant[j] = 0;
		assert_well(&s);
		for (size_t j = 0; j < s.n; j++)
			sum += s.grant[j] = 0.95 * s.want[j];
		assert_breach(&s, s.n, sum, "the capacity is", s.col.capacity);
		for (size_t j = 0; j < s.n; j++)
			s.grant[j] = 0;
		s.grant[i] = s.want[i] + 1;
		assert_breach(&s, i, s.want[i] + 1, "it wants only", s.want[i]);
	}
	/* Together they fit exactly. */
	FOR_EACH_VM(s, i)
	{
		for (size_t j = 0; j < s.n; j++)
			s.floor[j] = s.want[j];
		s.grant[i] = 0;
		assert_breach(&s, i, 0, "its floor gives it", s.want[i]);
	}
}

static void test_rounding_passes(void **unused)
{
	(void)unused;
	const double off = 0.9e-9;
	struct scene s;

	FOR_EACH_VM(s, i)
	{
		s.floor[i] = s.want[i];
		s.grant[i] = s.want[i] * (1 + off);
		assert_well(&s);
		s.grant[i] = s.want[i] * (1 - off);
		assert_well(&s);
		s.cap[i] = 3;
		s.grant[i] = 3 * (1 + off);
		assert_well(&s);
	}
	for (size_t k = 0; k < COUNT(sizes); k++) {
		scene_init(&s, sizes[k]);
		s.col.capacity /= 1 + off;
		assert_well(&s);
	}
}

/* The breach is in one column of several, which the message names with its unit. */
static void test_names_of_columns(void **unused)
{
	(void)unused;
	static const struct {
		enum resource res;
		const char *text;
	} column[] = {{RES_CPU, " cpu granted 99 MHz,"},
		      {RES_MEM, " memory granted 99 bytes,"},
		      {RES_DISK, " disk of disk 2 granted 99 bytes/s,"},
		      {RES_IOPS, " iops of disk 2 granted 99 IOPS,"}};
	struct scene s[COUNT(column)];
	struct share_col col[COUNT(column)];
	double *grant[COUNT(column)];
	struct err err;

	for (size_t bad = 0; bad < COUNT(column); bad++) {
		for (size_t k = 0; k < COUNT(column); k++) {
			scene_init(&s[k], 5);
			s[k].col.res = column[k].res;
			s[k].col.disk = 2;
			col[k] = s[k].col;
			grant[k] = s[k].grant;
		}
		struct share_view view = {
			.n = 5, .vm = s[0].vm, .ncols = COUNT(column), .col = col};
		err_clear(&err);
		assert_int_equal(guard_check(&view, grant, &names, &err), 0);
		s[bad].grant[3] = 99;
		assert_int_equal(guard_check(&view, grant, &names, &err), -EPROTO);
		assert_says(&err, column[bad].text);
		assert_says(&err, "x-v103");
	}
}

/* A policy that keeps the rules until half of the run, and then breaks one. */

enum breach_mode { KEEPS, NEGATIVE, IS_NAN, WANT, CAP, CAPACITY, FLOOR, UNWRITTEN, MODES };

struct bad_state {
	enum breach_mode mode;
};

#define BREAKS_AT 5000000000

/* 4000 MHz; free-0 and free-1 want 2000 each, capped-0 wants 2000 of 1000, sure-0 has a floor. */
static void bad_divide(void *state, const struct share_view *view, double *const *grant)
{
	const struct bad_state *bad = state;
	const struct share_col *col = &view->col[0];
	bool breaks = view->now_ns >= BREAKS_AT;

	assert_int_equal(view->ncols, 1);
	assert_int_equal(col->res, RES_CPU);
	for (size_t i = 0; i < view->n; i++)
		grant[0][i] = fmin(fmin(col->want[i], col->cap[i]), col->floor[i]);
	if (!breaks || bad->mode == KEEPS || view->n < 4)
		return;
	if (bad->mode == NEGATIVE)
		grant[0][1] = -3;
	if (bad->mode == IS_NAN)
		grant[0][1] = (double)NAN;
	if (bad->mode == WANT)
		grant[0][1] = 2001;
	if (bad->mode == CAP)
		grant[0][2] = 1500;
	if (bad->mode == FLOOR)
		grant[0][3] = 499;
	for (size_t i = 0; i < view->n && bad->mode == CAPACITY; i++)
		grant[0][i] = fmin(col->want[i], col->cap[i]);
	if (bad->mode == UNWRITTEN)
		grant[0][0] = (double)INFINITY;
}

static const struct policy_ops bad_policy = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct policy_ops),
		   .name = "rule-breaker",
		   .summary = "breaks one rule",
		   .source = "own",
		   .state_size = sizeof(struct bad_state)},
	.resources = RES_BIT(RES_CPU),
	.divide = bad_divide,
};

static const char bad_yaml[] = "tick: 1s\nduration: 10s\nhosts:\n"
			       "  - {name: h, cores: 4, speed: 1GHz, memory: 4GiB}\nvms:\n"
			       "  - {name: free, count: 2, vcpus: 2, memory: 1MiB, workload: "
			       "{kind: constant, cpu: 100%}}\n"
			       "  - {name: capped, vcpus: 2, memory: 1MiB, cpu: {cap: 50%},\n"
			       "     workload: {kind: constant, cpu: 100%}}\n"
			       "  - {name: sure, vcpus: 2, memory: 1MiB, cpu: {floor: 25%},\n"
			       "     workload: {kind: constant, cpu: 100%}}\n";

static int run_badly(struct harness *h, enum breach_mode mode)
{
	struct policy_set policies;
	struct bad_state state = {mode};
	struct output_label label = {.run = 1, .policies = &policies};
	struct output *output = NULL;
	static struct run run;

	memset(&run, 0, sizeof(run));
	err_clear(&h->err);
	scenario_run(h->scenario, 0, &policies, &label.seed);
	policies.cpu = (struct plugin_spec){&bad_policy.plugin, &state};
	assert_int_equal(output_open(&output, h->dir, "# test", h->scenario, &label, &h->err), 0);
	assert_int_equal(
		run_init(&run, h->scenario, &h->traces, &policies, label.seed, output, &h->err), 0);
	int rc = run_go(&run);
	int64_t at = run.now_ns;
	int closed = output_close(output, rc == 0, &h->err);
	run_free(&run);
	assert_int_equal(closed, 0);
	assert_int_equal(at, rc ? BREAKS_AT : 10000000000);
	return rc;
}

static void test_a_run_ends(void **unused)
{
	(void)unused;
	static const char *const says[MODES][3] = {
		[NEGATIVE] = {"free-1:", "cpu granted -3 MHz", "the least is 0"},
		[IS_NAN] = {"free-1:", "nan MHz", "the least is 0"},
		[WANT] = {"free-1:", "cpu granted 2001 MHz", "it wants only 2000"},
		[CAP] = {"capped-0:", "cpu granted 1500 MHz", "its cap is 1000"},
		[CAPACITY] = {"all VMs:", "cpu granted 7000 MHz", "the capacity is 4000"},
		[FLOOR] = {"sure-0:", "cpu granted 499 MHz", "its floor gives it 500"},
		[UNWRITTEN] = {"free-0:", "cpu granted inf MHz", "it wants only 2000"},
	};
	struct harness h;
	char path[256];

	harness_open(&h, bad_yaml);
	snprintf(path, sizeof(path), "%s/%s", h.dir, output_file_name[OUTPUT_SUMMARY]);
	for (enum breach_mode mode = NEGATIVE; mode < MODES; mode++) {
		assert_int_equal(run_badly(&h, mode), -EPROTO);
		assert_int_equal(h.err.code, -EPROTO);
		assert_int_equal(err_exit_status(&h.err), 1);
		assert_says(&h.err, "policy rule-breaker");
		assert_says(&h.err, "host h-0");
		assert_says(&h.err, "5000000000 ns");
		for (size_t k = 0; k < 3; k++)
			assert_says(&h.err, says[mode][k]);
		assert_int_not_equal(access(path, F_OK), 0); /* nothing is left of the run */
	}
	assert_int_equal(run_badly(&h, KEEPS), 0);
	assert_int_equal(access(path, F_OK), 0);
	harness_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_wrong),
		cmocka_unit_test(test_negative),
		cmocka_unit_test(test_not_a_number),
		cmocka_unit_test(test_above_want),
		cmocka_unit_test(test_above_cap),
		cmocka_unit_test(test_above_capacity),
		cmocka_unit_test(test_below_floor),
		cmocka_unit_test(test_floors_that_do_not_fit),
		cmocka_unit_test(test_rounding_passes),
		cmocka_unit_test(test_names_of_columns),
		cmocka_unit_test(test_a_run_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
