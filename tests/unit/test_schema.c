/* The tables of a scenario hold together, and the schema printed from them is well-formed JSON that
 * names every key and plug-in. */
#include "tests/test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/power.h"
#include "models/workload.h"
#include "policies/registry.h"
#include "scenarios/scenario.h"
#include "sim/core/opt.h"

/* Runs @check on each table that is reached from @table. */
static void each_table(const struct opt_table *table, void (*check)(const struct opt_table *))
{
	check(table);
	for (const struct opt *opt = table->opts; opt->name; opt++) {
		if (opt->type == OPT_MAP || opt->type == OPT_MAPS)
			each_table(opt->sub, check);
	}
}

static void table_is_sound(const struct opt_table *table)
{
	char why[500];

	assert_null(opt_table_problem(table->opts, table->size, why, sizeof(why)));
}

static void test_tables(void **state)
{
	(void)state;
	each_table(&scenario_table, table_is_sound);
}

static const char *skip_value(const char *p);

static const char *blanks(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

static const char *skip_string(const char *p)
{
	assert_int_equal(*p, '"');
	for (p++; *p != '"'; p++) {
		assert_true((unsigned char)*p >= 0x20);
		if (*p == '\\')
			p++;
	}
	return p + 1;
}

/* An object or a list, from its opening bracket. */
static const char *skip_members(const char *p, bool object)
{
	char close = object ? '}' : ']';

	p = blanks(p + 1);
	if (*p == close)
		return p + 1;
	for (;;) {
		if (object) {
			p = blanks(skip_string(blanks(p)));
			assert_int_equal(*p, ':');
			p++;
		}
		p = blanks(skip_value(p));
		if (*p == close)
			return p + 1;
		assert_int_equal(*p, ',');
		p++;
	}
}

static const char *skip_value(const char *p)
{
	char *end;

	p = blanks(p);
	if (*p == '{' || *p == '[')
		return skip_members(p, *p == '{');
	if (*p == '"')
		return skip_string(p);
	if (strncmp(p, "true", 4) == 0)
		return p + 4;
	if (strncmp(p, "false", 5) == 0)
		return p + 5;
	strtod(p, &end);
	assert_true(end > p);
	return end;
}

static char *print_schema(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	scenario_schema_print(out);
	fclose(out);
	return text;
}

static char *schema;

static void table_is_in_schema(const struct opt_table *table)
{
	char key[100];

	if (table != &scenario_table) {
		snprintf(key, sizeof(key), "\"%s\": {\"type\": \"object\"", table->name);
		assert_non_null(strstr(schema, key));
	}
	for (const struct opt *opt = table->opts; opt->name; opt++) {
		snprintf(key, sizeof(key), "\"%s\": {\"description\"", opt->name);
		if (!strstr(schema, key))
			fail_msg("%s is not in the schema", opt->name);
	}
}

/* A reader of YAML 1.1 takes these keys for something else. */
static void no_key_is_a_boolean(void)
{
	static const char *const words[] = {"on", "off",  "yes",   "no",  "y",
					    "n",  "true", "false", "null"};
	char key[100];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(key, sizeof(key), "\"%s\": {", words[i]);
		if (strstr(schema, key))
			fail_msg("there is a key %s", words[i]);
	}
}

static void test_schema(void **state)
{
	static const struct plugin_kind *const kinds[] = {&policy_kind, &placer_kind,
							  &workload_kind, &power_kind};
	const struct plugin *plugin;
	char text[100];

	(void)state;
	schema = print_schema();
	assert_string_equal(blanks(skip_value(schema)), "");
	each_table(&scenario_table, table_is_in_schema);
	no_key_is_a_boolean();
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t i = 0; (plugin = kinds[k]->at(i)) != NULL; i++) {
			snprintf(text, sizeof(text), "\"kind\": {\"const\": \"%s\"}", plugin->name);
			assert_non_null(strstr(schema, text));
		}
	}
	free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
