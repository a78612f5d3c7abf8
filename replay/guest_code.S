/*
 * The program that runs in every guest, at privilege level 3 in long mode, without a stack, without
 * interrupts and without end: burn CPU in chunks, count them, touch pages as far as the VMM's goal
 * says. It leaves the guest only when the VMM takes it out, or to ring a bell.
 *
 * rdi = mailbox (mailbox.h has the offsets), r8 = random number (xorshift64).
 */
	.section .rodata
	.globl	guest_code, guest_code_end
	.balign	16
guest_code:
	movq	48(%rdi), %r8
.Lchunk:
	movl	$1000, %ecx
.Lburn:
	decl	%ecx
	jnz	.Lburn
	addq	$1000, (%rdi)
	cmpq	$0, 80(%rdi)
	jne	.Lbell
.Lnext_touch:
	movq	40(%rdi), %rax
	cmpq	56(%rdi), %rax
	jae	.Lchunk
	movq	%r8, %rdx
	shlq	$13, %rdx
	xorq	%rdx, %r8
	movq	%r8, %rdx
	shrq	$7, %rdx
	xorq	%rdx, %r8
	movq	%r8, %rdx
	shlq	$17, %rdx
	xorq	%rdx, %r8
	movq	%r8, 48(%rdi)
	movq	%r8, %rax		/* page = random x pages / 2^32 */
	shrq	$32, %rax
	imulq	16(%rdi), %rax
	shrq	$32, %rax
	cmpq	24(%rdi), %rax
	jae	.Lmissed
	shlq	$12, %rax
	addq	8(%rdi), %rax
	movl	%r8d, %edx
	cmpq	32(%rdi), %rdx
	jae	.Lload
	lock incq (%rax)		/* the store first: a fault on it repeats nothing */
	incq	72(%rdi)
	jmp	.Ltouched
.Lload:
	movq	(%rax), %rdx
.Ltouched:
	incq	40(%rdi)
	jmp	.Lnext_touch
.Lmissed:
	incq	64(%rdi)
	incq	40(%rdi)
	jmp	.Lnext_touch
.Lbell:
	cmpq	$2, 80(%rdi)
	je	.Lcrash
	movq	$0, 80(%rdi)
	outb	%al, $0x10
	jmp	.Lchunk
.Lcrash:
	ud2
guest_code_end:
	.section .note.GNU-stack, "", @progbits
