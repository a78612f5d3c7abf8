/*
 * What single settings cannot show: settings that contradict each other, names, references. A file for each part of a
 * scenario; each tells all that is wrong with it. Settings that are wrong in themselves are left out. For check*.c.
 */
#ifndef COTENANT_SCENARIOS_CHECK_H
#define COTENANT_SCENARIOS_CHECK_H

#include "scenarios/load.h"

#define CHECK_MAX_TOTAL 10000000 /* hosts, or VMs */

/* An error about a setting; where it was not written, at the entry @owner that lacks it. */
#define wrong(ld, addr, name, owner, ...) \
	place_error((ld), check_where(ld, addr, name, owner), name, __VA_ARGS__)
struct place check_where(struct loader *ld, const void *addr, const char *name, const void *owner);

/* Whether a setting, or an entry of a list with all that is in it, is right in itself: what is not is not held against
 * others. */
bool check_sound(struct loader *ld, const void *addr);
bool check_sound_entry(struct loader *ld, const void *entry);

/* Names of the entries of a list, which stand @offset bytes behind the beginning of each: well formed and different.
 * @derived: those that were not written were made of others, and may have any form. */
void check_names(struct loader *ld, const struct opt_list *list, size_t size, size_t offset,
		 bool derived);

/* The number at the end of "group-NUMBER" if the front is @group; else -1. */
int64_t check_member_index(const char *name, const char *group);

/* Whether the name is that of a VM of the group. */
bool check_is_member(const struct vm_spec *vm, const char *name);

/* Whether one of the host's frequency steps has that speed. */
bool check_has_speed(const struct host_spec *host, double speed);

void check_hosts(struct loader *ld);
void check_vms(struct loader *ld);
void check_rules(struct loader *ld);
void check_actions(struct loader *ld);
void check_policies(struct loader *ld);

#endif
