/*
 * move.S - from the image to its copy (kernel/slide.h).
 *
 * void move(uint64_t boot_information, uint64_t tsc, uintptr_t to, by):
 * the boot tables of start.S come back, writable and executable, because no
 * others can hold both; the copy builds its own. Interrupts are off. What the
 * copy's board_start() gets is what ours got.
 */
    .section .text.move, "ax", @progbits
    .code64
    .globl  move
move:
    leaq    boot_pml4(%rip), %rax
    movq    %rax, %cr3
    pushq   %rdi
    pushq   %rsi
    pushq   %rcx
    movq    %rdx, %rdi
    movq    %rcx, %rsi              /* linked to where it lies: the way is */
    movq    %rcx, %rdx              /* the distance and the adjustment     */
    call    slide_copy
    popq    %rcx
    popq    %rsi
    popq    %rdi
    leaq    __stack_top(%rip), %rsp
    addq    %rcx, %rsp
    leaq    board_start(%rip), %rax
    addq    %rcx, %rax
    xorl    %ebp, %ebp              /* the backtrace ends here */
    call    *%rax
1:  cli
    hlt
    jmp     1b

    .section .note.GNU-stack, "", @progbits
