/*
 * console.c - virtio 1.2, 5.3: queue 0 is what the user types, queue 1 what
 * we say. Both are set up, since some hosts start the device only then; the
 * first gets no buffers.
 */
#include "console.h"

#include <string.h>

#define EVENT_IDX (1ull << 29)

bool virtio_console_open(struct virtio_console *con,
                         const struct virtio_dev *dev, const char **why)
{
    con->dev = *dev;
    if (!virtio_start(&con->dev, EVENT_IDX, 0, why) ||
        !virtio_queue(&con->dev, 0, &con->in, &con->in_mem, 1, why) ||
        !virtio_queue(&con->dev, 1, &con->out, &con->out_mem,
                      VIRTIO_CONSOLE_BUFS, why))
        return false;
    virtio_ready(&con->dev);
    return true;
}

/* What the device has read comes back. */
static void reap(struct virtio_console *con)
{
    uint16_t id;
    uint32_t len;
    bool was_well = con->out.error == NULL;

    while (vring_take(&con->out, &id, &len))
        ;
    if (was_well && con->out.error != NULL)
        virtio_fail(&con->dev);
}

size_t virtio_console_write(struct virtio_console *con, const char *p,
                            size_t len)
{
    size_t done = 0;
    uint16_t id;

    reap(con);
    if (con->out.error != NULL)
        return 0;
    for (id = 0; id < con->out.size && done < len; id++) {
        size_t n = len - done;

        if (con->out.slot[id].device_owned)
            continue;
        if (n > VIRTIO_CONSOLE_BYTES)
            n = VIRTIO_CONSOLE_BYTES;
        memcpy(con->buf[id], p + done, n);
        if (!vring_post(&con->out, id, con->buf[id], (uint32_t)n, false))
            break;
        done += n;
    }
    vring_kick(&con->dev, &con->out);
    return done;
}

bool virtio_console_done(struct virtio_console *con)
{
    reap(con);
    return con->out.error != NULL || con->out.in_flight == 0;
}
