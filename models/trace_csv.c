/*
 * cotenant's own trace format, written by `cotenant record` and `cotenant trace convert`: CSV in
 *one file, any number of lines "# comment", then a header row, then a row per sample.
 *
 *	time[s],vm,cpu[%],memory[MiB],disk[kB/s],iops[/s]
 *	0,web-1,12,800,40,3
 *
 * Columns, in any order; time, vm and cpu must be there, each unit in brackets may be left out:
 *	time    s (default), ms        from any origin; Unix time shows as a date
 *	vm      a name, at most 255 bytes, quoted as in RFC 4180 where it holds a comma or a quote
 *	cpu     % of the VM's own CPU (default), MHz, cores
 *	memory  in use: B (default), KiB, MiB, GiB
 *	disk    reads and writes: B/s (default), kB/s, MB/s (powers of 1000)
 *	iops    /s
 *	cores, speed [MHz of a core], ram [B, KiB, MiB, GiB]: how large the VM is; the largest
 *counts
 *
 * Rows may be mixed in any way as long as the times of each VM do not decrease. VMs stand in
 *bytewise order of their names, so the order of rows changes nothing. An empty cell of any column
 *but time, vm and cpu says nothing: the value before is held. For the grid see trace_list.h
 *(exact_step).
 *
 * vm_timeline.csv of a run is read, too: what its VMs wanted at the end of each tick. Its first column is
 * `run`; rows of other runs than the first are left out, and other columns than those of demand. Demand on
 * the disk holds the traffic of swap, if there was any.
 */
#include "models/trace_list.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core/control.h"

#define MAX_FIELDS 64

enum column { TIME, VM, CPU, MEMORY, DISK, IOPS, CORES, SPEED, RAM, COLUMNS };

static const char *const column_name[COLUMNS] = {"time", "vm",    "cpu",   "memory", "disk",
						 "iops", "cores", "speed", "ram"};

/* The first of a column is its default. */
static const struct unit {
	enum column column;
	const char *name;
	double factor;
} units[] = {
	{TIME, "s", 1},
	{TIME, "ms", 1e-3},
	{CPU, "%", 1},
	{CPU, "MHz", 1},
	{CPU, "cores", 1},
	{MEMORY, "B", 1},
	{MEMORY, "KiB", 1024},
	{MEMORY, "MiB", 1048576},
	{MEMORY, "GiB", 1073741824},
	{DISK, "B/s", 1},
	{DISK, "kB/s", 1e3},
	{DISK, "MB/s", 1e6},
	{IOPS, "/s", 1},
	{CORES, "", 1},
	{SPEED, "MHz", 1},
	{RAM, "B", 1},
	{RAM, "KiB", 1024},
	{RAM, "MiB", 1048576},
	{RAM, "GiB", 1073741824},
};
#define NUNITS (sizeof(units) / sizeof(units[0]))

/* Those of vm_timeline.csv. */
static const struct {
	const char *name;
	enum column column;
	const char *unit;
} timeline[] = {
	{"time_s", TIME, "s"},
	{"vm", VM, ""},
	{"cpu_want_mhz", CPU, "MHz"},
	{"mem_want_bytes", MEMORY, "B"},
	{"disk_want_bytes_s", DISK, "B/s"},
	{"iops_want", IOPS, "/s"},
};
#define NTIMELINE (sizeof(timeline) / sizeof(timeline[0]))

struct csv_vm {
	int64_t last_ns;
	uint64_t hash;
	double most_cores; /* used at once, with cpu[cores] */
};

struct csv_trace {
	struct trace *trace;
	struct trace_file file;
	struct trace_grid grid;
	struct csv_vm *vm;
	size_t vm_cap;
	uint32_t *slot; /* open hash table: VM + 1; never iterated */
	size_t nslots;
	int field[COLUMNS]; /* of the column, -1 = not there */
	const struct unit *unit[COLUMNS];
	int nfields;
	struct csv_field {
		const char *text; /* inside the quotes if there are any */
		size_t len;
		bool quoted;
		const char *at;
	} run; /* of a timeline: the first row's; text NULL = none yet */
	bool is_timeline;
	uint64_t crlf, blank, over, other_runs;
};

