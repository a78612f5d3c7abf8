/*
 * See opt.h. The value of a scalar comes from units.h; here are ranges, laws, lists and the words
 * of messages. The range of an OPT_DIST is in the unit its struct dist holds (seconds for times)
 * and is asked of what a user can see: a constant's value, both ends of a uniform law, the mean of
 * others.
 */
#include "sim/core/opt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/core/bug.h"
#include "sim/core/dist.h"
#include "sim/core/units.h"

#define NAME_MAX_LEN 63
#define TEXT_SIZE    256
#define TABLE_MAX    256

const char opt_no_memory[] = "out of memory";

static size_t type_size(enum opt_type type)
{
	static const size_t sizes[] = {
		[OPT_BOOL] = sizeof(bool),
		[OPT_INT] = sizeof(int64_t),
		[OPT_NUMBER] = sizeof(double),
		[OPT_RATIO] = sizeof(double),
		[OPT_TIME] = sizeof(int64_t),
		[OPT_FREQ] = sizeof(double),
		[OPT_BYTES] = sizeof(double),
		[OPT_BYTERATE] = sizeof(double),
		[OPT_BITRATE] = sizeof(double),
		[OPT_RATE] = sizeof(double),
		[OPT_POWER] = sizeof(double),
		[OPT_CPU] = sizeof(struct cpu_amount),
		[OPT_ENUM] = sizeof(int),
		[OPT_STRING] = sizeof(const char *),
		[OPT_PATH] = sizeof(const char *),
		[OPT_DIST] = sizeof(struct dist),
		[OPT_LIST] = sizeof(struct opt_list),
		[OPT_MAP] = 0,
		[OPT_MAPS] = sizeof(struct opt_list),
		[OPT_PLUGIN] = sizeof(struct plugin_spec),
		[OPT_PLUGINS] = sizeof(struct opt_list),
	};

	return sizes[type];
}

static void *field(void *base, const struct opt *opt)
{
	return (char *)base + opt->offset;
}

