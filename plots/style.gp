# What all figures share. fmt and out come from the command line; alone, the script draws a PNG.
if (!exists("fmt")) fmt = 'png'
if (!exists("out")) out = name . '.' . fmt
if (!exists("width")) width = 800
if (!exists("height")) height = 500

if (fmt eq 'svg') {
	set terminal svg size width,height dynamic noenhanced font 'DejaVu Sans,13' background '#ffffff' \
		linewidth 1.2 dashlength 0.9
} else {
	set terminal pngcairo size 2*width,2*height noenhanced font 'DejaVu Sans,10' fontscale 2 \
		background '#ffffff' linewidth 2.4 dashlength 0.9 pointscale 1.6
}
set output out
set encoding utf8

# Okabe and Ito's colours (yellow, too light for a line, gives way to grey); dashes and markers repeat with
# other periods than the colours, so that lines stay apart in grey and beyond eight policies.
colours = '#0072B2 #D55E00 #009E73 #E69F00 #56B4E9 #CC79A7 #000000 #999999'
set for [i=1:40] linetype i linecolor rgb word(colours, (i - 1) % 8 + 1) linewidth 1.4
set for [i=1:40] linetype i pointtype int(word('6 8 4 10 12 2 1', (i - 1) % 7 + 1)) pointsize 0.7
set for [i=1:40:5] linetype i dashtype 1
set for [i=2:40:5] linetype i dashtype (10, 4)
set for [i=3:40:5] linetype i dashtype (3, 3)
set for [i=4:40:5] linetype i dashtype (10, 3, 2, 3)
set for [i=5:40:5] linetype i dashtype (18, 4)

# Lines that are equal cover each other, but for their markers: every policy has its own along the line.
first_marker(i) = int(every * (i + 1) / (policies + 1.0))

set border 3 linecolor '#444444' linewidth 0.7
set tics nomirror out scale 0.5
set grid xtics ytics linetype 1 linecolor '#dddddd' dashtype 1 linewidth 0.5
set format '%g'
set key off

# A legend right of @right, as a panel of its own: beside a panel gnuplot would cut it to that one's height.
right = 1 - (72 + 7.8 * name_chars) / width
left = 80.0 / width
legend = "unset border; unset tics; unset xlabel; unset ylabel; unset label; unset title; unset grid; " \
	. "set lmargin at screen 0; set rmargin at screen 1; set tmargin at screen 1; set bmargin at screen 0; " \
	. "set xrange [0:1]; set yrange [0:1]; " \
	. "set key at screen right + 0.012, screen 1 - 36.0 / height left top Left reverse vertical samplen 3 " \
	. "spacing 1.2 maxrows 60; "
