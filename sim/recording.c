/* See recording.h. Intervals are on CLOCK_MONOTONIC; the wall clock only says when the first one began. */
#include "sim/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "plots/csv.h"
#include "sim/core/mem.h"
#include "sim/core/units.h"

#define SECOND_NS INT64_C(1000000000)

static volatile sig_atomic_t stopped;

/* What was written of a VM. */
struct written {
	int64_t next; /* the step after its last row; 0 = no row yet */
	uint32_t cores;
	double ram;
};

struct writer {
	const struct recording *recording;
	struct record *record;
	struct csv *trace, *details;
	int64_t wall_ns, base_ns; /* of the first interval */
	int64_t from, to;         /* steps that the sample under way stands for */
	struct written *vm;
	size_t vm_cap;
	uint64_t rows, samples, skipped;
	int64_t late_ns;
	bool nomem;
};

static const char *const trace_column[] = {"time[s]", "vm",        "cpu[cores]", "cores",
					   "ram[B]",  "memory[B]", "disk[B/s]",  "iops[/s]"};
static const char *const details_column[] = {
	"time[s]",       "vm",          "pid",           "kind",        "vcpus",
	"demand[cores]", "used[cores]", "waited[cores]", "rest[cores]", "memory[B]",
	"disk[B/s]",     "iops[/s]"};

#define FIXED_COLUMNS 5
#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

/* A signal ends the sleep. */
static void sleep_until(int64_t at_ns)
{
	struct timespec t = {.tv_sec = at_ns / SECOND_NS, .tv_nsec = at_ns % SECOND_NS};

	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		continue;
}

/* ---- rows ---- */

static bool has_memory(const struct writer *w)
{
	return w->recording->params.memory != RECORD_NO_MEMORY;
}

static void write_trace(struct writer *w, const struct record_row *row, int64_t step)
{
	struct written *vm = &w->vm[row->vm];
	const struct found_vm *found = row->found;
	bool size = found->vcpus != vm->cores || found->ram > vm->ram || found->ram < vm->ram;

	csv_time(w->trace, w->wall_ns + step * w->recording->interval_ns);
	csv_text(w->trace, found->name);
	csv_real(w->trace, row->demand);
	csv_real(w->trace, size ? (double)found->vcpus : (double)NAN);
	csv_real(w->trace, size && found->ram > 0 ? found->ram : (double)NAN);
	if (has_memory(w))
		csv_real(w->trace, row->memory);
	if (w->recording->params.disk) {
		csv_real(w->trace, row->disk);
		csv_real(w->trace, row->iops);
	}
	csv_end_row(w->trace);
	vm->cores = found->vcpus;
	vm->ram = found->ram;
	vm->next = step + 1;
	w->rows++;
}

static void write_details(struct writer *w, const struct record_row *row, int64_t step)
{
	csv_time(w->details, w->wall_ns + step * w->recording->interval_ns);
	csv_text(w->details, row->found->name);
	csv_int(w->details, row->found->pid);
	csv_text(w->details, find_kind_name(row->found->kind));
	csv_int(w->details, row->found->vcpus);
	csv_real(w->details, row->demand);
	csv_real(w->details, row->used);
	csv_real(w->details, row->waited);
	csv_real(w->details, row->rest);
	csv_real(w->details, row->memory);
	csv_real(w->details, row->disk);
	csv_real(w->details, row->iops);
	csv_end_row(w->details);
}

static void on_row(void *arg, const struct record_row *row)
{
	struct writer *w = arg;

	if (mem_grow(&w->vm, &w->vm_cap, row->vm + 1, sizeof(*w->vm)) < 0) {
		w->nomem = true;
		return;
	}
	const struct written *vm = &w->vm[row->vm];
	struct record_row off = {.vm = row->vm, .found = row->found};
	while (row->returned && vm->next > 0 && vm->next < w->from)
		write_trace(w, &off, vm->next);
	for (int64_t step = w->from; step < w->to; step++) {
		write_trace(w, row, step);
		if (w->details)
			write_details(w, row, step);
	}
}

static int flush(struct writer *w, struct err *err)
{
	if (w->nomem)
		return err_nomem(err);
	int rc = csv_flush(w->trace, err);
	return rc == 0 && w->details ? csv_flush(w->details, err) : rc;
}

/* ---- the loop ---- */

static void show_progress(const struct writer *w)
{
	const struct recording *rec = w->recording;
	char length[64] = "a signal comes";

	if (rec->quiet || !isatty(2))
		return;
	if (rec->duration_ns < INT64_MAX)
		units_print_time(rec->duration_ns, length, sizeof(length));
	fprintf(stderr, "\r%.4g s until %s: %" PRIu64 " rows of %u VMs ",
		(double)(w->to * rec->interval_ns) * 1e-9, length, w->rows,
		record_stats(w->record)->vms);
}

/* The sample at the end of a step; which one that is, the clock decides. */
static int sample(struct writer *w, struct err *err)
{
	int64_t interval = w->recording->interval_ns;
	int64_t due = w->base_ns + (w->from + 1) * interval;

	sleep_until(due);
	if (stopped)
		return 0;
	int64_t late = now_ns(CLOCK_MONOTONIC) - due;
	w->late_ns = late > w->late_ns ? late : w->late_ns;
	w->to = w->from + 1 + late / interval;
	w->skipped += (uint64_t)(w->to - w->from - 1);
	int rc = record_sample(w->record, on_row, w, err);
	if (rc == 0)
		rc = flush(w, err);
	w->from = w->to;
	w->samples++;
	show_progress(w);
	return rc;
}

