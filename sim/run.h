/*
 * One run: a scenario under one set of policies and one seed, on a driver.
 *
 * The manager: it owns the event queue, the life of VMs and the order in which a host is updated
 * (collect, divide, guard, apply, account), and knows neither the policies nor the driver.
 */
#ifndef COTENANT_SIM_RUN_H
#define COTENANT_SIM_RUN_H

#include <stdio.h>

#include "models/driver.h"
#include "models/limits.h"
#include "policies/registry.h"
#include "scenarios/build.h"
#include "scenarios/scenario.h"
#include "sim/core/evq.h"
#include "sim/metrics.h"

struct output;
struct run;

/* A policy at work. ops == NULL: the resource is divided by the joint policy. */
struct run_policy {
	const struct policy_ops *ops;
	void *state;
	void *unused; /* memory of VMs that are gone: a list through the first bytes */
};

enum run_slot { RUN_CPU, RUN_MEMORY, RUN_DISK, RUN_JOINT, RUN_POLICIES };

struct run_counts {
	uint64_t created, placed, rejected, lost, completed_vms, oom_kills, events, vm_steps;
	uint64_t shutdowns;         /* begun, of hosts */
	double up_mean_s, up_dev_s; /* how long they had been on before a shutdown: mean, and sum of
				       squared deviations from it */
	uint64_t migrations, migrated, undone; /* begun; arrived; given up */
	double migration_s;                    /* of those that arrived */
};

/* What became of the VMs of a group, since the warm-up. */
struct group_counts {
	uint64_t created, placed, rejected, lost;
	uint64_t waited; /* of those placed: not at once */
	double wait_s, wait_max_s;
};

/* What one thread needs to update hosts, in cache lines that it shares with nothing that others use. */
struct run_desk {
	char apart_before[64];
	struct limits limits; /* of the host last divided or accounted for */
	struct divide *divide;
	struct metrics_desk account;
	struct metrics_rates *sums; /* of the timeline: where what is accounted for goes */
	struct err *err;
	uint64_t vm_steps; /* VMs x updates, and x ticks while their hosts sleep */
	int rc;            /* of its last stretch of hosts; why it failed is in @err */
	char apart_behind[64];
};

/* A machine room other than the simulated one: takes the place of the driver that run_init() chose. */
struct run_room {
	const char *source; /* column `source` of the output */
	int (*open)(struct run *run, const void *options,
		    struct err *err); /* sets driver, driver_state */
	void (*close)(struct run *run);
	/* Not required. A VM has ended by itself, and why. */
	void (*failed)(const struct run *run, uint32_t vm, const char *why);
	void (*manifest)(const void *options, FILE *f); /* its lines of manifest.yaml */
	const void *options;
};

struct run {
	const struct scenario *scenario;
	struct arena arena;
	struct plan plan;
	const struct driver_ops *driver;
	void *driver_state;
	const struct run_room *room; /* NULL: simulated; close() is called whatever open() did */
	struct driver_sim sim;
	struct run_policy policy[RUN_POLICIES];
	const struct placer_ops *placer;
	void *placer_state;
	double *place_capacity[PLACE_DIMS]; /* per type of hosts; 0 where not limited */
	struct evq *queue;
	int64_t now_ns, end_ns, last_tick_ns, next_tick_ns, warm_ns;
	uint64_t seed;

	uint64_t *host_event; /* per host: handle of its next change */
	bool *dirty;
	uint32_t *dirty_list;
	size_t ndirty;
	struct group_run *group; /* per group: arrivals and lifetimes */
	struct group_counts *group_count;
	const struct outages *outages;
	const struct carbon *carbon;
	struct failures *failures;
	struct consolidation *consolidation;
	struct hosts *hosts;
	uint32_t boarding; /* VMs that wait on a host that is about to come on */
	struct migrations *migrations;
	uint32_t hosts_down;
	size_t restarted; /* so many at the end of the line came from hosts that failed at this moment */
	uint32_t *waiting; /* VMs that no host could take */
	size_t nwaiting, waiting_cap, waiting_head;
	bool retry;        /* something changed since the head of the line fitted nowhere */
	uint32_t running;  /* VMs on hosts */
	bool watches_work; /* some group ends with its work */
	bool finished;     /* a VM ended with its work while hosts were updated */

