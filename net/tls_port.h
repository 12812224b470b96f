/*
 * tls_port.h - what Mbed TLS asks of its platform: memory, time, random
 * numbers.
 *
 * Private to net/tls*.c and net/rng.c.
 */
#ifndef NET_TLS_PORT_H
#define NET_TLS_PORT_H

#include <stddef.h>
#include <stdint.h>

/* heap_calloc(), counted when it fails: the library turns many a failure into
 * "bad signature", and a full heap must not look like a forged certificate. */
void *tls_port_calloc(size_t count, size_t size);
uint32_t tls_port_calloc_failed(void);

/* The time certificates are judged at; advances with the clock from there. */
void tls_port_set_time(int64_t unix_now);
int64_t tls_port_time(int64_t *out);

/* An mbedtls_f_rng_t: fails unless rng_state() is RNG_GOOD. */
int tls_port_rng(void *unused, unsigned char *out, size_t len);

#endif