struct csv_row {
	struct csv_field f[MAX_FIELDS];
	int n;
};

/* ---- fields ---- */

static const char *split_quoted(const char *p, const char *end, struct csv_field *f)
{
	f->quoted = true;
	f->text = ++p;
	for (; p < end; p++) {
		if (*p != '"')
			continue;
		if (p + 1 < end && p[1] == '"')
			p++;
		else
			break;
	}
	if (p == end)
		return NULL;
	f->len = (size_t)(p - f->text);
	return p + 1;
}

/* NULL, or what is wrong at *at. */
static const char *split(const char *p, const char *end, struct csv_row *row, const char **at)
{
	for (row->n = 0;; p++) {
		*at = p;
		if (row->n == MAX_FIELDS)
			return "more fields than there are columns";
		struct csv_field *f = &row->f[row->n++];
		*f = (struct csv_field){.text = p, .at = p};
		if (p < end && *p == '"') {
			p = split_quoted(p, end, f);
			if (!p)
				return "quote that is not closed on its line";
			if (p < end && *p != ',') {
				*at = p;
				return "text after a closing quote (would be a comma)";
			}
		} else {
			const char *comma = memchr(p, ',', (size_t)(end - p));
			p = comma ? comma : end;
			f->len = (size_t)(p - f->text);
		}
		if (p == end)
			return NULL;
	}
}

static bool field_is(const struct csv_field *f, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(f->text, text, len) == 0;
}

/* ---- header ---- */

static const struct unit *unit_find(enum column col, const char *name, size_t len)
{
	struct csv_field f = {.text = name};

	for (size_t u = 0; u < NUNITS; u++)
		if (units[u].column == col && field_is(&f, len, units[u].name))
			return &units[u];
	return NULL;
}

static void timeline_field(struct csv_trace *c, const struct csv_field *f, int i)
{
	for (size_t k = 0; k < NTIMELINE; k++)
		if (field_is(f, f->len, timeline[k].name)) {
			enum column col = timeline[k].column;
			c->field[col] = i;
			c->unit[col] = unit_find(col, timeline[k].unit, strlen(timeline[k].unit));
		}
}

/* NULL, or what is wrong with the column named by @f, the @i-th. */
static const char *header_field(struct csv_trace *c, const struct csv_field *f, int i)
{
	const char *open = memchr(f->text, '[', f->len);
	size_t len = open ? (size_t)(open - f->text) : f->len;
	int col = 0;

	while (col < COLUMNS && !field_is(f, len, column_name[col]))
		col++;
	if (col == COLUMNS)
		return "no such column (would be one of time, vm, cpu, memory, disk, iops, cores, "
		       "speed, ram)";
	if (c->field[col] >= 0)
		return "column named twice";
	c->field[col] = i;
	if (!open) { /* the first of its units */
		for (size_t u = NUNITS; u-- > 0;)
			if ((int)units[u].column == col)
				c->unit[col] = &units[u];
		return NULL;
	}
	size_t n = f->len - len;
	if (n >= 2 && open[n - 1] == ']')
		c->unit[col] = unit_find((enum column)col, open + 1, n - 2);
	if (c->unit[col])
		return NULL;
	return "no such unit (would be time[s|ms], cpu[%|MHz|cores], memory[B|KiB|MiB|GiB], "
	       "disk[B/s|kB/s|MB/s], iops[/s], speed[MHz], ram[B|KiB|MiB|GiB])";
}

/* NULL, or why this row is no header at all: then there is no use in telling what is wrong with each of
 * its fields. */