	bool *steady; /* per host: nothing about it changes before change_ns, unless it is marked */
	int64_t *
		change_ns; /* per host: when its demand changes by itself, as the driver said last */
	uint32_t *victim;  /* per host: the VM that has to end for lack of memory; or DC_NONE */
	bool memoryless;   /* all policies are */
	int64_t counted_ns; /* up to here the sums of the timeline hold hosts that sleep */
	unsigned threads;   /* to be used, set before run_go(); 0 = 1 */
	struct pool *pool;  /* what has been made of them; NULL: one thread */
	struct run_desk desk;
	struct crew *crew;
	struct ticker *ticker;
	struct metrics metrics;
	struct run_counts count;
	struct output *output;
	double *progress; /* where the simulated share goes; NULL = nobody asks */
	struct err *err;
};

/* Runs to the end, writing rows to @output. 0, or a negative errno with @err set. Always
 * run_free(). */
int run_init(struct run *run, const struct scenario *scenario, const struct trace_set *traces,
	     const struct policy_set *policies, uint64_t seed, struct output *output,
	     struct err *err) must_check;
int run_go(struct run *run) must_check;
void run_free(struct run *run);

/* "web-3". Returns @buf. */
const char *run_vm_name(const struct run *run, uint32_t vm, char *buf, size_t n);
const char *run_host_name(const struct run *run, uint32_t host, char *buf, size_t n);
const char *run_rack_name(const struct run *run, uint32_t rack, char *buf, size_t n);

/* Within the folder: the parts of a run. */

/* divide.c: what a host's VMs get from now on. Writes grants into the slots. */
struct divide *divide_new(struct arena *arena) must_check;
void divide_fini(struct divide *divide);
int divide_host(struct run *run, struct run_desk *desk, uint32_t host,
		uint32_t *oom_victim) must_check;

/* run.c: the steps of updating a host. All but the last write only what belongs to the host and the desk.
 * run_account() accounts for the time since the last update, at @rates from then on; run_bring() also
 * brings the VMs of the host to now; run_update_begin() also divides it, and has applied the division
 * unless some run->victim has to end first; run_update_finish() does that and schedules the change of
 * demand. */
typedef int run_step(struct run *run, struct run_desk *desk, uint32_t host);
/* Adds what has happened at @rates since @from_ns to @sums. */
void run_gather(const struct run *run, struct metrics_rates *sums,
		const struct metrics_rates *rates, int64_t from_ns);
int run_desk_init(struct run *run, struct run_desk *desk, struct err *err) must_check;
void run_desk_fini(struct run_desk *desk);
int run_account(struct run *run, struct run_desk *desk, uint32_t host,
		struct metrics_rates *rates) must_check;
int run_bring(struct run *run, struct run_desk *desk, uint32_t host) must_check;
int run_update_begin(struct run *run, struct run_desk *desk, uint32_t host) must_check;
int run_update_finish(struct run *run, uint32_t host) must_check;

/* crew.c: several hosts at once. crew_start() before the first: makes run->threads threads, where hosts may
 * be updated at the same time; each has a desk, number 0 being the run's own. crew_do() takes the step
 * with each of @n different hosts, in any order; the sums of the timeline get what they would get in the
 * order given. The failure is that of the first host that fails: a negative errno with run->err set;
 * crew_outcome() makes it of what pool_deal() said, where work sets the rc of its desk. */
#define RUN_HOST_NS 1000 /* about what a host takes that memory was not asked for */
int crew_init(struct run *run) must_check;
int crew_start(struct run *run) must_check;
void crew_free(struct run *run);
unsigned crew_size(const struct run *run);
struct run_desk *crew_desk(struct run *run, unsigned i);
int crew_outcome(struct run *run, unsigned failed) must_check;
int crew_do(struct run *run, run_step *step, const uint32_t *host, size_t n) must_check;

/* tick.c: all hosts at a tick. */
#define RUN_CHUNK 64 /* hosts that are summed up together and done by one thread */
int ticker_init(struct run *run) must_check;
int ticker_tick(struct run *run) must_check;
void ticker_wake(struct run *run, uint32_t host);    /* it was marked */
void ticker_updated(struct run *run, uint32_t host); /* another division is in force */
uint64_t ticker_vm_steps(struct run *run);
void ticker_free(struct run *run);

