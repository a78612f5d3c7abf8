/*
 * What detectors that look at the past share: their options, and statistics of short histories.
 */
#ifndef COTENANT_POLICIES_DETECT_PAST_H
#define COTENANT_POLICIES_DETECT_PAST_H

#include <stdbool.h>

#include "policies/migrator.h"

/* The head of their states. */
struct detect_past {
	double safety, fallback;
	int64_t history, minimum;
};

/* The options; @STATE: the struct, which begins with a struct detect_past called past. */
#define DETECT_PAST_OPTS(STATE, SAFETY, SAFETY_HELP, HISTORY, MINIMUM, LEAST)                    \
	{.name = "safety",                                                                       \
	 .type = OPT_NUMBER,                                                                     \
	 .offset = offsetof(STATE, past.safety),                                                 \
	 .def = SAFETY,                                                                          \
	 .max = 100,                                                                             \
	 .help = SAFETY_HELP},                                                                   \
		{.name = "history",                                                              \
		 .type = OPT_INT,                                                                \
		 .offset = offsetof(STATE, past.history),                                        \
		 .def = HISTORY,                                                                 \
		 .min = LEAST,                                                                   \
		 .max = MIGRATOR_SAMPLES_MAX,                                                    \
		 .help = "so many of the last samples are looked at"},                           \
		{.name = "minimum",                                                              \
		 .type = OPT_INT,                                                                \
		 .offset = offsetof(STATE, past.minimum),                                        \
		 .def = MINIMUM,                                                                 \
		 .min = LEAST,                                                                   \
		 .max = MIGRATOR_SAMPLES_MAX,                                                    \
		 .help = "with fewer samples than this the fallback holds"},                     \
	{                                                                                        \
		.name = "fallback", .type = OPT_RATIO, .offset = offsetof(STATE, past.fallback), \
		.def = "0.7", .max = 1,                                                          \
		.help = "load above which a host is overloaded while its history is too short"   \
	}

size_t detect_past_samples(const void *state);

/* Whether the history is long enough; a minimum above `history` asks for all of that. */
bool detect_past_enough(const struct detect_past *past, const struct detector_view *view);

/* 1 - safety x spread, at least 0: the load up to which a host is safe that varies so much. */
double detect_past_limit(const struct detect_past *past, double spread);

/* Sorts few values, ascending; n must not be large. */
void detect_past_sort(double *value, size_t n);

/* Where the line through points (i, y[i]) with these weights is at @at. A line through points that all
 * weigh nothing, or through one alone, is level. */
struct detect_line {
	double start, slope; /* y = start + slope x i */
};
struct detect_line detect_past_line(const double *y, const double *weight, size_t n);

/* Tricube weights of distance from the last of n points (Cleveland 1979): 1 for itself, 0 for the
 * first. */
void detect_past_tricube(double *weight, size_t n);

/* The limit of a host whose load is to be @ahead in a while: so much load may come or has to go that
 * what is ahead times safety is 1. */
double detect_past_ahead(const struct detect_past *past, const struct detector_view *view,
			 double ahead);

#endif
