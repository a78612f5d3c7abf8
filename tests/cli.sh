#!/bin/sh
# The program as its user meets it: exit statuses and messages, interrupted and broken runs, and
# results that depend on nothing but the scenario. COTENANT names the program (default ./cotenant).
cd "$(dirname "$0")/.." || exit 2
cotenant=${COTENANT:-./cotenant}
work=$(mktemp -d) || exit 2
disk=
trap '[ -z "$disk" ] || umount "$disk"; rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
first=scenarios/01-first.yaml
LC_ALL=C
export LC_ALL

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "cli: FAILED: $*"; }
skip() { skipped=$((skipped + 1)); echo "cli: SKIPPED: $*"; }
is() { # what, words of a condition
	what=$1
	shift
	if "$@"; then pass; else fail "$what"; fi
}

# expect STATUS TEXT ARGUMENT...: the exit status, and what is said: on stdout if all is well, else
# on stderr with nothing on stdout.
expect() {
	status=$1 text=$2
	shift 2
	timeout -k 5 60 "$cotenant" "$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	said=$work/err
	[ "$status" -ne 0 ] || said=$work/out
	if [ $got -ne "$status" ]; then
		fail "cotenant $*: exit status $got, not $status"
		head -n 5 "$work/err"
	elif ! grep -qF -e "$text" "$said"; then
		fail "cotenant $*: does not say: $text"
		head -n 5 "$said"
	elif [ "$status" -ne 0 ] && [ -s "$work/out" ]; then
		fail "cotenant $*: an error, but there are results on stdout"
	else
		pass
	fi
}

# Results of two directories are the same; the manifest tells times.
same() { diff -r -x manifest.yaml "$1" "$2" >"$work/diff" 2>&1 || { head -n 5 "$work/diff"; false; }; }
differ() { ! cmp -s "$1" "$2"; }
whole() { [ -s "$1/summary.csv" ] && [ -s "$1/vms.csv" ] && [ ! -e "$1/.parts" ]; }
none_half() { [ -z "$(find "$1" -maxdepth 1 -type f)" ]; }

messages() {
	expect 0 "cotenant run" --help
	expect 0 "cotenant 0." --version
	expect 2 "cotenant run"
	expect 2 "nosuch: no such command" nosuch
	expect 2 "usage: cotenant run" run
	expect 2 "run: --nosuch: no such option" run --nosuch "$first"
	expect 2 "run: -o: needs a value" run "$first" -o
	expect 2 "usage: cotenant run" run "$first" "$first"
	expect 2 "-j 0: not a number of jobs" run "$first" -j 0
	expect 2 "-j 1x: not a number of jobs" run "$first" -j 1x
	expect 2 "nosuch.yaml: No such file" run nosuch.yaml
	expect 2 "nosuch.yaml: No such file" check nosuch.yaml
	expect 2 "--set tick: no value" run "$first" --set tick
	expect 2 "nosuch: unknown key" run "$first" --set nosuch=1
	expect 2 "cannot load plug-in nosuch.so: ./nosuch.so" run "$first" --plugin nosuch.so
	expect 2 "--plugin: the file's name is empty" run "$first" --plugin ""
	expect 2 "nosuch/summary.csv: cannot read" compare nosuch
	expect 2 "nosuch: No such file" plot nosuch
	expect 2 "$first: Not a directory (the folder that" plot "$first"
	mkdir "$work/nothing"
	expect 2 "nothing to draw" plot "$work/nothing"
	is "plot leaves nothing where there is nothing to draw" rmdir "$work/nothing"
	expect 2 "nosuch: No such file" report nosuch
	expect 2 "nosuch: cannot be opened" trace info nosuch
	expect 2 "trace: needs" trace
	printf '\037\213\010\000\000' >"$work/x.csv.gz"
	expect 2 "x.csv.gz: is compressed (unpack it first)" trace info "$work/x.csv.gz"
	printf 'time;vm;cpu\n0;a;1\n' >"$work/x.csv"
	expect 2 'x.csv:1:1: "time;vm;cpu" is not separated by commas' trace info "$work/x.csv"
	printf 'a,b\n0,1\n' >"$work/x.csv"
	expect 2 'x.csv:1:1: "a,b" is not the header of a CSV trace' trace info "$work/x.csv"
	expect 2 "did you mean weighted?" policies weigted
	expect 2 "takes no arguments" schema x
	expect 0 "weighted (host policy)" policies weighted
	expect 0 '"$schema"' schema
	expect 0 "$first: ok (1 host, 2 VMs, 1 run)" check "$first"
	expect 0 "demo.csv: csv" trace info scenarios/traces/demo.csv
}

