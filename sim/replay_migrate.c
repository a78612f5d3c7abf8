/*
 * See replay_migrate.h. The model is that of models/migration.h, which simulated runs use: told the guest's
 * pages, the rate at which it writes them, all over the place, and the link, but nothing that was measured.
 */
#include "sim/replay_migrate.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "models/migration_list.h"
#include "plots/csv.h"
#include "replay/guest.h"
#include "replay/transfer.h"
#include "replay/vmm.h"
#include "sim/core/opt.h"
#include "sim/core/units.h"

#define PAGE      4096.0
#define PERIOD_NS 10000000 /* short, so that pages are written all the time and not in bursts */
#define ROUNDS    62       /* of a prediction, at most */

struct options {
	double memory, rate, bandwidth, threshold, tolerance;
	unsigned rounds;
	const char *file;
};

/* What the model says of every round, and of the last part, in which the guest stands still. */
struct prediction {
	unsigned rounds;
	double bytes[ROUNDS + 2], s[ROUNDS + 2];
	double total_s, downtime_s, sent;
};

static const char usage[] =
	"usage: cotenant replay migrate [--memory 64MiB] [--rate 10000] [--bandwidth 100MB/s]"
	" [--threshold 1MiB] [--rounds 30] [--tolerance SHARE] [-o FILE.csv]";

static int one_option(struct options *o, int c, struct err *err)
{
	char why[128];
	const char *bad = NULL;
	double rounds = 1;

	if (c == 'm')
		bad = units_parse(OPT_BYTES, optarg, &o->memory, why, sizeof(why));
	else if (c == 'b')
		bad = units_parse(OPT_BYTERATE, optarg, &o->bandwidth, why, sizeof(why));
	else if (c == 't')
		bad = units_parse(OPT_BYTES, optarg, &o->threshold, why, sizeof(why));
	else if (c == 'r')
		bad = units_number(optarg, &o->rate, why, sizeof(why));
	else if (c == 'T')
		bad = units_number(optarg, &o->tolerance, why, sizeof(why));
	else if (c == 'n')
		bad = units_number(optarg, &rounds, why, sizeof(why));
	else if (c == 'o')
		o->file = optarg;
	else
		return err_input(err, "%s", usage);
	if (bad)
		return err_input(err, "replay migrate: %s: %s", optarg, bad);
	if (rounds < 1 || rounds > ROUNDS)
		return err_input(err, "replay migrate: --rounds %s: not 1 to %d", optarg, ROUNDS);
	if (c == 'n')
		o->rounds = (unsigned)rounds;
	if (o->memory < 1048576 || o->rate < 0 || !(o->bandwidth > 0) || !(o->tolerance > 0))
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
						{"tolerance", required_argument, NULL, 'T'},
						{"output", required_argument, NULL, 'o'},
						{NULL, 0, NULL, 0}};
	int c, rc = 0;

	*o = (struct options){.memory = 64 << 20,
			      .rate = 10000,
			      .bandwidth = 100e6,
			      .threshold = 1 << 20,
			      .tolerance = INFINITY,
			      .rounds = 30};
	optind = 1;
	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, "o:", options, NULL)) != -1)
		rc = one_option(o, c, err);
	return rc == 0 && optind < argc ? one_option(o, '?', err) : rc;
}

/* Pre-copy that stops as the VMM does: a little left, rounds used up, or no less than before. */
static void *method_of(const struct options *o, struct arena *arena)
{
	const struct plugin *plugin = &migration_pre_copy.plugin;
	char threshold[32], rounds[16], stuck[16], why[128];
	const char *const set[][2] = {{"threshold", threshold},
				      {"max_rounds", rounds},
				      {"max_sent", "1e9"},
				      {"stuck_at", stuck},
				      {"resume", "0s"}};
	void *state = plugin_state(plugin, arena);

	snprintf(threshold, sizeof(threshold), "%.0fB", o->threshold);
	snprintf(rounds, sizeof(rounds), "%u", o->rounds);
	snprintf(stuck, sizeof(stuck), "%g", TRANSFER_STUCK);
	for (size_t i = 0; state && i < sizeof(set) / sizeof(set[0]); i++)
		if (opt_parse(opt_find(plugin->opts, set[i][0]), set[i][1], state, arena, why,
			      sizeof(why)))
			return NULL;
	return state;
}

