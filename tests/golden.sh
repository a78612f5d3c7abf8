#!/bin/sh
# Runs every scenarios/*.yaml with its own seeds and compares the results with tests/golden/NAME/,
# byte for byte. Of files over 24 kB only the SHA-256 is kept. --rewrite makes them new: look at
# the difference before you commit it. COTENANT names the program (default ./cotenant).
cd "$(dirname "$0")/.." || exit 2
cotenant=${COTENANT:-./cotenant}
files="summary.csv vms.csv hosts.csv"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
same=0 wrong=0

# What is kept of the files in directory $1.
keep() {
	rm -rf "$1/keep"
	mkdir "$1/keep" || exit 2
	for file in $files; do
		[ -e "$1/$file" ] || continue
		if [ "$file" = summary.csv ] || [ "$(wc -c <"$1/$file")" -le 24576 ]; then
			cp "$1/$file" "$1/keep/"
		else
			(cd "$1" && sha256sum "$file" >"keep/$file.sha256")
		fi
	done
}

for scenario in scenarios/*.yaml; do
	name=$(basename "$scenario" .yaml)
	golden=tests/golden/$name
	if ! timeout -k 5 60 "$cotenant" run "$scenario" -o "$work/$name" --quiet 2>"$work/said"; then
		cat "$work/said"
		echo "golden: $scenario: the run failed"
		wrong=$((wrong + 1))
		continue
	fi
	keep "$work/$name"
	if [ "$1" = --rewrite ]; then
		rm -rf "$golden"
		mkdir -p "$golden" && cp "$work/$name"/keep/* "$golden/" || exit 2
	elif ! [ -d "$golden" ]; then
		echo "golden: $scenario: there is no $golden (make golden writes it)"
		wrong=$((wrong + 1))
	elif diff -r "$golden" "$work/$name/keep" >"$work/diff"; then
		same=$((same + 1))
	else
		echo "golden: $scenario: the results differ from $golden:"
		head -n 12 "$work/diff" | cut -c 1-160
		wrong=$((wrong + 1))
	fi
done
if [ "$1" = --rewrite ]; then
	echo "golden: written, $wrong runs failed: $(du -sh tests/golden | cut -f 1)"
else
	echo "golden: $same scenarios as they were, $wrong not"
fi
[ $wrong -eq 0 ]
