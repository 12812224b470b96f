/*
 * memory.c - the page tables of this image (privileged specification 1.12,
 * 4.4: Sv39).
 *
 * Three levels, 4 KiB pages, S-mode only: no page is U-mode's, so that SUM
 * means nothing; MXR stays off. A and D are set from the start, for processors
 * that fault to have them set. Whether a page is cached is the machine's
 * business (PMA): device memory differs in no bit here.
 */
#include "machine.h"

#include "arch/riscv64/cpu.h"
#include "boot.h"
#include "heap.h"
#include "paging.h"
#include "ram.h"

#define P_VALID    (1ull << 0)
#define P_READ     (1ull << 1)
#define P_WRITE    (1ull << 2)
#define P_EXEC     (1ull << 3)
#define P_ACCESSED (1ull << 6)
#define P_DIRTY    (1ull << 7)
#define P_DEVICE   (1ull << 8) /* for software: we keep the kinds apart */
#define P_ADDRESS  0x003ffffffffffc00ull

#define SATP_SV39    (8ull << 60)
#define SSTATUS_SUM  (1ull << 18)
#define SSTATUS_MXR  (1ull << 19)
#define ADDRESS_HALF (1ull << 38) /* from here on they are negative */

extern char __image_start[], __image_end[];
extern char __text_start[], __text_end[], __rodata_end[];
extern char __window[], __guard_heap_low[];
extern char __heap_start[], __heap_end[];
extern char __guard_fault[], __guard_trap[], __guard_stack[];

/* picolibc's heap; link.ld puts it between two guard pages */
static uint8_t heap_area[HEAP_LIMIT]
    __attribute__((section(".sbss.heap"), used, aligned(4096)));

/* Entries that were invalid may be remembered as such. */
static void flush(const void *page)
{
    __asm__ volatile("sfence.vma %0" : : "r"(page) : "memory");
}

static const struct paging sv39 = {
    .levels = 3,
    .shift = 2,
    .address = P_ADDRESS,
    .table = P_VALID,
    .is_table = P_VALID | P_READ | P_WRITE | P_EXEC,
    .kind = {
        [MEM_TEXT] = P_READ | P_EXEC | P_ACCESSED,
        [MEM_RO] = P_READ | P_ACCESSED,
        [MEM_RW] = P_READ | P_WRITE | P_ACCESSED | P_DIRTY,
        [MEM_DEV] = P_READ | P_WRITE | P_ACCESSED | P_DIRTY | P_DEVICE,
    },
    .is_kind = P_READ | P_WRITE | P_EXEC | P_DEVICE,
    .flush = flush,
};

static void map(const char *start, const char *end, enum mem_kind kind)
{
    if (!paging_map(start, end, kind))
        boot_fail(STATUS_BUG, "too few page tables for the image");
}

void memory_init(void)
{
    paging_init(&sv39, ADDRESS_HALF, __image_start, __image_end);
    ram_init(ADDRESS_HALF);
    map(__text_start, __text_end, MEM_TEXT);
    map(__text_end, __rodata_end, MEM_RO);
    map(__rodata_end, __window, MEM_RW);
    map(__heap_start, __heap_end, MEM_RW);
    map(__guard_fault + RAM_PAGE, __guard_trap, MEM_RW);
    map(__guard_trap + RAM_PAGE, __guard_stack, MEM_RW);
    map(__guard_stack + RAM_PAGE, __image_end, MEM_RW);
    if (!paging_window(__window))
        boot_fail(STATUS_BUG, "no page to look through");
    __asm__ volatile("csrc sstatus, %0"
                     :
                     : "r"(SSTATUS_SUM | SSTATUS_MXR)
                     : "memory");
    cpu_write("satp", SATP_SV39 | paging_root() >> 12);
    __asm__ volatile("sfence.vma" : : : "memory");
}
