/*
 * dotstuff.h - message text to what may stand on the wire after DATA:
 * every line ends in CRLF, a dot that begins a line is doubled (RFC 5321
 * 4.5.2), and the end is CRLF "." CRLF.
 *
 * The same bytes come out however the input is cut. LF alone and CRLF both
 * end a line; a CR without LF and a NUL are refused, since servers disagree
 * about them and the disagreement is what message smuggling lives on
 * (VU#302671).
 */
#ifndef SMTP_DOTSTUFF_H
#define SMTP_DOTSTUFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dotstuff {
    bool mid_line; /* the last byte out was not a line end (zeroed: false) */
    bool cr;       /* a CR was read and waits for its LF */
    bool bad;      /* bare CR or NUL: sticks, nothing more is written */
    bool plain;    /* the caller's: dots are left alone (BDAT) */
};

#define DOTSTUFF_END 5 /* room that dotstuff_end() needs */

/* Takes from in[0..n) what fits as at most room bytes into out; returns the
 * bytes taken and sets *made to the bytes written. */
size_t dotstuff(struct dotstuff *, uint8_t *out, size_t room, size_t *made,
                const uint8_t *in, size_t n);

/* The end of data, DOTSTUFF_END bytes at most; 0 and .bad if the text ends
 * in a bare CR. */
size_t dotstuff_end(struct dotstuff *, uint8_t *out);

#endif
