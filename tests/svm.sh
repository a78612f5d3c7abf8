#!/bin/sh
# The tests of real guests on the machine that most users have: a processor with AMD-V and cgroup version 2.
# It is emulated in software, boots Debian's kernel and runs tests/svm_inside.sh, so what is tested is whether
# things work, not how fast. Needs qemu-system-x86 and e2fsprogs; Debian's kernel and busybox are downloaded as
# packages into build/svm and stay there. Skipped, with the reason, where something is not to be had.
#
# usage: svm.sh COTENANT TEST...
cd "$(dirname "$0")/.." || exit 2
folder=$PWD/build/svm
limit=600 boot_limit=120 silence_limit=150

skip() { echo "check-svm: SKIPPED: $*"; exit 0; }

PATH=$PATH:/usr/sbin:/sbin
for need in qemu-system-x86_64:qemu-system-x86 mke2fs:e2fsprogs dpkg-deb:dpkg; do
	command -v "${need%:*}" >/dev/null ||
		skip "no ${need%:*}; apt-get install --no-install-recommends qemu-system-x86 e2fsprogs"
done

# ---- packages ----

# The kernel's package is named after its version; the one without a version depends on it.
kernel_package() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -1
}

unpack() {
	[ -e "$folder/$2" ] && return
	command -v apt-get >/dev/null || skip "no apt-get to download the package $1 with"
	(cd "$folder" && apt-get -q download "$1") >"$folder/download.log" 2>&1 ||
		skip "the package $1 cannot be downloaded: $(grep -m1 '^E:' "$folder/download.log")"
	mkdir -p "$folder/$2.tmp" && dpkg-deb -x "$folder/${1%%:*}"_*.deb "$folder/$2.tmp" &&
		mv "$folder/$2.tmp" "$folder/$2" || skip "the package $1 cannot be unpacked"
}

mkdir -p "$folder" || exit 2
if ! [ -e "$folder/kernel" ]; then
	kernel=$(kernel_package)
	[ -n "$kernel" ] || skip "apt knows no kernel linux-image-cloud-amd64"
	unpack "$kernel" kernel
fi
unpack busybox-static busybox
busybox=$(find "$folder/busybox" -name busybox -type f -perm -1 | head -1)
version=$(basename "$folder"/kernel/lib/modules/*)

# ---- its file system ----

root=$folder/root
rm -rf "$root"
mkdir -p "$root/bin" "$root/etc" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/disk" "$root/tests" \
	"$root/var" "$root/lib/modules/$version" || exit 2
cp "$busybox" "$root/bin/busybox"
ln -s ../disk "$root/var/tmp"
for applet in $("$busybox" --list); do
	[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$root/etc/passwd"
cp tests/svm_inside.sh "$root/init" && chmod 755 "$root/init"
cp "$1" "$root/bin/cotenant"
shift
cp "$@" "$root/tests/"
# A program's libraries go where it looks for them.
for file in "$root/bin/cotenant" "$root"/tests/*; do
	ldd "$file" | sed -n 's/^.*[[:space:]]\(\/[^ ]*\) (0x.*$/\1/p'
done | sort -u | while read -r library; do
	mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"
done
for module in kvm kvm-amd irqbypass ccp virtio virtio_ring virtio_pci virtio_pci_legacy_dev virtio_pci_modern_dev \
	virtio_blk; do
	find "$folder/kernel/lib/modules/$version" -name "$module.ko" -exec cp {} "$root/lib/modules/$version/" ';'
done
cp "$folder/kernel/lib/modules/$version"/modules.builtin* "$folder/kernel/lib/modules/$version"/modules.order \
	"$root/lib/modules/$version/"
"$busybox" depmod -b "$root" "$version" 2>/dev/null
(cd "$root" && find . | "$busybox" cpio -o -H newc -R 0:0 2>/dev/null | gzip -1) >"$folder/initrd.gz"
new_disk() {
	rm -f "$folder/disk.img"
	truncate -s 1G "$folder/disk.img" && mke2fs -q -F -t ext4 -E lazy_itable_init=1 "$folder/disk.img" || exit 2
}
new_disk

# ---- run ----

log=$folder/console.log

# What the machine has said since the last look, as far as lines are whole.
show() {
	whole=$(wc -l <"$log") seen=${seen:-0}
	[ "$whole" -gt "$seen" ] || return 0
	sed -n "$((seen + 1)),${whole}{s/\\r\$//;s/^svm: //p;}" "$log"
	seen=$whole
}

# Runs the machine until it goes off. 1, with the reason in $why: its first process does not begin in time, or it
# says nothing for long, or does not come to an end. The emulator runs both processors in one thread, in turn: in a
# thread each they lost each other now and then while guests ran (both busy for ever, no clock moving), and were
# not faster. No timers are waited for or compared while Linux starts.
machine() {
	: >"$log"
	seen=0 why=
	qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m 2G -display none \
		-no-reboot -nodefaults -serial "file:$log" -kernel "$folder"/kernel/boot/vmlinuz-* \
		-initrd "$folder/initrd.gz" -drive "file=$folder/disk.img,format=raw,if=virtio,cache=unsafe" \
		-append 'console=ttyS0 no_timer_check tsc=reliable panic=-1 rdinit=/init' </dev/null &
	pid=$!
	trap 'kill -9 $pid 2>/dev/null' EXIT INT TERM
	begun=$(date +%s) last=$begun size=0
	while kill -0 $pid 2>/dev/null; do
		sleep 1
		show
		now=$(date +%s) is=$(stat -c %s "$log")
		[ "$is" = "$size" ] || last=$now size=$is
		if [ $((now - begun)) -gt $boot_limit ] && ! grep -q '^svm: ' "$log"; then
			why="it did not start within $boot_limit s"
		elif [ $((now - last)) -gt $silence_limit ]; then
			why="it said nothing for $silence_limit s"
		elif [ $((now - begun)) -gt $limit ]; then
			why="it was not done within $limit s"
		else
			continue
		fi
		kill -9 $pid
		break
	done
	wait $pid 2>/dev/null
	trap - EXIT INT TERM
	show
	[ -z "$why" ]
}

last_words() { tail -n 15 "$log" | tr -d '\r'; }

machine || {
	echo "check-svm: $why; started once more. The console's last lines were:"
	last_words
	cp "$log" "$folder/console-1.log"
	new_disk
	machine
}
grep -q '^svm: all passed' "$log" && exit 0
echo "check-svm: FAILED${why:+: $why}; the console's last lines (build/svm/console.log):"
last_words
exit 1
