/*
 * The trace readers: values, notes and error positions over small files made for the purpose
 * (tests/data/traces), damaged files made on the spot, every failing allocation, and the published
 * numbers of a real day where COTENANT_TRACES names a folder that holds it.
 */
#include "tests/temp_dir.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "models/trace_list.h"

#define DATA "tests/data/traces/"
#define BB_HEADER                                                                                  \
	"Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\tCPU "     \
	"usage [%];\tMemory capacity provisioned [KB];\tMemory usage [KB];\tDisk read throughput " \
	"[KB/s];\tDisk write throughput [KB/s];\tNetwork received throughput [KB/s];\tNetwork "    \
	"transmitted throughput [KB/s]\n"
#define BB_TAIL ";\t1;\t2000;\t20;\t1;\t1024;\t512;\t0;\t0;\t0;\t0\n"

/* ---- helpers ---- */

static const char *write_bytes(const char *name, const char *text, size_t n)
{
	const char *path = in_dir(name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

static const char *write_text(const char *name, const char *text)
{
	return write_bytes(name, text, strlen(text));
}

static struct trace *load(const char *path, const char *format)
{
	struct trace *t;

	int ret = trace_load(&t, path, format, &err);
	if (ret < 0)
		fail_msg("%s: %d: %s", path, ret, err.text);
	assert_int_equal(err.count, 0);
	return t;
}

static uint64_t note(const struct trace *t, const char *part)
{
	for (size_t i = 0; i < t->nnotes; i++)
		if (strstr(t->note[i].text, part))
			return t->note[i].count;
	return 0;
}

static double at(const struct trace *t, const float *column, size_t step, size_t vm)
{
	return (double)column[step * t->n + vm];
}

/* The text of the errors of a file with that content, paths cut down to the file's name. */
static const char *errors_of(const char *format, const char *name, const char *text)
{
	static char out[ERR_TEXT_SIZE];
	struct trace *t;
	char prefix[128];
	size_t n = 0;

	write_text(name, text);
	err_clear(&err);
	assert_int_equal(trace_load(&t, in_dir(name), format, &err), -EINVAL);
	assert_null(t);
	assert_int_equal(err_exit_status(&err), 2);
	int len = snprintf(prefix, sizeof(prefix), "%s/", dir);
	for (const char *p = err.text; *p;) {
		if (strncmp(p, prefix, (size_t)len) == 0)
			p += len;
		else
			out[n++] = *p++;
	}
	out[n] = '\0';
	return out;
}

/* ---- PlanetLab ---- */

static void planetlab_directory(void **state)
{
	struct trace *t = load(DATA "planetlab", NULL);

	(void)state;
	assert_string_equal(t->format, "planetlab");
	assert_int_equal(t->n, 3);
	assert_int_equal(t->steps, 3);
	assert_int_equal(t->rows, 8);
	assert_int_equal(t->unit, TRACE_PERCENT);
	assert_true(t->step_ns == (int64_t)300 * 1000000000 && t->start_ns == 0);
	assert_string_equal(t->vm[0].name, "Zeta");
	assert_string_equal(t->vm[1].name, "alpha");
	assert_string_equal(t->vm[2].name, "alpha beta");
	assert_true(at(t, t->cpu, 2, 0) == 100 && at(t, t->cpu, 1, 1) == 8);
	assert_true(at(t, t->cpu, 1, 2) == 2 && at(t, t->cpu, 2, 2) == 0);
	assert_int_equal(t->vm[2].last, 1);
	assert_int_equal(note(t, "hidden"), 1);
	assert_int_equal(note(t, "sub-directories"), 1);
	assert_int_equal(note(t, "CR LF"), 3);
	assert_int_equal(note(t, "288 lines"), 3);
	assert_null(t->mem);
	trace_free(t);
}

/* Names of files may hold anything; those of VMs go to terminals and into CSV. */
static void planetlab_odd_names(void **state)
{
	(void)state;
	write_bytes("b\033[2Jc", "1\n2\n", 4);
	write_bytes("a\nb", "3\n4\n", 4);
	write_bytes("\xc3\xbc", "5\n6\n", 4);
	struct trace *t = load(dir, "planetlab");
	assert_string_equal(t->vm[0].name, "a%0Ab");
	assert_string_equal(t->vm[1].name, "b%1B[2Jc");
	assert_string_equal(t->vm[2].name, "\xc3\xbc");
	assert_int_equal(note(t, "control characters"), 2);
	trace_free(t);
}

static void planetlab_file(void **state)
{
	struct trace *t = load(DATA "planetlab/alpha beta", NULL);

	(void)state;
	assert_string_equal(t->vm[0].name, "alpha beta");
	assert_int_equal(t->n, 1);
	trace_free(t);
}

static void planetlab_damaged(void **state)
{
	(void)state;
	assert_string_equal(errors_of(NULL, "vm", "1\n101\n\n-1\n2.5\n 3\n0004\nx\ty\n100"),
			    "vm:2:1: \"101\" is not an integer from 0 to 100\n"
			    "vm:3:1: empty line (would be a percentage, 0 to 100)\n"
			    "vm:4:1: \"-1\" is not an integer from 0 to 100\n"
			    "vm:5:1: \"2.5\" is not an integer from 0 to 100\n"
			    "vm:6:1: \" 3\" is not an integer from 0 to 100\n"
			    "vm:7:1: \"0004\" is not an integer from 0 to 100\n"
			    "vm:8:1: \"x?y\" is not an integer from 0 to 100");
	assert_string_equal(errors_of(NULL, "vm", ""),
			    "vm: empty file (would be a percentage a line)");
	assert_non_null(strstr(errors_of("planetlab", "vm", "\x01\xff\n"), "\"??\" is not"));
}

/* Errors of all the files of a directory are told, in their order. */
static void planetlab_damaged_directory(void **state)
{
	struct trace *t;

	(void)state;
	write_text("c", "");
	write_text("b", "1\nb\n");
	write_text("a", "1\n2\n");
	assert_int_equal(trace_load(&t, dir, NULL, &err), -EINVAL);
	assert_int_equal(err.count, 2);
	const char *b = strstr(err.text, "/b:2:1: "), *c = strstr(err.text, "/c: empty file");
	assert_true(b && c && b < c);
}

static void empty_directory(void **state)
{
	struct trace *t;

	(void)state;
	assert_int_equal(trace_load(&t, dir, NULL, &err), -EINVAL);
	assert_int_equal(trace_load(&t, dir, "planetlab", &err), -EINVAL);
	assert_int_equal(trace_load(&t, dir, "bitbrains", &err), -EINVAL);
	assert_int_equal(trace_load(&t, dir, "csv", &err), -EINVAL);
	assert_int_equal(err.count, 4);
}

/* The order in which a directory was filled changes nothing. */
static void directory_order(void **state)
{
	uint64_t hash[2];

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		char name[16], text[16];
		for (int i = 0; i < 40; i++) {
			int k = pass ? 39 - i : (i * 17) % 40;
			snprintf(name, sizeof(name), "vm %d", k);
			snprintf(text, sizeof(text), "%d\n%d\n", k, k + 1);
			write_text(name, text);
		}
		struct trace *t = load(dir, NULL);
		hash[pass] = t->hash;
		assert_string_equal(t->vm[2].name, "vm 10");
		assert_true(at(t, t->cpu, 1, 2) == 11);
		trace_free(t);
		remove_dir(NULL);
		make_dir(NULL);
	}
	assert_true(hash[0] == hash[1]);
	write_text("vm 0", "0\n2\n");
	struct trace *t = load(dir, NULL);
	assert_true(t->hash != hash[0]);
	trace_free(t);
}

/* ---- Bitbrains ---- */

static void bitbrains_values(void **state)
{
	struct trace *t = load(DATA "bitbrains", NULL);

	(void)state;
	assert_string_equal(t->format, "bitbrains");
	assert_int_equal(t->n, 2);
	assert_int_equal(t->unit, TRACE_MHZ);
	assert_int_equal(t->rows, 11);
	assert_int_equal(t->step_ns / 1000000000, 300);
	assert_int_equal(t->start_ns / 1000000000, 1000000200);
	assert_int_equal(t->steps, 8);
	assert_string_equal(t->vm[0].name, "2");
	assert_string_equal(t->vm[1].name, "10");
	assert_int_equal(t->vm[0].first, 2);
	assert_int_equal(t->vm[0].last, 4);
	assert_int_equal(t->vm[1].cores, 4);
	assert_true(t->vm[1].speed == 2500 && t->vm[1].memory == 8192.0 * 1024);
	static const double cpu[] = {500, 1000, 300, 300, 300, 100, 0, 400};
	static const double mem[] = {1024, 0, 2048, 2048, 2048, 16.123456789012345, 0, 16};
	for (size_t k = 0; k < 8; k++) {
		assert_true(at(t, t->cpu, k, 1) == cpu[k]);
		assert_true(at(t, t->mem, k, 1) == (double)(float)(mem[k] * 1024));
	}
	assert_true(at(t, t->disk, 0, 1) == 3 * 1024);
	assert_true(at(t, t->cpu, 1, 0) == 0 && at(t, t->cpu, 3, 0) == 40);
	trace_free(t);
}

static void bitbrains_notes(void **state)
{
	struct trace *t = load(DATA "bitbrains", NULL);

	(void)state;
	assert_int_equal(note(t, "N.csv"), 1);
	assert_int_equal(note(t, "seconds, although"), 11);
	assert_int_equal(note(t, "milliseconds"), 0);
	assert_int_equal(note(t, "E notation"), 1);
	assert_int_equal(note(t, "between two steps"), 8);
	assert_int_equal(note(t, "half a step off"), 2);
	assert_int_equal(note(t, "at the time of"), 1);
	assert_int_equal(note(t, "in the step of"), 1);
	assert_int_equal(note(t, "gaps over"), 1);
	assert_int_equal(note(t, "value held"), 2);
	assert_int_equal(note(t, "come after"), 1);
	assert_int_equal(note(t, "the VM is off"), 1);
	assert_int_equal(note(t, "cores change"), 1);
	assert_int_equal(note(t, "capacity changes"), 1);
	assert_int_equal(note(t, "memory size changes"), 1);
	assert_int_equal(note(t, "above 100 %"), 1);
	assert_int_equal(note(t, "capacity x %"), 1);
	assert_int_equal(note(t, "than provisioned"), 1);
	assert_int_equal(note(t, "with 0 memory"), 2);
	trace_free(t);
}

/* One VM over two months, of which one has milliseconds and CR LF; 2013-9 comes before 2013-10. */
static void bitbrains_months(void **state)
{
	struct trace *t = load(DATA "months", NULL);

	(void)state;
	assert_int_equal(t->n, 1);
	assert_int_equal(t->steps, 4);
	assert_string_equal(t->vm[0].name, "7");
	for (size_t k = 0; k < 4; k++)
		assert_true(at(t, t->cpu, k, 0) == 20 * (double)(k + 1));
	assert_int_equal(note(t, "milliseconds"), 2);
	assert_int_equal(note(t, "seconds, although"), 2);
	assert_int_equal(note(t, "CR LF"), 3);
	trace_free(t);
}

static void bitbrains_damaged(void **state)
{
	(void)state;
	assert_string_equal(errors_of(NULL, "1.csv",
				      BB_HEADER
				      "1000000200" BB_TAIL "1000000500;\t1;\tx;\t3\n"
				      "1000000500;\t1;\t2\n"
				      "1000000500;\t1;\t-2;\t3\n"
				      "999999999" BB_TAIL "1e300" BB_TAIL "20000000000" BB_TAIL
				      "1000000500;\t1;\t1;\t1;\t1;\t1;\t1;\t1;\t1;\t1;\t1;\t9\n"
				      "1000000500;\tnan;\n\n"),
			    "1.csv:3:16: CPU capacity: not a number\n"
			    "1.csv:4:17: CPU usage [MHZ]: missing (a row has 11 columns)\n"
			    "1.csv:5:16: CPU capacity: negative number\n"
			    "1.csv:6:1: timestamp: earlier than the VM's row before\n"
			    "1.csv:7:1: timestamp: number out of range\n"
			    "1.csv:8:1: timestamp: time out of range\n"
			    "1.csv:9:41: row: row with too many columns (would be 11)\n"
			    "1.csv:10:13: CPU cores: not a number\n"
			    "1.csv:11:1: timestamp: missing (a row has 11 columns)");
	assert_non_null(strstr(errors_of("bitbrains", "1.csv", "Time\n"), "1.csv:1:1: not the "));
	assert_string_equal(errors_of("bitbrains", "1.csv", ""), "1.csv: empty file");
	assert_string_equal(errors_of(NULL, "1.csv", BB_HEADER), "1.csv: no rows after the header");
	assert_non_null(strstr(errors_of(NULL, "1.csv",
					 BB_HEADER "1" BB_TAIL "2" BB_TAIL "3" BB_TAIL
						   "9000000000" BB_TAIL),
			       "times too far apart"));
}

/* ---- own CSV ---- */

static void csv_values(void **state)
{
	struct trace *t = load(DATA "quirks.csv", NULL);

	(void)state;
	assert_string_equal(t->format, "csv");
	assert_int_equal(t->n, 2);
	assert_int_equal(t->steps, 7);
	assert_int_equal(t->unit, TRACE_MHZ);
	assert_int_equal(t->step_ns / 1000000000, 10);
	assert_int_equal(t->start_ns / 1000000000, 1000);
	assert_string_equal(t->vm[0].name, "a");
	assert_string_equal(t->vm[1].name, "b, \"x\"");
	assert_int_equal(t->vm[1].cores, 4);
	assert_true(t->vm[1].speed == 2500 && t->vm[1].memory == 16.0 * 1048576);
	assert_int_equal(t->vm[1].last, 1);
	static const double cpu[] = {100, 110, 120, 130, 130, 130, 170};
	static const double mem[] = {1024, 1024, 3072, 3072, 3072, 3072, 3072};
	for (size_t k = 0; k < 7; k++) {
		assert_true(at(t, t->cpu, k, 0) == cpu[k]);
		assert_true(at(t, t->mem, k, 0) == mem[k]);
	}
	assert_true(at(t, t->disk, 0, 1) == 1500 && at(t, t->mem, 1, 1) == 8192);
	assert_null(t->iops);
	assert_int_equal(note(t, "empty cells"), 1);
	assert_int_equal(note(t, "between two steps"), 1);
	assert_int_equal(note(t, "gaps over"), 1);
	assert_int_equal(note(t, "at the time of"), 1);
	trace_free(t);
}

static void csv_cores(void **state)
{
	struct trace *t = load(DATA "cores.csv", NULL);

	(void)state;
	assert_int_equal(t->unit, TRACE_PERCENT);
	assert_int_equal(t->vm[0].cores, 2);
	assert_int_equal(t->vm[1].cores, 1);
	assert_true(at(t, t->cpu, 0, 0) == 25 && at(t, t->cpu, 1, 0) == 75);
	assert_true(at(t, t->cpu, 0, 1) == 25);
	trace_free(t);
}

/* Rows written only where the value changes: the step is the common divisor, not the median. */
static void csv_sparse(void **state)
{
	struct trace *t = load(write_text("s.csv", "time,vm,cpu\n0,a,1\n600,a,2\n1200,a,3\n"
						   "1500,a,4\n"),
			       NULL);

	(void)state;
	assert_int_equal(t->step_ns / 1000000000, 300);
	assert_int_equal(t->steps, 6);
	assert_true(at(t, t->cpu, 1, 0) == 1 && at(t, t->cpu, 5, 0) == 4);
	trace_free(t);
}

/* A clock that loses a second each time keeps one sample per step until it is half a step out. */
static void csv_drift(void **state)
{
	char text[4096] = "time,vm,cpu\n";
	size_t n = strlen(text);

	(void)state;
	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%d,a,%d\n",
				      i * 60 + i * (i % 2 ? 1 : -1) / 8, i);
	struct trace *t = load(write_text("d.csv", text), NULL);
	assert_int_equal(t->steps, 40);
	for (size_t k = 0; k < 40; k++)
		assert_true(at(t, t->cpu, k, 0) == (double)k);
	assert_int_equal(note(t, "in the step of"), 0);
	assert_int_equal(note(t, "value held"), 0);
	trace_free(t);
}

