/*
 * Moves wait for their turn (consolidate.h): a host sends and takes so many VMs at a time, for they share
 * its link, and all of them would be copied slowly while they go on writing. A move waits in the lists of
 * both its hosts, in the order in which moves were decided; when a migration is over, those of its two
 * hosts are looked at. What has not begun when the next round begins is forgotten.
 */
#include "sim/consolidate.h"
#include "sim/core/bug.h"

#define NO_TURN UINT32_MAX

int turns_init(struct run *run, struct turns *t)
{
	size_t n = run->plan.dc.host.n;

	t->at_once = (uint32_t)run->scenario->consolidation.at_once;
	t->active = arena_alloc(&run->arena, n, sizeof(*t->active));
	t->freed = arena_alloc(&run->arena, n, sizeof(*t->freed));
	t->listed = arena_alloc(&run->arena, n, sizeof(*t->listed));
	for (int side = 0; side < 2; side++) {
		t->first[side] = arena_alloc(&run->arena, n, sizeof(uint32_t));
		t->last[side] = arena_alloc(&run->arena, n, sizeof(uint32_t));
		if (!t->first[side] || !t->last[side])
			return err_nomem(run->err);
		for (size_t h = 0; h < n; h++)
			t->first[side][h] = NO_TURN;
	}
	return t->active && t->freed && t->listed ? 0 : err_nomem(run->err);
}

void turns_fini(struct turns *t)
{
	mem_free(t->of);
}

void turns_forget(struct turns *t)
{
	for (size_t i = 0; i < t->n; i++)
		for (int side = 0; side < 2; side++)
			t->first[side][t->of[i].host[side]] = NO_TURN;
	t->n = 0;
}

static bool free_now(const struct turns *t, const struct turn *turn)
{
	return t->active[turn->host[0]] < t->at_once && t->active[turn->host[1]] < t->at_once;
}

static void append(struct turns *t, uint32_t id, int side)
{
	uint32_t host = t->of[id].host[side];

	t->of[id].next[side] = NO_TURN;
	if (t->first[side][host] == NO_TURN)
		t->first[side][host] = id;
	else
		t->of[t->last[side][host]].next[side] = id;
	t->last[side][host] = id;
}

int turns_add(struct run *run, struct turns *t, uint32_t vm, uint32_t to)
{
	struct turn turn = {.vm = vm, .host = {run->plan.dc.vm.host[vm], to}};

	if (free_now(t, &turn))
		return consolidate_begin(run, vm, to);
	if (mem_grow(&t->of, &t->cap, t->n + 1, sizeof(*t->of)) < 0)
		return err_nomem(run->err);
	t->of[t->n] = turn;
	append(t, (uint32_t)t->n, 0);
	append(t, (uint32_t)t->n, 1);
	t->n++;
	return 0;
}

void consolidate_moves(struct run *run, uint32_t from, uint32_t to, int by)
{
	const uint32_t host[2] = {from, to};

	if (!run->consolidation || !run->consolidation->turns.active)
		return;
	struct turns *t = &run->consolidation->turns;
	for (int i = 0; i < 2; i++) {
		t->active[host[i]] += (uint32_t)by;
		if (by < 0 && !t->listed[host[i]]) {
			t->listed[host[i]] = true;
			t->freed[t->nfreed++] = host[i];
		}
	}
}

/* Those who wait for this host, as the one they leave or the one they go to. */
static int look(struct run *run, struct turns *t, uint32_t host, int side)
{
	uint32_t *at = &t->first[side][host], before = NO_TURN;
	int rc = 0;

	while (*at != NO_TURN && t->active[host] < t->at_once && rc == 0) {
		struct turn *turn = &t->of[*at];
		if (!turn->begun && free_now(t, turn)) {
			turn->begun = true;
			rc = consolidate_begin(run, turn->vm, turn->host[1]);
		}
		if (turn->begun) {
			*at = turn->next[side];
			continue;
		}
		before = *at;
		at = &turn->next[side];
	}
	if (*at == NO_TURN && before != NO_TURN)
		t->last[side][host] = before;
	return rc;
}

int consolidate_settle(struct run *run)
{
	struct turns *t = &run->consolidation->turns;
	int rc = 0;

	while (t->nfreed > 0 && rc == 0) {
		uint32_t host = t->freed[--t->nfreed];
		t->listed[host] = false;
		rc = look(run, t, host, 0);
		if (rc == 0)
			rc = look(run, t, host, 1);
	}
	return rc;
}
