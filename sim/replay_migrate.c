/*
 * See replay_migrate.h. The model: a guest that writes @rate pages a second, uniformly over P pages, has
 * P (1 - exp(-rate t / P)) of them dirty after t seconds; a round sends what the one before left dirty, at
 * the bandwidth. It is told the guest's pages and rate and the link, nothing that was measured.
 */
#include "sim/replay_migrate.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/guest.h"
#include "replay/vmm.h"
#include "sim/core/units.h"

#define PAGE 4096.0

struct options {
	double memory, rate, bandwidth, threshold;
	unsigned rounds;
};

static int one_option(struct options *o, int c, struct err *err)
{
	char why[128];
	const char *bad = NULL;
	double rounds = 0;

	if (c == 'm')
		bad = units_parse(OPT_BYTES, optarg, &o->memory, why, sizeof(why));
	else if (c == 'b')
		bad = units_parse(OPT_BYTERATE, optarg, &o->bandwidth, why, sizeof(why));
	else if (c == 't')
		bad = units_parse(OPT_BYTES, optarg, &o->threshold, why, sizeof(why));
	else if (c == 'r')
		bad = units_number(optarg, &o->rate, why, sizeof(why));
	else if (c == 'n')
		bad = units_number(optarg, &rounds, why, sizeof(why));
	else
		return err_input(err, "usage: cotenant replay migrate [--memory 64MiB] [--rate 10000]"
				      " [--bandwidth 100MB/s] [--threshold 1MiB] [--rounds 30]");
	if (bad)
		return err_input(err, "replay migrate: %s: %s", optarg, bad);
	if (c == 'n' && (rounds < 1 || rounds > 60))
		return err_input(err, "replay migrate: --rounds %s: not 1 to 60", optarg);
	if (c == 'n')
		o->rounds = (unsigned)rounds;
	if (o->memory < 1048576 || o->rate < 0 || !(o->bandwidth > 0))
		return err_input(err, "replay migrate: %s: too small", optarg);
	return 0;
}

static int parse(struct options *o, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {{"memory", required_argument, NULL, 'm'},
						{"rate", required_argument, NULL, 'r'},
						{"bandwidth", required_argument, NULL, 'b'},
						{"threshold", required_argument, NULL, 't'},
						{"rounds", required_argument, NULL, 'n'},
						{NULL, 0, NULL, 0}};
	int c, rc = 0;

	*o = (struct options){64 << 20, 10000, 100e6, 1 << 20, 30};
	optind = 1;
	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1)
		rc = one_option(o, c, err);
	return rc == 0 && optind < argc ? one_option(o, '?', err) : rc;
}

/* Until the working set is there and being written. */
static void warm_up(struct guest *guest, const struct options *o)
{
	struct timespec now, moment = {.tv_nsec = 100000000};
	struct guest_report report;

	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t start = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	struct guest_order order = {.start_ns = start,
				    .end_ns = start + INT64_C(3600000000000),
				    .cpu = 0.5,
				    .cpu_most = 1,
				    .memory = o->memory,
				    .memory_most = o->memory,
				    .touch_rate = o->rate,
				    .write_share = 1,
				    .disk_share = 1};
	guest_order(guest, &order);
	do {
		nanosleep(&moment, NULL);
		guest_read(guest, &report);
	} while (report.resident < o->memory - PAGE && guest_alive(guest, (char[8]){0}, 8));
	nanosleep(&moment, NULL);
}

static void compare(const struct options *o, const struct guest_migration *m)
{
	double pages = floor(o->memory / PAGE), dirty = pages, total = 0;

	printf("round   measured pages   seconds   predicted pages   seconds\n");
	for (unsigned i = 0; i < m->rounds; i++) {
		double s = dirty * PAGE / o->bandwidth;
		printf("%5u   %14.0f   %7.4f   %15.0f   %7.4f\n", i + 1, m->round_bytes[i] / PAGE,
		       m->round_s[i], dirty, s);
		total += s;
		dirty = pages * (1 - exp(-o->rate * s / pages));
	}
	double down = dirty * PAGE / o->bandwidth;
	printf("total %.4f s (predicted %.4f), downtime %.4f s (%.4f), sent %.2f of the memory (%.2f)\n",
	       m->total_s, total + down, m->downtime_s, down, m->sent / o->memory,
	       (total + down) * o->bandwidth / o->memory);
	printf("pages: %s\n", m->verified ? "all arrived as they were" : "NOT as they were");
}

int replay_migrate(int argc, char **argv, struct err *err)
{
	struct options o;
	struct guest *guest = NULL;
	int rc = parse(&o, argc, argv, err);

	if (rc == 0)
		rc = vmm_check("/dev/kvm", err);
	if (rc < 0)
		return rc;
	struct guest_spec spec = {.name = "migrate", .vcpus = 1, .memory = o.memory, .folder = ".",
				  .period_ns = 100000000, .uid = 65534, .seed = 1};
	struct guest_migration m = {
		.bandwidth = o.bandwidth, .threshold = o.threshold, .max_rounds = o.rounds};
	rc = guest_start(&guest, &spec, err);
	if (rc == 0) {
		warm_up(guest, &o);
		rc = guest_migrate(&guest, &m, err);
	}
	if (rc == 0) {
		compare(&o, &m);
		if (!m.verified)
			rc = err_run(err, -EIO, "replay migrate: the memory did not arrive as it was");
	}
	guest_stop(guest);
	return rc;
}
