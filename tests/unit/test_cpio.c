/* sources: kernel/cpio.c */
/* includes: kernel */
/*
 * test_cpio.c - archives good and bad. Each is parsed from a heap block of
 * exactly its size, so that the sanitizer sees any byte read past the end.
 */
#include "cpio.h"

#include "check.h"

#define FILE_MODE 0100644u

static uint8_t ar[8192];
static size_t ar_len;

static void pad(size_t to)
{
    while (ar_len % to != 0)
        ar[ar_len++] = 0;
}

struct entry {
    const char *name;
    size_t name_len; /* with the NUL */
    uint32_t mode, nlink, size, check;
    const char *magic;
};

static size_t put(struct entry e, const char *data)
{
    size_t start = ar_len;

    ar_len += (size_t)snprintf((char *)ar + ar_len, 111,
                               "%s%08X%08x%08X%08X%08X%08X%08x%08X%08X%08X"
                               "%08X%08zX%08X",
                               e.magic, 1u, e.mode, 0u, 0u, e.nlink, 0u, e.size,
                               0u, 0u, 0u, 0u, e.name_len, e.check);
    memcpy(ar + ar_len, e.name, e.name_len);
    ar_len += e.name_len;
    pad(4);
    memcpy(ar + ar_len, data, e.size);
    ar_len += e.size;
    pad(4);
    return start;
}

static struct entry file(const char *name, const char *data)
{
    struct entry e = { name,    strlen(name) + 1,       FILE_MODE,
                       1,       (uint32_t)strlen(data), 0,
                       "070701" };

    return e;
}

static size_t put_file(const char *name, const char *data)
{
    return put(file(name, data), data);
}

static void put_end(void)
{
    (void)put_file("TRAILER!!!", "");
}

static void begin(void)
{
    memset(ar, 0, sizeof(ar));
    ar_len = 0;
}

/* Parses the first len bytes; writes "name=data;" for each file, then "end"
 * or "bad@OFFSET: why". */
static char *parse(size_t len)
{
    static char out[8192];
    uint8_t *copy = malloc(len != 0 ? len : 1);
    struct cpio c = { .all = blob_of(copy, len) };
    struct blob name, data;
    enum cpio_result r;
    size_t at = 0;

    memcpy(copy, ar, len);
    while ((r = cpio_next(&c, &name, &data)) == CPIO_FILE) {
        CHECK(data.p != NULL);
        at += (size_t)snprintf(out + at, sizeof(out) - at, "%.*s=%.*s;",
                               (int)name.len, (const char *)name.p,
                               (int)data.len, (const char *)data.p);
    }
    if (r == CPIO_END)
        snprintf(out + at, sizeof(out) - at, "end");
    else
        snprintf(out + at, sizeof(out) - at, "bad@%zu: %s", c.bad_at, c.why);
    /* the answer stays */
    CHECK_EQ(cpio_next(&c, &name, &data), r);
    free(copy);
    return out;
}

static void good(void)
{
    begin();
    CHECK_STR(parse(0), "end");
    (void)put_file("a", "1");
    (void)put_file("./bb", "22");
    (void)put_file("./../x", "");
    CHECK_STR(parse(ar_len),
              "a=1;bb=22;bad@236: a file's name is empty or holds \"..\"");

    begin();
    (void)put_file("bootmail.conf", "host x\n");
    (void)put_file("/attach/1", "");
    (void)put_file(".//././/e..f", "333");
    (void)put_file("dot.", "4444");
    put_end();
    CHECK_STR(parse(ar_len),
              "bootmail.conf=host x\n;attach/1=;e..f=333;dot.=4444;end");
    pad(512);
    CHECK_STR(parse(ar_len),
              "bootmail.conf=host x\n;attach/1=;e..f=333;dot.=4444;end");
}

static void several_archives(void)
{
    begin();
    (void)put_file("a", "1");
    put_end();
    pad(512);
    (void)put_file("a", "2");
    put_end();
    put_end();
    CHECK_STR(parse(ar_len), "a=1;a=2;end");
    memset(ar, 0, sizeof(ar));
    CHECK_STR(parse(1021), "end");
}

static void skips(void)
{
    struct entry e = file("attach", "");

    begin();
    e.mode = 040755;
    (void)put(e, "");
    e = file("link", "target");
    e.mode = 0120777;
    (void)put(e, "target");
    e = file("../dev/null", "");
    e.mode = 020666;
    (void)put(e, "");
    e = file("hard1", "");
    e.nlink = 2;
    (void)put(e, "");
    e = file("hard2", "data");
    e.nlink = 2;
    (void)put(e, "data");
    put_end();
    CHECK_STR(parse(ar_len), "hard2=data;end");
}

static void names(void)
{
    static const char *const refused[] = { "",       "/",    "./",     "..",
                                           "../a",   "a/..", "a/../b", "/..",
                                           "./../b", ".//" };
    static const char *const fine[] = { "a",       "...",   "..a", "a..",
                                        "a/.../b", "a/b/c", "." };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct blob b = blob_str(refused[i]);

        if (!CHECK(!cpio_clean_name(&b)))
            printf("  name \"%s\"\n", refused[i]);
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        struct blob b = blob_str(fine[i]);

        CHECK(cpio_clean_name(&b));
        CHECK_MEM(b.p, b.len, fine[i], strlen(fine[i]));
    }
}

