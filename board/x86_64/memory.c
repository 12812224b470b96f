/*
 * memory.c - the page tables' encoding, and what of the image is mapped how.
 *
 * Four levels, one to one (SDM volume 3, 4.5; kernel/paging.c builds them).
 * Mapped is what is used and nothing else: the image by its sections (W^X),
 * the initrd, device registers as they are found, RAM when board_pages() gets
 * there. Page 0, the low 1 MiB and the guard pages stay unmapped.
 */
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "heap.h"

#define PAGE 4096

#define P_PRESENT  (1ull << 0)
#define P_WRITE    (1ull << 1)
#define P_WT       (1ull << 3)
#define P_CD       (1ull << 4)
#define P_ACCESSED (1ull << 5)
#define P_DIRTY    (1ull << 6)
#define P_BIG      (1ull << 7)
#define P_NX       (1ull << 63)
#define P_ADDR     0x000ffffffffff000ull

#define CR4_UMIP (1ull << 11)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)

extern char __image_start[], __image_end[];
extern char __text_start[], __text_end[], __rodata_end[];
extern char __window[];
extern char __heap_start[], __heap_end[];
extern char __guard_fault[], __guard_trap[], __guard_stack[];

/* picolibc's heap; link.ld puts it between two guard pages */
static uint8_t heap_area[HEAP_LIMIT]
    __attribute__((section(".sbss.heap"), used, aligned(4096)));

static void flush(const void *page)
{
    __asm__ volatile("invlpg (%0)" : : "r"(page) : "memory");
}

static const struct paging four_levels = {
    .levels = 4,
    .address = P_ADDR,
    .table = P_PRESENT | P_WRITE,
    .is_table = P_PRESENT | P_BIG,
    .big = P_BIG,
    .kind = {
        [MEM_TEXT] = P_PRESENT | P_ACCESSED,
        [MEM_RO] = P_PRESENT | P_ACCESSED | P_NX,
        [MEM_RW] = P_PRESENT | P_ACCESSED | P_NX | P_WRITE | P_DIRTY,
        [MEM_DEV] = P_PRESENT | P_ACCESSED | P_NX | P_WRITE | P_DIRTY | P_CD |
                    P_WT,
    },
    .is_kind = P_PRESENT | P_WRITE | P_WT | P_CD | P_NX,
    .flush = flush,
};

/* The processor's word, but never past what one-to-one addresses can name:
 * the lower half of the 48-bit space. */
static uint64_t address_limit(void)
{
    uint32_t bits = 36;

    if (cpu_id(0x80000000, 0).a >= 0x80000008)
        bits = cpu_id(0x80000008, 0).a & 0xff;
    if (bits < 32)
        bits = 32;
    return 1ull << (bits < 47 ? bits : 47);
}

static void map_image(const char *start, const char *end, enum mem_kind kind)
{
    if (!paging_map(start, end, kind))
        boot_fail(STATUS_BUG, "too few page tables for the image");
}

static void protect(void)
{
    struct cpuid seven = cpu_id7();
    uint64_t cr4;

    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    if ((seven.b >> 7 & 1) != 0)
        cr4 |= CR4_SMEP;
    if ((seven.b >> 20 & 1) != 0)
        cr4 |= CR4_SMAP;
    if ((seven.c >> 2 & 1) != 0)
        cr4 |= CR4_UMIP;
    __asm__ volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");
}

void memory_init(void)
{
    uint64_t limit = address_limit();

    ram_init(limit);
    paging_init(&four_levels, limit, __image_start, __image_end);
    map_image(__text_start, __text_end, MEM_TEXT);
    map_image(__text_end, __rodata_end, MEM_RO);
    map_image(__rodata_end, __window, MEM_RW);
    map_image(__heap_start, __heap_end, MEM_RW);
    map_image(__guard_fault + PAGE, __guard_trap, MEM_RW);
    map_image(__guard_trap + PAGE, __guard_stack, MEM_RW);
    map_image(__guard_stack + PAGE, __image_end, MEM_RW);
    if (!paging_window(__window))
        boot_fail(STATUS_BUG, "too few page tables for the image");
    __asm__ volatile("movq %0, %%cr3" : : "r"(paging_root()) : "memory");
    protect();
}
