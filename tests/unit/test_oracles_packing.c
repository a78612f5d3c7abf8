/*
 * Placers as bin packers, through whole scenarios: sizes are VMs that are created at one moment,
 * bins are hosts, and what counts is active_hosts. Oracles C1-C9; the lists of C1 and C2 are
 * Falkenauer's (tests/data).
 */
#include "tests/harness.h"

#define MOST 216

struct item {
	double cpu, memory; /* cpu 0: one dimension */
};

struct list {
	struct item capacity, item[MOST];
	size_t n;
};

static void add(struct list *list, double cpu, double memory, size_t n)
{
	for (; n > 0; n--)
		list->item[list->n++] = (struct item){cpu, memory};
}

/* Hosts in use under the placer (as it stands in YAML). */
static int hosts_used(const struct list *list, const char *placer)
{
	static char yaml[MOST * 160 + 1024];
	bool cpu = list->capacity.cpu > 0;
	struct harness h;
	size_t at = (size_t)snprintf(
		yaml, sizeof(yaml),
		"tick: 1s\nduration: 1s\noutput: {vm_timeline: 0}\npolicies: {placer: %s}\n"
		"overcommit: {cpu: %s}\n"
		"hosts: {name: h, count: %zu, cores: 1, speed: %g MHz, memory: %gMB}\nvms:\n",
		placer, cpu ? "1" : "none", list->n, cpu ? list->capacity.cpu : 1000.,
		list->capacity.memory);

	for (size_t i = 0; i < list->n; i++)
		at += (size_t)snprintf(yaml + at, sizeof(yaml) - at,
				       "  - {name: v%zu, speed: %g MHz, memory: %gMB,\n"
				       "     workload: {kind: constant, cpu: 0%%}}\n",
				       i, cpu ? list->item[i].cpu : 1., list->item[i].memory);
	assert_true(at < sizeof(yaml));
	harness_open(&h, yaml);
	harness_run(&h, 0);
	assert_true(summary(&h, "placed") == (double)list->n);
	int used = (int)summary(&h, "active_hosts");
	harness_close(&h);
	return used;
}

static void read_list(FILE *in, struct list *list)
{
	size_t n, best;

	*list = (struct list){0};
	assert_int_equal(fscanf(in, "%*s %lf %zu %zu", &list->capacity.memory, &n, &best), 3);
	assert_true(n <= MOST);
	for (size_t i = 0; i < n; i++) {
		double size;
		assert_int_equal(fscanf(in, "%lf", &size), 1);
		add(list, 0, size, 1);
	}
}

static void test_c1_u120(void **unused)
{
	(void)unused;
	static const char *const placer[] = {
		"next-fit",
		"first-fit",
		"best-fit",
		"{kind: worst-fit, hosts: used}",
		"ffd",
		"bfd",
		"{kind: wfd, hosts: used}",
	};
	static const int want[20][7] = {
		{64, 50, 50, 56, 49, 49, 50}, {63, 51, 51, 57, 49, 49, 49},
		{57, 48, 48, 51, 47, 47, 47}, {65, 52, 53, 57, 50, 50, 51},
		{64, 52, 52, 56, 50, 50, 51}, {61, 52, 52, 54, 49, 49, 50},
		{63, 51, 52, 55, 49, 49, 49}, {63, 52, 52, 56, 50, 50, 50},
		{67, 54, 53, 59, 51, 51, 51}, {61, 49, 48, 55, 47, 47, 47},
		{68, 56, 55, 61, 52, 52, 53}, {63, 52, 51, 56, 50, 50, 51},
		{62, 52, 51, 55, 49, 49, 49}, {63, 51, 51, 55, 49, 49, 49},
		{64, 53, 53, 58, 50, 50, 51}, {63, 53, 52, 57, 49, 49, 49},
		{69, 56, 55, 64, 52, 52, 53}, {70, 56, 56, 60, 53, 53, 53},
		{64, 52, 51, 54, 50, 50, 50}, {65, 52, 52, 55, 50, 50, 50},
	};
	FILE *in = fopen("tests/data/binpack1.txt", "r");
	unsigned instances;

	assert_non_null(in);
	assert_int_equal(fscanf(in, "%u", &instances), 1);
	assert_int_equal(instances, 20);
	for (size_t c = 0; c < instances; c++) {
		static struct list list;
		read_list(in, &list);
		for (size_t p = 0; p < COUNT(placer); p++)
			assert_int_equal(hosts_used(&list, placer[p]), want[c][p]);
	}
	fclose(in);
}

/* Triplets: three VMs fill a host exactly, and none of the rules finds all of them. */
static void test_c2_t60(void **unused)
{
	(void)unused;
	static const int want[20] = {23, 23, 23, 23, 24, 23, 23, 23, 23, 23,
				     23, 24, 23, 23, 23, 23, 24, 24, 23, 23};
	FILE *in = fopen("tests/data/t60.txt", "r");
	unsigned instances;

	assert_non_null(in);
	assert_int_equal(fscanf(in, "%u", &instances), 1);
	for (size_t c = 0; c < instances; c++) {
		static struct list list;
		read_list(in, &list);
		assert_int_equal(hosts_used(&list, "ffd"), want[c]);
		assert_int_equal(hosts_used(&list, "bfd"), want[c]);
	}
	fclose(in);
}

