/*
 * See vmm.h. Guest-physical memory is one slot from 0: page tables that map it onto itself with 2 MiB
 * pages, a mailbox per vCPU, the program, the working set. Every level of the tables is open to user
 * mode, and IOPL 3 lets the program ring with OUT.
 *
 * A vCPU is set up to be valid under VMX, which is the strictest about segments.
 */
#include "replay/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/device.h"
#include "sim/core/mem.h"

#define PML4      0x2000u
#define PDPT      0x3000u
#define PD        0x100000u /* one page per GiB */
#define GIB       (1ull << 30)
#define MAX_GIB   256u
#define TSS       0xfffbd000u /* VMX wants three pages of guest addresses that nobody uses */
#define RESET_RIP 0xfff0u     /* of a processor that was reset */
#define USER_RW   7u
#define LARGE     0x80u

struct vmm {
	int kvm, vm, memory_fd;
	unsigned char *memory;
	size_t bytes; /* of memory, all of it */
	uint32_t vcpus;
	int vcpu[GUEST_VCPUS];
	struct kvm_run *run[GUEST_VCPUS];
	size_t run_bytes;
	char why[160];
};

static const struct {
	int cap;
	const char *name;
} capabilities[] = {
	{KVM_CAP_USER_MEMORY, "user memory"},
	{KVM_CAP_IMMEDIATE_EXIT, "immediate exit"},
	{KVM_CAP_SYNC_MMU, "memory can be taken away (balloon)"},
	{KVM_CAP_NR_VCPUS, "vCPUs per VM"},
	{KVM_CAP_XSAVE, "extended state"},
	{KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, "dirty log cleared by hand"},
	{KVM_CAP_TSC_CONTROL, "TSC scaling"},
};

const char *vmm_capability(int kvm_fd, size_t i, int *value)
{
	if (i >= sizeof(capabilities) / sizeof(capabilities[0]))
		return NULL;
	int v = ioctl(kvm_fd, KVM_CHECK_EXTENSION, capabilities[i].cap);
	*value = v < 0 ? 0 : v;
	return capabilities[i].name;
}

static int device_error(const char *device, int code, struct err *err)
{
	struct device_words words;

	device_words("", device, code, &words);
	return err_input(err, "%s%s%s%s", words.text, words.remedy[0] ? " (" : "", words.remedy,
			 words.remedy[0] ? ")" : "");
}

static int device_open(const char *device, struct err *err)
{
	int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return device_error(device, errno, err);
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version == KVM_API_VERSION)
		return fd;
	close(fd);
	return err_input(err, "%s: version %d of the interface (need %d)", device, version,
			 KVM_API_VERSION);
}

int vmm_check(const char *device, struct err *err)
{
	int fd = device_open(device, err);

	if (fd < 0)
		return fd;
	int vm = ioctl(fd, KVM_CREATE_VM, 0), e = errno;
	if (vm >= 0)
		close(vm);
	close(fd);
	return vm < 0 ? device_error(device, e, err) : 0;
}

static int failed(struct err *err, const char *what)
{
	int e = errno;

	return err_run(err, -e, "KVM: %s: %s", what, strerror(e));
}

/* The tables that map memory onto itself, and the program. */
static void memory_fill(struct vmm *vmm)
{
	uint64_t *pml4 = (uint64_t *)(void *)(vmm->memory + PML4);
	uint64_t *pdpt = (uint64_t *)(void *)(vmm->memory + PDPT);
	size_t gibs = (vmm->bytes + GIB - 1) / GIB;

	pml4[0] = PDPT | USER_RW;
	for (size_t g = 0; g < gibs; g++) {
		uint64_t *pd = (uint64_t *)(void *)(vmm->memory + PD + g * GUEST_PAGE);
		pdpt[g] = (PD + g * GUEST_PAGE) | USER_RW;
		for (uint64_t i = 0; i < 512; i++)
			pd[i] = (g * GIB + (i << 21)) | LARGE | USER_RW;
	}
	memcpy(vmm->memory + GUEST_CODE, guest_code, (size_t)(guest_code_end - guest_code));
	for (uint32_t k = 0; k < vmm->vcpus; k++)
		*vmm_mailbox(vmm, k) = (struct mailbox){.base = GUEST_SET, .random = k + 1};
}

