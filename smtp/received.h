/*
 * received.h - Received: fields (RFC 5321 4.4): read, made, and a message's
 * way read off them.
 *
 * Every server writes them its own way, many not as the RFC says, and anyone
 * can make them up: nothing here may be believed that was not written by a
 * server one trusts. What can be told apart is told apart; a field from which
 * nothing can be read says so. Strings point into the field's text, with its
 * folds where they were.
 */
#ifndef SMTP_RECEIVED_H
#define SMTP_RECEIVED_H

#include "date.h"

enum smtp_received_status {
    RECEIVED_OK,
    RECEIVED_NO_DATE, /* who, but not when: there is no date, or it cannot be
                         read                                              */
    RECEIVED_UNPARSED /* why says what is wrong with it                    */
};

/* Absent parts have length 0. info: what stands in the comments behind. */
struct smtp_received {
    enum smtp_received_status status;
    const char *why;      /* a sentence part; NULL: RECEIVED_OK           */
    struct smtp_str from; /* what the client called itself                */
    struct smtp_str from_info, by, by_info;
    struct smtp_str ip; /* the client's address, if from_info has it    */
    struct smtp_str via, with, id, rcpt; /* rcpt: FOR, without its <>      */
    struct smtp_date date; /* RECEIVED_OK only                             */
};

/* s is the field's value: what stands behind "Received:". */
void smtp_received_parse(struct smtp_str s, struct smtp_received *);

/* Writes a whole field with its name, folded, CRLF at its end: from and by
 * must be there; ip is written behind from, from_info (the client's name by
 * DNS) in front of it. Returns the length; 0 if it does not fit or a part
 * holds what would break the field. */
size_t smtp_received_print(const struct smtp_received *, char *to, size_t cap);

/* one step of a message's way */
struct smtp_hop {
    struct smtp_received received;
    int64_t delay;  /* seconds since the last hop before that has a date; may
                       be negative: clocks differ                          */
    bool has_delay; /* both have one                                       */
    bool linked;    /* from names the server that the hop before is by     */
};

/* The way of a message, the oldest hop first: as many of the newest as fit
 * hops[0..max). Returns how many Received fields the message has. */
size_t smtp_route(const uint8_t *message, size_t len, struct smtp_hop *hops,
                  size_t max);

#endif
