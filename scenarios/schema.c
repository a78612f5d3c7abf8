/* The option tables of a scenario: every key, its type, default and range, in the order of the
 * manual. */
#include <math.h>

#include "models/memory.h"
#include "models/workload.h"
#include "policies/registry.h"
#include "scenarios/load.h"

static const char *const reallocate_names[] = {"event", "tick", NULL};
static const char *const when_full_names[] = {"reject", "queue", NULL};
static const char *const semantics_names[] = {"cotenant", "cloudsim-3.0.3", NULL};
static const char *const host_order_names[] = {"grouped", "alternate", NULL};
static const char *const on_failure_names[] = {"restart", "lose", NULL};
static const char *const oom_names[] = {"destroy", "restart", NULL};
static const char *const action_names[] = {"start",      "stop",      "pause",   "resume",
					   "resize",     "destroy",   "migrate", "switch-on",
					   "switch-off", "set-speed", NULL};
static const char *const dirty_by_names[] = {"time", "cpu", NULL};
static const char *const writes_names[] = {"distinct", "random", NULL};
static const char *const copies_names[] = {"memory", "resident", NULL};

#define LIMIT(S, F, N, T, D, M, H)                                                            \
	{                                                                                     \
		.name = N, .type = T, .offset = offsetof(S, F), .def = D, .max = M, .help = H \
	}
#define FLOOR_HELP  "guarantee; what is not used of it is lent to others"
#define CAP_HELP    "limit; none: no limit"
#define WEIGHT_HELP "share relative to the other VMs of the host; 0: nothing beyond the floor"

/* The limits of a VM, and those of a resize action, where a default would mean a change. */
#define CPU_LIMITS(FLOOR, CAP, WEIGHT)                                                            \
	LIMIT(struct cpu_limits, floor, "floor", OPT_CPU, FLOOR, 0, FLOOR_HELP),                  \
		LIMIT(struct cpu_limits, cap, "cap", OPT_CPU, CAP, INFINITY, CAP_HELP),           \
		LIMIT(struct cpu_limits, weight, "weight", OPT_NUMBER, WEIGHT, 1e9, WEIGHT_HELP), \
	{                                                                                         \
		.name = NULL                                                                      \
	}
#define MEM_LIMITS(FLOOR, CAP, WEIGHT)                                                            \
	LIMIT(struct mem_limits, floor, "floor", OPT_BYTES, FLOOR, LARGE, FLOOR_HELP),            \
		LIMIT(struct mem_limits, cap, "cap", OPT_BYTES, CAP, INFINITY, CAP_HELP),         \
		LIMIT(struct mem_limits, weight, "weight", OPT_NUMBER, WEIGHT, 1e9, WEIGHT_HELP), \
	{                                                                                         \
		.name = NULL                                                                      \
	}
#define IO_LIMITS(FLOOR, CAP, FLOOR_IOPS, CAP_IOPS, WEIGHT)                                      \
	LIMIT(struct io_limits, floor, "floor", OPT_BYTERATE, FLOOR, LARGE, FLOOR_HELP),         \
		LIMIT(struct io_limits, cap, "cap", OPT_BYTERATE, CAP, INFINITY, CAP_HELP),      \
		LIMIT(struct io_limits, floor_iops, "floor_iops", OPT_RATE, FLOOR_IOPS, LARGE,   \
		      FLOOR_HELP),                                                               \
		LIMIT(struct io_limits, cap_iops, "cap_iops", OPT_RATE, CAP_IOPS, INFINITY,      \
		      CAP_HELP),                                                                 \
		LIMIT(struct io_limits, weight, "weight", OPT_NUMBER, WEIGHT, 1e9, WEIGHT_HELP), \
	{                                                                                        \
		.name = NULL                                                                     \
	}

static const struct opt cpu_opts[] = {CPU_LIMITS("0%", "none", "1")};
static const struct opt mem_opts[] = {MEM_LIMITS("0B", "none", "1")};
static const struct opt io_opts[] = {IO_LIMITS("0B/s", "none", "0/s", "none", "1")};
static const struct opt_table cpu_table = {"cpu_limits", sizeof(struct cpu_limits), cpu_opts};
static const struct opt_table mem_table = {"ram_limits", sizeof(struct mem_limits), mem_opts};
static const struct opt_table io_table = {"io_limits", sizeof(struct io_limits), io_opts};