/* lifecycle.c: VMs come and go. */
int lifecycle_init(struct run *run) must_check;
int lifecycle_event(struct run *run, const struct evq_event *event) must_check;
int lifecycle_end_vm(struct run *run, uint32_t vm, enum vm_state state) must_check;
int lifecycle_retry_waiting(struct run *run) must_check;
/* A host fails, empty afterwards, or is back; what it does to its VMs the scenario says. */
int lifecycle_host_fails(struct run *run, uint32_t host) must_check;
int lifecycle_host_returns(struct run *run, uint32_t host) must_check;
/* A VM fails as those of a host that fails do. */
int lifecycle_vm_fails(struct run *run, uint32_t vm) must_check;
/* Starts the VM on the host, or keeps a place for it there until the host has come on; then
 * lifecycle_host_on() starts those who wait there, in order of id. */
int lifecycle_start(struct run *run, uint32_t vm, uint32_t host) must_check;
int lifecycle_host_on(struct run *run, uint32_t host) must_check;
/* VMs that wait: in line, or for a host to come on. */
size_t lifecycle_waiting(const struct run *run);

/* policies.c: what policies know of VMs. policies_vm_starts(), before the VM is seen on its host, gives it
 * their memory, zeroed; policies_vm_ends() takes it back. A VM that moves takes it along: the policies
 * hear that it left the one host and arrived on the other. */
unsigned policies_memory(const struct policy_set *set); /* for dc.memory */
int policies_vm_starts(struct run *run, uint32_t vm) must_check;
void policies_vm_ends(struct run *run, uint32_t vm);
void policies_vm_left(struct run *run, uint32_t vm, uint32_t host);
void policies_vm_arrived(struct run *run, uint32_t vm, uint32_t host);

/* line.c: VMs wait, those of higher priority first, then who came first. */
size_t line_length(const struct run *run);
int line_add(struct run *run, uint32_t vm) must_check;
int line_add_restarted(struct run *run, uint32_t vm) must_check; /* its host failed */
int line_settle(struct run *run) must_check;                     /* before the order is looked at */
int line_remove(struct run *run, uint32_t vm) must_check;

/* placing.c: the host of a VM that is to be placed, or PLACE_NOWHERE: where the VM can start at once,
 * else one that comes on, or is woken, for it; whether an empty host could be
 * one. Whether VMs are placed in batches; if so, starts those of the @n given that fit somewhere. */
uint32_t placing_choose(struct run *run, uint32_t vm);
/* The same, but none that would have to come on first. */
uint32_t placing_choose_awake(struct run *run, uint32_t vm);
bool placing_could_ever(const struct run *run, uint32_t vm);
/* Whether a VM, which may stand elsewhere, may be on the host: room, floors, rules, labels. */
bool placing_fits(const struct run *run, uint32_t vm, uint32_t host);
/* The same, whatever CPU is requested there already: who moves VMs goes by what they want of it. */
bool placing_holds(const struct run *run, uint32_t vm, uint32_t host);
/* Why the VM, for which there is no host, has none: "room", "labels" where other hosts had room, or
 * the name of the rule; "placer" if it was free not to want a host. */
const char *placing_why(struct run *run, uint32_t vm);
/* The same of one host: also "down". */
const char *placing_why_not(const struct run *run, uint32_t vm, uint32_t host);
bool placing_batches(const struct run *run);
int placing_batch(struct run *run, const uint32_t *vm, size_t n) must_check;

/* failures.c: when hosts and racks fail and are repaired. */
int failures_init(struct run *run) must_check;
int failures_event(struct run *run, const struct evq_event *event) must_check;
void failures_fini(struct run *run);

/* migrate.c: VMs move between hosts that are on. The VM's room on the target is taken from the start;
 * both hosts are touched. A start that cannot be (not running or paused, moving already, no room: see
 * placing_holds()) is a bug of the caller. O(log n) in VMs, hosts and migrations; a migration that begins
 * or ends costs besides what those do whose rates it changes. */
