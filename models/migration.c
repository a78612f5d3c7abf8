/*
 * See migration.h. Steps of pre-copy: rounds, each of which sends what was dirtied during the one
 * before, the first the whole memory; then, with the VM stopped, what is left; then the VM resumes. The
 * default limits are those of Xen as Clark et al. describe them: 29 rounds, three times the memory sent,
 * fewer than 50 pages left.
 */
#include "models/migration.h"

#include <math.h>
#include <string.h>

#include "models/migration_list.h"

/* A round that leaves the threshold but for rounding has reached it: halving 1024 MB gives 8 MB. */
#define ROUNDING 1e-9

struct pre_copy {
	double threshold, max_sent, stuck_at;
	int64_t max_rounds, resume_ns;
	bool stop_when_stuck;
};

static double seconds(int64_t ns)
{
	return (double)ns * 1e-9;
}

static bool is_last_round(const struct pre_copy *p, const struct migration *m)
{
	bool small = m->dirty <= p->threshold * (1 + ROUNDING);
	bool stuck = p->stop_when_stuck && m->dirty >= m->last * p->stuck_at * (1 - ROUNDING);

	return small || stuck || m->rounds >= (uint64_t)p->max_rounds ||
	       m->sent > p->max_sent * m->memory * (1 + ROUNDING);
}

static void pre_copy_next(const void *state, const struct migration *m, struct migration_step *step)
{
	const struct pre_copy *p = state;

	if (m->steps > m->rounds)
		*step = (struct migration_step){.where = MIGRATION_OVER};
	else if (m->rounds == 0)
		*step = (struct migration_step){MIGRATION_AT_SOURCE, m->memory, 0};
	else if (is_last_round(p, m))
		*step = (struct migration_step){MIGRATION_DOWN, m->dirty, seconds(p->resume_ns)};
	else
		*step = (struct migration_step){MIGRATION_AT_SOURCE, m->dirty, 0};
}

#define RESUME(S)                                                                      \
	{                                                                              \
		.name = "resume", .type = OPT_TIME, .offset = offsetof(S, resume_ns),  \
		.def = "20ms", .max = 1e18,                                            \
		.help = "time from the last byte sent until the VM runs at the target" \
	}

static const struct opt pre_copy_opts[] = {
	{.name = "threshold",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct pre_copy, threshold),
	 .def = "200KiB",
	 .max = 1e18,
	 .help = "a round that leaves no more than this is the last one"},
	{.name = "max_rounds",
	 .type = OPT_INT,
	 .offset = offsetof(struct pre_copy, max_rounds),
	 .def = "29",
	 .min = 1,
	 .max = 1e6,
	 .help = "most rounds in which the VM runs"},
	{.name = "max_sent",
	 .type = OPT_NUMBER,
	 .offset = offsetof(struct pre_copy, max_sent),
	 .def = "3",
	 .max = INFINITY,
	 .help = "a round after which more than so many times the memory was sent is the last one"},
	{.name = "stop_when_stuck",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct pre_copy, stop_when_stuck),
	 .def = "true",
	 .help = "a round that leaves as much as it sent is the last one"},
	{.name = "stuck_at",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct pre_copy, stuck_at),
	 .def = "100%",
	 .max = 1,
	 .help = "so much of what it sent counts as as much"},
	RESUME(struct pre_copy),
	{.name = NULL},
};

const struct migration_ops migration_pre_copy = {
	.plugin =
		{.abi = PLUGIN_ABI,
		 .ops_size = sizeof(struct migration_ops),
		 .name = "pre-copy",
		 .summary =
			 "copies memory in rounds while the VM runs, the rest while it is stopped",
		 .source = "Clark et al., NSDI 2005",
		 .opts = pre_copy_opts,
		 .state_size = sizeof(struct pre_copy)},
	.next = pre_copy_next,
};

struct post_copy {
	double state;
	int64_t resume_ns;
};

