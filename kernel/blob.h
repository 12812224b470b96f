/*
 * blob.h - a run of bytes that somebody else owns.
 *
 * p may be NULL only when len is 0. Bytes are never NUL-terminated; whoever
 * hands out a blob says how long the bytes live.
 */
#ifndef KERNEL_BLOB_H
#define KERNEL_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct blob {
    const uint8_t *p;
    size_t len;
};

static inline struct blob blob_of(const void *p, size_t len)
{
    struct blob b = { p, len };

    return b;
}

/* a string literal (or any NUL-terminated constant of ours) as a blob */
static inline struct blob blob_str(const char *s)
{
    return blob_of(s, strlen(s));
}

static inline bool blob_eq(struct blob a, struct blob b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

#endif
