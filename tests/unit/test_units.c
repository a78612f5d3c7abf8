#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "sim/core/units.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{"0s", 0},
		{"7ns", 7},
		{"1us", 1000},
		{"150ms", 150000000},
		{" 90 s ", 90000000000},
		{"5min", 300000000000},
		{"2h", 7200000000000},
		{"1d", 86400000000000},
		{"1w", 604800000000000},
		{"1h30min", 5400000000000},
		{"1h 30 min", 5400000000000},
		{"1d1ns", 86400000000001},
		{"1.5h", 5400000000000},
		{"0.1s", 100000000},
		{".5us", 500},
		{"1e3ms", 1000000000},
		{"0.5ns", 1},
		{"-5s", -5000000000},
		{"-1h30min", -5400000000000},
		{"9223372036854775806ns", INT64_MAX - 1},
		{"none", INT64_MAX},
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int64_t ns = -1;
		assert_null(units_parse(OPT_TIME, cases[i].text, &ns, why, sizeof(why)));
		assert_true(ns == cases[i].ns);
	}
}

static void doubles(void **state)
{
	static const struct {
		enum opt_type type;
		const char *text;
		double value;
	} cases[] = {
		{OPT_NUMBER, "1.5", 1.5},          {OPT_NUMBER, "-2e-3", -2e-3},
		{OPT_NUMBER, "+.25", .25},         {OPT_NUMBER, "3.", 3},
		{OPT_NUMBER, "0.1", 0.1},          {OPT_NUMBER, "none", INFINITY},
		{OPT_RATIO, "80%", 0.8},           {OPT_RATIO, "0.8", 0.8},
		{OPT_RATIO, "120 %", 1.2},         {OPT_FREQ, "2500 MHz", 2500},
		{OPT_FREQ, "2.5GHz", 2500},        {OPT_FREQ, "2500kHz", 2.5},
		{OPT_FREQ, "1000000 Hz", 1},       {OPT_BYTES, "0B", 0},
		{OPT_BYTES, "4GiB", 4294967296.0}, {OPT_BYTES, "500MB", 5e8},
		{OPT_BYTES, "2 kB", 2000},         {OPT_BYTES, "1KiB", 1024},
		{OPT_BYTES, "1PB", 1e15},          {OPT_BYTES, "1.5TiB", 1649267441664.0},
		{OPT_BYTERATE, "250MB/s", 2.5e8},  {OPT_BYTERATE, "1 GiB/s", 1073741824.0},
		{OPT_BITRATE, "10Gbit/s", 1e10},   {OPT_BITRATE, "64 kbit/s", 64000},
		{OPT_RATE, "5000/s", 5000},        {OPT_RATE, "30/h", 30.0 / 3600},
		{OPT_RATE, "6 /min", 0.1},         {OPT_RATE, "86400/d", 1},
		{OPT_RATE, "5000 IOPS", 5000},     {OPT_RATE, "1.5kIOPS", 1500},
		{OPT_POWER, "250W", 250},          {OPT_POWER, "1.2 kW", 1200},
		{OPT_POWER, "none", INFINITY},
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		double value = -1;
		assert_null(units_parse(cases[i].type, cases[i].text, &value, why, sizeof(why)));
		assert_true(value == cases[i].value);
	}
}

