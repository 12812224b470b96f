/* sources: kernel/files.c kernel/cpio.c kernel/fwcfg.c kernel/smbios.c */
/* includes: kernel board */
/*
 * test_files.c - which source wins, and what is wiped.
 */
#include "files.h"

#include "board.h"
#include "check.h"
#include "fwcfg.h"

/* one newc entry with 4 bytes of contents */
#define ENTRY(name_hex, name, pad, data) \
    "070701"                             \
    "00000001"                           \
    "000081A4"                           \
    "00000000"                           \
    "00000000"                           \
    "00000001"                           \
    "00000000"                           \
    "00000004"                           \
    "00000000"                           \
    "00000000"                           \
    "00000000"                           \
    "00000000" name_hex "00000000" name pad data
#define TRAILER  \
    "070701"     \
    "00000000"   \
    "00000000"   \
    "00000000"   \
    "00000000"   \
    "00000001"   \
    "00000000"   \
    "00000000"   \
    "00000000"   \
    "00000000"   \
    "00000000"   \
    "00000000"   \
    "0000000B"   \
    "00000000"   \
    "TRAILER!!!" \
    "\0\0\0"

/* The symbols the build provides: one object, so that the end is its end. */
__asm__(".section .rodata\n"
        ".globl files_builtin, files_builtin_end\n"
        "files_builtin: .ascii \""
        "070701"
        "00000001"
        "000081A4"
        "00000000"
        "00000000"
        "00000001"
        "00000000"
        "00000004"
        "00000000"
        "00000000"
        "00000000"
        "00000000"
        "00000002"
        "00000000"
        "a"
        "\\000"
        "BBBB\"\n"
        ".ascii \""
        "070701"
        "00000001"
        "000081A4"
        "00000000"
        "00000000"
        "00000001"
        "00000000"
        "00000004"
        "00000000"
        "00000000"
        "00000000"
        "00000000"
        "00000002"
        "00000000"
        "c"
        "\\000"
        "bbbb\"\n"
        ".ascii \""
        "070701"
        "00000000"
        "00000000"
        "00000000"
        "00000000"
        "00000001"
        "00000000"
        "00000000"
        "00000000"
        "00000000"
        "00000000"
        "00000000"
        "0000000B"
        "00000000"
        "TRAILER!!!"
        "\\000\\000\\000\\000\"\n"
        "files_builtin_end: .byte 0\n"
        ".previous\n");

static const char plain[] = ENTRY("00000002", "a", "\0", "I--1")
    ENTRY("00000002", "s", "\0", "old.") ENTRY("00000002", "a", "\0", "I--2")
        ENTRY("00000002", "s", "\0", "new.") TRAILER;

static uint8_t initrd[70000];
static struct board_info info;
static bool has_fwcfg;
static uint16_t selected;
static size_t offset;
static uint8_t pages[4][4096];
static size_t pages_used;

const struct board_info *board_info(void)
{
    return &info;
}

void *board_pages(size_t bytes)
{
    return bytes <= 4096 && pages_used < 4 ? pages[pages_used++] : NULL;
}

static const void *wiped;
static size_t wiped_len, wipes;

void board_wipe(const void *p, size_t len)
{
    wiped = p;
    wiped_len = len;
    wipes++;
    memset(initrd + ((const uint8_t *)p - initrd), 0, len);
}

static void fake_select(uint16_t key)
{
    selected = key;
    offset = 0;
}

static const char *fw_name = "opt/org.bootmail/s";

static void fake_read(uint8_t *out, size_t len)
{
    uint8_t d[4 + 64] = { 0, 0, 0, 1, 0, 0, 0, 4, 0, 0x20 };

    memcpy(d + 4 + 8, fw_name, strlen(fw_name));
    for (size_t i = 0; i < len; i++, offset++) {
        if (selected == 0)
            out[i] = (uint8_t) "QEMU"[offset];
        else
            out[i] = selected == 0x19 ? d[offset] : (uint8_t) "f-w-"[offset];
    }
}

static const struct fwcfg_io io = { fake_select, fake_read };

const struct fwcfg_io *board_fwcfg(void)
{
    return has_fwcfg ? &io : NULL;
}

static uint8_t smbios[64];
static size_t smbios_len;

struct blob board_smbios(void)
{
    return blob_of(smbios, smbios_len);
}

static bool init(const void *bytes, size_t len, bool fwcfg,
                 struct files_error *err)
{
    static struct files_error unused;

