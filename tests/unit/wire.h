/*
 * wire.h - the stack on a device in memory: one frame in, what comes out.
 * For the unit tests of frames; included once by each.
 */
#ifndef UNIT_WIRE_H
#define UNIT_WIRE_H

#include "frame.h"
#include "heap.h"
#include "netdev.h"
#include "netif.h"
#include "rng.h"
#include "stack.h"
#include "board.h"

#define tcp_state lwip_tcp_state
#include "lwip/tcp.h"
#undef tcp_state
#include "tcp.h"

#include "check.h"

#define OURS 0xac1e7354u /* 172.30.115.84 */
#define PEER 0xac1e7325u

static const uint8_t mac[6] = { 0x00, 0x23, 0xc1, 0xde, 0xd0, 0x0d };

/* before the first frame */
static bool with_ipv6;
static struct stack_config settings = {
    .address = OURS,
    .netmask = 0xffffff00,
    .gateway = 0xac1e7301,
    .dns = { { .len = 4, .b = { 0xac, 0x1e, 0x73, 0x25 } } },
};

/* ------------------------------------------- what the program gives ----- */

void board_write(const char *p, size_t len)
{
    fwrite(p, 1, len, stdout);
}

uint64_t board_now_ns(void)
{
    return 0;
}

_Noreturn void board_exit(int status)
{
    exit(status);
}

static bool all_ones; /* what the generator gives */

uint32_t rng_u32(void)
{
    return all_ones ? UINT32_MAX : (uint32_t)check_random(&check_seed);
}

uint32_t rng_keyed32(const void *p, size_t n)
{
    (void)p;
    return (uint32_t)n;
}

/* --------------------------------------------- a device in memory ------- */

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

static const uint8_t *rx_peek(struct netdev *d, size_t *len)
{
    (void)d;
    *len = dev.rx_len;
    return dev.rx;
}

static void rx_done(struct netdev *d)
{
    (void)d;
    free(dev.rx);
    dev.rx = NULL;
}

static uint8_t *tx_buf(struct netdev *d, size_t *cap)
{
    (void)d;
    *cap = sizeof(dev.tx);
    return dev.full ? NULL : dev.tx;
}

static void (*watch)(void); /* called for each frame that goes out */

static void tx_send(struct netdev *d, size_t len)
{
    (void)d;
    dev.tx_len = len;
    dev.sent++;
    if (watch != NULL)
        watch();
}

static bool arm(struct netdev *d)
{
    (void)d;
    return dev.rx != NULL;
}

static bool link_up(struct netdev *d)
{
    (void)d;
    dev.link_asked++;
    return !dev.cable_out;
}

static uint64_t now = 1000;

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    tcp_abort(pcb);
    return ERR_ABRT;
}

static void start(void)
{
    static const struct netdev_ops ops = {
        .rx_peek = rx_peek,
        .rx_done = rx_done,
        .tx_buf = tx_buf,
        .tx_send = tx_send,
        .arm = arm,
        .link_up = link_up,
    };
    struct tcp_pcb *pcb;

    if (dev.dev.ops != NULL)
        return;
    dev.dev.ops = &ops;
    dev.dev.mtu = 1500;
    memcpy(dev.dev.mac, mac, sizeof(mac));
    settings.ipv6 = with_ipv6;
    CHECK(stack_start(&dev.dev, &settings, now));
    if (!settings.dhcp)
        CHECK_EQ(stack_link(), STACK_UP);
    pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
    CHECK_EQ(tcp_bind(pcb, IP_ANY_TYPE, 80), ERR_OK);
    pcb = tcp_listen(pcb);
    tcp_accept(pcb, accepted);
}

/* One frame in; how many went out. */
static unsigned give(const uint8_t *p, size_t len)
{
    unsigned before;

    start();
    before = dev.sent;
    dev.rx = malloc(len != 0 ? len : 1);
    dev.rx_len = len;
    /* cppcheck-suppress uninitvar ; the frame is built in the same call */
    memcpy(dev.rx, p, len);
    stack_poll(now);
    CHECK(dev.rx == NULL);
    return dev.sent - before;
}

/* -------------------------------------------------- building frames ----- */

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
    for (size_t i = 0; i < len; i++)
        s += (uint32_t)p[i] << (i % 2 == 0 ? 8 : 0);
    while (s >> 16 != 0)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

#endif
