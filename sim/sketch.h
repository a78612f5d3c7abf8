/*
 * Hosts as they would be: what VMs that stand there, or will, want of the CPU now, and what they take of
 * everything else, with moves that have been decided but not begun. The tables of the datacenter stay as
 * they are.
 *
 * A host takes a VM by the CPU that the VM wants now, up to what the host is said to take; by memory, disk
 * space, network and floors as committed, like any other placement. Placers are asked as ever
 * (policies/placer.h), with columns and indexes of the sketch's own, among hosts that are on or, if
 * there is none, those that are off.
 */
#ifndef COTENANT_SIM_SKETCH_H
#define COTENANT_SIM_SKETCH_H

#include "sim/run.h"

enum sketch_state {
	SKETCH_SHUT = 0, /* takes no VMs */
	SKETCH_ON = 1,
	SKETCH_OFF = 2, /* takes them, but has to come on first */
};

struct sketch_move {
	uint32_t vm, host;
	double demand; /* MHz */
	uint32_t note; /* the caller's */
	struct {
		double free[PLACE_DIMS], floors[RES_COUNT], demand, most;
		enum sketch_state state;
	} before; /* of the host */
};

struct sketch {
	const struct run *run;
	const struct placer_ops *placer;
	void *placer_state;
	enum dc_order order;
	struct host_type *type; /* of which load_full is the capacity */
	double *demand; /* per host, MHz: of VMs that stand there or come, also of those that leave */
	double *most;   /* per host, MHz: so much may be wanted there; set by the caller */
	double *free[PLACE_DIMS], *floors[RES_COUNT];
	double *capacity[PLACE_DIMS]; /* per type of hosts */
	uint32_t *vms;                /* that stand there or come */
	uint8_t *state;
	uint32_t *stale; /* hosts that were shut; the index hears of it when it is asked next */
	size_t nstale;
	struct fit_index index[2]; /* of hosts that are on, off; see sketch_index() */
	bool ready[2];             /* else it is made when it is asked first in this round */
	struct place_view view;    /* but for what is the VM's */
	struct sketch_move *move;  /* decided, in this order */
	size_t n, cap;
};

static inline double sketch_capacity(const struct sketch *s, int dim, uint32_t host)
{
	return s->capacity[dim][s->run->plan.dc.host.type_id[host]];
}

/* For the placer, which is started already. -ENOMEM. */
int sketch_init(struct sketch *s, struct run *run, const struct placer_ops *placer,
		void *placer_state) must_check;
void sketch_fini(struct sketch *s);

/* As things are, without moves. Hosts are shut until sketch_open() says how much CPU may be wanted there;
 * it may be said again. */
void sketch_begin(struct sketch *s);
void sketch_open(struct sketch *s, uint32_t host, enum sketch_state state, double most);
void sketch_shut(struct sketch *s, uint32_t host);

/* The index of the hosts in the state. */
const struct fit_index *sketch_index(struct sketch *s, enum sketch_state state);

/* The placer's host for the VM, among those in the state; PLACE_NOWHERE. */
uint32_t sketch_find(struct sketch *s, uint32_t vm, double demand, enum sketch_state state);

/* Decides that the VM goes there; sketch_open() of the host has to follow. What the VM takes where it
 * stands stays taken. -ENOMEM. */
int sketch_add(struct sketch *s, uint32_t vm, double demand, uint32_t host) must_check;
/* Takes back the last move. */
void sketch_undo(struct sketch *s);

/* Whether rules or its state keep the VM where it is. */
bool sketch_bound(const struct sketch *s, uint32_t vm);

#endif
