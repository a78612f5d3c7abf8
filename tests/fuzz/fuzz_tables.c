/*
 * Fuzzes the small tables that a scenario can name: recorded failures (first byte 'o') and the carbon
 * intensity. What loads must be in order, and each unit must go down and up in turn.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "models/carbon.h"
#include "scenarios/outages.h"
#include "sim/core/bug.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] = "tick: 1s\nduration: 1h\nhosts:\n"
			   "  - {name: a, count: 3, rack: 2, cores: 1, speed: 1GHz, memory: 1GiB}\n"
			   "  - {name: a-1, cores: 1, speed: 1GHz, memory: 1GiB}\n"
			   "vms: {name: v, memory: 1MiB, workload: constant}\n";

static void load_outages(const char *path)
{
	static struct scenario *scenario;
	static struct err err;
	struct outages outages = {0};

	err_clear(&err);
	if (!scenario)
		BUG_ON(scenario_load_text(&scenario, "fuzz.yaml", yaml, strlen(yaml), NULL, 0,
					  &err));
	scenario->outages = path;
	int rc = outages_load(&outages, scenario, &err);
	BUG_ON((rc < 0) != (err.count > 0));
	for (size_t i = 0; i < outages.n && rc == 0; i++) {
		const struct outage *o = &outages.item[i];
		BUG_ON(o->time_ns < 0 || o->group > 1 || o->index > 2);
		BUG_ON(i > 0 && o->time_ns < o[-1].time_ns);
	}
	outages_free(&outages);
}

static void load_carbon(const char *path)
{
	static struct err err;
	struct carbon carbon = {0};

	err_clear(&err);
	int rc = carbon_load(&carbon, path, &err);
	BUG_ON((rc < 0) != (err.count > 0));
	for (size_t i = 1; i < carbon.n && rc == 0; i++)
		BUG_ON(carbon.row[i].time_ns <= carbon.row[i - 1].time_ns);
	BUG_ON(rc == 0 && !(carbon_between(&carbon, 5, INT64_MAX) >= 0));
	carbon_free(&carbon);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = memfd_create("table", MFD_CLOEXEC);

	if (size == 0) {
		close(fd);
		return 0;
	}
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (data[0] == 'o')
		load_outages(path);
	else
		load_carbon(path);
	close(fd);
	return 0;
}
