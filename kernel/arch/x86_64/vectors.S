/*
 * vectors.S - what the processor enters on exceptions and interrupts.
 *
 * Each exception stub brings the stack to one shape (struct trap_frame in
 * trap.c) and never returns. Interrupt stubs touch one register.
 */

    .section .text.vectors, "ax", @progbits
    .code64

    /* Exceptions 0-31, 16 bytes apart. Those in the mask push an error code
     * of their own: 8, 10-14, 17, 21, 29, 30. */
    .set    with_code, 0x60227d00
    .globl  trap_stubs
    .balign 16
trap_stubs:
    .set    n, 0
    .rept   32
    .balign 16
    .if     ((with_code >> n) & 1) == 0
    pushq   $0
    .endif
    pushq   $n
    jmp     trap_common
    .set    n, n + 1
    .endr

    .balign 16
trap_common:
    cld
    pushq   %r15
    pushq   %r14
    pushq   %r13
    pushq   %r12
    pushq   %r11
    pushq   %r10
    pushq   %r9
    pushq   %r8
    pushq   %rbp
    pushq   %rdi
    pushq   %rsi
    pushq   %rdx
    pushq   %rcx
    pushq   %rbx
    pushq   %rax
    movq    %rsp, %rdi
    xorl    %ebp, %ebp
    andq    $-16, %rsp
    call    trap_entered
1:  hlt
    jmp     1b

    .globl  irq_device_stub
    .balign 16
irq_device_stub:
    movb    $1, irq_pending(%rip)
    /* falls through */
    .globl  irq_timer_stub
irq_timer_stub:
    pushq   %rax
    movq    irq_eoi(%rip), %rax
    testq   %rax, %rax
    jz      1f
    movl    $0, (%rax)
    popq    %rax
    iretq
1:  pushq   %rcx
    pushq   %rdx
    movl    $0x80b, %ecx            /* IA32_X2APIC_EOI */
    xorl    %eax, %eax
    xorl    %edx, %edx
    wrmsr
    popq    %rdx
    popq    %rcx
    popq    %rax
    /* falls through */
    .globl  irq_spurious_stub
irq_spurious_stub:
    iretq

    .section .note.GNU-stack, "", @progbits
