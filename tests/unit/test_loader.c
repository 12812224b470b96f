/* sources: board/x86_64/multiboot2.c board/x86_64/pvh.c */
/* includes: board/x86_64 board kernel */
/*
 * test_loader.c - what loaders hand over, good and bad. Memory is one
 * heap block of exactly the information's size, so that the sanitizer sees
 * any byte read past its end; addresses outside it are beyond memory.
 */
#include "loader.h"
#include "machine.h"

#include "check.h"

#define PHYS_BASE 0x10000u
#include "physmem.h"

static uint8_t info[4096];
static size_t info_len;

static void put32(size_t at, uint32_t v)
{
    memcpy(info + at, &v, 4);
}

static void begin(void)
{
    memset(info, 0, sizeof info);
    info_len = 8;
}

static size_t put_tag(uint32_t type, const void *data, size_t len)
{
    size_t at = info_len;

    put32(at, type);
    put32(at + 4, (uint32_t)len + 8);
    if (len != 0)
        memcpy(info + at + 8, data, len);
    info_len = (info_len + 8 + len + 7) & ~(size_t)7;
    put32(0, (uint32_t)info_len);
    return at;
}

static void end(void)
{
    put_tag(0, NULL, 0);
}

static const uint32_t module[3] = { 0x200000, 0x200123, 0x66 /* "f" */ };
static const uint32_t mmap[14] = {
    24, 0,          /* entry size, version */
    0,  0, 0xa0000, /* RAM */
    0,  1, 0,       0x100000, 0, 0x7f00000, 0, 1, 0,
};

/* What GRUB gives, in little. */
static void usual(void)
{
    begin();
    put_tag(2, "GRUB 2.06", 10);
    put_tag(1, "host=a trace=on", 16);
    put_tag(3, module, sizeof module);
    put_tag(6, mmap, sizeof mmap);
    put_tag(14, "RSD PTR old.........", 20);
    put_tag(15, "RSD PTR new.........................", 36);
    put_tag(17, "EFI", 3);
    end();
}

static struct loader_given got;
static const char *why;
static bool ours;

static bool read_it(void)
{
    bool ok;

    memory_len = info_len;
    memory = malloc(memory_len);
    memcpy(memory, info, memory_len);
    why = NULL;
    ok = multiboot2_read(PHYS_BASE, &got, &why, &ours);
    free(memory);
    CHECK(ok || (why != NULL && why[0] != '\0'));
    return ok;
}

static void check_usual(void)
{
    usual();
    CHECK(read_it());
    CHECK_EQ(got.cmdline, PHYS_BASE + 8 + 24 + 8);
    CHECK_EQ(got.modules, 1);
    CHECK_EQ(got.initrd, 0x200000);
    CHECK_EQ(got.initrd_len, 0x123);
    CHECK_EQ(got.map_count, 2);
    CHECK_EQ(got.map_step, 24);
    CHECK_EQ(got.keep[0].at, PHYS_BASE);
    CHECK_EQ(got.keep[0].len, info_len);
    CHECK(got.rsdp != 0);
    CHECK_MEM(info + (got.rsdp - PHYS_BASE), 11, "RSD PTR new", 11);
}

/* The new table wins in either order, the old one alone is taken too. */
static void check_rsdp(void)
{
    begin();
    put_tag(15, "RSD PTR new.........................", 36);
    put_tag(14, "RSD PTR old.........", 20);
    put_tag(6, mmap, sizeof mmap);
    end();
    CHECK(read_it());
    CHECK_EQ(got.rsdp, PHYS_BASE + 16);
    begin();
    put_tag(14, "RSD PTR old.........", 20);
    put_tag(6, mmap, sizeof mmap);
    end();
    CHECK(read_it());
    CHECK_EQ(got.rsdp, PHYS_BASE + 16);
}

static void check_several_modules(void)
{
    begin();
    put_tag(3, module, sizeof module);
    put_tag(3, module, sizeof module);
    put_tag(6, mmap, sizeof mmap);
    end();
    CHECK(read_it());
    CHECK_EQ(got.modules, 2); /* loader.c refuses that */
}

/* Entries of a later version are larger: what we know is at their front. */
static void check_larger_entries(void)
{
    uint32_t map[2 + 8] = { 32, 0, 0x100000, 0, 0x100000, 0, 1 };

    begin();
    put_tag(6, map, sizeof map);
    end();
    CHECK(read_it());
    CHECK_EQ(got.map_count, 1);
    CHECK_EQ(got.map_step, 32);
}

static void check_truncated(void)
{
    size_t n, whole;

    usual();
    whole = info_len;
    for (n = 0; n < whole; n++) {
        usual();
        info_len = n; /* memory ends here */
        CHECK(!read_it());
        usual();
        put32(0, (uint32_t)n); /* the block says that it ends here */
        CHECK(!read_it());
    }
}

struct bad {
    const char *name, *why;
    uint32_t type;
    uint32_t words[4];
    size_t len;
};

