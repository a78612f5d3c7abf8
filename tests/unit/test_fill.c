/*
 * The filling kernel against answers worked out elsewhere: the W and B cases of the allocation
 * oracles, 200 random cases solved in rationals (tests/data/waterfill_public.jsonl), and DRF's.
 */
#include "tests/test.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/fill.h"

#define LEN(a)  (sizeof(a) / sizeof((a)[0]))
#define NO      INFINITY /* no limit */
#define ALL     1e15     /* more demand than anybody has */
#define MAX_VMS 64

#define near(a, b) near_at(a, b, __FILE__, __LINE__)

static void near_at(double is, double want, const char *file, int line)
{
	if (is == want || fabs(is - want) <= 1e-9 * fabs(want))
		return;
	print_error("%.17g is not %.17g\n", is, want);
	_fail(file, line);
}

struct vm {
	double w, floor, cap, want;
};

struct problem {
	const char *id;
	double capacity;
	size_t n;
	struct vm vm[MAX_VMS];
	double m1[MAX_VMS];
	double m2[MAX_VMS]; /* m2[0] < 0: as m1 */
};

struct arrays {
	double w[MAX_VMS], floor[MAX_VMS], cap[MAX_VMS], want[MAX_VMS];
	double scratch[SHARE_SCRATCH * MAX_VMS];
};

static struct share_col column(const struct problem *p, struct arrays *a)
{
	for (size_t i = 0; i < p->n; i++) {
		a->w[i] = p->vm[i].w;
		a->floor[i] = p->vm[i].floor;
		a->cap[i] = p->vm[i].cap;
		a->want[i] = p->vm[i].want;
	}
	return (struct share_col){
		.capacity = p->capacity,
		.want = a->want,
		.floor = a->floor,
		.cap = a->cap,
		.weight = a->w,
	};
}

/* Both ways to each answer: the column's own, and the joint filling of that one column. */
static void answers(const struct problem *p, enum fill_rule rule, double *grant, double *joint)
{
	struct arrays a;
	struct share_col col = column(p, &a);
	struct share_view view = {.n = p->n, .ncols = 1, .col = &col, .scratch = a.scratch};

	fill_joint(&view, rule, NULL, (double *[]){joint});
	if (rule == FILL_M1)
		fill_level(&col, p->n, a.scratch, grant);
	else
		fill_above(&col, p->n, a.scratch, grant);
}

static void check(const struct problem *p)
{
	for (enum fill_rule rule = FILL_M1; rule <= FILL_M2; rule++) {
		double grant[MAX_VMS], joint[MAX_VMS];
		const double *want = rule == FILL_M1 || p->m2[0] < 0 ? p->m1 : p->m2;
		answers(p, rule, grant, joint);
		for (size_t i = 0; i < p->n; i++) {
			double slack = 1e-9 * want[i];
			if (!(fabs(grant[i] - want[i]) <= slack) ||
			    !(fabs(joint[i] - want[i]) <= slack))
				fail_msg("%s m%d VM %zu: %.12g, joint %.12g, not %.12g", p->id,
					 rule + 1, i, grant[i], joint[i], want[i]);
		}
	}
}

