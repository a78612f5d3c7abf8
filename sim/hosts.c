/*
 * Hosts go on and off (run.h). What that takes the scenario says of each group of hosts; times may be
 * drawn, from a stream of the host's own, so that no other host's times depend on it.
 *
 * A host has at most one event of the kind here in the queue: the end of its way on or off, or of the
 * time that it stays on without VMs. Who lost the last VM is looked at when all events of the moment
 * are handled: a VM that comes as another one leaves finds the host on. Where going on and off takes
 * no time, placers see hosts that are off as if they were on.
 */
#include "sim/core/bug.h"
#include "sim/core/rng.h"
#include "sim/output.h"
#include "sim/run.h"

struct hosts {
	struct one {
		uint64_t event;   /* EVQ_NONE: none */
		int64_t since_ns; /* when it came on */
		struct rng *rng;  /* NULL: nothing was drawn yet */
		bool listed;      /* in emptied */
		bool again;       /* on its way off, it is to come on again */
		bool asked;       /* on because somebody asked: it stays on without VMs */
	} * of;
	uint32_t *emptied; /* at this moment */
	size_t nemptied;
};

int hosts_init(struct run *run)
{
	size_t n = run->plan.dc.host.n;
	struct hosts *hosts = arena_alloc(&run->arena, 1, sizeof(*hosts));

	run->hosts = hosts;
	if (!hosts)
		return err_nomem(run->err);
	hosts->of = arena_alloc(&run->arena, n, sizeof(*hosts->of));
	hosts->emptied = arena_alloc(&run->arena, n, sizeof(*hosts->emptied));
	if (!hosts->of || !hosts->emptied)
		return err_nomem(run->err);
	for (size_t h = 0; h < n; h++)
		hosts->of[h].event = EVQ_NONE;
	return 0;
}

static const struct host_spec *spec_of(const struct run *run, uint32_t host)
{
	return (const struct host_spec *)run->scenario->hosts.items +
	       run->plan.dc.host.type_id[host];
}

static void cancel(struct run *run, uint32_t host)
{
	struct one *one = &run->hosts->of[host];

	if (one->event != EVQ_NONE)
		evq_cancel(run->queue, one->event);
	one->event = EVQ_NONE;
}

/* The host's next step is at @at_ns, if the run lasts that long. */
static int schedule(struct run *run, uint32_t host, int64_t at_ns)
{
	return at_ns < run->end_ns
		       ? run_schedule(run, EVENT_SWITCH, host, at_ns, &run->hosts->of[host].event)
		       : 0;
}

static int schedule_after(struct run *run, uint32_t host, const struct dist *time)
{
	struct one *one = &run->hosts->of[host];
	char name[160];

	if (!one->rng && time->law != DIST_CONSTANT) {
		one->rng = run_stream(run, run_host_name(run, host, name, sizeof(name)), "power");
		if (!one->rng)
			return err_nomem(run->err);
	}
	return schedule(run, host, run_after(run, dist_sample(time, one->rng)));
}

/* Where nothing takes time, going on and off is not told. */
static void tell(struct run *run, const char *what, uint32_t host)
{
	if (run->plan.dc.host.type[host]->takes_time)
		output_event(run->output, run, what, DC_NONE, host);
}

static int turn(struct run *run, uint32_t host, enum host_state state)
{
	int rc = run_touch(run, host);

	dc_set_state(&run->plan.dc, host, state);
	return rc;
}

static void list_emptied(struct run *run, uint32_t host)
{
	struct one *one = &run->hosts->of[host];

	if (!one->listed)
		run->hosts->emptied[run->hosts->nemptied++] = host;
	one->listed = true;
}

static int is_on(struct run *run, uint32_t host)
{
	struct one *one = &run->hosts->of[host];
	int rc = turn(run, host, HOST_ON);

	one->since_ns = run->now_ns;
	tell(run, "on", host);
	if (!dc_in_use(&run->plan.dc, host) && !one->asked)
		list_emptied(run, host); /* whoever it was woken for is gone */
	return rc < 0 ? rc : lifecycle_host_on(run, host);
}

