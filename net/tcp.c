/*
 * tcp.c - connections over lwIP's raw API, each as two byte streams.
 *
 * Sending: the caller writes into a ring; lwIP refers to the ring's bytes
 * without copying, so they stay until the peer has acknowledged them.
 *
 *      acked          written           filled
 *   ...--|---------------|-----------------|--...   (counters, mod RING)
 *        | given to lwIP | not yet given   | room
 *
 * Receiving: the pbufs that came in are kept in order; the caller reads the
 * first one's payload where it lies.
 *
 * Rules of the raw API that shape this file: when the error callback runs,
 * the pcb is already freed; ERR_MEM means "later", and tcp_service() is that
 * later; a pcb in TIME_WAIT disappears without a callback, so it is let go
 * as soon as it gets there.
 */

/* lwIP has an enum of this name as well */
#define tcp_state lwip_tcp_state
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"
#undef tcp_state

#include "tcp.h"

#include "log.h"
#include "panic.h"
#include "stack_tcp.h"
#include "wipe.h"

#define RING 65536u /* a power of two, more than lwIP takes at once */
_Static_assert((RING & (RING - 1)) == 0, "counters wrap with the ring");
_Static_assert(RING >= TCP_SND_BUF, "the ring never limits the window");

/* ARP asks five times, once a second; then there is no such neighbour */
#define NEIGHBOUR_MS 5000

/* A silent peer is asked whether it is still there (RFC 1122, 4.2.3.6): one
 * that has restarted answers RST, and nobody waits ten minutes for its reply.
 * lwIP repeats it each 75 s; nine without an answer end the connection. */
#define ASK_MS 10000

/* What every IPv6 link carries whole (RFC 8200, section 5: 1,280 bytes), since
 * routers do not fragment, and their word about the path can be forged. */
#define MSS6 (1280 - 40 - 20)

/* lwIP makes no segment longer than half of the largest window seen, but as
 * long as may be while that is 0 or 1, and asserts that what waits is not too
 * long when it becomes 2. From the smallest MSS on (RFC 9293, 3.7.1) it only
 * grows; a window below has lwIP cut the segment (its persist timer). */
#define LEAST_WINDOW (2 * 536)

#define LOCAL_PORTS 0xc000u /* RFC 6335, 6: from here to 65535 */

/* bytes per tcp_write(): one that fails for want of memory costs little */
#define WRITE_MAX (8 * TCP_MSS)

struct tcp {
    bool taken; /* by tcp_open(), until tcp_drop()               */
    uint8_t *ring;
    struct tcp_pcb *pcb; /* NULL: never opened, or lwIP is done with it   */
    enum tcp_error error;
    bool connected;
    bool fin_in;     /* the peer's FIN has arrived                          */
    bool shut;       /* tcp_shut() was called                               */
    bool fin_out;    /* and lwIP has queued our FIN                         */
    uint32_t opened; /* sys_now()                                          */
    u8_t doubted;    /* retransmissions when we last looked: stack_doubt() */
    struct pbuf *rx;
    uint32_t acked, written, filled;
};

static struct tcp slots[TCP_CONNECTIONS];
static uint8_t rings[TCP_CONNECTIONS][RING];
static uint32_t events;

/* Ends our interest in the pcb without a word to the peer. */
static struct tcp_pcb *let_go(struct tcp *t)
{
    struct tcp_pcb *pcb = t->pcb;

    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    t->pcb = NULL;
    return pcb;
}

static void fail(struct tcp *t, enum tcp_error error)
{
    events++;
    if (t->error == TCP_OK)
        t->error = error;
}

/* ------------------------------------------------- lwIP's callbacks ---- */

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct tcp *t = arg;

    (void)err; /* always ERR_OK */
    events++;
    t->connected = true;
    if (IP_IS_V6(&pcb->remote_ip) && pcb->mss > MSS6)
        pcb->mss = MSS6;
    if (pcb->snd_wnd_max < LEAST_WINDOW)
        pcb->snd_wnd_max = LEAST_WINDOW;
    return ERR_OK;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct tcp *t = arg;

    (void)pcb;
    (void)err;
    events++;
    if (p == NULL)
        t->fin_in = true;
    else if (t->rx == NULL)
        t->rx = p;
    else
        pbuf_cat(t->rx, p);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct tcp *t = arg;

    (void)pcb;
    BUG_ON(len > t->written - t->acked);
    t->acked += len;
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct tcp *t = arg;

    t->pcb = NULL;
    switch (err) {
    case ERR_CLSD: /* both sides have sent FIN: a good end */
        break;
    case ERR_RST:
        fail(t, t->connected ? TCP_RESET : TCP_REFUSED);
        break;
    default: /* ERR_ABRT: too many retransmissions */
        fail(t, TCP_TIMED_OUT);
    }
}

