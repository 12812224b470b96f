/* sources: board/x86_64/efi/pack.c board/x86_64/efi/plan.c kernel/cpio.c */
/* includes: board/x86_64/efi board/x86_64 kernel */
/*
 * test_efi.c - what BOOTX64.EFI works out without the firmware: archives (read
 * back by the image's own reader), text, the image's headers, memory maps.
 */
#include "cpio.h"
#include "efi.h"
#include "pack.h"
#include "plan.h"

#include "check.h"

#include <uchar.h>

/* --------------------------------------------------------------- archives */

struct in {
    const char *name, *data;
};

static const struct in ins[] = {
    { "a", "" },           { "bootmail.conf", "host x\n" },
    { "attach/b c", "1" }, { "ab", "12" },
    { "abc", "123" },      { "abcd", "1234" },
    { "\xc3\xa4", "x" },
};

static bool pack_all(struct pack *p)
{
    size_t i;
    uint8_t *room;

    for (i = 0; i < sizeof ins / sizeof *ins; i++) {
        size_t len = strlen(ins[i].data);

        if (!pack_file(p, ins[i].name, (uint32_t)len, &room))
            return false;
        if (room != NULL)
            memcpy(room, ins[i].data, len);
    }
    return pack_end(p);
}

static void check_archive(void)
{
    struct pack p = { .cap = 100000 };
    struct cpio c = { 0 };
    struct blob name, data;
    size_t i, len, cap;

    CHECK(pack_all(&p));
    len = p.len;
    p = (struct pack){ .buf = malloc(len), .cap = len };
    CHECK(pack_all(&p));
    CHECK_EQ(p.len, len);
    c.all = blob_of(p.buf, len);
    for (i = 0; i < sizeof ins / sizeof *ins; i++) {
        CHECK_EQ(cpio_next(&c, &name, &data), CPIO_FILE);
        CHECK_MEM(name.p, name.len, ins[i].name, strlen(ins[i].name));
        CHECK_MEM(data.p, data.len, ins[i].data, strlen(ins[i].data));
    }
    CHECK_EQ(cpio_next(&c, &name, &data), CPIO_END);
    free(p.buf);
    for (cap = 0; cap < len; cap++) { /* one byte too few, anywhere */
        p = (struct pack){ .buf = malloc(cap + 1), .cap = cap };
        CHECK(!pack_all(&p));
        CHECK(p.len <= cap);
        free(p.buf);
    }
}

/* ------------------------------------------------------------------- text */

struct text {
    const char16_t *from;
    const char *to; /* NULL: refused */
};

static const struct text texts[] = {
    { u"", "" },
    { u"message", "message" },
    { u"\u00e4\u20ac", "\xc3\xa4\xe2\x82\xac" },
    { u"\xd83d\xde00", "\xf0\x9f\x98\x80" },
    { u"\xd83d", NULL },
    { u"\xd83dx", NULL },
    { u"\xde00", NULL },
    { u"sixteen bytes...", NULL }, /* no room for its NUL */
};

static void check_text(void)
{
    size_t i, n;

    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        char to[16];
        bool ok;

        for (n = 0; texts[i].from[n] != 0;)
            n++;
        ok = pack_text((const uint16_t *)texts[i].from, n + 1, to, sizeof to);
        CHECK_EQ(ok, texts[i].to != NULL);
        if (ok && texts[i].to != NULL)
            CHECK_STR(to, texts[i].to);
        /* without its end it is none */
        CHECK(!pack_text((const uint16_t *)texts[i].from, n, to, sizeof to));
    }
}

struct option {
    const void *bytes;
    size_t size;
    const char *to; /* NULL: too long */
};

static void check_options(void)
{
    static const uint8_t guid[16] = { 0x4e, 0xac, 0x08, 0x81, 0x11, 0x9f,
                                      0x59, 0x4d, 0x85, 0x0e, 0xe2, 0x1a,
                                      0x52, 0x2c, 0x59, 0xb2 };
    static const struct option options[] = {
        { NULL, 0, "" },
        { NULL, 8, "" },
        { guid, sizeof guid, "" },
        { u"", 2, "" },
        { u"host=a", 14, "host=a" },
        { u"host=a", 12, "host=a" }, /* no 0 at the end */
        { u"host=a", 13, "" },
        { u"\\EFI\\BOOT\\BOOTX64.EFI host=a b=c", 66, " host=a b=c" },
        { u"fs0:x.efi", 20, "" },
        { u"x.efis a", 18, "x.efis a" },
        { u"host=\u00e4", 14, "" },
        { u"123456789012345678901234", 50, NULL },
        { u"1234567890123456789012.efi 3", 58, " 3" },
    };
    size_t i;

    for (i = 0; i < sizeof options / sizeof *options; i++) {
        const struct option *o = &options[i];
        uint8_t *exact = o->bytes != NULL ? malloc(o->size) : NULL;
        char to[24];
        bool ok;

        if (exact != NULL)
            memcpy(exact, o->bytes, o->size);
        ok = pack_options(exact, o->size, to, sizeof to);
        CHECK_EQ(ok, o->to != NULL);
        if (ok && o->to != NULL)
            CHECK_STR(to, o->to);
        free(exact);
    }
}

/* ------------------------------------------------------------- the image */

struct elf {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
    struct {
        uint32_t type, flags;
        uint64_t offset, vaddr, paddr, filesz, memsz, align;
    } p[3];
    uint32_t note[6];
    uint8_t text[32];
};

