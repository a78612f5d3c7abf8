# Left: every step of every VM, simulated against real. Right: the first VMs over time, both ways.
middle = 0.46
# About three numbers on every upright axis.
array tic[series > 0 ? series : 1]
do for [k=1:series] {
	stats data index policies+k-1 using 2 nooutput name 'A'
	stats data index policies+k-1 using 3 nooutput name 'B'
	high = (A_max > B_max ? A_max : B_max)
	raw = (high > 0 ? high : 1) / 3.0
	unit = 10**floor(log10(raw))
	tic[k] = (raw < 1.5 * unit ? 1 : raw < 3.5 * unit ? 2 : raw < 7.5 * unit ? 5 : 10) * unit
}
set multiplot title title
set lmargin at screen 80.0 / width
set rmargin at screen middle - 0.02
set tmargin at screen 1 - 60.0 / height
set bmargin at screen 62.0 / height
set xlabel 'simulated (cores)'
set label 1 'real (cores)' at screen 14.0 / width, screen 0.5 center rotate
set xrange [0:most]
set yrange [0:most]
set key at graph 0.02, graph 0.98 left top Left reverse samplen 1
plot x with lines linecolor '#999999' dashtype 2 notitle, \
	for [i=0:policies-1] data index i using 1:2 with points linetype i + 1 title columnheader(1)
unset label 1
set key off
low = 62.0 / height
step = (1 - 60.0 / height - low) / (series > 0 ? series : 1)
set lmargin at screen middle + 62.0 / width
set rmargin at screen 1 - 20.0 / width
set xrange [*:*]
set yrange [0:*]
set xlabel ''
set label 2 first_policy . ', cores: line simulated, points real' at screen middle + 62.0 / width, screen 1 - 44.0 / height left
set format y '%.2g'
do for [k=1:series] {
	set ytics 0, tic[k]
	bottom = low + (series - k) * step
	set tmargin at screen bottom + step - 18.0 / height
	set bmargin at screen bottom
	if (k == series) {
		set xlabel 'time (s)'
		set format x '%g'
	} else {
		unset xlabel
		set format x ''
	}
	set key at graph 0.99, graph 1.14 right top samplen 1
	plot data index policies+k-1 using 1:2 with fsteps linetype 1 linewidth 2.5 title columnheader(1), \
		data index policies+k-1 using 1:3 with points linetype 2 notitle
	unset label 2
}
unset multiplot
