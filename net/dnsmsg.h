/*
 * dnsmsg.h - DNS messages (RFC 1035, 3596) for one kind of question: an
 * address of a name. Pure: bytes in, bytes out.
 */
#ifndef NET_DNSMSG_H
#define NET_DNSMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define DNSMSG_QUERY_MAX (12 + 255 + 4)

enum dnsmsg_kind { DNSMSG_A = 1, DNSMSG_AAAA = 28 };

/* Builds the question. 0: not a host name one can ask for (RFC 1123, section
 * 2.1, and "_", which exists in practice; a dot at the end is allowed). */
size_t dnsmsg_query(uint8_t out[DNSMSG_QUERY_MAX], uint16_t id,
                    enum dnsmsg_kind, const char *name, size_t len);

enum dnsmsg_verdict {
    DNSMSG_IGNORE,  /* malformed, or no answer to this question           */
    DNSMSG_ADDRESS, /* *address is the name's (through CNAMEs)            */
    DNSMSG_NONE,    /* the name does not exist, or has no such address    */
    DNSMSG_FAILED,  /* the server would not or could not answer           */
};
enum dnsmsg_verdict dnsmsg_reply(const uint8_t *query, size_t query_len,
                                 const uint8_t *p, size_t len,
                                 struct addr *address);

#endif
