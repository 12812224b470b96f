/*
 * message.h - the message as a pull stream: headers, MIME, attachments.
 *
 * No heap, clock or randomness: date, Message-ID and boundary come in. Text,
 * HTML and attachments stream from where they lie; there is no second copy.
 * What comes out of message_buf() has the line ends of its source (LF or
 * CRLF); the SMTP client normalises them. For a server that takes BINARYMIME
 * (RFC 3030) files go as they are, and all else has CRLF.
 *
 * A text that begins with a header block keeps it, byte for byte and in
 * order, less the fields that were to be removed; made fields stand before
 * it. An mbox "From " line in front is dropped. A text without one becomes
 * the body under a made header; "Warning: disk full" is such a text, for a
 * header has at least one field that only mail has. With HTML or attachments
 * the whole becomes a multipart: the text's Content-* fields move to its part.
 *
 * What changes in a header that is kept: fields with bytes over 0x7f are
 * written as encoded words (RFC 2047) and domains as DNS knows them, so that
 * no server on the way needs SMTPUTF8. A message that carries a DKIM-Signature
 * keeps its header to the byte.
 */
#ifndef SMTP_MESSAGE_H
#define SMTP_MESSAGE_H

#include "smtp.h"

struct message_file {
    struct smtp_str name;
    const uint8_t *data;
    size_t len;
};

enum message_kind {
    MESSAGE_WORDS,     /* any text; encoded words where it must            */
    MESSAGE_ADDRESSES, /* an address list, names in UTF-8 as they are       */
    MESSAGE_ASCII      /* printable ASCII, as it is                        */
};

/* MIME-Version, Content-Type, Content-Transfer-Encoding: of the text, or made
 * here. */
bool message_about_body(struct smtp_str field_name);

/* A field that is made unless the text has one of that name, or it is
 * message_about_body(). */
struct message_field {
    enum message_kind kind;
    struct smtp_str name;
    struct smtp_str value;       /* of words and ASCII                     */
    const struct smtp_str *list; /* of addresses, as in to below           */
    size_t count;
};

struct message_spec {
    const uint8_t *text; /* RFC 5322 message, or plain text without header */
    size_t text_len;
    const uint8_t *html; /* the same as HTML; NULL: none                   */
    size_t html_len;
    struct smtp_str from; /* header From when it has to be made            */
    struct smtp_str from_name;
    const struct smtp_str *to; /* header To when it has to be made: each an
                                  address list with or without names       */
    size_t to_count;
    struct smtp_str subject;    /* when the text has none; may be empty    */
    int64_t date;               /* seconds since 1970, printed in +0000; -1:
                                none can be made                           */
    struct smtp_str message_id; /* without <>                              */
    const struct message_field *field;
    size_t field_count;
    uint8_t random[16]; /* for the boundary                        */
    bool add_date, add_msgid, add_from; /* when missing                    */
    bool replace_from; /* make From even if there is one, which goes       */
    bool replace_to;   /* make To even if there is one; Cc goes as well    */
    bool remove_bcc;
    bool undisclosed; /* To becomes "undisclosed-recipients:;"   */
    bool repair;      /* a bare CR ends a line, a NUL becomes a blank, and so
                         does any control character in the header          */
    const struct message_file *inlined; /* cid:NAME of HTML, or with @DOMAIN */
    size_t inlined_count;
    const struct message_file *attach;
    size_t attach_count;
};

struct message_error {
    unsigned line; /* of the text, 1-based; 0: not about a line         */
    char why[160]; /* a sentence part                                   */
};

struct message {
    uint64_t private_[288];
};

/* Checks everything (bare CR, NUL, lines over 998, header syntax) before a
 * byte is sent: false, and err says why; the message must not be sent. The
 * spec and all it points to outlive the message. It then fits a server that
 * offers 8BITMIME and SMTPUTF8. */
bool message_open(struct message *, const struct message_spec *,
                  struct message_error *err);

/* Makes it fit what the server offers: the best encoding of each part, the
 * size. From here on the stream starts anew. False: it cannot be sent to this
 * server. With binary among the offers all files are read once, for the
 * boundary; do not offer it for what will be signed (RFC 6376 5.3). */
bool message_fit(struct message *, struct smtp_offers,
                 struct message_error *err);

/* Puts one more field, with its line end, before all others, until the
 * message is fitted again; its bytes must live as long. */
void message_prepend(struct message *, struct smtp_str field);

/* Octets as RFC 1870 counts them: every line end two, a CRLF at the end even
 * if the last line has none (the client adds it), dots not doubled. */
uint64_t message_size(const struct message *);
enum smtp_content message_content(const struct message *);
bool message_utf8(const struct message *); /* needs SMTPUTF8               */
/* The Message-ID the message really carries (its own if it had one). */
struct smtp_str message_id(const struct message *);

const uint8_t *message_buf(struct message *, size_t *len); /* len 0: end   */
void message_ack(struct message *, size_t n);
void message_rewind(struct message *);

/* Recipients from To, Cc and Bcc of a message (sendmail -t), or from the
 * first block of Resent-* fields if there is one: *at starts at
 * 0 and is nobody's business; false at the end. out points into text and is
 * not checked: it is what smtp_address_spec() of addrlist.h takes, and of a
 * malformed list what smtp_mailbox_ok() refuses. */
bool message_next_rcpt(const uint8_t *text, size_t len, size_t *at,
                       struct smtp_str *out);
/* The address in the From header; len 0 if there is none. */
struct smtp_str message_from(const uint8_t *text, size_t len);

#endif
