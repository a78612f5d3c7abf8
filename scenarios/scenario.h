/*
 * A scenario as the user wrote it, decoded and checked: plain structs, nothing of libyaml.
 *
 * Units are those of the option types (plugin.h): times in int64_t ns, CPU in MHz, amounts in
 * bytes, rates per second. Limits that are not set: floor 0, cap INFINITY, weight 1, priority 0.
 * All memory is in scenario.arena. The tables that fill these structs are scenarios/schema.c and
 * schema_host.c.
 */
#ifndef COTENANT_SCENARIOS_SCENARIO_H
#define COTENANT_SCENARIOS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "models/cloudsim.h"
#include "models/memory.h"
#include "models/migration.h"
#include "sim/core/dist.h"
#include "sim/core/err.h"
#include "sim/core/mem.h"
#include "sim/core/plugin.h"

struct disk_spec {
	double size;      /* bytes; INFINITY = not counted */
	double bandwidth; /* bytes/s */
	double iops;      /* per second; INFINITY = not limited */
};

enum when_empty { EMPTY_ON, EMPTY_OFF };

/* A host goes on or off. */
struct switch_spec {
	int64_t after_ns; /* off: how long it stays on without VMs */
	struct dist time; /* seconds; DIST_NONE = none */
	double power;     /* W meanwhile; INFINITY = as when idle */
};

/* A host's speeds; struct dvfs (models/dvfs.h) is what becomes of it. */
struct dvfs_step_spec {
	double speed;             /* MHz */
	struct plugin_spec power; /* plugin NULL: derived from the host's */
};

struct dvfs_spec {
	int governor;          /* enum dvfs_governor */
	double up;             /* share of a core, for ondemand */
	double speed;          /* MHz, for fixed; 0 = the fastest */
	struct opt_list steps; /* struct dvfs_step_spec; none = one speed */
};

struct overcommit_spec {
	double cpu, memory, disk, network; /* ratios; INFINITY = no limit; 0 = not said */
};

struct host_spec {
	const char *name;
	int64_t count;
	int64_t cores;
	double speed; /* MHz of one core */
	double memory;
	double swap;              /* bytes; INFINITY = as large as memory */
	struct opt_list disks;    /* struct disk_spec, at most SHARE_MAX_DISKS; none = no disk */
	double network;           /* bits/s; INFINITY = not counted */
	struct plugin_spec power; /* kind power; plugin NULL = energy is not computed */
	int when_empty;           /* enum when_empty: does a host without VMs draw idle power? */
	struct switch_spec boot, shutdown;
	double off_power; /* W */
	struct dvfs_spec dvfs;
	struct opt_list labels;            /* const char * */
	struct overcommit_spec overcommit; /* what is not said is as for all */
	int64_t rack; /* hosts that share a rack, in order of index; 0 = there are no racks */
	struct dist time_to_failure, time_to_repair; /* seconds; DIST_NONE = never fails */
	struct dist rack_time_to_failure, rack_time_to_repair; /* of a whole rack */
};

/* Limits on one resource. */
struct cpu_limits {
	struct cpu_amount floor, cap; /* cap.value INFINITY = none */
	double weight;
};

struct mem_limits {
	double floor, cap, weight;
};

struct io_limits {
	double floor, cap;           /* bytes/s */
	double floor_iops, cap_iops; /* per second */
	double weight;
};

