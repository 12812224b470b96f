/*
 * qp.c - quoted-printable (RFC 2045 6.7), a line at a time. See mime.h.
 *
 * Beyond what the section asks for, a line that begins "From " or is a lone
 * dot is coded as well (RFC 2049 3): mbox files and servers touch them.
 */
#include <string.h>

#include "mime.h"

#define LINE 75 /* characters before the "=" of a soft line break */

static bool is_literal(uint8_t c)
{
    return (c >= 0x21 && c <= 0x7e && c != '=') || c == ' ' || c == '\t';
}

/* Bytes of the line end at p: 0, 1 or 2. */
static size_t line_end(const uint8_t *p, size_t n)
{
    if (n != 0 && p[0] == '\n')
        return 1;
    return n >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

/* The byte at p, n bytes before the end, would come to harm as it is. */
static bool needs_code(const uint8_t *p, size_t n, bool first)
{
    if (!is_literal(p[0]))
        return true;
    if (p[0] == ' ' || p[0] == '\t') /* no blank may end a line */
        return n == 1 || line_end(p + 1, n - 1) != 0;
    if (!first)
        return false;
    return (p[0] == '.' && (n == 1 || line_end(p + 1, n - 1) != 0)) ||
           (n >= 5 && memcmp(p, "From ", 5) == 0);
}

size_t mime_qp_line(struct text *t, const uint8_t *p, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t at = 0, column = 0, end;

    while (at < n) {
        bool code = needs_code(p + at, n - at, at == 0);
        size_t width = code ? 3 : 1;
        char c[3] = { '=', hex[p[at] >> 4], hex[p[at] & 15] };

        end = line_end(p + at, n - at);
        if (end != 0) {
            text_str(t, "\r\n");
            return at + end;
        }
        if (column + width > LINE) {
            text_str(t, "=\r\n");
            return at;
        }
        if (!code)
            c[0] = (char)p[at];
        text_mem(t, c, width);
        column += width;
        at++;
    }
    return at; /* the text ends without a line end, and so does this */
}

bool mime_readable(const uint8_t *p, size_t n)
{
    uint64_t coded = 0;

    for (size_t i = 0; i < n; i++)
        coded += !is_literal(p[i]) && p[i] != '\n' && p[i] != '\r';
    /* beyond a fifth base64 is shorter, and nobody could read the other */
    return coded <= n / 5 + 4;
}
