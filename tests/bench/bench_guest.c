/*
 * How exactly a real guest does as it is told: CPU time per control period, disk operations, resident
 * memory. Needs /dev/kvm; prints errors, not times of the program.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "replay/cgroup.h"
#include "replay/guest.h"
#include "replay/vmm.h"

#define PERIOD_NS 100000000ll
#define PERIODS   40
#define BEFORE_NS \
	2000000 /* a period is over: what is to be done in it is done, the next has not begun */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void sleep_until(int64_t at)
{
	struct timespec t = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void bench_cpu(struct guest *guest, double cores)
{
	struct guest_order order = {.start_ns = now_ns(),
				    .cpu = cores,
				    .cpu_most = 8,
				    .memory = 16 << 20,
				    .memory_most = 16 << 20,
				    .disk_share = 1};
	struct guest_report first, last, r;
	double sum_sq = 0;

	order.end_ns = order.start_ns + (PERIODS + 2) * PERIOD_NS;
	guest_order(guest, &order);
	sleep_until(order.start_ns + PERIOD_NS - BEFORE_NS);
	guest_read(guest, &first);
	last = first;
	for (int k = 2; k <= PERIODS + 1; k++) {
		sleep_until(order.start_ns + k * PERIOD_NS - BEFORE_NS);
		guest_read(guest, &r);
		double error = (double)(r.cpu_ns - last.cpu_ns) - cores * (double)PERIOD_NS;
		sum_sq += error * error;
		last = r;
	}
	printf("cpu %.2f: %.5f of a core, rms error a period %.1f us (%.3f %%), late %.0f us, %.2f "
	       "G it/s\n",
	       cores, (double)(last.cpu_ns - first.cpu_ns) / (PERIODS * (double)PERIOD_NS),
	       sqrt(sum_sq / PERIODS) * 1e-3, sqrt(sum_sq / PERIODS) / (double)PERIOD_NS * 100,
	       (double)last.late_ns * 1e-3,
	       (double)(last.work - first.work) / (double)(last.cpu_ns - first.cpu_ns));
}

static void bench_disk(struct guest *guest, double bytes, double iops)
{
	struct guest_order order = {.start_ns = now_ns(),
				    .cpu_most = 8,
				    .disk_share = 1,
				    .read_bytes = bytes,
				    .read_iops = iops};
	struct guest_report a, b;

	order.end_ns = order.start_ns + 3000000000ll;
	guest_read(guest, &a);
	guest_order(guest, &order);
	sleep_until(order.end_ns);
	guest_read(guest, &b);
	printf("disk %.0f/s: %.2f %% of it, latency %.2f ms\n", iops,
	       (double)(b.read_ops - a.read_ops) / (iops * 3) * 100,
	       (double)(b.io_latency_ns - a.io_latency_ns) / (double)(b.read_ops - a.read_ops + 1) *
		       1e-6);
}

static void bench_memory(struct guest *guest, double set, double most)
{
	struct guest_order order = {.start_ns = now_ns(),
				    .cpu = 0.2,
				    .cpu_most = 8,
				    .disk_share = 1,
				    .memory = set,
				    .memory_most = most,
				    .touch_rate = 20000,
				    .write_share = 1};
	struct guest_report a, b;

	order.end_ns = order.start_ns + 1000000000ll;
	guest_read(guest, &a);
	guest_order(guest, &order);
	sleep_until(order.end_ns);
	guest_read(guest, &b);
	printf("memory %.0f MiB of %.0f: %.3f MiB resident, %.0f touches/s, %.1f %% missed\n",
	       most / 1048576, set / 1048576, b.resident / 1048576, (double)(b.touches - a.touches),
	       (double)(b.missed - a.missed) / (double)(b.touches - a.touches + 1) * 100);
}

int main(void)
{
	static struct err err;
	static const double cpu[] = {0.01, 0.1, 0.3, 0.5, 0.8};
	int core = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	struct cg *groups = NULL;
	struct guest_spec spec = {.name = "bench",
				  .vcpus = 1,
				  .cores = &core,
				  .ncores = 1,
				  .memory = 256 << 20,
				  .disk = 64 << 20,
				  .folder = ".",
				  .period_ns = PERIOD_NS,
				  .uid = 65534,
				  .seed = 1};
	struct guest *guest;

	/* Where groups can be made the guest goes before what else runs on its core. */
	if (cg_open(&groups, "", CG_AUTO, &err) == 0)
		spec.leaf = cg_leaf(groups, "bench", &err);
	if (vmm_check("/dev/kvm", &err) < 0 || guest_start(&guest, &spec, &err) < 0) {
		printf("bench_guest: skipped: %s\n", err.text);
		return 0;
	}
	for (size_t i = 0; i < sizeof(cpu) / sizeof(cpu[0]); i++)
		bench_cpu(guest, cpu[i]);
	bench_memory(guest, 128 << 20, 128 << 20);
	bench_memory(guest, 128 << 20, 64 << 20);
	bench_memory(guest, 128 << 20, 128 << 20);
	bench_disk(guest, 400 * 1024, 100);
	bench_disk(guest, 4000.0 * 1024, 1000);
	guest_stop(guest);
	cg_close(groups);
	return 0;
}