struct vm_spec {
	const char *name;
	const char *place; /* where it asks VMs of a trace, as errors begin; NULL: it does not */
	int64_t count;     /* -1 = not said: one, or one per VM of the trace */
	int64_t vcpus;
	double speed;   /* nominal MHz of a vCPU; 0 = the core speed of the first host group */
	double memory;  /* RAM, bytes */
	double disk;    /* space, bytes */
	double network; /* bits/s reserved */
	bool size_from_trace; /* vcpus, speed and memory of each VM as the trace tells them, where
				 it does */
	bool life_from_trace; /* each VM lives from its first sample to a step after its last */
	int64_t trace_first;  /* the first VM of the trace that this group takes, from 0 */
	double trace_share;   /* the group takes this share of the trace's VMs, rounded up, after
				 those of the groups before it; 0 = not said */
	struct cpu_limits cpu;
	struct mem_limits ram;
	struct io_limits io;
	double dirty_rate; /* bytes/s written while it moves; INFINITY: as `migration` says */
	int64_t priority;
	struct opt_list hosts;  /* const char *: labels that a host must have, all of them */
	int64_t start_ns;       /* creation; of the first one where arrivals are given */
	struct dist arrivals;   /* seconds between creations of the group's VMs; DIST_NONE = all at
				 * start.   With count -1 they go on to the end of the run */
	struct dist lifetime;   /* seconds from start to destruction; DIST_NONE = to the end */
	bool destroy_when_done; /* when all its workloads have finished */
	struct opt_list workloads; /* struct plugin_spec of kind workload */
};

enum action_do {
	ACTION_START,
	ACTION_STOP,
	ACTION_PAUSE,
	ACTION_RESUME,
	ACTION_RESIZE,
	ACTION_DESTROY,
	ACTION_MIGRATE,
	ACTION_SWITCH_ON, /* from here on, of a host */
	ACTION_SWITCH_OFF,
	ACTION_SET_SPEED
};

/* Something that the scenario does to a VM ("web-3") or a whole group ("web") at a moment, or to a host
 * or a group of them. */
struct action_spec {
	int64_t at_ns;
	const char *vm;   /* NULL: of a host */
	const char *host; /* likewise a host or a group */
	int action;       /* enum action_do */
	double speed;     /* for set-speed */
	const char *to;   /* for migrate: a host (host-3); NULL = the placer chooses */
	/* For resize; what is absent stays as it is. */
	int64_t vcpus;         /* 0 = stays */
	double memory;         /* 0 = stays */
	struct cpu_limits cpu; /* value / weight NAN = stays */
	struct mem_limits ram;
	struct io_limits io;
};

/* The policies of a run. `all` (a joint policy) excludes cpu, memory and disk. */
struct policy_set {
	const char *name; /* as shown; derived from the policies if not given */
	struct plugin_spec all, cpu, memory, disk, placer; /* plugin NULL = not named */
	struct plugin_spec detector, selector, balancer; /* of migrations; NULL = none, mmt, none */
};

/* When it is decided who migrates, and what is done besides what the policies say. */
struct consolidation_spec {
	int64_t interval_ns;       /* 0 = at every tick */
	struct plugin_spec placer; /* of VMs that migrate; plugin NULL = as of new ones */
	int64_t at_once;           /* migrations of a host, from it and to it */
	bool drain;                /* hosts with little load are emptied where that is possible */
};

/* VMs of some groups that are to share a host or rack, or are not to. */
struct rule_spec {
	const char *name;
	struct opt_list vms; /* const char *: groups */
	int keep, level;     /* enum rule_keep, enum rule_level */
};
enum rule_keep { KEEP_APART, KEEP_TOGETHER };
enum rule_level { LEVEL_HOST, LEVEL_RACK };

enum reallocate { REALLOCATE_EVENT, REALLOCATE_TICK };
enum host_order { HOSTS_GROUPED, HOSTS_ALTERNATE };
enum semantics { SEMANTICS_COTENANT, SEMANTICS_CLOUDSIM };
enum when_full { FULL_REJECT, FULL_QUEUE };
enum on_failure { FAILURE_RESTART, FAILURE_LOSE };
enum oom_action { OOM_DESTROY, OOM_RESTART };

/* How VMs move between hosts. */
enum dirty_by { DIRTY_BY_TIME, DIRTY_BY_CPU };
enum migration_copies { COPIES_MEMORY, COPIES_RESIDENT };
struct migration_spec {
	struct plugin_spec method; /* kind migration */
	double bandwidth; /* bits/s of a host, each way; INFINITY: its network, or MIGRATION_BANDWIDTH */
	double share;       /* of the bandwidth, that migrations may use */
	int copies;         /* enum migration_copies */
	double dirty_rate;  /* bytes/s; INFINITY: dirty_share of the memory */
	double dirty_share; /* per second */
	int dirty_by; /* enum dirty_by: all the time, or in proportion to the CPU that the VM gets */
	int writes;   /* enum migration_writes */
	double working_set; /* bytes that are written at all; INFINITY: the memory */
	double slowdown;    /* share of its CPU that a VM loses while memory is copied */
	double cores;       /* that a host loses while it sends or receives */
};
#define MIGRATION_BANDWIDTH 1e9

