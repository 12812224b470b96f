/*
 * virtio.c - bringing a device to life (virtio 1.2, 3.1.1), for every
 * transport.
 *
 * The steps are the specification's, in its order and with its numbers. A
 * device that answers wrongly is set to FAILED and the reason handed up; no
 * wait here is without a bound.
 */
#include "virtio.h"

#include <string.h>

#include "ring.h"
#include "transport.h"

/* device status, 2.1 */
enum {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    STATUS_FAILED = 128,
};

#define F_EVENT_IDX (1ull << 29)

/* A reset is done within the register write on every known device; each
 * read is a trip to the host, so this many are about a tenth of a second. */
#define RESET_READS 100000

#define CONFIG_TRIES 16 /* reads of a config field that keeps changing */

static void add_status(struct virtio_dev *dev, uint8_t bit)
{
    dev->ops->set_status(dev, dev->ops->get_status(dev) | bit);
}

static bool reset(struct virtio_dev *dev)
{
    dev->ops->set_status(dev, 0);
    for (unsigned i = 0; i < RESET_READS; i++) {
        if (dev->ops->get_status(dev) == 0)
            return true;
    }
    return false;
}

static bool refuse(struct virtio_dev *dev, const char **why, const char *reason)
{
    *why = reason;
    virtio_fail(dev);
    return false;
}

/* steps 4 to 6 */
static bool negotiate(struct virtio_dev *dev, uint64_t want, uint64_t need,
                      const char **why)
{
    bool legacy = dev->ops->legacy;
    uint64_t offered;

    /* 4. Read device feature bits, and write the subset understood by the
     *    OS and driver to the device. */
    offered = dev->ops->get_features(dev);
    if (legacy)
        offered &= UINT32_MAX;
    else
        need |= VIRTIO_F_VERSION_1;
    /* 6.1: a device that offers it may refuse to work without it. It means
     * that addresses may be translated on the way; nobody has told an IOMMU
     * to, so they are what they are. */
    if (!legacy)
        want |= VIRTIO_F_ACCESS_PLATFORM;
    if (!legacy && (offered & VIRTIO_F_VERSION_1) == 0)
        return refuse(dev, why, "it does not offer virtio 1.0");
    if ((offered & need) != need)
        return refuse(dev, why, "it lacks a feature the driver needs");
    dev->features = offered & (want | need);
    dev->ops->set_features(dev, dev->features);
    if (legacy)
        return true; /* 3.1.2: no FEATURES_OK before virtio 1.0 */

    /* 5. Set the FEATURES_OK status bit. */
    add_status(dev, STATUS_FEATURES_OK);

    /* 6. Re-read device status to ensure the FEATURES_OK bit is still set:
     *    otherwise, the device does not support our subset of features and
     *    the device is unusable. */
    if ((dev->ops->get_status(dev) & STATUS_FEATURES_OK) == 0)
        return refuse(dev, why, "it refused the features it had offered");
    return true;
}

bool virtio_start(struct virtio_dev *dev, uint64_t want, uint64_t need,
                  const char **why)
{
    dev->features = 0;
    if (dev->unusable != NULL) {
        *why = dev->unusable;
        return false;
    }

    /* 1. Reset the device. (4.2.2.1, 4.1.4.3.2: and wait until it reads 0.) */
    if (!reset(dev)) {
        add_status(dev, STATUS_FAILED);
        *why = "it does not finish its reset";
        return false;
    }

    /* 2. Set the ACKNOWLEDGE status bit: the guest OS has noticed the
     *    device. */
    add_status(dev, STATUS_ACKNOWLEDGE);

    /* 3. Set the DRIVER status bit: the guest OS knows how to drive the
     *    device. */
    add_status(dev, STATUS_DRIVER);

    if (!negotiate(dev, want, need, why))
        return false;
    if ((dev->ops->get_status(dev) & (STATUS_NEEDS_RESET | STATUS_FAILED)) != 0)
        return refuse(dev, why, "it says that it needs a reset");
    return true;
}

/* 7. Perform device-specific setup, including discovery of virtqueues: */
bool virtio_queue(struct virtio_dev *dev, uint16_t index, struct vring *vr,
                  struct vring_mem *mem, uint16_t max, const char **why)
{
    uint16_t size = dev->ops->queue_max(dev, index);

    if (size == 0)
        return refuse(dev, why, "it lacks a queue the driver needs");
    if (size > max)
        size = max;
    if (size > VRING_MAX)
        size = VRING_MAX;
    if (size == 0 || (size & (size - 1)) != 0)
        return refuse(dev, why, "a queue's size is not a power of two");
    vring_reset(vr, mem, index, size, (dev->features & F_EVENT_IDX) != 0);
    if (!dev->ops->queue_set(dev, index, vr))
        return refuse(dev, why,
                      "it does not take a queue's address or interrupt");
    return true;
}

/* 8. Set the DRIVER_OK status bit. At this point the device is "live". */
void virtio_ready(struct virtio_dev *dev)
{
    add_status(dev, STATUS_DRIVER_OK);
}

/* 3.1.1, last paragraph: FAILED tells the host; the reset takes our memory
 * out of the device's hands. */
void virtio_fail(struct virtio_dev *dev)
{
    add_status(dev, STATUS_FAILED);
    (void)reset(dev); /* there is nothing left to do if it does not */
}

void virtio_config_copy(const volatile uint8_t *cfg, void *out, size_t len)
{
    uint8_t *to = out;

    if (len == 2 && (uintptr_t)cfg % 2 == 0) {
        uint16_t v = *(const volatile uint16_t *)(const volatile void *)cfg;

        memcpy(out, &v, sizeof(v));
    } else if (len == 4 && (uintptr_t)cfg % 4 == 0) {
        uint32_t v = *(const volatile uint32_t *)(const volatile void *)cfg;

        memcpy(out, &v, sizeof(v));
    } else {
        for (size_t i = 0; i < len; i++)
            to[i] = cfg[i];
    }
}

/* 2.5.1: fields longer than a word may change between two reads of their
 * parts, so read until the generation stands still. */
void virtio_config(struct virtio_dev *dev, size_t off, void *out, size_t len)
{
    size_t have = off < dev->cfg_len ? dev->cfg_len - off : 0;
    uint32_t before, after;

    memset(out, 0, len);
    if (len > have)
        len = have;
    for (unsigned i = 0; len != 0 && i < CONFIG_TRIES; i++) {
        before = dev->ops->config_gen(dev);
        dev->ops->config_read(dev, off, out, len);
        after = dev->ops->config_gen(dev);
        if (before == after)
            return;
    }
}

void virtio_name_hex(char *name, size_t cap, uint64_t v, unsigned digits)
{
    size_t at = strlen(name);

    while (digits < 16 && (v >> (4 * digits)) != 0)
        digits++;
    while (digits > 0 && at + 1 < cap) {
        digits--;
        name[at++] = "0123456789abcdef"[(v >> (4 * digits)) & 15];
    }
    name[at] = '\0';
}
