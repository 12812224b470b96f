/*
 * ring.c - split virtqueues with a private shadow (virtio 1.2, 2.7).
 *
 * The device, and the host behind it, may write anything to the shared pages
 * at any time. So the driver's own state (struct vring) lies elsewhere, the
 * descriptor table is written and never read, and each shared word that is
 * read is read once, checked against that state, and a lie ends the ring for
 * good. One buffer is one descriptor: no chains, no indirect tables.
 *
 * Ordering is by C11 fences, which the compiler turns into what each
 * processor needs: a release before an index is published, an acquire behind
 * one that was read, and a full fence where our store must be seen before we
 * look at the other side's (2.7.13.4.1, 2.7.14): without it both sides could
 * decide that the other one is awake.
 */
#include "ring.h"

#include <string.h>

enum {
    DESC_F_WRITE = 2,         /* 2.7.5                                  */
    AVAIL_F_NO_INTERRUPT = 1, /* 2.7.6                                  */
    USED_F_NO_NOTIFY = 1,     /* 2.7.8                                  */
};

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct used_elem {
    uint32_t id;
    uint32_t len;
};

_Static_assert(sizeof(struct desc) == 16, "2.7.5");
_Static_assert(sizeof(struct used_elem) == 8, "2.7.8");

static volatile struct desc *desc_at(const struct vring *vr, uint16_t id)
{
    return (volatile struct desc *)(void *)vr->mem->bytes + id;
}

/* available ring (2.7.6): flags, idx, ring[size], used_event */
static volatile uint16_t *avail(const struct vring *vr)
{
    return (volatile uint16_t *)(void *)(vr->mem->bytes +
                                         sizeof(struct desc) * vr->size);
}

/* used ring (2.7.8): flags, idx, elem[size], avail_event */
static const volatile uint16_t *used(const struct vring *vr)
{
    return (const volatile uint16_t *)(void *)(vr->mem->bytes + VRING_PAGE);
}

static const volatile struct used_elem *used_elem_at(const struct vring *vr,
                                                     uint16_t n)
{
    const volatile uint16_t *ring = used(vr) + 2;

    return (const volatile struct used_elem *)(const volatile void *)ring +
           (n & (vr->size - 1));
}

static uint16_t avail_event(const struct vring *vr)
{
    return used(vr)[2 + 4 * vr->size];
}

static void set_used_event(struct vring *vr, uint16_t n)
{
    avail(vr)[2 + vr->size] = n;
}

uint64_t vring_desc_addr(const struct vring *vr)
{
    return (uintptr_t)vr->mem->bytes;
}

uint64_t vring_avail_addr(const struct vring *vr)
{
    return (uintptr_t)avail(vr);
}

uint64_t vring_used_addr(const struct vring *vr)
{
    return (uintptr_t)used(vr);
}

void vring_reset(struct vring *vr, struct vring_mem *mem, uint16_t index,
                 uint16_t size, bool event_idx)
{
    memset(vr, 0, sizeof(*vr));
    memset(mem, 0, sizeof(*mem));
    vr->index = index;
    vr->size = size;
    vr->event_idx = event_idx;
    vr->mem = mem;
    vring_disarm(vr);
}

bool vring_post(struct vring *vr, uint16_t id, void *buf, uint32_t len,
                bool writable)
{
    volatile struct desc *d;

    if (vr->error != NULL || id >= vr->size || vr->slot[id].device_owned ||
        len == 0)
        return false;
    d = desc_at(vr, id);
    d->addr = (uintptr_t)buf;
    d->len = len;
    d->flags = writable ? DESC_F_WRITE : 0;
    d->next = 0;
    vr->slot[id].len = writable ? len : 0;
    vr->slot[id].device_owned = true;
    vr->in_flight++;

    avail(vr)[2 + (vr->avail_next & (vr->size - 1))] = id;
    vr->avail_next++;
    /* 2.7.13.3.1: descriptor, buffer and entry before the index */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    avail(vr)[1] = vr->avail_next;
    return true;
}

bool vring_should_kick(struct vring *vr)
{
    uint16_t posted = (uint16_t)(vr->avail_next - vr->kicked);
    uint16_t behind;

    if (vr->error != NULL || posted == 0)
        return false;
    vr->kicked = vr->avail_next;
    /* 2.7.13.4.1: the index before the look at what the device wants */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!vr->event_idx)
        return (used(vr)[0] & USED_F_NO_NOTIFY) == 0;
    /* 2.7.10: tell when the index has just passed avail_event */
    behind = (uint16_t)(vr->avail_next - avail_event(vr) - 1);
    return behind < posted;
}

void vring_kick(struct virtio_dev *dev, struct vring *vr)
{
    if (vring_should_kick(vr))
        dev->ops->notify(dev, vr);
}

/* Entries the device has published and we have not read; sets vr->error if
 * there are more than it was given. */
static uint16_t waiting(struct vring *vr)
{
    uint16_t n = (uint16_t)(used(vr)[1] - vr->used_seen);

    if (n > vr->in_flight) {
        vr->error = "the used index is ahead of what was posted";
        return 0;
    }
    return n;
}

bool vring_take(struct vring *vr, uint16_t *id, uint32_t *len)
{
    const volatile struct used_elem *e;
    uint32_t got_id, got_len;

    if (vr->error != NULL || waiting(vr) == 0)
        return false;
    /* the index before the entry and the buffer */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    e = used_elem_at(vr, vr->used_seen);
    got_id = e->id;
    got_len = e->len;

    if (got_id >= vr->size) {
        vr->error = "a used entry names a descriptor outside the ring";
        return false;
    }
    if (!vr->slot[got_id].device_owned) {
        vr->error = "a used entry returns a buffer that was not posted";
        return false;
    }
    /* What a device claims to have written to a buffer it only reads says
     * nothing, and old ones write nonsense (2.7.8.2): dropped. */
    if (vr->slot[got_id].len == 0)
        got_len = 0;
    if (got_len > vr->slot[got_id].len) {
        vr->error = "a used entry is longer than its buffer";
        return false;
    }
    vr->slot[got_id].device_owned = false;
    vr->in_flight--;
    vr->used_seen++;
    *id = (uint16_t)got_id;
    *len = got_len;
    return true;
}

void vring_disarm(struct vring *vr)
{
    /* With EVENT_IDX the flag must stay 0 (2.7.7.1), and an event index just
     * behind us is one the device will not pass for 65,535 entries. */
    if (vr->event_idx)
        set_used_event(vr, (uint16_t)(vr->used_seen - 1));
    else
        avail(vr)[0] = AVAIL_F_NO_INTERRUPT;
}

bool vring_arm(struct vring *vr)
{
    if (vr->error != NULL)
        return false;
    if (vr->event_idx)
        set_used_event(vr, vr->used_seen);
    else
        avail(vr)[0] = 0;
    /* An entry published before the device saw this raises no interrupt, so
     * look again, behind a full fence (2.7.14). */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return waiting(vr) != 0;
}
