/*
 * ehlo.h - what a server says it can do (RFC 5321 4.1.1.1).
 *
 * Unknown keywords are skipped; a keyword that is known but malformed counts
 * as not offered, except SIZE and the numbers behind other keywords, which
 * then are no limit.
 */
#ifndef SMTP_EHLO_H
#define SMTP_EHLO_H

#include "smtp.h"

#define EHLO_AUTH_KEPT 96 /* of the mechanism names, for a person */

struct ehlo {
    bool starttls;       /* RFC 3207 */
    bool pipelining;     /* RFC 2920 */
    bool eight_bit;      /* RFC 6152 */
    bool utf8;           /* RFC 6531 */
    bool size;           /* RFC 1870 */
    bool dsn;            /* RFC 3461 */
    bool chunking;       /* RFC 3030 */
    bool binary;         /* RFC 3030, BINARYMIME */
    bool require_tls;    /* RFC 8689 */
    bool deliver_by;     /* RFC 2852 */
    bool priority;       /* RFC 6710 */
    bool future_release; /* RFC 4865 */
    bool auth;           /* RFC 4954, at least one mechanism named */
    uint16_t mechs;      /* ... bits by enum smtp_auth, of those we know */
    uint8_t auth_len;
    uint64_t size_max; /* 0: no limit stated, as for all below */
    uint64_t by_min;   /* seconds */
    uint64_t hold_max; /* seconds */
    uint64_t rcpt_max, mail_max, rcpt_domain_max; /* RFC 9422 */
    char auth_names[EHLO_AUTH_KEPT];
};

/* One line of the reply, the code taken off; not the first, which is the
 * server's name. complete is false if the end of the line was cut off. */
void ehlo_line(struct ehlo *, struct smtp_str line, bool complete);

#endif
