/*
 * What CloudSim 3.0.3 computes in its PlanetLab experiment (Beloglazov & Buyya 2012; the classes of
 * its power package), from the same traces in the same order: not how this program would model it,
 * but which numbers that program prints. It stands apart from the honest path: nothing else includes
 * it but the glue of compat mode.
 *
 * Hosts and VMs are those of the setup, in order of id (the experiment: 800 hosts,
 * G4 and G5 in turn; VM types in four blocks).
 * Every VM has one virtual CPU and replays one column of the trace; hosts have table power. Times are
 * seconds, CPU in MIPS (= MHz), memory in MB, network in kbit/s, as there.
 *
 * Sums over the VMs of a host run in the order in which the VMs came to it. CloudSim sums some of
 * them in the order of a hash table: there the last bits may differ.
 */
#ifndef COTENANT_MODELS_CLOUDSIM_H
#define COTENANT_MODELS_CLOUDSIM_H

#include "models/power.h"
#include "models/trace.h"
#include "sim/core/mem.h"
#include "sim/core/rng.h"

/* What CloudSim does and a machine room does not: X(name, what it is; what happens without it). */
#define CLOUDSIM_QUIRKS(X)                                                                       \
	X(destroys_idle, "a VM whose demand is 0 at an update is destroyed; off: it lives on")   \
	X(late_start, "nothing counts before the first update; off: from time 0")                \
	X(early_end, "nothing counts after the last update; off: to the end")                    \
	X(late_events, "updates come 0.1 s after the samples' time; off: with them")             \
	X(interpolates, "demand between two samples is linear; off: the sample holds")           \
	X(trapezoid, "an interval draws the mean power of its ends; off: that of its beginning") \
	X(idle_is_off, "an interval that begins with a host's demand at 0 costs nothing there; " \
		       "off: idle power while VMs are on it")                                    \
	X(floors, "scarce MIPS are rounded down for each VM; off: as they are")                  \
	X(scales, "where MIPS are scarce all VMs are scaled alike; off: max-min shares")         \
	X(overhead, "a VM in migration gets 90 % and takes 10 % on its target; off: all and "    \
		    "nothing")                                                                   \
	X(stale_power, "a placement costs compared with the last update; off: with what was "    \
		       "placed since, too")                                                      \
	X(off_is_idle, "switching a host on saves its idle power in the comparison; off: it "    \
		       "costs it")                                                               \
	X(double_moves, "a host chosen as a target may be drained in the same round; off: not")  \
	X(forgets_memory, "memory counts at the first placement only; off: always")

struct cloudsim_quirks {
#define CLOUDSIM_QUIRK(name, help) bool name;
	CLOUDSIM_QUIRKS(CLOUDSIM_QUIRK)
#undef CLOUDSIM_QUIRK
};

/* When a host is overloaded: never; load over a threshold; over 1 - parameter x interquartile range
 * or median absolute deviation of its last 30 samples; or when the line through its last 10 samples
 * x parameter reaches 1 (with or without "robust" weights, which CloudSim never applies). */
enum cloudsim_detector {
	CLOUDSIM_NO_MIGRATION,
	CLOUDSIM_FULL_POWER, /* nor any power management: every host always draws P(1) */
	CLOUDSIM_THR,
	CLOUDSIM_IQR,
	CLOUDSIM_MAD,
	CLOUDSIM_LR,
};

/* Which VM goes: least memory, most correlated with the others, least utilization, at random. */
enum cloudsim_selector { CLOUDSIM_MMT, CLOUDSIM_MC, CLOUDSIM_MU, CLOUDSIM_RS };

/* What CloudSim has of the detectors and selectors by the name that scenarios give them, and the option
 * that is its parameter; NULL: it has none of that name. */
struct cloudsim_named {
	const char *name;
	int value; /* enum cloudsim_detector or cloudsim_selector */
	const char *parameter;
};
const struct cloudsim_named *cloudsim_detector_find(const char *name);
const struct cloudsim_named *cloudsim_selector_find(const char *name);

struct cloudsim_host_type {
	double pe_mips, pes, ram, bandwidth;
	double watts[POWER_POINTS];
};

struct cloudsim_vm_type {
	double mips, ram, bandwidth;
};

struct cloudsim_setup {
	size_t ntypes, nhosts, nvms;
	const struct cloudsim_host_type *type;
	const uint32_t *host_type;         /* per host */
	const struct cloudsim_vm_type *vm; /* per VM */
	const uint32_t *column;            /* of the trace, per VM */
	const struct trace *trace;         /* percent; as long as the run or longer */
	double end_s;                      /* of the run; updates come every step of the trace */
	enum cloudsim_detector detector;
	double parameter; /* of the detector */
	enum cloudsim_selector selector;
	struct rng *rng; /* of CLOUDSIM_RS; CloudSim's own has no seed */
	struct cloudsim_quirks quirks;
};

/* What CloudSim prints at the end. Ratios are 0 where nothing was requested. */
struct cloudsim_result {
	double energy_kwh;
	uint64_t migrations; /* started */
	double slatah, pdm;  /* CloudSim's "SLA" is their product */
	double overall_slav; /* MIPS seconds not allocated / requested */
	double average_slav; /* mean shortfall of the intervals that have one, of whatever length */
	uint64_t shutdowns;  /* of hosts; one never used counts, once */
	double shutdown_mean_s, shutdown_sd_s; /* time on before one; 0 with fewer than 1, 2 */
	uint64_t unplaced;                     /* VMs that no host could take */
	uint64_t destroyed;                    /* VMs that were idle */
	uint64_t overfull; /* placements that rounding takes over 100 %: CloudSim exits there,
				* without any result; here 100 % is taken */
	uint64_t vm_steps; /* VMs updated */
};

/* Runs to the end. -ENOMEM, or 0. Memory is the arena's. */
int cloudsim_run(const struct cloudsim_setup *setup, struct arena *arena,
		 struct cloudsim_result *result) must_check;

#endif
