/*
 * canon.h - the canonical forms of RFC 6376 3.4, fed in any pieces.
 *
 * Line ends may be LF or CRLF and come out as CRLF, any other CR is a byte like
 * others; what comes out goes to a sink, which is a hash.
 */
#ifndef SMTP_CANON_H
#define SMTP_CANON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct canon_sink {
    void *own;
    void (*update)(void *own, const uint8_t *p, size_t n);
};

struct canon_body {
    struct canon_sink to;
    bool simple;
    /* private, zeroed at first */
    uint64_t ends; /* line ends that wait for a text behind them */
    bool blank;    /* a blank waits for what follows on its line */
    bool cr;       /* a CR waits for its LF */
    bool any;
};

void canon_body(struct canon_body *, const uint8_t *p, size_t n);
void canon_body_end(struct canon_body *);

struct canon_field {
    struct canon_sink to;
    bool simple;
    /* private, zeroed at first */
    bool in_value, blank, any, ended, cr;
};

/* One field, from its name to its last line end. */
void canon_field(struct canon_field *, const uint8_t *p, size_t n);
/* last: of the signature's own field, which has no line end (3.7). */
void canon_field_end(struct canon_field *, bool last);

#endif
