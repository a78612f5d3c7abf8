#!/bin/sh
# What the emulated machine of tests/svm.sh does: its first process. What begins with "svm: " is shown.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t cgroup2 none /sys/fs/cgroup
for module in virtio_pci virtio_blk kvm-amd; do
	modprobe $module || echo "svm: the module $module does not load"
done
mount -t ext4 /dev/vda /disk && chmod 1777 /disk /tmp
dmesg -n 1
say() { echo "svm: $*"; }
failed=0
fail() { failed=$((failed + 1)); say "FAILED: $*"; }
say "Linux $(uname -r), $(grep -c . /sys/fs/cgroup/cgroup.controllers) cgroup tree: $(cat /sys/fs/cgroup/cgroup.controllers)"

for test in /tests/*; do
	$test >/tmp/log 2>&1 || fail "$(basename $test): $(grep -E 'ERROR|LINE|skipped' /tmp/log | tr '\n' ' ')"
	say "$(basename $test): $(grep -E 'PASSED|SKIPPED' /tmp/log | tr -d '\n')"
done

# ---- runs ----

scope=/sys/fs/cgroup/scope
mkdir $scope
cd /disk || fail "there is no disk"
# In a group of its own, as a service manager would start it.
alone() { sh -c 'echo 0 >/sys/fs/cgroup/scope/cgroup.procs; exec "$@"' - "$@"; }

cat >run.yaml <<'END'
name: run
tick: 1s
duration: 6s
seed: 1
hosts: [{name: host, cores: 1, speed: 2GHz, memory: 1GiB, disks: {bandwidth: 20MB/s, iops: 1000 IOPS}}]
vms:
  - {name: a, vcpus: 1, memory: 32MiB, workload: {kind: constant, cpu: 80%, memory: 8MiB}}
  - {name: b, vcpus: 1, memory: 32MiB, cpu: {weight: 3}, workload: {kind: constant, cpu: 80%, memory: 8MiB}}
  - {name: c, vcpus: 1, memory: 32MiB, cpu: {cap: 10%}, workload: {kind: constant, cpu: 50%, memory: 8MiB}}
  - {name: d, vcpus: 1, memory: 32MiB, io: {cap: 409.6kB/s}, workload: {kind: constant, cpu: 2%, memory: 8MiB, bandwidth: 4.096MB/s, iops: 100 IOPS}}
output: {vm_timeline: 16}
END

# The mean of a column of vms.csv for a VM.
cell() {
	awk -F, -v vm="$2" -v name="$3" '/^#/ {next} !n {for (i = 1; i <= NF; i++) at[$i] = i; n = 1}
		$at["vm"] == vm {print $at[name]}' "$1/vms.csv"
}
# Everything takes its time here: a guest may get a good deal less than on a real machine.
expect() {
	x=$(cell "$1" "$2" "$3")
	say "$1: $2: $3 = $x ($4 to $5)"
	awk -v x="$x" -v low="$4" -v high="$5" 'BEGIN {exit !(x >= low && x <= high)}' ||
		fail "$1: $2: $3 is $x"
}
# What the groups said while it ran.
watch_groups() {
	tries=0
	until [ -e "$(echo $scope/cotenant-*/g3-*/io.max)" ] || [ $tries -ge 100 ]; do
		tries=$((tries + 1))
		sleep 0.2
	done
	sleep 3
	for file in g0-g0/cpu.weight g1-g1/cpu.weight g2-g2/cpu.max g0-g0/memory.max g3-g3/io.max; do
		text=$(cat $scope/cotenant-*/$file)
		say "$1: $file: $text"
		case $file:$text in
		*cpu.weight:100|*max:max*|*io.max:) fail "$1: $file was not set" ;;
		esac
	done
}

alone cotenant replay probe >/tmp/log 2>&1 || fail "probe"
grep -E '^(kvm|cgroup|CPU|memory limit|I/O)' /tmp/log | sed 's/^/svm: probe: /'
grep -q '^cgroup .*version 2; groups of a run go to .*/scope' /tmp/log || fail "probe: $(cat /tmp/log)"

alone cotenant replay run.yaml -q --backend v2 -o weighted >/tmp/log 2>&1 &
watch_groups weighted
wait $! || fail "replay: $(cat /tmp/log)"
expect weighted a-0 cpu_grant_mhz 250 450
expect weighted b-0 cpu_grant_mhz 900 1330
expect weighted c-0 cpu_grant_mhz 60 205
expect weighted d-0 disk_grant_bytes_s 250000 415000
expect weighted a-0 mem_grant_bytes 6000000 8388608

alone cotenant replay run.yaml -q --backend v2 --set policies.cpu=kernel -o kernel >/tmp/log 2>&1 ||
	fail "replay by the kernel: $(cat /tmp/log)"
expect kernel a-0 cpu_grant_mhz 250 550
expect kernel b-0 cpu_grant_mhz 900 1600
expect kernel c-0 cpu_grant_mhz 40 210
[ -z "$(ls -d $scope/cotenant-* 2>/dev/null)" ] || fail "a run left its groups"

# As a user to whom the group and the device were given.
chmod 666 /dev/kvm
chown 65534 $scope $scope/cgroup.procs $scope/cgroup.subtree_control
mkdir /disk/user && chown 65534 /disk/user && cd /disk/user
as_user() { alone setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
command -v setpriv >/dev/null && setpriv --reuid 65534 true 2>/dev/null || as_user() { alone su nobody -s /bin/sh -c "exec $*"; }
as_user cotenant replay ../run.yaml -q --backend v2 -o user >/tmp/log 2>&1 || fail "replay as a user: $(cat /tmp/log)"
expect user c-0 cpu_grant_mhz 60 205
chmod 600 /dev/kvm
as_user cotenant replay ../run.yaml -q -o refused >/tmp/log 2>&1
status=$?
[ $status = 2 ] && grep -q 'no permission' /tmp/log || fail "no permission: status $status: $(cat /tmp/log)"
say "no permission: status $status: $(cat /tmp/log)"

# A run that is killed leaves groups, but no guest, and the next one removes them.
cd /disk || exit
alone cotenant replay run.yaml -q --set duration=60s --backend v2 -o killed >/dev/null 2>&1 &
tries=0
until [ -e "$(echo $scope/cotenant-*/g3-*/io.max)" ] || [ $tries -ge 100 ]; do
	tries=$((tries + 1))
	sleep 0.2
done
sleep 2
say "while it runs: $(pidof cotenant | wc -w) processes"
for folder in $scope/cotenant-*; do
	pid=${folder##*/cotenant-}
	kill -9 "${pid%-*}"
done
wait $! 2>/dev/null
sleep 1
say "left by a killed run: $(ls -d $scope/cotenant-* 2>/dev/null | wc -l) groups, $(pidof cotenant | wc -w) processes"
[ -z "$(pidof cotenant)" ] || fail "guests are left of a killed run"
said=$(cotenant replay clean 2>&1) || fail "clean: $said"
say "clean: $said"
[ -z "$(ls -d $scope/cotenant-* 2>/dev/null)" ] || fail "clean leaves groups"

said=$(cotenant replay migrate --memory 16MiB --rate 500 --bandwidth 20MB/s 2>&1) || fail "migrate: $said"
say "migrate: $(echo "$said" | tail -1)"
[ $failed = 0 ] && say "all passed"
sync
poweroff -f
