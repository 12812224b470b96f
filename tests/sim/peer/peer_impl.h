/*
 * peer_impl.h - what the peer's files share and nobody else sees.
 */
#ifndef SIM_PEER_IMPL_H
#define SIM_PEER_IMPL_H

void peer_tcp_service(void);

#endif