static void post_copy_next(const void *state, const struct migration *m,
			   struct migration_step *step)
{
	const struct post_copy *p = state;

	if (m->steps == 0)
		*step = (struct migration_step){MIGRATION_DOWN, p->state, seconds(p->resume_ns)};
	else if (m->steps == 1)
		*step = (struct migration_step){MIGRATION_AT_TARGET, m->memory, 0};
	else
		*step = (struct migration_step){.where = MIGRATION_OVER};
}

static const struct opt post_copy_opts[] = {
	{.name = "state",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct post_copy, state),
	 .def = "4MiB",
	 .max = 1e18,
	 .help = "what the target needs before the VM can run there: its registers and devices"},
	RESUME(struct post_copy),
	{.name = NULL},
};

const struct migration_ops migration_post_copy = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct migration_ops),
		   .name = "post-copy",
		   .summary = "the VM goes on at the target at once; its memory follows",
		   .source = "Hines & Gopalan, VEE 2009",
		   .opts = post_copy_opts,
		   .state_size = sizeof(struct post_copy)},
	.next = post_copy_next,
};

struct stop_and_copy {
	int64_t resume_ns;
};

static void stop_and_copy_next(const void *state, const struct migration *m,
			       struct migration_step *step)
{
	const struct stop_and_copy *p = state;

	if (m->steps == 0)
		*step = (struct migration_step){MIGRATION_DOWN, m->memory, seconds(p->resume_ns)};
	else
		*step = (struct migration_step){.where = MIGRATION_OVER};
}

static const struct opt stop_and_copy_opts[] = {RESUME(struct stop_and_copy), {.name = NULL}};

const struct migration_ops migration_stop_and_copy = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct migration_ops),
		   .name = "stop-and-copy",
		   .summary = "the VM is stopped, copied and resumed",
		   .source = "Clark et al., NSDI 2005 (section 3.2)",
		   .opts = stop_and_copy_opts,
		   .state_size = sizeof(struct stop_and_copy)},
	.next = stop_and_copy_next,
};

static const struct migration_ops *const methods[] = {
#define MIGRATION_ENTRY(name) &migration_##name,
	MIGRATION_LIST(MIGRATION_ENTRY)
#undef MIGRATION_ENTRY
};

static const struct plugin *method_at(size_t i)
{
	return i < sizeof methods / sizeof *methods ? &methods[i]->plugin : NULL;
}

const struct plugin_kind migration_kind = {
	.what = "migration method",
	.ops_size = sizeof(struct migration_ops),
	.at = method_at,
};

void migration_next(const struct migration_ops *ops, const void *state, struct migration *m,
		    struct migration_step *step)
{
	ops->next(state, m, step);
	if (step->where == MIGRATION_OVER)
		return;
	m->steps++;
	m->rounds += step->where == MIGRATION_AT_SOURCE;
	m->last = step->bytes;
	m->sent += step->bytes;
}

double migration_dirtied(enum migration_writes writes, double set, double memory, double written)
{
	double most = set < memory ? set : memory;

	if (writes == WRITES_RANDOM)
		return most > 0 ? -most * expm1(-written / most) : 0;
	return written < most ? written : most;
}

void migration_run(const struct migration_ops *ops, const void *state,
		   const struct migration_case *c, struct migration_result *result)
{
	struct migration m = {.memory = c->memory};
	struct migration_step step;

	*result = (struct migration_result){0};
	for (;;) {
		migration_next(ops, state, &m, &step);
		if (step.where == MIGRATION_OVER)
			break;
		double s = step.bytes / c->bandwidth;
		result->total_s += s + step.wait_s;
		result->downtime_s += step.where == MIGRATION_DOWN ? s + step.wait_s : 0;
		m.dirty = step.where == MIGRATION_DOWN
				  ? 0
				  : migration_dirtied(c->writes, c->set, c->memory,
						      c->dirty_rate * s);
	}
	result->rounds = m.rounds;
	result->sent = m.sent;
}
