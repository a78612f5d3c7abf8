/*
 * A virtual machine of our own on KVM: memory, vCPUs in long mode at privilege level 3, the guest
 * program of guest_code.S, the dirty log. The only file that speaks to /dev/kvm is vmm.c.
 *
 * No interrupt controller, no devices, no privileged code: what runs is the same on VMX, SVM and on
 * hosts whose KVM emulates privileged instructions slowly. A VM belongs to the process that made it.
 */
#ifndef COTENANT_REPLAY_VMM_H
#define COTENANT_REPLAY_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/mailbox.h"
#include "sim/core/err.h"

struct vmm;

/* Whether guests can run here: 0, or -errno with @err set to the cause and the remedy (bad input: exit
 * status 2). @device: "/dev/kvm". */
int vmm_check(const char *device, struct err *err) must_check;

/* What this KVM offers, for `replay probe`: the i-th capability that matters, NULL past the end; @value is
 * what KVM says (0: absent). */
const char *vmm_capability(int kvm_fd, size_t i, int *value);

/* A VM with @bytes of working set (whole pages) and @vcpus, ready to run its program. Its memory is a file
 * in memory: pages are there once touched. */
int vmm_open(struct vmm **vmm, size_t bytes, uint32_t vcpus, struct err *err) must_check;
void vmm_close(struct vmm *vmm);

struct mailbox *vmm_mailbox(struct vmm *vmm, uint32_t vcpu);
unsigned char *vmm_memory(struct vmm *vmm, size_t *bytes); /* all of it, as this process sees it */
size_t vmm_resident(const struct vmm *vmm);                /* bytes of it that are there */
/* Makes the pages of the working set from @from to @to be there, or not be there (their contents go). */
void vmm_populate(struct vmm *vmm, size_t from, size_t to);
int vmm_discard(struct vmm *vmm, size_t from, size_t to) must_check;

enum vmm_exit { VMM_KICKED, VMM_BELL, VMM_DIED };

/* Runs until it is kicked or something happens. VMM_DIED: vmm_why() says why. */
enum vmm_exit vmm_run(struct vmm *vmm, uint32_t vcpu);
const char *vmm_why(const struct vmm *vmm);
/* The byte that a signal handler sets to take the vCPU out of the guest; vmm_run() leaves at once while
 * it is set. */
volatile uint8_t *vmm_kick(struct vmm *vmm, uint32_t vcpu);

/* The dirty log: on or off; the pages written since the last call, as bits. */
int vmm_log(struct vmm *vmm, bool on) must_check;
int vmm_dirty(struct vmm *vmm, uint64_t *bits) must_check;

/* The registers of a vCPU that is not running, as bytes to be sent. */
size_t vmm_state_size(void);
int vmm_state_get(struct vmm *vmm, uint32_t vcpu, void *state) must_check;
int vmm_state_set(struct vmm *vmm, uint32_t vcpu, const void *state) must_check;

#endif
