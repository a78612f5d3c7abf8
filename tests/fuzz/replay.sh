#!/bin/sh
# Runs every fuzz target over its corpus: tests/fuzz/replay.sh MODE PROGRAM...
# A target without a corpus of its own replays the scenarios if it is fuzz_yaml, else nothing.
cd "$(dirname "$0")/../.." || exit 2
mode=$1 failed=0
shift

for program; do
	name=${program##*/fuzz_}
	set -- tests/fuzz/corpus/"$name"/*
	[ "$name" != yaml ] || set -- "$@" scenarios/*.yaml
	[ -e "$1" ] || shift
	if [ $# -eq 0 ]; then
		echo "fuzz_$name ($mode): SKIPPED: tests/fuzz/corpus/$name is empty"
	elif out=$(timeout -k 5 60 "$program" "$@" 2>&1); then
		echo "fuzz_$name ($mode): $(printf '%s\n' "$out" | tail -n 1)"
	else
		printf '%s\n' "$out"
		echo "fuzz_$name ($mode): FAILED"
		failed=1
	fi
done
exit $failed
