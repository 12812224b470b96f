/*
 * tcp.c - connections that clients open, over lwIP's raw API, and the tap.
 *
 * Received bytes stay in lwIP's pbufs until they are read, and only then is
 * the window opened again: a server that does not read is one whose window
 * goes to zero.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

#include "peer_impl.h"

#define CONNECTIONS 16

struct peer_tcp {
    bool taken, accepted;
    bool over;   /* the client's FIN has come */
    bool broken; /* reset or given up: lwIP has no pcb any more */
    bool closing, closed;
    struct tcp_pcb *pcb;
    struct pbuf *rx;
    struct peer_addr called;
    uint64_t passed[2];
};

static struct peer_tcp slots[CONNECTIONS];
static struct tcp_pcb *listening[2]; /* IPv4, IPv6 */
static size_t allowed = SIZE_MAX;
static struct {
    enum peer_tap_kind kind;
    int dir;
    uint64_t at;
    unsigned bit;
} tap;

/* ------------------------------------------------ lwIP's callbacks */

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct peer_tcp *t = arg;

    (void)pcb;
    (void)err;
    if (p == NULL)
        t->over = true;
    else if (t->rx == NULL)
        t->rx = p;
    else
        pbuf_cat(t->rx, p);
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct peer_tcp *t = arg;

    t->pcb = NULL;
    if (err != ERR_CLSD)
        t->broken = true;
    t->over = true;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    size_t i;

    (void)arg;
    if (pcb == NULL || err != ERR_OK)
        return ERR_VAL;
    for (i = 0; i < CONNECTIONS && slots[i].taken; i++)
        ;
    if (i == CONNECTIONS)
        return ERR_MEM;
    slots[i] = (struct peer_tcp){ .taken = true,
                                  .pcb = pcb,
                                  .called = peer_from_lwip(&pcb->local_ip) };
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, &slots[i]);
    tcp_recv(pcb, on_recv);
    tcp_err(pcb, on_error);
    return ERR_OK;
}

/* ------------------------------------------------ ends */

static struct tcp_pcb *let_go(struct peer_tcp *t)
{
    struct tcp_pcb *pcb = t->pcb;

    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    t->pcb = NULL;
    return pcb;
}

