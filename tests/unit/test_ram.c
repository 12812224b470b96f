/* sources: kernel/ram.c */
/* includes: kernel */
/*
 * test_ram.c - ranges added, cut, asked for and taken.
 */
#include "ram.h"

#include "check.h"

#define MIB (1ull << 20)

static uint64_t map_start, map_len;
static unsigned maps;
static bool map_refuses;

static bool map(uint64_t start, uint64_t len)
{
    maps++;
    map_start = start;
    map_len = len;
    return !map_refuses;
}

static void begin(uint64_t end)
{
    ram_init(end);
    maps = 0;
    map_refuses = false;
}

static void whole_pages(void)
{
    begin(UINT64_MAX);
    ram_add(0x1001, 0x2fff); /* 0x1001 .. 0x4000 */
    CHECK(!ram_free(0x1001, 1));
    CHECK(ram_free(0x2000, 0x2000));
    CHECK(!ram_free(0x2000, 0x2001));
    ram_add(0x9001, 0xffe); /* no whole page in it */
    CHECK(!ram_has(0x9000, 0x1000));
    ram_cut(0x2fff, 2); /* both pages it touches */
    CHECK(!ram_free(0x2000, 1));
    CHECK(!ram_free(0x3000, 1));
    CHECK(ram_has(0x2000, 1));
}

static void beyond_the_limit(void)
{
    begin(0x10000);
    ram_add(0x8000, UINT64_MAX);
    CHECK(ram_free(0x8000, 0x8000));
    CHECK(!ram_free(0x8000, 0x8001));
    ram_add(0x10001, 0x8000);
    CHECK(!ram_has(0x10000, UINT64_MAX));
    CHECK(!ram_free(0x8000, UINT64_MAX)); /* wraps */
    CHECK(ram_has(0x9000, UINT64_MAX));
}

static void cut_middle_and_ends(void)
{
    begin(UINT64_MAX);
    ram_add(MIB, 8 * MIB);
    ram_cut(3 * MIB, MIB);
    CHECK(ram_free(MIB, 2 * MIB));
    CHECK(ram_free(4 * MIB, 5 * MIB));
    CHECK(!ram_free(MIB, 3 * MIB));
    ram_cut(0, 2 * MIB);
    CHECK(!ram_free(MIB, 1));
    CHECK(ram_free(2 * MIB, MIB));
    ram_cut(8 * MIB, UINT64_MAX);
    CHECK(ram_free(4 * MIB, 4 * MIB));
    CHECK(!ram_free(8 * MIB, 1));
    ram_cut(4 * MIB, 0); /* nothing */
    CHECK(ram_free(4 * MIB, 4 * MIB));
}

static void neighbours_are_one(void)
{
    begin(UINT64_MAX);
    ram_add(2 * MIB, MIB);
    ram_add(MIB, MIB);
    CHECK(ram_free(MIB, 2 * MIB));
    CHECK(!ram_free(MIB, 2 * MIB + 1));
    CHECK_EQ(ram_take(2 * MIB, map), 0); /* taken from one piece only */
    CHECK_EQ(maps, 0);
}

static void take(void)
{
    begin(UINT64_MAX);
    ram_add(MIB, 16 * MIB);
    CHECK_EQ(ram_take(0, map), 0);
    CHECK_EQ(ram_take(SIZE_MAX, map), 0);
    CHECK_EQ(ram_take(1, map), MIB);
    CHECK_EQ(map_start, MIB);
    CHECK_EQ(map_len, MIB); /* to the end of these 2 MiB */
    CHECK_EQ(ram_take(4096, map), MIB + 4096);
    CHECK_EQ(maps, 1);
    CHECK_EQ(ram_take(2 * MIB, map), MIB + 2 * 4096);
    CHECK_EQ(map_start, 2 * MIB);
    CHECK_EQ(map_len, 2 * MIB);
    map_refuses = true;
    CHECK_EQ(ram_take(2 * MIB, map), 0);
    map_refuses = false;
    CHECK_EQ(ram_take(2 * MIB, map), 3 * MIB + 2 * 4096);
    CHECK_EQ(ram_take(14 * MIB, map), 0); /* not that much */
    CHECK(!ram_free(MIB, 1));
    CHECK(ram_has(MIB, 1));
}

