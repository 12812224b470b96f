/*
 * ring.h - the shared pages of a split virtqueue (virtio 1.2, 2.7).
 *
 * One layout serves both generations: the legacy interface (2.7.2) wants
 * descriptors, available ring and used ring in one run with the used ring on
 * the next page, and the modern one takes any addresses. For at most
 * VRING_MAX descriptors the first two fit one page:
 *
 *   page 0  descriptors, 16 bytes each  | available ring, 6 + 2 bytes each
 *   page 1  used ring, 6 + 8 bytes each
 *
 * Addresses given to the device are the pointers' values: every board maps
 * RAM at its physical address. Numbers are little-endian in the modern layout
 * and the guest's own in the legacy one; both are ours.
 */
#ifndef KERNEL_VIRTIO_RING_H
#define KERNEL_VIRTIO_RING_H

#include "virtio.h"

#define VRING_PAGE 4096u

struct vring_mem {
    _Alignas(4096) uint8_t bytes[2 * VRING_PAGE];
};

_Static_assert((VRING_MAX & (VRING_MAX - 1)) == 0, "a power of two");
_Static_assert(16 * VRING_MAX + 6 + 2 * VRING_MAX <= VRING_PAGE,
               "descriptors and available ring fit one page");
_Static_assert(6 + 8 * VRING_MAX <= VRING_PAGE, "the used ring fits one page");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian CPU");

/* Empties the ring, all slots the driver's, interrupts off. The caller has
 * checked size: a power of two, 1..VRING_MAX. */
void vring_reset(struct vring *vr, struct vring_mem *mem, uint16_t index,
                 uint16_t size, bool event_idx);

/* the three areas, for the transports */
uint64_t vring_desc_addr(const struct vring *vr);
uint64_t vring_avail_addr(const struct vring *vr);
uint64_t vring_used_addr(const struct vring *vr);

/* True if the device wants to hear of what was posted since the last call
 * (2.7.10); counts it as told. */
bool vring_should_kick(struct vring *vr);

#endif
