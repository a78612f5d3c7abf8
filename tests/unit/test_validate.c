/* How far two runs are apart, from tables made by hand. */
#include "tests/temp_dir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plots/csv.h"
#include "sim/core/mem.h"
#include "sim/validate.h"

static int make_dirs(void **state)
{
	return make_dir(state) < 0 || mkdir(in_dir("sim"), 0700) < 0 ? -1
								     : mkdir(in_dir("real"), 0700);
}

static void file(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

#define HEAD                                                                         \
	"run,policy,seed,time_s,vm,cpu_want_mhz,cpu_grant_mhz,mem_want_bytes,"       \
	"mem_grant_bytes,disk_want_bytes_s,disk_grant_bytes_s,iops_want,iops_grant," \
	"cpu_got_mhz,mem_got_bytes,disk_got_bytes_s,iops_got\n"

/* Two VMs of one core of 1000 MHz: full in the first step, half empty in the second, in which what is granted changes
 * once more. `late` has the second step alone (what it got before is of no whole tick, and takes nothing from the
 * others), and its disk is held up by operations. */
static const char sim_rows[] = HEAD "1,p,1,1,a-0,1000,600,100,100,0,0,0,0,777,7,7,7\n"
				    "1,p,1,1,b-0,1000,400,0,0,0,0,0,0,777,7,7,7\n"
				    "1,p,1,2,a-0,300,290,100,100,0,0,0,0,600,50,0,0\n"
				    "1,p,1,2,b-0,200,210,0,0,0,0,0,0,400,0,0,0\n"
				    "1,p,1,2,late-0,0,0,0,0,1000,1000,100,50,500,0,,\n"
				    "1,p,1,3,a-0,300,310,100,100,0,0,0,0,300,50,0,0\n"
				    "1,p,1,3,b-0,200,190,0,0,0,0,0,0,200,0,0,0\n"
				    "1,p,1,3,late-0,0,0,0,0,1000,1000,100,50,0,0,1000,50\n";

/* The hypervisor took a tenth: a lost 0.06 and b 0.04 of a core, and b 0.01 more in the second step. */
static const char real_rows[] = HEAD "1,p,1,1,a-0,0,0,0,0,0,0,0,0,999,9,9,9\n"
				     "1,p,1,1,b-0,0,0,0,0,0,0,0,0,999,9,9,9\n"
				     "1,p,1,2,a-0,0,0,0,0,0,0,0,0,540,100,0,0\n"
				     "1,p,1,2,b-0,0,0,0,0,0,0,0,0,360,0,0,0\n"
				     "1,p,1,2,late-0,0,0,0,0,0,0,0,0,0,0,9,9\n"
				     "1,p,1,3,a-0,0,0,0,0,0,0,0,0,300,99,0,0\n"
				     "1,p,1,3,b-0,0,0,0,0,0,0,0,0,190,0,0,0\n"
				     "1,p,1,3,late-0,0,0,0,0,0,0,0,0,0,0,500,50\n";

static bool compare(double rms, double mean)
{
	char sim[80], real[80];
	bool good = false;

	snprintf(sim, sizeof(sim), "%s/sim", dir);
	snprintf(real, sizeof(real), "%s/real", dir);
	struct validate_params params = {.sim_dir = sim,
					 .real_dir = real,
					 .dir = dir,
					 .speed = 1000,
					 .cores = 1,
					 .tolerance = {rms, mean, 0.01, 0.01}};
	FILE *out = fopen("/dev/null", "w");
	assert_non_null(out);
	int rc = validate_compare(&params, out, &good, &err);
	fclose(out);
	if (rc < 0)
		fail_msg("%s", err.text);
	return good;
}

static double cell(const char *vm, const char *resource, const char *column)
{
	struct csv_table t = {0};
	char path[160];
	double found = INFINITY;

	snprintf(path, sizeof(path), "%s/validation_summary.csv", dir);
	assert_int_equal(csv_read(&t, path, &err), 0);
	for (size_t i = 0; i < t.nrows; i++)
		if (strcmp(t.cell[i * t.ncols + csv_column(&t, "vm")], vm) == 0 &&
		    strcmp(t.cell[i * t.ncols + csv_column(&t, "resource")], resource) == 0)
			found = csv_number(&t, i, csv_column(&t, column));
	csv_table_free(&t);
	return found;
}

static void near(double a, double b)
{
	if (!(fabs(a - b) < 1e-9))
		fail_msg("%.12g is not %.12g", a, b);
}

static void tables(const char *steal)
{
	char text[128];

	snprintf(text, sizeof(text), "run,steal_real\n1,%s\n", steal);
	file("sim/vm_timeline.csv", sim_rows);
	file("real/vm_timeline.csv", real_rows);
	file("real/summary.csv", text);
}

static void test_errors_and_what_steal_explains(void **state)
{
	(void)state;
	tables("0.1");
	assert_true(compare(0.1, 0.05));
	near(cell("a-0", "cpu", "steps"), 2);
	near(cell("a-0", "cpu", "mean"), -0.03);
	near(cell("a-0", "cpu", "steal"), -0.03);
	near(cell("b-0", "cpu", "mean"), -0.025);
	near(cell("b-0", "cpu", "steal"), -0.02);
	near(cell("b-0", "cpu", "rms"), sqrt((0.04 * 0.04 + 0.01 * 0.01) / 2));
	near(cell("a-0", "memory", "mean"), -0.005);
	assert_true(isnan(cell("a-0", "memory", "steal")));
	/* A VM that came in the second step; its disk could not serve more. */
	near(cell("late-0", "disk", "steps"), 1);
	near(cell("late-0", "disk", "mean"), 0);
	assert_int_equal(mem_live(), 0);
}

/* An explanation is no excuse. */
static void test_steal_is_not_subtracted(void **state)
{
	(void)state;
	tables("0.1");
	assert_false(compare(0.1, 0.028));
	tables("");
	assert_true(compare(0.1, 0.05));
	near(cell("a-0", "cpu", "steal"), 0);
}

int main(void)
{
#define IN_DIRS(F) cmocka_unit_test_setup_teardown(F, make_dirs, remove_dir)
	const struct CMUnitTest tests[] = {
		IN_DIRS(test_errors_and_what_steal_explains),
		IN_DIRS(test_steal_is_not_subtracted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
