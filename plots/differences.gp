# Differences from the first policy within seeds: means and 95 % intervals. Grey: the interval includes 0.
left = (20 + 7.6 * name_chars) / width
right = 1 - 15.0 / width
low = 6.0 / height
top = 1 - 32.0 / height
columns = (panels < 3) ? panels : 3
rows = int((panels + columns - 1) / columns)
step_x = (right - left) / columns
step_y = (top - low) / rows
set multiplot title title
set yrange [-bars + 0.4:0.6]
set grid noytics xtics
do for [k=0:panels-1] {
	c = k % columns
	r = int(k / columns)
	set lmargin at screen left + c * step_x + 8.0 / width
	set rmargin at screen left + (c + 1) * step_x - 16.0 / width
	set tmargin at screen top - r * step_y - 26.0 / height
	set bmargin at screen top - (r + 1) * step_y + 36.0 / height
	set title panel_titles[k + 1] offset 0,-0.7
	set xrange [lo[k + 1]:hi[k + 1]]
	set xtics step[k + 1]
	if (c == 0) { set ytics scale 0 } else { unset ytics }
	set arrow 1 from 0, graph 0 to 0, graph 1 nohead linecolor rgb '#444444' linewidth 0.9 dashtype 1
	label(i) = (c == 0) ? strcol(i) : ''
	plot data index k using 2:(-$0):3:ytic(label(1)) \
		with xerrorbars linecolor rgb '#999999' linewidth 1 dashtype 1 pointtype 6 pointsize 0.7, \
		data index k using (column(4) > 0 ? column(2) : NaN):(-$0):3 \
		with xerrorbars linecolor rgb '#0072B2' linewidth 1.4 dashtype 1 pointtype 7 pointsize 0.7
}
unset multiplot
