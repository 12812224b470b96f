/*
 * fakecard.h - a virtio network card made of memory, for test_virtio.c and
 * test_virtio_net.c: what it offers and how it lies is set by the test.
 *
 * Drivers keep static state, so that each case runs in a process of its own.
 */
#ifndef FAKECARD_H
#define FAKECARD_H

#include "virtio_net.h"

#include "check.h"
#include "child.h"
#include "entropy.h"
#include "virtio/ring.h"

#define F_MTU        (1ull << 3)
#define F_MAC        (1ull << 5)
#define F_STATUS     (1ull << 16)
#define F_ANY_LAYOUT (1ull << 27)
#define F_EVENT_IDX  (1ull << 29)

/* ------------------------------------------------- a card made of memory */

static struct {
    uint64_t offers, accepted;
    uint16_t queue_max;
    bool sticky_status, drops_features_ok;
    uint8_t status, cfg[12];
    char seen[256]; /* every status written */
    struct vring *ring[2];
    uint16_t avail_seen[2], used[2];
    unsigned kicks[2], acks;
    unsigned gens, changes; /* config changes under the first reads */
} card;

static inline uint8_t get_status(struct virtio_dev *d)
{
    (void)d;
    return card.status;
}

static inline void set_status(struct virtio_dev *d, uint8_t s)
{
    size_t at = strlen(card.seen);

    (void)d;
    snprintf(card.seen + at, sizeof(card.seen) - at, "%u ", s);
    if (card.sticky_status && s == 0)
        return;
    if (card.drops_features_ok)
        s &= (uint8_t)~8u;
    card.status = s;
}

static inline uint64_t get_features(struct virtio_dev *d)
{
    (void)d;
    return card.offers;
}

static inline void set_features(struct virtio_dev *d, uint64_t f)
{
    (void)d;
    card.accepted = f;
}

static inline uint16_t queue_max(struct virtio_dev *d, uint16_t index)
{
    (void)d;
    return index < 2 ? card.queue_max : 0;
}

static inline bool queue_set(struct virtio_dev *d, uint16_t index,
                             struct vring *vr)
{
    (void)d;
    card.ring[index] = vr;
    card.avail_seen[index] = 0;
    card.used[index] = 0;
    return true;
}

static inline void notify(struct virtio_dev *d, struct vring *vr)
{
    (void)d;
    card.kicks[vr->index]++;
}

static inline void config_read(struct virtio_dev *d, size_t off, void *out,
                               size_t len)
{
    (void)d;
    CHECK(off + len <= sizeof(card.cfg));
    memcpy(out, card.cfg + off, len);
}

static inline uint32_t config_gen(struct virtio_dev *d)
{
    (void)d;
    if (card.changes > 0 && ++card.gens % 2 == 0) { /* between the two */
        card.changes--;
        card.cfg[0]++;
        return card.gens;
    }
    return 0;
}

static inline void irq_ack(struct virtio_dev *d)
{
    (void)d;
    card.acks++;
}

#define OPS(is_legacy)                                                        \
    {                                                                         \
        .name = "fake", .legacy = (is_legacy), .get_status = get_status,      \
        .set_status = set_status, .get_features = get_features,               \
        .set_features = set_features, .queue_max = queue_max,                 \
        .queue_set = queue_set, .notify = notify, .config_read = config_read, \
        .config_gen = config_gen, .irq_ack = irq_ack,                         \
    }
static const struct virtio_transport modern = OPS(false), legacy = OPS(true);

static inline struct virtio_dev begin(const struct virtio_transport *ops)
{
    struct virtio_dev dev = { .ops = ops,
                              .id = VIRTIO_ID_NET,
                              .name = "virtio-mmio feb00e00",
                              .cfg_len = sizeof(card.cfg) };

    memset(&card, 0, sizeof(card));
    card.offers = VIRTIO_F_VERSION_1 | F_MAC | F_STATUS | F_EVENT_IDX |
                  F_ANY_LAYOUT | 0xff7;
    card.offers &= ~F_MTU;
    card.queue_max = 256;
    memcpy(card.cfg, "\x52\x54\0\1\2\3\1\0\0\0\xdc\5", 12);
    return dev;
}

static inline uint16_t *used16(unsigned q)
{
    return (uint16_t *)(uintptr_t)vring_used_addr(card.ring[q]);
}

static inline void publish(unsigned q, uint32_t id, uint32_t len)
{
    uint16_t size = card.ring[q]->size;
    uint32_t *e = (uint32_t *)(void *)(used16(q) + 2);

    e[2 * (card.used[q] % size)] = id;
    e[2 * (card.used[q] % size) + 1] = len;
    used16(q)[1] = ++card.used[q];
}

/* The device takes the next posted buffer of queue q; NULL: none. */
static inline uint8_t *fetch(unsigned q, uint16_t *id, uint32_t *len)
{
    struct vring *vr = card.ring[q];
    const uint16_t *avail = (const uint16_t *)(uintptr_t)vring_avail_addr(vr);
    const uint8_t *d;
    uint64_t addr;

    if (avail[1] == card.avail_seen[q])
        return NULL;
    *id = avail[2 + card.avail_seen[q]++ % vr->size];
    used16(q)[2 + 4 * vr->size] = card.avail_seen[q];
    d = (const uint8_t *)(uintptr_t)vring_desc_addr(vr) + 16 * *id;
    memcpy(&addr, d, 8);
    memcpy(len, d + 8, 4);
    return (uint8_t *)(uintptr_t)addr;
}

/* A frame of n bytes, each of value v, arrives behind hdr bytes. */
static inline bool arrive(uint8_t v, size_t hdr, uint32_t n)
{
    uint16_t id;
    uint32_t len;
    uint8_t *p = fetch(0, &id, &len);

    if (p == NULL)
        return false;
    CHECK_EQ(len, 1536);
    memset(p, 0xee, hdr);
    memset(p + hdr, v, n);
    publish(0, id, (uint32_t)hdr + n);
    return true;
}

static size_t entropy_left = 100;

size_t entropy_read(uint8_t *out, size_t len)
{
    size_t n = len < entropy_left ? len : entropy_left;

    memset(out, 0xff, n);
    return n;
}

/* The card's memory is static and open once. */
#define CASE(x) CHILD_CASE(NULL, x)

#endif
