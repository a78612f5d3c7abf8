/*
 * Recordings to the file and back: what a reader of the trace sees of what was recorded.
 */
#include "tests/unit/record_harness.h"

#include "models/trace.h"
#include "sim/record_file.h"
#include "sim/recording.h"

static void test_what_is_written_is_read(void **state)
{
	static const char *const names[] = {"plain",     "com,,ma",  "quo\"te", "#hash",
					    " blanks  ", "\xc3\xbc", "a\nb"};
	static const char *const read[] = {" blanks  ", "#hash",   "a?b",     "com,ma",
					   "plain",     "quo\"te", "\xc3\xbc"};
	struct err err = {0};
	struct trace *trace;
	char path[PATH_MAX], details[PATH_MAX];

	(void)state;
	for (int i = 0; i < 7; i++) {
		char text[64];
		snprintf(text, sizeof(text), "guest=%s", names[i]);
		qemu(500 + 10 * i, text);
	}
	struct recording recording = {.path = fake_path("out.csv", path),
				      .details = fake_path("details.csv", details),
				      .interval_ns = SECOND / 10,
				      .duration_ns = SECOND / 5,
				      .quiet = true,
				      .params = params()};
	recording.params.now_ns = NULL;
	if (recording_make(&recording, &err) < 0)
		fail_msg("%s", err.text);
	if (trace_load(&trace, path, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(trace->format, "csv");
	assert_int_equal(trace->n, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_string_equal(trace->vm[i].name, read[i]);
		assert_int_equal(trace->vm[i].cores, 2);
		near(trace->vm[i].memory, 2147483648.0);
		near((double)trace->mem[i], 3072 * 1024.0);
	}
	assert_int_equal(trace->step_ns % (SECOND / 10), 0);
	assert_int_equal(trace->start_ns % (SECOND / 10), 0);
	trace_free(trace);
	assert_true(fake_exists("details.csv"));
	assert_false(fake_exists("out.csv.tmp"));
}

static double cell(const struct trace *t, const float *column, int vm, int step)
{
	return (double)column[trace_cell(t, (size_t)step, (size_t)vm)];
}

/* What a reader of the trace sees of VMs that were away, could not be read, and were resized. */
static void test_gaps_in_the_file(void **state)
{
	(void)state;
	struct err err = {0};
	struct record_file *file;
	struct trace *t;
	struct found_vm a = {.name = "a", .vcpus = 1, .ram = 1024}, b = {.name = "b", .vcpus = 2};
	struct record_row row = {.found = &a, .demand = 0.5, .memory = 100, .disk = 10, .iops = 1};
	char path[PATH_MAX];
	struct record_file_params p = {.path = fake_path("gaps.csv", path),
				       .comment = "# test",
				       .memory = true,
				       .disk = true,
				       .interval_ns = SECOND};

	assert_int_equal(record_file_open(&file, &p, &err), 0);
	record_file_start(file, 1000 * SECOND);
	assert_int_equal(record_file_row(file, &row, 0, 1), 0);
	row = (struct record_row){
		.vm = 1, .found = &b, .demand = 1.5, .memory = NAN, .disk = NAN, .iops = NAN};
	assert_int_equal(record_file_row(file, &row, 0, 2), 0); /* late: two intervals */
	row = (struct record_row){.found = &a, .returned = true, .demand = 0.25};
	a.vcpus = 4;
	assert_int_equal(record_file_row(file, &row, 3, 4), 0); /* off in 1 and 2 */
	row = (struct record_row){.vm = 1, .found = &b, .demand = 2, .memory = 7};
	assert_int_equal(record_file_row(file, &row, 4, 5), 0); /* not read in 2 and 3 */
	assert_int_equal(record_file_rows(file), 7);
	assert_false(fake_exists("gaps.csv"));
	assert_int_equal(record_file_close(file, &err), 0);
	if (trace_load(&t, path, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(t->start_ns, 1000 * SECOND);
	assert_int_equal(t->step_ns, SECOND);
	assert_int_equal(t->steps, 5);
	assert_int_equal(t->vm[0].cores, 4);
	near(t->vm[0].memory, 1024);
	const double cpu[2][5] = {{12.5, 0, 0, 6.25, 0}, {75, 75, 75, 75, 100}};
	const double memory[2][5] = {{100, 0, 0, 0, 0}, {0, 0, 0, 0, 7}};
	for (int vm = 0; vm < 2; vm++)
		for (int k = 0; k < 5; k++) {
			near(cell(t, t->cpu, vm, k), cpu[vm][k]);
			near(cell(t, t->mem, vm, k), memory[vm][k]);
		}
	trace_free(t);
}

static void test_nothing_to_record(void **state)
{
	(void)state;
	struct err err = {0};
	char path[PATH_MAX];
	struct recording recording = {.path = fake_path("out.csv", path),
				      .interval_ns = SECOND / 10,
				      .duration_ns = SECOND / 10,
				      .quiet = true,
				      .params = params()};

	recording.params.now_ns = NULL;
	assert_true(recording_make(&recording, &err) < 0);
	assert_int_equal(err_exit_status(&err), 1);
	assert_non_null(strstr(err.text, "no VM was there"));
	assert_false(fake_exists("out.csv"));
	assert_false(fake_exists("out.csv.tmp"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(test_what_is_written_is_read),
		IN_TREE(test_gaps_in_the_file),
		IN_TREE(test_nothing_to_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
