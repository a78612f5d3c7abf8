#!/bin/sh
# Who may include whom. A file includes its own folder and lower ranks; folders of equal rank never
# include each other. Some system headers belong to the files that wrap them.
cd "$(dirname "$0")/.." || exit 2

find sim models policies scenarios plots replay tests -name '*.[chS]' 2>/dev/null | LC_ALL=C sort |
xargs awk '
function folder(path) {
	if (path ~ /^sim\/core\//) return "sim/core"
	sub(/\/.*/, "", path)
	return path
}
function bad(why) {
	printf "%s:%d: %s: %s\n", FILENAME, FNR, $2, why
	wrong++
}
BEGIN {
	rank["sim/core"] = 0; rank["models"] = 1; rank["policies"] = 2
	rank["scenarios"] = rank["plots"] = rank["replay"] = 3
	rank["sim"] = 4; rank["tests"] = 5
	owner["yaml.h"] = "^scenarios/yaml\\.c$"
	owner["linux/kvm.h"] = "^replay/vmm\\.c$"
	owner["gsl/"] = "^(sim/core/(rng|dist|stat)|models/work_[a-z]*)\\.c$"
}
FNR == 1 { files++ }
$1 == "#include" && $2 ~ /^"/ {
	path = substr($2, 2, length($2) - 2)
	mine = folder(FILENAME); its = folder(path)
	if (!(its in rank) || path !~ /\//)
		bad("includes are paths from the top")
	else if (its != mine && rank[its] >= rank[mine])
		bad(mine " (rank " rank[mine] ") may not include " its " (rank " rank[its] ")")
}
$1 == "#include" && $2 ~ /^</ && FILENAME !~ /^tests\// {
	for (header in owner)
		if (index($2, "<" header) == 1 && FILENAME !~ owner[header])
			bad("only " owner[header] " may include it")
}
END {
	printf "layers: %d files, %d breaches\n", files, wrong
	exit wrong > 0
}'
