/*
 * scan.h - one pass over a text: what stands in its way to the wire.
 *
 * Lines are counted from 1 and end in LF or CRLF; 0 means that no line is of
 * the kind. RFC 5321 2.3.8: CR and LF only as a pair, so a CR elsewhere is a
 * bare one; RFC 5322 2.1.1: 998 octets a line.
 */
#ifndef SMTP_SCAN_H
#define SMTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_LINE_MAX 998

struct scan {
    unsigned lines; /* so far: a scan goes on where the last one stopped */
    unsigned eight_bit, nul, cr, too_long; /* the first line of its kind */
    bool marked; /* a line begins with "--" and the mark */
};

void scan_text(struct scan *, const uint8_t *p, size_t n, const char *mark,
               size_t mark_len);

/* Nothing in it that only an encoding can carry. */
bool scan_plain(const struct scan *);

/* The length of the line at p, its line end included. */
size_t scan_line(const uint8_t *p, size_t n);

/* The first byte at or behind at that is NUL, or a CR without LF; n if there
 * is none. */
size_t scan_bad(const uint8_t *p, size_t n, size_t at);

#endif
