/*
 * header.h - the header block of a message: where it is, its fields.
 *
 * Offsets are into the message text. Nothing is copied or changed; folded
 * fields are one field with its line ends inside.
 */
#ifndef SMTP_HEADER_H
#define SMTP_HEADER_H

#include "smtp.h"

struct header_block {
    bool present;   /* the text begins with fields that mail has             */
    size_t start;   /* of the first field (an mbox "From " line is skipped)  */
    size_t end;     /* behind the last field's line end                      */
    size_t body;    /* behind the empty line, or the text's end              */
    unsigned lines; /* that stand before start: 0 or 1                     */
    size_t bad;     /* offset of a line that is neither a field, nor a fold,
                     nor empty; SIZE_MAX: none                             */
};

struct header_field {
    size_t start, end; /* whole field, line end included              */
    struct smtp_str name;
    struct smtp_str value; /* behind the colon, as it stands              */
};

struct header_block header_find(const uint8_t *text, size_t len);

/* *at starts at block->start; false at the end of the block. */
bool header_next(const uint8_t *text, const struct header_block *block,
                 size_t *at, struct header_field *field);

/* The block has a field of this name. */
bool header_has(const uint8_t *text, const struct header_block *block,
                struct smtp_str name);

/* The next address of a list, as addrlist.h reads it leniently: *at starts at
 * 0. What comes out is a piece of value and not yet a good address: see
 * smtp_address_spec() there. */
bool header_address(struct smtp_str value, size_t *at, struct smtp_str *out);

#endif
