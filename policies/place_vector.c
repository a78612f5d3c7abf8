/*
 * Vector packing, host by host: of the VMs that still fit the host at work, the one that suits best
 * what the host has left goes there, until none fits; then the next host.
 *   dot-product  largest sum over dimensions of w x request x free
 *   norm-greedy  smallest sum of w x (free - request)^2
 *                (Panigrahy, Talwar, Uyeda & Wieder, Heuristics for vector bin packing, 2011; w =
 *                mean request of the batch)
 *   tetris       largest sum of request x free, unweighted: the alignment of Grandl,
 *                Ananthanarayanan, Kandula, Rao & Akella, SIGCOMM 2014. Their second term, short
 *                jobs first, has no equal here: how long a VM will live is not known.
 * All as shares of the host's capacity; ties go to the larger request, then to the earlier of the batch.
 * A VM that comes alone goes, of the hosts in use, to the one that it suits best, else to the first
 * that fits. A batch of k different requests costs O(k) a VM, a VM alone O(hosts that fit).
 */
#include "policies/list.h"

#include <math.h>

typedef double score_fn(const double need[PLACE_DIMS], const double left[PLACE_DIMS],
			const double weight[PLACE_DIMS]);

static double dot(const double need[PLACE_DIMS], const double left[PLACE_DIMS],
		  const double weight[PLACE_DIMS])
{
	double sum = 0;

	for (unsigned d = 0; d < PLACE_DIMS; d++)
		sum += weight[d] * need[d] * left[d];
	return sum;
}

static double minus_norm(const double need[PLACE_DIMS], const double left[PLACE_DIMS],
			 const double weight[PLACE_DIMS])
{
	double sum = 0;

	for (unsigned d = 0; d < PLACE_DIMS; d++)
		sum += weight[d] * (left[d] - need[d]) * (left[d] - need[d]);
	return -sum;
}

static double alignment(const double need[PLACE_DIMS], const double left[PLACE_DIMS],
			const double weight[PLACE_DIMS])
{
	static const double one[PLACE_DIMS] = {1, 1, 1, 1};

	(void)weight;
	return dot(need, left, one);
}

static void shares_of(const struct place_view *view, uint32_t h, const double amount[PLACE_DIMS],
		      double share[PLACE_DIMS])
{
	size_t kind = place_kind(view, h);

	for (unsigned d = 0; d < PLACE_DIMS; d++)
		share[d] = view->capacity[d][kind] > 0 ? amount[d] / view->capacity[d][kind] : 0;
}

static void left_of(const struct place_view *view, uint32_t h, double left[PLACE_DIMS])
{
	for (unsigned d = 0; d < PLACE_DIMS; d++)
		left[d] = view->free[d][h];
	shares_of(view, h, left, left);
}

static double sum_of(const double share[PLACE_DIMS])
{
	return share[0] + share[1] + share[2] + share[3];
}

static size_t pick(score_fn *score, const struct place_view *view, uint32_t h,
		   const struct place_batch *batch)
{
	double left[PLACE_DIMS], best_score = 0, best_size = 0;
	size_t best = batch->n;

	left_of(view, h, left);
	for (size_t i = 0; i < batch->n; i++) {
		double need[PLACE_DIMS];
		if (batch->count[i] == 0 || !batch->fits(batch->ctx, h, i))
			continue;
		shares_of(view, h, batch->req[i], need);
		double s = score(need, left, batch->mean), size = sum_of(need);
		if (best < batch->n && (s < best_score || (s == best_score && size <= best_size)))
			continue;
		best = i;
		best_score = s;
		best_size = size;
	}
	return best;
}

static uint32_t place(score_fn *score, const struct place_view *view, const double req[PLACE_DIMS])
{
	static const double one[PLACE_DIMS] = {1, 1, 1, 1};
	uint32_t best = PLACE_NOWHERE;
	double best_score = 0;
	struct place_ask ask;

	place_ask(&ask, view, req);
	for (uint32_t h = place_next(&ask, 0); h != PLACE_NOWHERE; h = place_next(&ask, h + 1)) {
		double left[PLACE_DIMS], need[PLACE_DIMS];
		if (view->key[h] == FIT_KEY_NONE)
			continue;
		left_of(view, h, left);
		shares_of(view, h, req, need);
		double s = score(need, left, one);
		if (best != PLACE_NOWHERE && s <= best_score)
			continue;
		best = h;
		best_score = s;
	}
	return best != PLACE_NOWHERE ? best : place_next(&ask, 0);
}

#define VECTOR(ID, NAME, SCORE, SUMMARY, SOURCE)                                                 \
	static size_t ID##_pick(const void *state, const struct place_view *view, uint32_t host, \
				const struct place_batch *batch)                                 \
	{                                                                                        \
		(void)state;                                                                     \
		return pick(SCORE, view, host, batch);                                           \
	}                                                                                        \
	static uint32_t ID##_place(void *state, const struct place_view *view,                   \
				   const double req[PLACE_DIMS])                                 \
	{                                                                                        \
		(void)state;                                                                     \
		return place(SCORE, view, req);                                                  \
	}                                                                                        \
	const struct placer_ops placer_##ID = {                                                  \
		.plugin = {.abi = PLUGIN_ABI,                                                    \
			   .ops_size = sizeof(struct placer_ops),                                \
			   .name = NAME,                                                         \
			   .summary = SUMMARY,                                                   \
			   .source = SOURCE},                                                    \
		.place = ID##_place,                                                             \
		.order = DC_BY_FULLNESS,                                                         \
		.pick = ID##_pick,                                                               \
	}

VECTOR(dot, "dot-product", dot, "host by host, the VM whose needs point where most is left",
       "Panigrahy et al., Heuristics for vector bin packing, 2011");
VECTOR(norm, "norm-greedy", minus_norm, "host by host, the VM that leaves least",
       "Panigrahy et al., Heuristics for vector bin packing, 2011");
VECTOR(tetris, "tetris", alignment, "host by host, the VM best aligned with what is left",
       "Grandl et al., SIGCOMM 2014");
