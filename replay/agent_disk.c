/*
 * A guest's disk I/O (agent.h): operations one at a time, each not before its own moment. Moments are
 * counted from the beginning of the order, so the rate is exact however late single ones are; what a slow
 * disk does not get done until the order ends is not made up for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay/agent.h"

#define BLOCK     4096u
#define MAX_BLOCK (1u << 20)
#define USUAL     (64u << 10) /* where operations are not said, */
#define LEAST_OPS 16.0        /* or as much less as makes so many a second */

static int failed(struct err *err, const char *folder, const char *what)
{
	int e = errno;

	return err_run(err, -e, "%s: a guest's disk: %s: %s", folder, what, strerror(e));
}

/* Holes would be read without the disk: every block is written. */
static int write_once(struct agent_disk *disk)
{
	uint64_t bytes = disk->blocks * BLOCK;

	for (uint64_t at = 0; at < bytes; at += MAX_BLOCK) {
		size_t n = bytes - at < MAX_BLOCK ? (size_t)(bytes - at) : MAX_BLOCK;
		ssize_t done = pwrite(disk->fd, disk->buffer, n, (off_t)at);
		if (done != (ssize_t)n) {
			errno = done < 0 ? errno : ENOSPC;
			return -1;
		}
	}
	return fdatasync(disk->fd);
}

int agent_disk_open(struct agent_disk *disk, const struct guest_spec *spec, struct err *err)
{
	char path[512];

	disk->fd = -1;
	if (spec->disk <= 0)
		return 0;
	void *p = mmap(NULL, MAX_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return failed(err, spec->folder, "buffer");
	disk->buffer = p;
	memset(p, 0xa5, MAX_BLOCK);
	disk->blocks = (uint64_t)spec->disk / BLOCK;
	if (disk->blocks < MAX_BLOCK / BLOCK)
		disk->blocks = MAX_BLOCK / BLOCK;
	disk->random = spec->seed | 1;
	if (snprintf(path, sizeof(path), "%s/cotenant-%ld-%s.disk", spec->folder, (long)getpid(),
		     spec->name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return failed(err, spec->folder, "path");
	}
	disk->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_DIRECT | O_CLOEXEC, 0600);
	if (disk->fd < 0)
		return failed(err, spec->folder, "open with O_DIRECT");
	unlink(path);
	return write_once(disk) < 0 ? failed(err, spec->folder, "writing it once") : 0;
}

static void pace_set(struct agent_pace *pace, double bytes, double iops, double share, int64_t now)
{
	double usual = bytes / LEAST_OPS < USUAL ? bytes / LEAST_OPS : USUAL;
	double block = iops > 0 ? bytes / iops : usual;
	size_t blocks = (size_t)(block / BLOCK + 0.5);

	/* What was left of the interval at the old rate is left at the new one. */
	double passed = (double)(now - pace->start_ns) * 1e-9 * pace->per_s;
	double left = pace->per_s > 0 ? (double)pace->done + pace->first - passed : 1;
	pace->first = left < 0 ? 0 : left > 1 ? 1 : left;
	pace->block = blocks < 1 ? BLOCK : blocks > MAX_BLOCK / BLOCK ? MAX_BLOCK : blocks * BLOCK;
	pace->per_s = (bytes > 0 ? bytes / (double)pace->block : iops) * share;
	pace->start_ns = now;
	pace->done = 0;
}

void agent_disk_order(struct agent_disk *disk, const struct guest_order *order, int64_t now_ns)
{
	pace_set(&disk->pace[0], order->read_bytes, order->read_iops, order->disk_share, now_ns);
	pace_set(&disk->pace[1], order->write_bytes, order->write_iops, order->disk_share, now_ns);
}

static int64_t pace_due(const struct agent_pace *pace)
{
	return pace->per_s > 0 ? pace->start_ns + (int64_t)(((double)pace->done + pace->first) /
							    pace->per_s * 1e9)
			       : INT64_MAX;
}

static void count(struct agent_shared *shared, bool writes, size_t bytes, int64_t latency_ns)
{
	uint64_t *ops = writes ? &shared->write_ops : &shared->read_ops;
	uint64_t *sum = writes ? &shared->write_bytes : &shared->read_bytes;

	agent_put(ops, *ops + 1);
	agent_put(sum, *sum + bytes);
	agent_put(&shared->io_latency_ns, shared->io_latency_ns + latency_ns);
	if (latency_ns > shared->io_latency_max_ns)
		agent_put(&shared->io_latency_max_ns, latency_ns);
}

static void operate(struct agent_disk *disk, struct agent_shared *shared, bool writes)
{
	struct agent_pace *pace = &disk->pace[writes];
	int64_t begin = agent_now_ns();

	disk->random ^= disk->random << 13;
	disk->random ^= disk->random >> 7;
	disk->random ^= disk->random << 17;
	uint64_t room = disk->blocks - pace->block / BLOCK + 1;
	off_t at = (off_t)(disk->random % room * BLOCK);
	ssize_t n = writes ? pwrite(disk->fd, disk->buffer, pace->block, at)
			   : pread(disk->fd, disk->buffer, pace->block, at);
	pace->done++;
	if (n > 0)
		count(shared, writes, (size_t)n, agent_now_ns() - begin);
}

int64_t agent_disk_work(struct agent_disk *disk, struct agent_shared *shared, int64_t now_ns)
{
	int64_t due = INT64_MAX;

	for (int i = 0; i < 2 && disk->fd >= 0; i++) {
		if (pace_due(&disk->pace[i]) <= now_ns)
			operate(disk, shared, i == 1);
		int64_t next = pace_due(&disk->pace[i]);
		due = next < due ? next : due;
	}
	return due;
}
