/*
 * A vCPU's thread (agent.h): keeps the guest running for a commanded share of a core.
 *
 * Time is cut into periods. In each the guest runs until the thread's CPU clock has reached the goal: a
 * timer takes it out a little before, the rest is waited for in short slices. Goals are counted from the
 * beginning of the order, so errors of one period are made good in the next and never add up. The CPU
 * clock's own timers are of no use here: they expire at the scheduler's tick.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "replay/agent.h"

#define NS_PER_S 1000000000ll
#define CLOSE_NS 3000    /* of CPU time: the goal is reached */
#define AHEAD_NS 30000   /* what leaving the guest takes: the timer is set this much before */
#define WAIT_NS  2000000 /* between two looks for a new order when one is due */
#define PARKED_NS \
	50000000 /* between two looks while paused or without an order: a signal tells of the end */
#define TOUCH_DEBT_NS 200000000ll /* touches that are further behind are forgotten */

static __thread volatile uint8_t *kick_flag;

static void on_timer(int signal)
{
	(void)signal;
	if (kick_flag)
		*kick_flag = 1;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t agent_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static int64_t cpu_now(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static struct timespec time_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

static void report(struct agent_vcpu *v)
{
	struct agent_vcpu_report *r = &v->agent->shared->vcpu[v->id];
	const struct mailbox *box = vmm_mailbox(v->agent->vmm, v->id);

	agent_put(&r->cpu_ns, cpu_now());
	agent_put(&r->work, box->work);
	agent_put(&r->touches, box->touches);
	agent_put(&r->missed, box->missed);
}

static void sleep_until(struct agent_vcpu *v, int64_t at_ns)
{
	struct agent_vcpu_report *r = &v->agent->shared->vcpu[v->id];
	struct timespec t = time_of(at_ns);

	/* A pause ends the sleep, and so does its end: who waits for it is told at once. */
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		if (agent_get(&v->agent->shared->paused) != agent_get(&r->parked))
			return;
	int64_t late = agent_now_ns() - at_ns;
	if (late > r->late_ns)
		agent_put(&r->late_ns, late);
}

/* The vCPUs that the order lets run, if this is one of them; else 0. */
static uint32_t sharers(const struct agent_vcpu *v)
{
	uint32_t all = v->agent->spec->vcpus, some = v->order.vcpus;

	some = some > 0 && some < all ? some : all;
	return v->id < some ? some : 0;
}

/* CPU time that the order gives until @at_ns: wanted, and allowed. */
static int64_t share(const struct agent_vcpu *v, double cores, int64_t at_ns)
{
	uint32_t n = sharers(v);
	double each = n > 0 ? cores / n : 0;

	return (int64_t)((each < 1 ? each : 1) * (double)(at_ns - v->base_ns));
}

static int64_t goal(const struct agent_vcpu *v, int64_t at_ns)
{
	int64_t wanted = v->goal_cpu + share(v, v->order.cpu, at_ns);
	int64_t allowed = v->start_cpu + share(v, v->order.cpu_most, at_ns);

	return wanted < allowed ? wanted : allowed;
}

/* At the end of an order what was wanted and not had is counted. */
static void order_ends(struct agent_vcpu *v)
{
	struct agent_vcpu_report *r = &v->agent->shared->vcpu[v->id];

	v->end_cpu = cpu_now();
	v->ended = true;
	int64_t missing = v->goal_cpu + share(v, v->order.cpu, v->order.end_ns) - v->end_cpu;
	if (missing > 0)
		agent_put(&r->unmet_ns, r->unmet_ns + missing);
	report(v);
}

/* A new order goes on where the old one ended, not where it was noticed; so does the first one, unless the
 * guest came much too late for it. */
static void order_begins(struct agent_vcpu *v, const struct guest_order *order, uint32_t sequence)
{
	bool follows = v->ended && order->start_ns == v->order.end_ns;
	int64_t owed = 0, now = agent_now_ns(), late = now - order->start_ns;
	bool first = v->sequence == 0 && late > 0 && late < v->agent->spec->period_ns;

	if (follows && v->order.keep)
		owed = v->goal_cpu + share(v, v->order.cpu, v->order.end_ns) - v->end_cpu;
	v->start_cpu = follows ? v->end_cpu : cpu_now();
	v->goal_cpu = v->start_cpu + (owed > 0 ? owed : 0);
	v->base_ns = follows || first ? order->start_ns : now;
	v->order = *order;
	v->sequence = sequence;
	v->ended = false;
	v->touch_start = vmm_mailbox(v->agent->vmm, v->id)->touches;
}

static void touch_goal_set(struct agent_vcpu *v, int64_t now_ns)
{
	struct mailbox *box = vmm_mailbox(v->agent->vmm, v->id);
	uint32_t n = sharers(v);
	double per_ns = n > 0 ? v->order.touch_rate / n * 1e-9 : 0;
	uint64_t due = v->touch_start + (uint64_t)(per_ns * (double)(now_ns - v->base_ns));
	uint64_t debt = (uint64_t)(per_ns * (double)TOUCH_DEBT_NS) + 1;

	if (due > box->touches + debt) {
		v->touch_start -= due - box->touches - debt;
		due = box->touches + debt;
	}
	box->store_below = (uint64_t)(v->order.write_share * 4294967296.0);
	box->touch_goal = due;
}

/* The guest runs for at most @ns; false if it has died. */
static bool run_slice(struct agent_vcpu *v, timer_t timer, int64_t ns)
{
	struct itimerspec once = {.it_value = time_of(ns)};
	struct agent_vcpu_report *r = &v->agent->shared->vcpu[v->id];

	/* Cleared before the timer is set: a timer that is early takes the guest out all the same. */
	*kick_flag = 0;
	timer_settime(timer, 0, &once, NULL);
	enum vmm_exit exit = vmm_run(v->agent->vmm, v->id);
	agent_put(&r->exits, r->exits + 1);
	if (exit != VMM_DIED)
		return true;
	struct agent_shared *shared = v->agent->shared;
	strncpy(shared->why, vmm_why(v->agent->vmm), sizeof(shared->why) - 1);
	agent_put(&shared->state, AGENT_DIED);
	return false;
}

/* Until the end of the period, or of the order: run while the goal is ahead, else sleep. */
static bool period(struct agent_vcpu *v, timer_t timer, int64_t now)
{
	int64_t length = v->agent->spec->period_ns;
	/* The next order is due; one that is long overdue is not looked for so often. */
	int64_t overdue = (now - v->order.end_ns) / 4;
	int64_t end = now + (overdue < WAIT_NS ? WAIT_NS : overdue < length ? overdue : length);

	if (!v->ended) {
		end = v->base_ns + ((now - v->base_ns) / length + 1) * length;
		end = end < v->order.end_ns ? end : v->order.end_ns;
	}
	int64_t left = goal(v, end) - cpu_now();
	touch_goal_set(v, end);
	if (left <= CLOSE_NS) {
		report(v);
		sleep_until(v, end);
		return true;
	}
	int64_t slice = left > 2 * AHEAD_NS ? left - AHEAD_NS : left;
	bool lives = run_slice(v, timer, slice < end - now ? slice : end - now);
	report(v);
	return lives;
}

static bool step(struct agent_vcpu *v, timer_t timer)
{
	struct agent_shared *shared = v->agent->shared;
	struct guest_order order;
	int64_t now = agent_now_ns();

	if (v->sequence != 0 && !v->ended && now >= v->order.end_ns)
		order_ends(v);
	if (agent_get(&shared->sequence) != v->sequence) {
		uint32_t sequence = agent_order(shared, &order);
		if (sequence != v->sequence)
			order_begins(v, &order, sequence);
	}
	if (v->sequence == 0 || agent_get(&shared->paused)) {
		report(v);
		agent_put(&shared->vcpu[v->id].parked, 1);
		sleep_until(v, now + PARKED_NS);
		/* What a paused guest does not get, it does not catch up with. */
		v->start_cpu = v->goal_cpu = cpu_now();
		v->base_ns = agent_now_ns();
		return true;
	}
	agent_put(&shared->vcpu[v->id].parked, 0);
	if (agent_get(&shared->paused))
		return true; /* between the two looks: parked the next time */
	if (agent_get(&shared->mischief) == GUEST_CRASH)
		vmm_mailbox(v->agent->vmm, v->id)->bell = MAILBOX_CRASH;
	return period(v, timer, now);
}

void *agent_vcpu_main(void *arg)
{
	struct agent_vcpu *v = arg;
	struct sigaction action = {.sa_handler = on_timer};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	timer_t timer;
	char name[16];

	kick_flag = vmm_kick(v->agent->vmm, v->id);
	event._sigev_un._tid = (int)syscall(SYS_gettid);
	sigaction(SIGUSR1, &action, NULL);
	snprintf(name, sizeof(name), "CPU %u/KVM", v->id);
	prctl(PR_SET_NAME, name); /* as QEMU calls them: who looks from outside knows them by it */
	prctl(PR_SET_TIMERSLACK, 1);
	if (agent_pin(v->agent->spec, true) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		_exit(1);
	/* Last of what needs system calls that the process gives away once it sees this. */
	agent_put(&v->agent->shared->vcpu[v->id].tid, event._sigev_un._tid);
	while (!agent_get(&v->agent->go))
		sleep_until(v, agent_now_ns() + WAIT_NS / 4);
	agent_put(&v->agent->shared->vcpu[v->id].late_ns, 0);
	while (step(v, timer))
		continue;
	_exit(3);
}