static const struct opt vm_opts[] = {
	{.name = "name",
	 .type = OPT_STRING,
	 .offset = offsetof(struct vm_spec, name),
	 .required = true,
	 .help = "name of the group; its VMs are name-0, name-1 and so on"},
	{.name = "count",
	 .type = OPT_INT,
	 .offset = offsetof(struct vm_spec, count),
	 .def = "",
	 .min = 1,
	 .max = MANY,
	 .help = "how many VMs; when absent one, one per VM of the trace, or as many as arrive"},
	{.name = "vcpus",
	 .type = OPT_INT,
	 .offset = offsetof(struct vm_spec, vcpus),
	 .def = "1",
	 .min = 1,
	 .max = 1e6,
	 .help = "virtual CPUs"},
	{.name = "speed",
	 .type = OPT_FREQ,
	 .offset = offsetof(struct vm_spec, speed),
	 .def = "",
	 .min = 0.001,
	 .max = LARGE,
	 .help = "nominal speed of a vCPU; when absent, the core speed of the first host group"},
	{.name = "memory",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct vm_spec, memory),
	 .required = true,
	 .min = 1,
	 .max = LARGE,
	 .help = "RAM"},
	{.name = "disk",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct vm_spec, disk),
	 .def = "0B",
	 .max = LARGE,
	 .help = "disk space"},
	{.name = "network",
	 .type = OPT_BITRATE,
	 .offset = offsetof(struct vm_spec, network),
	 .def = "0bit/s",
	 .max = LARGE,
	 .help = "network rate reserved for each VM"},
	{.name = "size_from_trace",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct vm_spec, size_from_trace),
	 .def = "false",
	 .help = "take vcpus, speed and memory of each VM from the trace where it tells them"},
	{.name = "life_from_trace",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct vm_spec, life_from_trace),
	 .def = "false",
	 .help = "each VM lives from its first sample in the trace to its last"},
	{.name = "trace_first",
	 .type = OPT_INT,
	 .offset = offsetof(struct vm_spec, trace_first),
	 .def = "0",
	 .max = LARGE,
	 .help = "first VM of the trace that this group takes, counted from 0"},
	{.name = "trace_share",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct vm_spec, trace_share),
	 .def = "",
	 .min = 1e-6,
	 .max = 1,
	 .help = "the group is this share of the trace's VMs, rounded up, after the shares before"},
	{.name = "cpu",
	 .type = OPT_MAP,
	 .offset = offsetof(struct vm_spec, cpu),
	 .sub = &cpu_table,
	 .help = "limits on CPU"},
	{.name = "ram",
	 .type = OPT_MAP,
	 .offset = offsetof(struct vm_spec, ram),
	 .sub = &mem_table,
	 .help = "limits on the host memory that backs the VM's RAM"},
	{.name = "io",
	 .type = OPT_MAP,
	 .offset = offsetof(struct vm_spec, io),
	 .sub = &io_table,
	 .help = "limits on disk traffic"},
	{.name = "dirty_rate",
	 .type = OPT_BYTERATE,
	 .offset = offsetof(struct vm_spec, dirty_rate),
	 .def = "none",
	 .max = INFINITY,
	 .help = "memory that such a VM writes, which matters when it moves; none: as migration "
		 "says"},
	{.name = "priority",
	 .type = OPT_INT,
	 .offset = offsetof(struct vm_spec, priority),
	 .def = "0",
	 .min = -1e6,
	 .max = 1e6,
	 .help = "policies that look at it serve the higher one first; so does the line of VMs "
		 "that "
		 "wait for a host"},
	{.name = "hosts",
	 .type = OPT_LIST,
	 .of = OPT_STRING,
	 .offset = offsetof(struct vm_spec, hosts),
	 .def = "",
	 .help = "labels that a host of these VMs must have, all of them; when absent, any host"},
	{.name = "start",
	 .type = OPT_TIME,
	 .offset = offsetof(struct vm_spec, start_ns),
	 .def = "0s",
	 .max = CENTURY,
	 .help = "when the VMs are created; with arrivals, the earliest moment of the first"},
	{.name = "arrivals",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct vm_spec, arrivals),
	 .def = "",
	 .help = "time between creations; when absent, all are created at start"},
	{.name = "lifetime",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct vm_spec, lifetime),
	 .def = "",
	 .help = "time from creation to destruction; when absent, to the end of the run"},
	{.name = "destroy_when_done",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct vm_spec, destroy_when_done),
	 .def = "false",
	 .help = "destroy a VM when all its workloads have finished"},
	{.name = "workload",
	 .type = OPT_PLUGINS,
	 .offset = offsetof(struct vm_spec, workloads),
	 .required = true,
	 .kind = &workload_kind,
	 .help = "what runs inside each VM, one or several at once"},
	{.name = NULL},
};
static const struct opt_table vm_table = {"vm", sizeof(struct vm_spec), vm_opts};

