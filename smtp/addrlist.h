/*
 * addrlist.h - address lists as header fields carry them (RFC 5322 3.4):
 * read one mailbox at a time where they lie, printed.
 *
 *     struct smtp_addrlist l = { .text = value };
 *     struct smtp_address a;
 *
 *     while (smtp_addrlist_next(&l, &a) != SMTP_ADDR_END)
 *         ...
 *
 * What comes out points into the text. Folds, comments, quoted strings,
 * groups and domain literals are understood; an encoded word is an atom.
 * A line end that no blank follows ends the list, whatever is open: no quote
 * swallows the next field.
 *
 * Lenient, the reader takes the obsolete forms too (4.4: source routes, empty
 * members, dots in names, blanks inside addresses), ";" between addresses, and
 * a group that is not closed. What it does not understand comes out whole as a
 * mailbox whose spec is none, so that nobody is left out in silence: spec is
 * to be asked with smtp_address_spec() and smtp_mailbox_ok(). Strict, it takes
 * what section 3 lets one write, and of that what SMTP can carry.
 */
#ifndef SMTP_ADDRLIST_H
#define SMTP_ADDRLIST_H

#include "smtp.h"

enum smtp_addr {
    SMTP_ADDR_END, /* and again, however often one asks              */
    SMTP_ADDR_MAILBOX,
    SMTP_ADDR_GROUP, /* name: its members follow                       */
    SMTP_ADDR_GROUP_END,
    SMTP_ADDR_BAD /* strict alone: why, at spec; END comes next     */
};

struct smtp_addrlist {
    struct smtp_str text;
    bool strict;
    size_t at; /* where it stands: starts at 0                             */
    /* private, zeroed at first */
    bool in_group, got, any, over;
};

struct smtp_address {
    struct smtp_str name;    /* phrase before < or :, as it stands          */
    struct smtp_str spec;    /* local@domain as it stands                   */
    struct smtp_str comment; /* the last one, without its (): names were
                                given so once                               */
    const char *why;         /* of BAD, a sentence part                     */
};

enum smtp_addr smtp_addrlist_next(struct smtp_addrlist *,
                                  struct smtp_address *);

/* A spec without comments and blanks, its local part quoted where it must be;
 * never longer than it was. Returns the length; 0: malformed or over cap. A
 * name without @ comes out alone. */
size_t smtp_address_spec(struct smtp_str, char *to, size_t cap);

/* What a name means: its words with one blank between, without quotes, comments
 * and control characters. 0: none, or it does not fit. */
size_t smtp_address_name(struct smtp_str, char *to, size_t cap);

/* "name <spec>", "spec", or for a group, whose spec.p is NULL, "name:"; strict
 * reading gives the same name and spec back, if the name is UTF-8. 0: the spec
 * is none, or it does not fit. */
size_t smtp_address_print(const struct smtp_address *, char *to, size_t cap);

#endif
