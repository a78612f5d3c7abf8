/*
 * See evq.h. A 4-ary heap of 16-byte entries, four siblings to a cache line, without positions.
 *
 * The order is one 128-bit comparison: time, then class:4 serial:32 slot:28. The payload lives in
 * the slot, which also knows the serial of its one current entry. Cancelling releases the slot and
 * rescheduling gives it a new entry; the old entry stays in the heap, is recognised as stale by its
 * serial, and is dropped when it reaches the root. So sifting writes nothing but the heap itself:
 * keeping a position per slot costs a cache miss per level in large queues. Invariants: the root is
 * never stale, unless it is the hole that the last pop left, and then no other entry is; stale
 * entries are at most EVQ_STALE_SLACK more than live ones (else all are swept).
 *
 * Serials run out after EVQ_SERIALS; then the heap is sorted in place and numbered afresh, which
 * keeps the order. A slot's generation is odd while it is in use, so a handle fits only what it was
 * given for.
 */
#include "sim/core/evq.h"

#include <string.h>
#include <sys/mman.h>

#include "sim/core/bug.h"
#include "sim/core/mem.h"

#ifndef EVQ_SERIALS
#define EVQ_SERIALS (UINT64_C(1) << 32)
#endif
#define EVQ_STALE_SLACK  256u
#define SLOT_BITS        28
#define SLOT_MASK        ((UINT32_C(1) << SLOT_BITS) - 1)
#define SLOT_LIMIT       ((size_t)SLOT_MASK)
#define CLASS_SHIFT      60
#define PREFETCH_FROM    32768u /* pending events */
#define LINE             64u
#define SMALL_PAGE       4096u
#define LARGE_PAGES_FROM ((size_t)4 << 20)

/* The root is entry 3 of memory aligned to a cache line; the children of i are 4i-8 .. 4i-5. */
#define ROOT ((size_t)3)

__extension__ typedef unsigned __int128 order_t;

struct entry {
	uint64_t key;
	uint64_t time;
};

struct slot {
	uint32_t gen;
	uint32_t serial;
	uint32_t kind;
	uint32_t id; /* of a free slot: the next free one */
};

struct evq {
	struct entry *heap; /* inside heap_mem */
	void *heap_mem;
	struct slot *slots;
	size_t end;  /* one past the last entry; ROOT when empty */
	size_t live; /* pending events */
	size_t cap;  /* slots; the heap has room for twice as many entries, and the slack */
	size_t used; /* slots ever used */
	bool hole;   /* the root was popped and awaits the next push; then nothing is stale */
	uint32_t free_slot;
	uint64_t serial; /* next */
};

#define NO_SLOT UINT32_MAX

static inline order_t order(const struct entry *e)
{
	return (order_t)e->time << 64 | e->key;
}

static inline uint32_t entry_slot(const struct entry *e)
{
	return (uint32_t)e->key & SLOT_MASK;
}

static inline uint32_t entry_serial(const struct entry *e)
{
	return (uint32_t)(e->key >> SLOT_BITS);
}

/* A free slot's serial may equal that of its last entry, so the generation is asked too. */
static inline bool entry_is_stale(const struct evq *q, const struct entry *e)
{
	const struct slot *s = &q->slots[entry_slot(e)];

	return s->serial != entry_serial(e) || !(s->gen & 1);
}

static inline void sift_up(struct entry *heap, size_t hole, struct entry e)
{
	while (hole > ROOT) {
		size_t parent = hole / 4 + 2;
		if (order(&heap[parent]) < order(&e))
			break;
		heap[hole] = heap[parent];
		hole = parent;
	}
	heap[hole] = e;
}

static inline size_t least_of_four(const struct entry *heap, size_t c)
{
	size_t a = c + (order(&heap[c + 1]) < order(&heap[c]));
	size_t b = c + 2 + (order(&heap[c + 3]) < order(&heap[c + 2]));

	/* A mask and not a branch, which would be mispredicted half the time. */
	return a ^ ((a ^ b) & -(size_t)(order(&heap[b]) < order(&heap[a])));
}

/* Puts @e into the heap of entries ROOT..end-1 from @hole downwards. */
static inline void sift_down(struct entry *heap, size_t end, size_t hole, struct entry e)
{
	for (;;) {
		size_t c = hole * 4 - 8;
		if (c >= end)
			break;
		size_t least = c;
		if (c + 4 <= end) {
			/* All grandchildren, four lines in a row: their turn comes next. */
			const struct entry *next = heap + (c * 4 - 8);
			for (size_t i = 0; i < 16; i += 4)
				__builtin_prefetch(next + i);
			least = least_of_four(heap, c);
		} else {
			for (size_t i = c + 1; i < end; i++)
				if (order(&heap[i]) < order(&heap[least]))
					least = i;
		}
		if (order(&e) < order(&heap[least]))
			break;
		heap[hole] = heap[least];
		hole = least;
	}
	heap[hole] = e;
}

