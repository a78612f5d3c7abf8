/*
 * A station that serves requests: its own stream of arrivals, requests handed on by other stations,
 * or both.
 *
 * All requests in service progress at one rate, r = min(a core, what the VM gets / their number),
 * so a request of s core-seconds that begins at V = integral of r dt = v ends at V = v + s: a heap
 * on that number holds them (ties: first come first). fcfs: at most one request per vCPU is in
 * service, the others wait in arrival order; ps: all are in service. Everything between two calls
 * happens at its own nanosecond: completions before arrivals.
 *
 * The k-th arrival has the k-th draws of its streams whatever became of the others, rejected or
 * not. Response and waiting time are measured at this station; a request carries its birth along,
 * and the station without `next` adds the time since then to total_sum.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "models/work_list.h"
#include "models/work_time.h"

enum { FCFS, PS };
static const char *const discipline_names[] = {"fcfs", "ps", NULL};

struct request {
	double finish;   /* V at which it is done; core-seconds it needs while it waits */
	uint64_t serial; /* order of arrival */
	int64_t arrival_ns, birth_ns;
	double service; /* core-seconds */
};

struct requests {
	struct workload_common common;
	struct dist arrivals, service;
	int discipline;
	bool has_histogram;
	int64_t capacity, count;
	const char *next_group;

	struct rng *arrival_rng, *service_rng;
	double speed, core, limit; /* MHz: nominal, a request at most, the station at most */
	size_t servers;            /* requests served at once; SIZE_MAX with ps */
	uint32_t index;
	void (*forward)(void *ctx, const char *target, uint32_t index, int64_t birth_ns);
	void *forward_ctx;

	int64_t now_ns, next_arrival_ns, stats_from_ns;
	int64_t came; /* arrivals of its own */
	double v;
	uint64_t serial, forwarded;
	struct request *heap; /* in service */
	size_t busy, heap_cap;
	struct request *queue; /* waiting: a ring of queue_cap, a power of 2 */
	size_t head, waiting, queue_cap;
	bool nomem;
	struct workload_stats stats;
};

static const struct opt opts[] = {
	WORKLOAD_COMMON_OPTS(struct requests, "100%"),
	{.name = "arrivals",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct requests, arrivals),
	 .def = "",
	 .help = "time between two arrivals; absent = only requests from other stations"},
	{.name = "service",
	 .type = OPT_DIST,
	 .of = OPT_TIME,
	 .offset = offsetof(struct requests, service),
	 .required = true,
	 .help = "core-time of a request at the VM's nominal speed; negative draws count as 0"},
	{.name = "discipline",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct requests, discipline),
	 .def = "fcfs",
	 .choices = discipline_names,
	 .help = "fcfs: one request per vCPU, the others wait; ps: all share the CPU"},
	{.name = "capacity",
	 .type = OPT_INT,
	 .offset = offsetof(struct requests, capacity),
	 .def = "0",
	 .max = 1e9,
	 .help = "most requests in the system, others are rejected; 0 = no limit"},
	{.name = "count",
	 .type = OPT_INT,
	 .offset = offsetof(struct requests, count),
	 .def = "0",
	 .max = 1e15,
	 .help = "how many arrive, after which and when all are done the workload is; 0 = no end"},
	{.name = "next",
	 .type = OPT_STRING,
	 .offset = offsetof(struct requests, next_group),
	 .def = "",
	 .help = "VM group that finished requests go to, its VMs by turns; absent = they leave"},
	{.name = "histogram",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct requests, has_histogram),
	 .def = "true",
	 .help = "keep response times for percentiles (up to 68 KiB per VM)"},
	{.name = NULL}};

static bool is_before(const struct request *a, const struct request *b)
{
	return a->finish < b->finish || (a->finish <= b->finish && a->serial < b->serial);
}