static const struct problem cases[] = {
	{"W01",
	 10,
	 4,
	 {{1, 0, NO, 2}, {1, 0, NO, 2.6}, {1, 0, NO, 4}, {1, 0, NO, 5}},
	 {2, 2.6, 2.7, 2.7},
	 {-1}},
	{"W02",
	 16,
	 4,
	 {{2.5, 0, NO, 4}, {4, 0, NO, 2}, {.5, 0, NO, 10}, {1, 0, NO, 4}},
	 {4, 2, 6, 4},
	 {-1}},
	{"W03",
	 40,
	 4,
	 {{1, 0, 100, ALL}, {1, 0, 50, ALL}, {1, 0, 11, ALL}, {1, 0, 3, ALL}},
	 {13, 13, 11, 3},
	 {-1}},
	{"W04",
	 40,
	 4,
	 {{1, 20, NO, ALL}, {1, 18, NO, ALL}, {1, 0, NO, ALL}, {1, 2, NO, ALL}},
	 {20, 18, 0, 2},
	 {-1}},
	{"W05",
	 45,
	 4,
	 {{2, 0, NO, ALL}, {1, 0, NO, ALL}, {1, 0, NO, ALL}, {.5, 0, NO, ALL}},
	 {20, 10, 10, 5},
	 {-1}},
	{"W06",
	 45,
	 4,
	 {{2, 0, 10, ALL}, {1, 0, 11, ALL}, {1, 0, 30, ALL}, {.5, 0, 20, ALL}},
	 {10, 11, 16, 8},
	 {-1}},
	{"W07",
	 45,
	 4,
	 {{2, 20, NO, ALL}, {1, 0, NO, ALL}, {1, 5, NO, ALL}, {.5, 15, NO, ALL}},
	 {20, 5, 5, 15},
	 {200. / 9, 10. / 9, 55. / 9, 140. / 9}},
	{"W09",
	 10,
	 3,
	 {{1, 0, NO, 0}, {1, 0, NO, ALL}, {2, 0, NO, ALL}},
	 {0, 10. / 3, 20. / 3},
	 {-1}},
	{"W10", 10, 3, {{1, 6, NO, 0}, {1, 0, NO, ALL}, {1, 0, NO, ALL}}, {0, 5, 5}, {-1}},
	{"W11",
	 100,
	 3,
	 {{1, 50, NO, ALL}, {5, 30, NO, ALL}, {100, 20, NO, ALL}},
	 {50, 30, 20},
	 {-1}},
	{"W12", 100, 2, {{1, 60, 40, ALL}, {1, 0, NO, ALL}}, {40, 60}, {-1}},
	{"W13",
	 9,
	 4,
	 {{1, 0, NO, ALL}, {1, 0, NO, ALL}, {1, 0, NO, ALL}, {1, 0, NO, ALL}},
	 {2.25, 2.25, 2.25, 2.25},
	 {-1}},
	{"W14", 10, 2, {{1e6, 0, NO, ALL}, {1, 0, NO, ALL}}, {1e7 / 1000001, 10. / 1000001}, {-1}},
	{"W15", 10, 3, {{1e6, 0, NO, 1}, {1, 0, NO, ALL}, {1, 0, NO, ALL}}, {1, 4.5, 4.5}, {-1}},
	{"W16", 100, 3, {{1, 0, NO, 10}, {5, 20, NO, 30}, {2, 0, 15, 40}}, {10, 30, 15}, {-1}},
	{"W17", 100, 3, {{1, 0, NO, 50}, {5, 20, NO, 30}, {2, 0, 20, 40}}, {50, 30, 20}, {-1}},
	{"W18", 8, 1, {{7, 0, 3, ALL}}, {3}, {-1}},
	{"W20", 10, 2, {{1, 6, NO, 2}, {1, 5, NO, ALL}}, {2, 8}, {-1}},
	{"W21",
	 100,
	 5,
	 {{1, 30, NO, ALL}, {2, 10, 25, ALL}, {3, 0, NO, 20}, {4, 0, NO, ALL}, {1, 5, NO, ALL}},
	 {30, 100. / 7, 20, 200. / 7, 50. / 7},
	 {35, 20, 15, 20, 10}},
	{"W23", 0, 2, {{1, 0, NO, ALL}, {1, 0, NO, ALL}}, {0, 0}, {-1}},
	{"W24", 10, 3, {{0, 3, NO, ALL}, {1, 0, NO, ALL}, {1, 0, NO, ALL}}, {3, 3.5, 3.5}, {-1}},
	{"W25",
	 30,
	 5,
	 {{1, 0, NO, 1}, {1, 0, NO, 7}, {1, 0, NO, 9}, {1, 0, NO, 20}, {1, 0, NO, 20}},
	 {1, 7, 22. / 3, 22. / 3, 22. / 3},
	 {-1}},
	{"B30a", 4000, 2, {{1, 0, NO, 6000}, {1, 0, NO, 5000}}, {2000, 2000}, {-1}},
	{"B30b", 4000, 2, {{1, 0, NO, 3000}, {1, 0, NO, 1500}}, {2500, 1500}, {-1}},
	{"B30c", 4000, 2, {{1, 0, NO, 1500}, {1, 0, NO, 3000}}, {1500, 2500}, {-1}},
	{"B30d", 4000, 2, {{1, 0, NO, 2500}, {1, 0, NO, 3000}}, {2000, 2000}, {-1}},
	{"B30e", 4000, 2, {{1, 0, NO, 1000}, {1, 0, NO, 3000}}, {1000, 3000}, {-1}},
};

