#!/bin/sh
# Real guests when the rug is pulled: no device, no permission, no groups, a full disk, a busy neighbour,
# killed processes. Each ends as the manual says, and nothing is left. What needs root, to hide things from
# cotenant in a namespace of its own, is skipped without it.
cd "$(dirname "$0")/.." || exit 2
cotenant=$(realpath "${COTENANT:-./cotenant}")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0
fail() { failed=1; echo "safety: FAILED: $*"; }
skipped() { echo "safety: SKIPPED: $*"; }

cat >"$work/run.yaml" <<'END'
name: run
tick: 1s
duration: 3s
seed: 1
hosts: [{name: host, cores: 1, speed: 2GHz, memory: 1GiB, disks: {bandwidth: 50MB/s}}]
vms:
  - {name: a, vcpus: 1, memory: 32MiB, workload: {kind: constant, cpu: 40%, memory: 8MiB}}
  - {name: b, vcpus: 1, memory: 32MiB, workload: {kind: constant, cpu: 40%, memory: 8MiB, bandwidth: 1MB/s}}
END

# expect STATUS WORDS COMMAND...: the status, and the words in what is said.
expect() {
	want=$1 words=$2
	shift 2
	timeout -k 5 60 "$@" >"$work/said" 2>&1
	status=$?
	[ $status = "$want" ] && { [ -z "$words" ] || grep -q -e "$words" "$work/said"; } ||
		fail "status $status (not $want), or not '$words': $(tail -c 600 "$work/said")"
}
# As expect, with the first word's script run before in a mount namespace of its own.
hidden() {
	how=$1 want=$2 words=$3
	shift 3
	expect "$want" "$words" unshare -m sh -c "$how"'; exec "$@"' - "$@"
}

may_hide=
[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null && may_hide=1

# ---- without KVM ----

if [ $may_hide ]; then
	no_device='mount -t tmpfs none /dev'
	hidden "$no_device" 2 '/dev/kvm: there is none; .*(' "$cotenant" replay "$work/run.yaml" -o "$work/none"
	hidden "$no_device" 2 '/dev/kvm: there is none; .*(' "$cotenant" validate "$work/run.yaml" -o "$work/none"
	hidden "$no_device" 2 'missing' "$cotenant" replay probe
	hidden "$no_device" 0 '' "$cotenant" run "$work/run.yaml" -q -o "$work/simulated"
	hidden "$no_device; mknod /dev/kvm c 10 250" 2 'without its driver' "$cotenant" replay "$work/run.yaml" -o "$work/none"
	[ -e "$work/none" ] && fail "a run that was refused left files"
	if [ "$(stat -c %a /dev/kvm 2>/dev/null)" = 600 ] && command -v setpriv >/dev/null; then
		install -m 755 "$cotenant" "$work/cotenant" && chmod 755 "$work"
		hidden 'true' 2 'no permission to open it (add the user' setpriv --reuid 65534 --regid 65534 \
			--clear-groups "$work/cotenant" replay "$work/run.yaml" -o "$work/none"
	fi
else
	skipped "no root, or no mount namespaces: nothing can be hidden"
fi
if ! [ -w /dev/kvm ]; then
	skipped "no access to /dev/kvm"
	[ $failed = 0 ] && echo "safety: passed"
	exit $failed
fi

# ---- without disk, without groups, without quiet ----

value() {
	awk -F, -v name="$2" '/^#/ {next} !n {for (i = 1; i <= NF; i++) at[$i] = i; n = 1; next}
		{print $at[name]; exit}' "$1/summary.csv"
}

if [ $may_hide ]; then
	mkdir "$work/small"
	small="mount -t tmpfs -o size=300k none $work/small"
	hidden "$small" 1 'No space left on device' "$cotenant" replay "$work/run.yaml" --disk-folder "$work/small" -o "$work/full"
	[ -e "$work/full/summary.csv" ] && fail "a failed run has a summary"
	hidden "mount -t tmpfs -o size=8k none $work/small" 1 'No space left on device' \
		"$cotenant" replay "$work/run.yaml" -q --disk-folder "$work" -o "$work/small/out"
	no_groups='while umount -l /sys/fs/cgroup/* /sys/fs/cgroup 2>/dev/null; do :; done; umount -l /sys/fs/cgroup 2>/dev/null'
	hidden "$no_groups" 0 'there are no groups' "$cotenant" replay "$work/run.yaml" -o "$work/free"
	hidden "$no_groups" 1 'cgroup v1 cannot be used: it is not mounted' \
		"$cotenant" replay "$work/run.yaml" --backend v1 -o "$work/refused"
fi
sh -c 'while :; do :; done' &
one=$!
sh -c 'while :; do :; done' &
two=$!
expect 0 'validity poor' "$cotenant" replay "$work/run.yaml" --backend none -o "$work/busy"
kill $one $two
case $(value "$work/busy" validity) in
poor:*) ;;
*) fail "a busy neighbour is not seen: $(value "$work/busy" validity)" ;;
esac

# ---- killed ----

# The processes of a run: the command, its child that does the run, the guests.
children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
start() {
	"$cotenant" replay "$work/run.yaml" -q --set duration="$2" -o "$work/$1" >"$work/said" 2>&1 &
	run=$!
	tries=0
	until child=$(children $run) && [ "$(children ${child:-0} | wc -w)" = 2 ] || [ $tries -ge 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	child=$(echo $child)
	guests=$(children $child)
	guest=${guests%% *}
	sleep 1
}
gone() {
	tries=0
	while [ $tries -lt 30 ]; do
		left=
		for pid in $guests; do
			[ -e "/proc/$pid" ] && ! grep -q '^State:.*Z' "/proc/$pid/status" && left="$left $pid"
		done
		[ -z "$left" ] && return
		tries=$((tries + 1))
		sleep 0.1
	done
	fail "$1: guests are left:$left"
}

start guest 5s
kill -9 "$guest"
wait $run || fail "the run does not go on without the guest: $(cat "$work/said")"
grep -q 'ended at .* s: killed by signal 9' "$work/said" || fail "a killed guest is not told of: $(cat "$work/said")"
[ "$(grep -c ',crashed,' "$work/guest/vms.csv")" = 1 ] || fail "one guest crashed"
[ "$(grep -c ',running,' "$work/guest/vms.csv")" = 1 ] || fail "the other one did not"
gone "a killed guest"

start child 60s
kill -9 "$child"
wait $run
[ $? = 1 ] && grep -q 'ended by signal 9' "$work/said" || fail "a killed run is not told of: $(cat "$work/said")"
gone "a killed run"

# What is left of it is removed by the next start.
start both 60s
kill -9 "$run" "$child"
wait $run 2>/dev/null
gone "a killed command"
left() { find /sys/fs/cgroup -maxdepth 4 -type d -name "cotenant-$child-*" 2>/dev/null | grep -c .; }
before=$(left)
"$cotenant" replay "$work/run.yaml" -q -o "$work/next" >"$work/said" 2>&1 || fail "the next run: $(cat "$work/said")"
[ "$(left)" = 0 ] || fail "of $before groups of a dead run $(left) are left"
[ $failed = 0 ] && echo "safety: passed"
exit $failed
