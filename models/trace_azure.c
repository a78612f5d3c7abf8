/*
 * The VM table of the Azure Public Dataset (Cortez et al., SOSP 2017; version 2: 2019): a row per VM
 * without header: id, subscription, deployment, created and deleted (seconds, multiples of 300),
 * largest, average and 95th percentile of CPU (percent), category, cores, memory (GiB; in version 2
 * both are classes, of which ">24" has no upper end).
 *
 * It says how long VMs lived and how large they were, not what they did from one moment to the
 * next: the trace is flat, each VM's CPU its average. VMs keep the order of the file.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "models/trace_list.h"
#include "sim/core/control.h"

#define STEP_NS (INT64_C(300) * 1000000000)
#define GIB     1073741824.0

enum field {
	F_ID,
	F_CREATED = 3,
	F_DELETED,
	F_AVERAGE = 6,
	F_CATEGORY = 8,
	F_CORES,
	F_MEMORY,
	FIELDS
};

struct azure {
	struct trace_file file;
	struct trace_vm *vm;
	size_t n, vm_cap;
	float *cpu;
	size_t cpu_cap;
	uint64_t line, open_ended, odd_times;
	const char *line_start;
	int64_t steps;
};

struct field_text {
	const char *at;
	size_t len;
};

/* The fields of a line; how many there are. */
static size_t split(const char *line, size_t len, struct field_text field[FIELDS])
{
	const char *at = line, *end = line + len;
	size_t n = 0;

	for (;; n++) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma ? comma : end;
		if (n < FIELDS)
			field[n] = (struct field_text){at, (size_t)(stop - at)};
		if (!comma)
			return n + 1;
		at = comma + 1;
	}
}

static bool is_text(const struct field_text *f, const char *text)
{
	return f->len == strlen(text) && memcmp(f->at, text, f->len) == 0;
}

static bool is_category(const struct field_text *f)
{
	return is_text(f, "Delay-insensitive") || is_text(f, "Interactive") ||
	       is_text(f, "Unkown") || is_text(f, "Unknown");
}

static int azure_sniff(const char *path, const char *head, size_t n)
{
	struct field_text field[FIELDS];
	const char *nl = head ? memchr(head, '\n', n) : NULL;

	(void)path;
	if (!head || n == 0)
		return 0;
	size_t len = nl ? (size_t)(nl - head) : n;
	return split(head, len, field) == FIELDS && is_category(&field[F_CATEGORY]) ? 90 : 0;
}

static int wrong(const struct azure *az, const struct field_text *f, const char *what,
		 struct err *err)
{
	char shown[48];

	return err_input(err, "%s:%llu:%zu: \"%s\" %s", az->file.path, (unsigned long long)az->line,
			 (size_t)(f->at - az->line_start) + 1, trace_show(f->at, f->len, shown),
			 what);
}

/* A number that is the whole field, ">24" counting as 24. */
static bool number(struct azure *az, const struct field_text *f, struct trace_num *num)
{
	bool open = f->len > 0 && *f->at == '>';

	az->open_ended += open;
	return trace_num_scan(f->at + open, num) == f->at + f->len && f->len > (size_t)open;
}

static int read_life(struct azure *az, const struct field_text *field, struct trace_vm *vm,
		     struct err *err)
{
	int64_t at[2];

	for (int i = 0; i < 2; i++) {
		const struct field_text *f = &field[i ? F_DELETED : F_CREATED];
		struct trace_num num;
		if (!number(az, f, &num) || !trace_num_time(&num, 1000000000, &at[i]) ||
		    at[i] / STEP_NS >= UINT32_MAX)
			return wrong(az, f, "is not a time in seconds from 0", err);
		az->odd_times += at[i] % STEP_NS != 0;
	}
	if (at[1] < at[0])
		return wrong(az, &field[F_DELETED], "is before the VM was created", err);
	int64_t end = (at[1] + STEP_NS - 1) / STEP_NS;
	vm->first = (uint32_t)(at[0] / STEP_NS);
	vm->last = end > vm->first ? (uint32_t)(end - 1) : vm->first;
	return 0;
}

static bool is_name(const struct field_text *f)
{
	for (size_t i = 0; i < f->len; i++)
		if (control_is(f->at[i]))
			return false;
	return f->len > 0 && f->len <= TRACE_NAME_MAX;
}

static int read_vm(struct azure *az, struct trace *trace, const struct field_text *field,
		   struct err *err)
{
	struct trace_vm vm = {0};
	struct trace_num num;
	double cpu, cores, memory;

