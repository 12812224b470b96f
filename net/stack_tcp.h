/*
 * stack_tcp.h - what the files that see lwIP need of each other; for nobody
 * else.
 */
#ifndef NET_STACK_TCP_H
#define NET_STACK_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "stack.h"

#include "lwip/ip_addr.h"

#define TCP_CONNECTIONS 2 /* open at the same time: tcp.h */

/* stack.c: the same address, as lwIP has it and as we do */
ip_addr_t stack_to_lwip(const struct addr *);
struct addr stack_from_lwip(const ip_addr_t *);

/* stack.c: can a packet for this address leave at all? */
bool stack_routable(const struct addr *);

/* stack.c: has the neighbour that packets for this address go through (the
 * host itself, or the gateway) answered ARP? IPv6: always true. */
bool stack_reachable(const struct addr *);

/* stack.c: what was sent to this address stays unanswered: the neighbour it
 * goes through is asked for its MAC address again (RFC 1122, 2.3.2.1 (4)). ARP
 * has no checksum, and gateways change; without this a wrong one would be
 * kept for five minutes. It tells the neighbour our own once more, too. */
void stack_doubt(const struct addr *);

/* stack.c: the servers to ask, those given or else the network's, some of them
 * empty; NULL: no more. */
const struct addr *stack_dns_list(unsigned n);

/* resolver.c: the question of stack_dns_start() */
enum stack_dns resolver_result(void);
void resolver_run(uint64_t now_ms);
uint64_t resolver_deadline(void); /* UINT64_MAX: none */

/* stack6.c: IPv6 by SLAAC (RFC 4862) on lwIP's one interface. */
void stack6_start(void);            /* the link is up */
bool stack6_address(struct addr *); /* false: none that others can reach */
bool stack6_routable(const struct addr *);
void stack6_hurry(void);                /* after frames have come */
void stack6_doubt(const struct addr *); /* stack_doubt() of IPv6 */

/* tcp.c: after frames and timers have run: hand lwIP what it has room for. */
void tcp_service(void);

/* tcp.c: counts what a caller of tcp_state() would want to know of. */
uint32_t tcp_events(void);

/* tcp.c: before the program sleeps: an acknowledgement that nothing we sent
 * has carried goes out now instead of after lwIP's delay. */
void tcp_before_sleep(void);

/* tcp.c: ICMP says a segment did not get there. */
void tcp_unreachable(const struct frame_unreach *);

#endif
