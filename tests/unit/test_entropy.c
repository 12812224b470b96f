/* sources: kernel/entropy.c kernel/virtio/rng.c kernel/virtio/ring.c kernel/virtio/virtio.c */
/* includes: kernel board */
/*
 * test_entropy.c - sources that give, give little, repeat themselves, or are
 * absent; the entropy device honest, slow, and lying.
 *
 * The sources are static, so each case starts from a copy of the program:
 * fork() gives it one.
 */
#include "entropy.h"

#include "board.h"
#include "check.h"
#include "child.h"
#include "log.h"
#include "virtio/ring.h"

static enum { GOOD, NONE, STUCK, ZERO, SAME_AGAIN, TOO_MANY } cpu;
static uint64_t rnd = 1, now_ns;
static unsigned idles;

static void fill(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)check_random(&rnd);
}

size_t board_entropy(uint8_t *out, size_t len)
{
    switch (cpu) {
    case NONE:
        return 0;
    case STUCK:
        for (size_t i = 0; i < len; i++)
            out[i] = (uint8_t)(i % 8 * 37);
        return len;
    case ZERO:
        memset(out, 0, len);
        return len;
    case SAME_AGAIN:
        rnd = 99;
        break;
    case TOO_MANY:
        return len + 1;
    default:
        break;
    }
    fill(out, len);
    return len;
}

uint64_t board_now_ns(void)
{
    return now_ns += 1000;
}

static char logged[4096];

void log_say(const char *fmt, ...)
{
    size_t at = strlen(logged);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(logged + at, sizeof(logged) - at, fmt, ap);
    va_end(ap);
}

/* the device: a table of functions in place of registers */
static enum { ABSENT, HONEST, SLOW, SILENT, LIAR, EMPTY, REFUSES } device;
static uint8_t status;
static struct vring *ring;
static uint16_t given;

static uint8_t get_status(struct virtio_dev *d)
{
    (void)d;
    return status;
}

static void set_status(struct virtio_dev *d, uint8_t s)
{
    (void)d;
    status = s;
}

static uint64_t get_features(struct virtio_dev *d)
{
    (void)d;
    return device == REFUSES ? 0 : VIRTIO_F_VERSION_1 | 1ull << 29;
}

static void set_features(struct virtio_dev *d, uint64_t f)
{
    (void)d;
    CHECK_EQ(f, VIRTIO_F_VERSION_1 | 1ull << 29);
}

static uint16_t queue_max(struct virtio_dev *d, uint16_t index)
{
    (void)d;
    return index == 0 ? 8 : 0;
}

static bool queue_set(struct virtio_dev *d, uint16_t index, struct vring *vr)
{
    (void)d;
    CHECK_EQ(index, 0);
    ring = vr;
    return true;
}

/* answers the one buffer that is posted */
static void answer(void)
{
    uint8_t *mem = ring->mem->bytes;
    uint32_t *elem = (uint32_t *)(void *)(mem + 4100);
    uint16_t *used = (uint16_t *)(void *)(mem + 4096);
    uint64_t addr;

    if (((uint16_t *)(void *)(mem + 16))[1] == given || status == 0)
        return;
    memcpy(&addr, mem, 8);
    elem[0] = 0;
    elem[1] = device == LIAR ? 257 : device == EMPTY ? 0 : 100;
    fill((uint8_t *)(uintptr_t)addr, 100);
    used[1] = ++given;
    used[2 + 4] = given; /* avail_event: tell me about the next */
}

static void notify(struct virtio_dev *d, struct vring *vr)
{
    (void)d;
    (void)vr;
    if (device != SILENT && device != SLOW)
        answer();
}

static void irq_ack(struct virtio_dev *d)
{
    (void)d;
}

static const struct virtio_transport ops = {
    .name = "fake",
    .get_status = get_status,
    .set_status = set_status,
    .get_features = get_features,
    .set_features = set_features,
    .queue_max = queue_max,
    .queue_set = queue_set,
    .notify = notify,
    .irq_ack = irq_ack,
};

size_t devices_virtio(const struct virtio_dev **list)
{
    static struct virtio_dev devs[2];

    *list = devs;
    if (device == ABSENT)
        return 0;
    memset(devs, 0, sizeof(devs));
    devs[0].id = VIRTIO_ID_NET; /* touched: a crash, it has no ops */
    devs[1].id = VIRTIO_ID_RNG;
    devs[1].ops = &ops;
    memcpy(devs[1].name, "rng", sizeof("rng"));
    return 2;
}

void board_idle(uint64_t until_ns)
{
    CHECK(until_ns > now_ns);
    now_ns = until_ns;
    if (++idles == 3 && device == SLOW)
        answer();
}

/* Reads twice: both full, fresh, and not constant. */
static void two_reads(const char *sources)
{
    uint8_t a[64] = { 0 }, b[64] = { 0 };

    CHECK_EQ(entropy_read(a, 64), 64);
    CHECK_EQ(entropy_read(b, 64), 64);
    CHECK(memcmp(a, b, 16) != 0);
    CHECK(memcmp(a + 48, b + 48, 16) != 0);
    CHECK_STR(entropy_sources(), sources);
}