/* From a whole second, or interval if that is shorter, of the wall clock on: recordings of several
 * machines fit together. */
static int record_all(struct writer *w, struct err *err)
{
	int64_t interval = w->recording->interval_ns;
	int64_t grid = interval < SECOND_NS ? interval : SECOND_NS;
	int64_t wall = now_ns(CLOCK_REALTIME), mono = now_ns(CLOCK_MONOTONIC);
	int64_t duration = w->recording->duration_ns;

	w->wall_ns = (wall / grid + 1) * grid;
	w->base_ns = mono + w->wall_ns - wall;
	sleep_until(w->base_ns);
	int rc = record_sample(w->record, on_row, w, err);
	if (rc == 0 && record_stats(w->record)->vms == 0 && !w->recording->quiet)
		fprintf(stderr, "record: no VM is there yet (cotenant record --list); waiting\n");
	while (rc == 0 && !stopped && w->from * interval < duration)
		rc = sample(w, err);
	if (!w->recording->quiet && isatty(2))
		fputc('\n', stderr);
	return rc;
}

/* ---- files and summary ---- */

static int open_files(struct writer *w, struct err *err)
{
	const struct recording *rec = w->recording;
	const char *name[COUNT(trace_column)];
	char comment[512], interval[64];
	struct utsname host;
	size_t n = 0;

	for (size_t i = 0; i < COUNT(trace_column); i++)
		if (i < FIXED_COLUMNS || (i == FIXED_COLUMNS ? has_memory(w) : rec->params.disk))
			name[n++] = trace_column[i];
	if (uname(&host) < 0)
		host.nodename[0] = '\0';
	snprintf(comment, sizeof(comment),
		 "# cotenant " COTENANT_VERSION ", recorded on %s every %s, demand %s",
		 host.nodename, units_print_time(rec->interval_ns, interval, sizeof(interval)),
		 (const char *const[]){"wanted", "used", "closed", "most"}[rec->params.demand]);
	int rc = csv_open(&w->trace, rec->path, comment, name, n, err);
	if (rc == 0 && rec->details)
		rc = csv_open(&w->details, rec->details, comment, details_column,
			      COUNT(details_column), err);
	return rc;
}

static void note(uint64_t count, const char *text)
{
	if (count > 0)
		fprintf(stderr, "  %10" PRIu64 "  %s\n", count, text);
}

static void print_summary(const struct writer *w)
{
	const struct record_stats *s = record_stats(w->record);
	char interval[64];

	printf("%s: %" PRIu64 " rows of %u VMs, %" PRIu64 " samples, one every %s\n",
	       w->recording->path, w->rows, s->vms, w->samples,
	       units_print_time(w->recording->interval_ns, interval, sizeof(interval)));
	fprintf(stderr, "samples at most %.1f ms late; one takes %.2f ms, at most %.2f ms\n",
		(double)w->late_ns * 1e-6, (double)s->cost_ns * 1e-6 / (double)(w->samples + 1),
		(double)s->cost_max_ns * 1e-6);
	note(s->came, "VMs that came during the recording");
	note(s->went, "VMs that ended during the recording");
	note(s->returned, "VMs that came back under the same name: zeros for the time between");
	note(w->skipped, "intervals passed over, since sampling was late: each has the mean");
	note(s->unread, "intervals of VMs that could not be read: no row");
	if (w->recording->params.demand != RECORD_USED)
		note(s->saturated,
		     "intervals of vCPUs that waited and never slept: each counts as a"
		     " whole core, and may have wanted less");
	note(s->clipped, "times of threads above the interval, told late by the kernel: cut");
	note(s->backwards, "counters that went back: counted from 0");
	note(s->reused, "process numbers used again by another process");
	note(s->malformed, "files with contents that make no sense: passed over");
	note(s->renamed, "VMs with the name of another one: called NAME.PID");
	note(s->no_disk, "VMs whose disk traffic may not be read (be root, or their user): empty");
	note(s->no_memory, "VMs whose memory may not be read (be root, or their user): empty");
	note(s->hidden, "processes that may not be looked into (be root): VMs among them are seen"
			" only if their threads are called CPU n/KVM");
}

static int close_files(struct writer *w, int rc, struct err *err)
{
	if (rc == 0 && w->rows == 0)
		rc = err_run(err, -ENODATA,
			     "record: %s: not written: no VM was there for a whole interval%s"
			     " (cotenant record --list says what is)",
			     w->recording->path, stopped ? " until a signal came" : "");
	if (rc < 0) {
		csv_abandon(w->details);
		csv_abandon(w->trace);
		return rc;
	}
	rc = csv_close(w->trace, err);
	if (w->details && rc < 0)
		csv_abandon(w->details);
	else if (w->details)
		rc = csv_close(w->details, err);
	return rc;
}

int recording_make(const struct recording *recording, struct err *err)
{
	struct writer w = {.recording = recording};
	struct sigaction action = {.sa_handler = on_signal}, was[2];

	stopped = 0;
	sigaction(SIGINT, &action, &was[0]);
	sigaction(SIGTERM, &action, &was[1]);
	int rc = record_open(&w.record, &recording->params, err);
	if (rc == 0)
		rc = open_files(&w, err);
	if (rc == 0)
		rc = record_all(&w, err);
	rc = close_files(&w, rc, err);
	if (rc == 0 && !recording->quiet)
		print_summary(&w);
	record_close(w.record);
	mem_free(w.vm);
	sigaction(SIGINT, &was[0], NULL);
	sigaction(SIGTERM, &was[1], NULL);
	return rc;
}
