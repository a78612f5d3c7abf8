/*
 * See cmd_trace.h. Statistics of `info` are over the samples on the grid, values held over gaps
 * included, since that is what a run sees; steps before a VM's first and after its last sample are
 * none. The standard deviation is that of a sample (n - 1), quantiles are of type 7.
 */
#include "sim/cmd_trace.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "models/trace.h"
#include "plots/csv.h"
#include "sim/core/mem.h"
#include "sim/core/stat.h"
#include "sim/core/units.h"

const char cmd_trace_usage[] = "usage: cotenant trace info PATH... [--format F]\n"
			       "       cotenant trace convert PATH -o OUT.csv [--format F]";

/* A point of time: a date when it can be Unix time, else seconds. */
static const char *show_time(int64_t ns, char buf[64])
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;

	if (s >= (time_t)86400 * 365 && gmtime_r(&s, &tm))
		strftime(buf, 64, "%Y-%m-%dT%H:%M:%SZ", &tm);
	else
		snprintf(buf, 64, "%.9g s", (double)ns / 1e9);
	return buf;
}

/* The values that exist, in double, sorted; and the mean of each VM. */
static size_t gather(const struct trace *t, const float *column, double *value, double *mean)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct stat_moments m = {0};
		size_t last = t->flat ? t->vm[i].first : t->vm[i].last;
		for (size_t k = t->vm[i].first; k <= last; k++) {
			value[n] = (double)column[trace_cell(t, k, i)];
			stat_add(&m, value[n++], 1);
		}
		mean[i] = m.mean;
	}
	stat_sort(value, n);
	return n;
}

static int print_column(const struct trace *t, const char *name, const char *unit,
			const float *column, double scale, struct err *err)
{
	struct stat_moments m = {0};
	double *value, *mean;

	if (!column)
		return 0;
	value = mem_alloc(t->n * (t->flat ? 1 : t->steps), sizeof(*value));
	mean = mem_alloc(t->n, sizeof(*mean));
	if (!value || !mean) {
		mem_free(value);
		mem_free(mean);
		return err_nomem(err);
	}
	size_t n = gather(t, column, value, mean);
	for (size_t i = 0; i < n; i++)
		stat_add(&m, value[i] / scale, 1);
	static const double p[] = {0.25, 0.5, 0.75, 0.95, 0.99, 1};
	printf("  %-6s %-5s %10.6g %10.6g", name, unit, m.mean, sqrt(stat_var_sample(&m)));
	for (size_t i = 0; i < sizeof(p) / sizeof(p[0]); i++)
		printf(" %8.5g", stat_quantile(value, n, p[i]) / scale);
	printf(" %12.9g %9.8f\n", m.mean * (double)n, stat_jain(mean, t->n));
	mem_free(value);
	mem_free(mean);
	return 0;
}

static void print_sizes(const struct trace *t)
{
	uint64_t cores = 0, present = 0, said = 0;
	double memory = 0;

	for (size_t i = 0; i < t->n; i++) {
		cores += t->vm[i].cores;
		memory += t->vm[i].memory;
		said += t->vm[i].cores > 0;
		present += t->vm[i].last - t->vm[i].first + 1;
	}
	printf("  samples  %" PRIu64 " read, %" PRIu64 " on the grid (%.4g %% of it)\n", t->rows,
	       present, 100.0 * (double)present / ((double)t->n * (double)t->steps));
	if (said > 0)
		printf("  sizes    %" PRIu64 " cores in %" PRIu64 " VMs, %.6g GiB of memory\n",
		       cores, said, memory / 1073741824);
}

static int print_info(const struct trace *t, struct err *err)
{
	char from[64], to[64], step[64];
	int64_t length = (int64_t)t->steps * t->step_ns;

	printf("%s: %s\n  VMs      %zu (%s ... %s)\n", t->path, t->format, t->n, t->vm[0].name,
	       t->vm[t->n - 1].name);
	printf("  time     %s to %s, %zu steps of %s\n", show_time(t->start_ns, from),
	       show_time(t->start_ns + length, to), t->steps,
	       units_print_time(t->step_ns, step, sizeof(step)));
	print_sizes(t);
	printf("  %-12s %10s %10s %8s %8s %8s %8s %8s %8s %12s %9s\n", "", "mean", "sd", "q1",
	       "median", "q3", "p95", "p99", "max", "total", "jain");
	int ret = t->unit == TRACE_MHZ ? print_column(t, "cpu", "MHz", t->cpu, 1, err)
				       : print_column(t, "cpu", "%", t->cpu, 1, err);
	if (ret == 0)
		ret = print_column(t, "memory", "MiB", t->mem, 1048576, err);
	if (ret == 0)
		ret = print_column(t, "disk", "kB/s", t->disk, 1e3, err);
	if (ret == 0)
		ret = print_column(t, "iops", "/s", t->iops, 1, err);
	printf("  hash     %016" PRIx64 "\n", t->hash);
	if (t->nnotes == 0)
		printf("  Nothing was assumed or repaired.\n");
	for (size_t i = 0; i < t->nnotes; i++)
		printf("  %10" PRIu64 "  %s\n", t->note[i].count, t->note[i].text);
	return ret;
}

