/* See carbon.h. */
#include "models/carbon.h"

#include <errno.h>
#include <string.h>

#include "models/trace_list.h"

#define SECOND_NS     1000000000
#define INTENSITY_MAX 1e6 /* as of carbon_intensity: keeps sums far from overflow */

struct reader {
	struct carbon *out;
	const char *path, *line_start;
	uint32_t line;
	struct err *err;
};

static int wrong(const struct reader *r, const char *text, size_t len, const char *what)
{
	char shown[48];

	return err_input(r->err, "%s:%u:%zu: \"%s\" %s", r->path, r->line,
			 (size_t)(text - r->line_start) + 1, trace_show(text, len, shown), what);
}

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

static int read_row(struct reader *r, const char *text, size_t len)
{
	struct carbon *c = r->out;
	const char *end = text + len, *comma = memchr(text, ',', len);
	struct trace_num num;
	int64_t time_ns;
	double intensity;

	if (!comma)
		return wrong(r, text, len, "is not a row (time_s,gco2_per_kwh)");
	if (trace_num_scan(text, &num) != comma || !trace_num_time(&num, SECOND_NS, &time_ns))
		return wrong(r, text, (size_t)(comma - text), "is not a time in seconds from 0");
	comma++;
	if (trace_num_scan(comma, &num) != end || !trace_num_demand(&num, &intensity) ||
	    intensity > INTENSITY_MAX)
		return wrong(r, comma, (size_t)(end - comma),
			     "is not an amount of carbon dioxide (grams per kWh, from 0 to 1e6)");
	if (c->n == 0 && time_ns != 0)
		return wrong(r, text, (size_t)(comma - 1 - text),
			     "is not 0 (the first row is for the beginning of the run)");
	if (c->n > 0 && time_ns <= c->row[c->n - 1].time_ns)
		return wrong(r, text, (size_t)(comma - 1 - text), "is not after the row before");
	return add(c, time_ns, intensity) < 0 ? err_nomem(r->err) : 0;
}

static int read_rows(struct reader *r, const struct trace_file *file)
{
	static const char header[] = "time_s,gco2_per_kwh";
	const char *at = file->text, *end = file->text + file->len;
	int rc = 0;

	for (r->line = 1; at < end; r->line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		size_t len = (size_t)(stop - at);
		if (len > 0 && at[len - 1] == '\r')
			len--;
		int one = 0;
		r->line_start = at;
		if (r->line == 1 && (len != strlen(header) || memcmp(at, header, len) != 0))
			one = wrong(r, at, len, "is not the header time_s,gco2_per_kwh");
		else if (r->line > 1 && len > 0)
			one = read_row(r, at, len);
		rc = rc < 0 ? rc : one;
		at = stop + 1;
	}
	r->line_start = end;
	return rc == 0 && r->out->n == 0 ? wrong(r, end, 0, "is the end: there are no rows") : rc;
}

int carbon_load(struct carbon *carbon, const char *path, struct err *err)
{
	struct reader r = {.out = carbon, .path = path, .err = err};
	struct trace_file file = {0};
	int rc = trace_file_read(&file, path, err);

	for (size_t i = 0; rc == 0 && i < file.len; i++)
		carbon->hash =
			(carbon->hash ^ (unsigned char)file.text[i]) * UINT64_C(1099511628211) + 1;
	if (rc == 0)
		rc = read_rows(&r, &file);
	trace_file_fini(&file);
	return rc;
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
