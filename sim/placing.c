/*
 * Where VMs go (run.h): what the placer is shown, and batches. The line of those who wait, and what
 * becomes of who fits nowhere, is lifecycle.c's.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core/bug.h"
#include "sim/run.h"

struct admission {
	const struct dc *dc;
	const struct vm_class *class;
	uint32_t vm;
	bool asleep; /* whether hosts are asked for that have to come on first */
};

static bool admits(const void *ctx, uint32_t host)
{
	const struct admission *a = ctx;

	return host != a->dc->vm.host[a->vm] &&
	       (a->asleep ? dc_would_take(a->dc, host, a->vm) : dc_takes(a->dc, host, a->vm));
}

/* Without an index, which only questions about all hosts need. */
static struct place_view view_of(const struct run *run)
{
	const struct dc *dc = &run->plan.dc;
	struct place_view view = {
		.nhosts = dc->host.n,
		.ntypes = dc->ntypes,
		.types = dc->type,
		.type = dc->host.type_id,
		.key = dc->host.fit.key,
	};

	for (int d = 0; d < PLACE_DIMS; d++) {
		view.free[d] = dc->host.free[d];
		view.capacity[d] = run->place_capacity[d];
	}
	return view;
}

/* The view as one VM's placer sees it; @ctx must live as long. */
static void view_for(struct place_view *view, struct admission *ctx, const struct run *run,
		     uint32_t vm)
{
	const struct dc *dc = &run->plan.dc;

	*ctx = (struct admission){dc, dc_class_of(dc, vm), vm, view->index == &dc->host.asleep};
	view->admits = admits;
	view->ctx = ctx;
	view->floor = ctx->class->floor;
	view->load = ctx->class->request[DC_DIM_CPU];
	view->alike = dc->rules || dc->vm.host[vm] != DC_NONE ? 0 : dc->vm.class_id[vm] + 1;
	view->type_ok = dc->rules ? dc->rules[dc->vm.group[vm]].type_ok : NULL;
}

/* Of rules that keep VMs together on a host where some are already: that host, else DC_NONE. */
static uint32_t must_join(const struct dc *dc, uint32_t vm)
{
	const struct group_rules *rules = dc->rules ? &dc->rules[dc->vm.group[vm]] : NULL;
	uint32_t itself = dc->vm.host[vm] != DC_NONE;

	for (size_t i = 0; rules && i < rules->n; i++) {
		const struct rule *rule = rules->rule[i];
		if (rule->together && !rule->racks && rule->placed > itself)
			return rule->at;
	}
	return DC_NONE;
}

static uint32_t choose_among(struct run *run, uint32_t vm, bool asleep)
{
	struct place_view view = view_of(run);
	struct admission ctx;

	view.index = dc_index(&run->plan.dc, asleep);
	view_for(&view, &ctx, run, vm);
	uint32_t join = must_join(&run->plan.dc, vm);
	if (join != DC_NONE)
		return place_fits(&view, join, ctx.class->request) ? join : PLACE_NOWHERE;
	uint32_t host = run->placer->place(run->placer_state, &view, ctx.class->request);
	BUG_ON(host != PLACE_NOWHERE && !place_fits(&view, host, ctx.class->request));
	return host;
}

uint32_t placing_choose(struct run *run, uint32_t vm)
{
	uint32_t host = choose_among(run, vm, false);

	return host == PLACE_NOWHERE && run->plan.dc.host.sleeps ? choose_among(run, vm, true)
								 : host;
}

uint32_t placing_choose_awake(struct run *run, uint32_t vm)
{
	return choose_among(run, vm, false);
}

static bool fits(const struct run *run, uint32_t vm, uint32_t host, bool cpu)
{
	struct place_view view = view_of(run);
	struct admission ctx;
	double req[PLACE_DIMS];

	view_for(&view, &ctx, run, vm);
	memcpy(req, ctx.class->request, sizeof(req));
	if (!cpu)
		req[PLACE_CPU] = 0;
	return place_fits(&view, host, req);
}

