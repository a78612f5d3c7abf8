/*
 * First-fit, best-fit and worst-fit decreasing: VMs created at one moment, and those that wait, are
 * placed the largest first (Johnson, Demers, Ullman, Garey & Graham, SIAM J. Computing 3(4), 1974).
 * The size of a VM of several dimensions is the sum, the product or the largest of its shares of
 * the average host (Panigrahy, Talwar, Uyeda & Wieder, 2011). Sorting a batch of n is O(n log n).
 */
#include "policies/list.h"

enum size_rule { BY_SUM, BY_PRODUCT, BY_MAX };
static const char *const rule_names[] = {"sum", "product", "max", NULL};
static const char *const which_names[] = {"all", "used", NULL};

struct decreasing {
	int rule;  /* enum size_rule */
	int which; /* of worst-fit */
};

#define SIZE_OPT                                                                               \
	{                                                                                      \
		.name = "size", .type = OPT_ENUM, .offset = offsetof(struct decreasing, rule), \
		.def = "sum", .choices = rule_names,                                           \
		.help = "size of a VM: of its shares of the average host in "                  \
			"each dimension, the sum, the product or the largest",                 \
	}

static const struct opt size_opts[] = {SIZE_OPT, {.name = NULL}};
static const struct opt worst_opts[] = {
	SIZE_OPT,
	{.name = "hosts",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct decreasing, which),
	 .def = "all",
	 .choices = which_names,
	 .help = "spread over all hosts, or over those in use while one of these fits"},
	{.name = NULL},
};

/* A dimension of which the VM asks nothing does not make a product nothing. */
static double size_of(const void *state, const struct place_view *view,
		      const double req[PLACE_DIMS])
{
	const struct decreasing *p = state;
	double share[PLACE_DIMS], sum = 0, product = 1, max = 0;

	place_shares(view, req, share);
	for (unsigned d = 0; d < PLACE_DIMS; d++) {
		sum += share[d];
		product *= share[d] > 0 ? share[d] : 1;
		max = share[d] > max ? share[d] : max;
	}
	return p->rule == BY_SUM ? sum : p->rule == BY_PRODUCT ? product : max;
}

static uint32_t first(void *state, const struct place_view *view, const double req[PLACE_DIMS])
{
	(void)state;
	return place_first(view, req);
}

static uint32_t best(void *state, const struct place_view *view, const double req[PLACE_DIMS])
{
	(void)state;
	return place_fullest(view, req);
}

static uint32_t worst(void *state, const struct place_view *view, const double req[PLACE_DIMS])
{
	const struct decreasing *p = state;

	return place_emptiest(view, req, p->which == 1);
}

#define DECREASING(NAME, RULE, ORDER, OPTS, SUMMARY)                                      \
	const struct placer_ops placer_##NAME = {                                         \
		.plugin =                                                                 \
			{                                                                 \
				.abi = PLUGIN_ABI,                                        \
				.ops_size = sizeof(struct placer_ops),                    \
				.name = #NAME,                                            \
				.summary = SUMMARY,                                       \
				.source = "Johnson et al., SIAM J. Computing 3(4), 1974", \
				.opts = OPTS,                                             \
				.state_size = sizeof(struct decreasing),                  \
			},                                                                \
		.place = RULE,                                                            \
		.order = ORDER,                                                           \
		.size = size_of,                                                          \
	}

DECREASING(ffd, first, DC_UNORDERED, size_opts,
	   "the largest VM first, on the first host that fits");
DECREASING(bfd, best, DC_BY_FULLNESS, size_opts, "the largest VM first, on the fullest that fits");
DECREASING(wfd, worst, DC_BY_FULLNESS, worst_opts,
	   "the largest VM first, on the emptiest that fits");
