/* sources: kernel/virtio/ring.c */
/* includes: kernel */
/*
 * test_ring.c - the split ring against a device that is honest, and one that
 * lies. The device here works on the shared pages alone, by the offsets of
 * virtio 1.2, 2.7, written down a second time.
 */
#include "virtio/ring.h"

#include "check.h"

static struct vring_mem mem;
static struct vring vr;
static uint8_t buffers[VRING_MAX][64];

/* the device's view */
static struct {
    uint16_t seen; /* avail entries taken            */
    uint16_t used; /* used.idx                       */
    uint16_t told; /* used.idx at the last interrupt */
} dev;

static uint16_t *avail16(void)
{
    return (uint16_t *)(void *)(mem.bytes + 16 * vr.size);
}

static uint16_t *used16(void)
{
    return (uint16_t *)(void *)(mem.bytes + 4096);
}

static uint32_t *used_elem(uint16_t n)
{
    return (uint32_t *)(void *)(mem.bytes + 4096 + 4) + 2 * (n % vr.size);
}

static void start(uint16_t size, bool event_idx)
{
    vring_reset(&vr, &mem, 0, size, event_idx);
    memset(&dev, 0, sizeof(dev));
}

static void publish(uint32_t id, uint32_t len)
{
    used_elem(dev.used)[0] = id;
    used_elem(dev.used)[1] = len;
    used16()[1] = ++dev.used;
}

/* what a device fetches: 0xffff if nothing was posted */
static uint16_t fetch(uint64_t *addr, uint32_t *len, uint16_t *flags)
{
    const uint8_t *d;
    uint16_t id;

    if (avail16()[1] == dev.seen)
        return 0xffff;
    id = avail16()[2 + dev.seen++ % vr.size];
    d = mem.bytes + 16 * id;
    memcpy(addr, d, 8);
    memcpy(len, d + 8, 4);
    memcpy(flags, d + 12, 2);
    return id;
}

