/*
 * A job on the disk: a fixed amount of data to read or write, that ends when it is done, as a backup or
 * a copy does. It asks for `bandwidth` (and `iops` at that rate) and goes on as fast as the scarcer of
 * disk and CPU lets it: each resource's grant relative to its demand, the smaller of both. Completion
 * times are exact to the nanosecond.
 */
#include <math.h>
#include <stdio.h>

#include "models/work_list.h"
#include "models/work_time.h"

struct transfer {
	struct workload_common common; /* after init(), cpu in MHz */
	struct dist amount;
	double speed;     /* nominal MHz of a vCPU */
	double left;      /* bytes to go */
	double disk_rate; /* bytes/s that the disk gives */
	double ideal_s;   /* alone at full bandwidth */
	int64_t start_ns;
	struct workload_stats stats;
};

static const struct opt opts[] = {WORKLOAD_COMMON_OPTS(struct transfer, "0%"),
				  {.name = "amount",
				   .type = OPT_DIST,
				   .of = OPT_BYTES,
				   .offset = offsetof(struct transfer, amount),
				   .required = true,
				   .help = "bytes to read or write; negative draws count as 0"},
				  {.name = NULL}};

static bool is_over(const struct transfer *s)
{
	return s->stats.finished_s >= 0;
}

static double transfer_rate(const struct transfer *s, double cpu_mhz)
{
	double cpu = s->common.cpu.value;
	double disk = fmin(s->disk_rate / s->common.bandwidth, 1);
	return s->common.bandwidth * (cpu > 0 ? fmin(disk, cpu_mhz / cpu) : disk);
}

static const char *transfer_check(const void *state, char *why, size_t n)
{
	const struct transfer *s = state;

	snprintf(why, n, "is missing or 0 (should be above 0: it would never end)");
	return s->common.bandwidth > 0 ? NULL : "bandwidth";
}

static int transfer_init(void *state, const struct workload_ctx *ctx, struct err *err)
{
	struct transfer *s = state;
	const char *name = arena_printf(ctx->arena, "%s/amount", ctx->name);
	struct rng *rng = name ? rng_stream(ctx->arena, ctx->seed, name) : NULL;
	if (!rng)
		return err_nomem(err);
	workload_resolve(&s->common, ctx);
	s->speed = ctx->speed;
	s->left = fmax(dist_sample(&s->amount, rng), 0);
	s->ideal_s = s->left / s->common.bandwidth;
	s->start_ns = ctx->now_ns;
	s->stats.arrived = 1;
	s->stats.started_s = (double)ctx->now_ns * 1e-9;
	s->stats.finished_s = -1;
	return 0;
}

/* At @now_ns, a late call perhaps: @late_s seconds after it really ended. */
static void finish(struct transfer *s, int64_t now_ns, double late_s)
{
	int64_t end_ns = now_ns - (int64_t)floor(late_s * 1e9 + 1e-3);
	double elapsed = (double)(end_ns - s->start_ns) * 1e-9;
	workload_complete(&s->stats, elapsed);
	s->stats.finished_s = (double)end_ns * 1e-9;
	s->stats.slowdown_sum += s->ideal_s > 0 ? elapsed / s->ideal_s : 1;
	s->left = 0;
}

static void transfer_demand(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
			    struct demand *out)
{
	struct transfer *s = state;
	*out = (struct demand){.done = true};
	if (is_over(s))
		return;
	double rate = transfer_rate(s, cpu_mhz);
	double ran_s = rate > 0 ? fmin(dt_s, s->left / rate) : dt_s;
	s->left -= rate * ran_s;
	s->stats.work_done += cpu_mhz / s->speed * ran_s;
	/* Less than a nanosecond's worth is rounding. */
	if (s->left <= s->common.bandwidth * work_epsilon(s->ideal_s)) {
		finish(s, now_ns, dt_s - ran_s);
		return;
	}
	*out = (struct demand){.want = {[RES_CPU] = s->common.cpu.value,
					[RES_MEM] = s->common.memory,
					[RES_DISK] = s->common.bandwidth,
					[RES_IOPS] = s->common.iops}};
}

static int64_t transfer_next(const void *state, int64_t now_ns, double cpu_mhz)
{
	const struct transfer *s = state;
	return is_over(s) ? INT64_MAX : work_eta(now_ns, s->left, transfer_rate(s, cpu_mhz));
}

static void transfer_disk(void *state, double bytes_s)
{
	struct transfer *s = state;
	s->disk_rate = bytes_s;
}

static const struct workload_stats *transfer_stats(const void *state)
{
	return &((const struct transfer *)state)->stats;
}

static void transfer_reset_stats(void *state, int64_t now_ns)
{
	struct transfer *s = state;
	(void)now_ns;
	s->stats = (struct workload_stats){.started_s = s->stats.started_s,
					   .finished_s = s->stats.finished_s};
}

const struct workload_ops workload_transfer = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct workload_ops),
			.name = "transfer",
			.summary = "an amount of disk traffic that ends when it is done",
			.source = "own",
			.opts = opts,
			.state_size = sizeof(struct transfer),
			.check = transfer_check,
		},
	.demand = transfer_demand,
	.next = transfer_next,
	.init = transfer_init,
	.resized = workload_resized,
	.disk = transfer_disk,
	.stats = transfer_stats,
	.reset_stats = transfer_reset_stats,
	.handles_unmet = true,
};
