/*
 * See output.h: opens and closes the files, and keeps what is counted over time. The rows are
 * written by output_summary.c, output_vms.c and output_rows.c.
 */
#include "sim/output_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const output_file_name[OUTPUT_FILES] = {
	[OUTPUT_SUMMARY] = "summary.csv",   [OUTPUT_VMS] = "vms.csv",
	[OUTPUT_HOSTS] = "hosts.csv",       [OUTPUT_GROUPS] = "groups.csv",
	[OUTPUT_TIMELINE] = "timeline.csv", [OUTPUT_VM_TIMELINE] = "vm_timeline.csv",
	[OUTPUT_EVENTS] = "events.csv",     [OUTPUT_DISTRIBUTIONS] = "distributions.csv",
};

const char *const *const output_columns[OUTPUT_FILES] = {
	[OUTPUT_SUMMARY] = output_names_summary,
	[OUTPUT_VMS] = output_names_vms,
	[OUTPUT_HOSTS] = output_names_hosts,
	[OUTPUT_GROUPS] = output_names_groups,
	[OUTPUT_TIMELINE] = output_names_timeline,
	[OUTPUT_VM_TIMELINE] = output_names_vm_timeline,
	[OUTPUT_EVENTS] = output_names_events,
	[OUTPUT_DISTRIBUTIONS] = output_names_distributions,
};

size_t output_ncolumns(enum output_file file)
{
	size_t n = 0;

	while (output_columns[file][n])
		n++;
	return n;
}

bool output_wants(const struct scenario *scenario, enum output_file file)
{
	if (scenario->semantics == SEMANTICS_CLOUDSIM)
		return file == OUTPUT_SUMMARY;
	if (file == OUTPUT_EVENTS)
		return scenario->output.events;
	if (file == OUTPUT_DISTRIBUTIONS)
		return scenario->output.distributions;
	if (file == OUTPUT_VM_TIMELINE)
		return scenario->output.vm_timeline > 0;
	return true;
}

int output_open(struct output **output, const char *dir, const char *comment,
		const struct scenario *scenario, const struct output_label *label, struct err *err)
{
	struct output *o = mem_alloc(1, sizeof(*o));
	char path[4096];

	*output = o;
	if (!o)
		return err_nomem(err);
	o->label = *label;
	if (!o->label.source)
		o->label.source = "sim";
	o->quiet = scenario->warmup_ns > 0;
	o->response = mem_alloc(1, sizeof(*o->response));
	o->wait = mem_alloc(1, sizeof(*o->wait));
	o->uptime = mem_alloc(scenario->vms.n, sizeof(*o->uptime));
	o->ngroups = scenario->vms.n;
	if (!o->response || !o->wait || !o->uptime)
		return err_nomem(err);
	for (enum output_file f = 0; f < OUTPUT_FILES; f++) {
		if (!output_wants(scenario, f))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, output_file_name[f]) >=
		    (int)sizeof(path))
			return err_input(err, "%s: the path is too long", dir);
		int rc = csv_open(&o->csv[f], path, comment, output_columns[f], output_ncolumns(f),
				  err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int output_close(struct output *o, bool commit, struct err *err)
{
	int rc = 0;

	for (int f = 0; o && f < OUTPUT_FILES; f++) {
		if (commit && rc == 0 && o->csv[f])
			rc = csv_close(o->csv[f], err);
		else
			csv_abandon(o->csv[f]);
	}
	if (o) {
		mem_free(o->saved_of);
		mem_free(o->saved);
		mem_free(o->row);
		mem_free(o->response);
		mem_free(o->wait);
		mem_free(o->ratio);
		mem_free(o->running.seconds);
		mem_free(o->down.seconds);
		mem_free(o->uptime);
	}
	mem_free(o);
	return rc;
}

int output_row(struct output *o, struct run *run)
{
	double row[M_SUMS], worst, now_s = (double)run->now_ns * 1e-9;

	if (now_s <= o->row_s)
		return 0;
	metrics_row(&run->metrics, row, &worst);
	output_timeline(o, run, row, worst);
	o->row_s = now_s;
	return o->csv[OUTPUT_VM_TIMELINE] ? output_vm_timeline(o, run) : 0;
}

static int population_add(struct population *p, uint32_t k, double seconds)
{
	if (mem_grow(&p->seconds, &p->cap, (size_t)k + 1, sizeof(double)) < 0)
		return -ENOMEM;
	p->seconds[k] += seconds;
	return 0;
}

int output_population(struct output *o, const struct run *run)
{
	double seconds = (double)(run->now_ns - o->population_ns) * 1e-9;

	if (!o->csv[OUTPUT_DISTRIBUTIONS])
		return 0;
	if (population_add(&o->running, run->running, seconds) < 0 ||
	    population_add(&o->down, run->hosts_down, seconds) < 0)
		return err_nomem(run->err);
	o->population_ns = run->now_ns;
	return 0;
}

static void population_forget(struct population *p)
{
	if (p->cap > 0)
		memset(p->seconds, 0, p->cap * sizeof(double));
}

int output_warm(struct output *o, struct run *run)
{
	population_forget(&o->running);
	population_forget(&o->down);
	memset(o->uptime, 0, o->ngroups * sizeof(*o->uptime));
	o->population_ns = run->now_ns;
	memset(o->response, 0, sizeof(*o->response));
	memset(o->wait, 0, sizeof(*o->wait));
	memset(&o->stats, 0, sizeof(o->stats));
	for (size_t i = 0; i < o->nsaved; i++)
		o->saved[i] = (struct vm_sums){.host = o->saved[i].host, .vm = o->saved[i].vm};
	o->nratio = 0;
	o->starve_max = o->down_s = o->pdm = o->nran = 0;
	o->quiet = false;
	o->row_s = (double)run->now_ns * 1e-9;
	for (size_t i = 0; i < o->row_cap; i++)
		o->row[i] = (struct vm_row){.at_ns = run->now_ns};
	return 0;
}

static void write_population(struct output *o, const struct population *p, const char *quantity)
{
	double time = 0;

	for (size_t k = 0; k < p->cap; k++)
		time += p->seconds[k];
	for (size_t k = 0; k < p->cap && time > 0; k++)
		if (p->seconds[k] > 0)
			output_distribution(o, "datacenter", quantity, (double)k,
					    p->seconds[k] / time);
}

int output_end(struct output *o, struct run *run)
{
	double time_s = (double)(run->end_ns - run->warm_ns) * 1e-9;
	int rc = output_row(o, run);

	if (rc == 0)
		rc = output_population(o, run);
	if (rc == 0)
		rc = output_living_vms(o, run);
	if (rc < 0)
		return rc;
	output_hosts(o, run, time_s);
	output_summary(o, run, time_s);
	write_population(o, &o->running, "vms_running");
	write_population(o, &o->down, "hosts_down");
	output_histogram(o, "datacenter", "response_s", o->response);
	output_histogram(o, "datacenter", "wait_s", o->wait);
	return output_groups(o, run);
}