bool placing_fits(const struct run *run, uint32_t vm, uint32_t host)
{
	return fits(run, vm, host, true);
}

bool placing_holds(const struct run *run, uint32_t vm, uint32_t host)
{
	return fits(run, vm, host, false);
}

bool placing_could_ever(const struct run *run, uint32_t vm)
{
	const struct dc *dc = &run->plan.dc;
	const struct vm_class *class = dc_class_of(dc, vm);
	const bool *ok = dc->rules ? dc->rules[dc->vm.group[vm]].type_ok : NULL;
	bool fits = false;

	for (size_t t = 0; t < dc->ntypes && !fits; t++) {
		fits = dc->type[t].count > 0 && (!ok || ok[t]);
		for (int d = 0; d < DC_DIMS; d++)
			fits &= !(class->request[d] > dc->type[t].place[d] * (1 + PLACE_EPSILON));
		for (int r = 0; r < RES_COUNT; r++)
			fits &= class->floor[r] <= dc->type[t].capacity[r] * (1 + PLACE_EPSILON);
	}
	return fits;
}

static bool admits_without_rules(const void *ctx, uint32_t host)
{
	const struct admission *a = ctx;

	return host != a->dc->vm.host[a->vm] && dc_admits(a->dc, host, a->class);
}

const char *placing_why(struct run *run, uint32_t vm)
{
	struct place_view view = view_of(run);
	struct admission ctx;

	view.index = dc_index(&run->plan.dc, false);
	view_for(&view, &ctx, run, vm);
	view.admits = admits_without_rules;
	uint32_t host = place_first(&view, ctx.class->request);
	if (host != PLACE_NOWHERE) {
		const struct rule *rule = dc_forbidden_by(ctx.dc, host, vm);
		return rule ? rule->name : "placer";
	}
	view.type_ok = NULL;
	return place_first(&view, ctx.class->request) != PLACE_NOWHERE ? "labels" : "room";
}

const char *placing_why_not(const struct run *run, uint32_t vm, uint32_t host)
{
	const struct dc *dc = &run->plan.dc;
	const struct rule *rule = dc_forbidden_by(dc, host, vm);
	const bool *ok = dc->rules ? dc->rules[dc->vm.group[vm]].type_ok : NULL;

	if (!dc_ready(dc, host))
		return dc->host.down[host] ? "down" : "off";
	if (ok && !ok[dc->host.type_id[host]])
		return "labels";
	return rule ? rule->name : "room";
}

bool placing_batches(const struct run *run)
{
	return run->placer->size || run->placer->pick;
}

/* Nothing is given back while a batch is placed, and a VM that is placed only adds to what rules
 * forbid: where one VM of a class fits nowhere, no other does before the batch is over. */

/* Who of the batch may fit somewhere, by a question for each class, at most @cap of each; how many,
 * or SIZE_MAX without memory. */
static size_t hopeful(struct run *run, const uint32_t *vm, size_t n, uint32_t cap, uint32_t *left)
{
	const struct dc_vms *v = &run->plan.dc.vm;
	uint32_t *room = mem_alloc(run->plan.dc.nclasses, sizeof(*room)); /* + 1; 0: unknown */
	size_t nleft = 0;

	for (size_t i = 0; i < n && room; i++) {
		uint32_t *of = &room[v->class_id[vm[i]]];
		if (v->host[vm[i]] != DC_NONE)
			continue;
		if (*of == 0)
			*of = placing_choose(run, vm[i]) != PLACE_NOWHERE ? cap + 1 : 1;
		if (*of == 1)
			continue;
		left[nleft++] = vm[i];
		--*of;
	}
	bool done = room != NULL;
	mem_free(room);
	return done ? nleft : SIZE_MAX;
}

/* Batches by size. */

struct sized {
	double size;
	uint32_t vm;
};

static int larger_first(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return (x->vm > y->vm) - (x->vm < y->vm);
}

