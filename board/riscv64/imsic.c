/*
 * imsic.c - the controller of message interrupts in RISC-V's Advanced
 * Interrupt Architecture 1.0, chapter 3.
 *
 * Each hart has an interrupt file for S-mode: a page that devices write the
 * number of an interrupt to. All of ours share one number.
 */
#include "machine.h"

#include "arch/riscv64/cpu.h"
#include "dt/dt.h"
#include "ram.h"

enum { PAGE_SHIFT = 12, HARTS_MAX = 16384, BITS_MAX = 7 };

/* 3.8: registers of a file, reached through siselect */
enum { EIDELIVERY = 0x70, EITHRESHOLD = 0x72, EIE0 = 0xc0 };

static uint64_t page; /* ours; 0: there is no IMSIC */

static void set(uint64_t select, uint64_t v)
{
    cpu_write(CSR_SISELECT, select);
    cpu_write(CSR_SIREG, v);
}

static uint32_t cell_or(int node, const char *name, uint32_t otherwise)
{
    uint32_t v;

    return dt_cell(node, name, 0, &v) ? v : otherwise;
}

/* Files of one group of harts, in the order of interrupts-extended. */
static bool layout(int node, uint32_t cause, struct imsic_layout *out)
{
    struct dt_irq irq;
    struct dt_range r;
    uint32_t n = 0, bits = 0;
    bool found = false;

    while (n < HARTS_MAX && dt_irq(node, n, &irq)) {
        if (irq_arrives(node, n, cause)) {
            found = true;
            out->hart_index = n;
        }
        n++;
    }
    while (1u << bits < n)
        bits++;
    out->guest_bits = cell_or(node, "riscv,guest-index-bits", 0);
    out->hart_bits = cell_or(node, "riscv,hart-index-bits", bits);
    if (!found || cell_or(node, "riscv,group-index-bits", 0) != 0 ||
        out->guest_bits > BITS_MAX || !dt_reg(node, 0, &r) ||
        r.start % (1u << PAGE_SHIFT) != 0 || ram_has(r.start, r.size) ||
        (uint64_t)(out->hart_index + 1) << (PAGE_SHIFT + out->guest_bits) >
            r.size)
        return false;
    out->base = r.start;
    return true;
}

bool imsic_layout(bool machine, struct imsic_layout *out)
{
    uint32_t cause = machine ? IRQ_M_EXTERNAL : IRQ_S_EXTERNAL;
    int node = DT_NONE;

    while ((node = dt_find(node, "riscv,imsics")) != DT_NONE)
        if (layout(node, cause, out))
            return true;
    return false;
}

bool imsic_init(void)
{
    struct imsic_layout l;

    if (!imsic_layout(false, &l))
        return false;
    page = l.base + ((uint64_t)l.hart_index << (PAGE_SHIFT + l.guest_bits));
    set(EITHRESHOLD, 0); /* all numbers pass */
    set(EIE0, 1u << IMSIC_ID);
    set(EIDELIVERY, 1);
    return true;
}

uint64_t imsic_address(void)
{
    return page;
}

/* Reading tells the number, writing ends it (3.10). */
bool imsic_take(void)
{
    uint64_t top;

    __asm__ volatile("csrrw %0, " CSR_STOPEI ", zero" : "=r"(top) : : "memory");
    return top != 0;
}
