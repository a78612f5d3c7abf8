#!/bin/sh
# Runs unit test programs, as many at a time as there are cores, each for at most LIMIT seconds:
# tests/unit.sh MODE PROGRAM... Prints cmocka's closing lines, and the whole output of what failed.
# All run, then a failure fails.
cd "$(dirname "$0")/.." || exit 2

# What takes longer hangs. The slowest take a minute of processor time; a busy machine gives half.
LIMIT=300

one() {
	log=$1.log
	timeout -k 5 $LIMIT "$1" >"$log" 2>&1
	status=$?
	echo $status >"$1.status"
	name=${1##*/}
	case $status in
	0) body=$(grep -aE '^\[  (PASSED|SKIPPED) +\] [0-9]+ test|: Skipped!$|^SKIP' "$log") ;;
	124 | 137) body=$(tail -n 20 "$log"; echo "$name: stopped after $LIMIT s") ;;
	*) body=$(cat "$log"; echo "$name: exit status $status") ;;
	esac
	printf '%s\n' "$body" | sed "s/^/$name: /"
	exit 0
}

if [ "$1" = --one ]; then
	one "$2"
fi
mode=$1
shift
for program; do rm -f "$program.status"; done
export UBSAN_OPTIONS=print_stacktrace=1
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh "$0" --one

passed=0 failed=0 names=
for program; do
	if [ "$(cat "$program.status" 2>/dev/null)" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		names="$names ${program##*/}"
	fi
done
for program; do cat "$program.log"; done | grep -aE '^\[  PASSED  \] [0-9]+ test' |
	awk -v mode="$mode" '{n += $4} END {printf "unit (%s): %d tests passed in ", mode, n}'
echo "$# programs: $passed passed, $failed failed${names:+:$names}"
[ $failed -eq 0 ]
