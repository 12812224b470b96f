/*
 * aplic.c - the interrupt controller of wired interrupts in RISC-V's Advanced
 * Interrupt Architecture 1.0, chapter 4.
 *
 * Two domains: M-mode's gets all sources and gives them to S-mode's. Firmware
 * has done that; where there is none, aplic_init() does, and tells the IMSIC's
 * place (4.9.3, only the root domain can). Interrupts come directly (4.8.1.1)
 * or as messages to the IMSIC.
 */
#include "machine.h"

#include "dt/dt.h"
#include "paging.h"
#include "ram.h"

enum {
    DOMAINCFG = 0x0000,
    SOURCECFG = 0x0004, /* of source 1 */
    MMSIADDRCFG = 0x1bc0,
    MMSIADDRCFGH = 0x1bc4,
    SMSIADDRCFG = 0x1bc8,
    SMSIADDRCFGH = 0x1bcc,
    SETIENUM = 0x1edc,
    TARGET = 0x3004, /* of source 1 */
    IDC = 0x4000,
    IDC_STRIDE = 32,
    IDC_DELIVERY = 0x00,
    IDC_THRESHOLD = 0x08,
    IDC_CLAIM = 0x1c,
    REGISTERS = 0x4000,
};
enum {
    DOMAINCFG_IE = 0x100,
    DOMAINCFG_MESSAGES = 4,
    SOURCECFG_DELEGATE = 0x400,
    SOURCES_MAX = 1023,
    HARTS_MAX = 16384,
    HART_SHIFT = 18,
    HIGH_LHXW = 12, /* MMSIADDRCFGH: bits of the hart's number */
    HIGH_LHXS = 20, /* and how far up in the page number       */
    BASE_HIGH_BITS = 0xfff,
};

static volatile uint8_t *aplic;
static int domain = DT_NONE;
static uint32_t hart, sources;
static bool messages;

static volatile uint32_t *reg(volatile uint8_t *base, uint64_t off)
{
    return (volatile uint32_t *)(volatile void *)(base + off);
}

static volatile uint8_t *map(int node, uint64_t least)
{
    struct dt_range r;

    if (!dt_reg(node, 0, &r) || r.start % 4096 != 0 || r.size < least ||
        ram_has(r.start, r.size))
        return NULL;
    return mem_map(r.start, r.size, MEM_DEV);
}

/* S-mode's: it interrupts this hart's S-mode, or sends to an IMSIC that
 * does. */
static bool is_ours(int node, bool by_message)
{
    uint32_t parent;
    struct dt_irq irq;

    if (by_message) {
        if (!dt_cell(node, "msi-parent", 0, &parent))
            return false;
        node = dt_phandle(parent);
    }
    for (hart = 0; hart < HARTS_MAX; hart++) {
        if (irq_arrives(node, hart, IRQ_S_EXTERNAL))
            return true;
        if (!dt_irq(node, hart, &irq))
            return false;
    }
    return false;
}

static bool find_domain(bool by_message)
{
    domain = DT_NONE;
    do
        domain = dt_find(domain, "riscv,aplic");
    while (domain != DT_NONE && !is_ours(domain, by_message));
    return domain != DT_NONE;
}

/* The domain that lists ours among its children, and at which place. */
static int parent_of(int child, uint32_t *place)
{
    int node = DT_NONE;
    uint32_t phandle;

    while ((node = dt_find(node, "riscv,aplic")) != DT_NONE)
        for (*place = 0; dt_cell(node, "riscv,children", *place, &phandle);
             ++*place)
            if (dt_phandle(phandle) == child)
                return node;
    return DT_NONE;
}

/* 4.9.3: page numbers of the interrupt files, and how they follow from a
 * hart's number. */
static bool tell_imsic(volatile uint8_t *root)
{
    struct imsic_layout m, s;

    if (!imsic_layout(true, &m) || !imsic_layout(false, &s))
        return false;
    *reg(root, MMSIADDRCFG) = (uint32_t)(m.base >> 12);
    *reg(root, MMSIADDRCFGH) = m.guest_bits << HIGH_LHXS |
                               m.hart_bits << HIGH_LHXW |
                               (uint32_t)(m.base >> 44 & BASE_HIGH_BITS);
    *reg(root, SMSIADDRCFG) = (uint32_t)(s.base >> 12);
    *reg(root, SMSIADDRCFGH) =
        s.guest_bits << HIGH_LHXS | (uint32_t)(s.base >> 44 & BASE_HIGH_BITS);
    return true;
}

/* What firmware would have done. */
static bool delegate(bool by_message)
{
    volatile uint8_t *root;
    uint32_t place, i;
    int node = parent_of(domain, &place);

    if (node == DT_NONE)
        return true; /* there is no M-mode domain above */
    root = map(node, REGISTERS);
    if (root == NULL || (by_message && !tell_imsic(root)))
        return false;
    for (i = 0; i < sources; i++)
        *reg(root, SOURCECFG + 4 * (uint64_t)i) = SOURCECFG_DELEGATE | place;
    return true;
}

bool aplic_init(bool by_message)
{
    volatile uint8_t *idc;

    if (!find_domain(by_message) ||
        !dt_cell(domain, "riscv,num-sources", 0, &sources))
        return false;
    if (sources > SOURCES_MAX)
        sources = SOURCES_MAX;
    messages = by_message;
    aplic = map(domain, by_message ? REGISTERS : IDC + IDC_STRIDE * (hart + 1));
    if (aplic == NULL || (!have_sbi() && !delegate(by_message)))
        return false;
    *reg(aplic, DOMAINCFG) = DOMAINCFG_IE | (messages ? DOMAINCFG_MESSAGES : 0);
    if (!messages) {
        idc = aplic + IDC + IDC_STRIDE * (uint64_t)hart;
        *reg(idc, IDC_THRESHOLD) = 0;
        *reg(idc, IDC_DELIVERY) = 1;
    }
    return true;
}

/* Trigger types of interrupt specifiers, as source modes (4.5.2). */
static uint32_t mode_of(uint32_t type)
{
    switch (type) {
    case 1:
        return 4; /* rising edge  */
    case 2:
        return 5; /* falling edge */
    case 8:
        return 7; /* level low    */
    default:
        return 6; /* level high   */
    }
}

bool aplic_enable(const struct dt_irq *irq)
{
    uint32_t source = irq->cell[0];
    volatile uint32_t *config;

    if (irq->controller != domain || source == 0 || source > sources)
        return false;
    config = reg(aplic, SOURCECFG + 4 * (uint64_t)(source - 1));
    *config = mode_of(irq->cell[1]);
    *reg(aplic, TARGET + 4 * (uint64_t)(source - 1)) =
        hart << HART_SHIFT | (messages ? IMSIC_ID : 1 /* priority */);
    *reg(aplic, SETIENUM) = source;
    return *config != 0; /* a source that is not ours stays 0 */
}

bool aplic_take(void)
{
    return *reg(aplic, IDC + IDC_STRIDE * (uint64_t)hart + IDC_CLAIM) != 0;
}
