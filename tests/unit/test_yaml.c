/* Reading of scenarios: what good files become, and the words and places of every kind of mistake.
 */
#include "tests/test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/power.h"
#include "scenarios/scenario.h"
#include "sim/core/mem.h"
#include "sim/core/opt.h"

#define HEAD  "tick: 1s\nduration: 1h\n"
#define HOSTS "hosts: {name: h, cores: 4, speed: 2GHz, memory: 8GiB}\n"
#define VMS   "vms: {name: web, count: 3, memory: 1GiB, workload: constant}\n"
#define GOOD  HEAD HOSTS VMS /* the next line is the 5th */
#define N(a)  (sizeof(a) / sizeof((a)[0]))

static int load_text(struct scenario **s, const char *text, const struct scenario_set *sets,
		     size_t nsets, struct err *err)
{
	err_clear(err);
	return scenario_load_text(s, "t.yaml", text, strlen(text), sets, nsets, err);
}

static struct scenario *good(const char *text)
{
	struct scenario *s;
	struct err err;

	if (load_text(&s, text, NULL, 0, &err))
		fail_msg("%s", err.text);
	return s;
}

static void bad(const char *text, const char *message)
{
	struct scenario *s;
	struct err err;

	assert_int_equal(load_text(&s, text, NULL, 0, &err), -EINVAL);
	assert_string_equal(err.text, message);
	assert_int_equal(err_exit_status(&err), 2);
	scenario_free(s);
}

struct mistake {
	const char *text, *message;
};

static void bad_all(const struct mistake *mistake, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bad(mistake[i].text, mistake[i].message);
}

static void test_defaults(void **state)
{
	(void)state;
	struct scenario *s = good(GOOD);
	const struct host_spec *host = s->hosts.items;
	const struct vm_spec *vm = s->vms.items;

	assert_string_equal(s->name, "t");
	assert_string_equal(s->path, "t.yaml");
	assert_int_equal(s->tick_ns, 1000000000);
	assert_int_equal(s->warmup_ns, 0);
	assert_int_equal(s->reallocate, REALLOCATE_EVENT);
	assert_int_equal(s->seed, 1);
	assert_int_equal(s->hosts.n, 1);
	assert_int_equal(host->count, 1);
	assert_true(host->speed == 2000 && isinf(host->swap) && isinf(host->network));
	assert_int_equal(host->disks.n, 0);
	assert_null(host->power.plugin);
	assert_int_equal(vm->count, 3);
	assert_int_equal(vm->vcpus, 1);
	assert_true(vm->cpu.floor.value == 0 && isinf(vm->cpu.cap.value) && vm->cpu.weight == 1);
	assert_true(vm->ram.floor == 0 && isinf(vm->ram.cap) && vm->ram.weight == 1);
	assert_true(isinf(vm->io.cap) && isinf(vm->io.cap_iops) && vm->io.weight == 1);
	assert_int_equal(vm->arrivals.law, DIST_NONE);
	assert_int_equal(vm->workloads.n, 1);
	assert_true(isinf(s->overcommit.cpu) && s->overcommit.memory == 1);
	assert_true(s->memory_model.reuse_ns == 60000000000 && s->memory_model.dirty == 0.3);
	assert_true(s->memory_model.page == 4096);
	assert_int_equal(s->output.vm_timeline, 8);
	assert_string_equal(s->policies.name, "weighted");
	assert_string_equal(s->policies.placer.plugin->name, "first-fit");
	assert_int_equal(scenario_runs(s), 1);
	scenario_free(s);
}

static void test_absent(void **state)
{
	(void)state;
	struct scenario *s = good(
		HEAD HOSTS "vms: [{name: a, memory: 1GiB, workload: [constant, constant]}]\n"
			   "actions: {at: 1s, vm: a, do: resize, cpu: {cap: 50%}, memory: 2GiB}\n");
	const struct vm_spec *vm = s->vms.items;
	const struct action_spec *action = s->actions.items;

	assert_int_equal(vm->count, -1);
	assert_int_equal(vm->workloads.n, 2);
	assert_int_equal(s->actions.n, 1);
	assert_int_equal(action->action, ACTION_RESIZE);
	assert_true(action->cpu.cap.value == 0.5 && action->cpu.cap.unit == CPU_FRACTION);
	assert_true(isnan(action->cpu.floor.value) && isnan(action->cpu.weight));
	assert_true(isnan(action->ram.cap) && isnan(action->io.floor_iops));
	assert_true(action->vcpus == 0 && action->memory == 2147483648.0);
	scenario_free(s);
}

