/*
 * Numbers with units, read and printed without regard to the locale.
 *
 * Every parser takes the whole text (surrounding blanks aside) and either sets *out and returns NULL,
 * or returns what is wrong, ready to follow "key: " in a message and naming the right form: "4 needs a
 * unit (for example 4GiB)". Overflow, NaN and trailing characters are errors. A blank between number
 * and unit is allowed. SI prefixes are powers of 1000, binary ones (Ki Mi Gi Ti) of 1024.
 */
#ifndef COTENANT_SIM_CORE_UNITS_H
#define COTENANT_SIM_CORE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/core/plugin.h"

/* Parses @text as the scalar type @type (OPT_BOOL..OPT_CPU except OPT_ENUM and OPT_STRING) into the C
 * type of that option at @out. The message stands in @why (size @n) and is returned. */
const char *units_parse(enum opt_type type, const char *text, void *out, char *why, size_t n);

/* A plain decimal number, without a unit: strtod in the C locale. NULL or the problem. */
const char *units_number(const char *text, double *out, char *why, size_t n);

/* "150ms", "5min", "1h30min"; "4GiB"; the shortest exact form. Returns @buf. */
char *units_print_time(int64_t ns, char *buf, size_t n);
char *units_print_bytes(double bytes, char *buf, size_t n);

/* The shortest decimal that reads back as the same double; "none" for INFINITY. Returns @buf. */
char *units_print_number(double value, char *buf, size_t n);

#endif
