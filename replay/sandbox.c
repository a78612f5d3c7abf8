/*
 * What a guest's process gives away before the guest's first instruction (agent.h). A guest that broke
 * out of its virtual machine would find a process without privileges, without files but its own, and
 * without the system calls to get any.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "replay/agent.h"

static int failed(struct err *err, const char *what)
{
	int e = errno;

	return err_run(err, -e, "sandbox of the guest: %s: %s", what, strerror(e));
}

int sandbox_user(uid_t uid, struct err *err)
{
	struct rlimit no_core = {0, 0};

	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return failed(err, "no core files");
	if (uid != 0 && getuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setgid((gid_t)uid) < 0 || setuid(uid) < 0))
		return failed(err, "another user");
	/* A change of user forgets it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed(err, "no new privileges");
	return 0;
}

/* Work, wait, and end. Memory calls serve the allocator and the balloon. */
static const int allowed[] = {
	SYS_ioctl,         SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep,
	SYS_timer_settime, SYS_rt_sigreturn,  SYS_rt_sigprocmask,  SYS_futex,
	SYS_read,          SYS_write,         SYS_pread64,         SYS_pwrite64,
	SYS_ppoll,         SYS_poll,          SYS_recvmsg,         SYS_sendto,
	SYS_recvfrom,      SYS_madvise,       SYS_munmap,          SYS_mmap,
	SYS_mprotect,      SYS_close,         SYS_fstat,           SYS_newfstatat,
	SYS_fallocate,     SYS_exit,          SYS_exit_group,      SYS_restart_syscall,
	SYS_sendmsg,       SYS_sched_yield,   SYS_getpid,          SYS_gettid,
	SYS_sigaltstack,
};
#define ALLOWED (sizeof(allowed) / sizeof(allowed[0]))

/* Signals go to the process's own threads only: other guests are of the same user. */
#define TGKILL 3 /* instructions after the load of the number */

int sandbox_syscalls(struct err *err)
{
	struct sock_filter code[ALLOWED + 6 + TGKILL];
	size_t n = 0;

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), (uint8_t)(yes), (uint8_t)(no))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
	code[n++] = (struct sock_filter)LOAD(arch);
	code[n++] = (struct sock_filter)IS(AUDIT_ARCH_X86_64, 1, 0);
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)LOAD(nr);
	code[n++] = (struct sock_filter)IS(SYS_tgkill, 0, 2);
	code[n++] = (struct sock_filter)LOAD(args[0]); /* its lower half */
	code[n++] = (struct sock_filter)IS(getpid(), ALLOWED + 1, ALLOWED);
	for (size_t i = 0; i < ALLOWED; i++)
		code[n++] = (struct sock_filter)IS(allowed[i], ALLOWED - i, 0);
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
		return failed(err, "system calls");
	return 0;
}
