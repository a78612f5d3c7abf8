/*
 * Sorting by a whole number, in time that grows with how many there are: for tables of hosts that are put in order at
 * every round. Small things are what qsort() is for.
 */
#ifndef COTENANT_SIM_CORE_SORT_H
#define COTENANT_SIM_CORE_SORT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sort_item {
	uint64_t key;
	uint32_t id; /* the caller's */
};

/* Puts @n items in ascending order of keys; those with the same key stay in the order in which they were. @scratch
 * has room for as many. */
void sort_by_key(struct sort_item *item, struct sort_item *scratch, size_t n);

/* A key for a number that is not below 0: keys are in the order of the numbers. */
static inline uint64_t sort_key(double number)
{
	uint64_t key;

	number += 0.0; /* -0 */
	memcpy(&key, &number, sizeof(key));
	return key;
}

#endif