/* Rows of different VMs may be mixed in any way. */
static void csv_row_order(void **state)
{
	static const char *const text[] = {"time,vm,cpu\n0,b,1\n0,a,2\n300,b,3\n300,a,4\n",
					   "vm,time,cpu\na,0,2\na,300,4\nb,0,1\nb,300,3\n"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct trace *t = load(write_text("o.csv", text[i]), NULL);
		assert_string_equal(t->vm[0].name, "a");
		static const float want[] = {2, 1, 4, 3};
		assert_memory_equal(t->cpu, want, sizeof(want));
		trace_free(t);
	}
}

static void csv_damaged(void **state)
{
	(void)state;
	assert_string_equal(errors_of(NULL, "x.csv",
				      "# c\ntime,vm,cpu,memory\n0,a,1,2\n0,a,,2\n0,,1,2\n"
				      "0,a,1\n0,a,1,2,3\n-1,a,1,2\n1x,a,1,2\n0,a,inf,2\n"
				      "0,a,1,-2\n5,a,1,2\n4,a,1,2\n1e18,a,1,2\n0,\"a,1,2\n"
				      "0,\"a\"b,1,2\n0,a,1e99,2\n0,a,1,0x2\n\n"),
			    "x.csv:4:5: cpu: empty (would be a number)\n"
			    "x.csv:5:3: vm: no name\n"
			    "x.csv:6:1: 3 fields (would be 4, as in the header)\n"
			    "x.csv:7:1: 5 fields (would be 4, as in the header)\n"
			    "x.csv:8:1: time: negative number\n"
			    "x.csv:9:1: time: not a number\n"
			    "x.csv:10:5: cpu: not a number\n"
			    "x.csv:11:7: memory: negative number\n"
			    "x.csv:13:1: time: earlier than the VM's row before\n"
			    "x.csv:14:1: time: time out of range\n"
			    "x.csv:15:3: quote that is not closed on its line\n"
			    "x.csv:16:6: text after a closing quote (would be a comma)\n"
			    "x.csv:17:5: cpu: number out of range\n"
			    "x.csv:18:7: memory: not a number\n"
			    "x.csv:19:1: empty line (would be a sample)");
	assert_non_null(strstr(errors_of(NULL, "x.csv", "time,vm,cpu,ram[TB],net,cpu\n"),
			       "x.csv:1:13: ram[TB]: no such unit"));
	assert_non_null(strstr(err.text, ":1:21: net: no such column"));
	assert_non_null(strstr(err.text, ":1:25: cpu: column named twice"));
	assert_string_equal(errors_of(NULL, "x.csv", "time,vm,memory\n"),
			    "x.csv:1:1: the header has no column cpu");
	assert_string_equal(errors_of("csv", "x.csv", "# only\n"),
			    "x.csv: no header row (would be time,vm,cpu,...)");
	assert_string_equal(errors_of("csv", "x.csv", "time,vm,cpu\n"),
			    "x.csv: no rows after the header");
	assert_non_null(strstr(errors_of("csv", "x.csv", "time,vm,cpu\n0,a,1\n1,a,1\n9e9,a,1\n"),
			       "times too far apart"));
}

/* ---- any ---- */

/* An earlier failure that is still in err is nobody else's. */
static void earlier_errors(void **state)
{
	static const char *const path[] = {DATA "planetlab", DATA "months", DATA "cores.csv"};

	(void)state;
	err_run(&err, -EIO, "something before");
	for (size_t i = 0; i < 3; i++) {
		struct trace *t;
		assert_int_equal(trace_load(&t, path[i], NULL, &err), 0);
		assert_int_equal(err.count, 1);
		trace_free(t);
	}
	write_text("vm", "x\n");
	struct trace *t;
	assert_int_equal(trace_load(&t, in_dir("vm"), "planetlab", &err), -EINVAL);
	assert_int_equal(err.count, 2);
}

static void more_errors_than_kept(void **state)
{
	struct trace *t;

	(void)state;
	write_text("vm", "x\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\n");
	assert_int_equal(trace_load(&t, in_dir("vm"), "planetlab", &err), -EINVAL);
	assert_int_equal(err.count, 22);
}

static void azure_table(void **state)
{
	struct trace *t;
	static const struct {
		uint32_t first, last, cores;
		double memory, cpu;
	} want[] = {{0, 8638, 1, 1.75, 3.5},
		    {1, 4, 2, 3.5, 40},
		    {2, 2, 24, 64, 6.25},
		    {2, 2, 4, 0.75, 50},
		    {3, 6, 4, 7, 50}};

	(void)state;
	assert_int_equal(trace_load(&t, DATA "azure.csv", NULL, &err), 0);
	assert_string_equal(t->format, "azure");
	assert_int_equal(t->n, 5);
	assert_int_equal(t->steps, 8639);
	assert_true(t->flat && t->step_ns == INT64_C(300000000000) && t->unit == TRACE_PERCENT);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(t->vm[i].first, want[i].first);
		assert_int_equal(t->vm[i].last, want[i].last);
		assert_int_equal(t->vm[i].cores, want[i].cores);
		assert_true(t->vm[i].memory == want[i].memory * 1073741824);
		assert_true((double)t->cpu[trace_cell(t, want[i].last, i)] == want[i].cpu);
	}
	assert_string_equal(t->vm[2].name, "cc");
	assert_int_equal(t->nnotes, 3);
	assert_int_equal(t->note[1].count, 2);
	assert_int_equal(t->note[2].count, 1);
	trace_free(t);
	static const char *const damaged[][2] = {
		{"a,s,d,0,300,1,1,1,Interactive,2\n", ":1:1: has 10 fields (a VM has 11)"},
		{",s,d,0,300,1,1,1,Interactive,2,4\n", ":1:1: \"\" is no name of a VM"},
		{"a\tb,s,d,0,300,1,1,1,Interactive,2,4\n", ":1:1: \"a?b\" is no name of a VM"},
		{"a,s,d,600,300,1,1,1,Interactive,2,4\n",
		 ":1:11: \"300\" is before the VM was created"},
		{"a,s,d,0,300,1,1,1,Interactive,2,4\nb,s,d,0,x,1,1,1,Interactive,2,4\n",
		 ":2:9: \"x\" is not a time in seconds from 0"},
		{"a,s,d,0,300,1,-1,1,Interactive,2,4\n",
		 ":1:15: \"-1\" is not a percentage of CPU"},
		{"a,s,d,0,300,1,1,1,Interactive,1.5,4\n",
		 ":1:31: \"1.5\" is not a number of cores"},
		{"a,s,d,0,300,1,1,1,Interactive,2,\n",
		 ":1:33: \"\" is not an amount of memory in GB"},
	};
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
		assert_non_null(
			strstr(errors_of("azure", "vmtable.csv", damaged[i][0]), damaged[i][1]));
}

