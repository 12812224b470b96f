/*
 * start.S - from the first instruction to C, by M-mode or by S-mode.
 *
 * Linux, Documentation/riscv/boot-image-header and boot: a0 = hart, a1 =
 * device tree, paging off. Firmware (OpenSBI) enters us in S-mode; QEMU with
 * -bios none lets every hart begin here in M-mode. Which it is tells the
 * first instruction that only M-mode has. From M-mode we go down to S-mode
 * ourselves, so that one way remains: page tables do not bind M-mode. What is
 * left behind there is a handler for the timer, if there is no Sstc.
 *
 * (Privileged specification 1.12: 3.1 machine registers, 3.7 PMP.)
 */

#define MSTATUS_MPP_S   0x800
#define MSTATUS_MPP     0x1800
#define MSTATUS_FS_INIT 0x2000
#define SSTATUS_FS_INIT 0x2000
#define MIP_STIP        0x20
#define MIP_S           0x222           /* SSIP, STIP, SEIP */
#define MIE_MTIE        0x80
#define ECALL_FROM_S    9
#define ECALL_FROM_M    11

/* by number: the assembler is older than they are */
#define CSR_SEED_CONTROL 0x747          /* mseccfg    */
#define CSR_MENVCFG      0x30a
#define CSR_MSTATEEN0    0x30c
#define MENVCFG_STCE     63
#define MSECCFG_SSEED    0x200

#define SBI_TIME        0x54494d45
#define SLIDE           0x0a000000      /* ours alone: see leave()        */

    .section .text.head, "ax", @progbits
    .globl  image_head
image_head:
    j       entry
    .balign 8
    .quad   0x200000                    /* wanted offset from RAM's start */
    .quad   __image_size
    .quad   0                           /* little-endian                  */
    .word   2                           /* version 0.2                    */
    .word   0
    .quad   0
    .quad   0x5643534952                /* "RISCV"                        */
    .ascii  "RSC\5"
    .word   0

    .balign 4
entry:
    csrw    sie, zero
    csrw    satp, zero
    rdtime  s3
    lla     t0, entry_s
    csrw    stvec, t0
    li      s6, 0                       /* there is no older image        */
    csrw    mie, zero                   /* S-mode: to entry_s, s2 = 0     */
    li      s2, 1

    /* One hart is enough: the first that gets here. */
    lla     t0, lottery
    li      t1, 1
    amoswap.w t1, t1, (t0)
    beqz    t1, 2f
1:  wfi
    j       1b

2:  lla     t0, skip
    csrw    mtvec, t0
    li      t0, -1                      /* all memory to S-mode           */
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    li      t0, MENVCFG_STCE            /* Sstc: stimecmp is S-mode's     */
    li      t1, 1
    sll     t1, t1, t0
    csrs    CSR_MENVCFG, t1
    li      t0, MSECCFG_SSEED           /* Zkr: so is seed                */
    csrs    CSR_SEED_CONTROL, t0
    li      t0, -1
    csrw    CSR_MSTATEEN0, t0
    csrw    mcounteren, t0
    csrw    mideleg, t0
    li      t0, ~(1 << ECALL_FROM_S | 1 << ECALL_FROM_M)
    csrw    medeleg, t0
    lla     t0, machine_trap
    csrw    mtvec, t0
    lla     t0, machine_save
    csrw    mscratch, t0
    li      t0, MSTATUS_MPP
    csrc    mstatus, t0
    li      t0, MSTATUS_MPP_S
    csrs    mstatus, t0
    lla     t0, supervisor
    csrw    mepc, t0
    mret

    /* A register this machine does not have. */
    .balign 4
skip:
    csrr    t2, mepc
    addi    t2, t2, 4
    csrw    mepc, t2
    li      t2, MSTATUS_MPP             /* back to M-mode                 */
    csrs    mstatus, t2
    mret

    .balign 4
entry_s:
    li      s2, 0
supervisor:
    lla     t0, too_small
    csrw    stvec, t0
    li      t0, SSTATUS_FS_INIT
    csrs    sstatus, t0
    fscsr   zero
    lla     t0, __bss_start             /* up to the image's end: zeros   */
    lla     t1, __image_end
    mv      s4, a0
    mv      s5, a1
    /* a tree in there would not survive that */
    bltu    a1, t0, 1f
    bltu    a1, t1, too_small
1:  sd      zero, (t0)
    addi    t0, t0, 8
    bltu    t0, t1, 1b
    lla     sp, __stack_top
    li      s0, 0                       /* the backtrace ends here        */
    lla     a0, image_head
    lla     a1, __relr_start
    lla     a2, __relr_end
    call    relocate
    mv      a0, s4
    mv      a1, s5
    mv      a2, s3
    mv      a3, s2
    mv      a4, s6
    call    board_start
