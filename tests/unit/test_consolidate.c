/*
 * Consolidation in whole scenarios: who moves when and where to, and who does not. Expected moments are
 * worked out by hand: 1 GB takes 8 s, and nothing is written meanwhile.
 */
#include "tests/harness.h"

#include "policies/registry.h"

#define HEAD(DURATION) "tick: 1min\nduration: " DURATION "\noutput: {events: true}\n"
#define MIGRATION                                                              \
	"migration: {method: {kind: pre-copy, resume: 0s}, dirty_rate: 0B/s, " \
	"bandwidth: 1Gbit/s, slowdown: 0%, cores: 0}\novercommit: {cpu: 2}\n"
#define LOAD(CPU) "workload: {kind: constant, cpu: " CPU "}"
#define HOSTS(N, MORE) \
	"hosts:\n  - {name: h, count: " N ", cores: 2, speed: 1GHz, memory: 8GB" MORE "}\n"

/* What begins: "60 migrate v-0 h-1", one a line; and hosts that come and go where that takes time. */
static void events_are(struct harness *h, const char *yaml, const char *expected)
{
	static char buf[1 << 14];
	size_t at = 0;

	buf[0] = '\0';
	harness_open(h, yaml);
	harness_run(h, 0);
	const struct csv_table *t = harness_table(h, OUTPUT_EVENTS);
	for (size_t row = 0; row < t->nrows; row++) {
		const char **cell = t->cell + row * t->ncols;
		const char *event = cell[column_of(t, "event")];
		const char *vm = cell[column_of(t, "vm")];
		if (strcmp(event, "migrate") != 0 && strcmp(event, "boot") != 0 &&
		    strcmp(event, "on") != 0)
			continue;
		at += (size_t)snprintf(buf + at, sizeof(buf) - at, "%s %s%s%s %s\n",
				       cell[column_of(t, "time_s")], event, *vm ? " " : "", vm,
				       cell[column_of(t, "host")]);
		assert_true(at < sizeof(buf));
	}
	if (strcmp(buf, expected) != 0)
		fail_msg("events:\n%sexpected:\n%s\n%s", buf, expected, yaml);
}

static void only_events(const char *yaml, const char *expected)
{
	struct harness h;

	events_are(&h, yaml, expected);
	harness_close(&h);
}

/* 1900 MHz are wanted of 2000: with the VM that has the least memory gone, load is 0.8, not above it; back
 * there it would be. Where all of the host may be used, nobody leaves. */
#define CROWD                                               \
	"vms:\n  - {name: a, count: 2, memory: 2GB, " LOAD( \
		"80%") "}\n"                                \
		       "  - {name: b, memory: 1GB, " LOAD("30%") "}\n"

static void overload(void **unused)
{
	(void)unused;
	only_events(HEAD("5min") HOSTS("2", "") CROWD MIGRATION "policies: {detector: thr}\n",
		    "60 migrate b-0 h-1\n");
	only_events(HEAD("5min") HOSTS("2", "") CROWD MIGRATION
		    "policies: {detector: {kind: thr, threshold: 100%}}\n",
		    "");
	only_events(HEAD("5min") HOSTS("2", "") CROWD MIGRATION "policies: {detector: none}\n", "");
	/* As long as the history is short, 70 % is the limit: b with 30 % of its core leaves, then a. */
	only_events(HEAD("5min") HOSTS("3", "") CROWD MIGRATION
		    "policies: {detector: lr, selector: mu}\n",
		    "60 migrate a-0 h-1\n76 migrate b-0 h-1\n");
	/* Nobody else is there to take it. */
	only_events(HEAD("5min") HOSTS("1", "") CROWD MIGRATION "policies: {detector: thr}\n", "");
	only_events(HEAD("5min") HOSTS("2", "") CROWD MIGRATION
		    "policies: {detector: thr}\nconsolidation: {interval: 2min}\n",
		    "120 migrate b-0 h-1\n");
}

#define SPREAD "policies: {placer: worst-fit, detector: thr}\n"