static void test_anchors(void **state)
{
	(void)state;
	struct scenario *s =
		good(HEAD HOSTS "vms:\n"
				"  - &a {name: a, memory: 1GiB, cpu: &c {weight: 3},\n"
				"        workload: &w {kind: constant}}\n"
				"  - {<<: *a, name: b, memory: 2GiB}\n"
				"  - {name: c, memory: 3GiB, cpu: *c, workload: [*w, *w]}\n");
	const struct vm_spec *vm = s->vms.items;

	assert_int_equal(s->vms.n, 3);
	assert_string_equal(vm[1].name, "b");
	assert_true(vm[1].memory == 2147483648.0 && vm[1].cpu.weight == 3);
	assert_true(vm[2].cpu.weight == 3);
	assert_int_equal(vm[2].workloads.n, 2);
	scenario_free(s);
}

static void test_syntax(void **state)
{
	static const struct mistake mistakes[] = {
		{"", "t.yaml:1:1: scenario: is empty (should be a mapping of settings)"},
		{"# nothing\n", "t.yaml:1:1: scenario: is empty (should be a mapping of settings)"},
		{"~", "t.yaml:1:1: scenario: is empty (should be a mapping of settings)"},
		{"- a", "t.yaml:1:1: scenario: is a list (should be a mapping of settings)"},
		{"a: [1\nb: 2\n", "t.yaml:2:2: syntax: did not find expected ',' or ']' (while "
				  "parsing a flow sequence that begins in line 1)"},
		{"tick: 1s\n\tduration: 1h\n",
		 "t.yaml:2:1: syntax: found a tab character that violates indentation (indent with "
		 "blanks, not tabs)"},
		{"name: \xff\n", "t.yaml:1:7: syntax: invalid leading UTF-8 octet (text in UTF-8)"},
		{"tick: 1s\n---\ntick: 1s\n",
		 "t.yaml:3:1: syntax: a second document begins (one is allowed)"},
		{"a: &a [*a]\n",
		 "t.yaml:1:4: syntax: an alias stands inside of what it stands for"},
		{"a: *b\n", "t.yaml:1:4: syntax: found undefined alias"},
		{"a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
		 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
		 "t.yaml:1:43: syntax: values are nested too deeply"},
		{"<<: 1\n" GOOD, "t.yaml:1:1: <<: is a single value (an alias of a mapping)"},
		{"[a]: 1\n" GOOD, "t.yaml:1:1: key: is not a name"},
		{"name: \"a\\0b\"\n" GOOD, "t.yaml:1:7: text: contains a NUL character"},
		{GOOD "tick: 2s\n", "t.yaml:5:1: tick: is here twice (first in line 1)"},
	};

	(void)state;
	bad_all(mistakes, N(mistakes));
	struct scenario *s;
	struct err err = {.kind = ERR_NONE};
	assert_int_equal(scenario_load_text(&s, "t.yaml", "a: \0", 4, NULL, 0, &err), -EINVAL);
	assert_string_equal(
		err.text, "t.yaml:1:4: syntax: control characters are not allowed (text in UTF-8)");
	scenario_free(s);
}

