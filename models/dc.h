/*
 * The tables of a datacenter: hosts, classes of VMs, VMs, and the slots in which running VMs sit.
 *
 * Tables are arrays per column. A VM has a dense id for ever; while it is placed it also has a
 * slot. The slots of one host are contiguous and in ascending VM id, so that a tick reads and
 * writes memory in one direction and a policy sees plain arrays. VMs that have the same size and
 * limits share a class.
 *
 * Units: MHz, bytes, bytes/s, operations/s, nanoseconds.
 */
#ifndef COTENANT_MODELS_DC_H
#define COTENANT_MODELS_DC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/dvfs.h"
#include "models/fit.h"
#include "models/rules.h"
#include "models/share.h"
#include "sim/core/err.h"
#include "sim/core/mem.h"

#define DC_NONE UINT32_MAX

#define DC_POLICIES 4 /* that may keep memory per VM */

/* What a placer weighs (policies/placer.h numbers them alike). */
enum dc_dim { DC_DIM_CPU, DC_DIM_MEM, DC_DIM_DISK, DC_DIM_NET, DC_DIMS };

enum vm_state {
	VM_PLANNED, /* not created yet */
	VM_WAITING, /* created, no host can take it at present */
	VM_RUNNING,
	VM_PAUSED,   /* keeps its memory, uses no CPU and no disk */
	VM_STOPPED,  /* keeps its place, uses nothing */
	VM_DONE,     /* destroyed: by schedule, at the end of its life or of its work */
	VM_REJECTED, /* no host could take it */
	VM_OOM,      /* destroyed for lack of memory */
	VM_LOST,     /* its host failed, and VMs are not restarted */
	VM_CRASHED,  /* it ended against its will: only real ones do */
	VM_STATES
};
extern const char *const vm_state_name[VM_STATES];

/* Hosts that fail are `down` besides, whatever their state. */
enum host_state {
	HOST_ON,
	HOST_OFF,
	HOST_BOOTING,
	HOST_STOPPING, /* on its way off */
	HOST_STATES
};

/* Size and limits of VMs. */
struct vm_class {
	uint32_t like; /* a class of the same vCPUs, limits and priority; set by dc_add_class() */
	uint32_t vcpus;
	int32_t priority;
	double speed;  /* nominal MHz of a vCPU */
	double memory; /* RAM */
	double floor[RES_COUNT], cap[RES_COUNT], weight[RES_COUNT];
	double per_weight[RES_COUNT]; /* 1 / weight; 0 for weight 0; set by dc_add_class() */
	double request[DC_DIMS];      /* for placement */
};

/* One kind of host. */
struct host_type {
	const char *group;
	uint32_t count; /* hosts of this type */
	uint32_t rack;  /* of which so many share a rack; 0: none do */
	uint32_t cores;
	double speed;
	double capacity[RES_COUNT];     /* of all disks together */
	double per_capacity[RES_COUNT]; /* 1 / capacity; 0 where there is none or no limit */
	size_t ndisks;
	double disk_bandwidth[SHARE_MAX_DISKS], disk_iops[SHARE_MAX_DISKS];
	double swap;
	double place[DC_DIMS]; /* overcommit ratio x capacity */
	double load_full;      /* requests of CPU that keep a host busy: place, else capacity */
	bool off_when_empty;
	bool takes_time; /* going on or off does; else a host that is off is as good as one that is on */
	bool has_power;
	double state_watts[HOST_STATES]; /* in other states than on */
	double (*watts)(const void *state, double util);
	const void *power_state;
	unsigned power_pieces; /* of watts, see models/power.h */
	struct dvfs dvfs;
};

struct dc_hosts {
	size_t n;
	const struct host_type **type;
	uint32_t *type_id;              /* the same as an index into dc.type */
	uint32_t *index;                /* among the hosts of its type */
	uint32_t *rack;                 /* DC_NONE: in none */
	uint32_t *first, *count, *room; /* slots: first index, in use, reserved */
	uint32_t *reserved;             /* VMs for which room is kept besides, see dc_reserve() */
	bool *down;
	uint8_t *step; /* of dvfs, in force; the one set last, for governor fixed, is in step_set */
	uint8_t *step_set;
	double *capacity; /* of CPU, at this step */
	uint8_t *state;   /* enum host_state; all that change it go through dc_set_state() */
	/* Bits of resources that some VM wants; of the others want[] and grant[] of the host's slots are 0, which
	 * nobody need look at. Who writes what is not 0 sets the bit before: dc_wants(); metrics_account() takes it
	 * back when nobody wanted or had any. And of those that some VM ever wanted: of the others the sums are 0,
	 * too. */
	uint8_t *wanted, *used;
	bool *pressed;      /* memory is short in the division now in force */
	bool *steady;       /* see apply() in driver.h */
	int64_t *demand_ns; /* the driver's: the first change of demand that hangs on no grant */
	bool *moving;       /* VMs move from or to it: `taken` and the slots' `held` count */
	int64_t *last_ns;   /* since when the division now in force holds */
	double *free[DC_DIMS];
	double *floors[RES_COUNT];        /* sum of floors of the VMs placed there */
	double *cpu;                      /* sum of requests of CPU */
	double *taken_cpu, *taken_memory; /* what moving takes from what VMs can get */
	/* Of free and of what floors leave, with a slack for rounding; see dc_index(). The second is of
	 * hosts that have to come on first; unused where that takes no time. */
	struct fit_index fit, asleep;
	bool sleeps; /* it is in use: some type takes time */
	/* Hosts that changed since dc_index() was asked last: whether each did, and which. */
	bool *changed;
	uint32_t *changes;
	size_t nchanges;
};

