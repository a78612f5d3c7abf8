/* See dc_slots.h. */
#include "models/dc_slots.h"

#include <errno.h>
#include <string.h>

#include "sim/core/bug.h"

#define SEGMENT_MIN_LOG 3u

/* Columns. */

/* @bits: of the resource that the column is of; 0: of none. */
static void column_add(struct dc *dc, void *base, size_t elem, unsigned bits)
{
	BUG_ON(dc->ncolumns == DC_COLUMNS);
	dc->column[dc->ncolumns] = (struct dc_column){base, elem};
	dc->column_bits[dc->ncolumns++] = bits;
}

static void columns_register(struct dc *dc)
{
	struct dc_slots *s = &dc->slot;

	column_add(dc, &s->vm, sizeof(*s->vm), 0);
	column_add(dc, &s->class_id, sizeof(*s->class_id), 0);
	column_add(dc, &s->disk, sizeof(*s->disk), 0);
	column_add(dc, &s->stalled, sizeof(*s->stalled), 0);
	column_add(dc, &s->held, sizeof(*s->held), 0);
	column_add(dc, &s->load, sizeof(*s->load), 0);
	for (int p = 0; p < DC_POLICIES; p++)
		if (dc->memory & 1u << p)
			column_add(dc, &s->memory[p], sizeof(*s->memory[p]), 0);
	for (int r = 0; r < RES_COUNT; r++) {
		column_add(dc, &s->want[r], sizeof(double), RES_BIT(r));
		column_add(dc, &s->grant[r], sizeof(double), RES_BIT(r));
		column_add(dc, &s->sum.want[r], sizeof(double), RES_BIT(r));
		column_add(dc, &s->sum.grant[r], sizeof(double), RES_BIT(r));
	}
	column_add(dc, &s->sum.entitled, sizeof(double), 0);
	column_add(dc, &s->sum.stall, sizeof(double), 0);
	column_add(dc, &s->sum.starve, sizeof(float), 0);
	column_add(dc, &s->sum.starve_max, sizeof(float), 0);
	column_add(dc, &s->sum.run, sizeof(double), 0);
}

/* The column's array; columns have different element types, so the pointer is copied, not cast. */
static void *column_array(const struct dc_column *col)
{
	void *p;

	memcpy(&p, col->base, sizeof(p));
	return p;
}

static char *column_at(const struct dc_column *col, size_t slot)
{
	return (char *)column_array(col) + slot * col->elem;
}

/* The column after @col that may hold something of the host's: the first one after NULL; NULL behind the last. */
static const struct dc_column *next_column(const struct dc *dc, const struct dc_column *col,
					   uint32_t host)
{
	size_t c = col ? (size_t)(col - dc->column) + 1 : 0;
	unsigned used = dc->host.used[host];

	while (c < dc->ncolumns && dc->column_bits[c] != 0 && !(dc->column_bits[c] & used))
		c++;
	return c < dc->ncolumns ? &dc->column[c] : NULL;
}

static int slots_reserve(struct dc *dc, size_t need)
{
	if (need <= dc->slot.cap)
		return 0;
	for (size_t c = 0; c < dc->ncolumns; c++) {
		size_t cap = dc->slot.cap;
		if (mem_grow(dc->column[c].base, &cap, need, dc->column[c].elem) < 0)
			return -ENOMEM;
	}
	/* mem_grow() doubles; every column that grew holds at least this many. */
	dc->slot.cap = need;
	return 0;
}

int slots_init(struct dc *dc, size_t vms)
{
	dc->segment_log = SEGMENT_MIN_LOG;
	while (dc->host.n > 0 && dc->host.n << dc->segment_log < vms)
		dc->segment_log++;
	columns_register(dc);
	return slots_reserve(dc, 3 * vms + 16);
}

void slots_fini(struct dc *dc)
{
	for (size_t c = 0; c < dc->ncolumns; c++)
		mem_free(column_array(&dc->column[c]));
	for (size_t k = 0; k < 32; k++)
		mem_free(dc->free_segment[k]);
}

static void slots_clear(struct dc *dc, uint32_t host, uint32_t at, uint32_t n)
{
	const struct dc_column *col = NULL;

	while ((col = next_column(dc, col, host)) != NULL)
		memset(column_at(col, at), 0, n * col->elem);
}

/* Moves the slots [at, end) of a host by one, up or down. */
static void slots_shift(struct dc *dc, uint32_t host, uint32_t at, uint32_t end, int by)
{
	const struct dc_column *col = NULL;

	if (at == end)
		return;
	while ((col = next_column(dc, col, host)) != NULL) {
		char *from = column_at(col, at);
		memmove(by > 0 ? from + col->elem : from - col->elem, from, (end - at) * col->elem);
	}
	for (uint32_t s = at; s < end; s++)
		dc->vm.slot[dc->slot.vm[by > 0 ? s + 1 : s - 1]] = by > 0 ? s + 1 : s - 1;
}

