/*
 * VMs as customers and hosts that fail, against what is exact about them: Erlang's loss formulas,
 * processor sharing with many cores, discriminatory sharing, populations, renewal theory. The rule
 * is that of test_oracles_queueing.c.
 */
#include "tests/harness.h"

static void measure_blocking(struct harness *h, struct sample *sample)
{
	TAKE(0, summary(h, "rejected") / summary(h, "vms"));
}

/* The pool is a room of one-core hosts. Where few are blocked, the standard error is what a second
 * or two per case can buy. */
static void test_a04_erlang_b(void **unused)
{
	(void)unused;
	static const struct {
		int erlang, cores;
		double arrivals, blocking, most; /* VMs a run */
	} of[] = {{1, 1, 2000, .5, .01},
		  {2, 2, 3000, .4, .01},
		  {3, 5, 8000, .1100543478, .02},
		  {10, 10, 6000, .2145823431, .02},
		  {10, 15, 5000, .0364969455, .05},
		  {20, 30, 5000, .0084574983, .12},
		  {80, 100, 6000, .0039920286, .25}};
	static const char *const life[] = {"1s", "exp(1s)", "\"h2(1s, 4)\""};

	for (size_t i = 0; i < COUNT(of); i++)
		for (size_t law = 0; law < COUNT(life); law++) {
			double vms = fmax(of[i].arrivals / LESS, 1000);
			double duration = vms / of[i].erlang + 10;
			struct sample sample = {.name = "A04 blocking",
						.exact = of[i].blocking,
						.most = of[i].most};
			char *yaml = text_of(
				"tick: %.0fs\nduration: %.0fs\nwarmup: 10s\nreplications: %d\n"
				"hosts:\n"
				"  - {name: h, count: %d, cores: 1, speed: 1GHz, memory: 1GiB}\n"
				"vms:\n"
				"  - {name: v, memory: 1MiB, arrivals: exp(%.9fs), lifetime: %s,\n"
				"     workload: {kind: constant, cpu: 10%%}}\n"
				"overcommit: {cpu: 1}\noutput: {vm_timeline: 0}\n",
				duration, duration, RUNS, of[i].cores, 1. / of[i].erlang,
				life[law]);
			oracle(yaml, measure_blocking, &sample, 1);
			free(yaml);
		}
}

static void measure_jobs(struct harness *h, struct sample *sample)
{
	const struct host_spec *host = h->scenario->hosts.items;
	double mean, c = (double)host->cores;

	TAKE(1, summary(h, "response_mean_s"));
	TAKE(2, share_between(h, "datacenter", "vms_running", c, 1e9, &mean));
	TAKE(3, share_between(h, "datacenter", "vms_running", c + 1, 1e9, NULL));
	TAKE(0, mean);
}

/* A VM per job, each on at most one core, equal shares: M/G/c-PS, insensitive to the law of work
 * (J9). */
static void job_host(double lambda, int cores, double duration, const char *law,
		     const double exact[4], const double most[4])
{
	struct sample sample[] = {
		{.name = "A09 N", .exact = exact[0], .most = most[0]},
		{.name = "A09 T", .exact = exact[1], .most = most[1]},
		{.name = "A09 P(all busy)", .exact = exact[2], .most = most[2]},
		{.name = "A09 P(N>c)", .exact = exact[3], .most = most[3]},
	};
	char *yaml = text_of("tick: %.0fs\nduration: %.0fs\nwarmup: %.0fs\nreplications: %d\n"
			     "hosts:\n  - {name: h, cores: %d, speed: 1GHz, memory: 1GiB}\nvms:\n"
			     "  - {name: v, memory: 1KiB, arrivals: exp(%.9fs),\n"
			     "     destroy_when_done: true,\n"
			     "     workload: {kind: batch, work: %s}}\n"
			     "policies: {cpu: equal}\n"
			     "output: {vm_timeline: 0, distributions: true}\n",
			     duration / LESS, duration / LESS, 100. / LESS, RUNS, cores, 1 / lambda,
			     law);

	oracle(yaml, measure_jobs, sample, COUNT(sample));
	free(yaml);
}

