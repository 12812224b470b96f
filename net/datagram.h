/*
 * datagram.h - UDP with one peer at a time. What arrives does so in
 * stack_poll().
 */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define DATAGRAM_MAX   512 /* longer ones are dropped */
#define DATAGRAM_QUEUE 4   /* and those that come when so many wait */

/* From a random port of ours. What anybody else sends is not heard. False:
 * out of memory. */
bool datagram_open(const struct addr *, uint16_t port);
bool datagram_send(const void *p, size_t len);
/* The next datagram that has arrived; its length, 0: none. */
size_t datagram_take(uint8_t out[DATAGRAM_MAX]);
void datagram_close(void);

#endif
