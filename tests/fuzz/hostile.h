/*
 * hostile.h - a virtio device that does what the fuzzer's bytes say.
 *
 * It may write anything to the shared pages of the rings at any time: between
 * two calls of the driver and within one, whenever the driver rings, reads
 * configuration or looks for a completion. Buffers are another matter: those
 * that the device has are poisoned for AddressSanitizer from vring_post() to
 * the vring_take() that returns them, so that a driver which believes a lie
 * and touches one is caught. The ring's code stands between driver and
 * device under other names for that.
 */
#ifndef TESTS_FUZZ_HOSTILE_H
#define TESTS_FUZZ_HOSTILE_H

#include "fuzz.h"

#define vring_post ring_post
#define vring_take ring_take
#include "../../kernel/virtio/ring.c"
#undef vring_post
#undef vring_take

bool vring_post(struct vring *vr, uint16_t id, void *buf, uint32_t len,
                bool writable);
bool vring_take(struct vring *vr, uint16_t *id, uint32_t *len);

enum { QUEUES = 4 };

static struct {
    uint64_t offers;
    uint8_t status, config[64];
    uint32_t generation;
    bool sticky; /* does not finish a reset */
    struct {
        struct vring *vr;
        uint16_t seen, used;
        struct {
            uint8_t *p; /* NULL: the driver has it */
            size_t len;
        } held[VRING_MAX];
    } queue[QUEUES];
} device;

static uint8_t *shared(struct vring *vr)
{
    return vr->mem->bytes;
}

static void put16(uint8_t *at, uint16_t v)
{
    memcpy(at, &v, sizeof(v));
}

/* An entry of the used ring, and the index behind it (2.7.8). */
static void publish(unsigned q, uint32_t id, uint32_t len)
{
    struct vring *vr = device.queue[q].vr;
    uint8_t *used = shared(vr) + VRING_PAGE;
    uint8_t *e = used + 4 + 8 * (device.queue[q].used++ % vr->size);

    memcpy(e, &id, sizeof(id));
    memcpy(e + 4, &len, sizeof(len));
    put16(used + 2, device.queue[q].used);
}

/* The device writes to a buffer that it holds. */
__attribute__((no_sanitize("address"))) static void scribble(
    volatile uint8_t *p, size_t len, uint8_t v)
{
    for (size_t i = 0; i < len; i++)
        p[i] = v;
}

/* An honest completion of the oldest buffer it has not answered yet. */
static void answer(unsigned q, uint32_t len)
{
    struct vring *vr = device.queue[q].vr;
    uint8_t *avail = shared(vr) + 16 * vr->size;
    uint16_t idx, id;

    memcpy(&idx, avail + 2, 2);
    if (idx == device.queue[q].seen)
        return;
    memcpy(&id, avail + 4 + 2 * (device.queue[q].seen++ % vr->size), 2);
    put16(shared(vr) + VRING_PAGE + 4 + 8 * vr->size, device.queue[q].seen);
    if (id < vr->size && device.queue[q].held[id].p != NULL) {
        size_t room = device.queue[q].held[id].len;

        if (len > room && next(1) != 0)
            len = (uint32_t)room;
        scribble(device.queue[q].held[id].p, len < room ? len : room,
                 (uint8_t)next(1));
    }
    publish(q, id, len);
}

/* One thing that a device can do. */
static void act(void)
{
    unsigned what = next(1), q = what >> 4 & (QUEUES - 1);
    struct vring *vr = device.queue[q].vr;

    if (vr == NULL) {
        device.config[next(1) % sizeof(device.config)] = (uint8_t)next(1);
        return;
    }
    switch (what & 15) {
    case 0:
        publish(q, next(1), next(2));
        break;
    case 1:
        publish(q, next(4), next(4));
        break;
    case 2: /* the index jumps */
        put16(shared(vr) + VRING_PAGE + 2, (uint16_t)next(2));
        break;
    case 3: /* any word of the shared pages, the driver's own included */
        put16(shared(vr) + next(2) % (2 * VRING_PAGE - 1), (uint16_t)next(2));
        break;
    case 4:
        device.config[next(1) % sizeof(device.config)] = (uint8_t)next(1);
        break;
    case 5:
        device.generation = next(1);
        break;
    case 6:
        device.status = (uint8_t)next(1);
        break;
    case 7: /* forgets where it was */
        device.queue[q].seen = (uint16_t)next(2);
        device.queue[q].used = (uint16_t)next(2);
        break;
    case 8:
        for (unsigned n = next(1); n > 0; n--)
            answer(q, 64);
        break;
    default:
        answer(q, next(2));
    }
}

static void acts(void)
{
    for (unsigned n = next(1) & 3; n > 0; n--)
        act();
}

