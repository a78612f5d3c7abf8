/* See outages.h. */
#include "scenarios/outages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "models/table.h"

struct reader {
	struct outages *out;
	const struct scenario *scenario;
	struct err *err;
};

static int64_t racks_of(const struct host_spec *host)
{
	return host->rack > 0 ? (host->count + host->rack - 1) / host->rack : 0;
}

/* The number that ends @name after @front and @between. */
static bool index_after(const char *name, size_t len, const char *front, const char *between,
			int64_t below, uint32_t *index)
{
	size_t a = strlen(front), b = strlen(between);
	int64_t value = 0;

	if (len <= a + b || memcmp(name, front, a) != 0 || memcmp(name + a, between, b) != 0)
		return false;
	if (name[a + b] == '0' && len > a + b + 1)
		return false;
	for (size_t i = a + b; i < len; i++) {
		if (name[i] < '0' || name[i] > '9' || value > below)
			return false;
		value = value * 10 + (name[i] - '0');
	}
	*index = (uint32_t)value;
	return value < below;
}

static bool find_unit(const struct scenario *s, const char *name, size_t len, struct outage *o)
{
	const struct host_spec *host = s->hosts.items;

	for (size_t g = 0; g < s->hosts.n; g++) {
		o->group = (uint32_t)g;
		o->rack = false;
		if (index_after(name, len, host[g].name, "-", host[g].count, &o->index))
			return true;
		o->rack = true;
		if (index_after(name, len, host[g].name, "-rack-", racks_of(&host[g]), &o->index))
			return true;
	}
	return false;
}

static int read_row(void *ctx, const struct table *t, const char *text, size_t len)
{
	struct reader *r = ctx;
	struct outage o = {.line = t->line};
	const char *end = text + len, *name = memchr(text, ',', len);
	const char *event = name ? memchr(name + 1, ',', (size_t)(end - name - 1)) : NULL;

	if (!event)
		return table_wrong(t, text, len, "is not a row (time_s,name,event)");
	int rc = table_time(t, text, name, &o.time_ns);
	if (rc < 0)
		return rc;
	name++;
	event++;
	if (!find_unit(r->scenario, name, (size_t)(event - 1 - name), &o))
		return table_wrong(t, name, (size_t)(event - 1 - name),
				   "is no host or rack (group-INDEX or group-rack-INDEX from 0)");
	size_t n = (size_t)(end - event);
	o.down = n == 4 && memcmp(event, "down", 4) == 0;
	if (!o.down && !(n == 2 && memcmp(event, "up", 2) == 0))
		return table_wrong(t, event, n, "is neither down nor up");
	if (mem_grow(&r->out->item, &r->out->cap, r->out->n + 1, sizeof(o)) < 0)
		return err_nomem(t->err);
	r->out->item[r->out->n++] = o;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct outage *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

/* Every unit goes down and up in turn. */
static int check_turns(struct reader *r)
{
	const struct host_spec *host = r->scenario->hosts.items;
	size_t units = 0, *first = mem_alloc(r->scenario->hosts.n, sizeof(*first));
	int rc = 0;

	for (size_t g = 0; first && g < r->scenario->hosts.n; g++) {
		first[g] = units;
		units += (size_t)(host[g].count + racks_of(&host[g]));
	}
	bool *down = mem_alloc(units, sizeof(*down));
	if (!first || !down)
		rc = err_nomem(r->err);
	for (size_t i = 0; i < r->out->n && first && down; i++) {
		const struct outage *o = &r->out->item[i];
		size_t unit =
			first[o->group] + o->index + (o->rack ? (size_t)host[o->group].count : 0);
		if (down[unit] == o->down)
			rc = err_input(r->err, "%s:%u:1: %s%s-%u is %s already",
				       r->scenario->outages, o->line, host[o->group].name,
				       o->rack ? "-rack" : "", o->index, o->down ? "down" : "up");
		down[unit] = o->down;
	}
	mem_free(first);
	mem_free(down);
	return rc;
}

int outages_load(struct outages *out, const struct scenario *scenario, struct err *err)
{
	struct reader r = {out, scenario, err};

	if (!scenario->outages || !scenario->outages[0])
		return 0;
	int rc = table_read(scenario->outages, "time_s,name,event", false, read_row, &r, &out->hash,
			    err);
	if (rc == 0 && out->n > 1)
		qsort(out->item, out->n, sizeof(*out->item), by_time);
	return rc < 0 ? rc : check_turns(&r);
}

void outages_free(struct outages *out)
{
	mem_free(out->item);
	*out = (struct outages){0};
}
