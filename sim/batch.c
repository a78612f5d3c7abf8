/* See batch.h. The parent only starts, watches and joins; it holds no state that a crash could
 * lose. */
#include "sim/batch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/manifest.h"
#include "sim/output.h"
#include "sim/run.h"

#define PATH_SIZE  4096
#define MAX_JOBS   256u
#define LOCK_TRIES 100 /* 2 s */

/* The one flag that a signal sets. */
static volatile sig_atomic_t stopped_by;

struct job {
	pid_t pid; /* 0 = free */
	int pipe;  /* where its error message comes from */
	size_t run;
	size_t len;
	char text[ERR_TEXT_SIZE];
};

struct state {
	const struct batch *batch;
	struct job *job;
	size_t nruns, next, finished;
	double *progress; /* shared: simulated share of each run */
	double started_s;
	char fingerprint[64];
};

static void on_signal(int sig)
{
	stopped_by = sig;
}

static double clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int path_of(char path[PATH_SIZE], const struct state *s, const char *fmt, size_t run,
		   const char *file, struct err *err)
{
	int n = snprintf(path, PATH_SIZE, "%s/.parts/", s->batch->dir);

	if (n > 0 && n < PATH_SIZE - 64)
		n += snprintf(path + n, (size_t)(PATH_SIZE - n), "%05zu%s", run, fmt);
	if (n > 0 && n < PATH_SIZE - 64 && file)
		n += snprintf(path + n, (size_t)(PATH_SIZE - n), "/%s", file);
	return n > 0 && n < PATH_SIZE ? 0
				      : err_input(err, "%s: the path is too long", s->batch->dir);
}

static int make_dirs(const char *dir, struct err *err)
{
	char path[PATH_SIZE];

	if (strlen(dir) >= sizeof(path) - 64)
		return err_input(err, "%s: the path is too long", dir);
	strcpy(path, dir);
	for (char *p = path + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char was = *p;
		*p = '\0';
		if (mkdir(path, 0777) < 0 && errno != EEXIST)
			return err_run(err, -errno, "%s: cannot make the directory: %s", path,
				       strerror(errno));
		*p = was;
		if (was == '\0')
			return 0;
	}
}

/* Removes a folder of plain files and of such folders. */
static void remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char child[PATH_SIZE];

	while (dir && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    snprintf(child, sizeof(child), "%s/%s", path, e->d_name) >= (int)sizeof(child))
			continue;
		if (unlink(child) < 0)
			remove_tree(child);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static void fingerprint(struct state *s)
{
	uint64_t h = s->batch->scenario->hash;

	for (size_t i = 0; i < s->batch->nplugins; i++)
		h = (h ^ s->batch->plugin[i].hash) * UINT64_C(1099511628211);
	for (size_t i = 0; i < s->batch->traces->n; i++)
		h = (h ^ s->batch->traces->use[i].trace->hash) * UINT64_C(1099511628211);
	if (s->batch->traces->outages.n > 0)
		h = (h ^ s->batch->traces->outages.hash) * UINT64_C(1099511628211);
	if (s->batch->traces->carbon.hash > 0)
		h = (h ^ s->batch->traces->carbon.hash) * UINT64_C(1099511628211);
	snprintf(s->fingerprint, sizeof(s->fingerprint), "%s %016" PRIx64 "\n", COTENANT_VERSION,
		 h);
}

static int write_text(const char *path, const char *text, struct err *err)
{
	FILE *f = fopen(path, "w");
	bool bad = !f || fputs(text, f) == EOF;

	if (f && fclose(f) != 0)
		bad = true;
	return bad ? err_run(err, -EIO, "%s: cannot write: %s", path, strerror(errno)) : 0;
}

/* .parts of an earlier batch: kept to resume it if it was the same, else removed. */
static int parts_open(struct state *s, struct err *err)
{
	char parts[PATH_SIZE], mark[PATH_SIZE + 16], was[64] = "";

	snprintf(parts, sizeof(parts), "%s/.parts", s->batch->dir);
	snprintf(mark, sizeof(mark), "%s/of", parts);
	FILE *f = fopen(mark, "r");
	if (f && !fgets(was, sizeof(was), f))
		was[0] = '\0';
	if (f)
		fclose(f);
	bool same = strcmp(was, s->fingerprint) == 0;
	if (s->batch->resume && was[0] != '\0' && !same)
		return err_input(err,
				 "%s: --resume: its unfinished runs are of another scenario, trace,"
				 " plug-in or version (run without --resume to start anew)",
				 s->batch->dir);
	if (!s->batch->resume || !same)
		remove_tree(parts);
	if (mkdir(parts, 0777) < 0 && errno != EEXIST)
		return err_run(err, -errno, "%s: cannot make the directory: %s", parts,
			       strerror(errno));
	return write_text(mark, s->fingerprint, err);
}

