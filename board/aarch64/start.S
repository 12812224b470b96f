/*
 * start.S - from the loader to C.
 *
 * Linux, Documentation/arch/arm64/booting.rst: x0 is the physical address of
 * the device tree; MMU off; interrupts masked; EL2 or EL1; the image lies 2
 * MiB aligned anywhere (a page will do, see leave()). No stack. Here: down to EL1, the image's own 2 MiB
 * blocks mapped one to one until memory.c has built the real tables, caches
 * on, pointers adjusted, first C.
 *
 * What is written while the MMU is off goes past the caches, so a stale line
 * over it would hide it later: the three tables are invalidated, and nothing
 * else is written.
 */

#define SCTLR_OFF   0x30d00800          /* what is one in Armv8.0; MMU off */
#define SCTLR_M     (1 << 0)
#define SCTLR_C     (1 << 2)
#define SCTLR_SA    (1 << 3)
#define SCTLR_I     (1 << 12)

#define HCR_RW      (1 << 31)           /* EL1 is 64-bit          */
#define HCR_APK     (1 << 40)           /* pointer authentication */
#define HCR_API     (1 << 41)           /* is not trapped         */
#define SPSR_EL1H   0x3c5               /* all masked             */

/* Attribute 0: device (nGnRE); 1: normal, write-back, as paging in memory.c
 * has them. */
#define MAIR        0xff04
/* 39 bits from TTBR0 alone, 4 KiB, walks cached and inner shareable */
#define TCR         (25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23)
/* UXN, of this ASID only, accessed, inner shareable, attribute 1, block */
#define BLOCK       (1 << 54 | 1 << 11 | 1 << 10 | 3 << 8 | 1 << 2 | 1)
#define TABLE       3

    .section .text.head, "ax", @progbits
    .globl  image_head
image_head:
    b       entry
    .long   0
    .quad   0                           /* offset from a 2 MiB boundary   */
    .quad   __image_size
    .quad   0xa                         /* little-endian, 4 KiB, anywhere */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0                           /* no PE header                   */

entry:
    msr     daifset, #15
    mov     x20, x0
    mrs     x22, CurrentEL
    cmp     x22, #2 << 2
    b.ne    at_el1

    /* From EL2: nothing traps there, nothing of it is left over. */
    ldr     x0, =HCR_RW | HCR_APK | HCR_API
    msr     hcr_el2, x0
    isb
    mov     x0, #3                      /* counter and timer are EL1's */
    msr     cnthctl_el2, x0
    msr     cntvoff_el2, xzr
    mov     x0, #0x33ff                 /* FP is not trapped */
    msr     cptr_el2, x0
    msr     hstr_el2, xzr
    msr     vttbr_el2, xzr
    mrs     x0, midr_el1
    msr     vpidr_el2, x0
    mrs     x0, mpidr_el1
    msr     vmpidr_el2, x0
    mrs     x0, id_aa64mmfr0_el1        /* fine-grained traps: none */
    ubfx    x0, x0, #56, #4
    cbz     x0, 1f
    msr     s3_4_c1_c1_4, xzr           /* HFGRTR_EL2 */
    msr     s3_4_c1_c1_5, xzr           /* HFGWTR_EL2 */
    msr     s3_4_c1_c1_6, xzr           /* HFGITR_EL2 */
1:  mrs     x0, id_aa64pfr0_el1         /* a GIC with system registers */
    ubfx    x0, x0, #24, #4
    cbz     x0, 2f
    mrs     x0, icc_sre_el2             /* SRE, Enable */
    orr     x0, x0, #1
    orr     x0, x0, #8
    msr     icc_sre_el2, x0
    isb
    mrs     x0, icc_sre_el2
    tbz     x0, #0, 2f
    msr     ich_hcr_el2, xzr
2:  mov     x0, #SPSR_EL1H
    msr     spsr_el2, x0
    adr     x0, at_el1
    msr     elr_el2, x0
    ldr     x0, =SCTLR_OFF
    msr     sctlr_el1, x0
    eret

at_el1:
    msr     spsel, #1
    mov     x19, x1                     /* the moment time starts from: */
    cbnz    x19, 1f                     /* loaders give 0, leave() does not */
    mrs     x19, cntvct_el0
