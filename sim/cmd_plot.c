/* See cmd_plot.h; the work is plots/plot.c's. */
#include "sim/cmd_plot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plots/plot.h"

static void print_pictures(const char *dir)
{
	static const char *const endings[] = {"png", "svg"};
	char path[4200];

	for (size_t i = 0; plot_name(i); i++) {
		for (size_t k = 0; k < sizeof(endings) / sizeof(endings[0]); k++) {
			snprintf(path, sizeof(path), "%s/plots/%s.%s", dir, plot_name(i),
				 endings[k]);
			if (access(path, F_OK) == 0)
				puts(path);
		}
	}
}

const char cmd_plot_usage[] = "usage: cotenant plot DIR [--format png|svg|both]";

int cmd_plot(int argc, char **argv, struct err *err)
{
	const char *dir = NULL, *format = "both";

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--format=", 9) == 0)
			format = argv[i] + 9;
		else if (strcmp(argv[i], "--format") == 0 && i + 1 < argc)
			format = argv[++i];
		else if (argv[i][0] == '-' || dir)
			return err_input(err, "plot: unexpected argument %s (%s)", argv[i],
					 cmd_plot_usage);
		else
			dir = argv[i];
	}
	if (!dir)
		return err_input(err, "plot: a folder is missing (%s)", cmd_plot_usage);
	int code = plot_dir(dir, format, err);
	if (code == 0)
		print_pictures(dir);
	return code;
}
