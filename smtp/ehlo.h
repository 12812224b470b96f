/*
 * ehlo.h - what a server says it can do (RFC 5321 4.1.1.1).
 *
 * Unknown keywords are skipped; a keyword that is known but malformed counts
 * as not offered, except SIZE, which then has no limit.
 */
#ifndef SMTP_EHLO_H
#define SMTP_EHLO_H

#include "smtp.h"

#define EHLO_AUTH_KEPT 96 /* of the mechanism names, for a person */

struct ehlo {
    bool starttls;   /* RFC 3207 */
    bool pipelining; /* RFC 2920 */
    bool eight_bit;  /* RFC 6152 */
    bool utf8;       /* RFC 6531 */
    bool size;       /* RFC 1870 */
    bool auth;       /* RFC 4954, at least one mechanism named */
    bool auth_plain, auth_login;
    uint8_t auth_len;
    uint64_t size_max; /* 0: no limit stated */
    char auth_names[EHLO_AUTH_KEPT];
};

/* One line of the reply, the code taken off; not the first, which is the
 * server's name. complete is false if the end of the line was cut off. */
void ehlo_line(struct ehlo *, struct smtp_str line, bool complete);

#endif
