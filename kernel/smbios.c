/*
 * smbios.c - the structure table (DMTF DSP0134, 6.1): a formatted area whose
 * second byte is its length, then strings, each with a NUL, then one NUL more.
 */
#include "smbios.h"

#include <string.h>

enum { HEADER = 4, TYPE_OEM = 11, TYPE_END = 127 };

static const char text_tag[] = "io.systemd.credential:";
static const char binary_tag[] = "io.systemd.credential.binary:";
static const char ours[] = "bootmail.";
static const char conf[] = "conf";
static const char conf_file[] = "bootmail.conf";

static bool starts(const uint8_t *s, size_t len, const char *with)
{
    size_t n = strlen(with);

    return len >= n && memcmp(s, with, n) == 0;
}

static int digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes in place (RFC 4648, 4), white space left out; the padding may be
 * missing. Its new length, or SIZE_MAX: it is not base64. */
static size_t unbase64(uint8_t *s, size_t len)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t i, n = 0;

    while (len != 0 && s[len - 1] == '=')
        len--;
    for (i = 0; i < len; i++) {
        int d = digit(s[i]);

        if (d < 0) {
            if (s[i] == ' ' || s[i] == '\n' || s[i] == '\r')
                continue;
            return SIZE_MAX;
        }
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            s[n++] = (uint8_t)(bits >> have);
        }
    }
    return have == 6 ? SIZE_MAX : n;
}

/* One string; true: go on. */
static bool take(uint8_t *s, size_t len,
                 bool (*found)(void *ctx, struct blob name, struct blob data),
                 void *ctx, const char **why)
{
    bool binary = starts(s, len, binary_tag);
    size_t skip = strlen(binary ? binary_tag : text_tag), n;
    struct blob name;
    uint8_t *equals;

    if (!binary && !starts(s, len, text_tag))
        return true;
    s += skip;
    len -= skip;
    if (!starts(s, len, ours))
        return true;
    s += strlen(ours);
    len -= strlen(ours);
    equals = memchr(s, '=', len);
    *why = "a credential has no \"=\"";
    if (equals == NULL)
        return false;
    name = blob_of(s, (size_t)(equals - s));
    if (blob_eq(name, blob_str(conf)))
        name = blob_str(conf_file);
    n = len - (size_t)(equals + 1 - s);
    *why = "a binary credential is not base64";
    if (binary) {
        size_t coded = n;

        n = unbase64(equals + 1, n);
        if (n == SIZE_MAX)
            return false;
        memset(equals + 1 + n, 0, coded - n); /* the secret's end in base64 */
    }
    *why = "";
    return found(ctx, name, blob_of(equals + 1, n));
}

/* The strings behind a formatted area; *used: bytes up to the next one. */
static bool strings(uint8_t *s, size_t len, bool wanted, size_t *used,
                    bool (*found)(void *ctx, struct blob name,
                                  struct blob data),
                    void *ctx, const char **why)
{
    size_t at = 0;

    for (;;) {
        uint8_t *end = memchr(s + at, '\0', len - at);
        size_t n;

        *why = "the SMBIOS table is cut short";
        if (end == NULL)
            return false;
        n = (size_t)(end - (s + at));
        if (n == 0) /* without any string there are two */
            break;
        if (wanted && !take(s + at, n, found, ctx, why))
            return false;
        at += n + 1;
    }
    at += at == 0 ? 2 : 1;
    *used = at < len ? at : len;
    return true;
}

bool smbios_each(uint8_t *table, size_t len,
                 bool (*found)(void *ctx, struct blob name, struct blob data),
                 void *ctx, const char **why)
{
    size_t at = 0, used;
    uint8_t type, size;

    while (len - at >= HEADER) {
        type = table[at];
        size = table[at + 1];
        *why = "the SMBIOS table is cut short";
        if (size < HEADER || size > len - at)
            return false;
        if (type == TYPE_END)
            return true;
        at += size;
        if (!strings(table + at, len - at, type == TYPE_OEM, &used, found, ctx,
                     why))
            return false;
        at += used;
    }
    return true;
}