static const char *const keep_names[] = {"apart", "together", NULL};
static const char *const level_names[] = {"host", "rack", NULL};

static const struct opt rule_opts[] = {
	{.name = "name",
	 .type = OPT_STRING,
	 .offset = offsetof(struct rule_spec, name),
	 .required = true,
	 .help = "name of the rule, for events"},
	{.name = "vms",
	 .type = OPT_LIST,
	 .of = OPT_STRING,
	 .offset = offsetof(struct rule_spec, vms),
	 .required = true,
	 .help = "groups of VMs, all of whose VMs the rule is about"},
	{.name = "keep",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct rule_spec, keep),
	 .required = true,
	 .choices = keep_names,
	 .help = "no two of them in one place, or all of them"},
	{.name = "level",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct rule_spec, level),
	 .def = "host",
	 .choices = level_names,
	 .help = "what a place is"},
	{.name = NULL},
};
static const struct opt_table rule_table = {"rule", sizeof(struct rule_spec), rule_opts};

static const struct opt cpu_change_opts[] = {CPU_LIMITS("", "", "")};
static const struct opt mem_change_opts[] = {MEM_LIMITS("", "", "")};
static const struct opt io_change_opts[] = {IO_LIMITS("", "", "", "", "")};
static const struct opt_table cpu_change_table = {"cpu_change", sizeof(struct cpu_limits),
						  cpu_change_opts};
static const struct opt_table mem_change_table = {"ram_change", sizeof(struct mem_limits),
						  mem_change_opts};
static const struct opt_table io_change_table = {"io_change", sizeof(struct io_limits),
						 io_change_opts};

static const struct opt action_opts[] = {
	{.name = "at",
	 .type = OPT_TIME,
	 .offset = offsetof(struct action_spec, at_ns),
	 .required = true,
	 .max = CENTURY,
	 .help = "moment of the run"},
	{.name = "vm",
	 .type = OPT_STRING,
	 .offset = offsetof(struct action_spec, vm),
	 .def = "",
	 .help = "a VM (web-3) or all VMs of a group (web)"},
	{.name = "host",
	 .type = OPT_STRING,
	 .offset = offsetof(struct action_spec, host),
	 .def = "",
	 .help = "switch-on, switch-off, set-speed: a host (rack-3) or all of a group (rack)"},
	{.name = "do",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct action_spec, action),
	 .required = true,
	 .choices = action_names,
	 .help = "what happens to it"},
	{.name = "to",
	 .type = OPT_STRING,
	 .offset = offsetof(struct action_spec, to),
	 .def = "",
	 .help = "migrate: the host (host-3); when absent, the placer chooses"},
	{.name = "speed",
	 .type = OPT_FREQ,
	 .offset = offsetof(struct action_spec, speed),
	 .def = "",
	 .min = 0.001,
	 .max = LARGE,
	 .help = "set-speed: of a step of the host's dvfs, whose governor is fixed"},
	{.name = "vcpus",
	 .type = OPT_INT,
	 .offset = offsetof(struct action_spec, vcpus),
	 .def = "",
	 .min = 1,
	 .max = 1e6,
	 .help = "resize: new number of vCPUs"},
	{.name = "memory",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct action_spec, memory),
	 .def = "",
	 .min = 1,
	 .max = LARGE,
	 .help = "resize: new RAM"},
	{.name = "cpu",
	 .type = OPT_MAP,
	 .offset = offsetof(struct action_spec, cpu),
	 .sub = &cpu_change_table,
	 .help = "resize: new limits on CPU; what is absent stays"},
	{.name = "ram",
	 .type = OPT_MAP,
	 .offset = offsetof(struct action_spec, ram),
	 .sub = &mem_change_table,
	 .help = "resize: new limits on memory; what is absent stays"},
	{.name = "io",
	 .type = OPT_MAP,
	 .offset = offsetof(struct action_spec, io),
	 .sub = &io_change_table,
	 .help = "resize: new limits on disk traffic; what is absent stays"},
	{.name = NULL},
};
const struct opt_table scenario_action_table = {"action", sizeof(struct action_spec), action_opts};

