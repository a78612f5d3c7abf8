/* See rules.h. A VM that is to move does not stand in its own way. */
#include "models/rules.h"

static bool forbids(const struct rule *rule, const uint32_t unit[2], const uint32_t now[2])
{
	uint32_t there = unit[rule->racks];
	bool is_there = now && now[rule->racks] == there;
	uint32_t others = rule->placed - (now ? 1 : 0);

	if (rule->together)
		return others > 0 && rule->count[there] - (is_there ? 1 : 0) != others;
	return rule->count[there] - (is_there ? 1 : 0) > 0;
}

const struct rule *rules_forbid(const struct group_rules *rules, const uint32_t unit[2],
				const uint32_t now[2])
{
	for (size_t i = 0; i < rules->n; i++)
		if (forbids(rules->rule[i], unit, now))
			return rules->rule[i];
	return NULL;
}

void rules_count(const struct group_rules *rules, const uint32_t unit[2], int by)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct rule *rule = rules->rule[i];
		rule->count[unit[rule->racks]] += (uint32_t)by;
		rule->placed += (uint32_t)by;
		if (by >= 0)
			rule->at = unit[rule->racks];
	}
}
