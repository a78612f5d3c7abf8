/* Memory pressure as arithmetic: see the header for the model. */
#include "models/memory.h"

#include <math.h>

static const struct opt opts[] = {
	{.name = "reuse",
	 .type = OPT_TIME,
	 .offset = offsetof(struct memory_params, reuse_ns),
	 .def = "60s",
	 .min = 1,
	 .max = 4e18,
	 .help = "how long a VM at full speed takes to touch all of its working set once"},
	{.name = "dirty",
	 .type = OPT_RATIO,
	 .offset = offsetof(struct memory_params, dirty),
	 .def = "30%",
	 .max = 1,
	 .help = "share of pages that have to be written out before they can go"},
	{.name = "page",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct memory_params, page),
	 .def = "4KiB",
	 .min = 1,
	 .max = 1e12,
	 .help = "bytes moved by one disk operation of the swap"},
	{.name = NULL}};

const struct opt_table memory_opts = {
	.name = "memory_model",
	.size = sizeof(struct memory_params),
	.opts = opts,
};

void memory_pressure(const struct memory_params *params, double ws, double grant, double before,
		     double tick_s, struct memory_traffic *out)
{
	*out = (struct memory_traffic){0};
	if (!(grant < ws))
		return;
	out->swap = ws - grant;
	out->deficit = out->swap / ws;
	out->in = out->swap / ((double)params->reuse_ns * 1e-9);
	out->out = params->dirty * out->in;
	out->reclaim = memory_reclaim(params, ws, before, grant) / tick_s;
	out->bytes_s = out->in + out->out + out->reclaim;
	out->ops_s = out->bytes_s / params->page;
}

static double ratio(double granted, double wanted)
{
	return wanted > 0 ? fmin(fmax(granted / wanted, 0), 1) : 1;
}

double memory_progress(double want_bytes_s, double grant_bytes_s, double want_ops_s,
		       double grant_ops_s)
{
	return fmin(ratio(grant_bytes_s, want_bytes_s), ratio(grant_ops_s, want_ops_s));
}

double memory_reclaim(const struct memory_params *params, double ws, double old_grant,
		      double new_grant)
{
	return params->dirty * fmax(fmin(old_grant, ws) - new_grant, 0);
}

double memory_swap(const double *ws, const double *grant, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += fmax(ws[i] - grant[i], 0);
	return sum;
}

size_t memory_victim(const double *ws, const double *grant, size_t n)
{
	size_t victim = n;
	double most = 0;
	for (size_t i = 0; i < n; i++) {
		if (ws[i] - grant[i] > most) {
			most = ws[i] - grant[i];
			victim = i;
		}
	}
	return victim;
}