static void test_values(void **state)
{
	static const struct mistake mistakes[] = {
		{GOOD "name:\n", "t.yaml:5:1: name: is empty (should be text)"},
		{GOOD "seed: [1]\n", "t.yaml:5:1: seed: is a list (should be whole number)"},
		{GOOD "policies: [a]\n", "t.yaml:5:1: policies: is a list (should be a mapping)"},
		{GOOD "output: drf\n",
		 "t.yaml:5:1: output: is a single value (should be a mapping)"},
		{GOOD "actions: 5\n",
		 "t.yaml:5:1: actions: is a single value (should be a list of mappings)"},
		{GOOD "actions: [5]\n",
		 "t.yaml:5:11: actions: is a single value (should be a mapping)"},
		{GOOD "sed: 5\n", "t.yaml:5:1: sed: unknown key (did you mean seed?)"},
		{GOOD "warmup: 5\n", "t.yaml:5:1: warmup: 5 needs a unit (for example 5s)"},
		{GOOD "seeds: [1, x]\n",
		 "t.yaml:5:12: seeds: \"x\" is not a whole number; write for example 42"},
		{GOOD "replications: 0\n", "t.yaml:5:1: replications: 0 is below the minimum 1"},
		{GOOD "oom: restrat\n",
		 "t.yaml:5:1: oom: must be one of destroy, restart; did you mean restart?"},
		{GOOD "policies: {cpu: weigthed}\n",
		 "t.yaml:5:12: cpu: \"weigthed\" is not a known host policy (did you mean "
		 "weighted?)"},
		{GOOD "policies: {cpu: {kind: weighted, rul: m2}}\n",
		 "t.yaml:5:34: rul: unknown key (did you mean rule?)"},
		{GOOD "policies: {cpu: {kind: equal, zz: m2}}\n",
		 "t.yaml:5:31: zz: unknown key (there are none here)"},
		{HEAD HOSTS
		 "vms: {name: a, memory: 1GiB, workload: {kind: onoff, on: 1s, off_time: 1s}}\n",
		 "t.yaml:4:54: on: unknown key (it is called on_time now)"},
		{HEAD HOSTS "vms: {name: a, workload: constant}\n",
		 "t.yaml:4:6: memory: is missing (RAM: bytes with unit, for example 4GiB)"},
		{HEAD HOSTS "vms: {name: a, memory: 1GiB, workload: constant, lifetime: "
			    "uniform(1s, 5s)}\n",
		 "t.yaml:4:50: lifetime: must have the form uniform(low, high)\n"
		 "t.yaml:4:72: 5s): unknown key (quote a value with a comma inside of { } or [ ])"},
		{HEAD HOSTS "vms: {name: a, memory: 1GiB, workload: {kind: trace, path: nosuch}}\n",
		 "t.yaml:4:54: path: nosuch: No such file or directory"},
		{HEAD HOSTS "vms: {name: a, memory: 1GiB, workload: trace}\n",
		 "t.yaml:4:30: path: is missing (file or directory of the trace: path "
		 "of a file or folder)"},
	};

	(void)state;
	bad_all(mistakes, N(mistakes));
}

/* A key like none that is known: all of them are told. */
static void test_known_keys(void **state)
{
	char expected[2000] = "t.yaml:5:1: zzzzzz: unknown key (known are ";

	(void)state;
	for (const struct opt *opt = scenario_table.opts; opt->name; opt++) {
		strcat(expected, opt->name);
		strcat(expected, opt[1].name ? ", " : ")");
		assert_true(strlen(expected) < sizeof(expected) - 100);
	}
	bad(GOOD "zzzzzz: 5\n", expected);
}

static void test_all_at_once(void **state)
{
	(void)state;
	bad("tick: 1\n"
	    "duration: 1h\n"
	    "hosts:\n"
	    "  - {name: h, cores: 0, speed: 2, memory: 8GiB}\n"
	    "vms:\n"
	    "  - name: a\n"
	    "    memory: 1GiB\n"
	    "    cpu: {weight: -1}\n"
	    "    workload: {kind: constnt}\n",
	    "t.yaml:1:1: tick: 1 needs a unit (for example 1s)\n"
	    "t.yaml:4:15: cores: 0 is below the minimum 1\n"
	    "t.yaml:4:25: speed: 2 needs a unit (for example 2 MHz)\n"
	    "t.yaml:8:11: weight: -1 is below the minimum 0\n"
	    "t.yaml:9:16: workload: \"constnt\" is not a known workload (did you mean constant?)");
}

/* Options of one plug-in that are right one by one and wrong together: where they are written, else where the
 * plug-in is named. */
