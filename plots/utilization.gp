# Share of the capacity that is granted over time, one panel per resource.
array panel[3] = ['CPU (%)', 'memory (%)', 'disk (%)']
low = 62.0 / height
step = (1 - 36.0 / height - low) / 3
set multiplot title title
set rmargin at screen right
set lmargin at screen left
set xrange [t_min:t_max]
set xtics t_step
do for [k=1:3] {
	bottom = low + (3 - k) * step
	set tmargin at screen bottom + step - 12.0 / height
	set bmargin at screen bottom
	set label 1 panel[k] at screen 11.0 / width, screen bottom + 0.5 * step center rotate
	set yrange [0:hi[k]]
	set ytics y_step[k]
	if (k == 3) { set xlabel t_label; set format x '%g' } else { unset xlabel; set format x '' }
	plot for [i=0:policies-1] data index i using ($1 / t_div):(100 * column(k + 1)) \
		with lines linetype i + 1, \
		for [i=0:policies-1] data index i every every::first_marker(i) using ($1 / t_div):(100 * column(k + 1)) \
		with points linetype i + 1
}
eval legend
plot for [i=0:policies-1] data index i using (NaN):(NaN) with linespoints linetype i + 1 title columnheader(1)
unset multiplot
