/*
 * base64.c - RFC 4648 section 4. See base64.h.
 */
#include "base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_len(size_t n)
{
    return (n + 2) / 3 * 4;
}

void base64_group(char to[4], const uint8_t *from, size_t n)
{
    uint32_t bits = (uint32_t)from[0] << 16;

    if (n > 1)
        bits |= (uint32_t)from[1] << 8;
    if (n > 2)
        bits |= from[2];
    to[0] = alphabet[bits >> 18];
    to[1] = alphabet[bits >> 12 & 63];
    to[2] = n > 1 ? alphabet[bits >> 6 & 63] : '=';
    to[3] = n > 2 ? alphabet[bits & 63] : '=';
}

size_t base64_encode(char *to, const uint8_t *from, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i += 3, used += 4)
        base64_group(to + used, from + i, n - i);
    return used;
}

/* The value of a character, 64 for anything else. */
static uint32_t value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_decode(uint8_t *to, size_t *len, const char *from, size_t n)
{
    size_t used = 0;

    if (n % 4 != 0)
        return false;
    for (size_t i = 0; i < n; i += 4) {
        size_t pad = 0;
        uint32_t bits = 0;

        if (i + 4 == n)
            pad = from[i + 3] != '=' ? 0 : from[i + 2] != '=' ? 1 : 2;
        for (size_t k = 0; k < 4; k++) {
            uint32_t v = k + pad >= 4 ? 0 : value(from[i + k]);

            if (v > 63)
                return false;
            bits = bits << 6 | v;
        }
        if ((bits & ((UINT32_C(1) << 8 * pad) - 1)) != 0)
            return false;
        for (size_t k = 0; k < 3 - pad; k++)
            to[used++] = (uint8_t)(bits >> (16 - 8 * k));
    }
    *len = used;
    return true;
}
