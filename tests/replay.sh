#!/bin/sh
# Two real guests for some seconds, what is left of a run that is interrupted or killed (nothing), and
# what is recorded of guests, replayed and recorded again.
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

# ---- record, replay, record ----

# Replays @1.yaml, with a policy if there is a second word, and records its guests into @1.csv; what all
# wanted and what they had goes to @1.txt, a line per VM in the order of names: cores, cores, bytes.
record() {
	"$cotenant" replay "$work/$1.yaml" -q --step 500ms ${2:+--set policies.cpu=$2} -o "$work/$1" >"$work/said" 2>&1 &
	run=$!
	tries=0
	until "$cotenant" record --list --own --name "$mine-*" | grep -q "^2 VMs" || [ $tries -ge 50 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	"$cotenant" record --interval 500ms --duration 1500ms --own --name "$mine-*" -q -o "$work/$1.csv" \
		--details "$work/$1-details.csv" 2>"$work/said2" || fail "record: $(cat "$work/said" "$work/said2")"
	kill -INT $run
	wait $run 2>/dev/null
	awk -F, '/^[0-9]/ {n[$2]++; want[$2] += $6; had[$2] += $7; memory[$2] += $10}
		END {for (v in n) print v, want[v] / n[v], had[v] / n[v], memory[v] / n[v]}' \
		"$work/$1-details.csv" | sort >"$work/$1.txt"
}

# close FILE COLUMN VALUE...: the column of each VM is within 2 % of the value, or it is wrong.
close() {
	file=$1 column=$2
	shift 2
	awk -v column="$column" -v values="$*" 'BEGIN {n = split(values, v, " ")}
		{d = $column / v[NR] - 1; bad += d > 0.02 || d < -0.02}
		END {exit bad > 0 || NR != n}' "$work/$file.txt" ||
		wrong="$wrong $file: not within 2 % of $*: $(cut -d ' ' -f "$column" "$work/$file.txt" | tr '\n' ' ')"
}

mine=r$$
head='{tick: 500ms, duration: 60s, seed: 1, policies: {cpu: weighted},
  hosts: [{name: host, cores: 1, speed: 2GHz, memory: 1GiB}],'
cat >"$work/first.yaml" <<END
$head name: first, vms: [
  {name: $mine-a, vcpus: 1, memory: 32MiB, workload: {kind: constant, cpu: 20%, memory: 8MiB}},
  {name: $mine-b, vcpus: 2, memory: 64MiB, workload: {kind: constant, cpu: 15%, memory: 16MiB}}]}
END
cat >"$work/again.yaml" <<END
$head name: again, vms: [{name: $mine-x, vcpus: 1, memory: 16MiB, size_from_trace: true,
  workload: {kind: trace, path: first.csv, repeat: true}}]}
END
cat >"$work/full.yaml" <<END
$head name: full, vms: [{name: $mine-f, count: 2, vcpus: 1, memory: 32MiB,
  workload: {kind: constant, cpu: 100%, memory: 8MiB}}]}
END
# Others may use the core; that they do so twice is not likely.
for try in 1 2; do
	wrong=
	record first
	close first 2 0.2 0.3
	record again
	close again 2 $(cut -d ' ' -f 2 "$work/first.txt")
	close again 4 $(cut -d ' ' -f 4 "$work/first.txt")
	[ -n "$wrong" ] || break
done
[ -z "$wrong" ] || fail "$wrong"
# Nobody gets what it wants: run delay gives it back.
groups=$("$cotenant" replay probe | sed -n 's/^cgroup *//p')
case $groups in
ok*)
	wrong=
	record full kernel
	close full 2 1 1
	[ -z "$wrong" ] || fail "$wrong"
	awk '$3 > 0.6 {exit 1}' "$work/full.txt" || fail "full: the guests do not compete"
	;;
*) echo "replay: SKIPPED: guests that compete: groups: $groups" ;;
esac

[ $failed = 0 ] && echo "replay: passed"
exit $failed
