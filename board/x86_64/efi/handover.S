/*
 * handover.S - from the firmware's 64-bit mode to the image's 32-bit entry.
 *
 * Copied to a page below 4 GiB and called there, once boot services are gone,
 * with RCX = struct handover (program.h), also below 4 GiB. UEFI 2.10, 2.3.4:
 * long mode, paging on, memory mapped one to one; the stack and the tables may
 * lie where the image belongs, so nothing of them is used once paging is off.
 * There what boot services kept is overwritten, since a file with a secret may
 * be in their caches; the parts are copied and their ends zeroed, as ELF asks;
 * then EBX = start information, and no way back.
 */
#define ENTRY      0
#define INFO       4
#define COUNT      8
#define PARTS      12
#define WIPE_COUNT 140
#define GDT_LIMIT  168
#define WIPES      180

#define PART_TO    0
#define PART_FROM  4
#define PART_LEN   8
#define PART_ZERO  12
#define PART_SIZE  16

#define EFER         0xc0000080
#define EFER_LME     (1 << 8)
#define CR0_PG       (1 << 31)
#define CR4_PAE      (1 << 5)
#define CR4_LA57     (1 << 12)

    .section .rdata, "dr"
    .globl  handover_code, handover_end
    .code64
handover_code:
    cli
    cld
    movl    %ecx, %ebx
    /* whatever else is on (PCIDs, CET) must go before paging does */
    movq    %cr4, %rax
    andq    $(CR4_PAE | CR4_LA57), %rax
    movq    %rax, %cr4
    lgdt    GDT_LIMIT(%rbx)
    leaq    compat(%rip), %rax
    pushq   $8
    pushq   %rax
    lretq

    .code32
compat:
    movl    $16, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %fs
    movl    %eax, %gs
    movl    %eax, %ss
    movl    %cr0, %eax
    andl    $~CR0_PG, %eax
    movl    %eax, %cr0
    movl    $EFER, %ecx
    rdmsr
    andl    $~EFER_LME, %eax
    wrmsr
    xorl    %eax, %eax
    movl    %eax, %cr4

    leal    WIPES(%ebx), %ebp
    movl    WIPE_COUNT(%ebx), %edx
    jmp     2f
1:  movl    (%ebp), %edi
    movl    4(%ebp), %ecx
    rep stosb                       /* EAX is 0 */
    addl    $8, %ebp
    decl    %edx
2:  testl   %edx, %edx
    jnz     1b

    leal    PARTS(%ebx), %ebp
    movl    COUNT(%ebx), %edx
1:  movl    PART_TO(%ebp), %edi
    movl    PART_FROM(%ebp), %esi
    movl    PART_LEN(%ebp), %ecx
    rep movsb
    movl    PART_ZERO(%ebp), %ecx
    xorl    %eax, %eax
    rep stosb
    addl    $PART_SIZE, %ebp
    decl    %edx
    jnz     1b

    movl    ENTRY(%ebx), %eax
    movl    INFO(%ebx), %ebx
    jmp     *%eax
handover_end:
