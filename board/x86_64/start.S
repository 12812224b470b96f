/*
 * start.S - from the PVH entry to C.
 *
 * Xen's docs/misc/pvh: 32-bit protected mode, flat segments, paging and
 * interrupts off, EBX = physical address of struct hvm_start_info. No stack.
 * multiboot2.S comes here too, with its information marked by bit 0 of EBX.
 * Here: is there memory up to the end of the image, and nothing else in it?
 * Is there long mode, no-execute and what the compiler was told to use? Then
 * the first 16 MiB are mapped one to one by 2 MiB pages, only until memory.c
 * has built the real tables.
 */

#define EFER        0xc0000080
#define EFER_LME    (1 << 8)
#define EFER_NXE    (1 << 11)
#define CR0_PE      (1 << 0)
#define CR0_MP      (1 << 1)
#define CR0_EM      (1 << 2)
#define CR0_WP      (1 << 16)
#define CR0_PG      (1 << 31)
#define CR4_PAE     (1 << 5)
#define CR4_OSFXSR  (1 << 9)
#define CR4_OSXMM   (1 << 10)

/* struct hvm_start_info and its first module, low halves */
#define PVH_MAGIC       0x336ec578
#define PVH_NR_MODULES  12
#define PVH_MODLIST     16
#define MODULE_START    0
#define MODULE_SIZE     8

/* what the compiler was allowed to use: CPUID 1, ECX */
#ifdef __SSE3__
#define NEED_SSE3   (1 << 0)
#else
#define NEED_SSE3   0
#endif
#ifdef __SSSE3__
#define NEED_SSSE3  (1 << 9)
#else
#define NEED_SSSE3  0
#endif
#ifdef __SSE4_1__
#define NEED_SSE41  (1 << 19)
#else
#define NEED_SSE41  0
#endif
#ifdef __SSE4_2__
#define NEED_SSE42  (1 << 20)
#else
#define NEED_SSE42  0
#endif
#ifdef __POPCNT__
#define NEED_POPCNT (1 << 23)
#else
#define NEED_POPCNT 0
#endif
#ifdef __AES__
#define NEED_AES    (1 << 25)
#else
#define NEED_AES    0
#endif
#define NEED (NEED_SSE3 | NEED_SSSE3 | NEED_SSE41 | NEED_SSE42 | \
              NEED_POPCNT | NEED_AES)

    .section .note.pvh, "a", @note
    .balign 4
    .long   4, 8, 18                /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz  "Xen"
    .quad   at32_pvh_entry

    .section .text.entry, "ax", @progbits
    .code32
    .globl  pvh_entry
pvh_entry:
    cli
    cld
    rdtsc
    movl    %eax, %esi              /* the moment that time starts from */
    movl    %edx, %ebp
    movl    %ebx, %edi              /* boot information; cpuid takes ebx */

    /* nothing may be written before this: is there RAM up to the end? */
    movl    $at32_image_end - 4, %ecx
    movl    $0x5a17c0de, %eax
    movl    %eax, (%ecx)
    movl    (%ecx), %edx
    cmpl    %eax, %edx
    movl    $at32_no_memory, %ebx
    movl    $78, %ecx
    jne     refuse
    movl    $0, at32_image_end - 4

    /* An initrd over .bss would be taken for variables: look before C does.
     * Nothing else is checked here; loader.c does that.
     * (GRUB puts no module there.) */
    cmpl    $PVH_MAGIC, (%edi)
    jne     1f
    cmpl    $0, PVH_NR_MODULES(%edi)
    je      1f
    movl    PVH_MODLIST(%edi), %eax
    movl    MODULE_START(%eax), %edx
    movl    MODULE_SIZE(%eax), %eax
    testl   %eax, %eax
    jz      1f
    cmpl    $at32_image_end, %edx
    jae     1f
    addl    %edx, %eax
    jc      2f
    cmpl    $at32_image_start, %eax
    jbe     1f
2:  movl    $at32_overlap, %ebx
    jmp     refuse
1:
    movl    $0x80000000, %eax
    cpuid
    cmpl    $0x80000001, %eax
    jb      no_long
    movl    $0x80000001, %eax
    cpuid
    andl    $(1 << 29 | 1 << 20), %edx      /* long mode, no-execute */
    cmpl    $(1 << 29 | 1 << 20), %edx
    jne     no_long
    movl    $1, %eax
    cpuid
    andl    $NEED, %ecx
    cmpl    $NEED, %ecx
    jne     too_old

    /* first 16 MiB, one to one, 2 MiB pages, writable */
    movl    $at32_boot_pdpt + 3, at32_boot_pml4
    movl    $at32_boot_pd + 3, at32_boot_pdpt
    movl    $0x83, %eax
    movl    $at32_boot_pd, %ecx