/* Keeps others out of the folder, children of a batch that was killed too, until all who inherit the
 * descriptor are gone: a moment is waited for these. -1 where the file system has no locks. */
static int lock_open(const char *dir, int *lock, struct err *err)
{
	int rc = make_dirs(dir, err);

	*lock = rc < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY);
	if (rc < 0)
		return rc;
	if (*lock < 0)
		return err_run(err, -errno, "%s: cannot be opened: %s", dir, strerror(errno));
	for (int tries = 0; flock(*lock, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK)
			break;
		if (tries == LOCK_TRIES || stopped_by)
			return err_run(err, -EBUSY, "%s: another cotenant writes its results there",
				       dir);
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	return 0;
}

static void comment_line(const struct state *s, char *buf, size_t n)
{
	snprintf(buf, n, "# cotenant %s, scenario %s, input %.16s", COTENANT_VERSION,
		 s->batch->scenario->name, strchr(s->fingerprint, ' ') + 1);
}

static int compat(const struct state *s, const struct output_label *label, struct run *run,
		  struct output *output, struct err *err)
{
	struct compat_result result = {0};
	int rc = compat_run(s->batch->scenario, s->batch->traces, label->policies, label->seed,
			    &run->arena, &result, err);

	run->count.vm_steps = result.cloudsim.vm_steps;
	if (rc == 0)
		output_compat(output, &result);
	s->progress[label->run - 1] = 1;
	return rc;
}

static int one_run(const struct state *s, size_t i, const char *dir, struct run *run,
		   struct err *err)
{
	struct policy_set policies;
	const struct run_room *room = s->batch->room;
	struct output_label label = {
		.run = i + 1, .policies = &policies, .source = room ? room->source : NULL};
	struct output *output = NULL;
	char comment[512];

	scenario_run(s->batch->scenario, i, &policies, &label.seed);
	comment_line(s, comment, sizeof(comment));
	memset(run, 0, sizeof(*run));
	int rc = output_open(&output, dir, comment, s->batch->scenario, &label, err);
	if (rc == 0 && s->batch->scenario->semantics == SEMANTICS_CLOUDSIM)
		rc = compat(s, &label, run, output, err);
	else if (rc == 0)
		rc = run_init(run, s->batch->scenario, s->batch->traces, &policies, label.seed,
			      output, err);
	run->progress = &s->progress[i];
	run->threads = (unsigned)(s->batch->jobs / s->nruns);
	if (rc == 0 && room) {
		run->room = room;
		rc = room->open(run, room->options, err);
	}
	if (rc == 0 && s->batch->scenario->semantics == SEMANTICS_COTENANT)
		rc = run_go(run);
	int closed = output_close(output, rc == 0, err);
	return rc < 0 ? rc : closed;
}

static int write_stats(const struct state *s, const char *dir, const struct run *run,
		       double seconds, struct err *err)
{
	char path[PATH_SIZE + 8], text[256];
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	snprintf(path, sizeof(path), "%s/stats", dir);
	snprintf(text, sizeof(text),
		 "{run: %zu, events: %" PRIu64 ", vm_steps: %" PRIu64
		 ", wall_s: %.3f, peak_rss_kib: %ld, requests_lost: %" PRIu64 "}\n",
		 (size_t)(run->progress - s->progress) + 1, run->count.events, run->count.vm_steps,
		 seconds, use.ru_maxrss, run->sim.forwards_lost);
	return write_text(path, text, err);
}

