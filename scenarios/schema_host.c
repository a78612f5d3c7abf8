/* The option tables of a group of hosts, and of overcommitment, which all hosts can have in common. */
#include <math.h>

#include "models/dvfs.h"
#include "models/power.h"
#include "scenarios/load.h"

static const char *const when_empty_names[] = {"on", "off", NULL};
static const char *const governor_names[] = {[DVFS_PERFORMANCE] = "performance",
					     [DVFS_POWERSAVE] = "powersave",
					     [DVFS_ONDEMAND] = "ondemand",
					     [DVFS_FIXED] = "fixed",
					     [DVFS_GOVERNORS] = NULL};

static const struct opt disk_opts[] = {
	{.name = "size",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct disk_spec, size),
	 .def = "none",
	 .max = INFINITY,
	 .help = "space for the VMs' disks; none: not counted"},
	{.name = "bandwidth",
	 .type = OPT_BYTERATE,
	 .offset = offsetof(struct disk_spec, bandwidth),
	 .required = true,
	 .min = 1,
	 .max = LARGE,
	 .help = "throughput"},
	{.name = "iops",
	 .type = OPT_RATE,
	 .offset = offsetof(struct disk_spec, iops),
	 .def = "none",
	 .min = 0.001,
	 .max = INFINITY,
	 .help = "operations per second; none: not limited"},
	{.name = NULL},
};
static const struct opt_table disk_table = {"disk", sizeof(struct disk_spec), disk_opts};

#define OVERCOMMIT(F, D, H)                                                                   \
	{                                                                                     \
		.name = #F, .type = OPT_RATIO, .offset = offsetof(struct overcommit_spec, F), \
		.def = D, .min = 0.001, .max = INFINITY, .help = H                            \
	}
#define OVERCOMMITS(CPU, OTHER)                                                                 \
	OVERCOMMIT(cpu, CPU, "vCPU speed that may be placed per host CPU; none: no bound"),     \
		OVERCOMMIT(memory, OTHER,                                                       \
			   "VM RAM that may be placed per host memory; none: no bound"),        \
		OVERCOMMIT(disk, OTHER,                                                         \
			   "VM disk space that may be placed per host disk; none: no bound"),   \
		OVERCOMMIT(network, OTHER, "VM network rate per host network; none: no bound"), \
	{                                                                                       \
		.name = NULL                                                                    \
	}
static const struct opt overcommit_opts[] = {OVERCOMMITS("none", "1")};
static const struct opt host_overcommit_opts[] = {OVERCOMMITS("", "")};
const struct opt_table scenario_overcommit_table = {"overcommit", sizeof(struct overcommit_spec),
						    overcommit_opts};
static const struct opt_table host_overcommit_table = {
	"host_overcommit", sizeof(struct overcommit_spec), host_overcommit_opts};

#define SWITCH(F, T, D, M, H)                                                                     \
	{                                                                                         \
		.name = #F, .type = T, .of = OPT_TIME, .offset = offsetof(struct switch_spec, F), \
		.def = D, .max = M, .help = H                                                     \
	}
#define SWITCH_TIME(H)  SWITCH(time, OPT_DIST, "", 0, H)
#define SWITCH_POWER(H) SWITCH(power, OPT_POWER, "", LARGE, H)
static const struct opt boot_opts[] = {
	SWITCH_TIME("from off until VMs can start; when absent, none"),
	SWITCH_POWER("drawn meanwhile; when absent, as when idle"),
	{.name = NULL},
};
static const struct opt shutdown_opts[] = {
	{.name = "after",
	 .type = OPT_TIME,
	 .offset = offsetof(struct switch_spec, after_ns),
	 .def = "0s",
	 .max = CENTURY,
	 .help = "how long a host stays on without VMs before it begins to go off"},
	SWITCH_TIME("until it is off; when absent, none"),
	SWITCH_POWER("drawn meanwhile; when absent, as when idle"),
	{.name = NULL},
};
static const struct opt_table boot_table = {"boot", sizeof(struct switch_spec), boot_opts};
static const struct opt_table shutdown_table = {"shutdown", sizeof(struct switch_spec),
						shutdown_opts};

static const struct opt dvfs_step_opts[] = {
	{.name = "speed",
	 .type = OPT_FREQ,
	 .offset = offsetof(struct dvfs_step_spec, speed),
	 .required = true,
	 .min = 0.001,
	 .max = LARGE,
	 .help = "of one core"},
	{.name = "power",
	 .type = OPT_PLUGIN,
	 .offset = offsetof(struct dvfs_step_spec, power),
	 .def = "",
	 .kind = &power_kind,
	 .help = "power model at this speed; when absent, that of the host, with what is above "
		 "idle "
		 "power scaled by the cube of the speed"},
	{.name = NULL},
};
static const struct opt_table dvfs_step_table = {"dvfs_step", sizeof(struct dvfs_step_spec),
						 dvfs_step_opts};

