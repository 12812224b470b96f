/* sources: kernel/paging.c */
/* includes: kernel */
/*
 * test_paging.c - trees in three encodings, walked as a processor would; the
 * window over a memory of our own.
 */
#include "paging.h"

#include "check.h"

#define KIB  1024ull
#define MIB  (1024 * KIB)
#define PAGE 4096ull

static void flush(const void *page);

static const struct paging x86 = {
    .levels = 4,
    .address = 0x000ffffffffff000,
    .table = 3,
    .is_table = 0x81,
    .big = 0x80,
    .kind = { 0x21, 0x21 | 1ull << 63, 0x63 | 1ull << 63, 0x7b | 1ull << 63 },
    .is_kind = 0x1b | 1ull << 63,
    .flush = flush,
};
static const struct paging sv39 = {
    .levels = 3,
    .shift = 2,
    .address = 0x003ffffffffffc00,
    .table = 1,
    .is_table = 0xf,
    .kind = { 0x4b, 0x43, 0xc7, 0x1c7 },
    .is_kind = 0x10f,
    .flush = flush,
};
static const struct paging armv8 = {
    .levels = 3,
    .address = 0x0000fffffffff000,
    .table = 3,
    .is_table = 3,
    .page = 3,
    .big = 1,
    .kind = { 0x780, 0x780 | 3ull << 53, 0x700 | 3ull << 53,
              0x704 | 3ull << 53 },
    .is_kind = 0x9c | 3ull << 53,
    .flush = flush,
};
static const struct paging *const all[] = { &x86, &sv39, &armv8 };

static const struct paging *arch;
static uint8_t image[8 * PAGE] __attribute__((aligned(4096)));
static uint8_t window[PAGE] __attribute__((aligned(4096)));
static uint8_t ram[4 * PAGE]; /* physical memory from RAM_AT on */
#define RAM_AT 0x40000000ull
static uint8_t *shown; /* what the window is a copy of */
static bool shown_writable;

/* What a processor finds: the leaf's entry, its level; 0: nothing there. */
static uint64_t walk(uint64_t addr, int *level)
{
    const uint64_t *table = (const uint64_t *)(uintptr_t)paging_root();

    for (int l = arch->levels - 1;; l--) {
        uint64_t e = table[addr >> (12 + 9 * l) & 511];

        *level = l;
        if ((e & 1) == 0)
            return 0;
        if (l == 0 || (e & arch->is_table) != (arch->table & arch->is_table))
            return e;
        table =
            (const uint64_t *)(uintptr_t)((e & arch->address) << arch->shift);
    }
}

static uint64_t target(uint64_t e)
{
    return (e & arch->address) << arch->shift;
}

static bool is(uint64_t e, enum mem_kind kind)
{
    return e != 0 && (e & arch->is_kind) == (arch->kind[kind] & arch->is_kind);
}

/* The window's page shows what its entry says, as on a real machine. */
static void flush(const void *page)
{
    int level;
    uint64_t e;

    if (page != window)
        return;
    if (shown != NULL && shown_writable)
        memcpy(shown, window, PAGE);
    shown = NULL;
    memset(window, 0xee, PAGE);
    e = walk((uintptr_t)window, &level);
    if (e == 0 || target(e) < RAM_AT || target(e) >= RAM_AT + sizeof ram)
        return;
    shown = ram + (target(e) - RAM_AT);
    shown_writable = is(e, MEM_RW);
    memcpy(window, shown, PAGE);
}

static void begin(const struct paging *p)
{
    arch = p;
    shown = NULL;
    paging_init(p, 1ull << 38, image, image + sizeof image);
}

static bool maps_to_itself(uint64_t addr, enum mem_kind kind, int level)
{
    int l;
    uint64_t e = walk(addr, &l);
    uint64_t size = PAGE << 9 * level;

    return is(e, kind) && l == level && target(e) == (addr & ~(size - 1));
}

static void small_and_big(void)
{
    int level;

    for (size_t i = 0; i < 3; i++) {
        begin(all[i]);
        CHECK(mem_map(2 * MIB - PAGE, 4 * MIB, MEM_RO) != NULL);
        CHECK(maps_to_itself(2 * MIB - PAGE, MEM_RO, 0));
        CHECK(maps_to_itself(2 * MIB, MEM_RO, 1));
        CHECK(maps_to_itself(4 * MIB - 1, MEM_RO, 1));
        CHECK(maps_to_itself(6 * MIB - 2 * PAGE, MEM_RO, 0));
        CHECK_EQ(walk(6 * MIB - PAGE, &level), 0);
        CHECK_EQ(walk(2 * MIB - 2 * PAGE, &level), 0);
        CHECK_EQ(walk(0, &level), 0);
    }
}

static void kinds(void)
{
    for (size_t i = 0; i < 3; i++) {
        begin(all[i]);
        CHECK(mem_map(PAGE, PAGE, MEM_RO) != NULL);
        CHECK(mem_map(2 * PAGE, 1, MEM_RW) != NULL);
        CHECK(mem_map(3 * PAGE + 5, 1, MEM_DEV) != NULL);
        CHECK(mem_map(4 * PAGE, PAGE, MEM_TEXT) == NULL);
        CHECK(paging_map((void *)(5 * PAGE), (void *)(6 * PAGE), MEM_TEXT));
        CHECK(maps_to_itself(PAGE, MEM_RO, 0));
        CHECK(maps_to_itself(2 * PAGE, MEM_RW, 0));
        CHECK(maps_to_itself(3 * PAGE, MEM_DEV, 0));
        CHECK(maps_to_itself(5 * PAGE, MEM_TEXT, 0));
    }
}

