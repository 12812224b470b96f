/*
 * vectors.S - where the processor goes on an exception.
 *
 * Arm ARM, D1.3.1: 16 entries of 128 bytes, four each from this level on
 * SP_EL0 (the program), from this level on SP_EL1 (the dump itself), and from
 * below (there is nothing). The first come to one shape on SP_EL1's stack
 * (struct trap_frame in trap.c); the second get a third stack and end the
 * image at once.
 */
#define FRAME 288

    .section .text.vectors, "ax", @progbits
    .balign 2048
    .globl  trap_vectors
trap_vectors:
    .set    n, 0
    .rept   16
    .balign 128
    .if     n / 4 == 1
    adrp    x0, __fault_stack_top
    add     x0, x0, :lo12:__fault_stack_top
    mov     sp, x0
    b       trap_again
    .else
    sub     sp, sp, #FRAME
    stp     x0, x1, [sp]
    mov     x1, #n
    b       trap_common
    .endif
    .set    n, n + 1
    .endr

    .balign 128
trap_common:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x2, sp_el0
    stp     x30, x2, [sp, #240]
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    stp     x2, x3, [sp, #256]
    mrs     x2, esr_el1
    mrs     x3, far_el1
    stp     x2, x3, [sp, #272]
    mov     x0, sp
    mov     x29, xzr
    mov     x30, xzr
    bl      trap_entered
1:  wfi
    b       1b

    .section .note.GNU-stack, "", @progbits