static const char *foreign_header(const struct csv_row *row)
{
	const struct csv_field *f = row->f;

	for (int i = 0; i < row->n; i++, f++) {
		const char *open = memchr(f->text, '[', f->len);
		size_t len = open ? (size_t)(open - f->text) : f->len;
		for (int col = 0; col < COLUMNS; col++)
			if (field_is(f, len, column_name[col]) || field_is(f, f->len, "run"))
				return NULL;
	}
	f = row->f;
	if (row->n == 1 && (memchr(f->text, ';', f->len) || memchr(f->text, '\t', f->len)))
		return "is not separated by commas (would be time,vm,cpu,...)";
	return "is not the header of a CSV trace (would be time,vm,cpu and optionally "
	       "memory,disk,iops; "
	       "traces of other forms have to be converted, see TRACES in cotenant(1))";
}

static int read_header(struct csv_trace *c, const char *p, const char *end, size_t line,
		       struct err *err)
{
	const char *start = p, *at, *what;
	struct csv_row row;
	char shown[48];
	int ret = 0;

	what = split(p, end, &row, &at);
	if (what)
		return err_input(err, "%s:%zu:%td: %s", c->file.path, line, at - start + 1, what);
	what = foreign_header(&row);
	if (what)
		return err_input(err, "%s:%zu:1: \"%s\" %s", c->file.path, line,
				 trace_show(p, (size_t)(end - p), shown), what);
	c->nfields = row.n;
	c->is_timeline = field_is(&row.f[0], row.f[0].len, "run");
	for (int i = 0; i < row.n; i++) {
		const struct csv_field *f = &row.f[i];
		if (c->is_timeline)
			timeline_field(c, f, i);
		else
			what = header_field(c, f, i);
		if (what)
			ret = err_input(err, "%s:%zu:%td: %s: %s", c->file.path, line,
					f->at - start + 1, trace_show(f->text, f->len, shown),
					what);
	}
	for (int col = TIME; col <= CPU && ret == 0; col++)
		if (c->field[col] < 0)
			ret = err_input(err, "%s:%zu:1: the header has no column %s", c->file.path,
					line, column_name[col]);
	static const enum column of[TRACE_COLS] = {CPU, MEMORY, DISK, IOPS};
	for (int i = 0; i < TRACE_COLS; i++)
		if (c->field[of[i]] >= 0)
			c->grid.cols |= 1u << i;
	return ret;
}

static bool header_sniff(const char *p, size_t n)
{
	const char *end = p + n;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end && *p == '#') {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		p = nl ? nl + 1 : end;
	}
	const char *nl = memchr(p, '\n', (size_t)(end - p));
	const char *stop = nl ? nl : end;
	bool has_vm = false, has_time = false;
	while (p < stop) {
		const char *comma = memchr(p, ',', (size_t)(stop - p));
		size_t len = (size_t)((comma ? comma : stop) - p);
		has_vm |= len >= 2 && memcmp(p, "vm", 2) == 0;
		has_time |= len >= 4 && memcmp(p, "time", 4) == 0;
		p = comma ? comma + 1 : stop;
	}
	return has_vm && has_time;
}

static int csv_sniff(const char *path, const char *head, size_t n)
{
	size_t len = strlen(path);

	if (!head || n == 0)
		return 0;
	if (header_sniff(head, n))
		return 90;
	return len > 4 && strcmp(path + len - 4, ".csv") == 0 ? 10 : 0;
}

/* ---- VMs ---- */

static int slots_grow(struct csv_trace *c)
{
	size_t n = c->nslots ? c->nslots * 2 : 64;
	uint32_t *slot = mem_alloc(n, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < c->grid.nvms; i++) {
		size_t at = c->vm[i].hash & (n - 1);
		while (slot[at])
			at = (at + 1) & (n - 1);
		slot[at] = (uint32_t)i + 1;
	}
	mem_free(c->slot);
	c->slot = slot;
	c->nslots = n;
	return 0;
}