/* The same again is fine, another way is not, whatever the sizes. */
static void twice(void)
{
    for (size_t i = 0; i < 3; i++) {
        begin(all[i]);
        CHECK(mem_map(2 * MIB, 2 * MIB, MEM_RW) != NULL);
        CHECK(mem_map(2 * MIB, 2 * MIB, MEM_RW) != NULL);
        CHECK(mem_map(2 * MIB + PAGE, PAGE, MEM_RW) != NULL);
        CHECK(mem_map(2 * MIB + PAGE, PAGE, MEM_RO) == NULL);
        CHECK(mem_map(2 * MIB, 2 * MIB, MEM_DEV) == NULL);
        CHECK(maps_to_itself(2 * MIB, MEM_RW, 1));
        CHECK(mem_map(4 * MIB, PAGE, MEM_DEV) != NULL);
        CHECK(mem_map(4 * MIB, 2 * MIB, MEM_DEV) != NULL);
        CHECK(maps_to_itself(6 * MIB - PAGE, MEM_DEV, 0));
        CHECK(mem_map(4 * MIB, 2 * MIB, MEM_RW) == NULL);
    }
}

static void refused(void)
{
    begin(&sv39);
    CHECK(mem_map(PAGE, 0, MEM_RO) == NULL);
    CHECK(mem_map(0, PAGE, MEM_RO) == NULL);
    CHECK(mem_map(PAGE - 1, 2, MEM_RO) == NULL);
    CHECK(mem_map(1ull << 38, PAGE, MEM_RO) == NULL);
    CHECK(mem_map((1ull << 38) - PAGE, PAGE + 1, MEM_RO) == NULL);
    CHECK(mem_map((1ull << 38) - PAGE, PAGE, MEM_RO) != NULL);
    CHECK(mem_map(PAGE, UINT64_MAX, MEM_RO) == NULL);
}

static void not_the_image(void)
{
    uint64_t at = (uintptr_t)image;

    begin(&x86);
    paging_init(&x86, 1ull << 47, image, image + sizeof image);
    CHECK(mem_in_image(at, 1));
    CHECK(mem_in_image(at - 1, 2));
    CHECK(!mem_in_image(at - 1, 1));
    CHECK(mem_in_image(at + sizeof image - 1, 1));
    CHECK(!mem_in_image(at + sizeof image, 1));
    CHECK(mem_in_image(PAGE, UINT64_MAX));
    CHECK(!mem_in_image(at, 0));
    CHECK(mem_map(at + PAGE, PAGE, MEM_RW) == NULL);
    CHECK(mem_map(at - PAGE, PAGE + 1, MEM_RW) == NULL);
}

static void too_few_tables(void)
{
    unsigned n = 0;

    begin(&x86);
    while (n < 100 && mem_map(PAGE + n * 1024 * MIB, PAGE, MEM_RW) != NULL)
        n++;
    CHECK(n > 3 && n < 30);
    CHECK(mem_map(2 * PAGE, PAGE, MEM_RW) != NULL); /* needs none */
    CHECK(mem_map(99 * 1024 * MIB, PAGE, MEM_RW) == NULL);
}

static void peek(void)
{
    uint8_t got[2 * PAGE];

    for (size_t i = 0; i < 3; i++) {
        begin(all[i]);
        CHECK(!mem_peek(RAM_AT, got, 1)); /* no window yet */
        CHECK(paging_window(window));
        for (size_t k = 0; k < sizeof ram; k++)
            ram[k] = (uint8_t)(k * 7 + k / 256);
        CHECK(mem_peek(RAM_AT + 100, got, PAGE + 50));
        CHECK_MEM(got, PAGE + 50, ram + 100, PAGE + 50);
        CHECK(mem_peek(RAM_AT + PAGE - 1, got, 1));
        CHECK_EQ(got[0], ram[PAGE - 1]);
        CHECK(mem_peek(RAM_AT, got, 0));
        CHECK(!mem_peek((1ull << 38) - 1, got, 2));
        CHECK(!mem_peek(UINT64_MAX, got, 2));
        CHECK_EQ(shown != NULL, false); /* nothing is left in view */
    }
}

static void wipe_memory(void)
{
    uint8_t zeros[PAGE + 9] = { 0 };
    int level;

    for (size_t i = 0; i < 3; i++) {
        begin(all[i]);
        CHECK(paging_window(window));
        memset(ram, 0xaa, sizeof ram);
        mem_wipe(RAM_AT + PAGE - 5, PAGE + 9);
        CHECK_MEM(ram + PAGE - 5, PAGE + 9, zeros, sizeof zeros);
        CHECK_EQ(ram[PAGE - 6], 0xaa);
        CHECK_EQ(ram[2 * PAGE + 4], 0xaa);
        CHECK_EQ(walk((uintptr_t)window, &level), 0);
        mem_wipe(UINT64_MAX, 5); /* ignored */
    }
}

static const struct check_case cases[] = {
    { "small-and-big", small_and_big },
    { "kinds", kinds },
    { "twice", twice },
    { "refused", refused },
    { "not-the-image", not_the_image },
    { "too-few-tables", too_few_tables },
    { "peek", peek },
    { "wipe", wipe_memory },
};
CHECK_MAIN(cases)