static void heap_push(struct requests *s, struct request r)
{
	size_t i = s->busy++;
	while (i > 0 && is_before(&r, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = r;
}

static struct request heap_pop(struct requests *s)
{
	struct request top = s->heap[0], last = s->heap[--s->busy];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= s->busy)
			break;
		if (child + 1 < s->busy && is_before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!is_before(&s->heap[child], &last))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
	return top;
}

static int queue_push(struct requests *s, struct request r)
{
	if (s->waiting == s->queue_cap) {
		size_t old = s->queue_cap, cap = old ? 2 * old : 16;
		struct request *ring = mem_alloc(cap, sizeof *ring);
		if (!ring)
			return -ENOMEM;
		for (size_t i = 0; i < s->waiting; i++)
			ring[i] = s->queue[(s->head + i) & (old - 1)];
		mem_free(s->queue);
		s->queue = ring;
		s->queue_cap = cap;
		s->head = 0;
	}
	s->queue[(s->head + s->waiting++) & (s->queue_cap - 1)] = r;
	return 0;
}

static double station_want(const struct requests *s)
{
	return fmin((double)s->busy * s->core, s->limit);
}

static double station_rate(const struct requests *s, double cpu_mhz)
{
	return s->busy ? fmin(s->core, cpu_mhz / (double)s->busy) / s->speed : 0;
}

static int64_t next_completion(const struct requests *s, double cpu_mhz)
{
	if (!s->busy)
		return INT64_MAX;
	return work_eta(s->now_ns, s->heap[0].finish - s->v, station_rate(s, cpu_mhz));
}

/* The request enters service now; there is room in the heap. */
static void begin(struct requests *s, struct request r)
{
	double wait = (double)(s->now_ns - r.arrival_ns) * 1e-9;
	s->stats.wait_sum += wait;
	s->stats.waited += s->now_ns > r.arrival_ns;
	if (s->stats.wait)
		stat_hist_add(s->stats.wait, wait);
	r.finish = s->v + r.service;
	heap_push(s, r);
}

static void begin_next(struct requests *s)
{
	begin(s, s->queue[s->head]);
	s->head = (s->head + 1) & (s->queue_cap - 1);
	s->waiting--;
}

static int arrive(struct requests *s, int64_t birth_ns)
{
	struct request r = {.serial = s->serial++, .arrival_ns = s->now_ns, .birth_ns = birth_ns};
	r.service = fmax(dist_sample(&s->service, s->service_rng), 0);
	s->stats.arrived++;
	if (s->capacity > 0 && s->busy + s->waiting >= (size_t)s->capacity) {
		s->stats.rejected++;
		return 0;
	}
	if (s->busy >= s->servers)
		return queue_push(s, r);
	if (mem_grow(&s->heap, &s->heap_cap, s->busy + 1, sizeof *s->heap))
		return -ENOMEM;
	begin(s, r);
	return 0;
}

static void leave(struct requests *s, const struct request *r)
{
	double response = (double)(s->now_ns - r->arrival_ns) * 1e-9;
	workload_complete(&s->stats, response);
	s->stats.slowdown_sum += r->service > 0 ? response / r->service : 1;
	if (s->stats.response)
		stat_hist_add(s->stats.response, response);
	if (s->next_group && *s->next_group && s->forward) {
		uint32_t turn = s->index + (uint32_t)s->forwarded++;
		s->forward(s->forward_ctx, s->next_group, turn, r->birth_ns);
	} else {
		s->stats.total_count++;
		s->stats.total_sum += (double)(s->now_ns - r->birth_ns) * 1e-9;
	}
}

/* All that are done now leave, and waiting ones take their places, which may be done at once. */
static void complete(struct requests *s)
{
	while (s->busy && s->heap[0].finish - s->v <= work_epsilon(s->v)) {
		struct request r = heap_pop(s);
		leave(s, &r);
		if (s->waiting && s->busy < s->servers)
			begin_next(s);
	}
	if (!s->busy)
		s->v = 0; /* nobody measures against it: keep it small and so precise */
}

/* Time passes without an event. */
static void pass(struct requests *s, int64_t to_ns, double cpu_mhz)
{
	double n = (double)(s->busy + s->waiting);
	int64_t from_ns = s->now_ns > s->stats_from_ns ? s->now_ns : s->stats_from_ns;
	if (to_ns > from_ns) {
		double dt = (double)(to_ns - from_ns) * 1e-9;
		size_t k = s->busy + s->waiting;
		s->stats.in_system_integral += n * dt;
		s->stats.in_system_sq_integral += n * n * dt;
		if (s->stats.in_system_time)
			s->stats.in_system_time[k < WORKLOAD_MAX_K ? k : WORKLOAD_MAX_K - 1] += dt;
	}
	double given = station_rate(s, cpu_mhz) * ((double)(to_ns - s->now_ns) * 1e-9);
	s->v += given;
	s->stats.work_done += given * (double)s->busy;
	s->now_ns = to_ns;
}

static int run_until(struct requests *s, int64_t end_ns, double cpu_mhz)
{
	for (;;) {
		complete(s);
		while (s->next_arrival_ns <= s->now_ns) {
			double gap = dist_sample(&s->arrivals, s->arrival_rng);
			int64_t birth_ns = s->next_arrival_ns;
			s->next_arrival_ns = ++s->came == s->count
						     ? INT64_MAX
						     : work_after(birth_ns, work_ns(gap));
			if (arrive(s, birth_ns))
				return -ENOMEM;
		}
		if (s->busy && s->heap[0].finish - s->v <= work_epsilon(s->v))
			continue; /* somebody came who needs no service */
		if (s->now_ns >= end_ns)
			return 0;
		int64_t at = next_completion(s, cpu_mhz);
		at = s->next_arrival_ns < at ? s->next_arrival_ns : at;
		pass(s, at < end_ns ? at : end_ns, cpu_mhz);
	}
}

static const char *requests_check(const void *state, char *why, size_t n)
{
	const struct requests *s = state;
	bool arrive = s->arrivals.law != DIST_NONE;

	if (!arrive && s->count > 0) {
		snprintf(why, n, "is missing (count says how many arrive, arrivals when)");
		return "arrivals";
	}
	if (arrive && s->count == 0 && !(dist_mean(&s->arrivals) > 0)) {
		snprintf(why, n,
			 "has a mean of %g s (should be above 0, or count say how many there are)",
			 dist_mean(&s->arrivals));
		return "arrivals";
	}
	snprintf(why, n, "is 0 (should be above 0: no request would ever be done)");
	return s->common.cpu.value > 0 ? NULL : "cpu";
}

static int make_streams(struct requests *s, const struct workload_ctx *ctx, struct err *err)
{
	const char *a = arena_printf(ctx->arena, "%s/arrivals", ctx->name);
	const char *b = arena_printf(ctx->arena, "%s/service", ctx->name);
	s->arrival_rng = a ? rng_stream(ctx->arena, ctx->seed, a) : NULL;
	s->service_rng = b ? rng_stream(ctx->arena, ctx->seed, b) : NULL;
	struct workload_stats *st = &s->stats;
	if (s->has_histogram) {
		st->response = arena_alloc(ctx->arena, 1, sizeof *st->response);
		if (s->discipline == FCFS)
			st->wait = arena_alloc(ctx->arena, 1, sizeof *st->wait);
		st->in_system_time =
			arena_alloc(ctx->arena, WORKLOAD_MAX_K, sizeof *st->in_system_time);
	}
	bool has_tables = !s->has_histogram ||
			  (st->response && st->in_system_time && (st->wait || s->discipline == PS));
	return s->arrival_rng && s->service_rng && has_tables ? 0 : err_nomem(err);
}

static void requests_moved(void *state, double core)
{
	struct requests *s = state;
	s->core = fmin(s->speed, core);
}

/* With fewer vCPUs those in service share them until enough have left; with more, others begin. */
static int requests_resized(void *state, uint32_t was, uint32_t is)
{
	struct requests *s = state;
	s->limit = workload_mhz_resized(s->limit, s->common.cpu.unit, was, is);
	if (s->discipline == PS)
		return 0;
	s->servers = is;
	while (s->waiting && s->busy < s->servers) {
		if (mem_grow(&s->heap, &s->heap_cap, s->busy + 1, sizeof *s->heap))
			return -ENOMEM;
		begin_next(s);
	}
	return 0;
}

static int requests_init(void *state, const struct workload_ctx *ctx, struct err *err)
{
	struct requests *s = state;
	int rc = make_streams(s, ctx, err);
	if (rc)
		return rc;
	s->speed = ctx->speed;
	requests_moved(s, ctx->core);
	s->limit = workload_mhz(s->common.cpu, ctx->vcpus, ctx->speed);
	s->servers = s->discipline == FCFS ? ctx->vcpus : SIZE_MAX;
	s->index = ctx->index;
	s->forward = ctx->forward;
	s->forward_ctx = ctx->forward_ctx;
	s->now_ns = s->stats_from_ns = ctx->now_ns;
	s->next_arrival_ns = INT64_MAX;
	if (s->arrivals.law != DIST_NONE)
		s->next_arrival_ns =
			work_after(ctx->now_ns, work_ns(dist_sample(&s->arrivals, s->arrival_rng)));
	return 0;
}

static void requests_fini(void *state)
{
	struct requests *s = state;
	mem_free(s->heap);
	mem_free(s->queue);
	s->heap = s->queue = NULL;
}

static void requests_demand(void *state, int64_t now_ns, double dt_s, double cpu_mhz,
			    struct demand *out)
{
	struct requests *s = state;
	/* Time that the caller does not account for (the VM stood still) is time without CPU. */
	int64_t idle_ns = now_ns - s->now_ns - work_ns(dt_s);
	int rc = idle_ns > 1000 ? run_until(s, s->now_ns + idle_ns, 0) : 0;
	if (rc || run_until(s, now_ns, cpu_mhz))
		s->nomem = true;
	if (s->count > 0 && s->came == s->count && s->busy + s->waiting == 0) {
		*out = (struct demand){.done = true, .nomem = s->nomem};
		return;
	}
	double want = station_want(s), level = want / s->limit;
	*out = (struct demand){.want = {[RES_CPU] = want,
					[RES_MEM] = s->common.memory,
					[RES_DISK] = s->common.bandwidth * level,
					[RES_IOPS] = s->common.iops * level},
			       .nomem = s->nomem};
}

static int64_t requests_next(const void *state, int64_t now_ns, double cpu_mhz)
{
	const struct requests *s = state;
	(void)now_ns;
	int64_t done = next_completion(s, cpu_mhz);
	return s->next_arrival_ns < done ? s->next_arrival_ns : done;
}

static int requests_inject(void *state, int64_t now_ns, int64_t birth_ns)
{
	struct requests *s = state;
	if (now_ns > s->now_ns)
		pass(s, now_ns, 0);
	return arrive(s, birth_ns);
}

static const struct workload_stats *requests_stats(const void *state)
{
	return &((const struct requests *)state)->stats;
}

static void requests_reset_stats(void *state, int64_t now_ns)
{
	struct requests *s = state;
	struct workload_stats kept = {.response = s->stats.response,
				      .wait = s->stats.wait,
				      .in_system_time = s->stats.in_system_time};
	if (kept.response)
		*kept.response = (struct stat_hist){0};
	if (kept.wait)
		*kept.wait = (struct stat_hist){0};
	for (size_t k = 0; kept.in_system_time && k < WORKLOAD_MAX_K; k++)
		kept.in_system_time[k] = 0;
	s->stats = kept;
	s->stats_from_ns = now_ns;
}

const struct workload_ops workload_requests = {
	.plugin =
		{
			.abi = PLUGIN_ABI,
			.ops_size = sizeof(struct workload_ops),
			.name = "requests",
			.summary = "a queueing station: arrivals, service, response times",
			.source = "Kleinrock, Queueing Systems, 1975",
			.opts = opts,
			.state_size = sizeof(struct requests),
			.check = requests_check,
		},
	.demand = requests_demand,
	.next = requests_next,
	.init = requests_init,
	.resized = requests_resized,
	.moved = requests_moved,
	.fini = requests_fini,
	.inject = requests_inject,
	.stats = requests_stats,
	.reset_stats = requests_reset_stats,
	.handles_unmet = true,
};