1:  movl    %eax, (%ecx)
    addl    $0x200000, %eax
    addl    $8, %ecx
    cmpl    $0x1000083, %eax
    jne     1b

    movl    $CR4_PAE | CR4_OSFXSR | CR4_OSXMM, %eax
    movl    %eax, %cr4
    movl    $at32_boot_pml4, %eax
    movl    %eax, %cr3
    movl    $EFER, %ecx
    rdmsr
    orl     $EFER_LME | EFER_NXE, %eax
    wrmsr
    movl    $CR0_PG | CR0_WP | CR0_MP | CR0_PE, %eax
    movl    %eax, %cr0
    lgdt    at32_boot_gdt_ptr
    ljmpl   $8, $at32_start64

no_long:
    movl    $at32_no_long_text, %ebx
    jmp     1f
too_old:
    movl    $at32_too_old_text, %ebx
1:  movl    $78, %ecx
    /* ebx: text, cl: exit status. Serial port, debug exits, then the end. */
refuse:
    movl    $0x3fd, %edx
    movl    $100000, %eax
    movl    %eax, %ebp
1:  inb     %dx, %al
    testb   $0x20, %al
    jnz     2f
    decl    %ebp
    jnz     1b
2:  movb    (%ebx), %al
    incl    %ebx
    testb   %al, %al
    jz      3f
    movl    $0x3f8, %edx
    outb    %al, %dx
    jmp     refuse
3:  movb    %cl, %al
    outb    %al, $0xf4
    movl    $0x501, %edx
    outb    %al, %dx
    /* as power.c does: reset by keyboard controller, then by triple fault */
    movb    $0xfe, %al
    outb    %al, $0x64
    lidt    at32_no_idt
    int3
4:  hlt
    jmp     4b
    .globl  no_idt
no_idt:
    .word   0
    .long   0

/* For the person in front of the console, and then for the launcher. Here and
 * not with the other constants: an initrd that covers the image covers it from
 * its end downwards, and what says so should be the last to go. */
    .macro  report outcome, status, reason:vararg
    .ascii  "bootmail: ", \reason, "\r\n"
    .ascii  "{\"bootmail\":1,\"outcome\":\"\outcome\",\"exit\":\status"
    .ascii  ",\"reason\":\"", \reason, "\",\"message_id\":null"
    .ascii  ",\"host\":null,\"address\":null,\"tls\":null"
    .ascii  ",\"recipients\":[],\"bytes\":0,\"attempts\":0,\"ms\":{}}\r\n"
    .byte   0
    .endm

    .globl  no_memory
no_memory:
    report  invalid, 78, "memory too small for the image: ", \
            "give the machine more (QEMU: -m 8)"
    .globl  overlap
overlap:
    report  invalid, 78, "the initrd overlaps the image: ", \
            "give the machine more memory"
    .globl  no_long_text
no_long_text:
    report  invalid, 78, "this processor has no 64-bit mode or no-execute ", \
            "pages (QEMU: -cpu max)"
    .globl  too_old_text
too_old_text:
    report  invalid, 78, "this processor lacks instructions the image was ", \
            "built for (QEMU: -cpu max)"

    .code64
    .globl  start64
start64:
    movl    $16, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    leaq    __stack_top(%rip), %rsp
    movl    %edi, %edi              /* upper halves are undefined so far */
    movl    %esi, %esi
    shlq    $32, %rbp
    orq     %rbp, %rsi
    xorl    %ebp, %ebp              /* the backtrace ends here */
    call    board_start
1:  cli
    hlt
    jmp     1b

    .section .rodata.entry, "a", @progbits
    .balign 8
    .globl  boot_gdt
boot_gdt:
    .quad   0
    .quad   0x00af9b000000ffff
    .quad   0x00cf93000000ffff
    .globl  boot_gdt_ptr
boot_gdt_ptr:
    .word   23
    .long   at32_boot_gdt

    .section .bss.entry, "aw", @nobits
    .balign 4096
    .globl  boot_pml4
boot_pml4:
    .skip   4096
    .globl  boot_pdpt
boot_pdpt:
    .skip   4096
    .globl  boot_pd
boot_pd:
    .skip   4096

    .section .note.GNU-stack, "", @progbits