/* Of two hosts with equal loads the first is drained, VM by VM as the link is free; then it goes off. */
static void draining(void **unused)
{
	struct harness h;
	const char *vms = "vms:\n  - {name: v, count: 4, memory: 1GB, " LOAD("20%") "}\n";
	char *yaml = text_of("%s%s%s%s", HEAD("5min") HOSTS("2", ", when_empty: off"), vms,
			     MIGRATION, SPREAD);

	(void)unused;
	events_are(&h, yaml, "60 migrate v-0 h-1\n68 migrate v-2 h-1\n");
	assert_near(summary(&h, "shutdowns"), 1, 0);
	assert_near(summary(&h, "shutdown_mean_s"), 76, 1e-9);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-0", "on_s"), 76, 1e-9);
	assert_near(cell(&h, OUTPUT_HOSTS, "host", "h-0", "off_s"), 224, 1e-9);
	harness_close(&h);
	free(yaml);
	yaml = text_of("%s%s%s%sconsolidation: {at_once: 2}\n",
		       HEAD("5min") HOSTS("2", ", when_empty: off"), vms, MIGRATION, SPREAD);
	events_are(&h, yaml, "60 migrate v-0 h-1\n60 migrate v-2 h-1\n");
	assert_near(summary(&h, "shutdown_mean_s"), 76, 1e-9);
	harness_close(&h);
	free(yaml);
	yaml = text_of("%s%s%s%sconsolidation: {drain: false}\n",
		       HEAD("5min") HOSTS("2", ", when_empty: off"), vms, MIGRATION, SPREAD);
	only_events(yaml, "");
	free(yaml);
}

/* All or nothing: a host with two VMs of which one fits elsewhere keeps both. Memory counts whatever the
 * detector says, and so do labels and rules. */
static void who_must_stay(void **unused)
{
	(void)unused;
	only_events(HEAD("5min") HOSTS("2", "") "vms:\n  - {name: v, count: 2, memory: 5GB, " LOAD(
			    "5%") "}\n" MIGRATION SPREAD,
		    "");
	only_events(
		HEAD("5min") HOSTS("2", "") "vms:\n  - {name: big, count: 2, memory: 5GB, " LOAD(
			"5%") "}\n"
			      "  - {name: small, memory: 1GB, " LOAD("5%") "}\n" MIGRATION SPREAD,
		"");
	only_events(
		HEAD("5min") "hosts:\n"
			     "  - {name: g, cores: 2, speed: 1GHz, memory: 8GB, labels: [gpu]}\n"
			     "  - {name: h, cores: 2, speed: 1GHz, memory: 8GB}\n"
			     "vms:\n  - {name: v, memory: 1GB, hosts: [gpu], " LOAD(
				     "5%") "}\n"
					   "  - {name: w, memory: 2GB, " LOAD(
						   "50%") "}\n" MIGRATION SPREAD,
		"");
	only_events(HEAD("5min") HOSTS("3", "") "vms:\n  - {name: v, count: 3, memory: 1GB, " LOAD(
			    "5%") "}\n"
				  "rules: {name: apart, vms: [v], keep: apart}\n" MIGRATION SPREAD,
		    "");
}

/* An overloaded host waits for one that takes 90 s to come on. */
static void waking(void **unused)
{
	(void)unused;
	only_events(HEAD("4min") HOSTS("2", ", when_empty: off, boot: {time: 90s}") CROWD MIGRATION
		    "policies: {detector: thr}\n",
		    "0 boot h-0\n90 on h-0\n120 boot h-1\n210 on h-1\n");
	only_events(HEAD("5min") HOSTS("2", ", when_empty: off, boot: {time: 90s}") CROWD MIGRATION
		    "policies: {detector: thr}\n",
		    "0 boot h-0\n90 on h-0\n120 boot h-1\n210 on h-1\n240 migrate b-0 h-1\n");
}

/* Four VMs on one of two hosts: two of them move, and the load of both is the same. */
static void balancing(void **unused)
{
	struct harness h;

	(void)unused;
	events_are(&h,
		   HEAD("5min") HOSTS("2", "") "vms:\n  - {name: v, count: 4, memory: 1GB, " LOAD(
			   "25%") "}\n" MIGRATION "policies: {balancer: drs}\n",
		   "60 migrate v-0 h-1\n68 migrate v-1 h-1\n");
	harness_close(&h);
	only_events(HEAD("5min") HOSTS("2", "") "vms:\n  - {name: v, count: 4, memory: 1GB, " LOAD(
			    "25%") "}\n" MIGRATION
				   "policies: {balancer: {kind: drs, target: 60%}}\n",
		    "");
}