# What `make install` leaves runs from anywhere, and a plug-in can be built against it.
installed() {
	if [ ! -x cotenant ]; then
		skip "make install: there is no ./cotenant"
		return
	fi
	make -s -o cotenant install DESTDIR="$work/root" PREFIX=/usr >"$work/out" 2>"$work/err" </dev/null
	is "make install: exit status $?" [ $? -eq 0 ]
	for file in "$work"/root/usr/share/cotenant/scenarios/*.yaml; do
		(cd / && "$work/root/usr/bin/cotenant" check "$file") >"$work/out" 2>"$work/err"
		is "${file##*/}, installed: exit status $?" [ $? -eq 0 ]
	done
	sed 's/policy_none/cotenant_policy/; s/"none"/"mine"/' policies/none.c >"$work/mine.c"
	${CC:-cc} -shared -fPIC -I"$work/root/usr/include/cotenant" -o "$work/mine.so" "$work/mine.c"
	is "a plug-in is built with the installed headers" [ -e "$work/mine.so" ]
	(cd "$work" && root/usr/bin/cotenant run root/usr/share/cotenant/scenarios/01-first.yaml -q -o mine \
		--plugin mine.so --set policies.cpu=mine) >"$work/out" 2>"$work/err"
	is "a plug-in of one's own runs" whole "$work/mine"
	is "the manifest names the plug-in" grep -q 'path: "mine.so", hash' "$work/mine/manifest.yaml"
}

# The manual names every command, every option of every command and every column.
manual() {
	man=sim/cotenant.1
	cat >"$work/all.yaml" <<-'YAML'
	tick: 1s
	duration: 2s
	hosts: {name: h, cores: 2, speed: 1GHz, memory: 1GiB}
	vms: {name: a, memory: 1MiB, workload: constant}
	output: {events: true, distributions: true}
	YAML
	"$cotenant" run -q "$work/all.yaml" -o "$work/all" >/dev/null 2>&1
	sed -n 's/^run,/&/p' "$work"/all/*.csv | tr , '\n' | sort -u >"$work/columns"
	awk '/^\./ { for (i = 2; i <= NF; i++) print $i }' $man | sort -u >"$work/words"
	comm -23 "$work/columns" "$work/words" >"$work/missing"
	is "the manual lacks columns: $(tr '\n' ' ' <"$work/missing")" [ ! -s "$work/missing" ]
	is "fewer than 100 columns" [ "$(wc -l <"$work/columns")" -ge 100 ]
	"$cotenant" --help | sed -n 's/^  cotenant \([a-z]*\).*/\1/p' | sort -u >"$work/commands"
	: >"$work/options"
	while read -r command; do
		"$cotenant" "$command" --help >"$work/usage" 2>&1
		is "cotenant $command --help: exit status $?" [ $? -eq 0 ]
		grep -o -e '--[a-z-]*' "$work/usage" | sed 's/^-//' >>"$work/options"
	done <"$work/commands"
	sort -u "$work/options" | comm -23 - "$work/words" >"$work/missing"
	is "the manual lacks options: $(tr '\n' ' ' <"$work/missing")" [ ! -s "$work/missing" ]
	comm -23 "$work/commands" "$work/words" >"$work/missing"
	is "the manual lacks commands: $(tr '\n' ' ' <"$work/missing")" [ ! -s "$work/missing" ]
}

