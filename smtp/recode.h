/*
 * recode.h - a header field's value with bytes over 0x7f -> ASCII: names and
 * words as encoded words (RFC 2047), domains as DNS knows them (RFC 5891).
 *
 * Everything else stays as it is: comments, quotes, groups, the order. Lines
 * are folded where there is a blank, so that they stay within 78 columns as
 * far as the value has blanks. What has no ASCII form is a local part.
 */
#ifndef SMTP_RECODE_H
#define SMTP_RECODE_H

#include "smtp.h"
#include "text.h"

struct recode {
    struct smtp_str value;
    bool addresses; /* an address list (RFC 5322 3.4); else words           */
    bool folding;   /* a new line behind each comma as well                 */
    size_t column;  /* where the value begins                               */

    /* out */
    bool utf8;       /* a local part has no ASCII form: it was left as it is */
    const char *bad; /* a domain cannot be converted, and why; else NULL     */

    /* private */
    size_t at, run_end, raw_end;
    unsigned depth; /* of comments */
    bool in_quotes, valid;
    bool after_word; /* the last token was an encoded word already */
};

/* The longest piece that one call makes. */
#define RECODE_PIECE 700

struct recode recode_value(struct smtp_str value, bool addresses,
                           size_t column);

/* Appends the next piece, at least a byte; false: the value is through. */
bool recode_next(struct recode *, struct text *);

/* Whether a field's value may hold encoded words, and is an address list;
 * false: it is neither words nor addresses, and has no other form. */
bool recode_kind(struct smtp_str name, bool *addresses);

#endif
