/*
 * peer_impl.h - what the peer's files share and nobody else sees.
 */
#ifndef SIM_PEER_IMPL_H
#define SIM_PEER_IMPL_H

#include "peer.h"

#include "lwip/ip_addr.h"

void peer_tcp_service(void);
struct peer_addr peer_from_lwip(const ip_addr_t *);

#endif