#define POLICY(F, D, K, H)                                                                \
	{                                                                                 \
		.name = #F, .type = OPT_PLUGIN, .offset = offsetof(struct policy_set, F), \
		.def = D, .kind = &K, .help = H                                           \
	}
#define POLICIES(DIVIDE, PLACE)                                                                  \
	{.name = "name",                                                                         \
	 .type = OPT_STRING,                                                                     \
	 .offset = offsetof(struct policy_set, name),                                            \
	 .def = "",                                                                              \
	 .help = "how output calls this set; when absent, made from the names of its policies"}, \
		POLICY(all, "", policy_kind, "one joint policy for CPU, memory and disk"),       \
		POLICY(cpu, DIVIDE, policy_kind, "divides a host's CPU among its VMs"),          \
		POLICY(memory, DIVIDE, policy_kind, "divides a host's memory"),                  \
		POLICY(disk, DIVIDE, policy_kind, "divides a disk's bandwidth and operations"),  \
		POLICY(placer, PLACE, placer_kind, "chooses the host of a new VM"),              \
		POLICY(detector, "", detector_kind,                                              \
		       "when a host is overloaded, so that VMs leave it; none when absent"),     \
		POLICY(selector, "", selector_kind,                                              \
		       "which VM leaves an overloaded host; mmt when absent"),                   \
		POLICY(balancer, "", balancer_kind,                                              \
		       "which VMs move to even out the load of hosts; none when absent"),        \
	{                                                                                        \
		.name = NULL                                                                     \
	}

static const struct opt policies_opts[] = {POLICIES("weighted", "first-fit")};
static const struct opt compare_opts[] = {POLICIES("", "")};
static const struct opt_table policies_table = {"policies", sizeof(struct policy_set),
						policies_opts};
const struct opt_table scenario_compare_table = {"compare", sizeof(struct policy_set),
						 compare_opts};

static const struct opt consolidation_opts[] = {
	{.name = "interval",
	 .type = OPT_TIME,
	 .offset = offsetof(struct consolidation_spec, interval_ns),
	 .def = "",
	 .min = 1,
	 .max = CENTURY,
	 .help = "how often it is decided who migrates, a multiple of the tick; when absent, every "
		 "tick"},
	{.name = "placer",
	 .type = OPT_PLUGIN,
	 .offset = offsetof(struct consolidation_spec, placer),
	 .def = "",
	 .kind = &placer_kind,
	 .help = "chooses the hosts of VMs that leave theirs, by CPU wanted now; when absent, the "
		 "placer of new VMs"},
	{.name = "at_once",
	 .type = OPT_INT,
	 .offset = offsetof(struct consolidation_spec, at_once),
	 .def = "1",
	 .min = 1,
	 .max = 1e6,
	 .help = "how many VMs a host sends and takes at a time, of those moved by policy; others "
		 "wait"},
	{.name = "drain",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct consolidation_spec, drain),
	 .def = "true",
	 .help = "with a detector: hosts are emptied whose VMs all fit on hosts with more load"},
	{.name = NULL},
};
static const struct opt_table consolidation_table = {
	"consolidation", sizeof(struct consolidation_spec), consolidation_opts};