static const struct bad bads[] = {
    { "cmdline without an end", "does not end", 1, { 0x61616161 }, 4 },
    { "cmdline of nothing", "does not end", 1, { 0 }, 0 },
    { "module without an end", "no beginning", 3, { 1 }, 4 },
    { "module backwards", "no beginning", 3, { 0x2000, 0x1000, 0 }, 12 },
    { "map of nothing", "memory map", 6, { 0 }, 0 },
    { "map with half a head", "memory map", 6, { 24 }, 4 },
    { "map of entries of 0 bytes", "memory map", 6, { 0, 0 }, 8 },
    { "map of entries of 16 bytes", "memory map", 6, { 16, 0 }, 16 },
    { "map of entries of 28 bytes", "memory map", 6, { 28, 0 }, 16 },
    { "old ACPI table too short", "cut short", 14, { 0 }, 16 },
    { "new ACPI table too short", "cut short", 15, { 0 }, 16 },
};

static void check_bad_tags(void)
{
    size_t i;

    for (i = 0; i < sizeof bads / sizeof *bads; i++) {
        begin();
        put_tag(bads[i].type, bads[i].words, bads[i].len);
        put_tag(6, mmap, sizeof mmap);
        end();
        if (!CHECK(!read_it()) || !CHECK(strstr(why, bads[i].why)))
            printf("in \"%s\": %s\n", bads[i].name, why);
        CHECK(!ours);
    }
}

static void check_twice(void)
{
    begin();
    put_tag(1, "a", 2);
    put_tag(1, "b", 2);
    put_tag(6, mmap, sizeof mmap);
    end();
    CHECK(!read_it());
    begin();
    put_tag(6, mmap, sizeof mmap);
    put_tag(6, mmap, sizeof mmap);
    end();
    CHECK(!read_it());
}

static void check_sizes(void)
{
    static const uint32_t sizes[] = { 0,          1,          7,
                                      0x7fffffff, 0xfffffff8, 0xffffffff };
    size_t i, at;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        begin();
        at = put_tag(2, "GRUB", 5);
        put_tag(6, mmap, sizeof mmap);
        end();
        put32(at + 4, sizes[i]);
        CHECK(!read_it());
        usual();
        put32(0, sizes[i]);
        CHECK(!read_it());
    }
}

static void check_no_map(void)
{
    begin();
    put_tag(1, "a", 2);
    end();
    CHECK(!read_it());
    CHECK(strstr(why, "memory map") != NULL);
}

static void check_many_tags(void)
{
    size_t i;

    begin();
    for (i = 0; i < 300; i++)
        put_tag(99, NULL, 0);
    put_tag(6, mmap, sizeof mmap);
    end();
    CHECK(!read_it());
    CHECK(strstr(why, "too many tags") != NULL);
}

static void check_no_loader(void)
{
    CHECK(!multiboot2_read(0, &got, &why, &ours));
    CHECK(ours);
}

/* Random bytes: any answer, no read outside. */
static void check_noise(void)
{
    uint64_t state = check_seed;
    size_t i, n;

    for (n = 0; n < 20000; n++) {
        usual();
        for (i = 0; i < 4; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            info[(state >> 33) % info_len] = (uint8_t)(state >> 25);
        }
        read_it();
    }
}

static void check_pvh(void)
{
    uint32_t s[14 + 8] = { 0x336ec578, 1, 0,        1, PHYS_BASE + 56, 0,
                           0x5000,     0, 0xe0000,  0, 0x6000,         0,
                           3,          0, 0x300000, 0, 0x77,           0 };
    size_t n;

    memory = (uint8_t *)s;
    memory_len = sizeof s;
    CHECK(pvh_read(PHYS_BASE, &got, &why, &ours));
    CHECK_EQ(got.cmdline, 0x5000);
    CHECK_EQ(got.rsdp, 0xe0000);
    CHECK_EQ(got.initrd, 0x300000);
    CHECK_EQ(got.initrd_len, 0x77);
    CHECK_EQ(got.map, 0x6000);
    CHECK_EQ(got.map_count, 3);
    for (n = 0; n < sizeof s; n++) {
        memory_len = n;
        CHECK(!pvh_read(PHYS_BASE, &got, &why, &ours));
        CHECK(!ours);
    }
    memory_len = sizeof s;
    s[1] = 0;
    CHECK(!pvh_read(PHYS_BASE, &got, &why, &ours));
    CHECK(strstr(why, "version 0") != NULL);
    s[0] = 0;
    CHECK(!pvh_read(PHYS_BASE, &got, &why, &ours));
    CHECK(ours);
}

static const struct check_case cases[] = {
    { "usual", check_usual },
    { "rsdp", check_rsdp },
    { "several-modules", check_several_modules },
    { "larger-entries", check_larger_entries },
    { "truncated", check_truncated },
    { "bad-tags", check_bad_tags },
    { "twice", check_twice },
    { "sizes", check_sizes },
    { "no-map", check_no_map },
    { "many-tags", check_many_tags },
    { "no-loader", check_no_loader },
    { "random", check_noise },
    { "pvh", check_pvh },
};

CHECK_MAIN(cases)