static void others(void **state)
{
	static const struct {
		const char *text;
		struct cpu_amount want;
	} cpus[] = {
		{"80%", {0.8, CPU_FRACTION}}, {"1.5 cores", {1.5, CPU_CORES}},
		{"1 core", {1, CPU_CORES}},   {"500 MHz", {500, CPU_MHZ}},
		{"2GHz", {2000, CPU_MHZ}},    {"none", {INFINITY, CPU_MHZ}},
	};
	char why[256];
	bool flag = false;
	int64_t n = 0;

	(void)state;
	for (size_t i = 0; i < LEN(cpus); i++) {
		struct cpu_amount cpu = {0};
		assert_null(units_parse(OPT_CPU, cpus[i].text, &cpu, why, sizeof(why)));
		assert_true(cpu.value == cpus[i].want.value);
		assert_int_equal(cpu.unit, cpus[i].want.unit);
	}
	assert_null(units_parse(OPT_BOOL, " true", &flag, why, sizeof(why)));
	assert_true(flag);
	assert_null(units_parse(OPT_BOOL, "false", &flag, why, sizeof(why)));
	assert_false(flag);
	assert_null(units_parse(OPT_INT, "-9223372036854775808", &n, why, sizeof(why)));
	assert_true(n == INT64_MIN);
	assert_null(units_parse(OPT_INT, "+42", &n, why, sizeof(why)));
	assert_true(n == 42);
}

static void bad_input(void **state)
{
	static const struct {
		enum opt_type type;
		const char *text, *says;
	} cases[] = {
		{OPT_BYTES, "4", "4 needs a unit (for example 4GiB)"},
		{OPT_TIME, "5", "5 needs a unit (for example 5s)"},
		{OPT_TIME, "0", "0 needs a unit (for example 0s)"},
		{OPT_TIME, "1h30", "30 needs a unit (for example 30s)"},
		{OPT_CPU, "4", "4 needs a unit (for example 4 cores)"},
		{OPT_FREQ, "2500", "2500 needs a unit (for example 2500 MHz)"},
		{OPT_TIME, "", "is empty, must be a time, for example 150ms or 5min"},
		{OPT_TIME, "  ", "is empty, must be a time, for example 150ms or 5min"},
		{OPT_TIME, "soon", "\"soon\" is not a time; write for example 150ms or 5min"},
		{OPT_TIME, "30min1h", "\"30min1h\" is not a time; write for example 150ms or 5min"},
		{OPT_TIME, "1h1h", "is not a time"},
		{OPT_TIME, "1h-5min", "is not a time"},
		{OPT_TIME, "5m", "\"m\" is not a known unit; use ns, us, ms, s, min, h, d, w"},
		{OPT_TIME, "5 sec", "\"sec\" is not a known unit"},
		{OPT_TIME, "5s x", "is not a time"},
		{OPT_TIME, "106752d", "106752d is too large"},
		{OPT_TIME, "9223372036854775808ns", "is too large"},
		{OPT_TIME, "9223372036854775807ns1w", "is not a time"},
		{OPT_TIME, "106751d24h", "is too large"},
		{OPT_TIME, "1e30s", "is too large"},
		{OPT_TIME, "1e400s", "is too large"},
		{OPT_BYTES, "4KB", "\"KB\" is not a known unit; use B, kB"},
		{OPT_BYTES, "4 GiB x", "is not a known unit"},
		{OPT_BYTES, "1e400B", "1e400B is too large"},
		{OPT_BYTES, "1e300PB", "1e300PB is too large"},
		{OPT_BITRATE, "100Mbps", "use bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s"},
		{OPT_NUMBER, "nan", "is not a number"},
		{OPT_NUMBER, "inf", "is not a number"},
		{OPT_NUMBER, "0x10", "\"x10\" after a number that has no unit"},
		{OPT_NUMBER, "1,5", "after a number that has no unit"},
		{OPT_NUMBER, "1.5s", "after a number that has no unit"},
		{OPT_NUMBER, ".", "is not a number"},
		{OPT_NUMBER, "-", "is not a number"},
		{OPT_NUMBER, "1e", "after a number that has no unit"},
		{OPT_INT, "1.5", "\"1.5\" is not a whole number; write for example 42"},
		{OPT_INT, "1e3", "is not a whole number"},
		{OPT_INT, "9223372036854775808", "is too large"},
		{OPT_BOOL, "yes", "\"yes\" is not true or false"},
		{OPT_BOOL, "", "is empty, must be true or false"},
		{OPT_RATIO, "80 percent", "\"percent\" is not a known unit; use %"},
		{OPT_CPU, "80 % cores", "is not a known unit; use %, cores, core, MHz, GHz"},
		{OPT_STRING, "x", "is not of a type that one value can have"},
	};
	char why[256];
	struct cpu_amount out = {-1, CPU_MHZ};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const char *bad = units_parse(cases[i].type, cases[i].text, &out, why, sizeof(why));
		assert_non_null(bad);
		if (!strstr(bad, cases[i].says))
			print_error("%s: %s\n", cases[i].text, bad);
		assert_non_null(strstr(bad, cases[i].says));
		assert_true(out.value == -1); /* left alone */
	}
	assert_ptr_equal(units_parse(OPT_TIME, "a longer text", &out, why, 8), why);
	assert_int_equal(strlen(why), 7);
}

