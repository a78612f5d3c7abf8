/*
 * GWA-T-12 Bitbrains (Shen, van Beek & Iosup, CCGrid 2015): a file N.csv per VM, or a directory of
 * them (fastStorage/2013-8), or a directory of month folders (rnd), where equal numbers are one VM.
 * Eleven columns parted by semicolon and tab.
 *
 * VMs stand in the order of their numbers. CPU is the MHz as recorded, memory the "actively used"
 * memory, disk the sum of reads and writes; the network columns must be numbers and are not used.
 * Every doubtful thing in the data has one rule, and is counted (see the notes at the end).
 */
#include "models/trace_list.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER  "Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\t"
#define MS_FROM 100000000000.0 /* 1e11: year 5138 in seconds, 1973 in milliseconds */
#define KB      1024.0

enum column { TIME, CORES, CAPACITY, USAGE, PERCENT, RAM, USED, READ, WRITE, RX, TX, COLUMNS };

static const char *const column_name[COLUMNS] = {
	"timestamp",     "CPU cores",        "CPU capacity",        "CPU usage [MHZ]",
	"CPU usage [%]", "memory",           "memory usage",        "disk read",
	"disk write",    "network received", "network transmitted",
};

struct bb_file {
	const char *vm;   /* "25" */
	const char *name; /* "25.csv" or "2013-7/25.csv" */
	const char *path;
};

struct bb_counts {
	uint64_t seconds, e_notation, crlf, off, over, ram_over, ram_zero, mhz;
	uint64_t cores, capacity, ram; /* VMs where it changes */
};

struct bitbrains {
	struct bb_file *list;
	size_t nfiles, cap;
	struct trace_file file;
	struct trace_grid grid;
	struct bb_counts count;
	uint64_t skipped;
	/* of the VM being read */
	int64_t last_ns;
	double cores, capacity, ram, max_capacity;
	bool on, cores_change, capacity_change, ram_change;
};

struct bb_row {
	const char *at[COLUMNS]; /* where each field begins */
	double v[COLUMNS];
	int64_t time_ns;
	bool e_notation;
};

static bool is_csv(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".csv") == 0;
}

static int bitbrains_sniff(const char *path, const char *head, size_t n)
{
	char name[256], buf[TRACE_HEAD];

	if (head)
		return n >= sizeof(HEADER) - 1 && memcmp(head, HEADER, sizeof(HEADER) - 1) == 0 ? 95
												: 0;
	int64_t got = trace_first_head(path, name, buf);
	if (got >= (int64_t)sizeof(HEADER) - 1 && memcmp(buf, HEADER, sizeof(HEADER) - 1) == 0)
		return 95;
	return got >= 0 && name[0] >= '0' && name[0] <= '9' && is_csv(name) ? 20 : 0;
}

/* ---- which files ---- */

static int list_add(struct bitbrains *bb, struct arena *arena, const char *path, const char *name)
{
	if (mem_grow(&bb->list, &bb->cap, bb->nfiles + 1, sizeof(*bb->list)) < 0)
		return -ENOMEM;
	char *vm = trace_base_name(arena, name);
	const char *path_copy = arena_strdup(arena, path), *name_copy = arena_strdup(arena, name);
	if (!vm || !path_copy || !name_copy)
		return -ENOMEM;
	if (is_csv(vm))
		vm[strlen(vm) - 4] = '\0';
	bb->list[bb->nfiles++] = (struct bb_file){.vm = vm, .name = name_copy, .path = path_copy};
	return 0;
}

static int list_dir(struct bitbrains *bb, struct trace *trace, const char *path, const char *month,
		    struct err *err)
{
	struct arena *arena = &trace->arena;
	struct trace_dir dir = {0};

