# Distribution over VMs of the share of wanted CPU time that was not granted.
set multiplot title title
set lmargin at screen left
set rmargin at screen right
set tmargin at screen 1 - 36.0 / height
set bmargin at screen 62.0 / height
set xlabel 'CPU shortfall: unmet / wanted (%)'
set label 1 'share of VMs with at most this shortfall' at screen 11.0 / width, screen 0.5 center rotate
set xrange [-0.01 * x_max:x_max]
set yrange [0:1.02]
plot for [i=0:policies-1] data index i using 1:2 with steps linetype i + 1
eval legend
plot for [i=0:policies-1] data index i using (NaN):(NaN) with lines linetype i + 1 title columnheader(1)
unset multiplot
