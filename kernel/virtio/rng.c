/*
 * rng.c - the entropy device (virtio 1.2, 5.4): one queue, one buffer that
 * the device fills as it likes.
 *
 * A buffer is always with the device, so that bytes for the next read are
 * collected meanwhile. What was handed out is wiped. A host that never
 * answers costs the caller's deadline, no more; one that breaks the rules
 * gives nothing from then on.
 */
#include "rng.h"

#include <string.h>

#include "board.h"
#include "wipe.h"

#define EVENT_IDX (1ull << 29)
#define NAP_NS    1000000u /* in case the machine's interrupt is not wired */

static void ask(struct virtio_rng *rng)
{
    rng->have = 0;
    rng->used = 0;
    if (vring_post(&rng->ring, 0, rng->buf, sizeof(rng->buf), true))
        vring_kick(&rng->dev, &rng->ring);
}

bool virtio_rng_open(struct virtio_rng *rng, const struct virtio_dev *dev,
                     const char **why)
{
    rng->dev = *dev;
    rng->have = 0;
    rng->used = 0;
    if (!virtio_start(&rng->dev, EVENT_IDX, 0, why))
        return false;
    /* 5.4.2: queue 0 is requestq */
    if (!virtio_queue(&rng->dev, 0, &rng->ring, &rng->mem, 1, why))
        return false;
    virtio_ready(&rng->dev);
    ask(rng);
    return true;
}

/* True once buf holds bytes. */
static bool wait_bytes(struct virtio_rng *rng, uint64_t until_ns)
{
    uint64_t now;
    uint16_t id;
    uint32_t len;

    while (!vring_take(&rng->ring, &id, &len)) {
        now = board_now_ns();
        if (rng->ring.error != NULL || now >= until_ns)
            return false;
        rng->dev.ops->irq_ack(&rng->dev);
        if (!vring_arm(&rng->ring) && rng->ring.error == NULL)
            board_idle(until_ns - now > NAP_NS ? now + NAP_NS : until_ns);
        vring_disarm(&rng->ring);
    }
    rng->have = len;
    rng->used = 0;
    if (len == 0) /* 5.4.6.1: at least one byte; else it is no source */
        rng->ring.error = "the entropy device returned an empty buffer";
    return len != 0;
}

size_t virtio_rng_read(struct virtio_rng *rng, uint8_t *out, size_t len,
                       uint64_t until_ns)
{
    size_t at = 0;

    while (at < len) {
        size_t n;

        if (rng->used == rng->have && !wait_bytes(rng, until_ns))
            break;
        n = rng->have - rng->used;
        if (n > len - at)
            n = len - at;
        memcpy(out + at, rng->buf + rng->used, n);
        wipe(rng->buf + rng->used, n);
        rng->used += n;
        at += n;
        if (rng->used == rng->have)
            ask(rng);
    }
    if (rng->ring.error != NULL)
        virtio_fail(&rng->dev);
    return at;
}
