#!/bin/sh
# Two real guests for some seconds, and what is left of a run that is interrupted or killed: nothing.
cd "$(dirname "$0")/.." || exit 2
cotenant=${COTENANT:-./cotenant}
if ! [ -w /dev/kvm ]; then
	echo "replay: SKIPPED: no access to /dev/kvm"
	exit 0
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0
fail() { failed=1; echo "replay: FAILED: $*"; }

cat >"$work/two.yaml" <<'END'
name: two
tick: 1s
duration: 3s
seed: 1
hosts: [{name: host, cores: 1, speed: 2GHz, memory: 1GiB}]
vms:
  - {name: a, vcpus: 1, memory: 32MiB, workload: {kind: constant, cpu: 80%, memory: 8MiB}}
  - {name: b, vcpus: 1, memory: 32MiB, cpu: {weight: 3}, workload: {kind: constant, cpu: 80%, memory: 8MiB}}
END

# Guests carry the words of the command that started them.
# The brackets keep grep from finding itself.
guests() { grep -las "$work[/]$1" /proc/[0-9]*/cmdline | wc -l; }

timeout -k 5 30 "$cotenant" replay "$work/two.yaml" -q -o "$work/out" >"$work/said" 2>&1 ||
	fail "two guests: $(cat "$work/said")"
[ "$(grep -c ',real,[ab]-0,.*,running,' "$work/out/vms.csv")" = 2 ] || fail "both run to the end"
[ "$(guests out)" = 0 ] || fail "guests are left of a run that ended"

for signal in INT TERM KILL; do
	"$cotenant" replay "$work/two.yaml" -q --set duration=60s -o "$work/$signal" >/dev/null 2>&1 &
	run=$!
	tries=0
	until [ "$(guests $signal)" -ge 3 ] || [ $tries -ge 50 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	[ "$(guests $signal)" -ge 3 ] || fail "$signal: no guests to begin with"
	# A shell's background jobs ignore SIGINT, unless they ask for it: cotenant does.
	kill -$signal $run
	wait $run 2>/dev/null
	tries=0
	until [ "$(guests $signal)" = 0 ] || [ $tries -ge 30 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	[ "$(guests $signal)" = 0 ] || fail "$signal: guests are left"
done
"$cotenant" replay clean >/dev/null || fail "clean"
find /sys/fs/cgroup -maxdepth 3 -type d -name "cotenant-$run-*" 2>/dev/null | grep -q . &&
	fail "groups are left of a killed run"
[ $failed = 0 ] && echo "replay: passed"
exit $failed