/* In the child: runs, and tells the parent in words what went wrong. */
static void child_main(const struct state *s, size_t i, int to_parent)
{
	struct err err = {0};
	char tmp[PATH_SIZE], done[PATH_SIZE];
	double started = clock_s();
	static struct run run;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	int rc = path_of(tmp, s, ".tmp", i, NULL, &err);
	if (rc == 0)
		rc = path_of(done, s, "", i, NULL, &err);
	if (rc == 0) {
		remove_tree(tmp);
		rc = make_dirs(tmp, &err);
	}
	if (rc == 0)
		rc = one_run(s, i, tmp, &run, &err);
	if (rc == 0)
		rc = write_stats(s, tmp, &run, clock_s() - started, &err);
	run_free(&run);
	if (rc == 0 && rename(tmp, done) < 0)
		rc = err_run(&err, -errno, "%s: cannot rename: %s", tmp, strerror(errno));
	if (rc < 0) {
		remove_tree(tmp);
		ssize_t n = write(to_parent, err.text, err.len);
		(void)n;
	}
	_exit(err_exit_status(&err));
}

static int start_job(struct state *s, struct job *job, size_t run, struct err *err)
{
	int ends[2];

	if (pipe(ends) < 0)
		return err_run(err, -errno, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child_main(s, run, ends[1]);
	}
	int e = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_run(err, -e, "cannot start a process: %s", strerror(e));
	}
	*job = (struct job){.pid = pid, .pipe = ends[0], .run = run};
	return 0;
}

/* The child closed its end: it is over. */
static int end_job(struct state *s, struct job *job, struct err *err)
{
	int status = 0;

	close(job->pipe);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	job->pid = 0;
	job->text[job->len] = '\0';
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		s->finished++;
		return 0;
	}
	if (job->len > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return err_input(err, "%s", job->text);
	if (job->len > 0)
		return err_run(err, -EIO, "%s", job->text);
	return err_run(err, -ECHILD, "run %zu ended by signal %d (%s)", job->run + 1,
		       WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		       WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "no message");
}

static int read_job(struct state *s, struct job *job, struct err *err)
{
	size_t room = sizeof(job->text) - 1 - job->len;
	ssize_t n = read(job->pipe, job->text + job->len, room);

	if (n > 0)
		job->len += (size_t)n;
	if (n > 0 || (n < 0 && errno == EINTR))
		return 0;
	return end_job(s, job, err);
}