/* F30, G2: 400 + 400 hosts at full power, whatever they do. */
static void full_power(void **unused)
{
	struct harness h;

	(void)unused;
	harness_open(&h,
		     "tick: 1h\nduration: 1d\nhosts:\n"
		     "  - {name: g4, count: 400, cores: 2, speed: 1860MHz, memory: 4GB, "
		     "when_empty: off, power: {kind: table, host: hp-ml110-g4}}\n"
		     "  - {name: g5, count: 400, cores: 2, speed: 2660MHz, memory: 4GB, "
		     "when_empty: off, power: {kind: table, host: hp-ml110-g5}}\n"
		     "vms: {name: v, memory: 1GB, " LOAD("10%") "}\npolicies: {detector: npa}\n");
	harness_run(&h, 0);
	assert_near(summary(&h, "energy_kwh"), 2419.2, 1e-9);
	assert_near(summary(&h, "shutdowns"), 0, 0);
	harness_close(&h);
}

/* G5. Hosts active for 3600, 1800 and 2400 s have no CPU left for 600, 0 and 1200 s of it. What VMs lose
 * to migration is test_migrate's. */
static void sla_metrics(void **unused)
{
	struct harness h;

	(void)unused;
	harness_open(
		&h,
		"tick: 1min\nduration: 2h\nhosts:\n"
		"  - {name: a, cores: 2, speed: 1GHz, memory: 8GB, labels: [a]}\n"
		"  - {name: b, cores: 2, speed: 1GHz, memory: 8GB, labels: [b]}\n"
		"  - {name: c, cores: 2, speed: 1GHz, memory: 8GB, labels: [c]}\n"
		"  - {name: d, cores: 2, speed: 1GHz, memory: 8GB}\n"
		"vms:\n"
		"  - {name: a1, memory: 1GB, hosts: [a], lifetime: 3600s, " LOAD(
			"100%") "}\n"
				"  - {name: a2, memory: 1GB, hosts: [a], lifetime: 600s, " LOAD(
					"100%") "}\n"
						"  - {name: b1, memory: 1GB, hosts: [b], lifetime: "
						"1800s, " LOAD(
							"50%") "}\n"
							       "  - {name: c1, memory: 1GB, hosts: "
							       "[c], "
							       "lifetime: 2400s, " LOAD(
								       "100%") "}\n"
									       "  - {name: c2, "
									       "memory: 1GB, "
									       "hosts: [c], "
									       "lifetime: "
									       "1200s, " LOAD(
										       "100%") "}\n"
											       "ove"
											       "rco"
											       "mmi"
											       "t: "
											       "{cp"
											       "u: "
											       "2}"
											       "\n");
	harness_run(&h, 0);
	assert_near(summary(&h, "slatah"), 0.2222222222, 1e-9);
	harness_close(&h);
}

/* Every detector with every selector, and the balancer, through a morning of a trace while VMs come and go
 * and hosts fail: again, and by two threads, the result is the same. */
static void everything_at_once(void **unused)
{
	struct harness h;
	char sets[4000] = "";
	size_t at = 0;

	(void)unused;
	for (size_t d = 0; detector_kind.at(d); d++)
		for (size_t s = 0; selector_kind.at(s); s++)
			at += (size_t)snprintf(
				sets + at, sizeof(sets) - at, "  - {detector: %s, selector: %s}\n",
				detector_kind.at(d)->name, selector_kind.at(s)->name);
	char *yaml = text_of(
		"tick: 5min\nduration: 6h\nwarmup: 30min\nwhen_full: queue\nhosts:\n"
		"  - {name: h, count: 140, cores: 2, speed: 2GHz, memory: 8GB, network: 1Gbit/s, "
		"when_empty: off, rack: 10, time_to_failure: exp(20h), time_to_repair: 20min, "
		"power: {kind: linear, idle: 60W, max: 100W}, boot: {time: 1min}, "
		"shutdown: {time: 30s}}\n"
		"vms:\n"
		"  - {name: t, speed: 2GHz, memory: 1GB, workload: {kind: trace, path: "
		"scenarios/traces/planetlab-demo}}\n"
		"  - {name: r, speed: 1GHz, memory: 2GB, arrivals: exp(4min), lifetime: exp(1h), "
		"workload: {kind: onoff, on_time: exp(10min), off_time: exp(10min), cpu: 90%%}}\n"
		"  - {name: p, count: 4, memory: 1GB, workload: {kind: constant, cpu: 30%%}}\n"
		"rules:\n  - {name: apart, vms: [p], keep: apart, level: host}\n"
		"actions:\n  - {at: 2h, vm: p-1, do: pause}\n  - {at: 3h, vm: p-2, do: stop}\n"
		"overcommit: {cpu: 1.5}\npolicies: {placer: worst-fit}\ncompare:\n%s"
		"  - {balancer: drs}\n",
		sets);
	harness_open(&h, yaml);
	for (size_t i = 0; i<scenario_runs(h.scenario); i += LESS> 1 ? 3 : 1) {
		double energy[2], moves[2];
		for (int k = 0; k < 2; k++) {
			h.threads = k ? 2 : 1;
			harness_run(&h, i);
			energy[k] = summary(&h, "energy_kwh");
			moves[k] = summary(&h, "migrations");
		}
		assert_true(energy[0] == energy[1] && moves[0] == moves[1]);
		double slav = summary(&h, "slatah") * summary(&h, "pdm");
		assert_near(summary(&h, "slav"), slav, 1e-8);
		assert_near(summary(&h, "esv"), slav * energy[0], 1e-8);
		if (moves[0] == 0 && i >= 2 * 5)
			fail_msg("run %zu: nobody moves", i);
	}
	harness_close(&h);
	free(yaml);
}

