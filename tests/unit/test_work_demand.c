/* The workloads that only demand: constant, onoff, sine, stochastic, trace. */
#include "tests/unit/work_harness.h"

#include <string.h>

#include "models/trace.h"

static void test_amounts(void **unused)
{
	(void)unused;
	assert_true(workload_mhz((struct cpu_amount){0.5, CPU_FRACTION}, 4, 2000) == 4000);
	assert_true(workload_mhz((struct cpu_amount){1.5, CPU_CORES}, 4, 2000) == 3000);
	assert_true(workload_mhz((struct cpu_amount){500, CPU_MHZ}, 4, 2000) == 500);
}

static void test_constant(void **unused)
{
	(void)unused;
	struct bench b = {0};
	bench_init(&b, "constant", OPTIONS("cpu", "25%", "memory", "1GB", "iops", "50/s"));
	assert_true(b.demand.want[RES_CPU] == 500);
	assert_true(b.demand.want[RES_MEM] == 1e9);
	assert_true(b.demand.want[RES_DISK] == 0);
	assert_true(b.demand.want[RES_IOPS] == 50);
	bench_run(&b, HOUR);
	assert_int_equal(b.events, 1);
	assert_true(b.demand.want[RES_CPU] == 500);
	bench_fini(&b);
}

static void test_onoff(void **unused)
{
	(void)unused;
	struct bench b = {.ctx.now_ns = 5 * SEC};
	bench_init(&b, "onoff",
		   OPTIONS("on_time", "10s", "off_time", "30s", "start", "on", "memory", "1GB",
			   "iops", "9/s"));
	assert_true(b.demand.want[RES_CPU] == 2000 && b.demand.want[RES_IOPS] == 9);
	assert_int_equal(b.ops->next(b.state, b.now_ns, 0), 15 * SEC);
	bench_run(&b, 15 * SEC);
	assert_true(b.demand.want[RES_CPU] == 0 && b.demand.want[RES_IOPS] == 0);
	assert_true(b.demand.want[RES_MEM] == 1e9);
	bench_run(&b, 405 * SEC);
	assert_close(b.work, 10 * 10 * 2000, 1e-9);
	b.now_ns = 5 * SEC + 4005 * SEC; /* a late call finds the turn of its moment */
	bench_ask(&b, 0);
	assert_true(b.demand.want[RES_CPU] == 2000);
	assert_int_equal(b.ops->next(b.state, b.now_ns, 0), 4015 * SEC);
	bench_fini(&b);
	b = (struct bench){0};
	assert_int_equal(bench_try(&b, "onoff", OPTIONS("on_time", "0s", "off_time", "0s")),
			 -EINVAL);
	bench_fini(&b);
}

/* Stationary: of 4000 VMs a quarter starts on, within 4 standard errors. */
static void test_onoff_stationary(void **unused)
{
	(void)unused;
	int on = 0;
	for (uint64_t i = 0; i < 4000; i++) {
		struct bench b = {.ctx.seed = i + 1};
		bench_init(&b, "onoff", OPTIONS("on_time", "exp(1min)", "off_time", "exp(3min)"));
		on += b.demand.want[RES_CPU] > 0;
		bench_fini(&b);
	}
	assert_true(fabs((double)on - 1000) < 4 * sqrt(4000 * .25 * .75));
}

/* Over a whole period the mean is the middle; over a first quarter it is 1/2 + 1/pi; both exact for
 * any steps. */