static void heap_remove_root(struct evq *q)
{
	struct entry last = q->heap[--q->end];

	if (q->end > ROOT)
		sift_down(q->heap, q->end, ROOT, last);
}

static inline size_t stale_count(const struct evq *q)
{
	return q->end - ROOT - q->live - q->hole;
}

/* Most events are followed by a new one, which then takes the place of the old in one sift. */
static inline void fill_hole(struct evq *q)
{
	if (q->hole) {
		q->hole = false;
		heap_remove_root(q);
	}
}

/* Drops stale entries from the root. */
static inline void settle(struct evq *q)
{
	if (stale_count(q) == 0)
		return;
	while (q->end > ROOT && entry_is_stale(q, &q->heap[ROOT]))
		heap_remove_root(q);
}

static void sweep(struct evq *q)
{
	size_t end = ROOT;

	for (size_t i = ROOT; i < q->end; i++)
		if (!entry_is_stale(q, &q->heap[i]))
			q->heap[end++] = q->heap[i];
	q->end = end;
	for (size_t i = end > ROOT + 1 ? (end - 1) / 4 + 2 : ROOT - 1; i >= ROOT; i--)
		sift_down(q->heap, end, i, q->heap[i]);
}

/* Sorts the swept heap in place (an ascending array is a heap) and numbers the entries from 0. */
static void renumber(struct evq *q)
{
	struct entry *heap = q->heap;

	fill_hole(q);
	sweep(q);
	for (size_t end = q->end; end > ROOT + 1; end--) {
		struct entry first = heap[ROOT];
		sift_down(heap, end - 1, ROOT, heap[end - 1]);
		heap[end - 1] = first;
	}
	for (size_t i = ROOT, j = q->end - 1; i < j; i++, j--) {
		struct entry swap = heap[i];
		heap[i] = heap[j];
		heap[j] = swap;
	}
	for (size_t i = ROOT; i < q->end; i++) {
		uint64_t serial = i - ROOT;
		uint64_t key = heap[i].key;
		heap[i].key = (key >> CLASS_SHIFT) << CLASS_SHIFT | serial << SLOT_BITS |
			      (key & SLOT_MASK);
		q->slots[key & SLOT_MASK].serial = (uint32_t)serial;
	}
	q->serial = q->live;
}

static struct entry entry_make(struct evq *q, int64_t time_ns, unsigned priority, uint32_t slot)
{
	BUG_ON(time_ns < 0 || priority >= EVQ_CLASSES);
	if (q->serial >= EVQ_SERIALS)
		renumber(q);
	uint64_t serial = q->serial++;
	q->slots[slot].serial = (uint32_t)serial;
	return (struct entry){
		.key = (uint64_t)priority << CLASS_SHIFT | serial << SLOT_BITS | slot,
		.time = (uint64_t)time_ns,
	};
}

/* A large queue misses the TLB at each level unless its pages are large. Only a hint: it may fail.
 */
