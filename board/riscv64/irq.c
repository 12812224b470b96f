/*
 * irq.c - interrupts, whose only work is to end board_idle().
 *
 * They stay masked (sstatus.SIE) all the time: wfi ends when one is pending,
 * and what is pending is taken from its controller then. The controllers:
 * PLIC; AIA's APLIC alone; APLIC and IMSIC, where all come as messages.
 */
#include "board.h"
#include "machine.h"

#include "arch/riscv64/cpu.h"
#include "boot.h"
#include "devices.h"
#include "dt/dt.h"
#include "platform.h"

#define TAKE_MAX 64 /* interrupts taken for one end of a sleep */

static bool (*enable)(const struct dt_irq *irq); /* wired ones */
static bool (*take)(void);
static bool messages;

static bool none_taken(void)
{
    return false;
}

bool irq_arrives(int controller, size_t index, uint32_t cause)
{
    struct dt_irq irq;

    return dt_irq(controller, index, &irq) && irq.cells == 1 &&
           irq.cell[0] == cause && dt_parent(irq.controller) == hart_node();
}

const char *irq_init(void)
{
    const char *name = "no interrupts";

    take = none_taken;
    if (imsic_init()) {
        messages = true;
        take = imsic_take;
        enable = aplic_init(true) ? aplic_enable : NULL;
        name = enable != NULL ? "APLIC and IMSIC" : "IMSIC";
    } else if (aplic_init(false)) {
        take = aplic_take;
        enable = aplic_enable;
        name = "APLIC";
    } else if (plic_init()) {
        take = plic_take;
        enable = plic_enable;
        name = "PLIC";
    }
    cpu_write("sie", SIP_TIMER | SIP_EXTERNAL);
    return name;
}

bool platform_irq(const struct dt_irq *irq)
{
    return enable != NULL && enable(irq);
}

bool platform_msi(uint32_t bdf, uint64_t *address, uint32_t *data)
{
    (void)bdf; /* one message for all */
    *address = messages ? imsic_address() : 0;
    *data = IMSIC_ID;
    return messages;
}

/* Everything pending is taken; a line that nobody lowers comes again, and
 * then the sleep ends again, which is all that can be done about it. */
static bool device_came(void)
{
    unsigned n = 0;

    if ((cpu_read("sip") & SIP_EXTERNAL) == 0)
        return false;
    while (n < TAKE_MAX && take()) {
        devices_ack();
        n++;
    }
    return true;
}

void board_idle(uint64_t until_ns)
{
    uint64_t now = board_now_ns();

    while (!device_came() && now < until_ns) {
        timer_arm(until_ns - now);
        cpu_sleep();
        now = board_now_ns();
    }
    timer_off();
}