static void test_sine(void **unused)
{
	(void)unused;
	static const char *const every[] = {"5min", "7min", "1h", "11h"};
	for (int i = 0; i < 4; i++) {
		struct bench b = {0};
		bench_init(&b, "sine", OPTIONS("low", "20%", "period", "24h", "every", every[i]));
		double middle = b.demand.want[RES_CPU];
		bench_run(&b, 24 * 77 * HOUR);
		assert_close(b.work, 2000. * 0.6 * 24 * 77 * 3600, 1e-9);
		if (i == 0)
			assert_close(middle, 1200, 0.02);
		bench_fini(&b);
	}
	struct bench b = {0};
	bench_init(&b, "sine", OPTIONS("period", "24h", "iops", "10/s"));
	bench_run(&b, 6 * HOUR);
	assert_close(b.work, 2000. * (0.5 + 1 / M_PI) * 6 * 3600, 1e-9);
	assert_close(b.demand.want[RES_IOPS], b.demand.want[RES_CPU] / 200, 1e-12);
	bench_fini(&b);
	/* Begun between two steps, phase a quarter: falls from 1. */
	b = (struct bench){.ctx.now_ns = 100 * SEC};
	bench_init(&b, "sine", OPTIONS("period", "24h", "phase", "6h"));
	assert_true(b.demand.want[RES_CPU] < 2000 && b.demand.want[RES_CPU] > 1999);
	assert_int_equal(b.ops->next(b.state, b.now_ns, 0), 300 * SEC);
	bench_run(&b, 12 * HOUR);
	assert_true(b.demand.want[RES_CPU] < 1);
	bench_fini(&b);
}

static void test_stochastic(void **unused)
{
	(void)unused;
	struct bench b = {.ctx.now_ns = 50 * SEC};
	bench_init(&b, "stochastic", OPTIONS("level", "uniform(20%, 60%)", "every", "100s"));
	assert_int_equal(b.ops->next(b.state, b.now_ns, 0), 150 * SEC);
	bench_run(&b, (50 + 100 * 20000) * SEC);
	/* sd of one level .4/sqrt(12) */
	assert_true(fabs(b.work / 2000 / 2e6 - 0.4) < 4 * 0.4 / sqrt(12. * 20000));
	assert_int_equal(b.events, 20000);
	double level = b.demand.want[RES_CPU];
	bench_fini(&b);
	b = (struct bench){.ctx.now_ns = 50 * SEC}; /* asked only once: the same level */
	bench_init(&b, "stochastic", OPTIONS("level", "uniform(20%, 60%)", "every", "100s"));
	b.now_ns = (50 + 100 * 20000) * SEC;
	bench_ask(&b, 0);
	assert_true(b.demand.want[RES_CPU] == level);
	bench_fini(&b);
	b = (struct bench){0};
	bench_init(&b, "stochastic", OPTIONS("level", "normal(50%, 200%)", "every", "1s"));
	int low = 0, high = 0;
	for (int i = 1; i < 1000; i++) {
		bench_run(&b, i * SEC);
		assert_true(b.demand.want[RES_CPU] >= 0 && b.demand.want[RES_CPU] <= 2000);
		low += b.demand.want[RES_CPU] <= 0;
		high += b.demand.want[RES_CPU] >= 2000;
	}
	assert_true(low > 300 && high > 300);
	bench_fini(&b);
}

static const float cpu[] = {10, 50, 20, 100, 30, 0}; /* 3 rows of 2 VMs */
static const float disk[] = {1, 2, 3, 4, 5, 6};
static const struct trace percent = {
	.n = 2, .steps = 3, .step_ns = 300 * SEC, .unit = TRACE_PERCENT, .cpu = cpu, .disk = disk};

static void test_trace(void **unused)
{
	(void)unused;
	struct bench b = {.ctx = {.trace = &percent, .now_ns = 7 * SEC, .index = 1}};
	bench_init(&b, "trace", OPTIONS("path", "x", "memory", "1GB", "iops", "10/s"));
	assert_true(b.ops->plugin.state_size <= 96);
	assert_true(b.demand.want[RES_CPU] == 1000);
	assert_true(b.demand.want[RES_MEM] == 1e9);
	assert_true(b.demand.want[RES_DISK] == 2);
	assert_close(b.demand.want[RES_IOPS], 5, 1e-12);
	bench_run(&b, 307 * SEC - 1);
	assert_true(b.demand.want[RES_CPU] == 1000);
	bench_run(&b, 307 * SEC);
	assert_true(b.demand.want[RES_CPU] == 2000 && b.demand.want[RES_DISK] == 4);
	bench_run(&b, 906 * SEC);
	assert_true(b.demand.want[RES_CPU] == 0 && !b.demand.done);
	bench_run(&b, 907 * SEC);
	assert_true(b.demand.done && b.demand.want[RES_MEM] == 0);
	assert_int_equal(b.ops->next(b.state, b.now_ns, 0), INT64_MAX);
	assert_close(b.work, 300. * 3000, 1e-9);
	bench_fini(&b);
}

