/*
 * Figures of a finished run, drawn by gnuplot from templates that are part of the program.
 *
 * Each figure leaves three kinds of file in DIR/plots: NAME.dat (its numbers), NAME.gp (the script;
 * "gnuplot NAME.gp" in that folder draws it again, to be changed for a paper) and NAME.png and/or
 * NAME.svg. The same CSV files give the same bytes. Time series are of the first seed of the file,
 * and say so.
 */
#ifndef COTENANT_PLOTS_PLOT_H
#define COTENANT_PLOTS_PLOT_H

#include <stddef.h>

#include "sim/core/err.h"

/* Draws every figure whose CSV file is in @dir, as @format "png", "svg" or "both". A figure whose
 * file is missing or has no row for it is left out; no figure at all is an error. */
int plot_dir(const char *dir, const char *format, struct err *err) must_check;

/* The figures' names (files without their ending) and one line on what each shows; NULL after the
 * last. */
const char *plot_name(size_t i);
const char *plot_caption(size_t i);

#endif
