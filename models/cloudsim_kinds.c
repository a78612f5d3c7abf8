/* The detectors and selectors of the CloudSim model by name, with their parameters. */
#include "models/cloudsim.h"

static const struct opt threshold_opts[] = {{.name = "threshold",
					     .type = OPT_RATIO,
					     .def = "0.8",
					     .max = 1,
					     .help = "load over which a host is overloaded"},
					    {.name = NULL}};

#define SAFETY(table, value, text)                                                              \
	static const struct opt table[] = {                                                     \
		{.name = "safety", .type = OPT_NUMBER, .def = value, .max = 100, .help = text}, \
		{.name = NULL}}
SAFETY(iqr_opts, "1.5", "the threshold is 1 - this x the interquartile range of the load");
SAFETY(mad_opts, "2.5", "the threshold is 1 - this x the median absolute deviation of the load");
SAFETY(lr_opts, "1.2", "a host is overloaded where the predicted load x this reaches 1");

#define BELOGLAZOV "Beloglazov & Buyya 2012, as in CloudSim 3.0.3"

static const struct cloudsim_named detectors[] = {
#define DETECTOR(n, v, o, size, text)                       \
	{                                                   \
		{.abi = PLUGIN_ABI,                         \
		 .ops_size = sizeof(struct cloudsim_named), \
		 .name = n,                                 \
		 .summary = text,                           \
		 .source = BELOGLAZOV,                      \
		 .opts = o,                                 \
		 .state_size = size},                       \
			v                                   \
	}
	DETECTOR("none", CLOUDSIM_NO_MIGRATION, NULL, 0, "nothing migrates (DVFS)"),
	DETECTOR("npa", CLOUDSIM_FULL_POWER, NULL, 0,
		 "nothing migrates and every host draws its full power always"),
	DETECTOR("thr", CLOUDSIM_THR, threshold_opts, sizeof(double), "load over a threshold"),
	DETECTOR("iqr", CLOUDSIM_IQR, iqr_opts, sizeof(double),
		 "load over a threshold that the interquartile range of the last samples lowers"),
	DETECTOR("mad", CLOUDSIM_MAD, mad_opts, sizeof(double),
		 "the same with the median absolute deviation"),
	DETECTOR("lr", CLOUDSIM_LR, lr_opts, sizeof(double),
		 "a line through the last samples leads to full load"),
	DETECTOR("lrr", CLOUDSIM_LR, lr_opts, sizeof(double),
		 "meant to be robust; CloudSim computes the same as for lr"),
};

static const struct cloudsim_named selectors[] = {
	DETECTOR("mmt", CLOUDSIM_MMT, NULL, 0, "the VM with the least memory goes"),
	DETECTOR("mc", CLOUDSIM_MC, NULL, 0, "the VM whose load the others' explain best goes"),
	DETECTOR("mu", CLOUDSIM_MU, NULL, 0, "the VM with the least utilization goes"),
	DETECTOR("rs", CLOUDSIM_RS, NULL, 0, "any VM goes, by chance"),
};

static const struct plugin *detector_at(size_t i)
{
	return i < sizeof(detectors) / sizeof(*detectors) ? &detectors[i].plugin : NULL;
}

static const struct plugin *selector_at(size_t i)
{
	return i < sizeof(selectors) / sizeof(*selectors) ? &selectors[i].plugin : NULL;
}

const struct plugin_kind cloudsim_detector_kind = {
	.what = "detector", .ops_size = sizeof(struct cloudsim_named), .at = detector_at};
const struct plugin_kind cloudsim_selector_kind = {
	.what = "selector", .ops_size = sizeof(struct cloudsim_named), .at = selector_at};
