/*
 * pump.h - moving bytes between two neighbours' buffers.
 */
#ifndef APP_PUMP_H
#define APP_PUMP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tcp.h"
#include "tls.h"

static inline size_t pump_carry(uint8_t *to, size_t room, const uint8_t *from,
                                size_t have)
{
    size_t n = have < room ? have : room;

    if (n != 0)
        memcpy(to, from, n);
    return n;
}

/* tls -> tcp: records. Returns the bytes moved. */
static inline size_t pump_records_out(struct tls *tls, struct tcp *tcp)
{
    size_t have, room, n;
    const uint8_t *from = tls_sendrec_buf(tls, &have);
    uint8_t *to = tcp_send_buf(tcp, &room);

    n = pump_carry(to, room, from, have);
    tls_sendrec_ack(tls, n);
    tcp_send_ack(tcp, n);
    return n;
}

/* tcp -> tls: records */
static inline size_t pump_records_in(struct tcp *tcp, struct tls *tls)
{
    size_t have, room, n;
    const uint8_t *from = tcp_recv_buf(tcp, &have);
    uint8_t *to = tls_recvrec_buf(tls, &room);

    n = pump_carry(to, room, from, have);
    tcp_recv_ack(tcp, n);
    tls_recvrec_ack(tls, n);
    return n;
}

#endif