static void bad_fields(void)
{
    struct entry e;
    char *s;

    begin();
    e = file("a", "1");
    e.name_len = 1;
    (void)put(e, "1");
    CHECK_STR(parse(ar_len), "bad@110: the name does not end where it says");

    begin();
    e = file("a\0b", "1");
    e.name_len = 4;
    (void)put(e, "1");
    CHECK_STR(parse(ar_len), "bad@110: the name does not end where it says");

    begin();
    (void)put_file("a", "1");
    memcpy(ar + 94, "00000000", 8);
    CHECK_STR(parse(ar_len), "bad@110: the name's length is impossible");
    memcpy(ar + 94, "FFFFFFFF", 8);
    CHECK_STR(parse(ar_len), "bad@110: the name's length is impossible");
    memcpy(ar + 94, "00001000", 8);
    CHECK_STR(parse(ar_len), "bad@110: the name is cut short");
    memcpy(ar + 94, "00000002", 8);
    memcpy(ar + 54, "FFFFFFFF", 8);
    CHECK_STR(parse(ar_len), "bad@112: the file is cut short");
    memcpy(ar + 54, "00000005", 8);
    CHECK_STR(parse(ar_len), "bad@112: the file is cut short");
    memcpy(ar + 54, "0000000g", 8);
    CHECK_STR(parse(ar_len),
              "bad@0: the header holds something else than digits");
    memcpy(ar + 54, "00000-01", 8);
    s = parse(ar_len);
    CHECK_STR(s, "bad@0: the header holds something else than digits");

    begin();
    (void)put_file("a", "1");
    put_end();
    ar_len += 2;
    ar[ar_len++] = 'x';
    CHECK_STR(parse(ar_len),
              "a=1;bad@242: an entry does not start at a multiple of 4");
}

static void checksum(void)
{
    struct entry e = file("a", "12");

    begin();
    e.magic = "070702";
    e.check = '1' + '2';
    (void)put(e, "12");
    put_end();
    CHECK_STR(parse(ar_len), "a=12;end");
    ar[112] ^= 1;
    CHECK_STR(parse(ar_len), "bad@0: a file's checksum is wrong");
}

static void refused(const char *head, size_t len, const char *want)
{
    begin();
    memcpy(ar, head, len);
    CHECK_STR(parse(600), want);
}

static void compressed(void)
{
    refused("\x1f\x8b\x08", 3,
            "bad@0: it is compressed with gzip: unpack it first");
    refused("BZh9", 4, "bad@0: it is compressed with bzip2: unpack it first");
    refused("\xfd"
            "7zXZ\0",
            6, "bad@0: it is compressed with xz: unpack it first");
    refused("\x28\xb5\x2f\xfd", 4,
            "bad@0: it is compressed with zstd: unpack it first");
    refused("\x04\x22\x4d\x18", 4,
            "bad@0: it is compressed with lz4: unpack it first");
    refused("070707", 6,
            "bad@0: it is cpio's old portable format: use cpio -H newc");
    refused("MZ\x90", 3, "bad@0: there is no cpio \"newc\" header");
}

/* Cut anywhere, an archive is an error, except where nothing but the zero
 * bytes behind its trailer is missing. */
static void every_cut(void)
{
    size_t whole;

    begin();
    (void)put_file("bootmail.conf", "host mail.example\n");
    (void)put_file("attach/file", "some bytes");
    put_end();
    whole = ar_len;
    pad(512);
    /* the trailer's name has 3 bytes of padding behind it */
    for (size_t len = 1; len <= ar_len; len++) {
        bool ends = strstr(parse(len), "end") != NULL &&
                    strstr(parse(len), "bad@") == NULL;

        if (!CHECK_EQ(ends, len > whole - 4))
            printf("  cut at %zu of %zu\n", len, whole);
    }
}

/* No byte of the archive, changed to anything, makes the parser leave it. */
static void every_byte(void)
{
    uint64_t rnd = check_seed;

    begin();
    (void)put_file("bootmail.conf", "host mail.example\n");
    (void)put_file("attach/file", "some bytes");
    put_end();
    for (size_t at = 0; at < ar_len; at++) {
        uint8_t was = ar[at];

        for (unsigned v = 0; v < 256; v++) {
            ar[at] = (uint8_t)v;
            CHECK(parse(ar_len)[0] != '\0');
        }
        ar[at] = was;
    }
    for (unsigned n = 0; n < 100000; n++) {
        uint8_t keep[512];

        memcpy(keep, ar, ar_len);
        for (unsigned k = check_random(&rnd) % 6; k > 0; k--) {
            size_t at = check_random(&rnd) % ar_len;

            ar[at] =
                (uint8_t) "0123456789abcdefABCDEF\0z"[check_random(&rnd) % 24];
        }
        CHECK(parse(ar_len - check_random(&rnd) % 8)[0] != '\0');
        memcpy(ar, keep, ar_len);
    }
}

static const struct check_case cases[] = {
    { "good", good },
    { "several_archives", several_archives },
    { "skips", skips },
    { "names", names },
    { "bad_fields", bad_fields },
    { "checksum", checksum },
    { "compressed", compressed },
    { "every_cut", every_cut },
    { "every_byte", every_byte },
};

CHECK_MAIN(cases)