/* G3, G2: the day 20110303 without migration, and without power management, exactly. */
static void published(void **unused)
{
	const char *folder = getenv("COTENANT_PLANETLAB");
	const struct scenario_set sets[] = {
		{"vms.*.workload.path", folder},
		{"semantics", "cotenant"},
		{"compare", "[{detector: none}, {detector: npa}, {detector: lr}]"}};
	struct harness h;

	(void)unused;
	if (!folder) {
		print_message("COTENANT_PLANETLAB does not name the folder of day 20110303\n");
		skip();
	}
	harness_open(&h, "tick: 1s\nduration: 1s\nhosts: {name: h, cores: 1, speed: 1GHz, memory: "
			 "1GB}\nvms: {name: v, memory: 1MB, " LOAD("1%") "}\n");
	trace_set_free(&h.traces);
	scenario_free(h.scenario);
	h.traces = (struct trace_set){0};
	if (scenario_load(&h.scenario, "scenarios/planetlab-consolidation.yaml", sets, 3, &h.err) ||
	    trace_set_load(h.scenario, &h.traces, &h.err))
		fail_msg("%s", h.err.text);
	harness_run(&h, 0);
	assert_near(summary(&h, "energy_kwh"), 936.191615, 1e-9);
	harness_run(&h, 1);
	assert_near(summary(&h, "energy_kwh"), 2419.2, 1e-9);
	harness_run(&h, 2);
	assert_true(summary(&h, "energy_kwh") < 760 && summary(&h, "migrations") > 200);
	harness_close(&h);
}

static void refused(void **unused)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"consolidation: {interval: 90s}\n", "test.yaml:5:17: interval: is not a multiple"},
		{"consolidation: {interval: 10min}\n", "interval: is not shorter than duration"},
		{"policies: {detector: thr, balancer: drs}\n",
		 "balancer: drs cannot stand beside detector thr"},
		{"policies: {detector: iqq}\n", "did you mean iqr?"},
		{"policies: {selector: mc}\n",
		 "test.yaml:5:12: selector: mc is not asked without a detector"},
		{"compare: [{detector: thr}, {selector: mu}]\n",
		 "test.yaml:5:29: selector: mu is not asked without a detector"},
		{"consolidation: {placer: pabfd}\n", "placer: pabfd needs power of hosts h"},
		{"policies: {detector: {kind: lr, history: 2}}\n", "2 is below the minimum 3"},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scenario *s = NULL;
		struct err err = {0};
		char *text = text_of(
			"tick: 1min\nduration: 10min\nhosts: {name: h, cores: 2, speed: "
			"1GHz, memory: 8GB}\nvms: {name: v, memory: 1GB, " LOAD("5%%") "}\n%s",
			cases[i].text);
		int rc = scenario_load_text(&s, "test.yaml", text, strlen(text), NULL, 0, &err);
		if (rc == 0 || !strstr(err.text, cases[i].says))
			fail_msg("case %zu: %s", i, err.text);
		scenario_free(s);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overload),      cmocka_unit_test(draining),
		cmocka_unit_test(who_must_stay), cmocka_unit_test(waking),
		cmocka_unit_test(balancing),     cmocka_unit_test(full_power),
		cmocka_unit_test(sla_metrics),   cmocka_unit_test(everything_at_once),
		cmocka_unit_test(published),     cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
