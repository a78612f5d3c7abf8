/*
 * Scenario text from anywhere must end in a scenario or in messages, never in a crash, a leak or a
 * hang. The first line may be "#set path=value": then the rest is read with that override.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_text(const char *text, size_t len, const struct scenario_set *sets, size_t nsets)
{
	struct scenario *scenario;
	struct err err = {.kind = ERR_NONE};
	struct policy_set policies;
	uint64_t seed;

	int code = scenario_load_text(&scenario, "fuzz.yaml", text, len, sets, nsets, &err);
	if ((code == 0) != (err.count == 0) || (code != 0 && err.text[0] == '\0'))
		abort();
	if (code == 0) {
		scenario_run(scenario, scenario_runs(scenario) - 1, &policies, &seed);
		if (!policies.name || (!policies.all.plugin && !policies.cpu.plugin))
			abort();
	}
	scenario_free(scenario);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[256];
	struct scenario_set set = {.path = line};
	const char *text = (const char *)data;
	const char *end = memchr(text, '\n', size);

	if (size < 5 || memcmp(text, "#set ", 5) != 0 || !end ||
	    (size_t)(end - text) - 5 >= sizeof(line)) {
		fuzz_text(text, size, NULL, 0);
		return 0;
	}
	memcpy(line, text + 5, (size_t)(end - text) - 5);
	line[end - text - 5] = '\0';
	char *equals = strchr(line, '=');
	if (equals)
		*equals = '\0';
	set.value = equals ? equals + 1 : "";
	fuzz_text(end + 1, size - (size_t)(end + 1 - text), &set, 1);
	return 0;
}
