/*
 * text.h - bounded text: the only string helpers in smtp/.
 *
 * A struct text appends into the caller's buffer and never past it: what does
 * not fit is left out and .full says so. Nothing is NUL-terminated except by
 * text_end(). Lengths are bytes. With .skip set, that many bytes are passed
 * over first: a line longer than its buffer is written again and again, each
 * time from where the last piece ended.
 */
#ifndef SMTP_TEXT_H
#define SMTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *p;
    size_t len, cap;
    bool full;   /* something did not fit */
    size_t skip; /* bytes still to be passed over */
};

struct text text_into(char *p, size_t cap);
void text_mem(struct text *, const char *p, size_t n);
void text_str(struct text *, const char *literal);
void text_u64(struct text *, uint64_t n);
/* Writes a NUL behind the text, shortening it if it fills the buffer. */
void text_end(struct text *);

/* ASCII letters compare without case; everything else must be equal. */
bool text_same(const char *p, size_t n, const char *literal);
bool text_equal(const char *p, size_t n, const char *q, size_t m);
bool text_starts(const char *p, size_t n, const char *literal);
bool text_contains(const char *p, size_t n, const char *literal);

/* Length of the character at p: 1 for ASCII, 2 to 4 for well-formed UTF-8
 * (RFC 3629), 0 for anything else. n > 0. */
size_t text_char(const char *p, size_t n);
/* Replaces by '?' what must not reach a terminal or a log: control bytes,
 * ill-formed UTF-8, C1 controls, line separators, bidirectional overrides.
 * The length stays. */
void text_clean(char *p, size_t n);

/* Overwrites memory; the compiler may not leave it out. */
void text_wipe(void *p, size_t n);

#endif
