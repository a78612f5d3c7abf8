#!/bin/sh
# Policies and models have no clock, no randomness of their own, no input or output and no memory of
# their own: tests/purity.sh OBJECT... looks at what the objects want from outside.
# Excepted: what reads trace files, and the registry, which loads shared objects.
cd "$(dirname "$0")/.." || exit 2
banned='rand|srand|random|srandom|rand_r|drand48|time|clock|clock_gettime|gettimeofday|getenv|fopen|fopen64|open|open64|fprintf|printf|__fprintf_chk|__printf_chk|puts|fputs|fwrite|perror|malloc|calloc|realloc|free|strdup|exit|_exit|qsort_r|setlocale'
wrong=0 looked=0 excepted=

for object; do
	case $object in
	*/models/trace*.o | */policies/registry.o)
		excepted="$excepted ${object##*/}"
		continue
		;;
	esac
	looked=$((looked + 1))
	for symbol in $(nm -u "$object" | awk '{print $2}' | sed 's/@.*//' | grep -Ex "$banned"); do
		echo "purity: $object calls $symbol"
		wrong=$((wrong + 1))
	done
done
echo "purity: $looked objects, $wrong calls that they may not make; excepted:$excepted"
[ $wrong -eq 0 ]
