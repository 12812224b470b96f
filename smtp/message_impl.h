/*
 * message_impl.h - what is inside a struct message. For message.c (opening,
 * checking) and stream.c (the pieces, one after the other).
 */
#ifndef SMTP_MESSAGE_IMPL_H
#define SMTP_MESSAGE_IMPL_H

#include "header.h"
#include "message.h"
#include "mime.h"

#define BOUNDARY_LEN 34 /* "=_" and 32 hexadecimal digits */

/* lives in the words of a struct message, hence the attribute */
struct __attribute__((may_alias)) impl {
    const struct message_spec *spec;
    const uint8_t *text; /* spec's, but never NULL                       */
    struct header_block block;
    uint64_t size;
    size_t body_start; /* block.end where the header stays as it is,
                            empty line and all; else block.body          */
    size_t body_bare;  /* LF without CR from there on                  */
    struct smtp_str id;
    char boundary[BOUNDARY_LEN];
    bool eight_bit; /* any byte of what is sent                     */
    bool body_eight_bit, body_utf8;
    bool multipart;
    bool make_from, make_date, make_msgid;
    bool has_subject;
    bool has_type, has_encoding; /* Content-* of the text's header       */

    /* the stream: a phase yields chunks until it says it is through      */
    size_t phase, item, at;
    unsigned step;
    const uint8_t *out;
    size_t out_len;
    bool open_line; /* what came out last did not end its line      */
    char buf[18 * MIME_LINE_OUT];
};

/* stream.c: the next chunk into out and out_len; out_len 0: the end. */
void stream_next(struct impl *);
void stream_rewind(struct impl *);
uint64_t stream_measure(struct impl *);

#endif
