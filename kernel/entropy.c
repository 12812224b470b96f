/*
 * entropy.c - raw entropy from the CPU or machine, virtio-rng, a seed file.
 *
 * Each source gives its share of every read, so that no single one has to be
 * trusted; what one cannot give the others make up for. A source that looks
 * stuck (the same eight bytes twice running, or a read that starts as the
 * last one did: SP 800-90B's repetition test, with a cut-off that a sound
 * source meets once in 2^64 words) is left out for the rest of the run. Its
 * bytes so far are hashed with others and do no harm.
 */
#include "entropy.h"

#include <string.h>

#include "board.h"
#include "devices.h"
#include "log.h"
#include "virtio/rng.h"
#include "wipe.h"

#define WAIT_NS 50000000u /* for virtio-rng, each read            */
#define WORD    8         /* what the repetition test compares    */

enum { CPU, RNG, SEED, SOURCES };

struct source {
    const char *name;
    size_t (*read)(uint8_t *out, size_t len);
    bool gave, stuck;
    uint64_t last; /* digest of its last block's head */
};

static struct virtio_rng rng;
static enum { RNG_UNKNOWN, RNG_NONE, RNG_OPEN } rng_state;
static const uint8_t *seed;
static size_t seed_len;
static char names[64];

/* The first entropy device that starts; a refused one is logged. */
static void rng_find(void)
{
    const struct virtio_dev *dev;
    size_t n = devices_virtio(&dev);
    const char *why = "";

    rng_state = RNG_NONE;
    for (size_t i = 0; i < n && rng_state != RNG_OPEN; i++) {
        if (dev[i].id != VIRTIO_ID_RNG)
            continue;
        if (virtio_rng_open(&rng, &dev[i], &why))
            rng_state = RNG_OPEN;
        else
            log_say("%s: entropy device not used: %s", dev[i].name, why);
    }
}

static size_t rng_read(uint8_t *out, size_t len)
{
    size_t got;

    if (rng_state == RNG_UNKNOWN)
        rng_find();
    if (rng_state == RNG_NONE)
        return 0;
    got = virtio_rng_read(&rng, out, len, board_now_ns() + WAIT_NS);
    if (rng.ring.error != NULL) {
        log_say("%s: given up: %s", rng.dev.name, rng.ring.error);
        rng_state = RNG_NONE;
    }
    return got;
}

static size_t seed_read(uint8_t *out, size_t len)
{
    if (len > seed_len)
        len = seed_len;
    if (len == 0)
        return 0;
    memcpy(out, seed, len);
    seed += len;
    seed_len -= len;
    return len;
}

static struct source sources[SOURCES] = {
    [CPU] = { .name = "CPU", .read = board_entropy },
    [RNG] = { .name = "virtio-rng", .read = rng_read },
    [SEED] = { .name = "seed file", .read = seed_read },
};

/* FNV-1a: it need not be strong, only different for different blocks. */
static uint64_t digest(const uint8_t *p, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* Blocks under two words are too short to judge. */
static bool looks_stuck(struct source *s, const uint8_t *p, size_t len)
{
    uint64_t h;

    if (len < 2 * WORD)
        return false;
    for (size_t i = WORD; i + WORD <= len; i += WORD) {
        if (memcmp(p + i - WORD, p + i, WORD) == 0)
            return true;
    }
    h = digest(p, 2 * WORD);
    if (s->gave && h == s->last)
        return true;
    s->last = h;
    return false;
}

static size_t take(struct source *s, uint8_t *out, size_t len)
{
    size_t got = s->stuck || len == 0 ? 0 : s->read(out, len);

    if (got > len)
        got = 0;
    if (looks_stuck(s, out, got)) {
        log_say("%s: repeats itself: not used as entropy", s->name);
        s->stuck = true;
        wipe(out, got);
        got = 0;
    }
    if (got != 0)
        s->gave = true;
    return got;
}

size_t entropy_read(uint8_t *out, size_t len)
{
    size_t at = 0, before;

    /* shares first, then whatever still lacks from whoever still gives */
    for (size_t i = 0; i < SOURCES; i++)
        at += take(&sources[i], out + at, (len - at) / (SOURCES - i));
    do {
        before = at;
        for (size_t i = 0; i < SOURCES; i++)
            at += take(&sources[i], out + at, len - at);
    } while (at < len && at != before);
    return at;
}

const char *entropy_sources(void)
{
    size_t at = 0;

    for (size_t i = 0; i < SOURCES; i++) {
        size_t n = strlen(sources[i].name);

        if (!sources[i].gave || sources[i].stuck || at + n + 3 > sizeof(names))
            continue;
        if (at != 0) {
            memcpy(names + at, ", ", 2);
            at += 2;
        }
        memcpy(names + at, sources[i].name, n);
        at += n;
    }
    names[at] = '\0';
    return names;
}

void entropy_add_seed(const uint8_t *p, size_t len)
{
    seed = p;
    seed_len = len;
}
