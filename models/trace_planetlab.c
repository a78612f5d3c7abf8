/*
 * PlanetLab (CoMon) traces in the form that CloudSim uses: a directory, or one file; a file per VM,
 * one integer of 0..100 percent of the VM's own CPU a line, a line every 300 s, no timestamps.
 *
 * VMs stand in bytewise order of their file names, whatever the file system or locale says:
 * published results depend on that order. Hidden files and sub-directories are not VMs.
 */
#include "models/trace_list.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define STEP_NS   ((int64_t)300 * 1000000000)
#define DAY_STEPS 288

struct planetlab {
	struct trace_file file;
	uint8_t *value; /* all VMs, one after the other */
	size_t n, cap;
	struct trace_vm *vm;
	size_t nvms, vm_cap;
	uint64_t crlf, odd_length;
};

static bool starts_like_values(const char *head, size_t n)
{
	size_t i = n > 0 && (head[0] == '-' || head[0] == '+');
	size_t digits = 0;

	for (; i < n && head[i] >= '0' && head[i] <= '9'; i++)
		digits++;
	return digits > 0 && digits < 9 && (i == n || head[i] == '\n' || head[i] == '\r');
}

static int planetlab_sniff(const char *path, const char *head, size_t n)
{
	char name[256], buf[TRACE_HEAD];

	if (head)
		return n == 0 ? 5 : starts_like_values(head, n) ? 80 : 0;
	int64_t got = trace_first_head(path, name, buf);
	if (got < 0)
		return 0;
	if (starts_like_values(buf, (size_t)got))
		return 80;
	/* Short lines may be damaged values: better to say what is wrong with them. */
	const char *nl = memchr(buf, '\n', (size_t)got);
	return got == 0 || (nl && nl - buf < 9) ? 10 : 0;
}

static void bad_line(const struct planetlab *pl, size_t line, const char *p, size_t len,
		     struct err *err)
{
	char shown[48];

	if (len == 0)
		err_input(err, "%s:%zu:1: empty line (would be a percentage, 0 to 100)",
			  pl->file.path, line);
	else
		err_input(err, "%s:%zu:1: \"%s\" is not an integer from 0 to 100", pl->file.path,
			  line, trace_show(p, len, shown));
}

/* The value of a line, or -1. */
static int line_value(const char *p, size_t len)
{
	int v = 0;

	if (len == 0 || len > 3)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v <= 100 ? v : -1;
}

/* All lines of the file just read; wrong ones are reported and left out. */
static int read_values(struct planetlab *pl, struct err *err)
{
	const char *p = pl->file.text, *end = p + pl->file.len;

	if (p == end)
		return err_input(err, "%s: empty file (would be a percentage a line)",
				 pl->file.path);
	if (mem_grow(&pl->value, &pl->cap, pl->n + pl->file.len, 1) < 0)
		return err_nomem(err);
	for (size_t line = 1; p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		if (len > 0 && p[len - 1] == '\r') {
			len--;
			pl->crlf++;
		}
		int v = line_value(p, len);
		if (v < 0)
			bad_line(pl, line, p, len, err);
		pl->value[pl->n++] = (uint8_t)(v < 0 ? 0 : v);
		p = nl ? nl + 1 : end;
	}
	return 0;
}

/* 0, also when the file was bad and err says so; negative when going on makes no sense. */
static int read_vm(struct planetlab *pl, struct trace *trace, const char *path, const char *name,
		   struct err *err)
{
	size_t before = pl->n;

	int ret = trace_file_read(&pl->file, path, err);
	if (ret == 0) {
		trace_hash(trace, name, &pl->file);
		ret = read_values(pl, err);
	}
	pl->file.path = NULL;
	if (ret < 0)
		return ret == -EINVAL ? 0 : ret;
	if (mem_grow(&pl->vm, &pl->vm_cap, pl->nvms + 1, sizeof(*pl->vm)) < 0)
		return err_nomem(err);
	size_t steps = pl->n - before;
	if (steps > UINT32_MAX)
		return err_input(err, "%s: too long for a trace", path);
	pl->odd_length += steps != DAY_STEPS;
	pl->vm[pl->nvms++] = (struct trace_vm){.name = name, .last = (uint32_t)(steps - 1)};
	return 0;
}

