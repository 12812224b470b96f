/*
 * rng.h - the one generator of random numbers: CTR_DRBG (Mbed TLS), seeded
 * from kernel/entropy. Everything random comes from here: TLS, TCP initial
 * sequence numbers, DNS and DHCP ids, Message-ID, MIME boundaries.
 */
#ifndef NET_RNG_H
#define NET_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rng_state {
    RNG_GOOD, /* seeded from a real source                               */
    RNG_WEAK, /* no source: seeded from the clock; fit for ids, not TLS  */
};

/* Once, before stack_start(). entropy_add_seed() comes before. */
enum rng_state rng_init(void);
enum rng_state rng_state(void);
void rng_bytes(void *out, size_t len); /* panics before rng_init()        */
uint32_t rng_u32(void);

/* A hash of the bytes under a key drawn at rng_init(): the same within one
 * run, unpredictable from outside (TCP initial sequence numbers, RFC 6528). */
uint32_t rng_keyed32(const void *p, size_t n);

#endif