static void W01_to_W25_and_B30(void **state)
{
	(void)state;
	for (size_t c = 0; c < LEN(cases); c++)
		check(&cases[c]);
}

static void W08_mclock_at_every_capacity(void **state)
{
	static const double want[][4] = {
		{500, 250, 250, 0},
		{600, 250, 250, 100},
		{875, 250, 250, 375},
		{1000, 250, 300, 450},
		{1200, 250, 380, 570},
		{1500, 250, 500, 750},
		{1600, 800. / 3, 1600. / 3, 800},
		{2000, 1000. / 3, 2000. / 3, 1000},
		{2400, 1400. / 3, 2800. / 3, 1000},
		{3000, 2000. / 3, 4000. / 3, 1000},
	};
	struct problem p = {
		.id = "W08",
		.n = 3,
		.vm = {{100, 250, NO, ALL}, {200, 250, NO, ALL}, {300, 0, 1000, ALL}},
	};
	double grant[3], joint[3];

	(void)state;
	for (size_t t = 0; t < LEN(want); t++) {
		p.capacity = want[t][0];
		answers(&p, FILL_M1, grant, joint);
		for (size_t i = 0; i < 3; i++) {
			near(grant[i], want[t][i + 1]);
			near(joint[i], want[t][i + 1]);
		}
	}
}

/* Too many floors: each gets the same part of its own. */
static void W19_infeasible_floors_are_scaled(void **state)
{
	struct problem p = {"W19", 10, 2, {{1, 6, NO, ALL}, {1, 5, NO, ALL}}, {60. / 11, 50. / 11},
			    {-1}};

	(void)state;
	check(&p);
}

/* A reader for the one form that the data file has. */
static double rational(const char **at)
{
	const char *s = *at + strspn(*at, " \"");
	char *end;

	if (strncmp(s, "null", 4) == 0) {
		*at = s + 4;
		return -1;
	}
	double v = strtod(s, &end);
	assert_ptr_not_equal(s, end);
	if (*end == '/')
		v /= strtod(end + 1, &end);
	*at = end + (*end == '"');
	return v;
}

static double field(const char **at, const char *key)
{
	const char *s = strstr(*at, key);

	assert_non_null(s);
	*at = s + strlen(key);
	return rational(at);
}

static void list(const char *line, const char *key, size_t n, double *out)
{
	const char *s = strstr(line, key);

	assert_non_null(s);
	s += strlen(key);
	for (size_t i = 0; i < n; i++) {
		s += strspn(s, ", [");
		out[i] = rational(&s);
	}
}

static bool read_problem(const char *line, struct problem *p)
{
	const char *at = line;
	const char *end = strstr(line, "\"feasible\"");

	assert_non_null(end);
	*p = (struct problem){.id = "waterfill"};
	p->capacity = field(&at, "\"C\":");
	while (strstr(at, "\"w\":") && strstr(at, "\"w\":") < end) {
		assert_true(p->n < MAX_VMS);
		struct vm *vm = &p->vm[p->n++];
		vm->w = field(&at, "\"w\":");
		vm->floor = field(&at, "\"res\":");
		vm->cap = field(&at, "\"lim\":");
		vm->want = field(&at, "\"dem\":");
		vm->cap = vm->cap < 0 ? NO : vm->cap;
		vm->want = vm->want < 0 ? ALL : vm->want;
	}
	if (strncmp(end, "\"feasible\": true", 15) != 0)
		return false;
	list(end, "\"M1\":", p->n, p->m1);
	list(end, "\"M2\":", p->n, p->m2);
	return true;
}

static void check_infeasible(const struct problem *p)
{
	double grant[MAX_VMS], joint[MAX_VMS], sum = 0.0, floors = 0.0;

	answers(p, FILL_M1, grant, joint);
	for (size_t i = 0; i < p->n; i++) {
		double f = fmin(p->vm[i].floor, fmin(p->vm[i].cap, p->vm[i].want));
		sum += grant[i];
		floors += f;
		assert_true(grant[i] <= f);
		near(joint[i], grant[i]);
	}
	assert_true(floors > p->capacity);
	near(sum, p->capacity);
}

