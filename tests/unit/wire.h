/*
 * wire.h - the stack on a device in memory: one frame in, what comes out.
 * For the unit tests of frames; included once by each.
 */
#ifndef UNIT_WIRE_H
#define UNIT_WIRE_H

#include "frame.h"
#include "heap.h"
#include "netif.h"
#include "rng.h"
#include "stack.h"
#include "board.h"

#define tcp_state lwip_tcp_state
#include "lwip/tcp.h"
#undef tcp_state
#include "tcp.h"

#include "check.h"
#include "memcard.h"

#define OURS 0xac1e7354u /* 172.30.115.84 */
#define PEER 0xac1e7325u

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
    struct tcp_pcb *pcb;

    if (dev.dev.ops != NULL)
        return;
    card_open();
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
    card_has(p, len);
    stack_poll(now);
    CHECK(dev.rx == NULL);
    return dev.sent - before;
}

#endif