static void formats(void **state)
{
	struct trace *t;

	(void)state;
	assert_int_equal(trace_load(&t, DATA "cores.csv", "vhs", &err), -EINVAL);
	assert_string_equal(err.text,
			    "vhs: no such trace format (would be one of planetlab, bitbrains, "
			    "azure, csv)");
	err_clear(&err);
	assert_int_equal(trace_load(&t, "/nonexistent", NULL, &err), -EINVAL);
	assert_string_equal(err.text, "/nonexistent: cannot be opened: No such file or directory");
	err_clear(&err);
	assert_int_equal(trace_load(&t, "/nonexistent", "csv", &err), -EINVAL);
	assert_non_null(strstr(err.text, "No such file"));
	err_clear(&err);
	assert_int_equal(trace_load(&t, "/dev/null", NULL, &err), -EINVAL);
	assert_non_null(strstr(errors_of(NULL, "README", "Hello, world\n"), "any known format"));
	for (size_t i = 0; trace_kind.at(i); i++) {
		const struct plugin *p = trace_kind.at(i);
		assert_int_equal(p->abi, PLUGIN_ABI);
		assert_int_equal(p->ops_size, trace_kind.ops_size);
	}
	trace_free(NULL);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		double value;
		const char *rest;
	} good[] = {{"0", 0, ""},
		    {"6.7108864E7", 67108864, ""},
		    {"18.933333333333334", 18.933333333333334, ""},
		    {"1e-400", 0, ""},
		    {"1e400", INFINITY, ""},
		    {".5", 0.5, ""},
		    {"5.", 5, ""},
		    {"-2e", -2, "e"},
		    {"1e+2x", 100, "x"},
		    {"00012", 12, ""},
		    {"123456789012345678901234567890", 1.2345678901234568e29, ""},
		    {"1e22", 1e22, ""},
		    {"0e99999999999", 0, ""},
		    {"1E-7", 1e-7, ""}};
	static const char *const bad[] = {"", "-", "+", ".", "e5", "nan", "inf", "x", " 1", "-.e1"};
	struct trace_num num;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *rest = trace_num_scan(good[i].text, &num);
		assert_non_null(rest);
		assert_string_equal(rest, good[i].rest);
		double v = trace_num_value(&num);
		assert_true(v == good[i].value || fabs(v / good[i].value - 1) < 1e-15);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(trace_num_scan(bad[i], &num));
}

