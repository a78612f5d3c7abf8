/*
 * manifest.yaml: what another person needs to repeat a batch, and what it cost.
 */
#ifndef COTENANT_SIM_MANIFEST_H
#define COTENANT_SIM_MANIFEST_H

#include "sim/batch.h"

/* Writes it into the batch's directory, with the figures that its @nruns runs left in .parts. 0 or a
 * negative errno with @err set. */
int manifest_write(const struct batch *batch, size_t nruns, double wall_s,
		   struct err *err) must_check;

#endif