/* ---- convert ---- */

enum { MAX_COLUMNS = 9 };

struct table {
	const struct trace *t;
	struct csv *csv;
	bool cores, speed, ram;
};

static size_t column_names(struct table *table, const char *name[MAX_COLUMNS])
{
	const struct trace *t = table->t;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		table->cores |= t->vm[i].cores > 0;
		table->speed |= t->vm[i].speed > 0;
		table->ram |= t->vm[i].memory > 0;
	}
	name[n++] = "time[s]";
	name[n++] = "vm";
	name[n++] = t->unit == TRACE_MHZ ? "cpu[MHz]" : "cpu[%]";
	if (t->mem)
		name[n++] = "memory[B]";
	if (t->disk)
		name[n++] = "disk[B/s]";
	if (t->iops)
		name[n++] = "iops[/s]";
	if (table->cores)
		name[n++] = "cores";
	if (table->speed)
		name[n++] = "speed[MHz]";
	if (table->ram)
		name[n++] = "ram[B]";
	return n;
}

static void write_row(const struct table *table, size_t step, size_t i)
{
	const struct trace *t = table->t;
	const struct trace_vm *vm = &t->vm[i];
	size_t at = trace_cell(t, step, i);
	bool first = step == vm->first;

	csv_time(table->csv, t->start_ns + (int64_t)step * t->step_ns);
	csv_text(table->csv, vm->name);
	csv_real(table->csv, (double)t->cpu[at]);
	if (t->mem)
		csv_real(table->csv, (double)t->mem[at]);
	if (t->disk)
		csv_real(table->csv, (double)t->disk[at]);
	if (t->iops)
		csv_real(table->csv, (double)t->iops[at]);
	/* Sizes are said once: the reader takes the largest. */
	if (table->cores)
		csv_real(table->csv, first && vm->cores > 0 ? (double)vm->cores : (double)NAN);
	if (table->speed)
		csv_real(table->csv, first && vm->speed > 0 ? vm->speed : (double)NAN);
	if (table->ram)
		csv_real(table->csv, first && vm->memory > 0 ? vm->memory : (double)NAN);
	csv_end_row(table->csv);
}

static int convert(const struct trace *t, const char *out, struct err *err)
{
	struct table table = {.t = t};
	const char *name[MAX_COLUMNS];
	uint64_t rows = 0;

	size_t n = column_names(&table, name);
	int ret = csv_open(&table.csv, out, "# cotenant trace", name, n, err);
	if (ret < 0)
		return ret;
	for (size_t k = 0; k < t->steps; k++) {
		for (size_t i = 0; i < t->n; i++) {
			if (k < t->vm[i].first || k > t->vm[i].last)
				continue;
			write_row(&table, k, i);
			rows++;
		}
	}
	ret = csv_close(table.csv, err);
	if (ret == 0)
		printf("%s: %" PRIu64 " rows of %zu VMs, %zu steps\n", out, rows, t->n, t->steps);
	return ret;
}

/* ---- command line ---- */

struct request {
	const char *format, *out;
	size_t npaths;
	char **path; /* the head of argv, reused */
};

static int parse(int argc, char **argv, struct request *r, struct err *err)
{
	r->path = argv;
	for (int i = 0; i < argc; i++) {
		const char **value = NULL;
		if (strcmp(argv[i], "--format") == 0)
			value = &r->format;
		else if (strcmp(argv[i], "-o") == 0)
			value = &r->out;
		else if (argv[i][0] == '-' && argv[i][1])
			return err_input(err, "trace: %s: no such option (would be --format or -o)",
					 argv[i]);
		if (!value) {
			r->path[r->npaths++] = argv[i];
			continue;
		}
		if (i + 1 == argc)
			return err_input(err, "trace: %s: needs a value", argv[i]);
		*value = argv[++i];
	}
	return r->npaths > 0 ? 0
			     : err_input(err, "trace: needs `info` or `convert`, and a path\n%s",
					 cmd_trace_usage);
}

static int info_all(const struct request *r, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < r->npaths; i++) {
		struct trace *t;
		int ret = trace_load(&t, r->path[i], r->format, err);
		if (ret == 0)
			ret = print_info(t, err);
		trace_free(t);
		if (result == 0)
			result = ret;
	}
	return result;
}

int cmd_trace(int argc, char **argv, struct err *err)
{
	struct request r = {0};
	struct trace *t;

	bool info = argc > 1 && strcmp(argv[1], "info") == 0;
	if (!info && (argc < 2 || strcmp(argv[1], "convert") != 0))
		return err_input(err, "trace: needs `info` or `convert`, and a path\n%s",
				 cmd_trace_usage);
	int ret = parse(argc - 2, argv + 2, &r, err);
	if (ret < 0)
		return ret;
	if (info)
		return r.out ? err_input(err, "trace info: -o belongs to convert")
			     : info_all(&r, err);
	if (r.npaths != 1 || !r.out)
		return err_input(err, "trace convert: needs one PATH and -o OUT.csv");
	ret = trace_load(&t, r.path[0], r.format, err);
	if (ret == 0)
		ret = convert(t, r.out, err);
	trace_free(t);
	return ret;
}