static void times(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t ns;
	} c[] = {{"1.5", true, 1500000000},
		 {"0.0000000019", true, 1},
		 {"1e-400", true, 0},
		 {"9223372036", true, 9223372036000000000},
		 {"9223372037", false, 0},
		 {"-1", false, 0},
		 {"1e99999", false, 0},
		 {"-0", true, 0},
		 {"1376314846", true, 1376314846000000000}};
	struct trace_num num;

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		int64_t ns = -1;
		assert_non_null(trace_num_scan(c[i].text, &num));
		assert_int_equal(trace_num_time(&num, 1000000000, &ns), c[i].ok);
		assert_true(!c[i].ok || ns == c[i].ns);
	}
}

static void natural_order(void **state)
{
	static const char *const name[] = {"1",      "01",     "2",       "10",
					   "2013-7", "2013-9", "2013-10", "a"};
	const size_t n = sizeof(name) / sizeof(name[0]);

	(void)state;
	assert_true(trace_natural_order("01", "1") < 0);
	for (size_t i = 2; i < n; i++)
		for (size_t j = 2; j < n; j++)
			assert_int_equal(trace_natural_order(name[i], name[j]) < 0, i < j);
}

/* Every allocation fails once: an error in words each time, and nothing is left behind. */
static void allocations_fail(void **state)
{
	static const char *const path[] = {DATA "planetlab", DATA "bitbrains", DATA "months",
					   DATA "quirks.csv", DATA "cores.csv"};

	(void)state;
	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		struct trace *t = NULL;
		size_t live = mem_live();
		int ret = -ENOMEM;
		for (uint64_t n = 1; ret < 0; n++) {
			assert_true(n < 10000);
			err_clear(&err);
			mem_fail_at(n);
			ret = trace_load(&t, path[i], NULL, &err);
			mem_fail_at(0);
			assert_true(ret == 0 || (ret == -ENOMEM && !t));
			assert_int_equal(err.count, ret < 0 ? 1 : 0);
			if (ret < 0)
				assert_int_equal(mem_live(), live);
		}
		trace_free(t);
		assert_int_equal(mem_live(), live);
	}
}

