/*
 * Measured servers: watts at 0 (active idle), 10, ... 100 % load of the SPECpower_ssj2008
 * benchmark.
 *
 * The numbers are transcriptions that other projects published, as `source` says, and were not
 * compared with the reports on spec.org. All are monotone; where the throughput was published along
 * with them, it is proportional to the load within 1.6 %.
 */
#include <string.h>

#include "models/power.h"

#define CLOUDSIM "SPECpower_ssj2008, from CloudSim"
#define DCSIM    "SPECpower_ssj2008, from DCSim"
#define OPENDC   "SPECpower_ssj2008, from OpenDC"
#define SPEC     "SPECpower_ssj2008, from public transcriptions"

static const struct power_table tables[] = {
	{"hp-ml110-g4", CLOUDSIM, {86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117}},
	{"hp-ml110-g5", CLOUDSIM, {93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135}},
	{"hp-ml110-g3", CLOUDSIM, {105, 112, 118, 125, 131, 137, 147, 153, 157, 164, 169}},
	{"ibm-x3250-x3470",
	 CLOUDSIM,
	 {41.6, 46.7, 52.3, 57.9, 65.4, 73, 80.7, 89.5, 99.6, 105, 113}},
	{"ibm-x3250-x3480",
	 CLOUDSIM,
	 {42.3, 46.7, 49.7, 55.4, 61.8, 69.3, 76.1, 87, 96.1, 106, 113}},
	{"ibm-x3550m3-x5670", CLOUDSIM, {66, 107, 120, 131, 143, 156, 173, 191, 211, 229, 247}},
	{"ibm-x3550m3-x5675", CLOUDSIM, {58.4, 98, 109, 118, 128, 140, 153, 170, 189, 205, 222}},
	{"hp-dl380-g6", DCSIM, {63.7, 95.3, 109, 118, 125, 133, 142, 153, 164, 175, 187}},
	{"dell-r620", OPENDC, {54.1, 78.4, 88.5, 99.5, 115, 126, 143, 165, 196, 226, 243}},
	{"dell-r710", SPEC, {64, 104, 116, 126, 137, 148, 158, 173, 190, 210, 232}},
	{"dell-r720", SPEC, {53.8, 77.1, 87.4, 98.4, 112, 122, 140, 160, 177, 199, 230}},
	{"dell-r820", SPEC, {110, 149, 167, 188, 218, 237, 268, 307, 358, 414, 446}},
	{"dell-r240", SPEC, {20, 25.1, 28.5, 32.3, 36.6, 41.7, 47.5, 55.9, 67.2, 81, 93.1}},
	{"dell-r640", SPEC, {55, 125, 151, 176, 202, 232, 261, 301, 357, 421, 469}},
	{"dell-r740-8280", SPEC, {49.8, 114, 137, 159, 182, 208, 240, 277, 319, 376, 432}},
	{"dell-r6515-7702p", SPEC, {54, 123, 139, 150, 161, 169, 181, 194, 207, 218, 231}},
	{"dell-r7515-7742", SPEC, {99.5, 117, 130, 141, 151, 164, 186, 205, 220, 236, 246}},
	{"hpe-dl345-g10plus-7763", SPEC, {58, 104, 120, 134, 150, 169, 197, 217, 236, 255, 272}},
	{"hpe-dl380-g10plus-8380", SPEC, {127, 198, 226, 253, 281, 314, 354, 405, 464, 576, 619}},
	{"hpe-ml30-gen11",
	 SPEC,
	 {22.6, 32.5, 40.4, 47.6, 54.4, 61.3, 69.2, 76.5, 83.7, 91.8, 98.2}},
	{"lenovo-sr850-v3", SPEC, {454, 569, 663, 756, 847, 949, 1049, 1161, 1461, 1873, 1923}},
};

const struct power_table *power_table_at(size_t i)
{
	return i < sizeof tables / sizeof *tables ? &tables[i] : NULL;
}

const struct power_table *power_table_find(const char *name)
{
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (strcmp(tables[i].name, name) == 0)
			return &tables[i];
	return NULL;
}
