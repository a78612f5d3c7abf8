/*
 * What CloudSim's Helper makes of the states of hosts and VMs. Of several states at one time the last
 * counts; a state holds until the next.
 */
#include <math.h>

#include "models/cloudsim_parts.h"

/* The host's present entry is final: did it go off or on by it? */
static void settle(struct cloudsim *cs, struct cs_host *host)
{
	const struct cs_host_entry *entry = &host->entry;

	if (!entry->exists)
		return;
	if (host->was_active && !entry->active) {
		double on = entry->time - host->on_since, dev = on - cs->off_mean;
		cs->shutdowns++;
		cs->off_mean += dev / (double)cs->shutdowns;
		cs->off_m2 += dev * (on - cs->off_mean);
	} else if (!host->was_active && entry->active) {
		host->on_since = entry->time;
	}
	host->was_active = entry->active;
}

void cs_host_state(struct cloudsim *cs, struct cs_host *host, double requested)
{
	struct cs_host_entry *entry = &host->entry;

	if (entry->exists && entry->time < cs->now) {
		settle(cs, host);
		double dt = entry->active ? cs->now - entry->time : 0;
		cs->on += dt;
		cs->violated += entry->allocated < entry->requested ? dt : 0;
	}
	*entry = (struct cs_host_entry){.time = cs->now,
					.allocated = host->used,
					.requested = requested,
					.active = host->used > 0,
					.exists = true};
}

void cs_vm_state(struct cloudsim *cs, uint32_t id, double allocated)
{
	struct cs_vm *vm = &cs->vm[id];

	if (vm->entry.exists && vm->entry.time < cs->now) {
		double dt = cs->now - vm->entry.time;
		double lack = vm->entry.requested - vm->entry.allocated;
		vm->allocated += vm->entry.allocated * dt;
		vm->requested += vm->entry.requested * dt;
		if (lack > 0) {
			cs->shortfall_sum += lack / vm->entry.requested;
			cs->shortfalls++;
			vm->lost += vm->entry.migrating ? lack * dt : 0;
		}
	}
	vm->entry.time = cs->now;
	vm->entry.allocated = allocated;
	vm->entry.requested = vm->request;
	vm->entry.migrating = vm->migrating;
	vm->entry.exists = true;
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

void cs_results(struct cloudsim *cs)
{
	struct cloudsim_result *r = cs->result;
	double allocated = 0, requested = 0, lost = 0;

	for (uint32_t h = 0; h < cs->nhosts; h++)
		settle(cs, &cs->host[h]);
	for (uint32_t v = 0; v < cs->nvms; v++) {
		allocated += cs->vm[v].allocated;
		requested += cs->vm[v].requested;
		lost += cs->vm[v].lost;
	}
	r->slatah = ratio(cs->violated, cs->on);
	r->pdm = ratio(lost, requested);
	r->overall_slav = ratio(requested - allocated, requested);
	r->average_slav = ratio(cs->shortfall_sum, (double)cs->shortfalls);
	r->shutdowns = cs->shutdowns;
	r->shutdown_mean_s = cs->off_mean;
	r->shutdown_sd_s = cs->shutdowns > 1 ? sqrt(cs->off_m2 / (double)(cs->shutdowns - 1)) : 0;
}
