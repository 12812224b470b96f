/*
 * reply.h - bytes from the server to one complete reply (RFC 5321 4.2).
 *
 * reply_feed() stops behind each line, so that a caller sees every line once
 * and nothing that follows the last one is eaten. Everything is bounded: the
 * length of a line, the lines and the bytes of a reply. What is kept of a
 * line is cleaned for the eyes of a person before anybody reads it.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "smtp.h"

#define REPLY_LINE_KEPT \
    512                       /* RFC 5321 4.5.3.1.5; longer is cut, kept is
                                 what the parser and a person get to see    */
#define REPLY_LINE_MAX  12288 /* what RFC 4954 section 4 lets a 334 have    */
#define REPLY_BYTES_MAX 65536 /* of one reply; EHLO of 120 lines is real    */
#define REPLY_LINES_MAX 1000

enum reply_status {
    REPLY_MORE, /* all bytes used, the line is not complete              */
    REPLY_LINE, /* a line is complete, the reply is not                  */
    REPLY_DONE, /* the last line is complete: code and note are valid    */
    REPLY_BAD   /* not SMTP; bad says why; line[] is the one that is bad,
                   or empty; sticks                                      */
};

struct reply {
    enum reply_status status;
    const char *bad;
    uint32_t bytes;     /* of the reply so far                            */
    uint16_t lines;     /* complete ones                                  */
    uint16_t code;      /* of the first line                              */
    uint16_t line_len;  /* kept in line[], line end excluded when complete */
    uint16_t line_wire; /* bytes of the line on the wire                  */
    bool cut;           /* the line was longer than what was kept         */
    struct smtp_reply_note note;
    char line[REPLY_LINE_KEPT];
};

/* Begins a new reply. */
void reply_reset(struct reply *);

/* Returns the bytes used; r->status says what came of them. After REPLY_LINE
 * the caller may alter line[0..line_len) and then calls reply_note(), which
 * judges the line and may turn the status into REPLY_DONE or REPLY_BAD. */
size_t reply_feed(struct reply *, const uint8_t *p, size_t n);
void reply_note(struct reply *);

/* The text of the line behind the code: empty for "250". */
struct smtp_str reply_text(const struct reply *);

#endif