static void test_plugin_checks(void **state)
{
#define POWER(text)                                                                     \
	HEAD "hosts: {name: h, cores: 4, speed: 2GHz, memory: 8GiB, power: " text "}\n" \
	     "vms: {name: a, memory: 1GiB, workload: constant}\n"
#define WORK(text) HEAD HOSTS "vms: {name: a, memory: 1GiB, workload: " text "}\n"
	static const struct mistake mistakes[] = {
		{POWER("table"),
		 "t.yaml:3:55: host: is missing (name of a measured server, or watts)"},
		{POWER("{kind: table, watts: [1W, 2W]}"),
		 "t.yaml:3:76: watts: has 2 values (should have 11, at 0, 10, ... 100 % load)"},
		{POWER("{kind: table, host: hp-ml110-g5, watts: 1W}"),
		 "t.yaml:3:95: watts: cannot stand beside host (one of them)"},
		{POWER("{kind: linear, max: 9W, idle: 10W}"),
		 "t.yaml:3:77: max: 9W is below idle, 10W"},
		{WORK("[{kind: batch, work: 1s, cpu: 0%}, {kind: transfer, amount: 1GB}]"),
		 "t.yaml:4:65: cpu: is 0 (should be above 0: it would never end)\n"
		 "t.yaml:4:76: bandwidth: is missing or 0 (should be above 0: it would never end)"},
		{WORK("{kind: onoff, on_time: 0s, off_time: 0s}"),
		 "t.yaml:4:54: on_time: and off_time have means of 0 s and 0 s (neither may be "
		 "negative, nor both 0)"},
		{WORK("{kind: requests, service: 1s, cpu: 0%}"),
		 "t.yaml:4:70: cpu: is 0 (should be above 0: no request would ever be done)"},
		{WORK("{kind: requests, service: 1s, arrivals: 0s}"),
		 "t.yaml:4:70: arrivals: has a mean of 0 s (should be above 0, or count say how "
		 "many there are)"},
		{WORK("{kind: requests, service: 1s, count: 2}"),
		 "t.yaml:4:41: arrivals: is missing (count says how many arrive, arrivals when)"},
		/* Nothing more is said where single options are wrong. */
		{WORK("{kind: requests, service: -1, count: 2}"),
		 "t.yaml:4:57: service: -1 needs a unit (for example -1s)"},
	};
	char unknown[1000] = "t.yaml:3:76: host: \"ml110\" is not a known server (known are ";

	(void)state;
	bad_all(mistakes, N(mistakes));
	for (size_t i = 0; power_table_at(i); i++) {
		strcat(unknown, power_table_at(i)->name);
		strcat(unknown, power_table_at(i + 1) ? ", " : ")");
		assert_true(strlen(unknown) < sizeof(unknown) - 100);
	}
	bad(POWER("{kind: table, host: ml110}"), unknown);
}

