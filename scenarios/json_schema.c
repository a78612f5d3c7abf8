/*
 * The JSON Schema (draft-07) of scenario files, from the option tables: what editors complete and
 * check. It knows forms, ranges and names; what takes several settings to see is left to `cotenant
 * check`.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "policies/registry.h"
#include "scenarios/load.h"

#define MAX_DEFS 32

#define NUM   "[-+]?[0-9]+(\\.[0-9]*)?([eE][-+]?[0-9]+)?"
#define BYTES "([kMGTP]|[KMGT]i)?B"

/* Tables and kinds of plug-ins that were referred to; each is printed once, under definitions. */
struct schema {
	FILE *out;
	const struct opt_table *table[MAX_DEFS];
	const struct plugin_kind *kind[MAX_DEFS];
	size_t ntables, nkinds;
};

static void print_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			fprintf(out, "\\u%04x", (unsigned)*c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

static void refer_table(struct schema *s, const struct opt_table *table)
{
	size_t i = 0;

	while (i < s->ntables && s->table[i] != table)
		i++;
	if (i == s->ntables && i < MAX_DEFS)
		s->table[s->ntables++] = table;
	fprintf(s->out, "{\"$ref\": \"#/definitions/%s\"}", table->name);
}

/* "CPU policy" is the definition CPU_policy. */
static void print_kind_name(FILE *out, const struct plugin_kind *kind)
{
	for (const char *c = kind->what; *c; c++)
		fputc(*c == ' ' ? '_' : *c, out);
}

static void refer_kind(struct schema *s, const struct plugin_kind *kind)
{
	size_t i = 0;

	while (i < s->nkinds && s->kind[i] != kind)
		i++;
	if (i == s->nkinds && i < MAX_DEFS)
		s->kind[s->nkinds++] = kind;
	fputs("{\"$ref\": \"#/definitions/", s->out);
	print_kind_name(s->out, kind);
	fputs("\"}", s->out);
}

static void print_number(const struct opt *opt, const char *type, FILE *out)
{
	fprintf(out, "{\"type\": \"%s\"", type);
	if (opt->min != 0 || opt->max >= 0)
		fprintf(out, ", \"minimum\": %.15g", opt->min);
	if (opt->max != 0 && !isinf(opt->max))
		fprintf(out, ", \"maximum\": %.15g", opt->max);
	fputc('}', out);
}

/* What a text of this type looks like; NULL where it is not told by a pattern. */
static const char *pattern(enum opt_type type)
{
	static const char *const patterns[OPT_CPU + 1] = {
		[OPT_RATIO] = "^ *" NUM " *%? *$",
		[OPT_TIME] = "^( *" NUM " *(ns|us|ms|s|min|h|d|w))+ *$",
		[OPT_FREQ] = "^ *" NUM " *[kMG]?Hz *$",
		[OPT_BYTES] = "^ *" NUM " *" BYTES " *$",
		[OPT_BYTERATE] = "^ *" NUM " *" BYTES "/s *$",
		[OPT_BITRATE] = "^ *" NUM " *[kMGT]?bit/s *$",
		[OPT_RATE] = "^ *" NUM " *(/s|/min|/h|/d|k?IOPS) *$",
		[OPT_POWER] = "^ *" NUM " *k?W *$",
		[OPT_CPU] = "^ *" NUM " *(%|cores?|MHz|GHz) *$",
	};

	return type <= OPT_CPU ? patterns[type] : NULL;
}

/* YAML 1.1 readers take on and off for true and false. */
static void print_enum(const struct opt *opt, FILE *out)
{
	bool on_off = false;

	fputs("{\"enum\": [", out);
	for (size_t i = 0; opt->choices[i]; i++) {
		fputs(i ? ", " : "", out);
		print_string(out, opt->choices[i]);
		on_off |= strcmp(opt->choices[i], "on") == 0;
	}
	fputs(on_off ? ", true, false]}" : "]}", out);
}

static void print_pattern(const char *text, FILE *out)
{
	fputs("{\"type\": \"string\", \"pattern\": ", out);
	print_string(out, text);
	fputc('}', out);
}

static void print_scalar(const struct opt *opt, enum opt_type type, FILE *out)
{
	bool none = isinf(opt->max) && type != OPT_STRING && type != OPT_PATH;

	fputs(none || type == OPT_RATIO ? "{\"anyOf\": [" : "", out);
	if (type == OPT_BOOL)
		fputs("{\"type\": \"boolean\"}", out);
	else if (type == OPT_INT)
		print_number(opt, "integer", out);
	else if (type == OPT_NUMBER || type == OPT_RATIO)
		print_number(opt, "number", out);
	else if (type == OPT_ENUM)
		print_enum(opt, out);
	else if (pattern(type))
		print_pattern(pattern(type), out);
	else
		fputs("{\"type\": \"string\"}", out);
	if (type == OPT_RATIO) {
		fputs(", ", out);
		print_pattern(pattern(type), out);
	}
	fputs(none ? ", {\"const\": \"none\"}" : "", out);
	fputs(none || type == OPT_RATIO ? "]}" : "", out);
}

/* One value, or a list of them. */
static void print_one_or_list(struct schema *s, const struct opt *opt,
			      void (*print)(struct schema *, const struct opt *))
{
	fputs("{\"anyOf\": [", s->out);
	print(s, opt);
	fputs(", {\"type\": \"array\", \"items\": ", s->out);
	print(s, opt);
	fputs("}]}", s->out);
}

static void print_element(struct schema *s, const struct opt *opt)
{
	const struct plugin *plugin;

	if (opt->type == OPT_LIST) {
		print_scalar(opt, opt->of, s->out);
	} else if (opt->type == OPT_PLUGINS) {
		refer_kind(s, opt->kind);
	} else if (opt->sub != &scenario_compare_table) {
		refer_table(s, opt->sub);
	} else {
		/* A set may be written as the name of a policy. */
		fputs("{\"anyOf\": [", s->out);
		refer_table(s, opt->sub);
		fputs(", {\"enum\": [", s->out);
		for (size_t i = 0; (plugin = policy_kind.at(i)) != NULL; i++) {
			fputs(i ? ", " : "", s->out);
			print_string(s->out, plugin->name);
		}
		fputs("]}]}", s->out);
	}
}

static void print_value(struct schema *s, const struct opt *opt)
{
	switch (opt->type) {
	case OPT_LIST:
	case OPT_MAPS:
	case OPT_PLUGINS:
		print_one_or_list(s, opt, print_element);
		break;
	case OPT_MAP:
		refer_table(s, opt->sub);
		break;
	case OPT_PLUGIN:
		refer_kind(s, opt->kind);
		break;
	case OPT_DIST:
		fputs("{\"anyOf\": [", s->out);
		print_scalar(opt, opt->of, s->out);
		fputs(", ", s->out);
		print_pattern("^ *[a-z0-9]+ *\\(.*\\) *$", s->out);
		fputs("]}", s->out);
		break;
	default:
		print_scalar(opt, opt->type, s->out);
	}
}

static void print_default(const struct opt *opt, FILE *out)
{
	bool raw = opt->type == OPT_BOOL || opt->type == OPT_INT || opt->type == OPT_NUMBER;

	if (opt->required || !opt->def || !opt->def[0])
		return;
	fputs(", \"default\": ", out);
	if (raw && strcmp(opt->def, "none") != 0)
		fputs(opt->def, out);
	else
		print_string(out, opt->def);
}

static void print_properties(struct schema *s, const struct opt *opts, const char *sep)
{
	for (const struct opt *opt = opts; opt && opt->name; opt++) {
		fprintf(s->out, "%s\n    ", sep);
		print_string(s->out, opt->name);
		fputs(": {\"description\": ", s->out);
		print_string(s->out, opt->help);
		print_default(opt, s->out);
		fputs(", \"allOf\": [", s->out);
		print_value(s, opt);
		fputs("]}", s->out);
		sep = ",";
	}
}

/* ["a", "b"]: the required keys after @first (NULL = none). */
static void print_required(const struct opt *opts, const char *first, FILE *out)
{
	const char *sep = "";

	fputc('[', out);
	if (first) {
		print_string(out, first);
		sep = ", ";
	}
	for (const struct opt *opt = opts; opt && opt->name; opt++) {
		if (!opt->required)
			continue;
		fputs(sep, out);
		print_string(out, opt->name);
		sep = ", ";
	}
	fputc(']', out);
}

static void print_table(struct schema *s, const struct opt_table *table)
{
	fprintf(s->out, ",\n  \"%s\": {\"type\": \"object\", \"additionalProperties\": false, ",
		table->name);
	fputs("\"required\": ", s->out);
	print_required(table->opts, NULL, s->out);
	fputs(", \"properties\": {", s->out);
	print_properties(s, table->opts, "");
	fputs("}}", s->out);
}

static bool needs_options(const struct plugin *plugin)
{
	for (const struct opt *opt = plugin->opts; opt && opt->name; opt++) {
		if (opt->required)
			return true;
	}
	return false;
}

static void print_plugin(struct schema *s, const struct plugin *plugin)
{
	fputs(",\n   {\"type\": \"object\", \"additionalProperties\": false, \"description\": ",
	      s->out);
	print_string(s->out, plugin->summary);
	fputs(", \"required\": ", s->out);
	print_required(plugin->opts, "kind", s->out);
	fputs(", \"properties\": {\n    \"kind\": {\"const\": ", s->out);
	print_string(s->out, plugin->name);
	fputc('}', s->out);
	print_properties(s, plugin->opts, ",");
	fputs("}}", s->out);
}

/* The name alone where no option is required, or a mapping for each plug-in. */
static void print_kind(struct schema *s, const struct plugin_kind *kind)
{
	const struct plugin *plugin;
	const char *sep = "";

	fputs(",\n  \"", s->out);
	print_kind_name(s->out, kind);
	fputs("\": {\"oneOf\": [\n   {\"type\": \"string\", \"enum\": [", s->out);
	for (size_t i = 0; (plugin = kind->at(i)) != NULL; i++) {
		if (needs_options(plugin))
			continue;
		fputs(sep, s->out);
		print_string(s->out, plugin->name);
		sep = ", ";
	}
	fputs("]}", s->out);
	for (size_t i = 0; (plugin = kind->at(i)) != NULL; i++)
		print_plugin(s, plugin);
	fputs("]}", s->out);
}

void scenario_schema_print(FILE *out)
{
	struct schema s = {.out = out};
	size_t tables = 0, kinds = 0;

	fputs("{\n\"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
	      "\"title\": \"cotenant scenario\",\n\"type\": \"object\",\n"
	      "\"additionalProperties\": false,\n"
	      "\"if\": {\"required\": [\"include\"]}, \"else\": {\"required\": ",
	      out);
	print_required(scenario_table.opts, NULL, out);
	fputs("},\n\"properties\": {\n    \"include\": {\"description\": \"files whose settings "
	      "count where this file has none\", \"anyOf\": [{\"type\": \"string\"}, {\"type\": "
	      "\"array\", \"items\": {\"type\": \"string\"}}]}",
	      out);
	print_properties(&s, scenario_table.opts, ",");
	fputs("},\n\"definitions\": {\n  \"nothing\": {}", out);
	/* Printing one may refer to more. */
	while (tables < s.ntables || kinds < s.nkinds) {
		if (tables < s.ntables)
			print_table(&s, s.table[tables++]);
		else
			print_kind(&s, s.kind[kinds++]);
	}
	fputs("}\n}\n", out);
}
