/*
 * The CloudSim model: small cases by hand, and, where the environment variable COTENANT_PLANETLAB
 * names the folder of PlanetLab's day 20110303, what CloudSim 3.0.3 printed for it (oracles G2, G3).
 */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/cloudsim.h"
#include "scenarios/scenario.h"

#define MAX_VMS 4

/* One host: 1000 MIPS, 100 W idle, 200 W at full load, linear. */
static const struct cloudsim_host_type thousand = {
	.pe_mips = 1000,
	.pes = 1,
	.ram = 4096,
	.bandwidth = 1e6,
	.watts = {100, 110, 120, 130, 140, 150, 160, 170, 180, 190, 200}};

struct fixture {
	struct cloudsim_setup setup;
	struct cloudsim_vm_type vm[MAX_VMS];
	uint32_t column[MAX_VMS], host_type[MAX_VMS];
	struct trace trace;
	struct cloudsim_result result;
};

static struct cloudsim_quirks quirks(bool on)
{
#define QUIRK(name, help) .name = on,
	return (struct cloudsim_quirks){CLOUDSIM_QUIRKS(QUIRK)};
#undef QUIRK
}

/* VMs of 625 MB, which migrate in 10 s; cells in rows of one step. */
static void prepare(struct fixture *f, size_t hosts, size_t vms, const double *mips)
{
	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < vms; i++) {
		f->vm[i] = (struct cloudsim_vm_type){mips[i], 625, 1e5};
		f->column[i] = (uint32_t)i;
	}
	f->setup = (struct cloudsim_setup){.ntypes = 1,
					   .nhosts = hosts,
					   .nvms = vms,
					   .type = &thousand,
					   .host_type = f->host_type,
					   .vm = f->vm,
					   .column = f->column,
					   .trace = &f->trace,
					   .quirks = quirks(true)};
}

static void go(struct fixture *f, const float *cells, size_t steps)
{
	struct arena arena = {0};

	f->trace = (struct trace){.n = f->setup.nvms,
				  .steps = steps,
				  .step_ns = 300000000000,
				  .unit = TRACE_PERCENT,
				  .cpu = cells};
	f->setup.end_s = 300 * (double)steps;
	assert_int_equal(cloudsim_run(&f->setup, &arena, &f->result), 0);
	arena_fini(&arena);
}

#define assert_about(a, b, within) assert_true(fabs((a) - (b)) <= (within))
#define assert_joule(f, j)         assert_about((f)->result.energy_kwh * 3.6e6, j, 1e-6)

static void one_host(void **state)
{
	static const float half[] = {50, 50, 50, 50}, falls[] = {50, 0, 0, 50};
	const double mips[] = {500};
	struct fixture f;

	(void)state;
	/* Updates at 300.1, 600.1 and 900.1; the first 300.1 s and the last 299.9 s are free. */
	prepare(&f, 1, 1, mips);
	go(&f, half, 4);
	assert_joule(&f, 600 * 125);
	f.setup.detector = CLOUDSIM_FULL_POWER;
	go(&f, half, 4);
	assert_joule(&f, 900.1 * 200);
	f.setup.detector = CLOUDSIM_NO_MIGRATION;
	f.setup.quirks.late_start = false;
	go(&f, half, 4);
	assert_joule(&f, 900.1 * 125);
	f.setup.quirks = quirks(false);
	go(&f, half, 4);
	assert_joule(&f, 1200 * 125);

	f.setup.quirks = quirks(true);
	f.setup.quirks.idle_is_off = false;
	go(&f, half, 4);
	assert_joule(&f, 600 * 125);

	/* Idle at its first update, the VM is destroyed; left alone, it costs idle power. */
	f.setup.quirks = quirks(true);
	go(&f, falls, 4);
	assert_joule(&f, 0);
	assert_int_equal(f.result.destroyed, 1);
	assert_int_equal(f.result.shutdowns, 1);
	assert_about(f.result.shutdown_mean_s, 300.1, 1e-9);
	f.setup.quirks = quirks(false);
	go(&f, falls, 4);
	assert_joule(&f, 600 * 125 + 600 * 100);
	assert_int_equal(f.result.destroyed, 0);
	f.setup.quirks.idle_is_off = true;
	go(&f, falls, 4);
	assert_joule(&f, 600 * 125);
}