static void test_c3_order_matters(void **unused)
{
	(void)unused;
	static const double size[] = {15, 34, 51};
	struct list rising = {.capacity = {0, 100}}, mixed = rising;
	static const char *const all[] = {"first-fit", "best-fit", "ffd", "bfd"};

	for (int k = 0; k < 3; k++)
		add(&rising, 0, size[k], 6);
	for (int k = 0; k < 18; k++)
		add(&mixed, 0, size[2 - k % 3], 1);
	for (size_t p = 0; p < COUNT(all); p++) {
		assert_int_equal(hosts_used(&rising, all[p]), p < 2 ? 10 : 6);
		assert_int_equal(hosts_used(&mixed, all[p]), 6);
	}
}

static void test_c4_eleven_ninths(void **unused)
{
	(void)unused;
	for (size_t n = 1; n <= 3; n++) {
		struct list list = {.capacity = {0, 1000}};
		add(&list, 0, 501, 6 * n);
		add(&list, 0, 252, 6 * n);
		add(&list, 0, 251, 6 * n);
		add(&list, 0, 248, 12 * n);
		assert_int_equal(hosts_used(&list, "ffd"), 11 * n);
		assert_int_equal(hosts_used(&list, "bfd"), 11 * n);
	}
}

/* A larger host can need more of its kind. */
static void test_c5_anomaly(void **unused)
{
	(void)unused;
	static const double size[] = {44, 24, 24, 22, 21, 17, 8, 8, 6, 6};
	struct list list = {.capacity = {0, 60}};

	for (size_t i = 0; i < COUNT(size); i++)
		add(&list, 0, size[i], 1);
	assert_int_equal(hosts_used(&list, "ffd"), 3);
	assert_int_equal(hosts_used(&list, "bfd"), 4);
	list.capacity.memory = 61;
	assert_int_equal(hosts_used(&list, "ffd"), 4);
}

static void test_c6_vpsolver(void **unused)
{
	(void)unused;
	static const struct {
		double size;
		size_t n;
	} of[] = {{1120, 9}, {1250, 5}, {520, 91}, {1066, 18}, {1000, 11}, {1150, 64}};
	static const char *const all[] = {"first-fit", "ffd", "bfd", "dot-product", "norm-greedy"};
	struct list list = {.capacity = {5180, 9}};

	for (size_t i = 0; i < COUNT(of); i++)
		add(&list, of[i].size, 1, of[i].n);
	for (size_t p = 0; p < COUNT(all); p++) {
		int used = hosts_used(&list, all[p]);
		assert_true(used >= 33 && used <= 33 * 17 / 10 + 1);
	}
}

static void test_c7_two_dimensions(void **unused)
{
	(void)unused;
	struct list list = {.capacity = {10, 10}};

	add(&list, 6, 2, 4);
	add(&list, 2, 6, 4);
	assert_int_equal(hosts_used(&list, "first-fit"), 4);
}

static void test_c8_flavours(void **unused)
{
	(void)unused;
	struct list list = {.capacity = {16, 64}};
	static const char *const five[] = {"first-fit", "best-fit", "ffd",
					   "{kind: ffd, size: product}", "{kind: ffd, size: max}"};

	add(&list, 4, 16, 4);
	add(&list, 2, 16, 4);
	add(&list, 4, 8, 4);
	add(&list, 1, 2, 8);
	add(&list, 8, 16, 2);
	for (size_t p = 0; p < COUNT(five); p++)
		assert_int_equal(hosts_used(&list, five[p]), 5);
	assert_int_equal(hosts_used(&list, "dot-product"), 4);
	assert_int_equal(hosts_used(&list, "norm-greedy"), 4);
}

static void test_c9_random_pairs(void **unused)
{
	(void)unused;
	static const char *const placer[] = {"first-fit", "ffd", "{kind: ffd, size: product}",
					     "{kind: ffd, size: max}", "dot-product"};
	static const int want[3][5] = {{6, 6, 6, 6, 6}, {7, 6, 6, 6, 6}, {6, 6, 5, 6, 6}};

	for (uint32_t seed = 1; seed <= 3; seed++) {
		struct list list = {.capacity = {10, 10}};
		uint32_t x = seed;
		for (int i = 0; i < 14; i++) {
			double size[2];
			for (int d = 0; d < 2; d++) {
				x = (x * 1103515245u + 12345u) & 0x7fffffffu;
				size[d] = 1 + (x >> 16) % 6;
			}
			add(&list, size[0], size[1], 1);
		}
		for (size_t p = 0; p < COUNT(placer); p++)
			assert_int_equal(hosts_used(&list, placer[p]), want[seed - 1][p]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_c1_u120),           cmocka_unit_test(test_c2_t60),
		cmocka_unit_test(test_c3_order_matters),  cmocka_unit_test(test_c4_eleven_ninths),
		cmocka_unit_test(test_c5_anomaly),        cmocka_unit_test(test_c6_vpsolver),
		cmocka_unit_test(test_c7_two_dimensions), cmocka_unit_test(test_c8_flavours),
		cmocka_unit_test(test_c9_random_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
