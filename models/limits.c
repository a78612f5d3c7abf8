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

lanes_inline void slices(struct limits *l, double cpu)
{
	double sum[RES_COUNT] = {0};

	for (size_t i = 0; i < l->n; i++)
		for (int r = 0; r < RES_COUNT; r++)
			sum[r] += l->weight[r][i];
	for (int r = 0; r < RES_COUNT; r++) {
		double all = r == RES_CPU ? cpu : l->type->capacity[r];
		lanes unit = lanes_of(sum[r] > 0 ? all / sum[r] : 0);
		for (size_t i = 0; i < l->n; i += LANES)
			lanes_put(l->slice[r] + i, lanes_min(unit * lanes_at(l->weight[r] + i),
							     lanes_at(l->cap[r] + i)));
	}
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

static void put(struct limits *l, size_t i, const struct vm_class *class, double core)
{
	l->priority[i] = class->priority;
	for (int r = 0; r < RES_COUNT; r++) {
		l->floor[r][i] = class->floor[r];
		l->cap[r][i] = class->cap[r];
		l->weight[r][i] = class->weight[r];
		l->per_weight[r][i] = class->per_weight[r];
	}
	if (class->vcpus * core < class->cap[RES_CPU])
		l->cap[RES_CPU][i] = class->vcpus * core;
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
	for (size_t i = kept; i < n; i++) {
		l->class_id[i] = id[i];
		put(l, i, &dc->class[id[i]], core);
	}
	for (size_t i = n; i < lanes_room(n); i++)
		for (int r = 0; r < RES_COUNT; r++)
			l->floor[r][i] = l->cap[r][i] = l->weight[r][i] = l->per_weight[r][i] = 0;
	l->n = n;
	l->core = core;
	l->type = type;
	slices(l, dc->host.capacity[host]);
	return 0;
}

void limits_fini(struct limits *limits)
{
	mem_free(limits->array);
	*limits = (struct limits){0};
}