/* Placing a VM for each job costs more than a request does, hence 1.5 to 6.5 %. */
static void test_a09_cpu_host(void **unused)
{
	(void)unused;
	static const char *const law[] = {"1s", "exp(1s)", "\"h2(1s, 4)\""};

	for (size_t i = 0; i < COUNT(law); i++) {
		job_host(3.2, 4, 2000, law[i],
			 (double[]){5.5857298871, 1.7455405897, .5964324718, .4771459774},
			 (double[]){.03, .03, .015, .025});
		job_host(14.4, 16, 250, law[i],
			 (double[]){19.7220905449, 1.3695896212, .5913433939, .5322090545},
			 (double[]){.065, .065, .065, .065});
	}
}

static void measure_line(struct harness *h, struct sample *sample)
{
	TAKE(0, summary(h, "wait_mean_s"));
	TAKE(1, summary(h, "response_mean_s"));
}

/* The same jobs where no host takes more VMs than it has cores: VMs wait in line, and the room is
 * an M/M/c queue. */
static void test_a03_vms_in_line(void **unused)
{
	(void)unused;
	struct sample sample[] = {
		{.name = "A03 Wq of VMs", .exact = .7455405897, .most = .03},
		{.name = "A03 W of VMs", .exact = 1.7455405897, .most = .02},
	};
	char *yaml =
		text_of("tick: 2500s\nduration: %ds\nwarmup: %ds\nreplications: %d\n"
			"when_full: queue\n"
			"hosts:\n  - {name: h, count: 2, cores: 2, speed: 1GHz, memory: 1GiB}\n"
			"vms:\n  - {name: v, memory: 1KiB, arrivals: exp(312500us),\n"
			"     destroy_when_done: true,\n"
			"     workload: {kind: batch, work: exp(1s)}}\n"
			"overcommit: {cpu: 1}\noutput: {vm_timeline: 0}\n",
			LESS == 1 ? 5000 : 2500, 100 / LESS, RUNS);

	oracle(yaml, measure_line, sample, COUNT(sample));
	free(yaml);
}

static void measure_limited(struct harness *h, struct sample *sample)
{
	double mean, placed = summary(h, "placed");

	share_between(h, "datacenter", "vms_running", 0, 1e9, &mean);
	TAKE(0, summary(h, "rejected") / summary(h, "vms"));
	TAKE(1,
	     mean + cell(h, OUTPUT_GROUPS, "group", "v", "wait_mean_s") * placed / sample[3].exact);
	TAKE(2, cell(h, OUTPUT_GROUPS, "group", "v", "wait_mean_s") + 1);
}

/* A line with an end: M/M/c/K by VMs, of which c run and K - c wait. */
static void test_a05_limited_line(void **unused)
{
	(void)unused;
	static const struct {
		double lambda;
		int c, k;
		double loss, number, time;
	} of[] = {{3, 2, 5, .3744221880, 3.6656394453, 1.9532019704},
		  {.9, 1, 10, .0508137313, 3.9694405986, 4.6466006721},
		  {8, 8, 16, .0816658660, 10.2866442489, 1.4001772161}};

	for (size_t i = 0; i < COUNT(of); i++) {
		double duration = (i == 1 ? 10000 : 5000 / of[i].lambda) / LESS + 100;
		struct sample sample[4] = {
			{.name = "A05 loss of VMs", .exact = of[i].loss, .most = .03},
			{.name = "A05 L of VMs", .exact = of[i].number},
			{.name = "A05 W of VMs", .exact = of[i].time},
			{.name = "time", .exact = duration - 100},
		};
		char *yaml = text_of(
			"tick: %.0fs\nduration: %.0fs\nwarmup: 100s\nreplications: %d\n"
			"when_full: queue\nqueue_limit: %d\n"
			"hosts:\n  - {name: h, count: %d, cores: 1, speed: 1GHz, memory: 1GiB}\n"
			"vms:\n  - {name: v, memory: 1KiB, arrivals: exp(%.9fs),\n"
			"     lifetime: exp(1s), workload: {kind: constant, cpu: 10%%}}\n"
			"overcommit: {cpu: 1}\n"
			"output: {vm_timeline: 0, distributions: true}\n",
			duration, duration, RUNS, of[i].k - of[i].c, of[i].c, 1 / of[i].lambda);
		oracle(yaml, measure_limited, sample, 3);
		free(yaml);
	}
}

static void measure_population(struct harness *h, struct sample *sample)
{
	double mean, below = 0;
	int k = 0;

	TAKE(0, share_between(h, "datacenter", "vms_running", 0, 50, &mean));
	TAKE(1, share_between(h, "datacenter", "vms_running", 76, 1e9, NULL));
	TAKE(2, mean);
	while (below < .99 && k < 1000)
		below = share_between(h, "datacenter", "vms_running", 0, k++, NULL);
	TAKE(3, k - 1);
}

