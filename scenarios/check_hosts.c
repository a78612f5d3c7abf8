/* Groups of hosts: failures, power, frequency steps. */
#include <math.h>

#include "models/dvfs.h"
#include "models/share.h"
#include "scenarios/check.h"

static void check_failures(struct loader *ld, const struct host_spec *host)
{
	const struct {
		const struct dist *failure, *repair;
		const char *failure_key, *repair_key;
	} of[] = {
		{&host->time_to_failure, &host->time_to_repair, "time_to_failure",
		 "time_to_repair"},
		{&host->rack_time_to_failure, &host->rack_time_to_repair, "rack_time_to_failure",
		 "rack_time_to_repair"},
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		bool fails = of[i].failure->law != DIST_NONE;
		bool repaired = of[i].repair->law != DIST_NONE;
		if (fails && !repaired)
			wrong(ld, of[i].failure, of[i].failure_key, host, "needs %s beside it",
			      of[i].repair_key);
		if (repaired && !fails)
			wrong(ld, of[i].repair, of[i].repair_key, host, "needs %s beside it",
			      of[i].failure_key);
	}
	if (host->rack_time_to_failure.law != DIST_NONE && host->rack == 0)
		wrong(ld, &host->rack_time_to_failure, "rack_time_to_failure", host,
		      "needs rack beside it");
}

static bool has_power(const struct host_spec *host)
{
	const struct dvfs_step_spec *step = host->dvfs.steps.items;

	return host->power.plugin || (host->dvfs.steps.n > 0 && step[0].power.plugin);
}

static void check_switches(struct loader *ld, const struct host_spec *host)
{
	const struct switch_spec *const of[] = {&host->boot, &host->shutdown};

	if (has_power(host))
		return;
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		if (!isinf(of[i]->power) && mark_find(ld, &of[i]->power, "power"))
			wrong(ld, &of[i]->power, "power", host, "needs power of hosts %s",
			      host->name);
	if (host->off_power > 0)
		wrong(ld, &host->off_power, "off_power", host, "needs power beside it");
}

bool check_has_speed(const struct host_spec *host, double speed)
{
	const struct dvfs_step_spec *step = host->dvfs.steps.items;

	for (size_t i = 0; i < host->dvfs.steps.n; i++)
		if (step[i].speed == speed)
			return true;
	return false;
}

static void check_steps(struct loader *ld, const struct host_spec *host)
{
	const struct dvfs_step_spec *step = host->dvfs.steps.items;
	size_t n = host->dvfs.steps.n, powered = 0;
	double fastest = 0;

	for (size_t i = 0; i < n; i++) {
		fastest = fmax(fastest, step[i].speed);
		powered += step[i].power.plugin != NULL;
		for (size_t k = 0; k < i; k++)
			if (step[i].speed == step[k].speed)
				wrong(ld, &step[i].speed, "speed", &step[i],
				      "is also that of entry %zu", k);
	}
	if (n == 0 || n > DVFS_MAX_STEPS)
		wrong(ld, &host->dvfs.steps, "steps", host, "has %zu entries (1 to %d)", n,
		      DVFS_MAX_STEPS);
	else if (fastest != host->speed)
		wrong(ld, &host->dvfs.steps, "steps", host,
		      "the fastest, %g MHz, is not the speed of hosts %s, %g MHz", fastest,
		      host->name, host->speed);
	if (powered > 0 && powered < n && !host->power.plugin)
		wrong(ld, &host->dvfs.steps, "steps", host,
		      "%zu of %zu have power (all of them, or power of the hosts)", powered, n);
}

static void check_dvfs(struct loader *ld, const struct host_spec *host)
{
	const struct dvfs_spec *dvfs = &host->dvfs;

	if (!mark_find(ld, dvfs, "dvfs"))
		return;
	check_steps(ld, host);
	if (mark_find(ld, &dvfs->up, "up") && dvfs->governor != DVFS_ONDEMAND)
		wrong(ld, &dvfs->up, "up", host, "stands only beside governor: ondemand");
	if (dvfs->speed > 0 && dvfs->governor != DVFS_FIXED)
		wrong(ld, &dvfs->speed, "speed", host, "stands only beside governor: fixed");
	else if (dvfs->speed > 0 && !check_has_speed(host, dvfs->speed))
		wrong(ld, &dvfs->speed, "speed", host, "is the speed of none of the steps");
}

void check_hosts(struct loader *ld)
{
	const struct scenario *s = ld->scenario;
	const struct host_spec *host = s->hosts.items;
	int64_t total = 0;

	if (s->hosts.n == 0 && check_sound(ld, &s->hosts))
		wrong(ld, &s->hosts, "hosts", NULL, "is an empty list (at least one group)");
	for (size_t i = 0; i < s->hosts.n; i++, host++) {
		if (!check_sound_entry(ld, host))
			continue;
		total += host->count;
		if (host->disks.n > SHARE_MAX_DISKS)
			wrong(ld, &host->disks, "disks", host, "has %zu entries (at most %d)",
			      host->disks.n, SHARE_MAX_DISKS);
		check_failures(ld, host);
		check_dvfs(ld, host);
		check_switches(ld, host);
	}
	if (total > CHECK_MAX_TOTAL)
		wrong(ld, &s->hosts, "hosts", NULL, "are more than %d in all", CHECK_MAX_TOTAL);
}
