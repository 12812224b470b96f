/*
 * message_impl.h - what is inside a struct message, for the files that share
 * it:
 *   message.c  opening, fitting to a server
 *   check.c    what may not be sent
 *   stream.c   the pieces, one after the other
 *   fields.c   header fields: made and kept
 *   parts.c    the body: text, HTML, attachments
 *
 * A phase of the stream is a function that puts one chunk out and says true,
 * or says false when it has nothing (more) to give; m->item, m->at and
 * m->step are its own and start at 0.
 */
#ifndef SMTP_MESSAGE_IMPL_H
#define SMTP_MESSAGE_IMPL_H

#include "header.h"
#include "message.h"
#include "mime.h"
#include "recode.h"
#include "scan.h"

#define BOUNDARY_LEN 34 /* "=_" and 32 hexadecimal digits; a letter follows */
#define FOLD         76 /* made lines stay within RFC 5322's 78             */

enum encoding { ENC_7BIT, ENC_8BIT, ENC_QP, ENC_BASE64, ENC_BINARY };

/* a text or HTML that is one part of the message, or all of it */
struct part {
    const uint8_t *p;
    size_t n;
    struct scan scan;
    bool utf8; /* valid, or ASCII */
    enum encoding encoding;
};

/* lives in the words of a struct message, hence the attribute */
struct __attribute__((may_alias)) impl {
    const struct message_spec *spec;
    const uint8_t *text; /* spec's, but never NULL                       */
    struct header_block block;
    struct part body, html;
    uint64_t size;
    struct smtp_str id;
    struct smtp_str top; /* a field before all others                    */
    char boundary[BOUNDARY_LEN];

    /* of the text's own header */
    bool has_subject, has_mime, has_type, has_encoding, is_signed;
    struct smtp_str rigid; /* a field that has no form in ASCII          */
    const char *fixed;     /* why the body must stay as it is, or NULL   */
    bool make_from, make_date, make_msgid, made_utf8;

    /* what the message is made of */
    bool mixed, alternative, related; /* multiparts it has              */
    bool has_text;

    /* how it goes to this server */
    bool raw_header; /* fields over 0x7f as they are              */
    bool recoded;    /* the kept body gets another encoding             */
    bool binary;     /* files as they are; all else with CRLF           */

    /* the stream */
    size_t phase, field, item, at;
    unsigned step;
    bool half;              /* of a line end: mime_canonical()            */
    bool fresh;             /* nothing has come since a multipart began   */
    size_t raw_at, raw_end; /* of text: goes out next                    */
    const uint8_t *raw;
    bool raw_is_header;
    const uint8_t *out;
    size_t out_len;
    bool open_line; /* what came out last did not end its line      */
    bool as_it_is;  /* out is a file's: every byte of it counts     */
    uint8_t last;   /* the byte before out                          */
    struct recode recode;
    char buf[18 * MIME_LINE_OUT];
};

/* check.c: false, and err says why */
bool check_text(struct impl *, struct message_error *);
bool check_spec(struct impl *, struct message_error *);
bool check_fail(struct message_error *, unsigned line, const char *why);
/* A content id may hold it. */
bool check_is_cid(char c);
/* "why: what" with what cut to fit and fit for a terminal. */
bool check_fail_about(struct message_error *, const char *why,
                      struct smtp_str what);

/* stream.c */
struct text stream_begin(struct impl *);
bool stream_made(struct impl *, const struct text *);
/* Bytes that lie elsewhere; false if there are none. */
bool stream_given(struct impl *, const uint8_t *p, size_t n, bool header);
bool stream_once(struct impl *);
void stream_next(struct impl *);
void stream_rewind(struct impl *);
uint64_t stream_measure(struct impl *);

/* fields.c */
extern bool (*const fields_phases[])(struct impl *);
extern const size_t fields_count;
/* The kept field does not go out. */
bool fields_dropped(const struct impl *, const struct header_field *);

/* parts.c */
extern bool (*const parts_phases[])(struct impl *);
extern const size_t parts_count;
bool parts_next_is_file(const struct impl *, uint64_t *size);
void parts_skip_file(struct impl *);
/* There are files, and no line of one would be taken for the boundary. */
bool parts_by_byte(const struct impl *);

/* Without the blanks around it. */
static inline struct smtp_str impl_trimmed(struct smtp_str s)
{
    while (s.len != 0 && (uint8_t)s.p[0] <= ' ') {
        s.p++;
        s.len--;
    }
    while (s.len != 0 && (uint8_t)s.p[s.len - 1] <= ' ')
        s.len--;
    return s;
}

static inline bool impl_is_content(struct smtp_str name)
{
    return text_starts(name.p, name.len, "content-");
}

/* The message is one text, not a multipart or HTML. */
static inline bool impl_is_text(const struct impl *m)
{
    return !m->mixed && m->html.p == NULL;
}

/* The kept body follows its header without a word between them. */
static inline bool impl_as_it_is(const struct impl *m)
{
    return m->block.present && impl_is_text(m) && !m->recoded;
}

#endif