static int boot(struct run *run, uint32_t host)
{
	const struct dist *time = &spec_of(run, host)->boot.time;

	run->hosts->of[host].again = false;
	run->metrics.host[host].boots++;
	if (time->law == DIST_NONE)
		return is_on(run, host);
	int rc = turn(run, host, HOST_BOOTING);
	tell(run, "boot", host);
	return rc < 0 ? rc : schedule_after(run, host, time);
}

static int is_off(struct run *run, uint32_t host)
{
	int rc = turn(run, host, HOST_OFF);

	tell(run, "off", host);
	return rc == 0 && run->hosts->of[host].again ? boot(run, host) : rc;
}

/* Spells on the hosts, in one pass (Welford 1962). */
static void count_shutdown(struct run *run, uint32_t host)
{
	struct run_counts *c = &run->count;
	double up_s = (double)(run->now_ns - run->hosts->of[host].since_ns) * 1e-9;
	double off_mean = up_s - c->up_mean_s;

	run->metrics.host[host].shutdowns++;
	c->shutdowns++;
	c->up_mean_s += off_mean / (double)c->shutdowns;
	c->up_dev_s += off_mean * (up_s - c->up_mean_s);
}

int host_switch_off(struct run *run, uint32_t host)
{
	const struct dc *dc = &run->plan.dc;
	const struct dist *time = &spec_of(run, host)->shutdown.time;

	BUG_ON(dc_in_use(dc, host));
	if (dc->host.down[host] || dc->host.state[host] != HOST_ON)
		return 0;
	cancel(run, host);
	count_shutdown(run, host);
	run->hosts->of[host].asked = false;
	if (time->law == DIST_NONE)
		return is_off(run, host);
	int rc = turn(run, host, HOST_STOPPING);
	tell(run, "shutdown", host);
	return rc < 0 ? rc : schedule_after(run, host, time);
}

static int wake(struct run *run, uint32_t host)
{
	cancel(run, host);
	return boot(run, host);
}

int host_taken(struct run *run, uint32_t host)
{
	switch ((enum host_state)run->plan.dc.host.state[host]) {
	case HOST_ON:
		cancel(run, host); /* it was about to go off */
		return 0;
	case HOST_OFF:
		return wake(run, host);
	case HOST_STOPPING:
		run->hosts->of[host].again = true;
		return 0;
	default:
		return 0;
	}
}

int host_switch_on(struct run *run, uint32_t host)
{
	if (run->plan.dc.host.down[host])
		return 0;
	run->hosts->of[host].asked = true;
	return host_taken(run, host);
}

void host_emptied(struct run *run, uint32_t host)
{
	run->hosts->of[host].asked = false;
	list_emptied(run, host);
}

int hosts_settle(struct run *run)
{
	struct hosts *hosts = run->hosts;
	const struct dc *dc = &run->plan.dc;
	int rc = 0;

	for (size_t i = 0; i < hosts->nemptied; i++) {
		uint32_t h = hosts->emptied[i];
		int64_t after_ns = spec_of(run, h)->shutdown.after_ns;
		bool goes = dc->host.type[h]->off_when_empty && !dc_in_use(dc, h) &&
			    dc->host.state[h] == HOST_ON && !dc->host.down[h];
		hosts->of[h].listed = false;
		if (goes && rc == 0 && after_ns > 0) {
			cancel(run, h);
			rc = schedule(run, h, run->now_ns + after_ns);
		} else if (goes && rc == 0) {
			rc = host_switch_off(run, h);
		}
	}
	hosts->nemptied = 0;
	return rc;
}

int hosts_event(struct run *run, uint32_t host)
{
	run->hosts->of[host].event = EVQ_NONE;
	switch ((enum host_state)run->plan.dc.host.state[host]) {
	case HOST_ON:
		return host_switch_off(run, host);
	case HOST_BOOTING:
		return is_on(run, host);
	case HOST_STOPPING:
		return is_off(run, host);
	default:
		return 0;
	}
}

void host_failed(struct run *run, uint32_t host)
{
	cancel(run, host);
	run->hosts->of[host].again = run->hosts->of[host].asked = false;
}

void host_returned(struct run *run, uint32_t host)
{
	bool off = run->plan.dc.host.type[host]->off_when_empty;

	run->hosts->of[host].since_ns = run->now_ns;
	dc_set_state(&run->plan.dc, host, off ? HOST_OFF : HOST_ON);
}
