/*
 * escape.h - bytes that grow, and the escapes of dialogue files.
 *
 * "<CR>", "<LF>", "<NUL>", "<9f>" for a byte, "<*9:text>" for a text nine
 * times. What is returned is for free().
 */
#ifndef TRANSCRIPTS_ESCAPE_H
#define TRANSCRIPTS_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *p; /* a NUL stands behind them */
    size_t len;
};

void bytes_append(struct bytes *, const void *p, size_t n);
struct bytes bytes_unescape(const char *text);

#endif
