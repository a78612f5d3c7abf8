/* The list of power models. */
#include "models/power.h"

#include "models/power_list.h"

static const struct power_ops *const models[] = {
#define POWER_ENTRY(name) &power_##name,
	POWER_LIST(POWER_ENTRY)
#undef POWER_ENTRY
};

static const struct plugin *power_at(size_t i)
{
	return i < sizeof models / sizeof *models ? &models[i]->plugin : NULL;
}

const struct plugin_kind power_kind = {
	.what = "power model",
	.ops_size = sizeof(struct power_ops),
	.at = power_at,
};
