/*
 * See sort.h. From the last digit on, each pass stable (Knuth, The Art of Computer Programming 3, 5.2.5); digits that
 * all keys have in common are left out. Few are sorted by insertion.
 */
#include "sim/core/sort.h"

#define BITS   11 /* of a digit: its counts stay in the nearest cache */
#define DIGITS ((64 + BITS - 1) / BITS)
#define VALUES ((size_t)1 << BITS)
#define FEW    48

static size_t digit_of(uint64_t key, unsigned digit)
{
	return key >> digit * BITS & (VALUES - 1);
}

static void sort_few(struct sort_item *item, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct sort_item one = item[i];
		size_t at = i;
		for (; at > 0 && item[at - 1].key > one.key; at--)
			item[at] = item[at - 1];
		item[at] = one;
	}
}

static void sort_by_digit(const struct sort_item *from, struct sort_item *to, size_t n,
			  unsigned digit)
{
	uint32_t count[VALUES + 1] = {0};

	for (size_t i = 0; i < n; i++)
		count[digit_of(from[i].key, digit) + 1]++;
	for (size_t v = 0; v < VALUES; v++)
		count[v + 1] += count[v];
	for (size_t i = 0; i < n; i++)
		to[count[digit_of(from[i].key, digit)]++] = from[i];
}

void sort_by_key(struct sort_item *item, struct sort_item *scratch, size_t n)
{
	struct sort_item *from = item, *to = scratch;
	uint64_t differ = 0;

	if (n <= FEW) {
		sort_few(item, n);
		return;
	}
	for (size_t i = 1; i < n; i++)
		differ |= item[i].key ^ item[0].key;
	for (unsigned digit = 0; digit < DIGITS; digit++) {
		if (digit_of(differ, digit) == 0)
			continue;
		sort_by_digit(from, to, n, digit);
		struct sort_item *other = from;
		from = to;
		to = other;
	}
	if (from != item)
		memcpy(item, from, n * sizeof(*item));
}
