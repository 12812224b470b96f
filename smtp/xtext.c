/*
 * xtext.c - RFC 3461 section 4. See xtext.h.
 *
 * The digits are upper case by the letter of the RFC; lower case is read too.
 */
#include "xtext.h"

static bool plain(char c)
{
    return c > 0x20 && c < 0x7f && c != '+' && c != '=';
}

void xtext_put(struct text *t, struct smtp_str s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        uint8_t byte = (uint8_t)s.p[i];
        char hex[3] = { '+', digits[byte >> 4], digits[byte & 15] };

        if (plain(s.p[i]))
            text_mem(t, s.p + i, 1);
        else
            text_mem(t, hex, sizeof hex);
    }
}

/* The value of a hexadecimal digit, 16 for anything else. */
static unsigned value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return 16;
}

bool xtext_decode(struct smtp_str s, char *to, size_t cap, size_t *len)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++, n++) {
        unsigned byte = (uint8_t)s.p[i];

        if (n == cap)
            return false;
        if (s.p[i] == '+') {
            if (s.len - i < 3 || value(s.p[i + 1]) > 15 ||
                value(s.p[i + 2]) > 15)
                return false;
            byte = value(s.p[i + 1]) * 16 + value(s.p[i + 2]);
            i += 2;
        } else if (!plain(s.p[i])) {
            return false;
        }
        if (byte < 0x20 || byte == 0x7f)
            return false;
        to[n] = (char)byte;
    }
    *len = n;
    return true;
}