/* ------------------------------------------------------- internals ----- */

/* Gives lwIP the ring's new bytes, as many as it takes. */
static void push(struct tcp *t)
{
    while (t->connected && t->written != t->filled) {
        uint32_t at = t->written & (RING - 1), n = t->filled - t->written;
        u8_t more = 0;

        if (n > RING - at)
            n = RING - at;
        if (n > WRITE_MAX)
            n = WRITE_MAX;
        if (n > tcp_sndbuf(t->pcb))
            n = tcp_sndbuf(t->pcb);
        if (n == 0)
            return;
        if (n != t->filled - t->written)
            more = TCP_WRITE_FLAG_MORE;
        if (tcp_write(t->pcb, t->ring + at, (u16_t)n, more) != ERR_OK)
            return;
        t->written += n;
    }
}

/* Is a SYN unanswered because there is no such neighbour? */
static bool unreachable(const struct tcp *t)
{
    struct addr peer = stack_from_lwip(&t->pcb->remote_ip);

    return !stack_reachable(&peer);
}

/* Something is sent again: does the neighbour we send it to still exist? */
static void doubt(struct tcp *t)
{
    struct addr peer;

    if (t->pcb->nrtx > t->doubted) {
        peer = stack_from_lwip(&t->pcb->remote_ip);
        stack_doubt(&peer);
    }
    t->doubted = t->pcb->nrtx;
}

static void service(struct tcp *t)
{
    if (t->pcb == NULL)
        return;
    if (t->pcb->state == SYN_SENT && sys_now() - t->opened >= NEIGHBOUR_MS &&
        unreachable(t)) {
        fail(t, TCP_NO_NEIGHBOUR);
        tcp_abandon(let_go(t), 0);
        return;
    }
    doubt(t);
    push(t);
    if (t->shut && !t->fin_out && t->connected && t->written == t->filled)
        t->fin_out = tcp_shutdown(t->pcb, 0, 1) == ERR_OK;
    /* what the device had no room for the last time */
    if (t->pcb->unsent != NULL)
        tcp_output(t->pcb);
    if (t->pcb->state == TIME_WAIT)
        let_go(t);
}

void tcp_service(void)
{
    size_t i;

    for (i = 0; i < TCP_CONNECTIONS; i++)
        service(&slots[i]);
}

uint32_t tcp_events(void)
{
    return events;
}

void tcp_before_sleep(void)
{
    struct tcp_pcb *pcb;
    size_t i;

    for (i = 0; i < TCP_CONNECTIONS; i++) {
        pcb = slots[i].pcb;
        if (pcb == NULL || (pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW)) == 0)
            continue;
        tcp_ack_now(pcb);
        tcp_output(pcb);
    }
}

static bool is_syn_of(const struct tcp *t, const struct frame_unreach *u)
{
    struct addr peer;

    if (t->pcb == NULL || t->pcb->state != SYN_SENT)
        return false;
    peer = stack_from_lwip(&t->pcb->remote_ip);
    return addr_same(&peer, &u->address) && t->pcb->local_port == u->from &&
           t->pcb->remote_port == u->to &&
           t->pcb->lastack == u->seq; /* lwIP: the SYN's own number */
}

/* RFC 5927, section 4.1: believe it only when the sequence number is that of
 * a segment in flight. Only a SYN is given up for it (RFC 5461, section 4.1):
 * later the route may heal, and retransmission goes on. */
void tcp_unreachable(const struct frame_unreach *u)
{
    size_t i;

    for (i = 0; i < TCP_CONNECTIONS; i++) {
        if (!is_syn_of(&slots[i], u))
            continue;
        log_trace("ICMP: destination unreachable");
        fail(&slots[i], TCP_NO_ROUTE);
        tcp_abandon(let_go(&slots[i]), 0);
    }
}

/* ------------------------------------------------------- the seam ------ */

static struct tcp *free_slot(void)
{
    size_t i;

    for (i = 0; i < TCP_CONNECTIONS; i++) {
        if (slots[i].taken)
            continue;
        slots[i] = (struct tcp){ .taken = true, .ring = rings[i] };
        return &slots[i];
    }
    return NULL;
}

