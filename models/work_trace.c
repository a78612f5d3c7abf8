/*
 * A workload that replays one VM of a trace from the moment the VM starts: column = the VM's index
 * in its group, row = (now - start) / step. After the last row it wants nothing and is done, or
 * begins again (repeat: true). Of a flat trace the row is the VM's only one, and `row` the number of
 * steps after its first.
 *
 * A run asks a million of these at every tick, so the state is small, the cell of the present row
 * is kept as a pointer and the next row is a comparison and two additions away (rows that repeat the
 * present one are passed over at once); factors are folded
 * into the common settings at the start. Where the trace has no memory or disk of its own, the
 * settings hold: memory as it stands, throughput and operations in proportion to the CPU's level.
 */
#include <math.h>

#include "models/trace.h"
#include "models/work_list.h"

struct replay {
	struct workload_common common; /* after init(), cpu (MHz), bandwidth and iops per unit of a cell */
	union {
		struct {
			double scale;
			const char *path, *format;
			bool repeat;
		} opt; /* until init() */
		struct {
			const struct trace *trace;
			const float *cell; /* CPU of the present row */
			int64_t next_ns;
			uint32_t row;
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

static bool same_below(const float *table, size_t at, size_t n)
{
	return !table || table[at] == table[at + n];
}

/* On to the last of the rows that hold the same as the present one: until then nothing changes. */
static void skip_equal(struct replay *s)
{
	const struct trace *t = s->run.trace;
	size_t at = (size_t)(s->run.cell - t->cpu);

	while (!t->flat && s->run.row + 1 < t->steps && same_below(t->cpu, at, t->n) &&
	       same_below(t->mem, at, t->n) && same_below(t->disk, at, t->n) &&
	       same_below(t->iops, at, t->n)) {
		at += t->n;
		s->run.row++;
		s->run.cell += t->n;
		s->run.next_ns += t->step_ns;
	}
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
	s->run.trace = trace;
	s->run.row = ctx->trace_from_first ? trace->vm[ctx->index].first : 0;
	s->run.cell = trace->cpu + trace_cell(trace, s->run.row, ctx->index);
	s->run.next_ns = ctx->now_ns + trace->step_ns;
	if (trace->flat) {
		s->run.row = trace->vm[ctx->index].last - trace->vm[ctx->index].first;
		s->run.next_ns += s->run.row * trace->step_ns;
	}
	s->run.repeat = repeat;
	skip_equal(s);
	return 0;
}

/* To the row of @now_ns. At the end of the trace next_ns is INT64_MAX and stays. */
static void advance(struct replay *s, int64_t now_ns)
{
	const struct trace *trace = s->run.trace;
	while (trace->flat && now_ns >= s->run.next_ns && s->run.next_ns < INT64_MAX)
		s->run.next_ns = s->run.repeat ? s->run.next_ns + (s->run.row + 1) * trace->step_ns
					       : INT64_MAX;
	while (!trace->flat && now_ns >= s->run.next_ns) {
		s->run.next_ns += trace->step_ns;
		s->run.cell += trace->n;
		if (++s->run.row < trace->steps)
			continue;
		if (s->run.repeat) {
			s->run.cell -= trace->n * trace->steps;
			s->run.row = 0;
		} else {
			s->run.next_ns = INT64_MAX;
			break;
		}
	}
}

static void replay_demand(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
			  struct demand *out)
{
	struct replay *s = state;
	const struct trace *trace = s->run.trace;
	(void)dt_s;
	(void)cpu_mhz;
	if (now_ns >= s->run.next_ns) {
		advance(s, now_ns);
		if (s->run.next_ns < INT64_MAX)
			skip_equal(s);
	}
	if (s->run.next_ns == INT64_MAX) {
		*out = (struct demand){.done = true};
		return;
	}
	ptrdiff_t at = s->run.cell - trace->cpu;
	double cell = *s->run.cell;
	out->want[RES_CPU] = cell * s->common.cpu.value;
	out->want[RES_MEM] = trace->mem ? (double)trace->mem[at] : s->common.memory;
	out->want[RES_DISK] = trace->disk ? (double)trace->disk[at] : cell * s->common.bandwidth;
	out->want[RES_IOPS] = trace->iops ? (double)trace->iops[at] : cell * s->common.iops;
	out->done = out->nomem = false;
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
	const struct replay *s = state;
	(void)now_ns;
	(void)cpu_mhz;
	return s->run.next_ns;
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
	.init = replay_init,
	.resized = replay_resized,
	.trace_path = replay_path,
};
