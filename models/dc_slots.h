/*
 * The slots of VMs on their hosts, and the columns of the table that they make: for dc.c, which has the contract, and
 * for nobody else.
 *
 * Slots of a host are a segment whose size is a power of two: at first that of its share of the expected VMs. A
 * segment that grows full moves to one of twice the size; the old one goes on a stack by size and is taken again
 * first, so memory mostly stays within twice the VMs placed. Columns are reserved once, for three times the expected
 * VMs: pages that nobody touches cost nothing, but growing would copy them all. Whatever is behind the VMs of a host
 * is 0, and so are the columns of a resource that no VM of the host has ever wanted (dc.host.used): these are not
 * touched.
 */
#ifndef COTENANT_MODELS_DC_SLOTS_H
#define COTENANT_MODELS_DC_SLOTS_H

#include "models/dc.h"

/* For about @vms VMs on dc->host.n hosts. -ENOMEM. */
int slots_init(struct dc *dc, size_t vms) must_check;
void slots_fini(struct dc *dc);

/* A slot for the VM on the host, 0 in all columns but those that say who it is and on which disk. -ENOMEM: everything
 * is as it was. */
int slot_take(struct dc *dc, uint32_t vm, uint32_t host) must_check;

/* Nobody has the slot any more. */
void slot_give_back(struct dc *dc, uint32_t slot, uint32_t host);

/* The VM goes to the other host with all that its slot holds, but for the disk that it is on. -ENOMEM: it stays. */
int slot_move(struct dc *dc, uint32_t vm, uint32_t to) must_check;

#endif
