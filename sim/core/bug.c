/* See bug.h. A function, so that what checks itself with BUG_ON() does not print by itself. */
#include "sim/core/bug.h"

#include <stdio.h>
#include <stdlib.h>

void bug_stop(const char *file, int line, const char *cond)
{
	fprintf(stderr, "cotenant: BUG: %s:%d: %s\n", file, line, cond);
	abort();
}
