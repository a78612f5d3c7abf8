/*
 * A workload that replays one VM of a trace from the moment the VM starts: column = the VM's index
 * in its group, row = (now - start) / step. After the last row it wants nothing and is done, or
 * begins again (repeat: true). Of a flat trace the grid has one row, which the VM does for as many
 * steps as it lives.
 *
 * A run asks a million of these at every tick. What they do follows from the moment alone, so asking
 * writes nothing; those of a host, which mostly began together, are asked together, and the row is
 * found once for all of them. Factors are folded into the common settings at the start. Where the
 * trace has no memory or disk of its own, the settings hold: memory as it stands, throughput and
 * operations in proportion to the CPU's level.
 */
#include <math.h>
#include <string.h>

#include "models/trace.h"
#include "models/work_list.h"

struct replay {
	struct workload_common
		common; /* after init(), cpu (MHz), bandwidth and iops per unit of a cell */
	union {
		struct {
			double scale;
			const char *path, *format;
			bool repeat;
		} opt; /* until init() */
		struct {
			const struct trace *trace;
			int64_t start_ns; /* of row 0 */
			uint32_t column;
			uint32_t rows; /* for which it lives */
			bool repeat;
		} run;
	};
};

_Static_assert(sizeof(struct replay) <= 80, "a million VMs have one each");

static const struct opt opts[] = {
	WORKLOAD_COMMON_OPTS(struct replay, "100%"),
	{.name = "path",
	 .type = OPT_PATH,
	 .offset = offsetof(struct replay, opt.path),
	 .required = true,
	 .help = "file or directory of the trace"},
	{.name = "format",
	 .type = OPT_STRING,
	 .offset = offsetof(struct replay, opt.format),
	 .def = "",
	 .help = "format of the trace; absent = found out from its contents"},
	{.name = "scale",
	 .type = OPT_NUMBER,
	 .offset = offsetof(struct replay, opt.scale),
	 .def = "1",
	 .help = "factor on the recorded CPU, be it percent or MHz"},
	{.name = "repeat",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct replay, opt.repeat),
	 .def = "false",
	 .help = "begin again after the last row instead of stopping"},
	{.name = NULL}};

static const char *replay_path(const void *state, const char **format)
{
	const struct replay *s = state;
	*format = s->opt.format && *s->opt.format ? s->opt.format : NULL;
	return s->opt.path;
}

/* Where those that began together stand in their trace at one moment. */
struct stand {
	const struct trace *trace;
	int64_t start_ns;
	bool repeat;
	bool over;                            /* past the end */
	int64_t steps;                        /* since the start */
	size_t row;                           /* of the grid */
	const float *cpu, *mem, *disk, *iops; /* the row, or NULL */
};

static inline const float *row_of(const float *table, size_t at)
{
	return table ? table + at : NULL;
}

static struct stand stand_at(const struct replay *s, int64_t now_ns)
{
	const struct trace *t = s->run.trace;
	int64_t steps = (now_ns - s->run.start_ns) / t->step_ns;
	bool past = steps >= s->run.rows;
	size_t row = t->flat ? 0 : past ? (size_t)steps % s->run.rows : (size_t)steps;
	size_t at = row * t->n;

	return (struct stand){.trace = t,
			      .start_ns = s->run.start_ns,
			      .repeat = s->run.repeat,
			      .over = past && !s->run.repeat,
			      .steps = steps,
			      .row = row,
			      .cpu = t->cpu + at,
			      .mem = row_of(t->mem, at),
			      .disk = row_of(t->disk, at),
			      .iops = row_of(t->iops, at)};
}

/* Of a flat trace everybody lives as long as it does. */
static inline bool stands_there(const struct stand *a, const struct replay *s)
{
	return s->run.trace == a->trace && s->run.start_ns == a->start_ns &&
	       s->run.repeat == a->repeat && !a->trace->flat;
}

static inline struct replay *replay_of(const struct workload_many *many, size_t i)
{
	return (struct replay *)(void *)((char *)many->at[i] + many->offset);
}

static inline bool same_below(const float *row, uint32_t column, size_t n)
{
	return !row || row[column] == row[column + n];
}

/* Looked at in advance at most: who is asked again before anything has changed pays for it again. */
#define ROWS_AHEAD 64

/* How many of the rows that follow hold the same as the present one, for the states @from to @end that
 * stand there. */
static int64_t rows_alike(const struct stand *a, const struct workload_many *many, size_t from,
			  size_t end)
{
	size_t left = a->trace->steps - 1 - a->row, n = a->trace->n, alike = 0, at = 0;

	if (left > ROWS_AHEAD)
		left = ROWS_AHEAD;
	for (; alike < left; alike++, at += n)
		for (size_t i = from; i < end; i++) {
			uint32_t c = replay_of(many, i)->run.column;
			if (!same_below(a->cpu + at, c, n) ||
			    !same_below(row_of(a->mem, at), c, n) ||
			    !same_below(row_of(a->disk, at), c, n) ||
			    !same_below(row_of(a->iops, at), c, n))
				return (int64_t)alike;
		}
	return (int64_t)alike;
}

