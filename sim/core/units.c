/*
 * See units.h. A number is scanned by hand, so that no locale and none of strtod's extras (hex,
 * inf, nan) can get in; its value comes from strtod_l in the C locale. Factors are a product and a
 * quotient, so that 2500 kHz or 30/h are rounded once. Times are summed as integers where no
 * fraction is written, so that every int64_t survives printing and reading.
 */
#include "sim/core/units.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)

struct unit {
	enum opt_type type;
	const char *name;
	double mul, div;
	enum cpu_unit cpu;
};

/* For each type from small to large; the order in which messages list them. */
static const struct unit units[] = {
	{OPT_TIME, "ns", 1, 1, 0},
	{OPT_TIME, "us", 1e3, 1, 0},
	{OPT_TIME, "ms", 1e6, 1, 0},
	{OPT_TIME, "s", 1e9, 1, 0},
	{OPT_TIME, "min", 60e9, 1, 0},
	{OPT_TIME, "h", 3600e9, 1, 0},
	{OPT_TIME, "d", 86400e9, 1, 0},
	{OPT_TIME, "w", 604800e9, 1, 0},
	{OPT_BYTES, "B", 1, 1, 0},
	{OPT_BYTES, "kB", 1e3, 1, 0},
	{OPT_BYTES, "MB", 1e6, 1, 0},
	{OPT_BYTES, "GB", 1e9, 1, 0},
	{OPT_BYTES, "TB", 1e12, 1, 0},
	{OPT_BYTES, "PB", 1e15, 1, 0},
	{OPT_BYTES, "KiB", 1024.0, 1, 0},
	{OPT_BYTES, "MiB", 1048576.0, 1, 0},
	{OPT_BYTES, "GiB", 1073741824.0, 1, 0},
	{OPT_BYTES, "TiB", 1099511627776.0, 1, 0},
	{OPT_BYTERATE, "B/s", 1, 1, 0},
	{OPT_BYTERATE, "kB/s", 1e3, 1, 0},
	{OPT_BYTERATE, "MB/s", 1e6, 1, 0},
	{OPT_BYTERATE, "GB/s", 1e9, 1, 0},
	{OPT_BYTERATE, "TB/s", 1e12, 1, 0},
	{OPT_BYTERATE, "PB/s", 1e15, 1, 0},
	{OPT_BYTERATE, "KiB/s", 1024.0, 1, 0},
	{OPT_BYTERATE, "MiB/s", 1048576.0, 1, 0},
	{OPT_BYTERATE, "GiB/s", 1073741824.0, 1, 0},
	{OPT_BYTERATE, "TiB/s", 1099511627776.0, 1, 0},
	{OPT_BITRATE, "bit/s", 1, 1, 0},
	{OPT_BITRATE, "kbit/s", 1e3, 1, 0},
	{OPT_BITRATE, "Mbit/s", 1e6, 1, 0},
	{OPT_BITRATE, "Gbit/s", 1e9, 1, 0},
	{OPT_BITRATE, "Tbit/s", 1e12, 1, 0},
	{OPT_RATE, "/s", 1, 1, 0},
	{OPT_RATE, "/min", 1, 60, 0},
	{OPT_RATE, "/h", 1, 3600, 0},
	{OPT_RATE, "/d", 1, 86400, 0},
	{OPT_RATE, "IOPS", 1, 1, 0},
	{OPT_RATE, "kIOPS", 1e3, 1, 0},
	{OPT_FREQ, "Hz", 1, 1e6, 0},
	{OPT_FREQ, "kHz", 1, 1e3, 0},
	{OPT_FREQ, "MHz", 1, 1, 0},
	{OPT_FREQ, "GHz", 1e3, 1, 0},
	{OPT_POWER, "W", 1, 1, 0},
	{OPT_POWER, "kW", 1e3, 1, 0},
	{OPT_RATIO, "%", 1, 100, 0},
	{OPT_CPU, "%", 1, 100, CPU_FRACTION},
	{OPT_CPU, "cores", 1, 1, CPU_CORES},
	{OPT_CPU, "core", 1, 1, CPU_CORES},
	{OPT_CPU, "MHz", 1, 1, CPU_MHZ},
	{OPT_CPU, "GHz", 1e3, 1, CPU_MHZ},
};
#define UNITS (sizeof(units) / sizeof(units[0]))

