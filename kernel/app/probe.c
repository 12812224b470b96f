/*
 * probe.c - a ClientHello on a second connection.
 */
#include "probe.h"

#include "pump.h"

/* TLSPlaintext.type (RFC 8446 5.1) */
enum { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22 };

void probe_start(struct probe *p, uint32_t address, uint16_t port,
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

enum probe_answer probe_run(struct probe *p)
{
    const uint8_t *first;
    size_t have;

    if (p->tcp == NULL)
        return PROBE_IDLE;
    tls_run(p->tls);
    if (tcp_state(p->tcp) == TCP_UP && pump_records_out(p->tls, p->tcp) != 0)
        tcp_flush(p->tcp);
    first = tcp_recv_buf(p->tcp, &have);
    if (have != 0 &&
        (first[0] == RECORD_HANDSHAKE || first[0] == RECORD_ALERT)) {
        probe_end(p);
        return PROBE_TLS;
    }
    if (have != 0 || tcp_state(p->tcp) == TCP_BROKEN ||
        tcp_state(p->tcp) == TCP_PEER_DONE) {
        probe_end(p);
        return PROBE_IDLE;
    }
    return PROBE_WAITING;
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