/* When one of these states, which stand there, wants something else. */
static int64_t stand_next(const struct stand *a, const struct workload_many *many, size_t from,
			  size_t end)
{
	int64_t steps = a->steps + 1, rows = replay_of(many, from)->run.rows;

	if (a->over)
		return INT64_MAX;
	if (a->trace->flat)
		steps = (a->steps / rows + 1) * rows;
	else
		steps += rows_alike(a, many, from, end);
	return a->start_ns + steps * a->trace->step_ns;
}

static int replay_init(void *state, const struct workload_ctx *ctx, struct err *err)
{
	struct replay *s = state;
	const struct trace *trace = ctx->trace;
	if (!trace || !trace->steps || !trace->n)
		return err_input(err, "%s: trace: %s: no samples", ctx->name,
				 s->opt.path ? s->opt.path : "no path");
	if (ctx->index >= trace->n)
		return err_input(err,
				 "%s: trace: %s: VM %zu of the trace is asked for, but it has %zu",
				 ctx->name, s->opt.path ? s->opt.path : "", (size_t)ctx->index + 1,
				 trace->n);
	double full = workload_mhz(s->common.cpu, ctx->vcpus, ctx->speed);
	bool is_percent = trace->unit == TRACE_PERCENT;
	double level = s->opt.scale * (is_percent ? 0.01 : full > 0 ? 1 / full : 0);
	s->common.cpu.value = is_percent ? s->opt.scale * full / 100 : s->opt.scale;
	s->common.bandwidth *= level;
	s->common.iops *= level;
	bool repeat = s->opt.repeat;
	const struct trace_vm *life = &trace->vm[ctx->index];
	int64_t skipped = ctx->trace_from_first && !trace->flat ? (int64_t)life->first : 0;
	s->run.trace = trace;
	s->run.start_ns = ctx->now_ns - skipped * trace->step_ns;
	s->run.column = ctx->index;
	s->run.rows = (uint32_t)(trace->flat ? life->last - life->first + 1 : trace->steps);
	s->run.repeat = repeat;
	return 0;
}

struct wants {
	double of[RES_COUNT];
};

static inline struct wants wants_of(const struct replay *s, const struct stand *a)
{
	uint32_t column = s->run.column;
	double cell = a->cpu[column];
	struct wants want = {{[RES_CPU] = cell * s->common.cpu.value,
			      [RES_MEM] = s->common.memory,
			      [RES_DISK] = cell * s->common.bandwidth,
			      [RES_IOPS] = cell * s->common.iops}};

	if (a->mem)
		want.of[RES_MEM] = (double)a->mem[column];
	if (a->disk)
		want.of[RES_DISK] = (double)a->disk[column];
	if (a->iops)
		want.of[RES_IOPS] = (double)a->iops[column];
	return a->over ? (struct wants){{0}} : want;
}

static void replay_demand(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
			  struct demand *out)
{
	struct stand at = stand_at(state, now_ns);
	struct wants want = wants_of(state, &at);
	(void)dt_s;
	(void)cpu_mhz;
	memcpy(out->want, want.of, sizeof(out->want));
	out->done = at.over;
	out->nomem = false;
}

static int64_t replay_demand_many(const struct workload_many *many)
{
	double *cpu = many->want[RES_CPU], *mem = many->want[RES_MEM];
	double *disk = many->want[RES_DISK], *iops = many->want[RES_IOPS];
	struct stand at = stand_at(replay_of(many, 0), many->now_ns);
	int64_t first_ns = INT64_MAX;
	size_t from = 0;
	for (size_t i = 0, n = many->n; i < n; i++) {
		const struct replay *s = replay_of(many, i);
		if (!stands_there(&at, s)) {
			int64_t next_ns = i > 0 ? stand_next(&at, many, from, i) : INT64_MAX;
			first_ns = next_ns < first_ns ? next_ns : first_ns;
			at = stand_at(s, many->now_ns);
			from = i;
		}
		struct wants want = wants_of(s, &at);
		cpu[i] = want.of[RES_CPU];
		mem[i] = want.of[RES_MEM];
		disk[i] = want.of[RES_DISK];
		iops[i] = want.of[RES_IOPS];
	}
	int64_t next_ns = stand_next(&at, many, from, many->n);
	return next_ns < first_ns ? next_ns : first_ns;
}

static int replay_resized(void *state, uint32_t was, uint32_t is)
{
	struct replay *s = state;
	double full = workload_mhz_resized(1, s->common.cpu.unit, was, is);
	if (s->run.trace->unit == TRACE_PERCENT) {
		s->common.cpu.value *= full;
	} else { /* the recorded MHz are the same, and so a smaller part of more vCPUs */
		s->common.bandwidth /= full;
		s->common.iops /= full;
	}
	return 0;
}

static int64_t replay_next(const void *state, int64_t now_ns, double cpu_mhz)
{
	void *at[] = {(void *)(uintptr_t)state};
	struct workload_many alone = {.now_ns = now_ns, .n = 1, .at = at};
	struct stand stand = stand_at(state, now_ns);
	(void)cpu_mhz;
	return stand_next(&stand, &alone, 0, 1);
}

const struct workload_ops workload_trace = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct workload_ops),
		   .name = "trace",
		   .summary = "what a VM of a recorded trace did",
		   .source = "own",
		   .opts = opts,
		   .state_size = sizeof(struct replay)},
	.demand = replay_demand,
	.next = replay_next,
	.demand_many = replay_demand_many,
	.init = replay_init,
	.resized = replay_resized,
	.trace_path = replay_path,
};
