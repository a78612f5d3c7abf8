/*
 * Shared by the files that decide who moves: consolidate.c, which begins, asks the others in every round and
 * ends (run.h has its contract); relieve.c, drain.c, balance.c; and turns.c, where moves wait.
 */
#ifndef COTENANT_SIM_CONSOLIDATE_H
#define COTENANT_SIM_CONSOLIDATE_H

#include "policies/migrator.h"
#include "sim/core/sort.h"
#include "sim/past.h"
#include "sim/run.h"
#include "sim/sketch.h"

/* The VMs of one host that could leave it, in ascending id: columns for plug-ins. */
struct leavable {
	size_t n, cap;
	uint32_t *vm;
	double *demand, *size, *shortfall, *memory;
	const float **history;
	double *scratch;
	size_t scratch_cap;
};

struct leaver {
	uint32_t vm;
	double demand; /* MHz */
};

struct leavers {
	struct leaver *of;
	size_t n, cap;
};

/* A move that waits. Index 0: of the host that the VM leaves; 1: of the one it goes to. */
struct turn {
	uint32_t vm, host[2], next[2];
	bool begun;
};

struct turns {
	uint32_t at_once;
	struct turn *of; /* in the order in which they were decided */
	size_t n, cap;
	uint32_t *first[2], *last[2]; /* per host: of the list of those who wait */
	uint32_t *active;             /* per host: migrations from and to it */
	uint32_t *freed;              /* hosts where some have ended at this moment */
	bool *listed;                 /* per host: among them */
	size_t nfreed;
};

struct consolidation {
	const struct detector_ops *detector;
	const struct selector_ops *selector;
	const struct balancer_ops *balancer;
	const struct placer_ops *placer;
	void *detector_state, *selector_state, *balancer_state, *placer_state;
	bool packs, balances; /* one of them, or neither: then nothing ever happens */
	int64_t interval_ns;
	struct sketch sketch;
	struct turns turns;
	struct past past;
	size_t samples;          /* of the load that the detector looks at */
	double *history;         /* per host: ring of so many, MHz, of VMs that stay or come */
	uint32_t *known;         /* per host: how many of them count */
	uint32_t *takes;         /* per host: VMs that come to it by this round's moves */
	double *leaving;         /* per host, MHz: of VMs that are on their way from it */
	bool *moving;            /* per host: VMs are on their way from or to it */
	bool *woken;             /* per host: asked to come on */
	bool *stuck;             /* per host: it cannot be drained in this round */
	struct sort_item *order; /* hosts, while they are sorted: two rows of all */
	double *limit;           /* per host: of its load, as the detector says */
	double *desks;           /* working memory of those who ask the detector */
	size_t desks_cap;
	double *failed; /* per class, MHz: who wants as much has found no host in this round */
	size_t failed_cap;
	size_t hopeless; /* classes of which nobody finds a host, whatever CPU it wants */
	struct leavable leavable;
	struct leavers leavers;
	uint32_t *balance_to; /* hosts of candidates */
	size_t balance_cap;
	int64_t *since_ns; /* per VM: when it last moved */
	size_t since_cap;
	struct stat_moments stay; /* s on a host before a VM was moved */
};

/* The VMs of the host that are free to leave, with their columns. -ENOMEM. */
int leavable_fill(struct run *run, struct consolidation *c, uint32_t host) must_check;

static inline double capacity_of(const struct consolidation *c, uint32_t host)
{
	return sketch_capacity(&c->sketch, PLACE_CPU, host);
}

int leavers_add(struct run *run, struct consolidation *c, uint32_t vm, double demand) must_check;
void leavers_sort(struct leavers *l); /* those that want most first, then by id */

/* relieve.c. In this order: hosts are opened up to their limits, or shut and relieved: who leaves is gathered;
 * they are given hosts. */
int relieve_hosts(struct run *run, struct consolidation *c) must_check;
int relieve_place(struct run *run, struct consolidation *c) must_check;
/* A move in the sketch, with all that hangs on it; takes back the last one. */
int relieve_take(struct run *run, struct consolidation *c, struct leaver who,
		 uint32_t host) must_check;
void relieve_undo(struct consolidation *c);

/* drain.c: empties hosts of those that are open. */
int drain_hosts(struct run *run, struct consolidation *c) must_check;

/* Seconds that so many bytes of memory are on their way from the host at least. */
double consolidate_transfer_s(const struct run *run, uint32_t host, double memory);

/* Begins the migration if it still can be. */
int consolidate_begin(struct run *run, uint32_t vm, uint32_t to) must_check;

/* turns.c: a move begins when its hosts have time for it: now or later; forgets those that wait. */
int turns_init(struct run *run, struct turns *turns) must_check;
void turns_fini(struct turns *turns);
int turns_add(struct run *run, struct turns *turns, uint32_t vm, uint32_t to) must_check;
void turns_forget(struct turns *turns);

/* balance.c: decides this round's moves in the sketch. */
int balance_init(struct run *run, struct consolidation *c) must_check;
int balance(struct run *run, struct consolidation *c) must_check;

#endif