static void plain_number(void **state)
{
	char why[64];
	double x = 0;

	(void)state;
	assert_null(units_number(" 2.5 ", &x, why, sizeof(why)));
	assert_true(x == 2.5);
	assert_non_null(units_number("2.5 s", &x, why, sizeof(why)));
	assert_true(x == 2.5);
}

static void print_times(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "1ns"},
		{1500, "1.5us"},
		{150000000, "150ms"},
		{1000000001, "1.000000001s"},
		{300000000000, "5min"},
		{5400000000000, "1h30min"},
		{61500000000, "1min1.5s"},
		{86400000000000, "1d"},
		{-5000000000, "-5s"},
		{INT64_MAX, "none"},
	};
	static const int64_t others[] = {INT64_MAX - 1, INT64_MIN + 1, 59999999999, 3599999999999,
					 123456789012345678};
	char text[64], why[64];
	int64_t back;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_string_equal(units_print_time(cases[i].ns, text, sizeof(text)),
				    cases[i].text);
		assert_null(units_parse(OPT_TIME, text, &back, why, sizeof(why)));
		assert_true(back == cases[i].ns);
	}
	for (size_t i = 0; i < LEN(others); i++) {
		units_print_time(others[i], text, sizeof(text));
		assert_null(units_parse(OPT_TIME, text, &back, why, sizeof(why)));
		assert_true(back == others[i]);
	}
}

static void print_bytes(void **state)
{
	static const struct {
		double bytes;
		const char *text;
	} cases[] = {
		{0, "0B"},
		{1, "1B"},
		{1000, "1kB"},
		{1024, "1KiB"},
		{1536, "1536B"},
		{5e8, "500MB"},
		{4294967296.0, "4GiB"},
		{1649267441664.0, "1536GiB"},
		{1e15, "1PB"},
		{-2000, "-2kB"},
		{0.5, "0.5B"},
		{INFINITY, "none"},
	};
	char text[64], why[64];
	double back;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_string_equal(units_print_bytes(cases[i].bytes, text, sizeof(text)),
				    cases[i].text);
		assert_null(units_parse(OPT_BYTES, text, &back, why, sizeof(why)));
		assert_true(back == cases[i].bytes);
	}
}

static void print_numbers(void **state)
{
	static const double x[] = {0, 0.1, 1.0 / 3, 1e300, -5e-324, 123456789.125, 1e15};
	char text[64], why[64];
	double back;

	(void)state;
	for (size_t i = 0; i < LEN(x); i++) {
		units_print_number(x[i], text, sizeof(text));
		assert_null(units_number(text, &back, why, sizeof(why)));
		assert_true(back == x[i]);
	}
	assert_string_equal(units_print_number(0.1, text, sizeof(text)), "0.1");
	assert_string_equal(units_print_number(INFINITY, text, sizeof(text)), "none");
	assert_string_equal(units_print_number(NAN, text, sizeof(text)), "nan");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),        cmocka_unit_test(doubles),
		cmocka_unit_test(others),       cmocka_unit_test(bad_input),
		cmocka_unit_test(plain_number), cmocka_unit_test(print_times),
		cmocka_unit_test(print_bytes),  cmocka_unit_test(print_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