/* What the device holds is the driver's again: it was reset. */
static void let_go(void)
{
    for (unsigned q = 0; q < QUEUES; q++) {
        for (unsigned i = 0; i < VRING_MAX; i++) {
            if (device.queue[q].held[i].p != NULL)
                __asan_unpoison_memory_region(device.queue[q].held[i].p,
                                              device.queue[q].held[i].len);
        }
    }
    memset(device.queue, 0, sizeof(device.queue));
}

bool vring_post(struct vring *vr, uint16_t id, void *buf, uint32_t len,
                bool writable)
{
    acts();
    /* all of it exists, and none of it is with the device already */
    MUST(len == 0 || __asan_region_is_poisoned(buf, len) == NULL);
    if (!ring_post(vr, id, buf, len, writable))
        return false;
    MUST(id < vr->size && device.queue[vr->index].held[id].p == NULL);
    device.queue[vr->index].held[id].p = buf;
    device.queue[vr->index].held[id].len = len;
    __asan_poison_memory_region(buf, len);
    acts();
    return true;
}

bool vring_take(struct vring *vr, uint16_t *id, uint32_t *len)
{
    acts();
    if (!ring_take(vr, id, len))
        return false;
    MUST(*id < vr->size && device.queue[vr->index].held[*id].p != NULL);
    MUST(*len <= device.queue[vr->index].held[*id].len);
    __asan_unpoison_memory_region(device.queue[vr->index].held[*id].p,
                                  device.queue[vr->index].held[*id].len);
    device.queue[vr->index].held[*id].p = NULL;
    return true;
}

/* ----------------------------------------------------------- its registers */

static uint8_t get_status(struct virtio_dev *d)
{
    (void)d;
    return device.status;
}

static void set_status(struct virtio_dev *d, uint8_t s)
{
    (void)d;
    if (s != 0) {
        device.status = next(1) == 1 ? (uint8_t)next(1) : s;
        return;
    }
    let_go();
    device.status = device.sticky ? 1 : 0;
}

static uint64_t get_features(struct virtio_dev *d)
{
    (void)d;
    return device.offers;
}

static void set_features(struct virtio_dev *d, uint64_t f)
{
    (void)d;
    MUST((f & ~device.offers) == 0);
}

static uint16_t queue_max(struct virtio_dev *d, uint16_t index)
{
    unsigned n = next(1);

    (void)d;
    (void)index;
    return n > 20 ? 256 : n > 10 ? (uint16_t)next(2) : (uint16_t)n;
}

static bool queue_set(struct virtio_dev *d, uint16_t index, struct vring *vr)
{
    (void)d;
    MUST(index < QUEUES && vr->size <= VRING_MAX);
    if (next(1) == 1)
        return false;
    device.queue[index].vr = vr;
    return true;
}

static void notify(struct virtio_dev *d, struct vring *vr)
{
    (void)d;
    (void)vr;
    acts();
}

static void config_read(struct virtio_dev *d, size_t off, void *out, size_t len)
{
    MUST(off + len <= d->cfg_len);
    acts();
    memcpy(out, device.config + off, len);
}

static uint32_t config_gen(struct virtio_dev *d)
{
    (void)d;
    acts();
    return device.generation;
}

static void irq_ack(struct virtio_dev *d)
{
    (void)d;
    acts();
}

#define HOSTILE(is_legacy)                                                    \
    {                                                                         \
        .name = "hostile", .legacy = (is_legacy), .get_status = get_status,   \
        .set_status = set_status, .get_features = get_features,               \
        .set_features = set_features, .queue_max = queue_max,                 \
        .queue_set = queue_set, .notify = notify, .config_read = config_read, \
        .config_gen = config_gen, .irq_ack = irq_ack,                         \
    }
static const struct virtio_transport hostile[] = { HOSTILE(false),
                                                   HOSTILE(true) };

/* The device that the first bytes of the input describe. */
static struct virtio_dev begin(uint32_t id)
{
    unsigned kind = next(1);
    struct virtio_dev dev = { .ops = &hostile[kind & 1],
                              .id = id,
                              .name = "virtio-mmio feb00e00" };

    let_go();
    memset(&device, 0, sizeof(device));
    device.sticky = kind == 0xff;
    device.offers = (uint64_t)next(4) << 32 | next(4);
    if ((kind & 2) != 0) /* mostly one that can be started */
        device.offers |= VIRTIO_F_VERSION_1 | 1ull << 29 | 1ull << 27;
    dev.cfg_len = (kind & 4) != 0 ? next(1) % sizeof(device.config)
                                  : sizeof(device.config);
    for (unsigned i = 0; i < 12; i++)
        device.config[i] = (uint8_t)next(1);
    return dev;
}

#endif