/* Hosts of a type that stand together, in order of index: hosts first[r] to first[r + 1] of `host`. */
struct dc_racks {
	size_t n;
	uint32_t *type_id, *index; /* among the racks of the type */
	uint32_t *first, *host;
};

struct dc_vms {
	size_t n, cap;
	uint32_t *host, *slot; /* DC_NONE: not placed */
	uint32_t *reserved;    /* host that keeps room for it besides its own; DC_NONE: none */
	uint32_t nreserved;    /* VMs that have one */
	uint32_t *class_id, *group, *index;
	uint8_t *state;                   /* enum vm_state */
	int64_t *created_ns, *started_ns; /* -1: not yet */
};

/* Sums over time of one VM on its host; rates x seconds. */
struct slot_sums {
	double *want[RES_COUNT], *grant[RES_COUNT];
	double *entitled;           /* CPU */
	double *stall;              /* seconds lost waiting for swap */
	float *starve, *starve_max; /* seconds: the present spell, the longest */
	double *run;                /* seconds in state running */
};

struct dc_slots {
	size_t used, cap;
	uint32_t *vm, *class_id;
	uint8_t *disk; /* which disk of the host */
	double *want[RES_COUNT], *grant[RES_COUNT];
	float *stalled; /* 0..1: share of the CPU demand held back by swapping */
	double *held; /* 0..1: share of the CPU demand held back because the VM moves; 1: it is down */
	void **load;                /* the driver's */
	void **memory[DC_POLICIES]; /* of the policies; NULL where there is none */
	struct slot_sums sum;
};

/* The keys by which the index of hosts is ordered within a type. */
enum dc_order {
	DC_UNORDERED,
	DC_BY_FULLNESS, /* sum over limited dimensions of the share in use; unused: FIT_KEY_NONE */
	DC_BY_LOAD,     /* share of load_full of the type in use; off because empty: FIT_KEY_NONE */
};

#define DC_COLUMNS 48 /* at most */

struct dc {
	struct arena *arena;
	enum dc_order order;
	unsigned floors; /* bits of the resources of which VMs may have floors */
	unsigned memory; /* bits of the policies that keep memory per VM */
	struct dc_hosts host;
	struct dc_racks rack;
	struct dc_vms vm;
	struct dc_slots slot;
	size_t nclasses, class_cap;
	struct vm_class *class;
	size_t ntypes;
	struct host_type *type;
	struct group_rules *rules; /* by group of VMs; NULL: there are none */
	bool alternate; /* ids go to the types in turn while they have hosts left, not type by type */
	unsigned segment_log;       /* log2 of the slots that a host begins with */
	uint32_t *free_segment[32]; /* by log2 of size: stacks of first slots */
	size_t free_n[32], free_cap[32];
	struct dc_column {
		void *base; /* address of the column's pointer */
		size_t elem;
	} column[DC_COLUMNS];             /* every slot column, for moving a VM as a whole */
	unsigned column_bits[DC_COLUMNS]; /* of the resource that a column is of; 0: of none */
	size_t ncolumns;
};

/* Tables for the host types given (in @dc->type, @dc->ntypes, @dc->alternate, @dc->order,
 * @dc->floors, @dc->memory) and about @vms VMs; -ENOMEM. */
int dc_init(struct dc *dc, struct arena *arena, size_t vms) must_check;
void dc_fini(struct dc *dc);

/* A new VM, state VM_PLANNED; its id in *vm. A new class; its id in *id. -ENOMEM. */
int dc_add_vm(struct dc *dc, uint32_t class_id, uint32_t group, uint32_t index,
	      uint32_t *vm) must_check;
int dc_add_class(struct dc *dc, const struct vm_class *class, uint32_t *id) must_check;

/* Puts the VM on the host: a zeroed slot in order of id, capacity and floors committed. On the
 * host's disk with the fewest VMs. -ENOMEM leaves all as it was. */
int dc_place(struct dc *dc, uint32_t vm, uint32_t host) must_check;
/* Takes it off again. The slots of later VMs of the host move down. */
void dc_unplace(struct dc *dc, uint32_t vm);

/* Keeps room for a placed VM on another host as if it stood there too: capacity, floors and rules.
 * dc_move() puts the VM there, with all that its slot holds, and keeps the room that it had before
 * instead; -ENOMEM leaves all as it was. dc_release() gives up the room that is kept. */
