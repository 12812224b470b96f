/*
 * addr.h - an IP address of either family, in network byte order.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
    uint8_t len; /* 4, 16; 0: none */
    uint8_t b[16];
};

/* Enough for any: 39 characters and a NUL. */
struct addr_text {
    char s[40];
};

/* From host byte order: 0x0a00020f is 10.0.2.15. 0 is no address. */
struct addr addr_v4(uint32_t);
uint32_t addr_to_v4(const struct addr *); /* 0: none, or of the other family */

bool addr_same(const struct addr *, const struct addr *);

/* "192.0.2.1" (nothing shorter and no octal: RFC 6943 3.1.1) or an IPv6
 * address of RFC 4291 2.2, with or without brackets, without a zone. */
bool addr_parse(const char *text, size_t len, struct addr *);

/* As RFC 5952 wants it; no address is 0.0.0.0. */
struct addr_text addr_text(const struct addr *);

/* Can one machine have it: no loopback, multicast, broadcast, "this network",
 * unspecified or IPv4-mapped address; and no link-local IPv6 address, which
 * means nothing without an interface. */
bool addr_is_host(const struct addr *);

#endif
