/*
 * console.c - the log's way out: COM1, and the first virtio console.
 *
 * COM1 works from the first instruction of C. A virtio console is found with
 * the other devices: at the start if there is no COM1, else when the program
 * looks for them. What was said before, up to 4 KiB, is said there again. A
 * device that does not read costs 0.2 s once and is then given up until it
 * does. A trap in the middle of a write here goes to COM1 alone.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "console.h"
#include "devices.h"
#include "log.h"
#include "uart.h"

#define EARLY   4096
#define WAIT_NS 200000000ull
#define SPINS   2000000u /* however slow the clock is */

static bool have_uart, tried;

static char early[EARLY];
static size_t early_len; /* all that was said; the ring holds its end */

static struct virtio_console con;
static bool up, busy, stuck;

void console_init(void)
{
    have_uart = uart_init();
}

/* --------------------------------------------------------- virtio console */

/* Waits until the device has room (or, all: nothing in hand any more). */
static bool wait(bool all)
{
    uint64_t end = board_now_ns() + WAIT_NS;
    uint32_t i;

    for (i = 0; i < SPINS; i++) {
        if (all ? virtio_console_done(&con)
                : con.out.in_flight < con.out.size) {
            stuck = false;
            return true;
        }
        (void)virtio_console_done(&con); /* takes back what was read */
        if (stuck || board_now_ns() >= end)
            break;
        cpu_pause();
    }
    stuck = true;
    return false;
}

static void put(const char *p, size_t len)
{
    size_t n;

    busy = true;
    while (len != 0 && con.out.error == NULL) {
        n = virtio_console_write(&con, p, len);
        p += n;
        len -= n;
        if (n == 0 && !wait(false))
            break;
    }
    busy = false;
}

static void replay(void)
{
    size_t at = early_len % EARLY;

    if (early_len > EARLY)
        put(early + at, EARLY - at);
    put(early, at);
}

static void remember(const char *p, size_t len)
{
    while (len-- != 0)
        early[early_len++ % EARLY] = *p++;
}

void console_open(void)
{
    const struct virtio_dev *devs;
    const char *why = NULL;
    size_t i, n;

    if (tried)
        return;
    tried = true;
    n = devices_virtio(&devs);
    for (i = 0; i < n && !up; i++) {
        if (devs[i].id != VIRTIO_ID_CONSOLE)
            continue;
        if (virtio_console_open(&con, &devs[i], &why)) {
            up = true;
            replay();
        } else {
            log_say("%s: %s", devs[i].name, why);
        }
    }
}

bool console_seen(void)
{
    return have_uart;
}

/* The last words must be out before the machine is gone. */
void console_end(void)
{
    if (up && !busy) {
        busy = true;
        wait(true);
        busy = false;
    }
}

void board_write(const char *p, size_t len)
{
    uart_write(p, len);
    if (!up)
        remember(p, len);
    else if (!busy)
        put(p, len);
}
