/*
 * vectors.S - what the processor enters on exceptions.
 *
 * sscratch holds the top of the trap stack, or 0 while an exception is being
 * shown. The frame is struct trap_frame in trap.c; nothing returns.
 */

#define FRAME 288

    .section .text.vectors, "ax", @progbits
    .globl  trap_vector
    .balign 4
trap_vector:
    csrrw   sp, sscratch, sp
    beqz    sp, again
    addi    sp, sp, -FRAME
    sd      x1, 8(sp)
    .irp    n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25
    sd      x\n, 8*\n(sp)
    .endr
    .irp    n, 26,27,28,29,30,31
    sd      x\n, 8*\n(sp)
    .endr
    csrrw   t0, sscratch, zero
    sd      t0, 16(sp)
    csrr    t0, sepc
    sd      t0, 256(sp)
    csrr    t0, scause
    sd      t0, 264(sp)
    csrr    t0, stval
    sd      t0, 272(sp)
    csrr    t0, sstatus
    sd      t0, 280(sp)
    mv      a0, sp
    li      s0, 0
    call    trap_entered
1:  wfi
    j       1b

    /* An exception while one is shown: no more words. */
again:
    lla     sp, __fault_stack_top
    call    trap_again
1:  wfi
    j       1b

    /* bool cpu_seed_word(uint64_t *out): reading seed traps where it is not
     * ours to read, so the vector is another one meanwhile. */
    .text
    .globl  cpu_seed_word
    .balign 4
cpu_seed_word:
    lla     t0, 1f
    csrrw   t0, stvec, t0
    csrrw   t1, 0x15, zero
    csrw    stvec, t0
    sd      t1, (a0)
    li      a0, 1
    ret
    .balign 4
1:  csrw    stvec, t0
    li      a0, 0
    ret

    .section .note.GNU-stack, "", @progbits