	if (!is_name(&field[F_ID]))
		return wrong(az, &field[F_ID],
			     "is no name of a VM (1 to 255 bytes, no control characters)", err);
	if (read_life(az, field, &vm, err) < 0)
		return 0;
	if (!number(az, &field[F_AVERAGE], &num) || !trace_num_demand(&num, &cpu))
		return wrong(az, &field[F_AVERAGE], "is not a percentage of CPU", err);
	if (!number(az, &field[F_CORES], &num) || !trace_num_demand(&num, &cores) || cores < 1 ||
	    cores > 1e6 || cores != floor(cores))
		return wrong(az, &field[F_CORES], "is not a number of cores", err);
	if (!number(az, &field[F_MEMORY], &num) || !trace_num_demand(&num, &memory) || memory <= 0)
		return wrong(az, &field[F_MEMORY], "is not an amount of memory in GB", err);
	vm.name = arena_printf(&trace->arena, "%.*s", (int)field[F_ID].len, field[F_ID].at);
	vm.cores = (uint32_t)cores;
	vm.memory = memory * GIB;
	if (!vm.name || mem_grow(&az->vm, &az->vm_cap, az->n + 1, sizeof(*az->vm)) < 0 ||
	    mem_grow(&az->cpu, &az->cpu_cap, az->n + 1, sizeof(*az->cpu)) < 0)
		return err_nomem(err);
	az->vm[az->n] = vm;
	az->cpu[az->n++] = (float)cpu;
	az->steps = vm.last >= az->steps ? vm.last + INT64_C(1) : az->steps;
	return 0;
}

static int read_lines(struct azure *az, struct trace *trace, struct err *err)
{
	const char *at = az->file.text, *end = at + az->file.len;

	for (az->line = 1; at < end; az->line++) {
		struct field_text field[FIELDS];
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		const char *stop = nl ? nl : end;
		size_t len = (size_t)(stop - at);
		az->line_start = at;
		if (len > 0 && at[len - 1] == '\r')
			len--;
		size_t n = split(at, len, field);
		if (len > 0 && n != FIELDS)
			err_input(err, "%s:%llu:1: has %zu fields (a VM has %d)", az->file.path,
				  (unsigned long long)az->line, n, FIELDS);
		else if (len > 0 && read_vm(az, trace, field, err) == -ENOMEM)
			return -ENOMEM;
		at = stop + 1;
	}
	return 0;
}

static int to_trace(struct azure *az, struct trace *trace, struct err *err)
{
	if (az->n == 0)
		return err_input(err, "%s: no VMs", az->file.path);
	float *cpu = arena_alloc(&trace->arena, az->n, sizeof(*cpu));
	struct trace_vm *vm = arena_alloc(&trace->arena, az->n, sizeof(*vm));
	if (!cpu || !vm)
		return err_nomem(err);
	memcpy(cpu, az->cpu, az->n * sizeof(*cpu));
	memcpy(vm, az->vm, az->n * sizeof(*vm));
	trace->n = az->n;
	trace->steps = (size_t)az->steps;
	trace->step_ns = STEP_NS;
	trace->unit = TRACE_PERCENT;
	trace->rows = az->n;
	trace->flat = true;
	trace->cpu = cpu;
	trace->vm = vm;
	int ret = trace_note_add(trace, az->n, "VMs by their average CPU, from first to last step",
				 err);
	if (ret == 0)
		ret = trace_note_add(trace, az->open_ended,
				     "sizes without an upper end (>24): their lower end is taken",
				     err);
	if (ret == 0)
		ret = trace_note_add(trace, az->odd_times,
				     "times that are no multiples of 300 s: lives are whole steps",
				     err);
	return ret;
}

static int azure_load(struct trace *trace, const char *path, struct err *err)
{
	struct azure az = {0};
	unsigned before = err->count;
	const char *name = trace_base_name(&trace->arena, path);
	int ret = name ? trace_file_read(&az.file, path, err) : err_nomem(err);

	if (ret == 0) {
		trace_hash(trace, name, &az.file);
		ret = read_lines(&az, trace, err);
	}
	if (ret == 0 && err->count > before)
		ret = -EINVAL;
	if (ret == 0)
		ret = to_trace(&az, trace, err);
	mem_free(az.vm);
	mem_free(az.cpu);
	trace_file_fini(&az.file);
	return ret;
}

const struct trace_ops trace_reader_azure = {
	.plugin = {.abi = PLUGIN_ABI,
		   .ops_size = sizeof(struct trace_ops),
		   .name = "azure",
		   .summary = "VM table of the Azure Public Dataset: sizes, lives, average CPU",
		   .source = "Cortez et al., SOSP 2017"},
	.sniff = azure_sniff,
	.load = azure_load,
};