# Every error of a file, each with its place.
positions() {
	cat >"$work/bad.yaml" <<-'END'
		name: bad
		tick: 1
		duraton: 1min
		hosts:
		  - {name: host, cores: 0, speed: 2GHz, memory: 8GiB}
		vms:
		  - {name: vm, vcpus: 1, memory: 1GiB, workload: {kind: constant, cpu: 100%}}
		policies: {cpu: weigted}
	END
	expect 2 "bad.yaml:3:1: duraton: unknown key (did you mean duration?)" run "$work/bad.yaml"
	expect 2 "bad.yaml:2:1: tick: 1 needs a unit" check "$work/bad.yaml"
	expect 2 "bad.yaml:5:18: cores: 0 is below the minimum 1" check "$work/bad.yaml"
	expect 2 "bad.yaml:8:12: cpu: \"weigted\" is not a known host policy (did you mean weighted?)" check "$work/bad.yaml"
	printf 'name: bad\n  tick: [1s\n' >"$work/bad.yaml"
	expect 2 "bad.yaml:2:" check "$work/bad.yaml"
	head -c 1000000 /dev/zero | tr '\0' '[' >"$work/bad.yaml"
	expect 2 "bad.yaml:1:41: syntax: values are nested too deeply" check "$work/bad.yaml"
	{ printf 'seeds: ['; yes 1, | head -n 2000000 | tr -d '\n'; } >"$work/bad.yaml"
	expect 2 "syntax: too many values" check "$work/bad.yaml"
	cp scenarios/08-trace-day.yaml "$work/lost.yaml"
	expect 2 "lost.yaml:29:36:" run "$work/lost.yaml" -o "$work/lost"
	expect 2 "path: $work/traces/demo.csv: No such file" run "$work/lost.yaml" -o "$work/lost"
	is "a run without its trace leaves no folder" [ ! -e "$work/lost" ]
}

places() {
	: >"$work/file"
	expect 1 "/proc/nosuch: cannot make the directory" run "$first" -o /proc/nosuch
	expect 1 "file/dir: cannot make the directory: Not a directory" run "$first" -o "$work/file/dir"
	(
		trap '' XFSZ
		ulimit -f 1
		exec "$cotenant" run scenarios/08-trace-day.yaml -o "$work/limit" -q
	) >"$work/out" 2>"$work/err"
	is "a file that may not grow is error 1" [ $? -eq 1 ]
	is "a file that may not grow is named" grep -q "csv.*File too large" "$work/err"
	is "a file that may not grow leaves no half file" none_half "$work/limit"
	mkdir "$work/disk"
	if ! mount -t tmpfs -o size=64k none "$work/disk" 2>/dev/null; then
		skip "full disk: a small file system cannot be mounted here"
		return
	fi
	disk=$work/disk
	expect 1 "No space left on device" run scenarios/08-trace-day.yaml -o "$disk/out"
	is "a full disk leaves no half file" none_half "$disk/out"
	umount "$disk" && disk=
}

closed_stdout() {
	"$cotenant" run "$first" -o "$work/closed" >&- 2>"$work/err"
	is "run with stdout closed is error 1" [ $? -eq 1 ]
	is "run with stdout closed keeps its results" whole "$work/closed"
	for command in --version --help policies schema "compare $work/closed"; do
		"$cotenant" $command >&- 2>"$work/err"
		is "$command with stdout closed is error 1" [ $? -eq 1 ]
		is "$command with stdout closed says so" [ -s "$work/err" ]
		[ -w /dev/full ] || continue
		"$cotenant" $command >/dev/full 2>"$work/err"
		is "$command with a full stdout is error 1" [ $? -eq 1 ]
	done
}

