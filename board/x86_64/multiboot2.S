/*
 * multiboot2.S - what makes GRUB take the image, and where it starts it.
 *
 * Multiboot2 Specification 2.0, 3.1: a header in the first 32 KiB of the
 * file, aligned to 8; this section is at the file's front. The loader goes by
 * the ELF headers for the rest: segments to their physical addresses, then
 * e_entry in the state of 3.3: 32-bit protected mode, flat segments, paging
 * and interrupts off, EAX = magic, EBX = physical address of the information.
 * That is how PVH starts us too, so the way is the same from here; bit 0 of
 * the address, which is aligned to 8, tells the two apart (loader.h).
 */

#define HEADER_MAGIC 0xe85250d6
#define LOADER_MAGIC 0x36d76289
#define I386         0

#define TAG_END     0
#define TAG_REQUEST 1
#define TAG_ALIGN   6

#define INFO_CMDLINE 1
#define INFO_MODULE  3
#define INFO_MMAP    6

    .section .text.entry, "ax", @progbits
    .balign 8
header:
    .long   HEADER_MAGIC, I386, header_end - header
    .long   -(HEADER_MAGIC + I386 + (header_end - header))
request:
    .short  TAG_REQUEST, 0          /* a loader without these refuses us */
    .long   request_end - request
    .long   INFO_CMDLINE, INFO_MODULE, INFO_MMAP
request_end:
    .balign 8
    .short  TAG_ALIGN, 0            /* modules begin at a page */
    .long   8
    .short  TAG_END, 0
    .long   8
header_end:

    .code32
    .globl  multiboot2_entry
multiboot2_entry:
    cmpl    $LOADER_MAGIC, %eax
    je      1f
    xorl    %ebx, %ebx              /* somebody else: multiboot2.c says so */
1:  orl     $1, %ebx                /* LOADER_MULTIBOOT2 */
    jmp     pvh_entry

    .section .note.GNU-stack, "", @progbits
