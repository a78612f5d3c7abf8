/* The detectors and selectors of the CloudSim model by the names of policies/list.h. `lrr` is meant to be
 * robust; CloudSim computes the same as for lr. */
#include <stddef.h>
#include <string.h>

#include "models/cloudsim.h"

static const struct cloudsim_named detectors[] = {
	{"none", CLOUDSIM_NO_MIGRATION, NULL}, {"npa", CLOUDSIM_FULL_POWER, NULL},
	{"thr", CLOUDSIM_THR, "threshold"},    {"iqr", CLOUDSIM_IQR, "safety"},
	{"mad", CLOUDSIM_MAD, "safety"},       {"lr", CLOUDSIM_LR, "safety"},
	{"lrr", CLOUDSIM_LR, "safety"},
};

static const struct cloudsim_named selectors[] = {
	{"mmt", CLOUDSIM_MMT, NULL},
	{"mc", CLOUDSIM_MC, NULL},
	{"mu", CLOUDSIM_MU, NULL},
	{"rs", CLOUDSIM_RS, NULL},
};

static const struct cloudsim_named *find(const struct cloudsim_named *list, size_t n,
					 const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

const struct cloudsim_named *cloudsim_detector_find(const char *name)
{
	return find(detectors, sizeof(detectors) / sizeof(*detectors), name);
}

const struct cloudsim_named *cloudsim_selector_find(const char *name)
{
	return find(selectors, sizeof(selectors) / sizeof(*selectors), name);
}
