/*
 * posix.h - the parts of the posix board: a process, its Ethernet device,
 * a capture file.
 */
#ifndef BOARD_POSIX_H
#define BOARD_POSIX_H

#include <stddef.h>
#include <stdint.h>

#include "netdev.h"

/* Frames that have arrived and were not read yet. A device of this board is
 * a netdev, a queue, and a way to wait. */
#define POSIX_QUEUE 512
#define POSIX_FRAME 1514

struct posix_net {
    struct netdev dev;
    uint32_t head, tail; /* counters; slot = counter % POSIX_QUEUE */
    struct {
        size_t len;
        uint8_t data[POSIX_FRAME];
    } slot[POSIX_QUEUE];
    uint8_t out[POSIX_FRAME];
    /* Fetch frames, waiting at most timeout_ms for one (-1: for ever). */
    void (*wait)(struct posix_net *, int timeout_ms);
    void (*send)(struct posix_net *, const uint8_t *frame, size_t len);
};

/* The kinds: QEMU's user network (libslirp), a tap, and a program at the other
 * end of a Unix datagram socket. They exit with a message when the host does
 * not let them start. */
void posix_user_start(struct posix_net *);
void posix_tap_start(struct posix_net *, const char *interface);
void posix_dgram_start(struct posix_net *, const char *path);

/* net.c: the netdev over a posix_net, and the queue's input side. */
void posix_net_init(struct posix_net *, const char *name);
void posix_net_push(struct posix_net *, const uint8_t *frame, size_t len);

/* pcap.c: every frame, both ways. Without pcap_open() nothing is written. */
void pcap_open(const char *path);
void pcap_frame(const uint8_t *frame, size_t len);

/* board.c: the end for a bad option or a host that lacks something. */
_Noreturn void posix_die(const char *what, const char *which);

#endif
