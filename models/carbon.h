/*
 * The carbon intensity of the electricity that a datacenter uses: grams of CO2 equivalent for a
 * kilowatt hour, over time.
 *
 * A CSV file with the header `time_s,gco2_per_kwh` and rows in order of time, the first at 0. A row
 * holds until the next one, the last one for ever.
 */
#ifndef COTENANT_MODELS_CARBON_H
#define COTENANT_MODELS_CARBON_H

#include <stddef.h>
#include <stdint.h>

#include "sim/core/err.h"
#include "sim/core/mem.h"

struct carbon_row {
	int64_t time_ns;
	double intensity; /* g/kWh */
	double before;    /* its integral from 0 to time_ns, over seconds */
};

/* Zeroed: unknown. */
struct carbon {
	size_t n, cap;
	struct carbon_row *row;
	uint64_t hash; /* of the file; 0 = there is none */
};

/* Fills a zeroed struct from a file, or with the same intensity at all times. 0, or a negative errno
 * with every error as "file:line:col: ..." in @err. Free in any case. */
int carbon_load(struct carbon *carbon, const char *path, struct err *err) must_check;
int carbon_constant(struct carbon *carbon, double intensity, struct err *err) must_check;
void carbon_free(struct carbon *carbon);

/* The integral of the intensity from @from_ns to @to_ns, over seconds: times watts and divided by
 * 3.6e6 the grams of constant power. 0 if it is unknown. */
double carbon_between(const struct carbon *carbon, int64_t from_ns, int64_t to_ns);

#endif
