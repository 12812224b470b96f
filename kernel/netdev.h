/*
 * netdev.h - what the network stack needs from an Ethernet device.
 *
 * Polled: every function runs in the main loop; an interrupt only ends
 * board_idle(). Frames are whole Ethernet frames (no FCS, no VLAN offload).
 *
 * rx: the frame belongs to the caller from rx_peek() until rx_done(); the
 *     device (or the host behind it) may still scribble on it, so copy first
 *     and check the copy.
 * tx: the buffer belongs to the caller from tx_buf() until tx_send(); the
 *     caller may also drop it by calling tx_buf() again later.
 * NULL means "nothing there" or "ring full", never an error. A device that
 * has broken the rules sets dead to a reason and then answers NULL for ever.
 */
#ifndef KERNEL_NETDEV_H
#define KERNEL_NETDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netdev;

struct netdev_ops {
    const uint8_t *(*rx_peek)(struct netdev *, size_t *len);
    void (*rx_done)(struct netdev *);
    uint8_t *(*tx_buf)(struct netdev *, size_t *cap);
    void (*tx_send)(struct netdev *, size_t len);
    /* Ask for an interrupt on the next frame. True: a frame is already
     * waiting, do not sleep. */
    bool (*arm)(struct netdev *);
    /* The link, as far as the device says; true where it cannot say. */
    bool (*link_up)(struct netdev *);
    /* Raises its interrupt on purpose, so that the caller can see whether it
     * arrives; false: it cannot. NULL stands for that, too. */
    bool (*irq_test)(struct netdev *);
    /* Lets go of the device and of our memory: another one may be opened. */
    void (*close)(struct netdev *);
};

struct netdev_stats {
    uint32_t rx, tx;  /* frames moved                                */
    uint32_t rx_bad;  /* frames with an impossible length, dropped   */
    uint32_t tx_full; /* times tx_buf() had to say NULL              */
};

struct netdev {
    const struct netdev_ops *ops;
    const char *name; /* "virtio-net mmio feb00e00"; whoever opens it sets it */
    const char *dead; /* NULL, or why the device was given up        */
    uint8_t mac[6];
    uint16_t mtu;     /* of the IP packet: 1500 unless the device says  */
    uint16_t link_ms; /* how long after opening a link may take to come */
    bool polled;      /* no sure interrupt: look at it again soon       */
    struct netdev_stats stats;
};

#endif