/* Segments. */

static unsigned size_log(uint32_t room)
{
	return 31u - (unsigned)__builtin_clz(room);
}

/* A segment of 2^log slots: one that was given back, or new ones at the end. */
static int segment_take(struct dc *dc, unsigned log, uint32_t *first)
{
	if (dc->free_n[log] > 0) {
		*first = dc->free_segment[log][--dc->free_n[log]];
		return 0;
	}
	size_t end = dc->slot.used + ((size_t)1 << log);
	if (end > dc->slot.cap && slots_reserve(dc, end * 2) < 0)
		return -ENOMEM;
	*first = (uint32_t)dc->slot.used;
	dc->slot.used = end;
	return 0;
}

/* The host's slots go to a segment at @first, and the old one is kept for another host. */
static void segment_move(struct dc *dc, uint32_t host, uint32_t first)
{
	uint32_t room = dc->host.room[host], old = dc->host.first[host], n = dc->host.count[host];
	unsigned log = size_log(room);
	const struct dc_column *col = NULL;

	while ((col = next_column(dc, col, host)) != NULL)
		memcpy(column_at(col, first), column_at(col, old), n * col->elem);
	for (uint32_t i = 0; i < n; i++)
		dc->vm.slot[dc->slot.vm[first + i]] = first + i;
	slots_clear(dc, host, old, room);
	dc->free_segment[log][dc->free_n[log]++] = old;
}

static int segment_grow(struct dc *dc, uint32_t host)
{
	uint32_t room = dc->host.room[host], first;
	unsigned log = room ? size_log(room) + 1 : dc->segment_log, k = log - 1;

	if (room && mem_grow(&dc->free_segment[k], &dc->free_cap[k], dc->free_n[k] + 1, 4) < 0)
		return -ENOMEM;
	if (segment_take(dc, log, &first) < 0)
		return -ENOMEM;
	if (room)
		segment_move(dc, host, first);
	dc->host.first[host] = first;
	dc->host.room[host] = (uint32_t)1 << log;
	return 0;
}

/* Slots. */

static uint8_t emptiest_disk(const struct dc *dc, uint32_t host)
{
	uint32_t n[SHARE_MAX_DISKS] = {0};
	size_t best = 0, ndisks = dc->host.type[host]->ndisks;
	uint32_t first = dc->host.first[host];

	for (uint32_t i = 0; i < dc->host.count[host]; i++)
		n[dc->slot.disk[first + i]]++;
	for (size_t d = 1; d < ndisks; d++)
		if (n[d] < n[best])
			best = d;
	return (uint8_t)best;
}

int slot_take(struct dc *dc, uint32_t vm, uint32_t host)
{
	struct dc_hosts *h = &dc->host;

	if (h->count[host] == h->room[host] && segment_grow(dc, host) < 0)
		return -ENOMEM;
	uint8_t disk = emptiest_disk(dc, host);
	uint32_t first = h->first[host], end = first + h->count[host], at = end;
	while (at > first && dc->slot.vm[at - 1] > vm)
		at--;
	slots_shift(dc, host, at, end, 1);
	if (at < end) /* else it is clear, and columns that nobody writes stay untouched */
		slots_clear(dc, host, at, 1);
	dc->slot.vm[at] = vm;
	dc->slot.class_id[at] = dc->vm.class_id[vm];
	dc->slot.disk[at] = disk;
	dc->vm.slot[vm] = at;
	dc->vm.host[vm] = host;
	h->count[host]++;
	return 0;
}

void slot_give_back(struct dc *dc, uint32_t slot, uint32_t host)
{
	uint32_t end = dc->host.first[host] + dc->host.count[host];

	slots_shift(dc, host, slot + 1, end, -1);
	slots_clear(dc, host, end - 1, 1);
	dc->host.count[host]--;
}

int slot_move(struct dc *dc, uint32_t vm, uint32_t to)
{
	uint32_t from = dc->vm.host[vm], old = dc->vm.slot[vm];
	const struct dc_column *col = NULL;

	if (slot_take(dc, vm, to) < 0)
		return -ENOMEM;
	uint32_t slot = dc->vm.slot[vm];
	uint8_t disk = dc->slot.disk[slot];
	dc->host.used[to] |= dc->host.used[from];
	dc_wants(dc, dc->host.wanted[from], to);
	while ((col = next_column(dc, col, from)) != NULL)
		memcpy(column_at(col, slot), column_at(col, old), col->elem);
	dc->slot.disk[slot] = disk;
	slot_give_back(dc, old, from);
	return 0;
}