static void test_trace_repeat_and_late(void **unused)
{
	(void)unused;
	struct bench b = {.ctx = {.trace = &percent}};
	bench_init(&b, "trace", OPTIONS("path", "x", "repeat", "true", "scale", "2"));
	bench_run(&b, 9000 * SEC);
	assert_close(b.work, 10 * 300. * 2 * (200 + 400 + 600), 1e-9);
	b.now_ns = 90000 * SEC + 700 * SEC;
	bench_ask(&b, 0);
	assert_true(b.demand.want[RES_CPU] == 1200 && b.demand.want[RES_DISK] == 5);
	bench_fini(&b);
}

static void test_trace_mhz(void **unused)
{
	(void)unused;
	static const float mem[] = {1e6f, 2e6f, 3e6f, 4e6f, 5e6f, 6e6f};
	struct trace mhz = percent;
	mhz.unit = TRACE_MHZ;
	mhz.mem = mem;
	mhz.disk = NULL;
	struct bench b = {.ctx = {.trace = &mhz, .index = 1}};
	bench_init(&b, "trace", OPTIONS("path", "x", "scale", "10", "bandwidth", "4MB/s"));
	assert_true(b.demand.want[RES_CPU] == 500);
	assert_true(b.demand.want[RES_MEM] == 2e6);
	assert_close(b.demand.want[RES_DISK], 1e6, 1e-12); /* a quarter of 2000 MHz */
	bench_fini(&b);
}

#define MANY 7
#define ROWS 40
#define COLS 5
#define STEP (10 * SEC)

static uint64_t seed = 7;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

/* Few levels, so that rows often repeat. */
static void some_trace(struct trace *t, float (*table)[ROWS * COLS], struct trace_vm *vm)
{
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < ROWS * COLS; i++)
			table[k][i] = (float)(33 * (below(4) == 0 ? below(4) : 1));
	for (uint32_t i = 0; i < COLS; i++) {
		vm[i].first = below(ROWS);
		vm[i].last = vm[i].first + below(ROWS - vm[i].first);
	}
	*t = (struct trace){.n = COLS,
			    .steps = ROWS,
			    .step_ns = STEP,
			    .flat = below(4) == 0,
			    .cpu = table[0],
			    .mem = below(2) ? table[1] : NULL,
			    .disk = below(2) ? table[2] : NULL,
			    .iops = below(2) ? table[3] : NULL,
			    .vm = vm};
}

static void assert_asked_alone(struct bench *b, int64_t now_ns, const double *const *want, size_t i)
{
	struct demand d;

	b->ops->demand(b->state, now_ns, 0, 0, &d);
	for (int r = 0; r < RES_COUNT; r++)
		assert_memory_equal(&d.want[r], &want[r][i], sizeof(double));
}

