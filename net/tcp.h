/*
 * tcp.h - a TCP connection as two byte streams.
 *
 * send = towards the peer, recv = from it. A *_buf() pointer lives until its
 * *_ack(n), n <= len; acknowledging 0 is allowed; a NULL pointer has len 0.
 * Reading returns what arrived in order; tcp_recv_ack() opens the window by
 * what was consumed. All lwIP callbacks live in tcp.c. Errors stick.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

/* Static; tcp_open() takes one of two (the delivery's, and one to ask a
 * question), tcp_drop() gives it back. */
struct tcp;

enum tcp_state {
    TCP_CONNECTING,
    TCP_UP,
    TCP_PEER_DONE, /* the peer sent FIN and everything has been read      */
    TCP_BROKEN,    /* see tcp_error()                                     */
};

enum tcp_error {
    TCP_OK,
    TCP_REFUSED,   /* RST to our SYN                                      */
    TCP_RESET,     /* RST later                                           */
    TCP_TIMED_OUT, /* the peer acknowledges nothing any more              */
    TCP_NO_ROUTE,
    TCP_NO_NEIGHBOUR, /* its, or the gateway's, ARP stays unanswered      */
    TCP_NO_MEMORY,
};

/* NULL: no memory, or all are taken. */
struct tcp *tcp_open(const struct addr *, uint16_t port);
enum tcp_state tcp_state(const struct tcp *);
enum tcp_error tcp_error(const struct tcp *);

uint8_t *tcp_send_buf(struct tcp *, size_t *len);
void tcp_send_ack(struct tcp *, size_t n);
/* Push what was acknowledged onto the wire now: once per pump round, so that
 * small writes share a segment. */
void tcp_flush(struct tcp *);
/* Bytes given to tcp_send_ack() that the peer has not acknowledged yet. */
size_t tcp_unacked(const struct tcp *);

const uint8_t *tcp_recv_buf(const struct tcp *, size_t *len);
void tcp_recv_ack(struct tcp *, size_t n);

void tcp_shut(struct tcp *); /* FIN after what was sent; keep polling     */
void tcp_drop(struct tcp *); /* RST now; the struct may be opened again   */

#endif
