/* See recording.h. Intervals are on CLOCK_MONOTONIC; the wall clock only says when the first one began. */
#include "sim/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "sim/core/units.h"
#include "sim/record_file.h"

#define SECOND_NS INT64_C(1000000000)

static volatile sig_atomic_t stopped;

struct recorder {
	const struct recording *recording;
	struct record *record;
	struct record_file *file;
	int64_t base_ns;  /* of the first interval, on the monotonic clock */
	int64_t from, to; /* intervals that the sample under way stands for */
	uint64_t samples, skipped;
	int64_t late_ns;
	bool nomem;
};

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

static void show_progress(const struct recorder *w)
{
	const struct recording *rec = w->recording;
	char length[64] = "a signal comes";

	if (rec->quiet || !isatty(2))
		return;
	if (rec->duration_ns < INT64_MAX)
		units_print_time(rec->duration_ns, length, sizeof(length));
	fprintf(stderr, "\r%.4g s until %s: %" PRIu64 " rows of %u VMs ",
		(double)(w->to * rec->interval_ns) * 1e-9, length, record_file_rows(w->file),
		record_stats(w->record)->vms);
}

static void on_row(void *arg, const struct record_row *row)
{
	struct recorder *w = arg;

	w->nomem |= record_file_row(w->file, row, w->from, w->to) < 0;
}

/* The sample at the end of an interval; which one that is, the clock decides. */
static int sample(struct recorder *w, struct err *err)
{
	int64_t interval = w->recording->interval_ns;
	int64_t due = w->base_ns + (w->from + 1) * interval;
	int rc = 0;

	for (int64_t at = due - interval + SECOND_NS; at < due && rc == 0; at += SECOND_NS) {
		sleep_until(at);
		if (!stopped && now_ns(CLOCK_MONOTONIC) < due)
			rc = record_look(w->record, err);
	}
	sleep_until(due);
	if (stopped || rc < 0)
		return rc;
	int64_t late = now_ns(CLOCK_MONOTONIC) - due;
	w->late_ns = late > w->late_ns ? late : w->late_ns;
	w->to = w->from + 1 + late / interval;
	w->skipped += (uint64_t)(w->to - w->from - 1);
	rc = record_sample(w->record, on_row, w, err);
	if (rc == 0)
		rc = w->nomem ? err_nomem(err) : record_file_flush(w->file, err);
	w->from = w->to;
	w->samples++;
	show_progress(w);
	return rc;
}

static int record_all(struct recorder *w, struct err *err)
{
	int64_t interval = w->recording->interval_ns;
	int64_t grid = interval < SECOND_NS ? interval : SECOND_NS;
	int64_t wall = now_ns(CLOCK_REALTIME), mono = now_ns(CLOCK_MONOTONIC);
	int64_t duration = w->recording->duration_ns;

	int64_t start = (wall / grid + 1) * grid;
	w->base_ns = mono + start - wall;
	record_file_start(w->file, start);
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

static int open_file(struct recorder *w, struct err *err)
{
	const struct recording *rec = w->recording;
	char comment[512], interval[64];
	struct utsname host;

	if (uname(&host) < 0)
		host.nodename[0] = '\0';
	snprintf(comment, sizeof(comment),
		 "# cotenant " COTENANT_VERSION ", recorded on %s every %s, demand %s%s",
		 host.nodename, units_print_time(rec->interval_ns, interval, sizeof(interval)),
		 record_demand_name[rec->params.demand],
		 rec->params.demand == RECORD_USED
			 ? ""
			 : " (the most that it can have been where a vCPU never slept)");
	struct record_file_params params = {.path = rec->path,
					    .details = rec->details,
					    .comment = comment,
					    .memory = rec->params.memory != RECORD_NO_MEMORY,
					    .disk = rec->params.disk,
					    .interval_ns = rec->interval_ns};
	return record_file_open(&w->file, &params, err);
}

static void note(uint64_t count, const char *text)
{
	if (count > 0)
		fprintf(stderr, "  %10" PRIu64 "  %s\n", count, text);
}

static void print_summary(const struct recorder *w, uint64_t rows)
{
	const struct record_stats *s = record_stats(w->record);
	char interval[64];

	printf("%s: %" PRIu64 " rows of %u VMs, %" PRIu64 " samples, one every %s\n",
	       w->recording->path, rows, s->vms, w->samples,
	       units_print_time(w->recording->interval_ns, interval, sizeof(interval)));
	fprintf(stderr, "samples at most %.1f ms late; one takes %.2f ms, at most %.2f ms\n",
		(double)w->late_ns * 1e-6, (double)s->cost_ns * 1e-6 / (double)(w->samples + 1),
		(double)s->cost_max_ns * 1e-6);
	note(s->came, "VMs that came during the recording");
	note(s->went, "VMs that ended during the recording");
	note(s->returned, "VMs that came back under the same name: zeros for the time between");
	note(s->moved, "guests that moved to another process of this machine");
	note(w->skipped, "intervals passed over, since sampling was late: each has the mean");
	note(s->unread, "intervals of VMs that could not be read: no row");
	if (w->recording->params.demand != RECORD_USED)
		note(s->saturated,
		     "seconds or intervals of vCPUs that waited and never slept: each counts"
		     " as a whole core, the most that it can have wanted");
	if (s->saturated > 0 && s->censored_s > 0)
		fprintf(stderr,
			"  %10s  demand is %.4g core-seconds with that; what they had, the least "
			"that it"
			" can have been, makes %.4g (--demand used)\n",
			"", s->demand_s, s->demand_s - s->censored_s);
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

static int close_file(struct recorder *w, int rc, struct err *err)
{
	if (rc == 0 && record_file_rows(w->file) == 0)
		rc = err_run(err, -ENODATA,
			     "record: %s: not written: no VM was there for a whole interval%s"
			     " (cotenant record --list says what is)",
			     w->recording->path, stopped ? " until a signal came" : "");
	if (rc == 0)
		return record_file_close(w->file, err);
	record_file_abandon(w->file);
	return rc;
}

int recording_make(const struct recording *recording, struct err *err)
{
	struct recorder w = {.recording = recording};
	struct sigaction action = {.sa_handler = on_signal}, was[2];

	stopped = 0;
	sigaction(SIGINT, &action, &was[0]);
	sigaction(SIGTERM, &action, &was[1]);
	int rc = record_open(&w.record, &recording->params, err);
	if (rc == 0)
		rc = open_file(&w, err);
	if (rc == 0)
		rc = record_all(&w, err);
	uint64_t rows = rc == 0 ? record_file_rows(w.file) : 0;
	rc = close_file(&w, rc, err);
	if (rc == 0 && !recording->quiet)
		print_summary(&w, rows);
	record_close(w.record);
	sigaction(SIGINT, &was[0], NULL);
	sigaction(SIGTERM, &was[1], NULL);
	return rc;
}
