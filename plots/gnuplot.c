/* Runs gnuplot (plot_parts.h), with an environment that is the same everywhere, and tells what it said. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plots/plot_parts.h"

#define GNUPLOT_WORDS 2000

/* Reads what gnuplot says until it ends; returns its wait status, or a negative errno. */
static int gnuplot_finish(pid_t pid, int fd, char *words, size_t size)
{
	size_t n = 0;
	int status;
	char rest[256];

	for (;;) {
		bool full = n + 1 >= size;
		ssize_t got = read(fd, full ? rest : words + n, full ? sizeof(rest) : size - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += full ? 0 : (size_t)got;
	}
	while (n > 0 && (words[n - 1] == '\n' || words[n - 1] == ' '))
		n--;
	words[n] = '\0';
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return status;
}

static int gnuplot_spawn(const char *dir, char *const *argv, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	const char *path = getenv("PATH"), *home = getenv("HOME");
	char path_var[PATH_LENGTH], home_var[PATH_LENGTH], locale[] = "LC_ALL=C.UTF-8";
	char *env[] = {path_var, locale, home_var, NULL};

	snprintf(path_var, sizeof(path_var), "PATH=%s", path ? path : "/usr/bin:/bin");
	snprintf(home_var, sizeof(home_var), "HOME=%s", home ? home : "/");
	int code = posix_spawn_file_actions_init(&actions);
	if (code != 0)
		return -code;
	code = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(&actions, out, 2);
	if (code == 0)
		code = posix_spawn_file_actions_addchdir_np(&actions, dir);
	if (code == 0)
		code = posix_spawnp(pid, argv[0], &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	return -code;
}

static int gnuplot_run(const char *dir, const char *name, const char *fmt, struct err *err)
{
	char set[256], script[128], words[GNUPLOT_WORDS];
	char command[] = "gnuplot", no_defaults[] = "-d", execute[] = "-e";
	char *argv[] = {command, no_defaults, execute, set, script, NULL};
	int ends[2];
	pid_t pid = 0;

	snprintf(set, sizeof(set), "fmt='%s'; out='%s.%s.tmp'", fmt, name, fmt);
	snprintf(script, sizeof(script), "%s.gp", name);
	if (pipe2(ends, O_CLOEXEC) < 0) {
		int e = errno;
		return err_run(err, -e, "gnuplot: cannot make a pipe: %s", strerror(e));
	}
	int code = gnuplot_spawn(dir, argv, ends[1], &pid);
	close(ends[1]);
	if (code == 0)
		code = gnuplot_finish(pid, ends[0], words, sizeof(words));
	close(ends[0]);
	if (code == -ENOENT)
		return err_run(
			err, code,
			"gnuplot was not found; install it (Debian: apt install gnuplot-nox)");
	if (code < 0)
		return err_run(err, code, "gnuplot: cannot run it: %s", strerror(-code));
	/* gnuplot complains on its output and may still exit with 0. */
	if (code != 0)
		return err_run(err, -EIO, "gnuplot failed on %s/%s: %s", dir, script, words);
	return 0;
}

int gnuplot_draw(const char *dir, const char *name, const char *fmt, struct err *err)
{
	char tmp[PATH_LENGTH], path[PATH_LENGTH];
	struct stat st;

	if (snprintf(tmp, sizeof(tmp), "%s/%s.%s.tmp", dir, name, fmt) >= (int)sizeof(tmp))
		return err_input(err, "%s: the path is too long", dir);
	memcpy(path, tmp, sizeof(path));
	path[strlen(path) - strlen(".tmp")] = '\0';
	int code = gnuplot_run(dir, name, fmt, err);
	if (code == 0 && (stat(tmp, &st) < 0 || st.st_size == 0))
		code = err_run(err, -EIO, "%s: gnuplot wrote nothing", path);
	if (code == 0 && rename(tmp, path) < 0) {
		int e = errno;
		code = err_run(err, -e, "%s: cannot write: %s", path, strerror(e));
	}
	if (code < 0)
		unlink(tmp);
	return code;
}
