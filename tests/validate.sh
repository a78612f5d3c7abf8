#!/bin/sh
# Every scenario of scenarios/validate, simulated and on real guests, one after the other, and live
# migrations: exit status 1 if one is beyond its tolerances. CORES names the cores to measure on (default: the last one).
cd "$(dirname "$0")/.." || exit 2
cotenant=${COTENANT:-./cotenant}
if ! [ -w /dev/kvm ]; then
	echo "validate: SKIPPED: no access to /dev/kvm"
	exit 0
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=
for file in scenarios/validate/*.yaml; do
	name=$(basename "$file" .yaml)
	echo "== $name"
	timeout -k 10 120 "$cotenant" validate "$file" -o "$work/$name" ${CORES:+--cores "$CORES"} ||
		failed="$failed $name"
done
# Live migration: one that ends soon, one that takes many rounds, one that gets nowhere.
for rate in 2000 15000 50000; do
	echo "== migration at $rate pages/s"
	timeout -k 10 120 "$cotenant" replay migrate --rate $rate --tolerance 0.05 || failed="$failed migration-$rate"
done
[ -z "$failed" ] || { echo "validate: beyond tolerance:$failed"; exit 1; }
echo "validate: all within tolerance"
