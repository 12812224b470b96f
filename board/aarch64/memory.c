/*
 * memory.c - the page tables of this image (Arm ARM, D8: VMSAv8-64).
 *
 * 4 KiB pages, 39 bits of address, EL1 only. WXN makes sure once more that
 * nothing writable can be executed; UXN is everywhere, for there is no EL0.
 * kernel/paging.c builds the tables; start.S has set MAIR and TCR as the
 * attributes here ask.
 */
#include "machine.h"

#include "arch/aarch64/cpu.h"
#include "boot.h"
#include "heap.h"
#include "paging.h"
#include "ram.h"

/* descriptors, D8.3 */
#define D_LEAF_BIG 0ull
#define D_PAGE     (1ull << 1) /* of 4 KiB; at upper levels: a table */
#define D_DEVICE   (0ull << 2) /* index into MAIR_EL1                */
#define D_NORMAL   (1ull << 2)
#define D_RO       (1ull << 7)
#define D_SHARED   (3ull << 8) /* inner shareable */
#define D_ACCESSED (1ull << 10)
#define D_GUARDED  (1ull << 50) /* BTI: indirect branches need a target */
#define D_PXN      (1ull << 53)
#define D_UXN      (1ull << 54)
#define D_ADDRESS  0x0000fffffffff000ull
#define D_ALL      (D_SHARED | D_ACCESSED | D_UXN)

/* start.S's entries are of address space 0 and of no other: they are larger
 * than these, and the TLB must never see both (D8.13.1, break-before-make) */
#define TTBR_ASID  (1ull << 48)
#define SCTLR_WXN  (1ull << 19)
#define ADDRESS_39 (1ull << 39)

extern char __image_start[], __image_end[];
extern char __text_start[], __text_end[], __rodata_end[];
extern char __window[], __guard_heap_low[];
extern char __heap_start[], __heap_end[];
extern char __guard_fault[], __guard_trap[], __guard_stack[];

/* picolibc's heap; link.ld puts it between two guard pages */
static uint8_t heap_area[HEAP_LIMIT]
    __attribute__((section(".sbss.heap"), used, aligned(4096)));

static struct paging vmsa = {
    .levels = 3,
    .shift = 0,
    .address = D_ADDRESS,
    .table = D_PAGE,
    .is_table = D_PAGE,
    .page = D_PAGE,
    .big = D_LEAF_BIG,
    .kind = {
        [MEM_TEXT] = D_ALL | D_NORMAL | D_RO,
        [MEM_RO] = D_ALL | D_NORMAL | D_RO | D_PXN,
        [MEM_RW] = D_ALL | D_NORMAL | D_PXN,
        [MEM_DEV] = D_ALL | D_DEVICE | D_PXN,
    },
    .is_kind = D_NORMAL | D_RO | D_PXN,
    .flush = cpu_tlb_flush,
};

static void map(const char *start, const char *end, enum mem_kind kind)
{
    if (!paging_map(start, end, kind))
        boot_fail(STATUS_BUG, "too few page tables for the image");
}

/* D17.2.64: the physical addresses of this processor */
static uint64_t address_limit(void)
{
    static const uint8_t bits[8] = { 32, 36, 40, 42, 44, 48, 52, 56 };
    unsigned n = bits[cpu_field(cpu_read(id_aa64mmfr0_el1), 0) & 7];

    return n < 39 ? 1ull << n : ADDRESS_39;
}

static void protect(void)
{
    cpu_write(sctlr_el1, cpu_read(sctlr_el1) | SCTLR_WXN);
    cpu_isb();
    if (cpu_field(cpu_read(id_aa64mmfr1_el1), 20) != 0)
        __asm__ volatile("msr s0_0_c4_c1_4, xzr" : : : "memory"); /* PAN */
}

void memory_init(void)
{
    const uint64_t limit = address_limit();

    if (cpu_field(cpu_read(id_aa64pfr1_el1), 0) != 0)
        vmsa.kind[MEM_TEXT] |= D_GUARDED;
    paging_init(&vmsa, limit, __image_start, __image_end);
    ram_init(limit);
    map(__text_start, __text_end, MEM_TEXT);
    map(__text_end, __rodata_end, MEM_RO);
    map(__rodata_end, __window, MEM_RW);
    map(__heap_start, __heap_end, MEM_RW);
    map(__guard_fault + RAM_PAGE, __guard_trap, MEM_RW);
    map(__guard_trap + RAM_PAGE, __guard_stack, MEM_RW);
    map(__guard_stack + RAM_PAGE, __image_end, MEM_RW);
    if (!paging_window(__window))
        boot_fail(STATUS_BUG, "no page to look through");
    cpu_dsb();
    cpu_write(ttbr0_el1, paging_root() | TTBR_ASID);
    cpu_isb();
    __asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tisb" : : : "memory");
    protect();
}
