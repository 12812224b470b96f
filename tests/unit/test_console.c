/* sources: kernel/virtio/console.c kernel/virtio/ring.c kernel/virtio/virtio.c */
/* includes: kernel kernel/virtio net board */
/*
 * test_console.c - the virtio console: what it is given arrives whole and in
 * order, however slowly it reads; one that lies gets nothing more.
 */
#include "virtio/console.h"

#include "fakecard.h"

static struct virtio_console con;
static char said[1 << 16];
static size_t said_len;

static void open_it(void)
{
    struct virtio_dev dev = begin(&modern);
    const char *why = NULL;

    dev.id = VIRTIO_ID_CONSOLE;
    CHECK(virtio_console_open(&con, &dev, &why));
    CHECK_EQ(card.status & 4, 4); /* DRIVER_OK */
    CHECK(card.ring[0] != NULL && card.ring[1] != NULL);
    CHECK_EQ(card.accepted & 2, 0); /* no MULTIPORT */
}

/* The device reads one buffer; false: it has none. */
static bool listen(void)
{
    uint16_t id;
    uint32_t len;
    uint8_t *p = fetch(1, &id, &len);

    if (p == NULL)
        return false;
    memcpy(said + said_len, p, len);
    said_len += len;
    publish(1, id, 0);
    return true;
}

static void run_slow(void)
{
    static char text[20000];
    size_t at = 0, i, n;
    unsigned full = 0;

    open_it();
    for (i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    while (at < sizeof text) {
        n = virtio_console_write(&con, text + at, sizeof text - at);
        at += n;
        if (n == 0) {
            full++;
            CHECK(!virtio_console_done(&con));
            CHECK(listen());
        }
    }
    CHECK(full > 5);
    while (listen())
        CHECK(card.kicks[1] != 0);
    CHECK(virtio_console_done(&con));
    CHECK_MEM(said, said_len, text, sizeof text);
}

static void run_lines(void)
{
    size_t i;

    open_it();
    for (i = 0; i < 1000; i++) {
        CHECK_EQ(virtio_console_write(&con, "line\n", 5), 5);
        CHECK(listen());
    }
    CHECK_EQ(virtio_console_write(&con, "", 0), 0);
    CHECK(virtio_console_done(&con));
    CHECK_EQ(said_len, 5000);
}

/* A completion that was never given, and one given twice. */
static void run_lie(void)
{
    open_it();
    CHECK_EQ(virtio_console_write(&con, "x", 1), 1);
    publish(1, 7, 0);
    CHECK(virtio_console_done(&con));
    CHECK(con.out.error != NULL);
    CHECK_EQ(virtio_console_write(&con, "x", 1), 0);
    CHECK_EQ(card.status, 0); /* it was reset */
}

static void run_small(void)
{
    struct virtio_dev dev = begin(&modern);
    const char *why = NULL;

    card.queue_max = 1;
    CHECK(virtio_console_open(&con, &dev, &why));
    CHECK_EQ(virtio_console_write(&con, said, 2000), VIRTIO_CONSOLE_BYTES);
    dev = begin(&modern);
    card.queue_max = 0;
    CHECK(!virtio_console_open(&con, &dev, &why));
    CHECK(why != NULL);
}

CASE(slow)
CASE(lines)
CASE(lie)
CASE(small)

static const struct check_case cases[] = {
    { "slow", case_slow },
    { "lines", case_lines },
    { "lie", case_lie },
    { "small", case_small },
};

CHECK_MAIN(cases)
