/*
 * Live migration of a guest between two processes of this machine: pre-copy (Clark et al., 2005).
 *
 * The source sends the working set while the guest runs, then again and again what was written meanwhile,
 * by KVM's dirty log; it stops the guest when little is left, when rounds are used up or when they do not
 * get smaller, and sends the rest with the registers. Page tables and program are the same on both sides.
 */
#ifndef COTENANT_REPLAY_TRANSFER_H
#define COTENANT_REPLAY_TRANSFER_H

#include "replay/agent.h"

/* A round that leaves more than this of what it sent makes no progress that pays. (Without it whether a round
 * leaves less than the one before is chance in the end.) */
#define TRANSFER_STUCK 0.9

/* From the controller to an agent, with a socket to the other one. TRANSFER_NONE only wakes it: there is a
 * new order. */
enum transfer_role { TRANSFER_NONE, TRANSFER_SEND, TRANSFER_RECEIVE };
struct transfer_command {
	int32_t role;
	uint32_t max_rounds;
	double bandwidth, threshold; /* bytes/s, bytes */
};

/* Does not wait: -EAGAIN if the agent has not read the last hundred. @fd -1: none goes along. */
int transfer_command_send(int socket, const struct transfer_command *command, int fd) must_check;
/* 1: there is one, and *fd is ours (-1 with TRANSFER_NONE); 0: the controller is gone; -errno. */
int transfer_command_receive(int socket, struct transfer_command *command, int *fd) must_check;

/* In the agents, vCPUs included. 0 or -errno; the source's guest runs on after a failure. */
int transfer_send(struct agent *agent, const struct transfer_command *command, int fd) must_check;
int transfer_receive(struct agent *agent, int fd) must_check;

#endif