struct facility_spec {
	double pue;               /* energy of the datacenter / energy of its hosts */
	double carbon_intensity;  /* g/kWh; -1 = not said */
	const char *carbon_trace; /* path of it over time; "" or NULL = none */
};

struct output_spec {
	bool events;         /* events.csv */
	bool distributions;  /* distributions.csv */
	int64_t vm_timeline; /* how many VMs go into vm_timeline.csv; INT64_MAX = all */
};

struct scenario {
	struct arena arena;
	const char *path;
	uint64_t hash; /* of the text of all files read and of the overrides (FNV-1a) */

	const char *name, *about;
	int64_t tick_ns, duration_ns, warmup_ns;
	int64_t seed;
	struct opt_list seeds; /* int64_t; overrides seed */
	int64_t replications;  /* seed, seed + 1, ...; 1 */
	bool shuffle_traces;   /* which VM replays which VM of a trace is drawn, by seed */
	int reallocate, when_full, oom, host_order, on_failure;
	int64_t queue_limit;           /* 0 = none */
	int64_t repairers;             /* 0 = as many as are needed */
	const char *outages;           /* path of recorded failures; "" or NULL = none */
	int semantics;                 /* enum semantics */
	struct cloudsim_quirks quirks; /* of SEMANTICS_CLOUDSIM */
	struct opt_list hosts;         /* struct host_spec */
	struct opt_list vms;           /* struct vm_spec */
	struct opt_list rules;         /* struct rule_spec */
	struct opt_list actions;       /* struct action_spec */
	struct policy_set policies;
	struct opt_list compare; /* struct policy_set: what is absent there is as in `policies` */
	struct consolidation_spec consolidation;
	struct overcommit_spec overcommit;
	struct memory_params memory_model;
	struct migration_spec migration;
	struct facility_spec facility;
	struct output_spec output;
};

/* A --set path=value of the command line: "vms.web.count=5", "tick=1s", "policies.cpu=equal". List
 * entries are named by their `name:` or by index from 0; "vms.*.count=5" sets it in all of them. */
struct scenario_set {
	const char *path, *value;
};

/* Reads a scenario with its includes. 0, or -EINVAL with all errors as "file:line:col: key: ..." in
 * @err. Free with scenario_free() in any case. */
int scenario_load(struct scenario **scenario, const char *path, const struct scenario_set *sets,
		  size_t nsets, struct err *err) must_check;
void scenario_free(struct scenario *scenario);

/* The same for text in memory; @path stands in messages, and relative paths start at its folder. */
int scenario_load_text(struct scenario **scenario, const char *path, const char *text, size_t len,
		       const struct scenario_set *sets, size_t nsets, struct err *err) must_check;

/* The @group-th group of VMs. */
static inline const struct vm_spec *scenario_group(const struct scenario *scenario, size_t group)
{
	return (const struct vm_spec *)scenario->vms.items + group;
}

/* Whether the host has all the labels. */
bool scenario_host_has(const struct host_spec *host, const struct opt_list *labels);

/* The runs of a scenario: every set of policies (the entries of `compare`, else `policies`) with
 * every seed, sets first. scenario_run() gives the @i-th, i < scenario_runs(); the names of the
 * sets are never NULL and differ from each other. Every policy that a run needs is named: `all`, or
 * cpu, memory and disk; and the placer. */
size_t scenario_runs(const struct scenario *scenario);
void scenario_run(const struct scenario *scenario, size_t i, struct policy_set *policies,
		  uint64_t *seed);

/* Prints the JSON Schema (draft-07) of scenario files, with all plug-ins known now. */
void scenario_schema_print(FILE *out);

/* The table of the top level, from which everything else is reached; for the schema and the manual.
 */
extern const struct opt_table scenario_table;

#endif
