/*
 * plic.c - the platform-level interrupt controller (RISC-V PLIC 1.0).
 *
 * One context for each hart and mode, in the order of interrupts-extended:
 * ours is the one that arrives at this hart as S-mode's external interrupt.
 */
#include "machine.h"

#include "dt/dt.h"
#include "paging.h"
#include "ram.h"

enum {
    PRIORITY = 0x0,
    ENABLE = 0x2000,
    ENABLE_STRIDE = 0x80,
    THRESHOLD = 0x200000,
    CONTEXT_STRIDE = 0x1000,
    CLAIM = 4,
    SOURCES_MAX = 1024,
    CONTEXTS_MAX = 15872,
};

static volatile uint8_t *plic;
static int node;
static size_t context;

static volatile uint32_t *reg(uint64_t off)
{
    return (volatile uint32_t *)(volatile void *)(plic + off);
}

static bool find_context(void)
{
    struct dt_irq irq;

    for (context = 0; context < CONTEXTS_MAX; context++) {
        if (irq_arrives(node, context, IRQ_S_EXTERNAL))
            return true;
        if (!dt_irq(node, context, &irq))
            return false;
    }
    return false;
}

bool plic_init(void)
{
    struct dt_range r;
    uint64_t i;

    node = dt_find(DT_NONE, "riscv,plic0");
    if (node == DT_NONE)
        node = dt_find(DT_NONE, "sifive,plic-1.0.0");
    if (node == DT_NONE || !dt_reg(node, 0, &r) || !find_context() ||
        r.start % 4096 != 0 || ram_has(r.start, r.size) ||
        r.size < THRESHOLD + (context + 1) * CONTEXT_STRIDE)
        return false;
    plic = mem_map(r.start, r.size, MEM_DEV);
    if (plic == NULL)
        return false;
    for (i = 0; i < SOURCES_MAX / 32; i++)
        *reg(ENABLE + ENABLE_STRIDE * context + 4 * i) = 0;
    *reg(THRESHOLD + CONTEXT_STRIDE * context) = 0;
    return true;
}

bool plic_enable(const struct dt_irq *irq)
{
    uint32_t source = irq->cell[0];
    volatile uint32_t *word;

    if (irq->controller != node || source == 0 || source >= SOURCES_MAX)
        return false;
    word = reg(ENABLE + ENABLE_STRIDE * context + source / 32 * 4);
    *reg(PRIORITY + 4 * (uint64_t)source) = 1;
    *word |= 1u << source % 32;
    return (*word >> source % 32 & 1) != 0;
}

bool plic_take(void)
{
    volatile uint32_t *claim =
        reg(THRESHOLD + CONTEXT_STRIDE * context + CLAIM);
    uint32_t source = *claim;

    if (source != 0)
        *claim = source;
    return source != 0;
}