static int vm_new(struct csv_trace *c, const char *name, uint64_t hash)
{
	struct trace_grid *g = &c->grid;

	if (mem_grow(&g->vm, &g->vm_cap, g->nvms + 1, sizeof(*g->vm)) < 0 ||
	    mem_grow(&c->vm, &c->vm_cap, g->nvms + 1, sizeof(*c->vm)) < 0)
		return -ENOMEM;
	const char *copy = arena_strdup(&c->trace->arena, name);
	if (!copy)
		return -ENOMEM;
	g->vm[g->nvms] = (struct trace_vm){.name = copy};
	c->vm[g->nvms++] = (struct csv_vm){.hash = hash};
	return 0;
}

/* The VM of that name, made if need be; -ENOMEM. */
static int vm_find(struct csv_trace *c, const char *name, uint32_t *vm)
{
	uint64_t hash = 14695981039346656037u;

	for (const char *p = name; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	hash ^= hash >> 32;
	if (c->grid.nvms * 2 >= c->nslots && slots_grow(c) < 0)
		return -ENOMEM;
	size_t at = hash & (c->nslots - 1);
	for (; c->slot[at]; at = (at + 1) & (c->nslots - 1)) {
		*vm = c->slot[at] - 1;
		if (c->vm[*vm].hash == hash && strcmp(c->grid.vm[*vm].name, name) == 0)
			return 0;
	}
	*vm = (uint32_t)c->grid.nvms;
	if (vm_new(c, name, hash) < 0)
		return -ENOMEM;
	c->slot[at] = *vm + 1;
	return 0;
}

/* NULL, or what is wrong with the name. */
static const char *unquote(const struct csv_field *f, char name[TRACE_NAME_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < f->len; i++) {
		if (n == TRACE_NAME_MAX)
			return "name of more than 255 bytes";
		if (control_is(f->text[i]))
			return "control character in a name";
		name[n++] = f->text[i];
		if (f->quoted && f->text[i] == '"')
			i++;
	}
	name[n] = '\0';
	return n > 0 ? NULL : "no name";
}

/* ---- rows ---- */

/* NULL, or what is wrong; NAN for an empty cell or a column that is not there. */
static const char *get_value(struct csv_trace *c, const struct csv_row *row, enum column col,
			     double *value)
{
	struct trace_num num;

	*value = NAN;
	if (c->field[col] < 0)
		return NULL;
	const struct csv_field *f = &row->f[c->field[col]];
	if (f->len == 0) {
		c->blank += col == MEMORY || col == DISK || col == IOPS;
		return col == CPU ? "empty (would be a number)" : NULL;
	}
	if (trace_num_scan(f->text, &num) != f->text + f->len)
		return "not a number";
	if (!trace_num_demand(&num, value))
		return num.neg ? "negative number" : "number out of range";
	*value *= c->unit[col]->factor;
	return NULL;
}

static const char *get_time(const struct csv_trace *c, const struct csv_row *row, int64_t *ns)
{
	const struct csv_field *f = &row->f[c->field[TIME]];
	struct trace_num num;

	if (f->len == 0 || trace_num_scan(f->text, &num) != f->text + f->len)
		return "not a number";
	if (num.neg && num.mant > 0)
		return "negative number";
	return trace_num_time(&num, c->unit[TIME]->factor < 1 ? 1000000 : 1000000000, ns)
		       ? NULL
		       : "time out of range";
}

/* The VM's sizes, the use of cores, and what is odd about the row. */
static void note_row(struct csv_trace *c, uint32_t i, const double v[COLUMNS])
{
	struct trace_vm *vm = &c->grid.vm[i];

	if (v[CORES] > vm->cores)
		vm->cores = v[CORES] < 65536 ? (uint32_t)ceil(v[CORES]) : 65536;
	if (v[SPEED] > vm->speed)
		vm->speed = v[SPEED];
	if (v[RAM] > vm->memory)
		vm->memory = v[RAM];
	if (v[CPU] > c->vm[i].most_cores)
		c->vm[i].most_cores = v[CPU];
	c->over += strcmp(c->unit[CPU]->name, "%") == 0 && v[CPU] > 100;
}

/* NULL, or what is wrong with column *col; *ret is -ENOMEM when memory is out. */
static const char *add_row(struct csv_trace *c, const struct csv_row *row, int *col, int *ret)
{
	char name[TRACE_NAME_MAX + 1];
	struct trace_sample s = {0};
	double v[COLUMNS];
	const char *what;

	*col = TIME;
	what = get_time(c, row, &s.time_ns);
	if (what)
		return what;
	*col = VM;
	what = unquote(&row->f[c->field[VM]], name);
	if (what)
		return what;
	for (*col = CPU; *col < COLUMNS; ++*col) {
		what = get_value(c, row, (enum column) * col, &v[*col]);
		if (what)
			return what;
	}
	if (vm_find(c, name, &s.vm) < 0) {
		*ret = -ENOMEM;
		return NULL;
	}
	*col = TIME;
	if (s.time_ns < c->vm[s.vm].last_ns)
		return "earlier than the VM's row before";
	c->vm[s.vm].last_ns = s.time_ns;
	note_row(c, s.vm, v);
	s.v[TRACE_CPU] = (float)v[CPU];
	s.v[TRACE_MEM] = (float)v[MEMORY];
	s.v[TRACE_DISK] = (float)v[DISK];
	s.v[TRACE_IOPS] = (float)v[IOPS];
	*ret = trace_grid_add(&c->grid, &s);
	return NULL;
}

static int read_row(struct csv_trace *c, const char *p, const char *end, size_t line,
		    struct err *err)
{
	const char *start = p, *at, *what;
	struct csv_row row;
	int col, ret = 0;

	what = split(p, end, &row, &at);
	if (what) {
		err_input(err, "%s:%zu:%td: %s", c->file.path, line, at - start + 1, what);
		return 0;
	}
	if (p == end) {
		err_input(err, "%s:%zu:1: empty line (would be a sample)", c->file.path, line);
		return 0;
	}
	if (row.n != c->nfields) {
		err_input(err, "%s:%zu:1: %d fields (would be %d, as in the header)", c->file.path,
			  line, row.n, c->nfields);
		return 0;
	}
	if (c->is_timeline && !c->run.text)
		c->run = row.f[0];
	if (c->is_timeline &&
	    (row.f[0].len != c->run.len || memcmp(row.f[0].text, c->run.text, c->run.len) != 0)) {
		c->other_runs++;
		return 0;
	}
	what = add_row(c, &row, &col, &ret);
	if (what)
		err_input(err, "%s:%zu:%td: %s: %s", c->file.path, line,
			  row.f[c->field[col]].at - start + 1, column_name[col], what);
	return ret < 0 ? err_nomem(err) : 0;
}

static int read_lines(struct csv_trace *c, struct err *err)
{
	const char *p = c->file.text, *end = p + c->file.len;
	unsigned before = err->count;
	bool header = false;

	if (c->file.len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	for (size_t line = 1; p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end, *start = p;
		int ret = 0;
		p = nl ? nl + 1 : end;
		if (stop > start && stop[-1] == '\r') {
			stop--;
			c->crlf++;
		}
		if (*start == '#')
			continue;
		if (header)
			ret = read_row(c, start, stop, line, err);
		else
			ret = read_header(c, start, stop, line, err);
		header = true;
		if (ret < 0)
			return ret;
	}
	if (!header)
		return err_input(err, "%s: no header row (would be time,vm,cpu,...)", c->file.path);
	if (err->count == before && c->grid.n == 0)
		err_input(err, "%s: no rows after the header", c->file.path);
	return err->count > before ? -EINVAL : 0;
}

/* ---- order and units ---- */

struct ranked {
	const char *name;
	uint32_t vm;
};

static int rank_order(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* cpu[cores]: percent of a VM as large as it says, or as the most it used, rounded up. */
static void cores_to_percent(struct csv_trace *c)
{
	for (size_t i = 0; i < c->grid.nvms; i++) {
		struct trace_vm *vm = &c->grid.vm[i];
		double most = ceil(c->vm[i].most_cores);
		if (vm->cores == 0)
			vm->cores = most < 1 ? 1 : most < 65536 ? (uint32_t)most : 65536;
	}
	for (size_t i = 0; i < c->grid.n; i++) {
		struct trace_sample *s = &c->grid.sample[i];
		s->v[TRACE_CPU] =
			(float)(100.0 * (double)s->v[TRACE_CPU] / c->grid.vm[s->vm].cores);
	}
}

static int sort_vms(struct csv_trace *c)
{
	struct trace_grid *g = &c->grid;
	struct ranked *rank = mem_alloc(g->nvms, sizeof(*rank));
	struct trace_vm *vm = mem_alloc(g->nvms, sizeof(*vm));
	uint32_t *to = mem_alloc(g->nvms, sizeof(*to));
	int ret = -ENOMEM;

	if (!rank || !vm || !to)
		goto out;
	for (size_t i = 0; i < g->nvms; i++)
		rank[i] = (struct ranked){g->vm[i].name, (uint32_t)i};
	qsort(rank, g->nvms, sizeof(*rank), rank_order);
	for (size_t i = 0; i < g->nvms; i++) {
		vm[i] = g->vm[rank[i].vm];
		to[rank[i].vm] = (uint32_t)i;
	}
	memcpy(g->vm, vm, g->nvms * sizeof(*vm));
	for (size_t i = 0; i < g->n; i++)
		g->sample[i].vm = to[g->sample[i].vm];
	ret = 0;
out:
	mem_free(rank);
	mem_free(vm);
	mem_free(to);
	return ret;
}

static int finish(struct csv_trace *c, struct err *err)
{
	struct trace *trace = c->trace;
	bool cores = strcmp(c->unit[CPU]->name, "cores") == 0;

	if (cores)
		cores_to_percent(c);
	trace->unit = strcmp(c->unit[CPU]->name, "MHz") == 0 ? TRACE_MHZ : TRACE_PERCENT;
	if (sort_vms(c) < 0)
		return err_nomem(err);
	int ret = trace_grid_finish(&c->grid, trace, err);
	if (ret == 0)
		ret = trace_note_add(trace, c->crlf, "lines that end in CR LF: CR ignored", err);
	if (ret == 0)
		ret = trace_note_add(trace, c->blank, "empty cells: the value before is held", err);
	if (ret == 0)
		ret = trace_note_add(trace, c->over, "samples with CPU above 100 %: kept", err);
	if (ret == 0)
		ret = trace_note_add(trace, c->other_runs,
				     "rows of other runs than the first: left out", err);
	if (ret == 0 && cores)
		ret = trace_note_add(
			trace, trace->n,
			"VMs with CPU in cores: percent of their size, or of the most used", err);
	return ret;
}

static int csv_load(struct trace *trace, const char *path, struct err *err)
{
	struct csv_trace c = {.trace = trace, .grid = {.exact_step = true}};

	for (int i = 0; i < COLUMNS; i++)
		c.field[i] = -1;
	int ret = trace_file_read(&c.file, path, err);
	if (ret == 0) {
		const char *name = trace_base_name(&trace->arena, path);
		if (name)
			trace_hash(trace, name, &c.file);
		ret = name ? read_lines(&c, err) : err_nomem(err);
	}
	if (ret == 0)
		ret = finish(&c, err);
	mem_free(c.vm);
	mem_free(c.slot);
	trace_file_fini(&c.file);
	trace_grid_fini(&c.grid);
	return ret;
}

const struct trace_ops trace_reader_csv = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct trace_ops),
		   .name = "csv",
		   .summary = "own format: time,vm,cpu and optionally memory,disk,iops; or "
			      "vm_timeline.csv of a run",
		   .source = "own"},
	.sniff = csv_sniff,
	.load = csv_load,
};