# What stands on the command line; guests are for tests/replay.sh.
replays() {
	expect 2 "replay: --nosuch: no such option" replay "$first" --nosuch
	expect 2 "validate: --cores: needs a value" validate "$first" --cores
	expect 2 "replay: a scenario is missing" replay
	expect 2 "validate: one scenario at a time" validate "$first" "$first"
	expect 2 "--cores x: not a list of cores" replay "$first" --cores x
	expect 2 "--step 0s: not a time above 0" replay "$first" --step 0s
	expect 2 "--tolerance 5: not one of cpu-rms=X" validate "$first" --tolerance 5
}

# What is recorded here is this shell: VMs are for tests/replay.sh.
recordings() {
	expect 0 "--interval TIME" record --help
	expect 2 "record: --nosuch: no such option" record --nosuch
	expect 2 "did you mean --interval?" record --intervall 1s
	expect 2 "record: x: no such option" record x
	expect 2 "--interval: 10ms is below the minimum 100ms" record --interval 10ms
	expect 2 "--interval: 5 needs a unit" record --interval 5
	expect 2 "--duration: needs a value" record --duration
	expect 2 "--duration: shorter than one interval" record --interval 2s --duration 1s
	expect 2 "--demand: must be one of wanted, used, closed, most" record --demand all
	expect 2 "--pid: 0 is below the minimum 1" record --pid 0
	expect 2 "$work: is a folder" record -o "$work"
	expect 2 "--name: the value is empty" record --name ""
	expect 2 "--details: the same file" record -o a --details a
	if ! [ -r /proc/self/schedstat ]; then
		skip "record: this kernel does not count run time (CONFIG_SCHED_INFO)"
		return
	fi
	expect 2 "--pid 2147483646: no such process" record --list --pid 2147483646
	expect 0 "1 VM; libvirt: not asked" record --list --pid $$ --libvirt none
	short="--interval 100ms --duration 200ms"
	expect 1 "nosuch/x.csv.tmp: cannot create" record $short --pid $$ -o "$work/nosuch/x.csv"
	expect 1 "no VM was there for a whole interval" record $short --name "none $$" -o "$work/x.csv"
	expect 0 "rows of 1 VMs" record $short --pid $$ --details "$work/details.csv" -o "$work/me.csv"
	expect 0 "me.csv: csv" trace info "$work/me.csv"
	sed 's/{kind: constant, cpu: 100%}/{kind: trace, path: me.csv}/' "$first" >"$work/me.yaml"
	expect 0 "weighted" run "$work/me.yaml" --set vms.web.size_from_trace=true -o "$work/me"
	if [ -w /dev/full ]; then
		ln -s /dev/full "$work/full.csv.tmp"
		expect 1 "full.csv: cannot write: No space left" record $short --pid $$ -o "$work/full.csv"
	fi
	for signal in INT TERM KILL; do
		"$cotenant" record --interval 100ms --duration none --pid $$ -q -o "$work/$signal.csv" 2>"$work/err" &
		pid=$!
		tries=0
		until [ "$(grep -c "^[0-9]" "$work/$signal.csv.tmp" 2>/dev/null)" -ge 2 ] || [ $tries -ge 600 ]; do
			sleep 0.02
			tries=$((tries + 1))
		done 2>/dev/null
		kill -$signal $pid
		wait $pid 2>/dev/null
		status=$?
		if [ $signal = KILL ]; then
			is "a killed recording has no file" [ ! -e "$work/KILL.csv" ]
			continue
		fi
		is "record: SIG$signal is no error" [ $status -eq 0 ]
		is "record: SIG$signal keeps what was sampled" "$cotenant" trace info "$work/$signal.csv" >"$work/out"
	done
}

# A batch of twelve runs that takes a second or two.
batch() {
	dir=$1
	shift
	"$cotenant" run scenarios/07-vm-churn.yaml --set duration=3d -q -o "$dir" "$@"
}

