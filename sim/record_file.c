/* See record_file.h. */
#include "sim/record_file.h"

#include <errno.h>
#include <math.h>

#include "plots/csv.h"
#include "sim/core/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What was written of a VM. */
struct written {
	int64_t next; /* the interval after its last row; 0 = no row yet */
	uint32_t cores;
	double ram;
};

struct record_file {
	struct record_file_params params;
	struct csv *trace, *details;
	int64_t wall_ns;
	struct written *vm;
	size_t vm_cap;
	uint64_t rows;
};

enum { ALWAYS, MEMORY, DISK };

static const struct {
	const char *name;
	int kind;
} trace_column[] = {{"time[s]", ALWAYS}, {"vm", ALWAYS},     {"cpu[cores]", ALWAYS},
		    {"cores", ALWAYS},   {"ram[B]", ALWAYS}, {"memory[B]", MEMORY},
		    {"disk[B/s]", DISK}, {"iops[/s]", DISK}};

static const char *const details_column[] = {
	"time[s]",       "vm",          "pid",           "kind",        "vcpus",
	"demand[cores]", "used[cores]", "waited[cores]", "rest[cores]", "memory[B]",
	"disk[B/s]",     "iops[/s]"};

int record_file_open(struct record_file **out, const struct record_file_params *params,
		     struct err *err)
{
	struct record_file *f = mem_alloc(1, sizeof(*f));
	const char *name[COUNT(trace_column)];
	size_t n = 0;

	*out = NULL;
	if (!f)
		return err_nomem(err);
	f->params = *params;
	for (size_t i = 0; i < COUNT(trace_column); i++)
		if (trace_column[i].kind == ALWAYS ||
		    (trace_column[i].kind == MEMORY ? params->memory : params->disk))
			name[n++] = trace_column[i].name;
	int rc = csv_open(&f->trace, params->path, params->comment, name, n, err);
	if (rc == 0 && params->details)
		rc = csv_open(&f->details, params->details, params->comment, details_column,
			      COUNT(details_column), err);
	f->params.comment = NULL; /* the caller's */
	if (rc < 0)
		record_file_abandon(f);
	else
		*out = f;
	return rc;
}

void record_file_start(struct record_file *f, int64_t wall_ns)
{
	f->wall_ns = wall_ns;
}

static void write_trace(struct record_file *f, const struct record_row *row, int64_t interval)
{
	struct written *vm = &f->vm[row->vm];
	const struct found_vm *found = row->found;
	bool size = found->vcpus != vm->cores || found->ram > vm->ram || found->ram < vm->ram;

	csv_time(f->trace, f->wall_ns + interval * f->params.interval_ns);
	csv_text(f->trace, found->name);
	csv_real(f->trace, row->demand);
	csv_real(f->trace, size ? (double)found->vcpus : (double)NAN);
	csv_real(f->trace, size && found->ram > 0 ? found->ram : (double)NAN);
	if (f->params.memory)
		csv_real(f->trace, row->memory);
	if (f->params.disk) {
		csv_real(f->trace, row->disk);
		csv_real(f->trace, row->iops);
	}
	csv_end_row(f->trace);
	vm->cores = found->vcpus;
	vm->ram = found->ram;
	vm->next = interval + 1;
	f->rows++;
}

static void write_details(struct record_file *f, const struct record_row *row, int64_t interval)
{
	csv_time(f->details, f->wall_ns + interval * f->params.interval_ns);
	csv_text(f->details, row->found->name);
	csv_int(f->details, row->found->pid);
	csv_text(f->details, find_kind_name(row->found->kind));
	csv_int(f->details, row->found->vcpus);
	csv_real(f->details, row->demand);
	csv_real(f->details, row->used);
	csv_real(f->details, row->waited);
	csv_real(f->details, row->rest);
	csv_real(f->details, row->memory);
	csv_real(f->details, row->disk);
	csv_real(f->details, row->iops);
	csv_end_row(f->details);
}

int record_file_row(struct record_file *f, const struct record_row *row, int64_t from, int64_t to)
{
	if (mem_grow(&f->vm, &f->vm_cap, row->vm + 1, sizeof(*f->vm)) < 0)
		return -ENOMEM;
	const struct written *vm = &f->vm[row->vm];
	struct record_row off = {.vm = row->vm, .found = row->found};
	while (row->returned && vm->next > 0 && vm->next < from)
		write_trace(f, &off, vm->next);
	for (int64_t interval = from; interval < to; interval++) {
		write_trace(f, row, interval);
		if (f->details)
			write_details(f, row, interval);
	}
	return 0;
}

int record_file_flush(struct record_file *f, struct err *err)
{
	int rc = csv_flush(f->trace, err);

	return rc == 0 && f->details ? csv_flush(f->details, err) : rc;
}

uint64_t record_file_rows(const struct record_file *f)
{
	return f->rows;
}

int record_file_close(struct record_file *f, struct err *err)
{
	int rc = csv_close(f->trace, err);

	f->trace = NULL;
	if (rc == 0 && f->details) {
		rc = csv_close(f->details, err);
		f->details = NULL;
	}
	record_file_abandon(f);
	return rc;
}

void record_file_abandon(struct record_file *f)
{
	if (!f)
		return;
	csv_abandon(f->details);
	csv_abandon(f->trace);
	mem_free(f->vm);
	mem_free(f);
}
