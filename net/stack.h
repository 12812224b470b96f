/*
 * stack.h - TCP/IP on one Ethernet device: address, names, time.
 *
 * IPv4 by DHCP or as told, IPv6 by SLAAC beside it. IPv4 addresses of our
 * own are uint32_t in host byte order (10.0.2.15 = 0x0a00020f). One stack per
 * run; lwIP is inside and nowhere else. Everything runs from stack_poll(), in
 * the caller's loop.
 */
#ifndef NET_STACK_H
#define NET_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct netdev;

struct stack_config {
    bool dhcp;
    uint32_t address, netmask, gateway; /* when !dhcp; gateway may be 0   */
    bool ipv6;            /* false: IPv6 frames are dropped           */
    struct addr dns[2];   /* none given: the network's are used if any */
    uint32_t source_ip;   /* 0: any; otherwise must be ours            */
    const char *hostname; /* sent with DHCP; NULL: none. Lives on.     */
};

/* dev lives on. False: out of memory. */
bool stack_start(struct netdev *dev, const struct stack_config *conf,
                 uint64_t now_ms);

/* Moves frames and runs timers. Returns true if anything was received or
 * sent, or a timer changed what the functions here and in tcp.h say, so that
 * the caller looks again before sleeping. */
bool stack_poll(uint64_t now_ms);

/* When stack_poll() must be called at the latest, in ms; the device's
 * interrupt is armed. now_ms: a frame is already waiting. */
uint64_t stack_deadline(uint64_t now_ms);

enum stack_link {
    STACK_LINK_DOWN,  /* the device says there is no cable               */
    STACK_NO_ADDRESS, /* waiting for DHCP                                */
    STACK_UP,         /* an address of IPv4, or of IPv6 and a name server
                       * that it leads to                                */
    STACK_DEAD,       /* the device broke its rules: stack_why()         */
};
enum stack_link stack_link(void);
const char *stack_why(void);
struct addr stack_address(unsigned len); /* ours: 4, 16, or 0: any */
uint32_t stack_gateway(void);
struct addr stack_dns_server(void); /* the first in use, or none */

/* Name to address, of the family with addresses of so many bytes (4 or 16). An
 * address of either is answered at once without a packet. One question at a
 * time: start, then ask until it is not PENDING. */
enum stack_dns {
    STACK_DNS_PENDING,
    STACK_DNS_FOUND,
    STACK_DNS_NOT_FOUND, /* a server answered: no such name or no address */
    STACK_DNS_FAILED,    /* a server answered: it failed (SERVFAIL, ...)  */
    STACK_DNS_SILENT,    /* no server answered in time, or none that our
                          * addresses lead to came within three seconds   */
    STACK_DNS_BAD_NAME,  /* not a name one can ask for                    */
};
enum stack_dns stack_dns_start(const char *name, size_t len, unsigned family);
enum stack_dns stack_dns_result(struct addr *);

#endif
