/*
 * Power by table: what a server drew at 0, 10, ... 100 % load, linear in between; one of the
 * shipped measurements by name, or eleven values of the user's own. They need not rise.
 */
#include <math.h>
#include <string.h>

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

static int unknown_host(const char *host, struct err *err)
{
	char names[1024] = "";
	size_t len = 0;
	for (size_t i = 0; power_table_at(i); i++) {
		const char *name = power_table_at(i)->name;
		size_t n = strlen(name);
		if (len + n + 3 > sizeof names)
			break;
		if (len > 0)
			names[len++] = ' ';
		memcpy(names + len, name, n + 1);
		len += n;
	}
	return err_input(err, "power: table: host: no server is called '%s' (there are: %s)", host,
			 names);
}

static int table_init(void *state, struct err *err)
{
	struct table *s = state;
	bool has_host = s->host && *s->host;
	if (has_host == (s->watts.n > 0))
		return err_input(err, "power: table: needs either host: or watts:");
	if (has_host) {
		const struct power_table *table = power_table_find(s->host);
		if (!table)
			return unknown_host(s->host, err);
		s->point = table->watts;
		return 0;
	}
	if (s->watts.n != POWER_POINTS)
		return err_input(err,
				 "power: table: watts: has %zu values, not %d (0, 10, ... 100 %%)",
				 s->watts.n, POWER_POINTS);
	s->point = s->watts.items;
	return 0;
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
		   .state_size = sizeof(struct table)},
	.watts = table_watts,
	.pieces = POWER_POINTS - 1,
	.init = table_init,
};