static void test_checks(void **state)
{
	static const struct mistake mistakes[] = {
		{"tick: 2h\nduration: 1h\n" HOSTS VMS, "t.yaml:1:1: tick: is longer than duration"},
		{"tick: 1ns\nduration: 1h\n" HOSTS VMS,
		 "t.yaml:1:1: tick: makes more than 1000000000 ticks in duration (a longer tick)"},
		{GOOD "warmup: 1h\n", "t.yaml:5:1: warmup: is not shorter than duration"},
		{GOOD "seeds: 3\nreplications: 2\n",
		 "t.yaml:6:1: replications: cannot stand beside seeds (one of the two)"},
		{GOOD "seeds: []\n", "t.yaml:5:1: seeds: is an empty list (at least one seed)"},
		{GOOD "seeds: [4, 5, 4]\n", "t.yaml:5:1: seeds: has 4 twice"},
		{HEAD "hosts: []\nvms: []\n",
		 "t.yaml:3:1: hosts: is an empty list (at least one group)\n"
		 "t.yaml:4:1: vms: is an empty list (at least one group)"},
		{HEAD HOSTS "vms:\n- {name: a b, memory: 1GiB, workload: constant}\n"
			    "- {name: a, memory: 1GiB, workload: constant}\n"
			    "- {name: a, memory: 1GiB, workload: constant}\n",
		 "t.yaml:5:4: name: \"a b\" is not a name (letters, digits, _ . and -)\n"
		 "t.yaml:7:4: name: \"a\" is also entry 1 (names must differ)"},
		{HEAD HOSTS "vms:\n- {name: a, memory: 1GiB, count: 4, workload: constant}\n"
			    "- {name: a-3, memory: 1GiB, workload: constant}\n",
		 "t.yaml:6:4: name: \"a-3\" is also a VM of group a"},
		{HEAD HOSTS "vms: {name: a, memory: 1GiB, workload: constant,\n"
			    "  cpu: {floor: 80%, cap: 500 MHz}, ram: {floor: 2GiB, cap: 1GiB},\n"
			    "  io: {floor: 2MB/s}}\n",
		 "t.yaml:5:9: floor: is above the cap\n"
		 "t.yaml:5:42: floor: is above the cap\n"
		 "t.yaml:6:8: floor: is beyond the bandwidth of every disk"},
		{HEAD HOSTS "vms: {name: a, memory: 1GiB, workload: constant,\n"
			    "  cpu: {floor: 5 cores}, ram: {floor: 9GiB}}\n",
		 "t.yaml:5:9: floor: is 10000 MHz, beyond the largest host (8000 MHz)\n"
		 "t.yaml:5:32: floor: is beyond the memory of every host"},
		{HEAD HOSTS "vms: {name: a, memory: 1GiB, workload: constant, start: 1h,\n"
			    "  size_from_trace: true, arrivals: 0s}\n",
		 "t.yaml:4:50: start: is not before the end of the run\n"
		 "t.yaml:5:3: size_from_trace: needs a workload that replays a trace\n"
		 "t.yaml:5:26: arrivals: is no time at all"},
		{GOOD "actions:\n- {at: 1h, vm: web-3, do: stop, vcpus: 3}\n"
		      "- {at: 1s, vm: web-2, do: resize}\n",
		 "t.yaml:6:4: at: is not before the end of the run\n"
		 "t.yaml:6:12: vm: there is no group or VM \"web-3\" (group, or group-INDEX from "
		 "0)\n"
		 "t.yaml:6:33: vcpus: stands only beside do: resize\n"
		 "t.yaml:7:23: do: resize needs one of vcpus, memory, cpu, ram, io"},
		{HEAD HOSTS "vms: {name: a, memory: 1GiB, workload: constant, start: 5min}\n"
			    "actions: [{at: 5min, vm: a-0, do: stop}]\n",
		 "t.yaml:5:12: at: nothing is there to act on before a are created, at 5min (a "
		 "later time)"},
		{GOOD "policies: {all: drf, cpu: equal}\n",
		 "t.yaml:5:12: all: cannot stand beside cpu, memory or disk (one side only)"},
		{GOOD "policies: {all: equal}\n", "t.yaml:5:12: all: equal does not divide all "
						  "resources at once (use cpu, memory and "
						  "disk)"},
		{GOOD "compare: [equal, equal]\n",
		 "t.yaml:5:18: name: \"cpu=equal\" is also entry 0 (names must differ)"},
		{HEAD
		 "hosts: {name: h, cores: 4, speed: 2GHz, memory: 8GiB, time_to_failure: 1d}\n" VMS,
		 "t.yaml:3:55: time_to_failure: needs time_to_repair beside it"},
	};

	(void)state;
	bad_all(mistakes, N(mistakes));
}

/* What is wrong in itself is not held against others, and keeps nothing else from being told. */
static void test_checks_of_the_rest(void **state)
{
	static const struct mistake mistakes[] = {
		{"tick: 0s\nduration: 1h\nwarmup: 2h\n" HOSTS VMS,
		 "t.yaml:1:1: tick: 0s is below the minimum 1ns\n"
		 "t.yaml:3:1: warmup: is not shorter than duration"},
		{"tick: 1s\nduration: 0s\nwarmup: 2h\n" HOSTS VMS,
		 "t.yaml:2:1: duration: 0s is below the minimum 1ns"},
		{HEAD HOSTS "vms:\n- {name: a, vcpus: 0, memory: 1GiB, workload: constant}\n"
			    "- {name: a, memory: 1GiB, workload: constant, ram: {floor: 9GiB}}\n"
			    "rules: [{name: r, vms: [c], keep: apart}]\n",
		 "t.yaml:5:13: vcpus: 0 is below the minimum 1\n"
		 "t.yaml:6:4: name: \"a\" is also entry 0 (names must differ)\n"
		 "t.yaml:6:53: floor: is beyond the memory of every host"},
		{HEAD "hosts:\n- {name: h, cores: 0, speed: 2GHz, memory: 8GiB, rack: 2}\n"
		      "- {name: g, cores: 4, speed: 2GHz, memory: 8GiB, time_to_failure: 1d}\n"
		      "vms: {name: a, memory: 1GiB, workload: constant, ram: {floor: 9GiB, cap: "
		      "8GiB},\n  cpu: {floor: 1GHz, cap: 10%}}\n",
		 "t.yaml:4:13: cores: 0 is below the minimum 1\n"
		 "t.yaml:5:50: time_to_failure: needs time_to_repair beside it\n"
		 "t.yaml:6:56: floor: is above the cap"},
		{GOOD "policies: {placer: bestfit}\ncompare: [equal, equal]\n",
		 "t.yaml:5:12: placer: \"bestfit\" is not a known placer (did you mean best-fit?)"},
		{GOOD "compare: [equals, {name: a}, {name: a}]\n",
		 "t.yaml:5:11: cpu: \"equals\" is not a known host policy (did you mean equal?)\n"
		 "t.yaml:5:31: name: \"a\" is also entry 1 (names must differ)"},
		{GOOD "when_full: que\nqueue_limit: 3\n",
		 "t.yaml:5:1: when_full: must be one of reject, queue; did you mean queue?"},
	};

	(void)state;
	bad_all(mistakes, N(mistakes));
}

