/*
 * Rules about where VMs may stand: kinds of hosts that a group of VMs accepts, and groups whose VMs
 * must share a host or a rack (affinity) or must not (anti-affinity).
 *
 * A rule counts its VMs by host or rack. Asking is O(rules of the group).
 */
#ifndef COTENANT_MODELS_RULES_H
#define COTENANT_MODELS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/mem.h"

struct rule {
	const char *name;
	bool together; /* else apart */
	bool racks;    /* counted by rack, else by host */
	uint32_t *count;
	uint32_t placed; /* of all its VMs */
	uint32_t at;     /* where one of them stands, if any does */
};

/* Of a group of VMs. */
struct group_rules {
	const bool *type_ok; /* by kind of host; NULL = all will do */
	size_t n;
	struct rule **rule;
};

/* The rule that forbids a VM of the group to stand on unit[0] (a host) of unit[1] (its rack), or NULL.
 * It stands on @now, which may be NULL: nowhere. */
const struct rule *rules_forbid(const struct group_rules *rules, const uint32_t unit[2],
				const uint32_t now[2]);
/* A VM of the group comes to (1), or leaves (-1), a host, or is where it was (0): after another of its
 * places was given up. */
void rules_count(const struct group_rules *rules, const uint32_t unit[2], int by);

#endif
