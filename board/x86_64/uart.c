/*
 * uart.c - a 16550 at 0x3f8 (COM1), if there is one.
 *
 * Polled. The transmit FIFO holds 16 bytes, so its status is asked once per
 * 16 bytes. A port that never gets ready (no host reads, or none there) costs
 * a bounded wait once and is then given up until it is ready again.
 */
#include "uart.h"

#include "arch/x86_64/cpu.h"

#define COM1 0x3f8
enum { THR = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5, SCR = 7 };

#define LSR_THRE   0x20
#define FIFO       16
#define WAIT_READS 200000 /* at 1 us each: 0.2 s */

static bool present, stuck;

bool uart_init(void)
{
    cpu_out8(COM1 + SCR, 0xa5);
    if (cpu_in8(COM1 + SCR) != 0xa5)
        return false;
    cpu_out8(COM1 + IER, 0);
    cpu_out8(COM1 + LCR, 0x80); /* divisor: 115200 baud */
    cpu_out8(COM1 + THR, 1);
    cpu_out8(COM1 + IER, 0);
    cpu_out8(COM1 + LCR, 0x03); /* 8 data bits, no parity */
    cpu_out8(COM1 + FCR, 0x07); /* FIFO on and empty      */
    cpu_out8(COM1 + MCR, 0x03); /* DTR, RTS               */
    present = true;
    return true;
}

static bool ready(void)
{
    unsigned i, limit = stuck ? 1 : WAIT_READS;

    for (i = 0; i < limit; i++) {
        if ((cpu_in8(COM1 + LSR) & LSR_THRE) != 0) {
            stuck = false;
            return true;
        }
        cpu_pause();
    }
    stuck = true;
    return false;
}

void uart_write(const char *p, size_t len)
{
    size_t i;

    if (!present)
        return;
    for (i = 0; i < len; i++) {
        if (i % FIFO == 0 && !ready())
            return;
        cpu_out8(COM1 + THR, (uint8_t)p[i]);
    }
}