/* Several at once are as if asked one by one, and none changes before the moment that is returned. */
static void ask_many(struct bench *b, int64_t now_ns)
{
	double now[RES_COUNT][MANY], later[RES_COUNT][MANY];
	const double *want[RES_COUNT] = {now[0], now[1], now[2], now[3]};
	void *at[MANY];
	int64_t next_ns = INT64_MAX;

	for (int i = 0; i < MANY; i++)
		at[i] = (char *)b[i].state - 16;
	struct workload_many many = {.now_ns = now_ns,
				     .n = MANY,
				     .offset = 16,
				     .at = at,
				     .want = {now[0], now[1], now[2], now[3]}};
	int64_t said_ns = b->ops->demand_many(&many);
	for (size_t i = 0; i < MANY; i++) {
		assert_asked_alone(&b[i], now_ns, want, i);
		int64_t its_ns = b[i].ops->next(b[i].state, now_ns, 0);
		next_ns = its_ns < next_ns ? its_ns : next_ns;
	}
	assert_true(said_ns == next_ns && said_ns > now_ns);
	if (said_ns == INT64_MAX)
		return;
	many.now_ns = said_ns - 1;
	memcpy(many.want, (double *[]){later[0], later[1], later[2], later[3]}, sizeof(many.want));
	b->ops->demand_many(&many);
	assert_memory_equal(now, later, sizeof(now));
}

static void test_trace_many(void **unused)
{
	(void)unused;
	for (int round = 0; round < 200; round++) {
		static float table[4][ROWS * COLS];
		struct trace_vm vm[COLS] = {0};
		struct trace trace;
		struct bench b[MANY] = {0};
		some_trace(&trace, table, vm);
		bool together = below(2);
		for (uint32_t i = 0; i < MANY; i++) {
			b[i].ctx.trace = &trace;
			b[i].ctx.index = below(COLS);
			b[i].ctx.trace_from_first = !together && below(2);
			b[i].ctx.now_ns = together ? 0 : below(3) * 7 * SEC;
			bench_init(&b[i], "trace",
				   OPTIONS("path", "x", "memory", "1GB", "bandwidth", "3MB/s",
					   "repeat", !together && below(2) ? "true" : "false"));
		}
		for (int64_t t = 14 * SEC; t < 3 * ROWS * STEP / 2; t += below(25) * SEC + 1)
			ask_many(b, t);
		for (int i = 0; i < MANY; i++)
			bench_fini(&b[i]);
	}
}

static void test_trace_mistakes(void **unused)
{
	(void)unused;
	struct bench b = {.ctx = {.trace = &percent, .index = 2}};
	assert_int_equal(bench_try(&b, "trace", OPTIONS("path", "some.csv")), -EINVAL);
	assert_non_null(strstr(b.err.text, "some.csv"));
	assert_non_null(strstr(b.err.text, "VM 3"));
	bench_fini(&b);
	b = (struct bench){0};
	assert_int_equal(bench_try(&b, "trace", OPTIONS("path", "some.csv")), -EINVAL);
	const char *format = "unset";
	assert_string_equal(b.ops->trace_path(b.state, &format), "some.csv");
	assert_null(format);
	bench_fini(&b);
}

static void test_out_of_memory(void **unused)
{
	(void)unused;
	static const char *const kinds[] = {"onoff", "stochastic"};
	for (int k = 0; k < 2; k++) {
		int rc = -ENOMEM;
		uint64_t n = 1;
		for (; rc && n < 50; n++) {
			struct bench b = {0};
			mem_fail_at(n);
			rc = k == 0 ? bench_try(&b, kinds[k],
						OPTIONS("on_time", "1s", "off_time", "1s"))
				    : bench_try(&b, kinds[k], OPTIONS("level", "50%"));
			mem_fail_at(0);
			assert_true(rc == 0 || rc == -ENOMEM);
			bench_fini(&b);
		}
		assert_int_equal(rc, 0);
		assert_true(n > 2);
	}
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amounts),        cmocka_unit_test(test_constant),
		cmocka_unit_test(test_onoff),          cmocka_unit_test(test_onoff_stationary),
		cmocka_unit_test(test_sine),           cmocka_unit_test(test_stochastic),
		cmocka_unit_test(test_trace),          cmocka_unit_test(test_trace_repeat_and_late),
		cmocka_unit_test(test_trace_mhz),      cmocka_unit_test(test_trace_many),
		cmocka_unit_test(test_trace_mistakes), cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests_name("work_demand", tests, NULL, NULL);
}