static void run_is(const struct scenario *s, size_t i, const char *what)
{
	struct policy_set set;
	char text[200];
	uint64_t seed;

	scenario_run(s, i, &set, &seed);
	snprintf(text, sizeof(text), "%s: %s %s %s %s %s %d", set.name,
		 set.all.plugin ? set.all.plugin->name : "-",
		 set.cpu.plugin ? set.cpu.plugin->name : "-",
		 set.memory.plugin ? set.memory.plugin->name : "-",
		 set.disk.plugin ? set.disk.plugin->name : "-", set.placer.plugin->name, (int)seed);
	assert_string_equal(text, what);
}

static void test_runs(void **state)
{
	(void)state;
	struct scenario *s =
		good(GOOD "seeds: [7, 3]\n"
			  "policies: {memory: equal, placer: best-fit}\n"
			  "compare: [strict, drf, {name: mine, disk: equal},\n"
			  "  {cpu: {kind: weighted, rule: m2}, placer: random}, {}]\n");
	assert_int_equal(scenario_runs(s), 10);
	run_is(s, 0, "strict: - strict equal weighted best-fit 7");
	run_is(s, 1, "strict: - strict equal weighted best-fit 3");
	run_is(s, 2, "drf: drf - - - best-fit 7");
	run_is(s, 5, "mine: - weighted equal equal best-fit 3");
	run_is(s, 6, "weighted:rule=m2/random: - weighted equal weighted random 7");
	run_is(s, 8, "equal/best-fit: - weighted equal weighted best-fit 7");
	scenario_free(s);

	s = good(GOOD "seed: 10\nreplications: 3\npolicies: {all: drf}\n"
		      "compare: [{cpu: equal}, {memory: equal}, {placer: random}]\n");
	assert_int_equal(scenario_runs(s), 9);
	run_is(s, 2, "cpu=equal: - equal weighted weighted first-fit 12");
	run_is(s, 3, "memory=equal: - weighted equal weighted first-fit 10");
	run_is(s, 6, "placer=random: drf - - - random 10");
	scenario_free(s);

	s = good(GOOD "compare: strict\n");
	assert_int_equal(scenario_runs(s), 1);
	run_is(s, 0, "strict: - strict weighted weighted first-fit 1");
	scenario_free(s);
}

static void set_is_bad(const char *path, const char *value, const char *message)
{
	const struct scenario_set set = {path, value};
	struct scenario *s;
	struct err err;

	assert_int_equal(load_text(&s, GOOD, &set, 1, &err), -EINVAL);
	assert_string_equal(err.text, message);
	scenario_free(s);
}

