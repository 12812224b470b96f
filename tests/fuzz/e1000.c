/* sources: net/nic_memory.c */
/* includes: kernel net tests/fuzz */
/*
 * e1000.c - Intel's cards' driver against a card that lies: registers and
 * descriptors change between two calls of the driver, and within one whenever
 * it looks at the clock. Of the buffers only what the driver has handed out
 * may be touched; the rest is poisoned.
 */
#include "fuzz.h"

#include "../../net/e1000.c"

static _Alignas(4096) uint8_t registers[REGISTERS];
static uint64_t now;
static void (*lower_line)(void);

/* One thing that a card can do. */
static void act(void)
{
    unsigned what = next(1), n = next(1);

    switch (what & 7) {
    case 0: /* any register, of the first bytes or of the rings */
        memcpy(registers + (next(2) % REGISTERS & ~3u), &(uint32_t){ next(4) },
               4);
        break;
    case 1:
        *(uint32_t *)(void *)(registers + CTRL) &= ~CTRL_RST;
        break;
    case 2:
        *(uint32_t *)(void *)(registers + EERD) |=
            next(2) << 16 | EERD_DONE | 2u;
        break;
    case 3:
        tx_ring[n % TX_RING].status = (uint8_t)next(1);
        break;
    case 4:
        ((volatile uint8_t *)rx_ring)[next(2) % sizeof(rx_ring)] = next(1);
        break;
    case 5:
        ((volatile uint8_t *)tx_ring)[next(2) % sizeof(tx_ring)] = next(1);
        break;
    default: /* an honest frame where the driver looks, or any */
        if ((what & 8) != 0)
            n = card.rx_next;
        rx_ring[n % RX_RING].length = (uint16_t)next(2);
        rx_ring[n % RX_RING].errors = (what & 16) != 0 ? (uint8_t)next(1) : 0;
        rx_ring[n % RX_RING].status =
            (what & 32) != 0 ? (uint8_t)next(1) : RX_DD | RX_EOP;
    }
}

uint64_t clock_ms(void)
{
    act();
    return now += 1 + next(1) % 8;
}

void devices_ack_also(void (*lower_it)(void))
{
    lower_line = lower_it;
}

void pci_dev_open(struct pci_dev *dev, const struct pci_id *id)
{
    dev->id = *id;
    dev->why = "there is no memory";
}

volatile uint8_t *pci_dev_map(struct pci_dev *dev, uint8_t bar, uint32_t off,
                              uint32_t len)
{
    (void)dev;
    MUST(bar == 0 && off == 0 && len <= sizeof(registers));
    return next(1) == 0xff ? NULL : registers;
}

enum irq pci_dev_irq(struct pci_dev *dev, uint8_t kind, bool *message)
{
    (void)dev;
    (void)kind;
    *message = (next(1) & 1) != 0;
    return IRQ_SURE;
}

void pci_dev_master(const struct pci_dev *dev, bool on)
{
    (void)dev;
    (void)on;
}

static bool ours(const uint8_t *p, size_t n)
{
    return p >= nic_memory && n <= NIC_MEMORY &&
           (size_t)(p - nic_memory) <= NIC_MEMORY - n;
}

static void look(struct netdev *nd)
{
    size_t n = 0;
    const uint8_t *p = nd->ops->rx_peek(nd, &n);

    if (p == NULL)
        return;
    MUST(ours(p, n) && n >= ETH_HDR && n <= BUFFER);
    MUST((size_t)(p - nic_memory) % BUFFER + n <= BUFFER);
    MUST((size_t)(p - nic_memory) / BUFFER < RX_RING);
    if ((next(1) & 3) != 0)
        nd->ops->rx_done(nd);
}

static void fill(struct netdev *nd)
{
    size_t cap = 0;
    uint8_t *p = nd->ops->tx_buf(nd, &cap);

    if (p == NULL)
        return;
    MUST(ours(p, cap) && cap == MTU + ETH_HDR);
    MUST((size_t)(p - nic_memory) / BUFFER >= RX_RING);
    __asan_unpoison_memory_region(p, cap);
    memset(p, 0x5a, cap);
    __asan_poison_memory_region(nic_memory, NIC_MEMORY);
    nd->ops->tx_send(nd, next(1) == 0 ? next(2) : 60);
}

static void drive(struct netdev *nd)
{
    switch (next(1) & 7) {
    case 0:
        (void)nd->ops->arm(nd);
        break;
    case 1:
        (void)nd->ops->link_up(nd);
        break;
    case 2:
        nd->ops->rx_done(nd);
        break;
    case 3:
        if (lower_line != NULL)
            lower_line();
        break;
    case 4:
    case 5:
        fill(nd);
        break;
    default:
        look(nd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct pci_id id = { .vendor = VENDOR_INTEL };
    const char *why = NULL;
    struct netdev *nd;

    input(data, len);
    id.device = models[next(1) % MODELS].device;
    memset(registers, 0, sizeof(registers));
    *(uint32_t *)(void *)(registers + RAL) = next(4) & ~1u;
    *(uint32_t *)(void *)(registers + RAH) = RAH_AV | next(2);
    card_open = false;
    lower_line = NULL;
    now = 0;
    __asan_poison_memory_region(nic_memory, NIC_MEMORY);
    nd = e1000_driver.open(&id, &why);
    MUST(nd != NULL || (why != NULL && strlen(why) > 10));
    while (nd != NULL && in_left > 0) {
        act();
        drive(nd);
    }
    if (nd != NULL && nd->dead != NULL) /* dead is dead */
        MUST(nd->ops->rx_peek(nd, &len) == NULL &&
             nd->ops->tx_buf(nd, &len) == NULL && !nd->ops->link_up(nd));
    __asan_unpoison_memory_region(nic_memory, NIC_MEMORY);
    return 0;
}
