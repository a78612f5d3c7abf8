/*
 * Control characters (ASCII 0 to 31 and 127). Terminals obey them and readers of CSV do not take them, so no name
 * may carry them out of the program. Bytes of UTF-8 are none of them.
 */
#ifndef COTENANT_SIM_CORE_CONTROL_H
#define COTENANT_SIM_CORE_CONTROL_H

#include <stdbool.h>

static inline bool control_is(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* Whether the text has one. */
static inline bool control_in(const char *text)
{
	while (*text && !control_is(*text))
		text++;
	return *text != '\0';
}

#endif
