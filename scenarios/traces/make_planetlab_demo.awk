# Makes planetlab-demo/, a day of 24 VMs in PlanetLab's form (a file per VM, an integer a line, 288
# lines): awk -f make_planetlab_demo.awk (in this folder). Made up, not measured: each VM wanders
# around a level of its own; vm-05 falls idle for good, vm-11 for an hour. The random numbers are a
# generator of our own (Park & Miller 1988), because rand() differs between versions of awk.

function draw(n) { seed = (16807 * seed) % 2147483647; return seed % n }

BEGIN {
	seed = 20110303
	for (v = 0; v < 24; v++) {
		file = sprintf("planetlab-demo/vm-%02d", v)
		level = 4 + 3 * (v % 8) + (v % 5 == 0 ? 40 : 0)
		load = level
		for (k = 0; k < 288; k++) {
			load += draw(21) - 10 + (level - load) / 4
			load = int(load < 1 ? 1 : load > 99 ? 99 : load)
			idle = (v == 5 && k > 150) || (v == 11 && k >= 60 && k < 72)
			print (idle ? 0 : load) > file
		}
		close(file)
	}
}
