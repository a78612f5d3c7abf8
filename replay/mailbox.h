/*
 * What a guest and its VMM say to each other: one page of guest memory per vCPU. The guest program
 * (guest_code.S) knows these offsets by number.
 */
#ifndef COTENANT_REPLAY_MAILBOX_H
#define COTENANT_REPLAY_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

struct mailbox {
	volatile uint64_t work;        /* guest: iterations burnt */
	volatile uint64_t base;        /* guest-physical address of the working set */
	volatile uint64_t pages;       /* working set, in pages of 4 KiB */
	volatile uint64_t resident;    /* pages from the first on that may be touched */
	volatile uint64_t store_below; /* touches that are stores: of 2^32 */
	volatile uint64_t touches;     /* guest: pages touched or missed */
	volatile uint64_t random;      /* of the choice of pages; not 0 */
	volatile uint64_t touch_goal;  /* touches rise to this */
	volatile uint64_t missed;      /* guest: touches of pages that are not resident */
	volatile uint64_t stores;      /* guest: each adds 1 to the first word of its page */
	volatile uint64_t bell;        /* MAILBOX_*: asked after each chunk of work */
};

enum { MAILBOX_SILENT, MAILBOX_RING, MAILBOX_CRASH };

_Static_assert(offsetof(struct mailbox, touches) == 40 && offsetof(struct mailbox, bell) == 80,
	       "guest_code.S says these numbers");

/* The guest's memory map. */
#define GUEST_PAGE    4096u
#define GUEST_MAILBOX 0x8000u /* + vCPU x page; at most GUEST_VCPUS */
#define GUEST_VCPUS   8u
#define GUEST_CODE    0x10000u
#define GUEST_SET     0x200000u /* working set from here on */

/* The guest program, position-independent. */
extern const unsigned char guest_code[], guest_code_end[];

#endif
