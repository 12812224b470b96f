/* includes: kernel kernel/virtio tests/fuzz */
/*
 * virtio_ring.c - the ring alone, of any size, against a count of our own of
 * what the device has. hostile.h poisons the buffers and checks each id and
 * length.
 */
#include "hostile.h"

static struct vring_mem memory;
static struct vring ring;

/* exactly as long as the ring is told, from the heap */
static uint8_t *buffer[VRING_MAX];
static size_t held;

static void post(uint16_t id)
{
    uint32_t len = 1 + (id * 37u) % 200;

    if (buffer[id % VRING_MAX] == NULL)
        buffer[id % VRING_MAX] = calloc(1, 1 + id % VRING_MAX * 37u % 200);
    if (id >= VRING_MAX || device.queue[0].held[id].p != NULL) {
        MUST(!ring_post(&ring, id, &memory, len, true));
        return;
    }
    if (vring_post(&ring, id, buffer[id], len, (next(1) & 1) != 0))
        held++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint16_t id;
    uint32_t n;
    unsigned kind;

    input(data, len);
    (void)begin(0);
    kind = next(1);
    vring_reset(&ring, &memory, 0, (uint16_t)(1u << (kind & 7)),
                (kind & 8) != 0);
    device.queue[0].vr = &ring;
    held = 0;
    while (in_left > 0) {
        const char *error = ring.error;

        switch (next(1) & 7) {
        case 0:
        case 1:
            post((uint16_t)next(1));
            break;
        case 2:
            (void)vring_arm(&ring);
            break;
        case 3:
            vring_disarm(&ring);
            break;
        case 4:
            (void)vring_should_kick(&ring);
            break;
        case 5:
            act();
            break;
        default:
            if (vring_take(&ring, &id, &n))
                held--;
        }
        MUST(ring.in_flight == held && held <= ring.size);
        MUST(error == NULL || (ring.error == error)); /* a lie is for ever */
    }
    let_go();
    for (unsigned i = 0; i < VRING_MAX; i++) {
        free(buffer[i]);
        buffer[i] = NULL;
    }
    return 0;
}
