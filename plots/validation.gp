# A row of panels per resource. Left: every step of every VM, simulated against real. Right: the first VMs over
# time, both ways.
middle = 0.46
set multiplot title title
# From 0 to @high with about three numbers.
nice(raw) = 10**floor(log10(raw)) * (raw / 10**floor(log10(raw)) < 1.5 ? 1 : \
	raw / 10**floor(log10(raw)) < 3.5 ? 2 : raw / 10**floor(log10(raw)) < 7.5 ? 5 : 10)
set label 2 first_policy . ': line simulated, points real' at screen middle + 62.0 / width, \
	screen 1 - 44.0 / height left
top = 1 - head_px / height
first = 0
do for [b=1:blocks] {
	low = top - rows[b] * row_px / height
	set lmargin at screen 80.0 / width
	set rmargin at screen middle - 0.02
	set tmargin at screen top
	set bmargin at screen low
	set xlabel 'simulated'
	set format '%g'
	set label 1 'real ' . unit[b] at screen 14.0 / width, screen (top + low) / 2 center rotate
	set xrange [0:most[b]]
	set yrange [0:most[b]]
	set xtics nice(most[b] / 4)
	set ytics nice(most[b] / (rows[b] > 2 ? 4 : 2.5))
	if (b == 1) { set key at graph 0.02, graph 0.98 left top Left reverse samplen 1 } else { set key off }
	plot x with lines linecolor '#999999' dashtype 2 notitle, \
		for [i=0:policies-1] data index first+i using 1:2 with points linetype i + 1 title columnheader(1)
	unset label 1
	unset label 2
	set lmargin at screen middle + 62.0 / width
	set rmargin at screen 1 - 20.0 / width
	set xrange [t_min:t_max]
	set xtics autofreq
	do for [k=1:series[b]] {
		tallest = real(word(high[b], k))
		set yrange [0:tallest * 1.15]
		set ytics nice(tallest / 3)
		bottom = top - k * row_px / height
		set tmargin at screen bottom + (row_px - 18.0) / height
		set bmargin at screen bottom
		set xlabel (k == series[b] ? 'time (s)' : '')
		set format x (k == series[b] ? '%g' : '')
		set key at graph 0.99, graph 1.14 right top samplen 1
		plot data index first+policies+k-1 using 1:2 with fsteps linetype 1 linewidth 2.5 title columnheader(1), \
			data index first+policies+k-1 using 1:3 with points linetype 2 notitle
	}
	first = first + policies + series[b]
	top = low - gap_px / height
}
unset multiplot
