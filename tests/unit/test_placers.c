/*
 * Placers as bin packers: open hosts against the published counts (C1: Falkenauer's u120 instances,
 * tests/data/binpack1.txt), and what each promises.
 */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/list.h"

#define HOSTS 128

struct hosts {
	struct place_view view;
	double free[PLACE_DIMS][HOSTS], capacity[PLACE_DIMS];
	int64_t key[HOSTS];
	bool used[HOSTS];
};

static void hosts_init(struct hosts *s, size_t n, double x, double y)
{
	memset(s, 0, sizeof(*s));
	s->view.nhosts = n;
	s->view.key = s->key;
	for (size_t h = 0; h < HOSTS; h++)
		s->key[h] = FIT_KEY_NONE;
	for (size_t h = 0; h < n; h++) {
		s->free[PLACE_CPU][h] = x;
		s->free[PLACE_MEM][h] = y;
	}
	s->capacity[PLACE_CPU] = x;
	s->capacity[PLACE_MEM] = y;
	for (size_t d = 0; d < PLACE_DIMS; d++) {
		s->view.free[d] = s->free[d];
		s->view.capacity[d] = &s->capacity[d];
	}
}

static uint32_t put(const struct placer_ops *ops, void *state, struct hosts *s, double x, double y)
{
	const double req[PLACE_DIMS] = {x, y, 0, 0};
	uint32_t h = ops->place(state, &s->view, req);

	if (h == PLACE_NOWHERE)
		return h;
	assert_true(h < s->view.nhosts);
	assert_true(place_fits(&s->view, h, req));
	s->free[PLACE_CPU][h] -= x;
	s->free[PLACE_MEM][h] -= y;
	s->used[h] = true;
	double full = 0;
	for (size_t d = 0; d < PLACE_DIMS; d++)
		if (s->capacity[d] > 0)
			full += (s->capacity[d] - s->free[d][h]) / s->capacity[d];
	s->key[h] = fit_key(full);
	return h;
}

static unsigned open_hosts(const struct hosts *s)
{
	unsigned n = 0;

	for (size_t h = 0; h < HOSTS; h++)
		n += s->used[h];
	return n;
}

/* Worst-fit with `hosts: used`. */
static unsigned pack(const struct placer_ops *ops, const double *item, size_t n, double capacity)
{
	static struct hosts s;
	uint64_t state[4] = {0};

	const int used = 1;
	if (ops == &placer_worst)
		memcpy(state, &used, sizeof(used));
	hosts_init(&s, HOSTS, capacity, 0);
	for (size_t i = 0; i < n; i++) {
		uint32_t h = put(ops, state, &s, item[i], 0);
		assert_true(h != PLACE_NOWHERE);
	}
	return open_hosts(&s);
}

static void C1_u120(void **state)
{
	static const unsigned want[20][4] = {
		{64, 50, 50, 56}, {63, 51, 51, 57}, {57, 48, 48, 51}, {65, 52, 53, 57},
		{64, 52, 52, 56}, {61, 52, 52, 54}, {63, 51, 52, 55}, {63, 52, 52, 56},
		{67, 54, 53, 59}, {61, 49, 48, 55}, {68, 56, 55, 61}, {63, 52, 51, 56},
		{62, 52, 51, 55}, {63, 51, 51, 55}, {64, 53, 53, 58}, {63, 53, 52, 57},
		{69, 56, 55, 64}, {70, 56, 56, 60}, {64, 52, 51, 54}, {65, 52, 52, 55},
	};
	FILE *in = fopen("tests/data/binpack1.txt", "r");
	unsigned instances, sum[4] = {0};

	(void)state;
	assert_non_null(in);
	assert_int_equal(fscanf(in, "%u", &instances), 1);
	assert_int_equal(instances, 20);
	for (size_t c = 0; c < instances; c++) {
		double capacity, item[120];
		size_t n, best;
		assert_int_equal(fscanf(in, "%*s %lf %zu %zu", &capacity, &n, &best), 3);
		assert_int_equal(n, 120);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(fscanf(in, "%lf", &item[i]), 1);
		const unsigned got[4] = {
			pack(&placer_next, item, n, capacity),
			pack(&placer_first, item, n, capacity),
			pack(&placer_best, item, n, capacity),
			pack(&placer_worst, item, n, capacity),
		};
		for (size_t k = 0; k < 4; k++) {
			assert_int_equal(got[k], want[c][k]);
			sum[k] += got[k];
		}
	}
	fclose(in);
	assert_int_equal(sum[0], 1279);
	assert_int_equal(sum[1], 1044);
	assert_int_equal(sum[2], 1038);
	assert_int_equal(sum[3], 1131);
}

