# Makes demo.csv, the trace of the demo scenarios: awk -f make_demo.awk > demo.csv
#
# One day of 24 VMs at 300 s, made up by the rules below, not measured: eight web servers with a
# day and a night, a lunch dip and noise that they share in part; four databases behind them; four
# batch VMs that work at night one after the other; four bursty ones; two desktops for office hours;
# two that idle. Integers only. The random numbers are a generator of our own (Park & Miller 1988,
# multiplier 16807, exact in doubles), because rand() differs between versions of awk; no function of
# the C library's mathematics is used for the same reason.

function draw() { seed = (16807 * seed) % 2147483647; return seed }
function uniform(lo, hi) { return lo + draw() % (hi - lo + 1) }
# -100..100, peaked at 0
function noise() { return int((uniform(0, 200) + uniform(0, 200)) / 2) - 100 }
function clamp(x, lo, hi) { return x < lo ? lo : x > hi ? hi : x }

# Load of the day in percent of its peak at step k, from hourly values.
function day(k,   h, f) {
	k = (k + 288) % 288
	h = int(k / 12)
	f = k % 12
	return int((hour[h] * (12 - f) + hour[(h + 1) % 24] * f) / 12)
}

function emit(name, cpu, memory, disk) {
	printf "%d,%s,%d,%d,%d\n", k * 300, name, clamp(int(cpu), 0, 100), int(memory), int(disk)
}

function web(i,   cpu) {
	cpu = 4 + day(k - 2 * i) * (50 + 5 * (i % 4)) / 100 + crowd * 6 / 100 + noise() * 5 / 100
	if (i == 3 && k >= 236 && k < 250)
		cpu += 35 # an evening rush that one of them gets
	emit("web-" i, cpu, 900 + 5 * clamp(cpu, 0, 100) + 20 * i, 20 + 2 * clamp(cpu, 0, 100))
}

function db(i,   cpu) {
	cpu = 8 + day(k) * (30 + 10 * i) / 100 + crowd * 4 / 100 + noise() * 3 / 100
	if (k >= 24 && k < 33)
		cpu += 20 # nightly backup: reads everything
	emit("db-" i, cpu, 6000 + 300 * i + k, (k >= 24 && k < 33 ? 60000 : 800) + 30 * cpu)
}

function batch(i,   start, on) {
	start = 6 + 14 * i
	on = k >= start && k < start + 30 + 6 * i || i == 2 && k >= 264
	emit("batch-" i, on ? 92 + noise() * 8 / 100 : 1, on ? 5200 + 250 * i : 400,
	     on ? 12000 + 40 * noise() : 5)
}

# Bursts of 2 to 12 steps at 60..100 %, apart by 10 to 60 steps.
function burst(i) {
	if (left[i] == 0) {
		busy[i] = !busy[i]
		left[i] = busy[i] ? uniform(2, 12) : uniform(10, 60)
		level[i] = busy[i] ? uniform(60, 100) : uniform(2, 8)
	}
	left[i]--
	emit("burst-" i, level[i] + noise() * 2 / 100, busy[i] ? 2400 : 1100,
	     busy[i] ? 4000 + 20 * noise() : 30)
}

function desk(i,   on) {
	on = k >= 96 + 3 * i && k < 204 + 4 * i && (k < 144 || k >= 152)
	emit("desk-" i, on ? 18 + noise() * 15 / 100 : 2, on ? 2800 : 1500,
	     on ? 300 + 2 * noise() : 2)
}

BEGIN {
	seed = 20110303
	split("22 16 12 10 10 14 25 45 70 88 97 100 90 86 95 98 94 88 80 76 72 60 45 32", given, " ")
	for (h = 0; h < 24; h++)
		hour[h] = given[h + 1]
	print "# A day of 24 virtual machines, made up by make_demo.awk; public domain (CC0)."
	print "time[s],vm,cpu[%],memory[MiB],disk[kB/s]"
	for (k = 0; k < 288; k++) {
		crowd = noise()
		for (i = 1; i <= 8; i++)
			web(i)
		for (i = 1; i <= 4; i++)
			db(i)
		for (i = 1; i <= 4; i++)
			batch(i)
		for (i = 1; i <= 4; i++)
			burst(i)
		for (i = 1; i <= 2; i++)
			desk(i)
		for (i = 1; i <= 2; i++)
			emit("idle-" i, 1 + (uniform(0, 3) == 0), 350 + 10 * i, uniform(0, 4))
	}
}