static void run_all(void)
{
    static uint8_t seed[100];

    CHECK_STR(entropy_sources(), "");
    fill(seed, sizeof(seed));
    entropy_add_seed(seed, sizeof(seed));
    device = HONEST;
    two_reads("CPU, virtio-rng, seed file");
    CHECK_EQ(idles, 0);
}

static void run_cpu(void)
{
    two_reads("CPU");
}

static void run_device(void)
{
    uint8_t big[1000];

    cpu = NONE;
    device = HONEST;
    two_reads("virtio-rng");
    CHECK_EQ(entropy_read(big, sizeof(big)), sizeof(big));
    for (size_t i = 8; i + 8 <= sizeof(big); i += 8)
        CHECK(memcmp(big + i - 8, big + i, 8) != 0);
}

static void run_none(void)
{
    uint8_t a[64];

    cpu = NONE;
    CHECK_EQ(entropy_read(a, 64), 0);
    CHECK_STR(entropy_sources(), "");
    CHECK_EQ(entropy_read(a, 0), 0);
}

static void run_seed(void)
{
    static uint8_t seed[40];
    uint8_t a[64];

    cpu = NONE;
    fill(seed, sizeof(seed));
    entropy_add_seed(seed, sizeof(seed));
    CHECK_EQ(entropy_read(a, 64), 40);
    CHECK_MEM(a, 40, seed, 40);
    CHECK_EQ(entropy_read(a, 64), 0); /* never the same bytes again */
    CHECK_STR(entropy_sources(), "seed file");
}

static void stuck(int kind, const char *where)
{
    uint8_t a[64];

    cpu = kind;
    CHECK_EQ(entropy_read(a, 64), 0);
    CHECK_STR(entropy_sources(), "");
    CHECK(strstr(logged, where) != NULL);
    cpu = GOOD; /* too late: it is not trusted again */
    CHECK_EQ(entropy_read(a, 64), 0);
}

static void run_stuck(void)
{
    stuck(STUCK, "CPU: repeats itself");
}

static void run_zero(void)
{
    stuck(ZERO, "CPU: repeats itself");
}

static void run_same_again(void)
{
    uint8_t a[64];

    cpu = SAME_AGAIN; /* the shares of one read already repeat */
    CHECK_EQ(entropy_read(a, 64), 21);
    CHECK_STR(entropy_sources(), "");
    CHECK_EQ(entropy_read(a, 64), 0);
}

static void run_too_many(void)
{
    uint8_t a[64];

    cpu = TOO_MANY;
    CHECK_EQ(entropy_read(a, 64), 0);
}

static void run_slow(void)
{
    uint8_t a[64];

    cpu = NONE;
    device = SLOW;
    CHECK_EQ(entropy_read(a, 64), 64);
    CHECK_EQ(idles, 3);
}

static void run_silent(void)
{
    uint8_t a[64];

    device = SILENT;
    CHECK_EQ(entropy_read(a, 64), 64);
    CHECK_STR(entropy_sources(), "CPU");
    CHECK(now_ns >= 50000000 && now_ns < 60000000);
    CHECK(idles >= 45 && idles <= 50);
}

static void run_liar(void)
{
    uint8_t a[64];

    device = LIAR;
    CHECK_EQ(entropy_read(a, 64), 64);
    CHECK_STR(entropy_sources(), "CPU");
    CHECK_STR(logged, "rng: given up: a used entry is longer than its buffer");
    CHECK_EQ(status, 0); /* reset: it has our memory no longer */
}

static void run_empty(void)
{
    uint8_t a[64];

    device = EMPTY;
    CHECK_EQ(entropy_read(a, 64), 64);
    CHECK_STR(logged,
              "rng: given up: the entropy device returned an empty buffer");
}

static void run_refuses(void)
{
    uint8_t a[64];

    device = REFUSES;
    CHECK_EQ(entropy_read(a, 64), 64);
    CHECK_STR(logged, "rng: entropy device not used: it does not offer "
                      "virtio 1.0");
}

#define CASE(x) CHILD_CASE(NULL, x)

CASE(all)
CASE(cpu)
CASE(device)
CASE(none)
CASE(seed)
CASE(stuck)
CASE(zero)
CASE(same_again)
CASE(too_many)
CASE(slow)
CASE(silent)
CASE(liar)
CASE(empty)
CASE(refuses)

static const struct check_case cases[] = {
    { "all", case_all },           { "cpu", case_cpu },
    { "device", case_device },     { "none", case_none },
    { "seed", case_seed },         { "stuck", case_stuck },
    { "zero", case_zero },         { "same_again", case_same_again },
    { "too_many", case_too_many }, { "slow", case_slow },
    { "silent", case_silent },     { "liar", case_liar },
    { "empty", case_empty },       { "refuses", case_refuses },
};

CHECK_MAIN(cases)