/* VM 0 is on host 0, VM 1 on host 1, whence it goes to host 0 at 300.1 and arrives at 310.1. */
static void drained(void **state)
{
	static const float half[] = {50, 50, 50, 50, 50, 50};
	const double mips[] = {600, 400};
	struct fixture f;

	(void)state;
	prepare(&f, 2, 2, mips);
	f.setup.detector = CLOUDSIM_THR;
	f.setup.parameter = 0.8;
	go(&f, half, 3);
	assert_int_equal(f.result.migrations, 1);
	assert_joule(&f, 10 * (132 + 120) + 290 * 150);
	assert_about(f.result.slatah, 10. / 310, 1e-12);
	assert_about(f.result.pdm, 200. / 150000, 1e-12);
	assert_about(f.result.overall_slav, 200. / 150000, 1e-12);
	assert_about(f.result.average_slav, 0.1, 1e-12);
	assert_int_equal(f.result.shutdowns, 1);
	assert_about(f.result.shutdown_mean_s, 310.1, 1e-9);
	f.setup.quirks.overhead = false;
	go(&f, half, 3);
	assert_joule(&f, 10 * (130 + 120) + 290 * 150);
	assert_about(f.result.pdm, 0, 0);

	/* Without migration VM 1 stays where room was first. */
	f.setup.detector = CLOUDSIM_NO_MIGRATION;
	f.setup.quirks = quirks(true);
	go(&f, half, 3);
	assert_joule(&f, 300 * 150);
}

/* Both VMs on host 0 want 1100 of 1000 MIPS from 600.1 on; VM 0 leaves. */
static void scarce(void **state)
{
	static const float rises[] = {50, 50, 50, 50, 100, 100};
	const double mips[] = {600, 500};
	struct fixture f;

	(void)state;
	prepare(&f, 2, 2, mips);
	f.setup.detector = CLOUDSIM_THR;
	f.setup.parameter = 1;
	f.setup.quirks.interpolates = false;
	go(&f, rises, 3);
	assert_int_equal(f.result.migrations, 2);
	assert_about(f.result.average_slav, (0.1 + 110. / 600 + 46. / 500) / 3, 1e-12);
	f.setup.quirks.floors = false;
	go(&f, rises, 3);
	assert_about(f.result.average_slav, (0.1 + 1 - 0.9 / 1.1 + 1 - 1 / 1.1) / 3, 1e-12);
	/* Max-min: 500 each, of which VM 0 gets 90 %. */
	f.setup.quirks.scales = false;
	go(&f, rises, 3);
	assert_about(f.result.average_slav, (0.1 + 150. / 600) / 2, 1e-12);
}

struct golden {
	const char *run;
	enum cloudsim_detector detector;
	enum cloudsim_selector selector;
	double parameter;
	double energy, migrations, sla, pdm, slatah, overall, average, shutdowns, mean, sd;
};