/* @left: by class, how many may be placed before the others are looked at again; 0 = it fits nowhere.
 * Says in @more whether some class ran into that. */
static int place_sized(struct run *run, const struct sized *sized, size_t n, uint32_t *left,
		       bool *more)
{
	const uint32_t *class_id = run->plan.dc.vm.class_id;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0 && !*more; i++) {
		uint32_t vm = sized[i].vm, *of = &left[class_id[vm]];
		if (*of == 0)
			continue;
		uint32_t host = placing_choose(run, vm);
		if (host != PLACE_NOWHERE) {
			rc = lifecycle_start(run, vm, host);
			*more = --*of == 0;
		} else {
			*of = 0;
		}
	}
	return rc;
}

static void measure(const struct run *run, const uint32_t *vm, size_t n, struct sized *sized)
{
	struct place_view view = view_of(run);

	for (size_t i = 0; i < n; i++) {
		const struct vm_class *class = dc_class_of(&run->plan.dc, vm[i]);
		sized[i].size = run->placer->size(run->placer_state, &view, class->request);
		sized[i].vm = vm[i];
	}
	qsort(sized, n, sizeof(*sized), larger_first);
}

static int batch_by_size(struct run *run, const uint32_t *vm, size_t n, uint32_t cap, bool *more)
{
	size_t nclasses = run->plan.dc.nclasses;
	struct sized *sized = mem_alloc(n, sizeof(*sized));
	uint32_t *left = mem_alloc(nclasses, sizeof(*left));
	int rc;

	*more = false;
	if (sized && left) {
		for (size_t c = 0; c < nclasses; c++)
			left[c] = cap;
		measure(run, vm, n, sized);
		rc = place_sized(run, sized, n, left, more);
	} else {
		rc = err_nomem(run->err);
	}
	mem_free(sized);
	mem_free(left);
	return rc;
}

/* Batches host by host. */

/* The VMs of a batch by class: entry i has those at vm[first[i]] and after, count[i] of them. */
struct picks {
	struct run *run;
	struct place_view view; /* for nobody in particular */
	size_t n;
	uint32_t *entry_of, *first, *count, *vm;
	double (*req)[PLACE_DIMS];
};

static bool picks_alloc(struct picks *p, size_t n)
{
	size_t classes = p->run->plan.dc.nclasses, most = n < classes ? n : classes;

	p->entry_of = mem_alloc(classes, sizeof(*p->entry_of));
	p->first = mem_alloc(most + 1, sizeof(*p->first));
	p->count = mem_alloc(most, sizeof(*p->count));
	p->req = mem_alloc(most, sizeof(*p->req));
	p->vm = mem_alloc(n, sizeof(*p->vm));
	return p->entry_of && p->first && p->count && p->req && p->vm;
}

static void picks_free(struct picks *p)
{
	mem_free(p->entry_of);
	mem_free(p->first);
	mem_free(p->count);
	mem_free(p->req);
	mem_free(p->vm);
}

static void picks_sort(struct picks *p, const uint32_t *vm, size_t n)
{
	const struct dc *dc = &p->run->plan.dc;

	for (size_t i = 0; i < n; i++) {
		uint32_t class_id = dc->vm.class_id[vm[i]];
		if (p->entry_of[class_id] == 0) {
			memcpy(p->req[p->n++], dc->class[class_id].request, sizeof(p->req[0]));
			p->entry_of[class_id] = (uint32_t)p->n; /* + 1 */
		}
		p->first[p->entry_of[class_id]]++;
	}
	for (size_t e = 0; e < p->n; e++)
		p->first[e + 1] += p->first[e];
	for (size_t i = 0; i < n; i++) {
		uint32_t e = p->entry_of[dc->vm.class_id[vm[i]]] - 1;
		p->vm[p->first[e] + p->count[e]++] = vm[i];
	}
}

static bool pick_fits(const void *ctx, uint32_t host, size_t i)
{
	const struct picks *p = ctx;
	struct place_view view = p->view;
	struct admission admission;

	view_for(&view, &admission, p->run, p->vm[p->first[i]]);
	return place_fits(&view, host, p->req[i]);
}

