/*
 * escape.c - see escape.h.
 */
#include "escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bytes_append(struct bytes *b, const void *p, size_t n)
{
    uint8_t *grown = realloc(b->p, b->len + n + 1);

    if (grown == NULL)
        abort();
    b->p = grown;
    if (n != 0)
        memcpy(grown + b->len, p, n);
    b->len += n;
    b->p[b->len] = 0;
}

/* "<CR>", "<LF>", "<NUL>", "<9f>", and "<*N:text>" for text N times. Returns
 * the characters used, 0 if this is no escape. */
static size_t escape(struct bytes *b, const char *p)
{
    const char *end = strchr(p, '>'), *colon;
    unsigned byte;
    char c;

    if (end == NULL)
        return 0;
    if (strncmp(p, "<CR>", 4) == 0 || strncmp(p, "<LF>", 4) == 0) {
        bytes_append(b, p[1] == 'C' ? "\r" : "\n", 1);
        return 4;
    }
    if (strncmp(p, "<NUL>", 5) == 0) {
        bytes_append(b, "", 1);
        return 5;
    }
    if (end == p + 3 && sscanf(p, "<%2x>", &byte) == 1) {
        c = (char)byte;
        bytes_append(b, &c, 1);
        return 4;
    }
    if (p[1] == '*' && (colon = strchr(p, ':')) != NULL && colon < end) {
        struct bytes inner = { NULL, 0 };
        const char *at = colon + 1;

        /* escapes inside are two or three letters long: no nesting of * */
        end = at;
        while (*end != '\0' && *end != '>') {
            size_t used = *end == '<' ? escape(&inner, end) : 0;

            if (used == 0)
                bytes_append(&inner, end, 1);
            end += used != 0 ? used : 1;
        }
        for (long n = strtol(p + 2, NULL, 10); n > 0; n--)
            bytes_append(b, inner.p, inner.len);
        free(inner.p);
        return (size_t)(end - p) + 1;
    }
    return 0;
}

struct bytes bytes_unescape(const char *text)
{
    struct bytes b = { NULL, 0 };

    bytes_append(&b, "", 0);
    while (*text != '\0') {
        size_t used = *text == '<' ? escape(&b, text) : 0;

        if (used == 0)
            bytes_append(&b, text, 1);
        text += used != 0 ? used : 1;
    }
    return b;
}