static const struct golden golden[] = {
	{"npa", CLOUDSIM_FULL_POWER, 0, 0, 2410.8028, 0, 0, 0, 0, 0, 0, 455, 2864.275824,
	 11081.95402},
	{"dvfs", CLOUDSIM_NO_MIGRATION, 0, 0, 802.7544919, 0, 0, 0, 0, 0, 0, 455, 2864.275824,
	 11081.95402},
	{"thr_mmt", CLOUDSIM_THR, CLOUDSIM_MMT, 0.8, 192.6230702, 26711, 3.1757826e-05,
	 0.0006463667653, 0.04913282629, 0.0007100112334, 0.1015113878, 5885, 949.5826855,
	 3248.173612},
	{"thr_mc", CLOUDSIM_THR, CLOUDSIM_MC, 0.8, 183.4761042, 23967, 6.970359597e-05,
	 0.001019321419, 0.06838235191, 0.001116689207, 0.1005965652, 5576, 982.939193,
	 3134.248963},
	{"thr_mu", CLOUDSIM_THR, CLOUDSIM_MU, 0.8, 207.7942986, 30653, 4.943589439e-05,
	 0.000669649438, 0.07382354346, 0.0007120669199, 0.1016488778, 6523, 971.3291136,
	 3247.595994},
	{"iqr_mmt", CLOUDSIM_IQR, CLOUDSIM_MMT, 1.5, 189.9800727, 26282, 3.006968012e-05,
	 0.0006235223718, 0.04822550318, 0.00070633865, 0.1002931577, 5868, 951.9229093,
	 3597.348353},
	{"mad_mmt", CLOUDSIM_MAD, CLOUDSIM_MMT, 2.5, 185.7916733, 26556, 3.341573364e-05,
	 0.0006618525864, 0.0504881817, 0.0007891393807, 0.1002651427, 5828, 966.7462787,
	 3499.223023},
	{"lr_mmt", CLOUDSIM_LR, CLOUDSIM_MMT, 1.2, 163.4772171, 27859, 4.643868037e-05,
	 0.0007927465738, 0.05857947786, 0.001472355218, 0.09558013672, 5053, 1028.866248,
	 2241.9601},
	{"lr_mc", CLOUDSIM_LR, CLOUDSIM_MC, 1.2, 151.0671928, 23380, 6.832674044e-05,
	 0.0009752808725, 0.07005852607, 0.001633257605, 0.09616816376, 4078, 1161.072726,
	 2419.394448},
	{"lr_mu", CLOUDSIM_LR, CLOUDSIM_MU, 1.2, 175.6003031, 30166, 6.127840902e-05,
	 0.0007517147331, 0.08151816949, 0.001841334733, 0.0975025207, 5632, 995.6590455,
	 2316.409696},
};

#define HOSTS 800

/* The experiment's machine room for the trace. */
struct experiment {
	struct cloudsim_host_type type[2];
	uint32_t host_type[HOSTS], *column;
	struct cloudsim_vm_type *vm;
	struct cloudsim_setup setup;
};

static void experiment(struct experiment *e, const struct trace *trace)
{
	static const double mips[] = {2500, 2000, 1000, 500}, ram[] = {870, 1740, 1740, 613};
	size_t n = trace->n, part = (n + 3) / 4;

	e->type[0] = (struct cloudsim_host_type){1860, 2, 4096, 1e6, {0}};
	e->type[1] = (struct cloudsim_host_type){2660, 2, 4096, 1e6, {0}};
	memcpy(e->type[0].watts, power_table_find("hp-ml110-g4")->watts, sizeof(e->type->watts));
	memcpy(e->type[1].watts, power_table_find("hp-ml110-g5")->watts, sizeof(e->type->watts));
	for (uint32_t h = 0; h < HOSTS; h++)
		e->host_type[h] = h % 2;
	e->vm = calloc(n, sizeof(*e->vm));
	e->column = calloc(n, sizeof(*e->column));
	for (size_t v = 0; v < n; v++) {
		e->vm[v] = (struct cloudsim_vm_type){mips[v / part], ram[v / part], 1e5};
		e->column[v] = (uint32_t)v;
	}
	e->setup = (struct cloudsim_setup){.ntypes = 2,
					   .nhosts = HOSTS,
					   .nvms = n,
					   .type = e->type,
					   .host_type = e->host_type,
					   .vm = e->vm,
					   .column = e->column,
					   .trace = trace,
					   .end_s = 86400,
					   .quirks = quirks(true)};
}

/* @near of what was printed, to the digits that were. */
static void same(const char *run, const char *what, double got, double printed, double near)
{
	if (fabs(got - printed) > near * fabs(printed))
		fail_msg("%s: %s: %.10g, CloudSim prints %.10g", run, what, got, printed);
}

static void compare(const struct golden *g, const struct cloudsim_result *r)
{
	/* Sums in another order may floor a VM's MIPS to one less, which SLA figures show. */
	const double digits = 6e-10, floors = 1e-5;

	same(g->run, "energy", r->energy_kwh, g->energy, digits);
	same(g->run, "migrations", (double)r->migrations, g->migrations, 0);
	same(g->run, "sla", r->slatah * r->pdm, g->sla, floors);
	same(g->run, "pdm", r->pdm, g->pdm, floors);
	same(g->run, "slatah", r->slatah, g->slatah, digits);
	same(g->run, "overall", r->overall_slav, g->overall, floors);
	same(g->run, "average", r->average_slav, g->average, floors);
	same(g->run, "shutdowns", (double)r->shutdowns, g->shutdowns, 0);
	same(g->run, "mean", r->shutdown_mean_s, g->mean, digits);
	same(g->run, "sd", r->shutdown_sd_s, g->sd, digits);
}

