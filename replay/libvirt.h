/*
 * What libvirt knows of its domains, if it is installed and runs: the library is looked for at run time.
 */
#ifndef COTENANT_REPLAY_LIBVIRT_H
#define COTENANT_REPLAY_LIBVIRT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct libvirt;

/* @library: "libvirt.so.0"; NULL = symbols of the program itself (tests). @uri NULL = libvirt's default.
 * NULL with the reason in @why. The connection can only read. */
struct libvirt *libvirt_open(const char *library, const char *uri, char *why, size_t n);
void libvirt_close(struct libvirt *libvirt);

struct libvirt_domain {
	char name[256];
	double ram, balloon; /* bytes: at most, and as the balloon stands */
	unsigned vcpus;
};

/* The running domain of a process, by the pid file that libvirt keeps below @root. */
bool libvirt_find(struct libvirt *libvirt, const char *root, pid_t pid,
		  struct libvirt_domain *domain);

#endif