/* 30 VMs/h that live 2 h: Poisson(60) running, whatever the law of lives. */
static void test_a10_population(void **unused)
{
	(void)unused;
	static const char *const life[] = {"2h", "exp(2h)", "\"uniform(0h, 4h)\""};

	for (size_t i = 0; i < COUNT(life); i++) {
		/* The quantile is a whole number, and one run's may be one beside it. */
		struct sample sample[] = {
			{.name = "A10 P(<=50)", .exact = .1076778786, .most = .05},
			{.name = "A10 P(>75)", .exact = .0259638614, .most = .1},
			{.name = "A10 mean", .exact = 60},
			{.name = "A10 99 % quantile", .exact = 79, .slack = .006},
		};
		char *yaml = text_of(
			"tick: 20h\nduration: %dh\nwarmup: 20h\nreplications: %d\nhosts:\n"
			"  - {name: h, count: 120, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
			"  - {name: v, memory: 1KiB, arrivals: exp(2min), lifetime: %s,\n"
			"     workload: {kind: constant, cpu: 10%%}}\n"
			"overcommit: {cpu: 1}\n"
			"output: {vm_timeline: 0, distributions: true}\n",
			20 + 500 / LESS, RUNS, life[i]);
		oracle(yaml, measure_population, sample, COUNT(sample));
		free(yaml);
	}
}

/* From empty. The group's first VM comes at 0 and not at random: it adds P(life > t) to the
 * mean. */
static void measure_filling(struct harness *h, struct sample *sample)
{
	const struct csv_table *t = harness_table(h, OUTPUT_EVENTS);
	size_t c_event = column_of(t, "event"), c_time = column_of(t, "time_s");
	static const double at[] = {.5 * 3600, 3600, 2 * 3600, 4 * 3600};

	for (size_t i = 0; i < 4; i++) {
		double running = 0;
		for (size_t row = 0; row < t->nrows; row++) {
			const char *event = t->cell[row * t->ncols + c_event];
			if (csv_number(t, row, c_time) > at[i])
				continue;
			running += strcmp(event, "start") == 0;
			running -= strcmp(event, "destroy") == 0;
		}
		TAKE(i, running / 8);
	}
}

static void test_a10_from_empty(void **unused)
{
	(void)unused;
	static const struct {
		const char *life;
		double mean[4], first[4];
	} of[] = {{"exp(2h)",
		   {13.27195302, 23.60816042, 37.92723353, 51.87988301},
		   {.7788007831, .6065306597, .3678794412, .1353352832}},
		  {"2h", {15, 30, 60, 60}, {1, 1, 0, 0}},
		  {"\"uniform(0h, 4h)\"", {14.0625, 26.25, 45, 60}, {.875, .75, .5, 0}}};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct sample sample[4] = {{.name = "A10 t=.5 h"},
					   {.name = "A10 t=1 h"},
					   {.name = "A10 t=2 h"},
					   {.name = "A10 t=4 h"}};
		for (size_t k = 0; k < 4; k++)
			sample[k].exact = of[i].mean[k] + of[i].first[k];
		/* Eight groups a run, each with its own stream: 800 populations. */
		char vms[4096] = "";
		size_t n = 0;
		for (int g = 0; g < 8; g++)
			n += (size_t)snprintf(vms + n, sizeof(vms) - n,
					      "  - {name: v%d, memory: 1KiB, arrivals: exp(2min),"
					      " lifetime: %s, workload: {kind: constant}}\n",
					      g, of[i].life);
		char *yaml = text_of(
			"tick: 4h\nduration: 14401s\nreplications: %d\nhosts:\n"
			"  - {name: h, count: 700, cores: 1, speed: 1GHz,\n"
			"     memory: 1GiB}\n"
			"vms:\n%sovercommit: {cpu: 1}\noutput: {vm_timeline: 0, events: true}\n",
			LESS == 1 ? 100 : RUNS, vms);
		oracle(yaml, measure_filling, sample, COUNT(sample));
		free(yaml);
	}
}

static void measure_groups(struct harness *h, struct sample *sample)
{
	const struct vm_spec *vm = h->scenario->vms.items;

	for (size_t g = 0; g < h->scenario->vms.n; g++)
		TAKE(g, group_mean(h, vm[g].name, "response_mean_s"));
}

