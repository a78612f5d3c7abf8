/*
 * What a run needs of a machine room, simulated or real: report demand, apply grants.
 *
 * The run loop updates a host at a moment in this order: collect(), memory divided, squeeze(), disk
 * divided, stall(), CPU divided, apply(). Between two updates rates are constant. Demand and grants
 * stand in the slot columns of the dc, which the driver reads and writes for the host at hand only; of what
 * it writes that is not 0 it says so before (dc_wants()).
 */
#ifndef COTENANT_MODELS_DRIVER_H
#define COTENANT_MODELS_DRIVER_H

#include "models/dc.h"
#include "models/workload.h"
#include "sim/core/plugin.h"

/* What only a real VM tells, since it started; in real time. */
struct vm_real {
	double cpu_s, run_delay_s; /* ran; could have run and waited for a core */
	double work_rate;          /* iterations per CPU second */
	double late_ms;            /* latest wake-up after its moment */
	double got[RES_COUNT];     /* rates over the last tick */
};

/* What makes a measurement believable, or not, over the run so far. */
struct room_real {
	double work_p10,
		work_p90;     /* work per CPU second of guests and steps, relative to its median */
	double late_ms;       /* latest update after its moment */
	double steal;         /* share of the cores' time that the hypervisor below took */
	double background;    /* share of the cores' time that others used */
	const char *validity; /* `good`, or `poor: ` and what makes it hard to believe, the worst */
};

struct driver_ops {
	struct plugin plugin;

	/* Brings the VMs of the host to @now_ns, @dt_s seconds after the last call, and writes
	 * want[]. 0, or a negative errno with @err set. */
	int (*collect)(void *driver, uint32_t host, int64_t now_ns, double dt_s, struct err *err);

	/* Memory has been granted; @before are the grants until now, per slot of the host: adds
	 * what the shortage costs over the coming @tick_s to the disk's want[], sets pressed[].
	 * Returns the VM that must be destroyed because swap is full, or DC_NONE. */
	uint32_t (*squeeze)(void *driver, uint32_t host, const double *before, double tick_s);

	/* The disk has been granted: sets stalled[], the share of the CPU's want[] of each VM that
	 * has to wait for swap. Called where pressed[] is set. */
	void (*stall)(void *driver, uint32_t host);

	/* Everything has been granted: enforces it. Returns the first moment at which the host's
	 * demand will change by itself; INT64_MAX if it will not. Sets steady[] if collect(), called at
	 * any time before that moment, would write what it did last, and may as well not be called:
	 * then the host is left alone until then, or until something is done to it. */
	int64_t (*apply)(void *driver, uint32_t host, int64_t now_ns);

	/* Not required. Returns when it is @now_ns in this machine room; a driver without this hook is
	 * always there already. 0, or a negative errno with @err set. */
	int (*until)(void *driver, int64_t now_ns, struct err *err);

	/* Not required. Called before the @dt_s seconds up to now are accounted for: writes what the
	 * VMs of the host really wanted and got over the slots' want[] and grant[]. */
	int (*observe)(void *driver, uint32_t host, int64_t now_ns, double dt_s, struct err *err);

	/* Not required. Whether collect(), squeeze(), stall() and apply() touch nothing but their host:
	 * then several threads may call them at once, each for another host. */
	bool (*independent)(const void *driver);

	/* Not required. Asks for what collect() will need of the host to be brought near. */
	void (*prefetch)(void *driver, uint32_t host);

	/* The VM, just placed, starts to run; it stops for good; it pauses or goes on. */
	int (*vm_start)(void *driver, uint32_t vm, int64_t now_ns, struct err *err);
	void (*vm_stop)(void *driver, uint32_t vm);

	/* Not required. The VM, which runs, had @was vCPUs until now and has those of its class; collect()
	 * was called for this moment. 0, or a negative errno with @err set. */
	int (*vm_resized)(void *driver, uint32_t vm, uint32_t was, struct err *err);

	/* Not required. The VM, which runs, stands on another host now, whose cores are of another speed. */
	void (*vm_moved)(void *driver, uint32_t vm, int64_t now_ns);

	/* Whether all that the VM had to do is done. */
	bool (*vm_done)(void *driver, uint32_t vm);

	/* Not required. Whether the VM has ended against its will, and why, in words. */
	bool (*vm_failed)(void *driver, uint32_t vm, char *why, size_t n);

	/* Not required: a simulated VM has nothing to tell. */
	bool (*vm_real)(void *driver, uint32_t vm, struct vm_real *out);
	void (*room_real)(void *driver, struct room_real *out);

	/* Counters of the i-th workload of a running VM, or NULL past the end; forgetting them all;
	 * work kept for later (MHz x seconds). */
	const struct workload_stats *(*vm_stats)(void *driver, uint32_t vm, size_t i);
	void (*reset_stats)(void *driver, uint32_t vm, int64_t now_ns);
	double (*vm_backlog)(void *driver, uint32_t vm);
};

#endif