/* For messages: what is wanted, and the unit that the text most likely lacks. */
static const struct form {
	const char *what, *example, *unit;
} forms[OPT_CPU + 1] = {
	[OPT_BOOL] = {"true or false", "true", ""},
	[OPT_INT] = {"a whole number", "42", ""},
	[OPT_NUMBER] = {"a number", "1.5", ""},
	[OPT_RATIO] = {"a ratio", "80% or 0.8", ""},
	[OPT_TIME] = {"a time", "150ms or 5min", "s"},
	[OPT_FREQ] = {"a frequency", "2500 MHz", " MHz"},
	[OPT_BYTES] = {"an amount of bytes", "4GiB", "GiB"},
	[OPT_BYTERATE] = {"a rate of bytes", "250MB/s", "MB/s"},
	[OPT_BITRATE] = {"a rate of bits", "10Gbit/s", "Gbit/s"},
	[OPT_RATE] = {"a rate", "30/h or 5000 IOPS", "/s"},
	[OPT_POWER] = {"a power", "250W", "W"},
	[OPT_CPU] = {"an amount of CPU", "80%, 1.5 cores or 500 MHz", " cores"},
};

static const char *problem(char *why, size_t n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static const char *problem(char *why, size_t n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, n, fmt, ap);
	va_end(ap);
	return why;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && is_blank(*s))
		s++;
	return s;
}

/* The text without its surrounding blanks. */
static void trim(const char **text, const char **end)
{
	*end = *text + strlen(*text);
	*text = skip_blanks(*text, *end);
	while (*end > *text && is_blank((*end)[-1]))
		--*end;
}

/* [+-]digits[.digits][e[+-]digits], at least one digit before the exponent; NULL if there is none.
 * *whole: nothing but digits and a sign. */
static const char *scan_number(const char *s, const char *end, bool *whole)
{
	unsigned digits = 0;

	if (s < end && (*s == '+' || *s == '-'))
		s++;
	for (; s < end && is_digit(*s); s++)
		digits = 1;
	*whole = true;
	if (s < end && *s == '.') {
		*whole = false;
		for (s++; s < end && is_digit(*s); s++)
			digits = 1;
	}
	if (!digits)
		return NULL;
	const char *e = s;
	if (e < end && (*e == 'e' || *e == 'E')) {
		e++;
		if (e < end && (*e == '+' || *e == '-'))
			e++;
		if (e < end && is_digit(*e)) {
			while (e < end && is_digit(*e))
				e++;
			*whole = false;
			return e;
		}
	}
	return s;
}

/* The value of a scanned number; false if it is too large. glibc's "C" locale costs nothing to get.
 */
static bool number_value(const char *s, double *out)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	if (!c)
		return false;
	*out = strtod_l(s, NULL, c);
	freelocale(c);
	return isfinite(*out);
}

static const char *not_a(enum opt_type type, const char *s, const char *end, char *why, size_t n)
{
	const struct form *form = &forms[type];
	bool has_other_form = strcmp(form->what, "true or false") != 0;

	if (s == end)
		return problem(why, n, "is empty, must be %s%s%s", form->what,
			       has_other_form ? ", for example " : "",
			       has_other_form ? form->example : "");
	return problem(why, n, "\"%.*s\" is not %s%s%s", (int)(end - s), s, form->what,
		       has_other_form ? "; write for example " : "",
		       has_other_form ? form->example : "");
}

static const char *too_large(const char *s, const char *end, char *why, size_t n)
{
	return problem(why, n, "%.*s is too large", (int)(end - s), s);
}

static const char *needs_unit(enum opt_type type, const char *s, const char *end, char *why,
			      size_t n)
{
	int len = (int)(end - s);

	return problem(why, n, "%.*s needs a unit (for example %.*s%s)", len, s, len, s,
		       forms[type].unit);
}

static const struct unit *unit_find(enum opt_type type, const char *s, const char *end)
{
	size_t len = (size_t)(end - s);

	for (size_t i = 0; i < UNITS; i++)
		if (units[i].type == type && strlen(units[i].name) == len &&
		    !memcmp(units[i].name, s, len))
			return &units[i];
	return NULL;
}

static const char *unknown_unit(enum opt_type type, const char *s, const char *end, char *why,
				size_t n)
{
	char list[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < UNITS; i++) {
		if (units[i].type != type)
			continue;
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
					units[i].name);
	}
	if (!len)
		return problem(why, n, "\"%.*s\" after a number that has no unit; write %s",
			       (int)(end - s), s, forms[type].example);
	return problem(why, n, "\"%.*s\" is not a known unit; use %s", (int)(end - s), s, list);
}

