/*
 * cpio.c - the "newc" format (070701, and 070702 with its checksum), as the
 * Linux kernel documents it for initial RAM file systems
 * (buffer-format.rst): archives one behind the other, zero bytes between
 * them.
 *
 * Anybody may have written the bytes: every number is checked against what
 * is left before it is used, and an archive without its trailer is an error,
 * since half a configuration must not be taken for a whole one. Directories,
 * links and devices are skipped, and so is a hard link that carries no
 * bytes. Compressed archives are recognised and refused by name.
 */
#include "cpio.h"

enum {
    /* offsets of the header's 8-digit fields */
    H_MODE = 14,
    H_NLINK = 38,
    H_FILESIZE = 54,
    H_NAMESIZE = 94,
    H_CHECK = 102,
    H_SIZE = 110,

    MODE_TYPE = 0170000,
    MODE_FILE = 0100000,
    NAME_MAX_BYTES = 4096, /* Linux's PATH_MAX */
};

struct header {
    uint32_t mode, nlink, filesize, namesize, check;
    bool checked; /* 070702 */
};

static const struct {
    const char *magic, *why;
    size_t len;
} refused[] = {
    { "\x1f\x8b", "it is compressed with gzip: unpack it first", 2 },
    { "BZh", "it is compressed with bzip2: unpack it first", 3 },
    { "\xfd"
      "7zXZ\0",
      "it is compressed with xz: unpack it first", 6 },
    { "\x28\xb5\x2f\xfd", "it is compressed with zstd: unpack it first", 4 },
    { "\x04\x22\x4d\x18", "it is compressed with lz4: unpack it first", 4 },
    { "\x02\x21\x4c\x18", "it is compressed with lz4: unpack it first", 4 },
    { "\x89LZO", "it is compressed with lzop: unpack it first", 4 },
    { "\x5d\x00\x00", "it is compressed with lzma: unpack it first", 3 },
    { "070707", "it is cpio's old portable format: use cpio -H newc", 6 },
    { "\xc7\x71", "it is cpio's old binary format: use cpio -H newc", 2 },
    { "\x71\xc7", "it is cpio's old binary format: use cpio -H newc", 2 },
};

static enum cpio_result bad(struct cpio *c, size_t at, const char *why)
{
    c->why = why;
    c->bad_at = at;
    return CPIO_BAD;
}

static bool begins(struct blob b, const void *magic, size_t len)
{
    return b.len >= len && memcmp(b.p, magic, len) == 0;
}

/* Eight hexadecimal digits, both cases; no sign, no blank. */
static bool hex8(const uint8_t *p, uint32_t *out)
{
    uint32_t v = 0;

    for (size_t i = 0; i < 8; i++) {
        uint8_t c = p[i];

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v << 4 | (uint32_t)(c - 'A' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

static bool read_header(const uint8_t *p, struct header *h)
{
    h->checked = p[5] == '2';
    return hex8(p + H_MODE, &h->mode) && hex8(p + H_NLINK, &h->nlink) &&
           hex8(p + H_FILESIZE, &h->filesize) &&
           hex8(p + H_NAMESIZE, &h->namesize) && hex8(p + H_CHECK, &h->check);
}

static const char *why_no_magic(struct blob rest)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (begins(rest, refused[i].magic, refused[i].len))
            return refused[i].why;
    }
    return rest.len < 6 ? "the header is cut short"
                        : "there is no cpio \"newc\" header";
}

/* Offset of the next multiple of 4 (headers and contents start there), or
 * the end if the padding of the last entry is missing. n <= all.len. */
static size_t align(const struct cpio *c, size_t n)
{
    size_t pad = (4 - n % 4) % 4;

    return c->all.len - n < pad ? c->all.len : n + pad;
}

/* The 070702 checksum: the sum of the bytes. */
static bool sum_is(struct blob data, uint32_t want)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < data.len; i++)
        sum += data.p[i];
    return sum == want;
}

bool cpio_clean_name(struct blob *name)
{
    const uint8_t *p = name->p;
    size_t len = name->len, start = 0;

    while (len != 0) {
        size_t skip;

        if (p[0] == '/')
            skip = 1;
        else if (begins(blob_of(p, len), "./", 2))
            skip = 2;
        else
            break;
        p += skip;
        len -= skip;
    }
    for (size_t i = 0; i <= len; i++) {
        if (i != len && p[i] != '/')
            continue;
        if (i - start == 2 && memcmp(p + start, "..", 2) == 0)
            return false;
        start = i + 1;
    }
    *name = blob_of(p, len);
    return len != 0;
}

/* Zero bytes stand between archives and behind the last one. */
static void skip_zeros(struct cpio *c)
{
    while (c->at < c->all.len && c->all.p[c->at] == 0)
        c->at++;
}

/* One entry of any kind: its header, its name without the NUL, its bytes.
 * CPIO_FILE: it is whole, and c->at stands behind it. */
static enum cpio_result entry(struct cpio *c, struct header *h,
                              struct blob *name, struct blob *data)
{
    struct blob rest = blob_of(c->all.p + c->at, c->all.len - c->at);
    size_t at = c->at;

    if (at % 4 != 0)
        return bad(c, at, "an entry does not start at a multiple of 4");
    if (!begins(rest, "070701", 6) && !begins(rest, "070702", 6))
        return bad(c, at, why_no_magic(rest));
    if (rest.len < H_SIZE)
        return bad(c, at, "the header is cut short");
    if (!read_header(rest.p, h))
        return bad(c, at, "the header holds something else than digits");
    at += H_SIZE;
    if (h->namesize < 1 || h->namesize > NAME_MAX_BYTES)
        return bad(c, at, "the name's length is impossible");
    if (h->namesize > c->all.len - at)
        return bad(c, at, "the name is cut short");
    *name = blob_of(c->all.p + at, h->namesize - 1);
    if (c->all.p[at + name->len] != 0 ||
        (name->len != 0 && memchr(name->p, 0, name->len) != NULL))
        return bad(c, at, "the name does not end where it says");
    at = align(c, at + h->namesize);
    if (h->filesize > c->all.len - at)
        return bad(c, at, "the file is cut short");
    *data = blob_of(c->all.p + at, h->filesize);
    c->at = align(c, at + h->filesize);
    return CPIO_FILE;
}

enum cpio_result cpio_next(struct cpio *c, struct blob *name, struct blob *data)
{
    struct header h;

    while (c->why == NULL) {
        size_t at;

        if (!c->in_archive)
            skip_zeros(c);
        at = c->at;
        if (at == c->all.len) {
            if (c->in_archive)
                return bad(c, at, "the archive ends without its trailer");
            return CPIO_END;
        }
        if (entry(c, &h, name, data) == CPIO_BAD)
            return CPIO_BAD;
        c->in_archive = !blob_eq(*name, blob_str("TRAILER!!!"));
        if (!c->in_archive || (h.mode & MODE_TYPE) != MODE_FILE ||
            (h.nlink > 1 && h.filesize == 0))
            continue;
        if (!cpio_clean_name(name))
            return bad(c, at, "a file's name is empty or holds \"..\"");
        if (h.checked && !sum_is(*data, h.check))
            return bad(c, at, "a file's checksum is wrong");
        return CPIO_FILE;
    }
    return CPIO_BAD;
}