/* Discriminatory processor sharing: @n classes of jobs on one core, by weight. */
static void dps(size_t n, const double lambda[], const double mu[], const double weight[],
		const double exact[], const double most[], double duration)
{
	struct sample sample[3] = {{.name = "A11 T1"}, {.name = "A11 T2"}, {.name = "A11 T3"}};
	char vms[1024] = "";
	size_t len = 0;

	for (size_t g = 0; g < n; g++) {
		sample[g].exact = exact[g];
		sample[g].most = most[g];
		len += (size_t)snprintf(vms + len, sizeof(vms) - len,
					"  - {name: g%zu, memory: 1KiB, arrivals: exp(%.9fs),\n"
					"     destroy_when_done: true, cpu: {weight: %g},\n"
					"     workload: {kind: batch, work: exp(%.9fs)}}\n",
					g, 1 / lambda[g], weight[g], 1 / mu[g]);
	}
	char *yaml = text_of("tick: %.0fs\nduration: %.0fs\nwarmup: %.0fs\nreplications: %d\n"
			     "hosts:\n  - {name: h, cores: 1, speed: 1GHz, memory: 1GiB}\nvms:\n"
			     "%spolicies: {cpu: weighted}\noutput: {vm_timeline: 0}\n",
			     duration / LESS, duration / LESS, 200. / LESS, RUNS, vms);
	oracle(yaml, measure_groups, sample, n);
	free(yaml);
}

static void test_a11_dps(void **unused)
{
	(void)unused;
	const double lambda[] = {.3, .2}, mu[] = {1, .5}, most[] = {.03, .03, .03};
	const double few[] = {.2, .2, .2}, one[] = {1, 1, 1}, weight[] = {1, 2, 4};

	dps(2, lambda, mu, (double[]){1, 1}, (double[]){3.33333333, 6.66666667}, most, 6000);
	dps(2, lambda, mu, (double[]){2, 1}, (double[]){2.54901961, 7.25490196}, most, 6000);
	dps(2, lambda, mu, (double[]){1, 4}, (double[]){5.43859649, 5.08771930}, most, 6000);
	dps(2, lambda, mu, (double[]){100, 1}, (double[]){1.45566619, 8.07491702}, most, 6000);
	dps(3, few, one, weight, (double[]){3.20255474, 2.43613139, 1.86131387}, most, 6000);
	dps(3, (double[]){.1, .2, .3}, (double[]){2, 1, .8}, weight,
	    (double[]){2.40767591, 3.18379531, 2.91428571}, most, 6000);
}

static void measure_sizes(struct harness *h, struct sample *sample)
{
	const struct vm_spec *vm = h->scenario->vms.items;

	for (size_t g = 0; g < 4; g++)
		TAKE(g, group_share(h, vm[g].name, "rejected"));
	TAKE(4, 16 * summary(h, "cpu_util"));
}

/* VMs of 1, 2, 4 and 8 cores on a host of 16, those that do not fit are lost. */
static void test_a21_multi_size_admission(void **unused)
{
	(void)unused;
	struct sample sample[] = {
		{.name = "A21 blocking, 1 core", .exact = .0868804404, .most = .02},
		{.name = "A21 blocking, 2 cores", .exact = .1771551214, .most = .02},
		{.name = "A21 blocking, 4 cores", .exact = .3626245491, .most = .015},
		{.name = "A21 blocking, 8 cores", .exact = .7105173869},
		{.name = "A21 busy cores", .exact = 10.65129001},
	};
	static const char *const gap[] = {"250ms", "500ms", "1s", "2s"};
	char vms[1024] = "";
	size_t len = 0;

	for (int g = 0; g < 4; g++)
		len += (size_t)snprintf(
			vms + len, sizeof(vms) - len,
			"  - {name: v%d, vcpus: %d, memory: 1KiB, arrivals: exp(%s),\n"
			"     lifetime: exp(1s), workload: {kind: constant}}\n",
			g, 1 << g, gap[g]);
	char *yaml = text_of("tick: 20s\nduration: %ds\nwarmup: 20s\nreplications: %d\nhosts:\n"
			     "  - {name: h, cores: 16, speed: 1GHz, memory: 1GiB}\nvms:\n"
			     "%sovercommit: {cpu: 1}\noutput: {vm_timeline: 0}\n",
			     20 + 1000 / LESS, RUNS, vms);
	oracle(yaml, measure_sizes, sample, COUNT(sample));
	free(yaml);
}