/* A real trace in the folder that COTENANT_TRACES names, or a visible skip. */
static struct trace *load_public(const char *name)
{
	const char *traces = getenv("COTENANT_TRACES");
	struct stat st;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", traces ? traces : "", name);
	if (!traces || stat(path, &st) < 0) {
		print_message("skipped: COTENANT_TRACES names no folder with %s\n", name);
		skip();
	}
	return load(path, NULL);
}

/* What an independent count over the published sample of 76 VMs gives. */
static void bitbrains_sample(void **state)
{
	struct trace *t = load_public("fastStorage/2013-8");

	(void)state;
	if (t->n != 76) {
		trace_free(t);
		print_message("skipped: not the sample of 76 VMs\n");
		skip();
	}
	assert_int_equal(t->rows, 665713);
	assert_int_equal(t->step_ns / 1000000000, 300);
	assert_int_equal(note(t, "at the time of"), 26889);
	assert_int_equal(note(t, "half a step off"), 50570);
	assert_int_equal(note(t, "gaps over"), 716);
	assert_int_equal(note(t, "E notation"), 145235);
	assert_int_equal(note(t, "the VM is off"), 104671);
	assert_int_equal(note(t, "above 100 %"), 26676);
	assert_int_equal(note(t, "than provisioned"), 34);
	assert_int_equal(note(t, "with 0 memory"), 167766);
	trace_free(t);
}

