/*
 * stack_tcp.h - what stack.c and tcp.c need of each other; for nobody else.
 */
#ifndef NET_STACK_TCP_H
#define NET_STACK_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

#define TCP_CONNECTIONS 2 /* open at the same time: tcp.h */

/* stack.c: can a packet for this address leave at all? */
bool stack_routable(uint32_t address);

/* stack.c: has the neighbour that packets for this address go through (the
 * host itself, or the gateway) answered ARP? */
bool stack_reachable(uint32_t address);

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
