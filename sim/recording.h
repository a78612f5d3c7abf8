/*
 * A recording: samples of running VMs at equal distances, written as a trace (record_file.h) that
 * `cotenant run` and `cotenant replay` read.
 *
 * Its first interval begins at a whole second of the wall clock, or at a whole interval if that is
 * shorter, so that recordings of several machines fit together. Rates are over the real time between two
 * readings. When sampling itself comes so late that an interval is passed over, each interval passed has
 * a row of the mean.
 */
#ifndef COTENANT_SIM_RECORDING_H
#define COTENANT_SIM_RECORDING_H

#include "replay/record.h"

struct recording {
	const char *path;
	const char *details; /* of a second file with everything measured; NULL = none */
	int64_t interval_ns, duration_ns; /* INT64_MAX = until a signal */
	bool quiet;
	struct record_params params;
};

/* Until the duration is over or SIGINT or SIGTERM comes; then the files get their names and a summary is
 * printed. A failed run if there is not a single row. */
int recording_make(const struct recording *recording, struct err *err) must_check;

#endif
