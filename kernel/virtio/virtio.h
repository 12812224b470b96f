/*
 * virtio.h - virtio 1.x devices: transports and split rings.
 *
 * A struct virtio_dev is filled in by the board's discovery (MMIO base and
 * interrupt, or a PCI function's capabilities) through virtio_mmio_probe() or
 * virtio_pci_probe(); drivers see only this header.
 *
 * Life of a device (virtio 1.2, 3.1.1): virtio_start() = reset, read back 0,
 * ACKNOWLEDGE, DRIVER, features, FEATURES_OK; virtio_queue() for each ring;
 * virtio_ready() = DRIVER_OK. On any failure the device is left FAILED.
 *
 * The host is not trusted: the driver keeps its own copy of what it gave the
 * device; every id, length and index that comes back is checked against it,
 * and a lie ends the device (vring_error()).
 */
#ifndef KERNEL_VIRTIO_H
#define KERNEL_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "irq.h"

enum { VIRTIO_ID_NET = 1, VIRTIO_ID_CONSOLE = 3, VIRTIO_ID_RNG = 4 };

#define VIRTIO_F_VERSION_1       (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)

struct vring;
struct virtio_dev;

/* One table per transport: mmio modern, mmio legacy, pci modern. */
struct virtio_transport {
    const char *name;
    bool legacy; /* layout and header of virtio 0.9.5 */
    uint8_t (*get_status)(struct virtio_dev *);
    void (*set_status)(struct virtio_dev *, uint8_t);
    uint64_t (*get_features)(struct virtio_dev *);
    void (*set_features)(struct virtio_dev *, uint64_t);
    uint16_t (*queue_max)(struct virtio_dev *, uint16_t index);
    bool (*queue_set)(struct virtio_dev *, uint16_t index, struct vring *);
    void (*notify)(struct virtio_dev *, struct vring *);
    /* device configuration space; reads are bounded by cfg_len */
    void (*config_read)(struct virtio_dev *, size_t off, void *out, size_t len);
    uint32_t (*config_gen)(struct virtio_dev *);
    void (*irq_ack)(struct virtio_dev *);
};

struct virtio_dev {
    const struct virtio_transport *ops;
    uint32_t id;            /* VIRTIO_ID_*                               */
    char name[40];          /* "virtio-mmio feb00e00", "virtio-pci 0:3.0" */
    const char *unusable;   /* set: it is there, but this is why nobody can
                             * drive it; virtio_start() says so          */
    volatile uint8_t *base; /* mmio registers / pci common config  */
    volatile uint8_t *cfg;  /* device config                       */
    size_t cfg_len;
    volatile uint8_t *notify_base;
    size_t notify_len;
    uint32_t notify_mul;
    volatile uint8_t *isr;
    bool msix;         /* pci: interrupts go to MSI-X vector 0      */
    enum irq irq;      /* does it end board_idle()?                 */
    uint64_t features; /* as negotiated                             */
};

/* 3.1.1 steps 1-6. want: acceptable feature bits besides VERSION_1; need:
 * without these it fails. The accepted set is in dev->features. *why is a
 * sentence part on failure. */
bool virtio_start(struct virtio_dev *dev, uint64_t want, uint64_t need,
                  const char **why);
void virtio_ready(struct virtio_dev *dev);

/* FAILED status, then reset: the device lets go of our memory. virtio_start()
 * and virtio_queue() do it themselves when they fail. */
void virtio_fail(struct virtio_dev *dev);

/* Reads a device-config field, again if the generation changed meanwhile.
 * (bounded: a device that never stands still may give a torn value, which the
 * driver must survive). Bytes beyond the device's config read as 0. */
void virtio_config(struct virtio_dev *dev, size_t off, void *out, size_t len);

/*
 * Split ring (2.7). Memory (static, by the driver) holds the rings and one
 * buffer per descriptor; the descriptor table in shared memory is written
 * only, never read back: vring keeps its own copy.
 */
#define VRING_MAX 128 /* descriptors a ring of ours uses at most, power of 2 */

struct vring_mem; /* the shared pages, page aligned: defined in ring.h */

struct vring {
    uint16_t index;      /* queue number                             */
    uint16_t size;       /* descriptors, power of two                */
    uint16_t used_seen;  /* next used entry to read, free running    */
    uint16_t avail_next; /* our copy of avail.idx                    */
    uint16_t kicked;     /* avail_next at the last vring_kick()      */
    uint16_t in_flight;  /* buffers the device holds                 */
    bool event_idx;      /* VIRTIO_F_EVENT_IDX was negotiated        */
    const char *error;   /* NULL, or the lie the device told         */
    struct vring_mem *mem;
    uint16_t notify_off; /* pci                                      */
    struct {
        uint32_t len;      /* bytes the device may write; 0: it reads  */
        bool device_owned; /* given to the device, not yet back        */
    } slot[VRING_MAX];
};

/* Sets up queue index with at most max descriptors. False: the device has
 * no such queue or an impossible size. */
bool virtio_queue(struct virtio_dev *dev, uint16_t index, struct vring *vr,
                  struct vring_mem *mem, uint16_t max, const char **why);

/* Give slot id (one descriptor, one buffer) to the device. writable: the
 * device writes it (rx). False: id is out of range or already the device's
 * (a bug of the caller's, or the result of a lie). */
bool vring_post(struct vring *vr, uint16_t id, void *buf, uint32_t len,
                bool writable);

/* Tell the device about posted buffers, unless it said not to. */
void vring_kick(struct virtio_dev *dev, struct vring *vr);

/* Next completion: true and its id and length (<= what was posted; 0 for
 * buffers that the device only reads). False: none, or the device lied
 * (vr->error is then set and stays). At most size completions can come
 * between two posts. */
bool vring_take(struct vring *vr, uint16_t *id, uint32_t *len);

/* Interrupts for this ring off / on. vring_arm(): true if a completion is
 * already there, so that no wake-up is lost. */
void vring_disarm(struct vring *vr);
bool vring_arm(struct vring *vr);

/* Transports' entry points for the boards; both fill in all of *dev. mmio:
 * base is mapped (0x200 bytes at least); false: no device behind it (id 0,
 * *why is then NULL) or not virtio. What dev->irq is, the board says after
 * that: it routes the interrupt. */
bool virtio_mmio_probe(struct virtio_dev *dev, volatile void *base,
                       const char **why);

/* pci: what a board's PCI walk gives. read/write reach configuration space
 * of this one function; map() maps a BAR range (bar, offset, length) into
 * memory, NULL if the range is not inside that BAR or the BAR is no memory.
 * False: not a virtio function (*why is then NULL) or one that cannot be
 * driven, and *why says so: log it. */
struct virtio_pci_access {
    const char *where; /* "0:3.0", for the device's name; copied, or NULL */
    uint32_t (*read)(void *ctx, uint16_t off, uint8_t bytes);
    void (*write)(void *ctx, uint16_t off, uint32_t value, uint8_t bytes);
    volatile uint8_t *(*map)(void *ctx, uint8_t bar, uint32_t off,
                             uint32_t len);
    void *ctx;
    bool msix; /* vector 0 is programmed and enabled */
    enum irq irq;
};
bool virtio_pci_probe(struct virtio_dev *dev,
                      const struct virtio_pci_access *pci, const char **why);

#endif