/* "*" is every entry; what another --set says later of one of them holds. */
static void test_set_each(void **state)
{
	static const struct scenario_set sets[] = {
		{"vms.*.count", "5"}, {"vms.*.workload.cpu", "7%"}, {"vms.1.count", "6"}};
	static const char two[] =
		HEAD HOSTS "vms: [{name: a, memory: 1GiB, workload: constant},"
			   " {name: b, memory: 1GiB, workload: {kind: constant, cpu: 1%}}]\n";
	struct scenario *s;
	struct err err;

	(void)state;
	if (load_text(&s, two, sets, N(sets), &err))
		fail_msg("%s", err.text);
	const struct vm_spec *vm = s->vms.items;
	assert_int_equal(vm[0].count, 5);
	assert_int_equal(vm[1].count, 6);
	for (int i = 0; i < 2; i++) {
		const struct plugin_spec *load = vm[i].workloads.items;
		const struct opt *cpu = opt_find(load->plugin->opts, "cpu");
		const char *state_of = load->state;
		assert_true(((const struct cpu_amount *)(const void *)(state_of + cpu->offset))
				    ->value == 0.07);
	}
	scenario_free(s);
}

static void test_set_values(void **state)
{
	static const struct scenario_set sets[] = {
		{"tick", "5s"},
		{"vms.web.count", "5"},
		{"vms.0.workload.memory", "1MiB"},
		{"policies.placer", "random"},
		{"overcommit.cpu", "2"},
		{"compare", "[equal, drf]"},
		{"hosts.h.disks", "[{bandwidth: 1MB/s}]"},
		{"hosts.h.disks.0.iops", "50/s"},
	};
	struct scenario *s, *plain = good(GOOD);
	struct err err;

	(void)state;
	if (load_text(&s, GOOD, sets, N(sets), &err))
		fail_msg("%s", err.text);
	const struct host_spec *host = s->hosts.items;
	const struct disk_spec *disk = host->disks.items;
	assert_int_equal(s->tick_ns, 5000000000);
	assert_int_equal(((const struct vm_spec *)s->vms.items)->count, 5);
	assert_true(s->overcommit.cpu == 2);
	assert_true(disk->iops == 50 && disk->bandwidth == 1e6);
	assert_int_equal(scenario_runs(s), 2);
	assert_string_equal(s->policies.placer.plugin->name, "random");
	assert_true(s->hash != plain->hash);
	scenario_free(s);
	scenario_free(plain);
}

static void test_set_mistakes(void **state)
{
	(void)state;
	set_is_bad("tick", "5", "--set tick: tick: 5 needs a unit (for example 5s)");
	set_is_bad("tick", "",
		   "--set tick: tick: is empty (should be time with unit, for example "
		   "5min)");
	set_is_bad("tik", "5s", "--set tik: tik: unknown key (did you mean tick?)");
	set_is_bad("tick.x", "5s", "--set tick.x: tick: is a single value and has nothing inside");
	set_is_bad("vms.wob.count", "5",
		   "--set vms.wob.count: vms: has no entry \"wob\" (has web)");
	set_is_bad("vms.7.count", "5", "--set vms.7.count: vms: has no entry \"7\" (has web)");
	set_is_bad("vms..count", "5",
		   "--set vms..count: path: has an empty step (keys, and names or indexes of "
		   "entries, with dots between)");
	set_is_bad("vms.web.cpu.weight", "-5",
		   "--set vms.web.cpu.weight: weight: -5 is below the minimum 0");
	set_is_bad("vms.web.cpu", "{weight: 1, weight: 2}",
		   "--set vms.web.cpu: weight: is here twice");
	set_is_bad("tick", "[",
		   "--set tick: syntax: did not find expected node content (while "
		   "parsing a flow node)");
	set_is_bad("warmup", "2h", "--set warmup: warmup: is not shorter than duration");
}

static void test_include(void **state)
{
	struct scenario *s;
	struct err err = {.kind = ERR_NONE};

	(void)state;
	if (scenario_load(&s, "tests/data/yaml/top.yaml", NULL, 0, &err))
		fail_msg("%s", err.text);
	const struct host_spec *host = s->hosts.items;
	assert_int_equal(s->duration_ns, 7200000000000);
	assert_int_equal(s->seed, 4);
	assert_int_equal(s->hosts.n, 2);
	assert_string_equal(host[0].name, "base");
	assert_string_equal(host[1].name, "own");
	/* A section of the including file counts as a whole. */
	assert_true(s->overcommit.cpu == 3 && s->overcommit.memory == 1);
	assert_string_equal(s->name, "top");
	scenario_free(s);
}

