/*
 * BUG_ON(): our own mistakes. Prints the condition and its place, then aborts; never compiled out.
 * User mistakes and failures of the machine are never a BUG_ON: they go through err.h.
 */
#ifndef COTENANT_SIM_CORE_BUG_H
#define COTENANT_SIM_CORE_BUG_H

#include <stdio.h>
#include <stdlib.h>

#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(!!(cond), 0)) {                                               \
			fprintf(stderr, "cotenant: BUG: %s:%d: %s\n", __FILE__, __LINE__, #cond);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