	int ret = trace_dir_read(&dir, path, arena, err);
	for (size_t i = 0; i < dir.n && ret == 0; i++) {
		const char *entry = dir.entry[i].name;
		if (dir.entry[i].is_dir || !is_csv(entry)) {
			bb->skipped += month || !dir.entry[i].is_dir;
			continue;
		}
		const char *file = arena_printf(arena, "%s/%s", path, entry);
		const char *name = month ? arena_printf(arena, "%s/%s", month, entry) : entry;
		if (!file || !name || list_add(bb, arena, file, name) < 0)
			ret = err_nomem(err);
	}
	bool files = bb->nfiles > 0;
	for (size_t i = 0; i < dir.n && ret == 0 && !month; i++) {
		if (!dir.entry[i].is_dir)
			continue;
		if (files) {
			bb->skipped++;
			continue;
		}
		const char *below = arena_printf(arena, "%s/%s", path, dir.entry[i].name);
		ret = below ? list_dir(bb, trace, below, dir.entry[i].name, err) : err_nomem(err);
	}
	bb->skipped += dir.hidden + dir.other;
	trace_dir_fini(&dir);
	return ret;
}

static int file_order(const void *a, const void *b)
{
	const struct bb_file *x = a, *y = b;
	int cmp = trace_natural_order(x->vm, y->vm);

	return cmp ? cmp : trace_natural_order(x->name, y->name);
}

static int list_files(struct bitbrains *bb, struct trace *trace, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		const char *name = trace_base_name(&trace->arena, path);
		if (!name || list_add(bb, &trace->arena, path, name) < 0)
			return err_nomem(err);
		return 0;
	}
	int ret = list_dir(bb, trace, path, NULL, err);
	if (ret == 0 && bb->nfiles == 0)
		ret = err_input(err, "%s: no .csv files here or in the folders below", path);
	if (bb->nfiles > 0)
		qsort(bb->list, bb->nfiles, sizeof(*bb->list), file_order);
	return ret;
}

/* ---- one file ---- */

/* Splits and scans a row. NULL, or what is wrong with the field at *at. */
static const char *scan_row(const char *p, const char *end, struct bb_row *row, const char **at)
{
	struct trace_num num;

	row->e_notation = false;
	for (int i = 0; i < COLUMNS; i++) {
		*at = row->at[i] = p;
		if (p == end)
			return "missing (a row has 11 columns)";
		const char *next = trace_num_scan(p, &num);
		if (!next || next > end || (next < end && *next != ';'))
			return "not a number";
		if (!trace_num_demand(&num, &row->v[i]))
			return num.neg ? "negative number" : "number out of range";
		row->e_notation |= num.e_notation;
		if (i == TIME) {
			bool s = row->v[TIME] < MS_FROM;
			if (!trace_num_time(&num, s ? 1000000000 : 1000000, &row->time_ns))
				return "time out of range";
		}
		p = next;
		if (i < COLUMNS - 1 && p < end)
			for (p++; p < end && (*p == '\t' || *p == ' ');)
				p++;
	}
	*at = p;
	return p < end ? "row with too many columns (would be 11)" : NULL;
}

/* Provisioned sizes, changes of them, and what is odd about the row. */
static void note_row(struct bitbrains *bb, const struct bb_row *row)
{
	const double *v = row->v;
	struct bb_counts *c = &bb->count;

	c->seconds += v[TIME] < MS_FROM;
	c->e_notation += row->e_notation;
	c->over += v[PERCENT] > 100;
	c->ram_over += v[USED] > v[RAM];
	c->ram_zero += v[USED] == 0;
	c->mhz += fabs(v[USAGE] - v[CAPACITY] * v[PERCENT] / 100) > 0.01;
	if (v[CORES] == 0 && v[CAPACITY] == 0) {
		c->off++;
		return;
	}
	if (bb->on) {
		bb->cores_change |= v[CORES] != bb->cores;
		bb->capacity_change |= v[CAPACITY] != bb->capacity;
		bb->ram_change |= v[RAM] != bb->ram;
	}
	bb->on = true;
	bb->cores = v[CORES];
	bb->capacity = v[CAPACITY];
	bb->ram = v[RAM];
	struct trace_vm *vm = &bb->grid.vm[bb->grid.nvms - 1];
	if (v[CORES] > vm->cores)
		vm->cores = v[CORES] < 65536 ? (uint32_t)v[CORES] : 65536;
	vm->memory = fmax(vm->memory, v[RAM] * KB);
	bb->max_capacity = fmax(bb->max_capacity, v[CAPACITY]);
}