static int memory_open(struct vmm *vmm, size_t bytes, struct err *err)
{
	vmm->bytes = GUEST_SET + bytes;
	vmm->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	if (vmm->memory_fd < 0 || ftruncate(vmm->memory_fd, (off_t)vmm->bytes) < 0)
		return failed(err, "memory");
	void *p = mmap(NULL, vmm->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
		       vmm->memory_fd, 0);
	if (p == MAP_FAILED)
		return failed(err, "memory");
	vmm->memory = p;
	/* Page by page, so that what is resident is what was touched. Old kernels may not know it. */
	(void)madvise(p, vmm->bytes, MADV_NOHUGEPAGE);
	memory_fill(vmm);
	struct kvm_userspace_memory_region slot = {.memory_size = vmm->bytes,
						   .userspace_addr = (uint64_t)(uintptr_t)p};
	if (ioctl(vmm->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return failed(err, "memory slot");
	return 0;
}

static int copy_cpuid(const struct vmm *vmm, int vcpu)
{
	for (uint32_t n = 256; n <= 4096; n *= 2) {
		struct kvm_cpuid2 *id =
			mem_alloc(1, sizeof(*id) + n * sizeof(struct kvm_cpuid_entry2));
		if (!id)
			return -1;
		id->nent = n;
		int rc = ioctl(vmm->kvm, KVM_GET_SUPPORTED_CPUID, id), e = errno;
		if (rc == 0)
			rc = ioctl(vcpu, KVM_SET_CPUID2, id);
		mem_free(id);
		if (rc == 0 || e != E2BIG)
			return rc;
	}
	return -1;
}

static int registers_set(int vcpu, uint32_t id)
{
	struct kvm_sregs s;
	struct kvm_segment code = {.limit = 0xffffffff,
				   .selector = 0x1b,
				   .type = 11,
				   .present = 1,
				   .dpl = 3,
				   .s = 1,
				   .l = 1,
				   .g = 1};
	struct kvm_segment data = {.limit = 0xffffffff,
				   .selector = 0x23,
				   .type = 3,
				   .present = 1,
				   .dpl = 3,
				   .s = 1,
				   .db = 1,
				   .g = 1};
	struct kvm_regs r = {.rip = GUEST_CODE,
			     .rflags = 0x3002,
			     .rsp = 0x80000 + id * 0x4000 + 0x3ff8,
			     .rdi = GUEST_MAILBOX + id * GUEST_PAGE,
			     .rsi = id};

	if (ioctl(vcpu, KVM_GET_SREGS, &s) < 0)
		return -1;
	s.cr3 = PML4;
	s.cr4 = 0x620;      /* PAE, SSE */
	s.cr0 = 0x80050033; /* paging, protection */
	s.efer = 0x500;     /* long mode */
	s.cs = code;
	s.ss = s.ds = s.es = s.fs = s.gs = data;
	if (ioctl(vcpu, KVM_SET_SREGS, &s) < 0)
		return -1;
	return ioctl(vcpu, KVM_SET_REGS, &r);
}

static int vcpu_open(struct vmm *vmm, uint32_t id, struct err *err)
{
	vmm->vcpu[id] = ioctl(vmm->vm, KVM_CREATE_VCPU, id);
	if (vmm->vcpu[id] < 0)
		return failed(err, "vCPU");
	void *p = mmap(NULL, vmm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vmm->vcpu[id], 0);
	if (p == MAP_FAILED)
		return failed(err, "vCPU's page");
	vmm->run[id] = p;
	if (copy_cpuid(vmm, vmm->vcpu[id]) < 0 || registers_set(vmm->vcpu[id], id) < 0)
		return failed(err, "vCPU's registers");
	return 0;
}

static int vm_open(struct vmm *vmm, struct err *err)
{
	vmm->kvm = device_open("/dev/kvm", err);
	if (vmm->kvm < 0)
		return -EINVAL;
	int size = ioctl(vmm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vmm->vm = ioctl(vmm->kvm, KVM_CREATE_VM, 0);
	if (size < 0 || vmm->vm < 0)
		return failed(err, "virtual machine");
	vmm->run_bytes = (size_t)size;
	/* Only VMX needs it, and nobody else minds. */
	(void)ioctl(vmm->vm, KVM_SET_TSS_ADDR, TSS);
	return 0;
}

int vmm_open(struct vmm **out, size_t bytes, uint32_t vcpus, struct err *err)
{
	*out = NULL;
	if (vcpus < 1 || vcpus > GUEST_VCPUS)
		return err_input(err, "replay: %u vCPUs (at most %u)", vcpus, GUEST_VCPUS);
	if (bytes > (MAX_GIB - 1) * GIB)
		return err_input(err, "replay: %zu bytes of memory (at most %u GiB)", bytes,
				 MAX_GIB - 1);
	struct vmm *vmm = mem_alloc(1, sizeof(*vmm));
	if (!vmm)
		return err_nomem(err);
	*vmm = (struct vmm){.kvm = -1, .vm = -1, .memory_fd = -1, .vcpus = vcpus};
	for (uint32_t k = 0; k < GUEST_VCPUS; k++)
		vmm->vcpu[k] = -1;
	int rc = vm_open(vmm, err);
	if (rc == 0)
		rc = memory_open(vmm, (bytes + GUEST_PAGE - 1) / GUEST_PAGE * GUEST_PAGE, err);
	for (uint32_t k = 0; k < vcpus && rc == 0; k++)
		rc = vcpu_open(vmm, k, err);
	if (rc < 0)
		vmm_close(vmm);
	else
		*out = vmm;
	return rc;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void vmm_close(struct vmm *vmm)
{
	if (!vmm)
		return;
	for (uint32_t k = 0; k < vmm->vcpus; k++) {
		if (vmm->run[k])
			munmap(vmm->run[k], vmm->run_bytes);
		close_fd(vmm->vcpu[k]);
	}
	if (vmm->memory)
		munmap(vmm->memory, vmm->bytes);
	close_fd(vmm->memory_fd);
	close_fd(vmm->vm);
	close_fd(vmm->kvm);
	mem_free(vmm);
}

struct mailbox *vmm_mailbox(struct vmm *vmm, uint32_t vcpu)
{
	return (struct mailbox *)(void *)(vmm->memory + GUEST_MAILBOX + vcpu * GUEST_PAGE);
}

unsigned char *vmm_memory(struct vmm *vmm, size_t *bytes)
{
	*bytes = vmm->bytes;
	return vmm->memory;
}

size_t vmm_resident(const struct vmm *vmm)
{
	struct stat st;

	return fstat(vmm->memory_fd, &st) == 0 ? (size_t)st.st_blocks * 512 : 0;
}

void vmm_populate(struct vmm *vmm, size_t from, size_t to)
{
	/* Adding nothing writes the page without changing what a vCPU may be writing there. */
	for (size_t page = from; page < to; page++)
		__atomic_fetch_add(
			(uint64_t *)(void *)(vmm->memory + GUEST_SET + page * GUEST_PAGE), 0,
			__ATOMIC_RELAXED);
}

int vmm_discard(struct vmm *vmm, size_t from, size_t to)
{
	if (from >= to)
		return 0;
	return fallocate(vmm->memory_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 (off_t)(GUEST_SET + from * GUEST_PAGE),
			 (off_t)((to - from) * GUEST_PAGE)) < 0
		       ? -errno
		       : 0;
}

volatile uint8_t *vmm_kick(struct vmm *vmm, uint32_t vcpu)
{
	return &vmm->run[vcpu]->immediate_exit;
}

const char *vmm_why(const struct vmm *vmm)
{
	return vmm->why;
}

static enum vmm_exit died(struct vmm *vmm, uint32_t vcpu, const char *what)
{
	struct kvm_regs regs = {.rip = RESET_RIP};
	char where[32] = "";

	/* After an exception that nobody takes AMD's processors have forgotten where they were. */
	(void)ioctl(vmm->vcpu[vcpu], KVM_GET_REGS, &regs);
	if (regs.rip != RESET_RIP)
		snprintf(where, sizeof(where), ", rip 0x%llx", (unsigned long long)regs.rip);
	snprintf(vmm->why, sizeof(vmm->why), "vCPU %u: %s (exit %u%s)", vcpu, what,
		 vmm->run[vcpu]->exit_reason, where);
	return VMM_DIED;
}

enum vmm_exit vmm_run(struct vmm *vmm, uint32_t vcpu)
{
	for (;;) {
		if (ioctl(vmm->vcpu[vcpu], KVM_RUN, 0) < 0) {
			/* EFAULT: memory was refused to this process; it may be given later. */
			if (errno == EINTR)
				return VMM_KICKED;
			if (errno == EAGAIN || errno == EFAULT)
				continue;
			return died(vmm, vcpu, strerror(errno));
		}
		switch (vmm->run[vcpu]->exit_reason) {
		case KVM_EXIT_IO:
			return VMM_BELL;
		case KVM_EXIT_INTR:
			return VMM_KICKED;
		case KVM_EXIT_SHUTDOWN:
			return died(vmm, vcpu, "the guest raised an exception");
		default:
			return died(vmm, vcpu, "unexpected exit");
		}
	}
}

static int slot_flags(struct vmm *vmm, uint32_t flags)
{
	struct kvm_userspace_memory_region slot = {
		.flags = flags,
		.memory_size = vmm->bytes,
		.userspace_addr = (uint64_t)(uintptr_t)vmm->memory,
	};

	return ioctl(vmm->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0 ? -errno : 0;
}

int vmm_log(struct vmm *vmm, bool on)
{
	return slot_flags(vmm, on ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

int vmm_dirty(struct vmm *vmm, uint64_t *bits)
{
	struct kvm_dirty_log log = {.dirty_bitmap = bits};

	return ioctl(vmm->vm, KVM_GET_DIRTY_LOG, &log) < 0 ? -errno : 0;
}

struct vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
};

size_t vmm_state_size(void)
{
	return sizeof(struct vcpu_state);
}

/* The program uses general registers only; there is no other state to lose. */
int vmm_state_get(struct vmm *vmm, uint32_t vcpu, void *state)
{
	struct vcpu_state s;

	/* One entry that leaves at once completes an instruction that rang the bell. */
	*vmm_kick(vmm, vcpu) = 1;
	(void)ioctl(vmm->vcpu[vcpu], KVM_RUN, 0);
	if (ioctl(vmm->vcpu[vcpu], KVM_GET_REGS, &s.regs) < 0 ||
	    ioctl(vmm->vcpu[vcpu], KVM_GET_SREGS, &s.sregs) < 0)
		return -errno;
	memcpy(state, &s, sizeof(s));
	return 0;
}

int vmm_state_set(struct vmm *vmm, uint32_t vcpu, const void *state)
{
	struct vcpu_state s;

	memcpy(&s, state, sizeof(s));
	if (ioctl(vmm->vcpu[vcpu], KVM_SET_SREGS, &s.sregs) < 0 ||
	    ioctl(vmm->vcpu[vcpu], KVM_SET_REGS, &s.regs) < 0)
		return -errno;
	return 0;
}
