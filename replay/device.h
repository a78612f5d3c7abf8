/*
 * Why /dev/kvm cannot be used on this machine, and what to do about it, in words.
 *
 * The errno of the attempt says little: whether the module is loaded, which one the processor needs, and
 * whether it shows any virtualization at all is read from proc and sys. Flags may hide what works, so
 * nothing but the wording depends on them. @root: see replay/procfs.h.
 */
#ifndef COTENANT_REPLAY_DEVICE_H
#define COTENANT_REPLAY_DEVICE_H

#include <stddef.h>

struct device_words {
	char text[200];   /* what is the matter */
	char remedy[240]; /* "" = nobody knows */
};

/* @code: errno of opening @device, or of making a virtual machine with it. */
void device_words(const char *root, const char *device, int code, struct device_words *words);

#endif