void peer_listen(uint16_t port, unsigned len, bool on)
{
    struct tcp_pcb **l = &listening[len == 16], *pcb = *l;

    if (on == (pcb != NULL))
        return;
    *l = NULL;
    if (!on) {
        tcp_close(pcb);
        return;
    }
    pcb = tcp_new_ip_type(len == 16 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
    if (pcb == NULL)
        abort();
    ip_set_option(pcb, SOF_REUSEADDR);
    if (tcp_bind(pcb, len == 16 ? IP6_ADDR_ANY : IP4_ADDR_ANY, port) !=
            ERR_OK ||
        (*l = tcp_listen(pcb)) == NULL)
        abort();
    tcp_accept(*l, on_accept);
}

struct peer_addr peer_called(const struct peer_tcp *t)
{
    return t->called;
}

struct peer_tcp *peer_accept(void)
{
    size_t i;

    for (i = 0; i < CONNECTIONS; i++) {
        if (!slots[i].taken || slots[i].accepted)
            continue;
        slots[i].accepted = true;
        return &slots[i];
    }
    return NULL;
}

bool peer_over(const struct peer_tcp *t)
{
    return t->over && t->rx == NULL;
}

bool peer_broken(const struct peer_tcp *t)
{
    return t->broken;
}

void peer_allow(size_t bytes)
{
    allowed = bytes;
}

uint64_t peer_passed(const struct peer_tcp *t, int dir)
{
    return t->passed[dir];
}

void peer_close(struct peer_tcp *t)
{
    t->closing = true;
    peer_tcp_service();
}

void peer_reset(struct peer_tcp *t)
{
    if (t->pcb != NULL)
        tcp_abort(let_go(t));
    t->over = t->broken = true;
}

void peer_tcp_service(void)
{
    struct peer_tcp *t;

    for (t = slots; t < slots + CONNECTIONS; t++) {
        if (t->pcb == NULL)
            continue;
        if (t->closing && !t->closed)
            t->closed = tcp_shutdown(t->pcb, 0, 1) == ERR_OK;
        if (t->pcb->state == TIME_WAIT)
            let_go(t);
    }
}

static void forget(struct peer_tcp *t)
{
    if (t->pcb != NULL)
        tcp_abandon(let_go(t), 0);
    if (t->rx != NULL)
        pbuf_free(t->rx);
    t->rx = NULL;
    t->over = t->broken = true;
}

void peer_forget_all(void)
{
    size_t i;

    for (i = 0; i < CONNECTIONS; i++)
        forget(&slots[i]);
    while (tcp_active_pcbs != NULL) /* half open */
        tcp_abandon(tcp_active_pcbs, 0);
    while (tcp_tw_pcbs != NULL)
        tcp_abandon(tcp_tw_pcbs, 0);
}

/* ------------------------------------------------ bytes, and the tap */

void peer_tap(enum peer_tap_kind kind, int dir, uint64_t at, unsigned bit)
{
    tap.kind = kind;
    tap.dir = dir;
    tap.at = at;
    tap.bit = bit;
}

/* How many of n bytes may pass before the cut. */
static size_t uncut(const struct peer_tcp *t, int dir, size_t n)
{
    uint64_t left;

    if ((tap.kind != TAP_FIN && tap.kind != TAP_RST) || tap.dir != dir)
        return n;
    left = tap.at > t->passed[dir] ? tap.at - t->passed[dir] : 0;
    return n < left ? n : (size_t)left;
}

/* n bytes have passed; is this the place? */
static void passed(struct peer_tcp *t, int dir, size_t n)
{
    t->passed[dir] += n;
    if ((tap.kind != TAP_FIN && tap.kind != TAP_RST) || tap.dir != dir ||
        t->passed[dir] < tap.at || t->closing || t->broken)
        return;
    sim_tapped();
    if (tap.kind == TAP_FIN) {
        /* both sides see an end that nobody sent */
        peer_close(t);
        if (t->rx != NULL)
            pbuf_free(t->rx);
        t->rx = NULL;
        t->over = true;
    } else {
        peer_reset(t);
    }
}

static void flip(const struct peer_tcp *t, int dir, uint8_t *p, size_t n)
{
    if (tap.kind != TAP_FLIP || tap.dir != dir || tap.at < t->passed[dir] ||
        tap.at - t->passed[dir] >= n)
        return;
    sim_tapped();
    p[tap.at - t->passed[dir]] ^= (uint8_t)(1u << tap.bit);
}

size_t peer_read(struct peer_tcp *t, uint8_t *to, size_t n)
{
    if (t->closing)
        return 0;
    n = uncut(t, PEER_UP, n < allowed ? n : allowed);
    passed(t, PEER_UP, 0); /* a cut in front of the first byte */
    if (t->rx == NULL)
        return 0;
    n = pbuf_copy_partial(t->rx, to, (u16_t)(n < 0xffff ? n : 0xffff), 0);
    if (n == 0)
        return 0;
    if (allowed != SIZE_MAX)
        allowed -= n;
    t->rx = pbuf_free_header(t->rx, (u16_t)n);
    if (t->pcb != NULL)
        tcp_recved(t->pcb, (u16_t)n);
    flip(t, PEER_UP, to, n);
    passed(t, PEER_UP, n);
    return n;
}

size_t peer_write(struct peer_tcp *t, const uint8_t *from, size_t n)
{
    uint8_t bytes[TCP_MSS];

    if (t->pcb == NULL || t->closing)
        return 0;
    n = uncut(t, PEER_DOWN, n);
    passed(t, PEER_DOWN, 0);
    if (t->pcb == NULL)
        return 0;
    if (n > sizeof bytes)
        n = sizeof bytes;
    if (n > tcp_sndbuf(t->pcb))
        n = tcp_sndbuf(t->pcb);
    if (n == 0)
        return 0;
    memcpy(bytes, from, n);
    flip(t, PEER_DOWN, bytes, n);
    if (tcp_write(t->pcb, bytes, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK)
        return 0;
    tcp_output(t->pcb);
    passed(t, PEER_DOWN, n);
    return n;
}
