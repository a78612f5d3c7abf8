/*
 * See sort.h. By the highest digit that tells keys apart, and then those alike in it in the same way; each pass
 * is stable (Knuth, The Art of Computer Programming 3, 5.2.5). A digit has about as many values as there are
 * items, so that mostly few are alike after one pass; few are sorted by insertion.
 */
#include "sim/core/sort.h"

#define BITS 11 /* of a digit at most: its counts stay in the nearest cache */
#define FEW  24

struct digit {
	unsigned shift;
	size_t mask;
};

static size_t digit_of(struct digit digit, uint64_t key)
{
	return key >> digit.shift & digit.mask;
}

static unsigned bits_of(uint64_t number)
{
	return number == 0 ? 0 : 64 - (unsigned)__builtin_clzll(number);
}

/* The highest in which keys differ, if they do. */
static struct digit highest_digit(const struct sort_item *item, size_t n)
{
	unsigned bits = bits_of(n) < BITS ? bits_of(n) : BITS;
	uint64_t differ = 0;

	for (size_t i = 1; i < n; i++)
		differ |= item[i].key ^ item[0].key;
	return (struct digit){bits_of(differ) > bits ? bits_of(differ) - bits : 0,
			      ((size_t)1 << bits) - 1};
}

static void sort_by_digit(struct sort_item *item, struct sort_item *scratch, size_t n,
			  struct digit digit)
{
	uint32_t count[(1 << BITS) + 1];

	memset(count, 0, (digit.mask + 2) * sizeof(*count));
	for (size_t i = 0; i < n; i++)
		count[digit_of(digit, item[i].key) + 1]++;
	for (size_t v = 0; v < digit.mask; v++)
		count[v + 1] += count[v];
	for (size_t i = 0; i < n; i++)
		scratch[count[digit_of(digit, item[i].key)]++] = item[i];
	memcpy(item, scratch, n * sizeof(*item));
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

void sort_by_key(struct sort_item *item, struct sort_item *scratch, size_t n)
{
	if (n <= FEW) {
		sort_few(item, n);
		return;
	}
	struct digit digit = highest_digit(item, n);
	sort_by_digit(item, scratch, n, digit);
	for (size_t begin = 0, end = 0; begin < n && digit.shift > 0; begin = end) {
		size_t value = digit_of(digit, item[begin].key);
		while (end < n && digit_of(digit, item[end].key) == value)
			end++;
		sort_by_key(item + begin, scratch, end - begin);
	}
}