static int predict(const struct options *o, struct prediction *p, struct err *err)
{
	struct arena arena = {0};
	const void *state = method_of(o, &arena);
	struct migration m = {.memory = floor(o->memory / PAGE) * PAGE};
	struct migration_step step;

	*p = (struct prediction){0};
	while (state && m.steps < ROUNDS + 2) {
		migration_next(&migration_pre_copy, state, &m, &step);
		if (step.where == MIGRATION_OVER)
			break;
		double s = step.bytes / o->bandwidth;
		p->bytes[m.steps - 1] = step.bytes;
		p->s[m.steps - 1] = s;
		p->total_s += s;
		p->downtime_s = s; /* of the last one */
		m.dirty = migration_dirtied(WRITES_RANDOM, INFINITY, m.memory, o->rate * PAGE * s);
	}
	p->rounds = m.rounds;
	p->sent = m.sent;
	arena_fini(&arena);
	return state ? 0 : err_nomem(err);
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
				    .cpu = 1,
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

static void print(const struct options *o, const struct guest_migration *m,
		  const struct prediction *p)
{
	unsigned rounds = m->rounds > p->rounds ? m->rounds : p->rounds;

	printf("round   measured pages   seconds   predicted pages   seconds\n");
	for (unsigned i = 0; i < rounds; i++) {
		char measured[64] = "", predicted[64] = "";
		if (i < m->rounds)
			snprintf(measured, sizeof(measured), "%14.0f   %7.4f",
				 m->round_bytes[i] / PAGE, m->round_s[i]);
		if (i < p->rounds)
			snprintf(predicted, sizeof(predicted), "%15.0f   %7.4f", p->bytes[i] / PAGE,
				 p->s[i]);
		printf("%5u   %24s   %25s\n", i + 1, measured, predicted);
	}
	printf("total %.4f s (predicted %.4f), downtime %.4f s (%.4f), sent %.3f of the memory "
	       "(%.3f)\n",
	       m->total_s, p->total_s, m->downtime_s, p->downtime_s, m->sent / o->memory,
	       p->sent / o->memory);
	if (m->rounds > 0 && m->round_bytes[0] / m->round_s[0] < o->bandwidth * 0.9)
		printf("this machine could not copy faster than %.0f MB/s\n",
		       m->round_bytes[0] / m->round_s[0] * 1e-6);
	printf("pages: %s\n", m->verified ? "all arrived as they were" : "NOT as they were");
}

/* A row per round, and one for the whole (round 0). */
static int write_file(const char *path, const struct guest_migration *m, const struct prediction *p,
		      struct err *err)
{
	static const char *const columns[] = {"round",
					      "bytes",
					      "seconds",
					      "predicted_bytes",
					      "predicted_s",
					      "downtime_s",
					      "predicted_downtime_s"};
	unsigned rounds = m->rounds > p->rounds ? m->rounds : p->rounds;
	struct csv *csv = NULL;

	int rc = csv_open(&csv, path, NULL, columns, sizeof(columns) / sizeof(columns[0]), err);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i <= rounds; i++) {
		bool measured = i > 0 && i <= m->rounds, predicted = i > 0 && i <= p->rounds;
		csv_int(csv, i);
		csv_real(csv, i == 0 ? m->sent : measured ? m->round_bytes[i - 1] : NAN);
		csv_real(csv, i == 0 ? m->total_s : measured ? m->round_s[i - 1] : NAN);
		csv_real(csv, i == 0 ? p->sent : predicted ? p->bytes[i - 1] : NAN);
		csv_real(csv, i == 0 ? p->total_s : predicted ? p->s[i - 1] : NAN);
		csv_real(csv, i == 0 ? m->downtime_s : NAN);
		csv_real(csv, i == 0 ? p->downtime_s : NAN);
		csv_end_row(csv);
	}
	return csv_close(csv, err);
}

static int move(const struct options *o, struct guest_migration *m, struct err *err)
{
	int core = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	struct guest *guest = NULL;
	struct cg *groups = NULL;
	struct guest_spec spec = {.name = "migrate",
				  .vcpus = 1,
				  .memory = o->memory,
				  .folder = ".",
				  .period_ns = PERIOD_NS,
				  .cores = &core,
				  .ncores = 1,
				  .uid = 65534,
				  .seed = 1};
	int rc = cg_open(&groups, "", CG_AUTO, err);

	if (rc == 0) {
		spec.leaf = m->leaf = cg_leaf(groups, "migrate", err);
		rc = spec.leaf ? guest_start(&guest, &spec, err) : -EIO;
	}
	if (rc == 0) {
		warm_up(guest, o);
		rc = guest_migrate(&guest, m, err);
	}
	guest_stop(guest);
	cg_close(groups);
	return rc;
}

/* Both as a share of the total: what is left for the last part depends on chance. */
static bool is_within(const struct options *o, const struct guest_migration *m,
		      const struct prediction *p)
{
	double most = o->tolerance * p->total_s;

	return fabs(m->total_s - p->total_s) <= most && fabs(m->downtime_s - p->downtime_s) <= most;
}

int replay_migrate(int argc, char **argv, struct err *err)
{
	struct options o;
	struct prediction p = {0};
	int rc = parse(&o, argc, argv, err);

	if (rc == 0)
		rc = vmm_check("/dev/kvm", err);
	if (rc == 0)
		rc = predict(&o, &p, err);
	struct guest_migration m = {
		.bandwidth = o.bandwidth, .threshold = o.threshold, .max_rounds = o.rounds};
	if (rc == 0)
		rc = move(&o, &m, err);
	if (rc < 0)
		return rc;
	print(&o, &m, &p);
	if (o.file)
		rc = write_file(o.file, &m, &p, err);
	if (rc == 0 && !m.verified)
		rc = err_run(err, -EIO, "replay migrate: the memory did not arrive as it was");
	if (rc == 0 && !is_within(&o, &m, &p))
		rc = err_run(err, -ERANGE,
			     "replay migrate: total or downtime is further from the model than"
			     " %g of the total",
			     o.tolerance);
	return rc;
}