static const char *blank_end(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

/* Copies @len characters without surrounding blanks; false if they do not fit. */
static bool copy_trimmed(char *buf, size_t size, const char *s, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", *s)) {
		s++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n", s[len - 1]))
		len--;
	if (len >= size)
		return false;
	memcpy(buf, s, len);
	buf[len] = '\0';
	return true;
}

/* Edit distance in which two swapped neighbours are one edit. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[3][NAME_MAX_LEN + 1], na = strlen(a), nb = strlen(b);

	if (na > NAME_MAX_LEN || nb > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[na % 3][nb];
}

/* The nearest of the candidates offered so far, the first of equals; and those that a short name may stand for. */
struct nearest {
	const char *name, *best, *longer;
	size_t distance, nlonger;
};

#define SHORTEST 3 /* letters of a name that stands for a longer one */

static struct nearest nearest_start(const char *name)
{
	size_t far = strlen(name) / 3;

	return (struct nearest){.name = name, .distance = (far > 1 ? far : 1) + 1};
}

static void nearest_offer(struct nearest *near, const char *candidate)
{
	size_t distance = edit_distance(near->name, candidate);

	if (distance < near->distance) {
		near->distance = distance;
		near->best = candidate;
	}
	size_t len = strlen(near->name);
	if (len >= SHORTEST && strncmp(near->name, candidate, len) == 0) {
		near->longer = candidate;
		near->nlonger++;
	}
}

static const char *nearest_of(const struct nearest *near)
{
	return near->best || near->nlonger != 1 ? near->best : near->longer;
}

const struct opt *opt_find(const struct opt *opts, const char *name)
{
	for (; opts && opts->name; opts++)
		if (!strcmp(opts->name, name))
			return opts;
	return NULL;
}

const struct opt *opt_renamed(const struct opt *opts, const char *name)
{
	for (; opts && opts->name; opts++)
		if (opts->was && !strcmp(opts->was, name))
			return opts;
	return NULL;
}

const char *opt_nearest(const struct opt *opts, const char *name)
{
	struct nearest near = nearest_start(name);

	for (; opts && opts->name; opts++)
		nearest_offer(&near, opts->name);
	return nearest_of(&near);
}

const struct plugin *plugin_find(const struct plugin_kind *kind, const char *name)
{
	const struct plugin *plugin;

	for (size_t i = 0; (plugin = kind->at(i)); i++)
		if (!strcmp(plugin->name, name))
			return plugin;
	return NULL;
}

const char *plugin_nearest(const struct plugin_kind *kind, const char *name)
{
	struct nearest near = nearest_start(name);
	const struct plugin *plugin;

	for (size_t i = 0; (plugin = kind->at(i)); i++)
		nearest_offer(&near, plugin->name);
	return nearest_of(&near);
}

void *plugin_state(const struct plugin *plugin, struct arena *arena)
{
	void *state = arena_alloc(arena, plugin->state_size, 1);

	if (!state || (plugin->opts && opt_defaults(plugin->opts, state, arena)))
		return NULL;
	return state;
}

static bool any_not_negative(const struct opt *opt)
{
	return opt->min == 0 && opt->max == 0;
}

/* A bound in the unit that users write. */
static void print_bound(enum opt_type type, double bound, char *buf, size_t n)
{
	static const char *const suffix[OPT_CPU + 1] = {
		[OPT_FREQ] = " MHz", [OPT_BYTERATE] = " B/s", [OPT_BITRATE] = " bit/s",
		[OPT_RATE] = "/s",   [OPT_POWER] = " W",
	};
	char number[40];

	if (type == OPT_TIME && fabs(bound) < 9.2e18) {
		units_print_time(llround(bound), buf, n);
	} else if (type == OPT_BYTES) {
		units_print_bytes(bound, buf, n);
	} else {
		units_print_number(bound, number, sizeof(number));
		snprintf(buf, n, "%s%s", number, suffix[type] ? suffix[type] : "");
	}
}

/* @value and the range in the unit of @opt; @scale turns them into the stored unit of @type. */
static const char *range_problem(const struct opt *opt, enum opt_type type, double value,
				 double scale, const char *text, char *why, size_t n)
{
	double max = any_not_negative(opt) ? INFINITY : opt->max;
	char bound[64];
	const char *end = blank_end(text);
	int len = (int)strlen(end);

	while (len > 0 && strchr(" \t\r\n", end[len - 1]))
		len--;
	if (isinf(value) && (any_not_negative(opt) || !isinf(opt->max))) {
		snprintf(why, n, "%.*s is not possible here, a limit is needed", len, end);
		return why;
	}
	if (value >= opt->min && value <= max)
		return NULL;
	bool below = value < opt->min;
	print_bound(type, (below ? opt->min : max) * scale, bound, sizeof(bound));
	snprintf(why, n, "%.*s is %s %s", len, end,
		 below ? "below the minimum" : "above the maximum", bound);
	return why;
}

static double scalar_value(enum opt_type type, const void *p)
{
	if (type == OPT_INT || type == OPT_TIME) {
		int64_t value = *(const int64_t *)p;
		return value == INT64_MAX ? INFINITY : (double)value;
	}
	return type == OPT_CPU ? ((const struct cpu_amount *)p)->value : *(const double *)p;
}

static const char *parse_scalar(const struct opt *opt, const char *text, void *out, char *why,
				size_t n)
{
	union {
		bool flag;
		int64_t integer;
		double number;
		struct cpu_amount cpu;
	} value;
	const char *bad = units_parse(opt->type, text, &value, why, n);

	if (!bad && opt->type != OPT_BOOL)
		bad = range_problem(opt, opt->type, scalar_value(opt->type, &value), 1, text, why,
				    n);
	if (!bad)
		memcpy(out, &value, type_size(opt->type));
	return bad;
}

static const char *parse_enum(const struct opt *opt, const char *text, int *out, char *why,
			      size_t n)
{
	char name[TEXT_SIZE], list[TEXT_SIZE] = "";
	size_t len = 0;

	if (!copy_trimmed(name, sizeof(name), text, strlen(text)))
		name[0] = '\0';
	struct nearest near = nearest_start(name);
	for (int i = 0; opt->choices[i]; i++) {
		if (!strcmp(opt->choices[i], name)) {
			*out = i;
			return NULL;
		}
		nearest_offer(&near, opt->choices[i]);
		if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
						i ? ", " : "", opt->choices[i]);
	}
	const char *meant = nearest_of(&near);
	if (meant)
		snprintf(why, n, "must be one of %s; did you mean %s?", list, meant);
	else
		snprintf(why, n, "must be one of %s", list);
	return why;
}