1:  wfi
    j       1b

    /* _Noreturn void leave(hart, tree, time_at_entry, machine_mode, to): into
     * a copy of this image, which goes the same way from here on. What stays
     * behind in M-mode has to follow. */
    .globl  leave
leave:
    mv      s2, a3
    mv      s3, a2
    lla     s6, image_head
    sub     s7, a4, s6
    mv      s4, a0
    mv      s5, a1
    csrw    satp, zero
    sfence.vma
    fence.i
    beqz    s2, 1f
    lla     a0, machine_trap
    add     a0, a0, s7
    lla     a1, machine_save
    add     a1, a1, s7
    li      a7, SLIDE
    ecall
1:  lla     t0, supervisor
    add     t0, t0, s7
    mv      a0, s4
    mv      a1, s5
    jr      t0

    /* Memory ends inside the image, or the tree lies there. Firmware, if
     * there is any, has a console (SBI, legacy extension 1) and an off
     * switch (8). */
    .balign 4
too_small:
    bnez    s2, 3f
    lla     s1, too_small_text
1:  lbu     a0, (s1)
    beqz    a0, 2f
    li      a7, 1
    ecall
    addi    s1, s1, 1
    j       1b
2:  li      a7, 8
    ecall
3:  wfi
    j       3b

/*
 * M-mode, behind our back: a timer for machines without Sstc, asked for as
 * firmware would be (SBI 1.0, chapter 6). Anything else is a bug of ours and
 * goes to the S-mode handler, which shows it.
 */
    .balign 4
machine_trap:
    csrrw   t0, mscratch, t0            /* t0: machine_save               */
    sd      t1, 0(t0)
    sd      t2, 8(t0)
    csrr    t1, mcause
    bltz    t1, 2f
    li      t2, ECALL_FROM_S
    bne     t1, t2, 3f
    li      t2, SLIDE
    beq     a7, t2, 5f
    li      t2, SBI_TIME
    bne     a7, t2, 3f
    ld      t1, machine_mtimecmp
    beqz    t1, 1f
    li      t2, -1
    sd      t2, (t1)                    /* never a match in between       */
    sd      a0, (t1)
1:  li      t1, MIP_STIP
    csrc    mip, t1
    li      t1, MIE_MTIE
    csrs    mie, t1
    csrr    t1, mepc
    addi    t1, t1, 4
    csrw    mepc, t1
    li      a0, 0
    j       4f
2:  li      t1, MIE_MTIE                /* it is time: S-mode sees it     */
    csrc    mie, t1
    li      t1, MIP_STIP
    csrs    mip, t1
    j       4f
3:  csrw    scause, t1
    csrr    t1, mepc
    csrw    sepc, t1
    csrr    t1, mtval
    csrw    stval, t1
    csrr    t1, stvec
    csrw    mepc, t1
    li      t1, MSTATUS_MPP
    csrc    mstatus, t1
    li      t1, MSTATUS_MPP_S
    csrs    mstatus, t1
4:  ld      t1, 0(t0)
    ld      t2, 8(t0)
    csrrw   t0, mscratch, t0
    mret
5:  csrr    t1, mepc                    /* the copy's handler from now on */
    addi    t1, t1, 4
    csrw    mepc, t1
    ld      t1, 0(t0)
    ld      t2, 8(t0)
    csrrw   t0, mscratch, t0
    csrw    mtvec, a0
    csrw    mscratch, a1
    mret

    .section .rodata.head, "a", @progbits
too_small_text:
    .ascii  "bootmail: memory too small for the image: give the machine "
    .ascii  "more (QEMU: -m 16)\n"
    .ascii  "{\"bootmail\":1,\"outcome\":\"invalid\",\"exit\":78"
    .ascii  ",\"reason\":\"memory too small for the image: give the machine "
    .ascii  "more (QEMU: -m 16)\",\"message_id\":null"
    .ascii  ",\"host\":null,\"address\":null,\"tls\":null"
    .ascii  ",\"recipients\":[],\"bytes\":0,\"attempts\":0,\"ms\":{}}\n"
    .byte   0

    .section .data.head, "aw", @progbits
    .balign 8
    .globl  machine_mtimecmp
machine_mtimecmp:                       /* 0: clock.c has not said yet    */
    .quad   0
machine_save:
    .skip   16
lottery:
    .word   0

    .section .note.GNU-stack, "", @progbits
