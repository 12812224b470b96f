/* sources: kernel/smbios.c */
/* includes: board board/x86_64 kernel tests/fuzz */
/* longest: 2000 */
/*
 * smbios.c - what a firmware left in the BIOS area: whatever an entry point
 * says, the table is copied as it was, overwritten where it was, and nothing
 * else is; the image least of all. Sums and addresses of entry points are
 * mended if the input says so: else one input in 2^40 would get on.
 */
#include "fuzz.h"

#include <limits.h>

#include "arch/x86_64/cpu.h"

static bool guest(void);
#define cpu_is_guest guest /* as the input has it, not this machine */
#include "../../board/x86_64/smbios.c"
#include "smbios.h"

#define PHYS_BASE 0xf0000u
#include "physmem.h"

#define IMAGE     (PHYS_BASE + 0x380)
#define IMAGE_LEN 0x40u
#define PAGES_MAX 4096u

static unsigned how;
static uint64_t wiped_at;
static size_t wiped_len;
static uint8_t *pages;
static size_t pages_len;

static bool guest(void)
{
    return (how & 1) != 0;
}

bool mem_in_image(uint64_t start, uint64_t len)
{
    return start < IMAGE + IMAGE_LEN && start + len > IMAGE;
}

void mem_wipe(uint64_t phys, size_t len)
{
    MUST(wiped_len == 0 && len != 0 && memory_has(phys, len));
    MUST(!mem_in_image(phys, len));
    memset(memory + (phys - PHYS_BASE), 0, len);
    wiped_at = phys;
    wiped_len = len;
}

void *board_pages(size_t bytes)
{
    MUST(pages == NULL && bytes != 0 && bytes <= TABLE_MAX);
    if ((how & 2) != 0 || bytes > PAGES_MAX)
        return NULL;
    pages = malloc(bytes);
    MUST(pages != NULL);
    pages_len = bytes;
    return pages;
}

static bool in_pages(struct blob b)
{
    return b.p >= pages && b.len <= pages_len &&
           (size_t)(b.p - pages) <= pages_len - b.len;
}

static bool take(void *ctx, struct blob name, struct blob data)
{
    static const char conf[] = "bootmail.conf";
    unsigned *left = ctx;

    MUST(in_pages(data));
    MUST(in_pages(name) || blob_eq(name, blob_str(conf)));
    return (*left)-- != 0;
}

/* the byte that makes the sum 0, and an address in this memory */
static void mend(uint8_t *e, size_t len, size_t sum_at, size_t address_at,
                 size_t address_len)
{
    uint32_t at = PHYS_BASE + ((uint32_t)e[address_at] |
                               (uint32_t)(e[address_at + 1] & 7) << 8);
    uint8_t s = 0;

    memset(e + address_at, 0, address_len);
    memcpy(e + address_at, &at, sizeof at);
    e[sum_at] = 0;
    for (size_t i = 0; i < len; i++)
        s = (uint8_t)(s + e[i]);
    e[sum_at] = (uint8_t)-s;
}

static void mend_all(void)
{
    for (size_t at = 0; at + 32 <= memory_len; at += 16) {
        uint8_t *e = memory + at;

        if (memcmp(e, "_SM3_", 5) == 0 && e[6] >= ENTRY_MIN && e[6] <= 32)
            mend(e, e[6], 5, 16, 8);
        else if (memcmp(e, "_SM_", 4) == 0)
            mend(e + 16, 15, 5, 8, 4);
    }
}

/* What was found is what was there; the rest is as it was. */
static void judge(const uint8_t *before, struct blob table)
{
    size_t at = wiped_at - PHYS_BASE;

    MUST(table.len == wiped_len);
    if (table.len == 0) {
        MUST(memory_len == 0 || memcmp(memory, before, memory_len) == 0);
        return;
    }
    MUST(guest() && table.p == pages && table.len == pages_len);
    MUST(memcmp(table.p, before + at, table.len) == 0);
    MUST(memcmp(memory, before, at) == 0);
    MUST(memcmp(memory + at + wiped_len, before + at + wiped_len,
                memory_len - at - wiped_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct blob table;
    uint8_t *before;
    const char *why = "";
    unsigned left;

    input(data, len);
    how = next(1) ^ 1;
    left = how >> 4;
    memory_len = in_left;
    memory = malloc(memory_len + 1);
    before = malloc(memory_len + 1);
    MUST(memory != NULL && before != NULL);
    if (in_left != 0)
        memcpy(memory, in_at, in_left);
    if ((how & 4) == 0)
        mend_all();
    memcpy(before, memory, memory_len);
    ASAN_POISON_MEMORY_REGION(memory + memory_len, 1);
    pages = NULL;
    pages_len = wiped_len = 0;
    copy = blob_of(NULL, 0);
    tried = false;
    table = board_smbios();
    judge(before, table);
    MUST(board_smbios().p == table.p); /* once */
    if (table.len != 0 && !smbios_each(pages, pages_len, take, &left, &why))
        MUST(left == UINT_MAX || why[0] != '\0');
    free(pages);
    free(before);
    ASAN_UNPOISON_MEMORY_REGION(memory + memory_len, 1);
    free(memory);
    return 0;
}
