/*
 * rng.h - the entropy device (virtio 1.2, 5.4).
 */
#ifndef KERNEL_VIRTIO_RNG_H
#define KERNEL_VIRTIO_RNG_H

#include "ring.h"

#define VIRTIO_RNG_BYTES 256 /* asked for at once */

struct virtio_rng {
    struct virtio_dev dev;
    struct vring ring;
    struct vring_mem mem;
    uint8_t buf[VIRTIO_RNG_BYTES];
    size_t have, used; /* bytes in buf, and how many were handed out */
};

/* Starts the device, which is copied, and asks it for bytes. rng is static:
 * the device writes to it from now on. False: it cannot be used, *why is a
 * sentence part. */
bool virtio_rng_open(struct virtio_rng *rng, const struct virtio_dev *dev,
                     const char **why);

/* Fills out as far as the device delivers before the time until_ns; sleeps
 * meanwhile. No byte is handed out twice. */
size_t virtio_rng_read(struct virtio_rng *rng, uint8_t *out, size_t len,
                       uint64_t until_ns);

#endif
