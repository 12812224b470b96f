/*
 * memcard.h - a network card in memory, and numbers as frames have them. For
 * the tests of the stack, unit and fuzz; included once by each.
 */
#ifndef UNIT_MEMCARD_H
#define UNIT_MEMCARD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netdev.h"

static const uint8_t mac[6] = { 0x00, 0x23, 0xc1, 0xde, 0xd0, 0x0d };

static struct {
    struct netdev dev;
    uint8_t *rx; /* a heap block of the frame's size */
    size_t rx_len;
    uint8_t tx[1514];
    size_t tx_len;
    unsigned sent;
    bool full, cable_out;
    unsigned link_asked;
} dev;

static void (*watch)(void); /* called for each frame that goes out */

static inline const uint8_t *rx_peek(struct netdev *d, size_t *len)
{
    (void)d;
    *len = dev.rx_len;
    return dev.rx;
}

static inline void rx_done(struct netdev *d)
{
    (void)d;
    free(dev.rx);
    dev.rx = NULL;
}

static inline uint8_t *tx_buf(struct netdev *d, size_t *cap)
{
    (void)d;
    *cap = sizeof(dev.tx);
    return dev.full ? NULL : dev.tx;
}

static inline void tx_send(struct netdev *d, size_t len)
{
    (void)d;
    dev.tx_len = len;
    dev.sent++;
    if (watch != NULL)
        watch();
}

static inline bool arm(struct netdev *d)
{
    (void)d;
    return dev.rx != NULL;
}

static inline bool link_up(struct netdev *d)
{
    (void)d;
    dev.link_asked++;
    return !dev.cable_out;
}

/* As new. */
static inline void card_open(void)
{
    static const struct netdev_ops ops = {
        .rx_peek = rx_peek,
        .rx_done = rx_done,
        .tx_buf = tx_buf,
        .tx_send = tx_send,
        .arm = arm,
        .link_up = link_up,
    };

    free(dev.rx);
    memset(&dev, 0, sizeof(dev));
    dev.dev.ops = &ops;
    dev.dev.mtu = 1500;
    memcpy(dev.dev.mac, mac, sizeof(mac));
}

/* A frame that has come, in place of one that nobody fetched. */
static inline void card_has(const uint8_t *p, size_t len)
{
    free(dev.rx);
    dev.rx = malloc(len != 0 ? len : 1);
    if (dev.rx == NULL)
        abort();
    dev.rx_len = len;
    /* cppcheck-suppress uninitvar ; the frame is built in the same call */
    memcpy(dev.rx, p, len);
}

/* ------------------------------------------------------------- numbers */

static inline void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static inline unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* RFC 1071: s and all of it, folded. */
static inline uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
    for (size_t i = 0; i < len; i++)
        s += (uint32_t)p[i] << (i % 2 == 0 ? 8 : 0);
    while (s >> 16 != 0)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

#endif