static void waterfill_200_cases(void **state)
{
	static struct problem p;
	static char line[8192];
	FILE *in = fopen("tests/data/waterfill_public.jsonl", "r");
	unsigned feasible = 0, infeasible = 0;

	(void)state;
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		if (read_problem(line, &p)) {
			check(&p);
			feasible++;
		} else {
			check_infeasible(&p);
			infeasible++;
		}
	}
	fclose(in);
	assert_int_equal(feasible, 194);
	assert_int_equal(infeasible, 6);
}

/* DRF: users whose tasks need a fixed vector each and who have no end of them. */
struct drf {
	const char *id;
	size_t users, cols;
	double capacity[3], task[3][3], weight[3], limit[3]; /* limit: tasks at most, 0 = none */
	double tasks[3];
};

static const struct drf drf_cases[] = {
	{"B40", 2, 2, {9, 18}, {{1, 4}, {3, 1}}, {1, 1}, {0}, {3, 2}},
	{"B43a", 2, 2, {9, 18}, {{1, 4}, {3, 1}}, {2, 1}, {0}, {54. / 13, 18. / 13}},
	{"B43b", 2, 2, {9, 18}, {{1, 4}, {3, 1}}, {1, 2}, {0}, {9. / 5, 12. / 5}},
	{"B44", 2, 2, {100, 10000}, {{2, 300}, {6, 100}}, {1, 1}, {0}, {20, 10}},
	{"B45", 3, 3, {30, 60, 10}, {{1, 4, 0}, {3, 1, 1}, {2, 2, .5}}, {1, 1, 1}, {0}, {6, 4, 6}},
	{"B46", 2, 2, {9, 18}, {{1, 4}, {3, 1}}, {1, 1}, {1, 0}, {1, 8. / 3}},
	{"B47", 2, 2, {10, 10}, {{1, 0}, {0, 1}}, {1, 1}, {0}, {10, 10}},
};

static void drf_check(const struct drf *d)
{
	const double many = 1e4;
	double want[3][3], cap[3][3], zero[3] = {0}, out[3][3], scratch[SHARE_SCRATCH * 3];
	struct share_col col[3];

	for (size_t k = 0; k < d->cols; k++) {
		for (size_t i = 0; i < d->users; i++) {
			want[k][i] = many * d->task[i][k];
			cap[k][i] = d->limit[i] > 0 ? d->limit[i] * d->task[i][k] : NO;
		}
		col[k] = (struct share_col){
			.capacity = d->capacity[k],
			.want = want[k],
			.floor = zero,
			.cap = cap[k],
			.weight = d->weight,
		};
	}
	struct share_view v = {.n = d->users, .ncols = d->cols, .col = col, .scratch = scratch};
	for (enum fill_rule rule = FILL_M1; rule <= (d->limit[0] > 0 ? FILL_M1 : FILL_M2); rule++) {
		fill_joint(&v, rule, NULL, (double *[]){out[0], out[1], out[2]});
		for (size_t i = 0; i < d->users; i++) {
			for (size_t k = 0; k < d->cols; k++)
				near(out[k][i], d->tasks[i] * d->task[i][k]);
		}
	}
}

static void B40_B43_to_B47_drf(void **state)
{
	(void)state;
	for (size_t c = 0; c < LEN(drf_cases); c++)
		drf_check(&drf_cases[c]);
}

/* A full column stops a VM only once its floor there is used up. */
static void joint_floor_is_used_before_a_full_column_stops(void **state)
{
	double want0[] = {10, 10}, want1[] = {10, 0}, floor0[] = {5, 0}, zero[2] = {0};
	double cap[] = {NO, NO}, w[] = {1e-6, 1}, a[2], b[2], scratch[SHARE_SCRATCH * 2];
	struct share_col col[] = {
		{.capacity = 10, .want = want0, .floor = floor0, .cap = cap, .weight = w},
		{.capacity = 10, .want = want1, .floor = zero, .cap = cap, .weight = w},
	};
	struct share_view v = {.n = 2, .ncols = 2, .col = col, .scratch = scratch};

	(void)state;
	fill_joint(&v, FILL_M1, NULL, (double *[]){a, b});
	near(a[0], 5);
	near(a[1], 5);
	near(b[0], 5);
	near(b[1], 0);
}

