/* See trace_set.h. */
#include "scenarios/trace_set.h"

#include <math.h>
#include <string.h>

#include "models/workload.h"

static const struct plugin_spec *load_at(const struct vm_spec *vm, size_t i)
{
	return (const struct plugin_spec *)vm->workloads.items + i;
}

static const char *trace_path_of(const struct plugin_spec *load, const char **format)
{
	const struct workload_ops *ops = workload_ops_of(load);

	*format = NULL;
	return ops->trace_path ? ops->trace_path(load->state, format) : NULL;
}

/* Index in the set, or set->n. */
static size_t trace_find(const struct trace_set *set, const char *path)
{
	size_t i = 0;

	while (i < set->n && strcmp(set->use[i].path, path) != 0)
		i++;
	return i;
}

static int trace_add(struct trace_set *set, const char *path, const char *format, struct err *err)
{
	if (trace_find(set, path) < set->n)
		return 0;
	if (mem_grow(&set->use, &set->cap, set->n + 1, sizeof(*set->use)) < 0)
		return err_nomem(err);
	struct trace_use *use = &set->use[set->n++];
	*use = (struct trace_use){.path = path, .format = format};
	return trace_load(&use->trace, path, format && *format ? format : NULL, err);
}

static int carbon_of(const struct facility_spec *facility, struct carbon *carbon, struct err *err)
{
	if (facility->carbon_trace && *facility->carbon_trace)
		return carbon_load(carbon, facility->carbon_trace, err);
	if (facility->carbon_intensity >= 0)
		return carbon_constant(carbon, facility->carbon_intensity, err);
	return 0;
}

static int files_load(const struct scenario *scenario, struct trace_set *set, struct err *err)
{
	int rc = outages_load(&set->outages, scenario, err);
	int carbon = carbon_of(&scenario->facility, &set->carbon, err);

	return rc < 0 ? rc : carbon;
}

size_t trace_set_use(const struct trace_set *set, const struct vm_spec *vm, size_t k)
{
	const char *format, *path = trace_path_of(load_at(vm, k), &format);

	return path ? trace_find(set, path) : set->n;
}

static const struct trace *trace_at(const struct trace_set *set, const struct vm_spec *vm, size_t k)
{
	size_t use = trace_set_use(set, vm, k);

	return use < set->n ? set->use[use].trace : NULL;
}

/* The first one that the group replays. */
static const struct trace *trace_of(const struct trace_set *set, const struct vm_spec *vm)
{
	const struct trace *trace = NULL;

	for (size_t k = 0; k < vm->workloads.n && !trace; k++)
		trace = trace_at(set, vm, k);
	return trace;
}

static int64_t share_of(const struct vm_spec *vm, const struct trace *trace)
{
	return (int64_t)ceil(vm->trace_share * (double)trace->n - 1e-9);
}

/* Groups take shares of a trace one after the other. */
static struct trace_part share_part(const struct scenario *s, const struct trace_set *set,
				    size_t group, const struct trace *trace)
{
	int64_t all = (int64_t)trace->n, first = 0;

	for (size_t i = 0; i < group; i++)
		first += trace_of(set, scenario_group(s, i)) == trace
				 ? share_of(scenario_group(s, i), trace)
				 : 0;
	first = first < all ? first : all;
	int64_t vms = share_of(scenario_group(s, group), trace);
	return (struct trace_part){first, vms < all - first ? vms : all - first};
}

struct trace_part trace_set_part(const struct scenario *s, const struct trace_set *set,
				 size_t group)
{
	const struct vm_spec *vm = scenario_group(s, group);
	const struct trace *trace = trace_of(set, vm);
	int64_t first = vm->trace_first;

	if (trace && vm->trace_share > 0)
		return share_part(s, set, group, trace);
	if (vm->count >= 0)
		return (struct trace_part){first, vm->count};
	if (trace)
		return (struct trace_part){first, (int64_t)trace->n - first};
	return (struct trace_part){first, vm->arrivals.law == DIST_NONE ? 1 : -1};
}

/* Each trace of a group must have the VMs that are asked of it: at least one, except for a share. */
static int traces_suffice(const struct scenario *s, const struct trace_set *set, size_t group,
			  struct err *err)
{
	const struct vm_spec *vm = scenario_group(s, group);
	struct trace_part part = trace_set_part(s, set, group);
	int64_t least = vm->trace_share > 0 ? 0 : 1, vms = part.vms > least ? part.vms : least;
	int rc = 0;

	for (size_t k = 0; k < vm->workloads.n; k++) {
		const struct trace *trace = trace_at(set, vm, k);
		if (trace && part.first + vms > (int64_t)trace->n)
			rc = err_input(
				err,
				"%s: %lld VM%s from number %lld on %s asked of %s, which has "
				"%zu",
				vm->place, (long long)vms, vms == 1 ? "" : "s",
				(long long)part.first, vms == 1 ? "is" : "are", trace->path,
				trace->n);
	}
	return rc;
}

int trace_set_load(const struct scenario *scenario, struct trace_set *set, struct err *err)
{
	int rc = files_load(scenario, set, err);

	for (size_t g = 0; g < scenario->vms.n; g++) {
		const struct vm_spec *vm = scenario_group(scenario, g);
		for (size_t k = 0; k < vm->workloads.n; k++) {
			const char *format, *path = trace_path_of(load_at(vm, k), &format);
			int one = path ? trace_add(set, path, format, err) : 0;
			rc = rc < 0 ? rc : one;
		}
	}
	if (rc < 0)
		return rc;
	for (size_t g = 0; g < scenario->vms.n; g++) {
		int one = traces_suffice(scenario, set, g, err);
		rc = rc < 0 ? rc : one;
	}
	return rc;
}

void trace_set_free(struct trace_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		trace_free(set->use[i].trace);
	mem_free(set->use);
	outages_free(&set->outages);
	carbon_free(&set->carbon);
	*set = (struct trace_set){0};
}