static void published(void **state)
{
	const char *folder = getenv("COTENANT_PLANETLAB");
	struct cloudsim_result r;
	struct experiment e;
	struct trace *trace = NULL;
	struct err err = {0};

	(void)state;
	if (!folder) {
		print_message("COTENANT_PLANETLAB does not name the folder of day 20110303\n");
		skip();
	}
	if (trace_load(&trace, folder, "planetlab", &err) < 0)
		fail_msg("%s", err.text);
	experiment(&e, trace);
	for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
		struct arena arena = {0};
		e.setup.detector = golden[i].detector;
		e.setup.selector = golden[i].selector;
		e.setup.parameter = golden[i].parameter;
		assert_int_equal(cloudsim_run(&e.setup, &arena, &r), 0);
		assert_int_equal(r.destroyed, 532);
		compare(&golden[i], &r);
		arena_fini(&arena);
	}
	/* G3, the honest answer: what is left when no quirk is. */
	struct arena arena = {0};
	e.setup.quirks = quirks(false);
	e.setup.detector = CLOUDSIM_NO_MIGRATION;
	assert_int_equal(cloudsim_run(&e.setup, &arena, &r), 0);
	same("no quirks", "energy", r.energy_kwh, 936.191615, 1e-9);
	arena_fini(&arena);
	free(e.vm);
	free(e.column);
	trace_free(trace);
}

/* What the experiment has not is refused, where it stands. */
static void refused(void **state)
{
	static const struct {
		const char *extra, *host, *vm, *says;
	} cases[] = {
		{"semantics: cloudsim-3.0.3", "", "", NULL},
		{"semantics: cloudsim-3.0.3\ncompare: {detector: {kind: iqr, history: 20}}", "", "",
		 "history: is not CloudSim's"},
		{"semantics: cloudsim-3.0.3\ncompare: {selector: max-shortfall}", "", "",
		 "selector: is none of CloudSim's"},
		{"semantics: cloudsim-3.0.3\nconsolidation: {interval: 10min}", "", "",
		 "interval: has to be the tick"},
		{"semantics: cloudsim-3.0.3", ", time_to_failure: 1h, time_to_repair: 1h", "",
		 "hosts do not fail"},
		{"semantics: cloudsim-3.0.3", "", ", vcpus: 2", "vcpus: has to be 1"},
		{"semantics: cloudsim-3.0.3", "", ", lifetime: 1h", "VMs stay"},
		{"semantics: cloudsim-3.0.3\nwarmup: 1h", "", "", "warmup: cannot be"},
		{"semantics: cloudsim-3.0.3", "", ", count: 2, trace_share: 50%",
		 "trace_share: cannot stand beside count"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scenario *s = NULL;
		struct err err = {0};
		char *text = NULL;
		int n = asprintf(&text,
				 "tick: 5min\nduration: 1d\n"
				 "hosts: {name: h, cores: 2, speed: 1GHz, memory: 4GB, network: "
				 "1Gbit/s, power: {kind: table, host: hp-ml110-g4}%s}\n"
				 "vms: {name: v, speed: 1GHz, memory: 1GB, workload: {kind: trace, "
				 "path: scenarios/traces/planetlab-demo}%s}\n"
				 "# \n# \npolicies: {detector: thr}\n%s\n",
				 cases[i].host, cases[i].vm, cases[i].extra);
		assert_true(n > 0);
		int rc = scenario_load_text(&s, "test.yaml", text, (size_t)n, NULL, 0, &err);
		if (!cases[i].says) {
			if (rc != 0)
				fail_msg("%s", err.text);
		} else if (rc == 0 || !strstr(err.text, cases[i].says)) {
			fail_msg("case %zu: %s", i, err.text);
		}
		scenario_free(s);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_host), cmocka_unit_test(drained),
					   cmocka_unit_test(scarce), cmocka_unit_test(refused),
					   cmocka_unit_test(published)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