static int falling(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

/* Triplets, largest first: first-fit and best-fit decreasing. */
static void C2_t60_decreasing(void **state)
{
	static const unsigned want[20] = {23, 23, 23, 23, 24, 23, 23, 23, 23, 23,
					  23, 24, 23, 23, 23, 23, 24, 24, 23, 23};
	FILE *in = fopen("tests/data/t60.txt", "r");
	unsigned instances;

	(void)state;
	assert_non_null(in);
	assert_int_equal(fscanf(in, "%u", &instances), 1);
	assert_int_equal(instances, 20);
	for (size_t c = 0; c < instances; c++) {
		double capacity, item[60];
		size_t n, best;
		assert_int_equal(fscanf(in, "%*s %lf %zu %zu", &capacity, &n, &best), 3);
		assert_int_equal(n, 60);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(fscanf(in, "%lf", &item[i]), 1);
		qsort(item, n, sizeof(item[0]), falling);
		assert_int_equal(pack(&placer_first, item, n, capacity), want[c]);
		assert_int_equal(pack(&placer_best, item, n, capacity), want[c]);
	}
	fclose(in);
}

static void C3_six_of_each(void **state)
{
	static const double size[] = {15, 34, 51};
	double up[18], down[18], mixed[18];

	(void)state;
	for (size_t i = 0; i < 18; i++) {
		up[i] = size[i / 6];
		down[i] = size[2 - i / 6];
		mixed[i] = size[2 - i % 3];
	}
	assert_int_equal(pack(&placer_first, up, 18, 100), 10);
	assert_int_equal(pack(&placer_best, up, 18, 100), 10);
	assert_int_equal(pack(&placer_first, down, 18, 100), 6);
	assert_int_equal(pack(&placer_first, mixed, 18, 100), 6);
	assert_int_equal(pack(&placer_best, mixed, 18, 100), 6);
}

static void C7_two_dimensions(void **state)
{
	static struct hosts s;

	(void)state;
	hosts_init(&s, 8, 10, 10);
	for (size_t i = 0; i < 8; i++)
		assert_true(put(&placer_first, NULL, &s, i < 4 ? 6 : 2, i < 4 ? 2 : 6) < 8);
	assert_int_equal(open_hosts(&s), 4);
}

static void ten_tenths_fill_a_host(void **state)
{
	static struct hosts s;

	(void)state;
	hosts_init(&s, 2, 1, 0);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(put(&placer_first, NULL, &s, 0.1, 0), 0);
	assert_int_equal(put(&placer_first, NULL, &s, 0.1, 0), 1);
}

/* Ties go to the lower id; worst-fit counts empty hosts; a dimension the host lacks stops a VM. */
static void choices(void **state)
{
	static struct hosts s;

	uint64_t zero[1] = {0};

	(void)state;
	hosts_init(&s, 4, 10, 10);
	assert_int_equal(put(&placer_best, NULL, &s, 4, 4), 0);
	assert_int_equal(put(&placer_worst, zero, &s, 2, 2), 1);
	assert_int_equal(put(&placer_worst, zero, &s, 2, 2), 2);
	assert_int_equal(put(&placer_best, NULL, &s, 6, 6), 0);
	assert_int_equal(put(&placer_best, NULL, &s, 6, 6), 1);
	assert_int_equal(put(&placer_best, NULL, &s, 11, 0), PLACE_NOWHERE);
	const double net[PLACE_DIMS] = {0, 0, 0, 1};
	assert_false(place_fits(&s.view, 3, net));
	assert_true(place_fullness(&s.view, 1, net) == fit_key(0.8 + 0.8));
}

static bool odd(const void *ctx, uint32_t host)
{
	(void)ctx;
	return host % 2 == 1;
}

static void the_cores_conditions_are_asked(void **state)
{
	static struct hosts s;
	uint64_t zero[4] = {0};
	const struct placer_ops *all[] = {&placer_first,  &placer_best, &placer_worst, &placer_next,
					  &placer_random, &placer_ffd,  &placer_bfd,   &placer_wfd,
					  &placer_dot,    &placer_norm, &placer_tetris};

	(void)state;
	for (size_t p = 0; p < sizeof(all) / sizeof(*all); p++) {
		hosts_init(&s, 6, 10, 10);
		s.view.admits = odd;
		assert_int_equal(put(all[p], zero, &s, 1, 1) % 2, 1);
		s.view.nhosts = 1;
		assert_int_equal(put(all[p], zero, &s, 1, 1), PLACE_NOWHERE);
		s.view.nhosts = 0;
		assert_int_equal(put(all[p], zero, &s, 1, 1), PLACE_NOWHERE);
	}
}

static void next_fit_never_goes_back(void **state)
{
	static struct hosts s;
	uint64_t memory[4] = {0};

	(void)state;
	hosts_init(&s, 2, 10, 10);
	assert_int_equal(put(&placer_next, memory, &s, 6, 6), 0);
	assert_int_equal(put(&placer_next, memory, &s, 6, 6), 1);
	assert_int_equal(put(&placer_next, memory, &s, 5, 5), PLACE_NOWHERE);
	s.free[PLACE_CPU][0] = s.free[PLACE_MEM][0] = 10;
	assert_int_equal(put(&placer_next, memory, &s, 5, 5), PLACE_NOWHERE);
	assert_int_equal(put(&placer_next, memory, &s, 4, 4), 1);
}

/* 5 of 10 hosts fit; 5000 draws: each within 4 standard deviations of 1000, and the seed decides.
 */
static void random_is_even_and_seeded(void **state)
{
	static struct hosts s;
	uint64_t a[4], b[4];
	unsigned count[10] = {0}, differ = 0;
	struct err err = {0};
	const double req[PLACE_DIMS] = {1, 1, 0, 0};

	(void)state;
	hosts_init(&s, 10, 10, 10);
	s.view.admits = odd;
	assert_int_equal(placer_random.init(a, 7, &err), 0);
	for (unsigned i = 0; i < 5000; i++)
		count[placer_random.place(a, &s.view, req)]++;
	for (unsigned h = 0; h < 10; h++) {
		double want = h % 2 ? 1000 : 0;
		assert_true(fabs(count[h] - want) <= (h % 2 ? 4 * sqrt(800) : 0));
	}
	for (unsigned pass = 0; pass < 2; pass++) {
		assert_int_equal(placer_random.init(a, 7, &err), 0);
		assert_int_equal(placer_random.init(b, 7 + pass, &err), 0);
		for (unsigned i = 0; i < 50; i++)
			differ += placer_random.place(a, &s.view, req) !=
				  placer_random.place(b, &s.view, req);
		assert_true(pass ? differ > 0 : differ == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(C1_u120),
		cmocka_unit_test(C2_t60_decreasing),
		cmocka_unit_test(C3_six_of_each),
		cmocka_unit_test(C7_two_dimensions),
		cmocka_unit_test(ten_tenths_fill_a_host),
		cmocka_unit_test(choices),
		cmocka_unit_test(the_cores_conditions_are_asked),
		cmocka_unit_test(next_fit_never_goes_back),
		cmocka_unit_test(random_is_even_and_seeded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