/* One argument of a law, times in seconds. */
static const char *dist_arg(const struct opt *opt, struct dist *dist, unsigned arg,
			    const char *text, char *why, size_t n)
{
	double *out = arg == 0 ? &dist->a : &dist->b;

	if (!dist_arg_has_unit(dist->law, arg))
		return units_number(text, out, why, n);
	if (opt->of == OPT_CPU) {
		struct cpu_amount cpu;
		const char *bad = units_parse(OPT_CPU, text, &cpu, why, n);
		if (bad)
			return bad;
		if (arg == 1 && dist_arg_has_unit(dist->law, 0) && cpu.unit != dist->unit) {
			snprintf(why, n, "both arguments must have the same unit");
			return why;
		}
		*out = cpu.value;
		dist->unit = cpu.unit;
		return NULL;
	}
	if (opt->of == OPT_INT || opt->of == OPT_TIME) {
		int64_t value;
		const char *bad = units_parse(opt->of, text, &value, why, n);
		if (bad)
			return bad;
		*out = value == INT64_MAX ? INFINITY : (double)value;
		if (opt->of == OPT_TIME)
			*out /= 1e9;
		return NULL;
	}
	return units_parse(opt->of, text, out, why, n);
}

static const char *dist_form(enum dist_law law)
{
	static const char *const forms[DIST_LAWS] = {
		[DIST_CONSTANT] = "constant(value)",      [DIST_EXP] = "exp(mean)",
		[DIST_UNIFORM] = "uniform(low, high)",    [DIST_NORMAL] = "normal(mean, sd)",
		[DIST_LOGNORMAL] = "lognormal(mean, cv)", [DIST_GAMMA] = "gamma(mean, cv)",
		[DIST_ERLANG] = "erlang(k, mean)",        [DIST_WEIBULL] = "weibull(shape, scale)",
		[DIST_PARETO] = "pareto(shape, scale)",   [DIST_H2] = "h2(mean, cv2)",
	};

	return forms[law];
}

static const char *dist_unknown(const char *name, char *why, size_t n)
{
	struct nearest near = nearest_start(name);

	for (unsigned law = DIST_CONSTANT; law < DIST_LAWS; law++)
		nearest_offer(&near, dist_name((enum dist_law)law));
	const char *meant = nearest_of(&near);
	if (meant)
		snprintf(why, n, "\"%s\" is not a law; did you mean %s?", name,
			 dist_form(dist_find(meant)));
	else
		snprintf(why, n,
			 "\"%s\" is not a law; use constant, exp, uniform, normal, lognormal, "
			 "gamma, erlang, weibull, pareto or h2",
			 name);
	return why;
}

/* law(arg, arg): @open is its parenthesis. */
static const char *dist_call(const struct opt *opt, const char *text, const char *open,
			     struct dist *dist, char *why, size_t n)
{
	char part[TEXT_SIZE];
	unsigned args = 0;

	if (!copy_trimmed(part, sizeof(part), text, (size_t)(open - text)))
		part[0] = '\0';
	dist->law = dist_find(part);
	if (dist->law == DIST_NONE)
		return dist_unknown(part, why, n);
	const char *s = open + 1;
	for (;;) {
		size_t len = strcspn(s, ",)");
		if (!s[len] || !copy_trimmed(part, sizeof(part), s, len))
			break;
		if (args == dist_arity(dist->law))
			break;
		const char *bad = dist_arg(opt, dist, args++, part, why, n);
		if (bad)
			return bad;
		s += len + 1;
		if (s[-1] == ')') {
			if (args == dist_arity(dist->law) && !*blank_end(s))
				return NULL;
			break;
		}
	}
	snprintf(why, n, "must have the form %s", dist_form(dist->law));
	return why;
}

static const char *dist_range(const struct opt *opt, const struct dist *dist, const char *text,
			      char *why, size_t n)
{
	double scale = opt->of == OPT_TIME ? 1e9 : 1;
	bool uniform = dist->law == DIST_UNIFORM;
	double low = uniform ? dist->a : dist_mean(dist);
	double high = uniform ? dist->b : low;

	/* A heavy tail has no mean to compare, which is not the same as being unlimited. */
	if (isinf(low) && dist->law != DIST_CONSTANT)
		return NULL;
	const char *bad = range_problem(opt, opt->of, low, scale, text, why, n);
	return bad ? bad : range_problem(opt, opt->of, high, scale, text, why, n);
}

static const char *parse_dist(const struct opt *opt, const char *text, struct dist *out, char *why,
			      size_t n)
{
	struct dist dist = {.law = DIST_CONSTANT};
	const char *open = strchr(text, '(');
	const char *bad = open ? dist_call(opt, text, open, &dist, why, n)
			       : dist_arg(opt, &dist, 0, text, why, n);

	if (bad)
		return bad;
	bad = dist_problem(&dist);
	if (bad) {
		snprintf(why, n, "%s", bad);
		return why;
	}
	bad = dist_range(opt, &dist, text, why, n);
	if (!bad)
		*out = dist;
	return bad;
}

