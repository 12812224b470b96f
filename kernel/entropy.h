/*
 * entropy.h - raw entropy from every source at hand (design.md 4).
 *
 * Collects from board_entropy() (RDSEED, RDRAND, ...), virtio-rng devices and
 * the file "seed", each checked for being stuck. The bytes are raw: they seed
 * the generator in net/rng.c, which hashes them; nobody uses them directly.
 */
#ifndef KERNEL_ENTROPY_H
#define KERNEL_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills out with up to len bytes, mixing all sources (each source's bytes
 * are laid one behind the other, repeated reads give fresh ones). Returns the
 * bytes written that came from a real source; 0: there is none, and TLS must
 * refuse to start. */
size_t entropy_read(uint8_t *out, size_t len);

/* "RDSEED, virtio-rng": for the log; "" before the first read or if none. */
const char *entropy_sources(void);

/* A seed file handed over by the app; read in full, kept by reference. */
void entropy_add_seed(const uint8_t *p, size_t len);

#endif