/* Breakpoints in geometric series and flat parts: what Newton's method likes least. */
static void hard_levels_converge(void **state)
{
	struct problem p = {.id = "hard", .n = MAX_VMS};
	double grant[MAX_VMS], joint[MAX_VMS];

	(void)state;
	for (int e = 1; e < 60; e++) {
		double sum = 0.0;
		for (size_t i = 0; i < p.n; i++) {
			double b = ldexp(1, (int)i - 30);
			p.vm[i] = (struct vm){i % 3 ? 1 : ldexp(1, -(int)i), i % 2 ? b : 0, NO,
					      2 * b};
			sum += i % 2 ? b : 0;
		}
		p.capacity = sum * (1 + ldexp(1, -e));
		answers(&p, FILL_M1, grant, joint);
		sum = 0.0;
		for (size_t i = 0; i < p.n; i++) {
			assert_true(grant[i] >= fmin(p.vm[i].floor, p.vm[i].want));
			assert_true(grant[i] <= p.vm[i].want);
			assert_true(fabs(grant[i] - joint[i]) <= 1e-9 * p.capacity);
			sum += grant[i];
		}
		near(sum, p.capacity);
	}
}

static double below(double top)
{
	static uint64_t seed = 11;

	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed >> 11) * 0x1p-53 * top;
}

/* Where every VM uses up one column of two before the other, that one is filled alone and the other
 * follows, bit by bit as VM by VM, whatever their number. */
static void two_columns_of_which_one_leads(void **state)
{
	static struct arrays lead, other;
	double grant[2][MAX_VMS], alone[MAX_VMS];

	(void)state;
	for (int round = 0; round < 500; round++) {
		size_t n = (size_t)below(20);
		double capacity = 0;
		for (size_t i = 0; i < n; i++) {
			lead.want[i] = below(5) < 1 ? 0 : below(100);
			other.want[i] = lead.want[i] * below(1);
			lead.w[i] = other.w[i] = 1 + floor(below(3));
			lead.floor[i] = below(4) < 1 ? below(20) : 0;
			lead.cap[i] = below(4) < 1 ? below(100) : INFINITY;
			other.floor[i] = 0;
			other.cap[i] = INFINITY;
			capacity += lead.want[i] * below(1.5);
		}
		struct share_col col[2] = {{.capacity = capacity,
					    .want = lead.want,
					    .floor = lead.floor,
					    .cap = lead.cap,
					    .weight = lead.w},
					   {.capacity = capacity,
					    .want = other.want,
					    .floor = other.floor,
					    .cap = other.cap,
					    .weight = other.w}};
		struct share_view view = {.n = n, .ncols = 2, .col = col, .scratch = lead.scratch};
		fill_joint(&view, FILL_M1, NULL, (double *[]){grant[0], grant[1]});
		fill_level(&col[0], n, other.scratch, alone);
		for (size_t i = 0; i < n; i++) {
			double x = lead.want[i] > 0 ? alone[i] / lead.want[i] : 0;
			assert_true(grant[0][i] == alone[i]);
			assert_true(grant[1][i] == other.want[i] * x);
		}
	}
}

static void slices_ignore_demand(void **state)
{
	double want[] = {0, 100, 100}, floor[] = {40, 0, 0}, cap[] = {NO, NO, NO};
	double w[] = {1, 1, 2}, slice[3], scratch[SHARE_SCRATCH * 3];
	struct share_col col = {
		.capacity = 100, .want = want, .floor = floor, .cap = cap, .weight = w};

	(void)state;
	fill_slices(&col, w, 3, scratch, slice);
	near(slice[0], 40);
	near(slice[1], 20);
	near(slice[2], 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(W01_to_W25_and_B30),
		cmocka_unit_test(W08_mclock_at_every_capacity),
		cmocka_unit_test(W19_infeasible_floors_are_scaled),
		cmocka_unit_test(waterfill_200_cases),
		cmocka_unit_test(B40_B43_to_B47_drf),
		cmocka_unit_test(joint_floor_is_used_before_a_full_column_stops),
		cmocka_unit_test(hard_levels_converge),
		cmocka_unit_test(slices_ignore_demand),
		cmocka_unit_test(two_columns_of_which_one_leads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
