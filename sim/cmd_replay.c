/* See cmd_replay.h. */
#include "sim/cmd_replay.h"

#include <stdio.h>
#include <string.h>

#include "replay/cgroup.h"
#include "replay/probe.h"

static int probe(int argc, char **argv, struct err *err)
{
	static const char *const state[] = {"ok", "less", "missing"};
	static struct probe found;
	int result = 0;

	if (argc > 2)
		return err_input(err, "replay probe: takes one folder at most");
	probe_machine(&found, "", argc == 2 ? argv[1] : ".");
	for (size_t i = 0; i < found.n; i++) {
		const struct probe_item *item = &found.item[i];
		printf("%-12s  %-7s  %s\n", item->name, state[item->state], item->text);
		if (item->remedy[0])
			printf("%25s-> %s\n", "", item->remedy);
		if (item->state == PROBE_MISSING)
			result = err_input(err, "replay: guests cannot run here: %s: %s%s%s",
					   item->name, item->text, item->remedy[0] ? ": " : "",
					   item->remedy);
	}
	return result;
}

static int clean(int argc, char **argv, struct err *err)
{
	(void)argv;
	if (argc > 1)
		return err_input(err, "replay clean: takes no arguments");
	int n = cg_clean("", err);
	if (n < 0)
		return n;
	printf("%d %s of dead runs removed\n", n, n == 1 ? "group" : "groups");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv, struct err *err);
} commands[] = {
	{"probe", probe},
	{"clean", clean},
};

int cmd_replay(int argc, char **argv, struct err *err)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1, err);
	return err_input(err, "replay: needs `probe [FOLDER]` or `clean`");
}
