/*
 * paging.c - page tables of 512 entries, in any processor's encoding.
 *
 * Intel SDM volume 3, 4.5; RISC-V privileged specification, "Sv39"; Arm ARM,
 * D8 (VMSAv8-64, 4 KiB granule). Leaves are 4 KiB, or 2 MiB where a range
 * covers them whole. What is there already must be of the same kind.
 */
#include "paging.h"

#include <string.h>

#include "wipe.h"

#define PAGE    4096ull
#define BIG     (2ull << 20)
#define ENTRIES 512
#define TABLES  24
#define VALID   1ull

static const struct paging *arch;
static _Alignas(4096) uint64_t tables[TABLES][ENTRIES];
static unsigned tables_used;
static uint64_t limit, image_start, image_end;
static volatile uint64_t *window_entry;
static uint8_t *window_page;

static uint64_t *table_new(void)
{
    return tables_used < TABLES ? tables[tables_used++] : NULL;
}

static uint64_t encode(uint64_t addr, uint64_t bits)
{
    return (addr >> arch->shift & arch->address) | VALID | bits;
}

static uint64_t *decode_table(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)((entry & arch->address) << arch->shift);
}

static bool is_table(uint64_t entry)
{
    return (entry & arch->is_table) == (arch->table & arch->is_table);
}

static bool is_kind(uint64_t entry, enum mem_kind kind)
{
    return (entry & arch->is_kind) == (arch->kind[kind] & arch->is_kind);
}

/* The entry that maps addr at the given level (0: 4 KiB, 1: 2 MiB), making
 * the tables above it. NULL: no more tables, or a 2 MiB page is in the way
 * (*leaf is then that page's entry). */
static uint64_t *entry_at(uint64_t addr, int level, uint64_t **leaf)
{
    uint64_t *table = tables[0], *e;
    int l;

    *leaf = NULL;
    for (l = arch->levels - 1; l > level; l--) {
        e = &table[addr >> (12 + 9 * l) & (ENTRIES - 1)];
        if ((*e & VALID) == 0) {
            uint64_t *next = table_new();

            if (next == NULL)
                return NULL;
            *e = encode((uintptr_t)next, arch->table);
        } else if (!is_table(*e)) {
            *leaf = e;
            return NULL;
        }
        table = decode_table(*e);
    }
    return &table[addr >> (12 + 9 * level) & (ENTRIES - 1)];
}

/* Maps one page of either size. */
static bool map_page(uint64_t addr, enum mem_kind kind, int level)
{
    uint64_t *leaf, *e = entry_at(addr, level, &leaf);

    if (e == NULL)
        return leaf != NULL && is_kind(*leaf, kind);
    if ((*e & VALID) != 0)
        return (level == 0 || !is_table(*e)) && is_kind(*e, kind);
    *e = encode(addr, arch->kind[kind] | (level != 0 ? arch->big : arch->page));
    arch->flush((const void *)(uintptr_t)addr);
    return true;
}

static bool map_range(uint64_t at, uint64_t end, enum mem_kind kind)
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

void paging_init(const struct paging *p, uint64_t end, const void *image,
                 const void *image_stop)
{
    arch = p;
    limit = end;
    image_start = (uintptr_t)image;
    image_end = (uintptr_t)image_stop;
    memset(tables, 0, sizeof tables);
    tables_used = 1; /* the root */
    window_entry = NULL;
}

uint64_t paging_root(void)
{
    return (uintptr_t)tables[0];
}

bool paging_map(const void *start, const void *end, enum mem_kind kind)
{
    return map_range((uintptr_t)start, (uintptr_t)end, kind);
}

bool paging_window(void *page)
{
    uint64_t *leaf;

    window_page = page;
    window_entry = entry_at((uintptr_t)page, 0, &leaf);
    return window_entry != NULL && *window_entry == 0;
}

static bool range_ok(uint64_t start, uint64_t len)
{
    return start <= limit && len <= limit - start;
}

bool mem_in_image(uint64_t start, uint64_t len)
{
    return len != 0 && start < image_end &&
           (start >= image_start || len > image_start - start);
}

void *mem_map(uint64_t phys, uint64_t len, enum mem_kind kind)
{
    if (len == 0 || phys < PAGE || !range_ok(phys, len) || kind == MEM_TEXT ||
        mem_in_image(phys, len))
        return NULL;
    if (!map_range(phys, phys + len, kind))
        return NULL;
    return (void *)(uintptr_t)phys;
}

/* Shows one page of any physical memory in the window; entry 0: none. */
static void window(uint64_t entry)
{
    *window_entry = entry;
    arch->flush(window_page);
}

/* Brings phys into view; how many of len bytes are, from *at on. */
static size_t show(uint64_t phys, size_t len, enum mem_kind kind, uint8_t **at)
{
    size_t skip = phys % PAGE;

    window(encode(phys & ~(PAGE - 1), arch->kind[kind] | arch->page));
    *at = window_page + skip;
    return len < PAGE - skip ? len : PAGE - skip;
}

bool mem_peek(uint64_t phys, void *out, size_t len)
{
    uint8_t *to = out, *from;

    if (window_entry == NULL || !range_ok(phys, len))
        return false;
    while (len != 0) {
        size_t n = show(phys, len, MEM_RO, &from);

        memcpy(to, from, n);
        to += n;
        phys += n;
        len -= n;
    }
    window(0);
    return true;
}

void mem_wipe(uint64_t phys, size_t len)
{
    uint8_t *at;

    if (window_entry == NULL || !range_ok(phys, len))
        return;
    while (len != 0) {
        size_t n = show(phys, len, MEM_RW, &at);

        wipe(at, n);
        phys += n;
        len -= n;
    }
    window(0);
}
