/*
 * unstuff.h - the bytes behind DATA to the message its author wrote: the dot
 * that begins a line is taken off, CRLF "." CRLF is the end (RFC 5321 4.5.2).
 *
 * Nothing else is an end: not LF "." LF, not LF "." CRLF, not CR "." CR, which
 * is what smuggling lives on (VU#302671). A CR without LF is always bad, LF
 * without CR unless lax; then it becomes CRLF, but begins no line, so that a
 * dot behind it is the message's own. What is bad is read to its end and not
 * handed on.
 */
#ifndef SMTP_UNSTUFF_H
#define SMTP_UNSTUFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unstuff_at {
    UNSTUFF_LINE, /* at the beginning of a line (zeroed: here) */
    UNSTUFF_MID,
    UNSTUFF_CR,
    UNSTUFF_DOT,
    UNSTUFF_DOT_CR,
    UNSTUFF_END
};

struct unstuff {
    uint8_t at; /* enum unstuff_at */
    bool lax;
    bool bad; /* sticks: nothing more is written */
};

/* Takes from in[0..n) what fits as at most room bytes into out, and nothing
 * behind the end; returns the bytes taken, *made the bytes written. */
size_t unstuff(struct unstuff *, uint8_t *out, size_t room, size_t *made,
               const uint8_t *in, size_t n);

/* The same for text that is counted (BDAT): no dots, no end. */
size_t unstuff_counted(struct unstuff *, uint8_t *out, size_t room,
                       size_t *made, const uint8_t *in, size_t n);

#endif