static void show_progress(const struct state *s, bool last)
{
	double done = 0, elapsed = clock_s() - s->started_s;
	char bar[31];

	if (!s->batch->show_progress)
		return;
	for (size_t i = 0; i < s->nruns; i++)
		done += s->progress[i];
	double share = done / (double)s->nruns;
	int filled = (int)(share * 30);
	for (int i = 0; i < 30; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[30] = '\0';
	fprintf(stderr, "\r[%s] %3.0f%%  %zu of %zu runs", bar, share * 100, s->finished, s->nruns);
	if (share > 0.01 && !last)
		fprintf(stderr, "  ETA %.0f s ", elapsed / share - elapsed);
	fputs(last ? "            \n" : "  ", stderr);
	fflush(stderr);
}

static void stop_jobs(struct state *s)
{
	for (unsigned j = 0; j < s->batch->jobs; j++) {
		struct job *job = &s->job[j];
		char tmp[PATH_SIZE];
		struct err ignored = {0};
		if (job->pid == 0)
			continue;
		kill(job->pid, SIGKILL);
		while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
			;
		close(job->pipe);
		if (path_of(tmp, s, ".tmp", job->run, NULL, &ignored) == 0)
			remove_tree(tmp);
		job->pid = 0;
	}
}

static bool is_done(const struct state *s, size_t run)
{
	char path[PATH_SIZE];
	struct err ignored = {0};

	return path_of(path, s, "", run, "stats", &ignored) == 0 && access(path, F_OK) == 0;
}

/* Fills free places with the next runs. */
static int start_jobs(struct state *s, struct err *err)
{
	for (unsigned j = 0; j < s->batch->jobs && s->next < s->nruns; j++) {
		if (s->job[j].pid != 0)
			continue;
		while (s->next < s->nruns && is_done(s, s->next)) {
			s->progress[s->next++] = 1;
			s->finished++;
		}
		if (s->next == s->nruns)
			break;
		int rc = start_job(s, &s->job[j], s->next, err);
		if (rc < 0)
			return rc;
		s->next++;
	}
	return 0;
}

static int watch_jobs(struct state *s, struct err *err)
{
	struct pollfd fd[MAX_JOBS];
	unsigned n = 0, of[MAX_JOBS];
	int rc = 0;

	for (unsigned j = 0; j < s->batch->jobs; j++)
		if (s->job[j].pid != 0) {
			of[n] = j;
			fd[n++] = (struct pollfd){.fd = s->job[j].pipe, .events = POLLIN};
		}
	if (n == 0)
		return 0;
	if (poll(fd, n, 200) < 0)
		return 0; /* a signal: the loop sees it */
	for (unsigned k = 0; k < n; k++) {
		int one = fd[k].revents ? read_job(s, &s->job[of[k]], err) : 0;
		rc = rc < 0 ? rc : one;
	}
	return rc;
}

static bool any_job(const struct state *s)
{
	for (unsigned j = 0; j < s->batch->jobs; j++)
		if (s->job[j].pid != 0)
			return true;
	return false;
}

/* Starts no more runs after one has failed; those under way finish and stay for a resume. */
static int run_all(struct state *s, struct err *err)
{
	int rc = 0;

	do {
		if (rc == 0)
			rc = start_jobs(s, err);
		int one = watch_jobs(s, err);
		rc = rc < 0 ? rc : one;
		show_progress(s, false);
	} while (!stopped_by && (any_job(s) || (rc == 0 && s->next < s->nruns)));
	show_progress(s, true);
	stop_jobs(s);
	if (stopped_by)
		return err_run(err, -EINTR,
			       "stopped by a signal: %zu of %zu runs are finished and kept in %s;"
			       " the same command with --resume does the rest",
			       s->finished, s->nruns, s->batch->dir);
	return rc;
}

static int join_file(const struct state *s, enum output_file file, struct err *err)
{
	char path[PATH_SIZE], comment[512];
	struct csv *csv = NULL;

	if (strlen(s->batch->dir) > PATH_SIZE - 128)
		return err_input(err, "%s: the path is too long", s->batch->dir);
	snprintf(path, sizeof(path), "%s/%s", s->batch->dir, output_file_name[file]);
	if (!output_wants(s->batch->scenario, file)) {
		unlink(path); /* of an earlier batch: it would not belong to this one */
		return 0;
	}
	comment_line(s, comment, sizeof(comment));
	int rc = csv_open(&csv, path, comment, output_columns[file], output_ncolumns(file), err);
	for (size_t i = 0; i < s->nruns && rc == 0; i++) {
		rc = path_of(path, s, "", i, output_file_name[file], err);
		if (rc == 0)
			rc = csv_append_file(csv, path, err);
	}
	if (rc == 0)
		return csv_close(csv, err);
	csv_abandon(csv);
	return rc;
}

static int join_all(const struct state *s, struct err *err)
{
	char parts[PATH_SIZE];
	int rc = 0;

	for (enum output_file f = 0; f < OUTPUT_FILES && rc == 0; f++)
		rc = join_file(s, f, err);
	if (rc == 0)
		rc = manifest_write(s->batch, s->nruns, clock_s() - s->started_s, err);
	if (rc < 0)
		return rc;
	snprintf(parts, sizeof(parts), "%.4000s/.parts", s->batch->dir);
	remove_tree(parts);
	return 0;
}

int batch_run(const struct batch *batch, struct err *err)
{
	struct batch used = *batch;
	struct state s = {
		.batch = &used, .nruns = scenario_runs(batch->scenario), .started_s = clock_s()};
	struct sigaction on = {.sa_handler = on_signal}, was_int, was_term;

	used.jobs = used.jobs > MAX_JOBS ? MAX_JOBS : used.jobs;
	fingerprint(&s);
	int lock, rc = lock_open(batch->dir, &lock, err);
	if (rc == 0)
		rc = parts_open(&s, err);
	if (rc < 0) {
		if (lock >= 0)
			close(lock);
		return rc;
	}
	size_t bytes = s.nruns * sizeof(double);
	s.progress = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s.job = mem_alloc(used.jobs, sizeof(*s.job));
	if (s.progress == MAP_FAILED || !s.job) {
		mem_free(s.job);
		close(lock);
		return err_nomem(err);
	}
	sigaction(SIGINT, &on, &was_int);
	sigaction(SIGTERM, &on, &was_term);
	rc = run_all(&s, err);
	sigaction(SIGINT, &was_int, NULL);
	sigaction(SIGTERM, &was_term, NULL);
	if (rc == 0)
		rc = join_all(&s, err);
	munmap(s.progress, bytes);
	mem_free(s.job);
	close(lock);
	return rc;
}
