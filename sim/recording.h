/*
 * A recording: samples of running VMs at equal distances, written as a trace in our own format
 * (models/trace_csv.c), which `cotenant run` and `cotenant replay` read.
 *
 * A row stands for the interval that begins at its time (Unix time, of whole seconds or of intervals);
 * its rates are over the real time between two readings. When sampling itself comes so late that an
 * interval is passed over, each interval passed has a row of the mean. A VM that ends and comes back has
 * rows of zeros for the time between; one that could not be read for a while has none, and readers of
 * the trace hold the value before. Number of cores and size of memory stand in a VM's first row, and
 * where they change.
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

/* Until the duration is over or SIGINT or SIGTERM comes; then the file gets its name and a summary is
 * printed. A failed run if there is not a single row. */
int recording_make(const struct recording *recording, struct err *err) must_check;

#endif
