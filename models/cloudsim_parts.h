/*
 * Shared by the files of the CloudSim model: cloudsim.c has the time line, the hosts and energy;
 * cloudsim_place.c who goes where; cloudsim_detect.c which host is overloaded; cloudsim_select.c
 * which VM leaves; cloudsim_sla.c what is made of the states that hosts and VMs went through.
 */
#ifndef COTENANT_MODELS_CLOUDSIM_PARTS_H
#define COTENANT_MODELS_CLOUDSIM_PARTS_H

#include <math.h>

#include "models/cloudsim.h"

#define CS_NONE    UINT32_MAX
#define CS_HISTORY 30  /* samples that count */
#define CS_SLACK   98  /* samples between two moves of the window */
#define CS_LATE    0.1 /* s; CloudSim's least time between two events */

/* A VM on a host; one in migration is also on its target, there with @in. */
struct cs_guest {
	uint32_t vm;
	bool in;
	double mips; /* allocated */
};

/* A host's state from one update to the next, of which the last before a time counts. */
struct cs_host_entry {
	double time, allocated, requested;
	bool active, exists;
};

struct cs_host {
	const struct cloudsim_host_type *type;
	struct cs_guest *guest;
	uint32_t n, cap;
	double total;          /* MIPS */
	double used;           /* MIPS, as of the last update */
	double available;      /* MIPS, for another VM */
	double ram, bandwidth; /* left */
	uint32_t kind;         /* index of its type */
	bool dirty;

	/* While migrations are being decided; with what has been placed tentatively. */
	bool idle, saved, over, no_target, no_source;
	double estimate, requested; /* MIPS of all guests: what power is estimated by; asked for */
	double watts;               /* before a placement */
	bool has_history;
	double history[CS_HISTORY]; /* newest first */

	struct cs_host_entry entry;
	bool was_active;
	double on_since;
};

struct cs_vm {
	double mips, ram, bandwidth;
	double request;  /* MIPS now */
	double at, rate; /* utilization at the last sample; change per second */
	uint32_t host;
	bool migrating;

	struct {
		double time, allocated, requested;
		bool migrating, exists;
	} entry;
	double allocated, requested, lost; /* MIPS seconds; lost to migration */
};

struct cs_move {
	uint32_t vm, host;
	double time; /* of the end */
};

/* Of numbers: these are half of what deciding costs, and fmin() is a call. */
static inline double cs_min(double a, double b)
{
	return a < b ? a : b;
}

static inline double cs_max(double a, double b)
{
	return a > b ? a : b;
}

static inline double cs_watts(const struct cloudsim_host_type *type, double util)
{
	const double *watts = type->watts;
	double at = util * 10, low = floor(at);
	size_t a = (size_t)low, b = (size_t)ceil(at);

	if (b >= POWER_POINTS)
		return watts[POWER_POINTS - 1];
	double delta = (watts[b] - watts[a]) / 10;
	return watts[a] + delta * (util - low / 10) * 100;
}

struct cs_moves {
	struct cs_move *move;
	size_t n, cap;
};

struct cs_saved {
	uint32_t host;
	uint32_t n;
	size_t first; /* in saved_guest */
	double ram, bandwidth;
};

struct cloudsim {
	const struct cloudsim_setup *set;
	struct arena *arena;
	struct cloudsim_result *result;
	struct cs_host *host;
	struct cs_vm *vm;
	uint32_t nhosts, nvms;
	double now, since, step, last_update; /* since: the last sample of the trace */
	size_t row; /* of the trace, in vm.at and vm.rate; SIZE_MAX = none yet */
	double joule;
	struct cs_moves pending; /* under way, in the order of their start */

	/* Samples of each VM, newest first from `newest` on: utilization, and for each type of
	 * hosts MIPS as a share of the host's. */
	double *sample, *scaled;
	size_t newest, nsamples;
	double last_sample;

	/* Scratch of a decision. */
	struct cs_moves moves;
	uint32_t *active, nactive; /* hosts that are not idle (off); in order of id */
	uint32_t *idle_next;       /* per type: no host before this one is idle */
	uint32_t *leaving, *leaving_tmp;
	struct cs_saved *saved;
	struct cs_guest *saved_guest;
	size_t nsaved, nsaved_guests, saved_guest_cap;
	bool initial; /* the first placement: nobody's request counts yet */
	double *matrix;
	size_t matrix_cap;

	double violated, on; /* host seconds */
	double shortfall_sum;
	uint64_t shortfalls, shutdowns;
	double off_mean, off_m2;
};

/* cloudsim.c */
int cs_guest_add(struct cloudsim *cs, uint32_t host, uint32_t vm, bool in) must_check;
void cs_guest_remove(struct cloudsim *cs, uint32_t host, uint32_t vm, bool in);
void cs_allocate(struct cloudsim *cs, struct cs_host *host);
/* As of the last update; rounding beyond 1 is taken for 1. */
double cs_utilization(const struct cs_host *host);
/* Room for one more in an array of the arena; what was in it moves. */
int cs_room(struct cloudsim *cs, void *array, size_t *cap, size_t need, size_t size) must_check;

/* cloudsim_place.c: where a new VM goes, or CS_NONE; and all that migrates now, in cs->moves. */
void cs_place_begin(struct cloudsim *cs);
uint32_t cs_place_first(struct cloudsim *cs, uint32_t vm);
int cs_decide(struct cloudsim *cs) must_check;

/* cloudsim_detect.c: takes a sample of every VM if its time has come; whether the host is overloaded,
 * or would be with one more VM (CS_NONE = as it is). */
void cs_sample(struct cloudsim *cs);
bool cs_overloaded(struct cloudsim *cs, struct cs_host *host, uint32_t more);

/* cloudsim_select.c: the next VM to leave an overloaded host; CS_NONE: all are migrating. */
int cs_select(struct cloudsim *cs, const struct cs_host *host, uint32_t *vm) must_check;

/* cloudsim_sla.c */
void cs_host_state(struct cloudsim *cs, struct cs_host *host, double requested);
void cs_vm_state(struct cloudsim *cs, uint32_t vm, double allocated);
void cs_results(struct cloudsim *cs);

#endif
