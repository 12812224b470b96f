/* sources: kernel/virtio/virtio.c */
/* includes: kernel kernel/virtio board tests/fuzz */
/*
 * virtio_rng.c - the entropy device's driver against one that lies. Time goes
 * on when it sleeps; no byte may come out that was handed out before.
 */
#include "hostile.h"

#include "../../kernel/virtio/rng.c"

static uint64_t now;
static struct virtio_rng rng;

uint64_t board_now_ns(void)
{
    return now += 1000;
}

void board_idle(uint64_t until_ns)
{
    act();
    if (until_ns > now)
        now = until_ns;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t out[600];
    struct virtio_dev dev;
    const char *why = NULL;

    input(data, len);
    dev = begin(VIRTIO_ID_RNG);
    memset(&rng, 0, sizeof(rng));
    now = 0;
    if (!virtio_rng_open(&rng, &dev, &why)) {
        MUST(why != NULL && strlen(why) > 5);
        return 0;
    }
    while (in_left > 0) {
        size_t want = next(2) % sizeof(out), n;

        act();
        n = virtio_rng_read(&rng, out, want, now + 5000000);
        MUST(n <= want);
        MUST(rng.used <= rng.have && rng.have <= sizeof(rng.buf));
        for (size_t i = 0;
             rng.ring.error == NULL && i < rng.used && rng.used < rng.have; i++)
            MUST(rng.buf[i] == 0); /* wiped */
    }
    return 0;
}