void dc_reserve(struct dc *dc, uint32_t vm, uint32_t host);
int dc_move(struct dc *dc, uint32_t vm) must_check;
void dc_release(struct dc *dc, uint32_t vm);

/* The next VM, from @vm on, for which room is kept elsewhere; there must be one (nreserved counts them). */
static inline uint32_t dc_next_reserved(const struct dc *dc, uint32_t vm)
{
	while (dc->vm.reserved[vm] == DC_NONE)
		vm++;
	return vm;
}

/* Whether VMs stand on the host, or room is kept there. */
static inline bool dc_in_use(const struct dc *dc, uint32_t host)
{
	return dc->host.count[host] > 0 || dc->host.reserved[host] > 0;
}

/* Gives a placed VM for which no room is kept elsewhere another class, committing the difference. */
void dc_set_class(struct dc *dc, uint32_t vm, uint32_t class_id);

/* A host fails or comes back: while it is down it takes no VMs. */
void dc_set_down(struct dc *dc, uint32_t host, bool down);

/* Puts the host's cores to a step of its dvfs. */
void dc_set_step(struct dc *dc, uint32_t host, unsigned step);

/* A host goes on or off, or begins to. */
void dc_set_state(struct dc *dc, uint32_t host, enum host_state state);

/* Whether VMs can start on the host at once: it is up and on, or comes on in no time. */
bool dc_ready(const struct dc *dc, uint32_t host);

/* The index of hosts on which VMs can start at once, or of those that have to come on first, as they are now;
 * good until something changes. Changes are told to it here and not one by one: between two questions a host
 * often changes several times. O(log hosts) for each host that changed since the last call. */
const struct fit_index *dc_index(struct dc *dc, bool asleep);

/* Whether VMs can start on the host at once and the floors of the class fit beside those of its VMs. */
bool dc_admits(const struct dc *dc, uint32_t host, const struct vm_class *class);

static inline const struct vm_class *dc_class_of(const struct dc *dc, uint32_t vm)
{
	return &dc->class[dc->vm.class_id[vm]];
}

/* The same, and no rule forbids the VM to be there; it may stand elsewhere now. The rule that does,
 * or NULL. */
bool dc_takes(const struct dc *dc, uint32_t host, uint32_t vm);
const struct rule *dc_forbidden_by(const struct dc *dc, uint32_t host, uint32_t vm);

/* The same of a host that must come on first, or is about to. */
bool dc_would_take(const struct dc *dc, uint32_t host, uint32_t vm);

static inline bool dc_wanted(const struct dc *dc, enum resource r, uint32_t host)
{
	return dc->host.wanted[host] & RES_BIT(r);
}

static inline bool dc_used(const struct dc *dc, enum resource r, uint32_t host)
{
	return dc->host.used[host] & RES_BIT(r);
}

/* Another thread may be looking ahead, see dc_prefetch(). */
static inline void dc_wanted_set(struct dc *dc, unsigned bits, uint32_t host)
{
	__atomic_store_n(&dc->host.wanted[host], (uint8_t)bits, __ATOMIC_RELAXED);
}

static inline void dc_wants(struct dc *dc, unsigned bits, uint32_t host)
{
	unsigned wanted = dc->host.wanted[host];

	if ((bits & ~wanted) == 0)
		return;
	dc_wanted_set(dc, wanted | bits, host);
	dc->host.used[host] |= (uint8_t)bits;
}

/* What of its want a VM can use now, swapping aside: a VM that moves loses CPU, and all but memory
 * while it is down. */
static inline double dc_offered(const struct dc *dc, enum resource r, uint32_t slot)
{
	double want = dc->slot.want[r][slot], held = dc->slot.held[slot];

	return r == RES_CPU ? want * (1 - held) : r != RES_MEM && held >= 1 ? 0 : want;
}

/* CPU that moving takes on the host. */
static inline double dc_taken_cpu(const struct dc *dc, uint32_t host)
{
	return dc->host.moving[host] ? dc->host.taken_cpu[host] : 0;
}

/* What the host's VMs can get in all: CPU at its present speed; less what moving takes, but for what
 * they are guaranteed. */
static inline double dc_capacity(const struct dc *dc, enum resource r, uint32_t host)
{
	double all = r == RES_CPU ? dc->host.capacity[host] : dc->host.type[host]->capacity[r];

	if (!dc->host.moving[host] || r > RES_MEM)
		return all;
	double left = all - (r == RES_CPU ? dc_taken_cpu(dc, host) : dc->host.taken_memory[host]);
	double kept = dc->host.floors[r][host];
	left = left > kept ? left : kept;
	return left < all ? left : all;
}

/* Asks for what a tick needs of a host's slots to be brought near: a loop over hosts that says so a few
 * hosts ahead does not wait for memory. Does nothing past the last host. */
void dc_prefetch(const struct dc *dc, uint32_t host);

/* Verifies every invariant of the tables; NULL, or what is broken. For tests and debug builds. */
const char *dc_check(const struct dc *dc);

#endif
