/*
 * peer.h - the network's other side: a second lwIP and an Mbed TLS server.
 *
 * Linked into one object (sim.mk) in which only the functions below are
 * visible, so that the app's lwIP and Mbed TLS and these never meet. One
 * Ethernet interface; every address the peer plays is on it or behind it.
 * Single-threaded; time and random numbers are the simulation's (the three
 * functions at the end, which it implements). IPv4 addresses alone are in host
 * order.
 *
 * A connection's bytes pass a tap, the man in the middle: it ends the
 * connection or flips a bit at one byte of one direction, counted from 0.
 */
#ifndef SIM_PEER_H
#define SIM_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_UP, PEER_DOWN }; /* to the server, to the client */

struct peer_addr { /* in network order */
    uint8_t len;   /* 4 or 16 */
    uint8_t b[16];
};

/* ---- the stack ---- */
struct peer_net {
    uint32_t gateway, behind;
    uint8_t near6[2][16], behind6[16]; /* beside fe80::5055:aff:fe00:202 */
    uint16_t mss;                      /* of IPv4 */
};
extern uint8_t peer_mac[6];
void peer_new_mac(uint8_t last); /* the last byte is another from now on     */
void peer_start(const struct peer_net *);
void peer_address(uint32_t gateway); /* another one from now on              */
void peer_input(const uint8_t *frame, size_t len);
void peer_poll(void);
uint32_t peer_wait_ms(void); /* until peer_poll() has something to do */

/* ---- UDP: a question comes, an answer goes ---- */
typedef void peer_udp_fn(const struct peer_addr *from, uint16_t port,
                         const uint8_t *p, size_t len);
void peer_udp_serve(uint16_t port, peer_udp_fn *);
/* to 255.255.255.255 as a broadcast on the Ethernet; with IPv6 from the
 * address that was asked last */
void peer_udp_send(uint16_t from_port, const struct peer_addr *to,
                   uint16_t port, const uint8_t *p, size_t len);

/* ---- TCP ---- */
struct peer_tcp;
/* With addresses of len bytes, from now on or no longer: RST. */
void peer_listen(uint16_t port, unsigned len, bool on);
/* Which of the peer's addresses it was opened to. */
struct peer_addr peer_called(const struct peer_tcp *);
struct peer_tcp *peer_accept(void); /* NULL: nobody calls */
/* Bytes taken, 0: none there, or no room. */
size_t peer_read(struct peer_tcp *, uint8_t *to, size_t n);
size_t peer_write(struct peer_tcp *, const uint8_t *from, size_t n);
bool peer_over(const struct peer_tcp *); /* the end has come, all is read     */
bool peer_broken(const struct peer_tcp *);
/* From now on no more than so many bytes are read, on all together. */
void peer_allow(size_t bytes);
uint64_t peer_passed(const struct peer_tcp *, int dir); /* bytes so far      */
void peer_close(struct peer_tcp *); /* FIN behind what is queued              */
void peer_reset(struct peer_tcp *); /* RST                                    */
/* A power cut: every connection is forgotten, nobody is told. */
void peer_forget_all(void);

enum peer_tap_kind { TAP_NONE, TAP_FIN, TAP_RST, TAP_FLIP };
/* Of every connection from now on. Told when it bites, once. */
void peer_tap(enum peer_tap_kind, int dir, uint64_t at, unsigned bit);

/* ---- TLS over a connection ---- */
struct peer_tls;
/* Makes the key and the certificate; slow, once. ca gets the PEM text. */
#define PEER_NAMED 4 /* addresses in the certificate, at most */
bool peer_tls_setup(const char *name, const struct peer_addr *address,
                    size_t addresses, char *ca, size_t size);
struct peer_tls *peer_tls_open(struct peer_tcp *, bool only_12);
/* 1: it is up; 0: not yet; -1: it failed */
int peer_tls_shake(struct peer_tls *);
size_t peer_tls_read(struct peer_tls *, uint8_t *to, size_t n);
size_t peer_tls_write(struct peer_tls *, const uint8_t *from, size_t n);
bool peer_tls_over(const struct peer_tls *); /* closed, or broken             */
void peer_tls_close(struct peer_tls *);      /* close_notify                  */
void peer_tls_free(struct peer_tls *);

/* ---- what the simulation gives ---- */
void sim_from_peer(const uint8_t *frame, size_t len);
uint64_t sim_ms(void);
void sim_peer_random(void *to, size_t n);
void sim_tapped(void); /* the tap has bitten */

#endif