static void use_large_pages(void *p, size_t bytes)
{
	uintptr_t from = ((uintptr_t)p + SMALL_PAGE - 1) & ~(uintptr_t)(SMALL_PAGE - 1);
	uintptr_t to = ((uintptr_t)p + bytes) & ~(uintptr_t)(SMALL_PAGE - 1);

	if (bytes >= LARGE_PAGES_FROM)
		(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

static int evq_resize(struct evq *q, size_t cap)
{
	if (cap > SLOT_LIMIT)
		cap = SLOT_LIMIT;
	size_t entries = 2 * cap + EVQ_STALE_SLACK + ROOT + 4;
	void *heap_mem = mem_alloc(entries * sizeof(struct entry) + LINE, 1);
	struct slot *slots = mem_alloc(cap, sizeof(*slots));
	if (cap <= q->used || !heap_mem || !slots) {
		mem_free(heap_mem);
		mem_free(slots);
		return -1;
	}
	use_large_pages(heap_mem, entries * sizeof(struct entry));
	use_large_pages(slots, cap * sizeof(*slots));
	uintptr_t skip = -(uintptr_t)heap_mem & (LINE - 1);
	struct entry *heap = (struct entry *)(void *)((char *)heap_mem + skip);
	if (q->heap) {
		memcpy(heap + ROOT, q->heap + ROOT, (q->end - ROOT) * sizeof(*heap));
		memcpy(slots, q->slots, q->used * sizeof(*slots));
	}
	mem_free(q->heap_mem);
	mem_free(q->slots);
	q->heap = heap;
	q->heap_mem = heap_mem;
	q->slots = slots;
	q->cap = cap;
	return 0;
}

struct evq *evq_new(size_t expected)
{
	struct evq *q = mem_alloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->end = ROOT;
	q->free_slot = NO_SLOT;
	if (evq_resize(q, expected < 2 ? 2 : expected)) {
		mem_free(q);
		return NULL;
	}
	return q;
}

void evq_free(struct evq *q)
{
	if (!q)
		return;
	mem_free(q->heap_mem);
	mem_free(q->slots);
	mem_free(q);
}

/* A handle is gen:32 class:4 slot+1:28. NULL unless it names a pending event. */
static struct slot *handle_slot(const struct evq *q, uint64_t handle)
{
	uint32_t slot = ((uint32_t)handle & SLOT_MASK) - 1;

	if (slot >= q->used)
		return NULL;
	struct slot *s = &q->slots[slot];
	return s->gen == (uint32_t)(handle >> 32) && (s->gen & 1) ? s : NULL;
}

static void slot_release(struct evq *q, struct slot *s)
{
	s->gen++;
	s->id = q->free_slot;
	q->free_slot = (uint32_t)(s - q->slots);
	q->live--;
}

uint64_t evq_push(struct evq *q, struct evq_event event, unsigned priority)
{
	uint32_t slot = q->free_slot;

	if (slot != NO_SLOT) {
		q->free_slot = q->slots[slot].id;
	} else {
		if (q->used == q->cap && evq_resize(q, q->cap * 2))
			return EVQ_NONE;
		slot = (uint32_t)q->used++;
	}
	/* The entry first: renumbering must not meet a slot that has no entry yet. */
	struct entry e = entry_make(q, event.time_ns, priority, slot);
	struct slot *s = &q->slots[slot];
	s->gen++;
	s->kind = event.kind;
	s->id = event.id;
	q->live++;
	if (q->hole) {
		q->hole = false;
		sift_down(q->heap, q->end, ROOT, e);
	} else {
		sift_up(q->heap, q->end++, e);
	}
	return (uint64_t)s->gen << 32 | (uint64_t)priority << SLOT_BITS | (slot + 1);
}

bool evq_pop(struct evq *q, struct evq_event *event)
{
	if (q->live == 0)
		return false;
	fill_hole(q);
	const struct entry *root = &q->heap[ROOT];
	struct slot *s = &q->slots[entry_slot(root)];
	*event = (struct evq_event){(int64_t)root->time, s->kind, s->id};
	slot_release(q, s);
	q->hole = true;
	if (q->live > PREFETCH_FROM) {
		/* Far from any cache, and sure to be asked for next or after the event now pushed.
		 */
		size_t next = least_of_four(q->heap, ROOT + 1);
		__builtin_prefetch(&q->slots[entry_slot(&q->heap[next])], 1);
	}
	if (stale_count(q) > 0) {
		fill_hole(q);
		settle(q);
	}
	return true;
}

/* The first entry; NULL when there is none. */
static const struct entry *first_of(const struct evq *q)
{
	size_t from = q->hole ? ROOT + 1 : ROOT, to = q->hole ? ROOT + 5 : ROOT + 1;
	const struct entry *first = NULL;

	for (size_t i = from; i < to && i < q->end; i++)
		if (!first || order(&q->heap[i]) < order(first))
			first = &q->heap[i];
	return first;
}

bool evq_peek(const struct evq *q, struct evq_event *event)
{
	const struct entry *first = first_of(q);

	if (!first)
		return false;
	const struct slot *s = &q->slots[entry_slot(first)];
	*event = (struct evq_event){(int64_t)first->time, s->kind, s->id};
	return true;
}

int64_t evq_next_time(const struct evq *q)
{
	const struct entry *first = first_of(q);

	return first ? (int64_t)first->time : INT64_MAX;
}

static void tidy(struct evq *q)
{
	if (stale_count(q) >= q->live + EVQ_STALE_SLACK)
		sweep(q);
	else
		settle(q);
}

bool evq_cancel(struct evq *q, uint64_t handle)
{
	struct slot *s = handle_slot(q, handle);

	if (!s)
		return false;
	fill_hole(q);
	slot_release(q, s);
	tidy(q);
	return true;
}

bool evq_reschedule(struct evq *q, uint64_t handle, int64_t time_ns)
{
	struct slot *s = handle_slot(q, handle);

	if (!s)
		return false;
	fill_hole(q);
	unsigned priority = (unsigned)(handle >> SLOT_BITS) & (EVQ_CLASSES - 1);
	uint32_t slot = (uint32_t)(s - q->slots);
	struct entry e = entry_make(q, time_ns, priority, slot);
	if (entry_slot(&q->heap[ROOT]) == slot) {
		sift_down(q->heap, q->end, ROOT, e);
		settle(q);
		return true;
	}
	sift_up(q->heap, q->end++, e);
	tidy(q);
	return true;
}

bool evq_is_pending(const struct evq *q, uint64_t handle)
{
	return handle_slot(q, handle) != NULL;
}

size_t evq_size(const struct evq *q)
{
	return q->live;
}