static int add_row(struct bitbrains *bb, const struct bb_row *row, struct err *err)
{
	bool off = row->v[CORES] == 0 && row->v[CAPACITY] == 0;
	struct trace_sample s = {
		.time_ns = row->time_ns,
		.vm = (uint32_t)(bb->grid.nvms - 1),
		.v = {[TRACE_CPU] = off ? 0 : (float)row->v[USAGE],
		      [TRACE_MEM] = off ? 0 : (float)(row->v[USED] * KB),
		      [TRACE_DISK] = off ? 0 : (float)((row->v[READ] + row->v[WRITE]) * KB)},
	};

	note_row(bb, row);
	bb->last_ns = row->time_ns;
	return trace_grid_add(&bb->grid, &s) < 0 ? err_nomem(err) : 0;
}

static int check_header(const struct trace_file *file, const char *end, struct err *err)
{
	size_t len = (size_t)(end - file->text);

	if (file->len == 0)
		return err_input(err, "%s: empty file", file->path);
	if (len < sizeof(HEADER) - 1 || memcmp(file->text, HEADER, sizeof(HEADER) - 1) != 0)
		return err_input(
			err,
			"%s:1:1: not the header of a Bitbrains file (would be \"Timestamp "
			"[ms];<tab>CPU cores;<tab>CPU capacity provisioned [MHZ];...\"; "
			"traces of other forms have to be converted, see TRACES in cotenant(1))",
			file->path);
	return 0;
}

static void bad_row(const struct trace_file *file, size_t line, const char *start, const char *at,
		    const char *what, const struct bb_row *row, struct err *err)
{
	int col = 0;

	while (col < COLUMNS - 1 && at > start && row->at[col] != at)
		col++;
	err_input(err, "%s:%zu:%td: %s: %s", file->path, line, at - start + 1,
		  row->at[col] == at ? column_name[col] : "row", what);
}

