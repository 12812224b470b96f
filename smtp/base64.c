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
        base64_group(to + used, from + i, n - i < 3 ? n - i : 3);
    return used;
}