static struct elf good(void)
{
    struct elf e = {
        .ident = "\177ELF\2\1",
        .type = 2,
        .machine = 62,
        .phoff = offsetof(struct elf, p),
        .phentsize = 56,
        .phnum = 3,
        .note = { 4, 8, 18, 0x6e6558, 0x100010, 0 },
    };

    e.p[0].type = 1;
    e.p[0].offset = offsetof(struct elf, text);
    e.p[0].paddr = 0x100000;
    e.p[0].filesz = 32;
    e.p[0].memsz = 32;
    e.p[1] = e.p[0];
    e.p[1].paddr = 0x101000;
    e.p[1].filesz = 8;
    e.p[1].memsz = 0x2000;
    e.p[2].type = 4;
    e.p[2].offset = offsetof(struct elf, note);
    e.p[2].filesz = 24;
    return e;
}

static bool plan_of(const struct elf *e, size_t len, struct plan *p)
{
    uint8_t *exact = malloc(len);
    bool ok;

    memcpy(exact, e, len);
    ok = plan_image(exact, len, p);
    free(exact);
    return ok;
}

static void check_image(void)
{
    struct elf e = good();
    struct plan p;
    size_t n;

    CHECK(plan_of(&e, sizeof e, &p));
    CHECK_EQ(p.entry, 0x100010);
    CHECK_EQ(p.start, 0x100000);
    CHECK_EQ(p.end, 0x103000);
    CHECK_EQ(p.count, 2);
    CHECK_EQ(p.parts[1].to, 0x101000);
    CHECK_EQ(p.parts[1].len, 8);
    CHECK_EQ(p.parts[1].zero, 0x1ff8);
    for (n = 0; n < sizeof e; n++)
        CHECK(!plan_of(&e, n, &p));
}

#define REFUSED(change)                    \
    do {                                   \
        struct elf e = good();             \
        struct plan p;                     \
        change;                            \
        CHECK(!plan_of(&e, sizeof e, &p)); \
    } while (false)

static void check_bad_images(void)
{
    REFUSED(e.ident[4] = 1);
    REFUSED(e.machine = 3);
    REFUSED(e.phentsize = 32);
    REFUSED(e.phnum = 17);
    REFUSED(e.phnum = 0);
    REFUSED(e.phoff = UINT64_MAX - 8);
    REFUSED(e.p[0].offset = UINT64_MAX);
    REFUSED(e.p[0].filesz = 33);
    REFUSED(e.p[1].memsz = 7);
    REFUSED(e.p[1].memsz = 0xffffffff);
    REFUSED(e.p[1].paddr = UINT64_MAX - 4);
    REFUSED(e.p[2].filesz = 19);
    REFUSED(e.p[2].offset = UINT64_MAX);
    REFUSED(e.note[2] = 17);
    REFUSED(e.note[3] = 0);
    REFUSED(e.note[4] = 0xfffff);
    REFUSED(e.note[4] = 0x103000);
}

/* ------------------------------------------------------------- memory map */

/* A map as firmware gives it: entries longer than we know, not sorted. */
static void check_map(void)
{
    static const struct efi_memory in[] = {
        { EFI_CONVENTIONAL, 0, 0x200000, 0, 16, 0 },
        { EFI_BOOT_DATA, 0, 0x100000, 0, 256, 0 },
        { EFI_LOADER_DATA, 0, 0x1000, 0, 4, 0 },
        { 0 /* reserved */, 0, 0x5000, 0, 1, 0 },
        { 9 /* ACPI */, 0, 0x210000, 0, 1, 0 },
        { EFI_LOADER_CODE, 0, 0x211000, 0, 1, 0 },
        { EFI_CONVENTIONAL, 0, 0x300000, 0, 0, 0 },
        { EFI_CONVENTIONAL, 0, 0x300000, 0, UINT64_MAX / 4096, 0 },
        { EFI_CONVENTIONAL, 0, UINT64_MAX - 4095, 0, 1, 0 },
    };
    struct loader_range out[8];
    uint8_t bytes[sizeof in / sizeof *in * 56] = { 0 };
    size_t i, n;

    for (i = 0; i < sizeof in / sizeof *in; i++)
        memcpy(bytes + i * 56, &in[i], sizeof in[i]);
    n = plan_ranges(bytes, sizeof in / sizeof *in, 56, plan_usable, out, 8);
    CHECK_EQ(n, 3);
    CHECK_EQ(out[0].start, 0x1000);
    CHECK_EQ(out[0].len, 0x4000);
    CHECK_EQ(out[1].start, 0x100000);
    CHECK_EQ(out[1].len, 0x110000);
    CHECK_EQ(out[2].start, 0x211000);
    CHECK_EQ(out[2].type, LOADER_RAM);
    CHECK(plan_covers(out, n, 0x100000, 0x210000));
    CHECK(!plan_covers(out, n, 0x100000, 0x210001));
    CHECK(!plan_covers(out, n, 0xfffff, 0x200000));
    CHECK(!plan_covers(out, n, 0x200000, 0x200000));
    CHECK_EQ(plan_ranges(bytes, 6, 56, plan_usable, out, 2), 0);
    CHECK_EQ(plan_ranges(bytes, 9, 56, plan_left_behind, out, 8), 1);
}

static const struct check_case cases[] = {
    { "archive", check_archive },       { "text", check_text },
    { "options", check_options },       { "image", check_image },
    { "bad-images", check_bad_images }, { "map", check_map },
};

CHECK_MAIN(cases)
