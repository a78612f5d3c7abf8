/*
 * `cotenant trace`: what convert writes reads back as the same trace, info says what matters, wrong
 * usage is told; and the demo trace is what its generator makes.
 */
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/trace.h"
#include "sim/cmd_trace.h"

#define DATA "tests/data/traces/"

static struct err err;
static char tmp[64], out_path[128], csv_path[128];

static int setup(void **state)
{
	(void)state;
	err_clear(&err);
	strcpy(tmp, "/tmp/cotenant-trace-XXXXXX");
	if (!mkdtemp(tmp))
		return -1;
	snprintf(out_path, sizeof(out_path), "%s/stdout", tmp);
	snprintf(csv_path, sizeof(csv_path), "%s/out.csv", tmp);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(out_path);
	unlink(csv_path);
	return rmdir(tmp);
}

static size_t slurp(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	size_t n = fread(text, 1, size - 1, f);
	fclose(f);
	text[n] = '\0';
	return n;
}

/* Runs the command with stdout going to a file; returns what it wrote. */
static const char *run(int want, const char **argv)
{
	static char text[8192];
	int argc = 0;

	while (argv[argc])
		argc++;
	fflush(stdout);
	int saved = dup(1), fd = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(saved >= 0 && fd >= 0 && dup2(fd, 1) == 1);
	err_clear(&err);
	int ret = cmd_trace(argc, (char **)argv, &err);
	fflush(stdout);
	assert_int_equal(dup2(saved, 1), 1);
	close(saved);
	close(fd);
	if (ret != want)
		fail_msg("%d: %s", ret, err.text);
	assert_int_equal(err.count > 0, want < 0);
	slurp(out_path, text, sizeof(text));
	return text;
}

#define RUN(want, ...) run(want, (const char *[]){"trace", __VA_ARGS__, NULL})

static struct trace *load(const char *path)
{
	struct trace *t;

	if (trace_load(&t, path, NULL, &err) < 0)
		fail_msg("%s", err.text);
	return t;
}

static size_t vm_by_name(const struct trace *t, const char *name)
{
	size_t i = 0;

	while (i < t->n && strcmp(t->vm[i].name, name) != 0)
		i++;
	assert_true(i < t->n);
	return i;
}

static void same_column(const struct trace *a, const float *x, const struct trace *b,
			const float *y)
{
	assert_int_equal(x != NULL, y != NULL);
	for (size_t i = 0; x && i < a->n; i++) {
		size_t j = vm_by_name(b, a->vm[i].name);
		for (size_t k = 0; k < a->steps; k++)
			assert_memory_equal(&x[k * a->n + i], &y[k * b->n + j], sizeof(float));
	}
}

static void convert_and_back(void **state)
{
	static const char *const path[] = {DATA "planetlab", DATA "bitbrains", DATA "quirks.csv",
					   DATA "cores.csv", DATA "months"};

	(void)state;
	for (size_t p = 0; p < sizeof(path) / sizeof(path[0]); p++) {
		RUN(0, "convert", path[p], "-o", csv_path);
		struct trace *a = load(path[p]), *b = load(csv_path);
		assert_true(a->n == b->n && a->steps == b->steps && a->unit == b->unit);
		assert_true(a->start_ns == b->start_ns && a->step_ns == b->step_ns);
		same_column(a, a->cpu, b, b->cpu);
		same_column(a, a->mem, b, b->mem);
		same_column(a, a->disk, b, b->disk);
		same_column(a, a->iops, b, b->iops);
		for (size_t i = 0; i < a->n; i++) {
			const struct trace_vm *x = &a->vm[i];
			const struct trace_vm *y = &b->vm[vm_by_name(b, x->name)];
			assert_true(x->first == y->first && x->last == y->last);
			assert_true(x->cores == y->cores && x->speed == y->speed);
			assert_true(x->memory == y->memory);
		}
		trace_free(a);
		trace_free(b);
	}
}

static void info(void **state)
{
	(void)state;
	const char *text = RUN(0, "info", DATA "bitbrains", "--format", "bitbrains");
	assert_non_null(strstr(text, "VMs      2 (2 ... 10)"));
	assert_non_null(
		strstr(text, "2001-09-09T01:50:00Z to 2001-09-09T02:30:00Z, 8 steps of 5min"));
	assert_non_null(strstr(text, "samples  11 read, 11 on the grid"));
	assert_non_null(strstr(text, "         1  gaps over 1.5 steps: the last value"));
	text = RUN(0, "info", DATA "planetlab", DATA "cores.csv");
	assert_non_null(strstr(text, DATA "cores.csv: csv"));
	/* The good one is shown although the other one is wrong. */
	text = RUN(-EINVAL, "info", "/nonexistent", DATA "cores.csv");
	assert_non_null(strstr(text, DATA "cores.csv: csv"));
}

static void usage(void **state)
{
	(void)state;
	RUN(-EINVAL, "show");
	RUN(-EINVAL, "info");
	RUN(-EINVAL, "info", DATA "cores.csv", "--format");
	RUN(-EINVAL, "info", DATA "cores.csv", "-o", csv_path);
	RUN(-EINVAL, "info", DATA "cores.csv", "--fromat", "csv");
	RUN(-EINVAL, "convert", DATA "cores.csv");
	RUN(-EINVAL, "convert", DATA "cores.csv", DATA "quirks.csv", "-o", csv_path);
	RUN(-EINVAL, "convert", DATA "cores.csv", "-o", csv_path, "--format", "planetlab");
	assert_int_equal(access(csv_path, F_OK), -1);
	assert_int_equal(run(-EINVAL, (const char *[]){"trace", NULL})[0], '\0');
}

static void demo_trace(void **state)
{
	static char made[1 << 18], kept[1 << 18];
	char cmd[256];

	(void)state;
	struct trace *t = load("scenarios/traces/demo.csv");
	assert_true(t->n == 24 && t->steps == 288 && t->nnotes == 0);
	assert_true(t->step_ns == (int64_t)300 * 1000000000 && t->mem && t->disk);
	trace_free(t);
	snprintf(cmd, sizeof(cmd), "awk -f scenarios/traces/make_demo.awk > %s", csv_path);
	if (system(cmd) != 0) {
		print_message("skipped: no awk here\n");
		skip();
	}
	size_t n = slurp(csv_path, made, sizeof(made));
	assert_int_equal(slurp("scenarios/traces/demo.csv", kept, sizeof(kept)), n);
	assert_memory_equal(made, kept, n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(convert_and_back),
		TEST(info),
		TEST(usage),
		TEST(demo_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