    memset(initrd, 0, sizeof(initrd));
    memcpy(initrd, bytes, len);
    info.initrd = blob_of(initrd, len);
    has_fwcfg = fwcfg;
    pages_used = 0;
    fw_name = "opt/org.bootmail/s";
    return files_init(err != NULL ? err : &unused);
}

static void is(const char *name, const char *want)
{
    struct blob b = files_get(blob_str(name));

    CHECK_MEM(b.p, b.len, want, strlen(want));
}

static void later_wins(void)
{
    CHECK(init("", 0, false, NULL));
    is("a", "BBBB");
    is("c", "bbbb");
    CHECK(files_get(blob_str("s")).p == NULL);
    CHECK(files_get(blob_str("")).p == NULL);
    CHECK(files_is_builtin(files_get(blob_str("a"))));
    CHECK(!files_is_builtin(files_get(blob_str("s"))));
    CHECK(init(plain, sizeof(plain) - 1, false, NULL));
    CHECK(!files_is_builtin(files_get(blob_str("a"))));
    CHECK(files_is_builtin(files_get(blob_str("c"))));
    is("a", "I--2");
    is("c", "bbbb");
    is("s", "new.");
    CHECK(init(plain, sizeof(plain) - 1, true, NULL));
    is("a", "I--2");
    is("s", "f-w-");
}

static void walks(void)
{
    struct blob name, data;
    size_t at = 0;

    CHECK(init(plain, sizeof(plain) - 1, true, NULL));
    CHECK(files_next(blob_str(""), &at, &name, &data));
    CHECK_MEM(name.p, name.len, "a", 1);
    CHECK_MEM(data.p, data.len, "I--2", 4);
    CHECK(files_next(blob_str(""), &at, &name, &data));
    CHECK_MEM(name.p, name.len, "c", 1);
    CHECK(files_next(blob_str(""), &at, &name, &data));
    CHECK_MEM(name.p, name.len, "s", 1);
    CHECK_MEM(data.p, data.len, "f-w-", 4);
    CHECK(!files_next(blob_str(""), &at, &name, &data));
    CHECK(!files_next(blob_str(""), &at, &name, &data));
    at = 0;
    CHECK(files_next(blob_str("c"), &at, &name, &data));
    CHECK_MEM(name.p, name.len, "c", 1);
    CHECK(!files_next(blob_str("c"), &at, &name, &data));
    at = 0;
    CHECK(!files_next(blob_str("attach/"), &at, &name, &data));
}

/* every copy that lies in RAM, the hidden ones too, and nothing else */
static void wipes_all_copies(void)
{
    static const uint8_t zero[4];

    CHECK(init(plain, sizeof(plain) - 1, true, NULL));
    wipes = 0;
    files_wipe(blob_str("s"));
    CHECK_EQ(wipes, 2);
    CHECK_EQ(wiped_len, 4);
    CHECK_MEM(wiped, 4, zero, 4);
    CHECK(memcmp(pages[1], zero, 4) == 0);
    CHECK_EQ(files_get(blob_str("s")).len, 4);
    is("a", "I--2");
    for (size_t i = 0; i + 4 <= sizeof(initrd); i++) {
        CHECK(memcmp(initrd + i, "old.", 4) != 0);
        CHECK(memcmp(initrd + i, "new.", 4) != 0);
    }
    files_wipe(blob_str("c")); /* a constant: left alone, no fault */
    is("c", "bbbb");
    files_wipe(blob_str("nobody"));
    CHECK_EQ(wipes, 2);
}

/* names, headers and what a malformed archive hid as well */
static void wipes_everything(void)
{
    static const uint8_t zero[sizeof(plain)];

    CHECK(init(plain, sizeof(plain) - 1, true, NULL));
    wipes = 0;
    files_wipe_all();
    CHECK_EQ(wipes, 1);
    CHECK_EQ(wiped_len, sizeof(plain) - 1);
    CHECK_MEM(wiped, sizeof(plain) - 1, zero, sizeof(plain) - 1);
    CHECK(memcmp(pages[1], zero, 4) == 0);
    is("c", "bbbb");

    CHECK(!init(plain, sizeof(plain) - 20, false, NULL));
    files_wipe_all();
    CHECK_MEM(wiped, wiped_len, zero, sizeof(plain) - 20);
    CHECK(init("", 0, false, NULL));
    wipes = 0;
    files_wipe_all();
    CHECK_EQ(wipes, 0);
}

