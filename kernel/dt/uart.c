/*
 * uart.c - the console on a serial port that the tree describes: National's
 * 16550 and its copies, Arm's PL011 (DDI 0183).
 *
 * Polled, and nothing is ever read. A port that does not get ready costs a
 * bounded wait once and is then given up until it is ready again.
 */
#include "dt/dt.h"
#include "dt/start.h"
#include "paging.h"
#include "ram.h"

#define WAIT_READS 200000
#define BAUD       115200
#define NS_FIFO    16

/* 16550: register numbers; times 1 << reg-shift */
enum { THR = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
enum { LCR_DIVISOR = 0x80, LCR_8N1 = 0x03, LSR_EMPTY = 0x20 };

/* PL011: offsets */
enum { DR = 0x00, FR = 0x18, LCR_H = 0x2c, CR = 0x30, IMSC = 0x38 };
enum { FR_FULL = 0x20, LCR_H_8_FIFO = 0x70, CR_ON_TX = 0x101 };

struct uart {
    volatile uint8_t *base;
    unsigned shift, width; /* of 16550 registers: their distance, bytes */
    unsigned burst;        /* bytes that fit when it is ready           */
    bool (*ready)(void);
    void (*put)(uint8_t c);
};

static struct uart uart;
static bool stuck;

static uint32_t get(unsigned off)
{
    volatile uint8_t *p = uart.base + off;

    return uart.width == 4 ? *(volatile uint32_t *)(volatile void *)p : *p;
}

static void set(unsigned off, uint32_t v)
{
    volatile uint8_t *p = uart.base + off;

    if (uart.width == 4)
        *(volatile uint32_t *)(volatile void *)p = v;
    else
        *p = (uint8_t)v;
}

static bool ns_ready(void)
{
    return (get(LSR << uart.shift) & LSR_EMPTY) != 0;
}

static void ns_put(uint8_t c)
{
    set(THR << uart.shift, c);
}

static bool pl_ready(void)
{
    return (get(FR) & FR_FULL) == 0;
}

static void pl_put(uint8_t c)
{
    set(DR, c);
}

/* Without a clock-frequency the speed is what firmware made it. */
static bool ns_open(int node, uint64_t size)
{
    uint32_t v, hz, divisor;

    uart.shift = dt_cell(node, "reg-shift", 0, &v) ? v : 0;
    uart.width = dt_cell(node, "reg-io-width", 0, &v) && v == 4 ? 4 : 1;
    if (uart.shift > 3 || 8ull << uart.shift > size ||
        1u << uart.shift < uart.width) /* devices want aligned accesses */
        return false;
    set(IER << uart.shift, 0);
    if (dt_cell(node, "clock-frequency", 0, &hz) && hz >= 16 * BAUD) {
        divisor = hz / (16 * BAUD);
        set(LCR << uart.shift, LCR_DIVISOR);
        set(THR << uart.shift, divisor & 0xff);
        set(IER << uart.shift, divisor >> 8 & 0xff);
    }
    set(LCR << uart.shift, LCR_8N1);
    set(FCR << uart.shift, 7); /* FIFOs on and empty */
    set(MCR << uart.shift, 3); /* DTR, RTS           */
    uart.burst = NS_FIFO;
    uart.ready = ns_ready;
    uart.put = ns_put;
    return true;
}

static bool pl_open(int node, uint64_t size)
{
    (void)node;
    if (size < 0x48)
        return false;
    uart.width = 4;
    set(IMSC, 0);
    set(LCR_H, LCR_H_8_FIFO);
    set(CR, CR_ON_TX);
    uart.burst = 1;
    uart.ready = pl_ready;
    uart.put = pl_put;
    return true;
}

static const struct {
    const char *compatible;
    bool (*open)(int node, uint64_t size);
} kinds[] = {
    { "ns16550a", ns_open },
    { "ns16550", ns_open },
    { "arm,pl011", pl_open },
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static bool open_as(int node, size_t kind)
{
    struct dt_range r;

    if (!dt_reg(node, 0, &r) || ram_has(r.start, r.size) || r.start % 8 != 0)
        return false;
    uart.base = mem_map(r.start, r.size, MEM_DEV);
    if (uart.base == NULL || !kinds[kind].open(node, r.size)) {
        uart.base = NULL;
        return false;
    }
    return true;
}

bool dt_console(void)
{
    struct dt_chosen chosen;
    size_t i;
    int node;

    dt_chosen(&chosen);
    for (i = 0; i < KINDS; i++)
        if (dt_is(chosen.stdout_node, kinds[i].compatible) &&
            open_as(chosen.stdout_node, i))
            return true;
    for (i = 0; i < KINDS; i++) {
        node = dt_find(DT_NONE, kinds[i].compatible);
        if (node != DT_NONE && open_as(node, i))
            return true;
    }
    return false;
}

static bool ready(void)
{
    unsigned i, limit = stuck ? 1 : WAIT_READS;

    for (i = 0; i < limit; i++) {
        if (uart.ready()) {
            stuck = false;
            return true;
        }
    }
    stuck = true;
    return false;
}

void dt_console_write(const char *p, size_t len)
{
    size_t i;

    if (uart.base == NULL)
        return;
    for (i = 0; i < len; i++) {
        if (i % uart.burst == 0 && !ready())
            return;
        uart.put((uint8_t)p[i]);
    }
}
