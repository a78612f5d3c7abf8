/*
 * Power by table: what a server drew at 0, 10, ... 100 % load, linear in between; one of the
 * shipped measurements by name, or eleven values of the user's own. They need not rise.
 */
#include <math.h>
#include <stdio.h>

#include "models/power_list.h"

struct table {
	const char *host;
	struct opt_list watts; /* doubles */
	const double *point;   /* the eleven values, wherever they come from */
};

static const struct opt opts[] = {{.name = "host",
				   .type = OPT_STRING,
				   .offset = offsetof(struct table, host),
				   .def = "",
				   .help = "name of a measured server, for example hp-ml110-g5"},
				  {.name = "watts",
				   .type = OPT_LIST,
				   .of = OPT_POWER,
				   .offset = offsetof(struct table, watts),
				   .def = "",
				   .help = "power at 0, 10, ... 100 % load, instead of host"},
				  {.name = NULL}};

static void unknown_host(const char *host, char *why, size_t n)
{
	const struct power_table *table;
	size_t len = (size_t)snprintf(why, n, "\"%s\" is not a known server (known are", host);

	for (size_t i = 0; (table = power_table_at(i)) && len < n; i++)
		len += (size_t)snprintf(why + len, n - len, "%s%s", i ? ", " : " ", table->name);
	if (len < n)
		snprintf(why + len, n - len, ")");
}

static const char *table_check(const void *state, char *why, size_t n)
{
	const struct table *s = state;
	bool has_host = s->host && *s->host;

	if (has_host && s->watts.n > 0) {
		snprintf(why, n, "cannot stand beside host (one of them)");
		return "watts";
	}
	if (has_host && !power_table_find(s->host)) {
		unknown_host(s->host, why, n);
		return "host";
	}
	if (!has_host && s->watts.n == 0) {
		snprintf(why, n, "is missing (name of a measured server, or watts)");
		return "host";
	}
	if (!has_host && s->watts.n != POWER_POINTS) {
		snprintf(why, n, "has %zu values (should have %d, at 0, 10, ... 100 %% load)",
			 s->watts.n, POWER_POINTS);
		return "watts";
	}
	return NULL;
}

static void table_init(void *state)
{
	struct table *s = state;

	s->point = s->watts.n > 0 ? s->watts.items : power_table_find(s->host)->watts;
}

static double table_watts(const void *state, double util)
{
	const struct table *s = state;
	double u = (util > 0 ? util < 1 ? util : 1 : 0) * (POWER_POINTS - 1);
	size_t i = (size_t)u;
	if (i >= POWER_POINTS - 1)
		return s->point[POWER_POINTS - 1];
	return s->point[i] + (s->point[i + 1] - s->point[i]) * (u - (double)i);
}

const struct power_ops power_table = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct power_ops),
		   .name = "table",
		   .summary = "measured at eleven loads, linear in between",
		   .source = "SPECpower_ssj2008",
		   .opts = opts,
		   .state_size = sizeof(struct table),
		   .check = table_check},
	.watts = table_watts,
	.pieces = POWER_POINTS - 1,
	.init = table_init,
};
