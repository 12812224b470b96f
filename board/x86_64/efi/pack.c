/*
 * pack.c - the archive format newc (cpio(5)) and UEFI's UTF-16 text.
 */
#include "pack.h"

#include <string.h>

#define HEADER    110
#define MODE_FILE 0100600u

static bool put(struct pack *p, const void *bytes, size_t len)
{
    if (len > p->cap - p->len)
        return false;
    if (p->buf != NULL && len != 0) {
        if (bytes != NULL)
            memcpy(p->buf + p->len, bytes, len);
        else
            memset(p->buf + p->len, 0, len);
    }
    p->len += len;
    return true;
}

static bool align(struct pack *p)
{
    return put(p, NULL, (4 - p->len % 4) % 4);
}

static void hex(char out[8], uint32_t v)
{
    static const char digits[] = "0123456789ABCDEF";
    int i;

    for (i = 7; i >= 0; i--, v >>= 4)
        out[i] = digits[v & 15];
}

/* magic, inode, mode, uid, gid, links, mtime, size, device and special
 * device (major, minor), length of the name, checksum */
static bool header(struct pack *p, const char *name, uint32_t mode,
                   uint32_t size)
{
    uint32_t name_size = (uint32_t)strlen(name) + 1;
    const uint32_t fields[13] = { 0, mode, 0, 0, 1,         0, size,
                                  0, 0,    0, 0, name_size, 0 };
    char h[HEADER];
    int i;

    memcpy(h, "070701", 6);
    for (i = 0; i < 13; i++)
        hex(h + 6 + 8 * i, fields[i]);
    return put(p, h, sizeof h) && put(p, name, name_size) && align(p);
}

bool pack_file(struct pack *p, const char *name, uint32_t size, uint8_t **room)
{
    size_t at;

    if (!header(p, name, MODE_FILE, size))
        return false;
    at = p->len;
    if (size > p->cap - p->len)
        return false;
    p->len += size;
    *room = p->buf != NULL ? p->buf + at : NULL;
    return align(p);
}

bool pack_end(struct pack *p)
{
    return header(p, "TRAILER!!!", 0, 0);
}

/* One code point as UTF-8; bytes, at most 4. */
static size_t utf8(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (c & 63));
    return 4;
}

bool pack_text(const uint16_t *from, size_t max, char *to, size_t cap)
{
    size_t i, len = 0, n;
    uint8_t bytes[4];
    uint32_t c;

    for (i = 0; i < max && from[i] != 0; i++) {
        c = from[i];
        if (c >= 0xd800 && c < 0xe000) {
            if (c >= 0xdc00 || i + 1 == max || from[i + 1] < 0xdc00 ||
                from[i + 1] >= 0xe000)
                return false;
            c = 0x10000 + ((c - 0xd800) << 10) + (from[++i] - 0xdc00u);
        }
        n = utf8(c, bytes);
        if (len + n >= cap)
            return false;
        memcpy(to + len, bytes, n);
        len += n;
    }
    if (i == max || len >= cap)
        return false;
    to[len] = '\0';
    return true;
}

/* All printable ASCII up to a 0 or the end: units, or -1. */
static long text_length(const uint8_t *p, size_t size)
{
    size_t i;

    if (size % 2 != 0)
        return -1;
    for (i = 0; i + 1 < size; i += 2) {
        if (p[i] == 0 && p[i + 1] == 0)
            break;
        if (p[i + 1] != 0 || p[i] < 0x20 || p[i] > 0x7e)
            return -1;
    }
    return (long)(i / 2);
}

static bool ends_in_efi(const uint8_t *p, size_t units)
{
    static const char tail[] = ".efi";
    size_t i;

    if (units < 4)
        return false;
    for (i = 0; i < 4; i++)
        if ((p[2 * (units - 4 + i)] | 0x20) != (uint8_t)(tail[i] | 0x20))
            return false;
    return true;
}

bool pack_options(const void *options, size_t size, char *to, size_t cap)
{
    const uint8_t *p = options;
    long units = options != NULL ? text_length(p, size) : -1;
    size_t i, word = 0, count;

    to[0] = '\0';
    if (units < 0)
        return true;
    count = (size_t)units;
    while (word < count && p[2 * word] != ' ')
        word++;
    if (!ends_in_efi(p, word))
        word = 0;
    if (count - word >= cap)
        return false;
    for (i = word; i < count; i++)
        to[i - word] = (char)p[2 * i];
    to[count - word] = '\0';
    return true;
}
