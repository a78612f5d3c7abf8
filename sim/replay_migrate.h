/* replay migrate: a guest moves live between two processes of this machine, and what a model says of that. */
#ifndef COTENANT_SIM_REPLAY_MIGRATE_H
#define COTENANT_SIM_REPLAY_MIGRATE_H

#include "sim/core/err.h"

/* [--memory 64MiB] [--rate PAGES_PER_S] [--bandwidth 100MB/s] [--threshold 1MiB] [--rounds 30]
 * [--tolerance SHARE] [-o FILE.csv]: prints every round measured and predicted. A failed run if a page got
 * lost, or if total or downtime is off by more than that share of the total. */
int replay_migrate(int argc, char **argv, struct err *err) must_check;

#endif