static void start(struct tcp *t, struct tcp_pcb *pcb)
{
    t->pcb = pcb;
    t->opened = sys_now();
    tcp_arg(pcb, t);
    tcp_recv(pcb, on_recv);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    /* the caller gathers what belongs together: tcp_flush() */
    tcp_nagle_disable(pcb);
    ip_set_option(pcb, SOF_KEEPALIVE);
    pcb->keep_idle = ASK_MS;
}

/* A local port at random (RFC 6056, 3.3.1). lwIP's own choice counts upwards
 * from a random start; from 65535, one start of 16384, it counts to 0, and then
 * finds no port. */
static err_t bind_port(struct tcp_pcb *pcb)
{
    const ip_addr_t *any =
        IP_IS_V6(&pcb->remote_ip) ? IP6_ADDR_ANY : IP4_ADDR_ANY;
    uint32_t first = LWIP_RAND(), i;
    err_t err = ERR_USE;

    for (i = 0; i <= TCP_CONNECTIONS && err == ERR_USE; i++)
        err = tcp_bind(pcb, any,
                       (u16_t)(LOCAL_PORTS | ((first + i) & ~LOCAL_PORTS)));
    return err;
}

struct tcp *tcp_open(const struct addr *address, uint16_t port)
{
    struct tcp *t = free_slot();
    struct tcp_pcb *pcb;
    ip_addr_t to;
    err_t err;

    if (t == NULL)
        return NULL;
    if (!stack_routable(address)) {
        fail(t, TCP_NO_ROUTE);
        return t;
    }
    to = stack_to_lwip(address);
    pcb = tcp_new_ip_type(IP_GET_TYPE(&to));
    if (pcb == NULL) {
        t->taken = false;
        return NULL;
    }
    start(t, pcb);
    err = bind_port(pcb);
    if (err == ERR_OK)
        err = tcp_connect(pcb, &to, port, on_connected);
    if (err == ERR_OK)
        return t;
    tcp_abandon(let_go(t), 0);
    if (err != ERR_RTE) {
        t->taken = false;
        return NULL;
    }
    fail(t, TCP_NO_ROUTE);
    return t;
}

enum tcp_state tcp_state(const struct tcp *t)
{
    /* what arrived before the end, good or bad, is read first */
    if (t->rx == NULL && t->error != TCP_OK)
        return TCP_BROKEN;
    if (!t->connected)
        return TCP_CONNECTING;
    return t->rx == NULL && t->fin_in ? TCP_PEER_DONE : TCP_UP;
}

enum tcp_error tcp_error(const struct tcp *t)
{
    return t->error;
}

uint8_t *tcp_send_buf(struct tcp *t, size_t *len)
{
    uint32_t at = t->filled & (RING - 1);
    uint32_t room = RING - (t->filled - t->acked);

    *len = room < RING - at ? room : RING - at;
    if (t->pcb == NULL || t->shut)
        *len = 0;
    return *len == 0 ? NULL : t->ring + at;
}

void tcp_send_ack(struct tcp *t, size_t n)
{
    size_t room;

    tcp_send_buf(t, &room);
    BUG_ON(n > room);
    t->filled += (uint32_t)n;
}

void tcp_flush(struct tcp *t)
{
    if (t->pcb == NULL)
        return;
    push(t);
    tcp_output(t->pcb);
}

size_t tcp_unacked(const struct tcp *t)
{
    return t->filled - t->acked;
}

const uint8_t *tcp_recv_buf(const struct tcp *t, size_t *len)
{
    *len = t->rx != NULL ? t->rx->len : 0;
    return t->rx != NULL ? t->rx->payload : NULL;
}

void tcp_recv_ack(struct tcp *t, size_t n)
{
    if (n == 0)
        return;
    BUG_ON(t->rx == NULL || n > t->rx->len);
    t->rx = pbuf_free_header(t->rx, (u16_t)n);
    if (t->pcb != NULL)
        tcp_recved(t->pcb, (u16_t)n);
}

void tcp_shut(struct tcp *t)
{
    t->shut = true;
    tcp_service();
}

void tcp_drop(struct tcp *t)
{
    struct pbuf *rx = t->rx;

    if (t->pcb != NULL)
        tcp_abort(let_go(t));
    if (t->ring != NULL) /* without TLS it holds what was said, AUTH too */
        wipe(t->ring, RING);
    *t = (struct tcp){ .rx = NULL };
    if (rx != NULL)
        pbuf_free(rx);
}