1:  ldr     x0, =SCTLR_OFF
    msr     sctlr_el1, x0
    mov     x0, #3 << 20                /* FP and vector registers are on */
    msr     cpacr_el1, x0
    adrp    x0, trap_vectors
    add     x0, x0, :lo12:trap_vectors
    msr     vbar_el1, x0
    isb

    adrp    x21, image_head
    lsr     x0, x21, #30
    cmp     x0, #510                    /* beyond 39 bits of address */
    b.hi    stop

    /* level 1, and level 2 twice: the image may lie across 1 GiB */
    adrp    x1, boot_tables
    add     x2, x1, #3 * 4096
    mov     x3, x1
1:  stp     xzr, xzr, [x3], #16
    cmp     x3, x2
    b.lo    1b
    add     x3, x1, x0, lsl #3
    add     x4, x1, #4096
    add     x4, x4, #TABLE
    add     x5, x4, #4096
    stp     x4, x5, [x3]
    ubfx    x3, x21, #21, #9
    add     x3, x1, x3, lsl #3
    add     x3, x3, #4096
    ldr     x4, =BLOCK
    and     x5, x21, #~((2 << 20) - 1)
    adrp    x6, __image_end
2:  orr     x7, x5, x4
    str     x7, [x3], #8
    add     x5, x5, #2 << 20
    cmp     x5, x6
    b.lo    2b

    dmb     sy
    mrs     x3, ctr_el0                 /* bytes in a line of the cache */
    ubfx    x3, x3, #16, #4
    mov     x4, #4
    lsl     x4, x4, x3
    mov     x3, x1
3:  dc      ivac, x3
    add     x3, x3, x4
    cmp     x3, x2
    b.lo    3b

    ldr     x0, =MAIR
    msr     mair_el1, x0
    ldr     x0, =TCR
    mrs     x3, id_aa64mmfr0_el1        /* as many bits as there are, but */
    and     x3, x3, #15                 /* 40 do */
    cmp     x3, #2
    mov     x4, #2
    csel    x3, x3, x4, lo
    bfi     x0, x3, #32, #3
    msr     tcr_el1, x0
    msr     ttbr0_el1, x1
    dsb     sy
    tlbi    vmalle1
    dsb     sy
    isb
    ldr     x0, =SCTLR_OFF | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I
    msr     sctlr_el1, x0
    isb

    /* SP_EL1 is the exceptions', SP_EL0 the program's */
    adrp    x0, __trap_stack_top
    add     x0, x0, :lo12:__trap_stack_top
    mov     sp, x0
    msr     spsel, #0
    adrp    x0, __stack_top
    add     x0, x0, :lo12:__stack_top
    mov     sp, x0

    adrp    x0, __bss_start
    add     x0, x0, :lo12:__bss_start
    adrp    x1, __bss_end
    add     x1, x1, :lo12:__bss_end
4:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    4b

    mov     x29, xzr                    /* the backtrace ends here */
    mov     x30, xzr
    mov     x0, x21
    adrp    x1, __relr_start
    add     x1, x1, :lo12:__relr_start
    adrp    x2, __relr_end
    add     x2, x2, :lo12:__relr_end
    bl      relocate
    mov     x0, x20
    mov     x1, x19
    lsr     x2, x22, #2
    bl      board_start
stop:
    msr     daifset, #15
    wfi
    b       stop

/* _Noreturn void leave(uint64_t tree, uint64_t count, void *to, void *end):
 * to a copy of the image, as a loader would, but that x1 is when time began.
 * What was written must be in memory before the caches are off. */
    .globl  leave
leave:
    mrs     x4, ctr_el0
    ubfx    x4, x4, #16, #4
    mov     x5, #4
    lsl     x5, x5, x4
    mov     x4, x2
1:  dc      civac, x4
    add     x4, x4, x5
    cmp     x4, x3
    b.lo    1b
    dsb     sy
    ic      iallu
    dsb     sy
    ldr     x4, =SCTLR_OFF
    msr     sctlr_el1, x4
    isb
    br      x2

    .section .boottables, "aw", @nobits
    .balign 4096
boot_tables:
    .skip   3 * 4096

    .section .note.GNU-stack, "", @progbits
