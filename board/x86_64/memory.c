/*
 * memory.c - page tables and the RAM that is left over.
 *
 * Four levels, one to one (SDM volume 3, 4.5). Mapped is what is used and
 * nothing else: the image by its sections (W^X), the initrd, device registers
 * as they are found, RAM when board_pages() gets there. Page 0, the low 1 MiB
 * and the guard pages stay unmapped. Leaf entries are 4 KiB, or 2 MiB where a
 * range covers them whole. Tables come from a fixed pool; running out
 * is an error of the request, not of the machine.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "heap.h"
#include "log.h"
#include "wipe.h"

#define PAGE 4096ull
#define BIG  (2ull << 20)

#define P_PRESENT  (1ull << 0)
#define P_WRITE    (1ull << 1)
#define P_WT       (1ull << 3)
#define P_CD       (1ull << 4)
#define P_ACCESSED (1ull << 5)
#define P_DIRTY    (1ull << 6)
#define P_BIG      (1ull << 7)
#define P_NX       (1ull << 63)
#define P_ADDR     0x000ffffffffff000ull
#define P_KIND     (P_PRESENT | P_WRITE | P_WT | P_CD | P_NX)

#define CR4_UMIP (1ull << 11)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)

#define TABLES 24
#define RANGES 32

extern char __image_start[], __image_end[];
extern char __text_start[], __text_end[], __rodata_end[];
extern char __window[], __guard_heap_low[];
extern char __heap_start[], __heap_end[];
extern char __guard_fault[], __guard_trap[], __guard_stack[];

/* picolibc's heap; link.ld puts it between two guard pages */
static uint8_t heap_area[HEAP_LIMIT]
    __attribute__((section(".sbss.heap"), used, aligned(4096)));

static _Alignas(4096) uint64_t tables[TABLES][512];
static unsigned tables_used;
static volatile uint64_t *window_entry;
static uint64_t phys_end;

static struct range {
    uint64_t start, end;
    uint64_t mapped; /* board_pages(): up to here; 0: nothing yet */
} ram[RANGES], all_ram[RANGES];
static unsigned ram_count, all_ram_count;

static uint64_t *table_new(void)
{
    return tables_used < TABLES ? tables[tables_used++] : NULL;
}

/* The entry that maps addr at the given level (0: 4 KiB, 1: 2 MiB), making
 * the tables above it. NULL: no more tables, or a 2 MiB page is in the way
 * (*leaf is then that page's entry). */
static uint64_t *entry_at(uint64_t addr, int level, uint64_t **leaf)
{
    uint64_t *table = tables[0], *e;
    int l;

    *leaf = NULL;
    for (l = 3; l > level; l--) {
        e = &table[addr >> (12 + 9 * l) & 511];
        if ((*e & P_PRESENT) == 0) {
            uint64_t *next = table_new();

            if (next == NULL)
                return NULL;
            *e = (uintptr_t)next | P_PRESENT | P_WRITE;
        } else if ((*e & P_BIG) != 0) {
            *leaf = e;
            return NULL;
        }
        table = (uint64_t *)(uintptr_t)(*e & P_ADDR);
    }
    return &table[addr >> (12 + 9 * level) & 511];
}

/* Maps one page of either size; what is there already must be of the same
 * kind. */
static bool map_page(uint64_t addr, uint64_t kind, int level)
{
    uint64_t *leaf, *e = entry_at(addr, level, &leaf);

    if (e == NULL)
        return leaf != NULL && (*leaf & P_KIND) == kind;
    if ((*e & P_PRESENT) != 0) {
        if (level == 0)
            return (*e & P_KIND) == kind;
        if ((*e & P_BIG) == 0)
            return false;
        return (*e & P_KIND) == kind;
    }
    *e = addr | kind | P_ACCESSED | (kind & P_WRITE ? P_DIRTY : 0) |
         (level != 0 ? P_BIG : 0);
    return true;
}

static bool map_range(uint64_t at, uint64_t end, uint64_t kind)
{
    at &= ~(PAGE - 1);
    while (at < end) {
        bool big = at % BIG == 0 && end - at >= BIG;

        /* a table is already there: fill it instead */
        if (big && map_page(at, kind, 1)) {
            at += BIG;
            continue;
        }
        if (!map_page(at, kind, 0))
            return false;
        at += PAGE;
    }
    return true;
}

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

static bool range_ok(uint64_t start, uint64_t len)
{
    return start <= phys_end && len <= phys_end - start;
}

static void map_image(const char *start, const char *end, uint64_t kind)
{
    if (!map_range((uintptr_t)start, (uintptr_t)end, kind))
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
    const uint64_t rw = P_PRESENT | P_WRITE | P_NX;
    uint64_t *leaf;

    phys_end = address_limit();
    (void)table_new(); /* the root */
    map_image(__text_start, __text_end, P_PRESENT);
    map_image(__text_end, __rodata_end, P_PRESENT | P_NX);
    map_image(__rodata_end, __guard_heap_low, rw);
    map_image(__heap_start, __heap_end, rw);
    map_image(__guard_fault + PAGE, __guard_trap, rw);
    map_image(__guard_trap + PAGE, __guard_stack, rw);
    map_image(__guard_stack + PAGE, __image_end, rw);
    window_entry = entry_at((uintptr_t)__window, 0, &leaf);
    *window_entry = 0;
    __asm__ volatile("movq %0, %%cr3" : : "r"(tables[0]) : "memory");
    protect();
}