# Starts a batch, sends it a signal when two of its runs are finished. $? is its exit status.
interrupted() {
	"$cotenant" run scenarios/07-vm-churn.yaml --set duration=3d -q -j 1 -o "$2" 2>"$work/err" &
	pid=$!
	tries=0
	until [ -e "$2/.parts/00001/stats" ] || [ $tries -ge 600 ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
	kill -"$1" $pid
	wait $pid
}

batches() {
	batch "$work/j1" -j 1
	is "a batch succeeds" whole "$work/j1"
	batch "$work/j4" -j 4
	is "-j 1 and -j 4 give the same bytes" same "$work/j1" "$work/j4"
	TZ=Asia/Kathmandu batch "$work/tz"
	is "another time zone gives the same bytes" same "$work/j1" "$work/tz"
	comma=$(locale -a 2>/dev/null | grep -m 1 -iE '^(de|fr|es|it|ru)_.*utf-?8$')
	if [ -n "$comma" ]; then
		LC_ALL=$comma batch "$work/locale"
		is "locale $comma gives the same bytes" same "$work/j1" "$work/locale"
	else
		skip "another locale: none with a decimal comma is installed"
	fi

	interrupted INT "$work/int"
	is "SIGINT is error 1" [ $? -eq 1 ]
	is "SIGINT tells how to go on" grep -q -e "of 12 runs are finished.*--resume" "$work/err"
	is "SIGINT leaves no half file" none_half "$work/int"
	is "SIGINT keeps what is finished" [ -e "$work/int/.parts/00000/summary.csv" ]
	kept=$(cat "$work/int/.parts/00000/stats")
	batch "$work/int" --resume
	is "--resume gives what an uninterrupted batch gives" same "$work/j1" "$work/int"
	is "--resume does not repeat what is finished" grep -qF "$kept" "$work/int/manifest.yaml"

	interrupted KILL "$work/kill" 2>/dev/null
	is "kill -9 leaves no half file" none_half "$work/kill"
	batch "$work/kill" --resume
	is "--resume after kill -9 gives the same" same "$work/j1" "$work/kill"

	if command -v flock >/dev/null; then
		mkdir "$work/taken"
		flock "$work/taken" sleep 30 &
		pid=$!
		until ! flock -n "$work/taken" true; do sleep 0.02; done
		expect 1 "taken: another cotenant writes its results there" run "$first" -o "$work/taken"
		is "a folder in use is left alone" [ ! -e "$work/taken/.parts" ]
		kill $pid
	else
		skip "two runs into one folder: flock is not installed"
	fi

	interrupted TERM "$work/other"
	expect 2 "are of another scenario" run "$first" -o "$work/other" --resume
	expect 0 "cpu util" run "$first" -o "$work/other"
	is "a run without --resume starts anew" whole "$work/other"
}

# The results of a run are not in its folder's name, nor in what was there before.
repeatable() {
	"$cotenant" run "$first" -q -o "$work/a"
	(cd scenarios && case $cotenant in /*) p=$cotenant ;; *) p=../$cotenant ;; esac &&
		"$p" run 01-first.yaml -q -o "$work/a/b")
	cp "$work/a/vms.csv" "$work/vms.csv"
	"$cotenant" run "$first" -q -o "$work/a"
	is "a second run gives the same bytes" cmp "$work/vms.csv" "$work/a/vms.csv"
	is "a run from another folder gives the same bytes" cmp "$work/vms.csv" "$work/a/b/vms.csv"
	"$cotenant" run scenarios/07-vm-churn.yaml -q -o "$work/s" --set seeds=7 2>"$work/err" &&
		"$cotenant" run scenarios/07-vm-churn.yaml -q -o "$work/t" --set seeds=8 2>"$work/err"
	is "another seed gives other results" differ "$work/s/vms.csv" "$work/t/vms.csv"
}

messages
installed
manual
positions
places
replays
recordings
closed_stdout
batches
repeatable
echo "cli: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
