/* See device.h. */
#include "replay/device.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/procfs.h"

static const struct {
	int code;
	const char *text, *remedy;
} known[] = {
	{EACCES, "no permission to open it",
	 "add the user to the group kvm (usermod -aG kvm USER, log in again), or run as root"},
	{EPERM, "it may not be used here",
	 "in a container: allow it the device (--device /dev/kvm); else run as root"},
	{EBUSY, "another hypervisor holds the processor's virtualization",
	 "end it (VirtualBox, for example, while it runs a machine)"},
	{ENOMEM, "the kernel has no memory for a virtual machine", "end other programs"},
};

/* The module that the processor needs, by its flags. */
static const char *module_needed(const char *root)
{
	char text[8192];

	if (procfs_read(root, text, sizeof(text), "/proc/cpuinfo") <= 0)
		return NULL;
	if (strstr(text, " vmx"))
		return "kvm_intel";
	return strstr(text, " svm") ? "kvm_amd" : NULL;
}

static bool is_loaded(const char *root)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/sys/module/kvm", root) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/* The device or its driver is not there. */
static void nothing_there(const char *root, int code, struct device_words *words)
{
	const char *module = module_needed(root);
	bool loaded = is_loaded(root);

	snprintf(words->text, sizeof(words->text), "%s; %s",
		 code == ENOENT ? "there is none" : "it is there without its driver",
		 loaded   ? "the module kvm is loaded"
		 : module ? "no KVM module is loaded"
			  : "the processor shows no virtualization (vmx or svm)");
	if (loaded && code == ENOENT)
		snprintf(words->remedy, sizeof(words->remedy),
			 "in a container: give it the device (--device /dev/kvm)");
	else if (module)
		snprintf(words->remedy, sizeof(words->remedy), "as root: modprobe %s", module);
	else
		snprintf(words->remedy, sizeof(words->remedy),
			 "switch virtualization on in the firmware, or nested virtualization where "
			 "this machine is itself a VM, load kvm_intel or kvm_amd, or use a host "
			 "with KVM");
}

void device_words(const char *root, const char *device, int code, struct device_words *words)
{
	char text[sizeof(words->text)];

	words->remedy[0] = '\0';
	snprintf(words->text, sizeof(words->text), "%s", strerror(code));
	if (code == ENOENT || code == ENODEV || code == ENXIO)
		nothing_there(root, code, words);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].code == code) {
			snprintf(words->text, sizeof(words->text), "%s", known[i].text);
			snprintf(words->remedy, sizeof(words->remedy), "%s", known[i].remedy);
		}
	memcpy(text, words->text, sizeof(text));
	snprintf(words->text, sizeof(words->text), "%.80s: %.110s", device, text);
}
