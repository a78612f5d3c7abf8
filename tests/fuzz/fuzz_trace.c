/*
 * Fuzzes the trace readers. The first byte picks the reader (and for the last one lets the sniffers
 * choose), the rest is the file. A trace that loads must be whole: sizes agree, VMs lie inside the
 * grid, no value is negative or not finite.
 */
#include "models/trace.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/core/bug.h"
#include "sim/core/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_column(const struct trace *t, const float *column)
{
	for (size_t i = 0; column && i < t->n * (t->flat ? 1 : t->steps); i++)
		BUG_ON(!isfinite(column[i]) || column[i] < 0);
}

static void check_trace(const struct trace *t)
{
	BUG_ON(t->n == 0 || t->steps == 0 || t->rows == 0 || t->step_ns <= 0 || t->start_ns < 0);
	BUG_ON(!t->cpu || !t->vm);
	check_column(t, t->cpu);
	check_column(t, t->mem);
	check_column(t, t->disk);
	check_column(t, t->iops);
	for (size_t i = 0; i < t->n; i++) {
		const struct trace_vm *vm = &t->vm[i];
		BUG_ON(!vm->name[0] || vm->first > vm->last || vm->last >= t->steps);
		BUG_ON(control_in(vm->name));
		BUG_ON(!isfinite(vm->speed) || !isfinite(vm->memory));
		for (size_t k = 0; k < t->steps && !t->flat; k++)
			BUG_ON((k < vm->first || k > vm->last) && t->cpu[k * t->n + i] != 0);
	}
	for (size_t i = 0; i < t->nnotes; i++)
		BUG_ON(t->note[i].count == 0 || !t->note[i].text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const format[] = {"planetlab", "bitbrains", "csv", NULL};
	static struct err err;
	struct trace *trace;
	char path[64];

	if (size < 1)
		return 0;
	int fd = memfd_create("trace", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err_clear(&err);
	if (trace_load(&trace, path, data[0] == 'a' ? "azure" : format[data[0] % 4], &err) == 0) {
		BUG_ON(err.count > 0);
		check_trace(trace);
	} else {
		BUG_ON(err.count == 0 || trace);
	}
	trace_free(trace);
	BUG_ON(mem_live() > 0);
	close(fd);
	return 0;
}
