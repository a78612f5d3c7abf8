/*
 * BUG_ON(): our own mistakes. Prints the condition and its place, then aborts; never compiled out.
 * User mistakes and failures of the machine are never a BUG_ON: they go through err.h.
 */
#ifndef COTENANT_SIM_CORE_BUG_H
#define COTENANT_SIM_CORE_BUG_H

__attribute__((noreturn, cold)) void bug_stop(const char *file, int line, const char *cond);

#define BUG_ON(cond)                                         \
	do {                                                 \
		if (__builtin_expect(!!(cond), 0))           \
			bug_stop(__FILE__, __LINE__, #cond); \
	} while (0)

#endif