/* The PlanetLab day that the literature uses most, against its published statistics. */
static void planetlab_20110303(void **state)
{
	(void)state;
	struct trace *t = load_public("20110303");
	size_t count[101] = {0}, total = t->n * t->steps, below = 0, q[3] = {0};
	double sum = 0, sq = 0, means = 0, means_sq = 0;
	assert_int_equal(t->n, 1052);
	assert_int_equal(t->steps, 288);
	assert_int_equal(t->nnotes, 0);
	for (size_t i = 0; i < t->n; i++) {
		double mean = 0;
		for (size_t k = 0; k < t->steps; k++) {
			double v = at(t, t->cpu, k, i);
			count[(size_t)v]++;
			mean += v / 288;
			sum += v;
			sq += v * v;
		}
		means += mean;
		means_sq += mean * mean;
	}
	assert_true(sum == 3730979);
	assert_true(fabs(sum / (double)total - 12.3144) < 5e-5);
	double var = (sq - sum * sum / (double)total) / (double)(total - 1);
	assert_true(fabs(sqrt(var) - 17.0889) < 5e-5);
	assert_true(fabs(means * means / (1052 * means_sq) - 0.40897922) < 5e-9);
	for (size_t v = 0; v <= 100; v++) {
		below += count[v];
		for (size_t k = 0; k < 3; k++)
			if (below * 4 < total * (k + 1))
				q[k] = v + 1;
	}
	assert_true(q[0] == 2 && q[1] == 6 && q[2] == 15);
	assert_true(count[99] > 0 && count[100] == 0);
	trace_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(planetlab_directory),
		IN_DIR(planetlab_file),
		IN_DIR(planetlab_odd_names),
		IN_DIR(planetlab_damaged),
		IN_DIR(planetlab_damaged_directory),
		IN_DIR(empty_directory),
		IN_DIR(directory_order),
		IN_DIR(bitbrains_values),
		IN_DIR(bitbrains_notes),
		IN_DIR(bitbrains_months),
		IN_DIR(bitbrains_damaged),
		IN_DIR(csv_values),
		IN_DIR(csv_cores),
		IN_DIR(csv_sparse),
		IN_DIR(csv_drift),
		IN_DIR(csv_row_order),
		IN_DIR(csv_damaged),
		IN_DIR(earlier_errors),
		IN_DIR(more_errors_than_kept),
		IN_DIR(azure_table),
		IN_DIR(formats),
		IN_DIR(numbers),
		IN_DIR(times),
		IN_DIR(natural_order),
		IN_DIR(allocations_fail),
		IN_DIR(planetlab_20110303),
		IN_DIR(bitbrains_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
