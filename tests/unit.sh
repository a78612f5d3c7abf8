#!/bin/sh
# Runs a unit test program for at most LIMIT seconds: tests/unit.sh --one PROGRAM prints cmocka's closing
# lines, or the whole output of what failed, and leaves the exit status beside the program; so all run.
# Then tests/unit.sh MODE PROGRAM... says what became of all of them, and a failure fails.
cd "$(dirname "$0")/.." || exit 2

# What takes longer hangs. The slowest take a minute of processor time; a busy machine gives half.
LIMIT=300

one() {
	log=$1.log
	export UBSAN_OPTIONS=print_stacktrace=1
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
passed=0 failed=0 names=
for program; do
	if [ "$(cat "$program.status" 2>/dev/null)" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		names="$names ${program##*/}"
	fi
done
for program; do cat "$program.log" 2>/dev/null; done | grep -aE '^\[  PASSED  \] [0-9]+ test' |
	awk -v mode="$mode" '{n += $4} END {printf "unit (%s): %d tests passed in ", mode, n}'
echo "$# programs: $passed passed, $failed failed${names:+:$names}"
[ $failed -eq 0 ]