static const struct opt migration_opts[] = {
	{.name = "method",
	 .type = OPT_PLUGIN,
	 .offset = offsetof(struct migration_spec, method),
	 .def = "pre-copy",
	 .kind = &migration_kind,
	 .help = "how memory is copied"},
	{.name = "bandwidth",
	 .type = OPT_BITRATE,
	 .offset = offsetof(struct migration_spec, bandwidth),
	 .def = "none",
	 .min = 1,
	 .max = INFINITY,
	 .help = "rate at which a host sends, and at which it receives; none: that of its network, "
		 "or "
		 "1Gbit/s where that is not counted"},
	{.name = "share",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct migration_spec, share),
	 .def = "100%",
	 .min = 0.001,
	 .max = 1,
	 .help = "of the bandwidth, what migrations may use"},
	{.name = "copies",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct migration_spec, copies),
	 .def = "memory",
	 .choices = copies_names,
	 .help = "what has to be copied: the VM's RAM, or the part of it that the host backs when "
		 "it "
		 "starts to move"},
	{.name = "dirty_rate",
	 .type = OPT_BYTERATE,
	 .offset = offsetof(struct migration_spec, dirty_rate),
	 .def = "none",
	 .max = INFINITY,
	 .help = "memory that a running VM writes; none: dirty_share of it"},
	{.name = "dirty_share",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct migration_spec, dirty_share),
	 .def = "1%",
	 .max = 1e6,
	 .help = "share of what has to be copied that a running VM writes in a second"},
	{.name = "dirty_by",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct migration_spec, dirty_by),
	 .def = "time",
	 .choices = dirty_by_names,
	 .help = "cpu: a VM writes at that rate when it gets all its vCPUs, and less in proportion "
		 "when it gets less"},
	{.name = "writes",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct migration_spec, writes),
	 .def = "distinct",
	 .choices = writes_names,
	 .help = "random: writes also fall where memory was written before, W(1-exp(-written/W)) "
		 "of "
		 "the working set W is dirty"},
	{.name = "working_set",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct migration_spec, working_set),
	 .def = "none",
	 .min = 1,
	 .max = INFINITY,
	 .help = "memory that is written at all, and so the most that a round leaves; none: all of "
		 "it"},
	{.name = "slowdown",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct migration_spec, slowdown),
	 .def = "10%",
	 .max = 1,
	 .help = "share of its CPU that a VM does not get while it is copied (Voorsluys et al. "
		 "2009; "
		 "Beloglazov & Buyya 2012)"},
	{.name = "cores",
	 .type = OPT_NUMBER,
	 .offset = offsetof(struct migration_spec, cores),
	 .def = "0.3",
	 .max = 1e6,
	 .help = "CPU cores that a host loses while it sends or receives (vSphere 5.1 reserves 30 "
		 "% of "
		 "one on 1Gbit/s for all migrations of a host)"},
	{.name = NULL},
};
static const struct opt_table migration_table = {"migration", sizeof(struct migration_spec),
						 migration_opts};

static const struct opt facility_opts[] = {
	{.name = "pue",
	 .type = OPT_NUMBER,
	 .offset = offsetof(struct facility_spec, pue),
	 .def = "1",
	 .min = 1,
	 .max = 100,
	 .help = "power usage effectiveness: energy of the datacenter over that of its hosts"},
	{.name = "carbon_intensity",
	 .type = OPT_NUMBER,
	 .offset = offsetof(struct facility_spec, carbon_intensity),
	 .def = "",
	 .max = 1e6,
	 .help = "grams of carbon dioxide for a kWh that the datacenter uses; when absent, "
		 "unknown"},
	{.name = "carbon_trace",
	 .type = OPT_PATH,
	 .offset = offsetof(struct facility_spec, carbon_trace),
	 .def = "",
	 .help = "CSV file of the carbon intensity over time, with the header time_s,gco2_per_kwh; "
		 "a "
		 "row holds until the next"},
	{.name = NULL},
};
static const struct opt_table facility_table = {"facility", sizeof(struct facility_spec),
						facility_opts};

