/*
 * netif.h - frames between the device (kernel/netdev.h) and lwIP.
 *
 * For stack.c alone. Received frames are copied out of the device's buffer,
 * padded, checked (frame.h) and handed over; sent ones are copied in.
 */
#ifndef NET_NETIF_H
#define NET_NETIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

struct netdev;

/* lwIP's received frames may hold so much memory at once, in all queues: a
 * full window in full segments, and as much again out of order. What comes
 * on top is dropped, as a full receive ring would drop it. */
#define NETIF_RX_BYTES (128u * 1024u)

struct netif_stats {
    uint32_t rx, tx;     /* frames handed to lwIP, to the device            */
    uint32_t rx_refused; /* dropped by frame_check()                       */
    uint32_t rx_full;    /* dropped: no memory, or NETIF_RX_BYTES in use    */
    uint32_t tx_full;    /* the device had no room: lwIP tries again        */
};

/* Attaches lwIP to the device, link down, without an address. Once. */
bool netif_start(struct netdev *dev, const char *hostname);

/* Copies at most max frames in. look() sees each one that passed
 * frame_check(); lwIP gets those it says true to. */
void netif_receive(unsigned max,
                   bool (*look)(const uint8_t *frame, size_t len));

struct netif_stats netif_stats(void);
size_t netif_rx_bytes(void); /* held by lwIP at this moment */

#endif
