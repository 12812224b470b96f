/*
 * console.h - the console device (virtio 1.2, 5.3), output only.
 *
 * Without VIRTIO_CONSOLE_F_MULTIPORT there is one port, the machine's console.
 * Nothing here waits: the caller does, for as long as it likes.
 */
#ifndef KERNEL_VIRTIO_CONSOLE_H
#define KERNEL_VIRTIO_CONSOLE_H

#include "ring.h"

#define VIRTIO_CONSOLE_BUFS  8
#define VIRTIO_CONSOLE_BYTES 512 /* in one buffer */

struct virtio_console {
    struct virtio_dev dev;
    struct vring in, out;
    struct vring_mem in_mem, out_mem;
    uint8_t buf[VIRTIO_CONSOLE_BUFS][VIRTIO_CONSOLE_BYTES];
};

/* Starts the device, which is copied. con is static: the device reads from it
 * from now on. False: it cannot be used, *why is a sentence part. */
bool virtio_console_open(struct virtio_console *con,
                         const struct virtio_dev *dev, const char **why);

/* Gives as much to the device as there are free buffers for; returns how many
 * bytes that was. 0: it holds them all, or it broke the rules and gets
 * nothing any more. */
size_t virtio_console_write(struct virtio_console *con, const char *p,
                            size_t len);

/* The device has taken all that it was given, or will never. */
bool virtio_console_done(struct virtio_console *con);

#endif
