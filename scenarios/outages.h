/*
 * Failures as they were recorded: a CSV file with the header `time_s,name,event` and a row for each
 * time at which a host ("web-3") or a rack ("web-rack-0") goes down or comes up again.
 *
 * Rows may stand in any order of time; at one time they happen in the order of the file. What is
 * up when the run begins must go down first, and nothing goes down or up twice in a row.
 */
#ifndef COTENANT_SCENARIOS_OUTAGES_H
#define COTENANT_SCENARIOS_OUTAGES_H

#include "scenarios/scenario.h"

struct outage {
	int64_t time_ns;
	uint32_t group, index; /* the host group, and which of its hosts or racks */
	bool rack, down;
	uint32_t line;
};

struct outages {
	size_t n, cap;
	struct outage *item; /* in order of time */
	uint64_t hash;       /* of the file: 0 = there is none */
};

/* Reads the scenario's file of outages, if it names one. 0, or a negative errno with every error as
 * "file:line: ..." in @err. Free in any case. */
int outages_load(struct outages *outages, const struct scenario *scenario,
		 struct err *err) must_check;
void outages_free(struct outages *outages);

#endif
