/*
 * power.c - the end: tell the host the status, then switch off.
 *
 * In this order, each step only reached if the one before did not work:
 *   1. QEMU's isa-debug-exit at 0xf4 (the launcher's) or 0x501 (its default):
 *      QEMU ends with 2 * status + 1
 *   2. ACPI S5 (ACPI 6.5, 4.8.3.2 and 4.8.3.7, 7.4.2)
 *   3. reset by ACPI's register (4.8.3.6)
 *   4. reset by the keyboard controller, which microVMs take for the end
 *   5. reset by triple fault
 *   6. stop with interrupts off
 * A restart that was asked for is 3 to 5, and says no status: isa-debug-exit
 * would end QEMU. Runs in traps too: no heap, no interrupts, bounded waits.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "debug_exit.h"

#define SCI_EN  1u
#define SLP_EN  (1u << 13)
#define WAIT_NS 20000000ull /* for a machine that is slow to go */

static void reg_write8(struct acpi_io reg, uint8_t v)
{
    volatile uint8_t *p;

    if (reg.io) {
        cpu_out8((uint16_t)reg.addr, v);
        return;
    }
    p = mem_map(reg.addr, 1, MEM_DEV);
    if (p != NULL)
        *p = v;
}

/* 4.8.3.2: PM1 control blocks are 16 bits; only I/O ones are known */
static void pm1_sleep(struct acpi_io reg, uint8_t type)
{
    uint16_t v;

    if (!reg.io || reg.addr == 0)
        return;
    v = cpu_in16((uint16_t)reg.addr);
    v = (uint16_t)((v & ~0x1c00u) | (uint16_t)(type << 10));
    cpu_out16((uint16_t)reg.addr, v);
    cpu_out16((uint16_t)reg.addr, (uint16_t)(v | SLP_EN));
}

/* 4.8.2.5: the firmware owns the power registers until told otherwise */
static void acpi_enable(const struct acpi_fadt *f)
{
    int i;

    if (f->smi_port == 0 || f->acpi_enable == 0 || !f->pm1a.io ||
        f->pm1a.addr == 0)
        return;
    if ((cpu_in16((uint16_t)f->pm1a.addr) & SCI_EN) != 0)
        return;
    cpu_out8((uint16_t)f->smi_port, f->acpi_enable);
    for (i = 0; i < 1000; i++)
        if ((cpu_in16((uint16_t)f->pm1a.addr) & SCI_EN) != 0)
            return;
}

static void acpi_off(void)
{
    struct acpi_fadt f;
    uint8_t type[2];

    if (!acpi_fadt(true, &f) || !acpi_s5(f.dsdt, type))
        return;
    if (f.hw_reduced) {
        if (f.sleep_control.addr != 0)
            reg_write8(f.sleep_control, (uint8_t)(type[0] << 2 | 0x20));
    } else {
        acpi_enable(&f);
        pm1_sleep(f.pm1a, type[0]);
        pm1_sleep(f.pm1b, type[1]);
    }
    clock_spin(WAIT_NS);
}

/* 4.8.3.6 */
static void acpi_reset(void)
{
    struct acpi_fadt f;

    if (!acpi_fadt(true, &f) || f.reset.addr == 0)
        return;
    reg_write8(f.reset, f.reset_value);
    clock_spin(WAIT_NS);
}

static void keyboard_reset(void)
{
    int i;

    for (i = 0; i < 1000 && (cpu_in8(0x64) & 2) != 0; i++)
        cpu_pause();
    cpu_out8(0x64, 0xfe);
    clock_spin(WAIT_NS);
}

_Noreturn void board_exit(int status)
{
    static bool again;

    __asm__ volatile("cli");
    if (!again) { /* a fault in here goes straight to the end */
        again = true;
        console_end();
        debug_exit(status);
        acpi_off();
        acpi_reset();
        keyboard_reset();
    }
    debug_exit(status);
    cpu_triple_fault();
}

/* A fault on the way to a restart leads to board_exit(). */
_Noreturn void board_finish(int status, enum board_end how)
{
    if (how == BOARD_POWEROFF)
        board_exit(status);
    __asm__ volatile("cli");
    console_end();
    if (how == BOARD_HALT)
        cpu_stop();
    acpi_reset();
    keyboard_reset();
    cpu_triple_fault();
}