static void mapped_no_further_than_free(void)
{
    begin(UINT64_MAX);
    ram_add(2 * MIB, MIB);
    CHECK_EQ(ram_take(4096, map), 2 * MIB);
    CHECK_EQ(map_len, MIB);
}

/* More pieces than the list holds: what does not fit is not free. */
static void too_many(void)
{
    unsigned i;

    begin(UINT64_MAX);
    for (i = 0; i < 100; i++)
        ram_add(i * 4 * MIB + MIB, MIB);
    CHECK(ram_free(MIB, MIB));
    CHECK(!ram_has(99 * 4 * MIB + MIB, MIB));
    begin(UINT64_MAX);
    ram_add(0, 1024 * MIB);
    for (i = 1; i < 100; i++)
        ram_cut(i * 4 * MIB, 1);
    for (i = 1; i < 100; i++)
        CHECK(!ram_free(i * 4 * MIB, 1));
    CHECK(!ram_free(1023 * MIB, MIB));
}

/* Against a bitmap: 4,000 random histories of one range and its cuts. */
static void random_histories(void)
{
    uint64_t state = check_seed;

    for (unsigned turn = 0; turn < 4000; turn++) {
        bool bit[64] = { false };

        begin(64 * 4096);
        for (unsigned n = 0; n < 12; n++) {
            uint64_t r = check_random(&state);
            uint64_t first = r % 64, len = (r >> 8) % (64 - first) + 1;

            for (uint64_t i = first; i < first + len; i++)
                bit[i] = n == 0;
            if (n == 0) /* then cuts that touch the pages' inner bytes */
                ram_add(first * 4096, len * 4096);
            else
                ram_cut(first * 4096 + 4095, len * 4096 - 4095);
        }
        for (unsigned i = 0; i < 64; i++)
            if (!CHECK_EQ(ram_free(i * 4096, 4096), bit[i]))
                return;
    }
}

/* Every place there is, none else, each as often as the next. */
static void places(void)
{
    unsigned seen[64] = { 0 };

    begin(64 * 4096);
    ram_add(0, 64 * 4096);
    ram_cut(0, 4096);
    ram_cut(10 * 4096, 4096); /* 1..9 and 11..63 are free */
    CHECK_EQ(ram_place(64 * 4096, UINT64_MAX, 5), 0);
    CHECK_EQ(ram_place(0, UINT64_MAX, 5), 0);
    CHECK_EQ(ram_place(4 * 4096, 4 * 4096, 5), 0);
    CHECK_EQ(ram_place(4 * 4096 - 1, 5 * 4096 + 17, 1000), 4096);
    /* 4 pages below page 33: 6 places, then 19 */
    for (uint64_t r = 0; r < 25 * 4; r++) {
        uint64_t at = ram_place(4 * 4096, 33 * 4096, r << 32 | r);

        CHECK_EQ(at % 4096, 0);
        CHECK(ram_free(at, 4 * 4096) && at + 4 * 4096 <= 33 * 4096);
        at = ram_place(4 * 4096, 33 * 4096, r);
        seen[at / 4096]++;
    }
    for (unsigned i = 0; i < 64; i++)
        CHECK_EQ(seen[i], (i >= 1 && i <= 6) || (i >= 11 && i <= 29) ? 4 : 0);
}

static const struct check_case cases[] = {
    { "places", places },
    { "whole-pages", whole_pages },
    { "beyond-the-limit", beyond_the_limit },
    { "cut-middle-and-ends", cut_middle_and_ends },
    { "neighbours-are-one", neighbours_are_one },
    { "take", take },
    { "mapped-no-further-than-free", mapped_no_further_than_free },
    { "too-many", too_many },
    { "random-histories", random_histories },
};
CHECK_MAIN(cases)
