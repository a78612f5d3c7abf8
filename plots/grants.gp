# What a VM wants and what it is granted, one panel per VM; the first policies only.
right = 1 - 18.0 / width
low = 62.0 / height
top = 1 - 64.0 / height
columns = (vms > 1) ? 2 : 1
rows = int((vms + columns - 1) / columns)
step_x = (right - left) / columns
step_y = (top - low) / rows
set multiplot title title
set xrange [t_min:t_max]
set xtics t_step
set yrange [0:y_max]
set ytics y_step
do for [v=0:vms-1] {
	c = v % columns
	r = int(v / columns)
	set lmargin at screen left + c * step_x + (c > 0 ? 34.0 / width : 0)
	set rmargin at screen left + (c + 1) * step_x - (c + 1 < columns ? 6.0 / width : 0)
	set tmargin at screen top - r * step_y - 27.0 / height
	set bmargin at screen top - (r + 1) * step_y
	set title word(vm_names, v + 1) offset 0,-0.8
	set format y (c == 0 ? '%g' : '')
	if (c == 0) {
		set label 1 'CPU (' . unit . ')' at screen 11.0 / width, screen top - (r + 0.55) * step_y center rotate
	} else { unset label 1 }
	if (v + columns >= vms) { set xlabel t_label; set format x '%g' } else { unset xlabel; set format x '' }
	plot data index v using ($1 / t_div):2 with filledcurves y1=0 fillcolor rgb '#d8d8d8', \
		for [i=1:policies] data index v using ($1 / t_div):(column(i + 2)) with lines linetype i
}
eval legend
set key at screen 0.5, screen 1 - 26.0 / height center top horizontal Left reverse samplen 3 maxrows 1
plot data index 0 using (NaN):(NaN) with filledcurves y1=0 fillcolor rgb '#d8d8d8' title 'demand', \
	for [i=1:policies] data index 0 using (NaN):(NaN) with lines linetype i title word(policy_names, i)
unset multiplot