int migrate_init(struct run *run) must_check;
void migrate_fini(struct run *run);
int migrate_start(struct run *run, uint32_t vm, uint32_t to) must_check;
bool migrate_moving(const struct run *run, uint32_t vm);
/* What the host's migrations share, each way, bytes per second. */
double migrate_bandwidth(const struct run *run, uint32_t host);
int migrate_event(struct run *run, const struct evq_event *event) must_check;
/* All that happens at a moment has happened: links are shared anew. */
int migrate_settle(struct run *run) must_check;
/* A VM ends or stops: its migration, if there is one, is undone, @why. A host fails or goes off: so is
 * what moves from it or to it. Who stands elsewhere goes on there, but a VM whose memory is still on a
 * host that fails fails with it. */
int migrate_undo_vm(struct run *run, uint32_t vm, const char *why) must_check;
int migrate_undo_host(struct run *run, uint32_t host) must_check;
/* A moving VM is about to be paused, or to go on. */
void migrate_pause(struct run *run, uint32_t vm, bool paused);
/* The warm-up, and the run, is over; every host has been brought to now. */
void migrate_warm(struct run *run);
int migrate_end(struct run *run) must_check;

/* hosts.c: hosts go off and on, which takes its time and energy (boot:, shutdown:). Off needs an empty
 * host that is up; on is asked for, and VMs are placed there once it has come: at once where that takes
 * no time (dc_ready() tells). Who is asked on so stays on until its last VM leaves. What is on its way
 * off goes off first. Nothing happens to a host that is down, or that is so already. */
int host_switch_off(struct run *run, uint32_t host) must_check;
int host_switch_on(struct run *run, uint32_t host) must_check;
/* A VM is about to be put on the host: it comes on. Its last VM has left: it may go off when all
 * events of the moment are handled (hosts_settle()). It has failed, or is back. */
int hosts_init(struct run *run) must_check;
int hosts_event(struct run *run, uint32_t host) must_check;
int hosts_settle(struct run *run) must_check;
int host_taken(struct run *run, uint32_t host) must_check;
void host_emptied(struct run *run, uint32_t host);
void host_failed(struct run *run, uint32_t host);
void host_returned(struct run *run, uint32_t host);

/* consolidate.c: who moves where by the detector, selector and balancer of the set (policies/migrator.h).
 * consolidate() is called at every tick, when all hosts have been updated, and does something where an
 * interval of the scenario ends. */
int consolidate_init(struct run *run, const struct policy_set *set) must_check;
int consolidate(struct run *run) must_check;
void consolidate_fini(struct run *run);
/* The warm-up is over. How long VMs had stood on their hosts that were moved since then by policy, mean;
 * NAN for nobody. */
void consolidate_warm(struct run *run);
double consolidate_stay_s(const struct run *run);
/* A migration between these hosts has begun (1) or is over (-1). All that happens at a moment has
 * happened: moves that waited for their turn begin. */
void consolidate_moves(struct run *run, uint32_t from, uint32_t to, int by);
int consolidate_settle(struct run *run) must_check;

/* run.c: brings a host to now under the division in force and marks it for a new one; or some, of which each
 * may stand there several times: they are put in order. */
int run_touch(struct run *run, uint32_t host) must_check;
int run_touch_all(struct run *run, uint32_t *host, size_t n) must_check;

/* A sampled number of seconds as ns after now; INT64_MAX beyond all runs. A stream of random numbers
 * named "name/what", NULL without memory. */
int64_t run_after(const struct run *run, double seconds);
struct rng *run_stream(struct run *run, const char *name, const char *what) must_check;

enum run_event {
	EVENT_GROUP,   /* id = group: its VMs, or the next of them, are created */
	EVENT_DESTROY, /* id = VM */
	EVENT_ACTION,  /* id = action of the scenario */
	EVENT_FAIL,    /* id = host, or number of hosts + rack */
	EVENT_REPAIR,
	EVENT_OUTAGE,    /* id = outage of the file */
	EVENT_SWITCH,    /* id = host: it is on or off now, or begins to go off */
	EVENT_MIGRATION, /* id = migration: a step of it is over */
	EVENT_HOST,      /* id = host: its demand changes */
	EVENT_TICK,
	EVENT_WARM,
	EVENT_END,
};

/* Schedules; the class of an event is its kind's. -ENOMEM with run->err set. */
int run_schedule(struct run *run, enum run_event kind, uint32_t id, int64_t time_ns,
		 uint64_t *handle) must_check;

#endif
