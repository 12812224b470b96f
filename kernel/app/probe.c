/*
 * probe.c - a ClientHello on a second connection.
 */
#include "probe.h"

#include "pump.h"

/* TLSPlaintext.type (RFC 8446 5.1) */
enum { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22 };

void probe_start(struct probe *p, const struct addr *address, uint16_t port,
                 struct blob host)
{
    /* the certificate does not matter: the connection ends before it */
    struct tls_config conf = { .verify = false,
                               .unix_now = -1,
                               .min_version = 0x12 };
    enum tls_error err;

    if (p->done)
        return;
    p->done = true;
    p->tls = tls_open(&conf, (const char *)host.p, host.len, &err);
    if (p->tls != NULL)
        p->tcp = tcp_open(address, port);
    if (p->tcp == NULL)
        probe_end(p);
}

/* The head of a TLS record of any version up to 1.3 (RFC 8446 5.1)? One byte
 * alone would prove nothing. */
static bool is_record(const uint8_t head[3])
{
    return (head[0] == RECORD_HANDSHAKE || head[0] == RECORD_ALERT) &&
           head[1] == 3 && head[2] <= 4;
}

enum probe_answer probe_run(struct probe *p)
{
    const uint8_t *from;
    size_t have, n;
    bool tls;

    if (p->tcp == NULL)
        return PROBE_IDLE;
    tls_run(p->tls);
    if (tcp_state(p->tcp) == TCP_UP && pump_records_out(p->tls, p->tcp) != 0)
        tcp_flush(p->tcp);
    do {
        from = tcp_recv_buf(p->tcp, &have);
        n = pump_carry(p->seen + p->count, sizeof(p->seen) - p->count, from,
                       have);
        tcp_recv_ack(p->tcp, n);
        p->count = (uint8_t)(p->count + n);
    } while (n != 0);
    if (p->count < sizeof(p->seen) && tcp_state(p->tcp) != TCP_BROKEN &&
        tcp_state(p->tcp) != TCP_PEER_DONE)
        return PROBE_WAITING;
    tls = p->count == sizeof(p->seen) && is_record(p->seen);
    probe_end(p);
    return tls ? PROBE_TLS : PROBE_IDLE;
}

void probe_end(struct probe *p)
{
    if (p->tcp != NULL)
        tcp_drop(p->tcp);
    if (p->tls != NULL)
        tls_free(p->tls);
    p->tcp = NULL;
    p->tls = NULL;
}