/* Number and unit. *unit is NULL where a plain number is right. */
static const char *parse_quantity(enum opt_type type, const char *text, double *out,
				  const struct unit **unit, char *why, size_t n)
{
	const char *end;
	bool whole;

	trim(&text, &end);
	const char *s = scan_number(text, end, &whole);
	*unit = NULL;
	if (!s)
		return not_a(type, text, end, why, n);
	const char *name = skip_blanks(s, end);
	if (name < end) {
		*unit = unit_find(type, name, end);
		if (!*unit)
			return unknown_unit(type, name, end, why, n);
	} else if (type != OPT_NUMBER && type != OPT_RATIO) {
		return needs_unit(type, text, end, why, n);
	}
	if (!number_value(text, out))
		return too_large(text, end, why, n);
	if (*unit)
		*out = *out * (*unit)->mul / (*unit)->div;
	return isfinite(*out) ? NULL : too_large(text, end, why, n);
}

static bool parse_digits(const char *s, const char *end, int64_t *out)
{
	bool minus = *s == '-';
	int64_t value = 0;

	for (s += *s == '-' || *s == '+'; s < end; s++) {
		int digit = *s - '0';
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, minus ? -digit : digit, &value))
			return false;
	}
	*out = value;
	return true;
}

static const char *parse_int(const char *text, int64_t *out, char *why, size_t n)
{
	const char *end;
	bool whole;

	trim(&text, &end);
	const char *s = scan_number(text, end, &whole);
	if (!s || s < end || !whole)
		return not_a(OPT_INT, text, end, why, n);
	return parse_digits(text, end, out) ? NULL : too_large(text, end, why, n);
}

/* One number of a time, in ns: exact if whole, else rounded to the nearest. */
static bool time_part(const char *s, const char *end, bool whole, double factor, int64_t *out)
{
	double value;

	if (whole)
		return parse_digits(s, end, out) &&
		       !__builtin_mul_overflow(*out, (int64_t)factor, out);
	if (!number_value(s, &value))
		return false;
	value *= factor;
	if (!(fabs(value) < 9223372036854775808.0))
		return false;
	*out = llround(value);
	return true;
}

/* A sum of parts with ever smaller units; a sign in front is the sign of the whole. */
static const char *parse_time(const char *text, int64_t *out, char *why, size_t n)
{
	const char *end;
	const struct unit *last = NULL;
	int64_t sum = 0;

	trim(&text, &end);
	bool minus = text < end && *text == '-';
	const char *s = text;
	do {
		bool whole;
		const char *number_end = scan_number(s, end, &whole);
		if (!number_end || (last && (*s == '-' || *s == '+')))
			return not_a(OPT_TIME, text, end, why, n);
		const char *name = skip_blanks(number_end, end);
		if (name == end)
			return needs_unit(OPT_TIME, s, number_end, why, n);
		const char *name_end = name;
		while (name_end < end && !is_blank(*name_end) && !is_digit(*name_end) &&
		       *name_end != '.' && *name_end != '-' && *name_end != '+')
			name_end++;
		const struct unit *unit = unit_find(OPT_TIME, name, name_end);
		if (!unit && name_end > name)
			return unknown_unit(OPT_TIME, name, name_end, why, n);
		if (!unit || (last && unit >= last))
			return not_a(OPT_TIME, text, end, why, n);
		int64_t part;
		if (!time_part(s, number_end, whole, unit->mul, &part))
			return too_large(text, end, why, n);
		if (last && minus)
			part = -part;
		if (__builtin_add_overflow(sum, part, &sum))
			return too_large(text, end, why, n);
		last = unit;
		s = skip_blanks(name_end, end);
	} while (s < end);
	*out = sum;
	return NULL;
}

static const char *parse_bool(const char *text, bool *out, char *why, size_t n)
{
	const char *end;

	trim(&text, &end);
	size_t len = (size_t)(end - text);
	if (len == 4 && !memcmp(text, "true", 4))
		*out = true;
	else if (len == 5 && !memcmp(text, "false", 5))
		*out = false;
	else
		return not_a(OPT_BOOL, text, end, why, n);
	return NULL;
}

static const char *parse_cpu(const char *text, struct cpu_amount *out, char *why, size_t n)
{
	const struct unit *unit;
	double value;
	const char *bad = parse_quantity(OPT_CPU, text, &value, &unit, why, n);

	if (!bad && unit)
		*out = (struct cpu_amount){value, unit->cpu};
	return bad;
}

static bool is_none(const char *text)
{
	const char *end;

	trim(&text, &end);
	return end - text == 4 && !memcmp(text, "none", 4);
}