void *mem_map(uint64_t phys, uint64_t len, enum mem_kind kind)
{
    static const uint64_t bits[] = {
        [MEM_RO] = P_PRESENT | P_NX,
        [MEM_RW] = P_PRESENT | P_NX | P_WRITE,
        [MEM_DEV] = P_PRESENT | P_NX | P_WRITE | P_CD | P_WT,
    };

    if (len == 0 || phys < PAGE || !range_ok(phys, len) ||
        mem_in_image(phys, len))
        return NULL;
    if (!map_range(phys, phys + len, bits[kind]))
        return NULL;
    return (void *)(uintptr_t)phys;
}

/* Shows one page of any physical memory in the window; entry 0: none. */
static void window(uint64_t entry)
{
    *window_entry = entry;
    __asm__ volatile("invlpg (%0)" : : "r"(__window) : "memory");
}

bool mem_peek(uint64_t phys, void *out, size_t len)
{
    uint8_t *to = out;

    if (!range_ok(phys, len))
        return false;
    while (len != 0) {
        size_t skip = phys % PAGE;
        size_t n = len < PAGE - skip ? len : PAGE - skip;

        window((phys & P_ADDR) | P_PRESENT | P_NX | P_ACCESSED);
        memcpy(to, __window + skip, n);
        to += n;
        phys += n;
        len -= n;
    }
    window(0);
    return true;
}

void mem_wipe(uint64_t at, size_t len)
{
    if (!range_ok(at, len))
        return;
    while (len != 0) {
        size_t skip = at % PAGE;
        size_t n = len < PAGE - skip ? len : PAGE - skip;

        window((at & P_ADDR) | P_PRESENT | P_NX | P_WRITE | P_ACCESSED |
               P_DIRTY);
        wipe(__window + skip, n);
        at += n;
        len -= n;
    }
    window(0);
}

/* The initrd is mapped read-only: its secrets are overwritten through the
 * window. */
void board_wipe(const void *p, size_t len)
{
    const struct blob *initrd = &board_info()->initrd;
    uint64_t at = (uintptr_t)p;

    if (at >= (uintptr_t)initrd->p && len <= initrd->len &&
        at - (uintptr_t)initrd->p <= initrd->len - len)
        mem_wipe(at, len);
}

/* --------------------------------------------------------------- RAM list */

static bool overlaps(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
    return a < b_end && b < a_end;
}

bool mem_in_image(uint64_t start, uint64_t len)
{
    return overlaps(start, start + len, (uintptr_t)__image_start,
                    (uintptr_t)__image_end);
}

/* Whole pages inside [start, start + len); more ranges than the list holds
 * are left unused. */
void mem_add_ram(uint64_t start, uint64_t len)
{
    uint64_t end;

    if (start > phys_end)
        return;
    end = len > phys_end - start ? phys_end : start + len;
    start = (start + PAGE - 1) & ~(PAGE - 1);
    end &= ~(PAGE - 1);
    if (start >= end || ram_count == RANGES)
        return;
    ram[ram_count++] = (struct range){ start, end, 0 };
    all_ram[all_ram_count++] = (struct range){ start, end, 0 };
}

static unsigned cut(struct range *list, unsigned count, uint64_t start,
                    uint64_t end)
{
    unsigned i, n = count;

    for (i = 0; i < count; i++) {
        struct range *r = &list[i];
        uint64_t tail = r->end;

        if (!overlaps(start, end, r->start, r->end))
            continue;
        r->end = r->start < start ? start : r->start;
        if (tail <= end)
            continue;
        if (r->start == r->end)
            *r = (struct range){ end, tail, 0 };
        else if (n < RANGES)
            list[n++] = (struct range){ end, tail, 0 };
    }
    return n;
}

void mem_cut_ram(uint64_t start, uint64_t len)
{
    uint64_t end = len > UINT64_MAX - start ? UINT64_MAX : start + len;

    start &= ~(PAGE - 1);
    if (end < UINT64_MAX - PAGE)
        end = (end + PAGE - 1) & ~(PAGE - 1);
    ram_count = cut(ram, ram_count, start, end);
}

/* Neighbouring entries count as one piece: follow them from start to end. */
bool mem_is_ram(uint64_t start, uint64_t len)
{
    uint64_t end = start + len;
    unsigned i, turn;

    for (turn = 0; turn < RANGES && start < end; turn++) {
        for (i = 0; i < ram_count; i++) {
            if (ram[i].start <= start && start < ram[i].end) {
                start = ram[i].end;
                break;
            }
        }
        if (i == ram_count)
            return false;
    }
    return start >= end;
}

bool mem_has_ram(uint64_t start, uint64_t len)
{
    unsigned i;

    for (i = 0; i < all_ram_count; i++)
        if (overlaps(start, start + len, all_ram[i].start, all_ram[i].end))
            return true;
    return false;
}

/* Mapped to the end of the 2 MiB that end lies in: one entry instead of a
 * table of them. */
static bool map_free(struct range *r, uint64_t end)
{
    if (r->mapped < r->start)
        r->mapped = r->start;
    if (end <= r->mapped)
        return true;
    end = (end + BIG - 1) & ~(BIG - 1);
    if (end > r->end)
        end = r->end;
    if (mem_map(r->mapped, end - r->mapped, MEM_RW) == NULL)
        return false;
    r->mapped = end;
    return true;
}

void *board_pages(size_t bytes)
{
    uint64_t want;
    unsigned i;
    void *p;

    if (bytes == 0 || bytes > SIZE_MAX - PAGE)
        return NULL;
    want = (bytes + PAGE - 1) & ~(PAGE - 1);
    for (i = 0; i < ram_count; i++) {
        struct range *r = &ram[i];

        if (r->end - r->start < want)
            continue;
        if (!map_free(r, r->start + want)) {
            log_say("memory: too few page tables for %llu more KiB",
                    (unsigned long long)(want >> 10));
            return NULL;
        }
        p = (void *)(uintptr_t)r->start;
        r->start += want;
        memset(p, 0, want);
        return p;
    }
    return NULL;
}