/* All rows of the file just read. Bad ones are told and left out: -EINVAL only for the header. */
static int read_rows(struct bitbrains *bb, struct err *err)
{
	const char *p = bb->file.text, *end = p + bb->file.len, *at, *what;
	struct bb_row row;

	for (size_t line = 1; p < end || line <= 2; line++) {
		const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		const char *stop = nl ? nl : end, *start = p;
		if (stop > p && stop[-1] == '\r') {
			stop--;
			bb->count.crlf++;
		}
		p = nl ? nl + 1 : end;
		if (line == 1) {
			if (check_header(&bb->file, stop, err) < 0)
				return -EINVAL;
			continue;
		}
		if (line == 2 && start == end)
			return err_input(err, "%s: no rows after the header", bb->file.path);
		row = (struct bb_row){0};
		what = scan_row(start, stop, &row, &at);
		if (!what && row.time_ns < bb->last_ns) {
			what = "earlier than the VM's row before";
			at = start;
		}
		if (what)
			bad_row(&bb->file, line, start, at, what, &row, err);
		else if (add_row(bb, &row, err) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- VMs and months ---- */

static void end_vm(struct bitbrains *bb)
{
	if (bb->grid.nvms > 0) {
		struct trace_vm *vm = &bb->grid.vm[bb->grid.nvms - 1];
		vm->speed = vm->cores > 0 ? bb->max_capacity / vm->cores : 0;
		bb->count.cores += bb->cores_change;
		bb->count.capacity += bb->capacity_change;
		bb->count.ram += bb->ram_change;
	}
	bb->on = bb->cores_change = bb->capacity_change = bb->ram_change = false;
	bb->max_capacity = 0;
	bb->last_ns = 0;
}

static int read_files(struct bitbrains *bb, struct trace *trace, struct err *err)
{
	struct trace_grid *grid = &bb->grid;
	unsigned before = err->count;

	for (size_t i = 0; i < bb->nfiles; i++) {
		const struct bb_file *f = &bb->list[i];
		if (i == 0 || strcmp(f->vm, bb->list[i - 1].vm) != 0) {
			end_vm(bb);
			if (mem_grow(&grid->vm, &grid->vm_cap, grid->nvms + 1, sizeof(*grid->vm)) <
			    0)
				return err_nomem(err);
			grid->vm[grid->nvms++] = (struct trace_vm){.name = f->vm};
		}
		int ret = trace_file_read(&bb->file, f->path, err);
		if (ret == 0) {
			trace_hash(trace, f->name, &bb->file);
			ret = read_rows(bb, err);
		}
		if (ret < 0 && ret != -EINVAL)
			return ret;
	}
	end_vm(bb);
	return err->count > before ? -EINVAL : 0;
}

static int add_notes(const struct bitbrains *bb, struct trace *trace, struct err *err)
{
	const struct bb_counts *c = &bb->count;
	const struct trace_note notes[] = {
		{bb->skipped, "files and folders that are not N.csv or hidden: skipped"},
		{c->crlf, "lines that end in CR LF: CR ignored"},
		{c->seconds, "timestamps below 1e11: seconds, although the header says ms"},
		{trace->rows - c->seconds, "timestamps of 1e11 and more: milliseconds"},
		{c->e_notation, "rows with numbers in E notation: read as such"},
		{trace->rows, "rows: a KB of memory or disk is taken as 1024 bytes"},
		{c->off, "rows with 0 cores and 0 MHz: the VM is off, its demand 0"},
		{c->cores, "VMs whose cores change while on: the largest is the size"},
		{c->capacity, "VMs whose CPU capacity changes while on: the largest is the size"},
		{c->ram, "VMs whose memory size changes while on: the largest is the size"},
		{c->over, "rows with CPU above 100 %: MHz kept as recorded, the VM's size limits"},
		{c->mhz, "rows where MHz is not capacity x % / 100: MHz kept as recorded"},
		{c->ram_over, "rows with more memory used than provisioned: kept as recorded"},
		{c->ram_zero, "rows with 0 memory in use (\"active\" memory): kept as recorded"},
	};

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		if (trace_note_add(trace, notes[i].count, notes[i].text, err) < 0)
			return -ENOMEM;
	return 0;
}

static int bitbrains_load(struct trace *trace, const char *path, struct err *err)
{
	struct bitbrains bb = {
		.grid = {.cols = 1u << TRACE_CPU | 1u << TRACE_MEM | 1u << TRACE_DISK,
			 .floor_start = true},
	};

	int ret = list_files(&bb, trace, path, err);
	if (ret == 0)
		ret = read_files(&bb, trace, err);
	trace->unit = TRACE_MHZ;
	if (ret == 0)
		ret = trace_grid_finish(&bb.grid, trace, err);
	if (ret == 0)
		ret = add_notes(&bb, trace, err);
	mem_free(bb.list);
	trace_file_fini(&bb.file);
	trace_grid_fini(&bb.grid);
	return ret;
}

const struct trace_ops trace_reader_bitbrains = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct trace_ops),
		   .name = "bitbrains",
		   .summary = "GWA-T-12: N.csv files with \";\\t\", one folder or one per month",
		   .source = "Shen, van Beek & Iosup 2015, CCGrid"},
	.sniff = bitbrains_sniff,
	.load = bitbrains_load,
};