static void test_include_mistakes(void **state)
{
	struct scenario *s;
	struct err err = {.kind = ERR_NONE};

	(void)state;
	assert_int_equal(scenario_load(&s, "tests/data/yaml/wrong.yaml", NULL, 0, &err), -EINVAL);
	assert_string_equal(
		err.text,
		"tests/data/yaml/wrong.yaml:1:21: include: tests/data/yaml/nowhere.yaml: No such "
		"file or directory\n"
		"tests/data/yaml/wrong.yaml:2:1: duration: \"x\" is not a known unit; use ns, us, "
		"ms, "
		"s, min, h, d, w\n"
		"tests/data/yaml/bad.yaml:1:1: tick: 0s is below the minimum 1ns\n"
		"tests/data/yaml/bad.yaml:4:50: vcpu: unknown key (did you mean vcpus?)");
	scenario_free(s);
	err_clear(&err);
	assert_int_equal(scenario_load(&s, "tests/data/yaml/cycle1.yaml", NULL, 0, &err), -EINVAL);
	assert_non_null(strstr(err.text, "tests/data/yaml/cycle2.yaml:1:11: include: "
					 "tests/data/yaml/./cycle1.yaml includes itself"));
	scenario_free(s);
	err_clear(&err);
	assert_int_equal(scenario_load(&s, "tests/data/yaml", NULL, 0, &err), -EINVAL);
	assert_string_equal(err.text, "tests/data/yaml: Is a directory");
	scenario_free(s);
}

/* Every allocation fails once; nothing leaks, and each failure is told. In the end the text is read, to the result
 * @end. */
static void memory_runs_out(const char *text, const struct scenario_set *sets, size_t nsets,
			    int end)
{
	size_t before = mem_live();
	int code = -ENOMEM;

	for (uint64_t n = 1; code == -ENOMEM; n++) {
		struct scenario *s;
		struct err err;
		assert_true(n < 10000);
		mem_fail_at(n);
		code = load_text(&s, text, sets, nsets, &err);
		mem_fail_at(0);
		if (code != end && (code != -ENOMEM || strcmp(err.text, "out of memory") != 0))
			fail_msg("allocation %d: %d %s", (int)n, code, err.text);
		scenario_free(s);
		assert_int_equal(mem_live(), before);
	}
}

static void test_memory(void **state)
{
	static const struct scenario_set sets[] = {{"vms.web.cpu.weight", "2"},
						   {"policies.cpu.rule", "m2"}};

	(void)state;
	memory_runs_out(
		HEAD HOSTS
		"vms: [&w {name: web, memory: 1GiB, workload: constant}, {<<: *w, name: x}]\n"
		"include: tests/data/yaml/base.yaml\n"
		"policies: {cpu: weighted}\n"
		"compare: [equal, drf, {cpu: {kind: weighted, rule: m1}}]\n",
		sets, N(sets), 0);
	memory_runs_out(HEAD HOSTS
			"vms: [{name: web, memry: 1GiB, workload: constant},\n"
			"  {name: b, memory: 1GiB, workload: {kind: trace}, ram: {floor: 9GiB}}]\n"
			"rules: [{name: r, vms: [c], keep: apart}]\n"
			"compare: [equals, drf, {cpu: {kind: weighted, rule: m9}}]\n",
			NULL, 0, -EINVAL);
}

static void test_examples(void **state)
{
	static const char *const files[] = {"01-first",           "02-noisy-neighbour",
					    "03-cpu-overcommit",  "04-memory-overcommit",
					    "05-disk-contention", "06-mixed-tenants",
					    "07-vm-churn",        "08-trace-day",
					    "09-request-queue",   "10-batch-backlog"};
	char path[100];

	(void)state;
	for (size_t i = 0; i < N(files); i++) {
		struct scenario *s;
		struct err err = {.kind = ERR_NONE};
		snprintf(path, sizeof(path), "scenarios/%s.yaml", files[i]);
		if (scenario_load(&s, path, NULL, 0, &err))
			fail_msg("%s", err.text);
		assert_string_equal(s->name, files[i] + 3);
		assert_non_null(s->about);
		scenario_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_known_keys),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_checks_of_the_rest),
		cmocka_unit_test(test_plugin_checks),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_set_each),
		cmocka_unit_test(test_set_values),
		cmocka_unit_test(test_set_mistakes),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_mistakes),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
