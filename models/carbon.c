/* See carbon.h. */
#include "models/carbon.h"

#include <errno.h>
#include <string.h>

#include "models/table.h"
#include "models/trace_list.h"

#define INTENSITY_MAX 1e6 /* as of carbon_intensity: keeps sums far from overflow */

static int add(struct carbon *c, int64_t time_ns, double intensity)
{
	struct carbon_row row = {.time_ns = time_ns, .intensity = intensity};

	if (c->n > 0)
		row.before = c->row[c->n - 1].before +
			     carbon_between(c, c->row[c->n - 1].time_ns, time_ns);
	if (mem_grow(&c->row, &c->cap, c->n + 1, sizeof(row)) < 0)
		return -ENOMEM;
	c->row[c->n++] = row;
	return 0;
}

static int read_row(void *ctx, const struct table *t, const char *text, size_t len)
{
	struct carbon *c = ctx;
	const char *end = text + len, *comma = memchr(text, ',', len);
	struct trace_num num;
	int64_t time_ns;
	double intensity;

	if (!comma)
		return table_wrong(t, text, len, "is not a row (time_s,gco2_per_kwh)");
	int rc = table_time(t, text, comma, &time_ns);
	if (rc < 0)
		return rc;
	size_t time_len = (size_t)(comma++ - text);
	if (trace_num_scan(comma, &num) != end || !trace_num_demand(&num, &intensity) ||
	    intensity > INTENSITY_MAX)
		return table_wrong(
			t, comma, (size_t)(end - comma),
			"is not an amount of carbon dioxide (grams per kWh, from 0 to 1e6)");
	if (c->n == 0 && time_ns != 0)
		return table_wrong(t, text, time_len,
				   "is not 0 (the first row is for the beginning of the run)");
	if (c->n > 0 && time_ns <= c->row[c->n - 1].time_ns)
		return table_wrong(t, text, time_len, "is not after the row before");
	return add(c, time_ns, intensity) < 0 ? err_nomem(t->err) : 0;
}

int carbon_load(struct carbon *carbon, const char *path, struct err *err)
{
	return table_read(path, "time_s,gco2_per_kwh", true, read_row, carbon, &carbon->hash, err);
}

int carbon_constant(struct carbon *carbon, double intensity, struct err *err)
{
	return add(carbon, 0, intensity) < 0 ? err_nomem(err) : 0;
}

void carbon_free(struct carbon *carbon)
{
	mem_free(carbon->row);
	*carbon = (struct carbon){0};
}

/* From 0 to @ns. */
static double integral(const struct carbon *c, int64_t ns)
{
	size_t lo = 0, hi = c->n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (c->row[mid].time_ns <= ns)
			lo = mid;
		else
			hi = mid;
	}
	const struct carbon_row *row = &c->row[lo];
	return row->before + row->intensity * (double)(ns - row->time_ns) * 1e-9;
}

double carbon_between(const struct carbon *carbon, int64_t from_ns, int64_t to_ns)
{
	return carbon->n > 0 ? integral(carbon, to_ns) - integral(carbon, from_ns) : 0;
}
