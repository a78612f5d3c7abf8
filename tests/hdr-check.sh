#!/bin/sh
# Compiles every header alone: CC=gcc FLAGS="-I. ..." tests/hdr-check.sh HEADER...
# Twice in one file, so that a missing guard shows.
cd "$(dirname "$0")/.." || exit 2
wrong=0

for header; do
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
		${CC:-cc} ${FLAGS:--I. -D_GNU_SOURCE} -fsyntax-only -Wno-unused-function -x c - ||
		{ echo "hdr-check: $header does not compile alone"; wrong=$((wrong + 1)); }
done
echo "hdr-check: $# headers, $wrong that do not compile alone"
[ $wrong -eq 0 ]
