/*
 * lwip_hooks.h - what lwIP asks of us; implemented in net/stack.c.
 */
#ifndef NET_ARCH_LWIP_HOOKS_H
#define NET_ARCH_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

/* RFC 6528: initial sequence numbers that nobody else can guess */
u32_t stack_tcp_isn(const ip_addr_t *local, u16_t local_port,
                    const ip_addr_t *remote, u16_t remote_port);

#endif