const char *units_parse(enum opt_type type, const char *text, void *out, char *why, size_t n)
{
	bool none = is_none(text);
	const struct unit *unit;

	switch (type) {
	case OPT_BOOL:
		return parse_bool(text, out, why, n);
	case OPT_INT:
	case OPT_TIME:
		if (none) {
			*(int64_t *)out = INT64_MAX;
			return NULL;
		}
		return type == OPT_INT ? parse_int(text, out, why, n)
				       : parse_time(text, out, why, n);
	case OPT_CPU:
		if (none) {
			*(struct cpu_amount *)out = (struct cpu_amount){INFINITY, CPU_MHZ};
			return NULL;
		}
		return parse_cpu(text, out, why, n);
	case OPT_NUMBER:
	case OPT_RATIO:
	case OPT_FREQ:
	case OPT_BYTES:
	case OPT_BYTERATE:
	case OPT_BITRATE:
	case OPT_RATE:
	case OPT_POWER: {
		double value = INFINITY;
		const char *bad = none ? NULL : parse_quantity(type, text, &value, &unit, why, n);
		if (!bad)
			*(double *)out = value;
		return bad;
	}
	default:
		return problem(why, n, "is not of a type that one value can have");
	}
}

const char *units_number(const char *text, double *out, char *why, size_t n)
{
	const struct unit *unit;
	double value = 0;
	const char *bad = parse_quantity(OPT_NUMBER, text, &value, &unit, why, n);

	if (!bad)
		*out = value;
	return bad;
}

char *units_print_number(double value, char *buf, size_t n)
{
	char text[32];

	if (isinf(value)) {
		snprintf(buf, n, "%s", value > 0 ? "none" : "-none");
		return buf;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (digits == 17 || strtod(text, NULL) == value)
			break;
	}
	/* Both calls above use the same locale, whichever it is; its point becomes a point here. */
	size_t j = 0;
	for (size_t i = 0; text[i]; i++) {
		bool ours = is_digit(text[i]) || strchr("+-.enan", text[i]);
		if (ours)
			text[j++] = text[i];
		else if (j == 0 || text[j - 1] != '.')
			text[j++] = '.';
	}
	text[j] = '\0';
	snprintf(buf, n, "%s", text);
	return buf;
}

/* ns below a minute: in the largest unit that is not above it, with the decimals it needs. */
static int print_seconds(uint64_t ns, char *buf, size_t n)
{
	static const struct {
		const char *name;
		uint64_t ns;
		int decimals;
	} small[] = {{"s", 1000000000, 9}, {"ms", 1000000, 6}, {"us", 1000, 3}, {"ns", 1, 0}};
	size_t i = 0;

	while (small[i].ns > ns)
		i++;
	uint64_t rest = ns % small[i].ns;
	int decimals = small[i].decimals;
	for (; rest > 0 && rest % 10 == 0; rest /= 10)
		decimals--;
	unsigned long long whole = ns / small[i].ns;
	if (rest == 0)
		return snprintf(buf, n, "%llu%s", whole, small[i].name);
	return snprintf(buf, n, "%llu.%0*llu%s", whole, decimals, (unsigned long long)rest,
			small[i].name);
}

char *units_print_time(int64_t ns, char *buf, size_t n)
{
	static const struct {
		const char *name;
		uint64_t s;
	} large[] = {{"d", 86400}, {"h", 3600}, {"min", 60}};
	char text[64] = "-";
	uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	int len = ns < 0;

	if (ns == 0 || ns == INT64_MAX) {
		snprintf(buf, n, "%s", ns ? "none" : "0s");
		return buf;
	}
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		uint64_t unit = large[i].s * (uint64_t)NS_PER_S;
		if (left >= unit)
			len += snprintf(text + len, sizeof(text) - (size_t)len, "%llu%s",
					(unsigned long long)(left / unit), large[i].name);
		left %= unit;
	}
	if (left > 0)
		print_seconds(left, text + len, sizeof(text) - (size_t)len);
	snprintf(buf, n, "%s", text);
	return buf;
}

/* Of the units that divide it the one with the shortest number; the binary one of two equals. */
char *units_print_bytes(double bytes, char *buf, size_t n)
{
	char best[48] = "", text[48], number[32];

	if (isinf(bytes))
		return units_print_number(bytes, buf, n);
	snprintf(best, sizeof(best), "%sB", units_print_number(bytes, number, sizeof(number)));
	for (size_t i = UNITS; i-- > 0;) {
		double count = bytes / units[i].mul;
		if (units[i].type != OPT_BYTES || bytes == 0 || count != floor(count) ||
		    count * units[i].mul != bytes)
			continue;
		snprintf(text, sizeof(text), "%s%s",
			 units_print_number(count, number, sizeof(number)), units[i].name);
		if (strcspn(text, "kKMGTPB") < strcspn(best, "kKMGTPB"))
			memcpy(best, text, sizeof(best));
	}
	snprintf(buf, n, "%s", best);
	return buf;
}