static void errors(void)
{
    struct files_error err;

    CHECK(!init("\x1f\x8b", 2, false, &err));
    CHECK_STR(err.source, "initrd");
    CHECK_EQ(err.offset, 0);
    CHECK_STR(err.why, "it is compressed with gzip: unpack it first");
    CHECK(!init(plain, sizeof(plain) - 5, false, &err));
    CHECK_EQ(err.offset, 4 * 116 + 110);
    CHECK_STR(err.why, "the name is cut short");

    CHECK(init("", 0, true, NULL));
    fw_name = "opt/org.bootmail/../s";
    pages_used = 0;
    CHECK(!files_init(&err));
    CHECK_STR(err.source, "fw_cfg");
    CHECK_STR(err.why, "an item's name is empty or holds \"..\"");
    /* it is in no list that files_wipe_all() goes through */
    CHECK(memcmp(pages[1], "f-w-", 4) != 0);
    fw_name = "opt/org.bootmail/s";
    pages_used = 3;
    CHECK(!files_init(&err));
    CHECK_STR(err.why, "an item is larger than the memory that is left");
}

static void too_many(void)
{
    static const char one[] = ENTRY("00000002", "a", "\0", "....");
    static uint8_t many[sizeof(initrd)];
    size_t n = sizeof(one) - 1, count = FILES_MAX - 2; /* 2 are built in */
    struct files_error err;

    for (size_t i = 0; i < count + 1; i++)
        memcpy(many + i * n, one, n);
    memcpy(many + count * n, TRAILER, sizeof(TRAILER) - 1);
    CHECK(init(many, count * n + sizeof(TRAILER) - 1, false, &err));
    memcpy(many + count * n, one, n);
    count++;
    memcpy(many + count * n, TRAILER, sizeof(TRAILER) - 1);
    CHECK(!init(many, count * n + sizeof(TRAILER) - 1, false, &err));
    CHECK_STR(err.why, "there are too many files");
    CHECK_STR(err.source, "initrd");
}

static void long_name(void)
{
    static char all[1024];
    struct files_error err;
    size_t n = FILES_NAME_MAX + 1;

    for (unsigned extra = 0; extra < 2; extra++) {
        size_t at = 110;

        memset(all, 0, sizeof(all));
        memcpy(all, ENTRY("00000000", "", "", ""), 110);
        snprintf(all + 94, 9, "%08zX", n + extra);
        memcpy(all + 102, "00000000", 8);
        memset(all + at, 'x', n + extra - 1);
        at = (at + n + extra + 3) / 4 * 4;
        memcpy(all + at, "....", 4);
        at += 4;
        memcpy(all + at, TRAILER, sizeof(TRAILER) - 1);
        CHECK_EQ(init(all, at + sizeof(TRAILER) - 1, false, &err), extra == 0);
    }
    CHECK_STR(err.why, "a file's name is too long");
    CHECK_EQ(err.offset, 110);
}

/* Between the initrd and fw_cfg; gone after files_wipe_all(). */
static void credentials(void)
{
    static const char oem[] =
        "\x0b\x05\0\0\1io.systemd.credential:bootmail.s=smbi\0";
    struct files_error err;

    smbios_len = sizeof oem;
    memcpy(smbios, oem, sizeof oem);
    CHECK(init(plain, sizeof(plain) - 1, false, NULL));
    is("s", "smbi");
    CHECK(init(plain, sizeof(plain) - 1, true, NULL));
    is("s", "f-w-");
    files_wipe(blob_str("s"));
    CHECK(memmem(smbios, sizeof smbios, "smbi", 4) == NULL);
    memcpy(smbios, oem, sizeof oem);
    files_wipe_all();
    CHECK(memmem(smbios, sizeof smbios, "smbi", 4) == NULL);
    memcpy(smbios, oem, sizeof oem);
    smbios[1] = 3; /* a structure shorter than its head */
    CHECK(!init("", 0, false, &err));
    CHECK_STR(err.source, "SMBIOS");
    smbios_len = 0;
}

static const struct check_case cases[] = {
    { "credentials", credentials },
    { "later_wins", later_wins },
    { "walks", walks },
    { "wipes_all_copies", wipes_all_copies },
    { "wipes_everything", wipes_everything },
    { "errors", errors },
    { "too_many", too_many },
    { "long_name", long_name },
};

CHECK_MAIN(cases)
