/*
 * Flows over links against plain progressive filling: all rates rise together, and those of flows on a
 * link that is full stop.
 */
#include "tests/test.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sim/core/flows.h"
#include "sim/core/mem.h"

#define LINKS 14
#define FLOWS 60

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

struct model {
	struct flows flows;
	double capacity[LINKS];
	struct one {
		bool used, idle;
		uint32_t link[2];
		double due, rate; /* as it should be; as it was told last */
	} one[FLOWS];
};

static bool crosses(const struct one *one, uint32_t link)
{
	return one->used && !one->idle && (one->link[0] == link || one->link[1] == link);
}

/* The link that is full first when all flows that are not fixed rise together; its level. */
static uint32_t next_full(const struct model *m, const bool *fixed, double *level)
{
	uint32_t at = LINKS;

	*level = INFINITY;
	for (uint32_t l = 0; l < LINKS; l++) {
		double left = m->capacity[l];
		int rising = 0;
		for (int i = 0; i < FLOWS; i++) {
			if (!crosses(&m->one[i], l))
				continue;
			left -= fixed[i] ? m->one[i].due : 0;
			rising += !fixed[i];
		}
		if (rising > 0 && left / rising < *level) {
			*level = left / rising;
			at = l;
		}
	}
	return at;
}

static void fill(struct model *m)
{
	bool fixed[FLOWS] = {false};
	double level;
	uint32_t link;

	for (int i = 0; i < FLOWS; i++)
		m->one[i].due = 0;
	while ((link = next_full(m, fixed, &level)) < LINKS)
		for (int i = 0; i < FLOWS; i++)
			if (!fixed[i] && crosses(&m->one[i], link)) {
				m->one[i].due = level;
				fixed[i] = true;
			}
}

static void check(struct model *m)
{
	double sum[LINKS] = {0};

	flows_solve(&m->flows);
	for (size_t i = 0; i < m->flows.nchanged; i++) {
		struct one *one = &m->one[m->flows.changed[i]];
		double rate = flows_rate(&m->flows, m->flows.changed[i]);
		assert_true(rate != one->rate);
		one->rate = rate;
	}
	fill(m);
	for (uint32_t i = 0; i < FLOWS; i++) {
		if (!m->one[i].used)
			continue;
		double rate = flows_rate(&m->flows, i);
		assert_true(rate == m->one[i].rate); /* whoever changed was told */
		if (!(fabs(rate - m->one[i].due) <= 1e-9 * m->one[i].due))
			fail_msg("flow %u: %.15g, not %.15g", i, rate, m->one[i].due);
		sum[m->one[i].link[0]] += rate;
		sum[m->one[i].link[1]] += rate;
	}
	for (int l = 0; l < LINKS; l++)
		assert_true(sum[l] <= m->capacity[l] * (1 + 1e-9));
}

static void step(struct model *m)
{
	uint32_t i = below(FLOWS), id;

	if (m->one[i].used && below(3) == 0) {
		flows_set_idle(&m->flows, i, m->one[i].idle = !m->one[i].idle);
	} else if (m->one[i].used && below(2)) {
		flows_remove(&m->flows, i);
		m->one[i] = (struct one){0};
	} else {
		size_t n = 0;
		for (int k = 0; k < FLOWS; k++)
			n += m->one[k].used;
		if (n == FLOWS)
			return;
		uint32_t from = below(LINKS / 2), to = LINKS / 2 + below(LINKS / 2);
		assert_int_equal(flows_add(&m->flows, from, to, &id), 0);
		assert_true(id < FLOWS && !m->one[id].used);
		m->one[id] = (struct one){.used = true, .link = {from, to}};
	}
}

static void test_random(void **unused)
{
	(void)unused;
	for (uint64_t s = 1; s <= 8; s++) {
		static struct model m;
		seed = s;
		memset(&m, 0, sizeof(m));
		for (int l = 0; l < LINKS; l++)
			m.capacity[l] = s % 2 ? 125e6 : 1e6 * (1 + below(1000));
		m.flows.nlinks = LINKS;
		m.flows.capacity = m.capacity;
		assert_int_equal(flows_init(&m.flows), 0);
		for (int k = 0; k < 2000; k++) {
			for (uint32_t n = 1 + below(4); n > 0; n--)
				step(&m);
			check(&m);
		}
		flows_fini(&m.flows);
	}
}

/* A change is not looked for where rates stay: two pairs of hosts know nothing of each other. */
static void test_apart(void **unused)
{
	(void)unused;
	const double capacity[4] = {10, 10, 10, 10};
	struct flows f = {.nlinks = 4, .capacity = capacity};
	uint32_t a, b, c;

	assert_int_equal(flows_init(&f), 0);
	assert_int_equal(flows_add(&f, 0, 1, &a), 0);
	assert_int_equal(flows_add(&f, 2, 3, &b), 0);
	flows_solve(&f);
	assert_int_equal(f.nchanged, 2);
	assert_int_equal(flows_add(&f, 0, 1, &c), 0);
	flows_solve(&f);
	assert_int_equal(f.nchanged, 2);
	assert_true(flows_rate(&f, a) == 5 && flows_rate(&f, b) == 10 && flows_rate(&f, c) == 5);
	assert_int_equal(flows_first(&f, 0), c);
	assert_int_equal(flows_after(&f, 0, c), a);
	assert_int_equal(flows_after(&f, 0, a), FLOW_NONE);
	flows_remove(&f, a);
	flows_solve(&f);
	assert_int_equal(f.nchanged, 1);
	assert_true(flows_rate(&f, c) == 10);
	flows_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