static bool need_event(uint16_t event, uint16_t new, uint16_t old)
{
    return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

/* would an honest device interrupt now? (2.7.7) */
static bool interrupts(void)
{
    bool yes = vr.event_idx
                   ? need_event(avail16()[2 + vr.size], dev.used, dev.told)
                   : dev.used != dev.told && (avail16()[0] & 1) == 0;

    dev.told = dev.used;
    return yes;
}

static void layout(void)
{
    uint64_t addr = 0;
    uint32_t len = 0;
    uint16_t flags = 9;

    start(8, true);
    CHECK_EQ((uintptr_t)&mem % 4096, 0);
    CHECK_EQ(vring_avail_addr(&vr) - vring_desc_addr(&vr), 8 * 16);
    CHECK_EQ(vring_used_addr(&vr) - vring_desc_addr(&vr), 4096);
    CHECK(vring_post(&vr, 3, buffers[3], 64, true));
    CHECK_EQ(avail16()[1], 1);
    CHECK_EQ(fetch(&addr, &len, &flags), 3);
    CHECK_EQ(addr, (uintptr_t)buffers[3]);
    CHECK_EQ(len, 64);
    CHECK_EQ(flags, 2);
    CHECK(vring_post(&vr, 7, buffers[7], 10, false));
    CHECK_EQ(fetch(&addr, &len, &flags), 7);
    CHECK_EQ(len, 10);
    CHECK_EQ(flags, 0);
}

static void post_refuses(void)
{
    start(8, false);
    CHECK(!vring_post(&vr, 8, buffers[0], 64, true));
    CHECK(!vring_post(&vr, 0xffff, buffers[0], 64, true));
    CHECK(!vring_post(&vr, 0, buffers[0], 0, true));
    CHECK(vring_post(&vr, 0, buffers[0], 64, true));
    CHECK(!vring_post(&vr, 0, buffers[0], 64, true));
    CHECK_EQ(avail16()[1], 1);
    CHECK_EQ(vr.in_flight, 1);
}

static void takes_in_any_order(void)
{
    static const uint16_t order[] = { 2, 0, 3, 1 };
    uint16_t id;
    uint32_t len;

    start(4, false);
    for (uint16_t i = 0; i < 4; i++)
        CHECK(vring_post(&vr, i, buffers[i], 64, true));
    CHECK(!vring_take(&vr, &id, &len));
    for (uint16_t i = 0; i < 4; i++)
        publish(order[i], 10u + i);
    for (uint16_t i = 0; i < 4; i++) {
        CHECK(vring_take(&vr, &id, &len));
        CHECK_EQ(id, order[i]);
        CHECK_EQ(len, 10 + i);
    }
    CHECK(!vring_take(&vr, &id, &len));
    CHECK_STR(vr.error, NULL);
}

/* A lie about one of two posted buffers (0 writable, 1 not), and silence
 * ever after. */
static void lie(uint16_t ahead, uint32_t got_id, uint32_t got_len,
                const char *why)
{
    uint16_t id = 77;
    uint32_t len = 77;

    start(8, true);
    CHECK(vring_post(&vr, 0, buffers[0], 64, true));
    CHECK(vring_post(&vr, 1, buffers[1], 64, false));
    used_elem(0)[0] = got_id;
    used_elem(0)[1] = got_len;
    used16()[1] = ahead;
    CHECK(!vring_take(&vr, &id, &len));
    CHECK_STR(vr.error, why);
    CHECK_EQ(id, 77);
    CHECK_EQ(len, 77);

    used_elem(0)[0] = 0;
    used_elem(0)[1] = 1;
    used16()[1] = 1;
    CHECK(!vring_take(&vr, &id, &len));
    CHECK(!vring_post(&vr, 2, buffers[2], 64, true));
    CHECK(!vring_should_kick(&vr));
    CHECK(!vring_arm(&vr));
    CHECK_STR(vr.error, why);
}

static void lies(void)
{
    static const char *const ahead =
        "the used index is ahead of what was posted";
    static const char *const outside =
        "a used entry names a descriptor outside the ring";
    static const char *const twice =
        "a used entry returns a buffer that was not posted";
    static const char *const longer = "a used entry is longer than its buffer";

    lie(3, 0, 1, ahead);
    lie(0xffff, 0, 1, ahead); /* backwards */
    lie(0x8000, 0, 1, ahead);
    lie(1, 8, 1, outside);
    lie(1, 0x10000, 1, outside); /* 0 if cut to 16 bits */
    lie(1, 0xffffffff, 1, outside);
    lie(1, 2, 1, twice);
    lie(1, 0, 65, longer);
    lie(1, 0, 0xffffffff, longer);
}

static void double_completion(void)
{
    uint16_t id;
    uint32_t len;

    start(8, false);
    CHECK(vring_post(&vr, 5, buffers[5], 64, true));
    CHECK(vring_post(&vr, 6, buffers[6], 64, true));
    publish(5, 64);
    publish(5, 64);
    CHECK(vring_take(&vr, &id, &len));
    CHECK_EQ(id, 5);
    CHECK_EQ(len, 64);
    CHECK(!vring_take(&vr, &id, &len));
    CHECK(vr.error != NULL);
}

/* Old devices write what they like for buffers they only read. */
static void length_of_sent(void)
{
    uint16_t id;
    uint32_t len = 1;

    start(8, false);
    CHECK(vring_post(&vr, 4, buffers[4], 60, false));
    publish(4, 0xdeadbeef);
    CHECK(vring_take(&vr, &id, &len));
    CHECK_EQ(id, 4);
    CHECK_EQ(len, 0);
}

static void kicks(void)
{
    uint16_t id;
    uint32_t len;

    start(8, false);
    CHECK(!vring_should_kick(&vr)); /* nothing posted */
    CHECK(vring_post(&vr, 0, buffers[0], 64, true));
    CHECK(vring_should_kick(&vr));
    CHECK(!vring_should_kick(&vr)); /* told already */
    used16()[0] = 1;                /* VRING_USED_F_NO_NOTIFY */
    CHECK(vring_post(&vr, 1, buffers[1], 64, true));
    CHECK(!vring_should_kick(&vr));

    start(8, true);
    used16()[0] = 1;         /* means nothing with EVENT_IDX */
    used16()[2 + 4 * 8] = 2; /* avail_event: tell me about the third */
    for (uint16_t i = 0; i < 2; i++) {
        CHECK(vring_post(&vr, i, buffers[i], 64, true));
        CHECK(!vring_should_kick(&vr));
    }
    CHECK(vring_post(&vr, 2, buffers[2], 64, true));
    CHECK(vring_should_kick(&vr));
    CHECK(vring_post(&vr, 3, buffers[3], 64, true));
    CHECK(!vring_should_kick(&vr));

    /* passed in a batch, and across the wrap of the index */
    start(8, true);
    for (uint32_t n = 0; n < 65534; n++) {
        CHECK(vring_post(&vr, 0, buffers[0], 64, true));
        publish(0, 0);
        CHECK(vring_take(&vr, &id, &len));
    }
    (void)vring_should_kick(&vr);
    used16()[2 + 4 * 8] = 0;
    for (uint16_t i = 0; i < 3; i++)
        CHECK(vring_post(&vr, i, buffers[i], 64, true));
    CHECK_EQ(vr.avail_next, 1);
    CHECK(vring_should_kick(&vr));
}

static void wakes(bool event_idx)
{
    uint16_t id;
    uint32_t len;

    start(8, event_idx);
    for (uint16_t i = 0; i < 8; i++)
        CHECK(vring_post(&vr, i, buffers[i], 64, true));
    publish(0, 1);
    CHECK(!interrupts());  /* polling from the start */
    CHECK(vring_arm(&vr)); /* one is waiting: no sleep */
    CHECK(vring_take(&vr, &id, &len));
    CHECK(!vring_arm(&vr));
    publish(1, 1);
    CHECK(interrupts());
    vring_disarm(&vr);
    publish(2, 1);
    CHECK(!interrupts());
    CHECK(vring_take(&vr, &id, &len));
    CHECK(vring_take(&vr, &id, &len));
    CHECK_EQ(id, 2);
    vring_disarm(&vr);
    publish(3, 1);
    CHECK(!interrupts());
    CHECK(vring_arm(&vr));
    used16()[1] = 99;
    CHECK(!vring_arm(&vr));
    CHECK(vr.error != NULL);
}

static void wake_by_flag(void)
{
    wakes(false);
}

static void wake_by_index(void)
{
    wakes(true);
}

/*
 * A million random steps. The model knows which buffers the device holds;
 * whatever the device writes, a completion must be one of them with a
 * length that fits, an honest step is never called a lie, and after an error
 * nothing moves.
 */
static uint64_t rnd;
static uint32_t held[VRING_MAX]; /* 0: not held; else 1 + writable length */

static void model_start(void)
{
    start((uint16_t)(1u << check_random(&rnd) % 8), check_random(&rnd) & 1);
    memset(held, 0, sizeof(held));
}

static void model_post(void)
{
    uint16_t id = (uint16_t)(check_random(&rnd) % (vr.size + 2u));
    uint32_t len = (uint32_t)(check_random(&rnd) % 65);
    bool writable = check_random(&rnd) & 1;
    bool may = vr.error == NULL && id < vr.size && len != 0 && held[id] == 0;

    CHECK_EQ(vring_post(&vr, id, buffers[id % VRING_MAX], len, writable), may);
    if (may)
        held[id] = writable ? 1 + len : 1;
}

static bool honest; /* since the last start */

static void model_complete(void)
{
    uint64_t addr;
    uint32_t len;
    uint16_t flags, id = honest ? fetch(&addr, &len, &flags) : 0xffff;

    if (id == 0xffff)
        return;
    CHECK_EQ(addr, (uintptr_t)buffers[id]);
    if ((flags & 2) != 0)
        memset(buffers[id], 0x5a, len);
    publish(id, (uint32_t)check_random(&rnd) % (len + 1));
}

static void model_lie(void)
{
    uint64_t r = check_random(&rnd);
    uint16_t n = (uint16_t)(r >> 32);

    honest = false;
    switch (r % 5) {
    case 0: /* an index from anywhere */
        used16()[1] = n;
        break;
    case 1: /* an index a little ahead */
        used16()[1] = (uint16_t)(vr.used_seen + n % (vr.size + 2u));
        break;
    case 2: /* an id, near or far */
        used_elem(n)[0] = r & 0x100 ? (uint32_t)(r >> 20) : n % (vr.size + 2u);
        break;
    case 3: /* a length */
        used_elem(n)[1] = r & 0x100 ? (uint32_t)(r >> 20) : n % 70u;
        break;
    default: /* anything, anywhere in the shared pages */
        mem.bytes[(r >> 8) % sizeof(mem.bytes)] = (uint8_t)r;
    }
}

static void model_take(void)
{
    const char *before = vr.error;
    uint16_t id = 0xffff;
    uint32_t len = 0;
    bool got = vring_take(&vr, &id, &len);

    if (honest)
        CHECK_STR(vr.error, NULL);
    if (before != NULL) {
        CHECK(vr.error == before);
        CHECK(!got);
    }
    if (!got)
        return;
    if (!CHECK(id < vr.size) || !CHECK(held[id] != 0))
        return;
    CHECK(len <= held[id] - 1);
    held[id] = 0;
}

static void random_device(bool lying)
{
    unsigned took = 0, errors = 0;

    rnd = check_seed;
    honest = true;
    model_start();
    for (unsigned step = 0; step < 1000000 && check_failed < 20; step++) {
        unsigned r = check_random(&rnd) % 100;
        uint16_t before = vr.used_seen;

        if (r < 35)
            model_post();
        else if (r < 60)
            model_complete();
        else if (r < 90)
            model_take();
        else if (r < 94)
            (void)vring_should_kick(&vr);
        else if (r < 96)
            (void)vring_arm(&vr);
        else if (r < 98)
            vring_disarm(&vr);
        else if (lying)
            model_lie();
        took += vr.used_seen != before;
        if (r == 99 && vr.error != NULL) {
            errors++;
            honest = true;
            model_start();
        }
    }
    CHECK(took > 10000); /* the run did not go idle */
    CHECK(lying ? errors > 1000 : vr.error == NULL);
}

static void random_honest(void)
{
    random_device(false);
}

static void random_lying(void)
{
    random_device(true);
}

static const struct check_case cases[] = {
    { "layout", layout },
    { "post_refuses", post_refuses },
    { "takes_in_any_order", takes_in_any_order },
    { "lies", lies },
    { "double_completion", double_completion },
    { "length_of_sent", length_of_sent },
    { "kicks", kicks },
    { "wake_by_flag", wake_by_flag },
    { "wake_by_index", wake_by_index },
    { "random_honest", random_honest },
    { "random_lying", random_lying },
};

CHECK_MAIN(cases)