/* Hosts. */

static void measure_hosts(struct harness *h, struct sample *sample)
{
	const struct csv_table *t = harness_table(h, OUTPUT_HOSTS);
	size_t c_up = column_of(t, "availability"), c_failures = column_of(t, "failures");
	double up = 0, up_sq = 0, failures = 0, n = (double)t->nrows;

	for (size_t row = 0; row < t->nrows; row++) {
		double x = csv_number(t, row, c_up);
		up += x / n;
		up_sq += x * x / n;
		failures += csv_number(t, row, c_failures) / n;
	}
	TAKE(0, up);
	TAKE(1, failures);
	TAKE(2, sqrt((up_sq - up * up) * n / (n - 1)));
}

static void failing(const char *up, const char *down, double hours, double warm,
		    const struct sample *of, size_t k)
{
	struct sample sample[3] = {0};
	char *yaml = text_of("tick: 1000h\nduration: %.0fh\nwarmup: %.0fh\nreplications: %d\n"
			     "hosts:\n  - {name: h, count: %d, cores: 1, speed: 1GHz,\n"
			     "     memory: 1GiB, time_to_failure: %s, time_to_repair: %s}\nvms:\n"
			     "  - {name: v, memory: 1MiB, workload: {kind: constant, cpu: 10%%}}\n"
			     "output: {vm_timeline: 0}\n",
			     hours, warm, RUNS, LESS == 1 ? 100 : 10, up, down);

	memcpy(sample, of, k * sizeof(*of));
	oracle(yaml, measure_hosts, sample, k);
	free(yaml);
}

static void measure_down(struct harness *h, struct sample *sample)
{
	double mean;

	TAKE(1, share_between(h, "datacenter", "hosts_down", 0, 0, &mean));
	TAKE(0, mean);
	TAKE(2, summary(h, "availability"));
}

/* 20 hosts share c repairers. */
static void test_a16_repairmen(void **unused)
{
	(void)unused;
	static const struct {
		const char *repairers;
		double down, all_up, availability;
	} of[] = {
		{"repairers: 1\n", .2425740390, .8024257404, .9878712981},
		{"repairers: 2\n", .1996737164, .8190894260, .9900163142},
		{"", .1980198020, .8195444703, .9900990099},
	};

	for (size_t i = 0; i < COUNT(of); i++) {
		struct sample sample[] = {
			{.name = "A16 down", .exact = of[i].down},
			{.name = "A16 P(all up)", .exact = of[i].all_up},
			{.name = "A16 availability", .exact = of[i].availability},
		};
		double hours = 4e4 / LESS;
		char *yaml = text_of(
			"tick: %.0fh\nduration: %.0fh\nwarmup: 500h\nreplications: %d\n%s"
			"hosts:\n  - {name: h, count: 20, cores: 1, speed: 1GHz, memory: 1GiB,\n"
			"     time_to_failure: exp(1000h), time_to_repair: exp(10h)}\nvms:\n"
			"  - {name: v, memory: 1MiB, workload: {kind: constant, cpu: 10%%}}\n"
			"output: {vm_timeline: 0, distributions: true}\n",
			hours, hours, 2 * RUNS, of[i].repairers);
		oracle(yaml, measure_down, sample, COUNT(sample));
		free(yaml);
	}
}

static void test_a17_availability(void **unused)
{
	(void)unused;
	struct sample first[] = {
		{.name = "A17 availability, 1000/10", .exact = .990099009901, .most = 1e-3},
		{.name = "A17 failures in 8760 h", .exact = 8.67336536},
	};
	struct sample second[] = {
		{.name = "A17 availability, 200/8", .exact = .961538461538, .most = 1e-3},
		{.name = "A17 failures in 1e5 h", .exact = 1e5 / 208},
		{.name = "A17 sd of availability", .exact = .00238528, .most = .02},
	};
	struct sample laws[] = {
		{.name = "A17 availability, 200/8", .exact = .961538461538, .most = 1e-3},
		{.name = "A17 failures in 2e4 h", .exact = 2e4 / 208},
	};

	/* Failures are counted from a start in working order, so without a warm-up. */
	failing("exp(1000h)", "exp(10h)", 8760, 0, first, 2);
	failing("exp(200h)", "exp(8h)", 1e5 + 2000, 2000, second, 3);
	failing("\"weibull(2, 225.6758334h)\"", "\"uniform(0h, 16h)\"", 2e4 + 2000, 2000, laws, 2);
	failing("\"lognormal(200h, 1)\"", "8h", 2e4 + 2000, 2000, laws, 2);
}

