/*
 * cc.h - how lwIP is compiled for the peer. An assertion there is a bug of
 * the simulation's: it aborts.
 */
#ifndef PEER_ARCH_CC_H
#define PEER_ARCH_CC_H

#include <stdint.h>
#include <stdlib.h>

void sim_peer_random(void *to, size_t n);

static inline uint32_t peer_random32(void)
{
    uint32_t v;

    sim_peer_random(&v, sizeof v);
    return v;
}

#define LWIP_NO_UNISTD_H 1
#define LWIP_RAND()      peer_random32()
#define LWIP_PLATFORM_DIAG(x) \
    do {                      \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x) abort()

#endif
