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

static void slices(struct limits *l, double cpu, const double weight_sum[RES_COUNT])
{
	for (int r = 0; r < RES_COUNT; r++) {
		double all = r == RES_CPU ? cpu : l->type->capacity[r];
		double unit = weight_sum[r] > 0 ? all / weight_sum[r] : 0;
		for (size_t i = 0; i < l->n; i++) {
			double slice = unit * l->weight[r][i];
			l->slice[r][i] = slice < l->cap[r][i] ? slice : l->cap[r][i];
		}
	}
}

/* The speed of a core, where it changes. */
static double core_of(const struct dc *dc, uint32_t host)
{
	const struct host_type *type = dc->host.type[host];

	return type->dvfs.n > 0 ? type->dvfs.step[dc->host.step[host]].speed : INFINITY;
}

/* Whether classes that are other ones have the same limits. */
static bool are_alike(struct limits *l, const struct vm_class *class, const uint32_t *id, size_t n)
{
	size_t i = 0;

	while (i < n && class[l->class_id[i]].like == class[id[i]].like)
		i++;
	if (i == n)
		memcpy(l->class_id, id, n * sizeof(*id));
	return i == n;
}

int limits_gather(struct limits *l, const struct dc *dc, uint32_t host)
{
	const uint32_t *id = dc->slot.class_id + dc->host.first[host];
	size_t n = dc->host.count[host];
	double weight_sum[RES_COUNT] = {0};

	double core = core_of(dc, host);
	if (n == l->n && n > 0 && l->type == dc->host.type[host] && core == l->core &&
	    (memcmp(l->class_id, id, n * sizeof(*id)) == 0 || are_alike(l, dc->class, id, n)))
		return 0;
	if (reserve(l, n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct vm_class *class = &dc->class[id[i]];
		l->class_id[i] = id[i];
		l->priority[i] = class->priority;
		for (int r = 0; r < RES_COUNT; r++) {
			l->floor[r][i] = class->floor[r];
			l->cap[r][i] = class->cap[r];
			l->weight[r][i] = class->weight[r];
			l->per_weight[r][i] = class->weight[r] > 0 ? 1 / class->weight[r] : 0;
			weight_sum[r] += class->weight[r];
		}
		l->cap[RES_CPU][i] = fmin(l->cap[RES_CPU][i], class->vcpus * core);
	}
	for (int r = 0; r < RES_COUNT; r++)
		for (size_t i = n; i < lanes_room(n); i++)
			l->floor[r][i] = l->cap[r][i] = l->weight[r][i] = l->per_weight[r][i] =
				l->slice[r][i] = 0;
	l->n = n;
	l->core = core;
	l->type = dc->host.type[host];
	slices(l, dc->host.capacity[host], weight_sum);
	return 0;
}

void limits_fini(struct limits *limits)
{
	mem_free(limits->array);
	*limits = (struct limits){0};
}
