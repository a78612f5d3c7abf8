/*
 * Scenario text from anywhere must end in a scenario or in messages, never in a crash, a leak or a
 * hang. The first line may be "#set path=value": then the rest is read with that override.
 *
 * With -DFUZZ_REPLAY a main() feeds it the files and folders named as arguments.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

#ifdef FUZZ_REPLAY
static int replay_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	static uint8_t data[1 << 20];

	if (!in) {
		perror(path);
		return 1;
	}
	size_t n = fread(data, 1, sizeof(data), in);
	fclose(in);
	/* A copy of the exact size, so that reading beyond it is seen. */
	uint8_t *copy = malloc(n ? n : 1);
	if (!copy)
		return 1;
	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	return 0;
}

static int replay_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[4096];
	int bad = 0;

	if (!dir) {
		perror(path);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			bad |= replay_file(name);
	}
	closedir(dir);
	return bad;
}

int main(int argc, char **argv)
{
	struct stat st;
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			bad |= replay_folder(argv[i]);
		else
			bad |= replay_file(argv[i]);
	}
	return bad;
}
#endif
