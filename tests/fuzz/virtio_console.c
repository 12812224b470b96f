/* sources: kernel/virtio/virtio.c */
/* includes: kernel kernel/virtio board tests/fuzz */
/*
 * virtio_console.c - the console device's driver against one that lies.
 */
#include "hostile.h"

#include "../../kernel/virtio/console.c"

static struct virtio_console con;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char text[2000] = "a console line";
    struct virtio_dev dev;
    const char *why = NULL;

    input(data, len);
    dev = begin(VIRTIO_ID_CONSOLE);
    memset(&con, 0, sizeof(con));
    if (!virtio_console_open(&con, &dev, &why)) {
        MUST(why != NULL && strlen(why) > 5);
        return 0;
    }
    while (in_left > 0) {
        size_t want = next(2) % sizeof(text);

        act();
        if ((want & 1) != 0)
            MUST(virtio_console_write(&con, text, want) <= want);
        else
            (void)virtio_console_done(&con);
    }
    return 0;
}