static void measure_overload(struct harness *h, struct sample *sample)
{
	TAKE(0, cell(h, OUTPUT_HOSTS, NULL, NULL, "overload"));
	TAKE(1, summary(h, "cpu_shortfall"));
}

static void overcommit(int n, int cores, const char *on, const char *off, double duration,
		       const double exact[2], double most)
{
	struct sample sample[] = {
		{.name = "A26 P(overload)", .exact = exact[0], .most = most},
		{.name = "A26 lost", .exact = exact[1], .most = most},
	};
	char *yaml =
		text_of("tick: %.0fs\nduration: %.0fs\nwarmup: %.0fs\nreplications: %d\n"
			"hosts:\n  - {name: h, cores: %d, speed: 1GHz, memory: 1GiB}\nvms:\n"
			"  - {name: v, count: %d, memory: 1MiB,\n"
			"     workload: {kind: onoff, cpu: 100%%, on_time: %s, off_time: %s}}\n"
			"output: {vm_timeline: 0}\n",
			duration / LESS, duration / LESS, 20. / LESS, RUNS, cores, n, on, off);

	oracle(yaml, measure_overload, sample, COUNT(sample));
	free(yaml);
}

/* The third case is met once in 1700 moments: a standard error of up to 25 %. */
static void test_a26_overcommit(void **unused)
{
	(void)unused;
	overcommit(20, 4, "exp(1s)", "exp(9s)", 4000, (double[]){.0431744953, .0286485672}, .02);
	overcommit(100, 24, "exp(2s)", "exp(8s)", 300, (double[]){.1313532173, .0176071892}, .06);
	overcommit(32, 16, "exp(1s)", "exp(3s)", 1000, (double[]){.0006002946, .0001010362}, .25);
	overcommit(20, 4, "1s", "exp(9s)", 4000, (double[]){.0431744953, .0286485672}, .02);
}

/* Little's law as an identity: on a run that begins and ends empty, the integral of the number in
 * the system is the sum of the times spent there. */
static void test_little_is_an_identity(void **unused)
{
	(void)unused;
	struct harness h;
	double mean;

	harness_open(&h, "tick: 10h\nduration: 10h\nhosts:\n"
			 "  - {name: h, cores: 2, speed: 1GHz, memory: 1GiB}\nvms:\n"
			 "  - {name: v, count: 3000, memory: 1KiB, arrivals: exp(1s),\n"
			 "     destroy_when_done: true,\n"
			 "     workload: {kind: batch, work: exp(1700ms)}}\n"
			 "output: {vm_timeline: 0, distributions: true}\n");
	harness_run(&h, 0);
	const struct csv_table *t = harness_table(&h, OUTPUT_VMS);
	double sojourn = 0;
	assert_int_equal(t->nrows, 3000);
	for (size_t row = 0; row < t->nrows; row++)
		sojourn += csv_number(t, row, column_of(t, "ended_s")) -
			   csv_number(t, row, column_of(t, "created_s"));
	share_between(&h, "datacenter", "vms_running", 0, 1e9, &mean);
	assert_near(mean * 36000, sojourn, 1e-7); /* the file has 9 digits of each share */
	assert_near(summary(&h, "response_mean_s") * 3000, sojourn, 1e-8);
	assert_near(cell(&h, OUTPUT_HOSTS, NULL, NULL, "vms_mean") * 36000, sojourn, 1e-8);
	assert_true(summary(&h, "completed") == 3000);
	harness_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a04_erlang_b),
		cmocka_unit_test(test_a09_cpu_host),
		cmocka_unit_test(test_a03_vms_in_line),
		cmocka_unit_test(test_a05_limited_line),
		cmocka_unit_test(test_a10_population),
		cmocka_unit_test(test_a10_from_empty),
		cmocka_unit_test(test_a11_dps),
		cmocka_unit_test(test_a21_multi_size_admission),
		cmocka_unit_test(test_a16_repairmen),
		cmocka_unit_test(test_a17_availability),
		cmocka_unit_test(test_a26_overcommit),
		cmocka_unit_test(test_little_is_an_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
