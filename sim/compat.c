/* See compat.h. What single settings show to be outside the experiment was refused when the scenario
 * was read (scenarios/check_cloudsim.c); here is what only the trace shows. */
#include "sim/compat.h"

#include <errno.h>
#include <string.h>

#include "sim/core/opt.h"

#define MB   1e6 /* bytes */
#define KBIT 1e3

static void host_types(const struct scenario *s, const struct dc *dc,
		       struct cloudsim_host_type *type)
{
	const struct host_spec *spec = s->hosts.items;

	for (size_t t = 0; t < dc->ntypes; t++) {
		const struct host_type *from = &dc->type[t];
		type[t] = (struct cloudsim_host_type){
			.pe_mips = from->speed,
			.pes = from->cores,
			.ram = from->capacity[RES_MEM] / MB,
			.bandwidth = spec[t].network / KBIT,
		};
		for (int i = 0; i < POWER_POINTS; i++)
			type[t].watts[i] =
				from->watts(from->power_state, (double)i / (POWER_POINTS - 1));
	}
}

static int check_trace(const struct scenario *s, const struct trace *trace, struct err *err)
{
	double needs = (double)s->duration_ns / (double)trace->step_ns;

	if (trace->unit != TRACE_PERCENT)
		return err_input(err,
				 "%s: is in MHz (semantics: cloudsim-3.0.3 replays percentages)",
				 trace->path);
	if (trace->step_ns != s->tick_ns)
		return err_input(err,
				 "%s: tick: is not the step of the trace %s, %g s (semantics: "
				 "cloudsim-3.0.3 has one interval for both)",
				 s->path, trace->path, (double)trace->step_ns * 1e-9);
	for (size_t i = 0; i < trace->n; i++)
		if (trace->vm[i].first > 0 || trace->vm[i].last + 1 < needs)
			return err_input(err,
					 "%s: %s: does not last from the beginning of the run to "
					 "its end (semantics: cloudsim-3.0.3 needs every sample)",
					 trace->path, trace->vm[i].name);
	return 0;
}

static int make_vms(const struct plan *plan, struct cloudsim_vm_type *vm, uint32_t *column,
		    const struct trace **trace, struct err *err)
{
	const struct dc *dc = &plan->dc;

	for (size_t v = 0; v < dc->vm.n; v++) {
		const struct group *g = &plan->group[dc->vm.group[v]];
		const struct vm_class *class = &dc->class[dc->vm.class_id[v]];
		if (*trace && g->trace != *trace)
			return err_input(err,
					 "%s: vms.%s: replays another trace (semantics: "
					 "cloudsim-3.0.3 has one for all VMs)",
					 g->trace->path, g->spec->name);
		*trace = g->trace;
		column[v] = (uint32_t)group_column(g, dc->vm.index[v]);
		vm[v] = (struct cloudsim_vm_type){.mips = class->speed,
						  .ram = class->memory / MB,
						  .bandwidth = class->request[DC_DIM_NET] / KBIT};
	}
	return 0;
}

static int make_setup(const struct scenario *s, const struct plan *plan, struct arena *arena,
		      struct cloudsim_setup *setup, struct err *err)
{
	const struct dc *dc = &plan->dc;
	struct cloudsim_host_type *type = arena_alloc(arena, dc->ntypes, sizeof(*type));
	uint32_t *host = arena_alloc(arena, dc->host.n, sizeof(*host));
	struct cloudsim_vm_type *vm = arena_alloc(arena, dc->vm.n, sizeof(*vm));
	uint32_t *column = arena_alloc(arena, dc->vm.n, sizeof(*column));

	if (!type || !host || !vm || !column)
		return err_nomem(err);
	host_types(s, dc, type);
	for (size_t h = 0; h < dc->host.n; h++)
		host[h] = (uint32_t)(dc->host.type[h] - dc->type);
	*setup = (struct cloudsim_setup){
		.ntypes = dc->ntypes,
		.nhosts = dc->host.n,
		.nvms = dc->vm.n,
		.type = type,
		.host_type = host,
		.vm = vm,
		.column = column,
		.end_s = (double)s->duration_ns / 1e9,
		.quirks = s->quirks,
	};
	if (dc->vm.n == 0)
		return err_input(err, "%s: vms: there are none", s->path);
	int rc = make_vms(plan, vm, column, &setup->trace, err);
	return rc < 0 ? rc : check_trace(s, setup->trace, err);
}

/* What CloudSim does not have was refused when the scenario was read. */
static void choose_policies(const struct policy_set *set, struct cloudsim_setup *setup)
{
	const struct plugin_spec *detector = &set->detector, *selector = &set->selector;

	setup->detector = CLOUDSIM_NO_MIGRATION;
	setup->selector = CLOUDSIM_MMT;
	if (detector->plugin) {
		const struct cloudsim_named *named = cloudsim_detector_find(detector->plugin->name);
		setup->detector = (enum cloudsim_detector)named->value;
		if (named->parameter)
			memcpy(&setup->parameter,
			       (const char *)detector->state +
				       opt_find(detector->plugin->opts, named->parameter)->offset,
			       sizeof(setup->parameter));
	}
	if (selector->plugin)
		setup->selector =
			(enum cloudsim_selector)cloudsim_selector_find(selector->plugin->name)
				->value;
}

int compat_run(const struct scenario *scenario, const struct trace_set *traces,
	       const struct policy_set *policies, uint64_t seed, struct arena *arena,
	       struct compat_result *result, struct err *err)
{
	struct plan plan = {.seed = seed};
	struct cloudsim_setup setup = {0};
	int rc = build_plan(scenario, traces, arena, &plan, err);

	if (rc == 0)
		rc = make_setup(scenario, &plan, arena, &setup, err);
	choose_policies(policies, &setup);
	setup.rng = rng_stream(arena, seed, "selector");
	if (rc == 0 && (!setup.rng || cloudsim_run(&setup, arena, &result->cloudsim) < 0))
		rc = err_nomem(err);
	result->vms = setup.nvms;
	dc_fini(&plan.dc);
	return rc;
}