static const struct opt dvfs_opts[] = {
	{.name = "governor",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct dvfs_spec, governor),
	 .def = "ondemand",
	 .choices = governor_names,
	 .help = "which step: the fastest, the slowest, the slowest at which no core is busier "
		 "than "
		 "up, or the one that is set"},
	{.name = "up",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct dvfs_spec, up),
	 .def = "80%",
	 .min = 0.01,
	 .max = 1,
	 .help = "ondemand: how busy the busiest core may be"},
	{.name = "speed",
	 .type = OPT_FREQ,
	 .offset = offsetof(struct dvfs_spec, speed),
	 .def = "",
	 .min = 0.001,
	 .max = LARGE,
	 .help = "fixed: the speed of the step in the beginning; when absent, the fastest"},
	{.name = "steps",
	 .type = OPT_MAPS,
	 .offset = offsetof(struct dvfs_spec, steps),
	 .required = true,
	 .sub = &dvfs_step_table,
	 .help = "the speeds, in any order; the fastest is the speed of the host"},
	{.name = NULL},
};
static const struct opt_table dvfs_table = {"dvfs", sizeof(struct dvfs_spec), dvfs_opts};

static const struct opt host_opts[] = {
	{.name = "name",
	 .type = OPT_STRING,
	 .offset = offsetof(struct host_spec, name),
	 .required = true,
	 .help = "name of the group; its hosts are name-0, name-1 and so on"},
	{.name = "count",
	 .type = OPT_INT,
	 .offset = offsetof(struct host_spec, count),
	 .def = "1",
	 .min = 1,
	 .max = MANY,
	 .help = "how many hosts of this kind"},
	{.name = "cores",
	 .type = OPT_INT,
	 .offset = offsetof(struct host_spec, cores),
	 .required = true,
	 .min = 1,
	 .max = 1e6,
	 .help = "CPU cores of each host"},
	{.name = "speed",
	 .type = OPT_FREQ,
	 .offset = offsetof(struct host_spec, speed),
	 .required = true,
	 .min = 0.001,
	 .max = LARGE,
	 .help = "speed of one core"},
	{.name = "memory",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct host_spec, memory),
	 .required = true,
	 .min = 1,
	 .max = LARGE,
	 .help = "RAM for VMs"},
	{.name = "swap",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct host_spec, swap),
	 .def = "",
	 .max = LARGE,
	 .help = "swap space, 0B for no swap; when absent, as large as memory"},
	{.name = "disks",
	 .type = OPT_MAPS,
	 .offset = offsetof(struct host_spec, disks),
	 .def = "",
	 .sub = &disk_table,
	 .help = "disks of each host, over which its VMs are spread"},
	{.name = "network",
	 .type = OPT_BITRATE,
	 .offset = offsetof(struct host_spec, network),
	 .def = "none",
	 .max = INFINITY,
	 .help = "network rate that VMs can reserve; none: not counted"},
	{.name = "power",
	 .type = OPT_PLUGIN,
	 .offset = offsetof(struct host_spec, power),
	 .def = "",
	 .kind = &power_kind,
	 .help = "power model; when absent, energy is not computed"},
	{.name = "when_empty",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct host_spec, when_empty),
	 .def = "on",
	 .choices = when_empty_names,
	 .help = "whether a host without VMs stays on and draws idle power, or goes off; one that "
		 "is off comes on when a VM fits on no other"},
	{.name = "boot",
	 .type = OPT_MAP,
	 .offset = offsetof(struct host_spec, boot),
	 .sub = &boot_table,
	 .help = "what coming on takes"},
	{.name = "shutdown",
	 .type = OPT_MAP,
	 .offset = offsetof(struct host_spec, shutdown),
	 .sub = &shutdown_table,
	 .help = "what going off takes"},
	{.name = "off_power",
	 .type = OPT_POWER,
	 .offset = offsetof(struct host_spec, off_power),
	 .def = "0W",
	 .max = LARGE,
	 .help = "drawn by a host that is off"},
	{.name = "dvfs",
	 .type = OPT_MAP,
	 .offset = offsetof(struct host_spec, dvfs),
	 .sub = &dvfs_table,
	 .help = "speeds that the cores can run at, all of them at one; when absent, one speed"},
	{.name = "labels",
	 .type = OPT_LIST,
	 .of = OPT_STRING,
	 .offset = offsetof(struct host_spec, labels),
	 .def = "",
	 .help = "what VMs can ask for in a host"},
	{.name = "overcommit",
	 .type = OPT_MAP,
	 .offset = offsetof(struct host_spec, overcommit),
	 .sub = &host_overcommit_table,
	 .help = "how much may be placed on these hosts; what is absent is as for all hosts"},
	{.name = "rack",
	 .type = OPT_INT,
	 .offset = offsetof(struct host_spec, rack),
	 .def = "",
	 .min = 1,
	 .max = MANY,
	 .help = "how many hosts share a rack; racks are name-rack-0 and so on; when absent, none"},
	{.name = "time_to_failure",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct host_spec, time_to_failure),
	 .def = "",
	 .help = "time from start or repair to the next failure; when absent, hosts never fail"},
	{.name = "time_to_repair",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct host_spec, time_to_repair),
	 .def = "",
	 .help = "time from a failure, or the beginning of its repair, until the host is back"},
	{.name = "rack_time_to_failure",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct host_spec, rack_time_to_failure),
	 .def = "",
	 .help = "time until a rack fails with all its hosts; when absent, racks never fail"},
	{.name = "rack_time_to_repair",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct host_spec, rack_time_to_repair),
	 .def = "",
	 .help = "time from a rack's failure, or the beginning of its repair, until it is back"},
	{.name = NULL},
};
const struct opt_table scenario_host_table = {"host", sizeof(struct host_spec), host_opts};
