/*
 * mailbox.h - addresses as SMTP carries them (RFC 5321 4.1.2, 4.1.3; with
 * UTF-8: RFC 6531): parsed, compared, printed.
 *
 * A mailbox points into the text it was parsed from and lives no longer. What
 * is parsed and then printed parses to the same again; the printer quotes a
 * local part only where it must, so "john"@x becomes john@x.
 *
 * Nothing that is accepted holds a control byte or an unquoted <, > or blank:
 * no address can end a command line or add a parameter to it.
 */
#ifndef SMTP_MAILBOX_H
#define SMTP_MAILBOX_H

#include "smtp.h"

#define MAILBOX_LOCAL_MAX  64  /* RFC 5321 4.5.3.1.1, quotes included        */
#define MAILBOX_DOMAIN_MAX 255 /* 4.5.3.1.2                                  */
#define MAILBOX_PATH_MAX   256 /* 4.5.3.1.3, <> and source route included    */

enum mailbox_kind {
    MAILBOX_NULL,       /* <>: where reports are sent from (4.5.5)           */
    MAILBOX_POSTMASTER, /* <Postmaster> without a domain (4.5.1)             */
    MAILBOX_FULL        /* local part and domain                             */
};

enum mailbox_host {
    MAILBOX_NAME,  /* labels; UTF-8 ones are U-labels, and not converted     */
    MAILBOX_IPV4,  /* [192.0.2.1]                                            */
    MAILBOX_IPV6,  /* [IPv6:2001:db8::1]                                     */
    MAILBOX_TAGGED /* [tag:anything]: no tag has been registered yet         */
};

struct smtp_mailbox {
    enum mailbox_kind kind;
    enum mailbox_host host;
    bool quoted; /* local stood in quotes, taken off; a \ in it escapes      */
    bool utf8;   /* needs SMTPUTF8                                           */
    struct smtp_str local;
    struct smtp_str domain; /* a literal with its brackets                   */
    uint8_t ip[16];         /* of a literal: IPv4 has four bytes             */
};

/* What stands between < and >, without a source route and not empty; *why is
 * a sentence part when it is false. */
bool smtp_mailbox_parse(struct smtp_str s, struct smtp_mailbox *,
                        const char **why);

/* A path at the beginning of s: <>, or < [source route:] mailbox >. A source
 * route is checked and dropped (4.1.2, appendix C). Returns the bytes used, 0
 * if there is none. */
size_t smtp_path_parse(struct smtp_str s, struct smtp_mailbox *,
                       const char **why);

/* Writes the address without <> and returns its length: 0 for MAILBOX_NULL,
 * and if it does not fit or holds what no address may hold. A mailbox made by
 * hand has its local part as it is meant, quoted false. */
size_t smtp_mailbox_print(const struct smtp_mailbox *, char *to, size_t cap);

/* The same mailbox: the domain without regard to case, the local part by what
 * it means and with regard to case (2.4), Postmaster without. */
bool smtp_mailbox_same(const struct smtp_mailbox *,
                       const struct smtp_mailbox *);

/* A domain or an address literal, as EHLO wants it. */
bool smtp_domain_ok(struct smtp_str s, bool *utf8);

#endif