static int read_dir(struct planetlab *pl, struct trace *trace, const char *path,
		    struct trace_dir *dir, struct err *err)
{
	struct arena paths = {0};
	uint64_t subdirs = 0;

	int ret = trace_dir_read(dir, path, &trace->arena, err);
	for (size_t i = 0; i < dir->n && ret == 0; i++) {
		if (dir->entry[i].is_dir) {
			subdirs++;
			continue;
		}
		const char *name = dir->entry[i].name;
		const char *file = arena_printf(&paths, "%s/%s", path, name);
		ret = file ? read_vm(pl, trace, file, name, err) : err_nomem(err);
	}
	arena_fini(&paths);
	if (ret == 0 && subdirs == dir->n)
		ret = err_input(err, "%s: no files in this directory (would be one per VM)", path);
	if (ret == 0)
		ret = trace_note_add(trace, dir->hidden, "hidden files: skipped", err);
	if (ret == 0)
		ret = trace_note_add(trace, subdirs, "sub-directories: skipped", err);
	if (ret == 0)
		ret = trace_note_add(trace, dir->other, "entries that are not files: skipped", err);
	return ret;
}

static int to_grid(const struct planetlab *pl, struct trace *trace, struct err *err)
{
	size_t steps = 0, n = pl->nvms;

	for (size_t i = 0; i < n; i++)
		if (pl->vm[i].last >= steps)
			steps = (size_t)pl->vm[i].last + 1;
	int ret = trace_check_size(trace, steps, n, pl->n, err);
	if (ret < 0)
		return ret;
	float *cpu = arena_alloc(&trace->arena, steps * n, sizeof(*cpu));
	struct trace_vm *vm = arena_alloc(&trace->arena, n, sizeof(*vm));
	if (!cpu || !vm)
		return err_nomem(err);
	const uint8_t *value = pl->value;
	for (size_t i = 0; i < n; i++) {
		vm[i] = pl->vm[i];
		for (size_t k = 0; k <= vm[i].last; k++)
			cpu[k * n + i] = *value++;
	}
	trace->n = n;
	trace->steps = steps;
	trace->step_ns = STEP_NS;
	trace->unit = TRACE_PERCENT;
	trace->rows = pl->n;
	trace->cpu = cpu;
	trace->vm = vm;
	return 0;
}

static int planetlab_load(struct trace *trace, const char *path, struct err *err)
{
	struct planetlab pl = {0};
	struct trace_dir dir = {0};
	unsigned before = err->count;
	struct stat st;
	int ret;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		ret = read_dir(&pl, trace, path, &dir, err);
	} else {
		const char *name = trace_base_name(&trace->arena, path);
		ret = name ? read_vm(&pl, trace, path, name, err) : err_nomem(err);
	}
	if (ret == 0 && err->count > before)
		ret = -EINVAL;
	if (ret == 0)
		ret = to_grid(&pl, trace, err);
	if (ret == 0)
		ret = trace_note_add(trace, pl.crlf, "lines that end in CR LF: CR ignored", err);
	if (ret == 0)
		ret = trace_note_add(trace, pl.odd_length,
				     "files without 288 lines (a day): a VM ends with its file",
				     err);
	mem_free(pl.value);
	mem_free(pl.vm);
	trace_file_fini(&pl.file);
	trace_dir_fini(&dir);
	return ret;
}

const struct trace_ops trace_reader_planetlab = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct trace_ops),
		   .name = "planetlab",
		   .summary = "directory of files, a CPU percentage a line every 300 s",
		   .source = "CoMon on PlanetLab, as used by Beloglazov & Buyya 2012"},
	.sniff = planetlab_sniff,
	.load = planetlab_load,
};
