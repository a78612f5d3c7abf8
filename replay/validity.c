/* See validity.h. */
#include "replay/validity.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/procfs.h"
#include "sim/core/mem.h"

/* A run is poor beyond these. */
#define WORK_SPREAD 0.1 /* p90 - p10 of work per CPU time, of its median */
#define LATE_MS     20
#define STEAL_MOST  0.02 /* of the cores' time */
#define OTHERS_MOST 0.05

bool cpu_ticks(const char *root, int core, struct cpu_ticks *ticks)
{
	char text[65536], name[16] = "cpu ";
	uint64_t field[8] = {0};

	if (core >= 0)
		snprintf(name, sizeof(name), "cpu%d ", core);
	if (procfs_read(root, text, sizeof(text), "/proc/stat") <= 0)
		return false;
	const char *p = text;
	while (*p && strncmp(p, name, strlen(name)) != 0) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	p += *p ? strlen(name) : 0;
	/* user nice system idle iowait irq softirq steal */
	for (int i = 0; i < 8; i++) {
		p += strspn(p, " ");
		p = procfs_scan(p, &field[i]);
		if (!p)
			return false;
	}
	*ticks = (struct cpu_ticks){.steal = field[7]};
	for (int i = 0; i < 8; i++)
		ticks->all += field[i];
	ticks->busy = ticks->all - field[3] - field[4] - field[7];
	return true;
}

static struct cpu_ticks sum_cores(const struct validity *v)
{
	struct cpu_ticks sum = {0}, one;

	for (size_t i = 0; i < v->ncores; i++)
		if (cpu_ticks(v->root, v->cores[i], &one)) {
			sum.busy += one.busy;
			sum.steal += one.steal;
			sum.all += one.all;
		}
	return sum;
}

void validity_begin(struct validity *v, const char *root, const int *cores, size_t ncores)
{
	*v = (struct validity){.root = root, .cores = cores, .ncores = ncores};
	v->before = sum_cores(v);
}

int validity_sample(struct validity *v, uint64_t work, int64_t cpu_ns)
{
	if (mem_grow(&v->rate, &v->cap, v->n + 1, sizeof(*v->rate)) < 0)
		return -ENOMEM;
	v->rate[v->n++] = (float)((double)work / (double)cpu_ns);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Of the sorted rates, relative to their median. */
static double quantile(const struct validity *v, double q)
{
	double median = v->n > 0 ? (double)v->rate[v->n / 2] : 0;

	return median > 0 ? (double)v->rate[(size_t)(q * (double)(v->n - 1))] / median : 1;
}

static const char *judge(const struct validity *v, const struct room_real *real)
{
	const struct {
		bool poor;
		const char *why;
	} of[] = {
		{v->limited, "poor: the kernel refused limits of groups"},
		{real->late_ms > LATE_MS, "poor: updates came late"},
		{real->steal > STEAL_MOST, "poor: a hypervisor took time"},
		{real->background > OTHERS_MOST, "poor: others used the cores"},
		{real->work_p90 - real->work_p10 > WORK_SPREAD, "poor: the cores' speed varies"},
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		if (of[i].poor)
			return of[i].why;
	return "good";
}

void validity_tell(struct validity *v, double real_s, struct room_real *out)
{
	struct cpu_ticks now = sum_cores(v);
	double hz = (double)sysconf(_SC_CLK_TCK), core_s = real_s * (double)v->ncores;
	double busy_s = (double)(now.busy - v->before.busy) / hz;

	if (v->n > 0)
		qsort(v->rate, v->n, sizeof(*v->rate), by_value);
	*out = (struct room_real){
		.work_p10 = quantile(v, 0.1),
		.work_p90 = quantile(v, 0.9),
		.late_ms = (double)v->late_ns * 1e-6,
		.steal = (double)(now.steal - v->before.steal) / hz / core_s,
		.background = fmax(0, (busy_s - (double)v->guests_ns * 1e-9) / core_s),
	};
	out->validity = judge(v, out);
}

void validity_fini(struct validity *v)
{
	mem_free(v->rate);
	*v = (struct validity){0};
}