static void mean_shares(const struct picks *p, size_t n, double mean[PLACE_DIMS])
{
	for (size_t i = 0; i < p->n; i++) {
		double share[PLACE_DIMS];
		place_shares(&p->view, p->req[i], share);
		for (int d = 0; d < PLACE_DIMS; d++)
			mean[d] += share[d] * p->count[i] / (double)n;
	}
}

/* What every VM that is left asks for at least. False: none is left. */
static bool least_request(const struct picks *p, double least[PLACE_DIMS])
{
	bool any = false;

	for (int d = 0; d < PLACE_DIMS; d++)
		least[d] = INFINITY;
	for (size_t i = 0; i < p->n; i++) {
		any |= p->count[i] > 0;
		for (int d = 0; d < PLACE_DIMS && p->count[i] > 0; d++)
			least[d] = fmin(least[d], p->req[i][d]);
	}
	return any;
}

static int fill_hosts(struct picks *p, const struct place_batch *batch, bool asleep)
{
	struct run *run = p->run;
	double least[PLACE_DIMS];
	struct place_ask ask;
	bool left = least_request(p, least);
	uint32_t h = 0;
	int rc = 0;

	while (left && rc == 0) {
		p->view.index = dc_index(&run->plan.dc, asleep);
		place_ask(&ask, &p->view, least);
		h = place_next(&ask, h);
		if (h == PLACE_NOWHERE)
			break;
		size_t i = run->placer->pick(run->placer_state, &p->view, h, batch);
		if (i >= p->n) {
			h++;
			continue;
		}
		rc = lifecycle_start(run, p->vm[p->first[i]++], h);
		if (--p->count[i] == 0)
			left = least_request(p, least);
	}
	return rc;
}

static int batch_by_host(struct run *run, const uint32_t *vm, size_t n)
{
	struct picks p = {.run = run, .view = view_of(run)};
	int rc;

	if (picks_alloc(&p, n)) {
		picks_sort(&p, vm, n);
		struct place_batch batch = {.n = p.n,
					    .fits = pick_fits,
					    .ctx = &p,
					    .req = (const double(*)[PLACE_DIMS])p.req,
					    .count = p.count};
		mean_shares(&p, n, batch.mean);
		rc = fill_hosts(&p, &batch, false);
		if (rc == 0 && run->plan.dc.host.sleeps)
			rc = fill_hosts(&p, &batch, true);
	} else {
		rc = err_nomem(run->err);
	}
	picks_free(&p);
	return rc;
}

/* Few of those who wait find room at one moment, so a few of each class are sorted at first. When
 * all of them are placed, nobody smaller has been, and it goes on with more. */
#define FEW 64

static int by_size(struct run *run, const uint32_t *vm, size_t n, uint32_t *left)
{
	bool more = true;

	for (uint32_t cap = FEW; more; cap = cap < UINT32_MAX / 4 ? 2 * cap : cap) {
		size_t nleft = hopeful(run, vm, n, cap, left);
		if (nleft == SIZE_MAX)
			return err_nomem(run->err);
		int rc = nleft > 0 ? batch_by_size(run, left, nleft, cap, &more) : 0;
		if (rc < 0 || nleft == 0)
			return rc;
	}
	return 0;
}

int placing_batch(struct run *run, const uint32_t *vm, size_t n)
{
	uint32_t *left = mem_alloc(n, sizeof(*left));
	int rc;

	if (!left) {
		rc = err_nomem(run->err);
	} else if (run->placer->size) {
		rc = by_size(run, vm, n, left);
	} else {
		size_t nleft = hopeful(run, vm, n, UINT32_MAX - 1, left);
		rc = nleft == SIZE_MAX ? err_nomem(run->err)
		     : nleft > 0       ? batch_by_host(run, left, nleft)
				       : 0;
	}
	mem_free(left);
	return rc;
}