/* Room for one more element; capacity is the power of two at or above n, so n alone tells when. */
static void *list_more(struct opt_list *list, size_t size, struct arena *arena)
{
	size_t n = list->n;

	if ((n & (n - 1)) == 0 && (n == 0 || n >= 4)) {
		void *items = arena_alloc(arena, n == 0 ? 4 : 2 * n, size);
		if (!items)
			return NULL;
		if (n > 0)
			memcpy(items, list->items, n * size);
		list->items = items;
	}
	return (char *)list->items + n * size;
}

static const char *parse_plugin(const struct opt *opt, const char *text, struct plugin_spec *out,
				struct arena *arena, char *why, size_t n)
{
	char name[NAME_MAX_LEN + 1];

	if (!copy_trimmed(name, sizeof(name), text, strlen(text)))
		name[0] = '\0';
	const struct plugin *plugin = plugin_find(opt->kind, name);
	if (!plugin) {
		const char *near = plugin_nearest(opt->kind, name);
		snprintf(why, n, "there is no %s \"%s\"%s%s%s", opt->kind->what, blank_end(text),
			 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
		return why;
	}
	void *state = plugin_state(plugin, arena);
	if (!state)
		return opt_no_memory;
	*out = (struct plugin_spec){plugin, state};
	return NULL;
}

const char *opt_parse(const struct opt *opt, const char *text, void *base, struct arena *arena,
		      char *why, size_t n)
{
	void *out = field(base, opt);
	struct opt element = *opt;
	struct opt_list *list = out;
	const char *bad;

	switch (opt->type) {
	case OPT_ENUM:
		return parse_enum(opt, text, out, why, n);
	case OPT_STRING:
	case OPT_PATH: {
		const char *copy = arena_strdup(arena, text);
		if (!copy)
			return opt_no_memory;
		memcpy(out, &copy, sizeof(copy));
		return NULL;
	}
	case OPT_DIST:
		return parse_dist(opt, text, out, why, n);
	case OPT_PLUGIN:
		return parse_plugin(opt, text, out, arena, why, n);
	case OPT_LIST:
	case OPT_PLUGINS:
		element.type = opt->type == OPT_LIST ? opt->of : OPT_PLUGIN;
		element.offset = 0;
		out = list_more(list, type_size(element.type), arena);
		if (!out)
			return opt_no_memory;
		bad = opt_parse(&element, text, out, arena, why, n);
		list->n += !bad;
		return bad;
	case OPT_MAP:
	case OPT_MAPS:
		snprintf(why, n, "must be a mapping (key: value)");
		return why;
	default:
		return parse_scalar(opt, text, out, why, n);
	}
}

/* A default; that of a list may have several elements, between commas. */
static const char *parse_default(const struct opt *opt, void *base, struct arena *arena, char *why,
				 size_t n)
{
	char part[TEXT_SIZE];
	const char *s = opt->def;

	if (opt->type != OPT_LIST && opt->type != OPT_PLUGINS)
		return opt_parse(opt, s, base, arena, why, n);
	for (;;) {
		size_t len = strcspn(s, ",");
		if (!copy_trimmed(part, sizeof(part), s, len)) {
			snprintf(why, n, "default is too long");
			return why;
		}
		const char *bad = opt_parse(opt, part, base, arena, why, n);
		if (bad || !s[len])
			return bad;
		s += len + 1;
	}
}

static bool has_default(const struct opt *opt)
{
	return !opt->required && opt->def && opt->def[0];
}

int opt_defaults(const struct opt *opts, void *base, struct arena *arena)
{
	char why[TEXT_SIZE];

	for (; opts && opts->name; opts++) {
		if (opts->type == OPT_MAP) {
			if (opt_defaults(opts->sub->opts, field(base, opts), arena))
				return -ENOMEM;
		} else if (has_default(opts)) {
			const char *bad = parse_default(opts, base, arena, why, sizeof(why));
			if (bad == opt_no_memory)
				return -ENOMEM;
			if (bad)
				fprintf(stderr, "cotenant: default of %s: %s\n", opts->name, bad);
			BUG_ON(bad);
		}
	}
	return 0;
}

const char *opt_type_help(enum opt_type type)
{
	static const char *const help[] = {
		[OPT_BOOL] = "true or false",
		[OPT_INT] = "whole number",
		[OPT_NUMBER] = "number without unit",
		[OPT_RATIO] = "ratio, for example 80% or 0.8",
		[OPT_TIME] = "time with unit, for example 5min",
		[OPT_FREQ] = "frequency with unit, for example 2500 MHz",
		[OPT_BYTES] = "bytes with unit, for example 4GiB",
		[OPT_BYTERATE] = "bytes per time with unit, for example 250MB/s",
		[OPT_BITRATE] = "bits per time with unit, for example 10Gbit/s",
		[OPT_RATE] = "rate with unit, for example 30/h or 5000 IOPS",
		[OPT_POWER] = "power with unit, for example 250W",
		[OPT_CPU] = "CPU with unit: 80% of the VM's vCPUs, 1.5 cores or 500 MHz",
		[OPT_ENUM] = "one of the names listed",
		[OPT_STRING] = "text",
		[OPT_PATH] = "path of a file or folder",
		[OPT_DIST] = "value or law, for example exp(10s) or uniform(1s, 5s)",
		[OPT_LIST] = "value or list of values",
		[OPT_MAP] = "mapping",
		[OPT_MAPS] = "mapping or list of mappings",
		[OPT_PLUGIN] = "name, or mapping with kind and options",
		[OPT_PLUGINS] = "name or mapping with kind and options, or a list of them",
	};

	return help[type];
}

static bool is_scalar(enum opt_type type)
{
	return type <= OPT_PATH;
}

/* What the entry says of itself, its default aside. */
static const char *entry_problem(const struct opt *opt, size_t state_size)
{
	if (opt->name[0] == '\0' || strlen(opt->name) > NAME_MAX_LEN)
		return "name is empty or too long";
	if ((unsigned)opt->type > OPT_PLUGINS || (unsigned)opt->of > OPT_PLUGINS)
		return "unknown type";
	enum opt_type value = opt->type == OPT_LIST ? opt->of : opt->type;
	if (opt->type == OPT_LIST && !is_scalar(opt->of))
		return "list of something that is not a scalar";
	if (opt->type == OPT_DIST && (opt->of == OPT_BOOL || opt->of > OPT_CPU))
		return "distribution of something that is not a number";
	bool is_map = opt->type == OPT_MAP || opt->type == OPT_MAPS;
	if (is_map && (!opt->sub || !opt->sub->opts))
		return "mapping without a table";
	if ((opt->type == OPT_PLUGIN || opt->type == OPT_PLUGINS) && (!opt->kind || !opt->kind->at))
		return "plug-in without a kind";
	size_t size = opt->type == OPT_MAP ? opt->sub->size : type_size(opt->type);
	if (opt->offset > state_size || size > state_size - opt->offset)
		return "offset lies outside the state";
	if (value == OPT_ENUM && (!opt->choices || !opt->choices[0]))
		return "no choices";
	if (isnan(opt->min) || isnan(opt->max) || opt->max < opt->min)
		return "maximum is below minimum";
	return opt->help ? NULL : "no help text";
}

static const char *table_problem(const struct opt *opts, size_t state_size, void *scratch,
				 struct arena *arena, char *why, size_t n)
{
	char text[TEXT_SIZE];

	for (size_t i = 0; opts && opts[i].name; i++) {
		const struct opt *opt = &opts[i];
		const char *bad = i < TABLE_MAX ? entry_problem(opt, state_size) : "too many";
		if (!bad && opt_find(opts, opt->name) != opt)
			bad = "occurs twice";
		if (!bad && opt->type == OPT_MAP)
			bad = table_problem(opt->sub->opts, opt->sub->size, field(scratch, opt),
					    arena, text, sizeof(text));
		else if (!bad && opt->type != OPT_MAPS && has_default(opt))
			bad = parse_default(opt, scratch, arena, text, sizeof(text));
		if (bad) {
			snprintf(why, n, "option %.*s: %s", NAME_MAX_LEN, opt->name, bad);
			return why;
		}
	}
	return NULL;
}

const char *opt_table_problem(const struct opt *opts, size_t state_size, char *why, size_t n)
{
	struct arena arena = {0};
	void *scratch = arena_alloc(&arena, state_size, 1);
	const char *bad = opt_no_memory;

	if (scratch)
		bad = table_problem(opts, state_size, scratch, &arena, why, n);
	arena_fini(&arena);
	return bad;
}
