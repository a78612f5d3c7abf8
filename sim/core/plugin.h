/*
 * What every kind of plug-in (host policy, placer, workload, trace reader, power model, driver) has in
 * common, and the option tables that describe their settings and every section of a scenario.
 *
 * One table serves the YAML decoder, `cotenant schema`, `cotenant policies` and the manual: a setting
 * is described once, where it is used. A kind's ops struct begins with a struct plugin, so that a
 * pointer to one is a pointer to the other.
 */
#ifndef COTENANT_SIM_CORE_PLUGIN_H
#define COTENANT_SIM_CORE_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGIN_ABI 4u

/* How a value is written in YAML and stored in memory (C type in parentheses). A number without a
 * unit where the type has one is an error. "none" is accepted where max is INFINITY and means
 * INFINITY (for OPT_TIME: INT64_MAX). */
enum opt_type {
	OPT_BOOL,     /* true, false (bool) */
	OPT_INT,      /* 42 (int64_t) */
	OPT_NUMBER,   /* 1.5, no unit (double) */
	OPT_RATIO,    /* 80% or 0.8 (double, 0.8) */
	OPT_TIME,     /* 150ms 5min 2h 1d (int64_t, nanoseconds) */
	OPT_FREQ,     /* 2500 MHz, 2.5GHz (double, MHz) */
	OPT_BYTES,    /* 4GiB 500MB (double, bytes) */
	OPT_BYTERATE, /* 250MB/s (double, bytes per second) */
	OPT_BITRATE,  /* 10Gbit/s (double, bits per second) */
	OPT_RATE,     /* 5000/s, 30/h, 5000 IOPS (double, per second) */
	OPT_POWER,    /* 250W (double, watts) */
	OPT_CPU,      /* 80% (of the VM's own vCPUs), 1.5 cores, 500 MHz (struct cpu_amount) */
	OPT_ENUM,     /* one of choices[] (int: the index) */
	OPT_STRING,   /* text (const char *, in the arena of the decoder) */
	OPT_PATH,     /* of a file, relative to the file it is written in (as OPT_STRING) */
	OPT_DIST, /* exp(10s), uniform(1s, 5s), 10s ... (struct dist, dist.h; values of type `of`) */
	OPT_LIST, /* list of scalars of type `of`; one scalar is a list of one (struct opt_list) */
	OPT_MAP,  /* nested mapping described by `sub`, stored in place */
	OPT_MAPS, /* list of such mappings; one mapping is a list of one (struct opt_list) */
	OPT_PLUGIN,  /* name, or {kind: name, options} of `kind` (struct plugin_spec) */
	OPT_PLUGINS, /* list of them; one is a list of one (struct opt_list of struct plugin_spec) */
};

enum cpu_unit { CPU_FRACTION, CPU_CORES, CPU_MHZ };

/* A CPU amount as the user wrote it; models/vm.h resolves it to MHz for a given VM. */
struct cpu_amount {
	double value;
	enum cpu_unit unit;
};

struct opt_list {
	size_t n;
	void *items; /* n elements of the element's C type */
};

struct opt_table;
struct plugin_kind;

/* One setting. Tables end with an entry whose name is NULL. */
struct opt {
	const char *name;
	enum opt_type type;
	enum opt_type of; /* OPT_DIST, OPT_LIST: type of the values */
	size_t offset;    /* into the struct that the table describes */
	const char *def;  /* default, as a user would write it; "" = stays zeroed (absent) */
	bool required;    /* absent is an error; def is not used */
	double min, max;  /* inclusive, in stored units; both 0 = any value >= 0 */
	const char *const *choices;     /* OPT_ENUM: names, NULL at the end */
	const struct opt_table *sub;    /* OPT_MAP, OPT_MAPS */
	const struct plugin_kind *kind; /* OPT_PLUGIN, OPT_PLUGINS */
	const char *help;               /* one sentence, without a full stop */
	const char *was; /* name in earlier versions, now an error that tells the new one */
};

/* A mapping of YAML, or the options of a plug-in. */
struct opt_table {
	const char *name; /* of the section, for messages and the schema's definitions */
	size_t size;      /* of the struct it fills */
	const struct opt *opts;
};

/* The head of every ops struct. */
struct plugin {
	uint32_t abi;           /* PLUGIN_ABI */
	uint32_t ops_size;      /* sizeof the ops struct it heads; both are checked before use */
	const char *name;       /* key in YAML, value in CSV: [a-z0-9-]+ */
	const char *summary;    /* one line */
	const char *source;     /* paper, year; or "own" */
	const struct opt *opts; /* offsets into the state; NULL = no options */
	size_t state_size;      /* the core allocates and zeroes it; options are filled in */
	/* Not required. Whether the options go together: NULL, or the name of one that is wrong, with what is
	 * (and what would be right) in @why. Asked when a scenario is read; what runs was found right. */
	const char *(*check)(const void *state, char *why, size_t n);
};

/* A kind of plug-in: its list. */
struct plugin_kind {
	const char *what;                     /* "CPU policy", "workload": for messages */
	size_t ops_size;                      /* sizeof the kind's ops struct */
	const struct plugin *(*at)(size_t i); /* i-th in list order; NULL past the end */
};

/* What a scenario names: the plug-in and its state as the options left it, state_size bytes, which
 * each run copies before init(). plugin == NULL: none named. */
struct plugin_spec {
	const struct plugin *plugin;
	void *state;
};

#endif
