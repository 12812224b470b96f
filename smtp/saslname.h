/*
 * saslname.h - a name between commas (RFC 5801 section 4, RFC 5802 section
 * 5.1): ',' becomes "=2C" and '=' becomes "=3D".
 *
 * Read by position, so that a name of any length needs no buffer.
 */
#ifndef SMTP_SASLNAME_H
#define SMTP_SASLNAME_H

#include "smtp.h"

static inline size_t saslname_len(struct smtp_str s)
{
    size_t n = s.len;

    for (size_t i = 0; i < s.len; i++)
        n += s.p[i] == ',' || s.p[i] == '=' ? 2 : 0;
    return n;
}

/* Character at of the name; at < saslname_len(). */
static inline char saslname_char(struct smtp_str s, size_t at)
{
    size_t i = 0;

    for (;; i++) {
        size_t n = s.p[i] == ',' || s.p[i] == '=' ? 3 : 1;

        if (at < n)
            return n == 1 ? s.p[i] : (s.p[i] == ',' ? "=2C" : "=3D")[at];
        at -= n;
    }
}

/* The name that coded stands for, into to, which holds coded.len bytes; false
 * if a '=' begins no escape. */
static inline bool saslname_decode(struct smtp_str coded, char *to, size_t *len)
{
    size_t n = 0;

    for (size_t i = 0; i < coded.len; i++) {
        char c = coded.p[i];

        if (c == '=') {
            if (coded.len - i < 3)
                return false;
            if (coded.p[i + 1] == '2' && (coded.p[i + 2] | 0x20) == 'c')
                c = ',';
            else if (coded.p[i + 1] == '3' && (coded.p[i + 2] | 0x20) == 'd')
                c = '=';
            else
                return false;
            i += 2;
        }
        to[n++] = c;
    }
    *len = n;
    return true;
}

#endif
