/* See limits.h. All arrays are cut from one allocation. */
#include "models/limits.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "sim/core/lanes.h"

#define ARRAYS (5 * RES_COUNT + 2)

static int reserve(struct limits *l, size_t n)
{
	if (n <= l->room)
		return 0;
	size_t room = lanes_room(n * 2);
	if (mem_grow(&l->array, &l->array_cap, room * ARRAYS, sizeof(double)) < 0)
		return -ENOMEM;
	double *at = l->array;
	for (int r = 0; r < RES_COUNT; r++) {
		l->floor[r] = at;
		l->cap[r] = at + room;
		l->weight[r] = at + 2 * room;
		l->per_weight[r] = at + 3 * room;
		l->slice[r] = at + 4 * room;
		at += 5 * room;
	}
	l->class_id = (uint32_t *)(void *)at;
	l->priority = (int32_t *)(void *)(at + room);
	l->room = room;
	l->n = 0;
	return 0;
}

/* The speed of a core, where it changes. */
static double core_of(const struct dc *dc, uint32_t host)
{
	const struct host_type *type = dc->host.type[host];

	return type->dvfs.n > 0 ? type->dvfs.step[dc->host.step[host]].speed : INFINITY;
}

/* How many of the first VMs have the limits that stand there. */
static size_t alike(struct limits *l, const struct vm_class *class, const uint32_t *id, size_t n)
{
	size_t i = 0;

	for (; i < n && i < l->n && class[l->class_id[i]].like == class[id[i]].like; i++)
		l->class_id[i] = id[i];
	return i;
}

_Static_assert((int)RES_COUNT == (int)LANES, "a lane per resource");

/* The limits of four VMs of one kind, from rows by class to a column per resource. */
lanes_inline void put_column(double *const column[RES_COUNT], size_t i, lanes row[LANES])
{
	lanes_turn(row);
	for (int r = 0; r < RES_COUNT; r++)
		lanes_put(column[r] + i, row[r]);
}

/* Who fills up the last group of lanes. */
static const struct vm_class nobody;

/* Four VMs, from the @i-th on. */
lanes_inline void put_four(struct limits *l, size_t i, const struct vm_class *const of[LANES],
			   double core)
{
	lanes floor[LANES], cap[LANES], weight[LANES], per_weight[LANES], most;

	for (int k = 0; k < LANES; k++) {
		floor[k] = lanes_at(of[k]->floor);
		cap[k] = lanes_at(of[k]->cap);
		weight[k] = lanes_at(of[k]->weight);
		per_weight[k] = lanes_at(of[k]->per_weight);
		l->priority[i + (size_t)k] = of[k]->priority;
		most[k] = of[k]->vcpus * core;
	}
	put_column(l->floor, i, floor);
	put_column(l->cap, i, cap);
	put_column(l->weight, i, weight);
	put_column(l->per_weight, i, per_weight);
	lanes_put(l->cap[RES_CPU] + i, lanes_min(most, lanes_at(l->cap[RES_CPU] + i)));
}

lanes_inline void slices(struct limits *l, const struct vm_class *class, double cpu)
{
	lanes all = lanes_at(l->type->capacity), sum = {0};

	for (size_t i = 0; i < l->n; i++)
		sum += lanes_at(class[l->class_id[i]].weight);
	all[RES_CPU] = cpu;
	lanes unit = lanes_where(sum > 0, all / choose(sum > 0, sum, lanes_of(1)));
	for (int r = 0; r < RES_COUNT; r++)
		for (size_t i = 0; i < l->n; i += LANES)
			lanes_put(l->slice[r] + i,
				  lanes_min(lanes_of(unit[r]) * lanes_at(l->weight[r] + i),
					    lanes_at(l->cap[r] + i)));
}

/* From the @kept-th VM on; those of its group of lanes as well. */
lanes_inline void gather(struct limits *l, const struct vm_class *class, const uint32_t *id,
			 size_t n, size_t kept, double core)
{
	for (size_t i = kept / LANES * LANES; i < n; i += LANES) {
		const struct vm_class *of[LANES];
		for (size_t k = 0; k < LANES; k++)
			of[k] = i + k < n ? &class[id[i + k]] : &nobody;
		put_four(l, i, of, core);
	}
	memcpy(l->class_id, id, n * sizeof(*id));
}

lanes_wide int limits_gather(struct limits *l, const struct dc *dc, uint32_t host)
{
	const uint32_t *id = dc->slot.class_id + dc->host.first[host];
	const struct host_type *type = dc->host.type[host];
	size_t n = dc->host.count[host];
	double core = core_of(dc, host);

	if (n == l->n && n > 0 && l->type == type && core == l->core &&
	    memcmp(l->class_id, id, n * sizeof(*id)) == 0)
		return 0;
	if (reserve(l, n) < 0)
		return -ENOMEM;
	size_t kept = core == l->core ? alike(l, dc->class, id, n) : 0;
	if (kept == n && n == l->n && l->type == type)
		return 0;
	if (kept < n || n != l->n)
		gather(l, dc->class, id, n, kept, core);
	l->n = n;
	l->core = core;
	l->type = type;
	slices(l, dc->class, dc->host.capacity[host]);
	return 0;
}

void limits_fini(struct limits *limits)
{
	mem_free(limits->array);
	*limits = (struct limits){0};
}