static const struct opt output_opts[] = {
	{.name = "events",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct output_spec, events),
	 .def = "false",
	 .help = "write events.csv: every creation, placement, rejection and so on"},
	{.name = "distributions",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct output_spec, distributions),
	 .def = "false",
	 .help = "write distributions.csv"},
	{.name = "vm_timeline",
	 .type = OPT_INT,
	 .offset = offsetof(struct output_spec, vm_timeline),
	 .def = "8",
	 .max = LARGE,
	 .help = "how many VMs go into vm_timeline.csv, in scenario order"},
	{.name = NULL},
};
static const struct opt_table output_table = {"output", sizeof(struct output_spec), output_opts};

#define QUIRK(NAME, HELP)                                  \
	{.name = #NAME,                                    \
	 .type = OPT_BOOL,                                 \
	 .offset = offsetof(struct cloudsim_quirks, NAME), \
	 .def = "true",                                    \
	 .help = HELP},
static const struct opt quirk_opts[] = {CLOUDSIM_QUIRKS(QUIRK){.name = NULL}};
static const struct opt_table quirk_table = {"quirks", sizeof(struct cloudsim_quirks), quirk_opts};

static const struct opt scenario_opts[] = {
	{.name = "name",
	 .type = OPT_STRING,
	 .offset = offsetof(struct scenario, name),
	 .def = "",
	 .help = "name in output; when absent, that of the file"},
	{.name = "about",
	 .type = OPT_STRING,
	 .offset = offsetof(struct scenario, about),
	 .def = "",
	 .help = "what the scenario shows, in a sentence or two"},
	{.name = "tick",
	 .type = OPT_TIME,
	 .offset = offsetof(struct scenario, tick_ns),
	 .required = true,
	 .min = 1,
	 .max = CENTURY,
	 .help = "how often the policies divide every host"},
	{.name = "duration",
	 .type = OPT_TIME,
	 .offset = offsetof(struct scenario, duration_ns),
	 .required = true,
	 .min = 1,
	 .max = CENTURY,
	 .help = "simulated time of a run"},
	{.name = "warmup",
	 .type = OPT_TIME,
	 .offset = offsetof(struct scenario, warmup_ns),
	 .def = "0s",
	 .max = CENTURY,
	 .help = "first part of the run that metrics leave out"},
	{.name = "seed",
	 .type = OPT_INT,
	 .offset = offsetof(struct scenario, seed),
	 .def = "1",
	 .max = LARGE,
	 .help = "of the random numbers of the run"},
	{.name = "seeds",
	 .type = OPT_LIST,
	 .of = OPT_INT,
	 .offset = offsetof(struct scenario, seeds),
	 .def = "",
	 .max = LARGE,
	 .help = "one run for each of these seeds"},
	{.name = "replications",
	 .type = OPT_INT,
	 .offset = offsetof(struct scenario, replications),
	 .def = "1",
	 .min = 1,
	 .max = 1e5,
	 .help = "so many runs, with seed, seed + 1 and so on"},
	{.name = "shuffle_traces",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct scenario, shuffle_traces),
	 .def = "false",
	 .help = "draw which VM replays which VM of a trace, for each seed anew and for all "
		 "policies "
		 "alike; else they pair in the order of the trace"},
	{.name = "reallocate",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct scenario, reallocate),
	 .def = "event",
	 .choices = reallocate_names,
	 .help = "divide a host again where an event changed it, or at ticks only"},
	{.name = "when_full",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct scenario, when_full),
	 .def = "reject",
	 .choices = when_full_names,
	 .help = "what becomes of a VM that fits on no host"},
	{.name = "queue_limit",
	 .type = OPT_INT,
	 .offset = offsetof(struct scenario, queue_limit),
	 .def = "",
	 .min = 1,
	 .max = MANY,
	 .help = "with when_full: queue, how many VMs may wait before others are rejected; when "
		 "absent, any number"},
	{.name = "on_failure",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct scenario, on_failure),
	 .def = "restart",
	 .choices = on_failure_names,
	 .help = "what becomes of a VM whose host fails: it starts again elsewhere, those of "
		 "higher "
		 "priority first, or it is lost"},
	{.name = "repairers",
	 .type = OPT_INT,
	 .offset = offsetof(struct scenario, repairers),
	 .def = "",
	 .min = 1,
	 .max = MANY,
	 .help = "how many hosts or racks can be under repair at once; when absent, all"},
	{.name = "outages",
	 .type = OPT_PATH,
	 .offset = offsetof(struct scenario, outages),
	 .def = "",
	 .help = "CSV file of failures and repairs, with the header time_s,name,event: hosts or "
		 "racks "
		 "that go down and up"},
	{.name = "oom",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct scenario, oom),
	 .def = "destroy",
	 .choices = oom_names,
	 .help = "what becomes of a VM when memory and swap of its host are out"},
	{.name = "semantics",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct scenario, semantics),
	 .def = "cotenant",
	 .choices = semantics_names,
	 .help = "cloudsim-3.0.3: compute what CloudSim 3.0.3 prints for its PlanetLab experiment"},
	{.name = "quirks",
	 .type = OPT_MAP,
	 .offset = offsetof(struct scenario, quirks),
	 .sub = &quirk_table,
	 .help = "what CloudSim does and a machine room does not; false leaves one out"},
	{.name = "host_order",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct scenario, host_order),
	 .def = "grouped",
	 .choices = host_order_names,
	 .help = "order in which placers see hosts: group by group, or one of each group in turn"},
	{.name = "hosts",
	 .type = OPT_MAPS,
	 .offset = offsetof(struct scenario, hosts),
	 .required = true,
	 .sub = &scenario_host_table,
	 .help = "groups of equal hosts"},
	{.name = "vms",
	 .type = OPT_MAPS,
	 .offset = offsetof(struct scenario, vms),
	 .required = true,
	 .sub = &vm_table,
	 .help = "groups of alike VMs"},
	{.name = "rules",
	 .type = OPT_MAPS,
	 .offset = offsetof(struct scenario, rules),
	 .def = "",
	 .sub = &rule_table,
	 .help = "which VMs must stand together or apart"},
	{.name = "actions",
	 .type = OPT_MAPS,
	 .offset = offsetof(struct scenario, actions),
	 .def = "",
	 .sub = &scenario_action_table,
	 .help = "what is done to VMs at given moments"},
	{.name = "policies",
	 .type = OPT_MAP,
	 .offset = offsetof(struct scenario, policies),
	 .sub = &policies_table,
	 .help = "the policies of the run"},
	{.name = "compare",
	 .type = OPT_MAPS,
	 .offset = offsetof(struct scenario, compare),
	 .def = "",
	 .sub = &scenario_compare_table,
	 .help = "one run for each of these sets; what is absent in one is as in policies"},
	{.name = "consolidation",
	 .type = OPT_MAP,
	 .offset = offsetof(struct scenario, consolidation),
	 .sub = &consolidation_table,
	 .help = "when and how VMs are moved by the detector, selector and balancer of policies"},
	{.name = "overcommit",
	 .type = OPT_MAP,
	 .offset = offsetof(struct scenario, overcommit),
	 .sub = &scenario_overcommit_table,
	 .help = "how much may be placed on a host"},
	{.name = "memory_model",
	 .type = OPT_MAP,
	 .offset = offsetof(struct scenario, memory_model),
	 .sub = &memory_opts,
	 .help = "what memory pressure costs"},
	{.name = "migration",
	 .type = OPT_MAP,
	 .offset = offsetof(struct scenario, migration),
	 .sub = &migration_table,
	 .help = "how VMs move between hosts, and what it costs"},
	{.name = "facility",
	 .type = OPT_MAP,
	 .offset = offsetof(struct scenario, facility),
	 .sub = &facility_table,
	 .help = "what the energy of the hosts means for the datacenter and the climate"},
	{.name = "output",
	 .type = OPT_MAP,
	 .offset = offsetof(struct scenario, output),
	 .sub = &output_table,
	 .help = "which files a run writes beyond the summary"},
	{.name = NULL},
};
const struct opt_table scenario_table = {"scenario", sizeof(struct scenario), scenario_opts};
