/* See libvirt.h. Declared here is the little of libvirt's stable interface that is used. */
#include "replay/libvirt.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/procfs.h"
#include "sim/core/mem.h"

#define ACTIVE_DOMAINS 1u

struct domain_info {
	unsigned char state;
	unsigned long max_kib, kib;
	unsigned short vcpus;
	unsigned long long cpu_ns;
};

struct libvirt {
	void *library, *connection;
	void *(*open)(const char *uri);
	int (*close)(void *connection);
	int (*list)(void *connection, void ***domains, unsigned flags);
	const char *(*name)(void *domain);
	int (*info)(void *domain, struct domain_info *info);
	int (*free)(void *domain);
	void (*on_error)(void *data, void (*f)(void *data, void *error));
};

static void be_silent(void *data, void *error)
{
	(void)data;
	(void)error;
}

/* NULL, or the symbol that is not there. */
static const char *load(struct libvirt *lv)
{
	const struct {
		const char *name;
		void *at;
	} symbols[] = {{"virConnectOpenReadOnly", &lv->open},   {"virConnectClose", &lv->close},
		       {"virConnectListAllDomains", &lv->list}, {"virDomainGetName", &lv->name},
		       {"virDomainGetInfo", &lv->info},         {"virDomainFree", &lv->free},
		       {"virSetErrorFunc", &lv->on_error}};

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(lv->library, symbols[i].name);
		if (!symbol)
			return symbols[i].name;
		memcpy(symbols[i].at, &symbol, sizeof(symbol));
	}
	return NULL;
}

struct libvirt *libvirt_open(const char *library, const char *uri, char *why, size_t n)
{
	struct libvirt *lv = mem_alloc(1, sizeof(*lv));

	if (!lv) {
		snprintf(why, n, "out of memory");
		return NULL;
	}
	lv->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!lv->library) {
		snprintf(why, n, "not installed (%s)", dlerror());
		mem_free(lv);
		return NULL;
	}
	const char *missing = load(lv);
	if (!missing) {
		lv->on_error(NULL, be_silent);
		lv->connection = lv->open(uri);
	}
	if (missing)
		snprintf(why, n, "%s has no %s", library ? library : "libvirt", missing);
	else if (!lv->connection)
		snprintf(why, n, "cannot connect to %s: its daemon does not run, or no permission",
			 uri ? uri : "libvirt");
	else
		return lv;
	libvirt_close(lv);
	return NULL;
}

void libvirt_close(struct libvirt *lv)
{
	if (!lv)
		return;
	if (lv->connection)
		lv->close(lv->connection);
	dlclose(lv->library);
	mem_free(lv);
}

static bool is_process(const char *root, const char *name, pid_t pid)
{
	uint64_t its;

	return procfs_number(root, &its, "/run/libvirt/qemu/%s.pid", name) && its == (uint64_t)pid;
}

bool libvirt_find(struct libvirt *lv, const char *root, pid_t pid, struct libvirt_domain *domain)
{
	void **domains = NULL;
	bool found = false;
	int n = lv->list(lv->connection, &domains, ACTIVE_DOMAINS);

	for (int i = 0; i < n; i++) {
		struct domain_info info = {0};
		const char *name = lv->name(domains[i]);
		if (!found && name && name[0] && !strchr(name, '/') &&
		    is_process(root, name, pid) && lv->info(domains[i], &info) == 0) {
			found = true;
			snprintf(domain->name, sizeof(domain->name), "%s", name);
			domain->ram = (double)info.max_kib * 1024;
			domain->balloon = (double)info.kib * 1024;
			domain->vcpus = info.vcpus;
		}
		lv->free(domains[i]);
	}
	free(domains);
	return found;
}
