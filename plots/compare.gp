# Key metrics by policy: means over seeds, with the 95 % interval where there are several.
left = (20 + 7.6 * name_chars) / width
right = 1 - 15.0 / width
low = 6.0 / height
top = 1 - 32.0 / height
columns = (panels < 3) ? panels : 3
rows = int((panels + columns - 1) / columns)
step_x = (right - left) / columns
step_y = (top - low) / rows
set multiplot title title
set style fill solid 1.0 noborder
set yrange [-policies + 0.4:0.6]
set grid noytics xtics
do for [k=0:panels-1] {
	c = k % columns
	r = int(k / columns)
	set lmargin at screen left + c * step_x + 8.0 / width
	set rmargin at screen left + (c + 1) * step_x - 22.0 / width
	set tmargin at screen top - r * step_y - 26.0 / height
	set bmargin at screen top - (r + 1) * step_y + 36.0 / height
	set title panel_titles[k + 1] offset 0,-0.7
	set xrange [0:hi[k + 1]]
	set xtics step[k + 1]
	if (c == 0) { set ytics scale 0 } else { unset ytics }
	label(i) = (c == 0) ? strcol(i) : ''
	plot data index k using 2:(-$0):(0):2:(-$0 - 0.36):(-$0 + 0.36):ytic(label(1)) \
		with boxxyerror linecolor rgb '#56B4E9', \
		data index k using (column(3) > 0 ? column(2) : NaN):(-$0):3 \
		with xerrorbars linecolor rgb '#000000' linewidth 0.8 dashtype 1 pointtype 0
}
unset multiplot
